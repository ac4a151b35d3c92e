"""The pages over a store: which there are, and what they have in common.

Must not know: what any page says. A page's module has ``routes(site)``; what it asks the store runs in a thread.
"""

from __future__ import annotations

import asyncio
import time
from importlib import import_module
from typing import TYPE_CHECKING, Final, TypeVar

from starlette.responses import StreamingResponse
from starlette.routing import Route

from sipwatch import installed_version
from sipwatch.classify.roster import Roster
from sipwatch.export.choices import FAILED_ONES, NoSuchPeerError
from sipwatch.export.explaining import everything
from sipwatch.export.html import load_all
from sipwatch.export.runbook import runbook_of
from sipwatch.knowledge import load as load_knowledge
from sipwatch.packet import HOUR
from sipwatch.store.days import EmptyStoreError, StoreError, TooLongError
from sipwatch.store.ids import UnclearIdError
from sipwatch.store.troubles import Troubles
from sipwatch.web import (
    agent,
    agents,
    api,
    call,
    callbacks,
    calls,
    downloads,
    events,
    explained,
    incidents,
    now,
    peer,
    peers,
    registrations,
    taken,
)
from sipwatch.web.asked import AskedError, as_sentence, asked_for, parameters_of
from sipwatch.web.frame import Chapter, Frame
from sipwatch.web.shown import row
from sipwatch.web.statics import static_files
from sipwatch.web.stored import BESIDE_A_CAPTURE, MAX_QUESTIONS, Store
from sipwatch.web.watching import Watching
from sipwatch.web.workers import Busy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import Message

    from sipwatch.store.reader import StoreReader
    from sipwatch.web.asked import AskedFor
    from sipwatch.web.shown import CallRow
    from sipwatch.web.watching import Watcher
    from sipwatch.web.workers import Workers

T = TypeVar("T")

# In the order in which they are shown.
_SECTIONED: Final = (now, incidents, calls, callbacks, agents, peers, registrations, explained)
SECTIONS: Final = tuple([page.SECTION for page in _SECTIONED])
_PAGES: Final = (*_SECTIONED, downloads, taken, call, agent, peer, api, events)

# What keeps a page from an answer, by what is raised: the status, a title, and words where what is raised has none.
_REFUSALS: Final[dict[type[Exception], tuple[int, str, str]]] = {
    AskedError: (400, "That cannot be shown", ""),
    NoSuchPeerError: (404, "No such peer", ""),
    UnclearIdError: (404, "Which call is it?", ""),
    Busy: (503, "Too much at once", "Others are being answered. Try again in a moment."),
    TooLongError: (503, "That takes too long", ""),
    TimeoutError: (503, "No answer", "The capture loop gave no answer in time. Try again."),
    StoreError: (503, "The store cannot be read", ""),
}


class Website:
    """Makes the pages of the store that ``open_reader`` opens, which raises StoreError where nothing can be read.

    ``now`` gives the time (ns since 1970) from which "an hour ago" is counted; ``region`` is where people dial (ISO
    3166), None where nobody says. ``roster`` has the names of agents, ``zone`` is the time zone by whose clocks days
    begin, and ``objectives`` have the share of the calls to a peer that shall not fail by a fault. ``within`` is how
    long a missed caller waits to be called back (ns). ``daemon`` writes the store, None where nobody does.
    ``troubles`` looks for incidents.
    """

    def __init__(
        self,
        open_reader: Callable[[], StoreReader],
        *,
        now: Callable[[], int] = time.time_ns,
        region: str | None = None,
        roster: Roster | None = None,
        zone: str = "UTC",
        objectives: Mapping[str, float] | None = None,
        within: int = HOUR,
        daemon: Watcher | None = None,
        troubles: Troubles | None = None,
    ) -> None:
        self.store = Store(open_reader, MAX_QUESTIONS if daemon is None else BESIDE_A_CAPTURE)
        self.now = now
        self.region = region
        self.roster = roster or Roster()
        self.zone = zone
        self.objectives = dict(objectives or {})
        self.within = within
        self.watching = None if daemon is None else Watching(daemon)
        self.frame = Frame(SECTIONS)
        self.troubles = troubles or Troubles()

    @property
    def first(self) -> str | None:
        """Return the path of the page that comes first, None where that is the list of all."""
        return None if self.watching is None else now.SECTION.path

    @property
    def workers(self) -> tuple[Workers, ...]:
        """Return whose work is to be waited for at the end."""
        return (self.store.workers,) if self.watching is None else (self.store.workers, self.watching.workers)

    def load(self) -> None:
        """Read all that pages need from the package: who gives rights away may be unable to read it later."""
        import_module("sipwatch.store.narrow")
        load_all()
        static_files()
        everything(load_knowledge())
        runbook_of("")
        installed_version()
        asked_for({"since": "1h", "outcome": FAILED_ONES, "number": "+4930123456"}, self.now(), self.region)
        asyncio.run(_stream())

    @property
    def sections(self) -> tuple[Chapter, ...]:
        """What the site has, for the way through it."""
        return self.frame.sections

    def routes(self) -> list[Route]:
        """Return the routes of all pages."""
        return [route for page in _PAGES for route in page.routes(self)]

    def asked_for(self, given: Mapping[str, str]) -> AskedFor:
        """Return which calls an address asks for, by the site's time, region and zone. Raises AskedError."""
        return asked_for(given, self.now(), self.region, self.zone)

    async def ask(self, question: Callable[[StoreReader], T]) -> T:
        """Return what a question to the store finds. Raises Busy, StoreError, and whatever it raises."""
        return await self.store.ask(question)

    async def ask_or(self, question: Callable[[StoreReader], T], otherwise: T) -> T:
        """Return what a question finds, or ``otherwise`` where nothing is stored yet. Raises what ``ask`` does."""
        try:
            return await self.ask(question)
        except EmptyStoreError:
            return otherwise

    def route(
        self, path: str, page: Callable[[Request], Awaitable[Response]], parameters: Collection[str] = ()
    ) -> Route:
        """Return the route of a page; what keeps it from an answer becomes a page in words.

        ``parameters`` are those that an address of it may have.
        """

        async def answer(request: Request) -> Response:
            try:
                parameters_of(request.query_params.multi_items(), parameters)
                return await page(request)
            except tuple(_REFUSALS) as error:
                status, title, words = next(_REFUSALS[kind] for kind in _REFUSALS if isinstance(error, kind))
                newest = error.newest if isinstance(error, UnclearIdError) else ()
                return self.told(
                    request,
                    status,
                    title,
                    words or as_sentence(str(error)),
                    [row(one.record, one.kept) for one in newest],
                )

        return Route(path, answer, methods=["GET"])

    def told(self, request: Request, status: int, title: str, words: str, rows: Sequence[CallRow] = ()) -> Response:
        """Return a page that says something in a sentence or two, with the calls that this is about."""
        headers = {"Retry-After": "1"} if status == 503 else None
        return self.frame.page(request, "message.html", title, status=status, headers=headers, words=words, rows=rows)


async def _stream() -> None:
    """Send a piece to nobody, for what a stream loads when it is first sent."""

    async def pieces() -> AsyncIterator[bytes]:
        yield b""

    async def nobody(_: Message) -> None:
        pass

    async def silent() -> Message:
        await asyncio.Event().wait()
        return {}

    await StreamingResponse(pieces())({"type": "http", "asgi": {}}, silent, nobody)
