"""Packets for tests: every link layer, tunnel and transport that DESIGN §4 names, in plain struct code."""

from __future__ import annotations

import struct
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

A4, B4 = bytes((192, 0, 2, 1)), bytes((192, 0, 2, 2))
A6, B6 = bytes.fromhex("20010db8" + "00" * 11 + "01"), bytes.fromhex("20010db8" + "00" * 11 + "02")
UDP, TCP = 17, 6
SYN, ACK, PUSH, FIN, RST = 2, 16, 8, 1, 4


def ports(sport: int, dport: int) -> bytes:
    return struct.pack("!HH", sport, dport)


def udp(payload: bytes, sport: int = 5060, dport: int = 5060) -> bytes:
    return ports(sport, dport) + struct.pack("!HH", 8 + len(payload), 0) + payload


def tcp(
    payload: bytes,
    sequence: int,
    flags: int = ACK | PUSH,
    *,
    acknowledged: int = 0,
    sport: int = 40000,
    dport: int = 5060,
) -> bytes:
    return (
        ports(sport, dport)
        + struct.pack("!IIBBHHH", sequence & 0xFFFFFFFF, acknowledged & 0xFFFFFFFF, 0x50, flags, 8192, 0, 0)
        + payload
    )


def ipv4(
    body: bytes,
    protocol: int = UDP,
    source: bytes = A4,
    destination: bytes = B4,
    *,
    ident: int = 1,
    flags: int = 0x4000,
    options: bytes = b"",
) -> bytes:
    words = 5 + len(options) // 4
    return (
        struct.pack("!BBHHHBBH", 0x40 | words, 0, 4 * words + len(body), ident, flags, 64, protocol, 0)
        + source
        + destination
        + options
        + body
    )


def ipv6(body: bytes, protocol: int = UDP, source: bytes = A6, destination: bytes = B6) -> bytes:
    return struct.pack("!IHBB", 0x60000000, len(body), protocol, 64) + source + destination + body


def ip(body: bytes, protocol: int, source: bytes, destination: bytes) -> bytes:
    return (ipv6 if len(source) == 16 else ipv4)(body, protocol, source, destination)


def fragments_v4(packet: bytes, size: int, ident: int) -> list[bytes]:
    """Cut an IPv4 packet into fragments of about ``size`` bytes."""
    header, body = packet[:20], packet[20:]
    step = max(8, size - size % 8)
    pieces = []
    for start in range(0, len(body), step):
        piece = body[start : start + step]
        more = 0x2000 if start + step < len(body) else 0
        pieces.append(ipv4(piece, header[9], header[12:16], header[16:20], ident=ident, flags=more | start // 8))
    return pieces


def fragments_v6(packet: bytes, size: int, ident: int) -> list[bytes]:
    body = packet[40:]
    step = max(8, size - size % 8)
    pieces = []
    for start in range(0, len(body), step):
        piece = body[start : start + step]
        more = start + step < len(body)
        header = struct.pack("!BBHI", packet[6], 0, start | more, ident)
        pieces.append(ipv6(header + piece, 44, packet[8:24], packet[24:40]))
    return pieces


# Link layers: (link type, packet → frame)


def _ethertype(packet: bytes) -> int:
    return 0x86DD if packet[0] >> 4 == 6 else 0x0800


def ethernet(packet: bytes, ethertype: int | None = None) -> bytes:
    return bytes(12) + (ethertype or _ethertype(packet)).to_bytes(2, "big") + packet


def vlan(packet: bytes) -> bytes:
    return ethernet(struct.pack("!HH", 7, _ethertype(packet)) + packet, 0x8100)


def qinq(packet: bytes) -> bytes:
    return ethernet(struct.pack("!HHHH", 7, 0x8100, 9, _ethertype(packet)) + packet, 0x88A8)


def snap(packet: bytes) -> bytes:
    body = b"\xaa\xaa\x03\0\0\0" + _ethertype(packet).to_bytes(2, "big") + packet
    return ethernet(body, min(len(body), 1500))


def pppoe(packet: bytes) -> bytes:
    protocol = 0x57 if packet[0] >> 4 == 6 else 0x21
    return ethernet(struct.pack("!BBHHH", 0x11, 0, 1, len(packet) + 2, protocol) + packet, 0x8864)


def mpls(packet: bytes) -> bytes:
    return ethernet(struct.pack("!II", 100 << 12 | 64, 200 << 12 | 0x100 | 64) + packet, 0x8847)


def mpls_pseudowire(packet: bytes) -> bytes:
    return ethernet(struct.pack("!II", 200 << 12 | 0x100 | 64, 0) + ethernet(packet), 0x8847)


def sll(packet: bytes) -> bytes:
    return struct.pack("!HHH8sH", 0, 1, 6, bytes(8), _ethertype(packet)) + packet


def sll2(packet: bytes) -> bytes:
    return struct.pack("!HHIHBB8s", _ethertype(packet), 0, 1, 1, 0, 6, bytes(8)) + packet


def null(packet: bytes) -> bytes:
    return struct.pack("<I", 30 if packet[0] >> 4 == 6 else 2) + packet


def loop(packet: bytes) -> bytes:
    return struct.pack(">I", 24 if packet[0] >> 4 == 6 else 2) + packet


def ppp(packet: bytes) -> bytes:
    return b"\xff\x03" + (b"\x00\x57" if packet[0] >> 4 == 6 else b"\x00\x21") + packet


def c_hdlc(packet: bytes) -> bytes:
    return b"\x0f\0" + _ethertype(packet).to_bytes(2, "big") + packet


LINKS: dict[str, tuple[int, Callable[[bytes], bytes]]] = {
    "ethernet": (1, ethernet),
    "vlan": (1, vlan),
    "qinq": (1, qinq),
    "snap": (1, snap),
    "pppoe": (1, pppoe),
    "mpls": (1, mpls),
    "mpls-pseudowire": (1, mpls_pseudowire),
    "sll": (113, sll),
    "sll2": (276, sll2),
    "raw": (101, lambda packet: packet),
    "raw-bsd": (12, lambda packet: packet),
    "null": (0, null),
    "loop": (108, loop),
    "ppp": (9, ppp),
    "c-hdlc": (104, c_hdlc),
}

# Tunnels: inner packet → outer packet


def gre(packet: bytes) -> bytes:
    return ipv4(struct.pack("!HH", 0, _ethertype(packet)) + packet, 47)


def gre_key(packet: bytes) -> bytes:
    return ipv4(struct.pack("!HHII", 0x3000, _ethertype(packet), 9, 1) + packet, 47)


def gre_ethernet(packet: bytes) -> bytes:
    return ipv4(struct.pack("!HH", 0, 0x6558) + ethernet(packet), 47)


def erspan_1(packet: bytes) -> bytes:
    return ipv4(struct.pack("!HH", 0, 0x88BE) + ethernet(packet), 47)


def erspan_2(packet: bytes) -> bytes:
    return ipv4(struct.pack("!HHI", 0x1000, 0x88BE, 1) + bytes(8) + ethernet(packet), 47)


def erspan_3(packet: bytes) -> bytes:
    return ipv4(struct.pack("!HHI", 0x1000, 0x22EB, 1) + bytes(12) + ethernet(packet), 47)


def vxlan(packet: bytes) -> bytes:
    return ipv4(udp(b"\x08\0\0\0\0\0\x07\0" + ethernet(packet), 50000, 4789))


def geneve(packet: bytes) -> bytes:
    return ipv4(udp(struct.pack("!BBHI", 1, 0, 0x6558, 7 << 8) + bytes(4) + ethernet(packet), 50000, 6081))


def ipip(packet: bytes) -> bytes:
    return ipv4(packet, 41 if packet[0] >> 4 == 6 else 4)


def over_ipv6(packet: bytes) -> bytes:
    return ipv6(packet, 41 if packet[0] >> 4 == 6 else 4)


def gtp_u(packet: bytes) -> bytes:
    return ipv4(udp(struct.pack("!BBHI", 0x30, 0xFF, len(packet), 1) + packet, 2152, 2152))


def gtp_u_extended(packet: bytes) -> bytes:
    extra = struct.pack("!HBB", 1, 0, 0x85) + b"\x01\x00\x00\x00"
    return ipv4(udp(struct.pack("!BBHI", 0x36, 0xFF, len(packet) + 8, 1) + extra + packet, 2152, 2152))


def extension_headers(packet: bytes) -> bytes:
    """Put hop-by-hop and destination options before what an IPv6 packet carries."""
    if packet[0] >> 4 != 6:
        return packet
    body = bytes((60, 0)) + bytes(6) + bytes((packet[6], 0)) + bytes(6) + packet[40:]
    return ipv6(body, 0, packet[8:24], packet[24:40])


TUNNELS: dict[str, Callable[[bytes], bytes]] = {
    "none": lambda packet: packet,
    "gre": gre,
    "gre-key": gre_key,
    "gre-ethernet": gre_ethernet,
    "erspan-1": erspan_1,
    "erspan-2": erspan_2,
    "erspan-3": erspan_3,
    "vxlan": vxlan,
    "geneve": geneve,
    "ipip": ipip,
    "over-ipv6": over_ipv6,
    "gtp-u": gtp_u,
    "gtp-u-extended": gtp_u_extended,
    "extension-headers": extension_headers,
}


def esp(body: bytes, protocol: int = UDP, *, check: int = 12, spi: int = 0x1000, number: int = 1) -> bytes:
    """Return an ESP payload that encrypts nothing (RFC 4303, RFC 2410), padded to four bytes."""
    padding = -(len(body) + 2) % 4
    trailer = bytes(range(1, padding + 1)) + bytes((padding, protocol))
    return struct.pack("!II", spi, number) + body + trailer + bytes(range(200, 200 + check))


def websocket_frame(payload: bytes, opcode: int = 1, *, final: bool = True, mask: bytes = b"") -> bytes:
    """Return a WebSocket frame (RFC 6455 §5.2)."""
    first = (0x80 if final else 0) | opcode
    bit = 0x80 if mask else 0
    if len(payload) < 126:
        head = bytes((first, bit | len(payload)))
    elif len(payload) < 65536:
        head = bytes((first, bit | 126)) + struct.pack("!H", len(payload))
    else:
        head = bytes((first, bit | 127)) + struct.pack("!Q", len(payload))
    masked = bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload)) if mask else payload
    return head + mask + masked


HANDSHAKE_REQUEST = (
    b"GET /ws HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: sip\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
HANDSHAKE_RESPONSE = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: sip\r\n\r\n"
)


def hep3(
    payload: bytes,
    source: bytes,
    destination: bytes,
    sport: int = 5060,
    dport: int = 5060,
    protocol: int = UDP,
    *,
    time: int = 0,
    capture_id: int = 0,
    kind: int = 1,
) -> bytes:
    """Return a HEP version 3 packet; time in ns, kind 1 is SIP."""
    v6 = len(source) == 16

    def chunk(kind: int, value: bytes) -> bytes:
        return struct.pack("!HHH", 0, kind, 6 + len(value)) + value

    body = chunk(1, bytes((10 if v6 else 2,))) + chunk(2, bytes((protocol,)))
    body += chunk(5 if v6 else 3, source) + chunk(6 if v6 else 4, destination)
    body += chunk(7, sport.to_bytes(2, "big")) + chunk(8, dport.to_bytes(2, "big"))
    body += chunk(9, struct.pack("!I", time // 10**9)) + chunk(10, struct.pack("!I", time % 10**9 // 1000))
    body += chunk(11, bytes((kind,))) + chunk(12, struct.pack("!I", capture_id)) + chunk(15, payload)
    return b"HEP3" + struct.pack("!H", 6 + len(body)) + body


def hep2(
    payload: bytes,
    source: bytes,
    destination: bytes,
    sport: int = 5060,
    dport: int = 5060,
    *,
    time: int = 0,
    capture_id: int = 0,
) -> bytes:
    """Return a HEP version 2 packet; time in ns."""
    size = 8 + 2 * len(source)
    head = struct.pack("!BBBBHH", 2, size, 10 if len(source) == 16 else 2, UDP, sport, dport)
    behind = struct.pack("<IIHH", time // 10**9, time % 10**9 // 1000, capture_id, 0)
    return head + source + destination + behind + payload


def cut(random: Random, data: bytes, pieces: int) -> list[bytes]:
    """Cut bytes at random places."""
    places = sorted({0, len(data), *(random.randrange(len(data)) for _ in range(pieces))})
    return [data[a:b] for a, b in pairwise(places)]
