"""What it costs to keep attempts to register: the capture, the writer's thread, the disk, and whoever asks.

Usage: python -m bench.registering [--write]. ``--write`` stores the figures for docs/store.md.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from sipwatch.packet import SECOND
from sipwatch.store.attempts import HandedAttempt, kept_attempt
from sipwatch.store.book import Book
from sipwatch.store.days import begin_of
from sipwatch.store.intake import Intake
from sipwatch.store.reader import StoreReader
from sipwatch.store.registered import RegistrationsWanted, registrations_in
from tests.store.attempts import attempt
from tests.track.registering import CHALLENGE, CREDENTIALS, watch

if TYPE_CHECKING:
    from collections.abc import Callable

    from sipwatch.store.attempts import RegisterAttempt

STORED = Path(__file__).parent / "registering.json"
DAY = "2026-11-30"
PHONES = 2000
TIMES_A_DAY = 48  # each refreshes every half hour
BATCH = 200  # attempts that are written at a time
TIMES = 5
_PHONE = f"""
0   A>P REGISTER
0.1 P>A 401 {CHALLENGE}
0.2 A>P REGISTER cseq=2 {CREDENTIALS} h=User-Agent:_Example_Phone_1.0
0.3 P>A 200 cseq=2 h=Expires:_3600
"""


class RegisteringCost(NamedTuple):
    """Microseconds of processor time an attempt, by thread; bytes a day; milliseconds of it to list all devices."""

    when: str
    machine: str
    attempts: int
    devices: int
    capture_us: float
    write_us: float
    bytes_a_day: int
    listed_ms: float


def spent(times: int, do: Callable[[], object]) -> float:
    """Return how long something took each time (µs of processor time)."""
    before = time.process_time()
    for _ in range(times):
        do()
    return (time.process_time() - before) / times * 1e6


def refresh(phone: int, at: int) -> RegisterAttempt:
    """Return an attempt of one phone at a moment (ns)."""
    made = attempt(0, aor=f"sip:{phone}@pbx.example", device=f"10.0.{phone >> 8}.{phone & 255}")
    return made._replace(at=at)


def fill(folder: Path) -> float:
    """Write a day of phones that refresh; return what an attempt took (µs of processor time)."""
    number = PHONES * TIMES_A_DAY
    begin, step = begin_of(DAY), 86_400 * SECOND // number
    book, took = Book(folder), 0.0
    for first in range(0, number, BATCH):
        some = [refresh(place % PHONES, begin + place * step) for place in range(first, first + BATCH)]
        before = time.process_time()
        book.write(DAY, [], attempts=some)
        took += time.process_time() - before
    book.close()
    return took / number * 1e6


def measure() -> RegisteringCost:
    """Return what it costs."""
    [result] = watch(_PHONE).results
    handed = HandedAttempt(result, ("phones", "pbx"), 0)
    intake = Intake()
    capture = spent(10_000, lambda: intake.registration(result, handed.ends, 0))
    kept = spent(20_000, lambda: kept_attempt(handed))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write = fill(folder)
        size = sum(path.stat().st_size for path in folder.iterdir())
        reader, took = StoreReader(folder), []
        for _ in range(TIMES):
            before = time.process_time()
            devices = len(registrations_in(reader, RegistrationsWanted()))
            took.append((time.process_time() - before) * 1000)
        reader.close()
    machine = f"{os.cpu_count()} processors, Python {platform.python_version()}"
    when, number = time.strftime("%Y-%m-%d"), PHONES * TIMES_A_DAY
    listed = round(statistics.median(took), 1)
    return RegisteringCost(when, machine, number, devices, round(capture, 1), round(kept + write), size, listed)


def registering_words() -> str:
    """Say what it costs."""
    found = msgspec.json.decode(STORED.read_bytes(), type=RegisteringCost)
    return (
        f"Measured {found.when} on {found.machine}: a day of {found.devices:,} phones that refresh every half hour, {found.attempts:,} attempts,\n"
        f"took {found.capture_us:g} µs of processor time each beside the capture, {found.write_us:g} µs in the thread that writes, and "
        f"{found.bytes_a_day / 1e6:.1f} MB;\nto list all devices, the worst first, took {found.listed_ms:g} ms of it.\n"
    )


def main() -> None:
    """Measure, and say what came out."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true")
    found = measure()
    if parser.parse_args().write:
        STORED.write_bytes(msgspec.json.format(msgspec.json.encode(found)) + b"\n")
    print(found)


if __name__ == "__main__":
    main()
