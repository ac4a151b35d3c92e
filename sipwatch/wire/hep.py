"""HEP, the encapsulation of Homer: versions 3 and 2 (and 1, which only lacks the time).

Must not know: sockets, SIP.
"""

from sipwatch.wire.discards import Discard

_V3 = b"HEP3"
_V2 = (b"\x02\x10", b"\x02\x28", b"\x01\x10", b"\x01\x28")  # version, header length for IPv4, IPv6
_AF_INET, _AF_INET6 = 2, 10
_SIP = 1  # protocol type of the payload

# Chunk types of vendor 0 that we need.
_FAMILY, _PROTOCOL, _SRC4, _DST4, _SRC6, _DST6, _SPORT, _DPORT = 1, 2, 3, 4, 5, 6, 7, 8
_TYPE, _PAYLOAD = 11, 15


def is_hep(payload: bytes) -> bool:
    """Tell whether a payload begins like HEP."""
    return payload[:4] == _V3 or payload[:2] in _V2


def decode(payload: bytes) -> tuple[int, bytes, bytes] | Discard:
    """Return (IP protocol, key of the inner ends, inner payload); the key as in ``Path``."""
    return _version_3(payload) if payload[:4] == _V3 else _version_2(payload)


def _version_3(payload: bytes) -> tuple[int, bytes, bytes] | Discard:
    size = int.from_bytes(payload[4:6], "big")
    chunks: dict[int, bytes] = {}
    at = 6
    while at + 6 <= min(size, len(payload)):
        vendor = int.from_bytes(payload[at : at + 2], "big")
        length = int.from_bytes(payload[at + 4 : at + 6], "big")
        if length < 6:
            return Discard.HEP_MALFORMED
        if vendor == 0:
            chunks[int.from_bytes(payload[at + 2 : at + 4], "big")] = payload[at + 6 : at + length]
        at += length
    if chunks.get(_TYPE, b"\x01")[-1:] != bytes((_SIP,)):
        return Discard.NOT_SIP
    v6 = chunks.get(_FAMILY) == bytes((_AF_INET6,))
    source, destination = chunks.get(_SRC6 if v6 else _SRC4, b""), chunks.get(_DST6 if v6 else _DST4, b"")
    ports = chunks.get(_SPORT, b"") + chunks.get(_DPORT, b"")
    body = chunks.get(_PAYLOAD)
    wanted = 16 if v6 else 4
    if body is None or len(source) != wanted or len(destination) != wanted or len(ports) != 4:
        return Discard.HEP_MALFORMED
    return int.from_bytes(chunks.get(_PROTOCOL, b"\x11"), "big"), source + destination + ports, body


def _version_2(payload: bytes) -> tuple[int, bytes, bytes] | Discard:
    version, size = payload[0], payload[1]
    family, protocol, ports = payload[2:3], payload[3:4], payload[4:8]
    width = 16 if family == bytes((_AF_INET6,)) else 4
    start = 8 + 2 * width + (12 if version == 2 else 0)
    if len(payload) < start or size != 8 + 2 * width or not family:
        return Discard.HEP_MALFORMED
    return protocol[0], payload[8 : 8 + 2 * width] + ports, payload[start:]
