"""The door of the wire layer: every link, tunnel and transport in, messages and named discards out."""

from __future__ import annotations

import os
import struct
from itertools import product
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sipwatch.capture.files import Prefilter, open_capture
from sipwatch.wire.decoder import Decoder, Item
from sipwatch.wire.discards import Discard
from sipwatch.wire.message import Request, Response, Transport, Unreachable
from tests.wire import frames as f

CAPTURES = Path(os.environ.get("SIPWATCH_CAPTURES", Path(__file__).parents[2].parent / "shared" / "captures"))
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


@pytest.mark.parametrize(("link", "tunnel", "family"), list(product(f.LINKS, f.TUNNELS, FAMILIES)))
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
@pytest.mark.parametrize("order", ["in-order", "reversed", "shuffled", "twice"])
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


def test_overlapping_fragments_give_the_datagram_up() -> None:
    """RFC 5722: an overlap is an attack or an accident, never a message."""
    first, second, *_ = f.fragments_v4(f.ipv4(f.udp(options(body=b"x" * 300))), 200, 5)
    decoder = Decoder()
    decoder.frame(0, 101, first)
    moved = second[:6] + struct.pack("!H", 0x2000 | (200 - 64) // 8) + second[8:]
    assert decoder.frame(0, 101, moved) == (Discard.FRAGMENT_OVERLAP,)


def test_fragments_whose_rest_never_comes_time_out_and_are_counted() -> None:
    """By their own deadline, whenever anybody looks."""
    first, second, *_ = f.fragments_v4(f.ipv4(f.udp(options(body=b"x" * 300))), 400, 5)
    decoder = Decoder()
    decoder.frame(0, 101, first)
    assert decoder.frame(30 * SECOND, 101, second) == ()
    assert decoder.discards == {Discard.FRAGMENT_TIMEOUT: 1}


def test_a_flood_of_fragments_stays_bounded() -> None:
    """Law 4."""
    decoder = Decoder()
    for ident in range(3000):
        decoder.frame(
            0, 101, f.fragments_v4(f.ipv4(f.udp(options(body=b"x" * 300)), source=struct.pack("!I", ident)), 400, 1)[0]
        )
    assert decoder.tracked["fragments"] <= 1024
    assert decoder.evicted["fragments"] == decoder.discards[Discard.FRAGMENT_EVICTED] == 3000 - 1024


def udp_frame(payload: bytes, **more: int) -> bytes:
    return f.ethernet(f.ipv4(f.udp(payload, **more)))


DISCARDED = [
    ("arp", f.ethernet(bytes(28), 0x0806), Discard.NOT_IP),
    ("an-empty-frame", b"", Discard.LINK_TRUNCATED),
    ("half-an-ethernet-header", bytes(9), Discard.LINK_TRUNCATED),
    ("half-an-ip-header", f.ethernet(f.ipv4(b"")[:12], 0x0800), Discard.IP_TRUNCATED),
    ("an-ip-version-nobody-knows", f.ethernet(b"\x55" + bytes(40), 0x0800), Discard.IP_MALFORMED),
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
    ("hep-cut-short", udp_frame(b"HEP3\x00\x20" + bytes(20)), Discard.HEP_MALFORMED),
]  # fmt: skip


@pytest.mark.parametrize(("frame", "reason"), [d[1:] for d in DISCARDED], ids=[d[0] for d in DISCARDED])
def test_what_is_no_message_is_discarded_by_name(frame: bytes, reason: Discard) -> None:
    """Each frame that gives nothing is explained by exactly one reason, and counted."""
    decoder = Decoder()
    assert decoder.frame(0, 1, frame) == (reason,)
    assert decoder.discards == {reason: 1}


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


def test_the_same_bytes_between_other_ends_are_no_duplicate() -> None:
    """A proxy may forward unchanged."""
    decoder = Decoder()
    decoder.frame(0, 1, udp_frame(options()))
    assert calls(decoder.frame(0, 1, udp_frame(options(), dport=5080))) == [b"call1"]


def test_a_flood_within_one_moment_stays_bounded() -> None:
    """Time standing still must not let the memory for duplicates grow."""
    decoder = Decoder()
    for number in range(140_000):
        decoder._seen(0, b"ends", b"%d" % number)
    assert decoder.tracked["duplicates"] <= 2 * 65_536
    assert decoder.evicted["duplicates"] > 0


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("version", ["hep3", "hep2"])
def test_hep_is_unwrapped_wherever_it_is_met(family: str, version: str) -> None:
    """The ends are those that HEP tells."""
    _, source, destination = FAMILIES[family]
    wrap = f.hep3 if version == "hep3" else f.hep2
    (message,) = Decoder().frame(0, 1, udp_frame(wrap(options(), source, destination, 5070, 5071), dport=9060))
    assert isinstance(message, Request)
    assert (message.path.source_address, message.path.source[-5:]) == (source, ":5070")


ICMP4 = b"\x03\x03" + bytes(6)
ICMP6 = b"\x01\x04" + bytes(6)


def test_an_icmp_error_that_quotes_sip_is_evidence_not_a_message() -> None:
    """Destination unreachable, with the quoted path."""
    quoted = f.ipv4(f.udp(options(), 5060, 5061))
    (item,) = Decoder().frame(0, 101, f.ipv4(ICMP4 + quoted[:120], 1, f.B4, f.A4))
    assert isinstance(item, Unreachable)
    assert (item.code, item.reporter, item.path.destination) == ("port_unreachable", f.B4, "192.0.2.2:5061")
    quoted = f.ipv6(f.udp(options()))
    (item,) = Decoder().frame(0, 101, f.ipv6(ICMP6 + quoted, 58, f.B6, f.A6))
    assert isinstance(item, Unreachable)
    assert item.code == "port_unreachable"


def test_an_icmp_error_about_something_else_is_discarded() -> None:
    """A quoted DNS query, an echo."""
    quoted = f.ipv4(f.udp(b"\x12\x34" + bytes(30)))
    assert Decoder().frame(0, 101, f.ipv4(ICMP4 + quoted, 1)) == (Discard.ICMP,)
    assert Decoder().frame(0, 101, f.ipv4(b"\x08\0" + bytes(30), 1)) == (Discard.ICMP,)


links = st.sampled_from([0, 1, 9, 12, 14, 101, 108, 113, 228, 229, 276, 105])
GOOD = [
    enclose(f.TUNNELS[tunnel](wrap(body, protocol, source, destination)))
    for _, enclose in f.LINKS.values()
    for tunnel in ("none", "gre-key", "vxlan", "gtp-u-extended")
    for wrap, source, destination in FAMILIES.values()
    for protocol, body in (
        (f.UDP, f.udp(options())),
        (f.TCP, f.tcp(options(), 1)),
        (1, ICMP4 + f.ipv4(f.udp(options()))),
    )
]


@settings(max_examples=300)
@given(st.lists(st.tuples(links, st.binary(max_size=200)), max_size=8))
def test_no_bytes_whatever_raise(packets: list[tuple[int, bytes]]) -> None:
    """Law 3."""
    decoder = Decoder()
    for link_type, data in packets:
        assert isinstance(decoder.frame(0, link_type, data), tuple)
    decoder.finish(0)


@settings(max_examples=300)
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


COUNTS = {
    "aaa.pcap": 81, "ipip-tcp.pcap": 4, "ipv6-fragments.pcap": 32, "invalid-content-length.pcap": 2, "junk-before-request.pcap": 1,
    "long-paths.pcap": 2, "compact-form.pcap": 1, "multi-value-headers.pcap": 1, "tcp.pcap": 2, "tcp-large-body.pcap": 2,
    "ssdp-not-sip.pcap": 0, "http-on-sip-port.pcap": 0, "gre-vlan.pcapng": 1, "requests-pppoe.pcap": 4,
    "odd-ports.pcap": 2, "scan-with-icmp.pcap": 40, "volte-gtp.pcap": 17,
}  # fmt: skip


@pytest.mark.skipif(not CAPTURES.is_dir(), reason=f"the third-party captures are not at {CAPTURES}")
@pytest.mark.parametrize(("name", "count"), COUNTS.items())
def test_third_party_captures_hold_as_many_messages_as_their_table_says(name: str, count: int) -> None:
    """See also test_tshark, which asks tshark for every method and code."""
    decoder = Decoder()
    with open_capture([str(CAPTURES / name)], prefilter=Prefilter.OFF) as source:
        items = [item for frame in source for item in decoder.frame(*frame)]
    assert sum(isinstance(item, (Request, Response)) for item in (*items, *decoder.finish(0))) == count
