"""The INVITE table is total, and its timers and resolutions are complete."""

from __future__ import annotations

from itertools import product

import pytest

from sipwatch.track.conditions import Condition, Resolution
from sipwatch.track.table import OPEN, RESOLVED_BY, RESPONSE_INPUT, TABLE, TIMERS, Input, State
from sipwatch.track.timers import Timers


def test_every_state_has_an_answer_to_every_input() -> None:
    """Law 5: total over state x input."""
    assert len(TABLE) == len(State)
    assert all(len(row) == len(Input) for row in TABLE)
    assert all(isinstance(TABLE[state][given], State) for state, given in product(State, Input))


def test_an_early_leg_never_goes_back() -> None:
    """A late 100 does not undo a 180."""
    early = (Input.TRYING, Input.PROGRESS, Input.ALERT)
    for state in (State.CALLING, State.TRYING, State.PROGRESSING, State.ALERTED):
        assert all(TABLE[state][given] >= state for given in early)


def test_every_open_state_ends_by_its_timers_alone() -> None:
    """Silence ends every leg: from each state but TERMINATED some timer gives an input that leads on."""
    for state in State:
        ways = [t for t in TIMERS if t.state is state and t.gives is not None and TABLE[state][t.gives] is not state]
        assert bool(ways) == (state is not State.TERMINATED), state.name


def test_terminated_is_final() -> None:
    """Nothing brings a leg back whose verdict has fallen."""
    assert set(TABLE[State.TERMINATED]) == {State.TERMINATED}


def test_no_provisional_response_reopens_a_leg() -> None:
    """From ACCEPTED, COMPLETED and CONFIRMED no way leads back to an open state."""
    for state, given in product(set(State) - OPEN, Input):
        assert TABLE[state][given] not in OPEN


@pytest.mark.parametrize(
    ("code", "given"),
    [
        (100, Input.TRYING), (101, Input.PROGRESS), (180, Input.ALERT), (181, Input.PROGRESS),
        (182, Input.PROGRESS), (183, Input.ALERT), (199, Input.PROGRESS), (200, Input.SUCCESS),
        (299, Input.SUCCESS), (300, Input.FAILURE), (699, Input.FAILURE),
    ],
)  # fmt: skip
def test_a_status_code_is_an_input(code: int, given: Input) -> None:
    """OUTCOMES §2: what `heard` means by each."""
    assert RESPONSE_INPUT[code] is given


def test_every_condition_can_be_raised_and_resolved() -> None:
    """Conditions by timer are in the timer table; each knows how the end of the capture resolves it."""
    assert {t.raises for t in TIMERS if t.raises} == set(Condition) - {Condition.ACK_MISSING, Condition.BYE_UNANSWERED}
    assert set(RESOLVED_BY) == set(Condition)
    assert all(ways[Input.END] is Resolution.CAPTURE_END for ways in RESOLVED_BY.values())


def test_configurable_delays_are_named_as_in_the_configuration() -> None:
    """A timer's delay is a number or an attribute of Timers."""
    timers = Timers()
    assert all(isinstance(t.delay, int) or getattr(timers, t.delay) > 0 for t in TIMERS)


def test_the_lower_bound_for_looking_again_is_below_every_delay() -> None:
    """The queue may look too early, never too late."""
    timers = Timers(no_response_after=7, slow_progress_after=9, no_progress_after=8, no_answer_after=6)
    assert timers.shortest == 6
