"""Calls by when they began, in bars that fit: by the clock on the wall, bounded, and none lost."""

from __future__ import annotations

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest

from sipwatch.packet import SECOND
from sipwatch.report.html import timeline
from sipwatch.report.html.timeline import MAX_BARS, Timeline
from tests.export.records import START, at

HOUR = 3600
DAY = 24 * HOUR


def of(*seconds: float, zone: str = "UTC") -> Timeline:
    counted = Timeline(ZoneInfo(zone))
    for second in seconds:
        counted.add(at(second), "user")
    return counted


def test_ten_minutes_are_ten_bars_with_the_empty_ones_between() -> None:
    span, bars = of(0, 10, 59, 9 * 60).bars()
    assert span == "a minute"
    assert [bar.calls for bar in bars] == [3, *[0] * 8, 1]
    assert (bars[0].name, bars[0].short, bars[-1].short) == ("2026-01-05 09:00 UTC", "09:00", "09:09")


def test_categories_are_counted_apart() -> None:
    counted = Timeline(UTC)
    for category in ("success", "user", "success"):
        counted.add(START, category)
    ((bar,),) = (counted.bars()[1],)
    assert bar.counts == {"success": 2, "user": 1}


@pytest.mark.parametrize(
    ("seconds", "span", "bars"),
    [
        (59 * 60, "a minute", 60),
        (61 * 60, "5 minutes", 13),
        (DAY - 1, "an hour", 24),
        (7 * DAY - 1, "3 hours", 56),
        (31 * DAY - 1, "a day", 31),
        (364 * DAY, "a week", 53),
        (800 * 7 * DAY, "16 weeks", 51),
    ],
)
def test_bars_are_so_long_that_they_fit(seconds: int, span: str, bars: int) -> None:
    """From Monday, 2026-01-05: of the days and weeks from midnight on."""
    begin = 0 if seconds < DAY - 1 else -9 * HOUR
    said, found = of(begin, begin + seconds).bars()
    assert (said, len(found)) == (span, bars)
    assert len(found) <= MAX_BARS
    assert sum(bar.calls for bar in found) == 2


def test_hours_and_days_are_those_of_the_zone() -> None:
    """23:30 UTC is the next day in Berlin."""
    _, bars = of(0, 14.5 * HOUR, 40 * DAY, zone="Europe/Berlin").bars()
    assert [(bar.name, bar.calls) for bar in bars if bar.calls] == [
        ("2026-01-05", 1),
        ("2026-01-06", 1),
        ("2026-02-14", 1),
    ]


def test_the_hour_that_comes_twice_is_two_bars() -> None:
    """2026-10-25: 02:00 CEST and, an hour later, 02:00 CET. 00:00 UTC is 293 days after 2026-01-05."""
    night = 292 * DAY + 15 * HOUR
    _, bars = of(night, night + HOUR, night + 20 * HOUR, zone="Europe/Berlin").bars()
    assert [(bar.name, bar.calls) for bar in bars][:2] == [
        ("2026-10-25 02:00 CEST", 1),
        ("2026-10-25 02:00 CET", 1),
    ]


def test_a_zone_at_half_an_hour_begins_its_hours_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when there are so many minutes that quarters of an hour are counted."""
    monkeypatch.setattr(timeline, "MAX_COUNTED", 60)
    counted = of(*range(0, 12 * HOUR, 60), zone="Asia/Kolkata")
    _, bars = counted.bars()
    assert [(bar.name, bar.calls) for bar in bars][:2] == [("2026-01-05 14:30 IST", 15), ("2026-01-05 14:45 IST", 15)]
    assert sum(bar.calls for bar in bars) == 720


def test_memory_is_bounded_and_no_call_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeline, "MAX_COUNTED", 100)
    counted = of(*range(0, 90 * DAY, 6 * HOUR))
    assert len(counted._counts) <= 100
    span, bars = counted.bars()
    assert (span, sum(bar.calls for bar in bars)) == ("a week", 360)


def test_the_most_absurd_times_make_a_chart_all_the_same() -> None:
    counted = Timeline(ZoneInfo("Pacific/Auckland"))
    for moment in (0, START, (1 << 63) - 1, 253_402_300_799 * SECOND, 1 << 80):
        counted.add(moment, "user")
    _, bars = counted.bars()
    assert len(bars) <= MAX_BARS
    assert sum(bar.calls for bar in bars) == 5


def test_without_calls_there_are_no_bars() -> None:
    assert Timeline(UTC).bars() == ("", [])
