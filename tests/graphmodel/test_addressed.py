"""Who is meant by an address: groups that were given a right by it, recipients named by a legacyExchangeDN; the same in any order of loads."""

from __future__ import annotations

import pytest

from graphmodel.derive import all_ambiguous
from graphmodel.ledger import Ledger
from graphmodel.merge import view
from tests.support.loads import edges, nodes, put, view_of

DN = "/o=exchangelabs/ou=x/cn=recipients/cn=ken"
WRAPPED = "imceaex-_o=exchangelabs_ou=x_cn=recipients_cn=ken@prod.outlook.com"


def in_both_orders(tmp_path, **loads):
    """The view of these loads, put into a case one by one; the same in the other order, or the test fails."""
    views = []
    for name, order in (("one", list(loads)), ("other", list(reversed(loads)))):
        ledger = Ledger(tmp_path / name)
        for load in order:
            put(ledger, **{load: loads[load]})
        views.append(view(ledger))
    one, other = views
    for part in ("nodes", "edges"):
        a, b = getattr(one, part), getattr(other, part)
        assert a.keys() == b.keys() and all(a[kind].equals(b[kind]) for kind in a)
    return one


def same(found, *labels):
    return [row[2:] for row in edges(found, "SAME_IDENTITY", "from_label", "to_label", "from_key", "to_key", "reason") if row[:2] == labels]


def problems(found):
    return all_ambiguous(found.nodes, found.edges)


# --- a right given to a group's address ---


def right(out, holder="account:staff@x.example"):
    out.node("Account", holder, "row 1", name="Staff")
    out.edge("FULL_ACCESS", ("Account", holder), ("Mailbox", "mailbox:desk@x.example"), "row 1")
    out.edge("HAS_ADDRESS", ("Account", holder), ("Correspondent", "smtp:staff@x.example"), "row 1", type="primary")


def group(out, key="group:staff@x.example", type_="primary"):
    out.edge("MEMBER_OF", ("Account", "account:hana@x.example"), ("Group", key), "row 1")
    out.edge("HAS_ADDRESS", ("Group", key), ("Correspondent", "smtp:staff@x.example"), "row 1", type=type_)


@pytest.mark.parametrize("holder", ["account:staff@x.example", "upn:staff@x.example"])
@pytest.mark.parametrize(("key", "type_"), [("group:staff@x.example", "primary"), ("ad:S-1-5-21-1-2-3-1200", "primary"), ("group:staff", "alias")])
def test_a_right_given_to_the_address_of_a_group_is_the_groups(tmp_path, holder, key, type_):
    found = in_both_orders(tmp_path, rights=lambda out: right(out, holder), groups=lambda out: group(out, key, type_))
    assert same(found, "Account", "Group") == [(holder, key, "the address staff@x.example is the group's")]
    assert problems(found) == []


def mailbox_owner(out):
    out.edge("OWNS", ("Account", "account:staff@x.example"), ("Mailbox", "mailbox:staff@x.example"), "row 1")


def of_the_directory(out):
    out.edge("HAS_ADDRESS", ("Account", "ad:S-1-5-21-1-2-3-1104"), ("Correspondent", "smtp:staff@x.example"), "row 1", type="mail")


def signed_in(out):
    out.node("Observation", "obs:log/1", "row 1", at=1)
    out.edge("OBSERVED", ("Observation", "obs:log/1"), ("Account", "account:staff@x.example"), "row 1", role="actor")


@pytest.mark.parametrize("other", [mailbox_owner, of_the_directory, signed_in])
def test_an_address_that_an_account_has_too_is_no_groups(tmp_path, other):
    found = in_both_orders(tmp_path, rights=right, groups=group, other=other)
    assert same(found, "Account", "Group") == []


def test_that_a_group_and_an_account_have_one_address_is_reported_once_with_what_to_do(tmp_path):
    found = in_both_orders(tmp_path, rights=right, groups=group, other=of_the_directory)
    (said,) = problems(found)
    assert said.startswith("staff@x.example: a group and ad:S-1-5-21-1-2-3-1104 have this address") and "correct the address" in said


def test_two_groups_of_one_directory_with_one_address_are_not_joined_and_reported(tmp_path):
    found = view_of(tmp_path, rights=right, a=lambda out: group(out, "ad:S-1-5-21-1-2-3-1"), b=lambda out: group(out, "ad:S-1-5-21-1-2-3-2"))
    assert same(found, "Account", "Group") == [] and same(found, "Group", "Group") == []
    assert [said.partition(":")[0] for said in problems(found)] == ["staff@x.example"] and "2 groups have" in problems(found)[0]


def test_groups_of_two_directories_with_one_address_are_one_and_a_right_given_to_it_is_theirs(tmp_path):
    found = in_both_orders(tmp_path, rights=right, a=lambda out: group(out, "ad:S-1-5-21-1-2-3-1"), b=group)
    assert same(found, "Group", "Group") == [("ad:S-1-5-21-1-2-3-1", "group:staff@x.example", "both have the address staff@x.example")]
    assert [row[:2] for row in same(found, "Account", "Group")] == [("account:staff@x.example", "ad:S-1-5-21-1-2-3-1")]


def test_a_right_given_to_an_address_that_is_nobodys_group_stays_an_accounts(tmp_path):
    assert same(in_both_orders(tmp_path, rights=right, groups=lambda out: group(out, type_="x500")), "Account", "Group") != []
    assert same(view_of(tmp_path / "alone", rights=right), "Account", "Group") == []


# --- legacyExchangeDN ---


def rule(out, target=f"x500:{DN}"):
    out.edge("PASSES_THROUGH", ("Mailbox", "mailbox:hana@x.example"), ("Rule", "rule:hana@x.example/inbox rule/."), "row 1")
    out.edge("FORWARDS_TO", ("Rule", "rule:hana@x.example/inbox rule/."), ("Correspondent", target), "row 1")


def mailbox(out):
    for to, type_ in (("smtp:ken@x.example", "primary"), (f"x500:{DN}", "x500")):
        out.edge("HAS_ADDRESS", ("Mailbox", "mailbox:ken@x.example"), ("Correspondent", to), "row 1", type=type_)


def test_a_target_by_legacy_exchange_dn_is_the_address_of_the_mailbox_that_has_it(tmp_path):
    found = in_both_orders(tmp_path, rules=rule, mailboxes=mailbox)
    assert same(found, "Correspondent", "Correspondent") == [("smtp:ken@x.example", f"x500:{DN}", "mailbox:ken@x.example has both addresses")]
    carried = set(found.edges["HAS_ADDRESS"]["fact"])
    (because,) = found.edges["SAME_IDENTITY"]["because"].to_list()
    assert set(because) == carried and len(carried) == 2
    assert nodes(found, "Correspondent", "key", "internal", "person") == [
        ("smtp:ken@x.example", True, "smtp:ken@x.example"), (f"x500:{DN}", True, "smtp:ken@x.example")
    ]  # fmt: skip
    assert problems(found) == []


def test_an_address_that_wraps_the_dn_becomes_one_of_the_mailboxs(tmp_path):
    found = in_both_orders(tmp_path, rules=lambda out: rule(out, f"smtp:{WRAPPED}"), mailboxes=mailbox)
    assert ("mailbox:ken@x.example", f"smtp:{WRAPPED}") in edges(found, "HAS_ADDRESS")
    assert {person for (person,) in nodes(found, "Correspondent", "person")} == {"smtp:ken@x.example"}


@pytest.mark.parametrize("target", [f"x500:{DN}", f"smtp:{WRAPPED}"])
def test_a_dn_that_no_export_explains_is_kept_and_neither_inside_nor_outside(tmp_path, target):
    found = in_both_orders(tmp_path, rules=lambda out: rule(out, target), others=lambda out: out.edge(
        "HAS_ADDRESS", ("Mailbox", "mailbox:mari@x.example"), ("Correspondent", "smtp:mari@x.example"), "row 1", type="primary"))  # fmt: skip
    flags = dict(nodes(found, "Correspondent", "key", "internal"))
    assert flags[target] is None and flags["smtp:mari@x.example"] is True
    assert not any("exchangelabs" in key for (key,) in nodes(found, "Organisation"))


def test_dns_that_no_export_explains_are_reported_in_one_line_with_what_to_do(tmp_path):
    (said,) = problems(view_of(tmp_path, rules=rule, more=lambda out: rule(out, f"x500:{DN}2")))
    assert said.startswith(f"{DN}, {DN}2: ") and "LegacyExchangeDN" in said


def test_a_contact_outside_that_a_rule_names_by_its_dn_is_outside(tmp_path):
    def contact(out):
        reason = "address and legacyExchangeDN of one contact"
        out.edge("SAME_IDENTITY", ("Correspondent", "smtp:ex@outside.example"), ("Correspondent", f"x500:{DN}"), "line 1", reason=reason)

    found = in_both_orders(tmp_path, rules=rule, contacts=contact)
    assert dict(nodes(found, "Correspondent", "key", "internal")) == {"smtp:ex@outside.example": False, f"x500:{DN}": False}
    assert problems(found) == []
