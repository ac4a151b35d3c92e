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
    full is from before the hole, and still to be given.
    """

    __slots__ = ("_turned", "resumed")

    def __init__(self, turned: int) -> None:
        self._turned = turned
        self.resumed = 0

    def turn(self, turned: int) -> bool:
        """Take a turn, by a clock that nobody sets (ns); tell whether the loop had stood still."""
        stalled = turned - self._turned > STALL
        self._turned = turned
        return stalled

    def lost(self, packets: int, now: int) -> None:
        """Take how many packets a stall that ended ``now`` has cost; if it were any, mark the hole."""
        if packets:
            self.resumed = now

    def split(self, frames: list[Frame]) -> tuple[list[Frame], list[Frame]]:
        """Split frames in order of time into those before the hole and those behind it."""
        place = len(frames)
        while place and frames[place - 1][0] >= self.resumed:
            place -= 1
        return frames[:place], frames[place:]
