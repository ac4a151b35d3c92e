"""ICMP errors that quote SIP: evidence for the call they quote, never a message."""

from __future__ import annotations

import struct

import pytest

from sipwatch.packet import ICMP, ICMPV6
from sipwatch.wire import icmp
from sipwatch.wire.decoder import Decoder
from sipwatch.wire.discards import Discard
from sipwatch.wire.message import Unreachable
from tests.wire import frames as f
from tests.wire.test_decoder import options

QUOTED4 = f.ipv4(f.udp(options(), 5060, 5061))
QUOTED6 = f.ipv6(f.udp(options(), 5060, 5061))


def error4(kind: int, code: int, quoted: bytes) -> bytes:
    """Return an ICMP error on the way back."""
    return f.ipv4(bytes((kind, code)) + bytes(6) + quoted, 1, f.B4, f.A4)


def error6(kind: int, code: int, quoted: bytes) -> bytes:
    """Return an ICMPv6 error on the way back."""
    return f.ipv6(bytes((kind, code)) + bytes(6) + quoted, 58, f.B6, f.A6)


ERRORS = [
    (error4(3, 0, QUOTED4), "net_unreachable"),
    (error4(3, 1, QUOTED4), "host_unreachable"),
    (error4(3, 3, QUOTED4), "port_unreachable"),
    (error4(3, 13, QUOTED4), "filtered"),
    (error4(3, 200, QUOTED4), "unreachable"),
    (error4(11, 0, QUOTED4), "time_exceeded"),
    (error6(1, 0, QUOTED6), "no_route"),
    (error6(1, 4, QUOTED6), "port_unreachable"),
    (error6(3, 0, QUOTED6), "time_exceeded"),
]


@pytest.mark.parametrize(("packet", "word"), ERRORS, ids=[f"v{packet[0] >> 4}-{word}" for packet, word in ERRORS])
def test_an_error_that_quotes_sip_names_itself_and_the_quoted_path(packet: bytes, word: str) -> None:
    """RFC 792, RFC 4443 §3; nothing is counted as discarded."""
    decoder = Decoder()
    (item,) = decoder.frame(7, 101, packet)
    assert isinstance(item, Unreachable)
    v6 = packet[0] >> 4 == 6
    assert (item.time, item.code, item.reporter) == (7, word, f.B6 if v6 else f.B4)
    assert item.path.destination == ("[2001:db8::2]:5061" if v6 else "192.0.2.2:5061")
    assert item.quoted == options()
    assert decoder.discards == {}


def test_what_is_quoted_may_be_cut() -> None:
    """Down to the method and the scheme: many quote 64 bytes or fewer."""
    smallest = 28 + len(b"OPTIONS sip:")
    sizes = [
        size for size in range(len(QUOTED4)) if Decoder().frame(0, 101, error4(3, 3, QUOTED4[:size])) != (Discard.ICMP,)
    ]
    assert sizes == list(range(smallest, len(QUOTED4)))


def test_what_stands_behind_the_quotation_is_not_part_of_it() -> None:
    """Extensions (RFC 4884), Ethernet padding."""
    (item,) = Decoder().frame(0, 1, f.ethernet(error4(3, 3, QUOTED4 + b"extensions")) + bytes(9))
    assert isinstance(item, Unreachable)
    assert item.quoted == options()


OTHERS = {
    "an-error-about-dns": error4(3, 3, f.ipv4(f.udp(b"\x12\x34" + bytes(30)))),
    "an-error-about-tcp": error4(3, 3, f.ipv4(f.tcp(options(), 1), f.TCP)),
    "an-error-about-a-later-fragment": error4(3, 3, f.ipv4(f.udp(options()), flags=100)),
    "an-echo": error4(8, 0, QUOTED4),
    "an-icmpv6-kind-over-ipv4": error4(1, 4, QUOTED4),
    "ipv6-quoted-over-ipv4": error4(3, 3, QUOTED6),
    "nothing-but-a-header": f.ipv4(b"\x03\x03", 1),
    "an-ip-header-length-that-lies": error4(3, 3, b"\x4f" + QUOTED4[1:40]),
}


@pytest.mark.parametrize("name", OTHERS)
def test_any_other_icmp_message_is_discarded(name: str) -> None:
    assert Decoder().frame(0, 101, OTHERS[name]) == (Discard.ICMP,)


def test_an_error_met_in_a_tunnel_is_evidence_too() -> None:
    """The mirror may be remote."""
    (item,) = Decoder().frame(0, 1, f.ethernet(f.gre(error4(3, 3, QUOTED4))))
    assert isinstance(item, Unreachable)


def test_a_quotation_whose_length_field_says_less_ends_there() -> None:
    """A router that cuts the packet may set the length right."""
    size = 60
    quoted = QUOTED4[:2] + struct.pack("!H", size) + QUOTED4[4:]
    (item,) = Decoder().frame(0, 101, error4(3, 3, quoted))
    assert isinstance(item, Unreachable)
    assert item.quoted == options()[: size - 28]


@pytest.mark.parametrize("v6", [False, True], ids=["v4", "v6"])
def test_the_numbers_of_a_word_say_that_word(v6: bool) -> None:
    words = icmp._UNREACHABLE_V6 if v6 else icmp._UNREACHABLE
    for word in (*words.values(), "unreachable", "time_exceeded"):
        kind, code = icmp.numbers(word, v6=v6)
        assert icmp._word(kind, code, ICMPV6 if v6 else ICMP) == word
