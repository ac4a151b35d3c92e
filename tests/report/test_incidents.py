"""Incidents in sentences: only what the figures hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sipwatch.export.incidents import ExampleRecord, IncidentRecord, Looked, PairRecord, RiseRecord, WellRecord
from sipwatch.export.moments import Moment
from sipwatch.report.incidents import incident_sentences, none_words
from tests.each import for_each
from tests.export.records import START, at

if TYPE_CHECKING:
    from collections.abc import Sequence

NOW = at(3600)


def rise(word: str = "server_error", **more: Any) -> RiseRecord:
    given: dict[str, Any] = {
        "what": "outcome", "word": word, "since": START, "until": None, "calls": 30, "of": 40, "share": 0.75,
        "usual": 0.02, "expected": 0.8, "pairs": [PairRecord("pbx", "south", 30, 40)], "owner": "the provider",
    }  # fmt: skip
    return RiseRecord(**{**given, **more})


def incident(**more: Any) -> IncidentRecord:
    given: dict[str, Any] = {
        "id": "0a1b2c3d", "end": "destination", "peer": "south", "since": START, "before": False, "until": None,
        "last": at(3000), "calls": 30, "rises": [rise()], "well": [WellRecord("north", 2, 140)], "callers": 12,
        "callees": 1, "examples": [ExampleRecord("0" * 12, 503, None, 30)], "quiet_since": None,
    }  # fmt: skip
    return IncidentRecord(**{**given, **more})


def test_an_incident_is_told_in_five_sentences() -> None:
    assert incident_sentences(incident(), NOW) == [
        "Calls to south: “Server failure”, since 09:00; the last such call began at 09:50.",
        "30 of 40 calls (75%), where 2.0% are usual: “Server failure”; pbx → south 30 of 40.",
        "30 calls of 12 callers to 1 number.",
        "Well meanwhile: to north 2 of 140.",
        "Who should look: the provider.",
    ]


@for_each(
    "changed, sentence",
    [
        ({"end": "source", "peer": "branch"}, "Calls from branch: “Server failure”, since 09:00;"),
        ({"end": "all", "peer": None, "well": []}, "All calls: “Server failure”, since 09:00;"),
        ({"before": True}, "Calls to south: “Server failure”, since before 09:00;"),
        ({"until": at(1800)}, "Calls to south: “Server failure”, from 09:00 until 09:30."),
        ({"before": True, "until": at(1800)}, "Calls to south: “Server failure”, from before 09:00 until 09:30."),
        ({"since": at(-86_400)}, "Calls to south: “Server failure”, since 2026-01-04 09:00;"),
        ({"rises": [rise(), rise("busy")]}, "Calls to south: “Server failure” and “Busy”, since"),
        (
            {"rises": [rise(), rise("busy"), rise("congested"), rise("no_answer")]},
            "Calls to south: “Server failure”, “Busy” and 2 more, since",
        ),
        (
            {"rises": [rise("no_bye", what="ending", usual=0.002)]},
            "30 of 40 answered calls (75%), where hardly any are usual: “Nobody hung up”; pbx → south 30 of 40.",
        ),
        (
            {"rises": [rise(until=at(1800)), rise("busy", since=at(600), owner="nobody")]},
            "30 of 40 calls since 09:10 (75%), where 2.0% are usual: “Busy”; pbx → south 30 of 40.",
        ),
        (
            {"rises": [rise(until=at(1800)), rise("busy", since=at(600), owner="nobody")]},
            "30 of 40 calls from 09:00 until 09:30 (75%), where 2.0% are usual: “Server failure”; pbx",
        ),
        (
            {"rises": [rise(), rise("busy", owner="nobody"), rise("congested")]},
            "Who should look: of “Server failure” and “All lines busy”: the provider; of “Busy”: nobody.",
        ),
        (
            {"quiet_since": at(3100)},
            "Calls to south: “Server failure”, since 09:00; the last such call began at 09:50, and no call at all has come",
        ),
        (
            {"end": "all", "peer": None, "rises": [rise(pairs=[PairRecord("other", "other", 30, 40)])]},
            "30 of 40 calls (75%), where 2.0% are usual: “Server failure”.",
        ),
        ({"examples": [], "calls": 1}, "1 call; which they were is not stored any more."),
        ({"well": []}, "No other peer had calls meanwhile that could be held beside it."),
        ({"end": "all", "peer": None}, "It rose at most peers, or peers are not told apart."),
    ],
)
def test_what_is_said_is_what_is_known(changed: dict[str, Any], sentence: str) -> None:
    said: Sequence[str] = incident_sentences(incident(**changed), Moment(NOW))
    assert any(one.startswith(sentence) for one in said), said


@for_each("peers, words", [((), "at any peer."), (("a", "b"), "of a and b or of all calls.")])
def test_where_there_is_none_it_is_said_of_whom(peers: tuple[str, ...], words: str) -> None:
    assert none_words(Looked(0, int(START), int(NOW), 100, []), peers).endswith(words)


def test_who_should_look_is_left_out_where_nobody_is_known() -> None:
    assert not any("Who should look" in one for one in incident_sentences(incident(rises=[rise(owner="")]), NOW))
