"""IP fragments put together again: bounded in number, bytes and time.

Must not know: IP headers, transports.
"""

from typing import Final

from sipwatch.wire.discards import Discard
from sipwatch.wire.duplicates import Duplicates
from sipwatch.wire.limits import Limits

_MAX_SIZE: Final = 65_535  # what an IP packet can carry


class _Partial:
    __slots__ = ("deadline", "pieces", "read", "size", "total")

    def __init__(self, deadline: int) -> None:
        self.deadline = deadline
        self.read = False
        self.pieces: dict[int, bytes] = {}
        self.size = 0
        self.total = -1


class Fragments:
    """Datagrams in pieces. Each has its own deadline, so it does not matter when anybody looks."""

    __slots__ = ("_count", "_limits", "_partial", "bytes", "copies", "evicted")

    def __init__(self, count: dict[Discard, int], limits: Limits) -> None:
        self._partial: dict[bytes, _Partial] = {}
        # Copies of the capture's making, also of a datagram that is whole by now: they must not begin it
        # again, to time out later.
        self.copies = Duplicates(limits)
        self.bytes = 0
        self._count = count
        self._limits = limits
        self.evicted = 0

    def __len__(self) -> int:
        return len(self._partial)

    def add(self, time: int, key: bytes, offset: int, more: bool, piece: bytes) -> bytes | Discard | None:
        """Add a fragment; return the whole payload, None while pieces are missing, or why it is given up.

        None as well where the first piece has been read for itself: the rest says nothing new. ``key`` tells datagrams
        apart, ``offset`` is in bytes.
        """
        self._expire(time)
        if self.copies.seen(time, key + offset.to_bytes(2, "big"), piece):
            return Discard.DUPLICATE
        partial = self._partial.get(key)
        if partial is None:
            partial = self._open(time, key)
        if partial.pieces.get(offset) == piece:
            return Discard.DUPLICATE
        if self._impossible(partial, offset, more, piece):
            self._drop(key)
            return Discard.FRAGMENT_OVERLAP
        partial.pieces[offset] = piece
        partial.size += len(piece)
        self.bytes += len(piece)
        if not more:
            partial.total = offset + len(piece)
        if partial.size != partial.total:
            while self.bytes > self._limits.fragments_bytes:
                self._evict()
            return None
        self._drop(key)
        return None if partial.read else b"".join(partial.pieces[at] for at in sorted(partial.pieces))

    def read(self, key: bytes) -> None:
        """Take note that a datagram's first piece was read for itself, and is not lost when the rest does not come."""
        partial = self._partial.get(key)
        if partial is not None:
            partial.read = True

    def finish(self) -> None:
        """Count what never became whole."""
        self._lose(Discard.FRAGMENT_TIMEOUT, sum(not partial.read for partial in self._partial.values()))
        self._partial.clear()
        self.bytes = 0

    def _open(self, time: int, key: bytes) -> _Partial:
        if len(self._partial) >= self._limits.fragmented:
            self._evict()
        partial = self._partial[key] = _Partial(time + self._limits.fragment_lifetime)
        return partial

    def _evict(self) -> None:
        partial = self._drop(next(iter(self._partial)))
        self.evicted += 1
        self._lose(Discard.FRAGMENT_EVICTED, not partial.read)

    def _drop(self, key: bytes) -> _Partial:
        partial = self._partial.pop(key)
        self.bytes -= partial.size
        return partial

    def _impossible(self, partial: _Partial, offset: int, more: bool, piece: bytes) -> bool:
        """Tell whether a piece overlaps another (RFC 5722: give the datagram up) or cannot be."""
        end = offset + len(piece)
        if not piece or end > _MAX_SIZE or len(partial.pieces) >= self._limits.fragments:
            return True
        if partial.total >= 0 and (end > partial.total or not more):
            return True
        if not more and any(at + len(other) > end for at, other in partial.pieces.items()):
            return True
        return any(at < end and offset < at + len(other) for at, other in partial.pieces.items())

    def _expire(self, time: int) -> None:
        while self._partial:
            key, oldest = next(iter(self._partial.items()))
            if time < oldest.deadline:
                return
            self._lose(Discard.FRAGMENT_TIMEOUT, not self._drop(key).read)

    def _lose(self, reason: Discard, number: int) -> None:
        if number:
            self._count[reason] = self._count.get(reason, 0) + number
