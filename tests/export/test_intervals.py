"""Hours and days by the clock on the wall."""

from __future__ import annotations

from collections import Counter
from datetime import UTC
from typing import TYPE_CHECKING

from sipwatch.classify.hours import zone_of
from sipwatch.export.intervals import By, Intervals
from tests.export.records import START

if TYPE_CHECKING:
    from collections.abc import Iterable

HOUR = 3600 * 10**9
AUTUMN = 1_792_886_400_000_000_000  # 2026-10-25T00:00:00Z, 02:00 in Berlin; an hour later it is 02:00 again
SPRING = 1_774_746_000_000_000_000  # 2026-03-29T01:00:00Z, when Berlin's clocks go from 02:00 to 03:00


def counted(moments: Iterable[int], zone: str, by: By = By.HOUR) -> list[tuple[str | None, int]]:
    """Return how many moments are in each interval, in the order of time."""
    intervals = Intervals(by, zone_of(zone))
    found = Counter(intervals.begin(moment) for moment in moments)
    return [(intervals.written(begins), count) for begins, count in sorted(found.items(), key=lambda one: one[0] or 0)]


def test_hours_are_those_on_the_wall() -> None:
    spring = [SPRING + HOUR // 2 * place for place in (-2, -1, 0, 1)]
    autumn = [AUTUMN + HOUR // 2 * place for place in range(6)]
    assert counted(spring, "Europe/Berlin") == [("2026-03-29 01:00 CET", 2), ("2026-03-29 03:00 CEST", 2)]
    assert counted(autumn, "Europe/Berlin") == [
        ("2026-10-25 02:00 CEST", 2),
        ("2026-10-25 02:00 CET", 2),
        ("2026-10-25 03:00 CET", 2),
    ]
    kathmandu = [START, START + HOUR // 2]  # 14:45 and 15:15 there
    assert counted(kathmandu, "Asia/Kathmandu") == [("2026-01-05 14:00 +0545", 1), ("2026-01-05 15:00 +0545", 1)]


def test_an_interval_begins_at_its_first_moment_and_holds_its_last() -> None:
    hours = Intervals(By.HOUR, UTC)
    found = [hours.begin(START + after) for after in (-1, 0, HOUR - 1, HOUR)]
    assert found == [START - HOUR, START, START, START + HOUR]


def test_days_are_local_and_one_with_an_hour_that_comes_twice_is_one() -> None:
    autumn = [AUTUMN + HOUR * place for place in (-3, -2, 0, 1, 22, 23)]
    assert counted(autumn, "Europe/Berlin", By.DAY) == [("2026-10-24", 1), ("2026-10-25", 4), ("2026-10-26", 1)]


def test_a_day_whose_midnight_comes_twice_is_one() -> None:
    """Havana, 2026-11-01: at 01:00 clocks go back to 00:00, which is 05:00 UTC."""
    back = 1_793_509_200_000_000_000  # 2026-11-01T05:00:00Z
    assert counted([back - HOUR // 2, back + HOUR // 2], "America/Havana", By.DAY) == [("2026-11-01", 2)]


def test_a_day_that_has_no_midnight_begins_when_it_does() -> None:
    """Cairo, 2026-04-24: at 00:00 clocks go to 01:00, which is 22:00 UTC."""
    midnight = 1_776_981_600_000_000_000  # 2026-04-23T22:00:00Z
    assert counted([midnight - 1, midnight], "Africa/Cairo", By.DAY) == [("2026-04-23", 1), ("2026-04-24", 1)]


def test_all_is_one_interval_that_begins_nowhere() -> None:
    assert counted([0, START, AUTUMN], "UTC", By.ALL) == [(None, 3)]


def test_times_beyond_every_calendar_are_the_last_there_is() -> None:
    assert counted([2**63 - 1, -1], "Asia/Tokyo", By.DAY) == [("1970-01-01", 1), ("2262-04-12", 1)]
    assert counted([10**30], "Asia/Tokyo", By.DAY) == [("9999-12-30", 1)]
