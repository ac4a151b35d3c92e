"""One Call-ID, several attempts: whose a message is, and whether an INVITE begins another one (§2.1)."""

from __future__ import annotations

import pytest

from tests.conversation import observe, the_call
from tests.each import for_each
from tests.export.records import span

ANSWERED = "0 A>P INVITE\n1 P>A 200\n1.1 A>P ACK ttag=callee branch=z9hG4bKa\n"


def outcomes(script: str, until: str = "200") -> list[str]:
    return [call.outcome for call in observe(script, until=until).calls]


@pytest.mark.parametrize(
    ("hop", "at", "legs"),
    [("P>B", "32", [2]), ("P>B", "32.000000001", [1, 1]), ("A>Q", "32", [2]), ("A>Q", "32.000000001", [1, 1])],
    ids=[
        "a hop behind, 64*T1 after the first INVITE",
        "a hop behind, a nanosecond later",
        "beside it, 64*T1 after the first INVITE",
        "beside it, a nanosecond later",
    ],
)
def test_after_an_answer_a_further_invite_joins_for_64_t1_after_the_first(hop: str, at: str, legs: list[int]) -> None:
    """As long as copies of it may be on their way; later it is another attempt."""
    vias = "vias=2" if hop == "P>B" else ""
    script = f"{ANSWERED}{at} {hop} INVITE ttag= branch=z9hG4bKlate {vias}\n33 {hop[2]}>{hop[0]} 486 branch=z9hG4bKlate {vias}"
    assert [len(call.legs) for call in observe(script, until="100").calls] == legs


def test_a_further_invite_does_not_join_an_answered_call_that_is_over() -> None:
    """Whoever has hung up and dials again within seconds makes another attempt."""
    script = ANSWERED + "5 A>P BYE ttag=callee\n5.1 P>A 200 method=BYE\n6 A>P INVITE cseq=3\n7 P>A 486 cseq=3"
    assert outcomes(script) == ["answered", "busy"]


def test_a_bye_of_the_first_attempt_is_not_taken_for_one_of_the_second() -> None:
    """The attempt whose dialog it names, though the other one is younger."""
    script = (
        ANSWERED
        + "40 A>P INVITE cseq=5\n41 P>A 180 cseq=5 ttag=other\n50 A>P BYE cseq=3\n50.1 P>A 200 method=BYE cseq=3\n"
    )
    first, second = observe(script, until="60").calls
    assert (first.outcome, first.talk_seconds, first.ending) == ("answered", span(49.0), "normal")
    assert second.outcome == "unfinished"


KEPT_TAG = (
    "0 A>P INVITE\n1 P>A {code}\n1.1 A>P ACK ttag=callee\n1.2 A>P INVITE cseq=2 ttag=callee {more}\n2 P>A 200 cseq=2"
)


@pytest.mark.parametrize(
    ("code", "more"),
    [("401", "h=Authorization:_Digest_realm=x"), ("422", ""), ("488", ""), ("484", "callee=155501011"), ("491", "")],
    ids=["a challenge", "a session interval too small", "an offer refused", "more digits asked for", "glare"],
)
def test_a_retry_that_keeps_the_to_tag_of_the_refusal_is_still_a_retry(code: str, more: str) -> None:
    """A call never answered has no dialog to be in."""
    call = the_call(KEPT_TAG.format(code=code, more=more))
    assert [leg.outcome for leg in call.legs] == ["retried", "answered"]


@for_each("code", ["413", "415", "416", "420", "421", "422", "484", "488", "491", "494", "606", "302"])
def test_codes_that_do_not_end_the_call_when_another_try_follows(code: str) -> None:
    """Other terms, more digits, another offer, another address, glare."""
    call = the_call(
        f"0 A>P INVITE\n1 P>A {code}\n1.1 A>P ACK ttag=callee\n20 A>P INVITE cseq=2\n21 P>A 486 cseq=2", until="100"
    )
    assert ([leg.outcome for leg in call.legs], call.outcome) == (["retried", "busy"], "busy")


@pytest.mark.parametrize("code", ["404", "480", "486", "500", "503", "600", "603"])
def test_codes_that_end_it_although_the_same_number_is_dialled_again(code: str) -> None:
    """Twenty seconds later that is another attempt."""
    script = f"0 A>P INVITE\n1 P>A {code}\n1.1 A>P ACK ttag=callee\n20 A>P INVITE cseq=2\n21 P>A 200 cseq=2"
    assert len(outcomes(script)) == 2


def test_a_hop_behind_captured_late_joins_the_call_that_failed() -> None:
    """Same CSeq number, farther from the caller: a fork's copy, no redial."""
    script = "0 A>P INVITE\n1 P>A 486\n1.1 A>P ACK ttag=callee\n4 P>B INVITE vias=2\n4.1 B>P 486 vias=2"
    call = the_call(script, until="100")
    assert [leg.outcome for leg in call.legs] == ["busy", "busy"]


def test_an_invite_that_begins_another_attempt_is_counted() -> None:
    """By a notice, and the calls have different ids."""
    observed = observe("0 A>P INVITE\n1 P>A 486\n20 A>P INVITE cseq=2\n21 P>A 486 cseq=2", until="100")
    assert observed.tracker.notices == {"call_id_reused": 1}
    assert len({call.id for call in observed.calls}) == 2
