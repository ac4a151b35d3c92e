"""Packets of HEP out of a stream: cut anywhere, whole again; a lie about lengths ends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipwatch.capture.hep_stream import HepStream
from tests.wire import frames as f

if TYPE_CHECKING:
    from random import Random


def packet(body: bytes) -> bytes:
    return b"HEP3" + (6 + len(body)).to_bytes(2, "big") + body


@given(st.lists(st.binary(max_size=300), max_size=8), st.randoms(use_true_random=False))
def test_packets_cut_anywhere_come_out_whole_and_in_order(bodies: list[bytes], random: Random) -> None:
    packets = [packet(body) for body in bodies]
    stream = HepStream()
    found = [one for piece in f.cut(random, b"".join(packets), 6) for one in stream.feed(piece, 1)] if packets else []
    assert found == packets
    assert (len(stream), stream.broken, stream.since) == (0, False, 0)


def test_byte_by_byte() -> None:
    stream = HepStream()
    data = packet(b"one") + packet(b"two")
    found = [one for at in range(len(data)) for one in stream.feed(data[at : at + 1], 1)]
    assert found == [packet(b"one"), packet(b"two")]


@pytest.mark.parametrize(
    "data",
    [b"GET / HTTP/1.1\r\n", b"H3", b"HEP3\0\0", b"HEP3\0\x05", b"\x16\x03\x01", b"\x02\x10\x02", packet(b"one") + b"?"],
    ids=["http", "typo", "length-0", "length-5", "tls", "version-2", "junk-behind-a-packet"],
)
def test_what_is_no_packet_breaks_it_at_once(data: bytes) -> None:
    stream = HepStream()
    found = stream.feed(data, 1)
    assert stream.broken
    assert found == ([packet(b"one")] if data.startswith(packet(b"one")) else [])


def test_a_length_that_is_too_small_breaks_it_where_the_next_packet_had_to_begin() -> None:
    """A length that is too large swallows what follows, and is found out there, too."""
    for lie in (-1, 1):
        body = b"x" * 20
        liar = b"HEP3" + (6 + len(body) + lie).to_bytes(2, "big") + body
        stream = HepStream()
        stream.feed(liar + packet(b"two") * 3, 1)
        assert stream.broken


def test_since_when_the_rest_of_a_packet_is_waited_for() -> None:
    stream = HepStream()
    stream.feed(packet(b"one")[:4], 7)
    assert stream.since == 7
    stream.feed(packet(b"one")[4:7], 8)
    assert stream.since == 7
    stream.feed(packet(b"one")[7:], 9)
    assert stream.since == 0
    stream.feed(packet(b"one") + b"HEP", 10)
    assert (stream.since, len(stream)) == (10, 3)


@given(st.lists(st.binary(max_size=100), max_size=20))
def test_any_bytes_at_all_are_held_within_bounds(pieces: list[bytes]) -> None:
    stream = HepStream()
    total = 0
    for piece in pieces:
        found = stream.feed(piece, 1)
        total += len(piece)
        assert all(one.startswith(b"HEP3") and int.from_bytes(one[4:6], "big") == len(one) for one in found)
        if stream.broken:
            break
        assert len(stream) < 65_535
