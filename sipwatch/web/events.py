"""``/events``: says at once how many new calls match (server-sent events), so that a page can show them.

Must not know: pages. The store is asked once a second for all who listen, and not at all while nobody does.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Final

from starlette.responses import PlainTextResponse, Response, StreamingResponse

from sipwatch.store.days import EmptyStoreError, StoreError
from sipwatch.web.asked import SELECTION, AskedError
from sipwatch.web.workers import Busy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from starlette.requests import Request
    from starlette.routing import Route

    from sipwatch.store.reader import StoreReader
    from sipwatch.store.wanted import Wanted
    from sipwatch.web.site import Website

MAX_LISTENERS: Final = 16  # of 64 connections
EVERY: Final = 1.0  # seconds
HEARTBEAT: Final = 15.0  # seconds after which a line is sent in any case: it tells of a connection that is gone
LONGEST: Final = 600.0  # seconds; the browser comes again by itself
_AT_ONCE: Final = 500  # calls that are looked at each time: of more than that, those beyond are not told of
_HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class Listener:
    """Somebody who wants to know of calls; ``new`` counts those that he was not told of yet."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self.new = 0
        self.woken = asyncio.Event()


class Watch:
    """Looks for new calls while somebody listens."""

    def __init__(self, site: Website) -> None:
        self.listeners: set[Listener] = set()
        self._site = site
        self._task: asyncio.Task[None] | None = None

    @contextlib.contextmanager
    def listening(self, wanted: Wanted) -> Iterator[Listener]:
        """Let somebody listen as long as the block runs."""
        listener = Listener(wanted)
        self.listeners.add(listener)
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._look())
        try:
            yield listener
        finally:
            self.listeners.discard(listener)

    async def _look(self) -> None:
        marks: dict[str, int] = {}
        while self.listeners:
            listeners = tuple(self.listeners)
            try:
                counts = await self._site.ask(lambda reader: _counted(reader, marks, listeners))  # noqa: B023
            except EmptyStoreError:
                marks.setdefault("", 0)  # all that comes from now on is new
            except (Busy, StoreError):
                pass  # the next look sees it
            else:
                for listener, new in zip(listeners, counts, strict=True):
                    listener.new += new
                    if new:
                        listener.woken.set()
            await asyncio.sleep(EVERY)


def _counted(reader: StoreReader, marks: dict[str, int], listeners: tuple[Listener, ...]) -> list[int]:
    """Return how many of the calls that were written since are wanted by each."""
    records = [one.record for one in reader.added(marks, _AT_ONCE)]
    return [sum(each.wanted.begins_in_time(one) and each.wanted.takes(one) for one in records) for each in listeners]


def routes(site: Website) -> list[Route]:
    """Return the route of the events."""
    watch = Watch(site)

    async def events(request: Request) -> Response:
        try:
            asked = site.asked_for(request.query_params)
        except AskedError as error:
            return PlainTextResponse(f"{error}\n", 400)
        if request.method == "HEAD":
            return Response(media_type="text/event-stream", headers=_HEADERS)
        if len(watch.listeners) >= MAX_LISTENERS:
            return PlainTextResponse("Too many listen already.\n", 503, {"Retry-After": "60"})
        return StreamingResponse(_stream(watch, asked.wanted), media_type="text/event-stream", headers=_HEADERS)

    return [site.route("/events", events, SELECTION)]


async def _stream(watch: Watch, wanted: Wanted) -> AsyncIterator[bytes]:
    until = time.monotonic() + LONGEST
    with watch.listening(wanted) as listener:
        yield b"retry: 3000\n\n"
        while time.monotonic() < until:
            try:
                await asyncio.wait_for(listener.woken.wait(), HEARTBEAT)
            except TimeoutError:
                yield b": nothing new\n\n"
                continue
            listener.woken.clear()
            new, listener.new = listener.new, 0
            yield b'event: calls\ndata: {"calls": %d}\n\n' % new
