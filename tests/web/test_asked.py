"""What an address asks for: moments, numbers, filters and choices; what cannot be read is told in words."""

from __future__ import annotations

import pytest

from sipwatch.packet import SECOND
from sipwatch.store.wanted import FOREVER, Position
from sipwatch.web.asked import AskedError, asked_for, place_text, whole_number
from tests.each import for_each
from tests.export import records
from tests.export.records import START, at

NOW = int(at(3600))


@for_each(
    "text, moment",
    [
        ("2026-01-05T09:30", at(1800)),
        ("2026-01-05T09:30:00Z", at(1800)),
        ("2026-01-05T10:30:00+01:00", at(1800)),
        ("2026-01-05", at(-9 * 3600)),
        ("1h", START),
        ("1h30m", at(-1800)),
        ("09:30", at(1800)),
        ("now", NOW),
        ("1767603600", START),
        ("1767603600123", START + 123 * SECOND // 1000),
        ("9999-12-31T23:59:59Z", FOREVER),
        ("9999999999999", min(FOREVER, 9999999999999 * 1000000)),
    ],
)
def test_moments_are_utc(text: str, moment: int) -> None:
    assert asked_for({"since": text}, NOW).wanted.since == moment


@for_each("text", ["tomorrow", "2026-13-01", "1x", "25:00", "\0", "' OR 1=1 --", "9" * 400, "1767603600 "[::-1] + "x"])
def test_what_is_no_moment_is_told(text: str) -> None:
    with pytest.raises(AskedError, match="is no moment; write a moment") as raised:
        asked_for({"until": text}, NOW)
    assert raised.value.where == "until"


def test_a_time_that_ends_before_it_begins_is_told() -> None:
    with pytest.raises(AskedError, match="not after"):
        asked_for({"since": "1h", "until": "2h"}, NOW)


def test_choices_and_the_filter_have_to_hold_together() -> None:
    given = {"outcome": "busy", "peer": "acme", "filter": "setup_seconds > 1", "number": "15550100"}
    wanted = asked_for(given, NOW).wanted
    assert wanted.takes(records.call("busy", source="acme"))
    assert wanted.takes(records.call("busy", destination="acme"))
    assert not wanted.takes(records.call("busy"))
    assert not wanted.takes(records.call("no_answer", source="acme"))
    assert not wanted.takes(records.call("busy", source="acme", setup_seconds=records.span(0.5)))
    assert not wanted.takes(records.call("busy", source="acme", caller="15550199"))


def test_all_that_failed_is_one_choice() -> None:
    wanted = asked_for({"outcome": "failed"}, NOW).wanted
    assert [
        outcome for outcome in ("answered", "busy", "redirected", "server_error") if wanted.takes(records.call(outcome))
    ] == [
        "busy",
        "server_error",
    ]


@for_each(
    "given, why",
    [
        ({"filter": "outcom == 1"}, "did you mean outcome"),
        ({"filter": "("}, "not right"),
        ({"filter": "not " * 900 + "true"}, "too deep"),
        ({"filter": "[[y for y in findings] for x in findings] == []"}, "one list"),
        ({"outcome": "fine"}, "no outcome 'fine'"),
        ({"outcome": 'busy" or "1" == "1'}, "no outcome"),
        ({"peer": 'a" or true or "'}, "no peer"),
        ({"number": "nobody"}, "no number"),
        ({"number": "1" * 500}, "too long for a number"),
        ({"behind": "1-2-3"}, "not what a page gave"),
        ({"behind": "9" * 19 + "-1"}, "not what a page gave"),
        ({"before": "-1-5"}, "not what a page gave"),
    ],
)
def test_what_cannot_be_read_is_told_in_words_and_where(given: dict[str, str], why: str) -> None:
    with pytest.raises(AskedError, match=why) as raised:
        asked_for(given, NOW)
    assert raised.value.where in given
    assert "\n" not in str(raised.value)


def test_a_place_is_read_as_it_was_written() -> None:
    place = Position(int(START), 12)
    assert asked_for({"behind": place_text(place)}, NOW).behind == place


def test_the_selection_goes_on_to_the_next_page_and_nothing_else_does() -> None:
    asked = asked_for({"filter": 'caller == "a&b"', "since": "", "behind": "1-1", "utm": "x"}, NOW)
    assert asked.query(behind="2-2") == "?filter=caller+%3D%3D+%22a%26b%22&behind=2-2"
    assert asked_for({}, NOW).query() == ""


@for_each("text, found", [("", 5), ("1", 1), ("10", 10)])
def test_whole_numbers_have_bounds(text: str, found: int) -> None:
    assert whole_number({"limit": text}, "limit", 1, 10, 5) == found


@for_each("text", ["0", "11", "-1", "1.5", "x", "9" * 30, "\uff11"])
def test_no_other_number_is_taken(text: str) -> None:
    with pytest.raises(AskedError, match="from 1 to 10"):
        whole_number({"limit": text}, "limit", 1, 10, 5)


def test_an_agent_is_asked_for_by_what_stands_in_calls() -> None:
    asked = asked_for({"agent": " 201 "}, NOW)
    assert (asked.wanted.agent, asked.query()) == (("201",), "?agent=201")
    assert asked_for({}, NOW).wanted.agent == ()
