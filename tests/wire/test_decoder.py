"""The door of the wire layer: every link, tunnel and transport in, messages and named discards out."""

from __future__ import annotations

import struct
from collections import Counter
from itertools import product
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipwatch import packet
from sipwatch.capture.files import Prefilter, open_capture
from sipwatch.wire import hep
from sipwatch.wire.decoder import Decoder, Item
from sipwatch.wire.discards import Discard
from sipwatch.wire.message import Request, Response, Transport
from tests.each import for_each
from tests.thorough import examples
from tests.wire import frames as f

if TYPE_CHECKING:
    from pathlib import Path

SECOND = 1_000_000_000


def options(number: int = 1, body: bytes = b"", *, length: bool = True) -> bytes:
    """Return an OPTIONS request."""
    return (
        b"OPTIONS sip:b@example.com SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK%d\r\nFrom: <sip:a@example.com>;tag=t\r\n"
        b"To: <sip:b@example.com>\r\nCall-ID: call%d\r\nCSeq: %d OPTIONS\r\nMax-Forwards: 70\r\n"
        % (number, number, number)
        + (b"Content-Length: %d\r\n" % len(body) if length else b"")
        + b"\r\n"
        + body
    )


def calls(items: list[Item] | tuple[Item, ...]) -> list[bytes]:
    """Return the Call-IDs of the messages among items."""
    return [item.call_id for item in items if isinstance(item, (Request, Response))]


FAMILIES = {"v4": (f.ipv4, f.A4, f.B4), "v6": (f.ipv6, f.A6, f.B6)}


@for_each("link, tunnel, family", list(product(f.LINKS, f.TUNNELS, FAMILIES)), ids=" ".join)
def test_a_message_is_found_through_every_link_layer_and_tunnel(link: str, tunnel: str, family: str) -> None:
    """DESIGN §4; the ends are the inner ones."""
    wrap, source, destination = FAMILIES[family]
    link_type, enclose = f.LINKS[link]
    packet = f.TUNNELS[tunnel](wrap(f.udp(options(), 5062, 5060), f.UDP, source, destination))
    (message,) = Decoder().frame(0, link_type, enclose(packet))
    assert isinstance(message, Request)
    assert (message.call_id, message.path.source_address, message.path.destination_address) == (
        b"call1",
        source,
        destination,
    )
    assert message.path.transport is Transport.UDP
    assert message.path.source.endswith(":5062")


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("size", [8, 64, 200, 536, 1400])
@for_each("order", ["in-order", "reversed", "shuffled", "twice"])
def test_fragments_of_any_size_and_order_become_one_message(family: str, size: int, order: str) -> None:
    """Also when some come twice."""
    wrap, source, destination = FAMILIES[family]
    cut = f.fragments_v4 if family == "v4" else f.fragments_v6
    pieces = cut(wrap(f.udp(options(body=b"x" * 300)), f.UDP, source, destination), size, 77)
    if order == "reversed":
        pieces.reverse()
    elif order == "shuffled":
        Random(size).shuffle(pieces)
    elif order == "twice":
        pieces = [piece for piece in pieces[:-1] for _ in range(2)] + pieces[-1:]
    decoder = Decoder()
    items = [item for piece in pieces for item in decoder.frame(0, 101, piece)]
    assert calls(items) == [b"call1"]


@pytest.mark.parametrize(("size", "fragmented"), [(200, True), (2000, False)], ids=["cut", "whole"])
def test_a_message_says_whether_its_datagram_came_in_fragments(size: int, fragmented: bool) -> None:
    """For what is too large for UDP (RFC 3261 §18.1.1)."""
    decoder = Decoder()
    pieces = f.fragments_v4(f.ipv4(f.udp(options())), size, 77)
    messages = [item for piece in pieces for item in decoder.frame(0, 101, piece) if isinstance(item, Request)]
    assert [message.fragmented for message in messages] == [fragmented]


def test_what_a_tunnel_cuts_its_sender_did_not() -> None:
    """The outer packet is in pieces, the datagram within is not."""
    decoder = Decoder()
    inner = f.ipv4(f.udp(options()), source=f.B4, destination=f.A4)
    items = [item for piece in f.fragments_v4(f.vxlan(inner), 200, 7) for item in decoder.frame(0, 101, piece)]
    assert [item.fragmented for item in items if isinstance(item, Request)] == [False]


def test_every_fragment_captured_twice_gives_the_message_once_and_nothing_times_out() -> None:
    """A mirror port; the late copy of the last piece must not begin the datagram again."""
    decoder = Decoder()
    items: list[Item] = []
    for piece in f.fragments_v4(f.ipv4(f.udp(options(body=b"x" * 300))), 200, 5):
        items += [*decoder.frame(0, 101, piece), *decoder.frame(10, 101, piece)]
    items += decoder.finish(60 * SECOND)
    assert calls(items) == [b"call1"]
    assert decoder.discards == {Discard.DUPLICATE: 1, Discard.FRAGMENT_REPEATED: 2}, "one message, one duplicate"


@pytest.mark.parametrize("family", FAMILIES)
def test_a_first_fragment_cut_by_the_snap_length_yields_its_message(family: str) -> None:
    """What makes the message is in it; the rest is cut as well."""
    wrap, source, destination = FAMILIES[family]
    cut = f.fragments_v4 if family == "v4" else f.fragments_v6
    pieces = cut(wrap(f.udp(options(body=b"x" * 900)), f.UDP, source, destination), 600, 77)
    decoder = Decoder()
    items = [item for piece in pieces[:2] for item in decoder.frame(0, 101, piece[:400])]
    assert calls(items) == [b"call1"]
    assert items[1:] == [Discard.IP_TRUNCATED]


def test_overlapping_fragments_give_the_datagram_up() -> None:
    """RFC 5722: an overlap is an attack or an accident, never a message."""
    first, second, *_ = f.fragments_v4(f.ipv4(f.udp(options(body=b"x" * 300))), 200, 5)
    decoder = Decoder()
    decoder.frame(0, 101, first)
    moved = second[:6] + struct.pack("!H", 0x2000 | (200 - 64) // 8) + second[8:]
    assert decoder.frame(0, 101, moved) == (Discard.FRAGMENT_OVERLAP,)


def test_a_piece_behind_the_end_gives_the_datagram_up() -> None:
    """The last fragment says where that is."""
    first, second, third = f.fragments_v4(f.ipv4(f.udp(options(body=b"x" * 300))), 200, 5)
    decoder = Decoder()
    decoder.frame(0, 101, first)
    decoder.frame(0, 101, third)
    last = second[:6] + struct.pack("!H", (len(first) - 20) // 8) + second[8:20] + second[20:40]
    last = last[:2] + struct.pack("!H", len(last)) + last[4:]
    assert decoder.frame(0, 101, last) == (Discard.FRAGMENT_OVERLAP,)
    (early, middle, late) = f.fragments_v4(f.ipv4(f.udp(options(2, body=b"x" * 300))), 200, 6)
    late = late[:6] + struct.pack("!H", int.from_bytes(late[6:8], "big") | 0x2000) + late[8:]
    decoder.frame(0, 101, late)
    final = middle[:6] + struct.pack("!H", int.from_bytes(middle[6:8], "big") & 0x1FFF) + middle[8:]
    assert decoder.frame(0, 101, final) == (Discard.FRAGMENT_OVERLAP,)
    assert decoder.frame(0, 101, early) == ()


def test_fragments_whose_rest_never_comes_time_out_and_are_counted() -> None:
    """By their own deadline, whenever anybody looks."""
    first, second, *_ = f.fragments_v4(f.ipv4(f.udp(options(body=b"x" * 300))), 104, 5)
    decoder = Decoder()
    decoder.frame(0, 101, first)
    assert decoder.frame(30 * SECOND, 101, second) == ()
    assert decoder.discards == {Discard.FRAGMENT_TIMEOUT: 1}


def udp_frame(payload: bytes, **more: int) -> bytes:
    return f.ethernet(f.ipv4(f.udp(payload, **more)))


def shorter(packet: bytes, total: int) -> bytes:
    """Say another total length in an IPv4 header."""
    return packet[:2] + struct.pack("!H", total) + packet[4:]


def longer_last_chunk(report: bytes) -> bytes:
    """Let the last chunk of a HEP packet, which holds ``text``, say one byte more than there is."""
    return report[:-6] + struct.pack("!H", 6 + 5) + report[-4:]


DISCARDED = [
    ("arp", f.ethernet(bytes(28), 0x0806), Discard.NOT_IP),
    ("an-empty-frame", b"", Discard.LINK_TRUNCATED),
    ("half-an-ethernet-header", bytes(9), Discard.LINK_TRUNCATED),
    ("half-an-ip-header", f.ethernet(f.ipv4(b"")[:12], 0x0800), Discard.IP_TRUNCATED),
    ("an-ip-version-nobody-knows", f.ethernet(b"\x55" + bytes(40), 0x0800), Discard.IP_MALFORMED),
    ("an-ip-packet-shorter-than-its-header", f.ethernet(shorter(f.ipv4(f.tcp(options(), 1), f.TCP), 19)), Discard.IP_MALFORMED),
    ("a-udp-packet-shorter-than-its-header", f.ethernet(shorter(f.ipv4(f.udp(options())), 19)), Discard.UDP_MALFORMED),
    ("rtp-in-an-ip-packet-whose-length-lies", f.vlan(shorter(f.ipv4(f.udp(b"\x80" + bytes(99))), 19)), Discard.MEDIA),
    ("an-ip-packet-that-ends-within-the-udp-header", f.ethernet(shorter(f.ipv4(f.udp(options())), 24)), Discard.UDP_MALFORMED),
    ("a-udp-length-below-its-header", f.ethernet(f.ipv4(f.ports(1, 2) + struct.pack("!HH", 7, 0) + options())), Discard.UDP_MALFORMED),
    ("a-tcp-header-longer-than-the-packet", f.ethernet(f.ipv4(f.tcp(b"", 1)[:12] + b"\xf0" + bytes(7), f.TCP)), Discard.TCP_MALFORMED),
    ("a-quarter-of-a-udp-header", f.ethernet(f.ipv4(b"12")), Discard.IP_TRUNCATED),
    ("ospf", f.ethernet(f.ipv4(bytes(40), 89)), Discard.IP_PROTOCOL),
    ("rtp", udp_frame(b"\x80\x08" + bytes(170)), Discard.MEDIA),
    ("rtcp", udp_frame(b"\x81\xc8" + bytes(50)), Discard.MEDIA),
    ("stun", udp_frame(b"\x00\x01\x00\x08" + bytes(24)), Discard.NOT_SIP),
    ("dns", udp_frame(b"\x12\x34\x01\x00\x00\x01" + bytes(24)), Discard.NOT_SIP),
    ("crlf-keepalive", udp_frame(b"\r\n\r\n"), Discard.KEEPALIVE),
    ("an-empty-datagram", udp_frame(b""), Discard.KEEPALIVE),
    ("ssdp", udp_frame(b"NOTIFY * HTTP/1.1\r\nHost: 239.255.255.250:1900\r\n\r\n"), Discard.NOT_SIP),
    ("http", udp_frame(b"GET / HTTP/1.1\r\n\r\n"), Discard.NOT_SIP),
    ("sip-of-another-version", udp_frame(options().replace(b"SIP/2.0\r\n", b"SIP/7.0\r\n", 1)), Discard.SIP_VERSION),
    ("a-status-code-out-of-range", udp_frame(b"SIP/2.0 999 What\r\n\r\n"), Discard.SIP_START_LINE),
    ("tunnels-without-end", f.ethernet(f.ipip(f.ipip(f.ipip(f.ipip(f.ipip(f.ipip(f.ipv4(f.udp(options()))))))))), Discard.TUNNEL_DEPTH),
    ("rtp-in-a-vlan-in-gre", f.vlan(f.gre(f.ipv4(f.udp(b"\x80\x08" + bytes(170))))), Discard.MEDIA),
    ("rtp-with-a-udp-length-that-lies", f.ethernet(f.ipv4(f.ports(1, 2) + struct.pack("!HH", 9, 0) + b"\x80")), Discard.MEDIA),
    ("four-bytes-of-junk", udp_frame(b"jaK\0"), Discard.KEEPALIVE),
    ("gre-of-a-version-nobody-knows", f.ethernet(f.ipv4(b"\0\x07\x08\0" + f.ipv4(f.udp(options())), 47)), Discard.TUNNEL_MALFORMED),
    ("hep-that-holds-no-sip", udp_frame(f.hep3(b"{}", f.A4, f.B4, kind=5)), Discard.NOT_SIP),
    ("hep-with-a-chunk-that-ends-behind-it", udp_frame(longer_last_chunk(f.hep3(b"text", f.A4, f.B4))), Discard.HEP_MALFORMED),
    ("hep2-cut-short", udp_frame(f.hep2(b"", f.A4, f.B4)[:20]), Discard.HEP_MALFORMED),
    ("hep-cut-short", udp_frame(b"HEP3\x00\x20" + bytes(20)), Discard.HEP_MALFORMED),
]  # fmt: skip


@for_each("frame, reason", [d[1:] for d in DISCARDED], ids=[d[0] for d in DISCARDED])
def test_what_is_no_message_is_discarded_by_name(frame: bytes, reason: Discard) -> None:
    """Each frame that gives nothing is explained by exactly one reason, and counted."""
    decoder = Decoder()
    assert decoder.frame(0, 1, frame) == (reason,)
    assert decoder.discards == {reason: 1}


TO_A_TUNNEL = {name: f.TUNNELS[name] for name in ("vxlan", "geneve", "gtp-u", "gtp-u-extended")}


@pytest.mark.parametrize("tunnel", TO_A_TUNNEL)
@pytest.mark.parametrize("link", ["ethernet", "vlan"], ids=["fast-path", "slow-path"])
def test_a_tunnel_is_known_by_its_port_on_the_senders_side_as_well(tunnel: str, link: str) -> None:
    """Some answer from the port they are asked at, to whatever port they were asked from."""
    packet = TO_A_TUNNEL[tunnel](f.ipv4(f.udp(options())))
    turned = packet[:20] + packet[22:24] + f.ports(50_000, 0)[:2] + packet[24:]
    link_type, enclose = f.LINKS[link]
    decoder = Decoder()
    for time in (0, SECOND):  # the second time the ends are known
        (message,) = decoder.frame(time, link_type, enclose(turned))
        assert isinstance(message, Request)
        assert message.path.destination == "192.0.2.2:5060"


@pytest.mark.parametrize("port", [4789, 8472, 6081, 2152])
@pytest.mark.parametrize("text", [options(), b"\r\n\r\n" + options()], ids=["plain", "blank-lines-first"])
def test_a_phone_may_speak_from_a_tunnels_port(port: int, text: bytes) -> None:
    """Payload is looked at before it is believed; also once the ends are known."""
    decoder = Decoder()
    for time in (0, SECOND):
        for way in ((port, 5060), (5060, port)):
            assert calls(decoder.frame(time, 1, udp_frame(text, sport=way[0], dport=way[1]))) == [b"call1"]


def test_sip_behind_an_authentication_header_is_read() -> None:
    """RFC 4302 in IPv4, as in IPv6."""
    header = struct.pack("!BBHII", f.UDP, 4, 0, 1, 1) + bytes(12)
    for wrap in (f.ipv4, f.ipv6):
        (message,) = Decoder().frame(0, 101, wrap(header + f.udp(options()), 51))
        assert isinstance(message, Request)
        assert message.path.source.endswith(":5060")


@pytest.mark.parametrize(
    ("packet", "reason"),
    [
        (f.ipv4(bytes((17, 4)) + bytes(6), 51), Discard.IP_TRUNCATED),
        (f.ipv4(bytes((17, 200)) + bytes(40), 51), Discard.IP_MALFORMED),
        (f.ipv4(bytes((17, 0)) + bytes(40), 51), Discard.IP_MALFORMED),
        (f.ipv4(b"\x33\x01".ljust(12, b"\0") * 40, 51), Discard.TUNNEL_DEPTH),
        (f.ipv4(f.ports(5060, 5060) + bytes(40), 132), Discard.SCTP),
        (f.ipv6(f.ports(5060, 5060) + bytes(40), 132), Discard.SCTP),
    ],
    ids=["half-a-header", "longer-than-the-packet", "shorter-than-itself", "headers-without-end", "sctp", "sctp-v6"],
)
def test_what_is_not_behind_ip_security_is_named(packet: bytes, reason: Discard) -> None:
    """SCTP is for the deep decoder."""
    assert Decoder().frame(0, 101, packet) == (reason,)


def test_an_unknown_link_type_is_named() -> None:
    """IEEE 802.11 is not decoded."""
    assert Decoder().frame(0, 105, bytes(100)) == (Discard.LINK_TYPE,)


def test_ethernet_padding_is_not_part_of_the_message() -> None:
    """A short frame is filled up to 60 bytes."""
    (message,) = Decoder().frame(0, 1, udp_frame(options()) + bytes(20))
    assert isinstance(message, Request)
    assert message.raw == options()


def test_leading_blank_lines_are_tolerated() -> None:
    """RFC 3261 §7.5."""
    assert calls(Decoder().frame(0, 1, udp_frame(b"\r\n\r\n" + options()))) == [b"call1"]


SNAPPED = udp_frame(options(body=b"x" * 500))


def test_a_frame_cut_by_the_snap_length_yields_its_message_if_the_headers_are_whole() -> None:
    """Cut at every place: before the needed headers a named discard, behind them the message."""
    results = [Decoder().frame(0, 1, SNAPPED[:size]) for size in range(42, len(SNAPPED))]
    needed = SNAPPED.index(b"CSeq: 1 OPTIONS\r\n") + len(b"CSeq: 1 OPTIONS\r\n") - 42
    assert all(calls(items) == [b"call1"] for items in results[needed:])
    assert all(len(items) == 1 and isinstance(items[0], Discard) for items in results[:needed])


def test_the_same_datagram_within_50_ms_is_a_duplicate() -> None:
    """A mirror port's copy; a retransmission comes no sooner than T1/2."""
    decoder = Decoder()
    assert calls(decoder.frame(0, 1, udp_frame(options()))) == [b"call1"]
    assert decoder.frame(50_000_000, 1, udp_frame(options())) == (Discard.DUPLICATE,)
    assert calls(decoder.frame(50_000_001, 1, udp_frame(options()))) == [b"call1"]
    assert decoder.discards == {Discard.DUPLICATE: 1}


def test_a_third_copy_is_measured_against_the_first() -> None:
    """Not against the copy before it: a sender that repeats without end must not vanish."""
    decoder = Decoder()
    found = [calls(decoder.frame(at * 40_000_000, 1, udp_frame(options()))) for at in range(5)]
    assert found == [[b"call1"], [], [b"call1"], [], [b"call1"]]


def test_a_copy_may_come_with_an_earlier_time() -> None:
    """Two captures merged, or two cards with their own clocks."""
    decoder = Decoder()
    decoder.frame(SECOND, 1, udp_frame(options()))
    assert decoder.frame(SECOND - 50_000_000, 1, udp_frame(options())) == (Discard.DUPLICATE,)


def test_two_copies_that_differ_in_their_identification_were_sent_twice() -> None:
    """Whatever sends again without waiting for T1 says so there (RFC 791 §2.3); a router on the way changes the TTL."""
    decoder = Decoder()
    routed = bytearray(udp_frame(options()))
    routed[22] -= 1
    again = f.ethernet(f.ipv4(f.udp(options()), ident=2))
    assert calls(decoder.frame(0, 1, udp_frame(options()))) == [b"call1"]
    assert decoder.frame(10, 1, bytes(routed)) == (Discard.DUPLICATE,)
    assert calls(decoder.frame(20, 1, again)) == [b"call1"]
    assert decoder.frame(30, 113, f.sll(again[14:])) == (Discard.DUPLICATE,), "whatever way it was captured"


@pytest.mark.parametrize("family", FAMILIES)
def test_where_the_identification_says_nothing_bytes_and_time_decide(family: str) -> None:
    """Linux leaves it zero where fragments are forbidden (RFC 6864 §4); IPv6 has none."""
    wrap, *ends = FAMILIES[family]
    packet = wrap(f.udp(options()), f.UDP, *ends)
    packet = packet[:4] + bytes(2) + packet[6:] if family == "v4" else packet
    decoder = Decoder()
    assert calls(decoder.frame(0, 101, packet)) == [b"call1"]
    assert decoder.frame(10, 101, packet) == (Discard.DUPLICATE,)


def test_the_identification_of_what_a_tunnel_carries_is_the_inner_one() -> None:
    """A mirror wraps each copy in a packet of its own."""
    decoder = Decoder()
    inner = f.ipv4(f.udp(options()), ident=9)
    copies = [f.ipv4(f.gre(inner)[20:], 47, ident=ident) for ident in (1, 2)]
    items = [item for copy in copies for item in decoder.frame(0, 101, copy)]
    assert calls(items) == [b"call1"]
    assert items[1:] == [Discard.DUPLICATE]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"\x12\x34\x01\x00\x00\x01" + bytes(24), Discard.NOT_SIP),
        (b"\r\n\r\n", Discard.KEEPALIVE),
        (b"GET / HTTP/1.1\r\n\r\n", Discard.NOT_SIP),
        (f.hep3(b"{}", f.A4, f.B4, kind=5), Discard.NOT_SIP),
        (b"\x80\x08" + bytes(170), Discard.MEDIA),
    ],
    ids=["dns", "keep-alive", "http", "hep-of-something-else", "rtp"],
)
def test_copies_of_what_is_no_sip_are_no_duplicates_left_out(payload: bytes, reason: Discard) -> None:
    decoder = Decoder()
    assert [decoder.frame(0, 1, udp_frame(payload)) for _ in range(2)] == [(reason,)] * 2
    assert decoder.discards == {reason: 2}


def test_copies_of_sip_behind_blank_lines_are_duplicates() -> None:
    decoder = Decoder()
    frames = [udp_frame(b"\r\n\r\n" + options()), udp_frame(f.hep3(options(2), f.A4, f.B4), dport=9060)]
    items = [item for frame in frames for _ in range(2) for item in decoder.frame(0, 1, frame)]
    assert (calls(items), items[1::2]) == ([b"call1", b"call2"], [Discard.DUPLICATE] * 2)


def test_the_same_bytes_between_other_ends_are_no_duplicate() -> None:
    """A proxy may forward unchanged."""
    decoder = Decoder()
    decoder.frame(0, 1, udp_frame(options()))
    assert calls(decoder.frame(0, 1, udp_frame(options(), dport=5080))) == [b"call1"]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("version", ["hep3", "hep2"])
def test_hep_is_unwrapped_wherever_it_is_met(family: str, version: str) -> None:
    """The ends are those that HEP tells."""
    _, source, destination = FAMILIES[family]
    wrap = f.hep3 if version == "hep3" else f.hep2
    (message,) = Decoder().frame(0, 1, udp_frame(wrap(options(), source, destination, 5070, 5071), dport=9060))
    assert isinstance(message, Request)
    assert (message.path.source_address, message.path.source[-5:]) == (source, ":5070")


@pytest.mark.parametrize("protocol", [f.UDP, f.TCP], ids=["udp", "tcp"])
def test_a_message_that_two_agents_report_over_hep_is_a_duplicate(protocol: int) -> None:
    """Each in its own words, so that the outer datagrams differ."""
    decoder = Decoder()
    reports = [f.hep3(options(), f.A4, f.B4, protocol=protocol, capture_id=agent) for agent in (1, 2)]
    items = [item for report in reports for item in decoder.frame(0, 1, udp_frame(report, dport=9060))]
    assert calls(items) == [b"call1"]
    assert items[1:] == [Discard.DUPLICATE]


def test_hep_in_hep_is_not_looked_for() -> None:
    """Nobody does it, and nobody shall send us round in circles."""
    report = f.hep3(f.hep3(options(), f.A4, f.B4), f.A4, f.B4)
    assert Decoder().frame(0, 1, udp_frame(report)) == (Discard.NOT_SIP,)


@pytest.mark.parametrize("version", ["hep3", "hep2"])
def test_hep_says_when_and_who(version: str) -> None:
    """For the live source, which goes by the agent's clock."""
    time, ends = 1_767_603_600_123_456_000, (f.A6, f.B6, 5070, 5071)
    wrap = f.hep3 if version == "hep3" else f.hep2
    report = wrap(b"text", *ends, time=time, capture_id=2001)
    assert hep.decode(report) == hep.Encapsulated(time, Transport.UDP, f.A6 + f.B6 + f.ports(5070, 5071), b"text", 2001)


@pytest.mark.parametrize("transport", [Transport.UDP, Transport.TLS, Transport.SCTP])
def test_what_other_decoders_found_is_deduplicated_too(transport: Transport) -> None:
    """It comes without sequence numbers, whatever carried it; nobody sends the same SIP twice within 50 ms."""
    decoder = Decoder()
    path = decoder.path(transport, f.A4 + f.B4 + f.ports(5061, 5061))
    (message,) = decoder.datagram(0, path, options())
    assert isinstance(message, Request)
    assert message.path is path
    assert decoder.datagram(0, path, options()) == (Discard.DUPLICATE,)


def test_leading_blank_lines_are_tolerated_from_other_decoders_too() -> None:
    """And nothing but blank lines is a keep-alive."""
    decoder = Decoder()
    path = decoder.path(Transport.TLS, f.A4 + f.B4 + f.ports(5061, 5061))
    assert calls(decoder.datagram(0, path, b"\r\n\r\n" + options())) == [b"call1"]
    assert decoder.datagram(0, path, b"\r\n\r\n") == (Discard.KEEPALIVE,)


links = st.sampled_from([0, 1, 9, 12, 14, 101, 104, 108, 113, 228, 229, 276, 105])
GOOD = [
    enclose(f.TUNNELS[tunnel](wrap(body, protocol, source, destination)))
    for _, enclose in f.LINKS.values()
    for tunnel in ("none", "gre-key", "vxlan", "gtp-u-extended")
    for wrap, source, destination in FAMILIES.values()
    for protocol, body in (
        (f.UDP, f.udp(options())),
        (f.TCP, f.tcp(options(), 1)),
        (1, b"\x03\x03" + bytes(6) + f.ipv4(f.udp(options()))),
    )
]


@examples(300)
@given(st.lists(st.tuples(links, st.binary(max_size=200)), max_size=8))
def test_no_bytes_whatever_raise(packets: list[tuple[int, bytes]]) -> None:
    """Law 3."""
    decoder = Decoder()
    for link_type, data in packets:
        assert isinstance(decoder.frame(0, link_type, data), tuple)
    decoder.finish(0)


@examples(300)
@given(
    st.sampled_from(GOOD),
    links,
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=6),
    st.integers(0, 400),
)
def test_no_damaged_packet_raises(good: bytes, link_type: int, damage: list[tuple[int, int]], size: int) -> None:
    """Law 3: real packets with bytes changed and cut anywhere."""
    data = bytearray(good)
    for place, value in damage:
        if place < len(data):
            data[place] = value
    decoder = Decoder()
    for kind in (link_type, 1, 101):
        assert isinstance(decoder.frame(0, kind, bytes(data[:size])), tuple)
        assert isinstance(decoder.frame(0, kind, bytes(data)), tuple)
    decoder.finish(0)


# Messages by method and status code, as tshark 4.0 counts them (-Y 'sip && !icmp && !icmpv6').
KINDS = {
    "aaa.pcap": "100:7 183:1 200:3 401:14 403:3 407:3 408:2 480:1 ACK:7 CANCEL:11 INVITE:11 REGISTER:18",
    "ipip-tcp.pcap": "183:1 200:1 BYE:1 INVITE:1",
    "ipv6-fragments.pcap": "100:1 183:4 200:13 ACK:2 BYE:2 INVITE:2 PRACK:4 UPDATE:4",
    "invalid-content-length.pcap": "200:1 INVITE:1",
    "junk-before-request.pcap": "REGISTER:1",
    "long-paths.pcap": "200:1 OPTIONS:1",
    "compact-form.pcap": "INVITE:1",
    "multi-value-headers.pcap": "INVITE:1",
    "tcp.pcap": "200:1 REGISTER:1",
    "tcp-large-body.pcap": "100:1 INVITE:1",
    "ssdp-not-sip.pcap": "",
    "aaa-corrupted.pcap": "100:3 183:1 200:3 401:10 403:2 407:3 408:1 480:1 ACK:4 CANCEL:8 INVITE:6 REGISTER:9 REGIStER:1",
    "http-on-sip-port.pcap": "",
    "gre-vlan.pcapng": "100:1",
    "requests-pppoe.pcap": "ACK:1 BYE:1 CANCEL:1 INVITE:1",
    "odd-ports.pcap": "200:1 INVITE:1",
    "scan-with-icmp.pcap": "200:1 401:15 INVITE:9 REGISTER:15",
    "volte-gtp.pcap": "100:1 180:1 200:4 202:1 401:1 405:1 ACK:1 BYE:1 INVITE:1 MESSAGE:1 REGISTER:3 SUBSCRIBE:1",
}
# Where we count otherwise, and why.
OTHERWISE = {
    "aaa-corrupted.pcap": {
        "401": 1,  # a NUL in the reason phrase, where tshark's strings end
        "403": 1,  # the same
        "INVITE": 1,  # a NUL in the Request-URI
        "REGISTER": 1,  # the same
        "CANCEL": -1,  # the CR of the start line damaged: no line ends in SIP/2.0
    }
}


@for_each("name", KINDS)
def test_third_party_captures_hold_the_messages_that_tshark_finds(name: str, foreign_captures: Path) -> None:
    expected = Counter({kind: int(count) for kind, _, count in (part.rpartition(":") for part in KINDS[name].split())})
    expected.update(OTHERWISE.get(name, {}))
    decoder = Decoder()
    with open_capture([str(foreign_captures / name)], prefilter=Prefilter.OFF) as source:
        items = [item for frame in source for item in decoder.frame(*frame)]
    items += decoder.finish(0)
    found = Counter(item.method for item in items if isinstance(item, Request))
    found.update(str(item.status_code) for item in items if isinstance(item, Response))
    assert found == expected


def test_link_types_are_read_that_have_a_name_and_no_others() -> None:
    read = [kind for kind in range(300) if Decoder().frame(0, kind, bytes(60)) != (Discard.LINK_TYPE,)]
    assert read == sorted(packet.LINK_NAMES)


def test_every_link_layer_that_is_read_has_its_frames() -> None:
    """The generator of calls and the tests above wrap everything in each of them; of raw IP, in one of each make."""
    wrapped = {link_type for link_type, _ in f.LINKS.values()}
    assert set(packet.LINK_NAMES) - packet.RAW == wrapped - packet.RAW
    assert packet.RAW & wrapped
