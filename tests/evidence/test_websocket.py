"""Frames around messages, and what is left of an opening handshake."""

from __future__ import annotations

import pytest

from sipwatch.evidence.dissect import Dissector, Segment
from sipwatch.evidence.packets import Packet
from sipwatch.evidence.websocket import Opening, frame_with, unmasked
from tests.wire import frames as f
from tests.wire.test_decoder import options

MASK = b"\x01\x02\x03\x04"


@pytest.mark.parametrize("mask", [b"", MASK], ids=["plain", "masked"])
@pytest.mark.parametrize("size", [10, 300, 70_000])
def test_the_frame_around_a_message_is_found_and_the_message_in_it(mask: bytes, size: int) -> None:
    message = options(body=b"b" * size)
    frame = f.websocket_frame(message, mask=mask)
    run = f.websocket_frame(b"before", mask=mask) + frame + f.websocket_frame(b"behind")
    place = frame_with(run, message)
    assert place is not None
    start, body, end, key = place
    assert run[start:end] == frame
    assert unmasked(run[body:end], key) == message


def test_blanks_before_the_message_are_left_to_the_frame() -> None:
    place = frame_with(f.websocket_frame(b"\r\n" + options(), mask=MASK), options())
    assert place is not None
    start, body, end, key = place
    assert (start, body) == (0, 4 + 4 + 2)
    assert unmasked(f.websocket_frame(b"\r\n" + options(), mask=MASK)[body:end], key) == options()


def test_a_frame_that_is_not_there_is_not_found() -> None:
    frame = f.websocket_frame(options(1))
    for run in (b"", b"\x81", frame[:-1], frame, f.websocket_frame(options(2), final=False)):
        assert frame_with(run, options(2)) is None


def opening(*payloads: bytes) -> Opening:
    found = Opening()
    at = 0
    for place, payload in enumerate(payloads):
        carried = Dissector().packet(Packet(place, 0, 101, f.ipv4(f.tcp(payload, at), f.TCP)))
        assert carried is not None
        found.take(Segment(at, at + len(payload), carried))
        at += len(payload)
    return found


def test_of_an_opening_only_what_makes_it_a_websocket_can_be_read() -> None:
    request = f.HANDSHAKE_REQUEST.replace(b"GET /ws", b"GET /ws?token=secret")
    request = request.replace(b"\r\n\r\n", b"\r\nCookie: id=secret\r\nAuthorization: Basic c2VjcmV0\r\n\r\n")
    found = opening(request[:30], request[30:] + b"more")
    assert found.is_whole
    covered = found.covered()
    assert len(covered) == len(request)
    for secret in (b"secret", b"c2VjcmV0", b"token", b"example.com"):
        assert secret not in covered
    for needed in (b"Upgrade: websocket", b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", b"GET /", b" HTTP/1.1\r\n"):
        assert needed in covered


def test_the_answer_is_an_opening_as_well() -> None:
    found = opening(f.HANDSHAKE_RESPONSE)
    assert found.is_whole
    assert found.covered() == f.HANDSHAKE_RESPONSE


@pytest.mark.parametrize(
    "payloads",
    [(options(),), (b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n",), (b"GET / HTTP/1.1\r\n" + b"x" * 20_000,), ()],
    ids=["sip", "another-request", "without-end", "nothing"],
)
def test_anything_else_is_no_opening(payloads: tuple[bytes, ...]) -> None:
    assert not opening(*payloads).is_whole
