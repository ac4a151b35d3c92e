"""TCP streams and WebSocket: the same messages however the bytes were cut, ordered, repeated or lost."""

from __future__ import annotations

from random import Random

import pytest

from sipwatch.wire.decoder import Decoder, Item
from sipwatch.wire.discards import Discard
from sipwatch.wire.message import Request, Transport
from tests.wire import frames as f
from tests.wire.test_decoder import calls, options

SECOND = 1_000_000_000
THREE = options(1, b"body" * 10) + b"\r\n\r\n" + options(2) + options(3, b"x" * 70)
START = 0xFFFFFF80  # the sequence number wraps around on the way


class Connection:
    """One direction of a connection, and what comes out of it."""

    def __init__(self) -> None:
        self.decoder = Decoder()
        self.items: list[Item] = []
        self.time = 0

    def segment(self, payload: bytes, sequence: int, flags: int = f.ACK | f.PUSH, *, time: int | None = None) -> None:
        packet = f.ipv4(f.tcp(payload, sequence, flags), f.TCP)
        self.items += self.decoder.frame(self.time if time is None else time, 101, packet)

    def answer(self, acknowledged: int) -> None:
        """Send a bare ACK in the other direction."""
        packet = f.ipv4(f.tcp(b"", 1, f.ACK, acknowledged=acknowledged, sport=5060, dport=40000), f.TCP, f.B4, f.A4)
        self.items += self.decoder.frame(self.time, 101, packet)

    def finish(self) -> list[bytes]:
        self.items += self.decoder.finish(self.time)
        return calls(self.items)


def pieces(cuts: list[bytes]) -> list[tuple[bytes, int]]:
    """Give each piece its sequence number."""
    numbered, sequence = [], START + 1
    for piece in cuts:
        numbered.append((piece, sequence))
        sequence += len(piece)
    return numbered


def converse(segments: list[tuple[bytes, int]], *, handshake: bool = True) -> list[bytes]:
    connection = Connection()
    if handshake:
        connection.segment(b"", START, f.SYN)
    for payload, sequence in segments:
        connection.segment(payload, sequence)
    return connection.finish()


ALL = [b"call1", b"call2", b"call3"]


def test_several_messages_in_one_segment() -> None:
    """With keep-alives between them."""
    assert converse(pieces([THREE])) == ALL


def test_byte_by_byte() -> None:
    """A message is whole with its last byte."""
    assert converse(pieces([THREE[i : i + 1] for i in range(len(THREE))])) == ALL


@pytest.mark.parametrize("seed", range(30))
def test_cut_anywhere_reordered_and_repeated(seed: int) -> None:
    """The order of arrival does not matter, nor do retransmissions."""
    random = Random(seed)
    segments = pieces(f.cut(random, THREE, 12))
    segments += random.sample(segments, 4)
    middle = segments[1:]
    random.shuffle(middle)
    assert converse([segments[0], *middle]) == ALL


@pytest.mark.parametrize("seed", range(10))
def test_overlapping_retransmissions_with_other_boundaries(seed: int) -> None:
    """A sender may cut the same bytes otherwise the second time."""
    random = Random(seed)
    first, second = pieces(f.cut(random, THREE, 8)), pieces(f.cut(random, THREE, 5))
    mixed = sorted(first + second, key=lambda segment: (segment[1] - START) + random.randrange(40))
    assert converse(mixed) == ALL


def test_a_capture_that_begins_in_mid_stream_starts_at_the_next_start_line() -> None:
    """The first message is cut off, the others count."""
    assert converse(pieces([THREE[100:]]), handshake=False) == [b"call2", b"call3"]


def test_a_gap_is_skipped_once_the_receiver_has_acknowledged_it() -> None:
    """The segment was lost by the capture, not on the wire: there is no need to wait."""
    connection = Connection()
    connection.segment(b"", START, f.SYN)
    first, lost, third = options(1), options(2), options(3)
    connection.segment(first, START + 1)
    connection.segment(third, START + 1 + len(first) + len(lost))
    assert calls(connection.items) == [b"call1"]
    connection.answer(START + 1 + len(first) + len(lost) + len(third))
    assert calls(connection.items) == [b"call1", b"call3"]
    assert connection.decoder.discards[Discard.TCP_GAP] == 1


def test_a_gap_is_skipped_after_some_seconds_of_packet_time() -> None:
    """Without any ACK captured."""
    connection = Connection()
    connection.segment(b"", START, f.SYN)
    at = START + 1 + 50
    connection.segment(options(2), at, time=0)
    connection.segment(options(3), at + len(options(2)), time=4 * SECOND)
    assert calls(connection.items) == [b"call2", b"call3"]


def test_what_waits_behind_a_gap_is_not_lost_at_the_end_of_the_capture() -> None:
    """It was captured, so it counts."""
    connection = Connection()
    connection.segment(b"", START, f.SYN)
    connection.segment(options(2), START + 60)
    assert connection.finish() == [b"call2"]


def test_an_invalid_content_length_costs_one_body_not_the_stream() -> None:
    """RFC 3261 §18.3 gives no way out; the next start line does."""
    bad = options(1, b"v=0\r\n").replace(b"Content-Length: 5", b"Content-Length: five")
    assert converse(pieces([bad + options(2)])) == [b"call1", b"call2"]


def test_a_large_body_is_taken() -> None:
    """64 kB and more."""
    data = options(1, b"x" * 100_000) + options(2)
    assert converse(pieces([data[i : i + 1460] for i in range(0, len(data), 1460)])) == [b"call1", b"call2"]


def test_a_body_beyond_the_limit_is_given_up_by_name() -> None:
    """And does not fill the memory."""
    connection = Connection()
    connection.segment(b"", START, f.SYN)
    connection.segment(options(1, b"").replace(b"Content-Length: 0", b"Content-Length: 99999999"), START + 1)
    assert connection.decoder.discards[Discard.SIP_TOO_LONG] == 1


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x16\x03\x01\x02\x00" + bytes(300), Discard.TLS),
        (b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n", Discard.TCP_NOT_SIP),
        (b"SSH-2.0-OpenSSH_9.2\r\n", Discard.TCP_NOT_SIP),
        (bytes(range(256)) * 4, Discard.TCP_NOT_SIP),
    ],
    ids=["tls", "http", "ssh", "binary"],
)
def test_other_protocols_are_named_and_not_buffered(data: bytes, reason: Discard) -> None:
    """A bulk transfer costs nothing."""
    connection = Connection()
    connection.segment(b"", START, f.SYN)
    for place in range(50):
        connection.segment(data, START + 1 + place * len(data))
    assert connection.finish() == []
    assert connection.decoder.discards[reason] >= 49


def test_a_foreign_stream_is_looked_at_again_when_sip_begins_a_segment() -> None:
    """A wrong first guess is not for ever."""
    connection = Connection()
    connection.segment(b"\x00\x01garbage" * 20, 1)
    connection.segment(options(7), 1 + 180)
    assert connection.finish() == [b"call7"]


def test_a_flood_of_connections_stays_bounded() -> None:
    """Law 4."""
    decoder = Decoder()
    for port in range(20_000):
        decoder.frame(0, 101, f.ipv4(f.tcp(b"INVITE sip:", 1, sport=port), f.TCP))
    assert decoder.tracked["streams"] <= 8_192
    assert decoder.evicted["streams"] == 20_000 - 8_192


def websocket(random: Random, messages: list[bytes], *, masked: bool) -> bytes:
    """Return messages as WebSocket frames: whole, or in fragments with a ping in between."""
    out = b""
    for message in messages:
        mask = random.randbytes(4) if masked else b""
        if random.random() < 0.5:
            parts = f.cut(random, message, 3)
            for place, part in enumerate(parts):
                out += f.websocket_frame(part, 1 if place == 0 else 0, final=place == len(parts) - 1, mask=mask)
                out += f.websocket_frame(b"ping", 9, mask=mask)
        else:
            out += f.websocket_frame(message, random.choice((1, 2)), mask=mask)
    return out


@pytest.mark.parametrize("masked", [True, False], ids=["masked", "unmasked"])
@pytest.mark.parametrize("seed", range(10))
def test_sip_over_websocket_cut_anywhere(seed: int, masked: bool) -> None:
    """RFC 7118: after the handshake, in frames of any kind, without Content-Length."""
    random = Random(seed)
    handshake = f.HANDSHAKE_REQUEST if masked else f.HANDSHAKE_RESPONSE
    data = handshake + websocket(random, [options(n, length=False) for n in (1, 2, 3)], masked=masked)
    connection = Connection()
    connection.segment(b"", START, f.SYN)
    for payload, sequence in pieces(f.cut(random, data, 9)):
        connection.segment(payload, sequence)
    assert connection.finish() == ALL
    assert all(item.path.transport is Transport.WS for item in connection.items if isinstance(item, Request))


@pytest.mark.parametrize("masked", [True, False], ids=["masked", "unmasked"])
def test_websocket_met_in_mid_stream(masked: bool) -> None:
    """The handshake was before the capture began."""
    mask = b"\x01\x02\x03\x04" if masked else b""
    connection = Connection()
    connection.segment(f.websocket_frame(options(1, length=False), mask=mask), 1)
    assert connection.finish() == [b"call1"]
