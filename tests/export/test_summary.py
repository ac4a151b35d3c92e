"""Calls counted: RFC 6076's ratios, conditions once per call, delays by quantile."""

from __future__ import annotations

from typing import Any

import pytest

from sipwatch.classify.past import MAX_IDS
from sipwatch.export.record import EvidenceRecord, FindingRecord
from sipwatch.export.summary import Summary, rests_on_inference
from tests.each import for_each
from tests.export.records import answered, at, call, condition, leg, link, words


def summary(*calls: tuple[Any, bool]) -> Summary:
    counted = Summary()
    for record, completed in calls:
        counted.add(record, completed)
    return counted


RATIOS = [
    ("all-answered", [(answered(), True)] * 2, (1.0, 1.0, 0.0, 1.0)),
    ("busy-is-effective-but-not-answered", [(answered(), True), (call(), False)], (0.5, 1.0, 0.0, 0.5)),
    ("a-redirect-is-not-in-the-denominator", [(answered(), True), (call("redirected", status_code=302), False)], (1.0, 1.0, 0.0, 0.5)),
    ("503-is-ineffective", [(answered(), True), (call("server_error", status_code=503), False)], (0.5, 0.5, 0.5, 0.5)),
    ("403-is-neither", [(answered(), True), (call("forbidden", status_code=403), False)], (0.5, 0.5, 0.0, 0.5)),
    ("timer-b-is-ineffective", [(call("not_responding", status_code=None, trying=None, ended_by="timeout"), False)], (0.0, 0.0, 1.0, 0.0)),
    ("timer-c-is-not-timer-b", [(call("no_progress", status_code=None, ended_by="timeout"), False)], (0.0, 0.0, 0.0, 0.0)),
    ("an-answer-whose-bye-was-lost-is-not-complete", [(answered(), False)], (1.0, 1.0, 0.0, 0.0)),
    ("an-answer-that-was-not-captured-is-one", [(answered(status_code=None, answered=None, talk_seconds=None), True)], (1.0, 1.0, 0.0, 1.0)),
    ("unfinished-calls-are-in-none", [(call("unfinished", status_code=None), False)], (None, None, None, None)),
    ("only-redirects", [(call("redirected", status_code=301), False)], (None, None, 0.0, 0.0)),
]  # fmt: skip


@for_each("calls, expected", [r[1:] for r in RATIOS], ids=[r[0] for r in RATIOS])
def test_ratios_are_rfc_6076s_over_calls(calls: list[Any], expected: tuple[float | None, ...]) -> None:
    """DESIGN §6; None where the denominator is 0."""
    record = summary(*calls).to_record()
    assert (record.ser, record.seer, record.isa, record.scr) == expected


def test_asr_and_ner() -> None:
    counted = summary((answered(), True), (call(), False), (call("server_error"), False), (call("unfinished"), False))
    record = counted.to_record()
    assert (record.asr, record.ner) == (round(1 / 3, 6), round(2 / 3, 6))


def test_a_condition_counts_once_for_a_call_however_many_hops_raised_it() -> None:
    twice = call("no_progress", conditions=[condition(), condition()])
    assert summary((twice, False), (call(), False)).to_record().conditions == {"no_progress": 1}


def test_outcomes_are_listed_most_frequent_first() -> None:
    record = summary((call(), False), (answered(), True), (answered(), True)).to_record()
    assert list(record.outcomes.items()) == [("answered", 2), ("busy", 1)]
    assert record.calls == 3


@for_each("how", ["busy", "idle_busy"])
def test_agents_who_were_busy_are_named_apart_from_others_of_all_calls_and_at_either_end(how: str) -> None:
    """The most frequent first, equal ones by name."""
    agent = (call(legs=[leg(outcome="busy", offered=how)], source="acme", destination="phones"), False)
    other = (call(source="acme", destination="north"), False)
    counted = summary(agent, agent, other, (answered(source="acme", destination="north"), True))
    names = [("busy", "Agent busy", 2), ("answered", "Answered", 1), ("busy", "Busy", 1)]
    assert counted.named() == counted.sources["acme"].named() == names
    assert counted.destinations["phones"].named() == names[:1]
    assert counted.destinations["north"].named() == names[1:]
    assert counted.outcomes == {"busy": 3, "answered": 1}


def test_answered_calls_are_counted_by_how_they_ended() -> None:
    odd = answered(ending="ack_timeout")
    record = summary((answered(), True), (odd, True), (odd, True), (call(), False)).to_record()
    assert list(record.endings.items()) == [("ack_timeout", 2), ("normal", 1)]


HERE, THERE = "192.0.2.65:5060", "192.0.2.80:5060"
INFERENCES = [
    ("its own answer was not captured", "answered", None, [(HERE, ["success"])], True),
    ("a hop behind lost its answer, the caller's own was seen", "answered", 200, [(HERE, []), (THERE, ["success"])], False),
    ("another phone's 487 was not captured, the answer was", "answered", 200, [(HERE, []), (HERE, ["final"])], False),
    ("two INVITEs are one call because of a challenge that was not captured", "answered", 200, [(HERE, ["challenge"]), (HERE, [])], True),
    ("the INVITE was not captured", "answered", 200, [(HERE, ["invite"])], True),
    ("its failing final was not captured", "abandoned", None, [(HERE, ["final"])], True),
    ("a hop behind lost its final, the caller's own was seen", "busy", 486, [(HERE, []), (THERE, ["final"])], False),
    ("everything was seen", "busy", 486, [(HERE, [])], False),
]  # fmt: skip


@pytest.mark.parametrize(
    ("outcome", "code", "legs", "expected"), [row[1:] for row in INFERENCES], ids=[row[0] for row in INFERENCES]
)
def test_a_verdict_rests_on_inference_if_it_needs_what_was_not_captured(
    outcome: str, code: int | None, legs: list[tuple[str, list[str]]], expected: bool
) -> None:
    made = [leg(source_address=source, inferred=inferred) for source, inferred in legs]
    record = (answered if outcome == "answered" else call)(status_code=code, legs=made)
    assert rests_on_inference(record) is expected
    assert summary((record, True), (call(), False)).to_record().inferred == expected


def test_sources_and_destinations_are_tallied() -> None:
    counted = summary((answered(source="acme"), True), (call(source="acme"), False))
    assert (counted.sources["acme"].calls, counted.sources["acme"].answered) == (2, 1)


def found(text: str) -> FindingRecord:
    return FindingRecord("late_480", words("acme"), words(text), [])


@pytest.mark.parametrize(
    ("told", "texts"),
    [
        (["it rang 9 s"], []),
        (["it rang 9 s", "it rang 9 s"], []),
        (["it rang 9 s", "it rang 8 s"], ["it rang 9 s", "it rang 8 s"]),
        ([f"it rang {n} s" for n in range(9)], [f"it rang {n} s" for n in range(MAX_IDS)]),
    ],
    ids=["one call", "two that say the same", "two that differ", "more than are named"],
)
def test_a_finding_about_several_calls_has_the_words_of_each_that_it_names(told: list[str], texts: list[str]) -> None:
    calls = [(call(id=f"{n}", findings=[found(text)]), False) for n, text in enumerate(told)]
    (whole,) = summary(*calls).to_record().findings
    assert (whole.calls, len(whole.ids), str(whole.text)) == (len(told), min(len(told), MAX_IDS), told[-1])
    assert [str(text) for text in whole.texts] == texts


def of_streak(kind: str, length: int, since: float, until: float) -> FindingRecord:
    evidence = [EvidenceRecord(at(moment), None, 0, words("486")) for moment in (since, until)]
    return FindingRecord(kind, words("201"), words(f"{length} in a row since {since:g}"), evidence)


@pytest.mark.parametrize("kind", ["refusal_streak", "silent_peer"])
def test_a_streak_has_one_length_however_many_of_its_calls_tell_of_it(kind: str) -> None:
    """Calls come as they are over: the third of the first streak after its fourth."""
    streaks = ((4, 10, 40), (3, 10, 30), (5, 10, 50), (3, 100, 120), (4, 100, 140))
    told = [of_streak(kind, length, since, until) for length, since, until in streaks]
    calls = [(call(id=f"{n}", findings=[one]), False) for n, one in enumerate(told)]
    (whole,) = summary(*calls).to_record().findings
    first, second = "5 in a row since 10", "4 in a row since 100"
    assert [str(text) for text in whole.texts] == [first, first, first, second, second]
    assert [(ids, str(text)) for ids, text in whole.told_apart()] == [(["0", "1", "2"], first), (["3", "4"], second)]
    assert (whole.calls, whole.ids) == (5, ["0", "1", "2", "3", "4"])
    (alone,) = summary(*calls[:3]).to_record().findings
    assert (str(alone.text), alone.texts) == (first, [])


def test_a_pair_of_linked_calls_is_counted_once_by_the_later_and_both_are_calls() -> None:
    summary = Summary()
    summary.add(call(id="aa", started=at(1), linked=[link("bb", 2)]), False)
    summary.add(call(id="bb", started=at(2), linked=[link("aa", 1), link("cc", 2)]), False)
    summary.add(call(id="cc", started=at(2), linked=[link("bb", 2)]), False)
    record = summary.to_record()
    assert (record.calls, record.linked_pairs, record.outcomes) == (3, 2, {"busy": 3})
