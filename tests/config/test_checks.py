"""How a value is checked, and what is said of a wrong one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sipwatch.config.checks import Checks, ConfigError, nearest

if TYPE_CHECKING:
    from collections.abc import Callable

CHECK = Checks("x.toml", 'a = 1\n[b]\nc = [\n  "one",\n  "two",\n]\n')


def complaint(of: Callable[[], object]) -> str:
    with pytest.raises(ConfigError) as raised:
        of()
    return str(raised.value)


def test_a_complaint_names_file_line_key_value_and_what_was_expected() -> None:
    said = complaint(lambda: CHECK.complain(("b", "c", 1), "two", "a number"))
    assert said == "x.toml, line 5: c = 'two': expected a number"


def test_what_has_no_line_is_named_by_what_it_stands_in() -> None:
    assert complaint(lambda: CHECK.complain(("b", "d"), 1, "none")) == "x.toml, line 2: d = 1: expected none"
    assert complaint(lambda: CHECK.complain(("e",), 1, "none")) == "x.toml: e = 1: expected none"


def test_a_long_value_is_not_repeated_whole() -> None:
    assert len(complaint(lambda: CHECK.complain(("a",), "y" * 10_000, "less"))) < 300


@pytest.mark.parametrize("value", [True, 0, 11, 2.0, "3", None])
def test_whole_numbers_within_bounds_are_let_through(value: object) -> None:
    assert CHECK.number({"a": 10}, "a", 1, 10, ()) == 10
    if value is None:
        assert CHECK.number({}, "a", 1, 10, ()) is None
    else:
        assert "line 1: a = " in complaint(lambda: CHECK.number({"a": value}, "a", 1, 10, ()))


def test_flags_are_true_or_false() -> None:
    assert (CHECK.flag({"a": False}, "a", ()), CHECK.flag({}, "a", ())) == (False, None)
    assert complaint(lambda: CHECK.flag({"a": 1}, "a", ())).endswith("a = 1: expected true or false")


@pytest.mark.parametrize("value", ["one", [], 4, ["one", ""], ["one", 2]])
def test_lists_of_texts(value: object) -> None:
    assert CHECK.texts(["one"], "words", ("b", "c")) == ["one"]
    assert "words" in complaint(lambda: CHECK.texts(value, "words", ("b", "c")))


def test_what_is_similar_is_suggested() -> None:
    assert nearest("trnk", ["trunk", "server"]) == " (did you mean 'trunk'?)"
    assert nearest("qqq", ["trunk", "server"]) == ""
