"""Rights in two directories, from the collector's files to who reaches whom, against a count that knows nothing of the project.

The count (tests/support/directory_count.py) is a breadth-first search over the raw JSON. It must name the same accounts, groups and servers
for every single account, not only as many.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np
import pytest

from hakyu.case import Case
from reach.graph import ALWAYS, NEVER, build
from reach.search import reach
from tests.support.directory_count import count_collection, count_export
from tests.support.exports import SAMPLES, new_case

ADSYNTH = SAMPLES / "12_graphs" / "adsynth_apoc_export.jsonl"
SHARPHOUND = SAMPLES / "05_active_directory" / "ad_sampledata.zip"
pytestmark = pytest.mark.skipif(not (ADSYNTH.is_file() and SHARPHOUND.is_file()), reason="the real samples are not beside the project")

BY_CONTAINMENT = ("contained", "inherited-right")
"""The steps that follow a right on a unit into the unit."""


def kernel(case: Case, kinds: Collection[str], without: Collection[str] = ()) -> dict[str, set[str]]:
    """Account -> keys of these kinds that the kernel reaches from it over the steps in the graph."""
    nodes = dict(case.cypher("MATCH (n) RETURN n.key AS key, n.kind AS kind").rows())
    rows = case.cypher("MATCH (a)-[s:STEP]->(b) RETURN a.key AS source, b.key AS target, s.rule AS rule, s.hold AS hold, s.opens AS opens").rows()
    assert all(row[4] is None for row in rows)  # a snapshot of rights says no times
    rows = [row for row in rows if row[2] not in without]
    keys = list(nodes)
    number = {key: n for n, key in enumerate(keys)}
    steps = build(
        len(keys), [number[row[0]] for row in rows], [number[row[1]] for row in rows], np.full(len(rows), ALWAYS), np.full(len(rows), NEVER),
        [row[3] == "foothold" for row in rows],
    )  # fmt: skip
    found = {}
    for key in keys:
        if nodes[key] == "Account":
            labels = reach(steps, [(number[key], 0, None)])
            found[key] = {keys[n] for n in np.unique(labels.node) if nodes[keys[n]] in kinds} - {key}
    return found


def loaded(folder: Path, file: Path) -> Case:
    case = new_case(folder)
    report = case.load([file])
    assert report.exit_code == 0 and [line.status for line in report.files] == ["loaded"]
    return case


# --- ADSynth: one made-up domain of 207 users, three of which are the built-in ones ---

LAB = "ad:S-1-5-21-883232822-274137685-4173207997"
BUILT_IN = {f"{LAB}-{number}" for number in (500, 501, 503)}


@pytest.fixture(scope="module")
def adsynth(tmp_path_factory) -> Iterator[Case]:
    case = loaded(tmp_path_factory.mktemp("adsynth"), ADSYNTH)
    yield case
    case.close()


@pytest.mark.parametrize("containment", [True, False])
def test_the_kernel_reaches_from_every_user_of_the_made_up_domain_just_what_the_count_reaches(adsynth, containment):
    count = count_export(ADSYNTH, (LAB, "ad:TESTLAB.LOCALE-S-1-5-32-"), containment=containment)  # Everyone, Interactive … are of no domain
    found = kernel(adsynth, ("Account", "Group", "Server"), () if containment else BY_CONTAINMENT)
    assert found.keys() == {name for name, kind in count.kinds.items() if kind == "User"} and len(found) == 207
    assert {key: odd for key, keys in found.items() if (odd := keys ^ count.principals(key))} == {}


def test_95_of_the_204_users_reach_domain_admins_by_rights_on_units_and_20_without_them(adsynth):
    """The 20 hold a group that is given Domain Admins or the domain itself, without a session or a unit; the other 75 need a right on a
    unit: there an administrator of machines finds somebody signed in, or sets a password. Besides them, the built-in Administrator does.
    """
    found, bare = kernel(adsynth, ("Group",)), kernel(adsynth, ("Group",), BY_CONTAINMENT)
    admins = f"{LAB}-512"
    assert Counter(key in BUILT_IN for key, keys in found.items() if admins in keys) == {False: 95, True: 1}
    assert Counter(key in BUILT_IN for key, keys in bare.items() if admins in keys) == {False: 20, True: 1}
    assert {key for key, keys in bare.items() if admins in keys} < {key for key, keys in found.items() if admins in keys}


def test_the_blast_radius_of_a_user_says_what_the_kernel_says(adsynth):
    found, bare = kernel(adsynth, ("Group", "Server", "Account")), kernel(adsynth, ("Group",), BY_CONTAINMENT)
    user = min(key for key, keys in found.items() if f"{LAB}-512" in keys and f"{LAB}-512" not in bare[key])
    blast = adsynth.blast(user, "2024-01-01", None)
    assert {row["key"] for row in blast["reached"] if row["kind"] in ("Group", "Server", "Account")} - {user} == found[user]


def test_without_sessions_67_users_reach_domain_admins_by_rights_alone(adsynth):
    found = kernel(adsynth, ("Group",), ("session-harvest",))
    assert sum(f"{LAB}-512" in keys for key, keys in found.items() if key not in BUILT_IN) == 67


def test_who_reaches_domain_admins_holds_all_209_computers_and_most_others_hold_none(adsynth):
    """A domain gives all its computers; three more users have one each, by local administration, delegation or a database."""
    found = kernel(adsynth, ("Server",))
    assert Counter(len(keys) for keys in found.values()) == {209: 96, 0: 108, 1: 3}


# --- SharpHound's sample: three domains, two of them one forest, and Exchange in the third ---

DOMAINS = {"phantom": "S-1-5-21-2697957641-2271029196-387917394", "ghost": "S-1-5-21-2845847946-3451170323-4261139666",
           "wraith": "S-1-5-21-3702535222-3822678775-2090119576"}  # fmt: skip
MAIL = "service:mail/wraith.corp"


@pytest.fixture(scope="module")
def sharphound(tmp_path_factory) -> Iterator[Case]:
    case = loaded(tmp_path_factory.mktemp("sharphound"), SHARPHOUND)
    yield case
    case.close()


@pytest.mark.parametrize("containment", [True, False])
def test_the_kernel_reaches_from_every_account_of_the_sample_just_what_the_count_reaches(sharphound, containment):
    count = count_collection(SHARPHOUND, MAIL, containment=containment)
    found = kernel(sharphound, ("Account", "Group", "Server", "Service"), () if containment else BY_CONTAINMENT)
    assert {key.removeprefix("ad:") for key in found} == {sid for sid, kind in count.kinds.items() if kind == "User"} and len(found) == 99
    wrong = {}
    for key, keys in found.items():
        mine = {k.removeprefix("ad:") for k in keys if k == MAIL or not k.startswith("service:")}
        if odd := mine ^ count.principals(key.removeprefix("ad:"), MAIL):
            wrong[key] = odd
    assert wrong == {}


def test_57_of_99_accounts_can_get_any_mailbox_and_51_by_what_exchange_and_the_servers_say(sharphound):
    """A group policy makes all users of PHANTOM administrators of four servers, where somebody is signed in who leads on; without it nine would
    be left, members of an Exchange role group or holders of its server. The directory's own rights make it 57, as each of them holds a whole
    domain, whose secrets sign in as an Exchange administrator.
    """
    directory = {step.id for step in Case.steps() if step.number.startswith("AD")}
    can = {key for key, keys in kernel(sharphound, ("Service",)).items() if MAIL in keys}
    before = {key for key, keys in kernel(sharphound, ("Service",), directory).items() if MAIL in keys}
    assert (len(can), len(before)) == (57, 51) and before < can
    opened = {key: len(keys) for key, keys in kernel(sharphound, ("Mailbox",)).items()}
    assert {key for key, boxes in opened.items() if boxes == 23} == can  # 23 mailboxes are hosted there


def test_whoever_holds_one_domain_of_the_sample_holds_all_three(sharphound):
    """Parent and child trust each other unfiltered; into the third domain leads a member of its administrators, not the filtered trust."""
    found = kernel(sharphound, ("Container",))
    held = {name: {key for key, keys in found.items() if f"ad:{sid}" in keys} for name, sid in DOMAINS.items()}
    assert held["phantom"] == held["ghost"] == held["wraith"] and len(held["ghost"]) == 57
    apart = kernel(sharphound, ("Container",), ("domain-trust",))
    assert {name: sum(f"ad:{sid}" in keys for keys in apart.values()) for name, sid in DOMAINS.items()} == {"phantom": 53, "ghost": 57, "wraith": 53}


def test_who_reaches_which_server_of_the_sample(sharphound):
    """The 57 that hold the domains reach all 34 servers, the others none."""
    found = kernel(sharphound, ("Server",))
    assert Counter(len(keys) for keys in found.values()) == {0: 42, 34: 57}
