"""Which message belongs to which call: hops, retries, reuse, dialogs, and what nobody asked for."""

from __future__ import annotations

import pytest

from sipwatch.track.calls import TableLimits
from sipwatch.track.events import CallEnded, ConditionRaised
from tests.conversation import Observed, messages, nanoseconds, observe, the_call
from tests.export.records import at, span

PROXIED = """
0    A>P INVITE
0.01 P>A 100
0.02 P>B INVITE vias=2
0.03 B>P 100 vias=2
1    B>P 180 vias=2
1.01 P>A 180
4    B>P 200 vias=2
4.01 P>A 200
4.1  A>P ACK branch=z9hG4bKack ttag=callee
4.11 P>B ACK branch=z9hG4bKack2 ttag=callee vias=2
"""
HANGUP = """
10    A>P BYE
10.01 P>B BYE vias=2
10.02 B>P 200 method=BYE cseq=2 vias=2
10.03 P>A 200 method=BYE cseq=2
"""


def test_a_proxied_call_is_one_call_with_a_leg_per_hop() -> None:
    """A proxy hop is neither a second call nor a retransmission."""
    call = the_call(PROXIED + HANGUP, until="60")
    assert [leg.outcome for leg in call.legs] == ["answered", "answered"]
    assert (call.outcome, call.retransmissions, call.ended_by) == ("answered", 0, "caller")
    assert (call.source_address, call.destination_address) == ("192.0.2.65:5060", "192.0.2.66:5060")
    assert (call.setup_seconds, call.ring_seconds, call.talk_seconds) == (span(4.01), span(3.0), span(5.99))


def test_a_proxy_that_keeps_the_branch_still_makes_two_legs() -> None:
    """DESIGN §1: a leg's key holds the two ends as well as the branch."""
    script = """
    0   A>P INVITE branch=z9hG4bKsame
    0.1 P>B INVITE branch=z9hG4bKsame vias=2
    1   B>P 486 branch=z9hG4bKsame vias=2
    1.1 P>A 486 branch=z9hG4bKsame
    """
    call = the_call(script, until="60")
    assert [leg.outcome for leg in call.legs] == ["busy", "busy"]
    assert call.retransmissions == 0


def test_the_upstream_leg_is_found_even_when_its_packets_were_captured_last() -> None:
    """Fewest Via, highest Max-Forwards."""
    script = "0 P>B INVITE vias=2\n0.01 A>P INVITE\n1 B>P 486 vias=2\n1.01 P>A 480"
    call = the_call(script, until="60")
    assert (call.status_code, call.outcome, call.source_address) == (480, "unavailable", "192.0.2.65:5060")


def test_a_back_to_back_agent_that_starts_via_anew_is_downstream() -> None:
    """Same Call-ID on both sides, Max-Forwards reset: the hop continues where the first ended."""
    script = "0 A>P INVITE mf=20\n0.1 P>B INVITE mf=70 cseq=1\n1 B>P 486\n1.1 P>A 603"
    call = the_call(script, until="60")
    assert (call.status_code, call.destination_address) == (603, "192.0.2.66:5060")


def test_a_retransmitted_invite_is_counted_once_per_repeat() -> None:
    """Same branch, same ends, same CSeq."""
    call = the_call("0 A>P INVITE\n0.5 A>P INVITE\n1.5 A>P INVITE\n2 P>A 486\n2.5 P>A 486\n2.6 A>P ACK", until="60")
    assert (call.retransmissions, len(call.legs), call.outcome) == (3, 1, "busy")


def test_rfc_2543_branches_are_told_apart_by_call_id_and_cseq() -> None:
    """No magic cookie, or no branch at all: the rest of the key decides (RFC 3261 §17.2.3)."""
    script = "0 A>P INVITE branch=\n0.1 P>A 401 branch=\n0.2 A>P ACK branch=\n" + (
        "0.3 A>P INVITE branch= cseq=2 h=Authorization:_Digest_realm=x\n1 P>A 200 branch= cseq=2\n"
        "0.4 C>P INVITE branch= call=c2\n1 P>C 486 branch= call=c2"
    )
    calls = observe(script, until="60").calls
    assert [(c.call_id, c.outcome, len(c.legs)) for c in calls] == [("c1", "answered", 2), ("c2", "busy", 1)]


def test_a_branch_used_again_for_the_retry_is_another_leg() -> None:
    """Careless stacks repeat the branch with the next CSeq number."""
    script = "0 A>P INVITE branch=z9hG4bKx\n0.1 P>A 401 branch=z9hG4bKx\n" + (
        "0.3 A>P INVITE branch=z9hG4bKx cseq=2 h=Authorization:_Digest_realm=x\n1 P>A 200 branch=z9hG4bKx cseq=2"
    )
    assert [leg.outcome for leg in the_call(script).legs] == ["retried", "answered"]


def test_re_invite_update_and_prack_stay_inside_their_call() -> None:
    """Nothing inside a dialog is a new call or a new leg."""
    script = (
        PROXIED
        + """
    5   A>P INVITE cseq=2 ttag=callee branch=z9hG4bKre
    5.1 P>A 200 cseq=2 branch=z9hG4bKre
    5.2 A>P ACK cseq=2 ttag=callee branch=z9hG4bKre2
    6   P>A INVITE cseq=7 from=C ttag=callee branch=z9hG4bKback
    6.1 A>P 488 cseq=7 from=C ttag=callee branch=z9hG4bKback
    7   A>P UPDATE cseq=3 ttag=callee
    """
        + HANGUP
    )
    call = the_call(script, until="60")
    assert (call.outcome, len(call.legs), call.ended_by) == ("answered", 2, "caller")


def test_the_callee_may_hang_up() -> None:
    """Tags are swapped in the callee's requests."""
    call = the_call(PROXIED + "20 B>P BYE from=C ttag=callee cseq=9\n20.1 P>B 200 method=BYE from=C ttag=callee cseq=9")
    assert (call.ended_by, call.talk_seconds) == ("callee", span(15.99))


def test_the_bye_of_a_forks_other_dialog_does_not_end_the_call() -> None:
    """The caller got two 2xx and hangs up on the second (RFC 3261 §13.2.2.4)."""
    script = "0 A>P INVITE\n1 P>A 200 ttag=one\n1.1 P>A 200 ttag=two\n1.3 A>P BYE ttag=two\n30 A>P BYE ttag=one cseq=3"
    call = the_call(script, until="31")
    assert (call.talk_seconds, call.to_tag) == (span(29.0), "one")


def test_the_same_call_id_again_after_the_end_is_another_call() -> None:
    """Call-ID reuse: dialling again after ``hunt_within`` is an attempt of its own."""
    script = "0 A>P INVITE\n1 P>A 486\n1.1 A>P ACK\n3.1 A>P INVITE cseq=2\n5 P>A 200 cseq=2"
    observed = observe(script)
    assert [call.outcome for call in observed.calls] == ["busy", "answered"]
    assert observed.tracker.notices == {"call_id_reused": 1}
    assert len({call.id for call in observed.calls}) == 2


def test_a_challenge_answered_without_credentials_is_another_attempt() -> None:
    """Only credentials answer a challenge, and the time for a further leg is over."""
    script = "0 A>P INVITE\n1 P>A 401\n1.1 A>P ACK\n3.1 A>P INVITE cseq=2\n4 P>A 486 cseq=2"
    assert [call.outcome for call in observe(script, until="60").calls] == ["auth_failed", "busy"]


def test_two_calls_may_share_a_call_id_but_not_a_from_tag() -> None:
    """A tracker keyed by Call-ID alone would fold them."""
    script = "0 A>P INVITE ftag=x\n0.1 B>P INVITE ftag=y\n1 P>A 486 ftag=x\n1.1 P>B 200 ftag=y"
    assert [call.outcome for call in observe(script, until="60").calls] == ["busy", "answered"]


def test_a_100_captured_before_its_invite_is_put_right() -> None:
    """Mirror ports and `any` deliver out of order."""
    observed = observe("0 P>A 100\n0.0001 A>P INVITE\n1 P>A 486")
    (call,) = observed.calls
    assert (call.trying, call.started) == (at(0.0001),) * 2
    assert observed.tracker.notices == {"response_before_request": 1}


def test_responses_nobody_asked_for_are_counted_not_believed() -> None:
    """A scan, or a request that the capture lost."""
    observed = observe("0 P>A 180\n1 P>A 200\n5 C>D INVITE call=c2", until="6")
    assert [call.call_id for call in observed.calls] == ["c2"]
    assert observed.tracker.notices == {"response_without_request": 2}


def test_a_call_already_up_when_the_capture_starts_is_not_an_attempt() -> None:
    """Its BYE, re-INVITE and ACK are counted, and nothing is invented."""
    observed = observe("0 A>P INVITE ttag=callee cseq=9\n1 A>P BYE\n1.1 P>A 200 method=BYE cseq=2")
    assert observed.calls == []
    assert observed.tracker.notices == {"request_in_unknown_dialog": 2}


def test_a_response_from_another_address_finds_its_leg() -> None:
    """Servers with two addresses; the branch and the caller's end say whose it is."""
    call = the_call("0 A>P INVITE\n1 Q>A 486 branch=z9hG4bKAPINVITE1", until="60")
    assert call.outcome == "busy"


def test_a_response_to_another_port_of_the_caller_finds_its_leg() -> None:
    """NAT, or a new TCP connection."""
    call = the_call("0 A>P INVITE sport=40000\n1 P>A 486 branch=z9hG4bKAPINVITE1", until="60")
    assert call.outcome == "busy"


DIALOG_END = [
    ("dialog-timeout-when-nobody-hangs-up", "", "14403.999999", None),
    ("dialog-timeout", "", "14404.01", "timeout"),
    ("session-expires-goes-before-it", "h=Session-Expires:_90;refresher=uac", "94.01", "timeout"),
    ("compact-session-expires", "h=x:_90", "94.01", "timeout"),
]


@pytest.mark.parametrize(("header", "until", "ended_by"), [r[1:] for r in DIALOG_END], ids=[r[0] for r in DIALOG_END])
def test_an_answered_call_that_nobody_ends(header: str, until: str, ended_by: str | None) -> None:
    """DESIGN §5.2 dialog_timeout; RFC 4028."""
    call = the_call(f"0 A>P INVITE\n4.01 P>A 200 {header}\n4.1 A>P ACK branch=z9hG4bKa ttag=callee", until=until)
    assert (call.outcome, call.ended_by, call.talk_seconds) == ("answered", ended_by or "capture_end", None)


def test_a_refreshed_session_lives_on() -> None:
    """A 2xx to a re-INVITE or UPDATE starts the interval anew (RFC 4028 §10)."""
    script = """
    0  A>P INVITE
    1  P>A 200 h=Session-Expires:_90
    50 A>P UPDATE cseq=2 ttag=callee
    51 P>A 200 method=UPDATE cseq=2 h=Session-Expires:_90
    """
    assert the_call(script, until="140.9").ended_by == "capture_end"
    assert the_call(script, until="141").ended_by == "timeout"


def test_a_call_is_over_soon_after_its_end_so_that_memory_is_freed() -> None:
    """Its record is out T4 after the last message, long before the capture ends."""
    observed = Observed()
    for message in messages(PROXIED + HANGUP + "0 Z>Y INVITE call=other"):
        observed.message(message)
    observed.advance(nanoseconds("15.029999"))
    assert observed.calls == []
    observed.advance(nanoseconds("15.03"))
    assert [call.call_id for call in observed.calls] == ["c1"]


def test_the_call_table_is_bounded_and_what_is_given_up_is_counted() -> None:
    """Law 4: the oldest goes, as unfinished."""
    observed = Observed(limits=TableLimits(calls=3))
    for i in range(5):
        for message in messages(f"{i} A>P INVITE call=c{i}"):
            observed.message(message)
    assert [(call.call_id, call.outcome) for call in observed.calls] == [("c0", "unfinished"), ("c1", "unfinished")]
    assert observed.tracker.evicted == {"calls": 2}
    assert observed.tracker.tracked["calls"] == 3


def test_one_call_id_with_a_thousand_from_tags_stays_bounded() -> None:
    """An attack on the chain behind one Call-ID."""
    observed = Observed(limits=TableLimits(siblings=8))
    for i in range(1000):
        for message in messages(f"0 A>P INVITE ftag=t{i}"):
            observed.message(message)
    assert observed.tracker.tracked["calls"] <= 8
    assert observed.tracker.evicted["calls"] == 992


def test_a_thousand_forks_stay_bounded() -> None:
    """An attack on the legs of one call."""
    observed = Observed(limits=TableLimits(legs=16))
    for i in range(1000):
        for message in messages(f"0 P>B INVITE branch=z9hG4bK{i}"):
            observed.message(message)
    observed.finish()
    assert len(observed.calls[0].legs) == 16
    assert observed.tracker.evicted == {"legs": 984}


def test_a_flood_of_responses_stays_bounded() -> None:
    """An attack on the table of responses that wait for their request."""
    observed = Observed(limits=TableLimits(early=10))
    for i in range(100):
        for message in messages(f"0 P>A 180 call=c{i}"):
            observed.message(message)
    assert observed.tracker.tracked["early"] == 10
    assert observed.tracker.notices == {"response_without_request": 90}


def test_time_never_goes_back() -> None:
    """A packet from the past counts as now, and is counted (Law 1)."""
    observed = observe("5 A>P INVITE\n4 P>A 100\n6 P>A 486")
    assert observed.calls[0].trying == at(5)
    assert observed.tracker.notices == {"time_stepped_back": 1}


def test_messages_are_kept_only_when_asked_for() -> None:
    """They cost memory."""
    kept = Observed(keep=True)
    for message in messages(PROXIED + HANGUP):
        kept.message(message)
    kept.finish()
    recorded = kept.calls[0].messages
    assert recorded is not None
    assert len(recorded) == 14
    assert recorded[0].first_line == "INVITE sip:15550101@example.com SIP/2.0"
    assert observe(PROXIED).calls[0].messages is None


def test_nothing_is_left_behind_when_calls_are_over() -> None:
    """Call and legs hold no cycle: reference counting frees them, the collector may stay off."""
    observed = observe(PROXIED + HANGUP, until="3600")
    tracked = observed.tracker.tracked
    assert {table: count for table, count in tracked.items() if count} == {"paths_heard": 4}


def test_a_leg_of_a_call_that_is_over_is_left_alone() -> None:
    """The Call-ID is used again while the first attempt's transaction still lingers."""
    script = "0 A>P INVITE\n1 P>A 486\n4 A>P INVITE cseq=2\n5 P>A 486 cseq=2"
    assert [call.outcome for call in observe(script, until="3600").calls] == ["busy", "busy"]


def test_a_response_that_lost_its_via_finds_its_leg_by_its_ends() -> None:
    """A far end that returns only one of two Via leaves none for the second hop."""
    call = the_call("0 A>P INVITE\n1 P>A 486 branch=", until="60")
    assert call.status_code == 486


def test_an_answer_behind_an_ack_that_spoke_for_a_failure_has_a_dialog_that_ends() -> None:
    """The ACK came on the INVITE's own branch, as that of a failure; then the 2xx itself is captured."""
    observed = Observed()
    for message in messages("0 A>P INVITE\n2 A>P ACK ttag=callee\n3 P>A 200\n9 A>P BYE ttag=callee branch=z9hG4bKb"):
        observed.message(message)
    observed.finish()
    assert [(call.outcome, call.ended_by) for call in observed.calls] == [("answered", "caller")]
    assert sum(isinstance(event, CallEnded) for event in observed.events) == 1


# Packets that were missed


def kinds(observed: Observed) -> list[str]:
    return [event.raised.kind.value for event in observed.events if isinstance(event, ConditionRaised)]


def missing(script: str, then: str = "", until: str = "400") -> Observed:
    """Miss all packets between 10 and 40 s after what a script says."""
    observed = Observed()
    for message in messages(script):
        observed.message(message)
    observed.advance(nanoseconds("10"))
    observed.tracker.missed(nanoseconds("40"))
    for message in messages(then):
        observed.message(message)
    observed.advance(nanoseconds(until))
    return observed


def test_nothing_is_concluded_from_the_silence_of_packets_that_were_missed() -> None:
    """Its answer, its refusal or its CANCEL may have been among them."""
    observed = missing("0 A>P INVITE\n1 P>A 180")
    assert kinds(observed) == []
    assert [call.outcome for call in observed.calls] == ["unfinished"]


def test_what_was_certain_before_stays_so() -> None:
    assert kinds(missing("0 A>P INVITE")) == ["no_response"]


def test_what_is_heard_afterwards_counts_as_ever() -> None:
    observed = missing("0 A>P INVITE\n1 P>A 180", "41 P>A 180", until="42")
    assert kinds(observed) == ["no_answer"]
    assert missing("0 A>P INVITE\n1 P>A 180", "41 P>A 486").judged == ["busy"]
