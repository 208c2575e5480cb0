"""Identity: one spelling for each thing, and nothing taken for what it is not."""

from __future__ import annotations

import pytest

from graphmodel import identity


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Hana@NISC.example", "hana@nisc.example"),
        ("SMTP:Hana@nisc.example", "hana@nisc.example"),
        ("mailto:hana@nisc.example", "hana@nisc.example"),
        (" <hana@nisc.example> ", "hana@nisc.example"),
        ("'hana@nisc.example'", "hana@nisc.example"),
        ("hana@nisc.example.", "hana@nisc.example"),
        ("o'neil@nisc.example", "o'neil@nisc.example"),
        ('"hana y"@nisc.example', '"hana y"@nisc.example'),
        ("花子@nisc.example", "花子@nisc.example"),
        ("root@localhost", "root@localhost"),
    ],
)
def test_an_address_has_one_spelling(written, meant):
    assert identity.address(written) == meant
    assert identity.address(meant) == meant


@pytest.mark.parametrize("text", [None, "", "hana", "@nisc.example", "hana@", "ha na@nisc.example", "hana@nisc", "a@b@c", "/o=Org/cn=hana", "hana@-x.jp"])
def test_what_is_no_address_is_none(text):
    assert identity.address(text) is None


def test_an_international_domain_is_written_in_ascii():
    assert identity.address("hana@日本.example") == "hana@xn--wgv71a.example" == identity.address("HANA@XN--WGV71A.example")


def test_plus_tags_are_kept():
    assert identity.address("hana+news@nisc.example") != identity.address("hana@nisc.example")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("s-1-5-21-1-2-3-1001", "S-1-5-21-1-2-3-1001"),
        ("corp.local-S-1-5-32-544", "CORP.LOCAL-S-1-5-32-544"),
        ("CORP.LOCAL-S-1-1-0", "CORP.LOCAL-S-1-1-0"),
        ("S-1", None),
        ("hana", None),
        (None, None),
    ],
)
def test_a_sid_is_upper_case_or_none(text, meant):
    assert identity.sid(text) == meant


@pytest.mark.parametrize(
    ("text", "meant"),
    [("DC01.Corp.Local.", "dc01.corp.local"), ("WS1$", "ws1"), ("_x.y", "_x.y"), ("a b", None), ("-a.b", None), ("", None), (None, None), ("a" * 64, None)],
)
def test_a_host_is_lower_case_without_dot_or_dollar_or_none(text, meant):
    assert identity.host(text) == meant


def test_the_registrable_domain_is_the_one_below_the_public_suffix():
    found = [identity.registrable(d) for d in ("ect.enron.com", "www.nisc.go.jp", "a.b.co.uk", "nisc.example", "localhost", "co.jp")]
    assert found == ["enron.com", "nisc.go.jp", "b.co.uk", "nisc.example", "localhost", "co.jp"]


@pytest.mark.parametrize(
    ("domain", "country"),
    [("nisc.go.jp", "JP"), ("b.co.uk", "GB"), ("state.gov", "US"), ("enron.com", None), ("x.io", None), ("x.eu", None), ("x.example", None), ("localhost", None)],
)
def test_a_country_is_told_by_the_ending_or_stays_unknown(domain, country):
    assert identity.country_of(domain) == country


@pytest.mark.parametrize(("text", "code"), [("Japan", "JP"), ("jp", "JP"), ("JPN", "JP"), ("United States", "US"), ("Atlantis", None), (" ", None), (None, None)])
def test_a_country_may_be_written_as_name_or_code(text, code):
    assert identity.country_code(text) == code


def test_a_country_code_has_a_name():
    assert [identity.country_name(c) for c in ("JP", "TW", "ZZ", None)] == ["Japan", "Taiwan", None, None]


def test_a_message_is_known_by_its_id_or_else_by_its_content():
    assert identity.message_key("<A@x.example>", None) == identity.message_key(" a@X.example", "c0ffee")
    assert identity.message_key("<>", "c0ffee") == "msg:c0ffee"
    assert identity.message_key(None, None) is None


def test_copies_of_a_message_have_one_content_hash():
    one = identity.content_hash("2022-10-01", "a@x.jp", ["b@x.jp", "c@x.jp"], "Re:  plan", "Dear all,\n")
    assert one == identity.content_hash("2022-10-01", "a@x.jp", ["c@x.jp", "b@x.jp"], "Re: plan", "Dear  all,")
    assert one != identity.content_hash("2022-10-01", "a@x.jp", ["c@x.jp"], "Re: plan", "Dear all,")


def test_keys_carry_their_namespace_and_fold_case():
    assert identity.upn_key("Hana@Corp.example") == "upn:hana@corp.example"
    assert identity.account_key(" NISC\\Tanaka ") == "account:nisc\\tanaka"
    assert identity.group_key("SOC") == "group:soc"
    assert identity.mail_system_key("NISC.example") == "service:mail/nisc.example"
    made = [identity.ad_key("S-1-5-21-1"), identity.mailbox_key("a@b.jp"), identity.smtp_key("a@b.jp"), identity.host_key("dc.b.jp")]
    assert made == ["ad:S-1-5-21-1", "mailbox:a@b.jp", "smtp:a@b.jp", "host:dc.b.jp"]


def test_public_mail_providers_are_written_as_registrable_domains_or_below_one():
    assert all(domain == domain.lower() and "." in domain for domain in identity.FREE_MAIL)


DN = "/o=exchangelabs/ou=exchange administrative group (fydibohf23spdlt)/cn=recipients/cn=1a2b-ken"


@pytest.mark.parametrize(
    "text",
    [
        DN, "EX:/o=ExchangeLabs/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn=1a2b-Ken",
        "X500:/O=EXCHANGELABS/OU=EXCHANGE ADMINISTRATIVE GROUP (FYDIBOHF23SPDLT)/CN=RECIPIENTS/CN=1A2B-KEN", f"[EX:{DN}]",
        "IMCEAEX-_O=EXCHANGELABS_OU=EXCHANGE+20ADMINISTRATIVE+20GROUP+20+28FYDIBOHF23SPDLT+29_CN=RECIPIENTS_CN=1A2B-Ken@eurprd01.prod.outlook.com",
        "<smtp:imceaex-_o=exchangelabs_ou=exchange+20administrative+20group+20+28fydibohf23spdlt+29_cn=recipients_cn=1a2b+2Dken@x.example>",
    ],
)  # fmt: skip
def test_a_legacy_exchange_dn_has_one_spelling_however_it_is_wrapped(text):
    assert identity.exchange_dn(text) == identity.recipient(text) == DN
    assert identity.correspondent_key(DN) == f"x500:{DN}"


@pytest.mark.parametrize("text", ["", None, "ken@x.example", "/ken@x.example", "IMCEASMTP-ken+40x@y.example", "c=us;a= ;p=x;o=y", "/cn=ken", "EX:", "/o=x/cn=\x00"])
def test_what_is_no_legacy_exchange_dn_is_none(text):
    assert identity.exchange_dn(text) is None


def test_a_recipient_is_an_address_where_it_is_no_dn():
    assert identity.recipient("SMTP:Ken@X.example") == "ken@x.example" and identity.correspondent_key("ken@x.example") == "smtp:ken@x.example"
    assert identity.recipient("Ken Sato") is None


def test_a_role_and_a_tenant_are_known_by_their_organisation_where_it_is_told():
    assert identity.role_key("entra", "Global Administrator", "A.example") == "role:entra/global administrator@a.example"
    assert identity.role_key("entra", "Global Administrator", "") == "role:entra/global administrator"
    assert identity.tenant_key("A.example") == "tenant:a.example"
