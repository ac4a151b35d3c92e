"""Telling a loop that stood still from one that was busy, and what the stall lost."""

from __future__ import annotations

from sipwatch.capture.stalls import STALL, Stalls
from sipwatch.packet import SECOND


def test_a_turn_that_takes_long_is_a_stall_and_a_busy_one_is_none() -> None:
    stalls = Stalls(0)
    assert not stalls.turn(STALL)
    assert stalls.turn(2 * STALL + 1)
    assert not stalls.turn(2 * STALL + 2)


def test_there_is_a_hole_only_where_the_stall_cost_something() -> None:
    stalls = Stalls(0)
    stalls.lost(3, 10 * SECOND)
    assert stalls.resumed == 10 * SECOND
    stalls.resumed = 0
    stalls.lost(0, 20 * SECOND)
    assert stalls.resumed == 0


def test_frames_are_split_where_it_went_on() -> None:
    stalls = Stalls(0)
    stalls.lost(1, 10)
    frames = [(time, 1, b"") for time in (8, 9, 10, 11)]
    assert stalls.split(frames) == (frames[:2], frames[2:])
