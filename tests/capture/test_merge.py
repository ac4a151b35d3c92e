"""Several inputs in the order of their times, within bounds."""

from __future__ import annotations

from random import Random

import pytest

from sipwatch.capture import merge
from sipwatch.capture.merge import Window
from sipwatch.capture.tally import LATEST

SECOND = 1_000_000_000
NOW = 1_767_603_600 * SECOND


def frame(at: int, data: bytes = b"") -> tuple[int, int, bytes]:
    return NOW + at, 1, data


def times(frames: list[tuple[int, int, bytes]]) -> list[int]:
    return [time - NOW for time, _, _ in frames]


def test_what_is_not_after_the_horizon_is_given_in_order_and_the_rest_is_held() -> None:
    window = Window()
    window.add([frame(5), frame(1)])
    window.add([frame(3), frame(4)])
    assert times(window.give(NOW + 3, NOW + 5)) == [1, 3]
    assert window.passed == NOW + 3
    window.add([frame(2)])
    assert times(window.give(NOW + 9, NOW + 9)) == [2, 4, 5], "late ones are the affair of who adds them"


def test_of_equal_times_the_first_input_comes_first() -> None:
    window = Window()
    window.add([frame(1, b"a")])
    window.add([frame(1, b"b")])
    assert [data for _, _, data in window.give(LATEST, NOW)] == [b"a", b"b"]


def test_time_that_has_passed_without_frames_has_passed() -> None:
    window = Window()
    window.give(NOW, NOW)
    window.give(NOW - 5, NOW)
    assert window.passed == NOW


def test_all_at_once_passes_only_what_was_given() -> None:
    window = Window()
    window.add([frame(7)])
    window.give(LATEST, NOW + 7)
    assert window.passed == NOW + 7


def test_a_frame_from_the_future_came_by_now() -> None:
    window = Window()
    window.add([frame(3600 * SECOND, b"b"), frame(1), frame(SECOND + 1)])
    assert times(window.give(NOW, NOW + 1)) == []
    assert times(window.give(NOW + 1, NOW + 1)) == [1, 1]
    assert window.passed == NOW + 1
    assert times(window.give(LATEST, NOW + SECOND + 1)) == [SECOND + 1]


@pytest.mark.parametrize("bound", ["frames", "bytes"])
def test_more_than_may_be_held_is_given_before_its_time(bound: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merge, "MAX_HELD" if bound == "frames" else "MAX_HELD_BYTES", 100)
    window = Window()
    order = list(range(101))
    Random(1).shuffle(order)
    window.add([frame(at, b"xx") for at in order])
    given = times(window.give(NOW - 1, NOW))
    assert given == list(range(51))
    assert window.passed == NOW + 50, "what comes from before that is late"
