"""How many series of figures there may be, over all pairs of peers; what is beyond that is counted together.

Must not know: what is counted, or what a peer is.
"""

from __future__ import annotations

from typing import Final

from sipwatch.budget import DEFAULT_BUDGET

SERIES: Final = 600  # bytes that one series takes: labels, figure, latest call, its line as it is served
OTHER: Final = "other"  # the name of all peers that have no series of their own, and of what is in no list


class SeriesRoom:
    """Room for ``most`` series.

    Once full it stays so, and what would begin a series is counted with the series of ``OTHER`` from then on: the
    same figure never moves from one to another, so that counters only grow and their sums stay right. ``folded``
    counts how often that was done.
    """

    __slots__ = ("folded", "full", "most", "taken")

    def __init__(self, most: int = DEFAULT_BUDGET.series // SERIES) -> None:
        self.most = most
        self.taken = self.folded = 0
        self.full = False

    def take(self, number: int = 1) -> bool:
        """Take room for so many series, if there is any."""
        if self.full or self.taken + number > self.most:
            self.full = True
            self.folded += 1
            return False
        self.taken += number
        return True
