"""Users of Entra ID and objects of AzureHound read in batches say what they say record by record."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphmodel.errors import LoadError
from graphmodel.facts import FactBuffer
from loaders import graphjson, jsonbatch
from loaders.base import Options, Source
from loaders.entra import Directory
from loaders.entra_batches import names_in
from loaders.formats import azurehound, entra_graph

HERE = Path(__file__).parent
GRAPH = json.loads((HERE / "entra_graph" / "input.json").read_text())["value"]
AZURE = json.loads((HERE / "azurehound" / "input.json").read_text())["data"]
NOW = 1_800_000_000

_IDS = [f"0000000{n}-0000-4000-8000-00000000000a" for n in range(4)]
_PEOPLE = ["ken@nisc.example", "Hana@NISC.example", "mio@lab.nisc.example", "kai@gmail.com"]
_ADDRESSES = st.sampled_from([*_PEOPLE, *(f"u{n}@nisc.example" for n in range(20)), " ken@nisc.example", "smtp:ken@nisc.example", "'ken'@nisc.example", "ken@日本.example", "none", "",
                              "mio_lab.nisc.example#EXT#@nisc.onmicrosoft.com"])  # fmt: skip
def user(number: int) -> dict[str, Any]:
    mail = f"u{number}@nisc.example"
    return {"id": f"{number:08x}-0000-4000-8000-00000000000b", "userPrincipalName": mail, "displayName": f"User {number}", "mail": mail, "accountEnabled": True}


def guest() -> dict[str, Any]:
    return user(9) | {"userPrincipalName": "mio_lab.example#EXT#@nisc.onmicrosoft.com"}


_PROXY = st.one_of(
    st.builds("{}{}".format, st.sampled_from(["SMTP:", "smtp:", "smtp:", "Smtp:", "sip:", " SMTP:", "\x1fSMTP:"]), _ADDRESSES),
    st.sampled_from(["X500:/o=Nisc/ou=x/cn=Recipients/cn=ken", "x500:/o=nisc/cn=Hana]", "X500:/o=nisc/cn=é", "x500:none", "x500:/o=x/cn=", "", 7]),
)
_TIME = st.sampled_from(["2024-03-02T08:00:00Z", "2024-03-02T08:00:00.5Z", "2025-01-01T00:00:00Z", "2024-03-02 08:00:00", "0001-01-01T00:00:00Z", "2150-01-01T00:00:00Z", "x", "", None, 5])
_TEXT = st.sampled_from(["Ken Mori", " Hana ", "\x1f", "", None, 7, "ケン \"x\" \\", "X" * 70])
_ID = st.one_of(st.sampled_from(_IDS), st.uuids().map(str), st.sampled_from([_IDS[0].upper(), f"{{{_IDS[1]}}}", "7", None]))
_USER = st.fixed_dictionaries(
    {"id": _ID, "userPrincipalName": _ADDRESSES, "displayName": _TEXT},
    optional={
        "mail": st.one_of(_ADDRESSES, st.none()), "proxyAddresses": st.one_of(st.lists(_PROXY, max_size=4), st.sampled_from([None, "SMTP:ken@nisc.example", []])),
        "userType": st.sampled_from(["Member", "guest", None]), "accountEnabled": st.sampled_from([True, False, None, "true"]),
        "onPremisesSecurityIdentifier": st.sampled_from(["S-1-5-21-1-2-3-1001", "s-1-5-21-9", "nisc-S-1-5-32-544", "x", None]), "createdDateTime": _TIME,
        "signInSessionsValidFromDateTime": _TIME, "refreshTokensValidFromDateTime": _TIME, "lastPasswordChangeDateTime": _TIME, "companyName": _TEXT, "usageLocation": _TEXT,
        "onPremisesSyncEnabled": st.sampled_from([True, 1, 1.5, None]), "onPremisesDomainName": _TEXT, "country": _TEXT, "department": _TEXT, "Department": _TEXT,
        "ipAddress": _TEXT, "message": st.just({"id": "x"}), "tenantId": _ID, "Id": _ID, "é": _TEXT,
    },
)  # fmt: skip
_PLAIN = st.builds(lambda one, **more: one | more, st.one_of(st.integers(0, 5).map(user), st.just(guest())), id=st.sampled_from(_IDS),
                   proxyAddresses=st.lists(st.sampled_from(["SMTP:u1@nisc.example", "smtp:u2@nisc.example", "SMTP:u3@nisc.example", "x500:/o=n/cn=1", "sip:u"]), max_size=3))  # fmt: skip
_LISTED = st.fixed_dictionaries({"id": _ID}, optional={
    "@odata.type": st.sampled_from(["#microsoft.graph.user", "#microsoft.graph.group", "#microsoft.graph.servicePrincipal", "#microsoft.graph.device", "", None]),
    "userPrincipalName": st.one_of(_ADDRESSES, st.none()), "displayName": _TEXT,
})  # fmt: skip
_GROUP = st.builds(
    dict, id=_ID, groupTypes=st.sampled_from([[], ["Unified"]]), displayName=_TEXT, mail=_ADDRESSES, members=st.one_of(st.lists(_LISTED, max_size=2), st.lists(_LISTED, max_size=2).map(json.dumps)),
)  # fmt: skip
_GRANT = st.builds(dict, id=st.uuids().map(str), clientId=_ID, principalId=_ID, consentType=st.just("Principal"), scope=st.just("Mail.Read"))
_GRAPH = st.one_of(_USER, _USER, _PLAIN, _PLAIN, st.integers(0, 9).map(user), _GROUP, _GRANT, st.sampled_from([*GRAPH, 5]))
_MEMBER = st.builds(dict, st.one_of(st.builds(user, st.integers(0, 3)), st.just({})), **{"@odata.type": st.sampled_from(["#microsoft.graph.user", "#microsoft.graph.group", "#microsoft.graph.device"])},
                    id=st.sampled_from(_IDS))  # fmt: skip
_IN_GROUP = st.builds(dict, member=st.one_of(_MEMBER, _MEMBER, _MEMBER, _LISTED, st.sampled_from([None, 5])))
_AZURE = st.one_of(
    st.builds(dict, kind=st.just("AZUser"), data=_USER), st.builds(dict, kind=st.just("AZUser"), data=_PLAIN), st.builds(dict, kind=st.just("AZGroup"), data=_GROUP),
    st.builds(dict, kind=st.just("AZGroupMember"), data=st.builds(dict, groupId=_ID, members=st.one_of(st.lists(_IN_GROUP, max_size=4), st.lists(_LISTED, max_size=1), st.none()))),
    st.sampled_from([*AZURE, 5, {"kind": 5}, {"kind": [], "data": {}}, {"kind": "AZUser", "data": []}]),
)  # fmt: skip


def said(format_: Any, path: Path, small: int, size: int) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(graphjson, "SMALL", small)
        patch.setattr(jsonbatch, "BATCH_BYTES", size)
        out = FactBuffer()
        try:
            format_.read(Source(path, path.name), Options(now=NOW), out)
        except LoadError as error:
            return str(error)
    frames = out.frames()
    rows = sorted(json.dumps([kind, row], sort_keys=True) for kind, frame in frames.items() for row in frame.to_dicts())
    return rows, out.records, sorted(out.notes), sorted(map(str, out.refused))


def agree(format_: Any, path: Path, document: Any, size: int) -> None:
    path.write_text(json.dumps(document))
    assert said(format_, path, 1 << 40, size) == said(format_, path, 0, size)


@pytest.mark.parametrize(("format_", "records", "wrap"), [
    (entra_graph, _GRAPH, lambda all_: {"value": all_}), (azurehound, _AZURE, lambda all_: {"meta": {"type": "azure"}, "data": all_}),
])  # fmt: skip
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_objects_in_batches_say_what_single_ones_say(tmp_path, format_: Any, records: Any, wrap: Callable[[Any], Any], data):
    agree(format_, tmp_path / "x.json", wrap(data.draw(st.lists(records, max_size=12))), data.draw(st.sampled_from([400, 8 << 20])))


@pytest.mark.parametrize(("document", "format_", "kept"), [
    ([user(1), user(2), user(3) | {"proxyAddresses": []}, guest(), {"id": _IDS[0], "userPrincipalName": "x", "displayName": "x"}], entra_graph, (4, 2)),
    ([{key[:1].upper() + key[1:]: value for key, value in user(n).items()} for n in (1, 2)], entra_graph, (2, 2)),
    ({"data": [{"kind": "AZUser", "data": user(1)}, {"kind": "AZUser", "data": user(2)}, {"kind": "AZGroupMember", "data": {"groupId": _IDS[0], "members": [
        {"member": {"@odata.type": "#microsoft.graph.user", "id": _IDS[1]}}, {"member": {"@odata.type": "#microsoft.graph.group", "id": _IDS[2]}}]}}]}, azurehound, (2, 2)),
])  # fmt: skip
def test_columns_are_used_at_all(tmp_path, monkeypatch, document, format_: Any, kept: tuple[int, int]):
    """A batch whose every record went the way of single ones would agree too."""
    monkeypatch.setattr(graphjson, "SMALL", 0)
    monkeypatch.setattr(Directory, "user", lambda self, record, place: None)
    monkeypatch.setattr(Directory, "member", lambda self, group, record, place: None)
    path = tmp_path / "x.json"
    path.write_text(json.dumps(document))
    out = FactBuffer()
    format_.read(Source(path, "x"), Options(now=NOW), out)
    found = out.frames()
    assert (found["Account"].height, found["MEMBER_OF" if "MEMBER_OF" in found else "Mailbox"].height) == kept


@pytest.mark.parametrize("size", [400, 8 << 20])
def test_users_as_powershell_writes_them_are_read_alike(tmp_path, size):
    users = [{key[:1].upper() + key[1:]: value for key, value in user(n).items()} for n in range(5)]
    agree(entra_graph, tmp_path / "x.json", [*users, user(7), users[1] | {"id": _IDS[0]}, *GRAPH], size)


@pytest.mark.parametrize("size", [400, 8 << 20])
@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 3, 1)])
def test_what_several_objects_say_is_stated_where_it_first_stands(tmp_path, order, size):
    """The address of one is another's name or mailbox, in a batch or in an earlier one, in columns or not."""
    one = [user(1), user(2) | {"mail": "u1@nisc.example", "proxyAddresses": ["SMTP:u1@nisc.example", "smtp:other@nisc.example"]}, user(1) | {"id": _IDS[3], "displayName": "Another"},
           {"id": _IDS[2], "groupTypes": [], "displayName": "Team", "mail": "u2@nisc.example", "members": [{"id": user(1)["id"], "userPrincipalName": "U1@nisc.example"}]}]  # fmt: skip
    agree(entra_graph, tmp_path / "x.json", [one[at] for at in order], size)


def test_names_in_a_record_are_found_at_any_depth_and_in_lists_that_are_texts():
    given_ = {"a": [{"b": "SMTP:Ken@nisc.example"}], "c": json.dumps([{"id": _IDS[0].upper()}]), "d": "mio_lab.example#EXT#@nisc.onmicrosoft.com", "e": 5, "f": "[x"}
    assert set(names_in(given_)) == {"ken@nisc.example", _IDS[0], "mio@lab.example", "mio_lab.example#ext#@nisc.onmicrosoft.com"}
