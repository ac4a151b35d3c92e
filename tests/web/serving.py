"""A server in this process, and a client that asks it; a log in memory.

Must not know: what is asked for, or what the answer should be.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import io
import socket
import ssl
import time
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import bcrypt

from sipwatch.export import series
from sipwatch.export.calls import short_id
from sipwatch.export.figures import Distribution, Figures
from sipwatch.export.series import Seen
from sipwatch.packet import SECOND
from sipwatch.shell.log import Log
from sipwatch.web.server import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from tests.web.certificates import Certificates

T = TypeVar("T")
_DELAY = series.ANSWER_DELAY._replace(labels=(), buckets=(1,))
PATIENT = 20.0  # seconds: the machine may be busy


class Told(Log):
    """A log in memory."""

    def __init__(self) -> None:
        self.out = io.StringIO()
        super().__init__(self.out, "text", time.time, most_per_minute=10_000)

    @property
    def lines(self) -> list[str]:
        """Return level, event and fields of each line, without its time."""
        return [line.partition(" ")[2] for line in self.out.getvalue().split("\n")[:-1]]

    def of(self, event: str) -> list[str]:
        """Return the lines of one event."""
        return [line for line in self.lines if line.split(" ")[1] == event]


class Answer(NamedTuple):
    """What a server answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes


CALL = (b"c1", b"f1", 9)
EXAMPLE = short_id(*CALL)


def figures() -> list[Figures]:
    """Return a counter with an exemplar, and a histogram."""
    peer = ('a"\n\\é',)
    return [
        Figures(series.CALLS_STARTED, {peer: 3}, {peer: Seen(CALL, 1, 9 * SECOND)}),
        Figures(_DELAY, {}, {}, {(): Distribution([1, 1], 7_500_000_000, [None, None])}),
    ]


def well() -> str | None:
    """Say that all is well."""
    return None


@contextlib.contextmanager
def serving(
    collect: Callable[[], Sequence[Figures]] = figures,
    ready: Callable[[], str | None] = well,
    healthy: Callable[[], str | None] = well,
    listen: str = "127.0.0.1:0",
    web_config: Path | None = None,
) -> Iterator[tuple[Server, Told]]:
    """Serve while the block runs."""
    log = Told()
    server = Server(collect, ready, healthy, listen, None if web_config is None else str(web_config), log)
    try:
        server.start()
        yield server, log
    finally:
        server.stop()


def connection(address: str, tls: ssl.SSLContext | None = None) -> http.client.HTTPConnection:
    """Return a connection that is not yet made."""
    host, _, port = address.rpartition(":")
    if tls is not None:
        return http.client.HTTPSConnection(host.strip("[]"), int(port), timeout=PATIENT, context=tls)
    return http.client.HTTPConnection(host.strip("[]"), int(port), timeout=PATIENT)


def ask(
    address: str,
    path: str,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    tls: ssl.SSLContext | None = None,
) -> Answer:
    """Ask on a connection of its own."""
    with contextlib.closing(connection(address, tls)) as made:
        return ask_on(made, path, method, headers)


def ask_on(
    made: http.client.HTTPConnection, path: str, method: str = "GET", headers: Mapping[str, str] | None = None
) -> Answer:
    """Ask on a connection."""
    made.request(method, path, headers=dict(headers or {}))
    response = made.getresponse()
    return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())


def dial(address: str) -> socket.socket:
    """Return a bare TCP connection."""
    host, _, port = address.rpartition(":")
    return socket.create_connection((host.strip("[]"), int(port)), timeout=PATIENT)


def everything(made: socket.socket) -> bytes:
    """Read until the other side ends the connection, in whichever way."""
    found = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := made.recv(65_536):
            found += piece
    return found


def basic(user: str, password: str) -> dict[str, str]:
    """Return the header that says who one is."""
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def hashed(password: str) -> str:
    """Return a hash that takes no time, as htpasswd writes it."""
    return "$2y$" + bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()[4:]


def trusting(cert: Path, client: tuple[Path, Path] | None = None) -> ssl.SSLContext:
    """Return a client's context that trusts this certificate."""
    context = ssl.create_default_context(cafile=str(cert))
    if client is not None:
        context.load_cert_chain(*client)
    return context


def until(check: Callable[[], T], what: str) -> T:
    """Wait until a check gives something true, and return that."""
    deadline = time.monotonic() + PATIENT
    while not (found := check()):
        assert time.monotonic() < deadline, what
        time.sleep(0.02)
    return found


def tls_config(folder: Path, certificates: Certificates, more: str = "", server: str = "server") -> Path:
    """Write a configuration with a server's certificate."""
    pair = certificates.server(server)
    path = folder / "web.yml"
    path.write_text(f"tls_server_config:\n  cert_file: {pair.cert}\n  key_file: {pair.key}\n{more}")
    return path
