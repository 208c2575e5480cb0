"""docker-compose.yml and the Dockerfile, checked without a Docker engine; with Compose itself where it is installed."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from contextlib import suppress
from pathlib import Path

import pytest
import yaml

from hakyu.case import Case
from hakyu.errors import HakyuError
from tests.deploy.compose import ROOT, Refused, compose, dockerfile, interpolated
from tests.support import neo4j_server as servers

GIVEN = {"NEO4J_PASSWORD": "long/enough=pass word"}
# Of the Compose Specification's keys of a service, those in use here; any other is a slip or has to be added with a check.
SERVICE_KEYS = {
    "image", "build", "environment", "ports", "volumes", "healthcheck", "depends_on", "restart", "security_opt", "cap_drop", "init",
}  # fmt: skip
HEALTH_KEYS = {"test", "interval", "timeout", "retries", "start_period"}


@pytest.fixture(scope="module")
def services():
    return compose(GIVEN)["services"]


def neo4j_settings(environment):
    """As the image's entry point makes them: NEO4J_a_b__c is the setting a.b_c."""
    names = {name: name.removeprefix("NEO4J_").replace("_", ".").replace("..", "_") for name in environment if name != "NEO4J_AUTH"}
    return {names[name]: environment[name] for name in names}


def docker_has_compose() -> bool:
    docker = shutil.which("docker")
    return bool(docker) and subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode == 0


def test_the_file_says_only_what_the_compose_specification_knows():
    found = compose(GIVEN)
    assert set(found) == {"name", "services", "volumes"}
    assert set(found["services"]) == {"neo4j", "app"}
    for service in found["services"].values():
        assert set(service) <= SERVICE_KEYS
        assert set(service["healthcheck"]) == HEALTH_KEYS
        assert service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}
        for name in ("interval", "timeout", "start_period"):
            assert re.fullmatch(r"\d+s", service["healthcheck"][name])
        assert all(isinstance(value, str) for value in service["environment"].values()), "YAML would make a boolean or number of it"


def test_every_volume_that_is_mounted_is_declared_and_neo4j_keeps_its_data_in_one(services):
    found = compose(GIVEN)
    named = {mount.split(":")[0] for service in services.values() for mount in service["volumes"]}
    assert named == set(found["volumes"])
    assert "neo4j-data:/data" in services["neo4j"]["volumes"]
    case = services["app"]["environment"]["HAKYU_CASE"]
    assert services["app"]["volumes"] == [f"case:{case}"]


def test_the_case_folder_can_be_a_folder_of_this_machine():
    assert compose(GIVEN | {"HAKYU_CASE_FOLDER": "./case.hakyu"})["services"]["app"]["volumes"] == ["./case.hakyu:/case"]


@pytest.mark.skipif(not docker_has_compose(), reason="docker compose is not installed")
def test_compose_itself_reads_the_file_as_we_do(services):
    environment = os.environ | GIVEN
    command = ["docker", "compose", "-f", str(ROOT / "docker-compose.yml"), "config", "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    theirs = json.loads(done.stdout)["services"]
    for name, service in services.items():
        assert theirs[name]["environment"] == service["environment"]
        assert {port["host_ip"] for port in theirs[name]["ports"]} == {"127.0.0.1"}
        assert theirs[name].get("image") == service["image"]
        assert [line.replace("$$", "$") for line in theirs[name]["healthcheck"]["test"]] == service["healthcheck"]["test"]


def test_without_a_password_nothing_starts_and_the_reason_says_what_to_do():
    for environment in ({}, {"NEO4J_PASSWORD": ""}):
        with pytest.raises(Refused, match=r"NEO4J_PASSWORD.*\.env"):
            compose(environment)


def test_the_interpolation_of_these_tests_refuses_what_compose_refuses():
    assert interpolated("$${A} ${A:-b} ${B:-c}", {"A": "x"}) == "${A} x c"
    for wrong in ("${A", "$ {A}", "$(A)", "${C}"):
        with pytest.raises(Refused):
            interpolated(wrong, {"A": "x"})


def test_everything_is_published_on_127_0_0_1_only(services):
    assert services["neo4j"]["ports"] == ["127.0.0.1:7474:7474", "127.0.0.1:7687:7687"]
    assert services["app"]["ports"] == ["127.0.0.1:8501:8501"]
    for service in services.values():
        assert not {"network_mode", "privileged", "expose"} & set(service)


def test_neo4j_asks_for_a_password_and_is_the_version_that_the_tests_run(services):
    assert services["neo4j"]["environment"]["NEO4J_AUTH"] == "neo4j/long/enough=pass word"
    assert services["neo4j"]["image"] == f"neo4j:{servers.version()}-community"
    assert servers.version().startswith("5.26."), "the LTS line"
    assert servers.image() == services["neo4j"]["image"]


def test_every_setting_passed_to_neo4j_passes_its_own_strict_validation(services):
    settings = neo4j_settings(services["neo4j"]["environment"])
    assert settings["dbms.usage_report.enabled"] == settings["client.allow_telemetry"] == "false"
    told = _validated(settings)
    assert told.returncode == 0, told.stderr
    read = dict(line.split("=", 1) for line in told.stdout.splitlines())
    assert read.keys() == settings.keys()
    assert read["server.memory.heap.max_size"] == "1073741824"
    for wrong in ({"server.memory.heap.max_sizes": "1G"}, {"server.memory.pagecache.size": "lots"}, {"client.allow_telemetry": "perhaps"}):
        refused = _validated(wrong)
        assert refused.returncode != 0 and next(iter(wrong)) in refused.stderr


def _validated(settings):
    java = shutil.which("java")
    try:
        if java is None:
            raise servers.Unavailable("there is no java on the path")
        lib = servers.jars()
    except servers.Unavailable as why:
        servers.cannot(why)
    command = [java, "-XX:TieredStopAtLevel=1", "-cp", f"{lib}/*", str(Path(__file__).with_name("Settings.java"))]
    return subprocess.run([*command, *(f"{k}={v}" for k, v in settings.items())], capture_output=True, text=True, check=False)


def test_the_health_check_signs_in_without_putting_the_password_on_the_command_line(services, tmp_path):
    shell = tmp_path / "cypher-shell"
    shell.write_text('#!/bin/sh\nprintf "%s\\n" "$NEO4J_USERNAME" "$NEO4J_PASSWORD" "$@"\n')
    shell.chmod(0o755)
    kind, command = services["neo4j"]["healthcheck"]["test"]
    assert kind == "CMD-SHELL"
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "NEO4J_AUTH": services["neo4j"]["environment"]["NEO4J_AUTH"]}
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.splitlines() == ["neo4j", GIVEN["NEO4J_PASSWORD"], "-a", "bolt://localhost:7687", "RETURN 1"]


def test_the_app_waits_for_a_healthy_neo4j(services):
    assert services["app"]["depends_on"] == {"neo4j": {"condition": "service_healthy"}}
    assert services["app"]["environment"]["NEO4J_URI"] == "bolt://neo4j:7687"
    assert services["app"]["environment"]["NEO4J_PASSWORD"] == GIVEN["NEO4J_PASSWORD"]


def test_the_app_is_given_just_the_names_that_a_case_reads(services, tmp_path):
    class Recorder(dict):
        asked = set()

        def get(self, name, default=None):
            self.asked.add(name)
            return super().get(name, default)

    environment = Recorder(services["app"]["environment"] | {"NEO4J_URI": "bolt://127.0.0.1:1", "HAKYU_CASE": str(tmp_path / "none")})
    case = Case(None, environment)
    with suppress(HakyuError):
        case.graph()
    case.close()
    assert environment.asked == set(services["app"]["environment"])


def test_streamlit_in_the_container_listens_where_a_port_can_be_published_and_reports_nothing(services):
    environment = _environment_of_the_image()
    command = [sys.executable, "-m", "streamlit", "config", "show"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, env=os.environ | environment).stdout
    settings = dict(re.findall(r"^(\w+) = (.*)$", shown, re.MULTILINE))
    assert settings["address"] == '"0.0.0.0"'
    assert (settings["port"], settings["headless"], settings["gatherUsageStats"]) == ("8501", "true", "false")
    assert services["app"]["ports"] == [f"127.0.0.1:8501:{settings['port']}"]
    assert f"http://127.0.0.1:{settings['port']}/_stcore/health" in services["app"]["healthcheck"]["test"][-1]


def test_outside_a_container_streamlit_listens_on_this_machine_only():
    command = [sys.executable, "-m", "streamlit", "config", "show"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert 'address = "127.0.0.1"' in shown


def _environment_of_the_image():
    return dict(pair.split("=", 1) for name, rest in dockerfile() if name == "ENV" for pair in shlex.split(rest))


def test_the_image_is_pinned_and_installs_by_hashes_without_test_packages():
    instructions = dockerfile()
    bases = [rest for name, rest in instructions if name == "FROM"]
    assert len(bases) == 1 and re.fullmatch(r"python:3\.11\.\d+-slim-\w+", bases[0])
    installs = [line.strip() for name, rest in instructions if name == "RUN" for line in rest.split("&&") if "pip install" in line]
    assert installs == ["pip install --require-hashes -r requirements.lock", "pip install --no-deps --editable ."]
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert re.search(r"^streamlit==", lock, re.MULTILINE) and not re.search(r"^(pytest|playwright|mypy|ruff)==", lock, re.MULTILINE)


def test_the_app_runs_as_an_ordinary_user_who_may_write_the_case(services):
    instructions = dockerfile()
    names = [name for name, _ in instructions]
    users = [rest for name, rest in instructions if name == "USER"]
    assert users == ["hakyu"] and names.index("USER") < names.index("CMD")
    assert _environment_of_the_image()["HAKYU_CASE"] == services["app"]["environment"]["HAKYU_CASE"] == "/case"
    runs = " ".join(rest for name, rest in instructions if name == "RUN")
    assert "useradd --uid 1000" in runs and "install -d -o hakyu -g hakyu /case" in runs
    assert services["app"]["cap_drop"] == ["ALL"]


def test_all_that_is_copied_is_there_and_not_ignored_and_all_packages_are_copied():
    allowed = {line.removeprefix("!").rstrip("/") for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = set()
    for name, rest in dockerfile():
        if name == "COPY":
            *sources, _ = rest.split()
            copied |= {source.rstrip("/") for source in sources}
    assert copied == allowed, "the image's context is just what is copied"
    missing = {source for source in copied if not (ROOT / source).exists()}
    assert not missing
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packages = {pattern.rstrip("*") for pattern in project["tool"]["setuptools"]["packages"]["find"]["include"]}
    assert packages | {project["project"]["readme"], "pyproject.toml", "streamlit_app.py", ".streamlit"} <= copied
    assert (ROOT / ".dockerignore").read_text().splitlines()[1] == "*"


def test_the_command_is_the_app_at_its_place():
    command = json.loads(next(rest for name, rest in dockerfile() if name == "CMD"))
    assert command == ["streamlit", "run", "streamlit_app.py"]
    assert yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["app"]["build"] == "."
