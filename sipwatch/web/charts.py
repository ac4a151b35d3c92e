"""Counts as bars beside each other: where each stands and how high it is, in the units of a picture.

Must not know: HTTP, what is counted, templates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH: Final = 720
_HEIGHT: Final = 150
_LEFT: Final = 40
_TOP: Final = 10
_FOOT: Final = 20
_LABELS: Final = 13  # at most
_GAP: Final = 0.2  # of a bar's room
_WIDEST: Final = 60.0
_STEPS: Final = (1, 2, 5)


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
    """A bar; ``label`` is "" where it would touch another."""

    x: float
    width: float
    label: str
    title: str
    pieces: list[BarPiece]


class ScaleLine(NamedTuple):
    """A line that says how much is how high."""

    y: float
    words: str


class Chart(NamedTuple):
    """A picture of bars."""

    width: int
    height: int
    left: int
    lines: list[ScaleLine]
    bars: list[ChartBar]


def chart(counted: Sequence[BarCounts]) -> Chart:
    """Return the picture of some bars, from left to right."""
    most = max((sum(count for _, count in one.counts) for one in counted), default=0)
    top = _round_up(most)
    room = _HEIGHT - _TOP - _FOOT
    bottom = _HEIGHT - _FOOT
    each = (WIDTH - _LEFT) / max(1, len(counted))
    every = -(-len(counted) // _LABELS)
    bars = []
    for place, one in enumerate(counted):
        pieces, y = [], float(bottom)
        for kind, count in one.counts:
            height = room * count / top
            y -= height
            if count:
                pieces.append(BarPiece(kind, round(y, 2), round(height, 2)))
        width = min(_WIDEST, each * (1 - _GAP))
        x = _LEFT + each * (place + 0.5) - width / 2
        label = one.label if place % every == 0 else ""
        bars.append(ChartBar(round(x, 2), round(width, 2), label, one.title, pieces))
    marks = (0, top) if top == 1 else (0, top // 2, top)
    return Chart(
        WIDTH, _HEIGHT, _LEFT, [ScaleLine(round(bottom - room * mark / top, 2), f"{mark:,}") for mark in marks], bars
    )


def _round_up(most: int) -> int:
    """Return the next number that is easily read, and that has a half."""
    if most <= 1:
        return 1
    scale = 1
    while True:
        for step in _STEPS:
            if most <= 2 * step * scale:
                return 2 * step * scale
        scale *= 10
