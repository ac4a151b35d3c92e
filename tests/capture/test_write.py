"""What is written can be read, by us and by tshark: every packet, its time to the nanosecond, its link type."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipwatch.capture.tally import LATEST
from sipwatch.capture.write import Saved, capture_file, extension
from tests.capture import builders

if TYPE_CHECKING:
    from pathlib import Path

TIME = builders.START + 123_456_789
PLAIN = [Saved(TIME, 1, b"a" * 60, 60), Saved(TIME + 1, 1, b"b" * 61, 1500), Saved(TIME + 2, 1, b"", 60)]
MIXED = [Saved(TIME, 1, b"a" * 60, 60), Saved(TIME + 1, 101, b"b" * 21, 21), Saved(TIME + 2, 276, b"c" * 22, 40)]


def test_packets_of_one_link_type_make_a_classic_pcap(tmp_path: Path) -> None:
    content = capture_file(PLAIN)
    assert extension(PLAIN) == "pcap"
    assert content[:4] == bytes.fromhex("4d3cb2a1")
    assert builders.read(tmp_path / "x", content).frames == [tuple(packet[:3]) for packet in PLAIN]


def test_packets_of_several_make_a_pcapng(tmp_path: Path) -> None:
    assert extension(MIXED) == "pcapng"
    assert builders.read(tmp_path / "x", capture_file(MIXED)).frames == [tuple(packet[:3]) for packet in MIXED]


def test_so_does_a_time_that_pcap_cannot_hold(tmp_path: Path) -> None:
    late = [Saved((1 << 32) * builders.SECOND + 5, 1, b"abcd", 4)]
    assert extension(late) == "pcapng"
    assert builders.read(tmp_path / "x", capture_file(late)).frames == [tuple(late[0][:3])]


def test_no_packets_make_an_empty_capture(tmp_path: Path) -> None:
    assert builders.read(tmp_path / "x", capture_file([])).frames == []


def test_a_length_below_what_was_captured_is_none(tmp_path: Path) -> None:
    assert capture_file([Saved(TIME, 1, b"abcd", 2)]) == capture_file([Saved(TIME, 1, b"abcd", 4)])


def test_the_same_packets_give_the_same_bytes() -> None:
    assert capture_file(MIXED) == capture_file(list(MIXED))


@given(
    st.lists(
        st.builds(
            Saved, st.integers(0, LATEST), st.sampled_from([1, 101, 113]), st.binary(max_size=50), st.integers(0, 99)
        ),
        max_size=6,
    )
)
def test_whatever_is_written_is_read_again(tmp_path_factory: pytest.TempPathFactory, packets: list[Saved]) -> None:
    path = tmp_path_factory.mktemp("written") / "x"
    assert builders.read(path, capture_file(packets)).frames == [tuple(packet[:3]) for packet in packets]


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
@pytest.mark.parametrize("packets", [PLAIN, MIXED], ids=["pcap", "pcapng"])
def test_tshark_reads_the_same(tmp_path: Path, packets: list[Saved]) -> None:
    path = tmp_path / f"x.{extension(packets)}"
    path.write_bytes(capture_file(packets))
    fields = [part for name in ("frame.time_epoch", "frame.cap_len", "frame.len") for part in ("-e", name)]
    done = subprocess.run(
        ["tshark", "-n", "-r", str(path), "-T", "fields", *fields], capture_output=True, text=True, check=True
    )
    assert [line.split("\t") for line in done.stdout.splitlines()] == [
        [f"{packet.time // 10**9}.{packet.time % 10**9:09d}", str(len(packet.data)), str(packet.length)]
        for packet in packets
    ]
