"""Bytes out of files, pipes and gzip, in bounded memory."""

from __future__ import annotations

import gzip
import os
import zlib
from typing import TYPE_CHECKING

import pytest

from sipwatch.capture import reader as module
from sipwatch.capture.errors import CaptureError
from sipwatch.capture.reader import Reader
from tests.capture.builders import packets, pcap, pcapng, read

if TYPE_CHECKING:
    from pathlib import Path

FRAMES = packets(2_000, size=60)


@pytest.mark.parametrize("make", [pcap, pcapng])
def test_gzip_is_unpacked(tmp_path: Path, make: type) -> None:
    packed = gzip.compress(make(FRAMES))
    found = read(tmp_path / "x.pcap", packed)
    assert (found.frames, found.warnings) == (FRAMES, [])
    assert found.bytes_read == found.total_bytes == len(packed)


@pytest.mark.parametrize("padding", [b"", bytes(512), b"\n"], ids=["nothing", "zeros", "a newline"])
def test_members_of_gzip_one_after_the_other_are_one_file(tmp_path: Path, padding: bytes) -> None:
    """As ``cat a.gz b.gz`` makes them; what pads the end is no member."""
    content = pcap(FRAMES)
    packed = b"".join(gzip.compress(content[at : at + 9999]) for at in range(0, len(content), 9999))
    found = read(tmp_path / "x", packed + padding)
    assert (found.frames, found.warnings) == (FRAMES, [])


@pytest.mark.parametrize("chunk", [1, 100, 4096])
def test_how_gzip_comes_does_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    monkeypatch.setattr(module, "_PACKED_CHUNK", chunk)
    monkeypatch.setattr(module, "CHUNK", 3 * chunk)
    frames = packets(200, size=60)
    assert read(tmp_path / "x", gzip.compress(pcap(frames)) + gzip.compress(b"")).frames == frames


def test_gzip_that_ends_early_gives_what_was_there(tmp_path: Path) -> None:
    """At every byte: packets in order from the first, a warning, and more of them the later the cut."""
    frames = packets(20, size=60)
    packed = gzip.compress(pcap(frames), compresslevel=0)
    had = 0
    for cut in range(60, len(packed)):
        found = read(tmp_path / "x", packed[:cut])
        assert found.frames == frames[: found.packets]
        assert [w.partition(" after")[0] for w in found.warnings] == ["the gzip data ends early"]
        assert found.packets >= had
        had = found.packets
    assert had == 20


def test_corrupt_gzip_gives_what_comes_before_the_damage(tmp_path: Path) -> None:
    """Stored blocks make the damage's place known: the 31st packet's block has no valid type."""
    content = pcap(packets(40, size=60))
    cut = 24 + 30 * 76
    packer = zlib.compressobj(0, wbits=31)
    packed = packer.compress(content[:cut]) + packer.flush(zlib.Z_FULL_FLUSH) + b"\xff" * 50
    found = read(tmp_path / "x", packed)
    assert found.frames == packets(30, size=60)
    assert [w.partition(" after")[0] for w in found.warnings] == ["the gzip data is corrupt"]


def test_a_wrong_checksum_is_told_but_takes_nothing_away(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(pcap(FRAMES)))
    packed[-8] ^= 1
    found = read(tmp_path / "x", bytes(packed))
    assert found.frames == FRAMES
    assert [w.partition(" after")[0] for w in found.warnings] == ["the gzip data is corrupt"]


@pytest.mark.parametrize("size", [2, 5, 12])
def test_gzip_without_anything_in_it_is_an_error(tmp_path: Path, size: int) -> None:
    with pytest.raises(CaptureError, match="the gzip data ends early before the first packet"):
        read(tmp_path / "x", gzip.compress(pcap(FRAMES))[:size])


def test_gzip_that_is_corrupt_from_the_beginning_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="the gzip data is corrupt before the first packet"):
        read(tmp_path / "x", b"\x1f\x8b" + b"\xff" * 100)


def test_what_gzip_blows_up_is_never_in_memory_at_once(tmp_path: Path) -> None:
    """A thousand times as large unpacked; the buffer stays within what a record may need."""
    (tmp_path / "x").write_bytes(gzip.compress(bytes(64 << 20), compresslevel=9))
    reader = Reader(os.open(tmp_path / "x", os.O_RDONLY))
    reader.begin()
    largest = total = 0
    while reader.more():
        largest = max(largest, len(reader.buffer))
        total += len(reader.buffer)
        reader.at = len(reader.buffer)
    reader.close()
    assert total >= 64 << 20
    assert largest <= 2 * module.CHUNK


def test_what_cannot_be_read_is_damage_and_no_exception(tmp_path: Path) -> None:
    """Opened for writing only, a file refuses to be read."""
    reader = Reader(os.open(tmp_path / "x", os.O_WRONLY | os.O_CREAT))
    assert not reader.more()
    assert reader.damage == "reading failed (Bad file descriptor)"
    reader.close()
    reader.close()
