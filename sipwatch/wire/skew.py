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
# Messages in a row that were written so long before one that came already: their clock was set back.
BEFORE: Final = SECOND
IN_A_ROW: Final = 3


class Skew:
    """The clock of one sender. ``offset`` is ours minus theirs, in ns, as measured: the way here is a part of it.

    It is the least of half a minute: whatever waits in a queue comes later, nothing comes sooner. After a silence the
    old measure stands until two newer spans have messages, because what comes first is what had piled up. A clock that
    is set forward is followed with the first message, since that seems to come sooner; one that is set back with the
    third, since what waits in a queue comes late, but not in the wrong order. Our own clock is one that nobody sets.
    """

    __slots__ = ("_before", "_latest", "_least", "_used", "heard", "offset")

    def __init__(self) -> None:
        self._least: list[tuple[int, int]] = []  # span, least offset in it
        self._used = 0  # what times are corrected by
        self._latest = 0  # time that was written
        self._before = 0  # so many in a row were written before that
        self.offset = 0
        self.heard = 0  # our time of the latest message

    def correct(self, arrival: int, sent: int) -> int:
        """Return the packet time, by our clock and in ns, of what was ``sent`` by theirs; it is not after arrival."""
        self.heard = arrival
        if sent >= self._latest - BEFORE:
            self._latest, self._before = max(self._latest, sent), 0
        else:
            self._before += 1
            if self._before >= IN_A_ROW:
                self._latest, self._before = sent, 0
                self._least.clear()
        self._measure(arrival // SPAN, arrival - sent)
        if abs(self.offset - self._used) > HYSTERESIS:
            self._used = self.offset
        return min(arrival, sent + self._used)

    @property
    def doubtful(self) -> bool:
        """Tell whether the latest message may be one of the first since their clock was set back."""
        return self._before > 0

    def _measure(self, span: int, offset: int) -> None:
        least = self._least
        if not least or span > least[-1][0]:
            least.append((span, offset))
            while len(least) > 2 and least[0][0] <= span - SPANS:
                del least[0]
        elif offset < least[-1][1]:
            least[-1] = (span, offset)
        else:
            return
        self.offset = min([each for _, each in least])
