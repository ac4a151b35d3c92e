"""Loads ``sipwatch live`` with sipp's calls and measures what it costs: ``python -m bench.live [--write] [--soak]``.

Everything is on this machine: sipp places and answers calls at the two ends of a cable between two network
namespaces, sipwatch watches one end, and all of them share the processors. Needs root and sipp. ``--small`` is a
little of everything, to see that it works; ``--soak`` adds ten minutes at 500 calls a second.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tests.e2e import net, scenarios
from tests.e2e.process import Running, until
from tests.e2e.scrape import fetch, parse
from tests.e2e.servers import ENVIRONMENT, PORT, Sipwatch, folder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.e2e.scrape import Samples

PAGE = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"
BEGIN, END = "<!-- generated: live -->", "<!-- end -->"
NEAR, FAR = "198.51.100.10", "192.0.2.11"
INTERPRETED = [sys.executable, "-m", "sipwatch"]
# `make compiled` puts it there.
COMPILED = [sys.executable, "-P", "-m", "sipwatch"]
TALK = 2.0  # seconds: 2,000 calls at once at 1,000 a second
MESSAGES = 7  # of a call: INVITE, 100, 180, 200, ACK, BYE, 200
SCRAPE_EVERY = 1.0  # seconds; fifteen times as often as Prometheus does by default
_TICKS = 100  # a second, of /proc/PID/stat


class Load(NamedTuple):
    """What one run came to. Times of scrapes in seconds, sizes in MB, ``processor`` as a share of one."""

    form: str
    rate: int
    seconds: float
    placed: int
    counted: int
    dropped: int
    most_at_once: int
    processor: float
    peak: float
    growth: float
    scrapes: list[float]

    @property
    def whole(self) -> bool:
        """Tell whether everything was seen: what sipp placed is what was counted, and the kernel dropped nothing."""
        return self.placed == self.counted and not self.dropped

    @property
    def slowest(self) -> float:
        """Return the time within which 99 of 100 scrapes were answered."""
        return statistics.quantiles(self.scrapes, n=100)[98] if len(self.scrapes) > 1 else 0.0


class Process:
    """What the kernel says of a process."""

    def __init__(self, pid: int) -> None:
        self._proc = Path("/proc", str(pid))

    @property
    def processor(self) -> float:
        """Return the processor time used so far, in seconds."""
        fields = (self._proc / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    @property
    def memory(self) -> float:
        """Return the memory in use, in MB: what is the process's own, and what it has of the packet ring."""
        return self._status("VmRSS")

    def _status(self, name: str) -> float:
        line = next(line for line in (self._proc / "status").read_text().splitlines() if line.startswith(name))
        return int(line.split()[1]) / 1024


def run(form: str, rate: int, seconds: float) -> Load:
    """Place calls at a rate for a while, and watch."""
    calls = int(rate * seconds)
    with ExitStack() as stack:
        cable = stack.enter_context(net.Cable([NEAR], [FAR]))
        at = stack.enter_context(folder())
        environment = {"PYTHONPATH": "build/compiled"} if form == "compiled" else {}
        program = COMPILED if form == "compiled" else INTERPRETED
        watching = stack.enter_context(_sipwatch(cable.near, at, program, environment))
        calling = stack.enter_context(placing(stack, cable, at, rate, calls))
        return _watch(form, rate, calls, watching, calling, cable.near)


def placing(stack: ExitStack, cable: net.Cable, at: Path, rate: int, calls: int) -> Running:
    """Let sipp place calls over a cable to another that answers them."""
    answering = _sipp(cable.near, at, "answering", scenarios.ANSWERS, NEAR)
    stack.enter_context(answering)
    answering.ready(lambda: (NEAR, 5060) in net.bound(answering.pid, "udp"), 20, "sipp to listen")
    words = [f"{NEAR}:5060", "-r", str(rate), "-m", str(calls), "-l", "100000", "-d", str(int(TALK * 1000))]
    return _sipp(cable.far, at, "calling", scenarios.TALKS, FAR, *words)


def _sipwatch(space: net.Space, at: Path, program: Sequence[str], environment: dict[str, str]) -> Sipwatch:
    root = str(PAGE.parent.parent)
    path = f"{root}/{environment['PYTHONPATH']}" if environment else root
    return Sipwatch(space, at, program=program, environment={**ENVIRONMENT, "PYTHONPATH": path})


def _sipp(space: net.Space, at: Path, name: str, scenario: str, address: str, *words: str) -> Running:
    file = at / f"{name}.xml"
    file.write_text(scenario)
    command = ["sipp", *words, "-sf", str(file), "-i", address, "-p", "5060", "-nostdin", "-buff_size", "8388608",
               "-trace_err", "-error_file", str(at / f"{name}.err")]  # fmt: skip
    return Running(space.command(*command), at / f"{name}.log", cwd=at)


def _watch(form: str, rate: int, calls: int, watching: Sipwatch, calling: Running, space: net.Space) -> Load:
    process = Process(watching.pid)
    began, used = time.monotonic(), process.processor
    scrapes: list[float] = []
    sizes: list[tuple[float, float]] = []
    most = 0
    while calling.alive():
        before = time.monotonic()
        text = fetch(space, PORT, "/metrics").text
        now = time.monotonic()
        samples = parse(text)
        scrapes.append(now - before)
        sizes.append((now - began, process.memory))
        most = max(most, round(samples.sum("sipwatch_calls_established") + samples.sum("sipwatch_calls_pending")))
        time.sleep(max(0.0, SCRAPE_EVERY - (now - before)))
    span = time.monotonic() - began
    processor = (process.processor - used) / span
    with suppress(AssertionError):  # a BYE that was missed leaves its call up: the counts say so
        until(lambda: _scrape(space).sum("sipwatch_calls_established") == 0, 20, "every call to be over")
    samples = _scrape(space)
    return Load(
        form=form,
        rate=rate,
        seconds=round(span, 1),
        placed=calls,
        counted=round(samples.sum("sipwatch_calls_ended_total", ended_by="caller")),
        dropped=round(samples.sum("sipwatch_capture_dropped_total")),
        most_at_once=most,
        processor=processor,
        peak=max(size for _, size in sizes),
        growth=_growth(sizes),
        scrapes=scrapes,
    )


def _scrape(space: net.Space) -> Samples:
    return parse(fetch(space, PORT, "/metrics").text)


def _growth(sizes: list[tuple[float, float]]) -> float:
    """Return by how many MB the last minute's median is above that of the first one; of less time, of its halves."""
    last = sizes[-1][0]
    span = min(60.0, last / 2)
    begin = statistics.median(size for at, size in sizes if at <= span)
    end = statistics.median(size for at, size in sizes if at >= last - span)
    return end - begin


def highest(form: str, rates: Sequence[int], seconds: float) -> list[Load]:
    """Go up until something is missed."""
    loads = []
    for rate in rates:
        load = _told(run(form, rate, seconds))
        loads.append(load)
        if not load.whole:
            break
    return loads


def _told(load: Load) -> Load:
    print(
        f"{load.form:12} {load.rate:5} calls/s  {load.processor:6.1%} of a core  {load.peak:6.1f} MB "
        f"({load.growth:+.1f})  placed {load.placed:,} counted {load.counted:,} dropped {load.dropped:,}  "
        f"{load.most_at_once:,} at once  scrape p99 {load.slowest * 1000:.0f} ms",
        flush=True,
    )
    return load


def _row(load: Load) -> str:
    cells = [
        load.form, f"{load.rate:,}", f"{load.rate * MESSAGES:,}", f"{load.processor:.0%}", f"{load.peak:.0f} MB",
        f"{load.most_at_once:,}", f"{load.placed:,}", f"{load.counted:,}", f"{load.dropped:,}", f"{load.slowest * 1000:.0f} ms",
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |\n"


def page(loads: Sequence[Load], soak: Load | None) -> str:
    """Write the generated part of docs/benchmarks.md."""
    heads = [
        "form",
        "calls/s",
        "messages/s",
        "of one core",
        "memory",
        "calls at once",
        "placed",
        "counted",
        "dropped",
        "scrape p99",
    ]
    text = f"Measured {time.strftime('%Y-%m-%d')}, {os.cpu_count()} processors, Linux {platform.release().partition('-')[0]}.\n\n"
    text += f"| {' | '.join(heads)} |\n|{' --- |' * len(heads)}\n" + "".join(map(_row, loads))
    if soak is not None:
        text += (
            f"\nTen minutes at {soak.rate} calls/s, interpreted ({soak.placed:,} calls, {soak.counted:,} counted, "
            f"{soak.dropped:,} packets dropped): memory grew by {soak.growth:.1f} MB from the first minute to the last, to {soak.peak:.0f} MB.\n"
        )
    return text


def main() -> None:
    """Measure; write with ``--write``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the tables into docs/benchmarks.md")
    parser.add_argument("--small", action="store_true", help="a few seconds of a few rates")
    parser.add_argument("--soak", action="store_true", help="ten minutes at 500 calls a second")
    parser.add_argument("--rates", type=int, nargs="*", default=[500, 1000, 1500, 2000, 2500, 3000, 4000])
    wanted = parser.parse_args()
    if trouble := net.trouble():
        sys.exit(trouble)
    forms = ["interpreted", *(["compiled"] if Path("build/compiled/sipwatch").is_dir() else [])]
    rates, seconds = ([100, 200], 5.0) if wanted.small else (wanted.rates, 20.0)
    loads = [load for form in forms for load in highest(form, rates, seconds)]
    soak = _told(run("interpreted", 50 if wanted.small else 500, 20 if wanted.small else 600)) if wanted.soak else None
    if wanted.write:
        text = PAGE.read_text()
        begin = text.index(BEGIN) + len(BEGIN)
        end = text.index(END, begin)
        PAGE.write_text(f"{text[:begin]}\n{page(loads, soak)}{text[end:]}")


if __name__ == "__main__":
    main()
