"""Hostile text made harmless for where it goes."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipwatch.export.escape import csv_cell, json_text, terminal, xml_characters
from tests.export.records import EVIL


def test_ordinary_text_stays_as_it_is() -> None:
    assert terminal("Zoë → 15550100, Büro") == "Zoë → 15550100, Büro"


def test_controls_are_made_visible() -> None:
    assert terminal("a\x1b[2Jb\nc\x9bd\x7f") == "a\\x1b[2Jb\\nc\\x9bd\\x7f"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_cell_never_begins_like_a_formula(text: str) -> None:
    assert csv_cell(text)[0] in "'\\"


@given(st.text())
def test_nothing_that_acts_reaches_a_terminal_or_a_cell(text: str) -> None:
    for safe in (terminal(text), csv_cell(text)):
        assert all(char.isprintable() or char == " " or ord(char) >= 0xA0 for char in safe)
        assert not any(char in safe for char in "\x1b\n\r\x9b\u202e\u200b")
        safe.encode()


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_escaped_json_means_the_same(text: str) -> None:
    encoded = json.dumps(text, ensure_ascii=False).encode()
    assert json.loads(json_text(encoded)) == text
    assert "\x9b" not in json_text(encoded).decode()


def test_the_worst_text_of_all() -> None:
    assert terminal(EVIL) == "\\x1b[31mred\\x1b[0m\\x07\\n=cmd|'/C calc'!A0\\u202egnp.exe\\ud800"


@given(st.text())
def test_xml_has_a_meaning_for_every_character_that_is_left(text: str) -> None:
    """XML 1.0 §2.2 knows neither controls nor surrogates nor U+FFFE and U+FFFF."""
    for safe in (xml_characters(text), xml_characters(f"{text}\ufffe\uffff\0")):
        assert re.fullmatch("[\\x20-\\x7e\\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*", safe)
        assert not any(char in safe for char in "\u202e\u200b")
