"""What is captured, sent on as HEP 3: to another sipwatch, to Homer. A thread and a bounded queue for each target.

Must not know: where messages come from, calls. Whoever hands a message over is never held up: what does not fit into
the queue is dropped, and counted.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from sipwatch.packet import host_and_port
from sipwatch.wire import hep

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sipwatch.shell.log import Log
    from sipwatch.wire.message import Message, Path

    Endpoint = tuple[str, str, int]  # udp, tcp or tls; host; port
    Queued = tuple[int, Path, bytes, bytes]  # time in ns since 1970, ends, text, correlation id

MAX_QUEUED = 20_000  # messages for each target
MAX_QUEUED_BYTES = 16 << 20
FULL, TOO_LARGE, LOST = "queue_full", "too_large", "connection_lost"  # why one was dropped
REASONS = (FULL, TOO_LARGE, LOST)
_BATCH = 64  # messages handed to the kernel at once, over TCP
_PATIENCE = 5.0  # seconds to connect, and for the kernel to take something
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0  # seconds between two attempts to connect
_LOOK = 1.0  # seconds after which an idle connection is looked at
_LAST_WORDS = 1.0  # seconds that the queue gets when we are to end


class HepTarget:
    """One place that messages are sent to. ``dropped`` counts by reason; ``up`` says that there is a connection.

    ``end`` is the address and port that datagrams go to, as in ``Path.key``, once known: what an interface shows of
    them is ours.
    """

    def __init__(self, endpoint: Endpoint, agent: hep.Agent, context: ssl.SSLContext | None, log: Log) -> None:
        self.kind, self.host, self.port = endpoint
        self.name = f"{self.kind}:{host_and_port(self.host, self.port)}"
        self.sent = 0
        self.dropped = dict.fromkeys(REASONS, 0)
        self.up = False
        self.end = b""
        self._agent = agent
        self._context = context
        self._log = log
        self._queue: deque[Queued] = deque()
        self._bytes = 0
        self._lock = threading.Lock()  # of the queue's size in bytes
        self._something = threading.Event()
        self._stopping = threading.Event()
        self._pause = _FIRST_PAUSE
        self._socket: socket.socket | None = None
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)

    # Of the thread that captures

    def put(self, message: Message, correlation: bytes, at: int) -> None:
        """Queue a message, or drop it. Never waits for the network."""
        size = len(message.raw)
        if len(self._queue) >= MAX_QUEUED or self._bytes + size > MAX_QUEUED_BYTES:
            self.dropped[FULL] += 1
            return
        with self._lock:
            self._bytes += size
        self._queue.append((at, message.path, message.raw, correlation))
        if not self._something.is_set():
            self._something.set()

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def stop(self) -> None:
        """Let the queue be sent for a moment more; what is left is counted as dropped."""
        self._stopping.set()
        self._something.set()

    def join(self) -> None:
        """Wait for the end of the thread; not for long."""
        if self._thread.is_alive():
            self._thread.join(_LAST_WORDS)
        self.dropped[LOST] += len(self._queue)
        self._queue.clear()

    # Of the thread that sends

    def _run(self) -> None:
        while not self._stopping.is_set():
            if self._socket is None and not self._connect():
                self._stopping.wait(self._pause)
                self._pause = min(2 * self._pause, _LONGEST_PAUSE)
                continue
            self._something.wait(_LOOK)
            self._something.clear()
            if self._still_there():
                self._drain(time.monotonic() + _LONGEST_PAUSE)
        if self._socket is not None:
            self._drain(time.monotonic() + _LAST_WORDS / 2)
        self._hang_up()

    def _connect(self) -> bool:
        kind = socket.SOCK_DGRAM if self.kind == "udp" else socket.SOCK_STREAM
        made: socket.socket | None = None
        try:
            family, _, _, _, address = socket.getaddrinfo(self.host, self.port, type=kind)[0]
            made = socket.socket(family, kind)
            made.settimeout(_PATIENCE)
            made.connect(address)
            if self._context is not None and self.kind == "tls":
                made = self._context.wrap_socket(made, server_hostname=self.host)
        except OSError as error:
            if made is not None:
                made.close()
            reason = getattr(error, "verify_message", None) or error.strerror or str(error)
            self._log.event("warning", "hep_target_unreachable", target=self.name, reason=reason)
            return False
        if self.kind == "udp":
            self.end = socket.inet_pton(family, str(address[0]).partition("%")[0]) + self.port.to_bytes(2, "big")
        self._socket = made
        self._pause = _FIRST_PAUSE
        self.up = True
        self._log.event("info", "hep_target_up", target=self.name)
        return True

    def _still_there(self) -> bool:
        """Tell whether a connection is there: whoever hung up says so, and what we sent then would be lost unseen."""
        there = self._socket
        if there is None or self.kind == "udp":
            return there is not None
        poll = select.poll()
        poll.register(there, select.POLLIN)
        try:
            if poll.poll(0):
                there.settimeout(0)
                try:
                    if not there.recv(4096):
                        self._lose("closed by the other end")
                        return False
                finally:
                    there.settimeout(_PATIENCE)
        except (BlockingIOError, ssl.SSLWantReadError):
            return True
        except OSError as error:
            self._lose(error.strerror or str(error))
            return False
        return True

    def _drain(self, until: float) -> None:
        """Send what is queued. What a connection that breaks did not take for certain is counted as dropped."""
        while self._socket is not None and self._queue and time.monotonic() < until:
            packets = self._packets(1 if self.kind == "udp" else _BATCH)
            if not packets:
                continue
            try:
                if self.kind == "udp":
                    self._send_datagram(packets[0])
                else:
                    self._socket.sendall(b"".join(packets))
            except OSError as error:
                self.dropped[LOST] += len(packets)
                self._lose(error.strerror or str(error))
            else:
                self.sent += len(packets)
        if self._queue:
            self._something.set()

    def _packets(self, most: int) -> list[bytes]:
        packets: list[bytes] = []
        taken = 0
        while self._queue and len(packets) < most:
            at, path, text, correlation = self._queue.popleft()
            taken += len(text)
            packet = hep.encode(at, path, text, self._agent, correlation)
            if packet:
                packets.append(packet)
            else:
                self.dropped[TOO_LARGE] += 1
        with self._lock:
            self._bytes -= taken
        return packets

    def _send_datagram(self, packet: bytes) -> None:
        """Send one; an error that was waiting is of an earlier one (ICMP: nobody listens there), and is passed over."""
        if self._socket is None:
            return
        try:
            self._socket.send(packet)
        except ConnectionRefusedError:
            self._socket.send(packet)

    def _lose(self, reason: str) -> None:
        self._hang_up()
        self._log.event("warning", "hep_target_lost", target=self.name, reason=reason)

    def _hang_up(self) -> None:
        self.up = False
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.close()
            self._socket = None


class HepOut:
    """All targets. ``hear`` takes each message."""

    def __init__(
        self, endpoints: Sequence[Endpoint], agent: hep.Agent, context: ssl.SSLContext | None, log: Log
    ) -> None:
        self.targets = [HepTarget(endpoint, agent, context, log) for endpoint in endpoints]

    def hear(self, message: Message, correlation: bytes, ahead: int = 0) -> None:
        """Queue a message for each target; its time is sent by a clock that is so far ahead of it (ns)."""
        for target in self.targets:
            target.put(message, correlation, message.time + ahead)

    @property
    def ends(self) -> set[bytes]:
        """Return the addresses and ports that datagrams are sent to."""
        return {target.end for target in self.targets if target.end}

    def start(self) -> None:
        """Begin to send."""
        for target in self.targets:
            target.start()

    def stop(self) -> None:
        """End, within a second or so."""
        for target in self.targets:
            target.stop()
        for target in self.targets:
            target.join()
