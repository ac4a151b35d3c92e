"""How late the capture is while pages are asked for: ``python -m bench.beside FOLDER [--seconds N]``; ``make bench-store`` as well.

A daemon in this process takes packets from a pipe, writes a store and serves it, as ``sipwatch live --store`` does.
Another process writes packets with the time of their writing; how late the loop takes each is what is measured. Clients
ask for pages, each one after the other without a pause. Everything shares the processors: without clients the loop is
late as well, which is measured first.

Must not know: what pages say.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import io
import multiprocessing
import os
import statistics
import struct
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bench.field import calls
from sipwatch.capture.live import PipeSource
from sipwatch.classify.peers import Settings
from sipwatch.cli.showing import site_over
from sipwatch.cli.storing import Storing
from sipwatch.config import Config
from sipwatch.daemon import Daemon
from sipwatch.shell.log import Log
from sipwatch.shell.notify import Notifier
from sipwatch.store.intake import Intake
from sipwatch.web.server import Server
from tests.e2e.mirror import ANSWERED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from multiprocessing.sharedctypes import Synchronized

RATE = 200  # calls a second
CLIENTS = 4
LATE = 5.0  # ms, which 99 of 100 packets may be late
SECONDS = 5.0  # of each sort of questions
WARM = 8.0  # seconds of packets before anything counts: the first look for incidents is one of them
PAUSE = 0.5  # seconds between two sorts of questions
PAGES = (
    "/now",
    "/calls",
    "/calls?outcome=failed",
    "/calls.csv?outcome=no_progress&since=3d",
    "/incidents",
    "/agents?period=month",
    "/peers?period=month",
    "/registrations",
    "/api/v1/sums?since=30d&each=hour&by=outcome",
    "/api/v1/sums?since=30d&each=day&by=source,destination,outcome",
    "/api/v1/calls?limit=500",
    "/metrics",
)
_PAIRS = [(f"192.0.2.{number}", "198.51.100.10") for number in range(1, 11)]
_RECORD = struct.Struct("<IIII")
_HEAD = struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262_144, 1)  # times in ns


class Late(NamedTuple):
    """How late the loop took packets (ms): the median, 99 and 999 of 1,000, at most; and how many were asked for."""

    what: str
    half: float
    p99: float
    p999: float
    worst: float
    packets: int
    answers: int


class Phase(NamedTuple):
    """What is asked for from when until when, in seconds after the beginning."""

    what: str
    paths: Sequence[str]
    since: float
    until: float


class LateIntake(Intake):
    """Notes how late each packet is taken (ns)."""

    def __init__(self) -> None:
        super().__init__()
        self.late: list[tuple[int, int]] = []

    def watch(self, frames: Iterable[tuple[int, int, bytes]]) -> Iterator[tuple[int, int, bytes]]:
        """Hand on frames."""
        note, clock = self.late.append, time.time_ns
        for frame in super().watch(frames):
            now = clock()
            note((now, now - frame[0]))
            yield frame


def feed(fifo: str, begin: Synchronized[float], seconds: float) -> None:
    """Write packets of calls into a pipe from a moment on, each when it is time, with the moment of its writing."""
    with Path(fifo).open("wb", buffering=0) as out:
        out.write(_HEAD)
        go_first(3)
        _until(begin)
        begun = time.monotonic()
        for at, frame in calls(ANSWERED, _PAIRS, RATE, seconds):
            early = begun + at - time.monotonic()
            if early > 0:
                time.sleep(early)
            second, rest = divmod(time.time_ns(), 10**9)
            out.write(_RECORD.pack(second, rest, len(frame), len(frame)) + frame)


def _until(begin: Synchronized[float], after: float = 0.0) -> None:
    """Wait until somebody says when it begins, and then for so many seconds after that."""
    while not begin.value or time.time() < begin.value + after:
        time.sleep(0.01)


def go_first(rank: int) -> None:
    """Let this thread, and those it starts, go before all else on this machine, if we may: others shall not count."""
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(rank))


def at_leisure() -> None:
    """Go before nobody: who asks is elsewhere, as a rule, and takes nothing from whom is asked."""
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def ask(port: int, paths: Sequence[str], answers: Synchronized[int], until: float) -> None:
    """Ask for pages, one after the other, until then (``time.time``)."""
    at_leisure()
    number = os.getpid()
    while time.time() < until:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            number += 1
            connection.request("GET", paths[number % len(paths)], headers={"Accept": "text/html"})
            answer = connection.getresponse()
            answer.read()
            with answers.get_lock():
                answers.value += answer.status == 200
        except OSError:
            time.sleep(0.01)
        finally:
            connection.close()


def clients(
    port: int, begin: Synchronized[float], phases: Sequence[Phase], answers: Sequence[Synchronized[int]]
) -> None:
    """Ask for the pages of each phase while it lasts."""
    forking = multiprocessing.get_context("fork")
    for phase, counted in zip(phases, answers, strict=True):
        _until(begin, phase.since)
        paths, end = phase.paths, begin.value + phase.until
        asking = [forking.Process(target=ask, args=(port, paths, counted, end)) for _ in range(CLIENTS if paths else 0)]
        for one in asking:
            one.start()
        for one in asking:
            one.join()


def measure(folder: Path, wanted: Sequence[tuple[str, Sequence[str]]], seconds: float) -> list[Late]:
    """Capture, and let pages be asked for, each sort for so many seconds."""
    go_first(1)
    forking = multiprocessing.get_context("fork")
    with tempfile.TemporaryDirectory() as name:
        fifo = str(Path(name) / "fifo")
        os.mkfifo(fifo)
        begin = forking.Value("d", 0.0)
        phases = [
            Phase(what, paths, WARM + place * seconds, WARM + (place + 1) * seconds - PAUSE)
            for place, (what, paths) in enumerate(wanted)
        ]
        feeder = forking.Process(target=feed, args=(fifo, begin, phases[-1].until))
        feeder.start()
        storing = Storing(str(folder), None)
        storing.intake = intake = LateIntake()
        source, config, log = PipeSource(fifo), Config(Settings()), Log(io.StringIO(), "text", time.time)
        daemon = Daemon(source, config, None, log, Notifier({}), intake=intake)
        site = site_over(str(folder), config, daemon, storing.troubles)
        server = Server(daemon.collect, daemon.ready, daemon.healthy, "127.0.0.1:0", None, log, site=site)
        answers = [forking.Value("Q", 0) for _ in phases]
        port = int(server.address.rpartition(":")[2])
        asking = forking.Process(target=clients, args=(port, begin, phases, answers))
        asking.start()
        server.start()
        try:
            with source, storing.running(daemon, config, log):
                go_first(2)
                begin.value = time.time()
                daemon.run()
        finally:
            server.stop()
            at_leisure()
            asking.join()
            feeder.join()
    return [
        _late(phase, begin.value, intake.late, counted.value) for phase, counted in zip(phases, answers, strict=True)
    ]


def _late(phase: Phase, begin: float, late: Sequence[tuple[int, int]], answers: int) -> Late:
    some = [how / 1e6 for at, how in late if phase.since <= at / 1e9 - begin < phase.until]
    cuts = statistics.quantiles(some, n=1000)
    return Late(
        phase.what,
        round(cuts[499], 2),
        round(cuts[989], 2),
        round(cuts[998], 2),
        round(max(some), 2),
        len(some),
        answers,
    )


def pages_beside(folder: Path, seconds: float = SECONDS) -> list[Late]:
    """Measure with nobody who asks, with each page by itself and with all in turn. The store is written."""
    wanted: list[tuple[str, Sequence[str]]] = [("nothing", ()), ("all of these in turn", PAGES)]
    return measure(folder, [*wanted, *((f"`{page}`", (page,)) for page in PAGES)], seconds)


def main() -> None:
    """Measure, and say what came of it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path, help="of a store, which is written")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="for each page")
    asked = parser.parse_args()
    for one in pages_beside(asked.folder, asked.seconds):
        print(
            f"{one.half:8.2f} {one.p99:8.2f} {one.p999:8.2f} {one.worst:8.2f} ms  {one.packets:6} packets {one.answers:5} answers  {one.what}"
        )


if __name__ == "__main__":
    main()
