"""Moments as people write them, and the clocks of named zones."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from sipwatch.classify.hours import zone_of
from sipwatch.evidence.period import (
    LAST_MOMENT,
    depends_on_capture,
    local,
    midnight,
    moment,
    moment_from_now,
    month_before,
    nanoseconds,
)
from tests.each import for_each

BERLIN = zone_of("Europe/Berlin")
HOUR = 3_600_000_000_000


def at(text: str) -> int:
    return nanoseconds(datetime.fromisoformat(text))


FIRST, LAST = at("2026-01-05T09:00:00+00:00"), at("2026-01-05T11:00:00+00:00")


@for_each(
    "written, meant",
    [
        ("2026-01-05T10:30:00+01:00", "2026-01-05T09:30:00+00:00"),
        ("2026-01-05T09:30:00Z", "2026-01-05T09:30:00+00:00"),
        ("2026-01-05T10:30:00", "2026-01-05T09:30:00+00:00"),
        ("2026-01-05 10:30", "2026-01-05T09:30:00+00:00"),
        ("2026-01-05", "2026-01-04T23:00:00+00:00"),
        ("10:30", "2026-01-05T09:30:00+00:00"),
        ("9:30", "2026-01-05T08:30:00+00:00"),
        ("10:30:15", "2026-01-05T09:30:15+00:00"),
        ("1h", "2026-01-05T10:00:00+00:00"),
        ("90m", "2026-01-05T09:30:00+00:00"),
        ("1h30m", "2026-01-05T09:30:00+00:00"),
        ("0.5h", "2026-01-05T10:30:00+00:00"),
        ("30s", "2026-01-05T10:59:30+00:00"),
        ("1d", "2026-01-04T11:00:00+00:00"),
        ("1w", "2025-12-29T11:00:00+00:00"),
    ],
)
def test_a_moment_is_read(written: str, meant: str) -> None:
    assert moment(written, BERLIN, FIRST, LAST) == at(meant)


@for_each(
    "written, meant",
    [
        ("now", LAST),
        ("today", at("2026-01-04T23:00:00+00:00")),
        ("yesterday", at("2026-01-03T23:00:00+00:00")),
        ("1h", LAST - HOUR),
        ("12:30", at("2026-01-05T11:30:00+00:00")),
        ("2026-01-05", at("2026-01-04T23:00:00+00:00")),
        ("9999-12-31T23:59:59", LAST_MOMENT),
    ],
)
def test_a_moment_is_read_by_what_time_it_is(written: str, meant: int) -> None:
    assert moment_from_now(written, BERLIN, LAST) == meant


def test_what_is_no_moment_by_any_time_is_refused() -> None:
    with pytest.raises(ValueError, match="'then' is no moment"):
        moment_from_now("then", BERLIN, LAST)


@for_each(
    "day, begins",
    [
        ("2026-01-05", "2026-01-04T23:00:00+00:00"),
        ("2026-03-29", "2026-03-28T23:00:00+00:00"),
        ("2026-03-30", "2026-03-29T22:00:00+00:00"),
        ("1970-01-01", "1970-01-01T00:00:00+00:00"),
    ],
)
def test_a_day_begins_at_midnight_by_the_zones_clocks_and_not_before_1970(day: str, begins: str) -> None:
    assert midnight(date.fromisoformat(day), BERLIN) == at(begins)


@for_each("day, begins", [("2026-03-31", "2026-02-01"), ("2026-01-01", "2025-12-01"), ("2026-12-31", "2026-11-01")])
def test_the_month_before_begins_on_its_first(day: str, begins: str) -> None:
    assert month_before(date.fromisoformat(day)) == date.fromisoformat(begins)


@pytest.mark.parametrize("written", ["yesterday", "25:00", "10:61", "", "1x", "-1h", "2026-13-01", "10:30:99", "h"])
def test_what_is_no_moment_is_refused_in_one_line(written: str) -> None:
    with pytest.raises(ValueError, match=r"is no (moment|time of day); write") as caught:
        moment(written, BERLIN, FIRST, LAST)
    assert "\n" not in str(caught.value)


def test_a_time_of_day_needs_a_capture_of_one_day() -> None:
    with pytest.raises(ValueError, match=r"from 2026-01-05 to 2026-01-06 .Europe/Berlin.; write the day as well"):
        moment("10:30", BERLIN, FIRST, LAST + 13 * HOUR)


def test_the_day_is_that_of_the_zone() -> None:
    """23:30 UTC is half past midnight in Berlin."""
    late = at("2026-01-05T23:30:00+00:00")
    assert moment("00:45", BERLIN, late, late + HOUR) == at("2026-01-05T23:45:00+00:00")


def test_when_clocks_go_back_a_time_comes_twice() -> None:
    """From the first until the second, so that nothing is left out."""
    first, last = at("2026-10-25T00:00:00+02:00"), at("2026-10-25T05:00:00+01:00")
    assert moment("02:30", BERLIN, first, last) == at("2026-10-25T00:30:00+00:00")
    assert moment("02:30", BERLIN, first, last, later=True) == at("2026-10-25T01:30:00+00:00")
    assert moment("2026-10-25T02:30", BERLIN, 0, 0, later=True) == at("2026-10-25T01:30:00+00:00")


def test_before_1970_is_1970() -> None:
    assert moment("1900-01-01T00:00:00Z", BERLIN, FIRST, LAST) == 0
    assert moment("999999d", BERLIN, FIRST, LAST) == 0


def test_only_what_counts_from_the_capture_needs_it() -> None:
    assert depends_on_capture("1h30m")
    assert depends_on_capture("14:30")
    assert not depends_on_capture("2026-01-05T09:30:00Z")


MORNING = nanoseconds(datetime(2026, 1, 5, 9, tzinfo=UTC))
SUMMER = nanoseconds(datetime(2026, 7, 5, 9, tzinfo=UTC))


def test_a_local_time_names_its_offset() -> None:
    assert local(MORNING + 100_000_000, BERLIN) == "2026-01-05 10:00:00.100000 +01:00"
    assert local(SUMMER, BERLIN) == "2026-07-05 11:00:00.000000 +02:00"
    assert local(SUMMER, zone_of("UTC")) == "2026-07-05 09:00:00.000000 +00:00"


@pytest.mark.parametrize("name", ["Europe/Berlinn", "", "/etc/passwd", "../UTC", "Europe", "CEST\n"])
def test_an_unknown_zone_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="unknown time zone"):
        zone_of(name)


def test_utc_is_a_zone_like_any_other() -> None:
    assert moment("2026-01-05T09:30:00", zone_of("UTC"), 0, 0) == nanoseconds(datetime(2026, 1, 5, 9, 30, tzinfo=UTC))
