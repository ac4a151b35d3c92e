"""Patterns find what Python's own find, and no text makes them slow."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipwatch.classify.pattern import MAX_TEXT_LENGTH, Pattern, PatternError

ATOMS = st.sampled_from(
    ["a", "b", "A", "é", "1", "-", " ", "_", "]", "}", "{", ".", r"\d", r"\W", r"\s", r"\.", r"\x61", "\\u00e9", r"\060", "[ab]", "[^a1]", "[]a]", "[^]b]", r"[\]a-c]", "[1-9]", "^", "$", r"\b", r"\A", r"\Z"]
)  # fmt: skip
PLACES = ("^", "$", r"\b", r"\A", r"\Z")
REPEATS = st.sampled_from(["*", "+", "?", "{2}", "{1,2}", "{,2}", "{1,}", "{,}", "*?", "+?", "??", "{0}", "{0,1}?"])


def repeated(part: str, repeat: str) -> str:
    return part if part in PLACES else part + repeat


PATTERNS = st.recursive(
    ATOMS,
    lambda parts: st.one_of(
        st.lists(parts, max_size=3).map("".join),
        st.lists(parts, min_size=1, max_size=3).map(lambda found: f"({'|'.join(found)})"),
        st.builds(repeated, st.one_of(ATOMS, parts.map(lambda part: f"(?:{part})")), REPEATS),
    ),
    max_leaves=8,
)


@given(PATTERNS, st.text("abAB1é-_. \n]}{", max_size=12))
def test_a_pattern_is_found_where_python_finds_it(source: str, text: str) -> None:
    assert Pattern(source).found_in(text) == (re.search(source, text, re.IGNORECASE) is not None)


@given(PATTERNS, st.text("abAB1é-_. \n]}{", max_size=12))
def test_no_text_shorter_than_the_shortest_has_it(source: str, text: str) -> None:
    pattern = Pattern(source)
    assert not pattern.found_in(text) or len(text) >= pattern.shortest


@pytest.mark.parametrize(
    ("source", "shortest"),
    [("", 0), ("a*", 0), ("ab|c", 1), ("(ab){2,5}c?", 4), ("^$", 0), (r"\bfull\b", 4), ("(|ab)+", 0)],
)
def test_the_shortest_text_is_known(source: str, shortest: int) -> None:
    assert Pattern(source).shortest == shortest


@given(st.one_of(PATTERNS, st.sampled_from(["", "a*", "(|b)", "a?b*"])), st.text(max_size=5))
def test_what_is_always_found_is_found_in_any_text(source: str, text: str) -> None:
    pattern = Pattern(source)
    assert pattern.found_in(text) or not pattern.always


@pytest.mark.parametrize(("source", "always"), [("", True), ("(a|b?)*", True), ("^$", False), ("a|b", False)])
def test_whether_any_text_will_do_is_known(source: str, always: bool) -> None:
    assert Pattern(source).always is always


def test_letters_of_either_case_are_the_same() -> None:
    assert Pattern("call LIMIT (reached|exceeded)").found_in("Maximum Call limit Exceeded!")
    assert not Pattern("call limit (reached|exceeded)").found_in("call limit is near")


def test_what_stands_behind_the_longest_text_is_not_looked_at() -> None:
    assert Pattern("full").found_in("x" * (MAX_TEXT_LENGTH - 4) + "full")
    assert not Pattern("full").found_in("x" * (MAX_TEXT_LENGTH - 3) + "full")
    assert Pattern("^x+$").found_in("x" * 10_000 + "y")


@pytest.mark.parametrize("source", ["(a*)*b", "(a|a)*b", "(a?){50}a{50}b", "(.*)(.*)(.*)(.*)(.*)x", "((a+)+)+$"])
def test_a_text_made_to_be_slow_is_not(source: str) -> None:
    """Each of these keeps Python's own matcher busy for longer than anybody lives; the test ends, so they do not."""
    pattern = Pattern(source)
    steps = sum(len(pattern._reach([0], "a" * MAX_TEXT_LENGTH, place) or ()) for place in (0, MAX_TEXT_LENGTH))
    assert steps <= 2 * len(pattern._program)
    assert not pattern.found_in("a" * (MAX_TEXT_LENGTH - 1) + "!")


def test_the_memory_for_answers_is_bounded() -> None:
    pattern = Pattern("[^x]y")
    for number in range(3000):
        assert not pattern.found_in(f"x{number} {chr(0x4E00 + number)}")
    assert len(pattern._known) <= 1024
    assert all(len(characters._known) <= 1024 for characters in pattern._characters)


MISTAKES = [
    ("(full", "missing ), unterminated subpattern at position 0"),
    ("full)", "unbalanced parenthesis"),
    ("*", "nothing to repeat"),
    ("[z-a]", "bad character range z-a"),
    ("a{99999999999999999999}", "too large"),
    ("a" * 201, "longer than 200 characters"),
    ("((a{9}){9}){9}", "it repeats too much"),
    (r"(a)\1", r"\1 cannot be looked for in one pass"),
    (r"\Ba", r"\B cannot be looked for in one pass"),
    ("(?=a)", "(?...) cannot be looked for in one pass"),
    ("(?P<a>b)", "(?...) cannot be looked for in one pass"),
    ("a*+", "*+ cannot be looked for in one pass"),
]


@pytest.mark.parametrize(("source", "words"), MISTAKES)
def test_what_cannot_be_looked_for_is_refused_in_one_line(source: str, words: str) -> None:
    with pytest.raises(PatternError) as raised:
        Pattern(source)
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


def test_doubtful_classes_warn_nobody() -> None:
    assert Pattern("[[a]").found_in("[")
