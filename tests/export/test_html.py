"""Pages: what is filled in is escaped, and what is missing is no page."""

from __future__ import annotations

import jinja2
import pytest

from sipwatch.export.html import fill_in

_EMPTY = dict.fromkeys(("title", "root", "here", "stylesheet", "script", "icon", "version"), "") | {"sections": ()}


def test_what_is_filled_in_is_escaped() -> None:
    assert ">&lt;script&gt;</p>" in fill_in("web/message.html", **_EMPTY, words="<script>")


def test_what_hides_or_turns_text_is_made_visible() -> None:
    assert fill_in("web/message.html", **_EMPTY, words="a\u202eb\x1b").count(">a\\u202eb\\x1b<") == 1


def test_what_is_missing_is_an_error() -> None:
    with pytest.raises(jinja2.UndefinedError):
        fill_in("web/message.html")
