"""Classic pcap: what is written is read, and damage ends it there."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipwatch.capture import pcap as module
from sipwatch.capture.errors import CaptureError
from sipwatch.capture.files import open_capture
from tests.capture.builders import ORDERS, SECOND, START, Read, packets, pcap, read

if TYPE_CHECKING:
    from pathlib import Path

EVERY_ORDER = pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)


@EVERY_ORDER
@pytest.mark.parametrize(
    "kind", [{}, {"nano": True}, {"modified": True}], ids=["microseconds", "nanoseconds", "kuznetsov"]
)
def test_every_kind_of_pcap_is_read(tmp_path: Path, order: str, kind: dict[str, bool]) -> None:
    frames = packets(100, size=60)
    found = read(tmp_path / "x", pcap(frames, order=order, **kind))
    assert found.frames == frames
    assert found.told == (100, frames[0][0], frames[-1][0], [])


def test_nanoseconds_are_exact(tmp_path: Path) -> None:
    """No float lies between the file and the frame."""
    frames = [(START + 123_456_789, 1, b"a"), ((2**32 - 1) * SECOND + 999_999_999, 1, b"b")]
    assert read(tmp_path / "x", pcap(frames, nano=True)).frames == frames


@pytest.mark.parametrize("link_type", [0, 1, 12, 14, 101, 108, 113, 276, 147])
def test_link_types_are_handed_on_and_not_judged(tmp_path: Path, link_type: int) -> None:
    assert read(tmp_path / "x", pcap(packets(2, link_type=link_type))).frames == packets(2, link_type=link_type)


def test_the_length_of_the_frame_check_sequence_is_no_part_of_the_link_type(tmp_path: Path) -> None:
    assert read(tmp_path / "x", pcap(packets(1), link_type=0x40000001)).frames == packets(1)


def test_times_that_step_back_stay_in_the_order_of_the_file(tmp_path: Path) -> None:
    frames = [*packets(2), *packets(2, start=START - SECOND)]
    found = read(tmp_path / "x", pcap(frames))
    assert found.frames == frames
    assert (found.first, found.last) == (frames[0][0], frames[-1][0])


def test_a_header_alone_is_a_capture_without_packets(tmp_path: Path) -> None:
    found = read(tmp_path / "x", pcap([]))
    assert (found.frames, found.told) == ([], (0, None, None, []))


def test_an_empty_packet_is_a_packet(tmp_path: Path) -> None:
    assert read(tmp_path / "x", pcap([(START, 1, b"")])).frames == [(START, 1, b"")]


@EVERY_ORDER
def test_cut_at_any_byte_it_gives_the_packets_before_the_cut(tmp_path: Path, order: str) -> None:
    """A cut within the header leaves nothing to read; every later one a warning unless it falls between records."""
    frames = packets(3, size=20)
    whole = pcap(frames, order=order)
    for cut in range(24, len(whole)):
        found = read(tmp_path / "x", whole[:cut])
        complete, rest = divmod(cut - 24, 36)
        assert found.frames == frames[:complete]
        wanted = f"cut off in the middle of a record after packet {complete}, reported up to there: {tmp_path / 'x'}"
        assert found.warnings == ([wanted] if rest else [])


@pytest.mark.parametrize("size", range(4, 24))
def test_cut_within_its_header_it_is_an_error(tmp_path: Path, size: int) -> None:
    with pytest.raises(CaptureError, match="ends inside its own header"):
        read(tmp_path / "x", pcap(packets(1))[:size])


def test_an_unknown_version_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match=r"version 3\.0 is unknown, expected 2\.4; convert it"):
        read(tmp_path / "x", struct.pack("<IHHiIII", 0xA1B2C3D4, 3, 0, 0, 0, 65535, 1))


def test_a_record_may_be_as_long_as_the_limit(tmp_path: Path) -> None:
    frames = [(START, 1, bytes(module.MAX_RECORD_SIZE)), *packets(2)]
    assert read(tmp_path / "x", pcap(frames)).frames == frames


@pytest.mark.parametrize("behind", [0, 3 << 20], ids=["nothing behind", "much behind"])
def test_an_absurd_record_length_ends_the_file(tmp_path: Path, behind: int) -> None:
    """Whether the bytes are there does not matter."""
    damaged = struct.pack("<IIII", 1, 0, module.MAX_RECORD_SIZE + 1, 60) + bytes(behind)
    found = read(tmp_path / "x", pcap(packets(7)) + damaged)
    assert found.frames == packets(7)
    assert found.warnings == [f"absurd record length 1048577 after packet 7, reported up to there: {tmp_path / 'x'}"]


@EVERY_ORDER
@pytest.mark.parametrize("chunk", [1, 7, 100, 1000])
def test_how_the_bytes_come_does_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, order: str, chunk: int
) -> None:
    monkeypatch.setattr("sipwatch.capture.reader.CHUNK", chunk)
    assert read(tmp_path / "x", pcap(packets(50, size=33), order=order)).frames == packets(50, size=33)


@given(rest=st.binary(max_size=400), order=st.sampled_from("<>"))
def test_no_bytes_behind_a_good_header_raise(tmp_path_factory: pytest.TempPathFactory, rest: bytes, order: str) -> None:
    path = tmp_path_factory.getbasetemp() / "random.pcap"
    found = read(path, pcap(packets(2), order=order) + rest)
    assert found.frames[:2] == packets(2)
    assert found.packets == len(found.frames)


def test_what_is_given_up_early_is_counted_as_far_as_it_was_taken(tmp_path: Path) -> None:
    """Ctrl-C: the consumer stops, and packets and last are those it has had."""
    (tmp_path / "x").write_bytes(pcap(packets(9)))
    source = open_capture([str(tmp_path / "x")])
    frames = iter(source)
    taken = [next(frames) for _ in range(4)]
    del frames
    source._only = None
    assert (source.packets, source.last) == (4, taken[-1][0])
    source.close()


def test_the_reader_of_a_file_that_is_read_to_its_end_says_so(tmp_path: Path) -> None:
    content = pcap(packets(100))
    (tmp_path / "x").write_bytes(content)
    found = Read(tmp_path / "x")
    assert found.bytes_read == found.total_bytes == len(content)
