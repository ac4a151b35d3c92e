"""The chart: heights are counts, patterns tell categories apart, and the text says the same."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from sipwatch.classify.outcomes import Category
from sipwatch.report.html.chart import STACK, patterns, stacked, swatch
from sipwatch.report.html.timeline import TimeBar


def bars(*counts: dict[str, int]) -> list[TimeBar]:
    return [TimeBar(f"bar {place}", f"{place}", one) for place, one in enumerate(counts)]


def tree(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314 - what we have made ourselves


def fields(svg: str) -> list[tuple[str, float, float]]:
    """Return category, top and height of each field."""
    found = [one for one in tree(svg).iter() if one.get("class", "").startswith("field")]
    return [(one.attrib["class"][6:], float(one.attrib["y"]), float(one.attrib["height"])) for one in found]


def test_every_category_has_its_place_and_a_pattern_of_its_own() -> None:
    assert sorted(STACK) == sorted(category.value for category in Category)
    drawn = re.findall(r'id="fill-(\w+)".*?</pattern>', patterns())
    assert sorted(drawn) == sorted(STACK)
    strokes = re.findall(r'path d="([^"]+)"', patterns())
    assert len(set(strokes)) == len(STACK) - 1, "all but one have strokes, each others"


def test_heights_are_counts_and_the_stack_has_no_gap() -> None:
    """The axis ends at 4, on 204 units: 51 a call."""
    found = fields(stacked(bars({"success": 3, "technical": 1}, {}, {"user": 2}), "a minute"))
    assert found == [("success", 61, 153), ("technical", 10, 51), ("user", 112, 102)]


def test_it_says_in_words_what_it_shows() -> None:
    svg = stacked(bars({"success": 3, "technical": 1}), "a minute")
    assert tree(svg).attrib["aria-label"] == (
        "Calls by when they began, a minute each bar, by what became of them; the most in one bar: 4."
    )
    assert "<title>bar 0: 4 calls (answered 3, technical fault 1)</title>" in svg


def test_each_line_of_the_scale_says_how_many_and_each_bar_when() -> None:
    texts = [one.text for one in tree(stacked(bars({"user": 1}, {"user": 4}), "a minute")).iter("text")]
    assert texts == ["0", "1", "2", "3", "4", "0", "1"]


def test_a_swatch_is_filled_as_the_chart_is() -> None:
    assert 'fill="url(#fill-user)"' in swatch("user")
    assert 'fill="url(#fill-user)"' in stacked(bars({"user": 1}), "a minute")
