"""Names that only all loads together can tell: distinguished names of another file's entries, tenants that a source does not name."""

from __future__ import annotations

import pytest

from graphmodel.derive import all_ambiguous
from tests.graphmodel.test_addressed import in_both_orders, problems
from tests.support.loads import edges, nodes, view_of

MEMBER = "dn:cn=hana,ou=staff,dc=x,dc=example"
ADMIN, HELP = "role:entra/global administrator", "role:entra/helpdesk administrator"


def members(out):
    out.node("Group", "ad:S-1-5-21-1-2-3-1200", "line 1", dn="cn=policy,dc=x,dc=example")
    out.edge("MEMBER_OF", ("Account", MEMBER), ("Group", "ad:S-1-5-21-1-2-3-1200"), "line 1")


@pytest.mark.parametrize(("label", "key"), [("Account", "ad:S-1-5-21-1-2-3-1104"), ("Group", "ad:S-1-5-21-1-2-3-1201"), ("Server", "ad:S-1-5-21-1-2-3-1300")])
def test_a_member_named_by_its_dn_is_the_entry_of_another_load_of_whatever_kind(tmp_path, label, key):
    found = in_both_orders(tmp_path, groups=members, entries=lambda out: out.node(label, key, "line 9", dn=MEMBER.removeprefix("dn:")))
    assert edges(found, "MEMBER_OF", "from_label", "from_key") == [(label, key)]
    assert found.edges["MEMBER_OF"]["place"].to_list() == ["line 1; named by its distinguished name"]
    assert not any(node.startswith("dn:") for frame in found.nodes.values() for node in frame["key"]) and problems(found) == []


def test_a_group_named_by_its_dn_meets_the_same_membership_said_by_the_group(tmp_path):
    key = "ad:S-1-5-21-1-2-3-1104"

    def member(out):
        out.node("Account", key, "line 5", dn=MEMBER.removeprefix("dn:"))
        out.edge("MEMBER_OF", ("Account", key), ("Group", "dn:cn=policy,dc=x,dc=example"), "line 5")

    found = in_both_orders(tmp_path, groups=members, members=member)
    assert edges(found, "MEMBER_OF") == [(key, "ad:S-1-5-21-1-2-3-1200")]


def test_a_name_that_no_load_explains_is_kept_and_reported(tmp_path):
    found = view_of(tmp_path, groups=members)
    assert edges(found, "MEMBER_OF", "from_key") == [(MEMBER,)]
    (said,) = all_ambiguous(found.nodes, found.edges)
    assert said.startswith("cn=hana,ou=staff,dc=x,dc=example: ") and "load the part" in said


def test_a_name_that_two_entries_have_is_neithers(tmp_path):
    def twice(out):
        for number in (1104, 1105):
            out.node("Account", f"ad:S-1-5-21-1-2-3-{number}", "line 9", dn=MEMBER.removeprefix("dn:"))

    assert edges(in_both_orders(tmp_path, groups=members, entries=twice), "MEMBER_OF", "from_key") == [(MEMBER,)]


# --- tenants ---


def holds(who, role, tenant="", **times):
    def say(out):
        key = f"{role}@{tenant}" if tenant else role
        out.node("Role", key, "row 1", name=role.rpartition("/")[2], system="entra")
        out.node("Container", f"tenant:{tenant}", "row 1", type="tenant")
        out.edge("CONTROLS", ("Role", key), ("Container", f"tenant:{tenant}"), "row 1", right="ResetPassword")
        out.edge("HAS_ROLE", ("Account", who), ("Role", key), "row 1", **times)

    return say


def system(*domains):
    def say(out):
        for domain in domains:
            out.node("Service", f"service:mail/{domain}", "row 1", type="mail system")

    return say


def test_roles_of_two_tenants_stay_apart(tmp_path):
    found = in_both_orders(tmp_path, a=holds("entra:1", HELP, "a.example"), b=holds("entra:2", HELP, "b.example"))
    assert edges(found, "HAS_ROLE") == [("entra:1", f"{HELP}@a.example"), ("entra:2", f"{HELP}@b.example")]
    assert edges(found, "CONTROLS") == [(f"{HELP}@a.example", "tenant:a.example"), (f"{HELP}@b.example", "tenant:b.example")]
    assert problems(found) == []


def test_a_role_of_no_named_tenant_is_the_only_ones_and_an_event_meets_the_export(tmp_path):
    found = in_both_orders(tmp_path, log=holds("entra:1", HELP, "a.example", valid_from=100), export=holds("entra:1", HELP))
    assert edges(found, "HAS_ROLE", "from_key", "to_key", "valid_from") == [("entra:1", f"{HELP}@a.example", 100)]
    assert nodes(found, "Container") == [("tenant:a.example",)] and problems(found) == []


def test_with_no_tenant_named_it_is_that_of_the_only_mail_system(tmp_path):
    found = in_both_orders(tmp_path, roles=holds("entra:1", HELP), mailboxes=system("a.example"))
    assert edges(found, "HAS_ROLE", "to_key") == [(f"{HELP}@a.example",)]


@pytest.mark.parametrize("others", [("a.example", "b.example"), ()])
def test_with_several_or_none_it_stays_unnamed_and_is_reported_where_it_could_be_anothers(tmp_path, others):
    found = in_both_orders(tmp_path, roles=holds("entra:1", HELP), mailboxes=system(*others))
    assert edges(found, "HAS_ROLE", "to_key") == [(HELP,)]
    assert [said.partition(":")[0] for said in problems(found)] == (["helpdesk administrator"] if others else [])


def accepts(out):
    out.node("Service", "service:mail/a.example", "row 1", type="mail system")
    out.edge("ACCEPTS_MAIL_FOR", ("Service", "service:mail/a.example"), ("Organisation", "domain:a.onmicrosoft.com"), "row 1", domain="a.onmicrosoft.com", type="authoritative")


def alias(out):
    out.node("Service", "service:mail/a.example", "row 1", type="mail system")
    out.edge("HOSTS", ("Service", "service:mail/a.example"), ("Mailbox", "mailbox:h@a.example"), "row 1")
    out.edge("HAS_ADDRESS", ("Mailbox", "mailbox:h@a.example"), ("Correspondent", "smtp:h@a.mail.onmicrosoft.com"), "row 1", type="alias")


def passes(out):
    out.node("Service", "service:mail/a.example", "row 1", type="mail system")
    out.edge("PASSES_THROUGH", ("Service", "service:mail/a.example"), ("Rule", "rule:a.onmicrosoft.com/transport rule/x"), "row 1")


@pytest.mark.parametrize("link", [accepts, alias, passes])
def test_a_tenants_own_name_and_its_domain_are_one_where_a_source_gives_both(tmp_path, link):
    found = in_both_orders(
        tmp_path, log=holds("entra:1", ADMIN, "a.onmicrosoft.com"), export=holds("entra:1", ADMIN, "a.example"), link=link, systems=system("a.onmicrosoft.com")
    )
    assert edges(found, "HAS_ROLE", "to_key") == [(f"{ADMIN}@a.example",)]
    services = [row[1:] for row in edges(found, "SAME_IDENTITY", "from_label", "from_key", "to_key") if row[0] == "Service"]
    assert services == [("service:mail/a.example", "service:mail/a.onmicrosoft.com")]


def test_without_such_a_source_a_tenants_name_and_a_domain_stay_two(tmp_path):
    found = in_both_orders(tmp_path, log=holds("entra:1", ADMIN, "a.onmicrosoft.com"), export=holds("entra:1", ADMIN, "a.example"))
    assert len(edges(found, "HAS_ROLE")) == 2 and edges(found, "SAME_IDENTITY") == []


def test_the_clouds_account_that_owns_a_mailbox_of_the_tenant_belongs_to_it(tmp_path):
    def mailboxes(out):
        system("a.example")(out)
        for owner in ("entra:7", "ad:S-1-5-21-1-2-3-7"):
            out.edge("OWNS", ("Account", owner), ("Mailbox", "mailbox:h@a.example"), "row 1")
        out.edge("HOSTS", ("Service", "service:mail/a.example"), ("Mailbox", "mailbox:h@a.example"), "row 1")

    found = in_both_orders(tmp_path, roles=holds("entra:1", HELP, "a.example"), mailboxes=mailboxes)
    assert edges(found, "BELONGS_TO", "from_key", "to_key", "basis") == [("entra:7", "tenant:a.example", "mailbox of the tenant")]
