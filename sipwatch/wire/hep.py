"""HEP, the encapsulation of Homer: versions 3 and 2 (and 1, which only lacks the time), read and written.

Must not know: sockets, clocks, SIP, who may report. Chunks of other vendors and of types unknown here are passed over.
"""

from __future__ import annotations

import zlib
from hmac import compare_digest
from struct import Struct, pack
from typing import Final, NamedTuple

from sipwatch.packet import HEP_2, HEP_3, MICROSECOND, SCTP, SECOND, TCP, UDP
from sipwatch.wire.discards import Discard
from sipwatch.wire.limits import DEFAULT_LIMITS
from sipwatch.wire.message import Path, Transport

MAX_SIZE: Final = 0xFFFF  # bytes of a packet of version 3: its length stands in two bytes
_AF_INET, _AF_INET6 = 2, 10
_V6: Final = bytes((_AF_INET6,))
_SIP: Final = 1  # protocol type of the payload

# Chunk types of vendor 0 that we need (HEP3 Network Protocol Specification).
_FAMILY, _PROTOCOL, _SRC4, _DST4, _SRC6, _DST6, _SPORT, _DPORT = 1, 2, 3, 4, 5, 6, 7, 8
_SECONDS, _MICROSECONDS, _TYPE, _CAPTURE_ID, _SECRET, _PAYLOAD, _COMPRESSED, _CORRELATION, _NODE = (
    9, 10, 11, 12, 14, 15, 16, 17, 19,
)  # fmt: skip
# 22 is what Kamailio, OpenSIPS and FreeSWITCH write for TLS.
_TLS: Final = 22
_TRANSPORTS: Final = {UDP: Transport.UDP, TCP: Transport.TCP, SCTP: Transport.SCTP, _TLS: Transport.TLS}
# HEP has no number for WebSocket: what it runs over is told.
_PROTOCOLS: Final = {
    Transport.UDP: UDP,
    Transport.TCP: TCP,
    Transport.SCTP: SCTP,
    Transport.TLS: _TLS,
    Transport.WS: TCP,
    Transport.WSS: _TLS,
}
_EITHER: Final = 47  # wbits: zlib or gzip, whichever the head says
_CHUNK: Final = Struct("!HHH").unpack_from  # vendor, type, length with these six bytes
_HEAD: Final = Struct("!qBBB")  # of what is carried: own time, protocol, sizes of ends and correlation id
_MAX_CORRELATION_LENGTH: Final = 255
_MAX_CHUNKS: Final = 64  # agents send some 15


class Encapsulated(NamedTuple):
    """What an agent captured: packet time in ns (0 where HEP says none), ends as in ``Path.key``, agent's number.

    ``correlation`` is the agent's word for what belongs together, ``node`` its own name; each is empty where it says
    none.
    """

    time: int
    transport: Transport
    key: bytes
    payload: bytes
    capture_id: int
    correlation: bytes = b""
    node: bytes = b""


class Agent(NamedTuple):
    """What we say of ourselves when we report: our number, and the key that proves who we are."""

    capture_id: int = 0
    secret: bytes = b""


NOBODY: Final = Agent()


def is_hep(payload: bytes) -> bool:
    """Tell whether a payload begins like HEP."""
    return payload[:4] == HEP_3 or payload[:2] in HEP_2


def decode(payload: bytes, secret: bytes = b"") -> Encapsulated | Discard:
    """Take one HEP packet apart; what is not SIP is discarded, and what lacks the ``secret``, if there is one.

    Never raises.
    """
    if payload[:4] == HEP_3:
        return _version_3(payload, secret)
    if payload[:2] not in HEP_2:
        return Discard.HEP_MALFORMED
    return Discard.HEP_UNAUTHORIZED if secret else _version_2(payload)


def _version_3(payload: bytes, secret: bytes) -> Encapsulated | Discard:
    chunks = _chunks(payload)
    if chunks is None:
        return Discard.HEP_MALFORMED
    if secret and not compare_digest(chunks.get(_SECRET, b""), secret):
        return Discard.HEP_UNAUTHORIZED  # before anything that costs time, such as opening what is compressed
    if _number(chunks, _TYPE, _SIP) != _SIP:
        return Discard.NOT_SIP
    v6 = chunks.get(_FAMILY, b"")[-1:] == _V6
    source, destination = chunks.get(_SRC6 if v6 else _SRC4, b""), chunks.get(_DST6 if v6 else _DST4, b"")
    ports = chunks.get(_SPORT, b"") + chunks.get(_DPORT, b"")
    body = chunks.get(_PAYLOAD)
    if body is None and _COMPRESSED in chunks:
        body = inflated(chunks[_COMPRESSED], DEFAULT_LIMITS.message)
        if body is None:
            return Discard.HEP_COMPRESSED
    wanted = 16 if v6 else 4
    if body is None or len(source) != wanted or len(destination) != wanted or len(ports) != 4:
        return Discard.HEP_MALFORMED
    seconds = _number(chunks, _SECONDS)
    return Encapsulated(
        seconds * SECOND + _number(chunks, _MICROSECONDS) * MICROSECOND if seconds else 0,
        _TRANSPORTS.get(_number(chunks, _PROTOCOL), Transport.UDP),
        source + destination + ports,
        body,
        _number(chunks, _CAPTURE_ID),
        chunks.get(_CORRELATION, b""),
        chunks.get(_NODE, b""),
    )


def inflated(data: bytes, most: int) -> bytes | None:
    """Open a payload that zlib or gzip compressed; None when it is broken, cut short, or holds more than ``most``."""
    opened = zlib.decompressobj(_EITHER)
    try:
        text = opened.decompress(data, most + 1)
    except zlib.error:
        return None
    return text if opened.eof and len(text) <= most else None


def encode(time: int, path: Path, payload: bytes, agent: Agent = NOBODY, correlation: bytes = b"") -> bytes:
    """Return a packet of version 3 that tells of a message: packet time in ns, its ends and transport.

    Nothing, b"", when it would be longer than ``MAX_SIZE``.
    """
    v6 = len(path.source_address) == 16
    source, destination = (_SRC6, _DST6) if v6 else (_SRC4, _DST4)
    fields = [
        (_FAMILY, bytes((_AF_INET6 if v6 else _AF_INET,))),
        (_PROTOCOL, bytes((_PROTOCOLS[path.transport],))),
        (source, path.source_address),
        (destination, path.destination_address),
        (_SPORT, path.key[-4:-2]),
        (_DPORT, path.key[-2:]),
        (_SECONDS, (time // SECOND & 0xFFFFFFFF).to_bytes(4, "big")),
        (_MICROSECONDS, (time % SECOND // MICROSECOND).to_bytes(4, "big")),
        (_TYPE, bytes((_SIP,))),
        (_CAPTURE_ID, agent.capture_id.to_bytes(4, "big")),
    ]
    if agent.secret:
        fields.append((_SECRET, agent.secret))
    if correlation:
        fields.append((_CORRELATION, correlation))
    fields.append((_PAYLOAD, payload))
    size = 6 + sum([6 + len(value) for _, value in fields])
    if size > MAX_SIZE:
        return b""
    chunks = b"".join([pack("!HHH", 0, kind, 6 + len(value)) + value for kind, value in fields])
    return HEP_3 + size.to_bytes(2, "big") + chunks


def carry(time: int, found: Encapsulated) -> bytes:
    """Write what an agent reported as the bytes of a frame of link type ``packet.REPORTED``.

    ``time`` is the message's own, in ns, which its copies share; the frame's may be later.
    """
    correlation = found.correlation[:_MAX_CORRELATION_LENGTH]
    head = _HEAD.pack(time, _PROTOCOLS[found.transport], len(found.key), len(correlation))
    return b"".join((head, found.key, correlation, found.payload))


def carried(data: bytes) -> Encapsulated | None:
    """Read what ``carry`` has written; None of anything else. Never raises."""
    if len(data) < _HEAD.size:
        return None
    time, protocol, ends, correlation = _HEAD.unpack_from(data)
    behind = _HEAD.size + ends
    start = behind + correlation
    if ends not in (12, 36) or protocol not in _TRANSPORTS or len(data) < start:
        return None
    return Encapsulated(time, _TRANSPORTS[protocol], data[_HEAD.size : behind], data[start:], 0, data[behind:start])


def _chunks(payload: bytes) -> dict[int, bytes] | None:
    """Return the chunks of vendor 0 by type, None where one is cut short, or there are too many."""
    size = int.from_bytes(payload[4:6], "big")
    if size > len(payload):
        return None
    chunks: dict[int, bytes] = {}
    at = 6
    left = _MAX_CHUNKS
    while at + 6 <= size:
        vendor, kind, length = _CHUNK(payload, at)
        left -= 1
        if length < 6 or at + length > size or left < 0:
            return None
        if vendor == 0:
            chunks[kind] = payload[at + 6 : at + length]
        at += length
    return chunks


def _number(chunks: dict[int, bytes], kind: int, default: int = 0) -> int:
    value = chunks.get(kind)
    return int.from_bytes(value, "big") & 0xFFFF_FFFF if value and len(value) <= 8 else default


def _version_2(payload: bytes) -> Encapsulated | Discard:
    """Version 2 has a time and the capture agent's number behind the addresses, in the agent's byte order."""
    version, size = payload[0], payload[1]
    v6 = payload[2:3] == _V6
    width = 16 if v6 else 4
    at = 8 + 2 * width
    start = at + (12 if version == 2 else 0)
    if len(payload) < start or size != at:
        return Discard.HEP_MALFORMED
    time = 0
    if version == 2:
        seconds, microseconds = payload[at : at + 4], payload[at + 4 : at + 8]
        time = int.from_bytes(seconds, "little") * SECOND + int.from_bytes(microseconds, "little") * MICROSECOND
    return Encapsulated(
        time,
        _TRANSPORTS.get(payload[3], Transport.UDP),
        payload[8:at] + payload[4:8],
        payload[start:],
        int.from_bytes(payload[at + 8 : at + 10], "little") if version == 2 else 0,
    )
