"""The packets of one call as they are to be written: covered, other calls' bytes cut off, checksums made right.

Must not know: which calls are wanted, files, zips.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sipwatch.capture.write import Saved
from sipwatch.evidence.cover import Cover, Unsafe
from sipwatch.evidence.datagrams import Datagram
from sipwatch.evidence.dissect import Dissector
from sipwatch.evidence.packets import Packet
from sipwatch.evidence.websocket import unmasked
from sipwatch.wire.tcp import FIN

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sipwatch.evidence.dissect import Carried, Segment
    from sipwatch.evidence.fragments import Sum
    from sipwatch.evidence.packets import Canvas
    from sipwatch.evidence.streams import Claim, InStream

_NO_SEGMENTS = "the TCP segments of a message could not be told apart"
_NO_ROOM = "another call shares fragments with it"
_LEAKED = "what is hidden would still have been found in it"


class _Part(NamedTuple):
    """Bytes for a stretch of a stream."""

    start: int
    data: bytes


class _Drawing:
    """The packets that are to be written, by their place in the capture; of one there may be several pieces."""

    def __init__(self) -> None:
        self.canvas: Canvas = {}
        self._whole: dict[int, Packet] = {}
        self._pieces: dict[int, list[Saved]] = {}

    def keep(self, packets: Iterable[Packet]) -> None:
        """Take packets as they are, or as they stand on the canvas."""
        self._whole.update((packet.place, packet) for packet in packets)

    def cut(self, packet: Packet, piece: Saved) -> None:
        """Take a piece in the place of a packet."""
        self._pieces.setdefault(packet.place, []).append(piece)

    def saved(self) -> list[Saved]:
        """Return everything in the order of the capture."""
        found = []
        for place in sorted(self._whole.keys() | self._pieces.keys()):
            packet = self._whole.get(place)
            if packet is None:
                found += self._pieces[place]
            else:
                data = bytes(self.canvas.get(place, packet.data))
                found.append(Saved(packet.time, packet.link_type, data, packet.length))
        return found


def render(messages: Sequence[Datagram | InStream], cover: Cover) -> list[Saved]:
    """Return the packets that hold the messages, in the order of the capture. Raises Unsafe."""
    drawing = _Drawing()
    claims: list[tuple[Claim, bytes]] = []
    for message in messages:
        if isinstance(message, Datagram):
            _draw(message, cover, drawing.canvas)
            drawing.keep(message.carried.packets)
        elif message.claim is None:
            raise Unsafe(_NO_SEGMENTS)
        else:
            claims.append((message.claim, cover.message(message.raw)))
    _draw_streams(claims, drawing)
    saved = drawing.saved()
    if any(cover.leaks(packet.data) for packet in saved):
        raise Unsafe(_LEAKED)
    return saved


def _draw(message: Datagram, cover: Cover, canvas: Canvas) -> None:
    """Put the covered message in its place in a datagram."""
    carried = message.carried
    changed = carried.view.write(canvas, message.start, cover.message(message.raw))
    for start, end in message.secrets:
        changed |= carried.view.write(canvas, start, b"x" * (end - start))
    if changed:
        _mend(carried, canvas)


# TCP


def _draw_streams(claims: list[tuple[Claim, bytes]], drawing: _Drawing) -> None:
    """Put covered messages in their places in their streams, and take along what acknowledged them first."""
    parts: dict[int, set[_Part]] = {}
    segments: dict[int, dict[int, Segment]] = {}
    acknowledged: dict[int, Carried] = {}
    websockets = set()
    for claim, new in claims:
        stream = id(claim.strand)
        if claim.websocket:
            websockets.add(stream)
        parts.setdefault(stream, set()).add(_Part(claim.start, claim.head + unmasked(new, claim.key)))
        segments.setdefault(stream, {}).update((id(segment.carried), segment) for segment in claim.segments)
        if claim.acknowledged is not None:
            acknowledged[id(claim.acknowledged)] = claim.acknowledged
        for strand, opening in claim.openings:
            websockets.add(id(strand))
            parts.setdefault(id(strand), set()).add(_Part(opening.segments[0].start, opening.covered()))
            segments.setdefault(id(strand), {}).update((id(each.carried), each) for each in opening.segments)
    for stream, own in segments.items():
        for segment in own.values():
            _draw_segment(segment, sorted(parts[stream]), drawing, websocket=stream in websockets)
        acknowledged = {key: carried for key, carried in acknowledged.items() if key not in own}
    for carried in acknowledged.values():
        _draw_acknowledgement(carried, drawing)


def _draw_segment(segment: Segment, parts: list[_Part], drawing: _Drawing, *, websocket: bool) -> None:
    """Write a segment anew from the parts of its stream; what is in none of them belongs to others.

    So nothing of the captured bytes gets through, whatever a repeated segment may have held.
    """
    own = _own(segment, parts)
    carried = segment.carried
    if len(own) == 1 and len(own[0].data) == segment.end - segment.start:
        if carried.view.write(drawing.canvas, 0, own[0].data):
            _mend(carried, drawing.canvas)
        drawing.keep(carried.packets)
        return
    if carried.lengths is not None:
        for part in own:
            drawing.cut(carried.packets[0], _piece(carried, part.start - segment.start, part.data))
        return
    if websocket:
        raise Unsafe(_NO_ROOM)
    new = bytearray((b"\r\n" * (len(carried.view) // 2 + 1))[: len(carried.view)])
    for part in own:
        new[part.start - segment.start : part.start - segment.start + len(part.data)] = part.data
    if carried.view.write(drawing.canvas, 0, bytes(new)):
        _mend(carried, drawing.canvas)
    drawing.keep(carried.packets)


def _draw_acknowledgement(carried: Carried, drawing: _Drawing) -> None:
    """Take along a segment for the number that it acknowledges; what it carries is another call's."""
    if not len(carried.view):
        drawing.keep(carried.packets)
    elif carried.lengths is not None:
        drawing.cut(carried.packets[0], _piece(carried, 0, b""))


def _own(segment: Segment, parts: list[_Part]) -> list[_Part]:
    """Return the bytes of a segment that are in parts, those that lie side by side together."""
    found: list[_Part] = []
    at = segment.start
    for part in parts:
        first, last = max(part.start, at), min(part.start + len(part.data), segment.end)
        if first >= last:
            continue
        data = part.data[first - part.start : last - part.start]
        if found and found[-1].start + len(found[-1].data) == first:
            found[-1] = _Part(found[-1].start, found[-1].data + data)
        else:
            found.append(_Part(first, data))
        at = last
    return found


def _piece(carried: Carried, skip: int, data: bytes) -> Saved:
    """Return a packet of its own for a part of a segment, ``skip`` bytes from its beginning.

    Its sequence number and all lengths and checksums are those of a segment that never held more. tshark would
    not find a message behind blank lines; and nobody can look for what is not there.
    """
    (packet,) = carried.packets
    (_, start, end), *_ = carried.view.pieces
    new = bytearray(packet.data[:start] + data + bytes(len(packet.data) - end))
    left_out = carried.missing + end - start - len(data)
    for at in carried.lengths or ():
        before = int.from_bytes(new[at : at + 2], "big")
        if before:  # else whoever sent it let the network card fill it in
            new[at : at + 2] = (before - left_out).to_bytes(2, "big")
    header = start - carried.header
    new[header + 4 : header + 8] = (carried.sequence + skip & 0xFFFF_FFFF).to_bytes(4, "big")
    if skip + len(data) < end - start + carried.missing:
        new[header + 13] &= ~FIN & 0xFF
    piece = Packet(packet.place, packet.time, packet.link_type, bytes(new))
    again = Dissector().packet(piece)
    if again is None:
        raise Unsafe(_NO_SEGMENTS)
    canvas: Canvas = {}
    _mend(again, canvas)
    written = bytes(canvas.get(piece.place, piece.data))
    return Saved(packet.time, packet.link_type, written, len(written))


# Checksums


def _mend(carried: Carried, canvas: Canvas) -> None:
    """Make the checksums right over what was changed, and clear whatever else tells of what was there before.

    A checksum left as it was would let four hidden digits be found by trying. The innermost comes first: the
    outer ones cover it.
    """
    for view in carried.spare:
        view.write(canvas, 0, bytes(len(view)))
    for each in reversed(carried.sums):
        each.view.write(canvas, each.at, b"\0\0")
        if each.whole:
            each.view.write(canvas, each.at, _checksum(each, canvas))


def _checksum(what: Sum, canvas: Canvas) -> bytes:
    data = what.pseudo + what.view.read(canvas)
    total = sum(int.from_bytes(data[at : at + 2].ljust(2, b"\0"), "big") for at in range(0, len(data), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    # All ones mean the same as zero, and zero that there is none (RFC 768).
    return ((total ^ 0xFFFF) or 0xFFFF).to_bytes(2, "big")
