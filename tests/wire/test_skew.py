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


@pytest.mark.parametrize("pace", [SECOND // 100, SECOND, 20 * SECOND])
def test_a_clock_that_is_set_back_is_followed_with_the_third_message(pace: int) -> None:
    clock = Skew()
    before = [clock.correct(NOW - (9 - n) * pace, NOW - (9 - n) * pace + HOUR) for n in range(9)]
    assert before == [NOW - (9 - n) * pace for n in range(9)]
    after = [clock.correct(NOW + n * pace, NOW + n * pace) - NOW for n in range(6)]
    assert after[0] == -HOUR
    assert after[2:] == [n * pace for n in range(2, 6)]
    assert clock.offset == 0


def test_one_that_is_set_back_by_less_than_passes_between_two_messages_is_followed_when_the_old_measure_has_run_out() -> (
    None
):
    """Nothing comes in the wrong order then: it may as well be a queue."""
    clock = Skew()
    heard(clock, (0, 0), ahead=2 * SECOND)
    span = SPAN // SECOND
    wrong = {second: heard(clock, (second * SECOND, 0))[0] for second in range(span, (SPANS + 2) * span, span)}
    assert wrong[span] == -2 * SECOND
    assert wrong[(SPANS + 1) * span] == 0


def test_messages_that_come_in_disorder_change_nothing() -> None:
    clock = Skew()
    heard(clock, (0, 0), (10 * SECOND, 0))
    for second in range(11, 60):
        assert heard(clock, (second * SECOND, 0), ((second - 8) * SECOND, 8 * SECOND)) == [0, 0]
        assert clock.offset == 0


def test_a_backlog_on_another_connection_of_the_same_sender_is_soon_forgotten() -> None:
    """It looks as if the clock was set back, until something comes straight."""
    clock = Skew()
    heard(clock, (0, 0), (10 * SECOND, 0))
    late = heard(clock, *[((5 + n) * SECOND // 2, (11 - n) * SECOND // 2) for n in range(5)])
    assert late[:2] == [0, 0]
    assert heard(clock, (11 * SECOND, 0)) == [0]
    assert clock.offset == 0


def test_a_slow_drift_below_the_threshold_changes_nothing_and_above_it_once() -> None:
    clock = Skew()
    wrong = {second: heard(clock, (second * SECOND, 0), ahead=second * MILLISECOND)[0] for second in range(25)}
    assert wrong[15] == 0  # capped: no time is after arrival
    assert wrong[22] == 0
    assert clock._used == -21 * MILLISECOND
    assert abs(clock.offset) > HYSTERESIS


@given(st.lists(st.tuples(st.integers(0, 2**62), st.integers(0, 2**62)), max_size=40))
def test_no_time_is_after_arrival(times: list[tuple[int, int]]) -> None:
    clock = Skew()
    for arrival, sent in times:
        assert clock.correct(arrival, sent) <= arrival
        assert len(clock._least) <= SPANS + 1
