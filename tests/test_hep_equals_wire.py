"""Law 2 over HEP: what agents report, in whatever order it comes, is judged as if it had been seen on the wire.

The live source's work is done here with a clock of the test's own: packets arrive, wait in the window, time passes.
"""

from __future__ import annotations

import heapq
from functools import cache
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

if TYPE_CHECKING:
    from sipwatch.export.record import CallRecord
    from sipwatch.wire.message import Path as Way

PCAPS = Path(__file__).resolve().parent.parent / "pcaps"
TURN = 50 * MILLISECOND  # between two turns of the loop
HOUR = 3600 * SECOND


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


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow)])
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
