"""One call's part of the streams that carried it, written as streams of its own.

Must not know: packets' headers below TCP, which calls are wanted, what is hidden.

Sequence numbers begin with 1, and every message follows the one before it. So nothing waits behind a gap where another
call's bytes were, and a message with something hidden may be longer or shorter than it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sipwatch.evidence import fresh
from sipwatch.packet import ACK, PSH
from sipwatch.wire.message import Path, Transport
from sipwatch.wire.trace import Piece

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sipwatch.evidence.cut import Found

_MAX_SEGMENT = 32_768  # bytes; the capture of a sender that lets its card do the cutting has larger ones
_FIRST = 1
# By it readers tell that a stream becomes a WebSocket (RFC 6455 §1.3, whose example the key is; RFC 7118 §4).
_REQUEST = (
    b"GET / HTTP/1.1\r\nHost: sip.invalid\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: sip\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
_RESPONSE = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: sip\r\n\r\n"
)


class _Segment(NamedTuple):
    """A part of a stream, and in which packet's place it is sent."""

    number: int
    time: int
    key: bytes
    sequence: int
    data: bytes
    missing: int


class Conversations:
    """The streams of one call; messages are added in the order in which they became whole."""

    def __init__(self) -> None:
        self._next: dict[bytes, int] = {}  # sequence numbers, by direction
        self._segments: list[_Segment] = []
        # What a packet of one direction acknowledged of the other: its time, and up to where; by number and direction.
        self._acknowledged: dict[tuple[int, bytes], tuple[int, int]] = {}

    def add(self, one: Found, key: bytes, new: bytes) -> None:
        """Add a message; ``key`` and ``new`` are its ends and its text as they are to be written."""
        path = Path(key, Transport.TCP)
        missing = min(one.trace.missing, _MAX_SEGMENT // 2)
        pieces = _pieces(one, begun=key in self._next)
        if one.item.path.transport is Transport.WS:
            self._open(path, one)
            new = fresh.websocket(new, missing, masked=_is_client(path))
            pieces = [piece._replace(first=0, last=len(one.raw)) for piece in pieces if piece.number >= one.number]
        start = self._next.get(key, _FIRST)
        for piece in pieces:
            self._write(piece, key, start, new, len(one.raw), missing)
        self._next[key] = start + len(new) + missing
        acknowledged = one.trace.acknowledged
        if acknowledged is not None:
            said = acknowledged.number, path.reverse_key
            _, before = self._acknowledged.get(said, (0, 0))
            self._acknowledged[said] = acknowledged.time, max(before, self._next[key])

    def segments(self) -> Iterator[tuple[int, int, bytes, int]]:
        """Yield all segments in the order of the capture: number, time (ns), frame, bytes missing of it."""
        acknowledged = self._acknowledged
        by_itself = acknowledged.keys() - {(each.number, each.key) for each in self._segments}
        bare = [_Segment(number, acknowledged[number, key][0], key, 0, b"", 0) for number, key in by_itself]
        sent: dict[bytes, int] = {}
        received: dict[bytes, int] = {}
        for number, time, key, sequence, data, missing in sorted(self._segments + bare, key=lambda each: each.number):
            _, upto = acknowledged.get((number, key), (0, _FIRST))
            received[key] = max(received.get(key, _FIRST), upto)
            start = sequence or sent.get(key, _FIRST)
            sent[key] = max(sent.get(key, _FIRST), start + len(data) + missing)
            yield number, time, fresh.tcp(key, data, start, received[key], ACK | PSH * bool(data), missing), missing

    def _write(self, piece: Piece, key: bytes, start: int, new: bytes, old: int, missing: int) -> None:
        """Write what a packet brought of a message of ``old`` bytes; its last part is the rest, however long."""
        first = min(piece.first, len(new))
        last = len(new) if piece.last >= old else min(piece.last, len(new))
        for at in range(first, last, _MAX_SEGMENT):
            upto = min(at + _MAX_SEGMENT, last)
            cut = missing if upto == len(new) else 0
            self._segments.append(_Segment(piece.number, piece.time, key, start + at, new[at:upto], cut))

    def _open(self, path: Path, one: Found) -> None:
        """Write an opening handshake, which is not the captured one: that may hold cookies and tokens."""
        if path.key in self._next or path.reverse_key in self._next:
            return
        client = path.key if _is_client(path) else path.reverse_key
        for key, text in (
            (client, _REQUEST),
            (Path(client, Transport.TCP).reverse_key, _RESPONSE),
        ):
            self._segments.append(_Segment(one.number, one.item.time, key, _FIRST, text, 0))
            self._next[key] = _FIRST + len(text)


def _pieces(one: Found, *, begun: bool) -> list[Piece]:
    """Return which packet brought what, in order; all at once where that does not say when the message was whole."""
    before = sorted(piece for piece in one.trace.pieces if piece.number <= one.number)
    later = sorted(piece for piece in one.trace.pieces if piece.number > one.number)
    upto = 0
    for piece in sorted(before, key=lambda piece: piece.first):
        if piece.first > upto:
            break
        upto = max(upto, piece.last)
    whole = upto >= len(one.raw) and before[-1].number == one.number
    if not whole or one.trace.missing or not (begun or before[0].first == 0):
        before = [Piece(one.number, one.item.time, 0, len(one.raw))]
    return before + later


def _is_client(path: Path) -> bool:
    """Tell whether this way goes from the client: the lower port is the server's."""
    return path.key[-4:-2] > path.key[-2:]
