"""pcapng: sections, interfaces, resolutions, every packet block, and damage."""

from __future__ import annotations

import contextlib
import struct
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipwatch.capture import pcapng as module
from sipwatch.capture.errors import CaptureError
from sipwatch.capture.tally import LATEST
from tests.capture.builders import (
    ORDERS,
    SECOND,
    START,
    block,
    enhanced,
    interface,
    obsolete,
    option,
    packets,
    pcapng,
    read,
    section,
    simple,
    units,
)

if TYPE_CHECKING:
    from pathlib import Path

EVERY_ORDER = pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
MICROS = START // 1000


@EVERY_ORDER
@pytest.mark.parametrize(
    "resolution", [0, 3, 6, 9, 10, 0x80 | 10, 0x80 | 32], ids=lambda r: f"{'2' if r & 128 else '10'}^-{r & 127}"
)
@pytest.mark.parametrize("offset", [0, 1_000_000_000, -3600], ids=["no offset", "offset", "negative offset"])
def test_every_order_resolution_and_offset_is_read(tmp_path: Path, order: str, resolution: int, offset: int) -> None:
    coarse = {0: SECOND, 3: SECOND // 1000, 0x80 | 10: SECOND // 2}
    frames = packets(20, step=coarse.get(resolution, 1_000), size=61)
    found = read(tmp_path / "x", pcapng(frames, order=order, resolution=resolution, offset=offset))
    assert found.frames == frames
    assert found.told == (20, frames[0][0], frames[-1][0], [])


def test_without_a_resolution_times_are_microseconds(tmp_path: Path) -> None:
    found = read(tmp_path / "x", section() + interface() + enhanced("<", 0, MICROS + 7, b"a"))
    assert found.frames == [(START + 7_000, 1, b"a")]


def test_a_fraction_of_a_nanosecond_is_cut_off(tmp_path: Path) -> None:
    content = section() + interface(resolution=10) + enhanced("<", 0, START * 10 + 19, b"a")
    assert read(tmp_path / "x", content).frames == [(START + 1, 1, b"a")]


def test_interfaces_have_their_own_link_types_and_resolutions(tmp_path: Path) -> None:
    content = (
        section()
        + interface(link_type=1)
        + interface(link_type=113, resolution=9)
        + enhanced("<", 1, START + 1, b"sll")
        + enhanced("<", 0, MICROS + 1, b"ether")
    )
    assert read(tmp_path / "x", content).frames == [(START + 1, 113, b"sll"), (START + 1000, 1, b"ether")]


def test_a_section_begins_anew(tmp_path: Path) -> None:
    """Byte order and interfaces are the section's own."""
    content = (
        section("<") + interface("<", 1) + enhanced("<", 0, MICROS, b"a")
        + section(">") + interface(">", 101, resolution=9) + enhanced(">", 0, START, b"b")
        + section("<") + interface("<", 113) + enhanced("<", 0, MICROS, b"c")
    )  # fmt: skip
    assert read(tmp_path / "x", content).frames == [(START, 1, b"a"), (START, 101, b"b"), (START, 113, b"c")]


@EVERY_ORDER
def test_an_obsolete_packet_block_is_read(tmp_path: Path, order: str) -> None:
    content = section(order) + interface(order) + interface(order, 113) + obsolete(order, 1, MICROS, b"abc")
    assert read(tmp_path / "x", content).frames == [(START, 113, b"abc")]


@EVERY_ORDER
def test_a_simple_packet_has_the_time_of_the_one_before(tmp_path: Path, order: str) -> None:
    content = (
        section(order)
        + interface(order)
        + simple(order, b"a")
        + enhanced(order, 0, MICROS, b"b")
        + simple(order, b"cd")
    )
    assert read(tmp_path / "x", content).frames == [(0, 1, b"a"), (START, 1, b"b"), (START, 1, b"cd")]


def test_a_simple_packet_is_as_long_as_the_snap_length(tmp_path: Path) -> None:
    content = section() + interface(snaplen=3) + simple("<", b"abc", original=1500)
    assert read(tmp_path / "x", content).frames == [(0, 1, b"abc")]


@EVERY_ORDER
def test_blocks_of_other_kinds_are_skipped(tmp_path: Path, order: str) -> None:
    """Names, statistics, secrets, custom blocks and those nobody knows yet; also very short ones."""
    between = b"".join(
        block(order, kind, bytes(size)) for kind in (4, 5, 10, 0xBAD, 0x0BADBEEF) for size in (0, 4, 400_000)
    )
    one = enhanced(order, 0, MICROS, b"x")
    found = read(
        tmp_path / "x", section(order) + between + interface(order) + one + between + one + block(order, 99, b"")
    )
    assert (found.packets, found.warnings) == (2, [])


def test_options_of_a_packet_are_no_part_of_it(tmp_path: Path) -> None:
    options = option("<", 2, bytes(4)) + option("<", 0, b"")
    content = section() + interface() + enhanced("<", 0, MICROS, b"abcde", options)
    assert read(tmp_path / "x", content).frames == [(START, 1, b"abcde")]


@EVERY_ORDER
@pytest.mark.parametrize("chunk", [1, 7, 100, 1000])
def test_how_the_bytes_come_does_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, order: str, chunk: int
) -> None:
    monkeypatch.setattr("sipwatch.capture.reader.CHUNK", chunk)
    content = pcapng(packets(30, size=33), order=order) * 2
    assert read(tmp_path / "x", content).frames == packets(30, size=33) * 2


@EVERY_ORDER
def test_cut_at_any_byte_it_gives_the_packets_before_the_cut(tmp_path: Path, order: str) -> None:
    frames = packets(3, size=21)
    whole = pcapng(frames, order=order)
    head = len(pcapng([], order=order))
    one = (len(whole) - head) // 3
    boundaries = {len(section(order)), *range(head, len(whole) + 1, one)}
    for cut in range(16, len(whole)):
        found = read(tmp_path / "x", whole[:cut])
        assert found.frames == frames[: max(cut - head, 0) // one]
        assert [w.partition(" after")[0] for w in found.warnings] == (
            [] if cut in boundaries else ["cut off in the middle of a block"]
        )


def test_cut_within_its_first_bytes_it_is_an_error(tmp_path: Path) -> None:
    for size in range(4, 16):
        with pytest.raises(CaptureError, match="ends inside its own header"):
            read(tmp_path / "x", section()[:size])


@pytest.mark.parametrize(
    ("beginning", "words"),
    [
        (section()[:8] + b"abcd" + section()[12:], "damaged section header"),
        (section(version=2), "pcapng version 2 is unknown, expected 1"),
    ],
    ids=["no byte order", "unknown version"],
)
def test_a_useless_beginning_is_an_error(tmp_path: Path, beginning: bytes, words: str) -> None:
    with pytest.raises(CaptureError, match=words):
        read(tmp_path / "x", beginning)


GOOD = enhanced("<", 0, MICROS, b"good")


@pytest.mark.parametrize(
    ("damaged", "words"),
    [
        (struct.pack("<II", 6, 0) + bytes(24), "absurd block length 0"),
        (struct.pack("<II", 6, 34) + bytes(40), "absurd block length 34"),
        (struct.pack("<II", 10, 1 << 25) + bytes(40), "absurd block length 33554432"),
        (GOOD[:-4] + bytes(4), "a block whose two lengths differ,"),
        (enhanced("<", 5, MICROS, b"x"), "a packet of interface 5, which is not described,"),
        (GOOD[:20] + struct.pack("<I", 900) + GOOD[24:], "absurd record length 900"),
        (block("<", 6, bytes(8)), "damaged packet block"),
        (block("<", 3, b""), "damaged packet block"),
        (simple("<", b"abcd", original=500), "absurd record length 500"),
        (block("<", 1, b""), "damaged interface description"),
        (section()[:8] + b"abcd" + section()[12:], "damaged section header"),
        (section(version=9), "pcapng version 9 is unknown, expected 1"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_broken_block_ends_the_file(tmp_path: Path, damaged: bytes, words: str) -> None:
    found = read(tmp_path / "x", section() + interface() + GOOD + GOOD + damaged + GOOD)
    assert found.frames == [(START, 1, b"good")] * 2
    assert found.warnings == [f"{words} after packet 2, reported up to there: {tmp_path / 'x'}"]


def test_interfaces_are_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_INTERFACES", 3)
    found = read(tmp_path / "x", section() + interface() * 3 + GOOD + interface() + GOOD)
    assert (found.packets, found.warnings[0].partition(" after")[0]) == (1, "more than 3 interfaces")


@pytest.mark.parametrize(("time", "seen"), [(2**64 - 1, LATEST), (0, 0)], ids=["beyond the calendar", "before it"])
def test_an_absurd_time_is_brought_within_the_calendar(tmp_path: Path, time: int, seen: int) -> None:
    """Whoever writes the time as a date must not fail over it."""
    for offset in (0, -5):
        found = read(tmp_path / "x", section() + interface(offset=offset) + enhanced("<", 0, time, b"x"))
        assert found.frames == [(seen, 1, b"x")]


@given(rest=st.binary(max_size=300), order=st.sampled_from("<>"))
def test_no_bytes_behind_a_good_beginning_raise(
    tmp_path_factory: pytest.TempPathFactory, rest: bytes, order: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "random.pcapng"
    found = read(path, pcapng(packets(2), order=order) + rest)
    assert found.frames[:2] == packets(2)
    assert found.packets == len(found.frames)


@given(at=st.integers(0, 400), value=st.integers(0, 255))
def test_no_changed_byte_raises_anything_but_a_capture_error(
    tmp_path_factory: pytest.TempPathFactory, at: int, value: int
) -> None:
    content = bytearray(pcapng(packets(3, size=40), resolution=9) + pcapng(packets(2), order=">", offset=5))
    content[at % len(content)] = value
    with contextlib.suppress(CaptureError):
        read(tmp_path_factory.getbasetemp() / "changed.pcapng", bytes(content))


def test_the_builder_rounds_as_the_reader_does() -> None:
    assert units(START, 0x80 | 32) == START // SECOND << 32
