"""Whether the capture stood still and lost packets over it: a process that was stopped, a machine that slept.

Must not know: rings, what packets hold, what is made of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sipwatch.packet import SECOND

if TYPE_CHECKING:
    from sipwatch.capture.tally import Frame

STALL: Final = 2 * SECOND  # between two turns of the loop, which takes a tenth of one


class Stalls:
    """Told of each turn of the loop; knows of the hole that a stall left, until it has been passed.

    ``resumed`` is when the capture went on (ns since 1970), 0 while there is no hole. What the ring held when it was
    full is from before the hole, and still to be given; ``since`` is up to where it has been.
    """

    __slots__ = ("_awake", "_slept", "_turned", "resumed", "since")

    def __init__(self, turned: int, awake: int) -> None:
        """Begin at times (ns) by two clocks that nobody sets: the first counts on while the machine sleeps."""
        self._turned = turned
        self._awake = awake
        self._slept = False
        self.since = 0
        self.resumed = 0

    def turn(self, turned: int, awake: int) -> bool:
        """Take a turn, by the same clocks; tell whether the loop had stood still."""
        passed = turned - self._turned
        self._slept = passed - (awake - self._awake) > STALL
        self._turned, self._awake = turned, awake
        return passed > STALL

    def lost(self, packets: int, since: int, now: int) -> None:
        """Take how many packets a stall has cost which ended ``now``, all being given until ``since``.

        If it were any, or the machine slept, when packets came and nobody counted them, there is a hole.
        """
        if packets or self._slept:
            self.since = since if not self.resumed else self.since
            self.resumed = now

    def split(self, frames: list[Frame]) -> tuple[list[Frame], list[Frame]]:
        """Split frames in order of time into those before the hole and those behind it."""
        place = len(frames)
        while place and frames[place - 1][0] >= self.resumed:
            place -= 1
        if place:
            self.since = max(self.since, frames[place - 1][0])
        return frames[:place], frames[place:]
