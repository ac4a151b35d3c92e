"""Interfaces and pipes as one source of frames that never ends, in time order, with word of how late it is.

Must not know: SIP, or what becomes of the frames. This is where the wall clock enters (Law 1): between
batches the source says up to which moment everything has been read, so that time may pass on a silent line.
"""

from __future__ import annotations

import select
import socket
import time
from typing import TYPE_CHECKING

from sipwatch.capture.files import CaptureSource, Prefilter
from sipwatch.capture.hep import WINDOW
from sipwatch.capture.merge import Window
from sipwatch.capture.ring import RETIRE, Ring
from sipwatch.capture.stalls import Stalls
from sipwatch.capture.steps import SetBack, Steps, since_boot
from sipwatch.capture.tally import LATEST, Closable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sipwatch.capture.bpf import Program
    from sipwatch.capture.hep import HepListener, HepListeners
    from sipwatch.capture.tally import Frame

    Between = Callable[[int], None]
    Missed = Callable[[int, int], None]
    Stepped = Callable[[int], None]

TICK = 100  # ms; so often somebody may do what is due when no packet comes
# How long a packet may lie in a block of the ring before it is seen, with a margin for a busy machine.
MARGIN = 2 * RETIRE + 160_000_000
# Of each ring, then others have their turn. When much waits, a scrape gets two milliseconds after each: with more
# blocks at once it would take seconds.
_BLOCKS_AT_ONCE = 1
_FOLLOW_EVERY = 500_000_000  # ns between looks at the interfaces
_PACE = 5  # ms that HEP may gather: each turn costs as much for one message as for a hundred
# What writes into the pipe holds packets back: tcpdump, without --immediate-mode, for up to a second. But then a
# timer would fire more than a second late.
_PIPE_MARGIN = 800_000_000


class Waker:
    """Wakes a source that waits for packets, from another thread or a signal handler."""

    def __init__(self) -> None:
        self._read, self._write = socket.socketpair()
        self._read.setblocking(False)
        self._write.setblocking(False)

    def fileno(self) -> int:
        """Return the descriptor to wait on, next to the packets."""
        return self._read.fileno()

    def wake(self) -> None:
        """Let the source come back at once."""
        try:
            self._write.send(b"\0")
        except OSError:
            return  # it has been woken often enough

    def rest(self) -> None:
        """Forget what woke us."""
        try:
            while self._read.recv(4096):
                pass
        except OSError:
            return

    def close(self) -> None:
        """Wake nobody any more. To try it still does no harm."""
        self._read.close()
        self._write.close()


class InterfaceSource(Closable):
    """Frames of interfaces and of agents, merged by time. Iterate it once; ``between`` ends it by raising.

    ``between(horizon)`` is called after each batch of frames, at least every ``TICK`` ms: nothing
    that happened before ``horizon`` (ns) is still to come. ``changed(ring)`` hears of an interface
    that went down or came back, ``missed(start, end)`` of a time (ns) in which the capture stood still and lost
    packets, between the frames from before it and those from after; ``stepped(by)`` of a step of the wall clock (ns),
    which is not in any of these times (``Steps``).
    """

    def __init__(self, names: Sequence[str], program: Program, size: int, hep: HepListeners | None = None) -> None:
        """Open interfaces with a ring of ``size`` bytes each; listeners are open already. Raises CaptureError."""
        self.rings: list[Ring] = []
        self.hep = hep
        self.steps = Steps(len(names))
        self.waker = Waker()
        self._poll = select.poll()
        self._woken = select.poll()
        for poll in (self._poll, self._woken):
            poll.register(self.waker.fileno(), select.POLLIN)
        try:
            for name in names:
                ring = Ring(name, program, size)
                self.rings.append(ring)
                self._poll.register(ring.fileno(), select.POLLIN)  # POLLERR comes unasked
        except Exception:
            self.close()
            raise
        if hep is not None:
            hep.clock = self.steps.now
            self._poll.register(hep.fileno(), select.POLLIN)

    def close(self) -> None:
        """Close every interface and listener. Closing twice is harmless."""
        for ring in self.rings:
            ring.close()
        if self.hep is not None:
            self.hep.close()
        self.waker.close()

    def filter(self, program: Program) -> None:
        """Filter by another program from now on."""
        for ring in self.rings:
            ring.filter(program)

    def frames(
        self, between: Between, changed: Callable[[Ring], None], missed: Missed, stepped: Stepped
    ) -> Iterator[Frame]:
        """Give frames in time order, for ever."""
        window = Window()
        followed = 0
        stalls = Stalls(since_boot(), time.monotonic_ns())
        margin = MARGIN if self.rings or self.hep is None else WINDOW
        # One alone has nobody to wait for. Its packets are sorted as well: each processor writes its own in time.
        alone = self.hep is None and len(self.rings) == 1
        while True:
            failed = self._wait()
            now = self.steps.now()
            if stalls.turn(since_boot(), time.monotonic_ns()):
                stalls.lost(self._newly_dropped(), window.passed, now)
            horizon = self._drain(window, now - margin, stepped)
            ready = window.give(LATEST if alone else horizon, self.steps.now())
            if stalls.resumed:
                early, ready = stalls.split(ready)
                yield from early
                if ready or horizon >= stalls.resumed:
                    missed(stalls.since, stalls.resumed)
                    stalls.resumed = 0
                else:
                    horizon = min(horizon, stalls.since)  # nothing is due in a hole
            yield from ready
            if failed or time.monotonic_ns() - followed >= _FOLLOW_EVERY:
                followed = time.monotonic_ns()
                self._follow(changed)
            between(horizon)

    def _wait(self) -> bool:
        """Wait for packets, at most for a tick; tell whether an interface went down."""
        failed = False
        for fd, event in self._poll.poll(0 if self.hep is not None and self.hep.unread else TICK):
            if fd == self.waker.fileno():
                self.waker.rest()
            elif self.hep is not None and fd == self.hep.fileno():
                self._woken.poll(_PACE)
            elif event & ~select.POLLIN:
                failed = True
        return failed

    def _drain(self, window: Window, horizon: int, stepped: Stepped) -> int:
        """Read everything; return the moment before which nothing is still to come, at most ``horizon``."""
        drained = horizon
        read = [ring.read(_BLOCKS_AT_ONCE) for ring in self.rings]
        by = self.steps.look()
        if by:
            stepped(by)
        for place, (frames, all_of_it) in enumerate(read):
            timed = self.steps.corrected(place, frames, drained if all_of_it else 0)
            window.add(timed)
            if not all_of_it and timed:
                horizon = min(horizon, timed[-1][0])
        if self.hep is not None:
            frames, all_of_it = self.hep.read(window.passed)
            window.add(frames)
            if not all_of_it:
                horizon = min(horizon, max([frame[0] for frame in frames], default=window.passed) - WINDOW)
        return horizon

    def _newly_dropped(self) -> int:
        """Return what was dropped since somebody last looked, which is half a second ago if the loop goes round."""
        inputs: list[Ring | HepListener] = [*self.rings, *(() if self.hep is None else self.hep.listeners)]
        before = sum([one.dropped for one in inputs])
        for one in inputs:
            one.count_drops()
        return sum([one.dropped for one in inputs]) - before

    def _follow(self, changed: Callable[[Ring], None]) -> None:
        for ring in self.rings:
            ring.count_drops()
            was_up = ring.up
            ring.follow()
            if ring.up is not was_up:
                changed(ring)
        if self.hep is not None:
            self.hep.follow()


class PipeSource(Closable):
    """Frames of a pipe or FIFO that somebody writes into right now; ends with the pipe.

    Its packet times may be another machine's: time passes here as long as it passes there, counted
    from the latest packet. A step back of that machine's clock is told to ``stepped(by)``, and is not in these times.
    """

    def __init__(self, path: str) -> None:
        """Open a pipe; ``-`` is standard input. Raises CaptureError."""
        self.waker = Waker()
        self._between: Between | None = None
        self._steps = SetBack()
        self._read_at = time.monotonic_ns()
        self._quiet = (0, 0)  # the latest packet's time when we last had to wait, and since when there is nothing newer
        try:
            self.files = CaptureSource([path], Prefilter.AUTO, waiting=self._wait)
        except Exception:
            self.waker.close()
            raise

    def close(self) -> None:
        """Close the pipe. Closing twice is harmless."""
        self.files.close()
        self.waker.close()

    def frames(self, between: Between, stepped: Stepped) -> Iterator[Frame]:
        """Give frames as they come, to the end of the pipe. Raises CaptureError when it is no capture."""
        self._between = between
        steps = self._steps
        for frame in self.files:
            at = frame[0] - steps.ahead
            if at < steps.latest or steps.early:  # never, as a rule
                by = steps.taken(at, self._read_at)
                if by:
                    stepped(by)
                    at -= by
            else:
                steps.latest, steps.latest_at = at, self._read_at
            yield (at, frame[1], frame[2]) if steps.ahead else frame

    def _wait(self, fd: int) -> None:
        """Wait until there is something to read, and let time pass meanwhile."""
        if self._between is None:
            return
        latest = self._steps.latest
        if latest != self._quiet[0]:  # bytes that make no packet do not stop the time
            self._quiet = (latest, time.monotonic_ns())
        poll = select.poll()
        poll.register(fd, select.POLLIN)  # POLLHUP and POLLERR come unasked
        poll.register(self.waker.fileno(), select.POLLIN)
        while True:
            ready = [where for where, _ in poll.poll(TICK)]
            if self.waker.fileno() in ready:
                self.waker.rest()
            self._read_at = time.monotonic_ns()
            passed = self._read_at - self._quiet[1] - _PIPE_MARGIN
            self._between(latest + passed if latest and passed > 0 else 0)
            if fd in ready:
                return
