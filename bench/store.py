"""A store of a million calls in thirty days: how quickly it is asked, and written at the same time.

Usage: python -m bench.store [--calls N] [--write]. It fills a folder first, which takes some minutes. Each question is asked
several times while 200 calls a second are written beside it; the median counts. ``--write`` stores the figures for
docs/store.md. Ends with status 1 if one is beyond its bound.
"""

from __future__ import annotations

import argparse
import itertools
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from bench import busy as busy_store
from bench.beside import LATE, Late, at_leisure, go_first, pages_beside
from sipwatch.classify.outcomes import CATEGORY_OF
from sipwatch.classify.peers import Privacy
from sipwatch.export.filters import compile_filter
from sipwatch.export.moments import Duration, Moment
from sipwatch.export.record import FindingRecord
from sipwatch.packet import DAY, HOUR, MINUTE, SECOND
from sipwatch.store.book import Book, CallEntry
from sipwatch.store.days import begin_of, day_of
from sipwatch.store.intake import Intake
from sipwatch.store.reader import StoreReader
from sipwatch.store.settings import StoreSettings
from sipwatch.store.troubles import Troubles, yesterday_and_today
from sipwatch.store.wanted import Number, Wanted
from sipwatch.store.writer import StoreWriter
from sipwatch.web.answers import MAX_SUMS, SPANS, SumsAnswer, sum_records
from sipwatch.web.api import encoded
from tests.export import records

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Self

    from sipwatch.export.record import CallRecord

STORED = Path(__file__).parent / "store.json"
DAYS = 30
TODAY = time.strftime("%Y-%m-%d", time.gmtime())
RATE = 200  # calls written a second, meanwhile
TIMES = 5
PAGE = 51  # calls: one more than a page shows
MIX = (  # of a hundred calls
    ("answered", 70, 200), ("busy", 6, 486), ("no_answer", 8, 480), ("declined", 2, 603), ("abandoned", 5, 487),
    ("abandoned_brief", 3, 487), ("no_progress", 1, 487), ("not_found", 2, 404), ("server_error", 1, 503),
    ("congested", 1, 503), ("not_responding", 1, None),
)  # fmt: skip
FILTERS = (
    'outcome == "busy"', 'outcome == "not_responding"', 'outcome == "no_progress" and source == "trunk-a"',
    "status_code == 404", 'ending == "normal"', '"refused" in tags', '"refusal_streak" in findings',
    '"no_progress" in conditions', 'category == "capacity"', 'destination_address == "192.0.2.77:5060"',
    'source_address == "203.0.113.1:5060"', 'caller == "+49300000001"', 'callee == "201" and outcome == "busy"',
)  # fmt: skip


REFUSED_AGAIN = FindingRecord("refusal_streak", records.words("201"), records.words("201 refused 3 in a row"), [])


class Answer(NamedTuple):
    """A question, how long it took (median, ms), and how long it may take."""

    question: str
    milliseconds: float
    bound: float


class Measured(NamedTuple):
    """What is stored: how many calls there were, what each takes of disk and of a writer's time, and all answers."""

    calls: int
    when: str
    machine: str
    bytes_per_call: float
    write_us: float
    dropped: float
    answers: list[Answer]
    late: tuple[Late, ...] = ()


class Maker:
    """Makes calls; with the same seed always the same ones."""

    def __init__(self, seed: int = 1) -> None:
        self._chance = random.Random(seed)
        self._fates = [fate for fate in MIX for _ in range(fate[1])]

    def call(self, at: int) -> CallEntry:
        """Make a call that began at a moment (ns)."""
        chance = self._chance
        outcome, _, code = chance.choice(self._fates)
        answered = outcome == "answered"
        caller, callee = f"+4930{chance.randrange(40_000):07}", str(chance.randrange(200, 400))
        address = f"192.0.2.{chance.randrange(1, 200)}:5060"
        leg = {"outcome": outcome, "started": Moment(at), "settled": Moment(at + 8 * SECOND)}
        offered = {"answered": "taken", "busy": "busy", "no_answer": "rang_out", "declined": "declined"}.get(
            outcome, "gave_up"
        )
        record: CallRecord = records.call(
            outcome,
            id=f"{chance.getrandbits(48):012x}", call_id=f"{chance.getrandbits(128):032x}@192.0.2.1",
            from_tag=f"{chance.getrandbits(32):08x}", to_tag=f"{chance.getrandbits(32):08x}", caller=caller, callee=callee,
            caller_uri=f"sip:{caller}@example.com", callee_uri=f"sip:{callee}@example.com",
            source=chance.choice(("trunk-a", "trunk-b", "phones")), destination=chance.choice(("phones", "trunk-a", "trunk-b")),
            source_address="198.51.100.5:5060", destination_address=address, started=Moment(at), trying=Moment(at + SECOND // 20),
            ringing=Moment(at + SECOND), progressed=Moment(at + SECOND), answered=Moment(at + 8 * SECOND) if answered else None,
            ended=Moment(at + 100 * SECOND), setup_seconds=Duration(8 * SECOND), ring_seconds=Duration(7 * SECOND),
            talk_seconds=Duration(92 * SECOND) if answered else None, status_code=code, category=CATEGORY_OF[outcome],
            ending="normal" if answered else None,
            conditions=[records.condition()] if outcome == "no_progress" else [],
            findings=[REFUSED_AGAIN] if outcome == "declined" and chance.random() < 0.2 else [],
            tags=["refused"] if outcome in ("busy", "declined") else [],
            legs=[records.leg(**leg, destination_address="198.51.100.9:5060"), records.leg(**leg, destination_address=address, device=callee, offered=offered)],
        )  # fmt: skip
        return CallEntry(record, answered)


def fill(folder: Path, calls: int) -> float:
    """Write calls, evenly over the days before today and today's first half; return what a call took (µs of processor)."""
    maker, book, spent = Maker(), Book(folder), 0.0
    begin = begin_of(TODAY) - (DAYS - 1) * DAY
    step = (DAYS * DAY - DAY // 2) // calls
    for day, moments in itertools.groupby((begin + place * step for place in range(calls)), day_of):
        for batch in batches(moments, 1000):
            entries = [maker.call(at) for at in batch]
            before = time.process_time()
            book.write(day, entries)
            spent += time.process_time() - before
    book.close()
    return spent / calls * 1e6


def batches(moments: Iterator[int], size: int) -> Iterator[list[int]]:
    """Give lists of so many."""
    while batch := list(itertools.islice(moments, size)):
        yield batch


class Beside:
    """Writes calls at their rate, in the writer's own thread, while somebody asks."""

    def __init__(self, folder: Path) -> None:
        self.intake = Intake()
        noon = begin_of(TODAY) + DAY // 2
        settings = StoreSettings(days=DAYS, message_days=0, calls=None, size=1 << 40)
        self._writer = StoreWriter(folder, self.intake, settings, Privacy(), lambda: noon, print)
        self._maker = Maker(seed=2)
        self._at = noon
        self._stopping = Event()
        self._thread = Thread(target=self._hand_in)

    def __enter__(self) -> Self:
        self._writer.start()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()
        self._writer.stop(30)

    def _hand_in(self) -> None:
        while not self._stopping.wait(0.05):
            for _ in range(RATE // 20):
                entry = self._maker.call(self._at)
                self._at += SECOND // RATE
                self.intake.call(entry.record, entry.completed, [])


Question = tuple[str, "Callable[[], object]", float]


def questions(folder: Path, busy: Path) -> Iterator[Question]:
    """Give what is asked of a store, and of a busy one of sums alone, and how many milliseconds it may take."""
    reader = StoreReader(folder)
    last = next(reader.calls(Wanted())).record

    def page(wanted: Wanted) -> Callable[[], object]:
        return lambda: list(itertools.islice(reader.calls(wanted), PAGE))

    yield "the newest calls", page(Wanted()), 300
    yield "calls of the last hour", page(Wanted(since=last.started - 3600 * SECOND)), 300
    for expression in FILTERS:
        yield f"`{expression}`", page(Wanted(keep=compile_filter(expression))), 300
    for number in ("030 0000777", "+49 89 5555555", "201", "*0777"):
        yield f"calls of number {number}", page(Wanted(number=Number(number, "DE"))), 300
    for what, wanted in (
        ("its id", last.id),
        ("the beginning of it", last.id[:8]),
        ("an id that is none", "f" * 12),
        ("a Call-ID", "x@y"),
    ):
        yield f"one call by {what}", partial(reader.call, wanted), 300
    yield "sums over all days", reader.totals, 500
    for by, each in (("outcome", "hour"), ("source,destination,outcome", "day")):
        yield f"`/api/v1/sums?since=30d&each={each}&by={by}`", partial(_api_sums, reader, by, each), 500
    yield "sums over a day by the hour", lambda: list(reader.sums(last.started - DAY)), 300
    yield "agents over all days", lambda: list(reader.agents(by_day=True)), 300
    yield "agents of a day by the hour", lambda: list(reader.agents(last.started - DAY)), 300
    for name in ("201", "999"):
        yield f"`/calls?agent={name}`", page(Wanted(agent=(name,))), 300
    yield from _looks("a million calls", reader, begin_of(TODAY) + DAY // 2)
    yield from _looks(f"two days of {busy_store.RATE} calls a second", StoreReader(busy), begin_of(TODAY) + DAY)
    command = [
        sys.executable,
        "-m",
        "sipwatch",
        "calls",
        "--store",
        str(folder),
        "--since",
        str(Moment(last.started - 3600 * SECOND)),
        "--format",
        "jsonl",
    ]
    yield (
        "`sipwatch calls --since 1h --format jsonl`, from start to end",
        lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL),
        1000,
    )


def _api_sums(reader: StoreReader, by: str, each: str) -> bytes:
    """Answer as the interface does."""
    keys, span = by.split(","), SPANS[each]
    found = reader.totals(begin_of(TODAY) - (DAYS - 1) * DAY, None, by=keys, span=span, most=MAX_SUMS)
    return encoded(SumsAnswer(sum_records(found, keys, span)))


def _looks(where: str, reader: StoreReader, now: int) -> Iterator[Question]:
    """Give the first look for incidents, and those of the minutes after it."""
    minutes, troubles = itertools.count(1), Troubles()
    yield f"incidents in {where}, first look", lambda: Troubles().look(reader, *yesterday_and_today(now)), 300
    troubles.look(reader, *yesterday_and_today(now - HOUR))
    yield (
        f"incidents in {where}, a minute later",
        lambda: troubles.look(reader, *yesterday_and_today(now - HOUR + next(minutes) * MINUTE)),
        100,
    )


def measure(calls: int) -> Measured:
    """Fill a store, ask it everything, and return what came out."""
    with tempfile.TemporaryDirectory() as name:
        folder, busy = Path(name) / "calls", Path(name) / "busy"
        for made in (folder, busy):
            made.mkdir()
        busy_store.fill(busy, TODAY)
        write_us = fill(folder, calls)
        size = sum(path.stat().st_size for path in folder.iterdir()) / calls
        answers = []
        go_first(1)
        with Beside(folder) as beside:
            for question, ask, bound in questions(folder, busy):
                took = []
                for _ in range(TIMES):
                    before = time.perf_counter()
                    ask()
                    took.append((time.perf_counter() - before) * 1000)
                answers.append(Answer(question, round(statistics.median(took), 1), bound))
                print(f"{answers[-1].milliseconds:9.1f} ms  {question}", flush=True)
            dropped = sum(beside.intake.dropped.values())
        at_leisure()
        late = pages_beside(folder)
    machine = f"{os.cpu_count()} processors, Python {platform.python_version()}"
    return Measured(calls, time.strftime("%Y-%m-%d"), machine, round(size), round(write_us), dropped, answers, (*late,))


def table() -> str:
    """Write what is stored as a table."""
    found = msgspec.json.decode(STORED.read_bytes(), type=Measured)
    rows = [f"| {one.question} | {one.milliseconds:g} ms | {one.bound:g} ms |" for one in found.answers]
    said = (
        f"Measured {found.when} on {found.machine}: {found.calls:,} calls in {DAYS} days, {found.bytes_per_call:g} bytes each; to write one"
        f" took {found.write_us:g} µs of processor time. Meanwhile {RATE} calls a second were written, {found.dropped:g} of them dropped."
        " Whoever asked went before all else on this machine (real-time priority)."
    )
    return "\n".join([said, "", "| asked | median | bound |", "| --- | ---: | ---: |", *rows, ""])


def table_of_late() -> str:
    """Write how late the capture is beside pages as a table."""
    found = msgspec.json.decode(STORED.read_bytes(), type=Measured)
    rows = [
        f"| {one.what} | {one.answers:,} | {one.half:.1f} ms | {one.p99:.1f} ms | {one.p999:.1f} ms | {one.worst:.1f} ms |"
        for one in found.late
    ]
    return "\n".join(
        ["| asked | answers | half | 99 % | 99.9 % | all |", "| --- | ---: | ---: | ---: | ---: | ---: |", *rows, ""]
    )


def main() -> None:
    """Measure, and say what is out of bounds."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=int, default=1_000_000)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    found = measure(asked.calls)
    if asked.write:
        STORED.write_bytes(msgspec.json.format(msgspec.json.encode(found)) + b"\n")
    late = [one.question for one in found.answers if one.milliseconds > one.bound]
    late += [f"packets beside {one.what}" for one in found.late if one.p99 > LATE]
    print(
        f"{found.write_us:g} µs a call, {found.bytes_per_call:g} bytes, {found.dropped:g} dropped; out of bounds: {late or 'nothing'}"
    )
    sys.exit(bool(late) or bool(found.dropped))


if __name__ == "__main__":
    main()
