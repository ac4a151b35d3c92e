"""What other threads want to know from one that has other work: answered in small steps, between two pieces of that.

Must not know: what is asked, or who asks.
"""

from __future__ import annotations

import time
from collections import deque
from concurrent.futures import Future
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

T = TypeVar("T")


class Inquiry(Generic[T]):
    """Answers by what ``begin`` makes: a generator that yields between two steps and returns the answer.

    Everybody who asks meanwhile gets the same; so does, for ``fresh_for`` seconds, who asks afterwards. ``wake`` wakes
    the thread that answers.
    """

    def __init__(
        self, begin: Callable[[], Generator[None, None, T]], wake: Callable[[], None], fresh_for: float = 0.0
    ) -> None:
        self._begin = begin
        self._wake = wake
        self._fresh_for = fresh_for
        self._asked: deque[Future[T]] = deque()
        self._steps: Generator[None, None, T] | None = None
        self._latest: tuple[float, T] | None = None

    def ask(self, patience: float) -> T:
        """Return the answer, in any thread but the one that gives it. Raises TimeoutError after so many seconds."""
        latest = self._latest
        if latest is not None and time.monotonic() - latest[0] < self._fresh_for:
            return latest[1]
        future: Future[T] = Future()
        self._asked.append(future)
        self._wake()
        return future.result(patience)

    def go_on(self, until: float) -> bool:
        """Work on an answer until then (``perf_counter``), a step at least; return whether nothing is left to do."""
        while self._asked:
            if self._steps is None:
                self._steps = self._begin()
            try:
                next(self._steps)
            except StopIteration as end:
                self._steps = None
                self._give(end.value)
                return True
            if time.perf_counter() >= until:
                return False
        return True

    def begin_again(self) -> None:
        """Let go of an answer that is half done: what it is about has changed."""
        self._steps = None
        self._latest = None

    def _give(self, answer: T) -> None:
        self._latest = (time.monotonic(), answer)
        for _ in range(len(self._asked)):
            self._asked.popleft().set_result(answer)
