"""Counts as bars: where they stand, and how high they are."""

from __future__ import annotations

import itertools

from sipwatch.report.bars import BarCounts, BarFrame, chart
from tests.each import for_each


def counted(*counts: int) -> list[BarCounts]:
    return [BarCounts(str(place), f"bar {place}", (("took", count),)) for place, count in enumerate(counts)]


@for_each(
    "most, marks",
    [
        (0, "0 1"),
        (1, "0 1"),
        (2, "0 1 2"),
        (4, "0 1 2 3 4"),
        (7, "0 2 4 6 8"),
        (32, "0 10 20 30 40"),
        (1001, "0 500 1,000 1,500"),
        (7_500, "0 2,000 4,000 6,000 8,000"),
    ],
)
def test_the_scale_is_easily_read(most: int, marks: str) -> None:
    assert " ".join(line.words for line in chart(counted(most)).lines) == marks


def test_pieces_stand_on_each_other_and_make_the_whole_height() -> None:
    picture = chart([BarCounts("09", "nine", (("took", 10), ("refused", 0), ("beside", 5)))])
    (bar,) = picture.bars
    took, beside = bar.pieces
    bottom, top = picture.lines[0].y, picture.lines[-1].y
    assert (took.kind, beside.kind, picture.lines[-1].words) == ("took", "beside", "15")
    assert took.y + took.height == bottom
    assert beside.y + beside.height == took.y
    assert bottom - beside.y == bottom - top


def test_bars_stand_beside_each_other_within_the_picture() -> None:
    bars = chart(counted(*range(24))).bars
    assert all(one.x + one.width < other.x for one, other in itertools.pairwise(bars))
    assert bars[-1].x + bars[-1].width <= BarFrame().width


@for_each("bars", [1, 24, 62, 100])
@for_each("label", ["09", "10:00", "01-05 09:00"])
@for_each("frame", [BarFrame(), BarFrame(width=900, left=48, right=8)])
def test_labels_leave_room_for_each_other_and_stay_in_the_picture(bars: int, label: str, frame: BarFrame) -> None:
    """A letter is some six units wide."""
    shown = [bar for bar in chart([BarCounts(label, "", ())] * bars, frame).bars if bar.label]
    half = len(label) * 6 / 2
    assert all(one.middle + half < other.middle - half for one, other in itertools.pairwise(shown))
    assert shown[-1].middle + half <= frame.width
    assert len(shown) >= min(bars, 8)


def test_few_bars_are_no_blocks() -> None:
    (bar,) = chart(counted(1)).bars
    assert (bar.width, bar.x + bar.width / 2) == (60, bar.middle)


def test_nothing_is_an_empty_picture() -> None:
    assert chart([]).bars == []
