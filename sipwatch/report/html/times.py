"""Moments and days as people of one time zone write them.

Must not know: what the times are of, any clock.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from sipwatch.packet import MILLISECOND, SECOND

if TYPE_CHECKING:
    from datetime import tzinfo

_LAST_SECOND: Final = 253_402_214_400  # no zone is farther east of UTC than a day


class ZoneTimes(NamedTuple):
    """Writes moments (ns since 1970) by the clocks of a zone, which has a name."""

    zone: tzinfo
    name: str

    def full(self, moment: int) -> str:
        """Write day and time, to the second: ``2026-01-05 10:00:00``."""
        return f"{self._there(moment):%Y-%m-%d %H:%M:%S}"

    def exact(self, moment: int) -> str:
        """Write day and time, to the millisecond."""
        return f"{self.full(moment)}.{moment % SECOND // MILLISECOND:03d}"

    def hour(self, moment: int) -> int:
        """Return the hour of the day."""
        return self._there(moment).hour

    def _there(self, moment: int) -> datetime:
        return datetime.fromtimestamp(min(max(moment, 0) // SECOND, _LAST_SECOND), self.zone)
