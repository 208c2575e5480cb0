"""Two applications that reach every mailbox of a tenant, and who holds them: from the real configuration to the blast radius.

What must come is counted here from the files themselves, without any part of the project.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hakyu.case import Case
from loaders.entra_apps import is_mail_permission
from tests.support.exports import SAMPLES, new_case

SAMPLE = SAMPLES / "04_entra" / "entraexporter_huntress2025_angler.zip"
pytestmark = pytest.mark.skipif(not SAMPLE.is_file(), reason="the real samples are not beside the project")
MAIL_ROLES = {"Mail.Read", "Mail.ReadWrite", "Mail.ReadBasic.All", "MailboxSettings.ReadWrite", "full_access_as_app"}
OWNED = "ccc43fab-a89e-480e-ad69-ebecfca74621"
"""Service principal with the only owner."""
AFTER = "2025-10-01"


@pytest.fixture(scope="module")
def files() -> dict[tuple[str, ...], Any]:
    with zipfile.ZipFile(SAMPLE) as archive:
        return {tuple(name.split("/")): json.loads(archive.read(name).decode("utf-16")) for name in archive.namelist() if name.endswith(".json")}


@pytest.fixture(scope="module")
def readers(files) -> dict[str, tuple[str, set[str]]]:
    """Object id of a service principal -> its app id and the mail roles it has."""
    apps = {o["id"]: o for path, o in files.items() if path[0] == "ServicePrincipals" and len(path) == 3}
    names = {(id_, role["id"]): role["value"] for id_, o in apps.items() for role in o["appRoles"]}
    found: dict[str, tuple[str, set[str]]] = {}
    for path, o in files.items():
        if len(path) == 5 and path[2].startswith("AppRoleAssign") and o["principalType"] == "ServicePrincipal":
            value = names[o["resourceId"], o["appRoleId"]]
            if value in MAIL_ROLES:
                found.setdefault(o["principalId"], (apps[o["principalId"]]["appId"], set()))[1].add(value)
    return found


@pytest.fixture(scope="module")
def mailboxes(files) -> set[str]:
    users = [o for path, o in files.items() if path[0] == "Users" and len(path) == 3]
    return {f"mailbox:{o['mail'].lower()}" for o in users if any(a.startswith("SMTP:") for a in o["proxyAddresses"])}


@pytest.fixture(scope="module")
def administrators(files) -> set[str]:
    role = next(o["id"] for path, o in files.items() if path[0] == "DirectoryRoles" and o["displayName"] == "Global Administrator")
    return {o["userPrincipalName"] for path, o in files.items() if path[:2] == ("DirectoryRoles", role) and len(path) == 5}


@pytest.fixture(scope="module")
def case(tmp_path_factory) -> Iterator[Case]:
    made = new_case(tmp_path_factory.mktemp("tenant"))
    report = made.load([SAMPLE])
    assert report.exit_code == 0 and len(report.files) == 1
    yield made
    made.close()


def reached(case: Case, who: str, start: str = AFTER, until: str | None = None) -> set[str]:
    """Keys of everything an attacker who holds `who` could reach."""
    return {row["key"] for row in case.blast(who, start, until)["reached"]}


def boxes(keys: set[str]) -> set[str]:
    return {key for key in keys if key.startswith("mailbox:")}


def test_the_files_say_what_the_story_tells(readers, mailboxes, administrators):
    assert len(readers) == 2 and len(mailboxes) == 16 and len(administrators) == 3


def test_just_two_applications_open_every_mailbox(case, readers, mailboxes):
    found = case.cypher("MATCH (x:App)-[s:APP_SCOPE]->(m:Service) WHERE m.type = 'mail system' AND s.delegated IS NULL RETURN DISTINCT x.key AS key")
    assert set(found["key"]) == {f"app:{app}" for app, _ in readers.values()}
    for app, _ in readers.values():
        assert boxes(reached(case, f"app:{app}")) == mailboxes


def test_an_application_that_all_users_mail_was_granted_to_acts_on_the_mail_system_as_whoever_signs_in(case, files):
    for_all = {
        o["clientId"] for path, o in files.items()
        if "Oauth2PermissionGrants" in path and o["consentType"] == "AllPrincipals" and any(is_mail_permission(word) for word in o["scope"].split())
    }  # fmt: skip
    apps = {f"app:{files['ServicePrincipals', id_, f'{id_}.json']['appId']}" for id_ in for_all}
    found = case.cypher("MATCH (x:App)-[s:APP_SCOPE]->(m:Service) WHERE s.delegated RETURN DISTINCT x.key AS key")
    assert apps and set(found["key"]) == apps


def test_before_its_permission_was_given_an_application_opened_nothing(case, readers):
    (younger,) = [app for app, roles in readers.values() if "Mail.ReadBasic.All" in roles]
    assert boxes(reached(case, f"app:{younger}", "2025-01-01", "2025-09-01")) == set()


def test_each_global_administrator_reaches_every_mailbox_and_nobody_else_more_than_their_own(case, files, mailboxes, administrators):
    users = [o["userPrincipalName"] for path, o in files.items() if path[0] == "Users" and len(path) == 3]
    assert len(users) == 19
    for user in users:
        own = mailboxes & {f"mailbox:{user.lower()}"}
        assert boxes(reached(case, user)) == (mailboxes if user in administrators else own), user


def test_the_owner_of_the_only_owned_application_holds_it(case, files):
    (owner,) = [o for path, o in files.items() if path[:3] == ("ServicePrincipals", OWNED, "Owners")]
    app = files["ServicePrincipals", OWNED, f"{OWNED}.json"]["appId"]
    assert f"app:{app}" in reached(case, owner["userPrincipalName"])


def test_an_owner_of_an_application_that_reads_mail_inherits_every_mailbox(tmp_path: Path, files, readers, mailboxes, administrators):
    """The same tenant, had the owner's file lain one folder further: an ordinary user owns the application that reads mail."""
    reader = next(id_ for id_, (_, roles) in readers.items() if "Mail.ReadWrite" in roles)
    user = next(o for path, o in files.items() if path[0] == "Users" and o["mail"] and o["userPrincipalName"] not in administrators)
    archive = tmp_path / "tenant.zip"
    with zipfile.ZipFile(SAMPLE) as given, zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as made:
        for name in given.namelist():
            if not name.endswith("/") and "/Owners/" not in name:
                made.writestr(name, given.read(name))
        member = {"@odata.type": "#microsoft.graph.user", "id": user["id"], "userPrincipalName": user["userPrincipalName"], "displayName": "x"}
        made.writestr(f"ServicePrincipals/{reader}/Owners/{user['id']}/{user['id']}.json", json.dumps(member).encode("utf-16"))
    case = new_case(tmp_path)
    case.load([archive])
    try:
        assert boxes(reached(case, user["userPrincipalName"])) == mailboxes
        assert boxes(reached(case, "ts.admin@4rhdc6.onmicrosoft.com")) == mailboxes
    finally:
        case.close()


def test_loading_the_tenant_again_as_a_folder_changes_no_number(tmp_path: Path, case):
    folder = tmp_path / "export"
    with zipfile.ZipFile(SAMPLE) as archive:
        archive.extractall(folder)
    other = new_case(tmp_path)
    report = other.load([folder])
    again = other.load([folder, SAMPLE])
    try:
        assert [line.status for line in report.files] == ["loaded"] and [line.status for line in again.files] == ["known", "loaded"]
        count = "MATCH (n) RETURN n.kind AS kind, count(*) AS n ORDER BY kind"
        kinds = "MATCH (a)-[r]->(b) RETURN a.kind AS a, b.kind AS b, count(r.fact) AS n ORDER BY a, b"
        rows = [r for r in other.cypher(count).rows() if r[0] != "LogCoverage"]
        assert rows == [r for r in case.cypher(count).rows() if r[0] != "LogCoverage"]
        assert other.cypher(kinds).rows() == case.cypher(kinds).rows()
    finally:
        other.close()
