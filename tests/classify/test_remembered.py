"""What is remembered of earlier calls takes the memory that it is taken to take, and no more than its share."""

from __future__ import annotations

import gc
import tracemalloc
from ipaddress import ip_network
from typing import TYPE_CHECKING, NamedTuple

import pytest

from sipwatch.budget import MIN_MEMORY, shared_out
from sipwatch.classify.past import Table
from sipwatch.classify.peers import Callback, Linking, Peer, PeerKind, Settings
from sipwatch.classify.remembered import SLOT, TEXTS, Memory
from sipwatch.engine import Engine
from sipwatch.wire.message import Path, Request, Response, Transport

if TYPE_CHECKING:
    from collections.abc import Callable

    from sipwatch.export.record import CallRecord

SECOND = 1_000_000_000
MS = SECOND // 1000
PORTS = (5060).to_bytes(2, "big") * 2
SERVER = bytes((198, 51, 100, 10))
WIDE = "\N{TELEPHONE RECEIVER}"
SITE = Settings(
    peers=[
        Peer("acme", PeerKind.TRUNK, [ip_network("203.0.113.0/24")]),
        Peer("phones", PeerKind.DEVICES, [ip_network("192.0.2.0/24")]),
    ],
    callback=Callback(86_400 * SECOND),
)


class Step(NamedTuple):
    """A message: from there to here or back, its start line, and what else is in it; ``{n}`` is the call's number."""

    back: bool
    first: str
    more: str = ""
    to: str = ""
    method: str = "INVITE"
    cseq: int = 1


def text(step: Step, n: int, caller: str) -> bytes:
    """Write a message with identifiers as long as they are kept."""
    return (
        f"{step.first}\r\nVia: SIP/2.0/UDP 203.0.113.66;branch=z9hG4bK{step.cseq}-{n:0>240}\r\n"
        f"From: <sip:{caller}@example.com>;tag={n:0>250}\r\nTo: <sip:{caller}@example.com>{step.to}\r\n"
        f"Call-ID: {n:0>250}\r\nCSeq: {step.cseq} {step.method}\r\nUser-Agent: {'u' * 200}{n}\r\n{step.more}\r\n"
    ).encode()


class Attack(NamedTuple):
    """Calls from one address after another, ``gap`` apart; ``of_one`` calls of each; and how many there are."""

    steps: tuple[Step, ...]
    source: Callable[[int], bytes] = lambda n: (0x0B000000 + n).to_bytes(4, "big")
    calls: int = 400
    of_one: int = 1
    gap: int = 40 * SECOND
    between: int = MS
    caller: str = "{n:f>200}"
    settings: Settings | None = None
    to_and_fro: bool = False


def stranger(n: int) -> bytes:
    return (0x0B000000 + n).to_bytes(4, "big")


def refused(code: int, reason: str, number: str = "{n:0>200}", more: str = "", invite: str = "") -> tuple[Step, ...]:
    return (
        Step(False, f"INVITE sip:{number}@example.com SIP/2.0", invite),
        Step(True, f"SIP/2.0 {code} {reason}", more, ";tag=t"),
        Step(False, f"ACK sip:{number}@example.com SIP/2.0", "", ";tag=t", "ACK"),
    )


def asked(method: str, code: int, user: str) -> tuple[Step, ...]:
    contact = f"Contact: <sip:{user}@10.0.0.1>\r\nExpires: 86400\r\n"
    return (
        Step(False, f"{method} sip:example.com SIP/2.0", contact, method=method),
        Step(True, f"SIP/2.0 {code} {'r' * 300}", contact, ";tag=t", method),
    )


IDENTIFIED = "X-CID: {n:x>250}\r\nSession-ID: {n:0>32};remote={n:f>32}\r\n"
DESCRIBED = "\r\nv=0\r\no={n:x>250}\r\nc=IN IP4 {n:y>200}\r\nm=audio 4000 RTP/AVP 8\r\n"
LINKED = Settings(linking=Linking(headers=("X-CID",), by_numbers=True, numbers_within=32 * SECOND))
SPELLED = "{n:0>20}"
REFERRED = (
    Step(False, "INVITE sip:{n}@example.com SIP/2.0"),
    Step(True, "SIP/2.0 200 OK", "", ";tag=t"),
    Step(False, "ACK sip:{n}@example.com SIP/2.0", "", ";tag=t", "ACK"),
    Step(False, "REFER sip:{n}@example.com SIP/2.0", f"Refer-To: <sip:{'r' * 8000}{{n}}>\r\n", ";tag=t", "REFER", 2),
    Step(True, "SIP/2.0 202 Accepted", "", ";tag=t", "REFER", 2),
    Step(False, "BYE sip:{n}@example.com SIP/2.0", "", ";tag=t", "BYE", 3),
    Step(True, "SIP/2.0 200 OK", "", ";tag=t", "BYE", 3),
)  # fmt: skip
MISSED = refused(480, WIDE, more=f'Reason: Q.850;cause=19;text="{WIDE}{"r" * 8000}{{n}}"\r\n')
ATTACKS = {
    "numbers that are not found": Attack(refused(404, "r" * 300, SPELLED), calls=100),
    "numbers that are not found, five times each": Attack(refused(404, "r" * 300, "{k:0>20}"), calls=500, of_one=5),
    "floods": Attack(refused(403, "r" * 300), of_one=20, calls=800, gap=20 * MS, caller="{k:a>60}"),
    "a trunk's failures": Attack(refused(500, WIDE * 200), of_one=20, calls=800),
    "to and fro": Attack(
        refused(482, WIDE * 200, WIDE * 60), of_one=50, calls=500, gap=20 * MS, caller=WIDE * 60, to_and_fro=True
    ),
    "overload": Attack(refused(503, WIDE * 200, more="Retry-After: 3600\r\n"), calls=200),
    "devices": Attack(
        (Step(False, f"INVITE sip:{WIDE * 100}{{n}}@example.com SIP/2.0"), Step(True, "SIP/2.0 486 " + WIDE * 200)),
        lambda n: bytes((192, 0, 2, n % 200)), calls=400, settings=SITE,
    ),
    "the same devices again and again": Attack(
        (Step(False, f"INVITE sip:{WIDE * 200}@example.com SIP/2.0"), Step(True, "SIP/2.0 486 " + WIDE * 200)),
        lambda n: bytes((192, 0, 2, 200 + n if n < 50 else n % 50)), calls=500, settings=SITE,
    ),
    "registrations": Attack(asked("REGISTER", 200, "u" * 100 + "{n}"), calls=300),
    "registrations that fail": Attack(asked("REGISTER", 403, "u" * 300 + "{n}"), calls=300),
    "transfers": Attack(REFERRED, between=50 * MS, calls=200),
    "identifiers": Attack(refused(486, "Busy", more="", invite=IDENTIFIED), settings=LINKED),
    "the same identifiers again and again": Attack(
        refused(486, "Busy", more="", invite=IDENTIFIED.replace("{n:", "{k:")), of_one=20, settings=LINKED
    ),
    "descriptions": Attack(refused(486, "Busy", more="", invite=DESCRIBED), gap=20 * MS, settings=LINKED),
    "calls back": Attack(MISSED, lambda n: bytes((203, 0, 113, 5)), caller="+4930{n:0>8}", calls=150, settings=SITE),
}  # fmt: skip


def feed(engine: Engine, attack: Attack, calls: range) -> None:
    """Let an attack's calls come, and be over."""
    begun = engine.tracker.now + SECOND
    now = 0
    for place_of_call, n in enumerate(calls):
        source = attack.source(n // attack.of_one)
        there = SERVER if attack.settings in (None, LINKED) else bytes((192, 0, 2, 10))
        ways = source + there + PORTS, there + source + PORTS
        if "486" in attack.steps[-1].first or (attack.to_and_fro and n % 2):
            ways = ways[1], ways[0]
        for place, step in enumerate(attack.steps):
            now = begun + place_of_call * attack.gap + place * attack.between
            filled = step._replace(
                first=step.first.format(n=n, k=n // attack.of_one), more=step.more.format(n=n, k=n // attack.of_one)
            )
            caller = attack.caller.format(n=n, k=n // attack.of_one)
            path = Path(ways[step.back], Transport.UDP)
            for message in engine.decoder.datagram(now, path, text(filled, n, caller)):
                assert isinstance(message, (Request, Response))
                engine.message(message)
    engine.advance(now + 400 * SECOND)


def begin(attack: Attack, memory: int = 1 << 30) -> Engine:
    def sink(record: CallRecord, completed: bool) -> None:
        """Take what is given up."""

    return Engine(sink, attack.settings, budget=shared_out(memory))


def measured(attack: Attack) -> tuple[int, int]:
    """Return what the tables take by the interpreter's own count, and by ours (bytes)."""
    engine = begin(attack)
    warm = attack.of_one * max(1, 50 // attack.of_one)
    feed(engine, attack, range(warm))
    gc.collect()
    ours = engine.memory.bytes
    tracemalloc.start()
    try:
        feed(engine, attack, range(warm, warm + max(50, attack.calls // 4)))
        gc.collect()
        assert engine.tracker.tracked["calls"] == 0
        before = tracemalloc.get_traced_memory()[0]
        ours = engine.memory.bytes - ours
        others = engine.decoder, engine.tracker, engine.directory
        del engine
        gc.collect()
        assert others
        return before - tracemalloc.get_traced_memory()[0], ours
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", ATTACKS)
def test_what_is_remembered_takes_what_it_is_taken_to_take(name: str) -> None:
    """By the interpreter's own count, with the longest texts. What several tables hold each of them answers for."""
    taken, counted = measured(ATTACKS[name])
    assert 0.95 * taken <= counted <= 3.2 * taken


@pytest.mark.parametrize("name", ATTACKS)
def test_what_is_remembered_keeps_within_its_share_and_what_goes_is_counted(name: str) -> None:
    engine = begin(ATTACKS[name])
    engine.memory.room = 100_000
    feed(engine, ATTACKS[name], range(ATTACKS[name].calls))
    assert 50_000 < engine.memory.bytes <= 100_000
    assert engine.memory.bytes == sum(engine.account._remembered.bytes.values()) + engine.desk.bytes
    assert sum(engine.account._remembered.evicted.values()) > 10
    assert all(size >= 0 for size in engine.account.taken.values())


def test_whoever_floods_one_table_pushes_out_his_own() -> None:
    memory = Memory(100 * SLOT)
    flooded, other = Table[int](10_000, memory), Table[int](10_000, memory)
    for number in range(30):
        other.put(number, 0)
    for number in range(1000):
        flooded.put(number, 0)
    assert (len(other), other.evicted, len(flooded), flooded.evicted) == (30, 0, 70, 930)
    assert next(iter(flooded.entries)) == 930
    for number in range(30, 60):
        other.put(number, 0)
    assert (len(other), len(flooded)) == (50, 50)


def test_what_is_touched_stays_once_room_is_scarce() -> None:
    memory = Memory(10 * SLOT)
    table = Table[int](10_000, memory)
    for number in range(30):
        table.put(number, 0)
        table.touch(0)
    assert 0 in table.entries


def test_texts_that_grow_and_shrink_are_counted_as_they_are() -> None:
    memory = Memory()
    table = Table[int](10, memory)
    table.put("a", 1, 50)
    table.put("b", 1)
    assert table.bytes == memory.bytes == 2 * SLOT + TEXTS + 50 + TEXTS
    table.weigh("a", 10)
    table.weigh("gone", 99)
    assert table.bytes == 2 * SLOT + 2 * TEXTS + 10
    table.put("a", 2, 30)
    table.drop("b")
    assert table.bytes == memory.bytes == SLOT + TEXTS + 30
    table.clear()
    assert (table.bytes, memory.bytes) == (0, 0)


def test_an_entry_that_finds_no_room_at_all_is_given_up_itself() -> None:
    memory = Memory(1000)
    table = Table[int](10, memory)
    table.put("a", 1, 5000)
    assert (len(table), table.evicted, memory.bytes) == (0, 1, 0)


def test_a_table_that_is_left_takes_no_room() -> None:
    memory = Memory()
    one, other = Table[int](10, memory), Table[int](10, memory)
    one.put(1, 1)
    other.put(1, 1)
    memory.leave(one)
    assert memory.bytes == other.bytes == SLOT


@pytest.mark.slow
def test_calls_with_texts_as_long_as_may_be_keep_within_their_share() -> None:
    more = f'User-Agent: {"a" * 200}{{n}}\r\nReason: Q.850;cause=1;text="{"r" * 16_000}"\r\n'
    attack = Attack(refused(404, "r" * 300, SPELLED, more), calls=8_000, gap=10 * MS)
    engine = begin(attack, MIN_MEMORY)
    tracemalloc.start(1)
    try:
        feed(engine, attack, range(attack.calls))
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        share = engine.memory.room
        assert engine.memory.bytes <= share
        kept = engine.decoder, engine.tracker, engine.directory
        del engine
        gc.collect()
        assert kept
        assert before - tracemalloc.get_traced_memory()[0] <= 1.2 * share
    finally:
        tracemalloc.stop()
