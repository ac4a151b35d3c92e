"""What an hour brought beside the hour before, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sipwatch.web.lately import by_outcome, difference, lately
from tests.each import for_each
from tests.export import records
from tests.export.records import at

if TYPE_CHECKING:
    from tests.store.stored import Stored


@for_each(
    "now, before, said",
    [
        (5, 5, "as many as before"),
        (0, 0, "as many as before"),
        (3, 0, "none before"),
        (0, 3, "none any more"),
        (6, 4, "2 more"),
        (4, 6, "2 fewer"),
        (2_500, 1_000, "1,500 more, 2.5 times as many"),
    ],
)
def test_a_difference_is_said_in_words(now: int, before: int, said: str) -> None:
    assert difference(now, before) == said


def test_outcomes_of_either_hour_are_listed_those_of_most_calls_first() -> None:
    found = lately({"busy": 3, "answered": 5}, {"busy": 3, "declined": 2})
    assert [(one.outcome, one.calls, one.before, one.category) for one in found] == [
        ("answered", 5, 0, "success"),
        ("busy", 3, 3, "user"),
        ("declined", 0, 2, "user"),
    ]
    assert found[0].difference == "none before"


def test_only_what_chance_does_not_explain_has_moved() -> None:
    """Of a thousand calls each, 40 server errors instead of 2 are no chance (p < 1e-9); 20 busy instead of 15 may be."""
    found = lately({"answered": 940, "server_error": 40, "busy": 20}, {"answered": 983, "server_error": 2, "busy": 15})
    assert {one.outcome: one.moved for one in found} == {"answered": True, "server_error": True, "busy": False}


def test_twice_as_many_calls_alone_have_moved_nothing() -> None:
    assert not any(one.moved for one in lately({"answered": 200, "busy": 20}, {"answered": 100, "busy": 10}))


def test_without_calls_there_is_nothing() -> None:
    assert lately({}, {}) == []


def test_sums_are_added_up_by_outcome(store: Stored) -> None:
    store.put(records.call(), records.call(id="1" * 12, started=at(70)), records.answered(id="2" * 12))
    assert by_outcome(store.read().sums()) == {"busy": 2, "answered": 1}
