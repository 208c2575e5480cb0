"""Mail systems: one tenant is not another, and permissions that name no domain are those of the case's only one."""

from __future__ import annotations

import polars as pl
import pytest

from graphmodel import identity
from graphmodel.derive import same_mail_system
from graphmodel.view import node_view_schema


def services(*keys: str, type_: str = "mail system") -> pl.DataFrame:
    schema = node_view_schema("Service")
    rows = [{name: {"key": key, "kind": "Service", "type": type_}.get(name) for name in schema} for key in keys]
    return pl.DataFrame(rows, schema=schema, orient="row")


@pytest.mark.parametrize(
    ("domain", "wanted"),
    [("contoso.onmicrosoft.com", "contoso.onmicrosoft.com"), ("contoso.mail.onmicrosoft.com", "contoso.onmicrosoft.com"), ("onmicrosoft.com", "onmicrosoft.com"),
     ("mx.contoso.com", "contoso.com"), ("notonmicrosoft.com", "notonmicrosoft.com")],
)  # fmt: skip
def test_every_tenant_has_a_domain_of_its_own(domain, wanted):
    assert identity.registrable(domain) == wanted


def test_a_mail_system_without_a_domain_is_the_only_one_of_the_case():
    unnamed = identity.mail_system_key("")
    made = same_mail_system(services(unnamed, identity.mail_system_key("agency.example")))
    assert made.select("from_key", "to_key").rows() == [(unnamed, "service:mail/agency.example")]


@pytest.mark.parametrize("others", [(), ("a.example", "b.example")])
def test_with_no_other_or_with_several_it_is_joined_to_none(others):
    keys = [identity.mail_system_key(domain) for domain in ("", *others)]
    assert same_mail_system(services(*keys)).height == 0


def test_another_kind_of_service_is_no_mail_system():
    both = pl.concat([services(identity.mail_system_key("")), services("service:saas/tickets", type_="saas")])
    assert same_mail_system(both).height == 0
    assert same_mail_system(services(identity.mail_system_key("a.example"))).height == 0
