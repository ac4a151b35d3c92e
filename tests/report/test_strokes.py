"""What a picture is drawn with: text is nothing but text, and takes no more room than there is."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from rich.cells import cell_len

from sipwatch.report.strokes import clipped, clipped_inside, lettering, pointed_at, stroke
from tests.each import for_each
from tests.export.records import EVIL


def test_a_path_has_its_class_and_the_colour_of_the_text() -> None:
    path = stroke(ET.Element("svg"), "M0 0h1", "line", dashes="6 4")
    assert path.attrib == {
        "class": "line",
        "d": "M0 0h1",
        "fill": "none",
        "stroke": "currentColor",
        "stroke-width": "1",
        "stroke-dasharray": "6 4",
    }


def test_what_cannot_stand_in_xml_is_made_visible() -> None:
    root = ET.Element("svg")
    lettering(root, 1, 2, EVIL, "note", size=10)
    written = ET.fromstring(ET.tostring(root))  # noqa: S314 - what we have made ourselves
    assert not set(written[0].text or "") & set("\x1b\x07\u202e\ud800")
    assert not set(pointed_at(EVIL)) & set("\x1b\x07\u202e\ud800")


@for_each("text", ["abc", "a" * 500, "漢" * 50, "e\u0301" * 100, ""])
@for_each("most", [0, 1, 7, 40])
def test_a_text_is_cut_to_its_room_and_says_so(text: str, most: int) -> None:
    found = clipped(text, most)
    assert cell_len(found) <= max(1, most)
    assert found == text or found.endswith("…")
    assert (found == text) == (len(text) <= max(1, most) and cell_len(text) <= max(1, most))


def test_an_address_keeps_its_ends() -> None:
    assert clipped_inside("192.0.2.1:5060", 14) == "192.0.2.1:5060"
    assert clipped_inside("[2001:db8::1]:5060", 10) == "[20…]:5060"


def test_what_is_pointed_at_is_bounded() -> None:
    assert len(pointed_at("x" * 1000)) == 300
