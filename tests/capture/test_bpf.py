"""What the kernel's filter lets through: all that can be SIP, and no media."""

from __future__ import annotations

import ctypes
import socket
import struct
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sipwatch.capture.bpf import MAX_TCP_PORTS, TUNNELS, Program, WantedPackets, program
from sipwatch.wire.decoder import Decoder
from sipwatch.wire.discards import Discard
from sipwatch.wire.message import Request, Response
from tests.capture.bpf_machine import LOOPBACK, OUTGOING, Packet, run
from tests.each import for_each
from tests.generator import World
from tests.wire import frames as f

if TYPE_CHECKING:
    from collections.abc import Callable

PLAIN = program(WantedPackets())
ALL = program(WantedPackets(tunnels=TUNNELS))
INVITE = b"INVITE sip:a@b SIP/2.0\r\n\r\n"


def passes(filters: Program, packet: bytes, ethertype: int = 0, **facts: int) -> bool:
    """Ask both filters about a packet; they have to agree."""
    protocol = ethertype or (0x0800 if packet[0] >> 4 == 4 else 0x86DD)
    bare = run(filters.bare, Packet(packet, protocol, **facts))
    framed = run(filters.framed, Packet(f.ethernet(packet, protocol), protocol, **facts))
    assert bool(bare) is bool(framed)
    return bool(bare)


def each_ip(body: bytes, protocol: int = f.UDP) -> list[bytes]:
    """Return the same in IPv4, IPv4 with options, and IPv6."""
    return [f.ipv4(body, protocol), f.ipv4(body, protocol, options=b"\x01\x01\x01\x00"), f.ipv6(body, protocol)]


KEPT = {
    "a-request": INVITE,
    "a-response": b"SIP/2.0 180 Ringing\r\n\r\n",
    "a-method-nobody-knows": b"SERVICE sip:a@b SIP/2.0\r\n\r\n",
    "a-method-in-lower-case": b"invite sip:a@b SIP/2.0\r\n\r\n",
    "a-short-method": b"X sip:a@b SIP/2.0\r\n\r\n",
    "a-method-of-signs": b"!interesting-Method0123456789_*+`.%indeed'~ sip:a@b SIP/2.0\r\n\r\n",
    "a-method-that-begins-with-a-tilde": b"~a sip:a@b SIP/2.0\r\n\r\n",
    "blank-lines-first": b"\r\n\r\n" + INVITE,
    "one-line-feed-first": b"\n" + INVITE,
    "blanks-first": b" \t " + INVITE,
    "zeros-first": b"\0\0\0\0" + INVITE,
    "hep-3": f.hep3(INVITE, f.A4, f.B4),
    "hep-2": f.hep2(INVITE, f.A6, f.B6),
    "hep-1": b"\x01\x10" + bytes(30),
}
DROPPED = {
    "rtp": b"\x80\x08" + bytes(170),
    "rtcp": b"\x80\xc8" + bytes(40),
    "stun": b"\x00\x01\x00\x00\x21\x12\xa4\x42" + bytes(20),
    "turn-channel": b"\x40\x41\x00\xac\x80\x08" + bytes(170),
    "dns": b"\x41\x42\x01\x00\x00\x01" + bytes(20),
    "fax": b"\x41\x42\x06\xc0\x01\x80\x00\x00\xff",
    "ntp": b"\x23\x02\x06\xe8" + bytes(44),
    "ipsec": b"SIPS\x00\x00\x01\x41" + b"\x41" * 100,
    "commands-for-a-media-relay": b"4711_1 d7:command5:offer3:sdp...",
    "syslog": b"<34>Oct 11 22:14:15 host su: no",
    "json": b'{"level": 1, "text": "no"}',
    "a-keep-alive": b"\r\n\r\n",
    "another-keep-alive": b"\0\0\0\0",
    "nothing": b"",
    "two-letters": b"OK",
    "dtls": b"\x16\xfe\xff" + bytes(30),
}


@pytest.mark.parametrize("payload", KEPT.values(), ids=list(KEPT))
@for_each("port", [5060, 12345])
def test_sip_passes_on_any_port(payload: bytes, port: int) -> None:
    assert all(passes(PLAIN, ip) for ip in each_ip(f.udp(payload, 4000, port)))


@for_each("payload", DROPPED.values(), ids=list(DROPPED))
def test_what_is_no_sip_stays_in_the_kernel(payload: bytes) -> None:
    padded = [ip + bytes(max(0, 46 - len(ip))) for ip in each_ip(f.udp(payload, 5060, 5060))]
    assert not any(passes(PLAIN, ip) for ip in padded)


@pytest.mark.parametrize(("tried", "most"), [(10_000, 20), pytest.param(100_000, 100, marks=pytest.mark.slow)])
def test_random_payload_passes_less_than_once_in_a_thousand_times(tried: int, most: int) -> None:
    """Of few, some more may pass by chance."""
    random = Random(1)
    payloads = (random.randbytes(40) for _ in range(tried))
    assert sum(bool(run(PLAIN.bare, Packet(f.ipv4(f.udp(payload)), 0x0800))) for payload in payloads) < most


@given(head=st.binary(min_size=1, max_size=1), rest=st.binary(max_size=200), version=st.integers(1, 3))
def test_no_media_passes(head: bytes, rest: bytes, version: int) -> None:
    """RFC 7983: RTP and RTCP begin with 128 to 191, DTLS with 20 to 63, of which 20 to 26 are in use."""
    assert not passes(PLAIN, f.ipv4(f.udp(bytes((0x80 | head[0] & 0x3F,)) + rest)))
    assert not passes(PLAIN, f.ipv6(f.udp(bytes((20 + head[0] % 7, 0xFE)) + rest)))


SIP_OR_NEARLY = st.builds(
    lambda junk, method, uri, version, rest: junk + b" ".join((method, uri, version)) + rest,
    st.text("\r\n\t \0", max_size=6).map(str.encode),
    st.text("INVITEinvite09-.!%*_+`'~/:@{<", max_size=9).map(str.encode),
    st.sampled_from([b"sip:a@b", b"tel:1", b"s", b"200", "sip:\xfc".encode()]),
    st.sampled_from([b"SIP/2.0", b"SIP/3.0", b"HTTP/1.1", b"OK"]),
    st.sampled_from([b"\r\n\r\n", b"\n", b"", b"\r\nVia: x\r\n\r\n"]),
)


@given(payload=SIP_OR_NEARLY)
@example(b"SIP/2.0 200")
@example(b"A s SIP/2.0")
@example(b"\r\n\r\nA s SIP/2.0")
def test_what_the_wire_layer_takes_for_a_message_has_passed(payload: bytes) -> None:
    """Live is replay: what stands in a file is seen on the wire, but for a method that begins with a digit."""
    item = Decoder().frame(1, 101, f.ipv4(f.udp(payload)))[0]
    first = payload.lstrip(b"\r\n\t \0")[:1]
    if isinstance(item, (Request, Response)) and not first.isdigit() and payload[:8].isascii():
        assert passes(PLAIN, f.ipv4(f.udp(payload)))


def test_tcp_passes_by_port_in_either_direction() -> None:
    for sport, dport, kept in ((5060, 40000, True), (40000, 5060, True), (40000, 443, False)):
        segments = each_ip(f.tcp(b"x", 1, sport=sport, dport=dport), f.TCP)
        assert [passes(PLAIN, ip) for ip in segments] == [kept] * 3
    other = program(WantedPackets(tcp_ports=(443,)))
    assert passes(other, f.ipv4(f.tcp(b"x", 1, sport=40000, dport=443), f.TCP))
    assert not passes(other, f.ipv4(f.tcp(b"x", 1, sport=40000, dport=5060), f.TCP))
    assert not passes(program(WantedPackets(tcp_ports=())), f.ipv4(f.tcp(b"x", 1), f.TCP))


@pytest.mark.parametrize("size", [8, 16, 512])
def test_every_fragment_passes_however_small_the_first_one_is(size: int) -> None:
    whole = f.udp(INVITE + bytes(100 * size))
    for pieces in (f.fragments_v4(f.ipv4(whole), size, 7), f.fragments_v6(f.ipv6(whole), size, 7)):
        assert all(passes(PLAIN, piece) for piece in pieces)


@pytest.mark.parametrize("following", [0, 43, 44, 51, 60, 135, 139, 140])
def test_ipv6_with_extension_headers_passes(following: int) -> None:
    """They are rare, and walking them would need a loop."""
    assert passes(PLAIN, f.ipv6(bytes((17, 0)) + bytes(6) + f.udp(INVITE), following))


@pytest.mark.parametrize("wrap", [f.ipv4, f.ipv6], ids=["ipv4", "ipv6"])
def test_an_authentication_header_passes(wrap: Callable[..., bytes]) -> None:
    """As rare as the extension headers, of which it is one."""
    assert passes(PLAIN, wrap(bytes((17, 4)) + bytes(22) + f.udp(INVITE), 51))


@for_each("payload", [name for name in KEPT if not name.startswith("hep")])
def test_esp_that_encrypts_nothing_passes_when_it_would_pass_without(payload: str) -> None:
    for ip in each_ip(f.esp(f.udp(KEPT[payload], 4000, 6001)), 50):
        assert passes(PLAIN, ip)


def test_esp_with_tcp_passes_by_port() -> None:
    """Segments begin anywhere, and resets have no payload."""
    for flags, payload in ((f.ACK, b"x"), (f.RST, b"")):
        assert all(passes(PLAIN, ip) for ip in each_ip(f.esp(f.tcp(payload, 1, flags), f.TCP), 50))
    assert not any(passes(PLAIN, ip) for ip in each_ip(f.esp(f.tcp(b"x", 1, dport=443), f.TCP), 50))


@pytest.mark.parametrize(("tried", "most"), [(5_000, 10), pytest.param(20_000, 20, marks=pytest.mark.slow)])
def test_esp_that_is_encrypted_stays_in_the_kernel(tried: int, most: int) -> None:
    """All but one packet in a thousand, and media that is not encrypted either."""
    random = Random(1)
    payloads = [random.randbytes(100) for _ in range(tried)]
    assert sum(bool(run(PLAIN.bare, Packet(f.ipv4(payload, 50), 0x0800))) for payload in payloads) < most
    assert not any(passes(PLAIN, ip) for ip in each_ip(f.esp(f.udp(DROPPED["rtp"], 4000, 6001)), 50))


def test_resets_and_refusals_pass_as_tcp_by_port() -> None:
    """They are evidence, though they carry nothing."""
    for flags in (f.SYN, f.RST, f.RST | f.ACK):
        assert all(passes(PLAIN, ip) for ip in each_ip(f.tcp(b"", 1, flags), f.TCP))


def test_what_multicast_listeners_report_stays_in_the_kernel() -> None:
    """It comes all the time, on every interface, with a router alert before it (RFC 3810 §5)."""
    assert not passes(PLAIN, f.ipv6(bytes((58, 0, 5, 2, 0, 0, 1, 0)) + b"\x8f" + bytes(27), 0))


def test_unreachable_passes_and_ping_does_not() -> None:
    kinds = (3, 11, 8, 0)
    assert [passes(PLAIN, f.ipv4(bytes((kind, 0)) + bytes(40), 1)) for kind in kinds] == [True, True, False, False]
    kinds = (1, 3, 128, 135)
    assert [passes(PLAIN, f.ipv6(bytes((kind, 0)) + bytes(60), 58)) for kind in kinds] == [True, True, False, False]


def test_loopback_is_seen_once() -> None:
    sip = f.ipv4(f.udp(INVITE))
    assert passes(PLAIN, sip, hatype=LOOPBACK)
    assert not passes(PLAIN, sip, hatype=LOOPBACK, pkttype=OUTGOING)
    assert passes(PLAIN, sip, pkttype=OUTGOING), "what a server sends is seen on the way out"


@pytest.mark.parametrize("tag", [0x8100, 0x88A8, 0x9100, 0x9200])
@pytest.mark.parametrize("packet", [f.ipv4(f.udp(INVITE)), f.ipv6(f.udp(INVITE))], ids=["ipv4", "ipv6"])
def test_tags_are_looked_behind(tag: int, packet: bytes) -> None:
    """The kernel takes the outermost off, on the way in; two more may be there."""
    media = packet.replace(INVITE, DROPPED["rtp"])
    for inside, kept in ((packet, True), (media, False)):
        tagged = struct.pack("!HH", 0x4005, 0x0800 if packet[0] >> 4 == 4 else 0x86DD) + inside
        twice = struct.pack("!HH", 0x6005, tag) + tagged
        assert passes(PLAIN, tagged, tag) is kept
        assert passes(PLAIN, twice, 0x8100) is kept
        assert not passes(PLAIN, struct.pack("!HH", 7, tag) + twice, 0x8100), "nobody tags three times"


@pytest.mark.parametrize("packet", [f.ipv4(f.udp(INVITE)), f.ipv6(f.udp(INVITE))], ids=["ipv4", "ipv6"])
def test_a_tag_may_stand_before_the_place_where_the_kernel_begins(packet: bytes) -> None:
    """On the way out through a card that does not add tags itself it says tag, and shows the IP header."""
    assert run(PLAIN.bare, Packet(packet, 0x8100, OUTGOING))
    assert not run(PLAIN.bare, Packet(packet.replace(INVITE, DROPPED["rtp"]), 0x8100, OUTGOING))


def test_what_is_no_ip_is_dropped() -> None:
    assert not passes(PLAIN, bytes(28), 0x0806)
    assert not passes(PLAIN, f.ipv4(bytes(30), 132))
    assert not passes(PLAIN, f.ipv6(bytes(30), 132))


@pytest.mark.parametrize("name", ["gre", "ipip", "vxlan", "geneve", "gtp_u", "over_ipv6"])
def test_tunnels_pass_only_when_they_are_asked_for(name: str) -> None:
    """Their media would pass with them."""
    tunnelled = getattr(f, name)(f.ipv4(f.udp(INVITE)))
    assert passes(ALL, tunnelled)
    assert not passes(PLAIN, tunnelled)


@pytest.mark.parametrize("name", ["mpls", "pppoe"])
def test_labels_and_sessions_pass_only_when_they_are_asked_for(name: str) -> None:
    frame = getattr(f, name)(f.ipv4(f.udp(INVITE)))
    ethertype = int.from_bytes(frame[12:14], "big")
    tagged = struct.pack("!HH", 5, ethertype) + frame[14:]
    for packet, outer in ((frame[14:], ethertype), (tagged, 0x8100)):
        assert passes(ALL, packet, outer)
        assert not passes(PLAIN, packet, outer)


def test_every_tunnel_has_its_name() -> None:
    plain = {WantedPackets(tunnels=(name,)): program(WantedPackets(tunnels=(name,))) for name in TUNNELS}
    assert len({PLAIN, *plain.values()}) == len(TUNNELS) + 1


@pytest.mark.parametrize("first_seed", range(0, 40, 10))
def test_whatever_gives_a_message_has_passed(first_seed: int) -> None:
    """Every message that a file would give is seen live: the generator's wrappings, on Ethernet and without."""
    messages = 0
    for seed in range(first_seed, first_seed + 10):
        world, decoder = World(Random(seed)), Decoder()
        for time, link_type, frame in world.frames():
            items = decoder.frame(time, link_type, frame)
            if not any(isinstance(item, (Request, Response)) for item in items):
                continue
            if link_type == 1 and int.from_bytes(frame[12:14], "big") > 1500:  # SNAP carries no SIP in this century
                messages += 1
                assert run(ALL_PORTS.framed, Packet(frame, 0)), (seed, world.story)
                assert passes(ALL_PORTS, frame[14:], int.from_bytes(frame[12:14], "big")), (seed, world.story)
            elif link_type == 101:
                messages += 1
                assert passes(ALL_PORTS, frame), (seed, world.story)
    assert messages > 100


ALL_PORTS = program(WantedPackets(tcp_ports=(5060,), tunnels=TUNNELS))


def test_media_is_dropped_by_the_same_rule_as_in_a_file() -> None:
    """What the wire layer counts as media never comes as far as that."""
    decoder = Decoder()
    media = [(link_type, frame) for _, link_type, frame in World(Random(3)).frames()]
    media += [(1, f.ethernet(ip)) for ip in each_ip(f.udp(DROPPED["rtp"]))]
    media = [(t, d) for t, d in media if t == 1 and decoder.frame(1, t, d) == (Discard.MEDIA,)]
    assert len(media) >= 3
    assert not any(run(PLAIN.framed, Packet(frame, 0)) for _, frame in media)


def test_the_kernel_agrees_with_the_machine_of_these_tests() -> None:
    """A filter works on any socket, so that frames can be shown to it without an interface, or any right."""
    frames = [frame for seed in range(12) for _, link_type, frame in World(Random(seed)).frames() if link_type == 1]
    frames += [f.ethernet(ip) for payload in (*KEPT.values(), *DROPPED.values()) for ip in each_ip(f.udp(payload))]
    random = Random(1)
    frames += [frame[: random.randrange(1, len(frame))] for frame in frames]
    verdicts = []
    inside, outside = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with inside, outside:
        code = ctypes.create_string_buffer(ALL_PORTS.framed, len(ALL_PORTS.framed))
        attach = struct.pack("@HP", len(ALL_PORTS.framed) // 8, ctypes.addressof(code))
        inside.setsockopt(socket.SOL_SOCKET, 26, attach)  # SO_ATTACH_FILTER
        inside.setblocking(False)
        for frame in frames:
            outside.send(frame)
            try:
                verdicts.append(inside.recv(1 << 17) == frame)
            except BlockingIOError:
                verdicts.append(False)
    assert verdicts == [bool(run(ALL_PORTS.framed, Packet(frame, 0))) for frame in frames]
    assert min(verdicts.count(True), verdicts.count(False)) > 500


def test_the_largest_program_still_assembles() -> None:
    largest = program(WantedPackets(tcp_ports=tuple(range(5000, 5000 + MAX_TCP_PORTS)), tunnels=TUNNELS))
    assert all(len(code) // 8 < 4096 for code in largest), "BPF_MAXINSNS"
    assert passes(largest, f.ipv4(f.udp(INVITE)))
