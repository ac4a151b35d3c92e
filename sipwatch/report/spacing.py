"""How far below each other the rows of a picture stand: evenly, or by the time between them.

Must not know: what the picture is drawn with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sipwatch.packet import SECOND
from sipwatch.report.diagram import Arrow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sipwatch.report.diagram import Row

LONG_SILENCE: Final = 10 * SECOND  # is marked where rows stand evenly
TALLEST: Final = 2400.0  # px that silences take together, to scale
_PER_SECOND: Final = 60.0  # px, at most
_LONGEST: Final = 180.0  # px of one silence: what is longer is cut
_ROW, _NARROW_ROW = 30.0, 34.0
_REMARKS: Final = 8.0  # below an arrow
_BREAK: Final = 18.0


class Spacing(NamedTuple):
    """Where rows stand, from the top (px); ``breaks`` has where silences are cut, and how long they are (ns)."""

    places: list[float]
    breaks: list[tuple[float, int]]
    height: float
    words: str


def spaced(rows: Sequence[Row], *, to_scale: bool, narrow: bool = False) -> Spacing:
    """Return where rows stand; no two are so near that what is written on them would meet."""
    least = _NARROW_ROW if narrow else _ROW
    per_second = _scale(rows) if to_scale else 0.0
    longest = int(_LONGEST / _PER_SECOND * SECOND) if to_scale else LONG_SILENCE
    places, breaks = [], []
    y = -6.0
    for place, row in enumerate(rows):
        above = least + (_REMARKS if place and _has_remarks(rows[place - 1]) else 0.0)
        silence = row.since if place else 0
        if silence > longest:
            above = max(above + _BREAK, longest / SECOND * per_second)
            breaks.append((y + above / 2, silence))
        y += max(above, silence / SECOND * per_second if silence <= longest else 0.0)
        places.append(y)
    return Spacing(places, breaks, y + 24.0, _words(per_second, to_scale=to_scale, cut=bool(breaks)))


def _words(per_second: float, *, to_scale: bool, cut: bool) -> str:
    if not to_scale:
        return f"// stands for more than {LONG_SILENCE // SECOND} s of silence" if cut else ""
    scale = f"To scale, save what came too soon to be told apart: {per_second:.3g} px are 1 s"
    return scale + ("; // cuts a longer silence" if cut else "")


def _scale(rows: Sequence[Row]) -> float:
    """Return the px of a second: fewer, where silences would else take too much room."""
    silences = [max(0, row.since) / SECOND * _PER_SECOND for row in rows[1:]]
    together = sum(min(silence, _LONGEST) for silence in silences)
    return _PER_SECOND * min(1.0, TALLEST / together) if together else _PER_SECOND


def _has_remarks(row: Row) -> bool:
    what = row.what
    return isinstance(what, Arrow) and (what.again or not what.placed or what.media is not None)
