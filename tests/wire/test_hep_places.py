"""Where HEP begins in a stream: by the head of a packet, never by its magic alone."""

from __future__ import annotations

from sipwatch.wire.hep_places import HEAD, begins_packet, half_packet, next_packet, size_at
from tests.wire import frames as f

PACKET = f.hep3(b"text", f.A4, f.B4)


def following(data: bytes, at: int) -> int:
    return next_packet(data, at, len(data))


def test_a_packet_is_told_by_its_head_and_says_how_long_it_is() -> None:
    assert begins_packet(b"x" + PACKET, 1)
    assert size_at(b"x" + PACKET, 1) == len(PACKET)
    assert all(begins_packet(PACKET[:size], 0) for size in range(4, HEAD + 1))


def test_what_only_has_the_magic_begins_no_packet() -> None:
    for text in (
        b"HEP3 sip:b@example.com SIP/2.0\r\n",  # a method
        b"HEP2" + PACKET[4:],
        PACKET[:6] + b"\0\1" + PACKET[8:],  # another vendor first
        PACKET[:10] + b"\0\5" + PACKET[12:],  # a chunk shorter than its head
        PACKET[:4] + b"\0\x0b" + PACKET[6:],  # longer than the packet
    ):
        assert not begins_packet(text, 0), text
        assert following(text, 0) == -1


def test_the_next_packet_is_found_behind_whatever_looks_like_one() -> None:
    before = b"HEP3HEP3\0\0HEP3 HEP3\0\0\0\0"
    assert following(before + PACKET + PACKET, 0) == len(before)
    assert following(before + PACKET + PACKET, len(before) + 1) == len(before) + len(PACKET)
    assert following(before + b"and more", 0) == -1


def test_only_packets_that_begin_before_a_place_are_looked_for() -> None:
    data = b"1234" + PACKET
    assert [next_packet(data, 0, end) for end in (0, 4, 5, 7, len(data))] == [-1, -1, 4, 4, 4]


def test_the_half_of_a_packet_at_the_end_is_kept() -> None:
    for size in range(1, 8):
        data = b"HEP rest" + PACKET[:size]
        assert half_packet(data, 0) == len(b"HEP rest"), size
    assert half_packet(b"rest", 0) == half_packet(b"", 0) == -1
    assert half_packet(PACKET[:3], 1) == -1
