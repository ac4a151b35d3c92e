"""Working hours and holidays, by the clock on the wall of a named time zone.

Must not know: what time it is (the moment is an argument), or what is made of a call outside them.

The moment is turned into local time, never local time into a moment; so every moment is in exactly one
minute of the wall clock. When clocks go back, 02:30 comes twice, and hours that hold 02:30 hold both.
When they go forward, 02:30 does not come: hours from 02:30 begin at 03:00, and those from 02:00 to 03:00
do not happen that day.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sipwatch.classify.numbers import index_key, same_number
from sipwatch.packet import SECOND

if TYPE_CHECKING:
    from collections.abc import Sequence

_HOUR: Final = 3600
_DAY: Final = 86_400
_LAST_SECOND: Final = int(datetime(9999, 12, 30, tzinfo=UTC).timestamp())  # any later one may have no local date
_EPOCH: Final = date(1970, 1, 1).toordinal()
_CACHE_SIZE: Final = 4096  # hours of UTC (half a year), and local days


DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


class Span(NamedTuple):
    """Part of a weekday that is worked. Local minutes since midnight; ``end`` is not in it, and 1440 at most."""

    weekday: int  # Monday is 0
    start: int
    end: int


class Hours:
    """When somebody is there for some peers, or some dialled numbers, or (neither given) for every call.

    Where both are given, a call has to have both. ``holidays`` are year, or None for every year, month and day,
    local dates, closed from midnight to midnight. ``region`` is that of ``numbers.same_number``.
    Raises ValueError, in words for users, for a time zone that is not known and a span that is none.
    """

    __slots__ = ("_by_key", "_days", "_holidays", "_offsets", "_week", "_zone", "peers", "rank", "region")

    def __init__(
        self,
        peers: frozenset[str],
        numbers: frozenset[str],
        zone: str,
        spans: list[Span],
        holidays: frozenset[tuple[int | None, int, int]],
        region: str | None = None,
    ) -> None:
        self.peers = peers
        self.region = region
        self.rank = (2 if numbers else 0) + (1 if peers else 0)  # a number is more specific than a peer
        self._by_key: dict[str, list[str]] = {}
        for number in sorted(numbers):
            self._by_key.setdefault(index_key(number), []).append(number)
        self._zone = zone_of(zone)
        self._week = _week(spans)
        self._holidays = holidays
        self._offsets: dict[int, int] = {}  # seconds east of UTC, by hour since 1970
        self._days: dict[int, int] = {}  # the minutes worked, by local day since 1970

    def concerns(self, source: str, destination: str, dialled: str) -> bool:
        """Tell whether a call between two peers, by their names, to a number is one of these."""
        if self.peers and source not in self.peers and destination not in self.peers:
            return False
        return not self._by_key or self._is_listed(dialled)

    def open_at(self, moment_ns: int) -> bool:
        """Tell whether a moment, ns since 1970 UTC, is in working hours."""
        second = min(max(moment_ns // SECOND, 0), _LAST_SECOND)
        offset = self._offsets.get(second // _HOUR)
        if offset is None:
            offset = self._look_up(second)
        second += offset
        day = second // _DAY
        worked = self._days.get(day)
        if worked is None:
            worked = self._worked(day)
        return worked >> (second % _DAY // 60) & 1 == 1

    def _is_listed(self, dialled: str) -> bool:
        alike = self._by_key.get(index_key(dialled), ())
        return any([same_number(number, dialled, self.region) for number in alike])  # noqa: C419 - quicker

    def _look_up(self, second: int) -> int:
        """Return the seconds east of UTC, and remember them for an hour in which they stay the same."""
        begin = second - second % _HOUR
        offset = self._offset(begin)
        if offset != self._offset(begin + _HOUR - 1):
            return self._offset(second)  # the clocks are changed within this hour of UTC
        if len(self._offsets) >= _CACHE_SIZE:
            self._offsets.clear()
        self._offsets[second // _HOUR] = offset
        return offset

    def _offset(self, second: int) -> int:
        east = datetime.fromtimestamp(second, self._zone).utcoffset()
        return 0 if east is None else east.days * _DAY + east.seconds

    def _worked(self, day: int) -> int:
        """Return, and remember, the minutes worked on a local day, numbered from 1970-01-01."""
        there = date.fromordinal(_EPOCH + day)
        closed = not self._holidays.isdisjoint({(None, there.month, there.day), (there.year, there.month, there.day)})
        worked = 0 if closed else self._week[there.weekday()]
        if len(self._days) >= _CACHE_SIZE:
            self._days.clear()
        self._days[day] = worked
        return worked


def outside_hours(hours: Sequence[Hours], source: str, destination: str, dialled: str, moment_ns: int) -> bool:
    """Tell whether a call came when nobody was there for it.

    The most specific hours that concern it decide: those for its number before those for its peer
    before those for everything, and of equals the first. Where none do, it is never outside.
    """
    chosen: Hours | None = None
    for each in hours:
        if (chosen is None or each.rank > chosen.rank) and each.concerns(source, destination, dialled):
            chosen = each
    return chosen is not None and not chosen.open_at(moment_ns)


def _week(spans: list[Span]) -> list[int]:
    """Return for each weekday the minutes worked, one bit each."""
    week = [0] * 7
    for span in spans:
        if not (0 <= span.weekday <= 6 and 0 <= span.start < span.end <= 1440):
            raise ValueError(
                f"hours from minute {span.start} to {span.end} of weekday {span.weekday} are no time of day"
            )
        week[span.weekday] |= (1 << span.end) - (1 << span.start)
    return week


def zone_of(name: str) -> ZoneInfo:
    """Return a time zone by its IANA name. Raises ValueError."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # not there, no name, a folder
        raise ValueError(
            f"unknown time zone {name[:40]!r}; write a name of the IANA time zone database, such as Europe/Berlin"
        ) from None
