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
from sipwatch.export.rolled import all_together, rolled
from sipwatch.packet import SECOND

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping
    from datetime import tzinfo

    from sipwatch.classify.roster import RosterEntry
    from sipwatch.export.offers import Offer
    from sipwatch.export.record import CallRecord, LegRecord
    from sipwatch.export.rolled import Rolled

MAX_ROWS: Final = 20_000  # of agents and intervals; each takes one to five kilobytes
_CACHE_SIZE: Final = 4096
_AT_ONCE: Final = 64  # figures of an agent that are put together
_SEVERAL: Final = ""


class AgentRecord(msgspec.Struct, frozen=True, gc=False):
    """How one agent took the calls that were offered in one interval.

    ``interval`` is its beginning by the clock on the wall, ``begins`` the same as a moment; both are null where all is
    one interval. ``device`` is the number, or the address where none was seen; ``name`` and ``group`` are the
    configuration's. ``busy`` holds ``idle_busy``: busy without a call that was seen. ``gave_up`` are callers who hung
    up first, ``elsewhere`` calls that another took. ``answer_seconds`` is the sum over ``answers`` calls, each from the
    first ring to the answer; the average and the median are null without any. ``streak`` is how many were refused in a
    row at the end, ``longest`` at most, within the interval. ``share`` is ``taken`` of ``offered``, ``fair_share`` of
    those that are neither ``gave_up`` nor ``elsewhere``; null where there are none.
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
    average_answer_seconds: float | None
    median_answer_seconds: float | None
    streak: int
    longest: int
    first: Moment
    last: Moment


class _Head(NamedTuple):
    begins: int | None
    interval: str | None
    device: str
    agent: RosterEntry | None


class _Row(NamedTuple):
    begins: int | None
    device: str
    agent: RosterEntry | None
    took: Took


class Homes:
    """Who stands at an address: what is known of a hop by that alone is his, if it is one only. Bounded."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[str, str] = {}  # ``_SEVERAL`` where it is more than one

    def meet(self, device: str, addresses: Iterable[str]) -> None:
        """Note at which addresses a device stands that is known by more than its address."""
        for address in addresses:
            if address != device and (address in self._known or len(self._known) < MAX_ROWS):
                self._known[address] = device if self._known.get(address, device) == device else _SEVERAL

    def of(self, device: str) -> str:
        """Return who stands at an address; anything else as it is."""
        return self._known.get(device) or device


class AgentFigures:
    """Counts the calls of agents by intervals of a zone. Bounded: what finds no room is counted in ``left_out``."""

    def __init__(self, by: By = By.ALL, zone: tzinfo = UTC, roster: Roster | None = None) -> None:
        self.left_out = 0
        self._intervals = Intervals(by, zone)
        self._roster = roster or Roster()
        self._rows: dict[tuple[int | None, Hashable], _Row] = {}
        self._known: dict[str, RosterEntry | None] = {}  # by the number on the wire
        self._homes = Homes()

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
            self._homes.meet(row.device, offer.addresses)

    def records(self) -> list[AgentRecord]:
        """Return the figures, in the order of time, then of groups, names and numbers; who has no name comes last.

        What was counted for an address alone is his who stands there, if that turned out to be one.
        """
        found: dict[tuple[int | None, str], _Row] = {}
        for row in self._rows.values():
            device = self._homes.of(row.device)
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
        took = row.took
        counts = {how: took.counts.get(how.value, 0) for how in Offered}
        return _record(
            _Head(row.begins, self._intervals.written(row.begins), row.device, row.agent),
            counts,
            (took.answers.count, took.answer_ns, took.answers.quantile(0.5)),
            took.streaks.counted(),
            (took.first, took.last),
            took.addresses,
        )


class RolledAgents:
    """Puts figures of agents together that were added up by the hour, in the order of time.

    Bounded: what finds no room is counted in ``left_out``. Hours are those of UTC: where a zone's begin at half past,
    one counts for the interval in which it began. The median of answers is not known any more.
    """

    def __init__(self, by: By = By.ALL, zone: tzinfo = UTC, roster: Roster | None = None) -> None:
        self.left_out = 0
        self._intervals = Intervals(by, zone)
        self._roster = roster or Roster()
        self._rows: dict[tuple[int | None, str], list[Rolled]] = {}
        self._homes = Homes()
        self._known: dict[str, RosterEntry | None] = {}

    def add(self, at: int, number: str, figures: Rolled) -> None:
        """Take the figures of an hour that begins at ``at`` (ns since 1970)."""
        device = self._own(number)
        self._homes.meet(device, figures.addresses)
        key = (self._intervals.begin(at), device)
        before = self._rows.get(key)
        if before is None and len(self._rows) >= MAX_ROWS:
            self.left_out += sum(figures.counts)
            return
        if before is None:
            self._rows[key] = [figures]
            return
        before.append(figures)
        if len(before) >= _AT_ONCE:
            before[:] = [all_together(before)]

    def whose(self, number: str) -> str:
        """Return whose figures those of a number are, or of an address, by all that was taken so far."""
        return self._homes.of(self._own(number))

    def records(self) -> list[AgentRecord]:
        """Return the figures, in the order of time, then of groups, names and numbers; who has no name comes last."""
        whole: dict[tuple[int | None, str], Rolled] = {}
        for (begins, device), parts in self._rows.items():
            key, figures = (begins, self._homes.of(device)), all_together(parts)
            whole[key] = whole[key].then(figures) if key in whole else figures
        found = [
            (_Head(begins, self._intervals.written(begins), device, self._agent(device)), figures)
            for (begins, device), figures in whole.items()
        ]
        return [_rolled_record(head, figures) for head, figures in sorted(found, key=lambda one: _order(one[0]))]

    def _own(self, number: str) -> str:
        agent = self._agent(number)
        return number if agent is None else agent.number

    def _agent(self, number: str) -> RosterEntry | None:
        if number not in self._known:
            if len(self._known) >= _CACHE_SIZE:
                self._known.clear()
            self._known[number] = self._roster.find(number)
        return self._known[number]


def together(records: Iterable[AgentRecord]) -> AgentRecord:
    """Add up figures of several agents, or of several times of one; whose they are and in what row stands in no sum."""
    some = list(records)
    counts = {how: sum([getattr(one, how) for one in some]) for how in Offered}
    counts[Offered.BUSY] -= counts[Offered.IDLE_BUSY]  # in a record they are among the busy
    answers = sum([one.answers for one in some]), sum([one.answer_seconds for one in some]), None
    moments = min([one.first for one in some], default=0), max([one.last for one in some], default=0)
    return _record(_Head(None, None, "", None), counts, answers, (0, 0), moments, [])


def rolled_agents(calls: Iterable[CallRecord]) -> dict[str, Rolled]:
    """Add up how agents took some calls, by number; by address where there is none, or it is a group's."""
    offers: dict[str, list[Offer]] = {}
    for call in calls:
        shared = _shared(call.legs) if len(call.legs) > 1 else frozenset()
        for number, offer in offers_of(call, lambda leg, shared=shared: _number(leg, shared)).items():  # type: ignore[misc]
            offers.setdefault(str(number), []).append(offer)
    return {number: rolled(some) for number, some in offers.items()}


def _number(leg: LegRecord, shared: frozenset[str]) -> str:
    number = (leg.device or leg.callee or "")[:MAX_FACT_LENGTH]
    return address_of(leg) if not number or (leg.device is None and leg.callee in shared) else number


def _rolled_record(head: _Head, figures: Rolled) -> AgentRecord:
    return _record(
        head,
        {how: figures.count(how) for how in Offered},
        (figures.answers, figures.answer_ns, None),
        (figures.streak, figures.longest),
        (figures.first, figures.last),
        list(figures.addresses),
    )


def _record(
    head: _Head,
    counts: Mapping[Offered, int],
    answers: tuple[int, int, float | None],
    streaks: tuple[int, int],
    moments: tuple[int, int],
    addresses: list[str],
) -> AgentRecord:
    """Make a record; ``answers`` are how many, how long they took in all (ns), and the median in seconds."""
    offered, taken = sum(counts.values()), counts[Offered.TAKEN]
    return AgentRecord(
        interval=head.interval,
        begins=None if head.begins is None else Moment(head.begins),
        device=head.device,
        name=None if head.agent is None else head.agent.name,
        group=None if head.agent is None else head.agent.group,
        addresses=addresses,
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
        answers=answers[0],
        answer_seconds=Duration(answers[1]),
        average_answer_seconds=round(answers[1] / answers[0] / SECOND, 3) if answers[0] else None,
        median_answer_seconds=answers[2],
        streak=streaks[0],
        longest=streaks[1],
        first=Moment(moments[0]),
        last=Moment(moments[1]),
    )


def _shared(legs: list[LegRecord]) -> frozenset[str]:
    """Return the numbers that a call asked for at several addresses."""
    first: dict[str, str] = {}
    asked = [(leg.callee, address_of(leg)) for leg in legs if leg.callee and leg.offered]
    return frozenset([number for number, address in asked if first.setdefault(number, address) != address])


def _share(taken: int, of: int) -> float | None:
    return round(taken / of, 6) if of else None


def _order(row: _Row | _Head) -> tuple[int, bool, str, str, str]:
    agent = row.agent
    if agent is None:
        return row.begins or 0, True, "", "", row.device
    return row.begins or 0, False, agent.group or "", agent.name, row.device
