"""Where agents send HEP to: UDP sockets, TCP and TLS listeners and their connections, all bounded, none waited for.

Must not know: what is in a packet, calls. This is where the wall clock enters (Law 1): it says when a packet arrived.
"""

from __future__ import annotations

import contextlib
import errno
import resource
import select
import socket
import time
from struct import Struct
from typing import TYPE_CHECKING

from sipwatch.capture.errors import CaptureError
from sipwatch.capture.hep_connection import MORE, PATIENCE, HepConnection
from sipwatch.capture.tally import Closable
from sipwatch.packet import host_and_port

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Sequence

    from sipwatch.capture.tally import Frame

    Endpoint = tuple[str, str, int]  # udp, tcp or tls; address to listen at; port
    # Time of arrival and what has passed (ns), the listener's name, the sender's address, the packet: a frame, or
    # why there is none.
    Take = Callable[[int, int, str, str, bytes], Frame | str]
    Tell = Callable[[str, str, str], None]  # an event, why, and whose connection or packet it was

# Why a connection is over. The first two are the agent's doing and no trouble.
CLOSED = ("ended", "cut_short", "malformed", "too_slow", "too_many", "too_much", "tls_failed")
WINDOW = 200_000_000  # ns that a message may take to get here; what takes longer is late
MAX_CONNECTIONS = 1000
MAX_BUFFERED = 16 << 20  # bytes of packets that are not whole, in all connections
_SPARE = 100  # descriptors that are left to everything else
_RECEIVE_BUFFER = 4 << 20  # bytes; a quarter of a second of 14,000 messages a second
_SO_RCVBUFFORCE, _SO_MEMINFO = 33, 55  # <asm-generic/socket.h>
_MEMINFO = Struct("=9I")  # <linux/sock_diag.h>: the last one counts what was dropped
_DROPS = 8
_DATAGRAMS_AT_ONCE = 1000  # of each socket, then others have their turn
_BACKLOG = 128
# Connections accepted between two looks (``follow``): a handshake costs a millisecond of the thread that captures.
_ACCEPTED = {"tcp": 200, "tls": 20}


class HepListener:
    """A socket that agents send to. ``packets`` came in; ``dropped`` is the kernel's figure."""

    def __init__(self, endpoint: Endpoint) -> None:
        """Bind it. Raises CaptureError."""
        self.kind, host, port = endpoint
        kind = socket.SOCK_DGRAM if self.kind == "udp" else socket.SOCK_STREAM
        try:
            family, _, _, _, address = socket.getaddrinfo(host, port, type=kind, flags=socket.AI_PASSIVE)[0]
            self.socket = socket.socket(family, kind)
        except OSError as error:
            raise CaptureError(f"--hep {self.kind}:{host}:{port}: {error.strerror}") from None
        try:
            self._prepare(family)
            self.socket.bind(address)
            if self.kind != "udp":
                self.socket.listen(_BACKLOG)
        except OSError as error:
            self.socket.close()
            raise CaptureError(f"--hep {self.kind}:{host}:{port}: {error.strerror}") from None
        self.port: int = self.socket.getsockname()[1]
        self.name = f"{self.kind}:{host_and_port(host, self.port)}"
        self.packets = 0
        self.dropped = 0
        self.accepted = 0  # since the last look
        self.paused = False

    def _prepare(self, family: int) -> None:
        self.socket.setblocking(False)
        if family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if self.kind != "udp":
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            return
        try:
            self.socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BUFFER)
        except OSError:  # without CAP_NET_ADMIN: as much as net.core.rmem_max allows
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)

    def count_drops(self) -> None:
        """Ask the kernel how many datagrams it had no room for."""
        if self.kind == "udp":
            with contextlib.suppress(OSError):
                told = self.socket.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size)
                self.dropped = _MEMINFO.unpack(told)[_DROPS]


class HepListeners(Closable):
    """All listeners, and the agents' connections. ``take`` makes a frame of a packet; ``tell`` hears what went wrong.

    ``clock`` says what time it is when a packet arrives; ``closed`` counts connections that are over, by why.
    """

    def __init__(self, endpoints: Sequence[Endpoint], context: ssl.SSLContext | None = None) -> None:
        """Bind sockets; ``context`` is for those of TLS. Raises CaptureError."""
        self.listeners: list[HepListener] = []
        self.connections: dict[int, HepConnection] = {}
        self.closed = dict.fromkeys(CLOSED, 0)
        self.take: Take = _nobody
        self.tell: Tell = _silence
        self.clock: Callable[[], int] = time.time_ns
        self._of: dict[int, HepListener] = {}  # by descriptor: of listeners and connections
        self._context = context
        self._buffered = 0
        self._most = _connections()
        self._unread: set[int] = set()  # connections that had more than was read
        self._epoll = select.epoll()
        try:
            for endpoint in endpoints:
                listener = HepListener(endpoint)
                self.listeners.append(listener)
                self._of[listener.socket.fileno()] = listener
                self._epoll.register(listener.socket, select.EPOLLIN)
        except Exception:
            self.close()
            raise

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return self._epoll.fileno()

    @property
    def unread(self) -> bool:
        """Tell whether there is more to read at once, though the descriptor may not say so: TLS holds it."""
        return bool(self._unread)

    def close(self) -> None:
        """Close every socket. Closing twice is harmless."""
        for connection in self.connections.values():
            connection.close()
        for listener in self.listeners:
            listener.socket.close()
        self._epoll.close()

    def read(self, passed: int) -> tuple[list[Frame], bool]:
        """Take what has come, and whether that was everything; what is from before ``passed`` comes too late.

        Never waits, and never reads so much that interfaces have to wait for long.
        """
        frames: list[Frame] = []
        unread, self._unread = self._unread, set()
        ready = {descriptor for descriptor, _ in self._epoll.poll(0)} | unread
        complete = True
        for descriptor in ready:
            listener = self._of.get(descriptor)
            if listener is None:
                continue  # closed meanwhile
            connection = self.connections.get(descriptor)
            if connection is not None:
                complete &= self._read(connection, listener, passed, frames)
            elif listener.kind == "udp":
                complete &= self._receive(listener, passed, frames)
            else:
                self._accept(listener)
        return frames, complete

    def follow(self) -> None:
        """Do what is due now and then: hang up on who is too slow, ask for drops, accept again."""
        now = time.monotonic_ns()
        for connection in list(self.connections.values()):
            if connection.waiting_since and now - connection.waiting_since > PATIENCE:
                self._end(connection, "too_slow")
        for listener in self.listeners:
            listener.count_drops()
            listener.accepted = 0
            if listener.paused:
                listener.paused = False
                self._epoll.register(listener.socket, select.EPOLLIN)

    def connected(self) -> dict[str, int]:
        """Return how many connections each listener has that has any to have."""
        found = {listener.name: 0 for listener in self.listeners if listener.kind != "udp"}
        for descriptor in self.connections:
            found[self._of[descriptor].name] += 1
        return found

    # Datagrams

    def _receive(self, listener: HepListener, passed: int, frames: list[Frame]) -> bool:
        """Read datagrams; tell whether these were all."""
        receive = listener.socket.recvfrom
        try:
            for _ in range(_DATAGRAMS_AT_ONCE):
                data, address = receive(65_535)
                self._take(listener, passed, address[0], data, frames)
        except BlockingIOError:
            return True
        except OSError:  # an ICMP error that concerns nothing of ours
            return True
        return False

    def _take(self, listener: HepListener, passed: int, sender: str, data: bytes, frames: list[Frame]) -> None:
        listener.packets += 1
        found = self.take(self.clock(), passed, listener.name, sender, data)
        if isinstance(found, tuple):
            frames.append(found)
        else:
            self.tell("hep_discarded", found, sender)

    # Connections

    def _accept(self, listener: HepListener) -> None:
        while listener.accepted < _ACCEPTED[listener.kind]:
            try:
                made, address = listener.socket.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                    self._count("too_many", "")
                    break
                continue  # who wanted to connect has given up
            listener.accepted += 1
            self._welcome(listener, made, (address[0], address[1]))
        listener.paused = True  # others wait in the kernel's queue until the next look
        self._epoll.unregister(listener.socket)

    def _welcome(self, listener: HepListener, made: socket.socket, address: tuple[str, int]) -> None:
        """Take a connection in, if need be in the place of one that has never said anything."""
        if len(self.connections) >= self._most:
            silent = [connection for connection in self.connections.values() if not connection.spoke]
            if not silent:
                made.close()
                self._count("too_many", address[0])
                return
            self._end(min(silent, key=lambda connection: connection.opened), "too_many")
        context = self._context if listener.kind == "tls" else None
        try:
            connection = HepConnection(made, address, context, time.monotonic_ns())
        except OSError:
            made.close()
            self._count("ended", address[0])
            return
        self.connections[connection.fileno()] = connection
        self._of[connection.fileno()] = listener
        self._epoll.register(connection.fileno(), select.EPOLLIN)

    def _read(self, connection: HepConnection, listener: HepListener, passed: int, frames: list[Frame]) -> bool:
        """Read a connection; tell whether that was all there is."""
        before, wanted = len(connection), connection.wants
        packets, state = connection.read(time.monotonic_ns())
        for packet in packets:
            self._take(listener, passed, connection.address, packet, frames)
        self._buffered += len(connection) - before
        if state == MORE:
            self._unread.add(connection.fileno())  # TLS may hold what the kernel shows no more
        elif state:
            self._end(connection, state)
        elif connection.wants != wanted:
            self._epoll.modify(connection.fileno(), connection.wants)
        if self._buffered > MAX_BUFFERED:
            waiting = [each for each in self.connections.values() if each]
            self._end(min(waiting, key=lambda each: each.waiting_since), "too_much")
        return state != MORE

    def _end(self, connection: HepConnection, reason: str) -> None:
        descriptor = connection.fileno()
        self._buffered -= len(connection)
        self.connections.pop(descriptor, None)
        self._of.pop(descriptor, None)
        self._unread.discard(descriptor)
        connection.close()  # and epoll forgets it
        self._count(reason, connection.peer)

    def _count(self, reason: str, peer: str) -> None:
        self.closed[reason] += 1
        if reason != "ended":
            self.tell("hep_connection_closed", reason, peer)


def _connections() -> int:
    """Return how many connections there may be: not so many that descriptors run out."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return max(_SPARE // 10, min(MAX_CONNECTIONS, (limit - _SPARE) // 2))


def _nobody(*_: object) -> str:
    return "nobody_listens"


def _silence(*_: object) -> None:
    return None
