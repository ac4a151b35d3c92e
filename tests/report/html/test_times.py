"""Moments by the clocks of a zone."""

from __future__ import annotations

from datetime import UTC
from zoneinfo import ZoneInfo

from sipwatch.report.html.times import ZoneTimes
from tests.export.records import START, at

BERLIN = ZoneTimes(ZoneInfo("Europe/Berlin"), "Europe/Berlin")


def test_a_moment_is_written_as_people_there_have_it() -> None:
    assert BERLIN.full(START) == "2026-01-05 10:00:00"
    assert BERLIN.exact(at(1.25)) == "2026-01-05 10:00:01.250"
    assert (BERLIN.hour(START), ZoneTimes(UTC, "UTC").hour(START)) == (10, 9)


def test_a_moment_beyond_all_calendars_is_the_end_of_them() -> None:
    assert BERLIN.full((1 << 63) - 1) == "2262-04-12 01:47:16"
    assert BERLIN.full(1 << 70) == "9999-12-31 01:00:00"
    assert BERLIN.full(-1) == "1970-01-01 01:00:00"
