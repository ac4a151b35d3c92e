"""Pages: what is filled in is escaped, and what is missing is no page."""

from __future__ import annotations

import re

import jinja2
import pytest

from sipwatch.export.html import fill_in, palette, stylesheet

_EMPTY = dict.fromkeys(("title", "root", "here", "stylesheet", "script", "icon", "version"), "") | {"sections": ()}


def test_what_is_filled_in_is_escaped() -> None:
    assert ">&lt;script&gt;</p>" in fill_in("web/message.html", **_EMPTY, words="<script>")


def test_what_hides_or_turns_text_is_made_visible() -> None:
    assert fill_in("web/message.html", **_EMPTY, words="a\u202eb\x1b").count(">a\\u202eb\\x1b<") == 1


def test_what_is_missing_is_an_error() -> None:
    with pytest.raises(jinja2.UndefinedError):
        fill_in("web/message.html")


def test_the_stylesheet_of_a_page_that_is_one_file_begins_with_the_colours_of_all_pages() -> None:
    """Every colour that is used is set, in light and in dark, so that neither goes its own way."""
    sheet = stylesheet("report/report.css")
    light, _, dark = palette().partition("prefers-color-scheme: dark")
    used = set(re.findall(r"var\((--[\w-]+)\)", sheet))
    assert len(used) > 20
    assert used <= set(re.findall(r"(--[\w-]+):", light))
    assert used <= set(re.findall(r"(--[\w-]+):", dark))
    assert sheet.startswith(":root")
    assert palette().count("{") == palette().count("}")
    assert "url(" not in sheet
    assert "@import" not in sheet
