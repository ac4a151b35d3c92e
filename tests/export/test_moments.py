"""Moments and spans: whole nanoseconds inside, RFC 3339 and seconds where they are written."""

from __future__ import annotations

import pytest

from sipwatch.export.moments import Duration, Moment, timestamp
from sipwatch.export.record import as_text
from sipwatch.packet import MICROSECOND, SECOND

MORNING = Moment(1_767_603_600 * SECOND + 123_456 * MICROSECOND + 789)


def test_a_moment_is_written_to_the_microsecond_never_rounded_up() -> None:
    assert str(MORNING) == timestamp(MORNING) == "2026-01-05T09:00:00.123456Z"
    assert timestamp(SECOND - 1) == "1970-01-01T00:00:00.999999Z"


def test_its_parts_are_the_day_and_the_time_of_day() -> None:
    assert (MORNING.day, MORNING.clock, MORNING.exact_clock) == ("2026-01-05", "09:00:00", "09:00:00.123")


def test_what_lies_beyond_the_year_9999_is_written_as_its_end() -> None:
    assert timestamp((1 << 64) * SECOND).startswith("9999-12-31T23:59:59.")


def test_many_different_seconds_are_written_as_few_are() -> None:
    """The texts of seconds are kept, so many and no more; a full table is begun anew."""
    assert {timestamp(second * SECOND)[:16] for second in range(10_000)} == {
        f"1970-01-01T{minute // 60:02d}:{minute % 60:02d}" for minute in range(-(-10_000 // 60))
    }


def test_between_two_moments_are_seconds() -> None:
    assert MORNING.since(MORNING - 3 * SECOND // 2) == 1.5


def test_a_span_is_seconds_to_the_microsecond() -> None:
    assert (Duration(1_234_567_890).seconds, str(Duration(1_234_567_890))) == (1.234568, "1.234568")
    assert str(Duration(0)) == "0.0"


def test_json_has_the_text_of_both_and_of_nothing_else() -> None:
    assert (as_text(MORNING), as_text(Duration(SECOND))) == ("2026-01-05T09:00:00.123456Z", 1.0)
    with pytest.raises(NotImplementedError):
        as_text(object())
