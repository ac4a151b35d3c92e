"""Where messages stood: which packets brought them, and which part each of them."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipwatch.capture.files import open_capture
from sipwatch.packet import MILLISECOND, SECOND
from sipwatch.wire.decoder import Decoder, Item
from sipwatch.wire.limits import Limits
from sipwatch.wire.message import Request, Response, Unreachable
from sipwatch.wire.trace import Piece, Trace, Traced, TracingDecoder
from tests.wire import frames as f
from tests.wire.test_decoder import options

CAPTURES = sorted((Path(__file__).resolve().parents[2] / "pcaps").rglob("*.pcap"))


def traces(*packets: bytes, step: int = 0) -> list[Trace]:
    """Trace packets, numbered from 1; return the traces of the messages."""
    decoder = TracingDecoder()
    found = [each for at, data in enumerate(packets) for each in decoder.trace(at + 1, at * step, 101, data)]
    return [trace for _, trace in found + decoder.trace_end(len(packets) * step)]


def parts(trace: Trace) -> list[tuple[int, int, int]]:
    return [(piece.number, piece.first, piece.last) for piece in trace.pieces]


def segment(data: bytes, sequence: int, flags: int = f.ACK) -> bytes:
    return f.ipv4(f.tcp(data, sequence, flags), f.TCP)


MESSAGE = options(body=b"b" * 200)
SIZE = len(MESSAGE)


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_it_gives_what_the_decoder_gives_copies_apart(path: Path) -> None:
    plain, tracing = Decoder(), TracingDecoder()
    told: list[Item] = []
    traced: list[Traced] = []
    with open_capture([str(path)]) as source:
        for number, (time, link_type, data) in enumerate(source):
            told += plain.frame(time, link_type, data)
            traced += tracing.trace(number, time, link_type, data)
    told += plain.finish(0)
    traced += tracing.trace_end(0)
    messages = [item for item in told if isinstance(item, (Request, Response, Unreachable))]
    assert [(item.time, item.path.key) for item, trace in traced if not trace.copy] == [
        (item.time, item.path.key) for item in messages
    ]
    assert tracing.discards == plain.discards
    for item, trace in traced:
        if isinstance(item, (Request, Response)):
            assert trace.pieces[0].first == 0
            assert max(piece.last for piece in trace.pieces) == len(item.raw)


def test_a_datagram_is_all_in_one_packet() -> None:
    (trace,) = traces(f.ipv4(f.udp(MESSAGE)))
    assert (parts(trace), trace.missing, trace.copy, trace.wrapped) == ([(1, 0, SIZE)], 0, False, False)


def test_of_a_datagram_cut_by_the_snap_length_it_says_how_much_is_missing() -> None:
    (trace,) = traces(f.ipv4(f.udp(MESSAGE))[:-30])
    assert (parts(trace), trace.missing) == ([(1, 0, SIZE - 30)], 30)


def test_a_copy_is_told_of_as_a_copy() -> None:
    first, second = traces(f.ipv4(f.udp(MESSAGE)), f.ipv4(f.udp(MESSAGE)))
    assert (first.copy, second.copy) == (False, True)
    assert parts(second) == [(2, 0, SIZE)]


def test_what_an_agent_reported_is_wrapped() -> None:
    (trace,) = traces(f.ipv4(f.udp(f.hep3(MESSAGE, f.A4, f.B4), 9060, 9060)))
    assert trace.wrapped


def test_of_what_an_agent_reported_over_tcp_every_segment_is_known() -> None:
    first, report = f.hep3(options(1), f.A4, f.B4), f.hep3(MESSAGE, f.A4, f.B4)
    one, trace = traces(segment(first + report[:50], 100), segment(report[50:], 150 + len(first)))
    assert one.wrapped
    assert trace.wrapped
    assert parts(trace) == [(1, 0, 50), (2, 50, len(report))]


@pytest.mark.parametrize("blanks", [b"", b"\r\n\r\n"], ids=["", "behind-blank-lines"])
def test_each_fragment_brought_its_part(blanks: bytes) -> None:
    pieces = f.fragments_v4(f.ipv4(f.udp(blanks + MESSAGE)), 200, 5)
    first, *rest = pieces
    (trace,) = traces(*rest, first)
    ends = [200 * at - 8 - len(blanks) for at in range(1, len(pieces))]
    expected = [*zip([*ends], [*ends[1:], SIZE], strict=True), (0, ends[0])]
    assert [(piece.first, piece.last) for piece in trace.pieces] == expected
    assert [piece.number for piece in trace.pieces] == list(range(1, len(pieces) + 1))


def test_a_first_fragment_that_stays_alone_is_where_it_stood() -> None:
    first, *_ = f.fragments_v4(f.ipv4(f.udp(options(body=b"b" * 2000))), 1480, 5)
    (trace,) = traces(first, f.ipv4(f.udp(b"\r\n")), step=SECOND)
    assert parts(trace) == [(1, 0, 1480 - 8)]
    assert trace.missing


def test_each_segment_brought_its_part_whatever_came_before_in_the_stream() -> None:
    other = options(1)
    trace = traces(
        segment(other + MESSAGE[:10], 100),
        segment(MESSAGE[10:50], 110 + len(other)),
        segment(MESSAGE[50:], 150 + len(other)),
    )[-1]
    assert parts(trace) == [(1, 0, 10), (2, 10, 50), (3, 50, SIZE)]


def test_segments_out_of_order_and_again_and_around_zero_are_told_apart() -> None:
    start = 0xFFFFFFFF - 100
    sequence = [
        segment(MESSAGE[at:end], start + at & 0xFFFFFFFF) for at, end in ((0, 80), (160, SIZE), (80, 160), (60, 120))
    ]
    (trace,) = traces(*sequence)
    assert parts(trace) == [(1, 0, 80), (2, 160, SIZE), (3, 80, 160), (4, 60, 120)]


def test_the_first_acknowledgement_of_all_of_it_is_noted() -> None:
    acknowledgements = [
        f.ipv4(f.tcp(b"", 7, f.ACK, acknowledged=upto, sport=5060, dport=40000), f.TCP, f.B4, f.A4)
        for upto in (99 + SIZE, 100 + SIZE, 200 + SIZE)
    ]
    (trace,) = traces(segment(MESSAGE, 100), *acknowledgements)
    assert trace.acknowledged == Piece(3, 0, 0, 0)


def test_an_unfinished_message_is_where_it_stood() -> None:
    (trace,) = traces(segment(MESSAGE[:-50], 100))
    assert (parts(trace), trace.missing) == ([(1, 0, SIZE - 50)], 1)


def test_of_a_websocket_message_every_segment_is_known() -> None:
    frame = f.websocket_frame(MESSAGE, mask=b"\1\2\3\4")
    trace = traces(
        segment(f.websocket_frame(options(1)) + frame[:40], 100),
        *[segment(frame[40:], 140 + len(f.websocket_frame(options(1))))],
    )[-1]
    assert [piece.number for piece in trace.pieces] == [1, 2]


def test_what_is_remembered_of_streams_stays_within_bounds() -> None:
    decoder = TracingDecoder(Limits(streams=10, fragmented=5))
    for at in range(2000):
        source = bytes((10, 0, at % 40, 1))
        data = f.ipv4(f.tcp(MESSAGE, 1 + SIZE * at), f.TCP, source, f.B4)
        decoder.trace(at, at * MILLISECOND, 101, data)
        first, *_ = f.fragments_v4(f.ipv4(f.udp(MESSAGE)), 200, at)
        decoder.trace(at, at * MILLISECOND, 101, first)
    directions = decoder._traced_streams._directions
    assert len(directions) <= 10
    assert len(decoder._pieces) <= 5
    assert all(len(direction.segments) <= 256 for direction in directions.values())


@given(st.integers(0, 2**32))
def test_it_never_raises_and_pieces_stay_inside_the_text(seed: int) -> None:
    random = Random(seed)
    stream = b"".join(options(n) for n in range(4))
    decoder = TracingDecoder()
    for number in range(40):
        at = random.randrange(len(stream))
        data = segment(
            stream[at : at + random.randrange(1, 400)], 1000 + at, random.choice([f.ACK, f.ACK, f.SYN, f.FIN])
        )
        if random.random() < 0.3:
            data = random.choice(f.fragments_v4(f.ipv4(f.udp(MESSAGE)), 200, random.randrange(3)))
        for item, trace in decoder.trace(number, number * MILLISECOND, 101, data[: random.choice([len(data), 60])]):
            if isinstance(item, (Request, Response)):
                assert all(0 <= piece.first <= piece.last for piece in trace.pieces)
                assert trace.pieces or trace.missing
