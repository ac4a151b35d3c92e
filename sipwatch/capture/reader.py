"""Bytes in the sizes that records need, out of a file, a pipe or gzip, never more than a chunk in memory.

Must not know: capture formats.
"""

from __future__ import annotations

import os
import zlib

from sipwatch.capture.errors import Damage

CHUNK = 1 << 20
GZIP_CHUNK = 1 << 16  # unpacked it may be a thousand times as much
_GZIP = b"\x1f\x8b"
_WBITS_GZIP = 31
_CAREFULLY = 64  # bytes at a time, to get out what comes before the damage


class Reader:
    """A buffer over a file descriptor; gzip, also in several members, is recognised and unpacked.

    ``buffer[at:]`` is what was read and not used yet; ``consumed`` counts bytes of the file itself.
    A pipe's bytes are there as soon as they come.
    """

    __slots__ = ("_chunk", "_damage", "_fd", "_unpack", "at", "buffer", "consumed")

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._unpack: zlib._Decompress | None = None
        self._damage = ""
        self._chunk = CHUNK
        self.buffer = b""
        self.at = 0
        self.consumed = 0
        if self.peek(2) == _GZIP:
            packed, self.buffer = self.buffer, b""
            self._chunk = GZIP_CHUNK
            self._unpack = zlib.decompressobj(_WBITS_GZIP)
            self.buffer = self._unpacked(packed)

    @property
    def compressed(self) -> bool:
        """Tell whether the file is gzip."""
        return self._chunk == GZIP_CHUNK

    def peek(self, size: int) -> bytes:
        """Return up to ``size`` bytes without using them; fewer only at the end. May raise Damage."""
        while len(self.buffer) - self.at < size and self.more():
            pass
        return self.buffer[self.at : self.at + size]

    def take(self, size: int) -> bytes:
        """Return and use up to ``size`` bytes; fewer only at the end. May raise Damage."""
        data = self.peek(size)
        self.at += len(data)
        return data

    def more(self) -> bool:
        """Read what is there, at least a byte; False at the end. Raises Damage where gzip goes wrong."""
        while not self._damage:
            raw = os.read(self._fd, self._chunk)
            self.consumed += len(raw)
            if not raw:
                if self._unpack is None or self._unpack.eof:
                    return False
                self._damage = "the gzip data ends early"
                break
            data = raw if self._unpack is None else self._unpacked(raw)
            if data:
                self.buffer = self.buffer[self.at :] + data
                self.at = 0
                return True
        raise Damage(self._damage)

    def _unpacked(self, raw: bytes) -> bytes:
        parts = []
        while raw and not self._damage:
            if self._unpack is None or self._unpack.eof:
                if raw[:1] != _GZIP[:1]:
                    break  # padding behind the last member, as tapes and some tools leave
                self._unpack = zlib.decompressobj(_WBITS_GZIP)
            before = self._unpack.copy()
            try:
                parts.append(self._unpack.decompress(raw))
            except zlib.error:
                self._unpack = before
                parts.append(self._carefully(raw))
                self._damage = "the gzip data is corrupt"
            raw = self._unpack.unused_data
        return b"".join(parts)

    def _carefully(self, raw: bytes) -> bytes:
        """Unpack up to the damage."""
        parts = []
        unpack = self._unpack
        assert unpack is not None
        for at in range(0, len(raw), _CAREFULLY):
            try:
                parts.append(unpack.decompress(raw[at : at + _CAREFULLY]))
            except zlib.error:
                break
        return b"".join(parts)
