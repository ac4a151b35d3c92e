"""What an SVG picture is drawn with: paths and words in the colour of the text, cut to the room that there is.

Must not know: calls, what is drawn. All text is escaped here.
"""

from __future__ import annotations

from typing import Final
from xml.etree import ElementTree as ET

from rich.cells import cell_len

from sipwatch.export.escape import xml_characters

_MAX_WORDS: Final = 300  # characters of what is shown when pointed at


def stroke(
    parent: ET.Element,
    course: str,
    name: str,
    *,
    fill: str = "none",
    width: str = "1",
    dashes: str = "",
    opacity: str = "",
) -> ET.Element:
    """Draw a path of a class, and return it."""
    given = {"class": name, "d": course, "fill": fill, "stroke": "currentColor", "stroke-width": width}
    return ET.SubElement(parent, "path", {**given, **_given({"stroke-dasharray": dashes, "stroke-opacity": opacity})})


def lettering(
    parent: ET.Element,
    x: float,
    y: float,
    words: str,
    name: str,
    *,
    size: int,
    anchor: str = "",
    weight: str = "",
    opacity: str = "",
) -> None:
    """Write words, from a place on or around it."""
    given = {"class": name, "x": f"{x:g}", "y": f"{y:g}", "font-size": f"{size}"}
    more = _given({"text-anchor": anchor, "font-weight": weight, "fill-opacity": opacity})
    ET.SubElement(parent, "text", {**given, **more}).text = xml_characters(words)


def _given(attributes: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in attributes.items() if value}


def pointed_at(text: str) -> str:
    """Return what is shown of a text when one points at something."""
    return xml_characters(text if len(text) <= _MAX_WORDS else text[: _MAX_WORDS - 1] + "…")


def clipped(text: str, most: int) -> str:
    """Return text that takes at most so many characters' room; what is wide takes two, and piled marks count."""
    most = max(1, most)
    text = xml_characters(text[: 2 * most + 1])
    if len(text) <= most and cell_len(text) <= most:
        return text
    text = text[: most - 1]
    while cell_len(text) > most - 1:
        text = text[:-1]
    return text + "…"


def clipped_inside(text: str, most: int) -> str:
    """Return an address that fits, without its middle: it is told from others by its end."""
    text = xml_characters(text)
    if len(text) <= most:
        return text
    end = (max(3, most) - 1) * 2 // 3
    return text[: max(3, most) - 1 - end] + "…" + text[-end:]
