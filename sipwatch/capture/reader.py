"""Bytes in the sizes that records need, out of a file, a pipe or gzip, never much more than a chunk in memory.

Must not know: capture formats.
"""

from __future__ import annotations

import os
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

CHUNK = 1 << 18  # bytes; fits the second-level cache together with the slices cut from it
_GZIP = b"\x1f\x8b"
_WBITS_GZIP = 31
_PACKED_CHUNK = 1 << 15  # gzip unpacks to a thousand times as much at worst


class Reader:
    """A buffer over a file descriptor, which it closes; gzip, also in several members, is unpacked.

    ``buffer[at:]`` is what was read and not used yet; ``consumed`` counts bytes of the file itself.
    What a pipe holds is there as soon as it comes. Nothing here raises: ``damage`` says why the
    bytes ended before their time. ``waiting`` is called with the descriptor before anything is read.
    """

    __slots__ = ("_fd", "_packed", "_unpack", "_waiting", "at", "buffer", "consumed", "damage")

    def __init__(self, fd: int, waiting: Callable[[int], None] | None = None) -> None:
        self._fd = fd
        self._waiting = waiting
        self._unpack: zlib._Decompress | None = None
        self._packed = b""
        self.damage = ""
        self.buffer = b""
        self.at = 0
        self.consumed = 0

    def begin(self) -> None:
        """Look whether the file is gzip; to be called before anything is read."""
        if self.peek(2) == _GZIP:
            self._unpack = zlib.decompressobj(_WBITS_GZIP)
            self._packed, self.buffer = self.buffer, b""

    def close(self) -> None:
        """Close the descriptor and let go of the buffer. Closing twice is harmless."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
            self.buffer = self._packed = b""
            self.at = 0

    def peek(self, size: int) -> bytes:
        """Return up to ``size`` bytes without using them; fewer only at the end."""
        while len(self.buffer) - self.at < size and self.more():
            pass
        return self.buffer[self.at : self.at + size]

    def more(self) -> bool:
        """Add what there is to the buffer, at least a byte; False at the end."""
        data = self._read() if self._unpack is None else self._read_packed()
        if data:
            self.buffer = self.buffer[self.at :] + data
            self.at = 0
        return bool(data)

    def end(self, unit: str) -> str:
        """Say why the bytes ended, once ``more`` is False: empty when they were used up to a whole ``unit``."""
        if self.damage:
            return self.damage
        return f"cut off in the middle of a {unit}" if self.at < len(self.buffer) else ""

    def _read(self) -> bytes:
        if self.damage or self._fd < 0:
            return b""
        if self._waiting is not None:
            self._waiting(self._fd)
        try:
            data = os.read(self._fd, CHUNK if self._unpack is None else _PACKED_CHUNK)
        except OSError as error:
            self.damage = f"reading failed ({error.strerror})"
            return b""
        self.consumed += len(data)
        return data

    def _read_packed(self) -> bytes:
        """Unpack a chunk at most; what is left of the packed bytes waits for the next call."""
        while not self.damage:
            if not self._packed:
                self._packed = self._read()
                if not self._packed:
                    self._ended()
                    break
            data = self._unpacked()
            if data:
                return data
        return b""

    def _ended(self) -> None:
        if self._unpack is not None and not self._unpack.eof and not self.damage:
            self.damage = "the gzip data ends early"

    def _unpacked(self) -> bytes:
        packed, self._packed = self._packed, b""
        unpack = self._unpack
        if unpack is None or unpack.eof:
            if packed[:1] != _GZIP[:1]:
                return b""  # padding behind the last member, as tapes and some tools leave
            unpack = self._unpack = zlib.decompressobj(_WBITS_GZIP)
        before = unpack.copy()
        try:
            data = unpack.decompress(packed, CHUNK)
        except zlib.error:
            self.damage = "the gzip data is corrupt"
            return _carefully(before, packed)
        self._packed = unpack.unused_data if unpack.eof else unpack.unconsumed_tail
        return data


def _carefully(unpack: zlib._Decompress, packed: bytes) -> bytes:
    """Unpack up to the damage, a byte at a time: zlib gives nothing of a piece that holds damage."""
    data = bytearray()
    with suppress(zlib.error):
        for at in range(len(packed)):
            data += unpack.decompress(packed[at : at + 1])
    return bytes(data)
