"""Measures what an open call takes of memory, in each state it may be in: ``python -m bench.open_calls``.

Counts Python's own bytes (tracemalloc) of calls that are all open at once, with the texts of ``make_captures``. PYTHONPATH
may name another tree, for a comparison in one run.
"""

from __future__ import annotations

import gc
import tracemalloc

from bench.make_captures import EPOCH, LINES, MS, PBX, SECOND, message
from sipwatch.engine import Engine
from sipwatch.wire.message import Path, Request, Response, Transport

CALLS = 2000
WARM = 200  # calls before the measured ones: tables and caches that do not grow with calls
RINGING = (("INVITE", 1, 0), ("100 Trying", 1, 0), ("180 Ringing", 1, 0))
ANSWERED = (*RINGING, ("200 OK", 1, 0), ("ACK", 1, 5))
STATES = (
    ("it rings", RINGING, 0),
    ("just answered", ANSWERED, 0),
    ("up for a minute", ANSWERED, 60),
)


def paths(line: int) -> tuple[Path, Path]:
    phone = bytes((192, 0, 2, line + 1))
    ports = (5060).to_bytes(2, "big") * 2
    return Path(phone + PBX + ports, Transport.UDP), Path(PBX + phone + ports, Transport.UDP)


def feed(engine: Engine, ways: list[tuple[Path, Path]], calls: range, steps: tuple[tuple[str, int, int], ...]) -> int:
    """Let calls begin, 5 ms apart; return the time of the last message."""
    now = EPOCH
    for call in calls:
        for place, (what, cseq, branch) in enumerate(steps):
            now = EPOCH + (5 * call + place) * MS
            response, text = message(call, LINES, what, cseq, branch)
            for read in engine.decoder.datagram(now, ways[call % LINES][response], text):
                assert isinstance(read, (Request, Response))
                engine.message(read)
    return now


def bytes_each(steps: tuple[tuple[str, int, int], ...], seconds: int, calls: int = CALLS) -> tuple[float, float]:
    """Return the bytes of one open call, so many seconds after the last message; and what it is taken to weigh."""
    engine = Engine(None)
    ways = [paths(line) for line in range(LINES)]
    feed(engine, ways, range(WARM), steps)
    gc.collect()
    tracemalloc.start()
    try:
        last = feed(engine, ways, range(WARM, WARM + calls), steps)
        engine.advance(last + seconds * SECOND)
        gc.collect()
        return tracemalloc.get_traced_memory()[0] / calls, weighed(engine)
    finally:
        tracemalloc.stop()


def weighed(engine: Engine) -> float:
    """Return what the tracker takes a call to weigh (bytes), 0.0 where a tree does not know."""
    calls = list(engine.tracker.calls())
    return sum(getattr(call, "weight", 0) for call in calls) / len(calls)


def main() -> None:
    for state, steps, seconds in STATES:
        taken, estimate = bytes_each(steps, seconds)
        print(f"{state}: {taken:,.0f} bytes, taken for {estimate:,.0f}")


if __name__ == "__main__":
    main()
