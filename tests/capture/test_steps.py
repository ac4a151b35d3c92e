"""Telling steps of the wall clock from slewing, and what a stamp means beside one; a pipe's clock that is set back."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from sipwatch.capture.steps import EARLY, MOST_EARLY, STEP, SetBack, Steps
from tests.capture.clocks import SECOND, START, Clocks

if TYPE_CHECKING:
    from sipwatch.capture.tally import Frame

HOUR = 3600 * SECOND
DAY = 24 * HOUR
TURN = SECOND // 10


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    return Clocks().rule(monkeypatch)


def looked(steps: Steps, clocks: Clocks, seconds: float, turn: int = TURN) -> list[int]:
    """Look each turn for so long; return the steps that were seen."""
    found = []
    for _ in range(round(seconds * SECOND) // turn):
        clocks.go(turn)
        found.append(steps.look())
    return [by for by in found if by]


def frames(*stamps: int) -> list[Frame]:
    return [(stamp, 1, b"") for stamp in stamps]


def times(steps: Steps, *stamps: int, drained: int = 0) -> list[int]:
    return [moment for moment, _, _ in steps.corrected(0, frames(*stamps), drained)]


@pytest.mark.parametrize("by", [HOUR, -HOUR, DAY, -DAY, STEP + 1, -STEP - 1])
def test_a_step_is_told_once_and_time_goes_on_evenly(clocks: Clocks, by: int) -> None:
    steps = Steps(1)
    assert looked(steps, clocks, 5) == []
    clocks.set_by += by
    assert steps.now() == clocks.now, "before anybody has looked as well"
    assert looked(steps, clocks, 5) == [by]
    assert steps.now() == clocks.now
    assert steps.ahead == by


def test_a_clock_that_is_put_right_again_is_ahead_by_nothing(clocks: Clocks) -> None:
    steps = Steps(1)
    for by in (HOUR, -HOUR):
        clocks.set_by += by
        assert looked(steps, clocks, 1) == [by]
    assert steps.ahead == 0


@pytest.mark.parametrize("ppm", [500, -500])
def test_slewing_for_a_day_is_no_step_and_packet_time_follows(clocks: Clocks, ppm: float) -> None:
    clocks.ppm = ppm
    steps = Steps(1)
    assert looked(steps, clocks, DAY / SECOND, SECOND) == []
    assert abs(clocks.set_by) == 43_200_000_000, "by how much it was slewed"
    assert steps.ahead == 0
    assert steps.now() == clocks.wall


@pytest.mark.parametrize("ppm", [90_000, -90_000])
def test_nor_is_that_of_chrony_which_is_in_a_hurry(clocks: Clocks, ppm: float) -> None:
    clocks.ppm = ppm
    steps = Steps(1)
    assert looked(steps, clocks, 1000) == []
    assert steps.now() == clocks.wall


def test_what_is_set_by_little_is_followed(clocks: Clocks) -> None:
    steps = Steps(1)
    for _ in range(100):
        clocks.set_by += SECOND // 10
        assert looked(steps, clocks, 10) == []
    assert steps.now() == clocks.wall


@pytest.mark.parametrize("by", [SECOND * 3 // 10, -SECOND * 3 // 10])
def test_many_that_are_small_make_one_that_is_not(clocks: Clocks, by: int) -> None:
    steps = Steps(1)
    found: list[int] = []
    for _ in range(20):
        clocks.set_by += by
        found += looked(steps, clocks, 1)
    assert len(found) > 3
    assert 0 < sum(found) / by <= 20
    assert abs(steps.now() - clocks.now) < STEP + 25 * SECOND // 10, "what is slewed in twenty seconds, and no more"


def test_a_leap_second_is_a_step(clocks: Clocks) -> None:
    steps = Steps(1)
    clocks.set_by -= SECOND
    assert looked(steps, clocks, 10) == [-SECOND]


def test_a_machine_that_slept_has_not_set_its_clock(clocks: Clocks) -> None:
    steps = Steps(1)
    clocks.go(8 * HOUR)
    clocks.slept += 8 * HOUR
    assert steps.look() == 0
    assert steps.now() == clocks.now


def test_a_process_that_was_stopped_between_two_readings_sees_no_step(
    clocks: Clocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = Steps(1)
    stops = [5 * SECOND, 7 * SECOND]

    def read() -> int:
        if stops:
            clocks.go(stops.pop())
        return clocks.wall

    monkeypatch.setattr(time, "time_ns", read)
    assert steps.look() == 0
    assert stops == []
    assert steps.now() == clocks.now


def test_it_looks_five_times_at_clocks_that_are_slow_to_read_and_takes_the_best(
    clocks: Clocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = Steps(1)
    read: list[int] = []

    def slow() -> int:
        clocks.go(20_000_000 - len(read))
        read.append(clocks.wall)
        return read[-1]

    monkeypatch.setattr(time, "time_ns", slow)
    assert steps.look() == 0
    assert len(read) == 5
    assert abs(steps.now() - clocks.now) < 20_000_000


@pytest.mark.parametrize("by", [HOUR, -HOUR, SECOND, -SECOND])
def test_stamps_of_both_sides_of_a_step_mean_what_they_meant(clocks: Clocks, by: int) -> None:
    steps = Steps(1)
    steps.corrected(0, [], START - 3 * TURN)
    clocks.go(TURN // 2)
    before = clocks.wall
    clocks.set_by += by
    clocks.go(TURN // 2)
    assert steps.look() == by
    assert times(steps, START, before, clocks.wall - 1, before) == [START, before, clocks.now - 1, before]


def test_after_a_step_has_passed_all_stamps_are_by_the_new_clock(clocks: Clocks) -> None:
    steps = Steps(1)
    clocks.set_by += HOUR
    looked(steps, clocks, 1)
    assert times(steps, START, drained=clocks.now) == [START]
    assert times(steps, START + HOUR + 1) == [START + 1]


def test_one_input_that_was_read_does_not_speak_for_the_other(clocks: Clocks) -> None:
    steps = Steps(2)
    clocks.set_by += HOUR
    looked(steps, clocks, 1)
    steps.corrected(0, [], clocks.now)
    assert [moment for moment, _, _ in steps.corrected(1, frames(START), 0)] == [START]


def test_a_stamp_that_makes_no_sense_is_of_now_or_as_old_as_it_says(clocks: Clocks) -> None:
    steps = Steps(1)
    clocks.set_by += HOUR
    looked(steps, clocks, 1)
    steps.corrected(0, [], clocks.now)
    clocks.set_by += HOUR
    looked(steps, clocks, 1)
    assert times(steps, clocks.wall - DAY) == [clocks.wall - DAY - HOUR], "the nearest that it can mean"
    assert times(steps, clocks.wall + DAY) == [clocks.now]


def test_without_a_step_frames_are_given_as_they_are(clocks: Clocks) -> None:
    steps = Steps(1)
    given = frames(START, START + DAY)
    assert steps.corrected(0, given, START) is given


def test_steps_without_end_are_no_memory_without_end(clocks: Clocks) -> None:
    """No input is ever read to its end."""
    steps = Steps(1)
    for _ in range(1000):
        clocks.set_by += HOUR
        assert looked(steps, clocks, 0.1) == [HOUR]
    assert len(steps._sides) <= 16
    assert times(steps, clocks.wall) == [clocks.now]


# Another machine's clock


def taken(clock: SetBack, *packets: tuple[float, float]) -> list[tuple[int, int]]:
    """Take packets, each with its time and when it was read (seconds); return the steps that were seen, and at which."""
    found = []
    for place, (at, read) in enumerate(packets):
        by = clock.taken(START + round(at * SECOND) - clock.ahead, round(read * SECOND))
        if by:
            found.append((place, by))
    return found


def test_packets_that_stay_early_are_of_a_clock_that_was_set_back() -> None:
    """It is told by what was to be expected: two seconds after 10 came 12, and not an hour before."""
    clock = SetBack()
    assert taken(clock, (0, 0), (10, 10), (12 - 3600, 12), (12.5 - 3600, 12.5), (13 - 3600, 13)) == [(4, -HOUR)]
    assert clock.ahead == -HOUR
    assert taken(clock, (14 - 3600, 14), (20 - 3600, 20)) == []


def test_many_at_once_need_not_last_a_second() -> None:
    clock = SetBack()
    early = [(20 - 3600 + n / 1000, 20) for n in range(20)]
    assert taken(clock, (20, 20), *early) == [(MOST_EARLY, -HOUR)]


@pytest.mark.parametrize("early", [1.0, EARLY / SECOND])
def test_disorder_is_no_step(early: float) -> None:
    clock = SetBack()
    assert taken(clock, *[(n - early * (n % 2), n) for n in range(100)]) == []
    assert taken(clock, (100, 100), *[(100 - early, 100 + n) for n in range(5)]) == []


def test_what_comes_very_late_among_others_is_no_step() -> None:
    clock = SetBack()
    mixed = [(n if n % 5 else n - 60, n) for n in range(100)]
    assert taken(clock, *[(float(at), float(read)) for at, read in mixed]) == []


def test_one_packet_alone_proves_nothing() -> None:
    clock = SetBack()
    assert taken(clock, (100, 100), (10, 100), (160, 160), (100, 200)) == []


def test_a_clock_that_goes_forward_cannot_be_told_from_a_silence_and_back_again_can() -> None:
    clock = SetBack()
    assert taken(clock, (0, 0), (3601, 1), (3602, 2)) == []
    assert taken(clock, (3, 3), (4, 4)) == [(1, -HOUR)]
