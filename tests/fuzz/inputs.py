"""The form of a fuzz input: bytes that say what is captured when, so that a small change is a small change.

An input is a link type's place in LINK_TYPES and then items of a 4-byte header and a body: how it is packed
(Kind), how much later it comes (DELAYS), and the body's length. Whatever bytes there are, they mean something.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LINK_TYPES = (1, 113, 276, 101, 0, 108, 12, 228, 229, 147, 9, 14, 104)
MS, SECOND = 1_000_000, 1_000_000_000
DELAYS = (
    0, 1, MS, 20 * MS, 49 * MS, 51 * MS, 500 * MS, SECOND, 3 * SECOND, 5 * SECOND, 10 * SECOND,
    32 * SECOND, 180 * SECOND, 4 * 3600 * SECOND, -1 * MS, -100 * SECOND,
)  # fmt: skip
EPOCH = 1_767_603_600 * SECOND
_HEADER = struct.Struct("!BBH")
_A, _B, _C = bytes((192, 0, 2, 1)), bytes((192, 0, 2, 2)), bytes((192, 0, 2, 3))
_ENDS = ((_A, _B), (_B, _A), (_B, _C), (_C, _B))


class Kind(IntEnum):
    """How a body is packed: bits 0 to 1 of the header's first byte; bits 2 to 3 are the two ends."""

    FRAME = 0  # as it is: the body is the frame
    UDP = 1
    TCP = 2  # the next bytes of the connection between the two ends
    TCP_AGAIN = 3  # bytes that lie up to 255 behind; the body's first byte says how far


class Captured(NamedTuple):
    """A frame as a capture source gives it."""

    time: int
    link_type: int
    data: bytes


def decode(data: bytes) -> Iterator[Captured]:
    """Yield what an input says."""
    if not data:
        return
    link_type = LINK_TYPES[data[0] % len(LINK_TYPES)]
    time, at = EPOCH, 1
    sequences = [1] * len(_ENDS)
    while at + _HEADER.size <= len(data):
        how, delay, length = _HEADER.unpack_from(data, at)
        at += _HEADER.size
        body = data[at : at + length]
        at += length
        time += DELAYS[delay % len(DELAYS)]
        kind, ends = Kind(how & 3), how >> 2 & 3
        if kind is Kind.FRAME:
            yield Captured(time, link_type, body)
        elif kind is Kind.UDP:
            yield Captured(time, 1, _udp(*_ENDS[ends], body))
        else:
            back = body[0] if kind is Kind.TCP_AGAIN and body else 0
            body = body[1:] if back else body
            yield Captured(time, 1, _tcp(*_ENDS[ends], sequences[ends] - back, sequences[ends ^ 1], body))
            sequences[ends] = sequences[ends] - back + len(body)


def encode(items: Iterable[tuple[Kind, int, int, bytes]], link_type: int = 1) -> bytes:
    """Make an input of (kind, ends, delay in ns, body); the delay becomes the nearest that there is."""
    parts = [bytes((LINK_TYPES.index(link_type),))]
    for kind, ends, delay, body in items:
        place = min(range(len(DELAYS)), key=lambda at, delay=delay: abs(DELAYS[at] - delay))  # type: ignore[misc]
        parts.append(_HEADER.pack(kind | ends << 2, place, len(body)) + body)
    return b"".join(parts)


def _udp(source: bytes, destination: bytes, body: bytes) -> bytes:
    return _ip(source, destination, 17, struct.pack("!HHHH", 5060, 5060, 8 + len(body) & 0xFFFF, 0) + body)


def _tcp(source: bytes, destination: bytes, sequence: int, acknowledged: int, body: bytes) -> bytes:
    head = struct.pack(
        "!HHIIBBHHH", 5060, 5060, sequence & 0xFFFFFFFF, acknowledged & 0xFFFFFFFF, 0x50, 0x18, 65535, 0, 0
    )
    return _ip(source, destination, 6, head + body)


def _ip(source: bytes, destination: bytes, protocol: int, body: bytes) -> bytes:
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body) & 0xFFFF, 0, 0x4000, 64, protocol, 0)
    return bytes(12) + b"\x08\x00" + header + source + destination + body
