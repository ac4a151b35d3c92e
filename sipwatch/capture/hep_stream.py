"""Packets of HEP version 3 out of a stream, by the length that each says.

Must not know: sockets, clocks, what is in a packet but its head. Versions 1 and 2 say no length: datagrams carry them.
"""

from __future__ import annotations

from sipwatch.packet import HEP_3

_HEAD = 6  # bytes: HEP3, and the length of all of it


class HepStream:
    """What one connection has sent and makes no whole packet yet. ``since`` is when that began, 0 when there is none.

    A length is at most 65,535, so that never more than one packet and what was read with it is held. ``broken`` says
    that something else came where a packet had to begin: nobody can know where the next one would.
    """

    __slots__ = ("_rest", "broken", "since")

    def __init__(self) -> None:
        self._rest = bytearray()
        self.broken = False
        self.since = 0

    def __len__(self) -> int:
        return len(self._rest)

    def feed(self, data: bytes, now: int) -> list[bytes]:
        """Take bytes that came at ``now``, in ns by any clock; return the packets that are whole."""
        rest = self._rest
        rest += data
        packets: list[bytes] = []
        at = 0
        while at < len(rest):
            size = self._size(at)
            if self.broken or not 0 < size <= len(rest) - at:
                break
            packets.append(bytes(rest[at : at + size]))
            at += size
        if at:
            del rest[:at]
            self.since = 0
        if rest and not self.since:
            self.since = now
        return packets

    def _size(self, at: int) -> int:
        """Return the length of the packet that begins there, 0 if that cannot be known yet."""
        head = self._rest[at : at + _HEAD]
        if not HEP_3.startswith(head[:4]):
            self.broken = True
        if len(head) < _HEAD:
            return 0
        size = int.from_bytes(head[4:], "big")
        self.broken |= size < _HEAD
        return size
