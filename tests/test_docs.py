"""What the documentation repeats from the code is current, and what it points at exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs.generate import PAGES, PARTS, WHOLE, current, parts
from sipwatch.packet import LINK_NAMES
from sipwatch.track.table import TABLE, Input, State

ROOT = Path(__file__).resolve().parent.parent
WRITTEN = [
    *PAGES,
    "docs/hep.md",
    "docs/expectations.md",
    "docs/people.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
]


@pytest.mark.parametrize("page", PAGES)
def test_the_generated_parts_are_current(page: str) -> None:
    """Otherwise: make docs. Blanks do not count: how wide a terminal's columns are is its library's affair."""
    assert (ROOT / page).read_text().split() == current(page).split()


@pytest.mark.parametrize("name", WHOLE)
def test_the_generated_files_are_current(name: str) -> None:
    """Otherwise: make docs."""
    assert (ROOT / name).read_text() == WHOLE[name]()


def test_every_generated_part_stands_on_a_page() -> None:
    assert sorted(part for page in PAGES for part in parts(page)) == sorted(PARTS)


def test_every_marker_is_closed() -> None:
    for page in WRITTEN:
        text = (ROOT / page).read_text()
        assert text.count("<!-- generated: ") == text.count("<!-- end -->"), page


@pytest.mark.parametrize("page", WRITTEN)
def test_every_file_pointed_at_exists(page: str) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", (ROOT / page).read_text())
    assert [link for link in links if not (ROOT / page).parent.joinpath(link).exists()] == []


@pytest.mark.parametrize("page", WRITTEN)
def test_every_make_target_named_exists(page: str) -> None:
    known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)`", (ROOT / page).read_text())) <= known


def test_every_file_that_is_to_be_edited_exists() -> None:
    """What CONTRIBUTING.md says of adding something goes stale when a module gets another name."""
    _, _, recipes = (ROOT / "CONTRIBUTING.md").read_text().partition("## To add something")
    named = re.findall(r"`([\w./]+(?:\.\w+|/))`", recipes)
    assert len(named) > 40
    assert [name for name in named if name != "sipwatch.toml" and not (ROOT / name).exists()] == []


def test_the_readme_names_every_link_layer() -> None:
    (row,) = re.findall(r"(?m)^\| link \| (.*) \|$", (ROOT / "README.md").read_text())
    assert [name for name in LINK_NAMES.values() if name not in row] == []


def test_the_diagram_has_every_transition() -> None:
    """An arrow for each way from state to state that the table knows, and no other."""
    arrows = re.findall(r"^    ([A-Z]+) --> ([A-Z]+): (.*)$", PARTS["state-diagram"](), re.MULTILINE)
    drawn = {(here, there, given) for here, there, names in arrows for given in names.split(", ")}
    declared = {
        (state.name, TABLE[state][given].name, given.name)
        for state in State
        for given in Input
        if TABLE[state][given] is not state
    }
    assert drawn == declared
