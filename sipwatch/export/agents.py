"""The figures of agents: how each took the calls that were offered, by hour, by day, or in all.

Must not know: files, terminals, what is a device (the record says so of each hop), any clock.

A call counts for an agent once, however often and on however many devices it was offered, in the interval in which it
was offered first. What an agent cannot help is counted beside, never held against anybody: a caller who hung up first,
and a call that another took.
"""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from sipwatch.classify.findings import MAX_FACT_LENGTH
from sipwatch.classify.offers import Offered
from sipwatch.classify.roster import Roster
from sipwatch.export.intervals import By, Intervals
from sipwatch.export.moments import Duration, Moment
from sipwatch.export.offers import Took, address_of, offers_of

if TYPE_CHECKING:
    from collections.abc import Hashable
    from datetime import tzinfo

    from sipwatch.classify.roster import RosterEntry
    from sipwatch.export.record import CallRecord, LegRecord

MAX_ROWS: Final = 20_000  # of agents and intervals; each takes one to five kilobytes
_CACHE_SIZE: Final = 4096
_SEVERAL: Final = ""


class AgentRecord(msgspec.Struct, frozen=True, gc=False):
    """How one agent took the calls that were offered in one interval.

    ``interval`` is its beginning by the clock on the wall, ``begins`` the same as a moment; both are null where all is
    one interval. ``device`` is the number, or the address where none was seen; ``name`` and ``group`` are the
    configuration's. ``busy`` holds ``idle_busy``: busy without a call that was seen. ``gave_up`` are callers who hung
    up first, ``elsewhere`` calls that another took. ``answer_seconds`` is the sum over ``answers`` calls, each from the
    first ring to the answer. ``streak`` is how many were refused in a row at the end, ``longest`` at most, within the
    interval. ``share`` is ``taken`` of ``offered``, ``fair_share`` of those that are neither ``gave_up`` nor
    ``elsewhere``; null where there are none.
    """

    interval: str | None
    begins: Moment | None
    device: str
    name: str | None
    group: str | None
    addresses: list[str]
    offered: int
    taken: int
    busy: int
    idle_busy: int
    declined: int
    rang_out: int
    not_alerted: int
    gave_up: int
    elsewhere: int
    other: int
    share: float | None
    fair_share: float | None
    answers: int
    answer_seconds: Duration
    median_answer_seconds: float | None
    streak: int
    longest: int
    first: Moment
    last: Moment


class _Row(NamedTuple):
    begins: int | None
    device: str
    agent: RosterEntry | None
    took: Took


class AgentFigures:
    """Counts the calls of agents by intervals of a zone. Bounded: what finds no room is counted in ``left_out``."""

    def __init__(self, by: By = By.ALL, zone: tzinfo = UTC, roster: Roster | None = None) -> None:
        self.left_out = 0
        self._intervals = Intervals(by, zone)
        self._roster = roster or Roster()
        self._rows: dict[tuple[int | None, Hashable], _Row] = {}
        self._known: dict[str, RosterEntry | None] = {}  # by the number on the wire
        self._homes: dict[str, str] = {}  # who stands at an address, ``_SEVERAL`` where it is more than one

    def add(self, call: CallRecord) -> None:
        """Take a call."""
        shared = _shared(call.legs) if len(call.legs) > 1 else frozenset()
        for device, offer in offers_of(call, lambda leg: self._device(leg, shared)).items():
            begins = self._intervals.begin(offer.started)
            row = self._rows.get((begins, device))
            if row is None:
                if len(self._rows) >= MAX_ROWS:
                    self.left_out += 1
                    continue
                name = str(device)
                row = self._rows[begins, device] = _Row(begins, name, self._agent(name), Took())
            row.took.add(offer)
            self._meet(row.device, offer.addresses)

    def _meet(self, device: str, addresses: list[str]) -> None:
        """Note at which addresses a device stands that is known by more than its address."""
        for address in addresses:
            if address != device and (address in self._homes or len(self._homes) < MAX_ROWS):
                self._homes[address] = device if self._homes.get(address, device) == device else _SEVERAL

    def records(self) -> list[AgentRecord]:
        """Return the figures, in the order of time, then of groups, names and numbers; who has no name comes last.

        What was counted for an address alone is his who stands there, if that turned out to be one.
        """
        found: dict[tuple[int | None, str], _Row] = {}
        for row in self._rows.values():
            device = self._homes.get(row.device) or row.device
            before = found.get((row.begins, device))
            if before is None:
                found[row.begins, device] = _Row(row.begins, device, self._agent(device), row.took)
            else:
                took = Took()
                took.join(before.took)
                took.join(row.took)
                found[row.begins, device] = before._replace(took=took)
        return [self._record(row) for row in sorted(found.values(), key=_order)]

    def _device(self, leg: LegRecord, shared: frozenset[str]) -> str:
        """Return whose hop it is: the number as the configuration writes it, else as on the wire, else the address.

        The number is that which is registered there, else that which was asked for. One that was asked for at several
        addresses (``shared``) is a group's, as far as is known, unless the configuration says that it is an agent's.
        """
        number = (leg.device or leg.callee or "")[:MAX_FACT_LENGTH]  # it may be as long as a message
        agent = self._agent(number) if number else None
        if agent is not None:
            return agent.number
        return address_of(leg) if not number or (leg.device is None and leg.callee in shared) else number

    def _agent(self, number: str) -> RosterEntry | None:
        if number in self._known:
            return self._known[number]
        if len(self._known) >= _CACHE_SIZE:
            self._known.clear()
        agent = self._known[number] = self._roster.find(number)
        return agent

    def _record(self, row: _Row) -> AgentRecord:
        took, agent = row.took, row.agent
        counts = {how: took.counts.get(how.value, 0) for how in Offered}
        offered, taken = sum(counts.values()), counts[Offered.TAKEN]
        streak, longest = took.streaks.counted()
        return AgentRecord(
            interval=self._intervals.written(row.begins),
            begins=None if row.begins is None else Moment(row.begins),
            device=row.device,
            name=None if agent is None else agent.name,
            group=None if agent is None else agent.group,
            addresses=took.addresses,
            offered=offered,
            taken=taken,
            busy=counts[Offered.BUSY] + counts[Offered.IDLE_BUSY],
            idle_busy=counts[Offered.IDLE_BUSY],
            declined=counts[Offered.DECLINED],
            rang_out=counts[Offered.RANG_OUT],
            not_alerted=counts[Offered.NOT_ALERTED],
            gave_up=counts[Offered.GAVE_UP],
            elsewhere=counts[Offered.ELSEWHERE],
            other=counts[Offered.OTHER],
            share=_share(taken, offered),
            fair_share=_share(taken, offered - counts[Offered.GAVE_UP] - counts[Offered.ELSEWHERE]),
            answers=took.answers.count,
            answer_seconds=Duration(took.answer_ns),
            median_answer_seconds=took.answers.quantile(0.5),
            streak=streak,
            longest=longest,
            first=Moment(took.first),
            last=Moment(took.last),
        )


def _shared(legs: list[LegRecord]) -> frozenset[str]:
    """Return the numbers that a call asked for at several addresses."""
    first: dict[str, str] = {}
    asked = [(leg.callee, address_of(leg)) for leg in legs if leg.callee and leg.offered]
    return frozenset([number for number, address in asked if first.setdefault(number, address) != address])


def _share(taken: int, of: int) -> float | None:
    return round(taken / of, 6) if of else None


def _order(row: _Row) -> tuple[int, bool, str, str, str]:
    agent = row.agent
    if agent is None:
        return row.begins or 0, True, "", "", row.device
    return row.begins or 0, False, agent.group or "", agent.name, row.device
