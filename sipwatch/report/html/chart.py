"""A chart of calls over time, and the patterns by which categories are told apart on a black and white print.

Colours are the page's, by classes. Nothing in it comes from the wire.

Must not know: how calls are counted, which page it stands on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET

from sipwatch.classify.outcomes import Category
from sipwatch.report.bars import BarCounts, BarFrame, chart
from sipwatch.report.plain import CATEGORY_NAMES, several

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sipwatch.report.html.timeline import TimeBar

# From the bottom up: what went well lies on the axis, what is a fault on top, where it is seen.
STACK: Final = tuple(
    category.value
    for category in (
        *(Category.SUCCESS, Category.NORMAL, Category.USER, Category.UNKNOWN),
        *(Category.POLICY, Category.ROUTING, Category.CAPACITY, Category.TECHNICAL),
    )
)
# What lies on the ground colour, in a square of 6 by 6; for "" nothing does.
_STROKES: Final = {
    Category.SUCCESS: "",
    Category.NORMAL: "M0 3h6",
    Category.USER: "M-1 1l2 -2M0 6l6 -6M5 7l2 -2",
    Category.UNKNOWN: "M3 3h.1",
    Category.POLICY: "M3 0v6",
    Category.ROUTING: "M-1 5l2 2M0 0l6 6M5 -1l2 2",
    Category.CAPACITY: "M0 0l6 6M0 6l6 -6",
    Category.TECHNICAL: "M0 0h6v6h-6z",
}
_FRAME: Final = BarFrame(width=900, height=240, left=48, right=8, foot=26)


def patterns() -> str:
    """Return an ``<svg>`` element that is not seen, with the pattern of each category."""
    root = ET.Element("svg", {"class": "patterns", "width": "0", "height": "0", "aria-hidden": "true"})
    defs = ET.SubElement(root, "defs")
    for category, strokes in _STROKES.items():
        size = {"width": "6", "height": "6", "patternUnits": "userSpaceOnUse"}
        pattern = ET.SubElement(defs, "pattern", {"id": f"fill-{category.value}", "class": category.value, **size})
        ET.SubElement(pattern, "rect", {"width": "6", "height": "6", "class": "ground"})
        if strokes:
            ET.SubElement(pattern, "path", {"d": strokes, "class": "strokes"})
    return ET.tostring(root, encoding="unicode")


def swatch(category: str) -> str:
    """Return a small field with a category's pattern, for a legend."""
    root = ET.Element(
        "svg", {"class": "swatch", "viewBox": "0 0 18 12", "width": "18", "height": "12", "aria-hidden": "true"}
    )
    _field(root, category, 0.5, 0.5, 17, 11)
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
    ET.SubElement(parent, "rect", {"class": f"field {category}", "fill": f"url(#fill-{category})", **where})


def _text(parent: ET.Element, x: float, y: float, words: str, anchor: str) -> None:
    ET.SubElement(parent, "text", {"x": f"{x:g}", "y": f"{y:g}", "text-anchor": anchor, "font-size": "11"}).text = words
