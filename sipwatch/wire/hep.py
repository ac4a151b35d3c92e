"""HEP, the encapsulation of Homer: versions 3 and 2 (and 1, which only lacks the time).

Must not know: sockets, SIP.
"""

from __future__ import annotations

from struct import pack
from typing import NamedTuple

from sipwatch.packet import HEP_2, HEP_3, MICROSECOND, SCTP, SECOND, TCP, UDP
from sipwatch.wire.discards import Discard
from sipwatch.wire.message import Path, Transport

_AF_INET, _AF_INET6 = 2, 10
_SIP = 1  # protocol type of the payload

# Chunk types of vendor 0 that we need.
_FAMILY, _PROTOCOL, _SRC4, _DST4, _SRC6, _DST6, _SPORT, _DPORT = 1, 2, 3, 4, 5, 6, 7, 8
_SECONDS, _MICROSECONDS, _TYPE, _CAPTURE_ID, _PAYLOAD = 9, 10, 11, 12, 15
# 22 is what Kamailio, OpenSIPS and FreeSWITCH write for TLS.
_TRANSPORTS = {UDP: Transport.UDP, TCP: Transport.TCP, SCTP: Transport.SCTP, 22: Transport.TLS}


class Encapsulated(NamedTuple):
    """What an agent captured: packet time in ns (0 where HEP says none), ends as in ``Path.key``, agent's number."""

    time: int
    transport: Transport
    key: bytes
    payload: bytes
    capture_id: int


def is_hep(payload: bytes) -> bool:
    """Tell whether a payload begins like HEP."""
    return payload[:4] == HEP_3 or payload[:2] in HEP_2


def decode(payload: bytes) -> Encapsulated | Discard:
    """Take one HEP packet apart; what is not SIP is discarded. Never raises."""
    return _version_3(payload) if payload[:4] == HEP_3 else _version_2(payload)


def _version_3(payload: bytes) -> Encapsulated | Discard:
    chunks = _chunks(payload)
    if chunks is None:
        return Discard.HEP_MALFORMED
    if _number(chunks, _TYPE, _SIP) != _SIP:
        return Discard.NOT_SIP
    v6 = _number(chunks, _FAMILY) == _AF_INET6
    source, destination = chunks.get(_SRC6 if v6 else _SRC4, b""), chunks.get(_DST6 if v6 else _DST4, b"")
    ports = chunks.get(_SPORT, b"") + chunks.get(_DPORT, b"")
    body = chunks.get(_PAYLOAD)
    wanted = 16 if v6 else 4
    if body is None or len(source) != wanted or len(destination) != wanted or len(ports) != 4:
        return Discard.HEP_MALFORMED
    return Encapsulated(
        _number(chunks, _SECONDS) * SECOND + _number(chunks, _MICROSECONDS) * MICROSECOND,
        _TRANSPORTS.get(_number(chunks, _PROTOCOL), Transport.UDP),
        source + destination + ports,
        body,
        _number(chunks, _CAPTURE_ID),
    )


def encode(time: int, path: Path, payload: bytes) -> bytes:
    """Return a packet of version 3 that tells of a message: packet time in ns, its ends and transport."""
    v6 = len(path.source_address) == 16
    protocol = next(number for number, transport in _TRANSPORTS.items() if transport is path.transport)
    source, destination = (_SRC6, _DST6) if v6 else (_SRC4, _DST4)
    fields = [
        (_FAMILY, bytes((_AF_INET6 if v6 else _AF_INET,))),
        (_PROTOCOL, bytes((protocol,))),
        (source, path.source_address),
        (destination, path.destination_address),
        (_SPORT, path.key[-4:-2]),
        (_DPORT, path.key[-2:]),
        (_SECONDS, (time // SECOND & 0xFFFFFFFF).to_bytes(4, "big")),
        (_MICROSECONDS, (time % SECOND // MICROSECOND).to_bytes(4, "big")),
        (_TYPE, bytes((_SIP,))),
        (_CAPTURE_ID, bytes(4)),
        (_PAYLOAD, payload),
    ]
    chunks = b"".join([pack("!HHH", 0, kind, 6 + len(value)) + value for kind, value in fields])
    return HEP_3 + (6 + len(chunks)).to_bytes(2, "big") + chunks


def _chunks(payload: bytes) -> dict[int, bytes] | None:
    """Return the chunks of vendor 0 by type, None where one is cut short."""
    size = int.from_bytes(payload[4:6], "big")
    if size > len(payload):
        return None
    chunks: dict[int, bytes] = {}
    at = 6
    while at + 6 <= size:
        length = int.from_bytes(payload[at + 4 : at + 6], "big")
        if length < 6 or at + length > size:
            return None
        if payload[at : at + 2] == b"\0\0":
            chunks[int.from_bytes(payload[at + 2 : at + 4], "big")] = payload[at + 6 : at + length]
        at += length
    return chunks


def _number(chunks: dict[int, bytes], kind: int, default: int = 0) -> int:
    value = chunks.get(kind)
    return int.from_bytes(value[-4:], "big") if value else default


def _version_2(payload: bytes) -> Encapsulated | Discard:
    """Version 2 has a time and the capture agent's number behind the addresses, in the agent's byte order."""
    version, size = payload[0], payload[1]
    v6 = payload[2:3] == bytes((_AF_INET6,))
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
