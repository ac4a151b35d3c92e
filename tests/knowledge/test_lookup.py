"""What people type is read as what they mean."""

from __future__ import annotations

import pytest

from sipwatch.knowledge.lookup import normal, read
from tests.each import for_each

READINGS = [
    ("a-code", "486", ["status 486"]),
    ("a-cause-below-100", "19", ["cause 19"]),
    ("a-number-in-both-lists", "100", ["status 100", "cause 100"]),
    ("a-cause-above-100", "102", ["cause 102"]),
    ("a-code-that-is-not-registered", "499", ["status 499"]),
    ("a-cause-that-is-not-defined", "37", ["cause 37"]),
    ("a-status-line", "SIP/2.0 603 Decline", ["status 603"]),
    ("a-status-line-in-lower-case", "sip/2.0 487 whatever 19", ["status 487"]),
    ("a-code-with-its-phrase", "603 Decline", ["status 603"]),
    ("a-cause-with-its-name", "19 no answer from user", ["cause 19"]),
    ("a-reason", "Q.850;cause=19", ["cause 19"]),
    ("a-reason-in-any-case-and-order", 'q.850 ; TEXT="x;cause=3" ; Cause=19', ["cause 19"]),
    ("a-reason-with-a-text", 'Q.850;cause=16;text="Normal, reason: cause=17"', ["cause 16"]),
    ("a-reason-header", "Reason: Q.850;cause=34", ["cause 34"]),
    ("a-reason-of-sip", "SIP;cause=486", ["status 486"]),
    ("a-success-elsewhere", 'SIP;cause=200;text="Call completed elsewhere"', ["outcome answered_elsewhere"]),
    ("two-reasons-in-the-order-in-which-they-decide", "SIP;cause=486, Q.850;cause=34", ["cause 34", "status 486"]),
    ("one-reason-twice", "Q.850;cause=34,Q.850;cause=34", ["cause 34"]),
    ("an-unknown-protocol", "X.int;cause=34", []),
    ("a-cause-that-is-no-number", "Q.850;cause=abc", []),
    ("a-cause-beyond-the-list", "Q.850;cause=200", []),
    ("no-cause-at-all", "Q.850;text=busy", []),
    ("a-code-beyond-the-list", "700", []),
    ("nothing", "0", []),
    ("cause-in-words", "cause 19", ["cause 19"]),
    ("cause-with-a-sign", "cause=19", ["cause 19"]),
    ("q850-in-words", "Q.850 cause 19", ["cause 19"]),
    ("q850-without-its-dot", "q850 19", ["cause 19"]),
    ("status-in-words", "status code 102", ["status 102"]),
    ("sip-in-words", "SIP 486", ["status 486"]),
    ("a-word-of-one-kind", "condition no_answer", ["condition no answer"]),
    ("a-phrase-after-status", "status Busy Here", ["any busy here"]),
    ("a-name", "Agent  Busy", ["any agent busy"]),
    ("a-key", "no-answer", ["any no answer"]),
]


@for_each("text, asked", [row[1:] for row in READINGS], ids=[row[0] for row in READINGS])
def test_a_text_is_read(text: str, asked: list[str]) -> None:
    assert [f"{'any' if kind is None else kind.value} {key}" for kind, key in read(text)] == asked


def test_names_are_compared_in_any_case_and_with_any_blanks() -> None:
    assert normal(" No_Answer ") == normal("no-answer") == normal("NO  ANSWER") == "no answer"


@pytest.mark.parametrize("text", ["\udcff;cause=3", "x" * 100_000, ";" * 100_000, '"' * 9_999, "\x00", "q.850", ""])
def test_nothing_that_is_typed_breaks_it(text: str) -> None:
    assert len(read(text)) <= 1
