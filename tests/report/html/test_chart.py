"""The chart: heights are counts, patterns tell categories apart, and the text says the same."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from sipwatch.classify.outcomes import Category
from sipwatch.report.html.chart import STACK, stacked, swatch
from sipwatch.report.html.timeline import TimeBar


def bars(*counts: dict[str, int]) -> list[TimeBar]:
    return [TimeBar(f"bar {place}", f"{place}", one) for place, one in enumerate(counts)]


def tree(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314 - what we have made ourselves


def fields(svg: str) -> list[tuple[str, float, float]]:
    """Return category, top and height of each field."""
    found = [one for one in tree(svg).iter() if one.get("class", "").startswith("field")]
    return [(one.attrib["class"][6:], float(one.attrib["y"]), float(one.attrib["height"])) for one in found]


def strokes(svg: str) -> list[str]:
    """Return how each stroke of a pattern is drawn."""
    return [
        " ".join(value for key, value in sorted(one.attrib.items()) if key != "class")
        for one in tree(svg).iter()
        if one.get("class", "").startswith("strokes")
    ]


def test_every_category_has_its_place_and_a_pattern_of_its_own() -> None:
    assert sorted(STACK) == sorted(category.value for category in Category)
    drawn = {category: strokes(swatch(category)) for category in STACK}
    assert drawn.pop("success") == []
    assert all(drawn.values())
    assert len({" + ".join(one) for one in drawn.values()}) == len(STACK) - 1


def test_patterns_are_lines_and_stay_lines_on_paper() -> None:
    """Of a pattern element browsers make an image for each field when they print."""
    svg = stacked(bars(*[{category: 2} for category in STACK]), "a minute")
    assert "pattern" not in svg
    assert "url(" not in re.sub(r"url\(#fields-\w+\)", "", svg)


def test_a_pattern_is_cut_off_where_the_fields_of_its_category_end() -> None:
    svg = stacked(bars({"user": 1, "technical": 1}, {"user": 2}), "a minute")
    clips = {one.attrib["id"]: one[0].attrib["d"] for one in tree(svg).iter() if one.tag == "clipPath"}
    assert sorted(clips) == ["fields-technical", "fields-user"]
    cut = re.findall(r"M([\d.]+) ([\d.]+)h([\d.]+)v([\d.]+)h-\3z", clips["fields-user"])
    own = [one for one in tree(svg).iter("rect") if one.get("class") == "field user"]
    assert [tuple(map(float, one)) for one in cut] == [
        tuple(float(one.attrib[key]) for key in ("x", "y", "width", "height")) for one in own
    ]
    assert svg.count('clip-path="url(#fields-user)"') == 1


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
    for category in STACK:
        (field,) = tree(swatch(category)).iter("rect")
        assert field.attrib["class"] == f"field {category}"
        kinds = {one.get("class") for one in tree(stacked(bars({category: 1}), "a minute")).iter()}
        assert f"field {category}" in kinds
        assert (f"strokes {category}" in kinds) == bool(strokes(swatch(category)))
