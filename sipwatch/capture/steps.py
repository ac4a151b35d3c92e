"""Steps of the wall clock while we watch: told from slewing, counted out of the packets' times, so that time goes on.

Must not know: rings, what packets hold, what is made of it. Beside ``live`` this is where clocks are read (Law 1).
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, NamedTuple

from sipwatch.packet import MILLISECOND, SECOND

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sipwatch.capture.tally import Frame

# What is set by more is stepped: time servers step from 0.128 s on, and a leap second is one of a second. What is less
# is lived with: no deadline is off by more.
STEP: Final = SECOND // 2
# What goes slower than this is slewed: adjtime() goes at 1/2000, chrony at 1/12 if it must. On Linux the clock that
# counts from boot is slewed as well (clock_gettime(2)), so that the two part by steps alone; elsewhere it need not be.
_SLEWED: Final = 10
_STALL: Final = SECOND  # between two looks; then a step may have come long before it is seen
_NEAR: Final = 20 * MILLISECOND  # by so much two readings of the clocks may disagree
_AT_ONCE: Final = MILLISECOND  # between two readings of one clock that belong together
_TRIES: Final = 5
_MOST_SIDES: Final = 16
EARLY: Final = 5 * SECOND  # before the latest packet; who writes from several interfaces writes in disorder, but not so
MOST_EARLY: Final = 8  # in a row, or fewer in a second


class _Side(NamedTuple):
    """A time between two steps: by how much its stamps are ahead of packet time, and which times they can mean."""

    ahead: int
    start: int
    end: int


class Steps:
    """Packet time beside the wall clock: it goes on evenly when that is stepped, and follows it when it is slewed.

    ``ahead`` is the sum of all steps: by how much the wall clock is ahead of packet time (ns). The steps are told by
    the clock that counts from boot, also while the machine sleeps, and that nobody sets.
    """

    __slots__ = ("_base", "_last", "_looked", "_reached", "_sides", "_stalled", "_start", "_usual", "ahead")

    def __init__(self, inputs: int = 0) -> None:
        """Packets come from so many ``inputs``, each with a queue of its own that is read in order."""
        self.ahead = 0
        self._looked, wall = _clocks()
        self._usual = wall - self._looked  # what the two clocks differ by; it follows at the pace of slewing
        self._base = self._usual  # what packet time and time since boot differ by
        self._start = 0  # which packet time the first stamps since the latest step can mean
        self._sides: list[_Side] = []  # of before, while there may be stamps from then
        self._stalled = False  # when the latest step came
        self._reached = [0] * inputs  # what of each input is from before that has been read
        self._last = [0] * inputs  # time of the latest packet of each

    def now(self) -> int:
        """Return the packet time of now, in ns; a step that nobody has looked at yet is not in it."""
        return since_boot() + self._base

    def look(self) -> int:
        """Look at the clocks; return by how much the wall clock was stepped since the last look (ns), mostly 0.

        To be called after packets were read and before their times are used: no stamp is then from after the look.
        """
        boot, wall = _clocks()
        before, since = self._looked, boot - self._looked
        self._looked = boot
        moved = wall - boot - self._usual
        if abs(moved) <= STEP:
            slewed = since // _SLEWED
            self._usual += max(-slewed, min(slewed, moved))
            self._base = wall - boot - self.ahead
            return 0
        self._stalled = since > _STALL
        self._usual += moved
        bases = (self._base, self._usual - self.ahead - moved)  # the same but for what was set by less than a step
        self._base = bases[1]
        self._sides.append(_Side(self.ahead, self._start, boot + max(bases)))
        del self._sides[:-_MOST_SIDES]
        self.ahead += moved
        self._start = before + min(bases)
        return moved

    def corrected(self, place: int, frames: list[Frame], drained: int) -> list[Frame]:
        """Return frames of an input, stamped by the wall clock, with packet times; some may be from before a step.

        ``drained`` is the packet time before which there is nothing left to be read of it, 0 where more waits.
        """
        if self._sides:
            frames = [(self._meant(place, stamp), link, data) for stamp, link, data in frames]
        elif self.ahead:
            ahead = self.ahead
            frames = [(stamp - ahead, link, data) for stamp, link, data in frames]
        if drained:
            self._reached[place] = self._last[place] = drained
        elif frames:
            self._reached[place] = max(self._reached[place], frames[-1][0])
        if self._sides:
            oldest = min(self._reached) - _NEAR
            self._sides = [side for side in self._sides if side.end + _NEAR >= oldest]
        return frames

    def _meant(self, place: int, stamp: int) -> int:
        """Return the packet time that a stamp means: by the side of a step on which it makes sense.

        Where both sides would, which takes a step that is smaller than the time it was not seen for, it is the one that
        continues what came before; of what nobody has waited for, the later. What makes sense on no side was stamped
        while the clock was set for a moment between two looks.
        """
        now = self._looked + self._base
        reached = self._reached[place] - _NEAR
        sides = [*self._sides, _Side(self.ahead, self._start, now)]
        meant = [
            stamp - side.ahead
            for side in sides
            if max(side.start - _NEAR, reached) <= stamp - side.ahead <= side.end + _NEAR
        ]
        if not meant:
            return max([stamp - side.ahead for side in sides if stamp - side.ahead <= now], default=now)
        before = self._last[place] if self._stalled else now
        found = min(meant, key=lambda moment: abs(moment - before))
        self._last[place] = found
        return found


class SetBack:
    """A clock of which only the packets tell, because it is another machine's: that it was set back.

    Then packets come that are much earlier than those before, and no others; a few are what comes in disorder. That it
    was set forward cannot be told from a silence, or from a file that is read at once. ``ahead`` is as in ``Steps``.

    While packets come in order, and none was ``early``, nobody needs to ask: ``latest`` and ``latest_at`` may be set.
    """

    __slots__ = ("_expected", "_since", "ahead", "early", "latest", "latest_at")

    def __init__(self) -> None:
        self.ahead = 0
        self.latest = 0  # packet time, the greatest so far
        self.latest_at = 0  # when that was read
        self.early = 0  # so many in a row were too early
        self._expected = 0  # how much later than it said the first of these was to be expected
        self._since = 0  # when that was read

    def taken(self, time: int, now: int) -> int:
        """Take the time of a packet, which was read at ``now`` by a clock that nobody sets; return the step, mostly 0.

        Of that step the packet's own time has to be freed as well.
        """
        if time >= self.latest - EARLY:
            self.early = 0
            if time > self.latest:
                self.latest, self.latest_at = time, now
            return 0
        if not self.early:
            self._since = now
            self._expected = self.latest + now - self.latest_at - time
        self.early += 1
        if self.early < MOST_EARLY and (self.early == 1 or now - self._since < SECOND):
            return 0
        by = -self._expected
        self.ahead += by
        self.early = 0
        self.latest, self.latest_at = max(self.latest, time - by), now
        return by


def since_boot() -> int:
    """Return the time since boot, which counts while the machine sleeps (ns)."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def _clocks() -> tuple[int, int]:
    """Return the time since boot and the wall clock's, of one moment (ns)."""
    best: Sequence[int] = ()
    for _ in range(_TRIES):  # somebody may have kept us waiting between the readings
        boot = since_boot()
        wall = time.time_ns()
        took = since_boot() - boot
        if not best or took < best[0]:
            best = took, boot, wall
        if took < _AT_ONCE:
            break
    return best[1], best[2]
