"""Attacks on the engine, each beside honest calls, on packet time.

What takes minutes on a wire takes the time that the engine needs for it. Must not know: processes, networks, how it is told.
"""

from __future__ import annotations

import gc
import resource
import time
from collections import Counter
from heapq import merge
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from bench.make_captures import EPOCH, LINES, MS, SECOND
from bench.make_captures import message as honest_message
from bench.open_calls import ANSWERED, paths
from sipwatch.budget import DEFAULT_MEMORY, shared_out
from sipwatch.classify.peers import Directory, Settings
from sipwatch.engine import Engine
from sipwatch.export.collector import Collector
from sipwatch.export.metrics import Metrics
from sipwatch.track.events import CallConcluded, CallSettled
from sipwatch.wire.message import Path, Request, Response, Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sipwatch.track.events import Takes

Packet = tuple[int, Path, bytes]  # ns, ends, text

VICTIM = bytes((198, 51, 100, 10))
ATTACKER = bytes((203, 0, 113, 66))
PORTS = (5060).to_bytes(2, "big") * 2
THERE = Path(ATTACKER + VICTIM + PORTS, Transport.UDP)
BACK = THERE.reversed()
MOST_TIMERS = 3  # for each call: its own, and that of its leg
_TEXT = (
    "{first}\r\nVia: SIP/2.0/UDP 203.0.113.66:5060;branch=z9hG4bK{n:x}\r\nFrom: <sip:100@example.com>;tag=f{n:x}\r\n"
    "To: <sip:200@example.com>{to}\r\nCall-ID: {id}{n:x}\r\nCSeq: 1 {method}\r\nMax-Forwards: 70\r\n"
    "Contact: <sip:100@203.0.113.66>\r\n{more}Content-Length: 0\r\n\r\n"
)


def text(n: int, first: str, *, method: str = "INVITE", to: str = "", call_id: str = "", more: str = "") -> bytes:
    return _TEXT.format(n=n, first=first, method=method, to=to, id=call_id, more=more).encode()


def invite(n: int, **what: str) -> bytes:
    return text(n, "INVITE sip:200@example.com SIP/2.0", **what)


def _steady(rate: int, seconds: float, packets: Callable[[int], list[tuple[Path, bytes]]]) -> Iterator[Packet]:
    """Give what ``packets`` makes of each number, so many numbers a second."""
    for n in range(int(rate * seconds)):
        for place, (path, data) in enumerate(packets(n)):
            yield EPOCH + n * SECOND // rate + place, path, data


# Attacks


def large_invites(scale: float) -> Iterator[Packet]:
    pad = f"X-Pad: {'x' * 60_000}\r\n"
    return _steady(200, 100 * scale, lambda n: [(THERE, invite(n, more=pad))])


def long_headers(scale: float) -> Iterator[Packet]:
    pad = "".join(f"X-{n}: {'x' * 3_900}\r\n" for n in range(15))
    return _steady(200, 100 * scale, lambda n: [(THERE, invite(n, more=pad))])


def large_registers(scale: float) -> Iterator[Packet]:
    pad = f"X-Pad: {'x' * 60_000}\r\n"
    first = "REGISTER sip:example.com SIP/2.0"
    return _steady(200, 100 * scale, lambda n: [(THERE, text(n, first, method="REGISTER", more=pad))])


def long_call_ids(scale: float) -> Iterator[Packet]:
    long = "c" * 30_000

    def answered(n: int) -> list[tuple[Path, bytes]]:
        yes = text(n, "SIP/2.0 200 OK", to=";tag=t", call_id=long)
        ack = text(n, "ACK sip:200@example.com SIP/2.0", method="ACK", to=";tag=t", call_id=long)
        return [(THERE, invite(n, call_id=long)), (BACK, yes), (THERE, ack)]

    return _steady(50, 400 * scale, answered)


def tried_and_no_more(scale: float) -> Iterator[Packet]:
    return _steady(800, 400 * scale, lambda n: [(THERE, invite(n)), (BACK, text(n, "SIP/2.0 100 Trying"))])


def random_invites(scale: float) -> Iterator[Packet]:
    return _steady(5000, 60 * scale, lambda n: [(THERE, invite(n))])


def spoofed_invites(scale: float) -> Iterator[Packet]:
    def from_anywhere(n: int) -> list[tuple[Path, bytes]]:
        return [(Path((0x0B000000 + n).to_bytes(4, "big") + VICTIM + PORTS, Transport.UDP), invite(n))]

    return _steady(5000, 60 * scale, from_anywhere)


def orphans(scale: float) -> Iterator[Packet]:
    return _steady(2000, 60 * scale, lambda n: [(BACK, text(n, f"SIP/2.0 {200 + n % 400} Yes", to=";tag=t"))])


def false_answers(scale: float) -> Iterator[Packet]:
    return _steady(500, 300 * scale, lambda n: [(THERE, invite(n)), (BACK, text(n, "SIP/2.0 200 OK", to=";tag=t"))])


def remembered_texts(scale: float) -> Iterator[Packet]:
    reason = f'Reason: Q.850;cause=1;text="{"r" * 16_000}"\r\nUser-Agent: {"u" * 200}'

    def refused(n: int) -> list[tuple[Path, bytes]]:
        number = f"{n:0>{20 if n % 2 else 200}}"
        no = text(n, f"SIP/2.0 404 {'n' * 300}", to=";tag=t", more=f"{reason}{n}\r\n")
        asked = text(n, f"INVITE sip:{number}@example.com SIP/2.0", more=f"User-Agent: {'u' * 200}{n}\r\n")
        return [(THERE, asked), (BACK, no)]

    return _steady(250, 400 * scale, refused)


def invented_headers(scale: float) -> Iterator[Packet]:
    def repeated(n: int) -> list[tuple[Path, bytes]]:
        """Each order of headers comes often enough to be learned, and never again."""
        more = "".join(f"X-{n // 8}-{place}: {'x' * 60}\r\n" for place in range(10))
        return [(THERE, invite(n, more=more))]

    return _steady(2600, 60 * scale, repeated)


class Attack(NamedTuple):
    """An attack: its packets for a scale, the seconds it lasts, and what happened when there were no bounds."""

    packets: Callable[[float], Iterator[Packet]]
    seconds: float
    words: str
    before: str
    talk: float = 20  # seconds that an honest call lasts
    honest: int = 40  # of them a second


_LARGE = "62 to 178 kB each kept: 1.0 to 1.27 GB"
ATTACKS = {
    "large-invites": Attack(large_invites, 100, "60 kB INVITEs, 200 a second", _LARGE, honest=4),
    "long-headers": Attack(long_headers, 100, "INVITEs of fifteen headers of 4 kB, 200 a second", _LARGE, honest=4),
    "large-registers": Attack(large_registers, 100, "60 kB REGISTERs, 200 a second", _LARGE, honest=4),
    "long-call-ids": Attack(
        long_call_ids, 400, "Call-IDs of 30 kB, answered, 50 a second", f"{_LARGE}, for four hours", honest=1
    ),
    "tried": Attack(
        tried_and_no_more,
        400,
        "INVITE and 100, 800 a second, beside calls of five minutes",
        "all of 180 honest calls evicted, written off as `capture_end`",
        300,
        1,
    ),
    "random-invites": Attack(
        random_invites,
        60,
        "INVITEs with random Call-IDs, 5,000 a second",
        "at full speed: 375 of 2,400 honest calls seen, 305 of them wrong",
    ),
    "spoofed-invites": Attack(spoofed_invites, 60, "the same, each from another address", "not measured"),
    "invented-headers": Attack(
        invented_headers,
        60,
        "INVITEs whose order of headers is learned and never comes again, 21 Mbit/s",
        "382 of 640 honest calls right, their parsing twice as slow for good",
    ),
    "orphans": Attack(
        orphans,
        60,
        "responses to nothing, all codes, 2,000 a second",
        "91 % of a core, 9,000 series a pair for ever",
    ),
    "remembered": Attack(
        remembered_texts,
        400,
        "404 with a Reason of 16 kB to numbers of 200 bytes, 250 a second",
        "numbers, rows and their calls remembered by entries, whatever they hold: bytes not bounded",
        honest=4,
    ),
    "false-answers": Attack(
        false_answers,
        300,
        "calls that are answered and never end, 500 a second",
        "answered calls kept for four hours: 0.6 Mbit/s was enough for 1 GB",
        60,
        4,
    ),
}


# Honest calls beside it


def honest_calls(attack: Attack, scale: float) -> Iterator[Packet]:
    """Give honest calls that begin all the while: each rings, is answered, and is hung up after ``attack.talk``."""
    count = int(attack.honest * attack.seconds * scale)
    ways = [paths(line) for line in range(LINES)]
    ends = (("BYE", 2, 7), ("200 OK", 2, 7))
    steps = [(place * 200 * MS, step) for place, step in enumerate(ANSWERED)]
    steps += [(int(attack.talk * SECOND) + place * 20 * MS, step) for place, step in enumerate(ends)]

    def of_step(delay: int, step: tuple[str, int, int]) -> Iterator[Packet]:
        for call in range(count):
            response, data = honest_message(call, LINES, *step)
            yield EPOCH + call * SECOND // attack.honest + delay, ways[call % LINES][response], data

    return merge(*(of_step(delay, step) for delay, step in steps), key=itemgetter(0))


class Honest:
    """Takes what is said of honest calls."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()
        self.endings: Counter[str] = Counter()

    def takes(self) -> Takes:
        """Want to know of every call."""
        return {CallSettled: self.settled, CallConcluded: self.concluded}

    def settled(self, event: CallSettled) -> None:
        """Count a verdict."""
        if event.call.from_tag[:4] == b"4711":
            self.outcomes[event.call.outcome] += 1

    def concluded(self, event: CallConcluded) -> None:
        """Count an ending."""
        if event.call.from_tag[:4] == b"4711":
            self.endings[event.call.ending] += 1


class Figures(NamedTuple):
    """What came of an attack. Times are processor time, memory of the whole process."""

    honest: int
    right: int
    messages: int
    microseconds: float  # a message
    tables: int  # bytes, at their most
    grown: int  # bytes by which the process grew
    evicted: dict[str, int]
    series: int
    stopped: float  # seconds to close all that was open
    timers: float  # for each call, transaction and binding that was followed, at their most


def run(name: str, scale: float) -> Figures:
    """Run one attack."""
    attack = ATTACKS[name]
    metrics = Metrics(Directory(Settings()))
    engine, honest = Engine(None, metrics=metrics, budget=shared_out(memory(scale))), Honest()
    engine.add(honest)
    gc.collect()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    taken = messages = 0
    timers = 0.0
    begun = time.process_time()
    for at, path, data in merge(attack.packets(scale), honest_calls(attack, scale), key=itemgetter(0)):
        for item in engine.decoder.datagram(at, path, data):
            if isinstance(item, (Request, Response)):
                engine.message(item)
        messages += 1
        if messages % 1000 == 0:
            engine.advance(at)
            taken = max(taken, sum(engine.account.taken.values()))
            tracked = engine.account.tracked
            followed = tracked["calls"] + tracked["transactions"] + tracked["registrations"]
            timers = max(timers, tracked["timers"] / max(followed, 1000))
    spent = time.process_time() - begun
    count = int(attack.honest * attack.seconds * scale)
    begun = time.process_time()
    engine.finish()
    stopped = time.process_time() - begun
    series = sum(len(family.samples) for family in Collector(engine).collect())
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) << 10
    right = min(honest.outcomes["answered"], honest.endings["normal"])
    return Figures(
        count, right, messages, spent / messages * 1e6, taken, grown, engine.account.evicted, series, stopped, timers
    )


def memory(scale: float) -> int:
    """Return the memory (bytes) that an attack of this scale has to fit in."""
    return int(DEFAULT_MEMORY * scale)


def complaints(figures: Figures, scale: float) -> list[str]:
    """Say which bounds do not hold."""
    found = []
    if figures.right < figures.honest:
        found.append(f"{figures.honest - figures.right} of {figures.honest} honest calls are not told right")
    if figures.tables > memory(scale):
        found.append(f"the tables took {figures.tables >> 20} MiB")
    if figures.grown > 1.25 * memory(scale):
        found.append(f"the process grew by {figures.grown >> 20} MiB")
    if figures.timers > MOST_TIMERS:
        found.append(f"{figures.timers:.1f} timers for each thing that is followed")
    return found
