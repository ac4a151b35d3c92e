"""What calls came to in a store, by pair of peers, word and interval: as whoever looks for incidents wants it.

SQLite writes each series as one text: a row of Python's for every pair, word and interval would take ten times as long,
and keep the capture from the interpreter meanwhile.

Must not know: what is unusual, pages, what time it is.
"""

from __future__ import annotations

import contextlib
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from sipwatch.export.incidents import ENDING, OUTCOME, CallSeries
from sipwatch.packet import DAY, HOUR, MINUTE
from sipwatch.store.days import TooManyError
from sipwatch.store.reader import tables_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sipwatch.store.reader import StoreReader

SPANS: Final = (5 * MINUTE, 15 * MINUTE, HOUR)  # intervals, the first that are not too many
MAX_COUNTS: Final = 100_000
_ANSWERED: Final = "answered"
_SERIES: Final = (
    "SELECT source, destination, outcome, ending, group_concat(at / {0}), group_concat(calls) FROM {{}}"
    " WHERE at >= ? AND at < ? GROUP BY 1, 2, 3, 4"
)


class RecentCounts:
    """Counts days, each anew only if calls of it were written since it was counted last."""

    def __init__(self) -> None:
        self._days: dict[tuple[int, int, int], tuple[object, list[CallSeries]]] = {}

    def between(self, reader: StoreReader, since: int, until: int) -> list[CallSeries]:
        """Return what was counted in a time, by intervals as short as are not too many. Raises StoreError."""
        for span in SPANS:
            with contextlib.suppress(TooManyError):
                return self._by_day(reader, since, until, span)
        raise TooManyError("too many peers in too long a time: ask for a shorter one")

    def _by_day(self, reader: StoreReader, since: int, until: int, span: int) -> list[CallSeries]:
        edges = [since, *range(since // DAY * DAY + DAY, until, DAY), max(since, until)]
        days: dict[tuple[int, int, int], tuple[object, list[CallSeries]]] = {}
        for begin, end in pairwise(edges):
            state = reader.written(begin, end)
            before = self._days.get((begin, end, span))
            known = before is not None and before[0] == state
            days[begin, end, span] = (
                before if known and before is not None else (state, series(reader, begin, end, span))
            )
            if sum(len(one.calls) for _, some in days.values() for one in some) > MAX_COUNTS:
                raise TooManyError("too many counts")
        self._days = days
        return [one for _, some in days.values() for one in some]


def series(reader: StoreReader, since: int, until: int, span: int) -> list[CallSeries]:
    """Return what was counted in a time, by intervals of ``span`` (ns); calls that are up have been answered."""
    return [*_stored(reader, since, until, span), *_up(reader, since, until, span)]


def _stored(reader: StoreReader, since: int, until: int, span: int) -> Iterator[CallSeries]:
    rows = reader.rows_of_sums(_SERIES.format(span), since, until, tables=tables_of(span))
    for source, destination, outcome, ending, places, numbers in rows:
        calls = _added(zip(places.split(","), numbers.split(","), strict=True), span)
        yield CallSeries(source, destination, OUTCOME, outcome, calls)
        if ending:
            yield CallSeries(source, destination, ENDING, ending, calls)


def _added(counts: Iterable[tuple[str, str]], span: int) -> dict[int, int]:
    """Add up the counts of each interval; codes and who hung up are told apart where they are stored."""
    found: dict[int, int] = {}
    for place, number in counts:
        at = int(place) * span
        found[at] = found.get(at, 0) + int(number)
    return found


def _up(reader: StoreReader, since: int, until: int, span: int) -> Iterator[CallSeries]:
    for one in reader.up(since, until, span):
        yield CallSeries(one.source, one.destination, OUTCOME, _ANSWERED, {one.at: one.calls})
