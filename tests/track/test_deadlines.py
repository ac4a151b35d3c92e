"""When the timers of a leg's state are due."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sipwatch.packet import SECOND
from sipwatch.track.deadlines import TIMERS_OF, due_of
from sipwatch.track.events import LegBegun
from sipwatch.track.table import TIMERS, Since, State
from sipwatch.track.timers import NEVER
from tests.conversation import Observed, messages, nanoseconds

if TYPE_CHECKING:
    from sipwatch.track.leg import Leg

FAILED = "0 A>P INVITE\n1 P>A 100\n2 P>A 180\n3 P>A 181\n4 A>P CANCEL\n5 P>A 487\n6 A>P ACK"


def leg_of(script: str) -> Leg:
    observed = Observed()
    for message in messages(script):
        observed.message(message)
    return next(event.leg for event in observed.events if isinstance(event, LegBegun))


@pytest.mark.parametrize(
    ("since", "seconds"),
    [(Since.INVITE, "0"), (Since.TRYING, "1"), (Since.ALERT, "2"), (Since.PROVISIONAL, "3"), (Since.CANCEL, "4"),
     (Since.FINAL, "5"), (Since.ACTIVITY, "6")],
)  # fmt: skip
def test_a_timer_runs_from_what_was_seen(since: Since, seconds: str) -> None:
    timer = TIMERS[0]._replace(since=since, delay=SECOND, raises=None)
    assert due_of(leg_of(FAILED), timer) == nanoseconds(seconds) + SECOND


def test_a_condition_is_raised_once_for_each_leg() -> None:
    leg = leg_of("0 A>P INVITE")
    (timer,) = [timer for timer in TIMERS_OF[State.CALLING] if timer.raises is not None][:1]
    assert due_of(leg, timer) < NEVER
    assert timer.raises is not None
    leg.raise_condition(timer.raises, nanoseconds("3"))
    assert due_of(leg, timer) == NEVER


def test_each_timer_belongs_to_one_state() -> None:
    assert sorted(map(TIMERS.index, [timer for timers in TIMERS_OF for timer in timers])) == list(range(len(TIMERS)))
