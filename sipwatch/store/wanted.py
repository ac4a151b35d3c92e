"""Which calls of a store somebody wants: by time, filter, number, and from where on.

Must not know: files, connections.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sipwatch.classify.numbers import MIN_NUMBER_LENGTH, same_number
from sipwatch.evidence.period import LAST_MOMENT
from sipwatch.export.choices import shortened
from sipwatch.export.offers import address_of
from sipwatch.store.rows import MAX_DIGITS, digits_turned
from sipwatch.store.schema import OFFERED_TO
from sipwatch.store.sql import ANY, Clause, all_of, placeholders
from sipwatch.wire.message import is_address

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sipwatch.export.filters import Filter
    from sipwatch.export.record import CallRecord, LegRecord

FOREVER: Final = LAST_MOMENT
HIDDEN: Final = "*"  # stands in numbers that are hidden: what reads alike need not be the same


class Number:
    """A telephone number that is looked for: in any notation, or by its last digits (``*4567``).

    A short one is an extension, and looked for as it is. ``region`` is where people dial (ISO 3166). Raises ValueError
    for what has no digits.
    """

    __slots__ = ("_ending", "_number", "_region", "_turned")

    def __init__(self, text: str, region: str | None = None) -> None:
        self._ending = text.startswith("*")
        self._number = text.lstrip("*").strip()
        self._region = region
        if len(self._number) > MAX_DIGITS:
            raise ValueError(
                f"{shortened(text)!r} is too long for a number: it has {len(self._number):,} characters, where"
                f" {MAX_DIGITS} are the most"
            )
        turned = digits_turned(self._number)
        if turned is None:
            such = "one such as +49 30 1234567, 201, or *4567 for its end"
            raise ValueError(f"{shortened(text)!r} is no number; write {such}")
        self._turned = turned

    @property
    def ending(self) -> str | None:
        """Return what finds all numbers that end so, as it is written; None where that is looked for already."""
        return None if self._ending else f"*{self._turned[::-1]}"

    def condition(self) -> Clause:
        """Return what is sure of the digits of one that is the same."""
        of = {side: self.clause(f"{side}_digits") for side in ("caller", "callee")}
        # By two indexes, not through all calls in the order of time, which is what SQLite takes an OR for.
        either = [f"SELECT number FROM calls WHERE {one.sql}" for one in of.values()]
        values = tuple([value for one in of.values() for value in one.values])
        return Clause(f"number IN ({' UNION ALL '.join(either)})", values)

    def clause(self, column: str) -> Clause:
        """Return what is sure of the digits of one that is the same, which are turned round in a column."""
        turned = self._turned
        if not self._ending and len(turned) < MIN_NUMBER_LENGTH:
            return Clause(f"{column} = ?", (turned,))
        begin = turned if self._ending else turned[:MIN_NUMBER_LENGTH]
        return Clause(f"{column} >= ? AND {column} < ?", (begin, begin + ":"))  # what stands behind 9

    def is_in(self, record: CallRecord) -> bool:
        """Tell whether a call is from or to it."""
        return any(number is not None and self.is_same(number) for number in (record.caller, record.callee))

    def is_same(self, number: str) -> bool:
        """Tell whether a number, as it stands in a call, is this one."""
        if self._ending:
            return (digits_turned(number) or "").startswith(self._turned)
        if len(self._turned) < MIN_NUMBER_LENGTH:
            return digits_turned(number) == self._turned
        return same_number(number, self._number, self._region)


def known_number(text: str | None, region: str | None = None) -> Number | None:
    """Return the number of a call by which others are found, None for what is none, or is hidden in part."""
    if not text or HIDDEN in text:
        return None
    try:
        return Number(text, region)
    except ValueError:
        return None


class Wanted(NamedTuple):
    """Which calls: that began from ``since`` on and before ``until`` (ns), match, and are from or to a number.

    ``also`` is a second filter, which they have to match as well. ``agent`` has the numbers, as calls have them, and
    the addresses of one agent, to whom they have to have been offered.
    """

    since: int | None = None
    until: int | None = None
    keep: Filter | None = None
    number: Number | None = None
    also: Filter | None = None
    agent: tuple[str, ...] = ()

    def takes(self, record: CallRecord) -> bool:
        """Tell whether a call that began in time is wanted."""
        if self.number is not None and not self.number.is_in(record):
            return False
        if self.agent and not any(offered_to(leg) & {*self.agent} for leg in record.legs):
            return False
        return all(keep(record) for keep in (self.also, self.keep) if keep is not None)

    def begins_in_time(self, record: CallRecord) -> bool:
        """Tell whether a call began in the time that is asked for."""
        return (self.since or 0) <= record.started and (self.until is None or record.started < self.until)

    def condition(self) -> Clause:
        """Return what a database can leave out by: it holds for every call that is wanted, and perhaps for others."""
        conditions = [Clause("started >= ?", (self.since,))] if self.since is not None else []
        if self.until is not None:
            conditions.append(Clause("started < ?", (self.until,)))
        for keep in (self.keep, self.also):
            if keep is not None:
                # Late: rule-engine takes longer to load than most questions do to answer.
                from sipwatch.store.narrow import narrowed  # noqa: PLC0415

                conditions.append(narrowed(keep.statement))
        if self.number is not None:
            conditions.append(self.number.condition())
        if self.agent:
            conditions.append(_offered(self.agent))
        return all_of(conditions) if conditions else ANY


def offered_to(leg: LegRecord) -> set[str]:
    """Return under which names a hop was offered to a device: nobody's where it was not."""
    return set() if leg.offered is None else {leg.device or leg.callee or "", address_of(leg)}


def _offered(agent: Sequence[str]) -> Clause:
    """Return what is sure of calls that were offered to an agent."""
    conditions = [Clause(f"{OFFERED_TO} IN ({placeholders(len(agent))})", tuple(agent))]
    for address in filter(is_address, agent):
        begin = f"[{address}]:" if ":" in address else f"{address}:"  # and then the port
        conditions.append(Clause("destination_address >= ? AND destination_address < ?", (begin, begin[:-1] + ";")))
    # One after the other: the first by its index, which an OR would not use.
    each = [f"SELECT call FROM legs WHERE offered IS NOT NULL AND {one.sql}" for one in conditions]
    return Clause(
        f"number IN ({' UNION ALL '.join(each)})", tuple([value for one in conditions for value in one.values])
    )


class Position(NamedTuple):
    """Where in the order of time a call stands: the next page begins behind the last of the one before."""

    started: int
    number: int
