"""Who called in vain and still waits, and who was called back in time."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipwatch.classify.callbacks import MAX_OF_ONE, Callbacks, can_be_called
from sipwatch.classify.numbers import _parsed
from tests.each import for_each
from tests.thorough import examples

if TYPE_CHECKING:
    from sipwatch.classify.callbacks import Missed

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
ANNA, BEN = "+49301234567", "+49401234567"


class Desk:
    """Takes what is released, by the id of the call."""

    def __init__(
        self, within: int = HOUR, region: str | None = "DE", limit: int = 10_000, late: int = 0, rings: int = 0
    ) -> None:
        self.released: list[tuple[str, bool]] = []
        self.calls: list[Missed] = []
        self.callbacks = Callbacks(within, region, self.release, limit, late, rings=rings)

    def release(self, missed: Missed, called_back: bool) -> None:
        assert (missed.answered_at >= 0) == called_back
        self.released.append((missed.id, called_back))
        self.calls.append(missed)

    def missed(self, id: str, number: str = ANNA, at: int = 0, began: int | None = None) -> bool:  # noqa: A002 - as the module's
        return self.callbacks.missed(number, "100", at, id, None, began=began)

    @property
    def waiting(self) -> list[str]:
        return [missed.id for missed in self.callbacks.waiting()]


# Called back, and not


def test_a_missed_caller_called_back_after_20_minutes_and_one_not() -> None:
    desk = Desk()
    assert desk.missed("a", ANNA, 0)
    assert desk.missed("b", BEN, 5 * MINUTE)
    desk.callbacks.answered("0 030 1234567", 20 * MINUTE)
    assert desk.released == [("a", True)]
    assert desk.calls[0].answered_at == 20 * MINUTE
    assert desk.waiting == ["b"]
    desk.callbacks.advance(2 * HOUR)
    assert desk.released == [("a", True), ("b", False)]
    assert desk.calls[1].answered_at == -1
    assert len(desk.callbacks) == 0


@pytest.mark.parametrize(
    "dialled", ["+49301234567", "0049301234567", "49301234567", "0301234567", "0 030 1234567", "030/1234567"]
)
def test_the_number_is_known_however_it_is_dialled(dialled: str) -> None:
    desk = Desk()
    desk.missed("a", "+49 30 1234567")
    desk.callbacks.answered(dialled, MINUTE)
    assert desk.released == [("a", True)]


@pytest.mark.parametrize("dialled", ["+49401234567", "1234567", "0301234568", "100", "", "anonymous"])
def test_an_answer_of_somebody_else_serves_nobody(dialled: str) -> None:
    desk = Desk()
    desk.missed("a")
    desk.callbacks.answered(dialled, MINUTE)
    assert desk.released == []
    assert desk.waiting == ["a"]


def test_an_extension_is_called_back_by_its_own_number_alone() -> None:
    desk = Desk()
    desk.missed("a", "204")
    desk.callbacks.answered("0204", MINUTE)
    assert desk.waiting == ["a"]
    desk.callbacks.answered("204", MINUTE)
    assert desk.released == [("a", True)]


def test_who_called_three_times_in_vain_and_is_spoken_to_once_is_served() -> None:
    desk = Desk()
    for minute, name in enumerate("abc"):
        desk.missed(name, at=minute * MINUTE)
    assert [missed.redials for missed in desk.callbacks.waiting()] == [2, 1, 0]
    desk.callbacks.answered(ANNA, 3 * MINUTE)
    assert desk.released == [("a", True), ("b", True), ("c", True)]
    assert len(desk.callbacks) == 0


def test_they_are_released_oldest_first_however_they_are_spelt() -> None:
    desk = Desk()
    desk.missed("a", "0301234567")
    desk.missed("b", ANNA, MINUTE)
    desk.missed("c", "0301234567", 2 * MINUTE)
    desk.callbacks.answered(ANNA, 3 * MINUTE)
    assert desk.released == [("a", True), ("b", True), ("c", True)]


def test_who_was_called_back_and_calls_in_vain_again_waits_again() -> None:
    desk = Desk()
    desk.missed("a")
    desk.callbacks.answered(ANNA, MINUTE)
    desk.missed("b", at=2 * MINUTE)
    assert desk.waiting == ["b"]


def test_an_answer_does_not_serve_calls_that_began_after_it() -> None:
    desk = Desk(rings=3 * MINUTE)
    desk.callbacks.answered(ANNA, MINUTE)
    desk.missed("a", at=3 * MINUTE, began=2 * MINUTE)
    assert desk.waiting == ["a"]


def test_who_is_spoken_to_while_his_call_still_rings_elsewhere_is_served() -> None:
    """He hung up unseen and redialled, or somebody called him meanwhile: his first call is over later than the other."""
    desk = Desk(rings=3 * MINUTE)
    desk.callbacks.answered("0301234567", 90 * SECOND)
    desk.missed("a", at=2 * MINUTE, began=MINUTE)
    assert desk.released == [("a", True)]
    assert desk.calls[0].answered_at == 90 * SECOND


def test_nor_does_it_matter_which_of_the_two_is_reported_first() -> None:
    desk = Desk(late=32 * SECOND, rings=3 * MINUTE)
    desk.missed("a", at=2 * MINUTE, began=MINUTE)
    desk.callbacks.answered(ANNA, MINUTE + SECOND)
    assert desk.released == [("a", True)]


def test_an_answer_is_remembered_for_as_long_as_a_call_may_ring() -> None:
    for before, called_back in ((3 * MINUTE, True), (3 * MINUTE + 1, False)):
        desk = Desk(rings=3 * MINUTE)
        desk.callbacks.answered(ANNA, 10 * MINUTE - before)
        desk.missed("a", at=10 * MINUTE, began=MINUTE)
        desk.callbacks.finish(10 * MINUTE)
        assert desk.released == [("a", called_back)]


# In time


def test_an_answer_at_the_very_end_still_counts() -> None:
    desk = Desk(within=HOUR)
    desk.missed("a")
    desk.callbacks.advance(HOUR)
    assert desk.waiting == ["a"]
    desk.callbacks.answered(ANNA, HOUR)
    assert desk.released == [("a", True)]


def test_an_answer_a_nanosecond_later_does_not() -> None:
    desk = Desk(within=HOUR)
    desk.missed("a")
    desk.callbacks.answered(ANNA, HOUR + 1)
    assert desk.released == [("a", False)]


def test_only_those_are_served_whose_time_has_not_run_out() -> None:
    desk = Desk(within=HOUR)
    desk.missed("a")
    desk.missed("b", at=30 * MINUTE)
    desk.callbacks.answered(ANNA, 61 * MINUTE)
    assert desk.released == [("a", False), ("b", True)]


def test_whoever_waits_at_the_end_is_released_oldest_first() -> None:
    desk = Desk()
    desk.missed("a", BEN)
    desk.missed("b", ANNA, MINUTE)
    desk.missed("c", BEN, MINUTE)
    desk.callbacks.finish(2 * MINUTE)
    assert desk.released == [("a", False), ("b", False), ("c", False)]
    desk.callbacks.finish(2 * MINUTE)
    assert len(desk.released) == 3


# Attempts


def test_attempts_are_counted_with_the_time_of_the_last() -> None:
    desk = Desk()
    desk.missed("a")
    first = next(desk.callbacks.waiting())
    assert (first.number, first.dialled, first.at, first.attempts, first.last_attempt) == (ANNA, "100", 0, 0, -1)
    desk.callbacks.attempted("0301234567", MINUTE)
    desk.missed("b", at=2 * MINUTE)
    desk.callbacks.attempted("0049301234567", 3 * MINUTE)
    desk.callbacks.attempted(BEN, 4 * MINUTE)
    assert [(m.id, m.attempts, m.last_attempt) for m in desk.callbacks.waiting()] == [
        ("a", 2, 3 * MINUTE),
        ("b", 1, 3 * MINUTE),
    ]


def test_what_the_caller_tries_himself_is_told_apart_from_what_we_try() -> None:
    desk = Desk()
    desk.missed("a")
    desk.callbacks.redialled("0301234567", MINUTE)
    desk.missed("b", at=2 * MINUTE)
    desk.callbacks.attempted(ANNA, 3 * MINUTE)
    assert [(m.id, m.redials, m.last_redial, m.attempts, m.last_attempt) for m in desk.callbacks.waiting()] == [
        ("a", 2, 2 * MINUTE, 1, 3 * MINUTE),
        ("b", 0, -1, 1, 3 * MINUTE),
    ]


def test_what_was_over_before_the_call_was_is_no_attempt_since() -> None:
    desk = Desk(late=32 * SECOND, rings=3 * MINUTE)
    desk.missed("a", at=2 * MINUTE, began=MINUTE)
    desk.callbacks.attempted(ANNA, 119 * SECOND)
    desk.callbacks.redialled(ANNA, 119 * SECOND)
    assert [(missed.attempts, missed.redials) for missed in desk.callbacks.waiting()] == [(0, 0)]


def test_what_is_given_comes_back() -> None:
    record = object()
    given: list[Missed] = []
    callbacks = Callbacks(HOUR, "DE", lambda missed, _: given.append(missed))
    callbacks.missed(ANNA, "030 99", 0, "a", record)
    callbacks.finish(0)
    assert given[0].payload is record
    assert not hasattr(given[0], "__dict__")


# Who cannot be called back


@for_each(
    "number",
    ["anonymous", "Anonymous", "unavailable", "", " ", "restricted", "unknown", "Private", "asterisk", "0" * 60_000],
)
def test_who_left_no_number_never_waits(number: str) -> None:
    desk = Desk()
    assert not can_be_called(number)
    assert not desk.missed("a", number)
    desk.callbacks.finish(0)
    assert desk.released == []
    assert desk.callbacks.evicted == 0


# Bounds


def test_in_a_full_table_the_oldest_gives_way_and_is_counted() -> None:
    desk = Desk(limit=2)
    desk.missed("a", "204")
    desk.missed("b", "205")
    desk.missed("c", "206")
    assert desk.released == [("a", False)]
    assert desk.waiting == ["b", "c"]
    assert desk.callbacks.evicted == 1


def test_who_redials_all_day_pushes_out_no_one_but_himself() -> None:
    desk = Desk(limit=MAX_OF_ONE + 10)
    desk.missed("first", BEN)
    for number in range(MAX_OF_ONE + 50):
        desk.missed(str(number), ANNA, number)
    assert desk.callbacks.evicted == 50
    assert desk.released == [(str(number), False) for number in range(50)]
    assert len(desk.callbacks) == MAX_OF_ONE + 1


def test_numbers_made_to_collide_cost_no_more_than_a_few_comparisons() -> None:
    desk = Desk(late=MINUTE)
    for number in range(1500):
        desk.missed(str(number), f"+49{number:05}1234567", number)
        desk.callbacks.answered(f"+43{number:05}1234567", number)
    assert len(desk.callbacks) == 1500
    before = _parsed.cache_info()
    desk.callbacks.answered("+49000001234567", 1500)  # identical: found, however many are alike
    desk.missed("x", "+43014991234567", 1499)
    assert desk.released == [("0", True), ("x", True)]
    after = _parsed.cache_info()
    assert 0 < after.hits + after.misses - before.hits - before.misses < 250


def test_nothing_is_kept_of_who_is_gone() -> None:
    desk = Desk(limit=50, late=MINUTE)
    for number in range(500):
        desk.missed(str(number), f"+4930{number % 90:07}", number * SECOND)
        desk.callbacks.answered(f"+4930{number * 7 % 90:07}", number * SECOND)
    desk.callbacks.finish(24 * HOUR)
    assert len(desk.released) == 500
    assert (desk.callbacks._order, desk.callbacks._by_key) == ([], {})
    assert len(desk.callbacks.answers._order) == len(desk.callbacks.answers._by_key) == 0


def test_answers_are_remembered_as_far_as_there_is_room() -> None:
    desk = Desk(limit=3, late=MINUTE)
    for number in range(4):
        desk.callbacks.answered(f"+4930123456{number}", 10)
    desk.missed("a", "+49301234560", 5)
    desk.missed("b", "+49301234561", 5)
    assert desk.released == [("b", True)]
    assert desk.waiting == ["a"]


# Reports that come late


def test_who_got_through_before_the_missed_call_was_reported_is_served() -> None:
    desk = Desk(late=32 * SECOND)
    desk.callbacks.answered(ANNA, 103 * SECOND)
    assert desk.missed("a", "0301234567", 100 * SECOND)
    assert desk.missed("b", "0301234567", 104 * SECOND)
    assert desk.released == [("a", True)]
    assert desk.calls[0].answered_at == 103 * SECOND
    assert desk.waiting == ["b"]


def test_an_answer_is_remembered_for_as_long_as_a_report_may_take() -> None:
    for passed, called_back in ((32 * SECOND, True), (32 * SECOND + 1, False)):
        desk = Desk(late=32 * SECOND)
        desk.callbacks.answered(ANNA, MINUTE)
        desk.callbacks.advance(MINUTE + passed)
        desk.missed("a", ANNA, MINUTE)
        desk.callbacks.finish(2 * MINUTE)
        assert desk.released == [("a", called_back)]


def test_the_last_attempt_is_the_latest_and_not_the_last_reported() -> None:
    desk = Desk(late=32 * SECOND)
    desk.missed("a")
    desk.callbacks.attempted(ANNA, 20 * SECOND)
    desk.callbacks.attempted(ANNA, 10 * SECOND)
    assert [(missed.attempts, missed.last_attempt) for missed in desk.callbacks.waiting()] == [(2, 20 * SECOND)]


def test_an_answer_in_time_counts_although_it_is_reported_late() -> None:
    desk = Desk(within=HOUR, late=32 * SECOND)
    desk.missed("a")
    desk.callbacks.advance(HOUR + 32 * SECOND)
    desk.callbacks.answered(ANNA, HOUR)
    assert desk.released == [("a", True)]


def test_an_answer_out_of_time_does_not_count_while_late_reports_are_waited_for() -> None:
    desk = Desk(within=HOUR, late=32 * SECOND)
    desk.missed("a")
    desk.callbacks.answered(ANNA, HOUR + SECOND)
    desk.callbacks.attempted(ANNA, HOUR + 2 * SECOND)
    desk.callbacks.advance(HOUR + 33 * SECOND)
    assert desk.released == [("a", False)]
    assert desk.calls[0].attempts == 0


def test_missed_calls_wait_in_the_order_in_which_they_ended() -> None:
    desk = Desk(late=32 * SECOND)
    desk.missed("b", BEN, 20 * SECOND)
    desk.missed("a", ANNA, 10 * SECOND)
    assert desk.waiting == ["a", "b"]


# Whatever happens


class Event(NamedTuple):
    """``what`` happens to a number at ``at``, is reported at ``reported``, and lasted for ``lasted``."""

    what: str
    number: str
    at: int
    reported: int
    lasted: int = 0


SPELT = [ANNA, "0301234567", "0 030 1234567", BEN, "0401234567", "204", "anonymous"]


@st.composite
def events(draw: st.DrawFn, latest: int = 0) -> list[Event]:
    """Let things happen within a minute or so; each is reported ``latest`` seconds later at the most."""
    found = []
    for _ in range(draw(st.integers(1, 25))):
        at = draw(st.integers(0, 60)) * SECOND
        what = draw(st.sampled_from(["missed", "missed", "attempted", "redialled", "answered"]))
        reported, lasted = at + draw(st.integers(0, latest)) * SECOND, draw(st.integers(0, 30)) * SECOND
        found.append(Event(what, draw(st.sampled_from(SPELT)), at, reported, lasted))
    return sorted(found, key=lambda event: event.reported)


TICKS = st.lists(st.integers(0, 120).map(lambda second: second * SECOND), max_size=30).map(sorted)


def play(desk: Desk, happened: list[Event], ticks: list[int]) -> list[str]:
    """Report events with ticks in between; return who was taken."""
    due = list(ticks)
    taken = []
    for index, event in enumerate(happened):
        while due and due[0] <= event.reported:
            desk.callbacks.advance(due.pop(0))
        if event.what == "missed":
            if desk.missed(str(index), event.number, event.at, event.at - event.lasted):
                taken.append(str(index))
        elif event.what == "attempted":
            desk.callbacks.attempted(event.number, event.at)
        elif event.what == "redialled":
            desk.callbacks.redialled(event.number, event.at)
        else:
            desk.callbacks.answered(event.number, event.at)
    desk.callbacks.finish(happened[-1].reported)
    return taken


def told(desk: Desk) -> list[tuple[str, int, int, int, int, int]]:
    return [
        (one.id, one.attempts, one.last_attempt, one.redials, one.last_redial, one.answered_at) for one in desk.calls
    ]


@examples(300)
@given(events(), TICKS, st.integers(0, 30), st.integers(1, 6))
def test_idle_ticks_change_nothing(happened: list[Event], ticks: list[int], within: int, limit: int) -> None:
    """Law 1: whoever looks, and however often."""
    quiet, busy = (Desk(within * SECOND, limit=limit, rings=20 * SECOND) for _ in range(2))
    assert play(quiet, happened, []) == play(busy, happened, ticks)
    assert busy.released == quiet.released
    assert told(busy) == told(quiet)
    assert busy.callbacks.evicted == quiet.callbacks.evicted


@examples(300)
@given(events(latest=10), TICKS, st.integers(0, 30))
def test_idle_ticks_change_nothing_although_reports_come_late(
    happened: list[Event], ticks: list[int], within: int
) -> None:
    quiet, busy = (Desk(within * SECOND, late=10 * SECOND, rings=20 * SECOND) for _ in range(2))
    assert play(quiet, happened, []) == play(busy, happened, ticks)
    assert sorted(told(busy)) == sorted(told(quiet))


@examples(300)
@given(events(latest=10), TICKS, st.integers(0, 30))
def test_a_call_is_called_back_if_and_only_if_an_answer_came_in_time(
    happened: list[Event], ticks: list[int], within: int
) -> None:
    desk = Desk(within * SECOND, late=10 * SECOND, rings=20 * SECOND)
    taken = play(desk, happened, ticks)
    end = {ANNA: 1, "0301234567": 1, "0 030 1234567": 1, BEN: 2, "0401234567": 2, "204": 3}
    answers = [(end.get(event.number), event.at) for event in happened if event.what == "answered"]
    for name, called_back in desk.released:
        missed = happened[int(name)]
        rang = min(missed.lasted, 20 * SECOND)
        in_time = [
            at for who, at in answers if who == end[missed.number] and -rang <= at - missed.at <= within * SECOND
        ]
        assert called_back == bool(in_time)
    assert sorted(name for name, _ in desk.released) == sorted(taken)


@examples(300)
@given(events(), TICKS, st.integers(0, 30), st.integers(1, 6))
def test_each_missed_call_is_released_exactly_once_in_order_of_time(
    happened: list[Event], ticks: list[int], within: int, limit: int
) -> None:
    desk = Desk(within * SECOND, limit=limit)
    taken = play(desk, happened, ticks)
    assert sorted(name for name, _ in desk.released) == sorted(taken)
    assert len(desk.callbacks) == 0
    for called_back in (False, True):
        ended = [missed.at for missed, (_, back) in zip(desk.calls, desk.released, strict=True) if back == called_back]
        answered = [missed.answered_at for missed in desk.calls if missed.answered_at >= 0]
        assert answered == sorted(answered)
        assert called_back or ended == sorted(ended)
