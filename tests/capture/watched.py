"""Running a live source inside a test: what it gives, and what is done between two batches."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from sipwatch.capture.live import InterfaceSource, PipeSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sipwatch.capture.ring import Ring
    from sipwatch.capture.tally import Frame

PATIENT = 20  # seconds that a busy machine may take
LONG = 60_000  # ms: a tick that never comes


class Done(Exception):  # noqa: N818 - how a test leaves a source that never ends
    """Enough was seen."""


class Watched:
    """Runs a source in this thread. ``step`` is called between two batches until it says that it is enough."""

    def __init__(self, source: InterfaceSource | PipeSource, step: Callable[[Watched], bool]) -> None:
        self.frames: list[Frame] = []
        self.horizons: list[int] = []
        self.changes: list[tuple[str, bool]] = []
        self.holes: list[tuple[int, ...]] = []  # beside how many frames had come
        self.steps: list[int] = []
        self._step = step
        self._passed = 0
        self._until = time.monotonic() + PATIENT
        try:
            if isinstance(source, InterfaceSource):
                self._take(source.frames(self._between, self._changed, self._missed, self.steps.append))
            else:
                self._take(source.frames(self._between, self.steps.append))
        except Done:
            pass

    def _take(self, frames: Iterator[Frame]) -> None:
        for frame in frames:
            assert frame[0] >= self._passed, "a packet came after its time had passed"
            self.frames.append(frame)

    def _changed(self, ring: Ring) -> None:
        self.changes.append((ring.name, ring.up))

    def _missed(self, start: int, end: int) -> None:
        self.holes.append((start, end, len(self.frames)))

    def _between(self, horizon: int) -> None:
        self.horizons.append(horizon)
        self._passed = max(self._passed, horizon)
        if self._step(self):
            raise Done
        assert time.monotonic() < self._until, (self.changes, [data[:60] for _, _, data in self.frames[:5]])

    def numbers(self) -> list[int]:
        """Return the numbers of the requests that came, in the order they came."""
        return [int(data.partition(b"sip:")[2].partition(b"@")[0]) for _, _, data in self.frames]


def in_steps(*steps: Callable[[Watched], bool | None]) -> Callable[[Watched], bool]:
    """Do one step after the other; one that gives False is tried again the next time."""
    left = list(steps)

    def step(watched: Watched) -> bool:
        if left and left[0](watched) is not False:
            del left[0]
        return not left

    return step


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))
