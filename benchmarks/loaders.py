"""What a loader costs beside the bare parser that reads the same file and throws the rows away: `python -m benchmarks.loaders`.

Files are made up in the real shapes, `--mb` MiB each, in a temporary folder. Printed: seconds of the floor and of the loader with all its
facts (written as the case folder does it with `--write`, else thrown away), their ratio, and the highest memory of the loader's process.
`--only audit_ndjson --mb 2048` is the 2 GB audit log, `--only mbox --mb 10240` the 10 GB mbox.
"""

from __future__ import annotations

import argparse
import csv
import gc
import json
import mailbox
import os
import platform
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from benchmarks import export_files, log_files
from graphmodel.facts import FactBuffer
from graphmodel.ledger import Ledger
from loaders.base import Options, Source
from loaders.registry import formats, recognise

MIB = 1 << 20
DOMAIN = "agency.example"


def _audit(n: int) -> dict[str, Any]:
    when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(1_664_600_000 + 7 * n))
    user = f"user{n % 300}@{DOMAIN}"
    items = [{"InternetMessageId": f"<{n * 3 + i}@{DOMAIN}>", "SizeInBytes": 40_000 + i} for i in range(3)]
    return {
        "CreationTime": when, "Id": f"{n:08x}-0000-4000-8000-000000000000", "Operation": "MailItemsAccessed", "RecordType": 50, "Workload": "Exchange",
        "ResultStatus": "Succeeded", "UserId": user, "UserType": 0, "MailboxOwnerUPN": user, "ClientIPAddress": f"192.0.2.{n % 250}", "LogonType": 0,
        "ClientInfoString": "Client=OWA;Action=ViaProxy", "SessionId": f"s-{n % 5000}",
        "OperationProperties": [{"Name": "MailAccessType", "Value": "Bind"}, {"Name": "IsThrottled", "Value": "False"}],
        "Folders": [{"Path": "\\Inbox", "Id": "LgAAAAB", "FolderItems": items}], "OperationCount": 3,
    }  # fmt: skip


def audit_ndjson(path: Path, size: int) -> None:
    """One AuditData object a line, MailItemsAccessed by Bind."""
    with path.open("wb") as stream:
        n = 0
        while stream.tell() < size:
            stream.write(orjson.dumps(_audit(n)) + b"\n")
            n += 1


def audit_csv(path: Path, size: int) -> None:
    """Search-UnifiedAuditLog, Export-Csv."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, quoting=csv.QUOTE_ALL)
        writer.writerow(["RecordType", "CreationDate", "UserIds", "Operations", "AuditData", "ResultIndex", "ResultCount", "Identity", "IsValid", "ObjectState"])
        n = 0
        while stream.tell() < size:
            row = _audit(n)
            writer.writerow(["ExchangeItemAggregated", row["CreationTime"], row["UserId"], row["Operation"], json.dumps(row), n, 0, row["Id"], "True", "Unchanged"])
            n += 1


def _sign_in(n: int) -> dict[str, Any]:
    user = n % 300
    return {
        "id": f"{n:08x}-0000-4000-8000-000000000001", "createdDateTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1_664_600_000 + 7 * n)),
        "userDisplayName": f"Person {user}", "userPrincipalName": f"user{user}@{DOMAIN}", "userId": f"{user:08x}-0000-4000-8000-000000000002",
        "appId": f"{n % 20:08x}-0000-0000-c000-000000000000", "appDisplayName": f"Application {n % 20}", "ipAddress": f"192.0.2.{n % 250}",
        "clientAppUsed": "Browser", "correlationId": f"{n:08x}-0000-4000-8000-000000000003", "conditionalAccessStatus": "notApplied", "isInteractive": True,
        "riskDetail": "none", "riskLevelAggregated": "none", "riskLevelDuringSignIn": "none", "riskState": "none", "riskEventTypes": [],
        "resourceDisplayName": "Office 365 Exchange Online", "resourceId": "00000002-0000-0ff1-ce00-000000000000",
        "authenticationRequirement": "multiFactorAuthentication", "userAgent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Edg/120.0",
        "sessionId": f"{n % 5000:08x}-0000-4000-8000-000000000004", "uniqueTokenIdentifier": f"token{n}",
        "status": {"errorCode": 50126 if n % 9 == 0 else 0, "failureReason": "Other.", "additionalDetails": None},
        "deviceDetail": {"deviceId": "", "displayName": "", "operatingSystem": "Windows10", "browser": "Edge 120", "isCompliant": False, "isManaged": False},
        "location": {"city": f"City {user % 40}", "state": "Tokyo", "countryOrRegion": "JP", "geoCoordinates": {"latitude": 35.6, "longitude": 139.7}},
        "appliedConditionalAccessPolicies": [],
    }  # fmt: skip


def signins_json(path: Path, size: int) -> None:
    """Sign-ins of Entra ID as Graph answers them, one array."""
    with path.open("wb") as stream:
        n = 0
        while stream.tell() < size:
            stream.write((b"[" if n == 0 else b",\n") + orjson.dumps(_sign_in(n)))
            n += 1
        stream.write(b"]")


def _event(n: int) -> dict[str, Any]:
    user, app = n % 300, n % 40
    return {
        "actor": {"id": f"00u{user:05}", "type": "User", "alternateId": f"user{user}@{DOMAIN}", "displayName": f"Person {user}", "detailEntry": None},
        "client": {"userAgent": {"rawUserAgent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/120.0", "os": "Windows 10", "browser": "CHROME"},
                   "zone": "null", "device": "Computer", "id": None, "ipAddress": f"192.0.2.{n % 250}",
                   "geographicalContext": {"city": f"City {user % 40}", "state": "Osaka", "country": "Japan", "postalCode": "530", "geolocation": {"lat": 34.7, "lon": 135.5}}},
        "authenticationContext": {"authenticationProvider": None, "credentialProvider": None, "credentialType": None, "issuer": None, "interface": None,
                                  "authenticationStep": 0, "externalSessionId": f"102s{n % 5000}"},
        "displayMessage": "User single sign on to app", "eventType": "user.authentication.sso", "outcome": {"result": "SUCCESS", "reason": None},
        "published": time.strftime("%Y-%m-%dT%H:%M:%S.123Z", time.gmtime(1_664_600_000 + 7 * n)), "severity": "INFO",
        "securityContext": {"asNumber": 64496, "asOrg": "example", "isp": "example", "domain": "isp.example", "isProxy": False},
        "debugContext": {"debugData": {"requestId": f"r{n}", "requestUri": f"/app/{app}/sso/saml", "url": f"/app/{app}/sso/saml?"}},
        "legacyEventType": "app.auth.sso", "transaction": {"type": "WEB", "id": f"t{n}", "detail": {}}, "uuid": f"{n:08x}-0000-11ee-8000-000000000005", "version": "0",
        "request": {"ipChain": [{"ip": f"192.0.2.{n % 250}", "geographicalContext": None, "version": "V4", "source": None}]},
        "target": [{"id": f"0oa{app}", "type": "AppInstance", "alternateId": f"Application {app}", "displayName": f"Application {app}", "detailEntry": None},
                   {"id": f"0ua{user}", "type": "AppUser", "alternateId": f"user{user}@{DOMAIN}", "displayName": f"Person {user}", "detailEntry": None}],
    }  # fmt: skip


def okta_ndjson(path: Path, size: int) -> None:
    """Okta's System Log, an event a line."""
    with path.open("wb") as stream:
        n = 0
        while stream.tell() < size:
            stream.write(orjson.dumps(_event(n)) + b"\n")
            n += 1


def trace_csv(path: Path, size: int) -> None:
    """Get-MessageTraceV2."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, quoting=csv.QUOTE_ALL)
        writer.writerow(["Received", "SenderAddress", "RecipientAddress", "Subject", "Status", "Size", "MessageId", "MessageTraceId"])
        n = 0
        while stream.tell() < size:
            when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1_664_600_000 + n))
            writer.writerow([when, f"user{n % 300}@{DOMAIN}", f"person{n % 9000}@partner{n % 400}.example.com", "x", "Delivered", 1000, f"<{n // 2}@{DOMAIN}>", n])
            n += 1


def mbox(path: Path, size: int) -> None:
    """Messages of 60 kB, as with attachments."""
    body = ("All work and no play makes a long message.\n" * 40 + "\n") * 34
    with path.open("w", encoding="utf-8") as stream:
        n = 0
        while stream.tell() < size:
            when = time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime(1_664_600_000 + 60 * n))
            stream.write(
                f"From user0@{DOMAIN} Mon Oct  3 09:00:00 2022\nDelivered-To: user0@{DOMAIN}\nFrom: Person {n} <person{n % 9000}@partner{n % 400}.example.com>\n"
                f"To: user0@{DOMAIN}\nDate: {when}\nMessage-ID: <{n}@partner.example>\nSubject: note {n}\n\n{body}\n"
            )
            n += 1


def _csv_floor(path: Path) -> None:
    with path.open(encoding="utf-8", newline="") as stream:
        for _ in csv.reader(stream):
            pass


def _audit_csv_floor(path: Path) -> None:
    with path.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            orjson.loads(row["AuditData"])


def _ndjson_floor(path: Path) -> None:
    with path.open("rb") as stream:
        for line in stream:
            orjson.loads(line)


def _json_floor(path: Path) -> None:
    orjson.loads(path.read_bytes())


def _mbox_floor(path: Path) -> None:
    for message in mailbox.mbox(path, create=False):
        message["From"], message["To"], message["Message-ID"]


CASES: dict[str, tuple[Callable[[Path, int], None], Callable[[Path], None]]] = {
    "audit_csv": (audit_csv, _audit_csv_floor), "audit_ndjson": (audit_ndjson, _ndjson_floor),
    "signins_json": (signins_json, _json_floor), "okta_ndjson": (okta_ndjson, _ndjson_floor),
    "trace_csv": (trace_csv, _csv_floor), "mbox": (mbox, _mbox_floor),
}  # fmt: skip
CASES |= log_files.CASES | export_files.CASES


_COMPILED = ("audit_csv", "audit_ndjson", "signins_json", "okta_ndjson", "postfix", "trace_csv", "nxlog", "winlogbeat", "mimecast", "google_login", "misp", "stix",
             "graph_users", "azurehound", "sharphound", "opengraph")  # fmt: skip
"""Read by compiled code, which a process loads once: that is printed by itself, and not part of their time."""


CLOCK = "wall"


def _ready() -> None:
    """Load compiled code. In the process that is measured, not in the one it is forked from: polars' threads do not go on in a fork."""
    from loaders import jsoncells, messageids, postfix_batches
    from loaders.jsonbatch import padded

    jsoncells.ready()
    messageids.message_keys(padded(b'"x"'), np.array([[0, 3]]))
    postfix_batches.ready()


def _measured(work: Callable[[], None], answer: Any, compiled: bool) -> None:
    if compiled:
        _ready()
    gc.collect()  # what a process imports is looked through once: now, not within what is measured
    clock = time.process_time if CLOCK == "cpu" else time.perf_counter
    begin = clock()
    work()
    answer.send((clock() - begin, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024))


def measured(work: Callable[[], None], compiled: bool = False) -> tuple[float, int]:
    """(seconds, highest memory in bytes) of work done in a process of its own. `compiled`: with compiled code that was loaded before."""
    ours, theirs = get_context("fork").Pipe(duplex=False)
    process = get_context("fork").Process(target=_measured, args=(work, theirs, compiled))
    process.start()
    theirs.close()
    found: tuple[float, int] = ours.recv()
    process.join()
    return found


def load(path: Path, case: Path | None) -> None:
    """Read a file with its loader; the facts go into a case folder, or nowhere."""
    source = Source(path, path.name)
    fmt, _ = recognise(source)
    options = Options(now=int(time.time()))
    if case is None:
        out = FactBuffer(on_full=lambda kind, frame: None)
        fmt.read(source, options, out)
        out.flush()
        return
    ledger = Ledger(case)
    with ledger.writing():
        staged = ledger.stage("measured", path.name, fmt.NAME)
        fmt.read(source, options, staged.buffer)
        staged.finish(name=path.name, path="", format=fmt.NAME, title="", sha256="", bytes=path.stat().st_size, read_at="")


def rows(names: list[str], mb: int, write: bool) -> Iterator[str]:
    """The lines of the table."""
    for name in names:
        make, floor = CASES[name]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{name}.{'mbox' if name == 'mbox' else 'txt'}"
            make(path, mb * MIB)
            bare, _ = measured(lambda path=path, floor=floor: floor(path))
            took, memory = measured(lambda path=path, folder=folder: load(path, Path(folder) / "case" if write else None), write or name in _COMPILED)
            yield f"{name:<14}{path.stat().st_size / MIB:>8,.0f}{bare:>10.2f}{took:>10.2f}{took / bare:>8.2f}{memory / MIB:>10,.0f}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mb", type=int, default=64, help="size of each file")
    parser.add_argument("--only", action="append", choices=sorted(CASES))
    parser.add_argument("--write", action="store_true", help="write the facts into a case folder as `hakyu load` does")
    parser.add_argument("--cpu", action="store_true", help="processor seconds of all threads instead of the wall's, for a machine that others use too")
    asked = parser.parse_args()
    global CLOCK  # noqa: PLW0603 - the measured processes are forks of this one
    CLOCK = "cpu" if asked.cpu else "wall"
    # Imported once a process, whatever it reads, the latter two at the first use of polars and numpy: no part of their time.
    formats()
    for name in ("pyarrow.compute", "numpy.ma"):
        import_module(name)
    print(f"{platform.machine()}, {os.cpu_count()} cores, CPython {platform.python_version()}")
    if asked.write or {*_COMPILED} & {*(asked.only or CASES)}:
        print(f"loading compiled code, once a process: {measured(_ready)[0]:.2f} s")
    print(f"{'file':<14}{'MiB':>8}{'floor s':>10}{'loader s':>10}{'ratio':>8}{'peak MiB':>10}")
    for line in rows(asked.only or list(CASES), asked.mb, asked.write):
        print(line)
        sys.stdout.flush()


if __name__ == "__main__":
    main()
