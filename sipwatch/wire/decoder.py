"""The narrow door of the wire layer: a frame in, messages and discards out.

Must not know: calls, files, clocks. A compiled twin may stand behind the same door: whatever goes
through it is a plain value, and nothing else of this package is used from outside but the values.
"""

from __future__ import annotations

from struct import Struct
from typing import Final

from sipwatch.packet import (
    AH,
    BLANKS,
    ESP,
    ETHERNET,
    EXTENSIONS,
    FIN,
    FRAGMENT,
    FRAGMENT_OFFSET,
    FRAGMENTED,
    GRE,
    HEP_3,
    ICMP,
    ICMPV6,
    IPIP,
    IPV6,
    MAX_JUNK_LENGTH,
    MORE_FRAGMENTS,
    REPORTED,
    RST,
    RTP_MASK,
    RTP_VERSION,
    SCTP,
    SYN,
    TCP,
    UDP,
)
from sipwatch.wire import hep, icmp, link, tunnels
from sipwatch.wire.agents import Agents
from sipwatch.wire.discards import Discard
from sipwatch.wire.duplicates import Copies, Duplicates
from sipwatch.wire.esp import Associations, Opened
from sipwatch.wire.fragments import Fragments
from sipwatch.wire.heads import FIRST_FRAGMENT_ONLY, Heads
from sipwatch.wire.limits import DEFAULT_LIMITS, Limits
from sipwatch.wire.message import Numbered, Path, Request, Response, Transport, Unreachable
from sipwatch.wire.paths import Paths, may_be_tunnel
from sipwatch.wire.resets import Resets
from sipwatch.wire.sip import Parser, begins_sip, is_sip, looks_like_sip
from sipwatch.wire.tcp import Found, Streams

Item = Request | Response | Unreachable | Discard

_NOTHING: tuple[Item, ...] = ()
_ALONE: dict[Discard, tuple[Item, ...]] = {reason: (reason,) for reason in Discard}
_MEDIA: Final = _ALONE[Discard.MEDIA]

_IPV4_PLAIN: Final = b"\x08\x00E"  # the EtherType, then version 4 with a header of 20 bytes
# Of a UDP datagram in such a packet in Ethernet: total length, identification, flags and offset, protocol, addresses
# with ports (the key of its path), UDP length, the first byte it carries. One look instead of ten.
_UDP_IN_IPV4: Final = Struct("!16xHHHxB2x12sH2xB").unpack_from
_TCP_HEADER: Final = Struct("!4xIIBB").unpack_from  # sequence number, acknowledgement number, data offset, flags


class Decoder:
    """Turns captured frames into SIP messages. Stateful: fragments, streams, recent datagrams.

    ``discards`` counts, by reason, everything that gave no message; duplicates among them. ``notices`` counts what was
    read in spite of something. A message whose ``number`` is not 0 was held back, and is of that packet of ``place``.
    ``agents`` are those who report to us over HEP; ``correlated`` is the latest message that came so with the agent's
    correlation id. ``own`` are the ports (2 bytes), or addresses and ports, at which HEP is ours already.
    """

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self._limits = limits
        self.place: Numbered | None = None
        self.notices: dict[str, int] = {}
        self._counts: dict[Discard, int] = {}
        # The two that come by the million; an enum as a dictionary's key is hashed in Python.
        self._media = 0
        self._repeated = 0
        self._parser = Parser()
        self._paths = Paths(limits)
        self._udp_paths = self._paths.udp
        self._duplicates = Duplicates(limits)
        self._seen = self._duplicates.seen
        self._copies: Copies | None = None  # once HEP is met, or expected
        self._across_nat = False
        self.agents = Agents(self._counts, limits)
        self.correlated: tuple[Request | Response, bytes] | None = None
        self.own: frozenset[bytes] = frozenset()
        self._fragments = Fragments(self._counts, limits)
        self._heads = Heads(limits)
        self._held = self._heads.held
        self._identification = 0  # of the IPv4 packet at work, 0 of any other
        self._associations = Associations(limits)
        self._streams = Streams(self._counts, limits)
        self._resets = Resets(limits)
        self._carriers = self._resets.carriers

    @property
    def discards(self) -> dict[Discard, int]:
        """Count what gave no message, by reason; a reason that did not occur is left out."""
        common = {Discard.MEDIA: self._media, Discard.DUPLICATE: self._repeated}
        counts = {reason: count for reason, count in common.items() if count}
        for reason, count in self._counts.items():
            counts[reason] = counts.get(reason, 0) + count
        return counts

    def _tables(self) -> dict[str, tuple[int, int]]:
        """Return of each table the entries right now, and what it had to give up."""
        copies, streams, fragments = self._copies, self._streams, self._fragments
        again = fragments.copies
        return {
            "paths": (len(self._paths), self._paths.evicted),
            "duplicates": (len(self._duplicates) + len(again), self._duplicates.evicted + again.evicted),
            "copies": (0, 0) if copies is None else (len(copies), copies.evicted),
            "hep_senders": (len(self.agents), self.agents.evicted),
            "fragments": (len(fragments), fragments.evicted),
            "associations": (len(self._associations), self._associations.evicted),
            "streams": (len(streams), streams.evicted),
            "closed_streams": (streams.closed, streams.forgotten),
            "connections": (len(self._resets), self._resets.evicted),
        }

    @property
    def evicted(self) -> dict[str, int]:
        """Count what each table had to give up; tables that gave up nothing are left out."""
        return {name: evicted for name, (_, evicted) in self._tables().items() if evicted}

    @property
    def tracked(self) -> dict[str, int]:
        """Count the entries of each table right now."""
        return {name: entries for name, (entries, _) in self._tables().items()}

    @property
    def taken(self) -> dict[str, int]:
        """Say how many bytes each table that is bounded by them takes right now."""
        return {"fragments": self._fragments.bytes, "streams": self._streams.bytes}

    @property
    def holding(self) -> bool:
        """Tell whether something is held back that will be given as time goes on."""
        return bool(self._held)

    def frame(self, time: int, link_type: int, data: bytes) -> tuple[Item, ...]:
        """Decode a captured frame: packet time in ns, LINKTYPE number, bytes. Never raises.

        An empty tuple means that nothing can be said yet: a fragment, a part of a stream.
        """
        # Ethernet, IPv4 without options, not a fragment, UDP: nearly every packet there is.
        if link_type == ETHERNET and data[12:15] == _IPV4_PLAIN and len(data) > 42:
            total, identification, fragment, protocol, key, length, first = _UDP_IN_IPV4(data)
            if protocol == UDP and fragment in _WHOLE:
                if first & RTP_MASK == RTP_VERSION and length > 8:
                    self._media += 1
                    return _MEDIA
                if total == length + 20:
                    path = self._udp_paths.get(key)
                    if path is None and not may_be_tunnel(key):
                        path = self._paths.get(Transport.UDP, key)
                    if path is not None:
                        end = 34 + length
                        items = self._datagram(time, path, data[42:end], end > len(data), identification)
                        return self._in_order(time, items) if self._held else items
        if link_type == REPORTED:
            items = self._reported(time, data)
        else:
            start = link.ip_offset(link_type, data)
            items = self._discard(start) if isinstance(start, Discard) else self._ip(time, data, start, 0)
        return self._in_order(time, items) if self._held else items

    def datagram(self, time: int, path: Path, data: bytes) -> tuple[Item, ...]:
        """Decode what one end sent to another, as HEP or the deep decoder tell. Never raises."""
        return self._datagram(time, path, data, False, 0)

    def path(self, transport: Transport, key: bytes) -> Path:
        """Return the interned path for ``datagram``; the key as in ``Path``."""
        return self._paths.get(transport, key)

    def expect_hep(self, *, across_nat: bool) -> None:
        """Compare copies of messages from now on; whether agents stand on either side of a NAT."""
        self._across_nat = across_nat
        if self._copies is None:
            self._copies = Copies(self._limits)
        self._copies.across_nat = across_nat

    def advance(self, now: int) -> tuple[Item, ...]:
        """Let time pass without a frame; give what need not be held back any longer."""
        return self._in_order(now, _NOTHING)

    def reached(self, now: int) -> int:
        """Return how far time may go: a message held back must not be overtaken by what is due after it."""
        return self._heads.since(now)

    def finish(self, time: int) -> tuple[Item, ...]:
        """Give what is still held back: the capture is over, as of ``time``."""
        items = self._given(self._heads.take())
        self._fragments.finish()
        return items + self._messages(time, self._streams.finish())

    # Network

    def _ip(self, time: int, data: bytes, start: int, depth: int) -> tuple[Item, ...]:
        if depth > self._limits.tunnel_depth:
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
        total = data[start + 2] << 8 | data[start + 3]
        end = start + total if total else len(data)  # 0: the network card was to fill it in
        ends = data[start + 12 : start + 20]
        protocol = data[start + 9]
        self._identification = data[start + 4] << 8 | data[start + 5]
        if end < start + header and protocol != UDP:  # of UDP, media is to be told before anything else
            return self._discard(Discard.IP_MALFORMED)
        fragment = data[start + 6] << 8 | data[start + 7]
        if fragment & FRAGMENTED:
            key = b"4" + ends + data[start + 4 : start + 6] + bytes((protocol,))
            offset, more = (fragment & FRAGMENT_OFFSET) * 8, bool(fragment & MORE_FRAGMENTS)
            return self._fragment(time, data, start + header, end, depth, protocol, ends, key, offset, more)
        return self._transport(time, data, start + header, end, depth, protocol, ends)

    def _ipv6(self, time: int, data: bytes, start: int, depth: int) -> tuple[Item, ...]:
        if len(data) < start + 40:
            return self._discard(Discard.IP_TRUNCATED)
        self._identification = 0
        ends = data[start + 8 : start + 40]
        length = int.from_bytes(data[start + 4 : start + 6], "big")
        end = start + 40 + length if length else len(data)
        following = data[start + 6]
        at = start + 40
        for _ in range(self._limits.extension_headers):
            if following not in EXTENSIONS and following not in (AH, FRAGMENT):
                return self._transport(time, data, at, end, depth, following, ends)
            if len(data) < at + 8:
                return self._discard(Discard.IP_TRUNCATED)
            if following == FRAGMENT:
                where = int.from_bytes(data[at + 2 : at + 4], "big")
                following, key = data[at], b"6" + ends + data[at + 4 : at + 8]
                if where & 0xFFF9:  # RFC 6946: an atomic fragment is whole
                    return self._fragment(
                        time, data, at + 8, end, depth, following, ends, key, where & 0xFFF8, bool(where & 1)
                    )
                at += 8
                continue
            size = (data[at + 1] + 2) * 4 if following == AH else (data[at + 1] + 1) * 8
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
        if end > len(data) and offset == 0 and protocol == UDP:
            # Cut by the snap length: what makes the message is in the first fragment.
            return _fragmented(self._transport(time, data, start, end, depth, protocol, ends), ends)
        if end > len(data) or start > end:
            return self._discard(Discard.IP_MALFORMED if start > end else Discard.IP_TRUNCATED)
        whole = self._fragments.add(time, key, offset, more, data[start:end])
        if whole is None:
            if offset == 0 and protocol == UDP:
                self._hold(time, data, start, end, ends, key)
            return _NOTHING
        if whole is Discard.DUPLICATE and not (offset == 0 and protocol == UDP and begins_sip(data, start, end)):
            whole = Discard.FRAGMENT_REPEATED  # one duplicate for each message; what others belong to cannot be known
        if isinstance(whole, Discard):
            if whole is Discard.FRAGMENT_OVERLAP:
                self._held.pop(key, None)
            return self._discard(whole)
        self._held.pop(key, None)
        return _fragmented(self._transport(time, whole, 0, len(whole), depth, protocol, ends), ends)

    def _hold(self, time: int, data: bytes, start: int, end: int, ends: bytes, key: bytes) -> None:
        """Read a first fragment for itself, in case that it stays alone."""
        if not begins_sip(data, start, end):
            return
        text = data[start + 8 : end].lstrip(BLANKS)
        message = self._parser.parse(time, self._paths.get(Transport.UDP, ends + data[start : start + 4]), text, True)
        if not isinstance(message, Discard):
            message.fragmented = True
            message.number = self.place.number if self.place is not None else 0
            self._held[key] = message

    def _in_order(self, time: int, items: tuple[Item, ...]) -> tuple[Item, ...]:
        """Put what was held back, and is due, before what came at ``time``."""
        due = self._heads.due(time, items)
        return self._given(due) + items if due else items

    def _given(self, due: list[tuple[bytes, Request | Response]]) -> tuple[Item, ...]:
        for key, _ in due:
            self._fragments.read(key)
        if due:
            self.notices[FIRST_FRAGMENT_ONLY] = self.notices.get(FIRST_FRAGMENT_ONLY, 0) + len(due)
        return tuple([message for _, message in due])

    def _transport(
        self, time: int, data: bytes, start: int, end: int, depth: int, protocol: int, ends: bytes
    ) -> tuple[Item, ...]:
        """Hand on what an IP packet carries, from ``start`` to ``end`` (which may lie beyond the capture)."""
        if protocol == UDP:
            return self._udp(time, data, start, end, depth, ends)
        if protocol == TCP:
            return self._tcp(time, data, start, end, ends)
        if protocol in (IPIP, IPV6):
            return self._ip(time, data, start, depth + 1)
        if protocol == GRE:
            return self._inner(time, data, tunnels.gre(data, start), depth)
        if protocol in (ICMP, ICMPV6):
            return self._icmp(time, data, start, end, protocol, ends)
        return self._seldom(time, data, start, end, depth, protocol, ends)

    def _seldom(
        self, time: int, data: bytes, start: int, end: int, depth: int, protocol: int, ends: bytes
    ) -> tuple[Item, ...]:
        """Go on behind the header of AH (RFC 4302 §2), or inside ESP that encrypts nothing; name anything else."""
        if protocol not in (AH, ESP):
            return self._discard(Discard.SCTP if protocol == SCTP else Discard.IP_PROTOCOL)
        if depth >= self._limits.tunnel_depth:
            return self._discard(Discard.TUNNEL_DEPTH)
        opened: Opened | None
        if protocol == ESP:
            reason, opened = Discard.ESP, self._associations.open(data, start, end, ends)
        elif len(data) < start + 12:
            reason, opened = Discard.IP_TRUNCATED, None
        else:
            behind = start + (data[start + 1] + 2) * 4
            reason, opened = Discard.IP_MALFORMED, (data[start], behind, end) if start + 12 <= behind <= end else None
        if opened is None:
            return self._discard(reason)
        protocol, start, end = opened
        return self._transport(time, data, start, end, depth + 1, protocol, ends)

    def _inner(self, time: int, data: bytes, start: int | Discard, depth: int) -> tuple[Item, ...]:
        if isinstance(start, Discard):
            return self._discard(start)
        return self._ip(time, data, start, depth + 1)

    # Transport

    def _udp(self, time: int, data: bytes, start: int, end: int, depth: int, ends: bytes) -> tuple[Item, ...]:
        if len(data) < start + 8:
            return self._discard(Discard.IP_TRUNCATED)
        length = data[start + 4] << 8 | data[start + 5]
        body = start + 8
        # The same rule as the capture layer's native filter, before anything else is looked at.
        if len(data) > body and data[body] & RTP_MASK == RTP_VERSION and length > 8:
            self._media += 1
            return _MEDIA
        if end < body or 0 < length < 8:
            return self._discard(Discard.UDP_MALFORMED)
        if length:
            end = min(end, start + length)
        for port in (data[start + 2 : start + 4], data[start : start + 2]):
            if port in tunnels.PORTS:
                inner = tunnels.by_port(data, int.from_bytes(port, "big"), body, min(end, len(data)))
                if inner is not None:
                    return self._inner(time, data, inner, depth)
        path = self._paths.get(Transport.UDP, ends + data[start : start + 4])
        return self._datagram(time, path, data[body:end], end > len(data), self._identification)

    def _datagram(
        self, time: int, path: Path, payload: bytes, truncated: bool, identification: int
    ) -> tuple[Item, ...]:
        if self._seen(time, path.key, payload, identification) and is_sip(payload):
            self._repeated += 1
            return _DUPLICATE
        item = self._parser.parse(time, path, payload, truncated)
        if item.__class__ is Discard:  # isinstance() of an enum asks its metaclass
            return self._not_plain(time, path, payload, truncated, item)
        return (item,) if self._copies is None else self._once(time, item, False)

    def _not_plain(self, time: int, path: Path, payload: bytes, truncated: bool, reason: Discard) -> tuple[Item, ...]:
        """Say what a datagram is that does not begin with a SIP start line."""
        text = payload.lstrip(BLANKS)
        if len(text) <= MAX_JUNK_LENGTH:
            return self._discard(Discard.KEEPALIVE)
        if hep.is_hep(payload):
            return self._of_agent(time, path, payload)
        if len(text) != len(payload) and looks_like_sip(text):
            return self._once(time, self._parser.parse(time, path, text, truncated), False)  # RFC 3261 §7.5
        return self._discard(reason) if isinstance(reason, Discard) else (reason,)

    def _of_agent(self, time: int, path: Path, payload: bytes) -> tuple[Item, ...]:
        """Take HEP on its way from an agent to somebody, unless that is us."""
        port = path.key[-2:]
        if self.own and (port in self.own or path.destination_address + port in self.own):
            return self._discard(Discard.HEP_OWN)
        return self._unwrap(time, payload)

    def _unwrap(self, time: int, payload: bytes) -> tuple[Item, ...]:
        """Take a message out of HEP, at the frame's time: the engine's may not go back.

        HEP in HEP is not looked for.
        """
        inner = hep.decode(payload)
        return self._discard(inner) if isinstance(inner, Discard) else self._told(time, time, inner)

    def _reported(self, time: int, data: bytes) -> tuple[Item, ...]:
        """Take what an agent reported to us: ``time`` has passed, the message's own may be earlier."""
        inner = hep.carried(data)
        return self._discard(Discard.HEP_MALFORMED) if inner is None else self._told(time, inner.time, inner)

    def _told(self, time: int, own: int, inner: hep.Encapsulated) -> tuple[Item, ...]:
        """Read what was captured by others. What was TCP has lost its sequence numbers: all is compared as a whole."""
        if self._copies is None:
            self.expect_hep(across_nat=self._across_nat)
        text = inner.payload.lstrip(BLANKS)
        if len(text) <= MAX_JUNK_LENGTH:
            return self._discard(Discard.KEEPALIVE)
        item = self._parser.parse(time, self._paths.get(inner.transport, inner.key), text, False)
        if inner.correlation and not isinstance(item, Discard):
            self.correlated = (item, inner.correlation)
        return self._once(own, item, True)

    def _once(self, time: int, item: Request | Response | Discard, reported: bool) -> tuple[Item, ...]:
        """Give a message that is no copy; ``time`` is its own, ``reported`` says that an agent told of it."""
        if isinstance(item, Discard):
            return self._discard(item)
        if self._copies is not None and self._copies.seen(time, item, reported):
            self._repeated += 1
            return _DUPLICATE
        return (item,)

    def _tcp(self, time: int, data: bytes, start: int, end: int, ends: bytes) -> tuple[Item, ...]:
        if len(data) < start + 20:
            return self._discard(Discard.IP_TRUNCATED)
        sequence, acknowledged, offset, flags = _TCP_HEADER(data, start)
        body = start + (offset >> 4) * 4
        if body < start + 20 or body > end:
            return self._discard(Discard.TCP_MALFORMED)
        path = self._paths.get(Transport.TCP, ends + data[start : start + 4])
        missing = end - max(body, len(data))
        found, reason = self._streams.segment(
            time, path, sequence, acknowledged, flags, data[body:end], max(0, missing)
        )
        items = self._messages(time, found) if found else _NOTHING
        if flags & (RST | SYN | FIN):
            items += self._control(time, path, sequence, acknowledged, flags)
        return items + self._discard(reason) if reason is not None else items

    def _control(self, time: int, path: Path, sequence: int, acknowledged: int, flags: int) -> tuple[Item, ...]:
        """Follow how connections begin, and say which were refused or reset."""
        over = self._streams.ended(time, path.reverse_key)
        code = self._resets.follow(path, sequence, acknowledged, flags, over=over)
        if not code:
            return _NOTHING
        lost = self._paths.get(Transport.TCP, path.reverse_key)
        return (Unreachable(time, lost, b"", path.source_address, code),)

    def _messages(self, time: int, found: list[Found]) -> tuple[Item, ...]:
        items: list[Item] = []
        for path, data, websocket, cut_short in found:
            text = data.lstrip(BLANKS)
            over = self._paths.get(Transport.WS, path.key) if websocket else path
            item = self._parser.parse(time, over, text, cut_short) if text else Discard.KEEPALIVE
            if item.__class__ is Discard and text[:4] == HEP_3:
                items += self._of_agent(time, path, text)
                continue
            if not isinstance(item, Discard) and path.key not in self._carriers:
                self._resets.carried(path)
            items += self._once(time, item, False)
        return tuple(items)

    def _icmp(self, time: int, data: bytes, start: int, end: int, protocol: int, ends: bytes) -> tuple[Item, ...]:
        quoted = icmp.quoted_sip(data, start, end, protocol)
        if quoted is None:
            return self._discard(Discard.ICMP)
        key, payload, word = quoted
        path = self._paths.get(Transport.UDP, key)
        return (Unreachable(time, path, payload, ends[: len(ends) // 2], word),)

    def _discard(self, reason: Discard) -> tuple[Item, ...]:
        self._counts[reason] = self._counts.get(reason, 0) + 1
        return _ALONE[reason]


def _fragmented(items: tuple[Item, ...], ends: bytes) -> tuple[Item, ...]:
    """Mark the messages that came in fragments; not what a tunnel between these ends held, whose sender cut nothing."""
    for item in items:
        if isinstance(item, (Request, Response)) and item.path.key[:-4] == ends:
            item.fragmented = item.path.transport is Transport.UDP
    return items


_DUPLICATE: Final = _ALONE[Discard.DUPLICATE]
# Flags and offset of an IPv4 packet that is not a fragment, with and without Don't Fragment.
_WHOLE: Final = (0x0000, 0x4000)
