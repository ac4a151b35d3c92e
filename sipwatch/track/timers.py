"""The configurable deadlines, and the queue that says who is due next.

Must not know: what is timed, nor any clock: time is an argument, integer nanoseconds of packet time.
"""

from abc import ABC, abstractmethod
from heapq import heapify, heappop, heappush

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


NEVER = 1 << 63
# Nothing is queued further ahead than this: so what is over is let go soon, not when the four hours
# of a dialog's timeout have passed.
# It is also Timer F: whoever begins to wait for the response to a BYE is looked at in time.
HORIZON = TIMER_F
MAX_STALE = 256  # entries of what is over; more are looked for as soon as they are half of all


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
    serials alone, not on how often anybody looks: idle ticks change nothing (Law 1).
    """

    __slots__ = ("_heap", "_stale", "next")

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Timed]] = []
        self._stale = 0  # entries of what was forgotten
        self.next = NEVER

    def __len__(self) -> int:
        return len(self._heap)

    def watch(self, item: Timed, no_later: int) -> None:
        """Look at ``item`` at ``no_later``, a lower bound of its next deadline."""
        if no_later < item.queued:
            item.queued = no_later
            heappush(self._heap, (no_later, item.serial, item))
            self.next = min(self.next, no_later)

    def forget(self, item: Timed) -> None:
        """Look at ``item`` no more: it waits for nothing, and should not be held any longer."""
        if item.queued < NEVER:
            item.queued = NEVER
            self._stale += 1
            if self._stale > MAX_STALE and 2 * self._stale > len(self._heap):
                self._heap[:] = [entry for entry in self._heap if entry[0] == entry[2].queued]
                heapify(self._heap)
                self._stale = 0
                self.next = self._heap[0][0] if self._heap else NEVER

    def advance(self, now: int) -> None:
        """Fire all that is due up to and including ``now``, each at its own deadline."""
        while self.fire(now):
            pass

    def fire(self, now: int) -> bool:
        """Fire what is due first, up to and including ``now``, at its own deadline; return False if nothing is."""
        heap = self._heap
        fired = False
        while heap and heap[0][0] <= now:
            when, _, item = heappop(heap)
            if when != item.queued:
                if self._stale:
                    self._stale -= 1
                continue  # an earlier entry has taken its place, or it was forgotten
            item.queued = NEVER
            due = item.deadline()
            if due <= when:
                item.expire(due)
                fired = True
                due = item.deadline()
            if due < NEVER:
                self.watch(item, min(due, when + HORIZON))
            if fired:
                break
        self.next = heap[0][0] if heap else NEVER
        return fired
