"""Which time an address asks for: ``?period=`` by its name, or ``from`` and ``to``, by the clocks of ``zone``.

Must not know: HTTP, pages, what time it is (it is told), what there was in that time.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlencode

from sipwatch.classify.hours import zone_of
from sipwatch.evidence.period import DAYS_AGO, LAST_MOMENT, midnight, month_before, there
from sipwatch.packet import HOUR, SECOND
from sipwatch.web.asked import AskedError, as_given, asked_moment

if TYPE_CHECKING:
    from collections.abc import Mapping
    from zoneinfo import ZoneInfo

KEYS: Final = ("period", "from", "to", "zone")
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
_MOMENT: Final = "a day such as 2026-01-05, a moment such as 2026-01-05T09:00, today, yesterday, or 2d for two days ago"


class NamedPeriod(StrEnum):
    """A time that has a name."""

    TODAY = "today"
    YESTERDAY = "yesterday"
    WEEK = "week"
    MONTH = "month"


PERIOD_NAMES: Final = {
    NamedPeriod.TODAY: "Today",
    NamedPeriod.YESTERDAY: "Yesterday",
    NamedPeriod.WEEK: "Last 7 days",
    NamedPeriod.MONTH: "This month",
}
_BEFORE: Final = {
    NamedPeriod.TODAY: "yesterday until the same time",
    NamedPeriod.YESTERDAY: "the day before",
    NamedPeriod.WEEK: "the 7 days before",
    NamedPeriod.MONTH: "the month before until the same time",
}


class Period(NamedTuple):
    """A time from ``since`` on, before ``until`` (ns since 1970), and the one it is held against.

    ``span`` is its name, None where its ends were given; ``given`` is how it was asked for, as an address has it.
    """

    since: int
    until: int
    span: NamedPeriod | None
    zone: ZoneInfo
    before: tuple[int, int]
    before_words: str
    given: Mapping[str, str]

    @property
    def words(self) -> str:
        """Say from when until when, by the zone's clocks."""
        return f"{clock(self.since, self.zone)} to {clock(self.until, self.zone)}"

    def query(self, **more: str) -> str:
        """Return what asks for it in an address, with more beside it; nothing where it is the usual."""
        pairs = {**self.given, **{key: value for key, value in more.items() if value}}
        return "?" + urlencode(pairs) if pairs else ""

    @property
    def calls(self) -> dict[str, str]:
        """Return what asks the list of calls for the same time."""
        return {"since": str(self.since // (SECOND // 1000)), "until": str(self.until // (SECOND // 1000))}


def clock(at: int, zone: ZoneInfo) -> str:
    """Write a moment (ns since 1970) by the clocks of a zone, to the minute: ``2026-01-05 10:00``."""
    return f"{there(at, zone):%Y-%m-%d %H:%M}"


def period_of(asked: Mapping[str, str], now: int, zone: str = "UTC") -> Period:
    """Return the time that an address asks for, today where it asks for none. Raises AskedError."""
    given = {key: asked[key].strip() for key in KEYS if asked.get(key, "").strip()}
    try:
        where = zone_of(given.get("zone", zone))
    except ValueError as error:
        raise AskedError("zone", f"{str(error).capitalize()}.") from None
    if "from" in given or "to" in given:
        return _between(given, now, where)
    name = given.get("period", NamedPeriod.TODAY.value)
    if name not in list(NamedPeriod):
        raise AskedError("period", f"There is no period {as_given(name)}; there are {', '.join(NamedPeriod)}.")
    return _named(NamedPeriod(name), given, now, where)


def _named(span: NamedPeriod, given: Mapping[str, str], now: int, zone: ZoneInfo) -> Period:
    """Return a time that has a name. Days begin at midnight by the zone's clocks, and are as long as they are."""
    today = there(now, zone).date()
    first, last = today, today + timedelta(days=1)
    if span is NamedPeriod.YESTERDAY:
        first, last = today - timedelta(days=1), today
    elif span is NamedPeriod.WEEK:
        first = today - timedelta(days=6)
    elif span is NamedPeriod.MONTH:
        first = today.replace(day=1)
    since, until = midnight(first, zone), midnight(last, zone)
    so_far = min(until, max(now, since)) - since
    begin = midnight(_earlier(span, first), zone)
    return Period(since, until, span, zone, (begin, min(since, begin + so_far)), _BEFORE[span], given)


def _earlier(span: NamedPeriod, first: date) -> date:
    if span is NamedPeriod.MONTH:
        return month_before(first)
    return first - timedelta(days=7 if span is NamedPeriod.WEEK else 1)


def _between(given: Mapping[str, str], now: int, zone: ZoneInfo) -> Period:
    """Return the time between two days, both included, or two moments; hours are taken whole."""
    until = _end(given["to"], now, zone) if "to" in given else now
    last_day = there(max(0, until - 1), zone).date()
    since = _begin(given["from"], now, zone) if "from" in given else midnight(last_day, zone)
    if since >= until:
        raise AskedError("to", "“to” is before “from”: there is no time between them.")
    long = until - since
    return Period(since, until, None, zone, (max(0, since - long), since), "the same time before that", given)


def _begin(text: str, now: int, zone: ZoneInfo) -> int:
    at = asked_moment("from", text, zone, now, _MOMENT)
    return at if _is_day(text) else at // HOUR * HOUR


def _end(text: str, now: int, zone: ZoneInfo) -> int:
    at = asked_moment("to", text, zone, now, _MOMENT)
    if _is_day(text):
        return midnight(there(at, zone).date() + timedelta(days=1), zone)
    return min(LAST_MOMENT, -(-at // HOUR) * HOUR)


def _is_day(text: str) -> bool:
    return text in DAYS_AGO or _DAY.fullmatch(text) is not None
