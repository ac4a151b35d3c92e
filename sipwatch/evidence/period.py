"""From when until when: moments as people write them, for a capture and a time zone.

Must not know: what time it is now, calls.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from sipwatch.packet import SECOND

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_SPAN = re.compile(r"(?:\d{1,6}(?:\.\d{1,3})?[smhdw])+")
_PART = re.compile(r"([\d.]+)([smhdw])")
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?")
_LAST_SECOND = 253_402_214_400  # no zone is farther east of UTC than a day
DAYS_AGO = {"today": 0, "yesterday": 1}  # words for days
LAST_MOMENT = (1 << 63) - 1  # ns since 1970: the largest number of a database
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EXPECTED = "a moment such as 2026-01-05T09:00:00+01:00, a time of the capture's day (14:30), or 1h before its end"


def depends_on_capture(text: str) -> bool:
    """Tell whether the first and last moment of the capture must be known to read this."""
    return _SPAN.fullmatch(text) is not None or _CLOCK.fullmatch(text) is not None


def moment(text: str, zone: ZoneInfo, first: int, last: int, *, later: bool = False) -> int:
    """Return a moment in ns since 1970. Raises ValueError.

    ``first`` and ``last`` are the times (ns) of the capture's first and last packet. A moment without an offset is
    in ``zone``; where the clocks were put back and it came twice, ``later`` takes the second.
    """
    if _SPAN.fullmatch(text):
        return max(0, last - sum(int(float(number) * _UNITS[unit] * SECOND) for number, unit in _PART.findall(text)))
    clock = _CLOCK.fullmatch(text)
    if clock is not None:
        return _on_the_day(text, zone, first, last, later=later)
    try:
        written = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text[:40]!r} is no moment; write {EXPECTED}") from None
    if written.tzinfo is None:
        written = written.replace(tzinfo=zone, fold=int(later))
    return max(0, nanoseconds(written))


def moment_from_now(text: str, zone: ZoneInfo, now: int) -> int:
    """Return a moment that was written, ``now``, or one so long ago (ns since 1970). Raises ValueError.

    ``today`` and ``yesterday`` are when these days began by the clocks of ``zone``. ``now`` is what time it is; no
    moment is later than a store can hold.
    """
    if text == "now":
        return now
    if text in DAYS_AGO:
        return midnight(there(now, zone).date() - timedelta(days=DAYS_AGO[text]), zone)
    try:
        return min(LAST_MOMENT, moment(text, zone, now, now))
    except OverflowError:
        raise ValueError(f"{text[:40]!r} is in no year that has a number") from None


def midnight(day: date, zone: ZoneInfo) -> int:
    """Return when a day begins by the clocks of a zone, in ns since 1970."""
    return max(0, nanoseconds(datetime.combine(day, time(), zone)))


def month_before(day: date) -> date:
    """Return the first day of the month before that of a day."""
    return (day.replace(day=1) - timedelta(days=1)).replace(day=1)


def nanoseconds(written: datetime) -> int:
    """Return a moment that knows its zone as ns since 1970."""
    gone: timedelta = written - _EPOCH
    return (gone.days * 86_400 + gone.seconds) * SECOND + gone.microseconds * 1000


def _on_the_day(text: str, zone: ZoneInfo, first: int, last: int, *, later: bool) -> int:
    """Read a time on the clock, if there is one day only that can be meant."""
    begun, ended = (datetime.fromtimestamp(at // SECOND, zone).date() for at in (first, last))
    if begun != ended:
        raise ValueError(
            f"{text!r} may be on several days, from {begun} to {ended} ({zone.key}); write the day as well, such as"
            f" {ended}T{text}"
        )
    try:
        at = time.fromisoformat(text.zfill(5 if text.count(":") == 1 else 8))
    except ValueError:
        raise ValueError(f"{text!r} is no time of day; write {EXPECTED}") from None
    return nanoseconds(datetime.combine(begun, at, zone).replace(fold=int(later)))


def there(moment: int, zone: ZoneInfo) -> datetime:
    """Return a moment (ns since 1970) by the clocks of a zone, to the microsecond; after the year 9999, its end."""
    second, rest = divmod(moment, SECOND)
    return datetime.fromtimestamp(min(second, _LAST_SECOND), zone).replace(microsecond=rest // 1000)


def local(moment: int, zone: ZoneInfo) -> str:
    """Write a moment (ns since 1970) by the clocks of a zone: ``2026-01-05 10:00:00.100000 +01:00``."""
    written = there(moment, zone).isoformat(" ", "microseconds")
    return f"{written[:26]} {written[26:]}"
