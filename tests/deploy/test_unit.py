"""What deploy/ says holds: for systemd, for the image, and for the command line that both start.

The unit itself is not started here, nor the image built: that takes a machine with systemd, or a registry.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
import tomllib
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from sipwatch.classify.peers import Directory
from sipwatch.config import load, parse
from sipwatch.track.timers import Timers

ROOT = Path(__file__).resolve().parent.parent.parent
DEPLOY = ROOT / "deploy"
UNIT = (DEPLOY / "sipwatch.service").read_text(encoding="utf-8")
README = (DEPLOY / "README.md").read_text(encoding="utf-8")
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

with_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")


def run(*command: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "COLUMNS": "200", "TERM": "dumb", "NO_COLOR": "1", **more}
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False, env=environment)


# The command line


def options(command: list[str]) -> set[str]:
    return {word.partition("=")[0] for word in command if re.match(r"--?[a-z]", word)}


@pytest.fixture(scope="session")
def live_options() -> set[str]:
    """Return the options of ``sipwatch live``."""
    helped = run(sys.executable, "-m", "sipwatch", "live", "--help")
    if helped.returncode != 0:
        pytest.skip("there is no command `sipwatch live` yet")
    return set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", helped.stdout))


# The unit


def settings(text: str) -> dict[str, list[str]]:
    """Return what a unit sets, in order, without its comments."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if re.match(r"[A-Z]\w*=", line):
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


SET = settings(UNIT)


@pytest.fixture
def unit(tmp_path: Path) -> str:
    """Return the unit's path, starting a program that this machine has."""
    path = tmp_path / "sipwatch.service"
    path.write_text(UNIT.replace("/opt/sipwatch/bin/sipwatch", sys.executable))
    return str(path)


@with_systemd
def test_systemd_understands_every_line(unit: str) -> None:
    done = run("systemd-analyze", "verify", "--man=no", unit)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@with_systemd
def test_a_mistake_in_the_unit_would_be_seen(unit: str) -> None:
    Path(unit).write_text(Path(unit).read_text().replace("WatchdogSec=30", "WatchdogSec=soon"))
    assert "soon" in run("systemd-analyze", "verify", "--man=no", unit).stderr


@with_systemd
def test_it_is_exposed_no_more_than_it_has_to_be(unit: str) -> None:
    """systemd's own score, 0 (none) to 10; a service without any of these settings has 9.6."""
    done = run("systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", unit)
    if "unrecognized option" in done.stderr:
        pytest.skip("this systemd-analyze cannot judge a unit that is not installed")
    assert done.returncode == 0, done.stdout[-200:]


def test_it_has_one_capability_and_the_sockets_it_needs() -> None:
    assert SET["AmbientCapabilities"] == SET["CapabilityBoundingSet"] == ["CAP_NET_RAW"]
    assert {"AF_PACKET", "AF_UNIX", "AF_INET", "AF_INET6", "AF_NETLINK"} == set(
        SET["RestrictAddressFamilies"][0].split()
    )


def test_sipwatch_may_give_its_right_away() -> None:
    """capset is among @privileged, which is taken out: it has to be put back after that."""
    assert SET["SystemCallFilter"] == ["@system-service", "~@privileged @resources", "capset"]


def test_nothing_stands_there_that_would_keep_it_from_working() -> None:
    """Each of these looks like good hardening, and takes the interfaces or the process_ metrics away."""
    assert not {"PrivateNetwork", "PrivateUsers", "ProcSubset", "IPAddressDeny"} & set(SET)


def option_lines() -> list[str]:
    """Return every SIPWATCH_OPTIONS in the unit and in the example environment, commented out or not."""
    default = (DEPLOY / "sipwatch.default").read_text(encoding="utf-8")
    return re.findall(r'SIPWATCH_OPTIONS="([^"]*)"', default) + re.findall(r'"SIPWATCH_OPTIONS=([^"]*)"', UNIT)


def test_the_options_are_those_of_the_command_line(live_options: set[str]) -> None:
    assert len(option_lines()) == 3
    assert SET["ExecStart"] == ["/opt/sipwatch/bin/sipwatch live $SIPWATCH_OPTIONS"]
    for line in option_lines():
        assert options(line.split()) <= live_options


def test_the_watchdog_leaves_time_for_several_signs_of_life() -> None:
    assert float(SET["WatchdogSec"][0]) >= 10
    assert SET["Type"] == ["notify"]


# The image


def instructions() -> list[tuple[str, str]]:
    """Return the Dockerfile's instructions, continued lines joined."""
    text = re.sub(r"^#.*\n", "", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    joined = text.replace("\\\n", " ")
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1].strip()) for line in joined.splitlines() if line.strip()]


def of_image(name: str) -> list[str]:
    return [value for instruction, value in instructions() if instruction == name]


def test_what_is_copied_into_the_image_exists_and_is_let_through() -> None:
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    copied = [name for line in of_image("COPY") if not line.startswith("--from") for name in line.split()[:-1]]
    assert copied
    assert {f"!{name}" for name in copied} == {line for line in ignored if line.startswith("!")}
    assert [name for name in copied if not (ROOT / name).exists()] == []


def test_what_the_build_reads_is_copied() -> None:
    """The package's description and licence, and what compiles it."""
    copied = " ".join(of_image("COPY"))
    for name in ("pyproject.toml", "setup.py", PYPROJECT["project"]["readme"], "sipwatch"):
        assert name in copied


def test_the_image_has_a_python_that_the_package_takes() -> None:
    least = tuple(map(int, re.findall(r"\d+", PYPROJECT["project"]["requires-python"])))
    bases = [line.split()[0] for line in of_image("FROM")]
    assert len(set(bases)) == 1, "an environment is of use only to the Python that made it"
    assert tuple(map(int, re.findall(r"\d+", bases[0]))) >= least


def test_the_entry_point_is_a_module_that_runs() -> None:
    program, *arguments = json.loads(of_image("ENTRYPOINT")[0])
    assert arguments == ["-I", "-m", "sipwatch"]
    assert (ROOT / "sipwatch" / "__main__.py").is_file()
    # The one that setcap was run on.
    assert f"setcap cap_net_raw+ep {program} " in " ".join(of_image("RUN"))


def test_the_command_is_one_of_the_command_line(live_options: set[str]) -> None:
    command = json.loads(of_image("CMD")[0])
    assert command[0] == "live"
    assert options(command) <= live_options
    comments = re.findall(r"sipwatch (live .*?)(?: {2,}#|$)", (DEPLOY / "Dockerfile").read_text(), flags=re.MULTILINE)
    assert comments
    for comment in comments:
        assert options(shlex.split(comment)) <= live_options


def test_the_image_ends_as_an_unprivileged_user() -> None:
    assert of_image("USER") == ["sipwatch"]
    assert "useradd --system" in of_image("RUN")[-1]


class Answers(HTTPServer):
    """Gives one and the same answer, and remembers what it was asked."""

    def __init__(self, status: int) -> None:
        self.asked: list[str] = []
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                self.send_response(status)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name it has
                """Say nothing."""

        super().__init__(("127.0.0.1", 0), Handler)


@pytest.mark.parametrize(("status", "healthy"), [(200, True), (503, False), (None, False)])
def test_the_health_check_asks_and_believes_the_answer(status: int | None, healthy: bool) -> None:
    """The very words of the image, at a port of the test's own. A proxy in the environment is for others."""
    check = of_image("HEALTHCHECK")[0]
    program, *arguments = json.loads(check[check.index("[") :])
    assert program == "/usr/local/bin/python3"
    assert "'127.0.0.1', 10060" in arguments[-1]
    ast.parse(arguments[-1])
    with Answers(status or 200) as server:
        if status is None:
            server.server_close()
        else:
            threading.Thread(target=server.handle_request, daemon=True).start()
        arguments[-1] = arguments[-1].replace("10060", str(server.server_port))
        done = run(sys.executable, *arguments, http_proxy="http://127.0.0.1:9")
    assert (done.returncode == 0) is healthy, done.stderr
    assert server.asked == ([] if status is None else ["/-/healthy"])


# The example configuration


def test_the_example_is_a_configuration() -> None:
    config = load(str(DEPLOY / "sipwatch.toml"))
    assert [peer.name for peer in config.settings.peers] == ["pbx", "acme", "mobile", "phones"]
    directory = Directory(config.settings)
    assert directory.peer(bytes([203, 0, 113, 17])).name == "mobile"
    assert directory.peer(bytes([203, 0, 113, 5])).name == "acme"


def test_what_the_example_leaves_commented_out_is_right_as_well() -> None:
    text = (DEPLOY / "sipwatch.toml").read_text(encoding="utf-8")
    everything, changes = re.subn(r"^# (\w+ = )", r"\1", text, flags=re.MULTILINE)
    assert changes == 4
    assert parse(everything, "sipwatch.toml").wanted.tunnels == ("vxlan",)


def test_what_the_example_calls_defaults_are_the_defaults() -> None:
    config = load(str(DEPLOY / "sipwatch.toml"))
    given, default = config.settings.timers, Timers()
    assert {name: getattr(given, name) for name in Timers.__slots__} == {
        name: getattr(default, name) for name in Timers.__slots__
    }
    assert config.wanted == parse("", "").wanted


def test_a_replay_takes_the_example() -> None:
    capture = ROOT / "pcaps" / "conditions" / "no_progress.pcap"
    done = run(
        sys.executable, "-m", "sipwatch", "replay", str(capture), "--config", "deploy/sipwatch.toml", "--format", "json"
    )
    assert done.returncode == 0, done.stderr
    (call,) = json.loads(done.stdout)["calls"]
    assert (call["source"], call["destination"]) == ("phones", "acme")
    # Its own 8 s instead of the general 10.
    assert [c["raised"][17:21] for c in call["conditions"] if c["kind"] == "no_progress"] == ["08.1"]


# The instructions


def test_the_instructions_name_files_that_exist() -> None:
    for name in re.findall(r"deploy/[\w./-]*\w", README):
        assert (ROOT / name).exists(), name
    for name in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (DEPLOY / name).exists(), name


def test_the_instructions_use_the_command_line_as_it_is(live_options: set[str]) -> None:
    commands = re.findall(r"sipwatch (live -.*?)(?: {2,}#|$|`)", README, flags=re.MULTILINE)
    assert commands
    for command in commands:
        assert options(shlex.split(command)) <= live_options


def test_every_capability_that_is_set_is_in_the_table() -> None:
    for capability in SET["CapabilityBoundingSet"]:
        assert f"| `{capability}` |" in README
