"""Moments and spans in records: nanoseconds until they are written, then RFC 3339 and seconds.

Must not know: records, formats, terminals, any clock.
"""

from __future__ import annotations

from time import gmtime, strftime

from sipwatch.packet import MICROSECOND, SECOND

_seconds: dict[int, str] = {}
_SECONDS_CACHE_SIZE = 4096
_LAST_SECOND = 253_402_300_799
_THOUSANDTHS = [f"{number:03d}" for number in range(1000)]  # some ten moments a call are written: to format is dearer


def timestamp(moment: int) -> str:
    """Write packet time (ns since 1970) as RFC 3339 UTC with microseconds; after the year 9999, as its end."""
    second = moment // SECOND
    written = _seconds.get(second)
    if written is None:
        if len(_seconds) >= _SECONDS_CACHE_SIZE:
            _seconds.clear()
        # gmtime converts a given time; it reads no clock.
        written = _seconds[second] = strftime("%Y-%m-%dT%H:%M:%S.", gmtime(min(second, _LAST_SECOND)))
    micros = moment // MICROSECOND
    return written + _THOUSANDTHS[micros // 1000 % 1000] + _THOUSANDTHS[micros % 1000] + "Z"


class Moment(int):
    """A moment of packet time, in ns since 1970; its text is RFC 3339 UTC with microseconds."""

    __slots__ = ()

    def __str__(self) -> str:
        """Write it as in JSON and CSV."""
        return timestamp(self)

    @property
    def day(self) -> str:
        """Return the date, UTC."""
        return timestamp(self)[:10]

    @property
    def clock(self) -> str:
        """Return the time of day, UTC, to the second."""
        return timestamp(self)[11:19]

    @property
    def exact_clock(self) -> str:
        """Return the time of day, UTC, to the millisecond."""
        return timestamp(self)[11:23]

    def since(self, before: int) -> float:
        """Return the seconds from an earlier moment until this one."""
        return (self - before) / SECOND


class Duration(int):
    """A span of packet time, in ns; its text is in seconds, to the microsecond."""

    __slots__ = ()

    @property
    def seconds(self) -> float:
        """Return it in seconds, to the microsecond."""
        return round(self / SECOND, 6)

    def __str__(self) -> str:
        """Write it as in JSON and CSV."""
        return str(self.seconds)
