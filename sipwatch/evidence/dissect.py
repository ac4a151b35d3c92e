"""From a captured packet to what it carries, with the place of every byte, so that bytes can be replaced.

Must not know: SIP, TCP streams, what is replaced. It goes the way of ``wire.decoder``, by the same rules,
but gives places where that one gives messages.
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from sipwatch.evidence.fragments import Fragment, Fragments, Sum
from sipwatch.evidence.packets import Packet, View
from sipwatch.packet import (
    AH,
    ETHERNET,
    EXTENSIONS,
    FRAGMENT,
    FRAGMENT_OFFSET,
    FRAGMENTED,
    GRE,
    GTP_U_PORT,
    ICMP,
    ICMPV6,
    IPIP,
    IPV6,
    MORE_FRAGMENTS,
    PPP_IP,
    PPPOE_SESSION,
    TCP,
    UDP,
    VLAN_TAGS,
)
from sipwatch.wire import icmp, link, tunnels
from sipwatch.wire.discards import Discard
from sipwatch.wire.limits import DEFAULT_LIMITS, Limits

TUNNEL_PORTS = tunnels.PORTS
_GTP_U = GTP_U_PORT.to_bytes(2, "big")
_TCP_HEADER = Struct("!4xIIBB").unpack_from
_GRE_CHECKSUM = 0x80
_SNAP = b"\xaa\xaa\x03\0\0\0"
_PPP_IP = tuple(protocol.to_bytes(2, "big") for protocol in PPP_IP)


class Carried(NamedTuple):
    """What one end sent to another: a payload, and all that depends on its bytes.

    ``key`` is as in ``wire.message.Path``, of ICMP that of the quoted datagram. ``sums`` are the checksums over the
    payload, outermost first, headers' own among them; ``spare`` are bytes outside the packets proper: padding, frame
    check sequences, and the checksum that an ICMP error quotes. ``missing`` counts bytes cut off by the snap length.
    ``lengths`` are the places of all fields in the packet that count the payload among other bytes, 16 bits each;
    None where not all of them are known. The last four are TCP's.
    """

    time: int
    protocol: int
    key: bytes
    view: View
    packets: list[Packet]
    sums: list[Sum]
    spare: list[View]
    missing: int
    lengths: list[int] | None
    sequence: int = 0
    acknowledged: int = 0
    flags: int = 0
    header: int = 0  # bytes of the TCP header


class Segment(NamedTuple):
    """A TCP segment's payload in its stream: from where to where."""

    start: int
    end: int
    carried: Carried


class _Level(NamedTuple):
    """Bytes in which headers are looked for: a packet, or a datagram put together; what is known of them so far."""

    time: int
    data: bytes
    view: View
    packets: list[Packet]
    sums: list[Sum]
    spare: list[View]
    lengths: list[int] | None


class Dissector:
    """Takes packets apart. Stateful: fragments wait for each other."""

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self._limits = limits
        self._fragments = Fragments(limits)

    def packet(self, packet: Packet) -> Carried | None:
        """Return what a packet carries, or a datagram that it makes whole; None for anything else. Never raises."""
        start = link.ip_offset(packet.link_type, packet.data)
        if isinstance(start, Discard):
            return None
        lengths = _lengths_before(packet, start)
        level = _Level(packet.time, packet.data, View.of(packet), [packet], [], [], lengths)
        packet.length = max(packet.length, _end_of_ip(packet.data, start))
        return self._ip(level, start, 0)

    def _ip(self, level: _Level, start: int | Discard, depth: int) -> Carried | None:
        if isinstance(start, Discard) or depth > self._limits.tunnel_depth or start >= len(level.data):
            return None
        version = level.data[start] >> 4
        if version == 4:
            return self._ipv4(level, start, depth)
        return self._ipv6(level, start, depth) if version == 6 else None

    def _ipv4(self, level: _Level, start: int, depth: int) -> Carried | None:
        data = level.data
        header = (data[start] & 0x0F) * 4
        if header < 20 or len(data) < start + header:
            return None
        end = _end_of_ip(data, start)
        _set_aside(level, end)
        _add_length(level, start + 2)
        level.sums.append(Sum(level.view.cut(start, start + header), 10, b"", True))
        ends, protocol = data[start + 12 : start + 20], data[start + 9]
        fragment = data[start + 6] << 8 | data[start + 7]
        if fragment & FRAGMENTED:
            key = b"4" + ends + data[start + 4 : start + 6] + bytes((protocol,))
            offset, more = (fragment & FRAGMENT_OFFSET) * 8, bool(fragment & MORE_FRAGMENTS)
            return self._fragment(level, start + header, end, depth, protocol, ends, key, offset, more)
        return self._transport(level, start + header, end, depth, protocol, ends)

    def _ipv6(self, level: _Level, start: int, depth: int) -> Carried | None:
        data = level.data
        if len(data) < start + 40:
            return None
        end = _end_of_ip(data, start)
        _set_aside(level, end)
        _add_length(level, start + 4)
        ends, following, at = data[start + 8 : start + 40], data[start + 6], start + 40
        for _ in range(self._limits.extension_headers):
            if following not in EXTENSIONS and following not in (AH, FRAGMENT):
                return self._transport(level, at, end, depth, following, ends)
            if len(data) < at + 8:
                return None
            if following == FRAGMENT:
                where = int.from_bytes(data[at + 2 : at + 4], "big")
                following, key = data[at], b"6" + ends + data[at + 4 : at + 8]
                if where & 0xFFF9:
                    offset, more = where & 0xFFF8, bool(where & 1)
                    return self._fragment(level, at + 8, end, depth, following, ends, key, offset, more)
                at += 8
                continue
            size = (data[at + 1] + 2) * 4 if following == AH else (data[at + 1] + 1) * 8
            following = data[at]
            at += size
        return None

    def _fragment(
        self,
        level: _Level,
        start: int,
        end: int,
        depth: int,
        protocol: int,
        ends: bytes,
        key: bytes,
        offset: int,
        more: bool,
    ) -> Carried | None:
        if start > end:
            return None
        if end > len(level.data):
            # As the decoder does: what makes the message is in the first fragment.
            return self._transport(level, start, end, depth, protocol, ends) if not offset and protocol == UDP else None
        piece = Fragment(offset, more, level.view.cut(start, end), level.packets, level.sums, level.spare)
        whole = self._fragments.add(level.time, key, piece)
        if whole is None:
            return None
        view = View.joined([fragment.view for fragment in whole])
        packets = {packet.place: packet for fragment in whole for packet in fragment.packets}
        sums = [each for fragment in whole for each in fragment.sums]
        spare = [each for fragment in whole for each in fragment.spare]
        joined = _Level(level.time, view.read(), view, list(packets.values()), sums, spare, None)
        return self._transport(joined, 0, len(joined.data), depth, protocol, ends)

    def _transport(self, level: _Level, start: int, end: int, depth: int, protocol: int, ends: bytes) -> Carried | None:
        if protocol == UDP:
            return self._udp(level, start, end, depth, ends)
        if protocol == TCP:
            return _tcp(level, start, end, ends)
        if protocol in (IPIP, IPV6):
            return self._ip(level, start, depth + 1)
        if protocol == GRE:
            if level.data[start : start + 1] and level.data[start] & _GRE_CHECKSUM:
                _add_sum(level, start, end, 4, b"")
            return self._inner(level, tunnels.gre(level.data, start), depth)
        if protocol == AH and depth < self._limits.tunnel_depth:
            behind = start + (level.data[start + 1] + 2) * 4 if len(level.data) >= start + 12 else 0
            if start + 12 <= behind <= end:
                return self._transport(level, behind, end, depth + 1, level.data[start], ends)
        return _icmp(level, start, end, protocol, ends) if protocol in (ICMP, ICMPV6) else None

    def _inner(self, level: _Level, start: int | Discard, depth: int) -> Carried | None:
        """Go on inside a tunnel. Link layers there may have lengths of their own, which are not looked for."""
        if not isinstance(start, Discard):
            before = level.data[max(0, start - 8) : start]
            if before[:6] == _SNAP or before[-2:] in _PPP_IP:
                level = level._replace(lengths=None)
        return self._ip(level, start, depth + 1)

    def _udp(self, level: _Level, start: int, end: int, depth: int, ends: bytes) -> Carried | None:
        data = level.data
        body = start + 8
        if len(data) < body or end < body:
            return None
        length = data[start + 4] << 8 | data[start + 5]
        if 0 < length < 8:
            return None
        if length and start + length < end:
            end = start + length
            _set_aside(level, end)
        if data[start + 6 : body] != b"\0\0":  # RFC 768: zero is none
            _add_sum(level, start, end, 6, _pseudo(ends, UDP, end - start))
        for port in (data[start + 2 : start + 4], data[start : start + 2]):
            if port in TUNNEL_PORTS:
                inner = tunnels.by_port(data, int.from_bytes(port, "big"), body, min(end, len(data)))
                if inner is not None:
                    _add_length(level, start + 4)
                    if port == _GTP_U:
                        _add_length(level, body + 2)
                    return self._inner(level, inner, depth)
        return _carried(level, UDP, ends + data[start : start + 4], body, end)


def _tcp(level: _Level, start: int, end: int, ends: bytes) -> Carried | None:
    data = level.data
    if len(data) < start + 20:
        return None
    sequence, acknowledged, offset, flags = _TCP_HEADER(data, start)
    body = start + (offset >> 4) * 4
    if body < start + 20 or body > end:
        return None
    _add_sum(level, start, end, 16, _pseudo(ends, TCP, end - start))
    carried = _carried(level, TCP, ends + data[start : start + 4], body, end)
    return carried._replace(sequence=sequence, acknowledged=acknowledged, flags=flags, header=body - start)


def _icmp(level: _Level, start: int, end: int, protocol: int, ends: bytes) -> Carried | None:
    data = level.data
    quoted = icmp.quoted_sip(data, start, end, protocol)
    if quoted is None:
        return None
    key, payload, _ = quoted
    body = data.index(payload, start)
    _add_sum(level, start, end, 2, b"" if protocol == ICMP else _pseudo(ends, protocol, end - start))
    level.spare.append(level.view.cut(body - 2, body))  # the quoted datagram's own checksum
    level.spare.append(level.view.cut(body + len(payload), end))
    return _carried(level, protocol, key, body, body + len(payload))


def _carried(level: _Level, protocol: int, key: bytes, body: int, end: int) -> Carried:
    captured = min(end, len(level.data))
    missing = end - max(body, captured)
    view = level.view.cut(body, captured)
    missing = max(0, missing)
    lengths = level.lengths
    return Carried(level.time, protocol, key, view, level.packets, level.sums, level.spare, missing, lengths)


def _end_of_ip(data: bytes, start: int) -> int:
    """Return where an IP packet says that it ends, which may lie beyond the capture."""
    version = data[start] >> 4 if start < len(data) else 0
    if version == 4:
        total = int.from_bytes(data[start + 2 : start + 4], "big")
        return start + total if total else len(data)
    if version == 6:
        length = int.from_bytes(data[start + 4 : start + 6], "big")
        return start + 40 + length if length else len(data)
    return len(data)


def _lengths_before(packet: Packet, start: int) -> list[int]:
    """Return the places of the lengths before the IP header: of IEEE 802.3, and of PPPoE (RFC 2516)."""
    if packet.link_type != ETHERNET:
        return []
    at = 12
    while (kind := int.from_bytes(packet.data[at : at + 2], "big")) in VLAN_TAGS and at < start:
        at += 4
    if kind <= 1500:
        return [at]
    return [at + 6] if kind == PPPOE_SESSION else []


def _add_length(level: _Level, at: int) -> None:
    if level.lengths is not None:
        level.lengths.append(at)


def _set_aside(level: _Level, end: int) -> None:
    """Note the bytes behind the end of a packet: they are none of it, and a frame check sequence tells of it."""
    if end < len(level.data):
        level.spare.append(level.view.cut(end, len(level.data)))


def _add_sum(level: _Level, start: int, end: int, at: int, pseudo: bytes) -> None:
    captured = min(end, len(level.data))
    if captured >= start + at + 2:
        level.sums.append(Sum(level.view.cut(start, captured), at, pseudo, end <= len(level.data)))


def _pseudo(ends: bytes, protocol: int, length: int) -> bytes:
    """Return the pseudo header of UDP and TCP (RFC 768, RFC 9293 §3.1; RFC 8200 §8.1)."""
    if len(ends) == 8:
        return ends + bytes((0, protocol)) + (length & 0xFFFF).to_bytes(2, "big")
    return ends + length.to_bytes(4, "big") + bytes((0, 0, 0, protocol))
