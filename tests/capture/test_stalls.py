"""Telling a loop that stood still from one that was busy, and what the stall lost."""

from __future__ import annotations

from sipwatch.capture.stalls import STALL, Stalls
from sipwatch.packet import SECOND


def test_a_turn_that_takes_long_is_a_stall_and_a_busy_one_is_none() -> None:
    stalls = Stalls(0, 0)
    assert not stalls.turn(STALL, STALL)
    assert stalls.turn(2 * STALL + 1, 2 * STALL + 1)
    assert not stalls.turn(2 * STALL + 2, 2 * STALL + 2)


def test_there_is_a_hole_only_where_the_stall_cost_something() -> None:
    stalls = Stalls(0, 0)
    stalls.lost(3, 8 * SECOND, 10 * SECOND)
    assert (stalls.since, stalls.resumed) == (8 * SECOND, 10 * SECOND)
    stalls.resumed = 0
    stalls.lost(0, 18 * SECOND, 20 * SECOND)
    assert stalls.resumed == 0


def test_a_machine_that_slept_has_missed_what_nobody_counted() -> None:
    stalls = Stalls(0, 0)
    assert stalls.turn(100 * SECOND, SECOND)
    stalls.lost(0, SECOND, 100 * SECOND)
    assert (stalls.since, stalls.resumed) == (SECOND, 100 * SECOND)


def test_a_stall_upon_a_stall_makes_one_hole() -> None:
    stalls = Stalls(0, 0)
    stalls.lost(3, 8 * SECOND, 10 * SECOND)
    stalls.lost(3, 12 * SECOND, 20 * SECOND)
    assert (stalls.since, stalls.resumed) == (8 * SECOND, 20 * SECOND)


def test_frames_are_split_where_it_went_on() -> None:
    stalls = Stalls(0, 0)
    stalls.lost(1, 0, 10)
    frames = [(time, 1, b"") for time in (8, 9, 10, 11)]
    assert stalls.split(frames) == (frames[:2], frames[2:])
    assert stalls.since == 9
