"""Work in threads of its own: its result or its error comes back, and there is a bound."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from sipwatch.web.workers import Busy, Shared, Workers
from tests.web.serving import PATIENT, until


def test_a_result_and_an_error_come_back_from_another_thread() -> None:
    async def scenario() -> None:
        workers = Workers("work", 2)
        assert await workers.run(threading.get_ident) != threading.get_ident()
        with pytest.raises(ZeroDivisionError):
            await workers.run(lambda: 1 // 0)

    asyncio.run(scenario())


def test_what_is_too_much_is_refused_at_once_and_taken_again_later() -> None:
    async def scenario() -> None:
        workers = Workers("work", 2)
        go = threading.Event()
        under_way = [asyncio.create_task(workers.run(lambda: go.wait(PATIENT))) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(Busy):
            await workers.run(go.is_set)
        go.set()
        assert await asyncio.gather(*under_way) == [True, True]
        assert await workers.run(go.is_set)

    asyncio.run(scenario())


def test_work_whose_caller_is_gone_counts_until_its_end() -> None:
    async def scenario() -> None:
        workers = Workers("work", 1)
        go = threading.Event()
        task = asyncio.create_task(workers.run(lambda: go.wait(PATIENT)))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        with pytest.raises(Busy):
            await workers.run(go.is_set)
        go.set()
        workers.join(PATIENT)
        await asyncio.sleep(0)
        assert await workers.run(go.is_set)

    asyncio.run(scenario())


def test_a_system_without_threads_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    async def scenario() -> None:
        workers = Workers("work", 1)
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", refuse)
            with pytest.raises(Busy):
                await workers.run(lambda: 1)
        assert await workers.run(lambda: 1) == 1

    asyncio.run(scenario())


def test_work_that_hangs_is_waited_for_only_so_long_and_may_end_after_its_loop() -> None:
    workers = Workers("work", 1)
    go = threading.Event()

    async def scenario() -> None:
        task = asyncio.create_task(workers.run(lambda: go.wait(PATIENT)))
        await asyncio.sleep(0)
        task.cancel()

    asyncio.run(scenario())
    began = time.monotonic()
    workers.join(0.05)
    assert time.monotonic() - began < PATIENT / 2
    assert [thread.daemon for thread in threading.enumerate() if thread.name == "work"] == [True]
    go.set()
    until(lambda: all(thread.name != "work" for thread in threading.enumerate()), "its end")


def test_what_several_want_is_begun_once_and_goes_on_when_one_of_them_is_gone() -> None:
    begun: list[str] = []
    go = threading.Event()

    def work() -> str:
        begun.append("work")
        go.wait(PATIENT)
        return "done"

    async def scenario() -> None:
        shared: Shared[str, str] = Shared(Workers("work", 2))
        first, second = (asyncio.create_task(shared.run("one", work)) for _ in range(2))
        await asyncio.to_thread(until, lambda: begun, "it to be begun")
        first.cancel()
        assert await shared.run("other", lambda: "another") == "another"
        go.set()
        assert await second == "done"
        assert begun == ["work"]
        assert await shared.run("one", lambda: "anew") == "anew"

    asyncio.run(scenario())
