"""A capture beside a store that is large: is anything lost while calls are written, and pages asked? ``--write`` keeps it.

Calls come from sipp over a pair of virtual cables; needs root. What is asked takes turns, without a pause.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from bench.live import FAR, NEAR, placing
from bench.store import fill
from tests.e2e import net
from tests.e2e.scrape import fetch
from tests.e2e.servers import PORT, Sipwatch, folder

if TYPE_CHECKING:
    from tests.e2e.scrape import Samples

RATE = 200  # calls a second
LINGER = 60  # seconds: a call stays open for 32 after its BYE, for what may come again
STORED = Path(__file__).with_name("store_live.json")
PAGES = ("/now", "/incidents", "/calls", "/calls?outcome=failed", "/peers?period=week", "/agents", "/metrics")
CONFIG = '[store]\ndays = 3650\nmessage_days = 1\nsize = "64 GiB"\n'


class Beside(msgspec.Struct):
    """What one run came to; answers in ms, by what was asked, and how many."""

    stored: int
    when: str
    machine: str
    seconds: float
    placed: int
    counted: int
    dropped: int
    written: int
    not_stored: int
    answers: dict[str, float]
    asked: int


class Asking:
    """Somebody who asks one page after the other until told to stop."""

    def __init__(self, space: net.Space) -> None:
        self.took: dict[str, list[float]] = {page: [] for page in PAGES}
        self._space = space
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        """Ask no more."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            for page in PAGES:
                before = time.monotonic()
                answer = fetch(self._space, PORT, page)
                assert answer.status == 200, (page, answer.status)
                self.took[page].append((time.monotonic() - before) * 1000)


def measure(calls: int, seconds: float) -> Beside:
    """Fill a store, let calls come, and ask meanwhile."""
    with ExitStack() as stack:
        at = stack.enter_context(folder())
        (at / "store").mkdir()
        fill(at / "store", calls)
        (at / "sipwatch.toml").write_text(CONFIG)
        for path in (at / "store", *(at / "store").iterdir()):
            shutil.chown(path, "nobody")  # whom it becomes
        cable = stack.enter_context(net.Cable([NEAR], [FAR]))
        words = ("--store", str(at / "store"), "--config", str(at / "sipwatch.toml"))
        watching = stack.enter_context(Sipwatch(cable.near, at, *words))
        placed = int(RATE * seconds)
        calling = stack.enter_context(placing(stack, cable, at, RATE, placed))
        asking, began = Asking(cable.near), time.monotonic()
        while calling.alive():
            time.sleep(0.2)
        span = time.monotonic() - began
        asking.stop()
        return _result(calls, placed, span, _settled(watching, placed), asking)


def _settled(watching: Sipwatch, placed: int) -> Samples:
    """Return the figures when all that was placed is stored, or no call can be open any more."""
    deadline = time.monotonic() + LINGER
    samples = watching.scrape()
    while samples.sum("sipwatch_store_calls_total") < placed and time.monotonic() < deadline:
        time.sleep(1)
        samples = watching.scrape()
    return samples


def _result(calls: int, placed: int, span: float, samples: Samples, asking: Asking) -> Beside:
    return Beside(
        stored=calls,
        when=time.strftime("%Y-%m-%d"),
        machine=f"{os.cpu_count()} processors, Python {platform.python_version()}",
        seconds=round(span),
        placed=placed,
        counted=round(samples.sum("sipwatch_calls_ended_total", ended_by="caller")),
        dropped=round(samples.sum("sipwatch_capture_dropped_total")),
        written=round(samples.sum("sipwatch_store_calls_total")),
        not_stored=round(samples.sum("sipwatch_store_dropped_total")),
        answers={page: round(statistics.median(took), 1) for page, took in asking.took.items()},
        asked=sum(map(len, asking.took.values())),
    )


def sentence() -> str:
    """Write what is kept in a sentence or two."""
    found = msgspec.json.decode(STORED.read_bytes(), type=Beside)
    slowest = max(found.answers, key=lambda page: found.answers[page])
    return (
        f"Beside a capture (measured {found.when} on {found.machine}; `python -m bench.store_live`): {found.stored:,} calls were stored, "
        f"{RATE} a second came for {found.seconds:g} seconds, and somebody asked {found.asked:,} pages one after the other. Of "
        f"{found.placed:,} calls {found.counted:,} were counted and {found.written:,} stored; the kernel dropped {found.dropped:,} "
        f"packets, and {found.not_stored:,} things were not stored. Half of each page's answers came within {found.answers[slowest]:g} ms "
        f"at most (`{slowest}`).\n"
    )


def main() -> None:
    """Measure, and say whether anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    found = measure(asked.calls, asked.seconds)
    print(msgspec.json.format(msgspec.json.encode(found)).decode())
    if asked.write:
        STORED.write_bytes(msgspec.json.format(msgspec.json.encode(found)) + b"\n")
    if found.dropped or found.not_stored or not found.placed == found.counted == found.written:
        sys.exit("something was lost")


if __name__ == "__main__":
    main()
