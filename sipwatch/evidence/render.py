"""The packets of one call as they are to be written: as they were captured where nothing in them is hidden, else anew.

Must not know: which calls are wanted, files, zips, how a packet is made (``fresh``), or what is hidden (``export``).

A datagram has packets of its own, which can be taken as they are. A stream is shared by many calls: what one of them
said is written as a stream of its own, without gaps, in segments at the times at which the parts were captured. That of
a message which was sent again, and the first acknowledgement of it, come as they came.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sipwatch.capture.write import Saved
from sipwatch.evidence import fresh
from sipwatch.evidence.streams import Conversations
from sipwatch.packet import ETHERNET, RST
from sipwatch.wire import hep, icmp
from sipwatch.wire.message import Path, Transport, Unreachable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sipwatch.evidence.cut import Found
    from sipwatch.export.rawmask import Disguise
    from sipwatch.wire.trace import Piece

_LEAKED = "what is hidden would still have been found in it"
_TOO_LONG = "a message with everything hidden is too long for a datagram"
_STREAMS = frozenset({Transport.TCP, Transport.WS})
_HEP_PORTS = (9060).to_bytes(2, "big") * 2


class Unsafe(Exception):  # noqa: N818 - not a mistake: a reason
    """Bytes that cannot be covered for certain; the text says why, in words that finish "because ..."."""


class NumberedPacket(NamedTuple):
    """A packet to be written, and the number of the captured one in whose place it stands."""

    number: int
    packet: Saved


def render(messages: Sequence[Found], disguise: Disguise) -> list[Saved]:
    """Return the packets that hold the messages, in the order of the capture. Raises Unsafe."""
    drawn: list[NumberedPacket] = []
    streams = Conversations()
    identifications: dict[tuple[bytes, bytes], int] = {}
    for one in messages:
        new = disguise.message(one.raw)
        if isinstance(one.item, Unreachable):
            drawn += _error(one, new, disguise)
            continue
        key = hidden_key(one.item.path.key, disguise)
        if one.item.path.transport in _STREAMS:
            streams.add(one, key, new)
        elif new == one.raw and key == one.item.path.key and one.frames:
            drawn += one.frames
        else:
            if not one.trace.copy:
                identifications[key, new] = one.number
            drawn += _datagram(one, key, new, identifications.get((key, new), one.number))
    drawn += [NumberedPacket(number, _saved(time, data, missing)) for number, time, data, missing in streams.segments()]
    packets = [each.packet for each in sorted(drawn, key=lambda each: each.number)]
    if any(disguise.leaks(packet.data) for packet in packets):
        raise Unsafe(_LEAKED)
    return packets


def hidden_key(key: bytes, disguise: Disguise) -> bytes:
    """Return a path's key with the addresses that are to be written."""
    half = (len(key) - 4) // 2
    return disguise.address(key[:half]) + disguise.address(key[half:-4]) + key[-4:]


def _saved(time: int, data: bytes, missing: int = 0) -> Saved:
    return Saved(time, ETHERNET, data, len(data) + missing)


def _datagram(one: Found, key: bytes, new: bytes, identification: int) -> Iterator[NumberedPacket]:
    """Write a message in a datagram, in fragments if it came in fragments."""
    time, trace, path = one.item.time, one.trace, one.item.path
    if path.transport is not Transport.UDP:  # only HEP tells of these
        key, new = key[:-4] + _HEP_PORTS, hep.encode(time, Path(key, path.transport), new)
        if not new:
            raise Unsafe(_TOO_LONG)
    if len(new) > fresh.MAX_PAYLOAD:
        raise Unsafe(_TOO_LONG)
    missing = min(trace.missing, fresh.MAX_PAYLOAD - len(new))
    if not isinstance(one.item, Unreachable) and one.item.fragmented:
        whole = fresh.datagram(key, new, missing)
        yield from _fragments(trace.pieces, key, whole, identification, cut_short=bool(missing))
    else:
        yield NumberedPacket(one.number, _saved(time, fresh.udp(key, new, identification, missing), missing))


def _fragments(
    pieces: Sequence[Piece], key: bytes, whole: bytes, identification: int, *, cut_short: bool
) -> Iterator[NumberedPacket]:
    """Cut a datagram where it was cut; what of it is not there is not written."""
    end = max(piece.last for piece in pieces)
    for piece in pieces:
        first = _cut_at(piece.first) if piece.first else 0
        last = len(whole) if piece.last == end else _cut_at(piece.last)
        data = whole[first:last]
        if cut_short and piece.last == end:
            data = data[: len(data) & ~7]  # only the last fragment's length may be odd
        if data:
            more = cut_short or piece.last != end
            frame = fresh.fragment(key, data, identification, first, more=more)
            yield NumberedPacket(piece.number, _saved(piece.time, frame))


def _cut_at(at: int) -> int:
    """Return where in a datagram a place of its text is, in whole units of fragments' offsets."""
    return at + 8 & ~7


def _error(one: Found, new: bytes, disguise: Disguise) -> Iterator[NumberedPacket]:
    """Write an ICMP error, or a connection's reset."""
    error = one.item
    if not isinstance(error, Unreachable):
        return
    key = hidden_key(error.path.key, disguise)
    reporter = disguise.address(error.reporter)
    if error.path.transport is not Transport.UDP:
        back = Path(key, Transport.TCP).reverse_key
        yield NumberedPacket(one.number, _saved(error.time, fresh.tcp(back, b"", 1, 0, RST)))
    elif new == one.raw and key == error.path.key and reporter == error.reporter and one.frames:
        yield from one.frames
    else:
        kind, code = icmp.numbers(error.code, v6=len(reporter) == 16)
        yield NumberedPacket(one.number, _saved(error.time, fresh.icmp(reporter, key, new, kind, code)))
