"""A password in a mailbox leads to the server that stands beside it, until somebody rotates it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hakyu.case import Case
from loaders.base import Options
from tests.support.exports import new_case

OWNER, SERVER, VALUE = "mori@agency.example", "host:fs01.agency.example", "Kiku#2022x"
BODY = f"ファイルサーバの件です。\n\nserver: fs01.agency.example\nuser: admin\npass: {VALUE}\n"
SENT, ROTATED = "2023-01-10", "2023-03-01"


def letter(number: int, sender: str, subject: str, body: str) -> str:
    return (
        f"Delivered-To: {OWNER}\nFrom: {sender}\nTo: {OWNER}\nSubject: {subject}\nDate: Tue, 10 Jan 2023 09:00:00 +0000\nMessage-ID: <{number}@x>\n"
        f"MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n{body}\n"
    )


@pytest.fixture
def case(tmp_path) -> Iterator[Case]:
    made = new_case(tmp_path)
    yield made
    made.close()


def loaded(case: Case, folder: Path, **options: bool) -> None:
    box = folder / "box"
    (box / "new").mkdir(parents=True)
    (box / "cur").mkdir()
    (box / "cur" / "1.a").write_text(letter(1, "vendor@partner.example.com", "server", BODY), encoding="utf-8")
    (box / "cur" / "2.a").write_text(letter(2, "no-reply@shop.example.net", "Reset your password", "hello"), encoding="utf-8")
    assert case.load([box], Options(mailbox=OWNER, **options)).exit_code == 0


def reached(case: Case, start: str) -> set[str]:
    return {row["key"] for row in case.blast(OWNER, start)["reached"]}


def test_the_mail_leads_to_the_server_and_the_reset_to_the_service(case, tmp_path):
    loaded(case, tmp_path, secrets=True)
    assert case.cypher("MATCH (s:Secret)-[o:OPENS]->(t:Server) RETURN t.key AS key, o.basis AS basis").rows() == [(SERVER, "server named beside it")]
    (secret,) = case.cypher("MATCH (s:Secret) RETURN s.key AS key")["key"]
    assert {secret, SERVER, "service:saas/example.net"} <= reached(case, SENT)


def test_bodies_that_are_not_looked_at_lead_to_no_server_but_resets_are_known_by_their_headers(case, tmp_path):
    loaded(case, tmp_path)
    found = reached(case, SENT)
    assert SERVER not in found and "service:saas/example.net" in found


def test_after_the_password_is_rotated_the_mail_leads_nowhere(case, tmp_path):
    loaded(case, tmp_path, secrets=True)
    (secret,) = case.cypher("MATCH (s:Secret) RETURN s.key AS key")["key"]
    table = tmp_path / "remediations.csv"
    table.write_text(f"target,what,at\n{secret},rotated,{ROTATED}T00:00:00Z\n", encoding="utf-8")
    assert case.load([table]).exit_code == 0
    assert SERVER in reached(case, SENT), "it could be used while it was good"
    assert SERVER not in reached(case, "2023-03-02")
    assert "service:saas/example.net" in reached(case, "2023-03-02"), "a rotation closes nothing else"
