"""The packets of stored messages: as they were captured where they had one of their own, else written anew.

Must not know: files, tables, calls.

What came in a stream is written as a stream without gaps between the same ends, one for all messages that have these
ends, since parts of other calls lay between them. What was encrypted on the wire, and came from an agent in clear,
stands in HEP: it says between which ends and over what it went.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sipwatch.capture.write import Saved
from sipwatch.evidence import fresh
from sipwatch.evidence.cut import Found
from sipwatch.evidence.streams import Conversations
from sipwatch.packet import ETHERNET
from sipwatch.wire import hep
from sipwatch.wire.message import Path, Request, Transport
from sipwatch.wire.trace import Piece, Trace

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sipwatch.store.spool import Kept

_STREAMS: Final = frozenset({Transport.TCP, Transport.WS})
_HEP_PORTS: Final = (9060).to_bytes(2, "big") * 2
_UDP_HEADER: Final = 8


class Packets(NamedTuple):
    """Packets in the order of time, and how many messages no packet could hold."""

    saved: list[Saved]
    left_out: int


def packets_of(messages: Iterable[Kept]) -> Packets:
    """Return the packets that hold messages, of one call or of several."""
    drawn: list[tuple[int, Saved]] = []
    streams = Conversations()
    left_out = 0
    for number, message in enumerate(sorted(messages, key=lambda one: one.time), 1):
        if message.transport in _STREAMS:
            streams.add(_found(message, number), message.ends, message.raw)
            continue
        packet = _captured(message) if message.link_type >= 0 else _anew(message, number)
        if packet is None:
            left_out += 1
        else:
            drawn.append((number, packet))
    for number, time, data, missing in streams.segments():
        drawn.append((number, Saved(time, ETHERNET, data, len(data) + missing)))
    return Packets([packet for _, packet in sorted(drawn, key=lambda each: each[0])], left_out)


def _captured(message: Kept) -> Saved:
    """Return a datagram as it was captured; by its UDP header it may have been longer than what was captured of it."""
    data = message.before + message.raw + message.after
    said = int.from_bytes(message.before[-4:-2], "big") - _UDP_HEADER
    return Saved(
        message.time, message.link_type, data, len(data) + max(0, said - len(message.raw) - len(message.after))
    )


def _anew(message: Kept, number: int) -> Saved | None:
    """Write a datagram, None if it would be too long."""
    key, payload = message.ends, message.raw
    if message.transport is not Transport.UDP:
        payload = hep.encode(message.time, Path(key, message.transport), payload)
        key = key[:-4] + _HEP_PORTS
    if not payload or len(payload) > fresh.MAX_PAYLOAD:
        return None
    data = fresh.udp(key, payload, number)
    return Saved(message.time, ETHERNET, data, len(data))


def _found(message: Kept, number: int) -> Found:
    """Return a message as one that a single packet brought."""
    item = Request()
    item.time, item.path, item.raw = message.time, Path(message.ends, message.transport), message.raw
    return Found(item, number, Trace([Piece(number, message.time, 0, len(message.raw))]), message.raw, ())
