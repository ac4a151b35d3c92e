"""Whatever a stranger repeats costs time as its bytes do: in the engine, at every exit, in streams and in tables.

Processor time is measured, of several runs the least, and only growth counts: what costs eight times as much for
eight times the bytes passes on any machine, what is quadratic costs 64 times as much.
"""

from __future__ import annotations

import contextlib
import io
from functools import cache
from itertools import pairwise
from time import process_time
from typing import TYPE_CHECKING

import pytest

from sipwatch.classify.peers import EVERYTHING, Directory, Privacy, Settings
from sipwatch.engine import Engine
from sipwatch.export.metrics import Metrics
from sipwatch.export.privacy import policy_of
from sipwatch.export.rawmask import Disguise
from sipwatch.export.writers import CsvWriter, JsonLinesWriter
from sipwatch.report.ladder import print_ladder
from sipwatch.report.mermaid import mermaid_text
from sipwatch.report.sipp import NothingToPlayError, sipp_scenario
from sipwatch.report.svg import ladder_svg
from sipwatch.report.wireshark import display_filter
from sipwatch.wire.decoder import Decoder
from sipwatch.wire.message import Transport
from tests.constructs import BODY, CONVERSATIONS, FRAMES, HEADERS, PIECES, PLACES, TRICKY, Steps, call, segments
from tests.thorough import IN_FULL
from tests.wire import frames as f

if TYPE_CHECKING:
    from collections.abc import Callable

    from sipwatch.export.record import CallRecord

KB = 1024
SIZES = (KB, 8 * KB, 63 * KB)  # bytes in one message; of larger ones UDP carries none
GROWTH = 3  # times the time per byte; a quadratic one grows eightfold with each step
TRIES = 5
EPOCH = 1_767_603_600_000_000_000
_ENDS = f.A4 + f.B4 + f.ports(5060, 5060), f.B4 + f.A4 + f.ports(5060, 5060)

Work = tuple["Callable[[], object]", int]  # what is done, for how many bytes or messages


def least(work: Callable[[], object], tries: int = 1) -> float:
    """Return the least processor time (s) that some work took."""
    took = []
    for _ in range(tries):
        began = process_time()
        work()
        took.append(process_time() - began)
    return min(took)


def assert_linear(make: Callable[[int], Work], sizes: tuple[int, ...] = SIZES, growth: float = GROWTH) -> None:
    """Hold the time per byte against growth; measure again before anything is called wrong."""
    jobs = [make(size) for size in sizes]
    each = [least(work) / amount for work, amount in jobs]
    for _ in range(TRIES):
        if all(large <= growth * small for small, large in pairwise(each)):
            return
        each = [min(before, least(work) / amount) for before, (work, amount) in zip(each, jobs, strict=True)]
    pytest.fail(f"{', '.join(f'{one * 1e9:.0f}' for one in each)} ns for each at {sizes}")


def heard(steps: Steps, calls: list[CallRecord] | None = None) -> None:
    """Let an engine with all that it can have take datagrams 20 ms apart."""
    sink = None if calls is None else lambda record, _: calls.append(record)
    engine = Engine(sink, keep_messages=calls is not None, metrics=Metrics(Directory(Settings())))
    paths = [engine.decoder.path(Transport.UDP, key) for key in _ENDS]
    time = EPOCH
    for back, text in steps:
        time += 20_000_000
        for item in engine.decoder.datagram(time, paths[back], text):
            if hasattr(item, "raw"):
                engine.message(item)  # type: ignore[arg-type] # messages only
    engine.finish(time)


ROWS = [
    (place, piece, leading)
    for place in PLACES
    for piece in PIECES
    for leading in ((False, True) if isinstance(place, bytes) and HEADERS[place] else (False,))
]
SHARE = [
    *[(place, piece, False) for place in PLACES for piece in TRICKY[:: 1 if place == b"Via" else 5]],
    *[(b"X-Any", piece, False) for piece in PIECES],
]


@pytest.mark.parametrize(("place", "piece", "leading"), ROWS if IN_FULL else SHARE, ids=repr)
def test_the_engine(place: bytes | str, piece: bytes, leading: bool) -> None:
    def make(size: int) -> Work:
        steps = call(place, piece, size - KB // 2, leading=leading)
        return lambda: heard(steps), sum(len(text) for _, text in steps)

    assert_linear(make)


POLICIES = {
    "digits": Privacy(mask=4, names=True),
    "numbers": Privacy(mask=EVERYTHING, names=True),
    "pseudonyms": Privacy(mask=EVERYTHING, names=True, key=b"k" * 16, addresses=True),
}


def _json(record: CallRecord, privacy: Privacy) -> None:
    policy = policy_of(privacy)
    assert policy is not None
    JsonLinesWriter(io.BytesIO()).call(policy.call(record))


def _csv(record: CallRecord, _: Privacy) -> None:
    CsvWriter(io.BytesIO(), messages=True).call(record)


def _ladder(record: CallRecord, _: Privacy) -> None:
    print_ladder(io.StringIO(), record)


def _pictures(record: CallRecord, _: Privacy) -> None:
    ladder_svg(record)
    mermaid_text(record)
    display_filter([record])
    with contextlib.suppress(NothingToPlayError):
        sipp_scenario(record)


def _evidence(record: CallRecord, privacy: Privacy) -> None:
    raws = [message.raw.encode("latin-1", "replace") for message in record.messages or ()]
    disguise = Disguise(privacy, raws)
    for raw in raws:
        disguise.leaks(disguise.message(raw))


EXITS = {
    **{f"json, {name} hidden": (_json, privacy) for name, privacy in POLICIES.items()},
    "csv": (_csv, Privacy()),
    "ladder": (_ladder, Privacy()),
    "pictures": (_pictures, Privacy()),
    "evidence": (_evidence, POLICIES["digits"]),
}
WRITTEN = (b"X-Any", b"From", b"Authorization", BODY)  # places that exits read differently
OUT = [
    (place, piece, False)
    for place in (WRITTEN if IN_FULL else WRITTEN[:1])
    for piece in (PIECES if IN_FULL else TRICKY)
]
OUT_SIZES = (KB, 4 * KB, 16 * KB)  # of what tracking keeps


@cache  # every exit writes the same records
def recorded(place: bytes | str, piece: bytes, size: int, leading: bool) -> tuple[list[CallRecord], int]:
    """Return the records of a call's last two messages, and how many bytes these have."""
    calls: list[CallRecord] = []
    steps = call(place, piece, size - KB // 2, leading=leading)[-2:]
    heard(steps, calls)
    return calls, sum(len(text) for _, text in steps)


@pytest.mark.parametrize("way", EXITS)
@pytest.mark.parametrize(("place", "piece", "leading"), OUT, ids=repr)
def test_an_exit(way: str, place: bytes | str, piece: bytes, leading: bool) -> None:
    write, privacy = EXITS[way]

    def make(size: int) -> Work:
        calls, amount = recorded(place, piece, size, leading)
        return lambda: [write(record, privacy) for record in calls], amount

    assert_linear(make, OUT_SIZES)


def decoding(frames: list[bytes]) -> Callable[[], None]:
    def decode() -> None:
        decoder = Decoder()
        for frame in frames:
            decoder.frame(EPOCH, 1, frame)
        decoder.finish(EPOCH)

    return decode


@pytest.mark.parametrize("name", FRAMES)
def test_frames(name: str) -> None:
    def make(size: int) -> Work:
        frames = list(FRAMES[name](size))
        return decoding(frames), sum(map(len, frames))

    assert_linear(make)


@pytest.mark.parametrize("name", [name for name in FRAMES if "foreign" in name])
def test_what_looks_like_websocket_costs_a_foreign_stream_little(name: str) -> None:
    alike = decoding(list(FRAMES[name](63 * KB)))
    plain = decoding(list(segments(b"\0foreign\r\n" * 6400, 1448)))
    ratios = [least(alike, 2) / least(plain, 2) for _ in range(TRIES)]
    assert min(ratios) < 4


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_a_conversation_however_long(name: str) -> None:
    """Beyond its bound a table costs no more for each message than at it."""

    def make(number: int) -> Work:
        steps = CONVERSATIONS[name](number)
        return lambda: heard(steps), len(steps)

    assert_linear(make, (300, 1200))
