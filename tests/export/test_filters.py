"""``--filter``: what an expression says of a call, and what is said of a wrong one."""

from __future__ import annotations

import pytest

from sipwatch.export.filters import LONGEST, FilterError, compile_filter
from sipwatch.export.record import FindingRecord
from tests.export.records import answered, at, call, condition, leg, span

CALL = call(setup_seconds=span(4.5), conditions=[condition()], callee="0015550101")

HOLDS = [
    'outcome == "busy"',
    'outcome in ["busy", "declined"] and setup_seconds > 3',
    'callee =~ "^00"',
    'callee =~~ "5010"',
    '"no_progress" in conditions',
    "status_code >= 400 and status_code < 500",
    f'started < "{at(1)}"',
    "cause == null",
    "not (status_code == 200)",
    "talk_seconds > 1 or status_code == 486",
    "not (talk_seconds > 1)",
]
FAILS = [
    'outcome == "answered"',
    "talk_seconds > 1",
    "talk_seconds < 1",
    "ring_seconds >= 0",
    'cause_text =~ ".*x"',
    '"no_answer" in conditions',
]


@pytest.mark.parametrize("expression", HOLDS)
def test_an_expression_that_holds(expression: str) -> None:
    assert compile_filter(expression)(CALL)


@pytest.mark.parametrize("expression", FAILS)
def test_an_expression_that_does_not_hold(expression: str) -> None:
    """A comparison with null is false, and no error."""
    assert not compile_filter(expression)(CALL)


WRONG = [
    ('outcom == "busy"', "no key 'outcom'; did you mean outcome?"),
    ("nothing_like_it == 1", "the keys are id, call_id"),
    ("outcome ==", "syntax error"),
    ("outcome > 3", "data type mismatch"),
    ('callee =~ "("', "invalid regular expression"),
    ("legs == 1", "no key 'legs'"),
    ("x" * (LONGEST + 1), f"longer than {LONGEST}"),
]


@pytest.mark.parametrize(("expression", "words"), WRONG, ids=[w[1] for w in WRONG])
def test_a_wrong_expression_is_explained_on_one_line(expression: str, words: str) -> None:
    with pytest.raises(FilterError) as raised:
        compile_filter(expression)
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


def test_findings_are_asked_for_by_kind_and_tags_by_name() -> None:
    record = call(findings=[FindingRecord("late_480", "acme", "it rang", [])], tags=["refused", "brief"])
    for expression, expected in (
        ('"late_480" in findings', True), ('"loop" in findings', False), ('"brief" in tags', True), ('"x" in tags', False),
    ):  # fmt: skip
        assert compile_filter(expression)(record) is expected, expression
    assert compile_filter('"brief" in tags')(call()) is False


def test_endings_their_causes_and_what_was_inferred_are_asked_for() -> None:
    legs = [leg(), leg(inferred=["success"])]
    record = answered(ending="error_reason", end_cause=38, end_cause_text="RTP timeout", legs=legs)
    for expression, expected in (
        ('ending == "error_reason"', True), ('ending == "ack_timeout"', False), ("end_cause == 38", True),
        ("end_cause > 40", False), ('end_cause_text =~ "RTP.*"', True), ('"success" in inferred', True),
        ('"final" in inferred', False), ('ending != "normal" and talk_seconds > 10', True),
    ):  # fmt: skip
        assert compile_filter(expression)(record) is expected, expression
    assert compile_filter("ending == null")(call()) is True
    assert compile_filter('"success" in inferred')(call()) is False
    assert compile_filter("end_cause > 1")(call()) is False
