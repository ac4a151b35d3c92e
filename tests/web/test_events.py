"""New calls are told of at once, to whom they concern; the store is asked once for all, and rests when nobody listens."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from sipwatch.web import events
from sipwatch.web.asked import asked_for
from sipwatch.web.events import Watch
from sipwatch.web.server import Server
from tests.each import for_each
from tests.export import records
from tests.export.records import at
from tests.web.browsing import NOW, get, site_of
from tests.web.serving import Told, connection, figures, until, well

if TYPE_CHECKING:
    import http.client
    from collections.abc import Awaitable, Callable, Iterator

    from tests.store.stored import Stored


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "EVERY", 0.01)


async def eventually(check: Callable[[], bool]) -> None:
    """Wait until a check holds."""
    async with asyncio.timeout(20):
        while not check():  # noqa: ASYNC110 - what is waited for is in another thread
            await asyncio.sleep(0.005)


def listening(store: Stored, scenario: Callable[[Watch], Awaitable[None]]) -> None:
    async def run() -> None:
        await scenario(Watch(site_of(store)))

    asyncio.run(run())


def test_each_is_told_of_the_calls_that_concern_him_and_of_each_once(store: Stored) -> None:
    store.put(records.call())

    async def scenario(watch: Watch) -> None:
        busy = asked_for({"outcome": "busy"}, NOW).wanted
        late = asked_for({"since": "2026-01-05T09:00:30"}, NOW).wanted
        with watch.listening(busy) as one, watch.listening(late) as other:
            asked = _count_questions(watch)
            await eventually(lambda: asked() > 2)
            assert (one.new, other.new) == (0, 0)
            store.put(records.call(id="1" * 12, started=at(1)), records.answered(id="2" * 12, started=at(60)))
            store.put(records.call(id="3" * 12, started=at(40)))
            await eventually(lambda: (one.new, other.new) == (2, 2))
            before = asked()
            await eventually(lambda: asked() > before + 2)
            assert (one.new, other.new) == (2, 2)

    listening(store, scenario)


def test_the_first_call_of_an_empty_store_is_told_of(store: Stored) -> None:
    async def scenario(watch: Watch) -> None:
        with watch.listening(asked_for({}, NOW).wanted) as one:
            asked = _count_questions(watch)
            await eventually(lambda: asked() > 1)
            store.put(records.call())
            await eventually(lambda: one.new == 1)

    listening(store, scenario)


def test_the_store_is_asked_once_for_all_and_not_at_all_when_nobody_listens(store: Stored) -> None:
    store.put(records.call())

    async def scenario(watch: Watch) -> None:
        asked = _count_questions(watch)
        with contextlib.ExitStack() as stack:
            for _ in range(5):
                stack.enter_context(watch.listening(asked_for({}, NOW).wanted))
            await eventually(lambda: asked() > 0)
        task = watch._task
        assert task is not None
        await task
        rests = asked()
        await asyncio.sleep(0.05)
        assert asked() == rests

    listening(store, scenario)


def _count_questions(watch: Watch) -> Callable[[], int]:
    site, count = watch._site, 0
    ask: Any = site.ask

    async def counted(question: object) -> object:
        nonlocal count
        try:
            return await ask(question)
        finally:
            count += 1

    site.ask = counted  # type: ignore[method-assign, assignment]
    return lambda: count


def test_a_wrong_filter_is_told(store: Stored) -> None:
    (answer,) = get(site_of(store), "/events?filter=x")
    assert answer.status_code == 400


@contextlib.contextmanager
def stream(store: Stored) -> Iterator[tuple[Server, Callable[..., http.client.HTTPResponse]]]:
    server = Server(figures, well, well, "127.0.0.1:0", None, Told(), site=site_of(store))
    with contextlib.ExitStack() as stack:
        stack.callback(server.stop)
        server.start()

        def listen(query: str = "") -> http.client.HTTPResponse:
            made = stack.enter_context(contextlib.closing(connection(server.address)))
            made.request("GET", f"/events{query}")
            return made.getresponse()

        yield server, listen


def test_a_browser_is_told_in_the_format_that_it_knows(store: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "HEARTBEAT", 0.02)
    store.put(records.call())
    with stream(store) as (_, listen):
        answer = listen("?outcome=busy")
        assert answer.getheader("content-type", "").startswith("text/event-stream")
        assert answer.readline() == b"retry: 3000\n"
        assert answer.readline() == b"\n"
        number = iter(range(1, 1000))

        def told() -> bool:
            store.put(
                records.call(id=f"{next(number):012x}", started=at(9))
            )  # the first ones may be there before it looks
            return answer.readline() == b"event: calls\n"

        assert until(told, "an event")
        assert json.loads(answer.readline().removeprefix(b"data: "))["calls"] >= 1
        lines = [answer.readline() for _ in range(20)]
        assert b'data: {"calls": 0}\n' not in lines  # told once
        assert b": nothing new\n" in lines


def test_no_more_listen_at_once_than_may(store: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    store.put(records.call())
    monkeypatch.setattr(events, "MAX_LISTENERS", 2)
    with stream(store) as (_, listen):
        open_ones = [listen(), listen()]
        assert [answer.readline() for answer in open_ones] == 2 * [b"retry: 3000\n"]
        assert listen().status == 503
        open_ones[0].close()


@for_each("setting, value, line", [("HEARTBEAT", 0.01, b": nothing new\n"), ("LONGEST", 0, b"")])
def test_a_line_is_sent_now_and_then_and_no_stream_is_for_ever(
    store: Stored, setting: str, value: float, line: bytes
) -> None:
    store.put(records.call())
    with pytest.MonkeyPatch.context() as patch, stream(store) as (_, listen):
        patch.setattr(events, setting, value)
        answer = listen()
        assert answer.readline() == b"retry: 3000\n"
        assert answer.readline() == b"\n"
        assert answer.readline() == line


def test_head_does_not_listen(store: Stored) -> None:
    (answer,) = get(site_of(store), "/events", method="HEAD")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
