"""Another machine's clock, measured by its messages: the fastest way here decides, queues do not, NTP is left alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipwatch.packet import MILLISECOND, SECOND
from sipwatch.wire.skew import HYSTERESIS, SPAN, SPANS, Skew

NOW = 1_767_603_600 * SECOND
HOUR = 3600 * SECOND


def heard(clock: Skew, *messages: tuple[int, int], ahead: int = 0) -> list[int]:
    """Let messages come in: when each was sent, by a right clock, and how long it took. Return how wrong each time is."""
    return [clock.correct(NOW + sent + took, NOW + sent + ahead) - (NOW + sent) for sent, took in messages]


def test_a_clock_that_is_right_leaves_every_time_as_it_was_written() -> None:
    clock = Skew()
    assert heard(clock, (0, 3 * MILLISECOND), (SECOND, 90 * MILLISECOND), (2 * SECOND, MILLISECOND)) == [0, 0, 0]
    assert clock.offset == MILLISECOND


@pytest.mark.parametrize("ahead", [HOUR, -HOUR, 300 * MILLISECOND, -300 * MILLISECOND])
def test_a_clock_that_is_wrong_is_corrected_from_the_first_message_on(ahead: int) -> None:
    clock = Skew()
    assert heard(clock, (0, MILLISECOND), (SECOND, MILLISECOND), ahead=ahead) == [MILLISECOND, MILLISECOND]
    assert clock.offset == MILLISECOND - ahead


def test_what_waits_in_a_queue_does_not_change_the_measure() -> None:
    clock = Skew()
    heard(clock, (0, MILLISECOND), ahead=HOUR)
    for second in range(1, 60):
        (wrong,) = heard(clock, (second * SECOND, second % 7 * 100 * MILLISECOND + MILLISECOND), ahead=HOUR)
        assert wrong == MILLISECOND


def test_a_backlog_at_the_beginning_is_forgotten_as_soon_as_something_comes_straight() -> None:
    clock = Skew()
    backlog = [(second * SECOND, (10 - second) * SECOND) for second in range(11)]
    wrong = heard(clock, *backlog)
    assert wrong[0] == 10 * SECOND
    assert wrong[-1] == 0
    assert heard(clock, (11 * SECOND, 5 * SECOND)) == [0]


def test_a_backlog_after_a_silence_does_not_change_the_measure() -> None:
    clock = Skew()
    heard(clock, (0, MILLISECOND))
    backlog = [(600 * SECOND + at * MILLISECOND, 3 * SECOND) for at in range(100)]
    assert heard(clock, *backlog) == [0] * 100


def test_a_clock_that_is_set_forward_is_followed_at_once() -> None:
    clock = Skew()
    heard(clock, (0, 0), (SECOND, 0))
    assert heard(clock, (2 * SECOND, 0), ahead=HOUR) == [0]
    assert clock.offset == -HOUR


def test_a_clock_that_is_set_back_is_followed_once_the_old_measure_has_run_out() -> None:
    clock = Skew()
    heard(clock, (0, 0), ahead=HOUR)
    span = SPAN // SECOND
    wrong = [heard(clock, (second * SECOND, 0))[0] for second in range(1, (SPANS + 2) * span)]
    assert wrong[0] == -HOUR
    assert wrong[-1] == 0
    assert wrong.index(0) <= (SPANS + 1) * span


def test_a_slow_drift_below_the_threshold_changes_nothing_and_above_it_once() -> None:
    clock = Skew()
    wrong = {second: heard(clock, (second * SECOND, 0), ahead=second * MILLISECOND)[0] for second in range(25)}
    assert wrong[15] == 0  # capped: no time is after arrival
    assert wrong[22] == 0
    assert clock._used == -21 * MILLISECOND
    assert abs(clock.offset) > HYSTERESIS


def test_our_own_clock_set_back_begins_anew() -> None:
    clock = Skew()
    clock.correct(NOW, NOW)
    assert clock.correct(NOW - HOUR, NOW) == NOW - HOUR
    assert clock.correct(NOW - HOUR + SECOND, NOW + SECOND) == NOW - HOUR + SECOND


@given(st.lists(st.tuples(st.integers(0, 2**62), st.integers(0, 2**62)), max_size=40))
def test_no_time_is_after_arrival(times: list[tuple[int, int]]) -> None:
    clock = Skew()
    for arrival, sent in times:
        assert clock.correct(arrival, sent) <= arrival
        assert len(clock._least) <= SPANS + 1
