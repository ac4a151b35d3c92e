"""The daemon from start to end: signals, reloads, interfaces that come and go, rights, and what systemd is told."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e import scenarios as s
from tests.e2e.net import INTERFACE
from tests.e2e.process import until
from tests.e2e.servers import ENVIRONMENT, ROOT, Tcpdump, events
from tests.e2e.site import ACME, GLOBEX, PEERS, PHONE, QUICK, SERVER, Site

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.servers import Sipwatch

pytestmark = pytest.mark.slow  # real programs, in real time

NOBODY = ("--reuid=nobody", "--regid=nogroup", "--clear-groups")
ONE_RIGHT = ("--inh-caps=+net_raw", "--ambient-caps=+net_raw")
NO_RIGHT = ("--inh-caps=-all", "--ambient-caps=-all")
_SETS = ("CapInh", "CapPrm", "CapEff", "CapAmb", "CapBnd")


def status_of(path: Path) -> dict[str, str]:
    """Read a status file of /proc."""
    return dict(line.split(":\t", 1) for line in path.read_text().splitlines() if ":\t" in line)


def place_a_call(site: Site, name: str, port: int) -> None:
    """Let one more call go well, with whoever answers at acme's address."""
    assert site.calls(name, s.TALKS, SERVER, ACME, 1, port=port).done() == 1


# Signals


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_it_ends_cleanly_in_the_middle_of_calls(number: int, site: Site) -> None:
    sipwatch = site.watch()
    site.answers("acme", s.IS_STUCK_UNTIL_TOLD, ACME)
    site.calls("waits", s.TALKS, SERVER, ACME, 5, port=5070)
    sipwatch.until("calls_pending", 5, phase="trying")
    said = sipwatch.stop(number)
    packets = re.search(r" INFO ended packets=(\d+)$", said)
    assert packets is not None, said
    assert int(packets[1]) >= 10


def test_it_ends_cleanly_when_it_has_seen_nothing_at_all(site: Site) -> None:
    assert " INFO ended packets=" in site.watch().stop()


def test_a_reload_takes_the_new_configuration_and_loses_no_call(site: Site) -> None:
    sipwatch = site.watch()
    site.answers("acme", s.ANSWERS, ACME)
    stuck = site.answers("globex", s.IS_STUCK_UNTIL_TOLD, GLOBEX)
    up = site.calls("up", s.TALKS_UNTIL_TOLD, SERVER, ACME, 1, port=5070)
    waits = site.calls("waits", s.TALKS, SERVER, GLOBEX, 1, port=5071)
    sipwatch.until("calls_established", 1)
    sipwatch.until("calls_pending", 1, phase="trying")
    (site.at / "sipwatch.toml").write_text(QUICK + PEERS.replace('"globex"', '"hooli"'))
    sipwatch.signal(signal.SIGHUP)
    sipwatch.event("configuration_read", "peers=6")
    site.tell(up, "up", 1)
    site.tell(stuck, "waits", 1)
    assert (up.done(), waits.done()) == (1, 1)
    samples = sipwatch.until("calls_ended_total", 2)
    # The one was answered before, the other is judged by the new names.
    assert samples.table("sipwatch_calls_total", "source", "destination", "outcome") == {
        ("server", "acme", "answered"): 1,
        ("server", "hooli", "answered"): 1,
    }
    assert samples.by("sipwatch_calls_started_total", "source") == {"server": 2}
    assert samples.by("sipwatch_calls_ended_total", "ended_by") == {"caller": 2}
    assert samples.sum("sipwatch_calls_established") == 0
    assert samples.sum("sipwatch_config_last_reload_successful") == 1
    sipwatch.stop()


def test_reloads_in_the_middle_of_traffic_change_no_count(site: Site) -> None:
    sipwatch = site.watch()
    site.answers("acme", s.ANSWERS, ACME)
    wave = site.calls("wave", s.TALKS, SERVER, ACME, 100, port=5070, rate=50)
    for number in range(1, 11):
        sipwatch.signal(signal.SIGHUP)
        until(lambda n=number: len(events(sipwatch.said(), "configuration_read")) >= n, 20, "a reload")  # type: ignore[misc]
    assert wave.done() == 100
    samples = site.settled(sipwatch, 100)
    assert samples.table("sipwatch_calls_total", "destination", "outcome") == {("acme", "answered"): 100}
    sipwatch.stop()


def test_a_reload_that_fails_keeps_the_old_configuration_and_says_why(site: Site) -> None:
    sipwatch = site.watch()
    site.answers("acme", s.ANSWERS, ACME)
    config = site.at / "sipwatch.toml"
    config.write_text(PEERS.replace('"globex"', '"acme"') + "\n[timers]\nno_answer_after = 3\n")
    sipwatch.signal(signal.SIGHUP)
    line = sipwatch.event("configuration_kept")
    assert " ERROR " in line
    second = [number for number, text in enumerate(config.read_text().splitlines(), 1) if text == 'name = "acme"'][1]
    assert f"{config}, line {second}: name = 'acme'" in line
    assert sipwatch.scrape().sum("sipwatch_config_last_reload_successful") == 0
    place_a_call(site, "afterwards", 5070)
    assert site.settled(sipwatch, 1).by("sipwatch_calls_total", "destination") == {"acme": 1}
    config.unlink()
    sipwatch.signal(signal.SIGHUP)
    sipwatch.event("configuration_kept", "No such file")
    config.write_text(PEERS)
    sipwatch.signal(signal.SIGHUP)
    sipwatch.event("configuration_read")
    assert sipwatch.scrape().sum("sipwatch_config_last_reload_successful") == 1
    sipwatch.stop()


# Interfaces


def test_an_interface_that_goes_down_is_told_and_picked_up_again(site: Site) -> None:
    sipwatch = site.watch()
    site.answers("acme", s.ANSWERS, ACME)
    place_a_call(site, "before", 5070)
    assert sipwatch.until("calls_total", 1).by("sipwatch_capture_up", "capture") == {INTERFACE: 1}
    site.cable.down()
    sipwatch.event("interface_down", f"interface={INTERFACE}")
    assert sipwatch.scrape().sum("sipwatch_capture_up") == 0
    assert not sipwatch.is_ready()
    site.cable.up()
    sipwatch.event("interface_up", f"interface={INTERFACE}")
    place_a_call(site, "after", 5071)
    samples = site.settled(sipwatch, 2)
    assert samples.by("sipwatch_capture_up", "capture") == {INTERFACE: 1}
    assert sipwatch.is_ready()
    sipwatch.stop()


def test_an_interface_that_is_made_anew_is_picked_up_again(site: Site) -> None:
    sipwatch = site.watch()
    site.answers("acme", s.ANSWERS, ACME)
    place_a_call(site, "before", 5070)
    sipwatch.until("calls_total", 1)
    for number in (1, 2):
        site.cable.cut()
        until(lambda n=number: len(events(sipwatch.said(), "interface_down")) == n, 20, "word of it")  # type: ignore[misc]
        assert sipwatch.scrape().sum("sipwatch_capture_up") == 0
        site.cable.plug()
        until(lambda n=number: len(events(sipwatch.said(), "interface_up")) == n, 20, "word of it")  # type: ignore[misc]
        place_a_call(site, f"after-{number}", 5070 + number)
    samples = site.settled(sipwatch, 3)
    assert samples.by("sipwatch_calls_total", "outcome") == {"answered": 3}
    assert samples.sum("sipwatch_capture_up") == 1
    said = sipwatch.stop()
    assert [line.split()[2] for line in said.splitlines() if " interface_" in line] == [
        "interface_down", "interface_up",
    ] * 2  # fmt: skip


def test_several_interfaces_are_one_picture(site: Site) -> None:
    """The legs on either side of a gateway are on different interfaces, and ``any`` sees both as well."""
    for what in (("-i", "lo", "-i", INTERFACE), ("-i", "any")):
        sipwatch = site.watch(what=what)
        acme = site.answers(f"acme{len(what)}", s.ANSWERS, ACME)
        pbx = site.answers(f"pbx{len(what)}", s.ANSWERS, SERVER)
        over_cable = site.calls(f"cable{len(what)}", s.TALKS, SERVER, ACME, 4, port=5070)
        within = site.calls(f"lo{len(what)}", s.TALKS, SERVER, SERVER, 3, port=5071)
        assert (over_cable.done(), within.done()) == (4, 3)
        samples = sipwatch.until("calls_ended_total", 7)
        assert samples.table("sipwatch_calls_total", "source", "destination", "outcome") == {
            ("server", "acme", "answered"): 4,
            ("server", "server", "answered"): 3,
        }
        assert samples.sum("sipwatch_requests_total", method="INVITE") == 7
        assert samples.sum("sipwatch_retransmissions_total") < 5  # a hop taken for one would make hundreds
        sipwatch.stop()
        acme.end()
        pbx.end()


# Pipes


@pytest.mark.usefixtures("with_tcpdump")
def test_a_pipe_counts_the_same_and_ends_it_when_it_ends(site: Site) -> None:
    tcpdump = site.running(Tcpdump(site.cable.near, site.at, handed_on=True))
    sipwatch = site.watch(what=("-r", "-"), stdin=tcpdump.process.stdout)
    assert tcpdump.process.stdout is not None
    tcpdump.process.stdout.close()  # or there would be two who read
    site.answers("acme", s.ANSWERS, ACME)
    site.answers("phones", s.RINGS, PHONE)
    site.calls("well", s.TALKS, SERVER, ACME, 10, port=5070).done()
    caller = s.gives_up(s.AT_RINGING, after=s.TOLD)
    given_up = site.calls("given-up", caller, SERVER, PHONE, 2, port=5071)
    # Time passes on a silent line, too: the timer fires while nothing is said.
    sipwatch.until("invites_in_condition", 2, condition="no_answer")
    for number in (1, 2):
        site.tell(given_up, "given-up", number)
    given_up.done()
    samples = site.settled(sipwatch, 12)
    assert samples.table("sipwatch_calls_total", "source", "destination", "outcome") == {
        ("server", "acme", "answered"): 10,
        ("server", "phones", "no_answer"): 2,
    }
    tcpdump.signal(signal.SIGINT)
    assert sipwatch.wait(20) == 0
    assert " INFO ended packets=" in sipwatch.said()
    assert "Traceback" not in sipwatch.said()


# Rights


def test_started_as_root_it_becomes_nobody_and_keeps_no_right(site: Site) -> None:
    sipwatch = site.watch()
    sipwatch.event("privileges_dropped", "user=nobody")
    process = Path("/proc") / str(sipwatch.pid)
    threads = list((process / "task").iterdir())
    assert len(threads) >= 2  # the capture's, and the web server's
    for thread in threads:
        status = status_of(thread / "status")
        assert set(status["Uid"].split()) == {"65534"}
        assert set(status["Gid"].split()) == {"65534"}
        assert "0" not in status["Groups"].split()
        assert {name: int(status[name], 16) for name in _SETS} == dict.fromkeys(_SETS, 0)
        assert status["NoNewPrivs"] == "1"
    site.answers("acme", s.ANSWERS, ACME)
    place_a_call(site, "one", 5070)
    site.settled(sipwatch, 1)
    sipwatch.stop()


@pytest.fixture(scope="session")
def everybodys_sipwatch() -> tuple[list[str], dict[str, str]]:
    """Return how nobody can run sipwatch, and in which environment: not every Python may be run by everybody."""
    paths = [str(ROOT), *{sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}]
    environment = {**ENVIRONMENT, "PYTHONPATH": os.pathsep.join(paths)}
    for python in (sys.executable, f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"):
        command = [python, "-m", "sipwatch"]
        done = subprocess.run(
            ["setpriv", *NOBODY, *command, "live", "--help"], check=False, capture_output=True, env=environment, cwd="/"
        )
        if done.returncode == 0:
            return command, environment
    pytest.skip("needs a Python that the user nobody may run, with sipwatch's libraries")


@pytest.mark.usefixtures("with_setpriv")
def test_one_capability_is_enough(site: Site, everybodys_sipwatch: tuple[list[str], dict[str, str]]) -> None:
    command, environment = everybodys_sipwatch
    sipwatch = site.watch(program=["setpriv", *NOBODY, *ONE_RIGHT, *command], environment=environment)
    for thread in (Path("/proc") / str(sipwatch.pid) / "task").iterdir():
        status = status_of(thread / "status")
        assert set(status["Uid"].split()) == {"65534"}
        # The bounding set gives nothing, and cannot be made smaller without CAP_SETPCAP.
        assert {int(status[name], 16) for name in _SETS if name != "CapBnd"} == {0}
        assert status["NoNewPrivs"] == "1"
    site.answers("acme", s.ANSWERS, ACME)
    place_a_call(site, "one", 5070)
    site.settled(sipwatch, 1)
    assert not events(sipwatch.stop(), "privileges_dropped")


@pytest.mark.usefixtures("with_setpriv")
def test_without_it_one_line_names_it_and_how_to_get_it(
    site: Site, everybodys_sipwatch: tuple[list[str], dict[str, str]]
) -> None:
    command, environment = everybodys_sipwatch
    words = ["setpriv", *NOBODY, *NO_RIGHT, *command, "live", "-i", INTERFACE]
    done = subprocess.run(
        site.cable.near.command(*words), check=False, capture_output=True, text=True, env=environment, timeout=30
    )
    (line,) = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (1, "")
    assert line.startswith(f"sipwatch: {INTERFACE}: ")
    for word in ("CAP_NET_RAW", "systemd", "setcap cap_net_raw+ep", "root"):
        assert word in line


# systemd


@pytest.fixture
def systemd(site: Site) -> Iterator[socket.socket]:
    """Return a socket such as systemd waits at for word of a service."""
    path = site.at / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.bind(str(path))
        path.chmod(0o777)
        made.settimeout(20)
        yield made


def hear(systemd: socket.socket, *words: str) -> dict[str, str]:
    """Take messages until one has each of these assignments; those in between are signs of life."""
    while True:
        told = dict(line.split("=", 1) for line in systemd.recv(4096).decode().splitlines())
        if all(f"{name}={value}" in words for name, value in told.items() if name not in {"STATUS", "MONOTONIC_USEC"}):
            return told
        assert told == {"WATCHDOG": "1"}, told


def test_systemd_is_told_how_it_goes(site: Site, systemd: socket.socket) -> None:
    environment = {**ENVIRONMENT, "NOTIFY_SOCKET": str(site.at / "notify"), "WATCHDOG_USEC": "3000000"}
    sipwatch: Sipwatch = site.watch(environment=environment)
    assert hear(systemd, "READY=1") == {"READY": "1", "STATUS": f"capturing {INTERFACE}"}
    for _ in range(2):
        assert hear(systemd, "WATCHDOG=1") == {"WATCHDOG": "1"}
    sipwatch.signal(signal.SIGHUP)
    assert int(hear(systemd, "RELOADING=1")["MONOTONIC_USEC"]) > 0
    assert hear(systemd, "READY=1")["STATUS"] == f"capturing {INTERFACE}"
    sipwatch.signal(signal.SIGTERM)
    assert hear(systemd, "STOPPING=1") == {"STOPPING": "1"}
    assert sipwatch.wait(20) == 0
