"""Networks: nmap, Nessus, Zeek."""

from __future__ import annotations

import csv
import gzip
import json
import os
from pathlib import Path
from xml.etree import ElementTree

import pytest

from graphmodel.identity import message_key
from loaders.base import Broken
from loaders.scans import ip_of
from tests.support.golden import facts_of

HERE = Path(__file__).parent
DATA = HERE.parents[2] / "shared" / "data"
NOW = 1_800_000_000


def sample(name: str) -> Path:
    path = DATA / name
    if not path.exists():
        assert not os.environ.get("CI"), f"{path} is missing"
        pytest.skip("the real samples are not beside this checkout")
    return path


def of(facts: list[dict], kind: str) -> list[dict]:
    return [fact for fact in facts if fact.get("kind") == kind]


def notes(facts: list[dict]) -> str:
    return "\n".join(fact["note"] for fact in facts if set(fact) == {"note"})


def written(tmp_path: Path, text: str, name: str) -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


# --- nmap ---


@pytest.mark.parametrize("name", ["2_hosts_version.xml", "dionaea_scan.xml", "full_sudo6.xml", "fullscan.xml"])
def test_the_real_scans_give_the_machines_that_are_up_and_their_open_ports(name):
    path = sample(f"09_network/nmap/{name}")
    up = [host for host in ElementTree.parse(path).getroot().findall("host") if host.find("status").get("state") == "up"]  # noqa: S314
    wanted = {}
    for host in up:
        ip = next(a.get("addr") for a in host.findall("address") if a.get("addrtype") == "ipv4")
        if ip != "127.0.0.1":
            wanted[ip] = {int(port.get("portid")) for port in host.iter("port") if port.find("state").get("state") == "open"}
    servers = of(facts_of(path, now=NOW), "Server")
    found = {fact["ip"]: {int(text.partition("/")[0]) for text in json.loads(fact["extra"])["open ports"]} for fact in servers}
    assert found == wanted


def test_a_host_that_is_remotely_administered_offers_that_and_nothing_says_who_may():
    facts = facts_of(sample("09_network/nmap/full_sudo6.xml"), now=NOW)
    assert {fact["key"] for fact in of(facts, "Service")} == {"service:remote desktop/192.168.1.3", "service:remote shell/192.168.1.1"}
    assert not of(facts, "SIGNS_IN_TO") and not of(facts, "CONNECTS_TO")


def test_a_scan_that_was_stopped_is_broken_and_loads_nothing(tmp_path):
    text = (HERE / "nmap" / "input.xml").read_text(encoding="utf-8").replace("</nmaprun>", "")
    with pytest.raises(Broken, match="line .*the file stops being XML"):
        facts_of(written(tmp_path, text, "scan.xml"), now=NOW)


def test_an_external_entity_is_never_opened(tmp_path):
    secret = written(tmp_path, "hush-hush-value", "secret.txt")
    text = f'<?xml version="1.0"?><!DOCTYPE nmaprun [<!ENTITY x SYSTEM "{secret.as_uri()}">]><nmaprun><host><status state="up"/><address addr="&x;"/></host></nmaprun>'
    with pytest.raises(Exception, match=r"declares what no scan does|not a format hakyu knows"):
        facts_of(written(tmp_path, text, "scan.xml"), now=NOW)


def test_an_entity_that_is_declared_nowhere_is_no_xml_even_beside_a_dtd(tmp_path):
    text = '<?xml version="1.0"?><!DOCTYPE nmaprun SYSTEM "nmap.dtd">\n<nmaprun><host>&nowhere;</host></nmaprun>'
    with pytest.raises(Broken, match="line 2, column 15: the file stops being XML"):
        facts_of(written(tmp_path, text, "scan.xml"), now=NOW)


def test_what_nmap_says_before_the_scan_and_behind_a_host_is_no_hosts(tmp_path):
    up = '<status state="up"/><address addr="192.0.2.{}" addrtype="ipv4"/>'
    port = '<ports><port portid="{}"><state state="open"/><service name="{}"/><service name="ssh"/></port><port portid="22"><state state="closed"/></port></ports>'
    text = (
        f'<nmaprun start="1700000000"><hosthint>{up.format(1)}</hosthint><host>{up.format(2)}{port.format(3389, "ms-wbt-server")}</host><hosthint>{up.format(3)}</hosthint>'
        f'<host><status state="down"/><address addr="192.0.2.4" addrtype="ipv4"/></host><host>{up.format(5)}{port.format("x", "y")}</host>'
        '<runstats><finished time="1700000100"/></runstats></nmaprun>'
    )
    facts = facts_of(written(tmp_path, text, "scan.xml"), now=NOW)
    assert [(fact["ip"], fact["place"]) for fact in of(facts, "Server")] == [("192.0.2.2", "host 1"), ("192.0.2.5", "host 3")]
    assert [fact["key"] for fact in of(facts, "Service")] == ["service:remote desktop/192.0.2.2"]
    (seen,) = of(facts, "LogCoverage")
    assert (seen["first"], seen["last"]) == (1_700_000_000, 1_700_000_100)


@pytest.mark.parametrize("text", ["127.0.0.1", "::1", "fe80::1", "0.0.0.0", "224.0.0.1", "host", "", "192.168.1.1001"])  # noqa: S104
def test_an_address_that_every_machine_has_or_that_is_none_names_no_machine(text):
    assert ip_of(text) is None


# --- Nessus ---


def test_only_properties_of_a_machine_are_read_not_what_plugins_and_policies_hold(tmp_path):
    text = (
        '<NessusClientData_v2><Policy><tag name="host-ip">192.0.2.9</tag></Policy><Report><ReportHost name="ex"><HostProperties><tag name="host-ip"> 192.0.2&#46;7\n</tag>'
        '<tag name="host-fqdn">ex.corp.example</tag></HostProperties><ReportItem port="3389" protocol="TCP" svc_name="msrdp" severity="4"><tag name="host-ip">192.0.2.8</tag>'
        '<plugin_output>hush</plugin_output></ReportItem><ReportItem port="0" severity="4"/></ReportHost><ReportHost name="192.0.2.6"/></Report></NessusClientData_v2>'
    )
    facts = facts_of(written(tmp_path, text, "x.nessus"), now=NOW)
    assert [(fact["ip"], fact.get("fqdn"), fact.get("extra")) for fact in of(facts, "Server")] == [
        ("192.0.2.7", "ex.corp.example", '{"findings": {"critical": 2}, "open ports": ["3389/tcp msrdp"]}'), ("192.0.2.6", None, None),
    ]  # fmt: skip


def test_the_real_nessus_scan_gives_its_host_with_ports_and_findings():
    path = sample("10_inventory/nessus_many_vuln.xml")
    items = list(ElementTree.parse(path).getroot().iter("ReportItem"))  # noqa: S314
    (server,) = of(facts_of(path, now=NOW), "Server")
    extra = json.loads(server["extra"])
    assert (server["key"], server["ip"], server["os"]) == ("host:preprod.boardvantage.net", "12.233.108.201", "CISCO PIX 7.0")
    assert {text.partition("/")[0] for text in extra["open ports"]} == {item.get("port") for item in items} - {"0"}
    assert sum(extra.get("findings", {}).values()) == sum(item.get("severity") != "0" for item in items)


@pytest.mark.parametrize(
    ("name", "delimiter", "address", "port"),
    [("nessus_new.csv", ";", "asset.display_ipv4_address", "port"), ("nessus_many_vuln.csv", ",", "IP Address", "Port")],
)
def test_the_real_csv_dialects_give_each_machine_once_with_the_ports_that_were_found(name, delimiter, address, port):
    path = sample(f"10_inventory/{name}")
    with path.open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream, delimiter=delimiter) if row[address] not in ("", "127.0.0.1")]
    wanted = {(row[address], row[port]) for row in rows if row[port] not in ("", "0")}
    servers = of(facts_of(path, now=NOW), "Server")
    found = {(fact["ip"], text.partition("/")[0]) for fact in servers for text in json.loads(fact.get("extra", "{}")).get("open ports", [])}
    assert {fact["ip"] for fact in servers} == {row[address] for row in rows} and found == wanted


def test_what_plugins_print_and_what_a_policy_holds_is_never_kept():
    for folder, name in (("nessus", "input.nessus"), ("nessus_csv", "input.csv")):
        path = HERE / folder / name
        assert "hush-hush-value" in path.read_text(encoding="utf-8") and "hush-hush-value" not in json.dumps(facts_of(path, now=NOW))


# --- Zeek ---


@pytest.mark.parametrize("log", ["smtp", "rdp", "ntlm", "kerberos"])
def test_the_same_log_as_tsv_and_as_json_says_the_same(log):
    tsv, lines = facts_of(sample(f"09_network/zeek_tsv/{log}.log.gz"), now=NOW), facts_of(sample(f"09_network/zeek_json/{log}.json.gz"), now=NOW)

    def said(facts: list[dict]) -> set[str]:
        return {json.dumps({k: v for k, v in fact.items() if k != "place"}, sort_keys=True) for fact in facts if "kind" in fact or "note" in fact}

    assert said(tsv) == said(lines) and said(tsv)


def test_the_real_ntlm_log_gives_an_observation_for_every_record_that_names_a_user():
    path = sample("09_network/zeek_json/ntlm.json.gz")
    rows = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    named = [row for row in rows if row.get("username") and not row["username"].endswith("$") and row["username"].lower() != "anonymous"]
    facts = facts_of(path, now=NOW)
    assert len({fact["key"] for fact in of(facts, "Observation")}) == len({(row["uid"], row["ts"]) for row in named}) > 300
    accounts = {f"account:{row['domainname']}\\{row['username']}".lower() if row.get("domainname") else f"account:{row['username']}".lower() for row in named}
    assert {fact["key"] for fact in of(facts, "Account")} == accounts
    servers = {row["server_dns_computer_name"].lower() for row in rows if "." in row.get("server_dns_computer_name", "")}
    assert {fact["to_key"] for fact in of(facts, "SAME_IDENTITY")} == {f"host:{name}" for name in servers}


def test_the_real_connections_that_were_set_up_inside_are_the_only_ones_taken():
    path = sample("09_network/zeek_tsv/zat_conn.log")
    rows = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    inside = {(r[2], r[4], int(r[5])) for r in rows if r[11] in ("SF", "S1", "S2", "S3", "RSTO", "RSTR") and r[4].startswith(("10.", "192.168.")) and r[2].startswith(("10.", "192.168."))}
    facts = facts_of(path, now=NOW)
    assert {(f["from_key"][5:], f["to_key"][5:], f["port"]) for f in of(facts, "CONNECTS_TO")} == inside
    assert {"format": "zeek", "records": len(rows)} in facts


def test_the_real_ssh_log_tells_success_and_never_who():
    facts = facts_of(sample("09_network/zeek_tsv/ssh.log.gz"), now=NOW)
    seen = of(facts, "Observation")
    assert len(seen) == 22 and {fact.get("succeeded") for fact in seen} >= {True, False} and not of(facts, "Account")


def test_the_real_known_services_offer_what_their_ports_say():
    path = sample("09_network/zeek_tsv/known_services.log.gz")
    rows = [line.split("\t") for line in gzip.decompress(path.read_bytes()).decode().splitlines() if not line.startswith("#")]
    facts = facts_of(path, now=NOW)
    assert {fact["ip"] for fact in of(facts, "Server")} == {row[1] for row in rows if row[1].startswith("10.")}
    assert {f"service:remote desktop/{row[1]}" for row in rows if row[2] == "3389"} <= {fact["key"] for fact in of(facts, "Service")}


def test_mail_on_the_wire_joins_other_logs_by_its_message_id_and_is_not_delivered_by_being_passed_on():
    facts = facts_of(HERE / "zeek" / "input.log", now=NOW)
    assert {fact["key"] for fact in of(facts, "Message")} == {message_key("m1@nisc.example", None), message_key("m2@nisc.example", None)}
    envelope = {fact["to_key"]: fact.get("status") for fact in of(facts, "ADDRESSED_TO") if fact["role"] == "envelope"}
    assert envelope == {"smtp:x@abroad.example": "relayed", "smtp:y@abroad.example": "relayed", "smtp:z@abroad.example": None}
    assert not any("delivered" in fact for fact in of(facts, "ADDRESSED_TO"))


def test_a_log_written_twice_into_one_file_counts_once(tmp_path):
    text = (HERE / "zeek_json" / "input.json").read_text(encoding="utf-8")
    once, twice = facts_of(written(tmp_path, text, "a.json"), now=NOW), facts_of(written(tmp_path, text + text, "b.json"), now=NOW)
    for kind in ("Observation", "Server", "Service", "Account"):
        assert {fact["key"] for fact in of(once, kind)} == {fact["key"] for fact in of(twice, kind)}


def test_a_packed_log_that_is_cut_loads_nothing(tmp_path):
    path = tmp_path / "log.gz"
    path.write_bytes(gzip.compress((HERE / "zeek" / "input.log").read_bytes())[:-20])
    with pytest.raises(Broken, match="packed bytes"):
        facts_of(path, now=NOW)


def test_a_json_log_that_ends_in_the_middle_of_a_record_loads_nothing(tmp_path):
    text = (HERE / "zeek_json" / "input.json").read_text(encoding="utf-8")
    with pytest.raises(Broken, match="line 8: the file ends in the middle of a record"):
        facts_of(written(tmp_path, "\n".join(text.splitlines()[:8])[:-5], "a.json"), now=NOW)


def test_zeek_json_that_does_not_name_its_log_is_known_by_its_fields(tmp_path):
    row = {"ts": 1686650400.5, "uid": "C1", "id.orig_h": "10.0.0.5", "id.resp_h": "10.0.0.6", "id.resp_p": 22, "proto": "tcp", "conn_state": "SF"}
    facts = facts_of(written(tmp_path, json.dumps(row) + "\n", "conn.json"), now=NOW)
    assert [(fact["from_key"], fact["to_key"], fact["port"]) for fact in of(facts, "CONNECTS_TO")] == [("host:10.0.0.5", "host:10.0.0.6", 22)]


def test_coverage_of_a_sensor_never_speaks_for_logons_or_mail_as_a_whole():
    scopes = {fact["scope"] for name in ("zeek/input.log", "zeek_json/input.json", "zeek_conn/input.log") for fact in of(facts_of(HERE / name, now=NOW), "LogCoverage")}
    assert scopes and all(scope.startswith("network sensor") for scope in scopes)
    assert "what passes the sensor" in json.dumps(facts_of(HERE / "zeek_conn" / "input.log", now=NOW))


def test_an_address_is_a_machines_only_while_it_was_seen_to_be(tmp_path):
    (joined,) = [f for f in facts_of(HERE / "nmap" / "input.xml", now=NOW) if f.get("kind") == "SAME_IDENTITY"]
    assert (joined["valid_from"], joined["valid_until"]) == (1686650000, 1686650200 + 1)  # `start` and `finished` of the scan
    at, later = 1686650400.5, 1686650460.0
    lines = [
        {"_path": "ntlm", "ts": ts, "uid": f"C{ts}", "id.orig_h": "10.0.0.5", "id.orig_p": 50000, "id.resp_h": ip, "id.resp_p": 445, "username": "ken",
         "domainname": "NISC", "server_dns_computer_name": name, "success": True}
        for ts, ip, name in ((later, "10.0.0.10", "fs01.nisc.example"), (at, "10.0.0.10", "fs01.nisc.example"), (at + 9000, "10.0.0.10", "pc07.nisc.example"))
    ]  # fmt: skip
    path = tmp_path / "ntlm.log"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    spans = {f["to_key"]: (f["valid_from"], f["valid_until"]) for f in facts_of(path, now=NOW) if f.get("kind") == "SAME_IDENTITY"}
    assert spans == {"host:fs01.nisc.example": (int(at), int(later) + 1), "host:pc07.nisc.example": (int(at) + 9000, int(at) + 9001)}


def test_an_address_that_the_sensor_calls_local_is_inside_though_it_is_public(tmp_path):
    head = "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n"
    fields = "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tconn_state\tlocal_orig\tlocal_resp\n"
    rows = [("C1", "T", "T", 3389), ("C2", "F", "T", 22), ("C3", "-", "-", 445)]
    text = "".join(f"1772413200.123456\t{uid}\t198.51.100.9\t50000\t198.51.100.5\t{port}\ttcp\t-\tSF\t{one}\t{two}\n" for uid, one, two, port in rows)
    path = tmp_path / "conn.log"
    for times in (1, 4000):  # read row by row, and in columns
        path.write_text(head + fields + text * times + "#close\t2026-03-02-11-00-00\n")
        facts = facts_of(path, now=1_800_000_000)
        assert [(fact["from_key"], fact["to_key"], fact["port"]) for fact in facts if fact.get("kind") == "CONNECTS_TO"] == [("host:198.51.100.9", "host:198.51.100.5", 3389)]
