"""Connections within bounds: how many, how long, from whom; TLS; and uvicorn's HTTP/1.1 on each of them.

Must not know: what is served. uvicorn bounds requests, but not who says nothing: that is done here. There are
at most ``MOST`` connections. Who completes no request, sends the rest of one too slowly or does not fetch an
answer is cut off after the times below. When the table is full, whoever has most connections loses one.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from typing import TYPE_CHECKING

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from sipwatch.web import tls
from sipwatch.web.clients import origin, plain

if TYPE_CHECKING:
    import ssl

    from starlette.types import ASGIApp

    from sipwatch.shell.log import Log
    from sipwatch.web.current import Current
    from sipwatch.web.webconfig import WebConfig

MOST = 64
MAX_HEAD_SIZE = 8 << 10  # bytes of a request head that are kept while the rest is waited for; Prometheus sends 500
FIRST_REQUEST = 10.0  # seconds for a TLS handshake and a whole request head
NEXT_REQUEST = 30  # seconds of silence after an answer
ANSWER = 30.0  # seconds for an answer, also for fetching it
_SPARE = 5.0  # seconds after which a polite end becomes a hard one


class Connections:
    """The table of connections, which makes new ones."""

    def __init__(self, app: ASGIApp, current: Current, log: Log) -> None:
        self.current = current
        self.log = log
        self.state = ServerState()
        self.open: dict[Connection, None] = {}  # the oldest first
        self._empty: asyncio.Event | None = None
        self._closed = False
        self.config = uvicorn.Config(
            app,
            http="h11",  # nothing depends on what else is installed
            ws="none",
            loop="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            log_level="warning",
            access_log=False,
            workers=1,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=NEXT_REQUEST,
            h11_max_incomplete_event_size=MAX_HEAD_SIZE,
        )
        # Now: who drops root's rights after this may be unable to import what it needs.
        self.config.load()

    def new(self) -> Connection:
        """Return the protocol of a connection that was just accepted."""
        return Connection(self)

    def admit(self, newcomer: Connection) -> bool:
        """Enter a connection, if need be in the place of another; tell whether there was one."""
        if self._closed:
            return False
        if len(self.open) >= MOST:
            victim = self._victim(newcomer)
            if victim is None:
                return False
            self.leave(victim)
            victim.abort()
        self.open[newcomer] = None
        return True

    def leave(self, connection: Connection) -> None:
        """Forget a connection."""
        self.open.pop(connection, None)
        if not self.open and self._empty is not None:
            self._empty.set()

    async def close(self, seconds: float) -> None:
        """Let requests under way finish, but no longer than this; then close everything."""
        self._closed = True
        await _let_others_run()  # for what is accepted already to get here
        for connection in list(self.open):
            connection.finish()
        if self.open:
            self._empty = asyncio.Event()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._empty.wait(), seconds)
        for connection in list(self.open):
            connection.abort()
        await _let_others_run()  # for the transports to close

    def _victim(self, newcomer: Connection) -> Connection | None:
        """Choose who gives way: of whoever has most, the one that has waited longest for a request."""
        held = Counter(connection.origin for connection in self.open)
        held[newcomer.origin] += 1
        most = max(held.values())
        greedy = [connection for connection in self.open if held[connection.origin] == most]
        idle = (connection for connection in greedy if connection.idle)
        foreign = (connection for connection in greedy if connection.origin != newcomer.origin and most > 1)
        return next(idle, None) or next(foreign, None)


class Connection(H11Protocol):
    """One connection; ``client`` is its address as text, ``origin`` what counts as one and the same stranger."""

    def __init__(self, table: Connections) -> None:
        super().__init__(table.config, table.state, {}, asyncio.get_running_loop())
        self.origin = ""
        self._table = table
        self._address = ""
        self._raw: asyncio.Transport | None = None
        self._opened = False  # uvicorn knows of it
        self._lost = False
        self._early = b""
        self._context: ssl.SSLContext | None = None
        self._handshake: asyncio.Task[None] | None = None
        self._answering: object = None
        self._deadline: asyncio.TimerHandle | None = None

    @property
    def idle(self) -> bool:
        """Whether no request is being answered."""
        return self.cycle is None or self.cycle.response_complete

    def abort(self) -> None:
        """Cut it off."""
        if self._raw is not None:
            self._raw.abort()

    def finish(self) -> None:
        """End after the answer that is under way, if there is one."""
        if self._opened:
            self.shutdown()
        else:
            self.abort()

    # What asyncio calls

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Accept it, by TLS if that is configured."""
        self._raw = transport
        peer = transport.get_extra_info("peername")
        self._address = plain(str(peer[0])) if peer else ""
        self.origin = origin(self._address)
        if not self._table.admit(self):
            transport.abort()
            return
        self._expect(FIRST_REQUEST)
        config = self._table.current.look()
        self._context = config.context
        if config.context is None:
            self._open(transport)
        else:
            # Not by create_server(ssl=...): a certificate can change, and handshakes count as connections.
            transport.pause_reading()
            self._handshake = self.loop.create_task(self._secure(transport, config, config.context))

    def data_received(self, data: bytes) -> None:
        """Take a piece of a request."""
        if not self._opened:
            self._early += data  # between the end of the handshake and its being noticed
            return
        if self.idle and self._table.current.look().context is not self._context:
            self.abort()  # made under rules for TLS that hold no more
            return
        super().data_received(data)
        self._note_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._lost = True
        self._forget()
        if self._opened:
            super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        self._expect(NEXT_REQUEST + _SPARE)
        self._note_request()  # it may have been there already

    def _unsupported_upgrade_warning(self) -> None:
        """Say nothing: whoever asks for another protocol is answered in this one."""

    # Steps

    async def _secure(self, transport: asyncio.Transport, config: WebConfig, context: ssl.SSLContext) -> None:
        try:
            secured = await self.loop.start_tls(
                transport, self, context, server_side=True, ssl_handshake_timeout=FIRST_REQUEST + _SPARE
            )
        except OSError as error:
            self._forget()
            if not isinstance(error, ConnectionError):  # somebody who only looks whether the port is open
                self._complain(tls.explain(error))
            return
        if secured is None or self._lost:  # gone, or cut off, meanwhile
            self._forget()
        elif config.sans and not config.sans & tls.names_of(secured.get_extra_info("peercert") or {}):
            self._complain("client certificate: none of its names is in client_allowed_sans")
            self.abort()
        else:
            self._open(secured)
            if self._early:
                self.data_received(self._early)
                self._early = b""

    def _open(self, transport: asyncio.Transport) -> None:
        self._opened = True
        super().connection_made(transport)
        # uvicorn would name the socket's address, which may be an IPv4 one in the clothes of IPv6.
        self.client = (self._address, self.client[1] if self.client else 0)

    def _note_request(self) -> None:
        """Begin to wait for the answer if a request's head has come since the last look."""
        if self.cycle is not self._answering:
            self._answering = self.cycle
            if not self.idle:
                self._expect(ANSWER)

    def _expect(self, seconds: float) -> None:
        """Cut the connection off after this time unless something else is expected by then."""
        if self._deadline is not None:
            self._deadline.cancel()
        if not self._lost:
            self._deadline = self.loop.call_later(seconds, self.abort)

    def _forget(self) -> None:
        self._table.leave(self)
        if self._deadline is not None:
            self._deadline.cancel()

    def _complain(self, reason: str) -> None:
        self._table.log.event("warning", "tls_failed", client=self._address, reason=reason)


async def _let_others_run() -> None:
    """Give what is due a turn, and what follows from that: accept, make a transport, tell its protocol."""
    for _ in range(4):
        await asyncio.sleep(0)
