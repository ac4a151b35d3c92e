"""SIP over WebSocket: frames of every kind, from the handshake on or met in mid-stream."""

from __future__ import annotations

from random import Random

import pytest

from sipwatch.wire.discards import Discard
from sipwatch.wire.message import Request, Transport
from sipwatch.wire.websocket import Frames, begins_frame
from tests.each import for_each
from tests.wire import frames as f
from tests.wire.test_decoder import calls, options
from tests.wire.test_tcp import ALL, START, Connection, opened, pieces, texts


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
@for_each("seed", range(10))
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


def test_websocket_is_found_again_after_a_gap() -> None:
    """At the next frame that begins a segment."""
    connection = opened()
    connection.send(f.HANDSHAKE_RESPONSE + f.websocket_frame(options(1, length=False)))
    connection.next += 500
    for number in (2, 3):
        connection.send(f.websocket_frame(options(number, length=False)))
    connection.answer(connection.next)
    assert calls(connection.items) == ALL
    assert all(item.path.transport is Transport.WS for item in connection.items if isinstance(item, Request))


@pytest.mark.parametrize(
    ("offered", "found"),
    [(b"sip", [b"call1"]), (b"msrp, SIP", [b"call1"]), (b"graphql-ws", []), (None, [b"call1"])],
    ids=["sip", "among-others", "something-else", "not-said"],
)
def test_only_a_websocket_that_may_carry_sip_is_followed(offered: bytes | None, found: list[bytes]) -> None:
    """RFC 7118 §3. The frames stand behind the head, in one segment with it."""
    line = b"" if offered is None else b"Sec-WebSocket-Protocol:" + offered + b"\r\n"
    head = f.HANDSHAKE_REQUEST.replace(b"Sec-WebSocket-Protocol: sip\r\n", line)
    connection = opened()
    connection.send(head + f.websocket_frame(options(1, length=False), mask=b"abcd"))
    assert calls(connection.items) == found


def test_keep_alives_inside_a_websocket_are_no_messages() -> None:
    """RFC 7118 §6 leaves CRLF CRLF possible; ping and pong are the rule."""
    connection = opened()
    connection.send(f.HANDSHAKE_RESPONSE)
    connection.items.clear()
    connection.send(f.websocket_frame(b"\r\n\r\n"))
    connection.send(f.websocket_frame(b"", 9))
    assert connection.items == [Discard.KEEPALIVE, Discard.KEEPALIVE]


def test_a_compressed_websocket_is_given_up_by_name() -> None:
    """RFC 7692 sets a reserved bit."""
    connection = opened()
    connection.send(f.HANDSHAKE_RESPONSE)
    connection.send(f.websocket_frame(b"deflated", 0x41))
    assert connection.decoder.discards[Discard.WEBSOCKET_MALFORMED] == 1


@pytest.mark.parametrize("size", [50, 200, 70_000], ids=["7-bit", "16-bit", "64-bit"])
def test_websocket_lengths_of_every_width(size: int) -> None:
    """RFC 6455 §5.2; byte by byte for good measure, as far as that is quick."""
    message = options(1, b"x" * size)
    connection = opened()
    data = f.HANDSHAKE_RESPONSE + f.websocket_frame(message)
    step = 1 if size < 1000 else 1460
    for at in range(0, len(data), step):
        connection.send(data[at : at + step])
    assert texts(connection) == [message]


def test_a_message_begun_in_a_websocket_frame_and_never_continued_is_forgotten() -> None:
    """RFC 6455 §5.4 forbids it; what follows is not spoilt by it."""
    connection = opened()
    connection.send(f.HANDSHAKE_RESPONSE + f.websocket_frame(options(1)[:60], final=False))
    connection.send(f.websocket_frame(options(2)))
    assert texts(connection) == [options(2)]


@pytest.mark.parametrize("pair", [b"\x81\x00", b"\x01\x00", b"\x01\x00" + b"\x00\x00" * 3])
def test_tiny_frames_without_end_are_no_websocket(pair: bytes) -> None:
    """Of a foreign stream the first frames are looked at; a WebSocket of nothing but tiny frames is given up."""
    tiny = pair * (1400 // len(pair))
    assert not begins_frame(tiny)
    frames = Frames(65_536)
    frames.take(tiny)
    assert frames.broken
    assert len(frames.messages) <= 64


def test_a_message_cut_into_small_frames_is_read() -> None:
    message = options(1)
    cuts = [message[at : at + 48] for at in range(0, len(message), 48)]
    kinds = [1, *[0] * (len(cuts) - 1)]
    frames = Frames(65_536)
    frames.take(b"".join(f.websocket_frame(c, k, final=c is cuts[-1]) for c, k in zip(cuts, kinds, strict=True)))
    assert frames.messages == [message]
