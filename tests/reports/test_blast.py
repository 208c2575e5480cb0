"""The blast radius of a small agency, worked out by hand."""

from __future__ import annotations

import pytest

from tests.support.exports import AGENCY, csv, load, new_case

START, END = "2022-10-01T00:00:00+00:00", "2023-06-13T00:00:00+00:00"


def made(tmp_path, files=AGENCY):
    case = new_case(tmp_path)
    assert load(case, tmp_path / "exports", files).exit_code in (0, 6)
    return case


@pytest.fixture
def agency(tmp_path):
    case = made(tmp_path)
    yield case
    case.close()


def keys(result, kind):
    return [row["key"] for row in result["reached"] if row["kind"] == kind]


def test_own_shared_and_delegated_mailboxes_are_reached_each_with_its_way_in_sentences(agency):
    result = agency.blast("suzuki@agency.example", START, END)
    assert sorted(keys(result, "Mailbox")) == ["mailbox:desk@agency.example", "mailbox:suzuki@agency.example", "mailbox:tanaka@agency.example"]
    ways = {row["key"]: row["way"] for row in result["reached"]}
    assert [s["sentence"] for s in ways["mailbox:suzuki@agency.example"]] == ["Suzuki Ichiro opens its own mailbox Suzuki Ichiro"]
    assert [(s["number"], s["rule"]) for s in ways["mailbox:desk@agency.example"]] == [("S12", "same-identity"), ("S04", "shared-mailbox")]
    assert all(row["first"] == START for row in result["reached"])
    assert result["window"] == {"from": START, "until": END}


def test_an_account_without_rights_reaches_its_own_mailbox_alone(agency):
    result = agency.blast("tanaka@agency.example", START, END)
    assert keys(result, "Mailbox") == ["mailbox:tanaka@agency.example"]
    assert keys(result, "Server") == []


def test_correspondents_are_counted_as_persons_addresses_messages_organisations_and_countries(agency):
    told = agency.blast("suzuki@agency.example", START, END)["disclosed"]
    rest = told["at_rest"]
    assert (rest["persons"], rest["addresses"], rest["messages"], rest["organisations"], rest["countries"]) == (3, 3, 3, 3, 2)
    assert rest["of_unknown_country"] == 1 and rest["all_messages"] == 4 and rest["internal_addresses"] == 3
    assert {row["country"]: row["persons"] for row in told["by_country"]} == {"DE": 1, "KR": 1, None: 1}
    assert [row["address"] for row in told["correspondents"]] == ["anna@partner.example.de", "li@ministry.example.kr", "press@paper.example.com"]
    assert told["correspondents"][0]["first"] == "2022-11-03T01:00:00+00:00"


def test_mail_that_came_after_the_window_is_not_disclosed_and_older_mail_is(agency):
    told = agency.blast("suzuki@agency.example", "2022-11-04", "2022-11-05")["disclosed"]
    assert [row["address"] for row in told["correspondents"]] == ["anna@partner.example.de", "li@ministry.example.kr"]
    told = agency.blast("suzuki@agency.example", "2022-10-01", "2022-11-03T01:00:00+00:00")["disclosed"]
    assert told["at_rest"]["persons"] == 0


def test_a_mailbox_that_was_only_opened_by_a_delegate_discloses_its_mail_too(agency):
    told = agency.blast("suzuki@agency.example", START, END)["disclosed"]
    assert {row["address"]: row["mailboxes"] for row in told["correspondents"]}["press@paper.example.com"] == ["mailbox:desk@agency.example"]


def test_two_names_of_one_account_are_listed_both_and_counted_once(agency):
    result = agency.blast("suzuki@agency.example", START, END)
    assert {row["key"]: row["same_as"] for row in result["reached"] if row["kind"] == "Account"} == {
        "upn:suzuki@agency.example": None, "account:suzuki@agency.example": "upn:suzuki@agency.example"
    }  # fmt: skip
    assert {row["kind"]: row["reached"] for row in result["counts"]}["Account"] == 1


def test_a_forwarding_rule_is_a_foothold_that_outlives_the_window_and_names_its_target(agency):
    result = agency.blast("tanaka@agency.example", START, END)
    (rule,) = (row for row in result["reached"] if row["kind"] == "Rule")
    assert rule["still_held"] and result["still_held"] == 1
    assert [row["address"] for row in result["forwards_to"]] == ["copy@outside.example"]


def test_colleagues_are_a_ring_apart_and_walked_only_by_the_noisy_profile(agency):
    quiet = agency.blast("tanaka@agency.example", START, END)
    assert [row["key"] for row in quiet["approachable"]] == ["account:suzuki@agency.example"]  # by one of the names, once
    assert "upn:suzuki@agency.example" not in keys(quiet, "Account")
    noisy = agency.blast("tanaka@agency.example", START, END, profile="noisy")
    assert noisy["approachable"] == []
    (colleague,) = (row for row in noisy["reached"] if row["key"] == "upn:suzuki@agency.example")
    assert "S14" in [step["number"] for step in colleague["way"]] and colleague["first"] == "2023-05-04T01:00:00+00:00"
    assert "mailbox:desk@agency.example" in keys(noisy, "Mailbox")


def test_what_was_not_collected_stands_beside_every_number(agency):
    result = agency.blast("suzuki@agency.example", START, END)
    beside = {row["kind"]: row["beside"] for row in result["counts"]}
    assert "groups not collected" in beside["Mailbox"] and "servers not collected" in beside["Server"]
    assert any("nothing before 2022-11-03" in note for note in result["disclosed"]["beside"])
    assert {row["what"] for row in result["coverage"] if row["status"] == "not collected"} >= {"sessions", "servers", "mail headers"}


def test_held_mailboxes_of_which_no_message_is_known_are_told_beside_the_numbers(agency, tmp_path):
    assert agency.blast("suzuki@agency.example", START, END)["disclosed"]["silent"] == 0
    more = AGENCY["mailboxes.csv"] + '"Quiet","quiet@agency.example","SharedMailbox","","SMTP:quiet@agency.example","","False"\r\n'
    right = AGENCY["permissions.csv"] + '"quiet@agency.example","suzuki@agency.example","{FullAccess}","False","False"\r\n'
    case = made(tmp_path / "more", AGENCY | {"mailboxes.csv": more, "permissions.csv": right})
    told = case.blast("suzuki@agency.example", START, END)["disclosed"]
    assert told["silent"] == 1 and told["beside"][0] == "no message is known of 1 of 4 held mailboxes"
    case.close()


def test_country_and_organisation_stated_by_a_list_stand_before_the_domains(tmp_path):
    stated = csv(
        "address,name,organisation,country,category,warned_at",
        ("press@paper.example.com", "Press Office", "The Paper", "United States", "press", ""),
        ("anna@partner.example.de", "Anna", "Partner", "AT", "abroad", "2023-08-04"),
    )
    case = made(tmp_path, AGENCY | {"who.csv": stated})
    told = case.blast("suzuki@agency.example", START, END)["disclosed"]
    people = {row["address"]: row for row in told["correspondents"]}
    assert (people["press@paper.example.com"]["country"], people["press@paper.example.com"]["country_basis"]) == ("US", "stated")
    assert people["anna@partner.example.de"]["country"] == "AT" and people["anna@partner.example.de"]["warned_at"] == "2023-08-04T00:00:00+00:00"
    assert people["li@ministry.example.kr"]["country_basis"] == "domain"
    assert {row["organisation"] for row in told["by_organisation"]} == {"The Paper", "Partner", "example.kr"}
    case.close()


def test_a_held_gateway_discloses_only_what_passes_meanwhile(tmp_path):
    servers = csv("host,fqdn,ip,role,owner,criticality", ("mx1", "mx1.agency.example", "", "gateway", "", ""))
    case = made(tmp_path, AGENCY | {"servers.csv": servers})
    result = case.blast("mx1.agency.example", "2022-11-04", "2023-01-01")
    assert keys(result, "Mailbox") == []
    told = result["disclosed"]
    assert told["at_rest"]["persons"] == 0
    assert (told["in_transit"]["persons"], told["in_transit"]["messages"]) == (1, 1)
    assert {row["mailbox"] for row in result["in_transit"]} == {f"mailbox:{n}@agency.example" for n in ("suzuki", "tanaka", "desk")}
    case.close()


def test_the_result_is_plain_data_that_names_state_engine_and_profile(agency):
    import json

    result = agency.blast("suzuki@agency.example", START)
    assert json.loads(json.dumps(result)) == result
    assert (result["engine"], result["profile"], result["state"]) == ("embedded", "quiet", agency.graph().state())
    assert result["window"]["until"] is None and result["still_held"] == 0


def test_a_folder_right_discloses_the_mail_of_that_folder_without_the_mailbox(tmp_path):
    folders = csv("Identity,FolderName,User,AccessRights", ("tanaka@agency.example:\\Inbox", "Inbox", "desk2@agency.example", "{Reviewer}"))
    mail = (
        "From a Mon Jan  2 00:00:00 2023\nDelivered-To: tanaka@agency.example\nX-Folder: Inbox\nFrom: Anna <anna@partner.example.de>\nTo: tanaka@agency.example\n"
        "Date: Mon, 02 Jan 2023 00:00:00 +0000\nMessage-ID: <f1@partner.example.de>\n\nx\n"
    )
    case = made(tmp_path, AGENCY | {"folders.csv": folders, "tanaka@agency.example/Inbox.mbox": mail})
    result = case.blast("desk2@agency.example", START, END)
    case.close()
    assert "mailbox:tanaka@agency.example" not in keys(result, "Mailbox")
    assert [(row["mailbox"], row["folder"]) for row in result["in_part"]] == [("mailbox:tanaka@agency.example", "inbox")]
    assert [(row["address"], row["mailboxes"]) for row in result["disclosed"]["correspondents"]] == [("anna@partner.example.de", ["mailbox:tanaka@agency.example"])]
    assert result["disclosed"]["levels"]["POSSIBLE"]["persons"] == 1 and result["disclosed"]["levels"]["INDICATED"]["persons"] == 0
