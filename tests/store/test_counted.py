"""What calls came to by pair, word and interval: whatever the version of a file, and each day counted once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sipwatch.export.incidents import ENDING, OUTCOME
from sipwatch.export.moments import Moment
from sipwatch.packet import DAY, HOUR, MINUTE
from sipwatch.store import counted as counted_module
from sipwatch.store.counted import RecentCounts, series
from sipwatch.store.days import TooManyError
from sipwatch.store.wanted import Wanted
from tests.each import for_each
from tests.export import records
from tests.store.stored import before_five_minutes
from tests.store.troubled import NOON, TODAY, calls, trouble, trouble_from_ten_to_eleven

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sipwatch.export.incidents import CallSeries
    from tests.store.stored import Stored

Added = dict[tuple[str, str, str, str, int], int]
FIVE = 5 * MINUTE


def added(some: Iterable[CallSeries]) -> Added:
    found: Added = {}
    for one in some:
        for at, number in one.calls.items():
            key = (one.source, one.destination, one.what, one.word, at)
            found[key] = found.get(key, 0) + number
    return found


def one_by_one(store: Stored, since: int, until: int, span: int) -> Added:
    """Count what a time has call by call."""
    found: Added = {}
    for one in store.read().calls(Wanted(since, until)):
        record = one.record
        for what, word in ((OUTCOME, record.outcome), (ENDING, record.ending)):
            if word:
                key = (record.source, record.destination, what, word, record.started // span * span)
                found[key] = found.get(key, 0) + 1
    return found


@for_each(
    "since, until, span",
    [
        (TODAY, NOON, FIVE),
        (TODAY + MINUTE, NOON - 2 * MINUTE, FIVE),
        (TODAY - DAY, NOON, 3 * FIVE),
        (TODAY - DAY, NOON, HOUR),
        (TODAY + 8 * MINUTE, TODAY + 9 * MINUTE, FIVE),
        (TODAY, TODAY, FIVE),
    ],
)
def test_series_are_what_call_by_call_adds_up(store: Stored, since: int, until: int, span: int) -> None:
    trouble_from_ten_to_eleven(store)
    store.put(records.answered(id="f" * 12, started=Moment(TODAY + 61 * MINUTE), ending="no_bye"))
    assert added(series(store.read(), since, until, span)) == one_by_one(store, since, until, span)


def test_calls_that_are_up_have_been_answered(store: Stored) -> None:
    store.put(*calls(TODAY, TODAY + HOUR, destination="north"))
    store.intake.answered("a" * 12, TODAY + 7 * MINUTE, ("pbx", "north"))
    store.writer.write()
    found = added(series(store.read(), TODAY, NOON, FIVE))
    assert found["pbx", "north", OUTCOME, "answered", TODAY + FIVE] == 3


def test_files_of_versions_without_sums_of_five_minutes_are_read_by_the_minute(stores: Callable[..., Stored]) -> None:
    """They have them from when they are written again, also of what was in them."""
    with before_five_minutes():
        old = stores()
        old.put(*calls(TODAY, NOON))
        old.close()
    wanted = one_by_one(old, TODAY, NOON, FIVE)
    assert wanted
    assert added(series(old.read(), TODAY, NOON, FIVE)) == wanted
    store = stores()
    store.put(*trouble(TODAY + HOUR, TODAY + 2 * HOUR))
    assert store.ask("SELECT sum(calls) FROM five_minutes") == store.ask("SELECT sum(calls) FROM minutes")
    assert added(series(store.read(), TODAY, NOON, FIVE)) == one_by_one(store, TODAY, NOON, FIVE)


def test_a_day_to_which_nothing_is_added_is_counted_once(store: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    """Yesterday stays as it was; today, a minute later, is another time."""
    store.put(*calls(TODAY - DAY, NOON))
    asked: list[int] = []
    monkeypatch.setattr(
        counted_module,
        "series",
        lambda *given: asked.append(given[1]) or series(*given),  # type: ignore[func-returns-value]
    )
    recent, reader = RecentCounts(), store.read()
    recent.between(reader, TODAY - DAY, NOON)
    later = recent.between(reader, TODAY - DAY, NOON + MINUTE)
    assert asked == [TODAY - DAY, TODAY, TODAY]
    assert added(later) == one_by_one(store, TODAY - DAY, NOON + MINUTE, FIVE)
    store.put(*trouble(TODAY - HOUR, TODAY))
    again = recent.between(reader, TODAY - DAY, NOON + MINUTE)
    assert asked[3:] == [TODAY - DAY]
    assert added(again) == one_by_one(store, TODAY - DAY, NOON + MINUTE, FIVE)


def test_of_too_many_counts_intervals_are_longer_and_then_there_are_none(
    store: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put(*calls(TODAY, NOON))
    assert {at % HOUR for *_, at in added(RecentCounts().between(store.read(), TODAY, NOON))} != {0}
    monkeypatch.setattr(counted_module, "MAX_COUNTS", 60)
    assert {at % HOUR for *_, at in added(RecentCounts().between(store.read(), TODAY, NOON))} == {0}
    monkeypatch.setattr(counted_module, "MAX_COUNTS", 6)
    with pytest.raises(TooManyError, match="too many peers"):
        RecentCounts().between(store.read(), TODAY, NOON)
