"""The newest calls that are asked for, and how many there were of each kind."""

from __future__ import annotations

import pytest

from sipwatch.evidence.choose import Selection, WantedCalls
from tests.export.records import answered, at, call


def stuck(seconds: float, *, source: str = "pbx", destination: str = "acme", outcome: str = "no_progress") -> object:
    return call(outcome, id=f"{int(seconds):012x}", started=at(seconds), source=source, destination=destination)


def select(*calls: object, most: int = 20, **wanted: object) -> Selection:
    given = {"peer": "acme", "outcomes": frozenset({"no_progress"}), **wanted}
    selection = Selection(WantedCalls(**given), most)  # type: ignore[arg-type]
    for each in calls:
        selection.call(each, True)  # type: ignore[arg-type]
    return selection


def test_the_newest_come_first_whatever_order_they_ended_in() -> None:
    selection = select(*(stuck(seconds) for seconds in (30, 10, 50, 20, 40)), most=3)
    assert [chosen.started for chosen in selection.chosen()] == [at(50), at(40), at(30)]
    assert (selection.matching, selection.total, selection.asked) == (5, 5, 5)


def test_a_peer_is_meant_as_source_and_as_destination() -> None:
    selection = select(stuck(1), stuck(2, source="acme", destination="phones"), stuck(3, destination="north"))
    assert [chosen.started for chosen in selection.chosen()] == [at(2), at(1)]
    count = selection.counts["no_progress"]
    assert (count.calls, count.sent, count.received) == (2, 1, 1)


def test_a_call_from_a_peer_to_itself_is_counted_once() -> None:
    selection = select(stuck(1, source="acme"))
    count = selection.counts["no_progress"]
    assert (count.calls, count.sent, count.received) == (1, 1, 1)
    assert selection.others == {"acme": 1}


def test_the_share_is_of_all_the_peers_calls_in_the_period() -> None:
    calls = [stuck(1), answered(started=at(2), destination="acme"), answered(started=at(3), destination="north")]
    selection = select(*calls)
    assert {outcome: count.calls for outcome, count in selection.counts.items()} == {"no_progress": 1, "answered": 1}
    assert (selection.total, selection.asked, selection.calls) == (2, 1, 3)


@pytest.mark.parametrize(
    ("since", "until", "chosen"),
    [(None, None, [3, 2, 1]), (2, None, [3, 2]), (None, 2, [1]), (2, 3, [2]), (4, None, []), (None, 1, [])],
)
def test_the_period_holds_its_beginning_and_not_its_end(
    since: int | None, until: int | None, chosen: list[int]
) -> None:
    begin, end = (None if bound is None else at(bound) for bound in (since, until))
    selection = select(stuck(1), stuck(2), stuck(3), since=begin, until=end)
    assert [found.started for found in selection.chosen()] == [at(seconds) for seconds in chosen]
    assert selection.total == len(chosen)


def test_a_filter_narrows_the_examples_and_not_the_counts() -> None:
    selection = select(stuck(1), stuck(2), keep=lambda found: found.started == at(2))
    assert [found.started for found in selection.chosen()] == [at(2)]
    assert (selection.matching, selection.asked) == (1, 2)
