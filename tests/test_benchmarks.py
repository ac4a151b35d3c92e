"""The page of benchmarks says what was measured, and of everything that is not met what is being done about it."""

from __future__ import annotations

import msgspec
import pytest

from bench.page import (
    PAGE,
    TARGETS,
    UNMET,
    Comparison,
    MissingSentenceError,
    Results,
    Row,
    comparison,
    current,
    load,
    page,
)


def results() -> Results:
    """Return the stored results, to be changed."""
    return msgspec.convert(msgspec.to_builtins(load()), Results)


def test_the_page_is_what_the_stored_results_say() -> None:
    """Otherwise: python -m bench.page."""
    assert PAGE.read_text() == current()


def test_whatever_is_not_met_is_followed_by_what_is_being_done() -> None:
    text = page(load())
    tables = text.split("\n## ")
    assert any("**no**" in table for table in tables)
    for table in tables:
        assert ("**no**" in table) == ("Not met, and what is being done about it:" in table)


def of(key: str, other: str, *ratios: float) -> Comparison:
    """Return a file on which another program takes as many times sipwatch's time."""
    return Comparison(key, 1000, "words", ["command"], [Row(other, [1.0], 10.0, {"interpreted": list(ratios)})])


@pytest.mark.parametrize(("key", "other"), TARGETS)
def test_no_target_can_be_missed_without_a_word(key: str, other: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert f"- {other}, {TARGETS[key, other].words}: {UNMET[key, other]}" in comparison(of(key, other, 0.1))
    monkeypatch.delitem(UNMET, (key, other))
    with pytest.raises(MissingSentenceError, match="needs a sentence"):
        comparison(of(key, other, 0.1))


@pytest.mark.parametrize(("key", "other"), TARGETS)
def test_what_is_met_needs_none(key: str, other: str) -> None:
    text = comparison(of(key, other, 100.0))
    assert " yes " in text
    assert "Not met" not in text


def test_memory_that_grows_with_the_file_needs_a_sentence() -> None:
    grown = results()
    grown.memory[1].peak = 2 * grown.memory[0].peak
    with pytest.raises(MissingSentenceError, match="growth"):
        page(grown)


def test_a_form_that_was_not_run_is_said_to_be_so() -> None:
    assert "| not run |" in comparison(of("one pair", "sngrep", 3.0))
