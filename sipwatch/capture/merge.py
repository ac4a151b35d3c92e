"""Frames of several inputs in the order of their times: each is held until nothing can come before it any more.

Must not know: where frames come from, clocks.
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING

from sipwatch.capture.tally import LATEST
from sipwatch.packet import SECOND

if TYPE_CHECKING:
    from sipwatch.capture.tally import Frame

MAX_HELD = 20_000  # frames; four times what comes in a quarter of a second at 20,000 a second
MAX_HELD_BYTES = 32 << 20
_SET_BACK = SECOND  # ns; a packet that is so far in the future is from before the clock was set back
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
        place = len(held)
        if not place or held[-1][0] <= now + _SET_BACK:  # else it would be held until the clock is there again
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


def _size(frames: list[Frame], start: int) -> int:
    """Return the bytes from a place on; of few frames, which cannot be too many, nothing."""
    if (len(frames) - start) << 16 <= MAX_HELD_BYTES:
        return 0
    return sum([len(frame[2]) for frame in frames[start:]])
