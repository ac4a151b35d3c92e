"""ESP: what is not encrypted is read as if ESP were not there; the rest is named and nothing more."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipwatch.wire.decoder import Decoder, Item
from sipwatch.wire.discards import Discard
from sipwatch.wire.limits import Limits
from sipwatch.wire.message import Request, Transport, Unreachable
from tests.each import for_each
from tests.wire import frames as f
from tests.wire.test_decoder import FAMILIES, calls, options

ESP = 50
CHECKS = [0, 12, 16, 24, 32]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("check", CHECKS)
@for_each("size", range(4))
def test_sip_over_udp_is_read_whatever_the_check_value_and_the_padding(family: str, check: int, size: int) -> None:
    """An IMS handset and its P-CSCF (3GPP TS 33.203)."""
    wrap, *ends = FAMILIES[family]
    (message,) = Decoder().frame(0, 101, wrap(f.esp(f.udp(options(body=b"x" * size)), check=check), ESP, *ends))
    assert isinstance(message, Request)
    assert (message.raw, message.path.transport) == (options(body=b"x" * size), Transport.UDP)
    assert message.path.source.endswith(":5060")


def test_sip_over_tcp_is_read_segment_by_segment() -> None:
    """The second segment does not begin with a start line: the association is known by then."""
    decoder, text, items = Decoder(), options(body=b"x" * 2000), list[Item]()
    for number, start in enumerate(range(0, len(text), 700)):
        segment = f.tcp(text[start : start + 700], 1 + start)
        items += decoder.frame(0, 101, f.ipv4(f.esp(segment, f.TCP, number=number), ESP))
    (message,) = (item for item in items if isinstance(item, Request))
    assert (message.raw, message.path.transport) == (text, Transport.TCP)


def test_what_goes_along_with_sip_is_what_it_is() -> None:
    """Once the association is known: keep-alives, media, resets."""
    decoder = Decoder()
    for payload, expected in (
        (f.udp(b"\r\n\r\n"), Discard.ESP),
        (f.udp(options()), b"call1"),
        (f.udp(b"\r\n\r\n"), Discard.KEEPALIVE),
        (f.udp(b"\x80\x08" + bytes(40)), Discard.MEDIA),
    ):
        (item,) = decoder.frame(0, 101, f.ipv4(f.esp(payload), ESP))
        assert (item.call_id if isinstance(item, Request) else item) == expected


def test_an_association_is_known_by_its_ends_and_its_number() -> None:
    decoder = Decoder()
    assert calls(decoder.frame(0, 101, f.ipv4(f.esp(f.udp(options())), ESP))) == [b"call1"]
    others = [
        f.ipv4(f.esp(f.udp(b"\r\n\r\n"), spi=0x2000), ESP),
        f.ipv4(f.esp(f.udp(b"\r\n\r\n")), ESP, f.B4, f.A4),
    ]
    assert [decoder.frame(0, 101, other) for other in others] == [(Discard.ESP,)] * 2


def test_an_error_inside_is_evidence_only_when_it_is_udp_or_tcp() -> None:
    """Nothing else is looked for."""
    error = b"\x03\x03" + bytes(6) + f.ipv4(f.udp(options()))
    items = Decoder().frame(0, 101, f.ipv4(f.esp(error, 1), ESP))
    assert not any(isinstance(item, Unreachable) for item in items)
    assert items == (Discard.ESP,)


@pytest.mark.parametrize(
    "change",
    [
        lambda packet: packet[:-1],
        lambda packet: packet[:40],
        lambda packet: packet[:-14] + b"\x07" + packet[-13:],
        lambda packet: packet[:-13] + b"\x01" + packet[-12:],
        lambda packet: packet[:32] + b"\x00\x09" + packet[34:],
    ],
    ids=["cut-by-a-byte", "cut-short", "padding-of-another-length", "another-next-header", "another-udp-length"],
)
def test_what_does_not_fit_is_taken_for_encrypted(change: object) -> None:
    packet = f.ipv4(f.esp(f.udp(options())), ESP)
    assert callable(change)
    assert Decoder().frame(0, 101, change(packet)) == (Discard.ESP,)


def test_random_payload_is_never_taken_for_sip() -> None:
    random, decoder = Random(1), Decoder()
    for _ in range(20_000):
        assert decoder.frame(0, 101, f.ipv4(random.randbytes(120), ESP)) == (Discard.ESP,)
    assert decoder.tracked["associations"] == 0


def test_esp_in_esp_without_end_is_named() -> None:
    body = f.udp(options())
    decoder = Decoder()
    decoder.frame(0, 101, f.ipv4(f.esp(body), ESP))
    header = bytes((ESP, 1)) + bytes(10)  # an authentication header before it, again and again
    assert decoder.frame(0, 101, f.ipv4(bytes((51, 1, *bytes(10))) * 9 + header + f.esp(body), 51)) == (
        Discard.TUNNEL_DEPTH,
    )


def test_associations_stay_bounded() -> None:
    """Law 4: a forgotten one is learned anew."""
    decoder = Decoder(Limits(associations=5))
    for spi in range(20):
        assert calls(decoder.frame(0, 101, f.ipv4(f.esp(f.udp(options(spi)), spi=spi), ESP))) == [b"call%d" % spi]
    assert (decoder.tracked["associations"], decoder.evicted["associations"]) == (5, 15)


@given(st.binary(max_size=80), st.sampled_from(CHECKS), st.integers(0, 255), st.integers(0, 255))
def test_no_bytes_whatever_raise(body: bytes, check: int, padded: int, following: int) -> None:
    """Law 3; with a known association as well."""
    decoder = Decoder()
    decoder.frame(0, 101, f.ipv4(f.esp(f.udp(options()), check=check), ESP))
    for packet in (body, b"\0\0\x10\0" + body + bytes((padded, following)) + bytes(check)):
        for size in range(0, len(packet) + 1, 7):
            assert isinstance(decoder.frame(0, 101, f.ipv4(packet, ESP)[: 20 + size]), tuple)
