"""The narrow door of the wire layer: a frame in, messages and discards out.

Must not know: calls, files, clocks. A compiled twin may stand behind the same door: whatever goes
through it is a plain value, and nothing else of this package is used from outside but the values.
"""

from __future__ import annotations

from sipwatch.wire import hep, link, tunnels
from sipwatch.wire.discards import Discard
from sipwatch.wire.duplicates import Duplicates
from sipwatch.wire.fragments import Fragments
from sipwatch.wire.message import Path, Request, Response, Transport, Unreachable
from sipwatch.wire.paths import Paths
from sipwatch.wire.sip import looks_like_sip, parse
from sipwatch.wire.tcp import Streams

Item = Request | Response | Unreachable | Discard

DEEPEST_TUNNEL = 4  # tunnels in tunnels; more is an attack
MOST_HEADERS = 8  # IPv6 extension headers in a row
_NOTHING: tuple[Item, ...] = ()
_ALONE: dict[Discard, tuple[Item, ...]] = {reason: (reason,) for reason in Discard}
_MEDIA = _ALONE[Discard.MEDIA]

_IPIP, _TCP, _UDP, _IPV6, _GRE, _AH, _ICMP, _ICMPV6, _SCTP = 4, 6, 17, 41, 47, 51, 1, 58, 132
_FRAGMENT, _NO_NEXT = 44, 59
_EXTENSIONS = frozenset({0, 43, 60, 135, 139, 140})  # hop-by-hop, routing, destination, mobility, HIP, shim6
_ICMP_CODES = {
    0: "net_unreachable", 1: "host_unreachable", 2: "protocol_unreachable", 3: "port_unreachable",
    9: "net_prohibited", 10: "host_prohibited", 13: "filtered",
}  # fmt: skip
_ICMPV6_CODES = {0: "no_route", 1: "prohibited", 3: "address_unreachable", 4: "port_unreachable"}


class Decoder:
    """Turns captured frames into SIP messages. Stateful: fragments, streams, recent datagrams.

    ``discards`` counts, by reason, everything that gave no message; duplicates among them.
    """

    def __init__(self) -> None:
        self._counts: dict[Discard, int] = {}
        # The two that come by the million; an enum as a dictionary's key is hashed in Python.
        self._media = 0
        self._repeated = 0
        self._paths = Paths()
        self._udp_paths = self._paths.udp
        self._duplicates = Duplicates()
        self._seen = self._duplicates.seen
        self._fragments = Fragments(self._counts)
        self._streams = Streams(self._counts)

    @property
    def discards(self) -> dict[Discard, int]:
        """Count what gave no message, by reason; a reason that did not occur is left out."""
        common = {Discard.MEDIA: self._media, Discard.DUPLICATE: self._repeated}
        counts = {reason: count for reason, count in common.items() if count}
        for reason, count in self._counts.items():
            counts[reason] = counts.get(reason, 0) + count
        return counts

    @property
    def evicted(self) -> dict[str, int]:
        """Count what each table had to give up; tables that gave up nothing are left out."""
        tables = {
            "paths": self._paths.evicted,
            "duplicates": self._duplicates.evicted,
            "fragments": self._fragments.evicted,
            "streams": self._streams.evicted,
        }
        return {name: count for name, count in tables.items() if count}

    @property
    def tracked(self) -> dict[str, int]:
        """Count the entries of each table right now."""
        return {
            "paths": len(self._paths),
            "duplicates": len(self._duplicates),
            "fragments": len(self._fragments),
            "streams": len(self._streams),
        }

    def frame(self, time: int, link_type: int, data: bytes) -> tuple[Item, ...]:
        """Decode a captured frame: packet time in ns, LINKTYPE number, bytes. Never raises.

        An empty tuple means that nothing can be said yet: a fragment, a part of a stream.
        """
        # Ethernet, IPv4 without options, not a fragment, UDP: nearly every packet there is.
        if (
            link_type == 1
            and data[12:15] == b"\x08\x00E"
            and len(data) > 42
            and data[23] == _UDP
            and data[20:22] in _WHOLE
        ):
            length = data[38] << 8 | data[39]
            if data[42] & 0xC0 == 0x80 and length > 8:
                self._media += 1
                return _MEDIA
            total = data[16] << 8 | data[17]
            if total == length + 20 and data[36:38] not in _TUNNEL_PORTS:
                key = data[26:38]
                path = self._udp_paths.get(key)
                if path is None:
                    path = self._paths.get(Transport.UDP, key)
                end = 34 + length
                return self._datagram(time, path, data[42:end], end > len(data))
        start = link.ip_offset(link_type, data)
        if isinstance(start, Discard):
            return self._discard(start)
        return self._ip(time, data, start, 0)

    def datagram(self, time: int, path: Path, data: bytes) -> tuple[Item, ...]:
        """Decode what one end sent to another, as HEP or the deep decoder tell. Never raises."""
        return self._datagram(time, path, data, False)

    def path(self, transport: Transport, key: bytes) -> Path:
        """Return the interned path for ``datagram``; the key as in ``Path``."""
        return self._paths.get(transport, key)

    def finish(self, time: int) -> tuple[Item, ...]:
        """Give what is still held back: the capture is over, as of ``time``."""
        self._fragments.finish()
        return self._messages(time, self._streams.finish())

    # Network

    def _ip(self, time: int, data: bytes, start: int, depth: int) -> tuple[Item, ...]:
        if depth > DEEPEST_TUNNEL:
            return self._discard(Discard.TUNNEL_DEPTH)
        if start >= len(data):
            return self._discard(Discard.IP_TRUNCATED)
        version = data[start] >> 4
        if version == 4:
            return self._ipv4(time, data, start, depth)
        if version == 6:
            return self._ipv6(time, data, start, depth)
        return self._discard(Discard.IP_MALFORMED)

    def _ipv4(self, time: int, data: bytes, start: int, depth: int) -> tuple[Item, ...]:
        header = (data[start] & 0x0F) * 4
        if header < 20:
            return self._discard(Discard.IP_MALFORMED)
        if len(data) < start + header:
            return self._discard(Discard.IP_TRUNCATED)
        total = int.from_bytes(data[start + 2 : start + 4], "big")
        end = start + total if total else len(data)  # 0: the network card was to fill it in
        ends = data[start + 12 : start + 20]
        protocol = data[start + 9]
        fragment = int.from_bytes(data[start + 6 : start + 8], "big")
        if fragment & 0x3FFF:
            key = b"4" + ends + data[start + 4 : start + 6] + bytes((protocol,))
            return self._fragment(
                time,
                data,
                start + header,
                end,
                depth,
                protocol,
                ends,
                key,
                (fragment & 0x1FFF) * 8,
                bool(fragment & 0x2000),
            )
        return self._transport(time, data, start + header, end, depth, protocol, ends)

    def _ipv6(self, time: int, data: bytes, start: int, depth: int) -> tuple[Item, ...]:
        if len(data) < start + 40:
            return self._discard(Discard.IP_TRUNCATED)
        ends = data[start + 8 : start + 40]
        length = int.from_bytes(data[start + 4 : start + 6], "big")
        end = start + 40 + length if length else len(data)
        following = data[start + 6]
        at = start + 40
        for _ in range(MOST_HEADERS):
            if following not in _EXTENSIONS and following not in (_AH, _FRAGMENT):
                return self._transport(time, data, at, end, depth, following, ends)
            if len(data) < at + 8:
                return self._discard(Discard.IP_TRUNCATED)
            if following == _FRAGMENT:
                where = int.from_bytes(data[at + 2 : at + 4], "big")
                following, key = data[at], b"6" + ends + data[at + 4 : at + 8]
                if where & 0xFFF9:  # RFC 6946: an atomic fragment is whole
                    return self._fragment(
                        time, data, at + 8, end, depth, following, ends, key, where & 0xFFF8, bool(where & 1)
                    )
                at += 8
                continue
            size = (data[at + 1] + 2) * 4 if following == _AH else (data[at + 1] + 1) * 8
            following = data[at]
            at += size
        return self._discard(Discard.IP_MALFORMED)

    def _fragment(
        self,
        time: int,
        data: bytes,
        start: int,
        end: int,
        depth: int,
        protocol: int,
        ends: bytes,
        key: bytes,
        offset: int,
        more: bool,
    ) -> tuple[Item, ...]:
        if end > len(data) or start > end:
            return self._discard(Discard.IP_TRUNCATED)
        whole = self._fragments.add(time, key, offset, more, data[start:end])
        if whole is None:
            return _NOTHING
        if isinstance(whole, Discard):
            return self._discard(whole)
        return self._transport(time, whole, 0, len(whole), depth, protocol, ends)

    def _transport(
        self, time: int, data: bytes, start: int, end: int, depth: int, protocol: int, ends: bytes
    ) -> tuple[Item, ...]:
        """Hand on what an IP packet carries, from ``start`` to ``end`` (which may lie beyond the capture)."""
        if protocol == _UDP:
            return self._udp(time, data, start, end, depth, ends)
        if protocol == _TCP:
            return self._tcp(time, data, start, end, ends)
        if protocol in (_IPIP, _IPV6):
            return self._ip(time, data, start, depth + 1)
        if protocol == _GRE:
            return self._inner(time, data, tunnels.gre(data, start), depth)
        if protocol in (_ICMP, _ICMPV6):
            return self._icmp(time, data, start, protocol, ends)
        return self._discard(Discard.IP_PROTOCOL)

    def _inner(self, time: int, data: bytes, start: int | Discard, depth: int) -> tuple[Item, ...]:
        if isinstance(start, Discard):
            return self._discard(start)
        return self._ip(time, data, start, depth + 1)

    # Transport

    def _udp(self, time: int, data: bytes, start: int, end: int, depth: int, ends: bytes) -> tuple[Item, ...]:
        if len(data) < start + 8:
            return self._discard(Discard.IP_TRUNCATED)
        length = int.from_bytes(data[start + 4 : start + 6], "big")
        body = start + 8
        # The same rule as the capture layer's native filter, before anything else is looked at.
        if len(data) > body and data[body] & 0xC0 == 0x80 and length > 8:
            self._media += 1
            return _MEDIA
        if length < 8 and length:
            return self._discard(Discard.UDP_MALFORMED)
        if length:
            end = min(end, start + length)
        for at in (start + 2, start):
            port = int.from_bytes(data[at : at + 2], "big")
            inner = tunnels.by_port(data, port, body, min(end, len(data)))
            if inner is not None:
                return self._inner(time, data, inner, depth)
        path = self._paths.get(Transport.UDP, ends + data[start : start + 4])
        return self._datagram(time, path, data[body:end], end > len(data))

    def _datagram(self, time: int, path: Path, payload: bytes, truncated: bool) -> tuple[Item, ...]:
        if self._seen(time, path.key, payload):
            self._repeated += 1
            return _DUPLICATE
        item = parse(time, path, payload, truncated)
        if item.__class__ is Discard:
            return self._not_plain(time, path, payload, truncated, item)
        return (item,)

    def _not_plain(self, time: int, path: Path, payload: bytes, truncated: bool, reason: Item) -> tuple[Item, ...]:
        """Say what a datagram is that does not begin with a SIP start line."""
        text = payload.lstrip(b"\r\n\0 \t")
        if len(text) <= 4:
            return self._discard(Discard.KEEPALIVE)
        if hep.is_hep(payload):
            inner = hep.decode(payload)
            if isinstance(inner, Discard):
                return self._discard(inner)
            transport = Transport.TCP if inner[0] == _TCP else Transport.UDP
            return self._unwrapped(time, self._paths.get(transport, inner[1]), inner[2])
        if len(text) != len(payload) and looks_like_sip(text):
            reason = parse(time, path, text, truncated)  # leading blank lines (RFC 3261 §7.5)
        return self._discard(reason) if isinstance(reason, Discard) else (reason,)

    def _unwrapped(self, time: int, path: Path, payload: bytes) -> tuple[Item, ...]:
        """Take a payload out of HEP; HEP in HEP is not looked for."""
        item = parse(time, path, payload.lstrip(b"\r\n"), False)
        return self._discard(item) if isinstance(item, Discard) else (item,)

    def _tcp(self, time: int, data: bytes, start: int, end: int, ends: bytes) -> tuple[Item, ...]:
        if len(data) < start + 20:
            return self._discard(Discard.IP_TRUNCATED)
        header = (data[start + 12] >> 4) * 4
        if header < 20 or start + header > end:
            return self._discard(Discard.TCP_MALFORMED)
        path = self._paths.get(Transport.TCP, ends + data[start : start + 4])
        found, reason = self._streams.segment(
            time,
            path,
            int.from_bytes(data[start + 4 : start + 8], "big"),
            int.from_bytes(data[start + 8 : start + 12], "big"),
            data[start + 13],
            data[start + header : end],
        )
        items = self._messages(time, found) if found else _NOTHING
        return items + self._discard(reason) if reason is not None else items

    def _messages(self, time: int, found: list[tuple[Path, bytes, bool]]) -> tuple[Item, ...]:
        items: list[Item] = []
        for path, data, websocket in found:
            over = self._paths.get(Transport.WS, path.key) if websocket else path
            item = parse(time, over, data.lstrip(b"\r\n"), False)
            if isinstance(item, Discard):
                self._count(item)
            items.append(item)
        return tuple(items)

    def _icmp(self, time: int, data: bytes, start: int, protocol: int, ends: bytes) -> tuple[Item, ...]:
        """Read an error that quotes a SIP datagram (RFC 792, RFC 4443 §3)."""
        kind, code = data[start : start + 1], data[start + 1 : start + 2]
        unreachable, exceeded = (b"\x03", b"\x0b") if protocol == _ICMP else (b"\x01", b"\x03")
        quoted = start + 8
        if kind not in (unreachable, exceeded) or len(data) < quoted + 28 or not code:
            return self._discard(Discard.ICMP)
        version = data[quoted] >> 4
        header = (data[quoted] & 0x0F) * 4 if version == 4 else 40
        carried = data[quoted + 9] if version == 4 else data[quoted + 6]
        inner = data[quoted + 12 : quoted + 20] if version == 4 else data[quoted + 8 : quoted + 40]
        udp = quoted + header
        payload = data[udp + 8 :]
        if version not in (4, 6) or header < 20 or carried != _UDP or not _begins_like_sip(payload):
            return self._discard(Discard.ICMP)
        words = _ICMP_CODES if protocol == _ICMP else _ICMPV6_CODES
        word = "time_exceeded" if kind == exceeded else words.get(code[0], "unreachable")
        path = self._paths.get(Transport.UDP, inner + data[udp : udp + 4])
        return (Unreachable(time, path, payload, ends[: len(ends) // 2], word),)

    # Counting

    def _count(self, reason: Discard) -> None:
        self._counts[reason] = self._counts.get(reason, 0) + 1

    def _discard(self, reason: Discard) -> tuple[Item, ...]:
        self._count(reason)
        return _ALONE[reason]


_DUPLICATE = _ALONE[Discard.DUPLICATE]
# Flags and offset of an IPv4 packet that is not a fragment, with and without Don't Fragment.
_WHOLE = (b"\x00\x00", b"\x40\x00")
_TUNNEL_PORTS = frozenset(
    port.to_bytes(2, "big") for port in (*tunnels.VXLAN_PORTS, tunnels.GENEVE_PORT, tunnels.GTP_U_PORT)
)


def _begins_like_sip(quoted: bytes) -> bool:
    """Tell whether what an ICMP error quotes, perhaps only eight bytes, began a SIP message."""
    if looks_like_sip(quoted):
        return True
    word = quoted.partition(b" ")[0]
    return quoted[:7] == b"SIP/2.0" or (b" sip:" in quoted and word.isalpha() and word.isupper())
