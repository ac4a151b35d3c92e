"""Files that pages load: kept for ever by browsers, since another file has another name; and colours that can be read."""

from __future__ import annotations

import re

from sipwatch.web.statics import static_files, static_path
from tests.each import for_each
from tests.web.browsing import get


@for_each("name", static_files())
def test_a_file_is_served_for_ever_under_the_name_of_its_contents(name: str) -> None:
    (answer,) = get(None, f"/{static_path(name)}")
    assert answer.status_code == 200
    assert answer.content == static_files()[name].body
    assert "immutable" in answer.headers["cache-control"]
    (again,) = get(None, f"/{static_path(name)}", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@for_each(
    "path",
    ["sipwatch.css", "sipwatch.0000000000000000.css", "..%2f..%2fpages.py", "%2e%2e/site.py", "", "a/../sipwatch.css"],
)
def test_no_other_name_gives_a_file(path: str) -> None:
    (answer,) = get(None, f"/static/{path}")
    assert answer.status_code == 404


def _themes() -> list[dict[str, str]]:
    """Return the colours of both themes by their names."""
    css = static_files()["sipwatch.css"].body.decode()
    return [
        dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6});", block))
        for block in re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    ]


def _luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    channels = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours (WCAG 2.2)."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_black_on_white_has_the_contrast_that_the_standard_says() -> None:
    assert round(contrast("#000", "#ffffff"), 2) == 21


@for_each("theme", [0, 1], ids=["light", "dark"])
def test_every_text_has_the_contrast_that_people_need(theme: int) -> None:
    """WCAG 2.2 AA: 4.5 for text, 3 for what bounds a field or shows the focus."""
    colours = _themes()[theme]
    pairs = [
        (name, name.replace("-ink", "-ground")) for name in colours if name.endswith("-ink") and name != "button-ink"
    ]
    pairs += [(ink, ground) for ink in ("ink", "quiet", "link") for ground in ("ground", "raised")]
    pairs += [("button-ink", "button"), ("technical-ink", "ground"), ("technical-ink", "raised")]
    assert len(pairs) > 15
    assert {
        pair: contrast(*(colours[name] for name in pair))
        for pair in pairs
        if contrast(*(colours[name] for name in pair)) < 4.5
    } == {}
    drawn = [(line, ground) for line in ("field-line", "focus") for ground in ("ground", "raised")]
    assert {pair for pair in drawn if contrast(*(colours[name] for name in pair)) < 3} == set()


def test_both_themes_name_the_same_colours() -> None:
    light, dark = _themes()
    assert light.keys() == dark.keys()


def test_nothing_is_loaded_from_elsewhere() -> None:
    for name in ("sipwatch.css", "sipwatch.js"):
        assert not re.search(rb"https?:|url\(|@import|import\(", static_files()[name].body)
