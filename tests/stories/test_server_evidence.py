"""What the log of a real attack confirms of servers: a service that was put on a workstation from afar, and an administrators' share that was opened.

In each log one account, pgustavo, came to WORKSTATION6 from 172.18.39.5. PsExec's log has his logon with an administrator's privileges (4624,
4672) and, in the same session, the service `Updater` (4697; once more in the log System, 7045, without a session). The other log has his logon and C$ opened.
"""

from __future__ import annotations

import pytest

from hakyu.case import Case
from tests.support.exports import SAMPLES

LOGS = SAMPLES / "06_windows_logon"
PSEXEC, SHARE = LOGS / "empire_psexec_dcerpc_tcp_svcctl.zip", LOGS / "covenant_copy_smb_CreateRequest.zip"
GUSTAVO, WORKSTATION = "ad:S-1-5-21-4228717743-1032521047-1810997296-1104", "host:workstation6.theshire.local"
pytestmark = pytest.mark.skipif(not PSEXEC.is_file(), reason="the real samples are not here")


@pytest.fixture
def case(tmp_path, request):
    opened = Case(tmp_path / "case", {})
    opened.load([request.param])
    yield opened
    opened.close()


def step_to(case: Case, start: str) -> dict | None:
    """The workstation's row, or None where it is not reached."""
    return next((row for row in case.blast(GUSTAVO, start)["reached"] if row["key"] == WORKSTATION), None)


@pytest.mark.parametrize("case", [PSEXEC, SHARE], indirect=True)
def test_without_a_mark_the_records_fit_and_whose_they_were_is_open(case):
    row = step_to(case, "2020-09-20T00:00:00Z")
    assert row is not None and row["evidence"] == "INDICATED" and row["way"][-1]["rule"] == "server-administrator"


@pytest.mark.parametrize("case", [PSEXEC], indirect=True)
def test_the_session_that_installed_the_service_confirms_the_workstation(case):
    (found,) = case.cypher("MATCH (o:Observation) WHERE o.operation = '4697' RETURN o.key AS key, o.session AS session, o.note AS note").rows()
    assert found[2] == "service Updater"
    case.mark("session", found[1])
    row = step_to(case, "2020-09-20T00:00:00Z")
    assert row is not None and row["evidence"] == "CONFIRMED"
    assert found[0] in {one["observation"] for one in row["way"][-1]["observations"]}


@pytest.mark.parametrize("case", [SHARE], indirect=True)
def test_the_address_from_which_the_share_was_opened_confirms_the_workstation(case):
    case.mark("ip", "172.18.39.5")
    row = step_to(case, "2020-09-20T00:00:00Z")
    assert row is not None and row["evidence"] == "CONFIRMED"
    operations = {operation for operation, in case.cypher("MATCH (o:Observation) WHERE o.ip = '172.18.39.5' RETURN o.operation AS operation").rows()}
    assert operations == {"4624", "5140"}


@pytest.mark.parametrize("case", [PSEXEC], indirect=True)
def test_a_compromise_that_began_after_the_records_finds_nothing_in_them(case):
    row = step_to(case, "2020-09-21T00:00:00Z")
    assert row is None or row["evidence"] == "POSSIBLE"
