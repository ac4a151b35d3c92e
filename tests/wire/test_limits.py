"""Every table of the wire layer stays within its limit, whatever comes, and says what it gave up."""

from __future__ import annotations

import struct
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipwatch.wire.decoder import Decoder, Item
from sipwatch.wire.discards import Discard
from sipwatch.wire.limits import Limits
from sipwatch.wire.stream import Framer, Mode
from tests.wire import frames as f
from tests.wire.test_decoder import calls, options

SECOND = 1_000_000_000
SMALL = Limits(
    paths=50,
    duplicates=20,
    fragmented=10,
    fragments=8,
    fragments_bytes=4_000,
    streams=10,
    stream_bytes=3_000,
    streams_bytes=6_000,
    waiting=8,
    message=3_000,
    header_section=2_000,
    line=500,
    closed_streams=10,
)


def source(number: int) -> bytes:
    """Return an address."""
    return struct.pack("!I", 0x0A000000 + number)


def test_paths_start_anew() -> None:
    """They are only a saving of work; the messages all come."""
    decoder = Decoder(SMALL)
    found = [calls(decoder.frame(0, 101, f.ipv4(f.udp(options()), source=source(n)))) for n in range(120)]
    assert found == [[b"call1"]] * 120
    assert decoder.tracked["paths"] == 20
    assert decoder.evicted["paths"] == 100


def test_datagrams_remembered_as_seen_stay_bounded_when_time_stands_still() -> None:
    """Law 4."""
    decoder = Decoder(SMALL)
    for number in range(200):
        decoder.frame(0, 101, f.ipv4(f.udp(options(number))))
    assert decoder.tracked["duplicates"] <= 2 * SMALL.duplicates
    assert decoder.evicted["duplicates"] == 200 - 2 * SMALL.duplicates


def test_datagrams_in_pieces_stay_bounded_in_number() -> None:
    """The oldest goes."""
    decoder = Decoder(SMALL)
    for number in range(100):
        packet = f.ipv4(f.udp(options(body=b"x" * 300)), source=source(number))
        decoder.frame(0, 101, f.fragments_v4(packet, 200, 1)[0])
    assert decoder.tracked["fragments"] == SMALL.fragmented
    assert decoder.evicted["fragments"] == decoder.discards[Discard.FRAGMENT_EVICTED] == 100 - SMALL.fragmented


def test_datagrams_in_pieces_stay_bounded_in_bytes() -> None:
    """Three of 1,400 bytes are more than 4,000."""
    decoder = Decoder(SMALL)
    for number in range(5):
        packet = f.ipv4(f.udp(options(body=b"x" * 3000)), source=source(number))
        decoder.frame(0, 101, f.fragments_v4(packet, 1400, 1)[0])
    assert decoder.tracked["fragments"] == 2
    assert decoder.discards[Discard.FRAGMENT_EVICTED] == 3


def test_a_datagram_in_too_many_pieces_is_given_up() -> None:
    """Nobody who means well sends fragments of eight bytes."""
    decoder = Decoder(SMALL)
    pieces = f.fragments_v4(f.ipv4(f.udp(options())), 16, 1)
    items = [item for piece in pieces for item in decoder.frame(0, 101, piece)]
    assert items[0] is Discard.FRAGMENT_OVERLAP
    assert calls(items) == []


def test_streams_stay_bounded_in_number() -> None:
    """The least recently used goes, and what it held is explained."""
    decoder = Decoder(SMALL)
    items: list[Item] = []
    for number in range(100):
        items += decoder.frame(0, 101, f.ipv4(f.tcp(b"INVITE sip:", 1), f.TCP, source(number)))
    assert decoder.tracked["streams"] == SMALL.streams
    assert decoder.evicted["streams"] == decoder.discards[Discard.TCP_EVICTED] == 100 - SMALL.streams
    assert items == [Discard.NOT_SIP] * 90


def test_streams_stay_bounded_in_bytes() -> None:
    """Unfinished messages of all streams together."""
    decoder = Decoder(SMALL)
    message = options(body=b"x" * 2000)
    items: list[Item] = []
    for number in range(10):
        items += decoder.frame(0, 101, f.ipv4(f.tcp(message[:-1], 1), f.TCP, source(number)))
    assert decoder.tracked["streams"] == 2
    assert calls(items) == [b"call1"] * 8


@pytest.mark.parametrize(("size", "number"), [(10, 8), (700, 4)], ids=["segments", "bytes"])
def test_what_waits_behind_a_gap_is_bounded(size: int, number: int) -> None:
    """Then the gap is skipped, without waiting any longer."""
    decoder = Decoder(SMALL)
    decoder.frame(0, 101, f.ipv4(f.tcp(b"", 0, f.SYN), f.TCP))
    items: list[Item] = []
    at = 100
    for payload in (options(2), *(b"\r\n" * (size // 2) for _ in range(number))):
        assert items == []
        items += decoder.frame(0, 101, f.ipv4(f.tcp(payload, at), f.TCP))
        at += len(payload)
    assert calls(items) == [b"call2"]
    assert decoder.discards[Discard.TCP_GAP] == 1


def test_a_header_section_without_end_is_given_up_and_the_stream_goes_on() -> None:
    """The next start line is found."""
    decoder = Decoder(SMALL)
    endless = options(1)[:-2] + b"X-Header: value\r\n" * 150
    at = 1
    items: list[Item] = []
    for payload in (endless[:1500], endless[1500:], b"X: y\r\n\r\n", options(2)):
        items += decoder.frame(0, 101, f.ipv4(f.tcp(payload, at), f.TCP))
        at += len(payload)
    assert items[0] is Discard.SIP_TOO_LONG
    assert calls(items) == [b"call2"]


@pytest.mark.parametrize("start", [b"SIP/2.0 200 ", b"INVITE sip:"])
def test_a_start_line_without_end_is_none(start: bytes) -> None:
    """Ended in the same segment or never, and found nowhere else."""
    for end in (b"", b"\r\n\r\n", b" SIP/2.0\r\n\r\n"):
        decoder = Decoder(SMALL)
        assert decoder.frame(0, 101, f.ipv4(f.tcp(start + b"x" * 700 + end, 1), f.TCP)) == (Discard.TCP_NOT_SIP,)


def test_a_message_in_many_small_segments_is_kept_in_few_pieces_and_not_looked_through_again() -> None:
    """One byte a segment must cost neither an object a byte nor a search a byte."""
    framer = Framer(Mode.OPEN, Limits())
    data = options(1, b"x" * 5_000)
    head = data.index(b"\r\n\r\n") + 4
    assert framer.take(data[:head]) == ([], None)
    for at in range(head, len(data) - 1):
        assert framer.take(data[at : at + 1]) == ([], None)
        assert framer._needed == len(data)
        assert len(framer._pieces) <= 65
    assert framer.take(data[-1:]) == ([data], None)


def test_closed_streams_are_forgotten_in_the_end() -> None:
    """By number at once, by time when others close."""
    decoder = Decoder(SMALL)
    for number in range(15):
        decoder.frame(0, 101, f.ipv4(f.tcp(options(), 1, f.ACK | f.FIN), f.TCP, source(number)))
    assert decoder.tracked["closed_streams"] == SMALL.closed_streams
    assert decoder.evicted == {"closed_streams": 5, "connections": 5}
    decoder.frame(61 * SECOND, 101, f.ipv4(f.tcp(options(), 1, f.ACK | f.FIN), f.TCP, source(99)))
    assert decoder.tracked["closed_streams"] == 1
    assert decoder.evicted["closed_streams"] == 5


segments = st.tuples(
    st.integers(0, 10 * SECOND),
    st.integers(0, 30),  # who
    st.integers(0, 4_000),  # sequence number
    st.sampled_from((f.SYN, f.ACK, f.ACK | f.PUSH, f.ACK | f.FIN, f.RST)),
    st.integers(0, 3_000),  # acknowledgement number
    st.sampled_from(
        (
            b"",
            b"\r\n",
            options(),
            options(body=b"y" * 500)[:400],
            b"GET / HTTP/1.1\r\n",
            b"x" * 900,
            f.HANDSHAKE_REQUEST,
        )
    ),
)


@given(st.lists(segments, max_size=60))
def test_no_segments_whatever_raise_or_break_a_limit(sent: list[tuple[int, int, int, int, int, bytes]]) -> None:
    """Laws 3 and 4, at every moment."""
    decoder = Decoder(SMALL)
    now = 0
    for later, who, sequence, flags, acknowledged, payload in sent:
        now += later
        segment = f.tcp(payload, sequence, flags, acknowledged=acknowledged)
        decoder.frame(now, 101, f.ipv4(segment, f.TCP, source(who % 15), source(who // 15)))
        streams = decoder._streams
        assert len(streams) <= SMALL.streams
        assert streams.bytes <= SMALL.streams_bytes
        assert streams.bytes == sum(stream.held for stream in streams._streams.values())
        assert streams.closed <= SMALL.closed_streams
    decoder.finish(now)
    assert (decoder.tracked["streams"], decoder._streams.bytes) == (0, 0)


@given(st.binary(max_size=3_000), st.integers(0, 2**32))
def test_a_stream_of_any_bytes_cut_anywhere_stays_within_its_limit(data: bytes, seed: int) -> None:
    """And ends: no bytes make the search for the next start line go round in circles."""
    decoder = Decoder(SMALL)
    sequence = 1
    for piece in f.cut(Random(seed), data + options() + data, 10):
        decoder.frame(0, 101, f.ipv4(f.tcp(piece, sequence), f.TCP))
        sequence += len(piece)
        assert decoder._streams.bytes <= SMALL.message
    decoder.finish(0)
