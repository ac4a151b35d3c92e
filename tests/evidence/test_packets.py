"""Bytes that belong together are read and replaced together, in whichever packets they stand."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sipwatch.evidence.packets import Canvas, Packet, View


def packets(*contents: bytes) -> list[Packet]:
    return [Packet(place, 0, 1, content) for place, content in enumerate(contents)]


def test_a_view_reads_over_packets() -> None:
    first, second = packets(b"--abc", b"def--")
    view = View.joined([View.of(first, 2), View.of(second, 0, 3)])
    assert (len(view), view.read(), view.packets) == (6, b"abcdef", [first, second])
    assert view.cut(2, 5).read() == b"cde"
    assert view.cut(4, 4).read() == b""


def test_what_is_written_stands_in_its_packets_and_the_packets_stay_as_captured() -> None:
    first, second = packets(b"--abc", b"def--")
    view = View.joined([View.of(first, 2), View.of(second, 0, 3)])
    canvas: Canvas = {}
    assert view.write(canvas, 1, b"XYZ")
    assert canvas == {0: b"--aXY", 1: b"Zef--"}
    assert view.read(canvas) == b"aXYZef"
    assert view.read() == b"abcdef"


def test_a_packet_that_does_not_change_stays_off_the_canvas() -> None:
    first, second = packets(b"abc", b"def")
    view = View.joined([View.of(first), View.of(second)])
    canvas: Canvas = {}
    assert not view.write(canvas, 0, b"abc")
    assert view.write(canvas, 2, b"cXe")
    assert canvas == {1: b"Xef"}
    assert not view.write(canvas, 3, b"Xe")


def test_a_view_ends_where_its_packet_ends() -> None:
    (packet,) = packets(b"abc")
    assert View.of(packet, 1, 99).read() == b"bc"
    assert View.of(packet, 99).read() == b""


@given(st.lists(st.binary(max_size=6), min_size=1, max_size=5), st.data())
def test_cutting_and_writing_are_those_of_the_joined_bytes(contents: list[bytes], data: st.DataObject) -> None:
    view = View.joined([View.of(packet) for packet in packets(*contents)])
    whole = b"".join(contents)
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, len(whole)))
    assert view.cut(start, end).read() == whole[start:end]
    new = data.draw(st.binary(min_size=end - start, max_size=end - start))
    canvas: Canvas = {}
    assert view.write(canvas, start, new) is (new != whole[start:end])
    assert view.read(canvas) == whole[:start] + new + whole[end:]
