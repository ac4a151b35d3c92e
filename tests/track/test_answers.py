"""What comes back several times on one hop: the 2xx of each dialog, and reliable provisional responses."""

from __future__ import annotations

import pytest

from sipwatch.track.answers import MAX_RELIABLE, Answer, note_ack
from sipwatch.track.leg import MAX_ANSWERS
from sipwatch.wire.message import Request
from tests.conversation import Observed, messages, nanoseconds, the_call

TRIES = "0 A>P INVITE\n0.1 P>A 100\n"


def watched(script: str) -> Observed:
    """Feed a conversation, and leave it open."""
    observed = Observed()
    for message in messages(script):
        observed.message(message)
    return observed


def ack(at: str) -> Request:
    (found,) = messages(f"{at} A>P ACK ttag=callee branch=z9hG4bKack")
    assert isinstance(found, Request)
    return found


def test_an_answer_keeps_its_first_ack() -> None:
    """Copies of the 2xx bring copies of the ACK (RFC 3261 §13.2.2.4)."""
    answer = Answer(b"callee", None, nanoseconds("1"))
    first, second = ack("2"), ack("3")
    note_ack(answer, first, first.time)
    note_ack(answer, second, second.time)
    assert (answer.ack, answer.acked_at) == (first, nanoseconds("2"))


def test_an_answer_that_was_not_captured_has_no_copies() -> None:
    """It is only inferred."""
    assert Answer(b"callee", None, 0).count == 0


FOUR = "".join(f"{at} P>A 200\n" for at in ("1", "1.5", "2.5", "4.5"))


@pytest.mark.parametrize(
    ("copies", "conditions"),
    [("1 P>A 200\n1.5 P>A 200\n2.5 P>A 200\n", []), (FOUR, ["ack_missing"])],
    ids=["three times", "the fourth time"],
)
def test_the_same_2xx_without_an_ack_in_between_is_a_missing_ack(copies: str, conditions: list[str]) -> None:
    """Raised with the fourth copy."""
    call = the_call(TRIES + copies)
    assert [condition.kind for condition in call.conditions] == conditions


def test_an_ack_that_passed_here_is_not_missing_however_often_the_2xx_comes_again() -> None:
    """It is lost or refused behind this point."""
    call = the_call(TRIES + FOUR.replace("1.5 P>A", "1.2 A>P ACK ttag=callee branch=z9hG4bKack\n1.5 P>A"))
    assert (call.conditions, call.retransmissions) == ([], 3)


@pytest.mark.parametrize(
    ("then", "resolution"),
    [
        ("5 A>P ACK ttag=callee branch=z9hG4bKack", "responded"),
        ("33 P>A BYE from=C ttag=callee cseq=5\n33.1 A>P 200 method=BYE from=C ttag=callee cseq=5", "expired"),
        ("", "capture_end"),
    ],
    ids=["by the ACK", "by the end of its transaction", "by the end of the capture"],
)
def test_how_a_missing_ack_is_resolved(then: str, resolution: str) -> None:
    """Responded, expired or cut off."""
    call = the_call(TRIES + FOUR + then, until="120" if resolution == "expired" else None)
    assert [condition.resolution for condition in call.conditions] == [resolution]


def test_phones_without_end_that_answer_are_remembered_up_to_a_limit() -> None:
    """More than the largest fork that answers at once."""
    observed = watched(TRIES + "".join(f"1 P>A 200 ttag=t{n}\n" for n in range(500)))
    (call,) = observed.tracker.calls()
    assert len(call.legs[0].answers or ()) == MAX_ANSWERS
    assert observed.tracker.evicted == {"answers": 500 - MAX_ANSWERS}


def test_reliable_provisional_responses_are_told_apart_by_rseq_and_phone() -> None:
    """RFC 3262 §3: RSeq numbers them within one dialog."""
    said = [("1", "callee"), ("1", "callee"), ("2", "callee"), ("1", "other"), ("1", "callee")]
    script = TRIES + "".join(f"{n + 1} P>A 183 ttag={tag} h=RSeq:_{rseq}\n" for n, (rseq, tag) in enumerate(said))
    (call,) = watched(script).tracker.calls()
    reliables = call.legs[0].reliables or []
    assert [(one.rseq, one.response.to_tag, one.count) for one in reliables] == [
        (b"1", b"callee", 3), (b"2", b"callee", 1), (b"1", b"other", 1),
    ]  # fmt: skip
    assert reliables[0].last_at == nanoseconds("5")


def test_reliable_provisional_responses_without_end_are_remembered_up_to_a_limit() -> None:
    """Somebody may count RSeq up for ever."""
    observed = watched(TRIES + "".join(f"1 P>A 183 h=RSeq:_{n}\n" for n in range(500)))
    (call,) = observed.tracker.calls()
    assert len(call.legs[0].reliables or ()) == MAX_RELIABLE
    assert observed.tracker.evicted == {"reliables": 500 - MAX_RELIABLE}
