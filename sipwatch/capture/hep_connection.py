"""One agent's connection, TCP or TLS: handshake, reading without waiting, whole packets of HEP out of it.

Must not know: other connections, what is in a packet.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl

from sipwatch.capture.hep_stream import HepStream
from sipwatch.packet import SECOND, host_and_port

PATIENCE = 10 * SECOND  # for a handshake, or for the rest of a packet that has begun
_READ_AT_ONCE = 65_536  # bytes
_READS = 4  # then others have their turn
_IDLE, _INTERVAL, _PROBES = 60, 15, 4  # s until an idle peer is asked whether it lives, s between, how often


MORE = "more"  # there is more to read


class HepConnection:
    """``spoke`` says that it has given a packet. Times are in ns by a clock that does not jump."""

    def __init__(self, made: socket.socket, peer: tuple[str, int], context: ssl.SSLContext | None, now: int) -> None:
        """Take over a socket that was accepted. Raises OSError."""
        made.setblocking(False)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in ((socket.TCP_KEEPIDLE, _IDLE), (socket.TCP_KEEPINTVL, _INTERVAL)):
            made.setsockopt(socket.IPPROTO_TCP, option, value)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _PROBES)
        self._shaking = context is not None
        if context is not None:
            made = context.wrap_socket(made, server_side=True, do_handshake_on_connect=False)
        self._socket = made
        self._stream = HepStream()
        self.address, self.peer = peer[0], host_and_port(*peer)
        self.opened = now
        self.spoke = False
        self.wants = select.EPOLLIN  # what to wait for

    def __len__(self) -> int:
        return len(self._stream)

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return self._socket.fileno()

    def close(self) -> None:
        """Hang up."""
        with contextlib.suppress(OSError):
            self._socket.close()

    @property
    def waiting_since(self) -> int:
        """Return since when the rest of a packet or of a handshake is waited for, 0 if it is not."""
        return self.opened if self._shaking else self._stream.since

    def read(self, now: int) -> tuple[list[bytes], str]:
        """Return the packets that are whole, and "" where all was read, MORE where not, or why the connection is over.

        The reasons are those of ``hep.CLOSED``.
        """
        self.wants = select.EPOLLIN
        packets: list[bytes] = []
        try:
            if self._shaking:
                self._socket.do_handshake()  # type: ignore[attr-defined]
                self._shaking = False
            state = self._read(packets, now)
        except (BlockingIOError, ssl.SSLWantReadError):
            state = ""
        except ssl.SSLWantWriteError:
            self.wants = select.EPOLLOUT
            state = ""
        except OSError:
            state = "tls_failed" if self._shaking else self._ended()
        self.spoke = self.spoke or bool(packets)
        return packets, state

    def _read(self, packets: list[bytes], now: int) -> str:
        for _ in range(_READS):
            data = self._socket.recv(_READ_AT_ONCE)
            if not data:
                return self._ended()
            packets += self._stream.feed(data, now)
            if self._stream.broken:
                return "malformed"
        return MORE

    def _ended(self) -> str:
        return "cut_short" if self._stream else "ended"
