"""Messages in TCP: which stretch of a stream each is, and every segment that brought a part of it.

Must not know: calls, which of them are wanted, what is hidden. What is a message says ``wire.tcp``; here it is
found again among the segments, which are kept for a while.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from sipwatch.evidence.dissect import Segment
from sipwatch.evidence.websocket import Opening, frame_with
from sipwatch.packet import BLANKS, SECOND
from sipwatch.wire.limits import DEFAULT_LIMITS, Limits
from sipwatch.wire.message import Path, Transport
from sipwatch.wire.tcp import ACK, SYN, Streams

if TYPE_CHECKING:
    from collections.abc import Callable

    from sipwatch.evidence.dissect import Carried
    from sipwatch.wire.tcp import Found

_MASK = 0xFFFF_FFFF
_ORIGIN = 1 << 40  # where a stream is said to begin: before it there is room for what comes late
MAX_CLAIMS = 256  # of one stream, for whose bytes copies may still come
KEPT = 30 * SECOND  # ns: no message takes longer from its first segment to its last


class Claim:
    """A message's stretch of a stream, from ``start`` to ``end``, and the segments with a part of it.

    ``head`` are the bytes of the stretch before the message (of a WebSocket frame), ``key`` what masks the message
    there. ``acknowledged`` is the segment by which the other end first said that it has it all.
    """

    __slots__ = ("acknowledged", "end", "head", "key", "openings", "segments", "start", "strand", "websocket")

    def __init__(self, strand: Strand, start: int, end: int, *, websocket: bool, head: bytes, key: bytes) -> None:
        self.strand = strand
        self.start = start
        self.end = end
        self.websocket = websocket
        self.head = head
        self.key = key
        self.segments = [segment for segment in strand.segments if segment.start < end and start < segment.end]
        self.openings: list[tuple[Strand, Opening]] = []
        self.acknowledged: Carried | None = None


class Strand:
    """One direction of a connection: its latest segments, and the stretches that were asked for."""

    __slots__ = ("claims", "cursor", "high", "opening", "path", "segments", "size")

    def __init__(self, path: Path, sequence: int) -> None:
        self.path = path
        self.high = _ORIGIN | sequence
        self.cursor = 0
        self.size = 0
        self.segments: deque[Segment] = deque()
        self.claims: deque[Claim] = deque(maxlen=MAX_CLAIMS)
        self.opening: Opening | None = None

    def position(self, sequence: int) -> int:
        """Return where in the stream a sequence number is."""
        ahead = (sequence - self.high) & _MASK
        return self.high + (ahead - 0x1_0000_0000 if ahead & 0x8000_0000 else ahead)

    def add(self, carried: Carried, most: int) -> None:
        """Keep a segment; what it brings again of a claimed stretch goes there, too."""
        start = self.position(carried.sequence + bool(carried.flags & SYN))
        segment = Segment(start, start + len(carried.view), carried)
        if self.opening is None:
            self.opening = Opening()
        self.opening.take(segment)
        self.high = max(self.high, segment.end)
        self.segments.append(segment)
        self.size += len(carried.view)
        while self.segments and (self.size > most or self.segments[0].carried.time + KEPT < carried.time):
            self.size -= len(self.segments.popleft().carried.view)
        for claim in self.claims:
            if segment.start < claim.end and claim.start < segment.end:
                claim.segments.append(segment)

    def runs(self) -> list[tuple[int, bytes]]:
        """Return the bytes there are, from the cursor on, as (position, bytes) of each stretch without a gap."""
        found: list[tuple[int, bytearray]] = []
        for segment in sorted(self.segments, key=lambda each: each.start):
            if segment.end <= self.cursor:
                continue
            data = segment.carried.view.read()
            begin = max(segment.start, self.cursor)
            if found and begin <= found[-1][0] + len(found[-1][1]):
                at, run = found[-1]
                run += data[at + len(run) - segment.start :]
            else:
                found.append((begin, bytearray(data[begin - segment.start :])))
        return [(at, bytes(run)) for at, run in found]

    def claim(self, raw: bytes, *, websocket: bool) -> Claim | None:
        """Find a message, the first from the cursor on, and claim its stretch; None when it is not there."""
        for at, run in self.runs():
            place = frame_with(run, raw) if websocket else None
            if place is None:
                start = -1 if websocket else run.find(raw)
                place = None if start < 0 else (start, start, start + len(raw), b"")
            if place is None:
                continue
            start, body, end, key = place
            claim = Claim(self, at + start, at + end, websocket=websocket, head=run[start:body], key=key)
            self.cursor = claim.end
            self.claims.append(claim)
            return claim
        return None


class InStream(NamedTuple):
    """A message in a stream. ``claim`` is None when the segments that brought it are not known."""

    time: int
    raw: bytes
    path: Path
    truncated: bool
    claim: Claim | None


class Strands:
    """All TCP directions, the least recently used first; ``wanted`` says of a message whether it is asked for."""

    def __init__(self, wanted: Callable[[bytes], bool], limits: Limits = DEFAULT_LIMITS) -> None:
        self._wanted = wanted
        self._limits = limits
        self._streams = Streams({}, limits)
        self._strands: dict[bytes, Strand] = {}
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._strands)

    def take(self, carried: Carried) -> list[InStream]:
        """Take a segment; return the messages asked for that became whole with it."""
        path = Path(carried.key, Transport.TCP)
        strand = self._strand(carried, path)
        if len(carried.view):
            self._keep(strand, carried)
        self._acknowledge(path.reverse_key, carried)
        found, _ = self._streams.segment(
            carried.time,
            path,
            carried.sequence,
            carried.acknowledged,
            carried.flags,
            carried.view.read(),
            carried.missing,
        )
        return [each for one in found if (each := self._message(carried.time, one)) is not None]

    def finish(self, time: int) -> list[InStream]:
        """Return what was still held back: the capture is over."""
        return [each for one in self._streams.finish() if (each := self._message(time, one)) is not None]

    def _strand(self, carried: Carried, path: Path) -> Strand:
        """Return a direction's strand, a new one when a connection begins."""
        strand = self._strands.pop(path.key, None)
        if strand is not None and carried.flags & SYN:
            self._bytes -= strand.size
            strand = None
        if strand is None:
            strand = Strand(path, carried.sequence + bool(carried.flags & SYN) & _MASK)
        self._strands[path.key] = strand
        return strand

    def _keep(self, strand: Strand, carried: Carried) -> None:
        before = strand.size
        strand.add(carried, 2 * self._limits.stream_bytes)
        self._bytes += strand.size - before
        while len(self._strands) > self._limits.streams or self._bytes > self._limits.streams_bytes:
            oldest = next(iter(self._strands))
            self._bytes -= self._strands.pop(oldest).size

    def _message(self, time: int, found: Found) -> InStream | None:
        path, raw, websocket, cut_short = found
        text = raw.lstrip(BLANKS)
        if not self._wanted(text):
            return None
        over = Path(path.key, Transport.WS) if websocket else path
        strand = self._strands.get(path.key)
        claim = None if strand is None else strand.claim(text, websocket=websocket)
        if claim is not None and websocket:
            both = (strand, self._strands.get(path.reverse_key))
            claim.openings = [
                (s, s.opening) for s in both if s is not None and s.opening is not None and s.opening.is_whole
            ]
        return InStream(time, text, over, cut_short, claim)

    def _acknowledge(self, key: bytes, carried: Carried) -> None:
        """Note that the other end has what was claimed: whether it came is what suppliers argue about."""
        strand = self._strands.get(key)
        if strand is None or not carried.flags & ACK:
            return
        upto = strand.position(carried.acknowledged)
        for claim in strand.claims:
            if claim.acknowledged is None and claim.end <= upto:
                claim.acknowledged = carried
