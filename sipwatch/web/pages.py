"""What is served: the figures, whether the program is well, a page that leads to both; a site, if there is one.

Must not know: connections, TLS, how figures are made.
"""

from __future__ import annotations

import re
import zlib
from functools import partial
from http import HTTPStatus
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from sipwatch.export.escape import terminal
from sipwatch.export.exposition import Exposition
from sipwatch.web import api
from sipwatch.web.frame import Frame
from sipwatch.web.headers import SECURITY
from sipwatch.web.statics import static_route
from sipwatch.web.users import AuthResult, Users
from sipwatch.web.workers import Busy, Shared, Workers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from sipwatch.export.figures import Figures
    from sipwatch.web.current import Current
    from sipwatch.web.site import Website

MAX_SCRAPES = 4  # at once: one for each form of the answer, which all who want that form share
TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
_FOR_ALL = re.compile(r"/(metrics$|-/|static/)")  # what tells nothing of any call
_GZIP_LEVEL = 4  # a tenth larger than the best, in a third of the time


class Sources(NamedTuple):
    """Where the figures come from, and who says whether the program is well (None, or one line why not)."""

    collect: Callable[[], Sequence[Figures]]
    ready: Callable[[], str | None]
    healthy: Callable[[], str | None]


class Pages:
    """The application: the figures, and the pages of a site over a store, if there is one."""

    def __init__(
        self, sources: Sources, site: Website | None = None, why_hidden: Callable[[str], str | None] = lambda _: None
    ) -> None:
        self.workers = Workers("sipwatch-scrape", MAX_SCRAPES)
        self._sources = sources
        self._frame = Frame(()) if site is None else site.frame
        self._process = CollectorRegistry()
        ProcessCollector(registry=self._process)
        self._exposition = Exposition()
        self._encoding = Lock()  # one at a time: the loop that captures needs the interpreter as well
        self._scrapes: Shared[tuple[bool, bool], bytes] = Shared(self.workers)
        self._why_hidden = why_hidden
        self._first = None if site is None else site.first
        app = Starlette(
            routes=[
                Route("/", self._start, methods=["GET"]),
                Route("/metrics", self._metrics, methods=["GET"]),
                Route("/-/healthy", partial(_state, sources.healthy, "healthy"), methods=["GET"]),
                Route("/-/ready", partial(_state, sources.ready, "ready"), methods=["GET"]),
                static_route(),
                *(() if site is None else site.routes()),
            ],
            exception_handlers={HTTPException: self._refused},
        )
        app.router.redirect_slashes = False
        self._app = app

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request: with what is asked for, or, where that has calls and may not be shown, with why."""
        asked_as = Request(scope).headers.get("host", "")
        why = None if _FOR_ALL.match(scope["path"]) else self._why_hidden(asked_as)
        await (self._app if why is None else self._hidden(Request(scope), why))(scope, receive, send)

    def _hidden(self, request: Request, why: str) -> Response:
        words = f"{why[:1].upper()}{why[1:]}."
        if request.scope["path"].startswith(api.ROOT):
            return api.refused(HTTPStatus.FORBIDDEN, words)
        if not _wants_a_page(request):
            return _line(HTTPStatus.FORBIDDEN, words)
        return self._frame.page(request, "message.html", "Not shown to the network", status=403, words=words)

    async def _start(self, request: Request) -> Response:
        if self._first is not None:
            return RedirectResponse(f"./{self._first}", 303)
        return self._frame.page(request, "start.html", "What became of every call")

    async def _refused(self, request: Request, error: Exception) -> Response:
        """Answer for what is not here, and for what cannot be done with what is."""
        if not isinstance(error, HTTPException):
            raise error
        status = HTTPStatus(error.status_code)
        if request.scope["path"].startswith(api.ROOT):
            return api.refused(status, status.phrase, headers=error.headers)
        if status is HTTPStatus.NOT_FOUND and _wants_a_page(request):
            words = "There is nothing at this address."
            return self._frame.page(request, "message.html", "Not found", status=status, words=words)
        return _line(status, f"{error.detail}.", error.headers)

    async def _metrics(self, request: Request) -> Response:
        openmetrics = prefers_openmetrics(",".join(request.headers.getlist("accept")))
        zipped = takes_gzip(",".join(request.headers.getlist("accept-encoding")))
        try:
            encode = partial(self._encode, openmetrics=openmetrics, zipped=zipped)
            body = await self._scrapes.run((openmetrics, zipped), encode)
        except Busy:
            return _unavailable("no thread is left for a scrape")
        except TimeoutError:
            return _unavailable("the capture loop gave no figures in time")
        headers = {"Content-Type": OPENMETRICS if openmetrics else TEXT, "Vary": "Accept, Accept-Encoding"}
        if zipped:
            headers["Content-Encoding"] = "gzip"
        return Response(body, headers=headers)

    def _encode(self, *, openmetrics: bool, zipped: bool) -> bytes:
        """Collect, and write down. Takes its time. Raises TimeoutError."""
        figures = self._sources.collect()
        with self._encoding:
            pieces = self._exposition.write(figures, openmetrics=openmetrics)
            # Those of the process come last, and with them the end that OpenMetrics wants.
            of_process = generate_openmetrics(self._process) if openmetrics else generate_latest(self._process)
            return b"".join(_zipped(pieces, of_process) if zipped else [*pieces, of_process])


def _zipped(pieces: Iterable[bytes], last: bytes) -> Iterator[bytes]:
    """Compress piece by piece: meanwhile the interpreter is free for the loop that captures."""
    gzip = zlib.compressobj(_GZIP_LEVEL, wbits=zlib.MAX_WBITS | 16)
    for piece in pieces:
        yield gzip.compress(piece)
    yield gzip.compress(last)
    yield gzip.flush()


class Guard:
    """Stands before the pages: who may see them, and which headers go with every answer."""

    def __init__(self, app: ASGIApp, current: Current, users: Users) -> None:
        self._app = app
        self._current = current
        self._users = users

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        config = self._current.look()

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY:
                    headers[name] = value
                for name, value in config.headers:
                    headers[name] = value
            await send(message)

        refusal = await self._refusal(config.users, scope)
        await (refusal or self._app)(scope, receive, with_headers)

    async def _refusal(self, users: Mapping[str, bytes], scope: Scope) -> Response | None:
        if not users:
            return None
        client = scope["client"][0].removeprefix("::ffff:") if scope["client"] else ""
        given = Request(scope).headers.get("authorization")
        answer = await self._users.check(users, given, client)
        if answer is AuthResult.WELCOME:
            return None
        if answer is AuthResult.BUSY:
            return _line(HTTPStatus.TOO_MANY_REQUESTS, "Too many passwords to check at once.", {"Retry-After": "1"})
        challenge = {"WWW-Authenticate": 'Basic realm="sipwatch", charset="UTF-8"'}
        return _line(HTTPStatus.UNAUTHORIZED, "A user and a password are needed.", challenge)


def _wants_a_page(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


async def _state(ask: Callable[[], str | None], word: str, _: Request) -> Response:
    reason = ask()
    return _line(HTTPStatus.OK, f"sipwatch is {word}.") if reason is None else _unavailable(reason)


def _unavailable(reason: str) -> Response:
    return _line(HTTPStatus.SERVICE_UNAVAILABLE, terminal(reason))


def _line(status: HTTPStatus, text: str, headers: Mapping[str, str] | None = None) -> Response:
    return PlainTextResponse(text + "\n", status, headers)


# What a client wants (RFC 9110 section 12.5)


def prefers_openmetrics(accept: str) -> bool:
    """Tell whether an Accept header asks for OpenMetrics 1.0.0 at least as much as for the text format 0.0.4.

    Only by name: ``*/*``, as of curl and browsers, is text. Not ``choose_encoder`` of prometheus_client: that
    takes the first of both without looking at ``q``, and repeats any version that a client makes up. Names
    need no escaping here, so whichever escaping Prometheus asks for is no different from none.
    """
    openmetrics = text = 0.0
    for media, parameters, weight in _ranges(accept):
        of = parameters.get("version", "")
        if media == "application/openmetrics-text" and of in {"", "1.0.0"}:
            openmetrics = max(openmetrics, weight)
        elif media == "text/plain" and of in {"", "0.0.4"}:
            text = max(text, weight)
    return openmetrics > 0 and openmetrics >= text


def takes_gzip(accept_encoding: str) -> bool:
    """Tell whether an Accept-Encoding header names gzip, and does not refuse it."""
    return any(coding in {"gzip", "x-gzip"} and weight > 0 for coding, _, weight in _ranges(accept_encoding))


def _ranges(header: str) -> Iterable[tuple[str, dict[str, str], float]]:
    """Yield what is asked for, with its parameters and its weight from 0 to 1."""
    for item in header.split(","):
        name, *rest = (part.strip().lower() for part in item.split(";"))
        parameters = {}
        for part in rest:
            key, _, value = part.partition("=")
            parameters[key.strip()] = value.strip().strip('"')
        try:
            weight = float(parameters.pop("q", "1"))
        except ValueError:
            weight = 0.0
        yield name, parameters, weight
