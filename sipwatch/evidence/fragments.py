"""IP fragments put together again, with every packet that brought one, copies as well.

Must not know: IP headers, transports. As ``wire.fragments`` does it, but keeping the place of each byte.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sipwatch.wire.limits import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    from sipwatch.evidence.packets import Packet, View


class Sum(NamedTuple):
    """An Internet checksum (RFC 1071) at an offset of what it covers; ``pseudo`` is the header imagined before it.

    ``whole`` is False where the snap length cut off a part of what it covers.
    """

    view: View
    at: int
    pseudo: bytes
    whole: bool


class Fragment(NamedTuple):
    """A piece of a datagram: its offset in bytes, whether more follow, where it stands, what came with it."""

    offset: int
    more: bool
    view: View
    packets: list[Packet]
    sums: list[Sum]
    spare: list[View]


class _Partial:
    __slots__ = ("deadline", "pieces", "size")

    def __init__(self, deadline: int) -> None:
        self.deadline = deadline
        self.pieces: dict[int, list[Fragment]] = {}
        self.size = 0


class Fragments:
    """Datagrams in pieces; what is given up, by time or for want of room, is given up without a word."""

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self._limits = limits
        self._partial: dict[bytes, _Partial] = {}
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._partial)

    def add(self, time: int, key: bytes, piece: Fragment) -> list[Fragment] | None:
        """Add a fragment; return all pieces in order when they are whole, else None.

        A second copy of a piece waits for the copies of the others: they make the datagram again.
        """
        self._expire(time)
        partial = self._partial.get(key)
        if partial is None:
            if len(self._partial) >= self._limits.fragmented:
                self._drop(next(iter(self._partial)))
            partial = self._partial[key] = _Partial(time + self._limits.fragment_lifetime)
        if sum(map(len, partial.pieces.values())) >= self._limits.fragments:
            self._drop(key)
            return None
        copies = partial.pieces.setdefault(piece.offset, [])
        if copies and copies[0].view.read() != piece.view.read():
            self._drop(key)  # pieces of different datagrams (RFC 5722)
            return None
        copies.append(piece)
        self._resize(partial, len(piece.view))
        whole = _whole(partial)
        if whole:
            self._take(key, partial, whole)
        while self._bytes > self._limits.fragments_bytes:
            self._drop(next(iter(self._partial)))
        return whole or None

    def _resize(self, partial: _Partial, more: int) -> None:
        partial.size += more
        self._bytes += more

    def _take(self, key: bytes, partial: _Partial, whole: list[Fragment]) -> None:
        for piece in whole:
            copies = partial.pieces[piece.offset]
            copies.pop(0)
            if not copies:
                del partial.pieces[piece.offset]
            self._resize(partial, -len(piece.view))
        if not partial.pieces:
            del self._partial[key]

    def _drop(self, key: bytes) -> None:
        self._bytes -= self._partial.pop(key).size

    def _expire(self, time: int) -> None:
        while self._partial:
            key, oldest = next(iter(self._partial.items()))
            if time < oldest.deadline:
                return
            self._drop(key)


def _whole(partial: _Partial) -> list[Fragment]:
    """Return the first copies in order, when they lie side by side up to the last; overlaps are never whole."""
    at = 0
    found: list[Fragment] = []
    while at in partial.pieces:
        piece = partial.pieces[at][0]
        found.append(piece)
        at += len(piece.view)
        if not piece.more:
            return found if len(found) == len(partial.pieces) else []
        if not len(piece.view):
            break
    return []
