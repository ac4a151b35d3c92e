"""Calls cut out of TCP: every segment with a part of them, and nothing that is somebody else's."""

from __future__ import annotations

import struct
from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pcaps.make.packets import tcp
from sipwatch.classify.peers import Privacy, Settings
from sipwatch.evidence.build import Builder
from sipwatch.evidence.cut import Cutter
from tests.evidence.scenes import (
    CALLEE,
    CALLER,
    KEY,
    OTHERS,
    RESPONSE,
    STRANGER,
    STUCK,
    V4,
    V6,
    WRONG,
    Said,
    all_bytes,
    cut_out,
    frames_of,
    said,
    save,
    the_call,
    tshark,
    verdict,
)
from tests.replay import feed, replay
from tests.thorough import examples
from tests.tshark import needs_tshark
from tests.wire import frames as f

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.evidence.scenes import Frame

MASKED = Privacy(4)
NOT_THERE = tuple(text.encode() for text in (CALLER, CALLEE, RESPONSE, KEY, STRANGER))
MILLISECOND = 1_000_000


class Piece(NamedTuple):
    """What one end sends in one segment; ``at`` is where it is in its direction."""

    time: int
    source: str
    destination: str
    at: int
    data: bytes


def pieces(messages: Sequence[Said]) -> list[Piece]:
    """Put each message into a segment of its own."""
    sent: dict[str, int] = {}
    found = []
    for message in messages:
        at = sent.get(message.source, 0)
        sent[message.source] = at + len(message.raw)
        found.append(Piece(message.time, message.source, message.destination, at, message.raw))
    return found


def divided(whole: Sequence[Piece], size: int) -> list[Piece]:
    """Send the same bytes in segments of another size, each when its last byte is sent."""
    found = []
    for source in {piece.source for piece in whole}:
        own = [piece for piece in whole if piece.source == source]
        stream = b"".join(piece.data for piece in own)
        for start in range(0, len(stream), size):
            end = min(start + size, len(stream))
            last = next(piece for piece in own if piece.at + len(piece.data) >= end)
            found.append(Piece(last.time, source, last.destination, start, stream[start:end]))
    return sorted(found, key=lambda piece: (piece.time, piece.at))


def segments(
    sent: Sequence[Piece], *, first: int = 1000, acks: bool = True, caller: str = V4["P"], port: int = 5060
) -> list[Frame]:
    """Return TCP segments; with ``acks`` each is acknowledged at once, by one without payload."""
    found: list[Frame] = []
    got: dict[str, int] = {}
    for piece in sent:
        sport, dport = (40000, port) if piece.source == caller else (port, 40000)
        sequence = (first + piece.at) & 0xFFFFFFFF
        known = (first + got.get(piece.destination, 0)) & 0xFFFFFFFF
        data = tcp(piece.source, piece.destination, piece.data, sequence, known, f.ACK | f.PUSH, sport, dport)
        found.append((piece.time, 1, data))
        got[piece.source] = max(got.get(piece.source, 0), piece.at + len(piece.data))
        if acks:
            upto = (first + got[piece.source]) & 0xFFFFFFFF
            ack = tcp(piece.destination, piece.source, b"", known, upto, f.ACK, dport, sport)
            found.append((piece.time + MILLISECOND, 1, ack))
    return sorted(found, key=lambda frame: frame[0])


BOTH = said(STUCK, OTHERS, transport="TCP")


@pytest.mark.parametrize(
    "size", [0, 7, 100, 500, 1460, 100_000], ids=lambda size: f"segments-of-{size or 'one-message'}"
)
@pytest.mark.parametrize("privacy", [None, MASKED], ids=["shown", "masked"])
def test_interleaved_calls_on_one_connection_are_told_apart(tmp_path: Path, size: int, privacy: Privacy | None) -> None:
    whole = pieces(BOTH)
    sent = divided(whole, size) if size else whole
    cut = the_call(cut_out(tmp_path, save(tmp_path / "all.pcap", segments(sent)), privacy=privacy))
    assert cut.path is not None, cut.example.capture.why_not
    (again,) = replay(cut.path).calls
    assert verdict(again)[:4] == verdict(cut.call)[:4]
    assert verdict(again)[5] == verdict(cut.call)[5]
    data = all_bytes(cut.path)
    assert STRANGER.encode() not in data
    assert b"Call-ID: else" not in data
    assert (CALLEE.encode() in stream_of(frames_of(cut.path))) is (privacy is None)


def stream_of(frames: Sequence[Frame]) -> bytes:
    """Return the payloads of all segments, direction by direction, in order, each byte once."""
    directions: dict[bytes, dict[int, int]] = {}
    for _, _, data in frames:
        start = 14 + (20 if data[12:14] == b"\x08\x00" else 40)
        (sequence,) = struct.unpack("!I", data[start + 4 : start + 8])
        for place, byte in enumerate(data[start + 20 :]):
            directions.setdefault(data[start : start + 2], {})[sequence + place] = byte
    return b"|".join(bytes(stream[at] for at in sorted(stream)) for stream in directions.values())


@needs_tshark
@pytest.mark.parametrize("size", [0, 500, 1460])
@pytest.mark.parametrize("hosts", [V4, V6], ids=["v4", "v6"])
def test_tshark_reads_the_same_messages_and_nothing_malformed(tmp_path: Path, size: int, hosts: dict[str, str]) -> None:
    whole = pieces(said(STUCK, OTHERS, hosts=hosts, transport="TCP"))
    path = save(tmp_path / "all.pcap", segments(divided(whole, size) if size else whole, caller=hosts["P"]))
    for name, privacy in (("shown", None), ("masked", MASKED)):
        (tmp_path / name).mkdir()
        cut = the_call(cut_out(tmp_path / name, path, privacy=privacy))
        assert cut.path is not None
        fields = ("sip.CSeq", "sip.Call-ID")
        found = ",".join(tshark(cut.path, "sip", *fields)).replace("\t", ",").split(",")
        wanted = ",".join(tshark(path, "sip", *fields)).replace("\t", ",").split(",")
        assert found.count("stuck") == wanted.count("stuck") == 9
        assert found.count("else") == 0
        assert wanted.count("else") == 5
        assert [found.count(cseq) for cseq in ("1 INVITE", "1 ACK", "2 INVITE", "2 CANCEL", "2 ACK")] == [2, 1, 3, 2, 1]
        assert tshark(cut.path, WRONG) == []


def test_the_other_ends_first_acknowledgement_is_evidence_as_well(tmp_path: Path) -> None:
    """That a message came is what suppliers argue about; and behind a gap, it is what tells a reader to go on."""
    path = save(tmp_path / "all.pcap", segments(pieces(BOTH)))
    cut = the_call(cut_out(tmp_path, path))
    assert cut.path is not None
    bare = [data for _, _, data in frames_of(cut.path) if len(data) == 54]
    assert len(bare) == 9
    assert len(frames_of(cut.path)) == 18
    assert {time for time, _, data in frames_of(cut.path) if len(data) > 54} == {
        message.time for message in BOTH if b"Call-ID: stuck" in message.raw
    }


def test_an_acknowledgement_on_another_calls_segment_is_taken_along_without_what_that_carries(tmp_path: Path) -> None:
    """Here nothing else says that the 100 came before the CANCEL did."""
    path = save(tmp_path / "all.pcap", segments(pieces(said(STUCK, OTHERS, CHATTER, transport="TCP")), acks=False))
    cut = the_call(cut_out(tmp_path, path))
    assert cut.path is not None
    data = all_bytes(cut.path)
    assert b"Call-ID: else" not in data
    assert b"Call-ID: chatter" not in data
    assert len([data for _, _, data in frames_of(cut.path) if len(data) == 54]) == 3
    (again,) = replay(cut.path).calls
    assert verdict(again)[:4] == verdict(cut.call)[:4]


CHATTER = """
0.21  P>T OPTIONS call=chatter
0.22  T>P 200 call=chatter method=OPTIONS
12.15 P>T OPTIONS call=chatter cseq=2
12.16 T>P 200 call=chatter method=OPTIONS cseq=2
"""


def test_a_segment_sent_again_is_there_and_covered_whatever_it_holds(tmp_path: Path) -> None:
    """Even if a stranger put something else into the repetition."""
    sent = pieces(BOTH)
    again = sent[4]._replace(time=sent[4].time + MILLISECOND)
    liar = again._replace(time=again.time + 1, data=b"X" * 20 + CALLEE.encode() + b"X" * (len(again.data) - 31))
    sent[5:5] = [again, liar]
    cut = the_call(cut_out(tmp_path, save(tmp_path / "all.pcap", segments(sent, acks=False)), privacy=MASKED))
    assert cut.path is not None
    data = all_bytes(cut.path)
    assert data.count(b"Proxy-Authorization") == 3
    assert not any(secret in data for secret in NOT_THERE)
    assert b"XXXX" not in data


def test_segments_out_of_order_are_put_together(tmp_path: Path) -> None:
    sent = divided(pieces(BOTH), 400)
    for at, (first, second) in enumerate(pairwise(list(sent))):
        if first.source == second.source and first.time == second.time and at % 3 == 0:
            sent[at], sent[at + 1] = second, first
    cut = the_call(cut_out(tmp_path, save(tmp_path / "all.pcap", segments(sent)), privacy=MASKED))
    assert cut.path is not None, cut.example.capture.why_not
    assert not any(secret in stream_of(frames_of(cut.path)) for secret in NOT_THERE)
    (again,) = replay(cut.path).calls
    assert verdict(again)[2:4] == verdict(cut.call)[2:4]


def test_sequence_numbers_may_wrap_around(tmp_path: Path) -> None:
    path = save(tmp_path / "all.pcap", segments(pieces(BOTH), first=0xFFFFFFFF - 1500))
    cut = the_call(cut_out(tmp_path, path))
    assert cut.path is not None
    (again,) = replay(cut.path).calls
    assert verdict(again)[:4] == verdict(cut.call)[:4]


@examples(60)
@given(st.integers(min_value=0, max_value=2**32), st.booleans())
def test_whatever_happens_to_segments_nothing_hidden_gets_through(seed: int, acks: bool) -> None:
    """Cut anywhere, in any order, some lost, some twice."""
    random = Random(seed)
    sent = divided(pieces(BOTH), random.choice([13, 60, 333, 900]))
    sent = [piece for piece in sent if random.random() > 0.03]
    sent += random.sample(sent, len(sent) // 10)
    for _ in range(len(sent) // 8):
        at = random.randrange(len(sent) - 1)
        sent[at], sent[at + 1] = sent[at + 1], sent[at]
    frames = sorted(segments(sent, acks=acks), key=lambda frame: frame[0])
    calls = [call for call in feed(frames) if call.call_id == "stuck"]
    cutter = Cutter(calls, Settings())
    for frame in frames:
        cutter.frame(*frame)
    cutter.finish(frames[-1][0])
    builder = Builder(cutter, MASKED, "acme")
    for number, call in enumerate(calls):
        builder.example(number, call)
    for _, content in builder.captures:
        assert not any(secret in content for secret in NOT_THERE)


# WebSocket


def websocket_pieces(*, handshake: bool, mask: bytes = b"\x11\x22\x33\x44") -> list[Piece]:
    """Return the call, and another, over WebSocket; what the caller sends is masked (RFC 6455 §5.3)."""
    sent: list[Piece] = []
    at: dict[str, int] = {}

    def send(time: int, source: str, destination: str, data: bytes) -> None:
        start = at.get(source, 0)
        at[source] = start + len(data)
        sent.append(Piece(time, source, destination, start, data))

    start = BOTH[0].time
    if handshake:
        request = f.HANDSHAKE_REQUEST.replace(b"GET /ws ", b"GET /ws?token=verysecret ", 1)
        request = request.replace(b"\r\n\r\n", b"\r\nCookie: session=verysecret\r\n\r\n")
        send(start - 2 * MILLISECOND, V4["P"], V4["T"], request)
        send(start - MILLISECOND, V4["T"], V4["P"], f.HANDSHAKE_RESPONSE)
    for message in said(STUCK, OTHERS, transport="WS"):
        key = mask if message.source == V4["P"] else b""
        send(message.time, message.source, message.destination, f.websocket_frame(message.raw, mask=key))
    return sent


def websocket_frames(*, handshake: bool) -> list[Frame]:
    return segments(websocket_pieces(handshake=handshake), port=8088)


@pytest.mark.parametrize("handshake", [True, False], ids=["from-the-beginning", "from-the-middle"])
def test_what_is_hidden_is_hidden_in_masked_websocket_frames(tmp_path: Path, handshake: bool) -> None:
    path = save(tmp_path / "all.pcap", websocket_frames(handshake=handshake))
    cut = the_call(cut_out(tmp_path, path, privacy=MASKED))
    assert cut.path is not None, cut.example.capture.why_not
    (again,) = replay(cut.path).calls
    assert (again.transport, again.outcome, again.call_id) == ("ws", "no_progress", "stuck")
    assert again.callee == "1555017****"
    assert not any(secret in all_bytes(cut.path) for secret in (*NOT_THERE, b"verysecret"))
    messages = again_with_messages(cut.path)
    assert not any(secret.decode() in message for message in messages for secret in NOT_THERE)
    assert len(messages) == 9


def again_with_messages(path: Path) -> list[str]:
    (call,) = replay(path, keep_messages=True).calls
    return [message.raw for message in call.messages or ()]


@needs_tshark
def test_tshark_reads_them_by_their_opening_handshake(tmp_path: Path) -> None:
    path = save(tmp_path / "all.pcap", websocket_frames(handshake=True))
    cut = the_call(cut_out(tmp_path, path, privacy=MASKED))
    assert cut.path is not None
    assert len(tshark(cut.path, "websocket && sip")) == 9
    assert tshark(cut.path, WRONG) == []


@pytest.mark.parametrize("size", [300, 1000])
def test_frames_of_another_call_in_the_same_segments_are_cut_off(tmp_path: Path, size: int) -> None:
    sent = divided(websocket_pieces(handshake=True), size)
    path = save(tmp_path / "all.pcap", segments(sent, port=8088))
    cut = the_call(cut_out(tmp_path, path, privacy=MASKED))
    assert cut.path is not None, cut.example.capture.why_not
    assert not any(secret in stream_of(frames_of(cut.path)) for secret in NOT_THERE)
    (again,) = replay(cut.path).calls
    assert (again.call_id, again.outcome, len(again.legs)) == ("stuck", cut.call.outcome, 2)
