"""What was not captured of a hop, but must have been: OUTCOMES §2.2, sentence by sentence."""

from __future__ import annotations

import pytest

from tests.conversation import judged, observe, the_call
from tests.export.records import at, span

RINGS = "0 A>P INVITE\n0.1 P>A 100\n1 P>A 180\n"
BYE = "20 A>P BYE ttag=callee\n20.1 P>A 200 method=BYE ttag=callee\n"
ACK = "5 A>P ACK ttag=callee branch=z9hG4bKack\n"
FROM_CALLEE = "20 P>A BYE from=C ttag=callee cseq=7\n20.1 A>P 200 method=BYE from=C ttag=callee cseq=7\n"


# Answered


def test_an_ack_with_a_branch_of_its_own_tells_of_an_answer() -> None:
    """Its time is the ACK's; nobody saw a status code."""
    call = the_call(RINGS + ACK + BYE, until="100")
    assert (call.outcome, call.status_code, call.reason_phrase) == ("answered", None, None)
    assert (call.answered, call.talk_seconds, call.setup_seconds) == (at(5), span(15.0), span(5.0))
    assert [leg.inferred for leg in call.legs] == [["success"]]
    assert call.legs[0].status_code is None
    assert (call.ended_by, call.ending, call.conditions) == ("caller", "normal", [])


NO_ANSWER_SHOWN = {
    "an ACK without To tag": "5 A>P ACK branch=z9hG4bKack",
    "an ACK for another CSeq number": "5 A>P ACK ttag=callee branch=z9hG4bKack cseq=2",
    "PRACK": "5 A>P PRACK ttag=callee cseq=2\n5.1 P>A 200 method=PRACK cseq=2 ttag=callee",
    "UPDATE": "5 A>P UPDATE ttag=callee cseq=2\n5.1 P>A 200 method=UPDATE cseq=2 ttag=callee",
    "INFO": "5 A>P INFO ttag=callee cseq=2\n5.1 P>A 200 method=INFO cseq=2 ttag=callee",
    "a BYE without response": "5 A>P BYE ttag=callee",
    "a BYE that is refused": "5 A>P BYE ttag=callee\n5.1 P>A 481 method=BYE ttag=callee",
}


@pytest.mark.parametrize("said", NO_ANSWER_SHOWN.values(), ids=NO_ANSWER_SHOWN.keys())
def test_no_answer_is_shown_by(said: str) -> None:
    """Such may come in an early dialog (RFC 3261 §15, RFC 3262, RFC 3311), or to nobody."""
    call = the_call(RINGS + said, until="300")
    assert (call.outcome, call.answered, call.legs[0].inferred) == ("no_answer", None, [])


@pytest.mark.parametrize(("at", "fallen"), [("5.499999999", []), ("5.5", ["answered"])], ids=["before T1", "at T1"])
def test_the_verdict_on_an_inferred_answer_waits_t1_as_neighbours_may_have_changed_places(
    at: str, fallen: list[str]
) -> None:
    """No sender repeats sooner."""
    assert judged(RINGS + ACK, at=at) == fallen


@pytest.mark.parametrize(
    ("late", "code", "inferred"),
    [("5.4999", 200, []), ("5.5", None, ["success"])],
    ids=["within T1 it counts", "later it stands on the ladder only"],
)
def test_a_2xx_captured_behind_its_ack(late: str, code: int | None, inferred: list[str]) -> None:
    """What comes after a verdict has fallen changes nothing."""
    call = the_call(f"{RINGS}{ACK}{late} P>A 200\n{BYE}", until="100")
    assert (call.outcome, call.status_code, call.legs[0].inferred) == ("answered", code, inferred)
    assert call.ending == "normal"


@pytest.mark.parametrize("hop", ["A>P", "P>A"], ids=["by the caller", "by the callee"])
def test_a_re_invite_tells_of_an_answer_at_a_time_that_nobody_knows(hop: str) -> None:
    """Answered, at the latest at that moment."""
    who = "" if hop == "A>P" else "from=C"
    script = f"{RINGS}8 {hop} INVITE ttag=callee cseq=5 branch=z9hG4bKre {who}\n" + BYE
    call = the_call(script, until="100")
    assert (call.outcome, call.status_code, call.legs[0].inferred) == ("answered", None, ["success"])
    assert (call.answered, call.talk_seconds, call.ended_by) == (None, None, "caller")
    assert len(call.legs) == 1


@pytest.mark.parametrize(("bye", "ended_by"), [(BYE, "caller"), (FROM_CALLEE, "callee")], ids=["caller", "callee"])
def test_a_bye_with_its_2xx_tells_of_an_answer(bye: str, ended_by: str) -> None:
    """Then ``answered`` and ``talk_seconds`` are not known."""
    call = the_call(RINGS + bye, until="100")
    assert (call.outcome, call.status_code, call.legs[0].inferred) == ("answered", None, ["success"])
    assert (call.answered, call.talk_seconds, call.ended_by, call.ending) == (None, None, ended_by, "normal")


@pytest.mark.parametrize(
    ("at", "fallen"), [("52.099999999", []), ("52.1", ["answered"])], ids=["before 64*T1", "at 64*T1"]
)
def test_a_byes_2xx_proves_an_answer_only_when_64_t1_have_passed(at: str, fallen: list[str]) -> None:
    """A failing final of the INVITE may follow it until then."""
    assert judged(RINGS + BYE, at=at) == fallen


@pytest.mark.parametrize(
    ("final", "outcome"), [("20.2", "abandoned"), ("52", "no_answer")], ids=["at once", "within 64*T1"]
)
def test_a_bye_in_an_early_dialog_is_followed_by_the_failing_final(final: str, outcome: str) -> None:
    """RFC 3261 §15: the caller may end an early dialog so; the INVITE then gets 487, which tells when it was over."""
    call = the_call(f"{RINGS}{BYE}{final} P>A 487\n{final}1 A>P ACK ttag=callee", until="100")
    assert (call.outcome, call.status_code, call.legs[0].inferred) == (outcome, 487, [])
    assert (call.answered, call.ending, call.ended_by) == (None, None, "caller")


# The next hop

TWO_HOPS = """
0    A>P INVITE
0.05 P>A 100
0.1  P>B INVITE vias=2
0.15 B>P 100 vias=2
1    B>P 180 vias=2
1.1  P>A 180
5    B>P 200 vias=2
"""


@pytest.mark.parametrize(
    ("at", "fallen"), [("36.999999999", []), ("37.5", ["answered"])], ids=["before 64*T1", "64*T1 and T1 later"]
)
def test_an_answered_next_hop_proves_an_answer_only_when_64_t1_have_passed(at: str, fallen: list[str]) -> None:
    """So that a proxied call is not judged before its own 200."""
    assert judged(TWO_HOPS, at=at) == fallen


def test_a_2xx_lost_on_the_first_hop_is_known_from_the_next_and_from_the_ack() -> None:
    """The next message on this hop agrees: no 64*T1 are waited for, and the time is the ACK's."""
    script = TWO_HOPS + "5.2 A>P ACK ttag=callee branch=z9hG4bKa\n5.3 P>B ACK ttag=callee branch=z9hG4bKb vias=2\n"
    assert judged(script, at="6") == ["answered"]
    call = the_call(script + BYE + "20.05 P>B BYE vias=2\n20.06 B>P 200 method=BYE vias=2", until="100")
    assert [(leg.outcome, leg.status_code, leg.inferred) for leg in call.legs] == [
        ("answered", None, ["success"]), ("answered", 200, []),
    ]  # fmt: skip
    assert (call.destination_address, call.retransmissions, call.conditions) == ("192.0.2.66:5060", 0, [])
    assert 14.7 <= (0 if call.talk_seconds is None else call.talk_seconds.seconds) <= 15.1


def test_the_callers_own_failing_final_goes_before_an_answered_next_hop() -> None:
    """A final seen on the hop goes before evidence, also before that of the next hop."""
    call = the_call(TWO_HOPS + "10 P>A 504\n10.1 A>P ACK ttag=callee", until="100")
    assert (call.outcome, call.status_code) == ("gateway_timeout", 504)
    assert [leg.outcome for leg in call.legs] == ["gateway_timeout", "answered"]


@pytest.mark.parametrize(
    ("rings", "conditions"),
    [("1 B>P 180 vias=2", []), ("1 B>P 183 vias=2", []), ("1 B>P 100 vias=2", ["no_response"])],
    ids=["180 behind", "183 behind", "only 100 behind"],
)
def test_180_or_183_on_a_hop_behind_says_that_the_hop_before_was_at_least_trying(
    rings: str, conditions: list[str]
) -> None:
    """Nothing of its own responses was captured."""
    call = the_call(f"0 A>P INVITE\n0.1 P>B INVITE vias=2\n{rings}\n20 B>P 486 vias=2\n20.1 P>A 486", until="100")
    assert [condition.kind for condition in call.conditions if condition.leg == 0] == conditions
    assert call.outcome == "busy"


# A failing final


def test_an_ack_on_the_invites_own_branch_tells_of_a_failing_final() -> None:
    """Without code or Reason nobody can say which: no ``no_response``, no ``not_responding``."""
    call = the_call("0 A>P INVITE\n1 A>P ACK ttag=callee", until="100")
    assert (call.outcome, call.status_code, call.conditions) == ("unfinished", None, [])
    assert call.legs[0].inferred == ["final"]


@pytest.mark.parametrize(
    ("retry", "calls"),
    [("32.999999999", [["answered"]]), ("33", [["unfinished"], ["answered"]])],
    ids=["at its last moment", "when it is over"],
)
def test_it_waits_32_s_for_a_retry(retry: str, calls: list[list[str]]) -> None:
    """It may have been a challenge, a redirect, or a refused offer."""
    script = f"""
    0 A>P INVITE
    1 A>P ACK ttag=callee
    {retry} A>P INVITE cseq=2 h=Authorization:_Digest_realm=x
    34 P>A 200 cseq=2
    """
    assert [[call.outcome] for call in observe(script, until="40").calls] == calls


@pytest.mark.parametrize(
    ("cancel", "outcome"),
    [("3", "abandoned_brief"), ("20", "abandoned"), ("31", "no_answer")],
    ids=["briefly", "later", "after no_answer_after"],
)
def test_where_a_cancel_was_seen_rule_5_stands(cancel: str, outcome: str) -> None:
    """The final that nobody saw was its 487."""
    call = the_call(f"{RINGS}{cancel} A>P CANCEL\n40 A>P ACK ttag=callee", until="100")
    assert (call.outcome, call.status_code, call.ended_by) == (outcome, None, "caller")


def test_the_same_number_again_with_credentials_shows_a_challenge() -> None:
    """Same Call-ID and From tag, higher CSeq number."""
    script = "0 A>P INVITE\n0.3 A>P INVITE cseq=2 h=Proxy-Authorization:_Digest_realm=x\n1 P>A 486 cseq=2"
    call = the_call(script, until="100")
    assert [(leg.outcome, leg.status_code, leg.inferred) for leg in call.legs] == [
        ("retried", None, ["challenge"]), ("busy", 486, []),
    ]  # fmt: skip
    assert (call.outcome, call.conditions) == ("busy", [])


def test_credentials_in_the_body_are_none() -> None:
    """A header of the request, never text in its body; so this is another attempt at another address."""
    script = (
        "0 A>P INVITE\n0.1 P>A 401\n0.2 A>P ACK ttag=callee\n3 A>P INVITE cseq=2 h=Subject:_Authorization:_Digest\n"
        "4 P>A 486 cseq=2"
    )
    assert [call.outcome for call in observe(script, until="100").calls] == ["auth_failed", "busy"]


# Nothing else


@pytest.mark.parametrize(
    "said",
    [
        ACK,
        BYE,
        "0 A>P INVITE ttag=callee cseq=4\n0.1 P>A 200 cseq=4 ttag=callee\n",
        "0 A>P UPDATE ttag=callee cseq=4\n",
    ],
    ids=["ACK", "BYE", "re-INVITE", "UPDATE"],
)
def test_a_message_of_a_call_whose_invite_was_never_seen_makes_no_call(said: str) -> None:
    """It was up before the capture began."""
    assert observe(said, until="100").calls == []


def test_what_comes_after_the_verdict_changes_nothing_but_the_ladder() -> None:
    """Timer B has run out; then everything comes."""
    script = "0 A>P INVITE\n40 P>A 180\n41 P>A 200\n41.1 A>P ACK ttag=callee branch=z9hG4bKx\n50 A>P BYE"
    assert judged(script, at="60") == ["not_responding"]
    (call,) = [call for call in observe(script, until="100").calls if call.outcome == "not_responding"]
    assert (call.answered, call.ending) == (None, None)


# Two legs on one hop: phones behind one address, an INVITE sent anew to the same place

BOTH = """
0   P>B INVITE vias=2 branch=z9hG4bKx
0   P>B INVITE vias=2 branch=z9hG4bKy
1   B>P 180 vias=2 branch=z9hG4bKx ttag=x
1.1 B>P 180 vias=2 branch=z9hG4bKy ttag=y
{answer}
5.1 P>B ACK ttag={tag} branch=z9hG4bKa
5.2 P>B CANCEL vias=2 branch=z9hG4bK{other}
5.3 B>P 487 vias=2 ttag={other} branch=z9hG4bK{other}
"""


@pytest.mark.parametrize(("tag", "other"), [("x", "y"), ("y", "x")], ids=["the first answers", "the second answers"])
@pytest.mark.parametrize("captured", [True, False], ids=["its 2xx was captured", "its 2xx was not captured"])
def test_an_ack_tells_of_one_answer_not_of_every_leg_on_its_hop(tag: str, other: str, captured: bool) -> None:
    """The one that spoke with its To tag."""
    answer = f"5 B>P 200 vias=2 ttag={tag} branch=z9hG4bK{tag}" if captured else ""
    call = the_call(BOTH.format(answer=answer, tag=tag, other=other), until="100")
    outcomes = {"answered", "answered_elsewhere"}
    assert {leg.outcome for leg in call.legs} == outcomes
    assert call.legs["xy".index(tag)].outcome == "answered"
    assert call.legs["xy".index(tag)].inferred == ([] if captured else ["success"])


def test_a_silent_leg_is_not_answered_by_the_ack_of_the_next_one_on_its_hop() -> None:
    """The client had sent its INVITE anew, to the same place."""
    script = "0 A>P INVITE branch=z9hG4bKx\n4 A>P INVITE branch=z9hG4bKy\n5 P>A 200 branch=z9hG4bKy\n" + ACK.replace(
        "5", "5.1", 1
    )
    assert [leg.outcome for leg in the_call(script, until="100").legs] == ["not_responding", "answered"]
