"""Working hours, [[hours]]: spans of weekdays, holidays, a time zone, and for whom they hold.

Hours that contradict themselves or each other are named with their lines.
"""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from sipwatch.classify.hours import DAYS, Hours, Span
from sipwatch.classify.numbers import MAX_NUMBER_LENGTH, same_number
from sipwatch.config.checks import nearest

if TYPE_CHECKING:
    from sipwatch.config.checks import Checks
    from sipwatch.config.lines import Where

HOURS_KEYS = ("peers", "numbers", "zone", "open", "holidays")
DIALLED = re.compile(r"[^\s@<>;:\"\x00-\x1f]+")
_OPEN = re.compile(r"(.*\S)\s+(\d\d?):(\d\d)\s*-\s*(\d\d?):(\d\d)")
_DATE = re.compile(r"(?:(\d{4})-)?(\d\d)-(\d\d)")
_NOON, _MIDNIGHT = 720, 1440  # minutes
_LEAP_YEAR = 2000
_NO_PLACE = frozenset({"Factory", "localtime", "posixrules"})  # in the data base, but nobody's time


class Written(NamedTuple):
    """Working hours as they stand in the file: for whom, where, when, and on which line.

    ``peers`` and ``numbers`` are empty for everybody's; ``spans`` are the weekdays' parts that are worked.
    """

    peers: list[str]
    numbers: list[str]
    zone: str
    spans: list[Span]
    holidays: list[tuple[int | None, int, int]]
    line: int


def read_hours(check: Checks, found: object, peers: list[str], region: str | None) -> list[Written]:
    """Return all working hours; ``peers`` are the names there are, ``region`` that of numbers. Raises ConfigError."""
    tables = check.tables(found, "hours", ("hours",))
    made: list[Written] = []
    for place, table in enumerate(tables):
        where: Where = ("hours", place)
        one = _hours(check, table, peers, where)
        for other in made:
            _apart(check, other, one, region, where)
        made.append(one)
    return made


def working(written: list[Written], region: str | None) -> list[Hours]:
    """Return working hours as calls are held against them."""
    return [
        Hours(frozenset(one.peers), frozenset(one.numbers), one.zone, one.spans, frozenset(one.holidays), region)
        for one in written
    ]


def _hours(check: Checks, table: dict[str, Any], peers: list[str], where: Where) -> Written:
    check.known(table, HOURS_KEYS, where)
    return Written(
        _peers(check, table["peers"], peers, (*where, "peers")) if "peers" in table else [],
        _numbers(check, table["numbers"], (*where, "numbers")) if "numbers" in table else [],
        _zone(check, check.required(table, "zone", where), (*where, "zone")),
        _spans(check, check.required(table, "open", where), (*where, "open")),
        _holidays(check, table.get("holidays", []), (*where, "holidays")),
        check.line(where),
    )


def _peers(check: Checks, value: object, known: list[str], where: Where) -> list[str]:
    names = check.texts(value, "peers' names", where)
    for place, name in enumerate(names):
        if name not in known:
            there = f"the name of a peer: {', '.join(known)}" if known else "the name of a peer, and there is none"
            check.complain((*where, place), name, f"{there}{nearest(name, known)}")
    return names


def _numbers(check: Checks, value: object, where: Where) -> list[str]:
    numbers = check.texts(value, 'dialled numbers, such as "15550100"', where)
    for place, number in enumerate(numbers):
        if len(number) > MAX_NUMBER_LENGTH or not DIALLED.fullmatch(number):
            check.complain(
                (*where, place), number, f'a dialled number of up to {MAX_NUMBER_LENGTH} characters, as "15550100"'
            )
    return numbers


def _zone(check: Checks, value: object, where: Where) -> str:
    if not isinstance(value, str) or not _is_zone(value):
        zones = available_timezones() - _NO_PLACE
        if not zones:
            check.complain(where, value, "time zones to be known here: install the system's tzdata")
        expected = 'a time zone by its name in the IANA data base, such as "Europe/Berlin"'
        check.complain(where, value, f"{expected}{nearest(value, sorted(zones))}")
    return value


def _is_zone(name: str) -> bool:
    """Tell whether a name is a zone's; to list all there are takes a hundred times as long."""
    if name in _NO_PLACE or name.startswith(("posix/", "right/")):
        return False
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # not there, no name, a folder
        return False
    return True


# When


def _spans(check: Checks, value: object, where: Where) -> list[Span]:
    texts = check.texts(value, 'hours, such as "Mon-Fri 09:00-18:00"', where)
    found: list[tuple[Span, str]] = []
    for place, text in enumerate(texts):
        for span in _span(check, text, (*where, place)):
            for other, written in found:
                if span.weekday == other.weekday and span.start < other.end and other.start < span.end:
                    both = f"hours that are not in {written!r} as well, as those of {DAYS[span.weekday]} are"
                    check.complain((*where, place), text, both if written != text else "each day once")
            found.append((span, text))
    return sorted(span for span, _ in found)


def _span(check: Checks, text: str, where: Where) -> list[Span]:
    match = _OPEN.fullmatch(text.strip())
    days = _days(match[1]) if match else None
    if match is None or days is None:
        check.complain(where, text, 'days and times, such as "Mon-Fri 09:00-18:00" or "Sat,Sun 10:00-14:00"')
    start, end = (_minutes(check, text, match[at], match[at + 1], where) for at in (2, 4))
    if start == end:
        check.complain(where, text, "an end that is not the beginning; the whole day is 00:00-24:00")
    if start < end:
        return [Span(day, start, end) for day in days]
    if start < _NOON or end > _NOON:
        expected = "an end after the beginning; hours over midnight begin at noon or later, and end by noon"
        check.complain(where, text, expected)
    late = [Span(day, start, _MIDNIGHT) for day in days]
    return late + [Span((day + 1) % len(DAYS), 0, end) for day in days if end]


def _days(text: str) -> list[int] | None:
    """Read ``Mon-Fri``, ``Sat,Sun``, ``Fri-Mon``; None for what is none of these."""
    found: list[int] = []
    for part in text.split(","):
        names = [name.strip().capitalize() for name in part.split("-")]
        if len(names) > 2 or any(name not in DAYS for name in names):
            return None
        first, last = DAYS.index(names[0]), DAYS.index(names[-1])
        found += [(first + i) % len(DAYS) for i in range((last - first) % len(DAYS) + 1)]
    return found


def _minutes(check: Checks, text: str, hour: str, minute: str, where: Where) -> int:
    minutes = int(hour) * 60 + int(minute)
    if int(minute) > 59 or minutes > _MIDNIGHT:
        check.complain(where, text, f"times from 00:00 to 24:00, and {hour}:{minute} is none")
    return minutes


def _holidays(check: Checks, value: object, where: Where) -> list[tuple[int | None, int, int]]:
    expected = 'a list of dates, such as "2026-04-03", or "12-25" for every year'
    if not isinstance(value, list):
        check.complain(where, value, expected)
    return sorted(
        {_holiday(check, one, (*where, place)) for place, one in enumerate(value)}, key=lambda day: (day[0] or 0, day)
    )


def _holiday(check: Checks, value: object, where: Where) -> tuple[int | None, int, int]:
    if type(value) is date:  # TOML has dates of its own
        return value.year, value.month, value.day
    match = _DATE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        check.complain(where, value, 'a date, such as "2026-04-03", or "12-25" for every year')
    year, month, day = (None if part is None else int(part) for part in match.groups())
    try:
        date(_LEAP_YEAR if year is None else year, month or 0, day or 0)
    except ValueError as error:
        check.complain(where, value, f"a date that exists ({error})")
    return year, month or 0, day or 0


# For whom


def _apart(check: Checks, earlier: Written, one: Written, region: str | None, where: Where) -> None:
    """Complain of hours for whom there are hours already. More specific ones go before others, and are fine."""
    if bool(one.peers) != bool(earlier.peers) or bool(one.numbers) != bool(earlier.numbers):
        return
    both_peers = [name for name in one.peers if name in earlier.peers]
    both_numbers = [n for n in one.numbers if any(same_number(n, other, region) for other in earlier.numbers)]
    if (one.peers and not both_peers) or (one.numbers and not both_numbers):
        return
    key, value = ("numbers", both_numbers[0]) if both_numbers else ("peers", both_peers[0]) if both_peers else ("", "")
    if key:
        place = (one.numbers if both_numbers else one.peers).index(value)
        check.complain((*where, key, place), value, f"one set of hours for each, line {earlier.line} has some already")
    expected = f"peers or numbers that these are for: line {earlier.line} has hours for everybody already"
    check.complain(where, "everybody", expected)
