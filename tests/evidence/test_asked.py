"""What is asked for is read, and refused in one line that says what could be meant."""

from __future__ import annotations

import pytest

from sipwatch.classify.hours import zone_of
from sipwatch.classify.outcomes import FAILURES
from sipwatch.classify.peers import EVERYTHING, Privacy
from sipwatch.evidence import asked
from sipwatch.evidence.choose import Selection, WantedCalls
from tests.export.records import answered, at, call

UTC = zone_of("UTC")


def test_outcomes_are_read_one_by_one_or_by_comma() -> None:
    assert asked.outcomes(["busy", "no_progress, declined"]) == {"busy", "no_progress", "declined"}


def test_without_any_every_failure_is_meant() -> None:
    assert asked.outcomes([]) == FAILURES
    assert {"no_progress", "congested", "busy"} < FAILURES
    assert not FAILURES & {"answered", "answered_elsewhere", "unfinished", "retried"}


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        (["no_progres"], "'no_progres' is no outcome of a call; did you mean no_progress?"),
        (["busy,,"], "'' is no outcome of a call; the outcomes are answered, busy"),
        (["retried"], "'retried' is no outcome of a call; did you mean re"),
    ],
)
def test_an_unknown_outcome_is_refused(given: list[str], hint: str) -> None:
    with pytest.raises(ValueError) as caught:
        asked.outcomes(given)
    assert str(caught.value).startswith(hint)


def test_a_peer_has_to_be_in_the_configuration() -> None:
    asked.check_peer("acme", ["acme", "north"], "c.toml")
    asked.check_peer("other", [], None)
    with pytest.raises(ValueError, match=r"no peer is called .acm. in c\.toml; did you mean acme\?"):
        asked.check_peer("acm", ["acme", "north"], "c.toml")
    with pytest.raises(ValueError, match=r"in c\.toml; there are acme, north"):
        asked.check_peer("zzz", ["north", "acme"], "c.toml")
    with pytest.raises(ValueError, match="without --config nobody has a name; 'sipwatch peers FILE'"):
        asked.check_peer("acme", [], None)
    with pytest.raises(ValueError, match=r"c\.toml names nobody"):
        asked.check_peer("acme", [], "c.toml")


def test_a_mask_goes_before_the_configuration_and_leaves_names_to_it() -> None:
    configured = Privacy(2, names=True)
    assert asked.masked("4", configured, 32) == Privacy(4, names=True)
    assert asked.masked("0", configured, 32) == Privacy(None, names=True)
    assert asked.masked("all", configured, 32) == Privacy(EVERYTHING, names=True)
    for wrong in ("33", "-1", "four", "", "4.0", "٤", "999999999"):
        with pytest.raises(ValueError, match="is no number of digits; write 0 to 32, or all"):
            asked.masked(wrong, configured, 32)


def test_what_is_hidden_is_said_in_words() -> None:
    assert asked.hidden_in_words(Privacy()) == ""
    assert asked.hidden_in_words(Privacy(4)) == "the last 4 digits of numbers"
    assert asked.hidden_in_words(Privacy(EVERYTHING, names=True)) == "whole numbers and display names"


def nothing(*calls: object, **wanted: object) -> str:
    given = {"peer": "acme", "outcomes": frozenset({"no_progress"}), **wanted}
    selection = Selection(WantedCalls(**given), 20)  # type: ignore[arg-type]
    for each in calls:
        selection.call(each, True)  # type: ignore[arg-type]
    assert selection.chosen() == []
    return asked.nothing(selection, UTC)


BUSY, ANSWERED = call(destination="acme"), answered(destination="acme")


def test_what_there_is_instead_is_said() -> None:
    assert nothing() == "no call was attempted in this capture; 'sipwatch replay' says what is in it"
    assert nothing(BUSY, BUSY, ANSWERED) == (
        "no call from or to acme ended with no_progress; its calls: busy 2, answered 1"
    )
    assert nothing(call(destination="north", source="pbx")) == (
        "no call from or to acme began; there are calls of north 1, pbx 1"
    )
    assert nothing(BUSY, since=at(60)) == (
        "no call began since 2026-01-05 09:01:00.000000 +00:00; there are 1 at other times"
    )
    assert nothing(ANSWERED, outcomes=FAILURES).startswith("no call from or to acme ended with any failure; its")
    assert "no_progress for which the filter holds; its calls" in nothing(
        call("no_progress", destination="acme"), keep=lambda _: False
    )
    assert "before 2026-01-05 09:00:00.000000 +00:00" in nothing(BUSY, until=at(0))
