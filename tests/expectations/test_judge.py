"""Whether an expectation is met: figures by hand, who is counted, an empty population, and calls that speak against it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sipwatch.expectations.judge import MAX_EXAMPLES, Judge
from sipwatch.expectations.rules import parse
from tests.each import for_each
from tests.export.records import answered, at, call, span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sipwatch.expectations.judge import ResultRecord
    from sipwatch.export.record import CallRecord

# Nineteen answered calls to acme, one busy to north, by their ids.
CALLS = [answered(id=f"a{number}", source="phones", destination="acme") for number in range(19)] + [
    call(id="b0", source="phones", destination="north")
]


def judged(rule: str, calls: Sequence[CallRecord] = CALLS, *, completed: bool = True) -> ResultRecord:
    judge = Judge(parse(f'[[expect]]\nname = "x"\n{rule}', "x", ["acme", "north", "phones"]))
    for one in calls:
        judge.add(one, completed)
    (found,) = judge.results()
    return found


ANSWERED = "share_of = \"outcome == 'answered'\"\n"
BUSY = "count_of = \"outcome == 'busy'\"\n"
VERDICTS = [
    (f"{ANSWERED}min = 0.95", True, "19 of 20 calls (95.00%), at least 95% expected"),
    (f"{ANSWERED}min = 0.951", False, "19 of 20 calls (95.00%), at least 95.1% expected"),
    (f"{ANSWERED}max = 0.949", False, "19 of 20 calls (95.00%), at most 94.9% expected"),
    (f"{ANSWERED}min = 0.9\nmax = 0.96", True, "19 of 20 calls (95.00%), at least 90% and at most 96% expected"),
    (f"{ANSWERED}destination = 'acme'\nmin = 1", True, "19 of 19 calls (100.00%), at least 100% expected"),
    (f"{ANSWERED}peer = 'north'\nmin = 0.5", False, "0 of 1 calls (0.00%), at least 50% expected"),
    (f"{ANSWERED}source = 'phones'\nfilter = 'status_code == 486'\nmax = 0", True, "0 of 1 calls (0.00%), at most 0% expected"),
    (f"{BUSY}max = 1", True, "1 of 20 calls, at most 1 expected"),
    (f"{BUSY}max = 0", False, "1 of 20 calls, at most 0 expected"),
    (f"{BUSY}exactly = 1", True, "1 of 20 calls, exactly 1 expected"),
    (f"{BUSY}min = 2", False, "1 of 20 calls, at least 2 expected"),
    ("ratio = 'asr'\nmin = 0.95", True, "ASR: 19 of 20 calls (95.00%), at least 95% expected"),
    ("ratio = 'ner'\nmin = 1.0", True, "NER: 20 of 20 calls (100.00%), at least 100% expected"),
    ("ratio = 'isa'\nmax = 0.0", True, "ISA: 0 of 20 calls (0.00%), at most 0% expected"),
    ("delay = 'answer'\nmax = 5", True, "Time to answer: 95% of 19 calls within 5.00 s, at most 5 s expected"),
    ("delay = 'answer'\nmax = 4.999", False, "Time to answer: 95% of 19 calls within 5.00 s, at most 4.999 s expected"),
    ("delay = 'answer'\nmin = 5.001", False, "Time to answer: 95% of 19 calls within 5.00 s, at least 5.001 s expected"),
    ("delay = 'answer'\nmin = 5", True, "Time to answer: 95% of 19 calls within 5.00 s, at least 5 s expected"),
]  # fmt: skip


@for_each("rule, met, text", VERDICTS, ids=lambda row: row[0])
def test_a_figure_is_held_against_its_limits(rule: str, met: bool, text: str) -> None:
    found = judged(rule)
    assert (found.text, found.met) == (text, met)


def test_a_call_is_completed_where_its_bye_was_confirmed() -> None:
    assert judged("ratio = 'scr'\nmin = 0.95", completed=True).met
    assert judged("ratio = 'scr'\nmax = 0.0", completed=False).met


EMPTY = [
    (f"{ANSWERED}destination = 'north'\nfilter = 'status_code == 200'\nmin = 0", "no call to judge (destination north, filter status_code == 200)"),
    (f"{BUSY}filter = 'status_code == 503'\nmax = 5", "no call to judge (filter status_code == 503)"),
    (f"{BUSY}filter = 'status_code == 503'\nmin = 0", "no call to judge (filter status_code == 503)"),
    ("delay = 'ring_seconds'\nsource = 'acme'\nmax = 5", "no call to judge (source acme)"),
    ("delay = 'ring_seconds'\npeer = 'north'\nmax = 5", "none of 1 calls has it: Ringing"),
    ("ratio = 'ser'\nsource = 'acme'\nmax = 1.0", "no call to judge (source acme)"),
]  # fmt: skip


@for_each("rule, text", EMPTY, ids=lambda row: row[0])
def test_a_test_of_nothing_does_not_pass(rule: str, text: str) -> None:
    found = judged(rule)
    assert (found.met, found.figure, found.text, found.examples) == (False, None, text, [])


def test_a_capture_without_calls_meets_nothing_and_says_so() -> None:
    assert judged(f"{ANSWERED}min = 0", []).text == "no call to judge (there is none at all)"


def test_only_unfinished_calls_give_no_ratio() -> None:
    assert judged("ratio = 'ser'\nmin = 0.0", [call("unfinished")]).text == "none of 1 calls is one that SER is of"


@pytest.mark.parametrize("limit", ["max = 0", "exactly = 0"])
def test_who_expects_none_may_find_none(limit: str) -> None:
    found = judged(f"{BUSY}filter = 'status_code == 503'\n{limit}")
    assert (found.met, found.figure, found.of) == (True, 0, 0)


EXAMPLES = [
    (f"{ANSWERED}min = 1", ["b0"]),
    (f"{ANSWERED}max = 0.5", ["a0", "a1", "a2", "a3", "a4"]),
    (f"{BUSY}max = 0", ["b0"]),
    (f"{BUSY}min = 5", ["a0", "a1", "a2", "a3", "a4"]),
    ("ratio = 'asr'\nmin = 1.0", ["b0"]),
    ("ratio = 'asr'\nmax = 0.1", ["a0", "a1", "a2", "a3", "a4"]),
    ("delay = 'answer'\nmin = 6", ["a0", "a1", "a2", "a3", "a4"]),
    ("delay = 'setup_seconds'\nmax = 2", ["a0", "a1", "a2", "a3", "a4"]),
    (f"{ANSWERED}min = 0.5", []),
]  # fmt: skip


@for_each("rule, ids", EXAMPLES, ids=lambda row: row[0])
def test_calls_that_speak_against_it_are_named(rule: str, ids: list[str]) -> None:
    assert judged(rule).examples == ids
    assert len(ids) <= MAX_EXAMPLES


def test_a_percentile_is_counted_call_by_call() -> None:
    """Of 20 calls one is slow: 95 % are within 2 s, 96 % are not. A bucket is 5 % wide, and 2 s lies inside one."""
    calls = [call(id=f"q{number}", setup_seconds=span(2)) for number in range(19)] + [
        call(id="slow", setup_seconds=span(9))
    ]
    met, not_met = (judged(f"delay = 'setup_seconds'\nmax = 2\npercentile = {share}", calls) for share in (95, 96))
    assert (met.met, met.figure, met.examples) == (True, 2.0, [])
    assert (not_met.met, not_met.figure, not_met.examples) == (False, 9.0, ["slow"])


def test_a_percentile_may_be_too_quick() -> None:
    """Nineteen of 20 calls are below 3 s, and so is what 95 % stay within; what 96 % stay within is not."""
    calls = [call(id=f"q{number}", setup_seconds=span(2)) for number in range(19)] + [call(setup_seconds=span(9))]
    quick, slow = (judged(f"delay = 'setup_seconds'\nmin = 3\npercentile = {share}", calls) for share in (95, 96))
    assert (quick.met, quick.examples[0], slow.met) == (False, "q0", True)


def test_a_challenge_is_no_part_of_the_session_request_delay() -> None:
    assert judged("delay = 'srd'\nmax = 1.0", [answered(progressed=at(1))]).met
