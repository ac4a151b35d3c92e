"""The clocks of a machine, set by a test: nothing waits, and what the kernel would stamp is known."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from sipwatch.capture.ring import RETIRE
from sipwatch.packet import ETHERNET

if TYPE_CHECKING:
    import pytest

    from sipwatch.capture.tally import Frame

SECOND = 1_000_000_000
_IN_A_BLOCK = 100  # packets
START = 1_767_603_600 * SECOND  # 2026-01-05 09:00:00


class Clocks:
    """``now`` is true time, which the clock that counts from boot follows; ``wall`` what the clock on the wall shows."""

    def __init__(self, now: int = START) -> None:
        self.now = now
        self.set_by = 0
        self.ppm = 0.0  # by how much the clock on the wall is slewed
        self.slept = 0  # the monotonic clock stands still while the machine sleeps

    @property
    def wall(self) -> int:
        return self.now + self.set_by

    def go(self, nanoseconds: int) -> None:
        """Let time pass."""
        self.now += nanoseconds
        self.set_by += round(nanoseconds * self.ppm / 1e6)

    def rule(self, monkeypatch: pytest.MonkeyPatch) -> Clocks:
        """Be what everybody reads."""
        booted = self.now - 1000 * SECOND
        monkeypatch.setattr(time, "time_ns", lambda: self.wall)
        monkeypatch.setattr(time, "clock_gettime_ns", lambda _: self.now - booted)
        monkeypatch.setattr(time, "monotonic_ns", lambda: self.now - booted - self.slept)
        return self


class FilledRing:
    """A ring as the kernel fills it: a packet is stamped when it comes, and seen when its block is handed over.

    With ``room`` for so many packets, what comes when it is full is dropped.
    """

    def __init__(self, clocks: Clocks, room: int = 1_000_000) -> None:
        self.name, self.up = "wire", True
        self.packets = self.dropped = 0
        self._clocks = clocks
        self._room = room
        self._lost = 0
        self._held: list[tuple[int, Frame]] = []  # with the time at which it came

    def arrive(self, data: bytes) -> None:
        if len(self._held) < self._room:
            self._held.append((self._clocks.now, (self._clocks.wall, ETHERNET, data)))
        else:
            self._lost += 1

    def read(self, blocks: int) -> tuple[list[Frame], bool]:
        full = [frame for came, frame in self._held if came + RETIRE <= self._clocks.now]
        some = full[: blocks * _IN_A_BLOCK]
        del self._held[: len(some)]
        self.packets += len(some)
        return some, len(some) == len(full)

    def count_drops(self) -> None:
        self.dropped = self._lost

    def follow(self) -> None: ...

    def close(self) -> None: ...
