"""The store as pages ask it: in threads of their own, a few at once, each question for a bounded time.

Must not know: HTTP, pages. A reader is for one thread at a time, so each question takes one and gives it back.
"""

from __future__ import annotations

import asyncio
import time
from threading import Lock
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from sipwatch.store.days import StoreError, TooLongError
from sipwatch.web.workers import Busy, Workers

if TYPE_CHECKING:
    from collections.abc import Callable

    from sipwatch.store.reader import Stored, StoreReader
    from sipwatch.store.wanted import Position, Wanted

T = TypeVar("T")

MAX_QUESTIONS: Final = 4  # at once
BESIDE_A_CAPTURE: Final = 2  # at once where the same interpreter captures, which must not wait for many others
MAX_WAITING: Final = 40  # others, whose turn comes
PATIENCE: Final = 4.0  # seconds after which a question gives what it has, or gives up
_PEERS_LAST: Final = 60.0  # seconds


class Listed(NamedTuple):
    """A page of calls, the newest first.

    ``older`` and ``newer`` say where the next page and the one before begin, None where there is none. ``cut_at`` is
    where looking for more took too long: what is older has not been looked at.
    """

    calls: list[Stored]
    older: Position | None
    newer: Position | None
    cut_at: Position | None = None


class Store:
    """Asks readers that ``open_reader`` makes, which raises StoreError where there is nothing to read."""

    def __init__(self, open_reader: Callable[[], StoreReader], at_once: int = MAX_QUESTIONS) -> None:
        self.workers = Workers("sipwatch-store-page", at_once)
        self._open_reader = open_reader
        self._idle: list[StoreReader] = []
        self._lock = Lock()
        self._turn = asyncio.Semaphore(at_once)
        self._waiting = 0
        self._peers: tuple[float, list[str]] = (-_PEERS_LAST, [])

    async def ask(self, question: Callable[[StoreReader], T]) -> T:
        """Return what a question finds. Raises Busy, StoreError, and whatever it raises."""
        if self._waiting >= MAX_WAITING:
            raise Busy
        self._waiting += 1
        try:
            async with self._turn:
                return await self.workers.run(lambda: self._asked(question))
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Close the files."""
        with self._lock:
            idle, self._idle = self._idle, []
        for reader in idle:
            reader.close()

    def peers(self, reader: StoreReader) -> list[str]:
        """Return the names of peers that calls were between, as of a minute ago at most."""
        looked, names = self._peers
        if time.monotonic() - looked >= _PEERS_LAST:
            names = sorted(reader.peers())
            self._peers = (time.monotonic(), names)
        return names

    def _asked(self, question: Callable[[StoreReader], T]) -> T:
        with self._lock:
            reader = self._idle.pop() if self._idle else None
        if reader is None:
            reader = self._open_reader()
        deadline = time.monotonic() + 2 * PATIENCE
        reader.give_up = lambda: time.monotonic() > deadline
        try:
            return question(reader)
        finally:
            reader.give_up = None
            with self._lock:
                self._idle.append(reader)


def listed(
    reader: StoreReader,
    wanted: Wanted,
    size: int,
    *,
    behind: Position | None = None,
    before: Position | None = None,
    patience: float = PATIENCE,
) -> Listed:
    """Return a page of calls: the newest, those ``behind`` a place, or those just ``before`` one. Raises StoreError."""
    search = _Search(reader, wanted, patience)
    if before is not None:
        found = search.take(size + 1, before, oldest_first=True)
        more = len(found) > size
        calls = found[:size][::-1]
        if more or search.cut_at is not None:
            return Listed(calls, calls[-1].place if calls else before, calls[0].place if calls else None)
        behind = None  # the beginning: whole, as one comes to it from the front
        search = _Search(reader, wanted, patience)
    found = search.take(size + 1, behind, oldest_first=False)
    calls = found[:size]
    older = calls[-1].place if len(found) > size else search.cut_at
    newer = None if behind is None else calls[0].place if calls else behind
    return Listed(calls, older, newer, search.cut_at)


class _Search:
    """Looks for calls for a bounded time."""

    def __init__(self, reader: StoreReader, wanted: Wanted, patience: float) -> None:
        self.cut_at: Position | None = None
        self._reader = reader
        self._wanted = wanted
        self._deadline = time.monotonic() + patience

    def take(self, most: int, behind: Position | None, *, oldest_first: bool) -> list[Stored]:
        """Return at most so many calls; ``cut_at`` is then where it stopped looking, if it did."""
        found: list[Stored] = []
        calls = self._reader.calls(self._wanted, behind=behind, oldest_first=oldest_first, go_on=self._go_on)
        for one in calls:
            found.append(one)
            if len(found) == most:
                break
        return found

    def _go_on(self, place: Position) -> bool:
        if time.monotonic() < self._deadline:
            return True
        self.cut_at = place
        return False


__all__ = ["Busy", "Listed", "Store", "StoreError", "TooLongError", "listed"]
