"""Counts as bars: where they stand, and how high they are."""

from __future__ import annotations

import itertools

from sipwatch.web.charts import WIDTH, BarCounts, chart
from tests.each import for_each


def counted(*counts: int) -> list[BarCounts]:
    return [BarCounts(str(place), f"bar {place}", (("took", count),)) for place, count in enumerate(counts)]


@for_each(
    "most, marks",
    [(0, ["0", "1"]), (1, ["0", "1"]), (2, ["0", "1", "2"]), (7, ["0", "5", "10"]), (1001, ["0", "1,000", "2,000"])],
)
def test_the_scale_is_easily_read(most: int, marks: list[str]) -> None:
    assert [line.words for line in chart(counted(most)).lines] == marks


def test_pieces_stand_on_each_other_and_make_the_whole_height() -> None:
    picture = chart([BarCounts("09", "nine", (("took", 10), ("refused", 0), ("beside", 5)))])
    (bar,) = picture.bars
    took, beside = bar.pieces
    bottom, top = picture.lines[0].y, picture.lines[-1].y
    assert (took.kind, beside.kind, picture.lines[-1].words) == ("took", "beside", "20")
    assert took.y + took.height == bottom
    assert beside.y + beside.height == took.y
    assert bottom - beside.y == (bottom - top) * 15 / 20


def test_bars_stand_beside_each_other_within_the_picture() -> None:
    bars = chart(counted(*range(24))).bars
    assert all(one.x + one.width < other.x for one, other in itertools.pairwise(bars))
    assert bars[-1].x + bars[-1].width <= WIDTH


def test_labels_leave_room_for_each_other() -> None:
    labels = [bar.label for bar in chart(counted(*range(100))).bars]
    assert [label for label in labels if label] == [str(place) for place in range(0, 100, 8)]


def test_nothing_is_an_empty_picture() -> None:
    assert chart([]).bars == []
