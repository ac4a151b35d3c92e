"""Patterns find what Python's own find, and no text makes them slow."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipwatch.classify.regex import Pattern, PatternError
from tests.each import for_each

ATOMS = st.sampled_from(
    ["a", "b", "A", "é", "1", "-", " ", "_", "]", "}", "{", ".", r"\d", r"\W", r"\w", r"\D", r"\S", r"\s", r"\.", r"\x61", "\\u00e9", r"\060", "[ab]", "[^a1]", "[]a]", "[^]b]", r"[\]a-c]", "[1-9]", r"[\w.]", r"[^\d\s]", "[\\u00e9]", "^", "$", r"\b", r"\A", r"\Z"]
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


@given(PATTERNS, st.text("abAB1é-_. ]}{٣\u00a0", max_size=12))
def test_a_pattern_is_found_where_python_finds_it(source: str, text: str) -> None:
    if re.search(r"\\b|\\B", source):
        text = text.replace("é", "e").replace("٣", "3")  # RE2 knows the edges of words of A to Z only
    try:
        pattern = Pattern(source)
    except PatternError as error:
        assert "A to Z" in str(error)  # noqa: PT017 - an error is one of two right answers
        return
    assert pattern.found_in(text) == (re.search(source, text, re.IGNORECASE) is not None)
    assert pattern.begins(text) == (re.match(source, text, re.IGNORECASE) is not None)
    cased = Pattern(source, any_case=False)
    assert cased.found_in(text) == (re.search(source, text) is not None)


@pytest.mark.parametrize("source", ["full$", r"full\Z", "^full$", "(full$|x)"])
@for_each("text", ["full", "full\n", "full\n\n", "full\nx"])
def test_an_end_is_where_pythons_is(source: str, text: str) -> None:
    assert Pattern(source).found_in(text) == (re.search(source, text) is not None)


@given(st.one_of(PATTERNS, st.sampled_from(["", "a*", "(|b)", "a?b*"])), st.text(max_size=5))
def test_what_is_found_everywhere_is_found_in_any_text(source: str, text: str) -> None:
    try:
        pattern = Pattern(source)
    except PatternError:
        return
    assert pattern.found_in(text) or not pattern.is_everywhere()


@pytest.mark.parametrize(
    ("source", "everywhere"),
    [("", True), (".*", True), ("(a|b?)*", True), ("^", True), ("^$", False), ("a|b", False), ("^[^q]*$", False), ("^.{0,9}$", False)],
)  # fmt: skip
def test_whether_any_text_will_do_is_known(source: str, everywhere: bool) -> None:
    assert Pattern(source).is_everywhere() is everywhere


def test_letters_of_either_case_are_the_same_unless_they_are_not_to_be() -> None:
    assert Pattern("call LIMIT (reached|exceeded)").found_in("Maximum Call limit Exceeded!")
    assert not Pattern("call limit (reached|exceeded)").found_in("call limit is near")
    assert Pattern("überlastet").found_in("LEITUNG ÜBERLASTET")
    assert not Pattern("busy", any_case=False).found_in("Busy Here")


@pytest.mark.parametrize("source", ["(a*)*b", "(a|a)*b", "(a?){50}a{50}b", "(.*)(.*)(.*)(.*)(.*)x", "((a+)+)+[!]$"])
def test_a_text_made_to_be_slow_is_not(source: str) -> None:
    """Each of these keeps Python's own matcher busy for longer than anybody lives; the test ends, so they do not."""
    assert not Pattern(source).found_in("a" * 30_000 + "-")


def test_no_text_is_an_error() -> None:
    assert Pattern("full").found_in("\udcff full \x00")
    assert not Pattern("^.$").found_in("")


MISTAKES = [
    ("(full", "missing )"),
    ("full)", "unexpected )"),
    ("*", "no argument for repetition operator"),
    ("[z-a]", "invalid character class range: z-a"),
    ("a{1001}", "invalid repetition size: {1001}"),
    ("((a{99}){99}){99}", "invalid repetition size"),
    (r"\w{900}", "pattern too large"),
    (r"(a)\1", r"invalid escape sequence: \1"),
    (r"\bübertragen", "A to Z"),
    ("(?=a)", "invalid perl operator: (?="),
    ("a*+", "bad repetition operator: *+"),
    ("a\udcff", "it is not UTF-8 text"),
]


@pytest.mark.parametrize(("source", "words"), MISTAKES)
def test_what_cannot_be_looked_for_is_refused_in_one_line(
    source: str, words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(PatternError) as raised:
        Pattern(source)
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)
    assert capfd.readouterr() == ("", "")
