"""A chart of calls over time, and the patterns by which categories are told apart on a black and white print.

Colours are the page's, by classes. Nothing in it comes from the wire. Patterns are dashed lines behind a clip, not an
SVG ``<pattern>``: of that, browsers make an image for each field when they print, and 20 MB of one page.

Must not know: how calls are counted, which page it stands on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple
from xml.etree import ElementTree as ET

from sipwatch.classify.outcomes import Category
from sipwatch.report.bars import BarCounts, BarFrame, chart
from sipwatch.report.plain import CATEGORY_NAMES, several

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sipwatch.report.bars import Chart
    from sipwatch.report.html.timeline import TimeBar

# From the bottom up: what went well lies on the axis, what is a fault on top, where it is seen.
STACK: Final = tuple(
    category.value
    for category in (
        *(Category.SUCCESS, Category.NORMAL, Category.USER, Category.UNKNOWN),
        *(Category.POLICY, Category.ROUTING, Category.CAPACITY, Category.TECHNICAL),
    )
)
_EVERY: Final = 6  # units from line to line
_LINE: Final = 1.1
_SLANTED: Final = 1.56  # the same, measured along the axis where the line is at 45 degrees


class _Hatch(NamedTuple):
    """Lines over a field: one as wide as the field is high, in dashes, is many; ``slant`` is in degrees."""

    dash: float
    slant: int = 0


_HATCHES: Final[dict[Category, tuple[_Hatch, ...]]] = {
    Category.USER: (_Hatch(_SLANTED, -45),),
    Category.POLICY: (_Hatch(_LINE),),
    Category.ROUTING: (_Hatch(_SLANTED, 45),),
    Category.CAPACITY: (_Hatch(_SLANTED, -45), _Hatch(_SLANTED, 45)),
    Category.TECHNICAL: (_Hatch(_EVERY),),
}
_FRAME: Final = BarFrame(width=900, height=240, left=48, right=8, foot=26)


def swatch(category: str) -> str:
    """Return a small field with a category's pattern, for a legend."""
    root = ET.Element(
        "svg", {"class": "swatch", "viewBox": "0 0 18 12", "width": "18", "height": "12", "aria-hidden": "true"}
    )
    _field(root, category, 0.5, 0.5, 17, 11)
    _strokes(root, category, 18, 12)
    return ET.tostring(root, encoding="unicode")


def stacked(bars: Sequence[TimeBar], span: str) -> str:
    """Return the chart as an ``<svg>`` element; ``span`` says how long a bar is."""
    most = max((bar.calls for bar in bars), default=0)
    words = f"Calls by when they began, {span} each bar, by what became of them; the most in one bar: {most:,}."
    size = {"viewBox": f"0 0 {_FRAME.width} {_FRAME.height}", "width": f"{_FRAME.width}"}
    root = ET.Element("svg", {"class": "chart", **size, "role": "img", "aria-label": words})
    picture = chart([_counts(bar) for bar in bars], _FRAME)
    for line in picture.lines:
        ET.SubElement(root, "path", {"class": "rule", "d": f"M{_FRAME.left} {line.y:g}H{_FRAME.width - _FRAME.right}"})
        _text(root, _FRAME.left - 6, line.y + 4, line.words, "end")
    for bar in picture.bars:
        group = ET.SubElement(root, "g", {"class": "column"})
        ET.SubElement(group, "title").text = bar.title
        for piece in bar.pieces:
            _field(group, piece.kind, bar.x, piece.y, bar.width, piece.height)
        if bar.label:
            _text(root, bar.middle, _FRAME.height - 9, bar.label, "middle")
    for category in STACK:
        _hatched(root, category, picture)
    return ET.tostring(root, encoding="unicode")


def _counts(bar: TimeBar) -> BarCounts:
    return BarCounts(bar.short, _told(bar), tuple((category, bar.counts.get(category, 0)) for category in STACK))


def _told(bar: TimeBar) -> str:
    parts = [
        f"{CATEGORY_NAMES[Category(category)]} {bar.counts[category]:,}" for category in STACK if category in bar.counts
    ]
    return f"{bar.name}: {several(bar.calls, 'call')}" + (f" ({', '.join(parts)})" if parts else "")


def _field(parent: ET.Element, category: str, x: float, y: float, width: float, height: float) -> None:
    where = {"x": f"{x:.2f}", "y": f"{y:.2f}", "width": f"{width:.2f}", "height": f"{height:.2f}"}
    ET.SubElement(parent, "rect", {"class": f"field {category}", **where})


def _hatched(root: ET.Element, category: str, picture: Chart) -> None:
    """Draw the pattern of a category over all of its fields at once, cut off where they end."""
    fields = "".join(
        f"M{bar.x:g} {piece.y:g}h{bar.width:g}v{piece.height:g}h-{bar.width:g}z"
        for bar in picture.bars
        for piece in bar.pieces
        if piece.kind == category
    )
    if fields and _is_hatched(category):
        clip = ET.SubElement(root, "clipPath", {"id": f"fields-{category}"})
        ET.SubElement(clip, "path", {"d": fields})
        group = ET.SubElement(root, "g", {"clip-path": f"url(#fields-{category})"})
        _strokes(group, category, _FRAME.width, _FRAME.height)


def _is_hatched(category: str) -> bool:
    return category != Category.SUCCESS


def _strokes(parent: ET.Element, category: str, width: int, height: int) -> None:
    """Draw a category's pattern over a room."""
    kind = {"class": f"strokes {category}"}
    if category == Category.UNKNOWN:  # dots
        rows = "".join(f"M3 {y}H{width}" for y in range(3, height, _EVERY))
        ET.SubElement(parent, "path", {**kind, "d": rows, "stroke-width": "2", "stroke-dasharray": f"0 {_EVERY}"})
    elif category == Category.NORMAL:
        down = {"d": f"M{width / 2:g} 2.5V{height}", "stroke-width": f"{width}"}
        ET.SubElement(parent, "path", {**kind, **down, "stroke-dasharray": f"{_LINE} {_EVERY - _LINE:g}"})
    for hatch in _HATCHES.get(Category(category), ()):
        line = {"d": f"M{-height} {height / 2:g}H{width + height}", "stroke-width": f"{height}"}
        dashes = {"stroke-dasharray": f"{hatch.dash} {_EVERY - hatch.dash:g}"} if hatch.dash < _EVERY else {}
        slant = {"transform": f"skewX({hatch.slant})"} if hatch.slant else {}
        ET.SubElement(parent, "path", {**kind, **line, **dashes, **slant})


def _text(parent: ET.Element, x: float, y: float, words: str, anchor: str) -> None:
    ET.SubElement(parent, "text", {"x": f"{x:g}", "y": f"{y:g}", "text-anchor": anchor, "font-size": "11"}).text = words
