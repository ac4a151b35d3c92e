"""What a call shows of its provisional responses, and what it does not show."""

from __future__ import annotations

import pytest

from tests.classify.diagnosing import ACME, TRIED, diagnose, ends, sent, settings

RELIABLE = "183 h=Require:_100rel h=RSeq:_7"
COPIES = (1, 1.5, 2.5, 4.5, 8.5)


def prack(at: float, rack: str = "7_1_INVITE", final: int | None = 200, cseq: int = 2) -> str:
    """Write a PRACK, and its response if there is one."""
    answer = f"{at + 0.02:.2f} T>A {final} method=PRACK cseq={cseq}\n" if final else ""
    return f"{at:.2f} A>T PRACK cseq={cseq} ttag=callee h=RAck:_{rack}\n{answer}"


def test_a_reliable_response_that_nobody_confirms_is_repeated() -> None:
    found = diagnose(TRIED + sent(COPIES, "T>A", RELIABLE) + ends(504, 33), settings(ACME))
    assert found.kinds() == ["prack_missing"]
    assert found.text("prack_missing") == "The 183 with RSeq 7 was sent 5 times, and no PRACK for it was seen."


@pytest.mark.parametrize("rack", ["6_1_INVITE", "7_2_INVITE", "7_1_UPDATE"])
def test_a_prack_for_something_else_confirms_nothing(rack: str) -> None:
    """RAck names RSeq, CSeq number and method (RFC 3262 §7.2)."""
    found = diagnose(TRIED + sent(COPIES, "T>A", RELIABLE) + prack(1.1, rack) + ends(504, 33))
    assert f"(RAck {rack.replace('_', ' ')})" in found.text("prack_missing")


def test_two_copies_may_have_crossed_the_prack() -> None:
    assert diagnose(TRIED + sent(COPIES[:2], "T>A", RELIABLE) + ends(504, 33)).kinds() == []


def test_a_response_without_rseq_may_come_as_often_as_it_likes() -> None:
    """A queue says 182 every few seconds."""
    assert diagnose(TRIED + sent(COPIES, "T>A", "182") + ends(486, 33)).kinds() == []


def test_a_response_that_goes_on_in_spite_of_its_prack_was_not_missing_one() -> None:
    found = diagnose(TRIED + sent(COPIES, "T>A", RELIABLE) + prack(1.02) + prack(1.52, cseq=3) + ends(504, 33))
    assert found.kinds() == ["prack_ignored"]
    assert found.text("prack_ignored").endswith("sent 5 times, although 2 PRACK for it were answered.")


def test_a_prack_that_comes_late_and_ends_it_is_no_fault() -> None:
    assert diagnose(TRIED + sent(COPIES, "T>A", RELIABLE) + prack(8.6) + ends(486, 33)).kinds() == []


def test_a_prack_without_an_answer_proves_neither() -> None:
    assert diagnose(TRIED + sent(COPIES, "T>A", RELIABLE) + prack(1.1, final=None) + ends(486, 33)).kinds() == []


# Preconditions (RFC 3312)

WANTS = "0.5 T>A 183 h=Require:_100rel,_Precondition h=RSeq:_7\n" + prack(0.6)
UPDATES = "0.8 A>T UPDATE cseq=3 ttag=callee\n0.9 T>A {final} method=UPDATE cseq=3\n"


def test_580_ends_a_call_whose_preconditions_were_not_met() -> None:
    found = diagnose(TRIED + WANTS + UPDATES.format(final=580) + ends(580, 9), settings(ACME))
    assert found.kinds() == ["precondition"]
    assert found.text("precondition").startswith("acme ended the call with 580")


def test_preconditions_that_nobody_speaks_of_again_are_not_met() -> None:
    found = diagnose(TRIED + WANTS + ends(504, 30), settings(ACME))
    assert found.text("precondition").startswith("acme asked for preconditions with its 183, and no UPDATE")


@pytest.mark.parametrize(
    "script",
    [
        TRIED + WANTS + UPDATES.format(final=200) + ends(486, 9),
        TRIED + WANTS + "5 T>A 200\n5.1 A>T ACK ttag=callee branch=z9hG4bKa\n",
        TRIED + "0.5 T>A 183 h=Require:_100rel h=RSeq:_7\n" + prack(0.6) + ends(486, 9),
    ],
    ids=["an UPDATE came", "it was answered", "none were asked for"],
)
def test_no_precondition_is_told_where(script: str) -> None:
    assert diagnose(script).kinds() == []


def test_where_the_prack_is_missing_nobody_could_come_to_the_preconditions() -> None:
    script = TRIED + sent(COPIES, "T>A", "183 h=Require:_100rel,_precondition h=RSeq:_7") + ends(504, 30)
    assert diagnose(script).kinds() == ["prack_missing"]
