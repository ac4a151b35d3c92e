"""Files as a source: what cannot be read is said at once, several are merged, standard input is live."""

from __future__ import annotations

import gzip
import os
import resource
import shutil
import subprocess
import sys
import threading
import zlib
from heapq import merge
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipwatch.capture.errors import CaptureError
from sipwatch.capture.files import CaptureSource, open_capture
from tests.capture.builders import SECOND, START, Frame, Read, packets, pcap, pcapng

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


# What cannot be read


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match=r"no\.pcap: no such file; check the name"):
        open_capture([str(tmp_path / "no.pcap")])


def test_a_directory(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match=r"is a directory; name the files in it, such as .*/\*\.pcap"):
        open_capture([f"{tmp_path}/"])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_of_somebody_else(tmp_path: Path) -> None:
    (tmp_path / "x").touch(mode=0)
    with pytest.raises(CaptureError, match="permission denied; is the file yours to read"):
        open_capture([str(tmp_path / "x")])


def test_a_refused_permission_is_said_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as context:
        context.setattr(os, "open", refuse)
        with pytest.raises(CaptureError, match="x: permission denied; is the file yours to read"):
            open_capture([str(tmp_path / "x")])


@pytest.mark.parametrize("others", [0, 2], ids=["alone", "among others"])
def test_a_file_that_is_no_capture_is_said_before_anything_is_read(tmp_path: Path, others: int) -> None:
    """Not after an hour's work on the other files; and nothing stays open."""
    paths = []
    for name in range(others):
        (tmp_path / f"{name}").write_bytes(pcap(packets(1)))
        paths.append(str(tmp_path / f"{name}"))
    (tmp_path / "bad").write_text("no capture")
    before = descriptors()
    with pytest.raises(CaptureError, match="bad: this is not a capture file but text"):
        open_capture([*paths, str(tmp_path / "bad")])
    assert descriptors() == before


# Several files


def test_files_are_merged_in_time_order(tmp_path: Path) -> None:
    """Formats may differ; equal times come in the order of the files."""
    (tmp_path / "a").write_bytes(pcap([(START, 1, b"a0"), (START + 2000, 1, b"a2"), (START + 4000, 1, b"a4")]))
    (tmp_path / "b").write_bytes(gzip.compress(pcapng([(START, 113, b"b0"), (START + 3000, 113, b"b3")])))
    (tmp_path / "c").write_bytes(pcap([(START + 2000, 1, b"c2")]))
    found = Read(tmp_path / "a", tmp_path / "b", tmp_path / "c")
    assert [data for _, _, data in found.frames] == [b"a0", b"b0", b"a2", b"c2", b"b3", b"a4"]
    assert found.told == (6, START, START + 4000, [])


@given(
    st.lists(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 1)), max_size=6), min_size=2, max_size=5),
)
def test_a_merge_is_that_of_the_standard_library(
    tmp_path_factory: pytest.TempPathFactory, files: list[list[tuple[int, int]]]
) -> None:
    """heapq.merge by time, though files are opened late and their times step back."""
    folder = tmp_path_factory.getbasetemp()
    made = [
        [(START + t * SECOND, 1, b"%d %d" % (place, n)) for n, (t, _) in enumerate(file)]
        for place, file in enumerate(files)
    ]
    for place, frames in enumerate(made):
        (folder / f"merge{place}").write_bytes(pcap(frames))
    found = Read(*(folder / f"merge{place}" for place in range(len(made))))
    # An empty file or one that comes later changes nothing: the heap holds what is first in each.
    assert found.frames == list(merge(*made, key=lambda frame: frame[0]))


def test_a_ring_of_captures_is_read_with_few_files_open(tmp_path: Path) -> None:
    """tcpdump -C leaves hundreds; in whatever order they are named, a file is opened when its time has come."""
    for number in range(300):
        (tmp_path / f"{number:03}").write_bytes(pcap(packets(3, start=START + number * SECOND)))
    paths = sorted((str(path) for path in tmp_path.iterdir()), key=lambda path: path[::-1])
    before = descriptors()
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before + 10, limit[1]))
    try:
        found = Read(*paths)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limit)
    assert found.packets == len(found.frames) == 900
    assert all(one[0] <= two[0] for one, two in pairwise(found.frames))
    assert descriptors() == before


def test_a_damaged_file_does_not_stop_the_others(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(pcap(packets(4))[:-1])
    (tmp_path / "b").write_bytes(pcap(packets(4, start=START + SECOND)))
    found = Read(tmp_path / "a", tmp_path / "b")
    assert found.packets == 7
    assert found.warnings == [
        f"cut off in the middle of a record after packet 3, reported up to there: {tmp_path / 'a'}"
    ]


def test_a_file_that_goes_away_meanwhile_does_not_stop_the_others(tmp_path: Path) -> None:
    """A ring of captures that is still written removes its oldest file."""
    for name, start in (("a", START), ("b", START + SECOND), ("c", START + 2 * SECOND)):
        (tmp_path / name).write_bytes(pcap(packets(2, start=start)))
    with open_capture([str(tmp_path / name) for name in "abc"]) as source:
        frames = iter(source)
        next(frames)
        (tmp_path / "b").unlink()
        assert len(list(frames)) == 3
        assert len(source.warnings) == 1
        assert source.warnings[0].startswith("it can no longer be read (")


def test_no_files_are_no_packets() -> None:
    found = Read()
    assert (found.frames, found.told, found.total_bytes) == ([], (0, None, None, []), 0)


def test_the_files_are_named_as_they_were_given(tmp_path: Path) -> None:
    for name in "ba":
        (tmp_path / name).write_bytes(pcap(packets(1)))
    paths = [str(tmp_path / name) for name in "ba"]
    with open_capture(paths) as source:
        assert source.files == paths


@pytest.mark.parametrize("files", [1, 3])
def test_a_source_that_is_left_early_leaves_nothing_open(tmp_path: Path, files: int) -> None:
    before = descriptors()
    for number in range(files):
        (tmp_path / str(number)).write_bytes(pcap(packets(100)))
    with open_capture([str(tmp_path / str(number)) for number in range(files)]) as source:
        next(iter(source))
    assert descriptors() == before


# Standard input

Pipe = tuple[CaptureSource, "Callable[[bytes], None]", "Callable[[], None]"]


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pipe]:
    """Give a source on standard input, and how to write into it and to close it.

    Should the source wait for what is not written, the pipe is closed after a while, and the test fails.
    """
    read_end, write_end = os.pipe()
    closing = threading.Lock()
    late = threading.Event()
    is_open = [True]

    def close() -> None:
        with closing:
            if is_open.pop() if is_open else False:
                os.close(write_end)

    def write(data: bytes) -> None:
        assert os.write(write_end, data) == len(data)

    def give_up() -> None:
        late.set()
        close()

    watch = threading.Timer(20, give_up)
    watch.daemon = True
    watch.start()
    with os.fdopen(read_end, "rb") as standard_input:
        monkeypatch.setattr(sys, "stdin", standard_input)
        with open_capture(["-"]) as source:
            yield source, write, close
        watch.cancel()
        close()
    assert not late.is_set(), "the source waited for more than a packet"


@pytest.mark.parametrize("make", [pcap, pcapng])
def test_a_packet_on_standard_input_is_there_as_soon_as_it_is_written(
    pipe: Pipe, make: Callable[[list[Frame]], bytes]
) -> None:
    """As from tcpdump -U -w -: each is read before the next is written, and the pipe stays open."""
    source, write, close = pipe
    frames = packets(4, size=77)
    header = len(make(frames[:0]))
    content = make(frames)
    one = (len(content) - header) // 4
    write(content[: header + one])
    arriving = iter(source)
    assert next(arriving) == frames[0]
    for number in (1, 2, 3):
        at = header + number * one
        write(content[at : at + 10])
        write(content[at + 10 : at + one])
        assert next(arriving) == frames[number]
    close()
    assert next(arriving, None) is None
    assert (source.packets, source.warnings, source.total_bytes) == (4, [], None)
    assert source.bytes_read == len(content)


def test_gzip_on_standard_input_is_unpacked_as_it_comes(pipe: Pipe) -> None:
    source, write, close = pipe
    frames = packets(2, size=77)
    content = pcap(frames)
    packer = zlib.compressobj(wbits=31)
    write(packer.compress(content[: 24 + 93]) + packer.flush(zlib.Z_SYNC_FLUSH))
    arriving = iter(source)
    assert next(arriving) == frames[0]
    write(packer.compress(content[24 + 93 :]) + packer.flush())
    close()
    assert list(arriving) == frames[1:]
    assert source.warnings == []


def test_standard_input_cut_off_is_named_in_the_warning(pipe: Pipe) -> None:
    source, write, close = pipe
    write(pcap(packets(2))[:-1])
    close()
    assert list(source) == packets(1)
    assert source.warnings == ["cut off in the middle of a record after packet 1, reported up to there: standard input"]


def test_standard_input_that_is_no_capture_is_an_error(pipe: Pipe) -> None:
    source, write, close = pipe
    write(b"hello")
    close()
    with pytest.raises(CaptureError, match="standard input: this is not a capture file but text"):
        iter(source)


def test_a_file_as_standard_input_has_a_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x").write_bytes(pcap(packets(3)))
    with (tmp_path / "x").open("rb") as file:
        monkeypatch.setattr(sys, "stdin", file)
        found = Read("-")
    assert found.packets == 3
    assert found.total_bytes == found.bytes_read == (tmp_path / "x").stat().st_size


def test_standard_input_can_be_merged_with_files(tmp_path: Path, pipe: Pipe) -> None:
    _, write, close = pipe
    (tmp_path / "x").write_bytes(pcap(packets(3)))
    write(pcap(packets(3, start=START + 1000)))
    close()
    assert [data for _, _, data in Read(tmp_path / "x", "-").frames] == [
        b"00000",
        b"00000",
        b"00001",
        b"00001",
        b"00002",
        b"00002",
    ]


def test_standard_input_is_named_only_once() -> None:
    with pytest.raises(CaptureError, match="can be read only once; name it once"):
        open_capture(["-", "-"])


@pytest.mark.parametrize("stdin", [None, "closed"])
def test_closed_standard_input_is_an_error(stdin: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = open(os.devnull, "rb")  # noqa: SIM115 - closed at once
    closed.close()
    monkeypatch.setattr(sys, "stdin", closed if stdin else None)
    with pytest.raises(CaptureError, match="standard input is closed; pipe a capture in"):
        open_capture(["-"])


def test_a_terminal_as_standard_input_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    controller, terminal = os.openpty()
    with os.fdopen(terminal, "rb", buffering=0) as typed:
        monkeypatch.setattr(sys, "stdin", typed)
        with pytest.raises(CaptureError, match="is a terminal; pipe a capture in, such as: tcpdump -U -w -"):
            open_capture(["-"])
    os.close(controller)


# Others' captures


def test_packets_are_counted_as_capinfos_counts_them(foreign_captures: Path) -> None:
    """Every capture that is not ours, the damaged one too."""
    if shutil.which("capinfos") is None:
        pytest.skip("capinfos (Wireshark) is not installed")
    paths = sorted(path for path in foreign_captures.iterdir() if path.suffix in (".pcap", ".pcapng"))
    assert paths
    for path in paths:
        said = subprocess.run(["capinfos", "-cMTrm", str(path)], capture_output=True, text=True, check=True).stdout
        assert Read(path).packets == int(said.strip().split(",")[1]), path.name


def test_times_and_lengths_are_those_of_tshark(foreign_captures: Path) -> None:
    """Nanoseconds, of a pcapng file with nine interfaces and of a pcap file."""
    if shutil.which("tshark") is None:
        pytest.skip("tshark is not installed")
    for name in ("gre-vlan.pcapng", "volte-gtp.pcap"):
        fields = ["-T", "fields", "-e", "frame.time_epoch", "-e", "frame.cap_len"]
        said = subprocess.run(
            ["tshark", "-n", "-r", str(foreign_captures / name), *fields], capture_output=True, text=True, check=True
        ).stdout
        wanted = [
            (int(time.replace(".", "")), int(length)) for time, length in (line.split() for line in said.splitlines())
        ]
        assert [(time, len(data)) for time, _, data in Read(foreign_captures / name).frames] == wanted
