"""The web server: a socket that is bound before rights are given away, and a thread in which uvicorn serves it.

Must not know: what is served, what the figures mean. Bounds: uvicorn's own, below; see ``pages`` (scrapes at once) and
``users`` (passwords that are tried). A proxy keeps off what must be kept off beyond that (deploy/README.md).
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import socket
import time
from threading import Event, Thread, get_ident
from typing import TYPE_CHECKING, Any

import uvicorn

from sipwatch.export.escape import terminal
from sipwatch.packet import host_and_port
from sipwatch.web import tls
from sipwatch.web.current import LOOK_EVERY, Current
from sipwatch.web.exposure import check_exposure, why_hidden
from sipwatch.web.pages import Guard, Pages, Sources
from sipwatch.web.users import Users
from sipwatch.web.webconfig import WebError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sipwatch.export.figures import Figures
    from sipwatch.shell.log import Log
    from sipwatch.web.site import Website

__all__ = ["Server", "WebError"]

BACKLOG = 128  # connections that the kernel keeps until they are accepted
MAX_CONNECTIONS = 64  # any more are answered 503
MAX_HEAD_SIZE = 8 << 10  # bytes of a request head that are kept while the rest is waited for; Prometheus sends 500
NEXT_REQUEST = 30  # seconds of silence after an answer
FETCH = 30  # seconds in which a client that does not take what it is sent has to take some
_LAST_ANSWERS = 1  # seconds for requests under way when the server is stopped
_LAST_THREADS = 0.5  # seconds for work that they still wait for, of each kind
_SAY_AGAIN = 60  # seconds until the same trouble is said again
_WHY = {
    errno.EADDRINUSE: "another program listens there; end it, or choose another port",
    errno.EACCES: "only root may use a port below 1024; choose a higher one",
    errno.EADDRNOTAVAIL: "no interface of this machine has that address",
    errno.EAFNOSUPPORT: "this machine does not speak that version of IP",
}


class Server:
    """Serves figures by HTTP. ``listen`` is HOST:PORT, [IPV6]:PORT or :PORT, which is all addresses.

    Binds at once, so that a port below 1024 and a key that only root may read are possible, but starts no
    thread before ``start``. Raises WebError. ``collect`` is called in threads of the server's own, several at
    once, may take its time and raise TimeoutError; ``ready`` and ``healthy`` have to answer at once. ``site`` has the
    pages over a store, if there is one; then it has to listen for this machine only, have users, or be ``open_to_all``:
    else it raises, or, with ``or_figures_alone``, answers for the figures and says on every page why it shows nothing.
    """

    def __init__(
        self,
        collect: Callable[[], Sequence[Figures]],
        ready: Callable[[], str | None],
        healthy: Callable[[], str | None],
        listen: str,
        web_config: str | None,
        log: Log,
        *,
        site: Website | None = None,
        open_to_all: bool = False,
        or_figures_alone: bool = False,
    ) -> None:
        self._log = log
        self._open_to_all = open_to_all or site is None
        self._current = Current(web_config, log)
        pages = Pages(Sources(collect, ready, healthy), site, self.why_hidden)
        users = Users(log)
        self._workers = (pages.workers, users.workers, *(() if site is None else site.workers))
        self._app = Guard(pages.app, self._current, users)
        self._thread: Thread | None = None
        self._accepting = Event()
        self._stopping = False
        self._failure = ""
        self._complaint, self._quiet_until = "", 0.0
        # Now: who drops root's rights after this may be unable to import what it needs, or to read a key.
        self._serving = self._uvicorn()
        self._socket = _listen_at(listen)
        self._host, port = self._socket.getsockname()[:2]
        self.address = host_and_port(self._host, port)
        if not or_figures_alone:
            try:
                check_exposure(self._host, self._current.look(), open_to_all=self._open_to_all)
            except WebError:
                self._socket.close()
                raise

    def why_hidden(self, asked_as: str = "") -> str | None:
        """Say why pages with calls are not shown to who asks for them under a name; None if they are."""
        return why_hidden(self._host, self._current.look(), open_to_all=self._open_to_all, asked_as=asked_as)

    @property
    def url(self) -> str:
        """Return where the pages begin."""
        return f"{'http' if self._current.look().tls is None else 'https'}://{self.address}/"

    def start(self) -> None:
        """Serve, in a thread; return when it accepts. Raises WebError."""
        self._thread = Thread(target=self._run, name="sipwatch-web", daemon=True)
        try:
            self._thread.start()
        except RuntimeError as error:
            self._thread = None
            self._failure = str(error)
        else:
            self._accepting.wait()
        if self._failure:
            self.stop()
            raise WebError(f"cannot serve at {self.address}: {self._failure}")

    def stop(self) -> None:
        """Finish what is under way, within two seconds or not at all, and close the socket. May be called again."""
        self._stopping = self._serving.should_exit = True
        if self._thread is not None:
            self._thread.join(_LAST_ANSWERS + 2.0)
            for workers in self._workers:
                workers.join(_LAST_THREADS)
        self._socket.close()

    def _uvicorn(self) -> uvicorn.Server:
        """Make what serves by the configuration that is in force."""
        wanted = self._current.look().tls

        async def notify() -> None:
            self._accepting.set()
            if self._current.look().tls != wanted:
                server.should_exit = True  # for the next one, which does by the new settings

        config = uvicorn.Config(
            self._app,
            http="h11",  # nothing depends on what else is installed
            ws="none",
            loop="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            log_level="warning",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            backlog=BACKLOG,
            limit_concurrency=MAX_CONNECTIONS,
            h11_max_incomplete_event_size=MAX_HEAD_SIZE,
            timeout_keep_alive=NEXT_REQUEST,
            timeout_graceful_shutdown=_LAST_ANSWERS,
            timeout_notify=LOOK_EVERY,
            callback_notify=notify,
        )
        config.load()
        config.ssl = None if wanted is None else tls.context(wanted, self._tell_handshake)
        server = uvicorn.Server(config)
        return server

    def _tell_handshake(self, reason: str) -> None:
        self._log.event("warning", "tls_failed", reason=reason)

    def _run(self) -> None:
        handler = _ToLog(self._log, lambda: self._stopping)
        loggers = [logging.getLogger(name) for name in ("uvicorn.error", "asyncio")]
        for logger in loggers:
            logger.addHandler(handler)
        try:
            with asyncio.Runner() as runner:
                runner.run(self._serve())
        except Exception as error:  # noqa: BLE001 - the last net of this thread; the capture goes on
            self._failure = _in_words(error)
            self._log.event("error", "web_server_ended", reason=self._failure)
        finally:
            self._accepting.set()
            for logger in loggers:
                logger.removeHandler(handler)

    async def _serve(self) -> None:
        """Serve until the end; where TLS changes, anew. Who comes in between waits at the socket, which stays open."""
        asyncio.get_running_loop().set_exception_handler(self._complain)
        while not self._stopping:
            await self._serving.serve(sockets=[self._socket.dup()])
            if not self._stopping:
                self._serving = self._uvicorn()

    def _complain(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Log what asyncio would print with a traceback."""
        error = context.get("exception")
        reason = str(context.get("message", "")) + (f": {_in_words(error)}" if error is not None else "")
        # Without descriptors it complains some hundred times a second, as often as there may be connections waiting.
        now = time.monotonic()
        if reason == self._complaint and now < self._quiet_until:
            return
        self._complaint, self._quiet_until = reason, now + _SAY_AGAIN
        self._log.event("error", "web_trouble", reason=reason)


class _ToLog(logging.Handler):
    """Brings what libraries say in the thread that it was made in into the log, one line each.

    Once it is ``stopping`` nothing more: what is cancelled then need not complain.
    """

    def __init__(self, log: Log, stopping: Callable[[], bool]) -> None:
        super().__init__(logging.WARNING)
        self._log = log
        self._thread = get_ident()
        self._stopping = stopping

    def emit(self, record: logging.LogRecord) -> None:
        """Log a record."""
        if self._stopping() or record.thread != self._thread:
            return
        error = record.exc_info[1] if record.exc_info else None
        reason = " ".join(record.getMessage().split()) + (f": {_in_words(error)}" if error is not None else "")
        level = "error" if record.levelno >= logging.ERROR else "warning"
        self._log.event(level, "web_trouble", reason=reason)  # type: ignore[arg-type] # one of both


def _in_words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


# The socket


def _listen_at(listen: str) -> socket.socket:
    """Bind and listen. Raises WebError."""
    host, port = _endpoint(listen)
    shown = terminal(listen)
    try:
        family, address = _resolve(host, port)
        return _bind(family, address)
    except socket.gaierror as error:
        raise WebError(f"cannot listen at {shown}: there is no address for it ({error.strerror})") from None
    except OSError as error:
        why = _WHY.get(error.errno or 0) or os.strerror(error.errno or 0)
        raise WebError(f"cannot listen at {shown}: {why}") from None
    except ValueError:  # a name that cannot be one: empty parts, NUL
        raise WebError(f"cannot listen at {shown}: that is neither a name nor an address") from None


def _endpoint(listen: str) -> tuple[str, int]:
    host, colon, port = listen.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if bracketed:
        host = host[1:-1]
    good = colon and port.isascii() and port.isdigit() and len(port) <= 5 and int(port) < 65_536
    if not good or (":" in host) != bracketed:
        raise WebError(
            f"cannot listen at {listen!r}: expected HOST:PORT, [IPV6]:PORT or :PORT, such as 127.0.0.1:10060"
        )
    return host, int(port)


def _resolve(host: str, port: int) -> tuple[socket.AddressFamily, Any]:
    """Return where to bind; of a name that has addresses of both kinds the IPv4 one, as Go does."""
    if not host:
        return (socket.AF_INET6, ("::", port)) if _has_ipv6() else (socket.AF_INET, ("0.0.0.0", port))  # noqa: S104
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, _, _, _, address = min(found, key=lambda info: info[0] != socket.AF_INET)
    return family, address


def _has_ipv6() -> bool:
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
        probe.bind(("::", 0))
        return True
    return False


def _bind(family: socket.AddressFamily, address: tuple[Any, ...]) -> socket.socket:
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setblocking(False)
        # A connection of the server before this one that is not quite over must not keep it from starting.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Connections have these from the socket that they come to; the kernel ends those whose client is gone or idle.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 2 * NEXT_REQUEST)
        bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, FETCH * 1000)
        if family == socket.AF_INET6:
            only = int(address[0] != "::")  # all addresses are those of IPv4 as well
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, only)
        bound.bind(address)
        bound.listen(BACKLOG)
    except BaseException:
        bound.close()
        raise
    return bound
