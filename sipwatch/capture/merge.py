"""Frames of several inputs in the order of their times: each is held until nothing can come before it any more.

Must not know: where frames come from, clocks.
"""

from __future__ import annotations

from bisect import bisect_right
from operator import itemgetter
from typing import TYPE_CHECKING

from sipwatch.capture.tally import LATEST
from sipwatch.packet import SECOND

if TYPE_CHECKING:
    from sipwatch.capture.tally import Frame

MAX_HELD = 20_000  # frames; four times what comes in a quarter of a second at 20,000 a second
MAX_HELD_BYTES = 32 << 20
_AHEAD = SECOND  # ns; a packet that is from so far in the future was stamped by a clock that was wrong for a moment
_by_time = itemgetter(0)


class Window:
    """What is held. ``passed`` is the time up to which all has been given: what is from before comes too late."""

    __slots__ = ("_held", "passed")

    def __init__(self) -> None:
        self._held: list[Frame] = []
        self.passed = 0

    def add(self, frames: list[Frame]) -> None:
        """Hold frames, in whatever order."""
        self._held += frames

    def give(self, horizon: int, now: int) -> list[Frame]:
        """Give what is not after ``horizon``, in order; ``LATEST`` gives all. ``now`` is the time, both in ns.

        What is more than may be held is given before its time.
        """
        held = self._held
        held.sort(key=_by_time)  # stable: equal times stay in the order of the inputs
        if held and held[-1][0] > now + _AHEAD:
            held = _by_now(held, now)
        place = len(held)
        while place and held[place - 1][0] > horizon:
            place -= 1
        if len(held) - place > MAX_HELD or _size(held, place) > MAX_HELD_BYTES:
            place = (place + len(held) + 1) // 2
        given, self._held = held[:place], held[place:]
        if given:
            self.passed = max(self.passed, given[-1][0])
        if horizon != LATEST:
            self.passed = max(self.passed, horizon)
        return given


def _by_now(frames: list[Frame], now: int) -> list[Frame]:
    """Take it that what is from the future came now: it would else take the time with it."""
    place = bisect_right(frames, now + _AHEAD, key=_by_time)
    here = [(now, link_type, data) for _, link_type, data in frames[place:]]
    return sorted([*frames[:place], *here], key=_by_time)


def _size(frames: list[Frame], start: int) -> int:
    """Return the bytes from a place on; of few frames, which cannot be too many, nothing."""
    if (len(frames) - start) << 16 <= MAX_HELD_BYTES:
        return 0
    return sum([len(frame[2]) for frame in frames[start:]])
