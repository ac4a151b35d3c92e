"""The Reason header by itself; what its causes mean is in test_causes."""

from __future__ import annotations

import pytest

from sipwatch.classify.reason import Reason, reasons
from tests.conversation import messages


def read(*headers: str) -> list[Reason]:
    """Return the reasons of a response with these headers."""
    (message,) = messages("0 A>P 500 " + " ".join("h=" + header.replace(" ", "_") for header in headers))
    return reasons(message)


def test_q850_comes_first_then_the_order_of_the_wire() -> None:
    assert [r.cause for r in read("Reason: SIP;cause=480, Q.850;cause=19", "Reason: X.int;cause=3")] == [19, 480, 3]


def test_text_is_taken_out_of_its_quotes() -> None:
    assert read(r'Reason: Q.850;cause=16;text="Normal, \"clearing\"; done"') == [
        Reason("Q.850", 16, 'Normal, "clearing"; done')
    ]


def test_a_protocol_we_do_not_know_keeps_its_spelling() -> None:
    assert read("Reason: Preemption;cause=1") == [Reason("Preemption", 1, None)]


def test_a_cause_beyond_three_digits_or_without_digits_is_none() -> None:
    assert [r.cause for r in read("Reason: Q.850;cause=12345", "Reason: Q.850;cause=-1", "Reason: Q.850")] == [None] * 3


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ('Reason: Q.850 ;cause=47 ;text="RESOURCE, UNSPECIFIED; see log"', Reason("Q.850", 47, "RESOURCE, UNSPECIFIED; see log")),
        ('reason:q.850;text="a;cause=17";CAUSE=34', Reason("Q.850", 34, "a;cause=17")),
        ("REASON : Q.850 ; Cause = 17", Reason("Q.850", 17, None)),
        ("Reason: sip;cause=200", Reason("SIP", 200, None)),
        ("Reason: Q.850;text=busy;cause=017", Reason("Q.850", 17, "busy")),
    ],
    ids=["commas-in-the-text", "a-cause-in-the-text", "blanks", "any-case", "text-without-quotes"],
)  # fmt: skip
def test_odd_spellings_are_read(header: str, expected: Reason) -> None:
    assert read(header) == [expected]


def test_a_protocol_that_nobody_knows_stands_behind_those_of_q850() -> None:
    found = read("Reason: X.int ;reasoncode=0x00000000;add-info=05CC.0001, Q.850;cause=1")
    assert found == [Reason("Q.850", 1, None), Reason("X.int", None, None)]


def test_bytes_that_are_no_utf8_are_made_visible() -> None:
    (message,) = messages("0 A>P 500 h=Reason:_Q.850;cause=16;text=X")
    message.raw = message.raw.replace(b"text=X", b"text=\xff\xfe")
    assert reasons(message)[0].text == "\\xff\\xfe"


def test_a_message_without_the_header_has_no_reasons() -> None:
    assert read() == []
