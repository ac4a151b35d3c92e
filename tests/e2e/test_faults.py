"""Faults of the machine under a real process: what is lost is what is said to be lost, and all else is exact.

Both sides of every call come from a mirror port (``mirror``), so that how many frames there were is known.
"""

from __future__ import annotations

import http.client
import re
import resource
import signal
import socket
import subprocess
import time
from collections import Counter
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e import mirror
from tests.e2e.figures import conditions, outcomes
from tests.e2e.mirror import ANSWERED, REFUSED, Mirror
from tests.e2e.net import INTERFACE
from tests.e2e.process import until
from tests.e2e.servers import ENVIRONMENT, PORT, events
from tests.e2e.site import ACME, PEERS, PHONE, QUICK, SERVER, Site

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.scrape import Samples
    from tests.e2e.servers import Sipwatch

pytestmark = pytest.mark.slow  # real programs, in real time

RATE = 25  # answered calls a second, and a third of that refused: some 215 packets
SMALL_RING = '[capture]\nring = "4 MiB"\n' + QUICK + PEERS  # 32 blocks: 3.2 seconds, more than a busy machine needs


def load(source: str, seconds: float, begin: float = 0.0, name: str = "c") -> list[mirror.Timed]:
    """Return calls that begin within so many seconds: 25 a second are answered, 8 refused."""
    ends = (source, SERVER)
    return mirror.together(
        mirror.calls(ANSWERED, ends, round(RATE * seconds), RATE, begin=begin, name=f"{name}-answered"),
        mirror.calls(REFUSED, ends, round(8 * seconds), 8, begin=begin, name=f"{name}-refused"),
    )


def became(seconds: float, source: str = "phones") -> dict[tuple[str, ...], float]:
    """Return the outcomes of ``load``."""
    ends = (source, "server")
    return {(*ends, "answered"): round(RATE * seconds), (*ends, "busy"): round(8 * seconds)}


def judged(sipwatch: Sipwatch, expected: dict[tuple[str, ...], float]) -> Samples:
    """Return the figures once each source's calls have their verdicts, and those that were answered are over."""
    verdicts: Counter[str] = Counter()
    answered: Counter[str] = Counter()
    for (source, _, outcome), count in expected.items():
        verdicts[source] += round(count)
        answered[source] += round(count) if outcome == "answered" else 0

    def there() -> Samples | None:
        samples = sipwatch.scrape()
        enough = all(samples.sum("sipwatch_calls_total", source=one) >= count for one, count in verdicts.items())
        over = all(samples.sum("sipwatch_calls_ended_total", source=one) >= count for one, count in answered.items())
        return samples if enough and over else None

    return until(there, 20, f"{expected}", lambda: outcomes(sipwatch.scrape()))


def descriptors(sipwatch: Sipwatch) -> int:
    return len(list(Path("/proc", str(sipwatch.pid), "fd").iterdir()))


def packets(samples: Samples) -> float:
    return samples.sum("sipwatch_capture_packets_total")


# Standing still


def test_what_the_ring_bridges_is_lost_to_nobody(site: Site) -> None:
    """Stopped for ten seconds, which is what 16 MiB hold at any such rate."""
    sipwatch = site.watch()
    with Mirror(site.cable.far, load(PHONE, 14)) as traffic:
        time.sleep(2)
        sipwatch.signal(signal.SIGSTOP)
        time.sleep(10)
        sipwatch.signal(signal.SIGCONT)
        sent = traffic.done()
    samples = judged(sipwatch, became(14))
    assert outcomes(samples) == became(14)
    assert packets(samples) == sent
    assert conditions(samples) == {}
    for name in ("capture_dropped", "capture_stalls", "late_messages"):
        assert samples.sum(f"sipwatch_{name}_total") == 0, name
    sipwatch.stop()


def test_nothing_is_concluded_from_what_a_stall_has_lost(site: Site) -> None:
    """Stopped for eight seconds with a ring for three: what is missing is counted, and nobody is accused."""
    sipwatch = site.watch(SMALL_RING)
    with Mirror(site.cable.far, mirror.together(load(PHONE, 11), load(ACME, 4, begin=12, name="after"))) as traffic:
        time.sleep(2)
        sipwatch.signal(signal.SIGSTOP)
        time.sleep(8)
        sipwatch.signal(signal.SIGCONT)
        sipwatch.event("capture_stalled")
        sent = traffic.done()
    samples = judged(sipwatch, became(4, "acme"))
    assert samples.sum("sipwatch_capture_stalls_total") == 1
    dropped = samples.sum("sipwatch_capture_dropped_total")
    assert dropped == sent - packets(samples) > 0
    assert conditions(samples) == {}
    after = {key: count for key, count in outcomes(samples).items() if key[0] == "acme"}
    assert after == became(4, "acme")
    assert {key[2] for key in outcomes(samples)} <= {"answered", "busy", "unfinished"}
    # What was open then and stays silent is given up when its timers fire, half a minute later, or when we end.
    said = sipwatch.stop()
    assert len(events(said, "capture_stalled")) == 1
    assert {line for line in events(said, "call_failed") if "outcome=busy" not in line} == set()


# Killed


def test_killed_and_started_again_it_begins_at_0_and_accuses_nobody(site: Site) -> None:
    """What is lost is what passed in between, and what was known of calls that were up."""
    left = site.at / "left"
    left.mkdir(mode=0o777)
    left.chmod(0o777)
    environment = {**ENVIRONMENT, "TMPDIR": str(left), "HOME": str(left)}
    sipwatch = site.watch(environment=environment)
    both = mirror.together(load(PHONE, 10), load(ACME, 4, begin=12, name="after"))
    with Mirror(site.cable.far, both) as traffic:
        sipwatch.until("calls_ended_total", 20)
        with kept_open(site):  # whoever scrapes does not keep the port from who comes next
            sipwatch.signal(signal.SIGKILL)
            sipwatch.wait(5)
            sent_before, killed = traffic.sent, time.monotonic()
            sipwatch = site.watch(environment=environment)
        assert time.monotonic() - killed < 6, "one second, were there nothing else to do"
        first = sipwatch.scrape()
        assert packets(first) <= traffic.sent - sent_before
        assert first.sum("sipwatch_calls_ended_total") < 20
        sent = traffic.done()
    samples = judged(sipwatch, became(4, "acme"))
    assert packets(samples) <= sent - sent_before
    assert samples.sum("sipwatch_capture_dropped_total") == 0
    assert conditions(samples) == {}
    assert {key: count for key, count in outcomes(samples).items() if key[0] == "acme"} == became(4, "acme")
    assert {key[2] for key in outcomes(samples)} <= {"answered", "busy", "unfinished"}
    assert list(left.iterdir()) == []
    said = sipwatch.stop()
    assert [line for line in events(said, "call_failed") if "outcome=busy" not in line] == []


@contextmanager
def kept_open(site: Site) -> Iterator[None]:
    """Keep a connection to the web server open, on which a scrape has been answered."""
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=10)
    with closing(connection):
        with site.cable.near.inside():
            connection.connect()
        connection.request("GET", "/metrics")
        assert connection.getresponse().read()
        yield


# Interfaces


def test_an_interface_that_flaps_loses_nothing_of_what_passes_while_it_is_up(site: Site) -> None:
    sipwatch = site.watch()
    sent = refused = 0

    def up_time() -> None:
        nonlocal sent, refused
        with Mirror(site.cable.far, mirror.calls(REFUSED, (PHONE, SERVER), 20, 100, name=f"up-{refused}")) as traffic:
            sent += traffic.done()
        refused += 20
        until(lambda: packets(sipwatch.scrape()) == sent, 10, f"{sent} packets", lambda: packets(sipwatch.scrape()))

    up_time()
    before = descriptors(sipwatch)
    for turn in range(10):
        anew = turn in (3, 7)
        (site.cable.cut if anew else site.cable.down)()
        until(lambda n=turn: len(events(sipwatch.said(), "interface_down")) > n, 10, "word of it")  # type: ignore[misc]
        assert sipwatch.scrape().by("sipwatch_capture_up", "capture") == {}
        (site.cable.plug if anew else site.cable.up)()
        until(lambda n=turn: len(events(sipwatch.said(), "interface_up")) > n, 10, "word of it")  # type: ignore[misc]
        assert sipwatch.scrape().by("sipwatch_capture_up", "capture") == {INTERFACE: 1}
        up_time()
    samples = judged(sipwatch, {("phones", "server", "busy"): refused})
    assert outcomes(samples) == {("phones", "server", "busy"): refused}
    assert samples.sum("sipwatch_capture_dropped_total") == 0
    until(lambda: descriptors(sipwatch) <= before, 10, "every descriptor to be given back")
    sipwatch.stop()


# A full disk


@pytest.fixture
def disk(site: Site) -> Iterator[Path]:
    """Return a folder on a disk of 256 KiB."""
    folder = site.at / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_costs_lines_of_the_log_and_nothing_else(site: Site, disk: Path) -> None:
    """The log is all that is ever written; what finds no room is counted, and what is in it stays whole."""
    log = disk / "log"
    with log.open("ab") as output:
        sipwatch = site.watch(stderr=output)

    def failed_calls() -> list[str]:
        return events(log.read_text(), "call_failed")

    def refuse(calls: int, name: str) -> None:
        with Mirror(site.cable.far, mirror.calls(REFUSED, (PHONE, SERVER), calls, 50, name=name)) as traffic:
            traffic.done()

    refuse(10, "before")
    until(lambda: len(failed_calls()) == 10, 10, "10 lines", log.read_text)
    with suppress(OSError), (disk / "everything-else").open("wb", buffering=0) as other:
        while True:
            other.write(bytes(4096))
    refuse(45, "while")
    samples = sipwatch.until("calls_total", 55)
    written, lost = failed_calls(), samples.sum("sipwatch_log_failed_total")
    assert lost >= 45 - 4096 // len(written[0])
    assert packets(samples) == 55 * len(REFUSED.splitlines())
    there = log.read_bytes()
    (disk / "everything-else").unlink()
    refuse(5, "after")
    samples = sipwatch.until("calls_total", 60)
    assert outcomes(samples) == {("phones", "server", "busy"): 60}
    assert samples.sum("sipwatch_log_failed_total") == lost
    sipwatch.signal(signal.SIGTERM)
    assert sipwatch.wait(15) == 0
    assert log.read_bytes().startswith(there)
    # The line that the disk had room for the beginning of is completed as soon as there is some again.
    assert len(failed_calls()) + lost in (60, 61)
    assert all(re.fullmatch(r"\S+Z [A-Z]+ [a-z_]+( [a-z_]+=.*)?", line) for line in log.read_text().splitlines())


# No descriptors


def idle(stack: ExitStack, site: Site, count: int, port: int) -> list[socket.socket]:
    """Open so many connections and say nothing."""
    with site.cable.near.inside():
        made = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in made:
            each.settimeout(10)
            each.connect(("127.0.0.1", port))
    return made


def answered(sipwatch: Sipwatch) -> bool:
    """Tell whether a scrape is answered at all."""
    try:
        return bool(sipwatch.scrape())
    except (OSError, AssertionError):
        return False


def test_without_descriptors_the_capture_goes_on_and_scrapes_as_soon_as_there_are_some(site: Site) -> None:
    sipwatch = site.watch(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40)))
    with ExitStack() as stack:
        idle(stack, site, 50, PORT)
        until(lambda: descriptors(sipwatch) == 40, 10, "no descriptor to be left")
        assert not answered_at_once(site)
        with Mirror(site.cable.far, load(PHONE, 4)) as traffic:
            sent = traffic.done()
    until(lambda: answered(sipwatch), 10, "a scrape to be answered again", sipwatch.said)
    samples = judged(sipwatch, became(4))
    assert outcomes(samples) == became(4)
    assert (packets(samples), samples.sum("sipwatch_capture_dropped_total")) == (sent, 0)
    said = sipwatch.stop()
    assert events(said, "interface_down") == []
    (trouble,) = events(said, "web_trouble")
    assert "Too many open files" in trouble


def answered_at_once(site: Site) -> bool:
    """Tell whether a scrape is answered within a second."""
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=1)
    with closing(connection), suppress(OSError):
        with site.cable.near.inside():
            connection.connect()
        connection.request("GET", "/metrics")
        return connection.getresponse().status == 200
    return False


def test_five_hundred_idle_clients_keep_scrapes_out_and_nothing_else(site: Site) -> None:
    sipwatch = site.watch()
    before = descriptors(sipwatch)
    with ExitStack() as stack:
        idle(stack, site, 500, PORT)
        with Mirror(site.cable.far, load(PHONE, 4)) as traffic:
            assert not answered(sipwatch)
            sent = traffic.done()
    until(lambda: answered(sipwatch), 10, "a scrape to be answered again", sipwatch.said)
    samples = judged(sipwatch, became(4))
    assert outcomes(samples) == became(4)
    assert packets(samples) == sent
    until(lambda: descriptors(sipwatch) <= before, 10, "every descriptor to be given back")
    assert len(events(sipwatch.stop(), "web_trouble")) <= 60


def test_five_hundred_idle_agents_push_out_nobody_who_reports(site: Site) -> None:
    """With 1,024 descriptors there is room for 462 connections: those that never said anything go, oldest first."""
    endpoint = "tcp:127.0.0.1:9060"
    few = (1024, 1024)
    sipwatch = site.watch(
        what=("-i", INTERFACE, "--hep", endpoint), preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, few)
    )
    reports, target = load(ACME, 6, name="reported"), ("127.0.0.1", 9060)
    with ExitStack() as stack:
        reporter = stack.enter_context(mirror.Reporter(site.cable.near, reports, "tcp", target, 7))
        sipwatch.until("hep_messages_total", 1)
        strangers = idle(stack, site, 500, 9060)
        with Mirror(site.cable.far, load(PHONE, 4)) as traffic:
            sent = traffic.done()
        reporter.done()
        samples = judged(sipwatch, became(4) | became(6, "acme"))
        assert outcomes(samples) == became(4) | became(6, "acme")
        assert packets(samples) == sent + reporter.sent
        assert samples.by("sipwatch_hep_connections", "capture") == {endpoint: 462}
        assert samples.by("sipwatch_hep_connections_closed_total", "reason") == {"too_many": 39}
        assert [each.recv(1) for each in strangers[:39]] == [b""] * 39
    sipwatch.until("hep_connections_closed_total", 462, reason="ended")
    said = sipwatch.stop()
    assert len(events(said, "hep_connection_closed")) == 39
