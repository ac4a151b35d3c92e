"""Calls as pages show them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sipwatch.classify.outcomes import OF_CALLS, Category
from sipwatch.classify.tags import Tag
from sipwatch.packet import SECOND
from sipwatch.web.shown import CATEGORY_NAMES, MARKS, bar, outcome_choices, row, running_clock
from tests.each import for_each
from tests.export import records
from tests.export.records import at, span

if TYPE_CHECKING:
    from sipwatch.export.record import CallRecord


def test_every_category_has_a_mark_of_its_own_and_a_name() -> None:
    """So that they can be told apart without colours."""
    assert len(set(MARKS.values())) == len(Category)
    assert CATEGORY_NAMES.keys() == set(Category)


def test_every_outcome_can_be_chosen_by_a_name_of_its_own() -> None:
    choices = outcome_choices()
    assert {word for word, _ in choices} == {"failed", *OF_CALLS}
    assert len({name for _, name in choices}) == len(choices)


@for_each(
    "call, words, before, ringing, longer",
    [
        (records.answered(), "5.00 s, 4.00 s of it ringing", 1.0, 4.0, False),
        (records.call(), "2.00 s", 2.0, 0.0, False),
        (
            records.answered(setup_seconds=span(90), ring_seconds=span(50)),
            "1:30, 50.0 s of it ringing",
            40.0,
            20.0,
            True,
        ),
        (records.answered(setup_seconds=span(3)), "3.00 s, 3.00 s of it ringing", 0.0, 3.0, False),
    ],
)
def test_how_long_a_caller_waited(call: CallRecord, words: str, before: float, ringing: float, longer: bool) -> None:
    assert bar(call) == (words, before, ringing, longer)


def test_without_a_decision_there_is_no_wait() -> None:
    """As in every file and in a terminal: until a timer gave up is no wait for anything that came."""
    assert bar(records.call("not_responding", setup_seconds=None, ringing=at(0.5), ended=at(32))) is None


def test_marks_are_said_in_words_but_for_what_the_outcome_says() -> None:
    assert row(records.call(tags=["outside_hours", "brief", "called_back"]), 0).marks == [
        "Outside working hours",
        "Called back in time",
    ]
    assert len(row(records.call(tags=list(Tag)), 0).marks) == len(Tag) - 1


def test_an_end_is_called_by_its_peer_or_by_its_address() -> None:
    found = row(records.call(source="acme"), 3)
    assert (found.source, found.destination, found.has_messages) == ("acme", "192.0.2.80:5060", True)


def test_agent_busy_is_said_of_agents_and_busy_of_others() -> None:
    agent, other = row(records.call(legs=[records.leg(offered="busy")]), 0), row(records.call(), 0)
    assert (agent.badge.name, other.badge.name) == ("Agent busy", "Busy")
    assert agent.badge[2:] == other.badge[2:] == ("user", MARKS[Category.USER])


def test_an_odd_ending_is_said_and_an_ordinary_one_is_not_marked() -> None:
    found = row(records.answered(ending="session_expired"), 0)
    assert (found.ending, found.is_odd) == ("Dropped: session timer ran out", True)
    assert not row(records.answered(), 0).is_odd


@for_each("seconds, shown", [(0, "0 s"), (59.9, "59 s"), (60, "1:00"), (185, "3:05"), (3723, "1:02:03")])
def test_a_clock_shows_whole_seconds_as_the_script_goes_on_with_them(seconds: float, shown: str) -> None:
    assert running_clock(int(seconds * SECOND)) == shown
