"""Which time an address asks for, by the clocks of a zone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sipwatch.packet import SECOND
from sipwatch.web.asked import AskedError
from sipwatch.web.period import Period, clock, period_of
from tests.each import for_each

HOUR = 3600 * SECOND
DAY = 24 * HOUR


def ns(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND


NOW = ns("2026-01-07T10:30")  # a Wednesday


def asked(zone: str = "UTC", now: int = NOW, *, given: dict[str, str] | None = None, **more: str) -> Period:
    return period_of({key.strip("_"): value for key, value in {**(given or {}), **more}.items()}, now, zone)


@for_each(
    "name, since, until, before",
    [
        ("", "2026-01-07", "2026-01-08", ("2026-01-06", "2026-01-06T10:30")),
        ("today", "2026-01-07", "2026-01-08", ("2026-01-06", "2026-01-06T10:30")),
        ("yesterday", "2026-01-06", "2026-01-07", ("2026-01-05", "2026-01-06")),
        ("week", "2026-01-01", "2026-01-08", ("2025-12-25", "2025-12-31T10:30")),
        ("month", "2026-01-01", "2026-01-08", ("2025-12-01", "2025-12-07T10:30")),
    ],
)
def test_a_time_has_a_name_and_one_like_it_before(name: str, since: str, until: str, before: tuple[str, str]) -> None:
    """What is not over yet is held against as much of the time before."""
    found = asked(period=name)
    assert (found.since, found.until) == (ns(since), ns(until))
    assert found.before == (ns(before[0]), ns(before[1]))


def test_days_begin_at_midnight_by_the_zones_clocks() -> None:
    found = asked("Europe/Berlin", ns("2026-01-07T23:30"))  # there it is the 8th
    assert (found.since, found.until) == (ns("2026-01-07T23:00"), ns("2026-01-08T23:00"))
    assert found.words == "2026-01-08 00:00 to 2026-01-09 00:00"
    assert clock(found.since, found.zone) == "2026-01-08 00:00"


def test_the_day_on_which_clocks_go_forward_has_23_hours() -> None:
    found = asked("Europe/Berlin", ns("2026-03-29T12:00"))
    assert found.until - found.since == 23 * HOUR


def test_the_month_before_a_longer_one_is_not_gone_beyond() -> None:
    found = asked(now=ns("2026-03-31T12:00"), period="month")
    assert found.before == (ns("2026-02-01"), ns("2026-03-01"))


@for_each(
    "given, since, until",
    [
        ({"from_": "2026-01-05", "to": "2026-01-06"}, "2026-01-05", "2026-01-07"),
        ({"from_": "2026-01-05T09:20", "to": "2026-01-05T10:40"}, "2026-01-05T09:00", "2026-01-05T11:00"),
        ({"from_": "2026-01-05"}, "2026-01-05", "2026-01-07T10:30"),
        ({"to": "2026-01-05"}, "2026-01-05", "2026-01-06"),
        ({"from_": "2d", "to": "now"}, "2026-01-05T10:00", "2026-01-07T11:00"),
        ({"from_": "yesterday", "to": "yesterday"}, "2026-01-06", "2026-01-07"),
        ({"from_": "2026-01-05", "period": "week"}, "2026-01-05", "2026-01-07T10:30"),
    ],
)
def test_days_are_included_and_hours_are_whole(given: dict[str, str], since: str, until: str) -> None:
    found = asked(given=given)
    assert (found.since, found.until, found.span) == (ns(since), ns(until), None)
    assert found.before == (found.since - (found.until - found.since), found.since)


@for_each(
    "given, where",
    [
        ({"period": "century"}, "period"),
        ({"from_": "tomorrow"}, "from"),
        ({"to": "2026-13-01"}, "to"),
        ({"to": "99999999999999999999d"}, "to"),
        ({"from_": "2026-01-06", "to": "2026-01-05"}, "to"),
        ({"zone_": "Mars/Olympus"}, "zone"),
        ({"zone_": "../../etc/passwd"}, "zone"),
    ],
)
def test_what_cannot_be_meant_is_told(given: dict[str, str], where: str) -> None:
    with pytest.raises(AskedError) as error:
        asked(given=given)
    assert error.value.where == where


def test_a_time_is_asked_for_again_as_it_was() -> None:
    assert asked().query() == ""
    found = asked(from_="2026-01-05", zone_="Europe/Berlin")
    assert found.query(by="day", sort="") == "?from=2026-01-05&zone=Europe%2FBerlin&by=day"
    assert asked().calls == {"since": "1767744000000", "until": "1767830400000"}


@for_each("to", ["9999-12-31", "9999-12-31T23:59"])
def test_the_end_of_all_days_is_no_mistake(to: str) -> None:
    assert asked(from_="2026-01-01", to=to).until > ns("2200-01-01")
