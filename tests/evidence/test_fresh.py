"""Packets written anew are what scapy makes of the same fields, and what the decoder reads back."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6DestUnreach, IPv6, IPv6ExtHdrFragment
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw

from sipwatch.evidence import fresh
from sipwatch.packet import ACK, PSH
from sipwatch.wire.decoder import Decoder
from sipwatch.wire.message import Request, Unreachable
from sipwatch.wire.websocket import Frames
from tests.wire import frames as f
from tests.wire.test_decoder import options

PORTS = b"\x13\xc4\x13\xc6"
KEYS = {"v4": f.A4 + f.B4 + PORTS, "v6": f.A6 + f.B6 + PORTS}
ZERO = "00:00:00:00:00:00"
TEXT = options(body=b"odd")


def ip(key: bytes, identification: int) -> Packet:
    """Return scapy's headers below the transport."""
    half = (len(key) - 4) // 2
    source, destination = str(ip_address(key[:half])), str(ip_address(key[half:-4]))
    link = Ether(src=ZERO, dst=ZERO)
    if half == 4:
        return link / IP(src=source, dst=destination, id=identification, flags="DF", ttl=64)
    return link / IPv6(src=source, dst=destination, hlim=64)


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
@pytest.mark.parametrize("payload", [TEXT, TEXT + b"x", b""], ids=["odd", "even", "empty"])
def test_a_datagram_and_a_segment_are_those_of_scapy(key: bytes, payload: bytes) -> None:
    datagram = ip(key, 77) / UDP(sport=5060, dport=5062) / Raw(payload)
    assert fresh.udp(key, payload, 77) == bytes(datagram)
    segment = ip(key, 0) / TCP(sport=5060, dport=5062, seq=1000, ack=2000, flags="PA", window=65_535) / Raw(payload)
    assert fresh.tcp(key, payload, 1000, 2000, ACK | PSH) == bytes(segment)


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_an_error_is_that_of_scapy(key: bytes) -> None:
    half = (len(key) - 4) // 2
    quotation = Ether(fresh.udp(key, TEXT)).payload
    quotation[UDP].chksum = 0
    error = ICMP(type=3, code=3) if half == 4 else ICMPv6DestUnreach(code=4)
    back = key[half : 2 * half] + key[:half] + PORTS
    expected = bytes(ip(back, 0) / error / quotation)
    assert fresh.icmp(key[half : 2 * half], key, TEXT, 3 if half == 4 else 1, 3 if half == 4 else 4) == expected


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_fragments_are_put_together_again(key: bytes) -> None:
    whole = fresh.datagram(key, TEXT)
    pieces = [
        fresh.fragment(key, whole[at : at + 160], 9, at, more=at + 160 < len(whole)) for at in range(0, len(whole), 160)
    ]
    decoder = Decoder()
    *nothing, (message,) = [decoder.frame(0, 1, piece) for piece in pieces]
    assert set(nothing) == {()}
    assert isinstance(message, Request)
    assert (message.raw, message.fragmented, message.path.key) == (TEXT, True, key)
    first = Ether(pieces[1])
    assert (first[IP].frag if len(key) == 12 else first[IPv6ExtHdrFragment].offset) == 20


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_what_is_missing_is_said_to_follow(key: bytes) -> None:
    for frame in (fresh.udp(key, TEXT, missing=100), fresh.tcp(key, TEXT, 1, 0, ACK, missing=100)):
        packet = Ether(frame)
        size = packet[IP].len if len(key) == 12 else packet[IPv6].plen + 40
        assert size == len(frame) - 14 + 100


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("size", [10, 300, 70_000])
def test_a_websocket_frame_is_one(size: int, masked: bool) -> None:
    reader = Frames(100_000)
    reader.take(fresh.websocket(b"b" * size, masked=masked))
    assert reader.messages == [b"b" * size]


def test_an_error_is_read_back() -> None:
    (item,) = Decoder().frame(0, 1, fresh.icmp(f.B4, KEYS["v4"], TEXT, 3, 3))
    assert isinstance(item, Unreachable)
    assert (item.path.key, item.quoted, item.reporter, item.code) == (KEYS["v4"], TEXT, f.B4, "port_unreachable")
