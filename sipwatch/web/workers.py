"""Threads for work that would keep the event loop from others: figures that are waited for, passwords.

Must not know: what the work is. The threads are daemons, and not those of concurrent.futures, so that no
work that hangs keeps the program from ending.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from threading import Thread
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

K = TypeVar("K")
T = TypeVar("T")


class Busy(Exception):  # noqa: N818 - no error: somebody else has to come first
    """As much is under way as may be at once."""


class Workers:
    """Runs work in threads, ``most`` at once. Belongs to one event loop."""

    def __init__(self, name: str, most: int) -> None:
        self.most = most
        self._name = name
        self._running = 0
        self._threads: list[Thread] = []

    async def run(self, work: Callable[[], T]) -> T:
        """Return what ``work`` returns, or raise what it raises. Raises Busy at once instead of waiting.

        Work whose caller is gone goes on to its end, and counts until then.
        """
        if self._running >= self.most:
            raise Busy
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        thread = Thread(target=self._work, args=(work, loop, done), name=self._name, daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the system has no thread left to give
            raise Busy from None
        self._running += 1
        self._threads = [*(other for other in self._threads if other.is_alive()), thread]
        return await done

    def join(self, seconds: float) -> None:
        """Wait for what is under way, together no longer than this."""
        until = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _work(self, work: Callable[[], T], loop: asyncio.AbstractEventLoop, done: asyncio.Future[T]) -> None:
        result: T | None = None
        error: Exception | None = None
        try:
            result = work()
        except Exception as raised:  # noqa: BLE001 - it is raised again where the work was ordered
            error = raised

        def settle() -> None:
            self._running -= 1
            if done.done():
                return  # nobody waits for it any more
            if error is not None:
                done.set_exception(error)
            else:
                done.set_result(result)  # type: ignore[arg-type] # None only if T is

        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle)


class Shared(Generic[K, T]):
    """Work that several may want at a time: begun for the first of them, and the same for all. Of one event loop."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self._under_way: dict[K, asyncio.Task[T]] = {}

    async def run(self, key: K, work: Callable[[], T]) -> T:
        """Return what the work of this key returns that is under way, else begin it. Raises Busy, and what it raises.

        It goes on when one of those who wait for it is gone.
        """
        task = self._under_way.get(key)
        if task is None:
            task = asyncio.ensure_future(self._workers.run(work))
            self._under_way[key] = task
            task.add_done_callback(lambda done: self._over(key, done))
        return await asyncio.shield(task)

    def _over(self, key: K, task: asyncio.Task[T]) -> None:
        del self._under_way[key]
        if not task.cancelled():
            task.exception()  # told to whoever waits; if nobody does any more, to nobody
