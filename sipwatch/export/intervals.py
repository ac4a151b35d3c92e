"""Hours and days by the clock on the wall of a time zone, as figures are counted by them.

Must not know: what is counted, any clock.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from sipwatch.packet import SECOND

if TYPE_CHECKING:
    from datetime import tzinfo

_LAST_SECOND: Final = int(datetime(9999, 12, 30, tzinfo=UTC).timestamp())  # any later one may have no local date
_QUARTER: Final = 900  # seconds: every zone's hours begin at one of these
_CACHE_SIZE: Final = 4096


class By(StrEnum):
    """How long an interval is."""

    HOUR = "hour"
    DAY = "day"
    ALL = "all"


class Intervals:
    """The intervals of a time zone. Where all is one interval, it begins at None."""

    def __init__(self, by: By, zone: tzinfo) -> None:
        self._by = by
        self._zone = zone
        self._begins: dict[int, int] = {}  # by quarter of an hour since 1970

    def begin(self, moment: int) -> int | None:
        """Return when the interval of a moment (ns since 1970) begins, in ns."""
        if self._by is By.ALL:
            return None
        quarter = min(max(moment // SECOND, 0), _LAST_SECOND) // _QUARTER
        begins = self._begins.get(quarter)
        if begins is None:
            if len(self._begins) >= _CACHE_SIZE:
                self._begins.clear()
            begins = self._begins[quarter] = self._look_up(quarter * _QUARTER)
        return begins

    def _look_up(self, second: int) -> int:
        """Return the beginning of the local hour or day; an hour that comes twice is two, the day has both."""
        local = datetime.fromtimestamp(second, self._zone).replace(minute=0, second=0)
        return int((local if self._by is By.HOUR else local.replace(hour=0, fold=0)).timestamp()) * SECOND

    def written(self, begins: int | None) -> str | None:
        """Write the beginning of an interval as people do: ``2026-01-05 10:00 CET``, ``2026-01-05``."""
        if begins is None:
            return None
        local = datetime.fromtimestamp(begins // SECOND, self._zone)
        return f"{local:%Y-%m-%d}" if self._by is By.DAY else f"{local:%Y-%m-%d %H:%M %Z}"
