"""What follows from all loads together: who is one, who is internal, whose organisation; nothing joined without a reason."""

from __future__ import annotations

import polars as pl
import pytest

from graphmodel.derive import ambiguous, person_name
from tests.support.loads import edges, nodes, view_of

DAY = 86400


def account(out, key, address, type_="primary"):
    out.edge("HAS_ADDRESS", ("Account", key), ("Correspondent", f"smtp:{address}"), "row 1", type=type_)


def mailbox(out, address, *more):
    for own in (address, *more):
        out.edge("HAS_ADDRESS", ("Mailbox", f"mailbox:{address}"), ("Correspondent", f"smtp:{own}"), "row 1", type="primary")


def writer(out, address, name=None, **properties):
    out.node("Correspondent", f"smtp:{address}", "row 1", name=name, **properties)


def same(found, label):
    return [row[1:] for row in edges(found, "SAME_IDENTITY", "from_label", "from_key", "to_key", "reason") if row[0] == label]


def test_accounts_of_two_directories_with_one_address_are_joined_by_both_facts(tmp_path):
    def say(out):
        account(out, "ad:S-1-5-21-1", "hana@x.example", "mail")
        account(out, "entra:1", "hana@x.example", "upn")

    found = view_of(tmp_path, a=say)
    assert same(found, "Account") == [("ad:S-1-5-21-1", "entra:1", "both have the address hana@x.example")]
    carried = found.edges["HAS_ADDRESS"]["fact"].to_list()
    assert sorted(found.edges["SAME_IDENTITY"]["because"][0]) == sorted(carried)


def test_an_address_that_two_accounts_of_one_directory_claim_joins_nobody_and_is_reported(tmp_path):
    def say(out):
        account(out, "ad:S-1-5-21-1", "hana@x.example")
        account(out, "ad:S-1-5-21-2", "hana@x.example")
        account(out, "entra:1", "hana@x.example")

    found = view_of(tmp_path, a=say)
    assert same(found, "Account") == []
    assert ambiguous(found.edges) == ["hana@x.example: 2 accounts of ad: claim it, none was joined; correct the address in all but one of them"]


def test_an_alias_joins_no_accounts_as_it_may_be_handed_on(tmp_path):
    def say(out):
        account(out, "ad:S-1-5-21-1", "info@x.example", "alias")
        account(out, "entra:1", "info@x.example", "primary")

    found = view_of(tmp_path, a=say)
    assert same(found, "Account") == [] and ambiguous(found.edges) == []


def test_a_trustee_written_with_its_domain_is_the_directorys_account_of_that_name(tmp_path):
    def say(out):
        out.edge("FULL_ACCESS", ("Account", "account:nisc\\tanaka"), ("Mailbox", "mailbox:a@nisc.example"), "row 1")
        out.node("Account", "account:nisc\\tanaka", "row 1", name="NISC\\tanaka")
        out.node("Account", "ad:S-1-5-21-1", "$[0]", sam="Tanaka", domain="NISC.EXAMPLE")
        out.node("Account", "ad:S-1-5-21-2", "$[1]", sam="tanaka", domain="OTHER.EXAMPLE")

    assert same(view_of(tmp_path, a=say), "Account") == [("ad:S-1-5-21-1", "account:nisc\\tanaka", "same domain and account name nisc\\tanaka")]


def test_mailboxes_with_an_address_in_common_are_joined(tmp_path):
    def say(out):
        mailbox(out, "hana@x.example", "h.yamada@x.example")
        mailbox(out, "h.yamada@x.example")

    assert [row[:2] for row in same(view_of(tmp_path, a=say), "Mailbox")] == [("mailbox:h.yamada@x.example", "mailbox:hana@x.example")]


def test_servers_are_joined_by_full_name_and_by_a_short_one_only_where_it_can_mean_but_one(tmp_path):
    def say(out):
        out.node("Server", "ad:S-1-5-21-9", "$[0]", fqdn="DC1.x.example")
        for key in ("host:dc1.x.example", "host:dc1", "host:ws.a.example", "host:ws.b.example", "host:ws"):
            out.node("Server", key, "row 1")

    assert same(view_of(tmp_path, a=say), "Server") == [
        ("ad:S-1-5-21-9", "host:dc1", "only one full name begins with dc1"),
        ("ad:S-1-5-21-9", "host:dc1.x.example", "both are named dc1.x.example"),
    ]


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Allen, Phillip K.", "allen phillip"), ("phillip allen", "allen phillip"), ("山田 花子", "山田 花子"), ("山田花子", "山田花子"),
        ("Phillip", None), ("IT Support Team", None), ("hana@x.example", None), ("", None), ("X Y", None),
    ],
)  # fmt: skip
def test_a_display_name_is_a_persons_or_no_ones(name, key):
    assert person_name(name) == key


def test_addresses_with_one_persons_name_in_one_organisation_are_one_person(tmp_path):
    def say(out):
        writer(out, "p.allen@ect.enron.com", "Allen, Phillip K.")
        writer(out, "phillip.allen@enron.com", "Phillip Allen")
        writer(out, "phillip.allen@other.com", "Phillip Allen")
        writer(out, "phillip.allen@gmail.com", "Phillip Allen")
        writer(out, "pallen@gmail.com", "Phillip Allen")

    persons = dict(nodes(view_of(tmp_path, a=say), "Correspondent", "address", "person"))
    assert persons["p.allen@ect.enron.com"] == persons["phillip.allen@enron.com"] == "smtp:p.allen@ect.enron.com"
    assert len(set(persons.values())) == 4


def test_addresses_of_one_account_or_mailbox_are_one_person_through_whatever_joins_them(tmp_path):
    def say(out):
        mailbox(out, "c@x.example", "b@x.example")
        account(out, "upn:b@x.example", "b@x.example", "upn")
        account(out, "upn:b@x.example", "a@y.example", "alias")
        writer(out, "z@x.example")

    persons = dict(nodes(view_of(tmp_path, a=say), "Correspondent", "address", "person"))
    assert persons == dict.fromkeys(("a@y.example", "b@x.example", "c@x.example"), "smtp:a@y.example") | {"z@x.example": "smtp:z@x.example"}


def test_an_address_is_internal_by_a_mailboxs_domain_but_never_by_a_public_providers(tmp_path):
    def say(out):
        mailbox(out, "hana@mail.x.example", "hana@gmail.com")
        mailbox(out, "ken@gmail.com")
        for address in ("new@x.example", "other@gmail.com", "out@y.example"):
            writer(out, address)

    internal = dict(nodes(view_of(tmp_path, a=say), "Correspondent", "address", "internal"))
    assert internal == {
        "hana@mail.x.example": True, "hana@gmail.com": True, "ken@gmail.com": True, "new@x.example": True,
        "other@gmail.com": False, "out@y.example": False,
    }  # fmt: skip


def test_an_organisation_is_what_a_list_states_or_else_the_registrable_domain(tmp_path):
    def say(out):
        writer(out, "a@mail.b.co.uk")
        writer(out, "c@b.co.uk")
        writer(out, "d@x.com", organisation=" Dent & Co ", country="JP")
        writer(out, "e@y.com", organisation="dent & co")
        writer(out, "f@gmail.com")
        writer(out, "g@z.com")

    found = view_of(tmp_path, a=say)
    assert nodes(found, "Organisation", "key", "name", "domains", "country", "country_basis") == [
        ("domain:b.co.uk", "b.co.uk", ["b.co.uk"], "GB", "domain"),
        ("domain:z.com", "z.com", ["z.com"], None, None),
        ("organisation:dent & co", "Dent & Co", ["x.com", "y.com"], "JP", "stated"),
    ]
    assert edges(found, "BELONGS_TO", "from_key", "to_key", "basis") == [
        ("smtp:a@mail.b.co.uk", "domain:b.co.uk", "domain"), ("smtp:c@b.co.uk", "domain:b.co.uk", "domain"),
        ("smtp:d@x.com", "organisation:dent & co", "stated"), ("smtp:e@y.com", "organisation:dent & co", "stated"),
        ("smtp:g@z.com", "domain:z.com", "domain"),
    ]  # fmt: skip


def test_a_country_that_a_list_states_goes_before_the_domains_ending(tmp_path):
    def say(out):
        writer(out, "a@x.co.jp", country="US")
        writer(out, "b@x.co.jp")
        writer(out, "c@x.com")

    rows = nodes(view_of(tmp_path, a=say), "Correspondent", "address", "country", "country_basis")
    assert rows == [("a@x.co.jp", "US", "stated"), ("b@x.co.jp", "JP", "domain"), ("c@x.com", None, None)]


def test_every_derived_edge_has_an_id_of_its_own_and_says_what_joined_it(tmp_path):
    def say(out):
        mailbox(out, "hana@x.example", "h@x.example")
        mailbox(out, "h@x.example")
        account(out, "ad:S-1-5-21-1", "hana@x.example", "mail")
        account(out, "entra:1", "hana@x.example", "upn")

    found = view_of(tmp_path, a=say)
    every = pl.concat([frame.select("fact", "source", "place") for frame in found.edges.values()])
    assert every["fact"].n_unique() == every.height and every.null_count().row(0) == (0, 0, 0)
    assert set(found.edges["SAME_IDENTITY"]["source"]) == {"joined:address"}


def test_an_accepted_domain_is_the_organisations_own_and_a_relay_to_others_is_not(tmp_path):
    def say(out):
        for domain, subdomains, type_ in (("own.example", False, "authoritative"), ("deep.example", True, "internal relay"), ("far.example", True, "external relay")):
            out.edge("ACCEPTS_MAIL_FOR", ("Service", "service:mail/own.example"), ("Organisation", f"domain:{domain}"), "row 1",
                     domain=domain, subdomains=subdomains, type=type_)  # fmt: skip
        for address in ("a@own.example", "b@sub.own.example", "c@deep.example", "d@sub.deep.example", "e@far.example"):
            out.node("Correspondent", f"smtp:{address}", "row 2")

    found = view_of(tmp_path, a=say).nodes["Correspondent"]
    assert {key for key, inside in found.select("key", "internal").iter_rows() if inside} == {
        "smtp:a@own.example", "smtp:c@deep.example", "smtp:d@sub.deep.example"
    }  # fmt: skip
