"""Captured packets, and views of the bytes in them that belong together.

Must not know: headers, SIP, what is hidden.
"""

from __future__ import annotations

from typing import NamedTuple


class Packet:
    """A captured packet: its place in the order of the capture, packet time in ns, LINKTYPE, bytes.

    ``length`` is that on the wire, as far as its own headers tell.
    """

    __slots__ = ("data", "length", "link_type", "place", "time")

    def __init__(self, place: int, time: int, link_type: int, data: bytes) -> None:
        self.place = place
        self.time = time
        self.link_type = link_type
        self.data = data
        self.length = len(data)


Canvas = dict[int, bytearray]  # packets as they are to be written, by place; only those that were changed


class Piece(NamedTuple):
    """A stretch of one packet."""

    packet: Packet
    start: int
    end: int


class View:
    """Bytes that belong together and may stand in several packets: a payload, put together again."""

    __slots__ = ("_size", "pieces")

    def __init__(self, pieces: tuple[Piece, ...]) -> None:
        self.pieces = pieces
        self._size = sum([piece.end - piece.start for piece in pieces])

    @classmethod
    def of(cls, packet: Packet, start: int = 0, end: int | None = None) -> View:
        """Return the view of a part of one packet, of all of it by default."""
        stop = len(packet.data) if end is None else min(end, len(packet.data))
        return cls((Piece(packet, min(start, stop), stop),))

    @classmethod
    def joined(cls, views: list[View]) -> View:
        """Return the view of several, one behind the other."""
        return cls(tuple([piece for view in views for piece in view.pieces]))

    def __len__(self) -> int:
        return self._size

    @property
    def packets(self) -> list[Packet]:
        """Return the packets that hold it, each once."""
        return list({piece.packet.place: piece.packet for piece in self.pieces}.values())

    def cut(self, start: int, end: int) -> View:
        """Return the view of a part."""
        pieces = []
        at = 0
        for packet, first, last in self.pieces:
            size = last - first
            if at < end and start < at + size:
                pieces.append(Piece(packet, first + max(0, start - at), min(last, first + end - at)))
            at += size
        return View(tuple(pieces))

    def read(self, canvas: Canvas | None = None) -> bytes:
        """Return the bytes as captured, or as they stand on a canvas."""
        drawn = canvas or {}
        return b"".join([drawn.get(p.place, p.data)[first:last] for p, first, last in self.pieces])

    def write(self, canvas: Canvas, start: int, new: bytes) -> bool:
        """Put other bytes in the place of as many from ``start`` on; tell whether that changed anything.

        Packets that stay as they were captured stay off the canvas.
        """
        at = 0
        changed = False
        for packet, first, last in self.cut(start, start + len(new)).pieces:
            part = new[at : at + last - first]
            at += last - first
            drawn = canvas.get(packet.place)
            if (drawn or packet.data)[first:last] == part:
                continue
            if drawn is None:
                drawn = canvas[packet.place] = bytearray(packet.data)
            drawn[first:last] = part
            changed = True
        return changed
