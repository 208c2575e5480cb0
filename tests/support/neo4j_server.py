"""A real Neo4j for tests and for trying things out: NEO4J_URI, else Docker, else one started from Maven's jars without Docker.

By hand: `python -m tests.support.neo4j_server --port 7687` starts one, prints its address and runs until Ctrl-C.

`HAKYU_NEO4J_HOME` is the folder of the jars (default `~/.cache/hakyu/neo4j-<version>`); it is filled once by Maven.
`HAKYU_NEO4J_HEAP` is its heap (default 1g).
"""

from __future__ import annotations

import argparse
import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import neo4j
import pytest

HERE = Path(__file__).resolve().parent
POM = HERE / "pom.xml"
COMPOSE = HERE.parents[1] / "docker-compose.yml"
COPY_GOAL = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
READY_SECONDS = 120
# Neo4j reaches into these; without leave it works too, but warns.
JAVA_OPTIONS = [
    f"-Xmx{os.environ.get('HAKYU_NEO4J_HEAP', '1g')}", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "--add-opens=java.base/java.nio=ALL-UNNAMED",
    "--add-opens=java.base/java.lang=ALL-UNNAMED", "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
]  # fmt: skip


class Unavailable(Exception):
    """No Neo4j can be had in this way; the message says why."""


@dataclass(frozen=True)
class Server:
    """Where a server answers and who may sign in (`password` None: nobody is asked)."""

    uri: str
    username: str = "neo4j"
    password: str | None = None

    @property
    def auth(self) -> tuple[str, str] | None:
        """What the driver takes."""
        return (self.username, self.password) if self.password else None


def version() -> str:
    """The pinned version, from pom.xml."""
    found = re.search(r"<neo4j\.version>([\d.]+)</neo4j\.version>", POM.read_text(encoding="utf-8"))
    assert found, f"{POM}: no <neo4j.version>"
    return found.group(1)


def image() -> str:
    """The pinned image, from docker-compose.yml."""
    found = re.search(r"image:\s*(neo4j:\S+)", COMPOSE.read_text(encoding="utf-8"))
    assert found, f"{COMPOSE}: no neo4j image"
    return found.group(1)


def jars() -> Path:
    """The folder with the server's jars; Maven fills it the first time. Raises Unavailable."""
    home = Path(os.environ.get("HAKYU_NEO4J_HOME") or Path.home() / ".cache" / "hakyu" / f"neo4j-{version()}")
    lib = home / "lib"
    if lib.is_dir():
        return lib
    maven = shutil.which("mvn")
    if maven is None:
        raise Unavailable(f"{lib} is not there, and there is no mvn to fill it")
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # of several test processes one asks Maven, the others wait
        if lib.is_dir():
            return lib
        fresh = Path(tempfile.mkdtemp(prefix="lib-", dir=home))
        command = [maven, "-q", "-B", "-f", str(POM), COPY_GOAL, "-DincludeScope=runtime", f"-DoutputDirectory={fresh}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        if done.returncode:
            shutil.rmtree(fresh, ignore_errors=True)
            said = next((line for line in (done.stdout + done.stderr).splitlines() if "ERROR" in line), "no reason given")
            raise Unavailable(f"mvn could not fetch Neo4j {version()}: {said.strip()}")
        fresh.rename(lib)
    return lib


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def from_jars(port: int | None = None, password: str | None = None) -> Iterator[Server]:
    """A server of our own, in a folder that goes away with it; with `password` it asks for one. Raises Unavailable."""
    java = shutil.which("java")
    if java is None:
        raise Unavailable("there is no java (17 or newer) on the path")
    lib = jars()
    port = port or free_port()
    folder = Path(tempfile.mkdtemp(prefix="hakyu-neo4j-"))
    mode = "auth" if password else "open"
    command = [java, *JAVA_OPTIONS, "-cp", f"{lib}/*", str(HERE / "HakyuNeo4j.java"), str(folder), str(port), mode]
    output = folder / "output.txt"
    with output.open("wb") as log:
        # Its standard input is our pipe: when we die, however hard, it ends too.
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log)
    try:
        server = Server(f"bolt://127.0.0.1:{port}", password=password)
        _wait(server, process, output)
        yield server
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def from_docker() -> Iterator[Server]:
    """A server in a container that goes away with it. Raises Unavailable."""
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "info"], capture_output=True, check=False).returncode:
        raise Unavailable("no Docker engine answers")
    run = [docker, "run", "--rm", "-d", "-e", "NEO4J_AUTH=none", "-p", "127.0.0.1::7687", image()]
    started = subprocess.run(run, capture_output=True, text=True, check=False)
    if started.returncode:
        raise Unavailable(f"docker could not run {image()}: {started.stderr.strip().splitlines()[-1:]}")
    name = started.stdout.strip()
    try:
        bound = subprocess.run([docker, "port", name, "7687"], capture_output=True, text=True, check=True).stdout
        server = Server("bolt://" + bound.splitlines()[0].strip())
        _wait(server, None, None)
        yield server
    finally:
        subprocess.run([docker, "rm", "-f", name], capture_output=True, check=False)


def _wait(server: Server, process: subprocess.Popen[bytes] | None, output: Path | None) -> None:
    """Until the server answers over Bolt; the first password is set on the way."""
    until = time.monotonic() + READY_SECONDS
    while True:
        try:
            first = ("neo4j", "neo4j") if server.password else None
            with neo4j.GraphDatabase.driver(server.uri, auth=first) as driver:  # noqa: SIM117
                with driver.session(database="system" if first else None) as session:
                    if server.password:
                        session.run("ALTER CURRENT USER SET PASSWORD FROM 'neo4j' TO $new", new=server.password).consume()
                    else:
                        session.run("RETURN 1").consume()
            return
        except (neo4j.exceptions.ServiceUnavailable, neo4j.exceptions.TransientError, OSError) as error:
            if process is not None and process.poll() is not None:
                said = output.read_text(errors="replace").strip().splitlines()[:1] if output else []
                raise Unavailable(f"Neo4j ended while it was starting: {said}") from error
            if time.monotonic() > until:
                raise Unavailable(f"{server.uri} did not answer within {READY_SECONDS} s") from error
            time.sleep(0.25)


@contextmanager
def running() -> Iterator[Server]:
    """The server to test against: NEO4J_URI, else Docker, else our own. Raises Unavailable with all reasons."""
    if uri := os.environ.get("NEO4J_URI"):
        server = Server(uri, os.environ.get("NEO4J_USERNAME", "neo4j"), os.environ.get("NEO4J_PASSWORD") or None)
        _must_be_empty(server)
        yield server
        wipe(server)
        return
    reasons = []
    for way in (from_docker, from_jars):
        context = way()
        try:
            server = context.__enter__()
        except Unavailable as why:
            reasons.append(str(why))
            continue
        try:
            yield server
        finally:
            context.__exit__(None, None, None)
        return
    raise Unavailable("; ".join(reasons))


def cannot(why: Unavailable) -> None:
    """Skip the test with the reason, or fail where HAKYU_REQUIRE_NEO4J says that a Neo4j must be there."""
    if os.environ.get("HAKYU_REQUIRE_NEO4J") == "1":
        pytest.fail(f"HAKYU_REQUIRE_NEO4J=1, but there is no Neo4j: {why}", pytrace=False)
    pytest.skip(f"no Neo4j: {why}")


def _must_be_empty(server: Server) -> None:
    """The tests empty the database again and again: nobody's work may be in it when they begin."""
    with neo4j.GraphDatabase.driver(server.uri, auth=server.auth) as driver, driver.session() as session:
        record = session.run("MATCH (n) RETURN count(n) AS nodes").single()
    if record is None or record["nodes"]:
        raise Unavailable("the database at NEO4J_URI is not empty, and the tests would empty it; name another or empty it yourself")


def wipe(server: Server) -> None:
    """Empty the user database: rows, in bounded transactions; constraints may stay."""
    with neo4j.GraphDatabase.driver(server.uri, auth=server.auth) as driver, driver.session() as session:
        session.run("MATCH (n) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 10000 ROWS").consume()


def main() -> None:
    """Start a server, print its address, and run until told to stop."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--port", type=int, default=7687)
    parser.add_argument("--password", help="ask for this password (user neo4j); without it nobody is asked")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        with from_jars(options.port, options.password) as server:
            print(server.uri, flush=True)
            signal.pause()
    except Unavailable as why:
        sys.exit(str(why))
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()
