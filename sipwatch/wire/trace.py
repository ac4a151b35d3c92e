"""A decoder that also says where each message stood: in which packets, and which part of it each of them brought.

Must not know: what packets are cut out for, files. It is the decoder with a pencil: nothing is decoded here, and who
does not ask pays nothing, since all of it is in subclasses.
"""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

from sipwatch.packet import ACK, BLANKS, HEP_3, SEQUENCE_MASK, SYN
from sipwatch.wire import link
from sipwatch.wire.decoder import Decoder, Item
from sipwatch.wire.discards import Discard
from sipwatch.wire.limits import DEFAULT_LIMITS, Limits
from sipwatch.wire.message import Path, Request, Response, Unreachable
from sipwatch.wire.sip import parse
from sipwatch.wire.stream import Framer, Mode
from sipwatch.wire.tcp import UNORDERED, Found, Stream, Streams, distance

MAX_SEGMENTS: Final = 256  # of one direction that are remembered: the largest message needs 180
MAX_CLAIMS: Final = 256  # messages of one direction of which copies, or an acknowledgement, may still come


class Piece(NamedTuple):
    """A packet's part in a message: its number and time (ns), and which bytes of the message's text it brought."""

    number: int
    time: int
    first: int
    last: int


class Trace:
    """What brought a message. ``pieces`` grows while copies of its TCP segments come.

    ``acknowledged`` is the packet by which the receiver's TCP first said that it has all of it. ``missing`` counts
    bytes that the snap length cut off, or is 1 where bytes are missing whose number is not known. ``copy`` says that
    the capture holds the datagram twice, ``wrapped`` that it came inside HEP.
    """

    __slots__ = ("acknowledged", "copy", "missing", "pieces", "wrapped")

    def __init__(self, pieces: list[Piece], missing: int = 0, *, copy: bool = False, wrapped: bool = False) -> None:
        self.pieces = pieces
        self.acknowledged: Piece | None = None
        self.missing = missing
        self.copy = copy
        self.wrapped = wrapped


Told = Request | Response | Unreachable
Traced = tuple[Told, Trace]


class TracingDecoder(Decoder):
    """A decoder whose ``trace`` gives what ``frame`` gives, each with its trace, and the capture's copies as well.

    ``pending`` says that the packet given last is a part of something that is not whole yet.
    """

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        super().__init__(limits)
        self.number = 0
        self.place = self
        self.pending = False
        self._now = 0
        self._data = b""
        self._link_type = 0
        self._traced_streams = TracingStreams(self._counts, limits)
        self._streams = self._traced_streams
        self._noted: list[Traced] = []
        self._wrapped = False
        self._around: list[Piece] | None = None  # the fragments whose datagram is being read
        self._pieces: dict[bytes, list[Piece]] = {}  # of datagrams that are not whole
        self._heads_at: dict[bytes, Trace] = {}  # of first fragments that are held

    def trace(self, number: int, time: int, link_type: int, data: bytes) -> list[Traced]:
        """Decode a frame, the capture's ``number``-th. Never raises."""
        self.number, self._now = number, time
        self._link_type, self._data = link_type, data
        self._traced_streams.number = number
        self.pending = False
        items = self.frame(time, link_type, data)
        self.pending |= not items
        return self._traced(items)

    def trace_end(self, time: int) -> list[Traced]:
        """Give what is still held back: the capture is over, as of ``time``."""
        self._now = time
        return self._traced(self.finish(time))

    def _traced(self, items: tuple[Item, ...]) -> list[Traced]:
        noted, self._noted = self._noted, []
        found = [(item, trace) for item, trace in noted if trace.copy]
        traces = {id(item): trace for item, trace in noted}
        for item in items:
            if isinstance(item, (Request, Response)):
                found.append((item, traces.get(id(item)) or self._alone(len(item.raw))))
            elif isinstance(item, Unreachable):
                found.append((item, self._alone(len(item.quoted))))
        return found

    def _alone(self, length: int, missing: int = 0) -> Trace:
        return Trace([Piece(self.number, self._now, 0, length)], missing)

    # UDP

    def _datagram(
        self, time: int, path: Path, payload: bytes, truncated: bool, identification: int
    ) -> tuple[Item, ...]:
        self._wrapped = False
        items = super()._datagram(time, path, payload, truncated, identification)
        for item in items:
            if isinstance(item, (Request, Response)):
                self._note_datagram(item, truncated, copy=False)
            elif item is Discard.DUPLICATE and not self._wrapped:
                copy = parse(time, path, payload.lstrip(BLANKS), truncated)
                if isinstance(copy, (Request, Response)):
                    self._note_datagram(copy, truncated, copy=True)
        return items

    def _unwrap(self, time: int, payload: bytes) -> tuple[Item, ...]:
        self._wrapped = True
        return super()._unwrap(time, payload)

    def _note_datagram(self, item: Request | Response, truncated: bool, *, copy: bool) -> None:
        size = len(item.raw)
        missing = max(1, link.ip_end(self._link_type, self._data) - len(self._data)) if truncated else 0
        pieces = [Piece(self.number, self._now, 0, size)]
        if self._around is not None and self._around:
            # The text is what a datagram ends with; before it stand headers and perhaps blank lines.
            before = max(piece.last for piece in self._around) - size
            moved = [(piece, max(0, piece.first - before), piece.last - before) for piece in self._around]
            pieces = [Piece(piece.number, piece.time, first, last) for piece, first, last in moved]
        self._noted.append((item, Trace(pieces, missing, copy=copy, wrapped=self._wrapped)))

    def _fragment(
        self,
        time: int,
        data: bytes,
        start: int,
        end: int,
        depth: int,
        protocol: int,
        ends: bytes,
        key: bytes,
        offset: int,
        more: bool,
    ) -> tuple[Item, ...]:
        since = time - self._limits.fragment_lifetime
        pieces = [piece for piece in self._pieces.pop(key, ()) if piece.time >= since]
        pieces.append(Piece(self.number, time, offset, offset + max(0, end - start)))
        around, self._around = self._around, pieces
        items = super()._fragment(time, data, start, end, depth, protocol, ends, key, offset, more)
        self._around = around
        again = Discard.DUPLICATE in items or Discard.FRAGMENT_REPEATED in items
        if not items or (again and len(pieces) > 1):
            self.pending = True
            self._pieces[key] = pieces[-2 * self._limits.fragments :]
            while len(self._pieces) > self._limits.fragmented:
                del self._pieces[next(iter(self._pieces))]
        return items

    def _hold(self, time: int, data: bytes, start: int, end: int, ends: bytes, key: bytes) -> None:
        super()._hold(time, data, start, end, ends, key)
        message = self._held.get(key)
        if message is not None:
            self._heads_at[key] = self._alone(len(message.raw), 1)

    def _given(self, due: list[tuple[bytes, Request | Response]]) -> tuple[Item, ...]:
        for key, message in due:
            trace = self._heads_at.pop(key, None)
            if trace is not None:
                self._noted.append((message, trace))
        if not self._held:
            self._heads_at.clear()
        return super()._given(due)

    # TCP

    def _messages(self, time: int, found: list[Found]) -> tuple[Item, ...]:
        items = super()._messages(time, found)
        traces = self._traced_streams.traces
        for at, item in enumerate(items):
            if isinstance(item, (Request, Response)):
                trace = traces.get(at) or self._alone(len(item.raw), int(found[at][3]))
                trace.wrapped = found[at][1][:4] == HEP_3
                self._noted.append((item, trace))
        return items


class _Segment(NamedTuple):
    """A segment's payload: which packet brought it, when, and where it stands in its stream."""

    number: int
    time: int
    sequence: int
    length: int

    def piece(self, start: int, size: int) -> Piece | None:
        """Return its part in ``size`` bytes from ``start`` on, None where it has none."""
        at = distance(self.sequence, start)
        first, last = max(0, at), min(size, at + self.length)
        return Piece(self.number, self.time, first, last) if first < last else None


class _Direction:
    """What is remembered of one direction: its latest segments; the messages in it by start, size and trace."""

    __slots__ = ("claims", "segments")

    def __init__(self) -> None:
        self.segments: deque[_Segment] = deque(maxlen=MAX_SEGMENTS)
        self.claims: deque[tuple[int, int, Trace]] = deque(maxlen=MAX_CLAIMS)


class _TracingFramer(Framer):
    """Notes for each message how far before the end of what was taken it began, and how long it is there."""

    __slots__ = ("ranges",)

    def __init__(self, mode: Mode, limits: Limits) -> None:
        super().__init__(mode, limits)
        self.ranges: list[tuple[int, int]] = []

    def anew(self) -> Framer:
        return _TracingFramer(Mode.OPEN, self._limits)

    def _message(self, body: int, messages: list[bytes]) -> Discard | bool:
        back = len(self._data) - self._at
        step = super()._message(body, messages)
        if step is True:
            self.ranges.append((back, len(messages[-1])))
        return step

    def _packet(self, messages: list[bytes]) -> bool:
        back = len(self._data) - self._at
        whole = super()._packet(messages)
        if whole:
            self.ranges.append((back, len(messages[-1])))
        return whole

    def _websocket(self, data: bytes, messages: list[bytes]) -> Discard | None:
        back = len(data) + (len(self._frames) if self._frames is not None else 0)
        before = len(messages)
        reason = super()._websocket(data, messages)
        # From the first byte that was not yet used: frames before this message's may be among them.
        self.ranges += [(back, back)] * (len(messages) - before)
        return reason


class TracingStreams(Streams):
    """Streams that remember which segment brought what. ``traces`` are of what was found last, by its index."""

    __slots__ = ("_directions", "_time", "number", "traces")

    def __init__(self, count: dict[Discard, int], limits: Limits) -> None:
        super().__init__(count, limits)
        self.number = 0
        self.traces: dict[int, Trace] = {}
        self._time = 0
        self._directions: dict[bytes, _Direction] = {}

    def segment(
        self, time: int, path: Path, sequence: int, acknowledged: int, flags: int, payload: bytes, missing: int
    ) -> tuple[list[Found], Discard | None]:
        """Take a segment as ``Streams`` does, and remember it."""
        self.traces.clear()
        self._time = time
        if flags & ACK:
            self._note_acknowledgement(path.reverse_key, acknowledged)
        if payload and not flags & SYN:
            self._note_segment(path.key, _Segment(self.number, time, sequence, len(payload)))
        found = super().segment(time, path, sequence, acknowledged, flags, payload, missing)
        stream = self._streams.get(path.key)
        if flags & SYN or (stream is not None and stream.framer.mode in UNORDERED):
            self._directions.pop(path.key, None)
        return found

    def finish(self) -> list[Found]:
        """Take out what there is, as ``Streams`` does."""
        self.traces.clear()
        return super().finish()

    def _note_segment(self, key: bytes, segment: _Segment) -> None:
        direction = self._directions.pop(key, None) or _Direction()
        self._directions[key] = direction
        while len(self._directions) > self._limits.streams:
            del self._directions[next(iter(self._directions))]
        direction.segments.append(segment)
        for start, size, trace in direction.claims:
            piece = segment.piece(start, size)
            if piece is not None and len(trace.pieces) < MAX_SEGMENTS:
                trace.pieces.append(piece)

    def _note_acknowledgement(self, key: bytes, acknowledged: int) -> None:
        direction = self._directions.get(key)
        if direction is None:
            return
        for start, size, trace in direction.claims:
            if trace.acknowledged is None and distance(acknowledged, start + size & SEQUENCE_MASK) >= 0:
                trace.acknowledged = Piece(self.number, self._time, 0, 0)

    def _claim(self, key: bytes, at: int, start: int, size: int, missing: int) -> None:
        direction = self._directions.get(key)
        if direction is None:
            return
        brought = [segment.piece(start & SEQUENCE_MASK, size) for segment in direction.segments]
        pieces = [piece for piece in brought if piece is not None]
        if pieces:
            self.traces[at] = trace = Trace(pieces, missing)
            direction.claims.append((start & SEQUENCE_MASK, size, trace))

    def _begin(self, path: Path, expected: int, *, synchronised: bool) -> Stream:
        stream = super()._begin(path, expected, synchronised=synchronised)
        stream.framer = _TracingFramer(Mode.OPEN, self._limits)
        return stream

    def _feed(self, stream: Stream, payload: bytes, found: list[Found]) -> Discard | None:
        before = len(found)
        reason = super()._feed(stream, payload, found)
        framer = stream.framer
        if isinstance(framer, _TracingFramer):
            ranges, framer.ranges = framer.ranges, []
            for at, (back, size) in enumerate(ranges[len(ranges) - len(found) + before :], before):  # the latest
                self._claim(stream.path.key, at, stream.expected - back, size, 0)
        return reason

    def _interrupt(self, stream: Stream, found: list[Found]) -> None:
        before = len(found)
        held = len(stream.framer)
        super()._interrupt(stream, found)
        if len(found) > before:
            path, rest, websocket, _ = found[-1]
            size = held if websocket else len(rest)
            self._claim(path.key, before, stream.expected - size, size, 1)
