"""The clock on the wall beside packet time, which goes on evenly when that clock is set: what people read is by it.

Must not know: any clock; by how much it was set is told.
"""

from __future__ import annotations


class Wall:
    """``ahead`` is by how much the clock on the wall is ahead of packet time, in ns: 0 as long as nobody has set it.

    One for whoever writes down a moment, or judges it by the time of day: each moment by the clock as it is now, also
    one from before it was set. Durations, and what calls are told apart by, stay in packet time.
    """

    __slots__ = ("ahead",)

    def __init__(self) -> None:
        self.ahead = 0

    def stepped(self, by: int) -> None:
        """Take it that the clock was set forward by so much (ns), back below 0."""
        self.ahead += by

    def time(self, moment: int) -> int:
        """Return what the clock on the wall shows at a moment of packet time (both in ns since 1970)."""
        return moment + self.ahead
