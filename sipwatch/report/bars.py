"""Counts as bars beside each other: where each stands and how high it is, in the units of a picture.

Must not know: what is counted, how a picture is written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

_MAX_LINES: Final = 4  # above the one at the bottom
_GAP: Final = 0.15  # on each side, of a bar's room
_WIDEST_GAP: Final = 2.0
_WIDEST: Final = 60.0
_LETTER: Final = 6.5  # how wide one of a label is, at the size in which they are written
_BETWEEN: Final = 10.0  # two labels


class BarFrame(NamedTuple):
    """How large a picture is, and what of it is left to the words around the bars."""

    width: int = 720
    height: int = 150
    left: int = 40
    right: int = 0
    top: int = 10
    foot: int = 20

    @property
    def bottom(self) -> int:
        """Return where the bars stand."""
        return self.height - self.foot

    @property
    def room(self) -> int:
        """Return how high the highest bar may be."""
        return self.bottom - self.top


class BarCounts(NamedTuple):
    """What one bar shows: below it, to who asks, and how many of each kind (a class of the stylesheet), upwards."""

    label: str
    title: str
    counts: tuple[tuple[str, int], ...]


class BarPiece(NamedTuple):
    """A part of a bar."""

    kind: str
    y: float
    height: float


class ChartBar(NamedTuple):
    """A bar, and where its middle is; ``label`` is "" where it would touch another, or the edge."""

    x: float
    width: float
    middle: float
    label: str
    title: str
    pieces: list[BarPiece]


class ScaleLine(NamedTuple):
    """A line that says how much is how high."""

    y: float
    words: str


class Chart(NamedTuple):
    """A picture of bars."""

    frame: BarFrame
    lines: list[ScaleLine]
    bars: list[ChartBar]


def chart(counted: Sequence[BarCounts], frame: BarFrame = BarFrame()) -> Chart:  # noqa: B008 - nobody changes a tuple
    """Return the picture of some bars, from left to right."""
    most = max((sum(count for _, count in one.counts) for one in counted), default=0)
    step = _round_step(most)
    top = max(step, -(-most // step) * step)
    lines = [
        ScaleLine(round(frame.bottom - frame.room * value / top, 2), f"{value:,}") for value in range(0, top + 1, step)
    ]
    each = (frame.width - frame.left - frame.right) / max(1, len(counted))
    longest = max((len(one.label) for one in counted), default=0)
    every = max(1, -int(-(longest * _LETTER + _BETWEEN) // each))
    bars = [
        _bar(one, frame, top, frame.left + each * (place + 0.5), each, is_labelled=place % every == 0)
        for place, one in enumerate(counted)
    ]
    return Chart(frame, lines, bars)


def _bar(one: BarCounts, frame: BarFrame, top: int, middle: float, each: float, *, is_labelled: bool) -> ChartBar:
    width = min(_WIDEST, each - 2 * min(_WIDEST_GAP, each * _GAP))
    fits = middle + len(one.label) * _LETTER / 2 <= frame.width
    return ChartBar(
        round(middle - width / 2, 2),
        round(width, 2),
        round(middle, 2),
        one.label if is_labelled and fits else "",
        one.title,
        _pieces(one, frame, top),
    )


def _pieces(one: BarCounts, frame: BarFrame, top: int) -> list[BarPiece]:
    """Return the parts of a bar, each on the one before."""
    pieces, y = [], float(frame.bottom)
    for kind, count in one.counts:
        height = frame.room * count / top
        y -= height
        if count:
            pieces.append(BarPiece(kind, round(y, 2), round(height, 2)))
    return pieces


def _round_step(most: int) -> int:
    """Return 1, 2 or 5 times a power of ten, of which few make so many."""
    power = 1
    while True:
        for step in (power, 2 * power, 5 * power):
            if step * _MAX_LINES >= most:
                return step
        power *= 10
