"""TCP as a bystander sees it: both directions' segments put in order, with what is missing skipped.

Must not know: SIP headers, what a message means.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sipwatch.wire.discards import Discard
from sipwatch.wire.stream import Framer, Mode

if TYPE_CHECKING:
    from sipwatch.wire.message import Path

MOST_STREAMS = 8_192  # one direction each
MOST_WAITING = 64  # segments of a stream that wait for one before them
MOST_BYTES = 33_554_432  # buffered in all streams together
GAP_LASTS = 3_000_000_000  # ns; longer than a fast retransmit, shorter than anybody's patience
LIFETIME = 7_200_000_000_000  # ns; a silent stream's sequence numbers mean nothing after that

FIN, SYN, RST, ACK = 1, 2, 4, 16
_MASK = 0xFFFFFFFF

Found = tuple["Path", bytes, bool]  # path, message, over WebSocket


def _distance(to: int, since: int) -> int:
    """Return how far one sequence number is ahead of another, negative when behind (RFC 9293 §3.4)."""
    gone = (to - since) & _MASK
    return gone - 0x1_0000_0000 if gone & 0x8000_0000 else gone


class _Stream:
    __slots__ = ("expected", "framer", "path", "seen", "waiting", "waiting_since")

    def __init__(self, path: Path, expected: int, mode: Mode) -> None:
        self.path = path
        self.expected = expected
        self.framer = Framer(mode)
        self.waiting: dict[int, bytes] = {}
        self.waiting_since = 0
        self.seen = 0

    def buffered(self) -> int:
        return len(self.framer) + sum(map(len, self.waiting.values()))


class Streams:
    """All TCP directions, least recently used first."""

    __slots__ = ("_bytes", "_count", "_streams", "evicted")

    def __init__(self, count: dict[Discard, int]) -> None:
        self._streams: dict[bytes, _Stream] = {}
        self._count = count
        self._bytes = 0
        self.evicted = 0

    def __len__(self) -> int:
        return len(self._streams)

    def segment(
        self, time: int, path: Path, sequence: int, acknowledged: int, flags: int, payload: bytes
    ) -> tuple[list[Found], Discard | None]:
        """Take a segment; return the messages that became whole, and the reason for other bytes."""
        found: list[Found] = []
        if flags & ACK:
            self._acknowledge(path.reverse_key, acknowledged, found)
        stream = self._streams.pop(path.key, None)
        if stream is not None:
            self._bytes -= stream.buffered()
            if time - stream.seen > LIFETIME or flags & SYN:
                stream = None
        if flags & SYN:
            stream = _Stream(path, (sequence + 1) & _MASK, Mode.OPEN)
            sequence = stream.expected
        elif stream is None and not payload:
            return found, Discard.TCP_CONTROL
        elif stream is None:
            stream = _Stream(path, sequence, Mode.OPEN)
        stream.seen = time
        reason = self._place(stream, time, sequence, payload, found) if payload else Discard.TCP_CONTROL
        if not flags & (RST | FIN) or stream.waiting:
            self._keep(path.key, stream)
        return found, reason

    def finish(self) -> list[Found]:
        """Take what still waited behind gaps: the capture is over."""
        found: list[Found] = []
        for stream in self._streams.values():
            while stream.waiting:
                self._skip(stream, found)
        self._streams.clear()
        self._bytes = 0
        return found

    def _keep(self, key: bytes, stream: _Stream) -> None:
        self._streams[key] = stream
        self._bytes += stream.buffered()
        while len(self._streams) > MOST_STREAMS or self._bytes > MOST_BYTES:
            oldest = self._streams.pop(next(iter(self._streams)))
            self._bytes -= oldest.buffered()
            self.evicted += 1
            self._lose(Discard.TCP_EVICTED)

    def _place(self, stream: _Stream, time: int, sequence: int, payload: bytes, found: list[Found]) -> Discard | None:
        ahead = _distance(sequence, stream.expected)
        if ahead < 0:
            payload = payload[-ahead:]
            if not payload:
                return Discard.TCP_RETRANSMITTED
            ahead = 0
        if ahead == 0:
            reason = self._feed(stream, payload, found)
            self._catch_up(stream, found)
            return reason
        if not stream.waiting:
            stream.waiting_since = time
        if len(payload) > len(stream.waiting.get(sequence & _MASK, b"")):
            stream.waiting[sequence & _MASK] = payload
        if len(stream.waiting) > MOST_WAITING or time - stream.waiting_since > GAP_LASTS:
            self._skip(stream, found)
        return None

    def _feed(self, stream: _Stream, payload: bytes, found: list[Found]) -> Discard | None:
        stream.expected = (stream.expected + len(payload)) & _MASK
        messages, reason = stream.framer.take(payload)
        websocket = stream.framer.mode is Mode.WEBSOCKET
        found.extend((stream.path, message, websocket) for message in messages)
        return None if messages else reason

    def _catch_up(self, stream: _Stream, found: list[Found]) -> None:
        """Feed the segments that waited and are next now."""
        while stream.waiting:
            first = min(stream.waiting, key=lambda at: _distance(at, stream.expected))
            ahead = _distance(first, stream.expected)
            if ahead > 0:
                return
            payload = stream.waiting.pop(first)[-ahead if ahead else 0 :]
            if payload:
                self._feed(stream, payload, found)

    def _skip(self, stream: _Stream, found: list[Found]) -> None:
        """Give up the bytes before the first waiting segment."""
        stream.expected = min(stream.waiting, key=lambda at: _distance(at, stream.expected))
        stream.framer.lose_place()
        self._lose(Discard.TCP_GAP)
        self._catch_up(stream, found)

    def _acknowledge(self, key: bytes, acknowledged: int, found: list[Found]) -> None:
        """The receiver has the bytes that we wait for: they were lost to us only, and will not come."""
        stream = self._streams.get(key)
        if stream is None or not stream.waiting:
            return
        self._bytes -= stream.buffered()
        first = min(stream.waiting, key=lambda at: _distance(at, stream.expected))
        if _distance(acknowledged, first) > 0:
            self._skip(stream, found)
        self._bytes += stream.buffered()

    def _lose(self, reason: Discard) -> None:
        self._count[reason] = self._count.get(reason, 0) + 1
