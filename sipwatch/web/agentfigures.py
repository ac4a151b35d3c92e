"""How agents took their calls, as a store has it added up by the hour: of all of them, or of one.

Must not know: HTTP, pages.
"""

from __future__ import annotations

from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Final, NamedTuple

from sipwatch.classify.offers import Offered
from sipwatch.export.agents import MAX_ROWS, RolledAgents, together
from sipwatch.export.intervals import By
from sipwatch.export.offers import offers_of
from sipwatch.packet import HOUR, SECOND
from sipwatch.store.wanted import offered_to

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sipwatch.classify.roster import Roster
    from sipwatch.export.agents import AgentRecord
    from sipwatch.export.record import CallRecord
    from sipwatch.export.rolled import Rolled
    from sipwatch.store.reader import StoreReader
    from sipwatch.web.period import Period

_MOST_NUMBERS: Final = 100  # of one agent
REFUSED: Final = ("busy", "declined", "rang_out", "not_alerted")
NOBODYS: Final = ("gave_up", "elsewhere", "other")  # what is never held against anybody


class OneAgent(NamedTuple):
    """One agent's figures: of the whole time, by day, and by hour of the day (0 to 23, by the zone's clocks).

    ``numbers`` are as calls have them, ``last`` is the time (ns) in which his last offers of calls began.
    """

    whole: AgentRecord
    days: list[AgentRecord]
    hours: list[AgentRecord | None]
    numbers: tuple[str, ...]
    last: tuple[int, int]


def agents_in(reader: StoreReader, period: Period, by: By, roster: Roster) -> tuple[list[AgentRecord], int]:
    """Return the figures of all agents by interval, and how many calls found no room. Raises StoreError."""
    found = RolledAgents(by, period.zone, roster)
    # Days of the store are those of UTC: of another zone's days, hours have to be put together.
    by_day = by is By.ALL or (by is By.DAY and str(period.zone) == "UTC")
    for row in reader.agents(period.since, period.until, by_day=by_day):
        found.add(*row)
    return found.records(), found.left_out


def one_agent(reader: StoreReader, period: Period, number: str, roster: Roster, calls: int) -> OneAgent | None:
    """Return the figures of the agent with a number, None where no call was offered to him. Raises StoreError.

    ``calls`` is how many of his last calls ``last`` has to hold, if there are so many.
    """
    entry = roster.find(number)
    wanted = number if entry is None else entry.number
    everybody = RolledAgents(roster=roster)
    met: dict[str, None] = {}
    for row in reader.agents(period.since, period.until, by_day=True):
        everybody.add(*row)
        if len(met) < MAX_ROWS or everybody.whose(row[1]) == wanted:
            met[row[1]] = None
    # By which numbers, and at which addresses that turned out to be his alone.
    numbers = [one for one in met if everybody.whose(one) == wanted][:_MOST_NUMBERS]
    rows = list(reader.agents(period.since, period.until, numbers=numbers)) if numbers else []
    if not rows:
        return None
    (whole,) = _of(rows, By.ALL, period, roster)
    return OneAgent(
        whole,
        _of(rows, By.DAY, period, roster),
        _by_hour_of_day(_of(rows, By.HOUR, period, roster), period),
        tuple(numbers),
        _last(rows, calls),
    )


def how_taken(call: CallRecord, numbers: Sequence[str]) -> Offered | None:
    """Return how the agent with these numbers, and at these addresses, took a call; None if it was not offered to him.

    A call that was offered to him several times is one call, as in his figures.
    """
    his = {*numbers}
    offers = offers_of(call, lambda leg: bool(offered_to(leg) & his))
    return Offered(offers[True].how) if True in offers else None


def _of(rows: Sequence[tuple[int, str, Rolled]], by: By, period: Period, roster: Roster) -> list[AgentRecord]:
    found = RolledAgents(by, period.zone, roster)
    for row in rows:
        found.add(*row)
    return found.records()


def _by_hour_of_day(records: Iterable[AgentRecord], period: Period) -> list[AgentRecord | None]:
    def hour(record: AgentRecord) -> int:
        return datetime.fromtimestamp((record.begins or 0) // SECOND, period.zone).hour

    found: list[AgentRecord | None] = [None] * 24
    for place, some in groupby(sorted(records, key=hour), key=hour):
        found[place] = together(some)
    return found


def _last(rows: Sequence[tuple[int, str, Rolled]], calls: int) -> tuple[int, int]:
    """Return from when until when the last so many offers began."""
    begin = place = len(rows) - 1
    offered = 0
    while place >= 0 and offered < calls:
        begin, offered, place = place, offered + sum(rows[place][2].counts), place - 1
    return rows[begin][0], rows[-1][0] + HOUR
