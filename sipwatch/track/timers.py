"""The configurable deadlines, and the queue that says who is due next.

Must not know: what is timed, nor any clock: time is an argument, integer nanoseconds of packet time.
"""

from abc import ABC, abstractmethod
from bisect import insort
from heapq import heappop, heappush
from typing import Final

from sipwatch.packet import SECOND
from sipwatch.track.table import TIMER_F


class Timers:
    """How long a leg may stay as it is; integer nanoseconds, defaults from DESIGN §5.2."""

    __slots__ = (
        "brief_before",
        "dialog_timeout",
        "hunt_within",
        "no_answer_after",
        "no_progress_after",
        "no_response_after",
        "shortest",
        "slow_progress_after",
    )

    def __init__(
        self,
        *,
        no_response_after: int = 5 * SECOND,
        slow_progress_after: int = 3 * SECOND,
        no_progress_after: int = 10 * SECOND,
        no_answer_after: int = 30 * SECOND,
        brief_before: int = 5 * SECOND,
        dialog_timeout: int = 14400 * SECOND,
        hunt_within: int = 2 * SECOND,
    ) -> None:
        self.no_response_after = no_response_after
        self.slow_progress_after = slow_progress_after
        self.no_progress_after = no_progress_after
        self.no_answer_after = no_answer_after
        self.brief_before = brief_before
        self.dialog_timeout = dialog_timeout
        self.hunt_within = hunt_within
        self.shortest = min(no_response_after, slow_progress_after, no_progress_after, no_answer_after, 5 * SECOND)


NEVER: Final = (1 << 62) - 1  # behind any packet (capture.tally.LATEST) and its timers; compiled, a plain machine word
# Nothing is queued further ahead than this: so what is over is let go soon, not when the four hours
# of a dialog's timeout have passed.
# It is also Timer F: whoever begins to wait for the response to a BYE is looked at in time.
HORIZON: Final = TIMER_F
_BITS: Final = 27
SLICE: Final = 1 << _BITS  # ns, 134 ms: shorter than any timer, long enough to hold some entries of a busy line
MAX_STALE: Final = 256  # entries of what is over; more are looked for as soon as they are half of all


class Timed(ABC):
    """Something that has deadlines. ``queued`` is its earliest live entry in the queue, NEVER if none.

    ``serial`` orders what is due at the same nanosecond: older first, whoever asks and whenever.
    """

    __slots__ = ("queued", "serial")

    def __init__(self, serial: int) -> None:
        self.serial = serial
        self.queued = NEVER

    @abstractmethod
    def deadline(self) -> int:
        """Return when this is really due next, NEVER if it waits for nothing."""

    @abstractmethod
    def expire(self, now: int) -> None:
        """Do what is due at ``now``, which is exactly this thing's ``deadline()``.

        Afterwards ``deadline()`` must be later than before, or stand for another timer.
        """


class TimerQueue:
    """Deadlines in order. Entries may be too early, never too late: they are checked when they come up.

    So a deadline that moves away, as nearly all do, costs nothing until the old one is reached. What is over is
    forgotten at once: its entries go as soon as they are as many as the others. Firing order depends on deadlines and
    serials alone, not on how often anybody looks: idle ticks change nothing (Law 1). ``next`` is a moment before which
    nothing is due.
    """

    # Nearly every entry is overtaken: its call is over, or waits for something else. So what lies ahead is only put
    # into slices of time, unsorted; when a slice begins, those entries that still hold are sorted, all at once.
    __slots__ = ("_ahead", "_begun", "_count", "_due", "_slices", "_stale", "next")

    def __init__(self) -> None:
        self._ahead: dict[int, list[Timed]] = {}  # by slice
        self._slices: list[int] = []  # those, as a heap
        self._begun = 0  # the first slice that has not begun
        self._due: list[tuple[int, int, Timed]] = []  # of slices that have: negative moment and serial, the next last
        self._count = 0
        self._stale = 0  # entries of what was forgotten, or is looked at earlier
        self.next = NEVER

    def __len__(self) -> int:
        return self._count

    def watch(self, item: Timed, no_later: int) -> None:
        """Look at ``item`` at ``no_later``, a lower bound of its next deadline."""
        if no_later >= item.queued:
            return
        if item.queued < NEVER:
            self._stale += 1  # the later entry is none any more
        item.queued = no_later
        self._count += 1
        number = no_later >> _BITS
        waiting = self._ahead.get(number)
        if waiting is not None:
            waiting.append(item)
        elif number < self._begun:
            insort(self._due, (-no_later, -item.serial, item))
            self.next = min(self.next, no_later)
        else:
            self._ahead[number] = [item]
            heappush(self._slices, number)
            self.next = min(self.next, number << _BITS)

    def forget(self, item: Timed) -> None:
        """Look at ``item`` no more: it waits for nothing, and should not be held any longer."""
        if item.queued < NEVER:
            item.queued = NEVER
            self._stale += 1
            if self._stale > MAX_STALE and 2 * self._stale > self._count:
                self._clear()

    def _clear(self) -> None:
        """Drop the entries of what was forgotten, or is looked at earlier."""
        self._due = [entry for entry in self._due if -entry[0] == entry[2].queued]
        self._count = len(self._due)
        self._stale = 0
        for number, waiting in self._ahead.items():
            waiting[:] = [item for item in waiting if item.queued >> _BITS == number]
            self._count += len(waiting)

    def advance(self, now: int) -> None:
        """Fire all that is due up to and including ``now``, each at its own deadline."""
        while self.fire(now):
            pass

    def fire(self, now: int) -> bool:
        """Fire what is due first, up to and including ``now``, at its own deadline; return False if nothing is."""
        fired = False
        while not fired and (self._due or self._begin(now)):
            when = -self._due[-1][0]
            if when > now:
                break
            item = self._due.pop()[2]
            self._count -= 1
            if when != item.queued:
                self._stale -= self._stale > 0
                continue  # an earlier entry has taken its place, or it was forgotten
            item.queued = NEVER
            due = item.deadline()
            if due <= when:
                item.expire(due)
                fired = True
                due = item.deadline()
            if due < NEVER:
                self.watch(item, min(due, when + HORIZON))
        if self._due:
            self.next = -self._due[-1][0]
        else:
            self.next = self._slices[0] << _BITS if self._slices else NEVER
        return fired

    def _begin(self, now: int) -> bool:
        """Begin the next slice that holds anything, if its time has come; tell whether there is something due now."""
        while not self._due and self._slices and self._slices[0] << _BITS <= now:
            number = heappop(self._slices)
            waiting = self._ahead.pop(number)
            self._begun = number + 1
            end = number + 1 << _BITS  # what is not due before it was forgotten, or looked at and put off
            due = [(-item.queued, -item.serial, item) for item in waiting if item.queued < end]
            due.sort()
            overtaken = len(waiting) - len(due)
            self._count -= overtaken
            self._stale = max(0, self._stale - overtaken)
            self._due = due
        return bool(self._due)
