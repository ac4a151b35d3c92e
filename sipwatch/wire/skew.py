"""How far another machine's clock is from ours, from the times that it writes and those at which we get them.

Must not know: HEP, clocks: both times are given.
"""

from __future__ import annotations

from typing import Final

from sipwatch.packet import MILLISECOND, SECOND

SPAN: Final = 5 * SECOND  # what one of the minima is of
SPANS: Final = 6  # a minimum counts for so many spans
# Clocks that NTP keeps, and the usual ways through a network, are not corrected: times stay as they were written.
HYSTERESIS: Final = 20 * MILLISECOND


class Skew:
    """The clock of one sender. ``offset`` is ours minus theirs, in ns, as measured: the way here is a part of it.

    It is the least of half a minute: whatever waits in a queue comes later, nothing comes sooner. After a silence the
    old measure stands until two newer spans have messages, because what comes first is what had piled up.
    """

    __slots__ = ("_least", "_used", "heard", "offset")

    def __init__(self) -> None:
        self._least: list[tuple[int, int]] = []  # span, least offset in it
        self._used = 0  # what times are corrected by
        self.offset = 0
        self.heard = 0  # our time of the latest message

    def correct(self, arrival: int, sent: int) -> int:
        """Return the packet time, by our clock and in ns, of what was ``sent`` by theirs; it is not after arrival."""
        self.heard = arrival
        self._measure(arrival // SPAN, arrival - sent)
        if abs(self.offset - self._used) > HYSTERESIS:
            self._used = self.offset
        return min(arrival, sent + self._used)

    def _measure(self, span: int, offset: int) -> None:
        least = self._least
        if least and span < least[-1][0]:
            least.clear()  # our clock was set back
        if not least or span > least[-1][0]:
            least.append((span, offset))
            while len(least) > 2 and least[0][0] <= span - SPANS:
                del least[0]
        elif offset < least[-1][1]:
            least[-1] = (span, offset)
        else:
            return
        self.offset = min([each for _, each in least])
