"""Messages to packets to capture files: Ethernet, IPv4 and IPv6, UDP and TCP, classic pcap."""

from __future__ import annotations

import struct
from ipaddress import ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_MACS = b"\x02\x00\x00\x00\x00\x02" + b"\x02\x00\x00\x00\x00\x01"
UDP, TCP = 17, 6


def checksum(data: bytes) -> int:
    """Return the Internet checksum (RFC 1071)."""
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def udp(source: str, destination: str, payload: bytes, sport: int = 5060, dport: int = 5060) -> bytes:
    """Return an Ethernet frame with a UDP datagram."""
    ends = ip_address(source).packed + ip_address(destination).packed
    length = 8 + len(payload)
    body = struct.pack("!HHHH", sport, dport, length, 0) + payload
    check = checksum(ends + struct.pack("!II", length, UDP) + body) or 0xFFFF
    return ethernet(source, destination, UDP, body[:6] + check.to_bytes(2, "big") + payload)


def tcp(source: str, destination: str, payload: bytes, sequence: int, acknowledged: int, flags: int, sport: int, dport: int) -> bytes:  # fmt: skip
    """Return an Ethernet frame with a TCP segment."""
    ends = ip_address(source).packed + ip_address(destination).packed
    head = struct.pack("!HHIIBBHHH", sport, dport, sequence, acknowledged, 0x50, flags, 65535, 0, 0)
    check = checksum(ends + struct.pack("!II", len(head) + len(payload), TCP) + head + payload)
    return ethernet(source, destination, TCP, head[:16] + check.to_bytes(2, "big") + head[18:] + payload)


def ethernet(source: str, destination: str, protocol: int, body: bytes) -> bytes:
    """Return an Ethernet frame with an IP packet."""
    here, there = ip_address(source).packed, ip_address(destination).packed
    if len(here) == 16:
        header = struct.pack("!IHBB", 0x60000000, len(body), protocol, 64) + here + there
        return _MACS + b"\x86\xdd" + header + body
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0x4000, 64, protocol, 0) + here + there
    header = header[:10] + checksum(header).to_bytes(2, "big") + header[12:]
    return _MACS + b"\x08\x00" + header + body


def fragments(frame: bytes, number: int, mtu: int = 1500) -> list[bytes]:
    """Return an Ethernet frame with an IPv4 packet as the fragments that fit into an MTU (RFC 791 §3.2)."""
    link, head, body = frame[:14], frame[14:34], frame[34:]
    step = (mtu - len(head)) // 8 * 8
    found = []
    for place in range(0, len(body), step):
        piece = body[place : place + step]
        more = 0x2000 if place + step < len(body) else 0
        header = (
            head[:2]
            + struct.pack("!HHH", 20 + len(piece), number, more | place // 8)
            + head[8:10]
            + b"\0\0"
            + head[12:]
        )
        found.append(link + header[:10] + checksum(header).to_bytes(2, "big") + header[12:] + piece)
    return found


def pcap(packets: Iterable[tuple[int, bytes]]) -> bytes:
    """Return a capture file of (ns since 1970, Ethernet frame), microseconds, little endian."""
    parts = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 1)]
    for time, frame in packets:
        second, rest = divmod(time, 1_000_000_000)
        parts.append(struct.pack("<IIII", second, rest // 1000, len(frame), len(frame)) + frame)
    return b"".join(parts)
