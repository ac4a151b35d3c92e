"""How others look things up, and what is found by name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipwatch.knowledge import Entry, Topic, load
from sipwatch.knowledge.leads import When
from tests.each import for_each

ENGLISH = load()


def found(text: str) -> list[str]:
    return [f"{entry.kind.value} {entry.key}" for entry in ENGLISH.find(text)]


def test_entries_are_looked_up_by_key_and_number() -> None:
    assert ENGLISH.outcome("busy").plain == "Agent busy"
    assert ENGLISH.condition("no_answer").kind is Topic.CONDITION
    assert ENGLISH.finding("late_480").key == "late_480"
    assert "{waited_seconds}" in ENGLISH.says("late_480", "plain")
    assert ENGLISH.status(486).name == "Busy Here"
    assert ENGLISH.cause(19).name == "No answer from user (user alerted)"


@pytest.mark.parametrize("code", [99, 700, -1, 0])
def test_there_is_nothing_beyond_the_status_codes(code: int) -> None:
    with pytest.raises(KeyError):
        ENGLISH.status(code)


@pytest.mark.parametrize("number", [0, 128, -3])
def test_there_is_nothing_beyond_the_causes(number: int) -> None:
    with pytest.raises(KeyError):
        ENGLISH.cause(number)


def test_what_is_not_in_a_list_is_not_made_up() -> None:
    for look_up in (ENGLISH.outcome, ENGLISH.condition, ENGLISH.finding):
        with pytest.raises(KeyError):
            look_up("bussy")


def test_a_code_that_is_not_registered_is_explained_by_its_class() -> None:
    """RFC 3261 §8.1.3.2."""
    explained = {entry.key for entry in ENGLISH.all(Topic.STATUS)}
    for code in (code for code in range(100, 700) if str(code) not in explained):
        entry = ENGLISH.status(code)
        assert (entry.kind, entry.key, entry.registered) == (Topic.STATUS, str(code), False)
        assert entry.meaning.startswith(f"{code} is not registered. ")
        assert f" {183 if code < 200 else code // 100 * 100} " in entry.meaning


def test_a_cause_that_is_not_defined_is_explained_by_its_class() -> None:
    entry = ENGLISH.cause(37)
    assert (entry.kind, entry.key, entry.registered) == (Topic.CAUSE, "37", False)
    assert "'resource unavailable'" in entry.meaning
    assert "47 Resource unavailable, unspecified" in entry.meaning


def spellings(entry: Entry) -> set[str]:
    names = {entry.key, entry.name, entry.plain}
    return names | {name.upper() for name in names} | {name.lower().replace(" ", "_") for name in names}


@for_each("entry", ENGLISH.all(), ids=lambda entry: f"{entry.kind.value}-{entry.key}")
def test_every_entry_is_found_by_its_names_in_any_spelling(entry: Entry) -> None:
    for name in spellings(entry):
        assert entry in ENGLISH.find(name), name


FOUND = [
    ("no_answer", ["outcome no_answer", "condition no_answer"]),
    ("outcome no_answer", ["outcome no_answer"]),
    ("condition no-answer", ["condition no_answer"]),
    ("Agent busy", ["outcome busy"]),
    ("call redirected by system", ["outcome answered_elsewhere", "outcome redirected"]),
    ("Forbidden", ["outcome forbidden", "status 403"]),
    ("480 that probably rang", ["finding late_480"]),
    ("4XX", ["class 4xx"]),
    ("User Busy", ["cause 17"]),
    ("Q.850;cause=19", ["cause 19"]),
    ("SIP;cause=200", ["outcome answered_elsewhere"]),
    ("SIP/2.0 603 Decline", ["status 603"]),
    ("SIP;cause=486, Q.850;cause=37", ["cause 37", "status 486"]),
    ("499", ["status 499"]),
    ("X.int;cause=3", []),
    ("busi", []),
    ("", []),
]


@for_each("text, expected", FOUND, ids=[text or "nothing" for text, _ in FOUND])
def test_find(text: str, expected: list[str]) -> None:
    assert found(text) == expected


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [("busi", "busy"), ("no_anwser", "no_answer"), ("agent bussy", "Agent busy"), ("forbiden", "forbidden"), ("ringin", "Ringing")],
)  # fmt: skip
def test_a_near_miss_suggests(text: str, suggestion: str) -> None:
    assert suggestion in ENGLISH.suggest(text)
    assert len(ENGLISH.suggest(text)) <= 3


@pytest.mark.parametrize("text", ["qqqqqq", "999", "", "\x00"])
def test_what_is_near_to_nothing_suggests_nothing(text: str) -> None:
    assert ENGLISH.suggest(text) == []


@given(st.text() | st.text("Q.850SIP;cause=\"', 0123459reason:/\\", max_size=40))
def test_whatever_is_asked_there_is_an_answer_or_none(text: str) -> None:
    for entry in ENGLISH.find(text):
        assert entry.meaning
    assert all(ENGLISH.find(suggestion) for suggestion in ENGLISH.suggest(text))


def test_suggestions_are_found_when_they_are_taken() -> None:
    for text in ("ring", "busi", "trunk", "unavail", "rejected"):
        assert ENGLISH.suggest(text)
        assert all(ENGLISH.find(suggestion) for suggestion in ENGLISH.suggest(text))


def test_cases_are_told_with_the_timers_that_are_in_force_by_default() -> None:
    assert ENGLISH.when(When.ALWAYS) == ""
    assert "5 s" in ENGLISH.when(When.SILENT)
    assert "10 s" in ENGLISH.when(When.STUCK)
    assert "30 s" in ENGLISH.when(When.RANG)
    assert all("{" not in ENGLISH.when(when) for when in When)
