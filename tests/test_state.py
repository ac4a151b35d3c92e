"""Whatever is said, in whatever order: after each message the tables agree with what they hold.

Random but well-formed dialogues of a few parties, with losses, repetitions, stalls, and so little room that calls are
given up all the time.
"""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import TYPE_CHECKING

import pytest

from sipwatch.budget import shared_out
from sipwatch.classify.peers import Directory, Settings
from sipwatch.engine import Engine
from sipwatch.export.collector import Collector
from sipwatch.export.metrics import Metrics
from sipwatch.packet import SECOND
from sipwatch.track.events import CallOver, CallSettled, LegBegun, LegSettled
from tests.classify.diagnosing import TRUNK, peer
from tests.conversation import EPOCH, messages
from tests.thorough import IN_FULL

if TYPE_CHECKING:
    from sipwatch.track.call import Call
    from sipwatch.track.events import Takes

SEEDS = 400 if IN_FULL else 12
ROOM = 10_000  # bytes for calls: two or three of them
SETTINGS = Settings(peers=[peer("acme", TRUNK, "T")])
CALLERS, CALLEES = "ABT", "PQ"
STEPS = 240


def line(random: Random, at: float) -> str:
    """Write one message of one of many calls, as likely out of place as in it."""
    number = random.randrange(40)
    caller, callee = CALLERS[number % 3], CALLEES[number % 2]
    there, back = f"{caller}>{callee}", f"{callee}>{caller}"
    call = f"call=c{number} branch=z9hG4bK{number}"
    what = random.choice([
        f"{there} INVITE", f"{there} INVITE", f"{back} 100", f"{back} 180", f"{back} 183", f"{back} 200", f"{back} 486",
        f"{there} ACK ttag=callee", f"{there} CANCEL", f"{back} 487", f"{there} BYE ttag=callee", f"{back} 401",
        f"{callee}>B INVITE vias=2", f"B>{callee} 180 vias=2", f"B>{callee} 200 vias=2 ttag=other", f"{there} REGISTER",
        f"{back} 200 method=REGISTER", f"{there} OPTIONS", f"{there} INFO ttag=callee", f"{back} 200 method=BYE cseq=2",
    ])  # fmt: skip
    return f"{at:.3f} {what} {call}"


class Counted:
    """Counts what happens once."""

    def __init__(self) -> None:
        self.legs: Counter[int] = Counter()
        self.settled: Counter[int] = Counter()
        self.calls: Counter[int] = Counter()
        self.over: Counter[int] = Counter()

    def takes(self) -> Takes:
        return {LegBegun: self._begun, LegSettled: self._leg, CallSettled: self._call, CallOver: self._over}

    def _begun(self, event: LegBegun) -> None:
        self.legs[event.leg.serial] += 1

    def _leg(self, event: LegSettled) -> None:
        self.settled[event.leg.serial] += 1

    def _call(self, event: CallSettled) -> None:
        self.calls[event.call.serial] += 1

    def _over(self, event: CallOver) -> None:
        self.over[event.call.serial] += 1


def check_table(engine: Engine) -> None:
    """Hold every sum against what it is the sum of."""
    calls = list(engine.tracker.calls())
    table = engine.tracker._calls
    assert len(table) == len(calls)
    assert table.bytes == sum(call.weight for call in calls)
    in_lines: list[Call] = []
    for rank, one in enumerate(table._lines):
        call = one._first
        count = 0
        while call is not None:
            assert call.rank == rank
            in_lines.append(call)
            count += 1
            call = call.behind
        assert count == len(one)
    assert {id(call) for call in in_lines} == {id(call) for call in calls}
    held: Counter[bytes] = Counter()
    for call in calls:
        assert not call.over
        held[call.holder.address] += 1
    assert {address: holder.calls for address, holder in table._holders.items()} == held


def figures(collector: Collector) -> dict[tuple[str, ...], float]:
    """Return every counter as it stands."""
    return {
        (sample.name, *map(str, sorted(sample.labels.items()))): sample.value
        for family in collector.collect()
        for sample in family.samples
        if sample.name.endswith(("_total", "_count", "_bucket"))
    }


def check_gauges(engine: Engine, collector: Collector) -> None:
    """Hold the gauges that are kept up against a recount."""
    samples = {family.name: family.samples for family in collector.collect()}
    raised = sum(
        raised.resolution is None
        for call in engine.tracker.calls()
        for leg in call.legs
        for raised in leg.conditions or ()
    )
    assert sum(sample.value for sample in samples["sipwatch_invites_in_condition"]) == raised
    up = sum(call.settled and call.answered_at >= 0 and call.ended_by is None for call in engine.tracker.calls())
    assert sum(sample.value for sample in samples["sipwatch_calls_established"]) == up


@pytest.mark.parametrize("seed", range(SEEDS))
def test_the_tables_agree_with_what_they_hold_after_every_message(seed: int) -> None:
    random = Random(seed)
    metrics = Metrics(Directory(SETTINGS))
    engine = Engine(None, metrics=metrics, budget=shared_out(1 << 28)._replace(calls=ROOM, registrations=20_000))
    counted, collector = Counted(), Collector(engine)
    engine.add(counted)
    before: dict[tuple[str, ...], float] = {}
    at = 0.0
    for step in range(STEPS):
        at += random.choice((0.01, 0.1, 0.5, 2.0))
        for message in messages(line(random, at)):
            engine.message(message)
        if random.random() < 0.02:
            engine.tracker.missed(EPOCH + int((at + 5) * SECOND))
        check_table(engine)
        assert engine.tracker.taken["calls"] <= ROOM + 8_000
        if step % 10 == 0:
            check_gauges(engine, collector)
            now = figures(collector)
            assert all(now[key] >= value for key, value in before.items())
            before = now
    engine.finish()
    check_table(engine)
    assert engine.tracker.taken["calls"] == 0
    assert set(counted.legs.values()) == {1}
    assert counted.settled == counted.legs
    assert set(counted.over.values()) == {1}
    assert counted.calls == counted.over
    assert engine.account.evicted["calls"] > 0
