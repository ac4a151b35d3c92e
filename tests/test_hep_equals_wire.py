"""Law 2 over HEP: what agents report, in whatever order it comes, is judged as if it had been seen on the wire.

So is what a capture holds of it, on its way from an agent to somebody else.

The live source's work is done here with a clock of the test's own: packets arrive, wait in the window, time passes.
"""

from __future__ import annotations

import heapq
from functools import cache
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, NamedTuple

import pytest

from sipwatch.capture.deep import Datagram
from sipwatch.capture.files import open_capture
from sipwatch.capture.hep import WINDOW
from sipwatch.capture.merge import Window
from sipwatch.config import load
from sipwatch.engine import Engine
from sipwatch.packet import MILLISECOND, SECOND
from sipwatch.wire import hep
from sipwatch.wire.discards import Discard
from sipwatch.wire.sip import header
from tests.wire import frames as f

if TYPE_CHECKING:
    from sipwatch.export.record import CallRecord
    from sipwatch.wire.message import Path as Way

PCAPS = Path(__file__).resolve().parent.parent / "pcaps"
TURN = 50 * MILLISECOND  # between two turns of the loop
HOUR = 3600 * SECOND
SEEDS = [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (2, 3))]


class Said(NamedTuple):
    """A message as it was sent."""

    time: int
    path: Way
    raw: bytes


@cache
def conversation() -> list[Said]:
    """Return the messages of the demo, to the microsecond, which is all that HEP can say; each at a time of its own."""
    said: list[Said] = []
    engine = Engine(None)
    engine.hear = lambda message: said.append(Said(message.time // 1000 * 1000, message.path, message.raw))
    with open_capture([str(PCAPS / "demo.pcap")]) as source:
        engine.run(source)
    moments: dict[int, int] = {}
    return [
        one._replace(time=one.time + 1000 * moments.setdefault(one.time, 0)) for one in said if one.time not in moments
    ]


class Heard:
    """An engine, and the calls that it judged."""

    def __init__(self) -> None:
        self.calls: list[CallRecord] = []
        self.engine = Engine(lambda call, _: self.calls.append(call), load(str(PCAPS / "demo.toml")).settings)

    def end(self) -> list[CallRecord]:
        self.engine.finish(conversation()[-1].time)
        return sorted(self.calls, key=lambda call: call.id)

    def outcomes(self) -> list[tuple[str, str, str | None, str | None]]:
        self.engine.finish(conversation()[-1].time)
        return sorted((call.call_id, call.outcome, call.ending, call.destination) for call in self.calls)


@cache
def on_the_wire() -> Heard:
    """Return what is judged where nobody reports."""
    heard = Heard()
    found = [Datagram(one.time, 0, one.path.transport.value, one.path.key, one.raw) for one in conversation()]
    heard.engine.run_datagrams(found)
    return heard


class Agent(NamedTuple):
    """Somebody who reports: how far the clock is ahead, how long the way takes at most, in ns.

    ``held`` is how long everything waits in every second quarter of a minute; nothing overtakes what waits.
    """

    capture_id: int
    ahead: int = 0
    most: int = 100 * MILLISECOND
    held: int = 0


def over_hep(*agents: Agent, seed: int = 1) -> Heard:
    """Let agents report everything; each way is as long as chance will have it."""
    random = Random(seed)
    heard = Heard()
    heard.engine.decoder.expect_hep(across_nat=False)
    coming: list[tuple[int, int, int, bytes]] = []
    latest: dict[Agent, int] = {}
    for one in conversation():
        for agent in agents:
            data = hep.encode(one.time + agent.ahead, one.path, one.raw, hep.Agent(agent.capture_id))
            arrival = one.time + random.randrange(agent.most + 1)
            if agent.held:
                waits = one.time // (15 * SECOND) % 2 * agent.held
                arrival = latest[agent] = max(latest.get(agent, 0), arrival + waits)
            coming.append((arrival, len(coming), agent.capture_id, data))
    heapq.heapify(coming)
    window, report = Window(), heard.engine.decoder.agents.report
    now = coming[0][0]
    while coming:
        now = coming[0][0] if coming[0][0] > now + SECOND else now + TURN
        while coming and coming[0][0] <= now:
            arrival, _, sender, data = heapq.heappop(coming)
            found = report(arrival, window.passed, "udp:127.0.0.1:9060", str(sender), data)
            assert isinstance(found, tuple)
            window.add([found])
        heard.engine.run(window.give(now - WINDOW, now))
        heard.engine.advance(now - WINDOW)
    heard.engine.run(window.give(now, now))
    return heard


def test_an_agent_with_a_right_clock_gives_the_same_calls_to_the_microsecond() -> None:
    assert over_hep(Agent(1)).end() == on_the_wire().end()


@pytest.mark.parametrize("seed", SEEDS[:2])
def test_two_agents_that_report_the_same_give_the_same_calls_too(seed: int) -> None:
    heard = over_hep(Agent(1), Agent(2, most=150 * MILLISECOND), seed=seed)
    assert heard.end() == on_the_wire().end()
    assert heard.engine.decoder.discards[Discard.DUPLICATE] == len(conversation())
    assert [node.late for node in heard.engine.decoder.agents.nodes.values()] == [0, 0]


def test_clocks_that_are_wrong_are_corrected() -> None:
    agents = (Agent(1, ahead=HOUR, most=30 * MILLISECOND), Agent(2, ahead=-7 * SECOND, most=30 * MILLISECOND))
    heard = over_hep(*agents)
    assert heard.outcomes() == on_the_wire().outcomes()
    skews = heard.engine.decoder.agents.skews().values()
    assert [round(skew / SECOND) for skew in skews] == [3600, -7]


def test_what_a_queue_holds_up_is_late_and_no_call_is_judged_otherwise() -> None:
    """Its durations are wrong by up to as much; no more."""
    heard = over_hep(Agent(1, held=SECOND // 2))
    assert heard.outcomes() == on_the_wire().outcomes()
    (node,) = heard.engine.decoder.agents.nodes.values()
    assert len(conversation()) // 4 < node.late < len(conversation()) * 3 // 4


# HEP on its way, as a capture beside the agent holds it

AGENT, COLLECTOR = bytes((192, 0, 2, 250)), bytes((192, 0, 2, 251))
START = 0xFFFFF000  # the sequence number wraps around on the way


def in_datagrams() -> list[tuple[int, bytes]]:
    """Return the packets in which an agent sends it over UDP."""
    packets = [(one.time, hep.encode(one.time, one.path, one.raw)) for one in conversation()]
    return [(time, f.ipv4(f.udp(data, 9060, 9060), f.UDP, AGENT, COLLECTOR)) for time, data in packets]


def over_tcp(random: Random, lost: float = 0.0) -> tuple[list[tuple[int, bytes]], set[str]]:
    """Return the segments in which an agent sends it, cut by chance; and the calls of which some were not captured.

    Half of what is cut is captured in another order, and some is captured twice. What was lost, the other end has.
    """
    at, touched = START + 1, set()
    found: list[tuple[int, bytes]] = [
        (conversation()[0].time, f.ipv4(f.tcp(b"", START, f.SYN, dport=9060), f.TCP, AGENT, COLLECTOR))
    ]
    for one in conversation():
        data = hep.encode(one.time, one.path, one.raw)
        cuts = sorted({0, len(data), *random.sample(range(1, len(data)), random.randrange(4))})
        pieces = [(at + begun, data[begun:end]) for begun, end in pairwise(cuts)]
        at += len(data)
        if random.random() < 0.5:
            random.shuffle(pieces)
        pieces += random.sample(pieces, 1) if random.random() < 0.1 else []
        if random.random() < lost:
            pieces.remove(random.choice(pieces))
            touched.add(header(one.raw, b"call-id", b"i").decode())
        found += [
            (one.time, f.ipv4(f.tcp(piece, sequence, dport=9060), f.TCP, AGENT, COLLECTOR))
            for sequence, piece in pieces
        ]
        ack = f.tcp(b"", 1, f.ACK, acknowledged=at, sport=9060, dport=40000)
        found.append((one.time, f.ipv4(ack, f.TCP, COLLECTOR, AGENT)))
    return found, touched


def captured(packets: list[tuple[int, bytes]]) -> Heard:
    heard = Heard()
    heard.engine.run((time, 101, data) for time, data in packets)
    return heard


def test_hep_in_captured_datagrams_gives_the_same_calls() -> None:
    assert captured(in_datagrams()).end() == on_the_wire().end()


@pytest.mark.parametrize("seed", SEEDS)
def test_hep_in_captured_segments_gives_the_same_calls_however_they_are_cut(seed: int) -> None:
    packets, _ = over_tcp(Random(seed))
    assert captured(packets).end() == on_the_wire().end()


@pytest.mark.parametrize("seed", SEEDS)
def test_segments_of_hep_that_were_not_captured_cost_no_call_but_their_own(seed: int) -> None:
    packets, touched = over_tcp(Random(seed), lost=0.02)
    assert touched
    found = [call for call in captured(packets).end() if call.call_id not in touched]
    wanted = [call for call in on_the_wire().end() if call.call_id not in touched]
    assert len(wanted) > 10
    assert [(call.id, call.outcome, call.ended_by) for call in found] == [
        (call.id, call.outcome, call.ended_by) for call in wanted
    ]
