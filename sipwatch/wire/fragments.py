"""IP fragments put together again: bounded in number, bytes and time.

Must not know: IP headers, transports.
"""

from sipwatch.wire.discards import Discard

LIFETIME = 30_000_000_000  # ns; RFC 791 suggests 15 s, RFC 8200 §4.5 says 60 s, Linux takes 30
MOST_DATAGRAMS = 1024
MOST_FRAGMENTS = 64  # of one datagram: 64 kB over a 1,280 byte path make 54
LARGEST = 65_535


class _Partial:
    __slots__ = ("deadline", "pieces", "size", "total")

    def __init__(self, deadline: int) -> None:
        self.deadline = deadline
        self.pieces: dict[int, bytes] = {}
        self.size = 0
        self.total = -1


class Fragments:
    """Datagrams in pieces. Each has its own deadline, so it does not matter when anybody looks."""

    __slots__ = ("_count", "_partial", "evicted")

    def __init__(self, count: dict[Discard, int]) -> None:
        self._partial: dict[bytes, _Partial] = {}
        self._count = count
        self.evicted = 0

    def __len__(self) -> int:
        return len(self._partial)

    def add(self, time: int, key: bytes, offset: int, more: bool, piece: bytes) -> bytes | Discard | None:
        """Add a fragment; return the whole payload, None while pieces are missing, or why it is given up.

        ``key`` tells datagrams apart, ``offset`` is in bytes.
        """
        self._expire(time)
        partial = self._partial.get(key)
        if partial is None:
            partial = self._open(time, key)
        if partial.pieces.get(offset) == piece:
            return Discard.DUPLICATE
        if self._impossible(partial, offset, more, piece):
            del self._partial[key]
            return Discard.FRAGMENT_OVERLAP
        partial.pieces[offset] = piece
        partial.size += len(piece)
        if not more:
            partial.total = offset + len(piece)
        if partial.size != partial.total:
            return None
        del self._partial[key]
        return b"".join(partial.pieces[at] for at in sorted(partial.pieces))

    def finish(self) -> None:
        """Count what never became whole."""
        self._lose(Discard.FRAGMENT_TIMEOUT, len(self._partial))
        self._partial.clear()

    def _open(self, time: int, key: bytes) -> _Partial:
        if len(self._partial) >= MOST_DATAGRAMS:
            del self._partial[next(iter(self._partial))]
            self.evicted += 1
            self._lose(Discard.FRAGMENT_EVICTED, 1)
        partial = self._partial[key] = _Partial(time + LIFETIME)
        return partial

    @staticmethod
    def _impossible(partial: _Partial, offset: int, more: bool, piece: bytes) -> bool:
        """Tell whether a piece overlaps another (RFC 5722: give the datagram up) or cannot be."""
        end = offset + len(piece)
        if not piece or end > LARGEST or len(partial.pieces) >= MOST_FRAGMENTS:
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
            del self._partial[key]
            self._lose(Discard.FRAGMENT_TIMEOUT, 1)

    def _lose(self, reason: Discard, number: int) -> None:
        if number:
            self._count[reason] = self._count.get(reason, 0) + number
