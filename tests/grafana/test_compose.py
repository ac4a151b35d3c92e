"""The compose file and Grafana's provisioning: everything that is named is there, pinned, and has no rights to spare."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from grafana.make import overview
from grafana.make.board import PAGES as SIPWATCH
from sipwatch.config import load
from sipwatch.export.families import families
from sipwatch.export.figures import Figures
from sipwatch.export.series import CALLS_STARTED, Seen
from tests.grafana.pages import PAGES, seconds

ROOT = Path(__file__).resolve().parent.parent.parent
GRAFANA = ROOT / "grafana"
COMPOSE = GRAFANA / "compose.yaml"
README = (GRAFANA / "README.md").read_text(encoding="utf-8")

Document = dict[str, Any]


def read(path: Path) -> Document:
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert isinstance(document, dict)
    return document


def filled(value: Any) -> Any:
    """Fill variables in as compose does where nothing is set."""
    if isinstance(value, str):
        return re.sub(r"\$\{\w+(?::-([^}]*)|:\?[^}]*)\}", lambda match: match.group(1) or "given", value)
    if isinstance(value, list):
        return [filled(one) for one in value]
    if isinstance(value, dict):
        return {key: filled(one) for key, one in value.items()}
    return value


SERVICES: dict[str, Document] = filled(read(COMPOSE))["services"]
PORTS = {"sipwatch": 10060, "prometheus": 9090, "alertmanager": 9093, "grafana": 3000}
per_service = pytest.mark.parametrize("name", SERVICES)


def mounts(name: str) -> dict[str, str]:
    """Return what is mounted, by where."""
    return {volume.split(":")[1]: volume.split(":")[0] for volume in SERVICES[name]["volumes"]}


def seen(name: str, path: str) -> Path:
    """Return the file or folder here that a service sees there."""
    where, what = max((where, what) for where, what in mounts(name).items() if path.startswith(where))
    return (GRAFANA / what / Path(path).relative_to(where)).resolve()


def said(service: str) -> dict[str, str]:
    """Return a service's options, ``--name=value``, by name."""
    return dict(re.fullmatch(r"(--[^=]+)=(.*)", option).groups() for option in SERVICES[service]["command"])  # type: ignore[union-attr, misc]


# Each service


def test_these_four_are_started() -> None:
    assert set(SERVICES) == set(PORTS)


@per_service
def test_nobody_has_a_right_that_he_does_not_need(name: str) -> None:
    service = SERVICES[name]
    assert not {"privileged", "devices", "pid", "ipc", "user", "userns_mode"} & set(service)
    assert service["cap_drop"] == ["ALL"]
    assert service.get("cap_add", []) == (["NET_RAW"] if name == "sipwatch" else [])
    assert service["read_only"] is True
    # It forbids the capability that is attached to sipwatch's interpreter.
    assert service.get("security_opt", []) == ([] if name == "sipwatch" else ["no-new-privileges:true"])


@per_service
def test_images_are_pinned_or_built_here(name: str) -> None:
    service = SERVICES[name]
    if name == "sipwatch":
        context = (GRAFANA / service["build"]["context"]).resolve()
        assert context == ROOT
        assert (context / service["build"]["dockerfile"]).is_file()
        assert "image" not in service
    else:
        assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+\.\d+", service["image"])


def test_grafana_is_no_older_than_the_dashboards() -> None:
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["dev"]
    (sdk,) = (one for one in wanted if one.startswith("grafana-foundation-sdk"))
    made_for = re.search(r"!(\d+)\.(\d+)\.", sdk)
    started = re.search(r":(\d+)\.(\d+)\.", SERVICES["grafana"]["image"])
    assert made_for is not None
    assert started is not None
    assert tuple(map(int, started.groups())) >= tuple(map(int, made_for.groups()))


def test_the_projects_name_is_a_setting() -> None:
    """A ``name:`` in the file is refused by Compose 1, which is what Debian 12 has."""
    assert set(read(COMPOSE)) == {"services", "volumes"}
    assert "COMPOSE_PROJECT_NAME" in README


def test_nobody_commits_the_password() -> None:
    assert ".env" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()


@per_service
def test_what_is_mounted_exists_and_is_read_only_but_for_declared_volumes(name: str) -> None:
    declared = read(COMPOSE)["volumes"]
    assert mounts(name)
    for volume in SERVICES[name]["volumes"]:
        what, _, *how = volume.split(":")
        if what.startswith("."):
            assert (GRAFANA / what).resolve().is_dir(), what
            assert how == ["ro"], what
        else:
            assert what in declared


@per_service
def test_everybody_listens_at_home(name: str) -> None:
    """With the host's network, any other address would be open to all."""
    service = SERVICES[name]
    assert service["network_mode"] == "host"
    assert "ports" not in service
    text = "\n".join([*service.get("command", ()), *map(str, service.get("environment", {}).values())])
    addresses = re.findall(r"(?:listen-address=|^)(\d+\.\d+\.\d+\.\d+)(?::(\d+))?$", text, re.MULTILINE)
    assert [address for address, _ in addresses] == ["127.0.0.1"]
    assert [port for _, port in addresses] == ([""] if name == "grafana" else [str(PORTS[name])])


@per_service
def test_every_health_is_checked(name: str) -> None:
    if name == "sipwatch":
        check = (ROOT / "deploy/Dockerfile").read_text()
        assert re.search(rf"^HEALTHCHECK .*'127\.0\.0\.1', {PORTS[name]}", check, re.MULTILINE)
    else:
        check = SERVICES[name]["healthcheck"]["test"]
        assert check[:2] == ["CMD", "wget"]
        assert urlsplit(check[-1]).port == PORTS[name]


# What they are told


@pytest.mark.parametrize(
    ("service", "program"), [("prometheus", "prometheus"), ("alertmanager", "prometheus-alertmanager")]
)
def test_the_options_are_the_programs(service: str, program: str) -> None:
    found = shutil.which(program) or shutil.which(service)
    if found is None:
        pytest.skip(f"{program} is not installed")
    helped = subprocess.run([found, "--help"], capture_output=True, text=True, check=False)
    known = set(re.findall(r"--[\w.-]+", helped.stdout + helped.stderr))
    assert set(said(service)) <= known


def test_sipwatch_is_started_as_its_command_line_allows() -> None:
    command = SERVICES["sipwatch"]["command"]
    helped = subprocess.run(
        [sys.executable, "-m", "sipwatch", command[0], "--help"],
        cwd=ROOT, capture_output=True, text=True, check=True, env={**os.environ, "NO_COLOR": "1", "TERM": "dumb"},
    )  # fmt: skip
    assert {word for word in command if word.startswith("-")} <= set(re.findall(r"--[a-z-]+", helped.stdout))
    config = command[command.index("--config") + 1]
    assert load(str(seen("sipwatch", config))).settings.peers


def test_configurations_stand_where_the_programs_look() -> None:
    for service in ("prometheus", "alertmanager"):
        assert seen(service, said(service)["--config.file"]).is_file()
    for pattern in read(GRAFANA / "prometheus/prometheus.yml")["rule_files"]:
        assert list(seen("prometheus", str(Path(pattern).parent)).glob(Path(pattern).name))


def test_what_is_written_goes_into_volumes() -> None:
    for service, option in (("prometheus", "--storage.tsdb.path"), ("alertmanager", "--storage.path")):
        assert not mounts(service)[said(service)[option]].startswith(".")
    assert not mounts("grafana")["/var/lib/grafana"].startswith(".")


def targets(document: Any) -> list[str]:
    """Return every ``targets`` of a Prometheus configuration."""
    if isinstance(document, dict):
        here = document.get("targets", [])
        return [*here, *(target for value in document.values() for target in targets(value))]
    if isinstance(document, list):
        return [target for value in document for target in targets(value)]
    return []


def test_prometheus_reaches_everybody_it_knows() -> None:
    hosts = dict(host.split(":") for host in SERVICES["prometheus"]["extra_hosts"])
    known = set(targets(read(GRAFANA / "prometheus/prometheus.yml")))
    assert {target.split(":")[0] for target in known} == {"sipwatch", "alertmanager", "localhost"}
    for target in known:
        host, port = target.split(":")
        assert hosts.get(host, "127.0.0.1" if host == "localhost" else "") == "127.0.0.1"
        assert int(port) == PORTS["prometheus" if host == "localhost" else host]


# Provisioning


def test_data_sources_are_the_services() -> None:
    found = read(GRAFANA / "provisioning/datasources/sipwatch.yml")["datasources"]
    assert [one["type"] for one in found] == ["prometheus", "prometheus", "alertmanager"]
    for source in found:
        assert (urlsplit(source["url"]).hostname, urlsplit(source["url"]).port) == ("localhost", PORTS[source["type"]])
    assert [one.get("isDefault", False) for one in found] == [True, False, False]


def test_points_on_graphs_lead_to_their_calls() -> None:
    """By the label that exemplars have; a dollar alone would be a variable of the environment."""
    key = ("phones",)
    (metric,) = families([Figures(CALLS_STARTED, {key: 1}, {key: Seen((b"c", b"t", 0), 1, 1)})])
    example = metric.samples[0].exemplar
    assert example is not None
    (label,) = example.labels
    for source in read(GRAFANA / "provisioning/datasources/sipwatch.yml")["datasources"]:
        leads = source["jsonData"].get("exemplarTraceIdDestinations", [])
        assert bool(leads) == (source["type"] == "prometheus")
        for lead in leads:
            assert lead["name"] == label
            assert lead["url"] == f"{SIPWATCH}/calls/$${{__value.raw}}"


def test_a_captures_history_has_two_samples_in_every_window() -> None:
    """Up to a step of four minutes, which is for a capture of two days."""
    _, captures, _ = read(GRAFANA / "provisioning/datasources/sipwatch.yml")["datasources"]
    window = 4 * seconds(captures["jsonData"]["timeInterval"])  # Grafana's $__rate_interval at the least
    assert window >= 2 * 240
    assert captures["name"] in README


def test_grafana_knows_how_often_sipwatch_is_scraped() -> None:
    """Else its windows for rates are too short, or too long."""
    (job,) = (
        job for job in read(GRAFANA / "prometheus/prometheus.yml")["scrape_configs"] if job["job_name"] == "sipwatch"
    )
    source = read(GRAFANA / "provisioning/datasources/sipwatch.yml")["datasources"][0]
    assert source["jsonData"]["timeInterval"] == job["scrape_interval"]


def test_grafana_finds_the_dashboards() -> None:
    (provider,) = read(GRAFANA / "provisioning/dashboards/sipwatch.yml")["providers"]
    folder = seen("grafana", provider["options"]["path"])
    assert {path.stem for path in folder.glob("*.json")} == set(PAGES)
    home = SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert seen("grafana", home).stem == overview.UID
    for kind in ("datasources", "dashboards"):
        assert list(seen("grafana", f"/etc/grafana/provisioning/{kind}").glob("*.yml"))


# Instructions


def test_every_setting_is_explained() -> None:
    text = COMPOSE.read_text()
    comments = "\n".join(line for line in text.splitlines() if line.startswith("#"))
    used = set(re.findall(r"\$\{(\w+)", text))
    explained = set(re.findall(r"^#   ([A-Z_]+) ", comments, re.MULTILINE))
    assert explained == used | {"COMPOSE_PROJECT_NAME"}  # which is compose's own
    assert {name for name in used if f"${{{name}:-" not in text} == {"GRAFANA_PASSWORD"}


def test_the_readme_names_what_exists() -> None:
    for name in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (GRAFANA / name).exists(), name
    services = re.findall(r"compose -f grafana/compose.yaml (?:exec|kill -s HUP|cp \S+) (\w+)", README)
    assert services
    assert set(services) <= set(SERVICES)


def test_the_readme_uses_the_command_line_as_it_is() -> None:
    (command,) = re.findall(r"^ +sipwatch (replay .*openmetrics.*)$", README, re.MULTILINE)
    helped = subprocess.run(
        [sys.executable, "-m", "sipwatch", "replay", "--help"],
        cwd=ROOT, capture_output=True, text=True, check=True, env={**os.environ, "NO_COLOR": "1", "TERM": "dumb"},
    )  # fmt: skip
    options = {word for word in shlex.split(command) if word.startswith("-")}
    assert options <= set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", helped.stdout))


def test_docker_compose_accepts_it() -> None:
    new = (
        shutil.which("docker")
        and not subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode
    )
    if not new and shutil.which("docker-compose") is None:
        pytest.skip("neither docker compose nor docker-compose is installed")
    done = subprocess.run(
        [*(["docker", "compose"] if new else ["docker-compose"]), "-f", COMPOSE, "config", "--quiet"],
        capture_output=True, text=True, check=False, env={**os.environ, "GRAFANA_PASSWORD": "x"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
