"""A daemon is asked once for all who want to know the same at a time."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from sipwatch.web.watching import Watching
from tests.web.serving import PATIENT, until
from tests.web.watched import Told, present_of

if TYPE_CHECKING:
    from sipwatch.export.present import PresentRecord


class Slow(Told):
    """Takes until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        self.go = threading.Event()

    def now(self) -> PresentRecord:
        self.asked += 1
        self.go.wait(PATIENT)
        return super().now()


def test_many_who_ask_at_a_time_ask_once() -> None:
    daemon = Slow()

    async def scenario() -> None:
        watching = Watching(daemon)
        asking = [asyncio.create_task(watching.now()) for _ in range(50)]
        await asyncio.to_thread(until, lambda: daemon.asked, "it to be asked")
        assert (await watching.waiting()).waiting == []  # another question is not held up
        daemon.go.set()
        assert await asyncio.gather(*asking) == [present_of()] * 50
        assert daemon.asked == 1
        await watching.now()
        assert daemon.asked == 2

    asyncio.run(scenario())


def test_that_there_was_no_answer_in_time_comes_through() -> None:
    with pytest.raises(TimeoutError):
        asyncio.run(Watching(Told(TimeoutError())).now())
