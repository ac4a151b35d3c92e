"""Options that name moments and time zones, as several commands read them.

Must not know: any command, calls.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from sipwatch.report.html.times import ZoneTimes

_EXPECTED = (
    "a moment such as 2026-01-05T09:00:00+01:00, today, yesterday, a time of today (14:30), or how long ago"
    " (1h, 2d, 1w)"
)


def read_option(option: str, reader: Any, *given: object) -> Any:
    """Read an option's value. Raises BadParameter for what cannot be meant."""
    try:
        return reader(*given)
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter(str(error), param_hint=option) from None


def zone_named(name: str) -> ZoneInfo:
    """Return a time zone by its IANA name. Raises ValueError."""
    from sipwatch.classify.hours import zone_of

    return zone_of(name)


def times_in(zone: str) -> ZoneTimes:
    """Return what writes moments by the clocks of ``--zone``. Raises BadParameter."""
    from sipwatch.report.html.times import ZoneTimes

    where = read_option("--zone", zone_named, zone)
    return ZoneTimes(where, where.key)


def time_between(since: str | None, until: str | None, zone: str) -> tuple[int | None, int | None]:
    """Return the time (ns) that ``--since`` and ``--until`` ask for, by a zone's clocks. Raises BadParameter."""
    where = read_option("--zone", zone_named, zone)
    begin = read_option("--since", begin_by_now, since, where)
    end = read_option("--until", moment_by_now, until, where)
    if begin is not None and end is not None and begin >= end:
        raise typer.BadParameter(f"{until} is not later than --since {since}", param_hint="--until")
    return begin, end


def begin_by_now(text: str | None, zone: ZoneInfo) -> int | None:
    """Return a moment from which on something is asked for. Raises ValueError for one that is still to come."""
    begin = moment_by_now(text, zone)
    if begin is not None and begin > time.time_ns():
        raise ValueError(f"{text} is in the future: nothing can have begun since")
    return begin


def moment_by_now(text: str | None, zone: ZoneInfo) -> int | None:
    """Return a moment (ns since 1970) that was written, or how long ago it was; None for None. Raises ValueError."""
    from sipwatch.evidence.period import moment_from_now

    if text is None:
        return None
    try:
        return moment_from_now(text, zone, time.time_ns())
    except ValueError:
        raise ValueError(f"{text[:40]!r} is no moment; write {_EXPECTED}") from None
