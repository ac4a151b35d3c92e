"""Calls by when they began and what became of them: counted in bounded memory, put together as bars of a chart.

Must not know: how a chart is drawn, any clock.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from sipwatch.packet import SECOND

if TYPE_CHECKING:
    from datetime import tzinfo

MAX_BARS: Final = 62
MAX_COUNTED: Final = 10_000  # minutes, then quarters of an hour, then days
_DAY: Final = 1440  # minutes
_WEEK: Final = 7 * _DAY
_WIDTHS: Final = (1, 5, 15, 60, 180, 360, 720, _DAY, _WEEK)  # of a bar, minutes
_COUNTED_BY: Final = (1, 15, _DAY)  # every zone's hours begin at a quarter of an hour
_LAST_MINUTE: Final = 253_402_214_400 // 60  # in the year 9999: no zone is farther east of UTC than a day


class TimeBar(NamedTuple):
    """The calls that began in one span: what it is called in full and in short, and counts by category."""

    name: str
    short: str
    counts: dict[str, int]

    @property
    def calls(self) -> int:
        """Return how many calls it is of."""
        return sum(self.counts.values())


class _Span(NamedTuple):
    begin: datetime
    counts: dict[str, int]


class Timeline:
    """Counts calls by the minute; by longer spans where there would be too many of these."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._by = 0  # place in _COUNTED_BY
        self._counts: dict[int, dict[str, int]] = {}  # by minute since 1970

    def add(self, started: int, category: str) -> None:
        """Count a call that began at a moment (ns since 1970)."""
        counts = self._of(min(max(started // SECOND // 60, 0), _LAST_MINUTE))
        counts[category] = counts.get(category, 0) + 1

    def bars(self) -> tuple[str, list[TimeBar]]:
        """Return how long a bar is, in words, and the bars in the order of time; empty ones stand between others."""
        if not self._counts:
            return "", []
        first, last = min(self._counts), max(self._counts)
        width = self._width(last - first)
        found: dict[float, _Span] = {}  # by moment: an hour that comes twice is two
        for minute in range(first, last + 1, width):
            self._into(found, minute, width)
        for minute, counts in self._counts.items():
            _join(self._into(found, minute, width), counts)
        spans = [found[moment] for moment in sorted(found)]
        several_days = spans[0].begin.date() != spans[-1].begin.date()
        return _words(width), [_bar(begin, width, counts, dated=several_days) for begin, counts in spans]

    def _into(self, found: dict[float, _Span], minute: int, width: int) -> dict[str, int]:
        """Return the counts of the span that a minute is in."""
        begin = self._begin(minute, width)
        return found.setdefault(begin.timestamp(), _Span(begin, {})).counts

    def _of(self, minute: int) -> dict[str, int]:
        while True:
            span = _COUNTED_BY[self._by]
            key = minute - minute % span
            counts = self._counts.get(key)
            if counts is not None:
                return counts
            if len(self._counts) < MAX_COUNTED or self._by + 1 == len(_COUNTED_BY):
                return self._counts.setdefault(key, {})
            self._coarsen()

    def _coarsen(self) -> None:
        self._by += 1
        span, before, self._counts = _COUNTED_BY[self._by], self._counts, {}
        for minute, counts in before.items():
            _join(self._counts.setdefault(minute - minute % span, {}), counts)

    def _width(self, minutes: int) -> int:
        for width in _WIDTHS:
            if width >= _COUNTED_BY[self._by] and minutes // width < MAX_BARS - 1:
                return width
        width = _WEEK
        while minutes // width >= MAX_BARS - 1:
            width *= 2
        return width

    def _begin(self, minute: int, width: int) -> datetime:
        """Return when the span of a minute begins, by the clock on the wall; weeks begin on Monday."""
        local = datetime.fromtimestamp(minute * 60, self._zone)
        if width < _DAY:
            since_midnight = (local.hour * 60 + local.minute) // width * width
            fold = local.fold if width <= 60 else 0
            return local.replace(hour=since_midnight // 60, minute=since_midnight % 60, second=0, fold=fold)
        days = width // _DAY
        ordinal = max(1, (local.toordinal() - 1) // days * days + 1)
        day = date.fromordinal(ordinal)
        return datetime(day.year, day.month, day.day, tzinfo=self._zone)


def _join(into: dict[str, int], counts: dict[str, int]) -> None:
    for category, count in counts.items():
        into[category] = into.get(category, 0) + count


def _words(width: int) -> str:
    if width < 60:
        return "a minute" if width == 1 else f"{width} minutes"
    if width < _DAY:
        return "an hour" if width == 60 else f"{width // 60} hours"
    if width < _WEEK:
        return "a day"
    return "a week" if width == _WEEK else f"{width // _WEEK} weeks"


def _bar(begin: datetime, width: int, counts: dict[str, int], *, dated: bool) -> TimeBar:
    if width >= _DAY:
        name = f"{begin:%Y-%m-%d}"
        if width >= _WEEK:
            last = min(begin.toordinal() + width // _DAY - 1, date.max.toordinal())
            name += f" to {date.fromordinal(last):%Y-%m-%d}"
        return TimeBar(name, f"{begin:%m-%d}", counts)
    short = f"{begin:%m-%d %H:%M}" if dated else f"{begin:%H:%M}"
    return TimeBar(f"{begin:%Y-%m-%d %H:%M %Z}", short, counts)
