"""What is served: the figures, whether the program is well, and a page that says where they are.

Must not know: connections, TLS, how figures are made.
"""

from __future__ import annotations

import gzip
from functools import partial
from http import HTTPStatus
from importlib.metadata import PackageNotFoundError, version
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from prometheus_client import ProcessCollector, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from sipwatch.export.escape import terminal
from sipwatch.export.html import fill_in
from sipwatch.web.users import AuthResult, Users
from sipwatch.web.workers import Busy, Workers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from prometheus_client import Metric
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from sipwatch.web.current import Current

MAX_SCRAPES = 8  # at once
TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
_GZIP_LEVEL = 4  # a tenth larger than the best, in a third of the time


class Sources(NamedTuple):
    """Where the figures come from, and who says whether the program is well (None, or one line why not)."""

    collect: Callable[[], Iterable[Metric]]
    ready: Callable[[], str | None]
    healthy: Callable[[], str | None]


class Pages:
    """The application."""

    def __init__(self, sources: Sources) -> None:
        self.workers = Workers("sipwatch-scrape", MAX_SCRAPES)
        self._sources = sources
        self._process = ProcessCollector(registry=None)
        self._encoding = Lock()  # one at a time: the loop that captures needs the interpreter as well
        self.app = Starlette(
            routes=[
                Route("/", self._start, methods=["GET"]),
                Route("/metrics", self._metrics, methods=["GET"]),
                Route("/-/healthy", partial(_state, sources.healthy, "healthy"), methods=["GET"]),
                Route("/-/ready", partial(_state, sources.ready, "ready"), methods=["GET"]),
            ],
            exception_handlers={HTTPException: _refused},
        )
        self.app.router.redirect_slashes = False

    async def _start(self, _: Request) -> Response:
        return HTMLResponse(fill_in("start.html", version=_version()))

    async def _metrics(self, request: Request) -> Response:
        openmetrics = prefers_openmetrics(",".join(request.headers.getlist("accept")))
        zipped = takes_gzip(",".join(request.headers.getlist("accept-encoding")))
        try:
            body = await self.workers.run(partial(self._encode, openmetrics=openmetrics, zipped=zipped))
        except Busy:
            return _unavailable(f"{MAX_SCRAPES} scrapes are under way already")
        except TimeoutError:
            return _unavailable("the capture loop gave no figures in time")
        headers = {"Content-Type": OPENMETRICS if openmetrics else TEXT, "Vary": "Accept, Accept-Encoding"}
        if zipped:
            headers["Content-Encoding"] = "gzip"
        return Response(body, headers=headers)

    def _encode(self, *, openmetrics: bool, zipped: bool) -> bytes:
        """Collect, and write down. Takes its time. Raises TimeoutError."""
        families = _Families([*self._sources.collect(), *self._process.collect()])
        with self._encoding:
            body = generate_openmetrics(families) if openmetrics else generate_latest(families)
        return gzip.compress(body, _GZIP_LEVEL, mtime=0) if zipped else body


class _Families(Collector):
    """What prometheus_client takes for a registry."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


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


async def _state(ask: Callable[[], str | None], word: str, _: Request) -> Response:
    reason = ask()
    return _line(HTTPStatus.OK, f"sipwatch is {word}.") if reason is None else _unavailable(reason)


async def _refused(_: Request, error: Exception) -> Response:
    """Answer for what is not here, and for what cannot be done with what is."""
    if not isinstance(error, HTTPException):
        raise error
    return _line(HTTPStatus(error.status_code), f"{error.detail}.", error.headers)


def _unavailable(reason: str) -> Response:
    return _line(HTTPStatus.SERVICE_UNAVAILABLE, terminal(reason))


def _line(status: HTTPStatus, text: str, headers: Mapping[str, str] | None = None) -> Response:
    return PlainTextResponse(text + "\n", status, headers)


def _version() -> str:
    try:
        return version("sipwatch")
    except PackageNotFoundError:
        return ""


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
