"""What is going on right now, as records: calls being set up and up, what is stuck, what the program itself lost.

Must not know: clocks, sockets, formats. Looking is cut into steps, so that whoever captures can go on between two.
"""

from __future__ import annotations

from heapq import heappush, heapreplace
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from sipwatch.classify.findings import said
from sipwatch.classify.identity import caller_number
from sipwatch.export.calls import record_id
from sipwatch.export.metrics import PHASES, ends_of_session, phase
from sipwatch.export.moments import Moment
from sipwatch.packet import HOUR, MINUTE
from sipwatch.wire.message import decoded
from sipwatch.wire.sip import header, uri_of, user_of

if TYPE_CHECKING:
    from collections.abc import Generator

    from sipwatch.classify.desk import Desk
    from sipwatch.classify.peers import Directory
    from sipwatch.classify.wall import Wall
    from sipwatch.export.account import Account
    from sipwatch.export.privacy import Policy
    from sipwatch.track.call import Call
    from sipwatch.track.conditions import Raised
    from sipwatch.track.leg import Leg
    from sipwatch.track.tracker import Tracker

MAX_STUCK: Final = 100  # legs that are listed
MAX_PAIRS: Final = 100  # of source and destination
_CALLS_AT_ONCE: Final = 200  # in one step, in less than a millisecond
_UP: Final = len(PHASES)
_PLACES: Final = {name: place for place, name in enumerate(PHASES.values())}


class AtWork(Protocol):
    """Where it is looked: an engine."""

    directory: Directory
    tracker: Tracker
    desk: Desk
    wall: Wall
    account: Account


class BetweenRecord(msgspec.Struct, frozen=True):
    """Calls between two peers right now: being set up, by phase, and up."""

    source: str
    destination: str
    calling: int
    trying: int
    progressing: int
    ringing: int
    up: int

    @property
    def all(self) -> int:
        """Return all of them."""
        return self.calling + self.trying + self.progressing + self.ringing + self.up


class StuckRecord(msgspec.Struct, frozen=True):
    """A hop with which something is wrong right now: what, since when, whose call, between whom."""

    kind: str
    since: Moment
    started: Moment
    caller: str
    callee: str
    source: str
    destination: str
    source_address: str
    destination_address: str
    call_id: str
    id: str


class LossRecord(msgspec.Struct, frozen=True):
    """What the program did not see, keep or store since it began: ``what``, ``where`` it was lost, how many."""

    what: str
    where: str
    number: int


class PresentRecord(msgspec.Struct, frozen=True):
    """What is going on ``at`` a moment.

    ``between`` are the pairs with most calls, ``total`` is of all. ``conditions`` counts hops by what is wrong with
    them; ``stuck`` lists those that are so longest. ``up_last_hour`` are calls that are up and began in the hour before
    the minute of ``at``, ``up_hour_before`` in the hour before that: no store has them yet.
    """

    at: Moment
    between: list[BetweenRecord]
    total: BetweenRecord
    conditions: dict[str, int]
    stuck: list[StuckRecord]
    up_last_hour: int
    up_hour_before: int
    lost: list[LossRecord]


class _Look:
    """One look at all calls."""

    def __init__(self, engine: AtWork, policy: Policy) -> None:
        self._engine = engine
        self._policy = policy
        self._rows: dict[tuple[str, ...], list[int]] = {}
        self._conditions: dict[str, int] = {}
        self._longest: list[tuple[int, int, Leg, Raised]] = []  # a heap: the one that is so for the shortest time first
        self._up_since = [0, 0]
        self._edge = engine.tracker.now // MINUTE * MINUTE

    def call(self, call: Call) -> None:
        ends = ends_of_session(call, self._engine.directory)
        if ends:
            place = _UP if call.answered_at >= 0 else _PLACES.get(phase(call), -1)
            if place >= 0:
                self._rows.setdefault(ends, [0] * (_UP + 1))[place] += 1
            if place == _UP:
                ago = self._edge - call.started
                if 0 < ago <= 2 * HOUR:
                    self._up_since[ago > HOUR] += 1
        for leg in call.legs:
            if leg.conditions is not None:
                self._leg(leg)

    def _leg(self, leg: Leg) -> None:
        for raised in reversed(leg.conditions or ()):
            if raised.resolution is None:
                kind = raised.kind.value
                self._conditions[kind] = self._conditions.get(kind, 0) + 1
                one = (-raised.raised, -leg.serial, leg, raised)
                if len(self._longest) < MAX_STUCK:
                    heappush(self._longest, one)
                elif one > self._longest[0]:
                    heapreplace(self._longest, one)
                return  # the latest says more than those before it

    def record(self, lost: list[LossRecord]) -> PresentRecord:
        between = [BetweenRecord(ends[0], ends[1], *counts) for ends, counts in self._rows.items()]
        between.sort(key=lambda row: (-row.all, row.source, row.destination))
        counts = [sum(column) for column in zip(*self._rows.values(), strict=True)] or [0] * (_UP + 1)
        stuck = [self._stuck(leg, raised) for _, _, leg, raised in sorted(self._longest, key=_since)]
        return PresentRecord(
            Moment(self._engine.wall.time(self._engine.tracker.now)),
            between[:MAX_PAIRS],
            BetweenRecord("", "", *counts),
            dict(sorted(self._conditions.items())),
            [one for one in stuck if one is not None],
            self._up_since[0],
            self._up_since[1],
            lost,
        )

    def _stuck(self, leg: Leg, raised: Raised) -> StuckRecord | None:
        if raised.resolution is not None:  # meanwhile
            return None
        engine, policy, wall = self._engine, self._policy, self._engine.wall
        source, destination = engine.directory.ends(leg.path)
        return StuckRecord(
            kind=raised.kind.value,
            since=Moment(wall.time(raised.raised)),
            started=Moment(wall.time(leg.started)),
            caller=policy.number(said(caller_number(leg.call, engine.directory))),
            callee=policy.number(said(user_of(leg.invite.request_uri))),
            source=source,
            destination=destination,
            source_address=policy.address(leg.path.source),
            destination_address=policy.address(leg.path.destination),
            call_id=shown_call_id(leg, policy),
            id=record_id(leg.call),
        )


def present_steps(engine: AtWork, policy: Policy, lost: list[LossRecord]) -> Generator[None, None, PresentRecord]:
    """Look at what is going on, in small steps; the engine may go on after each. ``lost`` is what others know."""
    look = _Look(engine, policy)
    left = _CALLS_AT_ONCE
    for first in engine.tracker.by_call_id():
        call: Call | None = first
        while call is not None:
            look.call(call)
            call = call.sibling
            left -= 1
        if left <= 0:
            left = _CALLS_AT_ONCE
            yield
    given_up = [LossRecord("evicted", table, number) for table, number in engine.account.evicted.items() if number]
    return look.record([*lost, *given_up])


def shown_call_id(leg: Leg, policy: Policy | None) -> str:
    """Return the Call-ID of a leg's call as a policy lets it be seen."""
    call = leg.call
    if policy is None:
        return decoded(call.call_id)
    caller = user_of(uri_of(header(leg.invite.raw, b"from", b"f")))
    callees = [user_of(one.invite.request_uri) for one in (call.front[0], leg)]
    return policy.call_id(decoded(call.call_id), decoded(call.from_tag), *map(decoded, (caller, *callees)))


def _since(one: tuple[int, int, Leg, Raised]) -> tuple[int, int]:
    return -one[0], -one[1]
