"""Packets written anew: Ethernet frames between given ends, with the lengths and checksums of what they hold.

Must not know: SIP, calls, what is hidden. Ends are given as ``wire.message.Path.key`` has them. ``missing`` bytes are
said to follow and are left out, as if the snap length had cut them off.
"""

from __future__ import annotations

from struct import pack, unpack

from sipwatch.packet import (
    ETHERTYPE_IPV4,
    ETHERTYPE_IPV6,
    FRAGMENT,
    ICMP,
    ICMPV6,
    MORE_FRAGMENTS,
    TCP,
    UDP,
)

MAX_PAYLOAD = 65_535 - 20 - 20 - 8  # bytes of one packet, with room for any of the headers here
_DONT_FRAGMENT = 0x4000
_WINDOW = 65_535
_HOPS = 64


def udp(key: bytes, payload: bytes, identification: int = 0, missing: int = 0) -> bytes:
    """Return a frame with a datagram."""
    return _frame(key, UDP, datagram(key, payload, missing), identification, missing=missing)


def datagram(key: bytes, payload: bytes, missing: int = 0) -> bytes:
    """Return a UDP datagram (RFC 768). Of one that is cut off nobody can tell the checksum: there is none."""
    header = key[-4:] + pack("!HH", 8 + len(payload) + missing, 0)
    check = 0 if missing else _checksum(_pseudo(key, UDP, 8 + len(payload)) + header + payload) or 0xFFFF
    return header[:6] + pack("!H", check) + payload


def fragment(key: bytes, piece: bytes, identification: int, offset: int, *, more: bool) -> bytes:
    """Return a frame with a piece of a UDP datagram, ``offset`` bytes from its beginning."""
    return _frame(key, UDP, piece, identification, offset | more)


def tcp(key: bytes, payload: bytes, sequence: int, acknowledged: int, flags: int, missing: int = 0) -> bytes:
    """Return a frame with a TCP segment (RFC 9293 §3.1)."""
    header = key[-4:] + pack("!IIBBHHH", sequence, acknowledged, 5 << 4, flags, _WINDOW, 0, 0)
    size = len(header) + len(payload)
    check = 0 if missing else _checksum(_pseudo(key, TCP, size) + header + payload)
    return _frame(key, TCP, header[:16] + pack("!H", check) + header[18:] + payload, missing=missing)


def websocket(payload: bytes, missing: int = 0, *, masked: bool) -> bytes:
    """Return a WebSocket frame with a text (RFC 6455 §5.2), which has to be masked by clients: here by zeros."""
    length, mask = len(payload) + missing, 0x80 if masked else 0
    if length < 126:
        size = bytes((mask | length,))
    elif length < 1 << 16:
        size = pack("!BH", mask | 126, length)
    else:
        size = pack("!BQ", mask | 127, length)
    return b"\x81" + size + bytes(4 if masked else 0) + payload


def icmp(reporter: bytes, key: bytes, quoted: bytes, kind: int, code: int) -> bytes:
    """Return a frame with an ICMP error that quotes a datagram of ``key``, sent back by ``reporter`` (an address)."""
    half = (len(key) - 4) // 2
    # What is quoted tells of a datagram that may have been longer; its checksum would tell of what is hidden.
    quotation = _ip(key, UDP, key[-4:] + pack("!HH", 8 + len(quoted), 0) + quoted)
    back = reporter + key[:half]
    protocol = ICMP if half == 4 else ICMPV6
    error = pack("!BBHI", kind, code, 0, 0) + quotation
    pseudo = b"" if protocol == ICMP else _pseudo(back + bytes(4), protocol, len(error))
    return _frame(back + bytes(4), protocol, error[:2] + pack("!H", _checksum(pseudo + error)) + error[4:])


def _frame(
    key: bytes, protocol: int, payload: bytes, identification: int = 0, where: int = -1, missing: int = 0
) -> bytes:
    ethertype = ETHERTYPE_IPV4 if len(key) == 12 else ETHERTYPE_IPV6
    return bytes(12) + pack("!H", ethertype) + _ip(key, protocol, payload, identification, where, missing)


def _ip(key: bytes, protocol: int, payload: bytes, identification: int = 0, where: int = -1, missing: int = 0) -> bytes:
    """Return an IP packet; ``where`` is a fragment's offset in bytes, 1 added when more follow, -1 of what is whole."""
    size = len(payload) + missing
    if len(key) == 12:
        flags = _DONT_FRAGMENT if where < 0 else where >> 3 | MORE_FRAGMENTS * (where & 1)
        header = pack("!BBHHHBBH", 0x45, 0, 20 + size, identification & 0xFFFF, flags, _HOPS, protocol, 0) + key[:8]
        return header[:10] + pack("!H", _checksum(header)) + header[12:] + payload
    if where >= 0:  # RFC 8200 §4.5
        payload = pack("!BBHI", protocol, 0, where, identification) + payload
        protocol, size = FRAGMENT, size + 8
    return pack("!IHBB", 6 << 28, size, protocol, _HOPS) + key[:32] + payload


def _pseudo(key: bytes, protocol: int, length: int) -> bytes:
    """Return what stands before a header for its checksum (RFC 9293 §3.1, RFC 8200 §8.1)."""
    if len(key) == 12:
        return key[:8] + pack("!BBH", 0, protocol, length)
    return key[:32] + pack("!II", length, protocol)


def _checksum(data: bytes) -> int:
    """Return the Internet checksum (RFC 1071)."""
    if len(data) % 2:
        data += b"\0"
    total: int = sum(unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF
