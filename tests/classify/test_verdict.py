"""OUTCOMES §2: every row, as conversations."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from sipwatch.classify.causes import BY_CAUSE
from sipwatch.classify.outcomes import Outcome
from sipwatch.classify.peers import Peer, PeerKind, Rule, Settings
from sipwatch.packet import SECOND
from sipwatch.track.table import Heard
from sipwatch.track.timers import Timers
from tests.conversation import observe, the_call
from tests.each import for_each

RINGS = """
0    A>P INVITE
0.1  P>A 100
1    P>A 180
"""
TRIES = """
0    A>P INVITE
0.1  P>A 100
"""


def trunk(*rules: Rule, letter: str = "T", timers: Timers | None = None) -> Settings:
    """Return settings with one trunk at a letter's address."""
    network = ip_network(f"192.0.2.{ord(letter)}/32")
    return Settings(peers=[Peer("acme", PeerKind.TRUNK, [network], timers, list(rules))])


STATUS_ROWS = [
    ("200", "answered", "answered"),
    ("300", "redirected", "redirected"),
    ("302", "redirected", "redirected"),
    ("400", "rejected", "rejected"),
    ("401", "auth_failed", "auth_failed"),
    ("403", "forbidden", "forbidden"),
    ("404", "not_found", "not_found"),
    ("405", "rejected", "rejected"),
    ("407", "auth_failed", "auth_failed"),
    ("408", "not_responding", "no_answer"),
    ("410", "not_found", "not_found"),
    ("415", "rejected", "rejected"),
    ("422", "rejected", "rejected"),
    ("433", "blocked", "blocked"),
    ("480", "unavailable", "no_answer"),
    ("481", "rejected", "rejected"),
    ("482", "server_error", "server_error"),
    ("483", "server_error", "server_error"),
    ("484", "not_found", "not_found"),
    ("485", "not_found", "not_found"),
    ("486", "busy", "busy"),
    ("488", "rejected", "rejected"),
    ("491", "rejected", "rejected"),
    ("499", "rejected", "rejected"),
    ("500", "server_error", "server_error"),
    ("501", "server_error", "server_error"),
    ("502", "server_error", "server_error"),
    ("503", "server_error", "server_error"),
    ("504", "gateway_timeout", "gateway_timeout"),
    ("505", "server_error", "server_error"),
    ("513", "server_error", "server_error"),
    ("580", "rejected", "rejected"),
    ("599", "server_error", "server_error"),
    ("600", "busy", "busy"),
    ("603", "declined", "declined"),
    ("604", "not_found", "not_found"),
    ("606", "rejected", "rejected"),
    ("607", "blocked", "blocked"),
    ("608", "blocked", "blocked"),
    ("699", "declined", "declined"),
]


@for_each("code, quiet, alerted", STATUS_ROWS, ids=[row[0] for row in STATUS_ROWS])
def test_a_status_code_decides_with_what_was_heard_before(code: str, quiet: str, alerted: str) -> None:
    """Rule 4: by the status code, which for 408 and 480 depends on whether the callee was alerted."""
    assert the_call(TRIES + f"2 P>A {code}", until="60").outcome == quiet
    assert the_call(RINGS + f"2 P>A {code}", until="60").outcome == alerted


@pytest.mark.parametrize(("cause", "outcome"), BY_CAUSE.items(), ids=str)
def test_a_q850_cause_goes_before_the_status_code(cause: int, outcome: Outcome) -> None:
    """Rule 3."""
    call = the_call(TRIES + f'2 P>A 500 h=Reason:_Q.850;cause={cause};text="why"', until="60")
    assert (call.outcome, call.cause, call.cause_protocol, call.cause_text) == (outcome, cause, "Q.850", "why")


REASONS = [
    ("cause-16-says-nothing", "486", ["Reason:_Q.850;cause=16"], "busy"),
    ("cause-127-says-nothing", "486", ["Reason:_Q.850;cause=127"], "busy"),
    ("unknown-cause-goes-on-to-the-status", "486", ["Reason:_Q.850;cause=111"], "busy"),
    ("unknown-protocol-goes-on-to-the-status", "486", ["Reason:_X.int;cause=34"], "busy"),
    ("sip-cause-counts-as-a-status-code", "500", ["Reason:_SIP;cause=486"], "busy"),
    ("sip-2xx-was-answered-elsewhere", "487", ['Reason:_SIP;cause=200;text="Call_completed_elsewhere"'], "answered_elsewhere"),
    ("q850-goes-before-sip-in-one-header", "500", ["Reason:_SIP;cause=486,Q.850;cause=34"], "congested"),
    ("q850-goes-before-sip-in-two-headers", "500", ["Reason:_SIP;cause=486", "Reason:_Q.850;cause=34"], "congested"),
    ("silent-q850-leaves-it-to-sip", "500", ["Reason:_Q.850;cause=16,_SIP;cause=486"], "busy"),
    ("protocol-in-any-case", "500", ["reason:_q.850_;_Cause_=_17"], "busy"),
    ("parameters-in-any-order", "500", ['Reason:_Q.850;text="a";cause=17;x=y'], "busy"),
    ("commas-and-semicolons-in-the-text", "500", ['Reason:_Q.850;text="a,_b;cause=34";cause=17'], "busy"),
    ("a-cause-that-is-no-number", "486", ["Reason:_Q.850;cause=abc"], "busy"),
]  # fmt: skip


@for_each("code, headers, outcome", [r[1:] for r in REASONS], ids=[r[0] for r in REASONS])
def test_reason_headers_are_read_as_rfc_3326_writes_them(code: str, headers: list[str], outcome: str) -> None:
    """Rule 3: order, case, quoting, several values in one header or in several."""
    assert the_call(TRIES + f"2 P>A {code} " + " ".join("h=" + h for h in headers), until="60").outcome == outcome


def test_the_cancels_reason_decides_when_the_final_is_487() -> None:
    """Rule 3: ring groups cancel with SIP;cause=200."""
    cancelled = RINGS + "3 A>P CANCEL h=Reason:_SIP;cause=200\n3.1 P>A 487"
    assert the_call(cancelled, until="60").outcome == "answered_elsewhere"


def test_the_cancels_reason_decides_when_no_final_came() -> None:
    """Rule 3."""
    assert the_call(RINGS + "3 A>P CANCEL h=Reason:_Q.850;cause=26", until="60").outcome == "answered_elsewhere"


def test_the_cancels_reason_does_not_decide_over_another_final() -> None:
    """Rule 3: a 486 that crossed the CANCEL stands for itself."""
    assert the_call(RINGS + "3 A>P CANCEL h=Reason:_SIP;cause=200\n3.1 P>A 486", until="60").outcome == "busy"


def test_a_2xx_that_crossed_the_cancel_is_an_answer() -> None:
    """Rule 2."""
    assert the_call(RINGS + "3 A>P CANCEL\n3.1 P>A 200", until="60").outcome == "answered"


CANCELLED = [
    ("nothing-heard-just-under-5-s", "0 A>P INVITE", "4.999999", "abandoned_brief"),
    ("nothing-heard-at-5-s", "0 A>P INVITE", "5", "not_responding"),
    ("trying-just-under-10-s", TRIES, "10.099999", "abandoned"),
    ("trying-at-10-s-after-the-100", TRIES, "10.1", "no_progress"),
    ("trying-brief", TRIES, "4.999999", "abandoned_brief"),
    ("trying-no-longer-brief", TRIES, "5", "abandoned"),
    ("ringing-just-under-30-s", RINGS, "30.999999", "abandoned"),
    ("ringing-at-30-s-after-the-180", RINGS, "31", "no_answer"),
    ("ringing-brief", RINGS, "4.999999", "abandoned_brief"),
    ("queued-for-long", TRIES + "1 P>A 182", "60", "abandoned"),
    ("early-media-at-30-s-after-the-183", TRIES + "1 P>A 183", "31", "no_answer"),
]


@pytest.mark.parametrize(("before", "at", "outcome"), [r[1:] for r in CANCELLED], ids=[r[0] for r in CANCELLED])
@for_each("final", ["487", ""], ids=["with-487", "without-final"])
def test_a_cancelled_call_by_how_long_the_caller_waited_for_what(
    before: str, at: str, outcome: str, final: str
) -> None:
    """Rule 5, just under and at each deadline."""
    script = f"{before}\n{at} A>P CANCEL\n" + (f"{at} P>A 487" if final else "")
    assert the_call(script, until="200").outcome == outcome


def test_a_487_whose_cancel_was_not_seen_counts_as_cancelled() -> None:
    """Rule 5: then the 487 tells the time."""
    assert the_call(RINGS + "31 P>A 487", until="60").outcome == "no_answer"
    assert the_call(RINGS + "30.9 P>A 487", until="60").outcome == "abandoned"


FORK = """
0    A>P INVITE
0.01 P>A 100
0.1  P>B INVITE vias=2
0.1  P>C INVITE vias=2
0.2  B>P 180 vias=2
0.2  C>P 180 vias=2 ttag=other
0.3  P>A 180
"""


@pytest.mark.parametrize(("at", "outcome"), [("6", "answered_elsewhere"), ("6.000001", "no_answer")])
def test_a_fork_cancelled_within_a_second_of_the_answer_was_answered_elsewhere(at: str, outcome: str) -> None:
    """Rule 5: a sibling's 2xx no later than 1 s after the CANCEL."""
    call = the_call(FORK + f"5 P>C CANCEL vias=2\n5.1 C>P 487 vias=2 ttag=other\n{at} B>P 200 vias=2\n6.1 P>A 200")
    assert [leg.outcome for leg in call.legs] == ["answered", "answered", outcome]
    assert call.destination_address == "192.0.2.66:5060"


GIVEN_UP = [
    ("alerted", "0.2 B>P 180 vias=2", "no_answer"),
    ("progressed", "0.2 B>P 182 vias=2", "no_progress"),
    ("trying", "0.2 B>P 100 vias=2", "no_progress"),
    ("nothing", "", "not_responding"),
]


@pytest.mark.parametrize(("heard", "outcome"), [r[1:] for r in GIVEN_UP], ids=[r[0] for r in GIVEN_UP])
def test_a_hop_the_server_gave_up_by_itself(heard: str, outcome: str) -> None:
    """Rule 5: cancelled downstream while the upstream leg was open and not cancelled."""
    script = f"""
    0    A>P INVITE
    0.01 P>A 100
    0.1  P>B INVITE vias=2
    {heard}
    3    P>B CANCEL vias=2
    3.1  B>P 487 vias=2
    3.2  P>A 408
    """
    call = the_call(script, until="60")
    assert [leg.outcome for leg in call.legs] == ["not_responding", outcome]


def test_a_server_that_answers_the_caller_a_moment_before_it_cancels_has_given_up_too() -> None:
    """Kamailio sends its 408 upstream first, then the CANCEL."""
    script = """
    0     A>P INVITE
    0.1   P>B INVITE vias=2
    0.2   B>P 180 vias=2
    0.3   P>A 180
    20    P>A 408
    20.01 P>B CANCEL vias=2
    20.1  B>P 487 vias=2
    """
    assert [leg.outcome for leg in the_call(script, until="60").legs] == ["no_answer", "no_answer"]


def test_a_hop_cancelled_because_the_caller_cancelled_is_the_callers_doing() -> None:
    """Rule 5: the upstream leg was cancelled first."""
    call = the_call(
        FORK + "8 A>P CANCEL\n8.01 P>B CANCEL vias=2\n8.01 P>C CANCEL vias=2\n8.1 B>P 487 vias=2\n"
        "8.1 C>P 487 vias=2 ttag=other\n8.2 P>A 487",
        until="60",
    )
    assert [leg.outcome for leg in call.legs] == ["abandoned"] * 3
    assert (call.outcome, call.ended_by) == ("abandoned", "caller")


NO_FINAL = [
    ("nothing-heard-just-under-timer-b", "0 A>P INVITE", "31.999999", "unfinished"),
    ("nothing-heard-by-timer-b", "0 A>P INVITE", "32", "not_responding"),
    ("trying-just-under-timer-c", TRIES, "180.099999", "unfinished"),
    ("trying-then-silence-for-timer-c", TRIES, "180.1", "no_progress"),
    ("progressed-then-silence-for-timer-c", TRIES + "1 P>A 182", "181", "no_progress"),
    ("alerted-then-silence-for-timer-c", RINGS, "181", "no_answer"),
    ("timer-c-starts-anew-with-each-provisional", RINGS + "60 P>A 180", "239.999999", "unfinished"),
    ("timer-c-after-the-last-provisional", RINGS + "60 P>A 180", "240", "no_answer"),
]


@pytest.mark.parametrize(("script", "until", "outcome"), [r[1:] for r in NO_FINAL], ids=[r[0] for r in NO_FINAL])
def test_without_a_final_response_the_rfcs_timers_decide(script: str, until: str, outcome: str) -> None:
    """Rule 6, just under and at each deadline."""
    assert the_call(script, until=until).outcome == outcome


@pytest.mark.parametrize(("until", "outcome"), [("33.999999", "unfinished"), ("34", "auth_failed")])
def test_a_challenge_without_retry_has_failed_after_32_s(until: str, outcome: str) -> None:
    """Rule 4: 401/407 not followed by a retry within 32 s; before that nobody can know."""
    assert the_call("0 A>P INVITE\n2 P>A 401\n2.1 A>P ACK", until=until).outcome == outcome


AUTH = """
0   A>P INVITE
0.1 P>A 407 h=Proxy-Authenticate:_Digest_realm="x",_nonce="1"
0.2 A>P ACK
0.3 A>P INVITE cseq=2 h=Proxy-Authorization:_Digest_username="u",_realm="x",_nonce="1",_response="r"
"""


def test_a_challenged_call_is_one_call_with_the_retrys_outcome() -> None:
    """A retry continues the call; the challenged leg was retried."""
    call = the_call(AUTH + "0.4 P>A 100 cseq=2\n1 P>A 486 cseq=2", until="60")
    assert call.outcome == "busy"
    assert [leg.outcome for leg in call.legs] == ["retried", "busy"]


def test_challenged_again_after_credentials_is_a_failed_authentication() -> None:
    """Rule 4: at once known for the leg, and the call's outcome when nothing follows."""
    again = '0.5 P>A 407 cseq=2 h=Proxy-Authenticate:_Digest_realm="x",_nonce="2"'
    call = the_call(AUTH + again, until="1")
    assert call.outcome == "auth_failed"


def test_a_stale_nonce_is_not_a_refusal() -> None:
    """RFC 7616 §3.3: stale=true asks for the same credentials with a new nonce."""
    script = AUTH + (
        '0.5 P>A 407 cseq=2 h=Proxy-Authenticate:_Digest_realm="x",_nonce="2",_stale=TRUE\n'
        '0.6 A>P INVITE cseq=3 h=Proxy-Authorization:_Digest_realm="x",_nonce="2"\n1 P>A 486 cseq=3'
    )
    call = the_call(script, until="60")
    assert [leg.outcome for leg in call.legs] == ["retried", "retried", "busy"]


def test_a_second_realm_on_the_way_is_another_challenge_not_a_refusal() -> None:
    """Proxy and far end may both ask: 407, then 401."""
    script = AUTH + (
        '0.5 P>A 401 cseq=2 h=WWW-Authenticate:_Digest_realm="y",_nonce="2"\n'
        '0.6 A>P INVITE cseq=3 h=Authorization:_Digest_realm="y"\n1 P>A 200 cseq=3'
    )
    assert [leg.outcome for leg in the_call(script).legs] == ["retried", "retried", "answered"]


@pytest.mark.parametrize("code", ["422", "302", "491"])
def test_other_terms_redirects_and_glare_are_followed_under_the_same_call_id(code: str) -> None:
    """422, 3xx and 491 followed by another INVITE do not end the call."""
    call = the_call(f"0 A>P INVITE\n0.1 P>A {code}\n0.2 A>P ACK\n0.3 A>P INVITE cseq=2\n1 P>A 200 cseq=2")
    assert call.outcome == "answered"
    assert [leg.outcome for leg in call.legs] == ["retried", "answered"]


def test_603_from_a_trunk_means_every_line_is_taken() -> None:
    """Rule 4: to or from a peer of kind trunk."""
    assert the_call("0 A>T INVITE\n1 T>A 603", trunk(), until="60").outcome == "congested"
    assert the_call("0 T>A INVITE\n1 A>T 603", trunk(), until="60").outcome == "congested"
    assert the_call("0 A>P INVITE\n1 P>A 603", trunk(), until="60").outcome == "declined"


def test_603_from_a_trunk_behind_the_proxy_is_congestion_for_the_call() -> None:
    """The upstream leg is judged by whom the call reached as well."""
    script = "0 A>P INVITE\n0.1 P>T INVITE vias=2\n1 T>P 603 vias=2\n1.1 P>A 603"
    call = the_call(script, trunk(), until="60")
    assert (call.outcome, call.destination) == ("congested", "acme")


RULES = [
    ("status-code", Rule(Outcome.CONGESTED, status_code=480), "1 T>A 480", "congested"),
    ("status-code-does-not-match", Rule(Outcome.CONGESTED, status_code=481), "1 T>A 480", "unavailable"),
    ("cause", Rule(Outcome.BLOCKED, cause=21), "1 T>A 603 h=Reason:_Q.850;cause=21", "blocked"),
    ("silent-cause-may-be-named", Rule(Outcome.BLOCKED, cause=16), "1 T>A 480 h=Reason:_Q.850;cause=16", "blocked"),
    ("cause-of-another-protocol", Rule(Outcome.BLOCKED, cause=21, cause_protocol="SIP"), "1 T>A 480 h=Reason:_Q.850;cause=21", "declined"),
    ("heard", Rule(Outcome.NO_ANSWER, heard=Heard.TRYING), "0.5 T>A 100\n1 T>A 486", "no_answer"),
    ("heard-does-not-match", Rule(Outcome.NO_ANSWER, heard=Heard.NOTHING), "0.5 T>A 100\n1 T>A 486", "busy"),
    ("before-an-answer-only-by-status", Rule(Outcome.NO_ANSWER, heard=Heard.NOTHING), "1 T>A 200", "answered"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "end", "outcome"), [r[1:] for r in RULES], ids=[r[0] for r in RULES])
def test_a_peers_rule_goes_before_everything_else(rule: Rule, end: str, outcome: str) -> None:
    """Rule 1."""
    assert the_call("0 A>T INVITE\n" + end, trunk(rule), until="60").outcome == outcome


def test_the_destinations_rule_goes_before_the_sources() -> None:
    """Rule 1: destination first, then source."""
    peers = [
        Peer("a", PeerKind.DEVICES, [ip_network("192.0.2.65/32")], None, [Rule(Outcome.BLOCKED, status_code=480)]),
        Peer("t", PeerKind.TRUNK, [ip_network("192.0.2.84/32")], None, [Rule(Outcome.CONGESTED, status_code=480)]),
    ]
    assert the_call("0 A>T INVITE\n1 T>A 480", Settings(peers=peers), until="60").outcome == "congested"
    assert the_call("0 T>A INVITE\n1 A>T 480", Settings(peers=peers), until="60").outcome == "blocked"


def test_a_peers_timers_move_the_deadlines() -> None:
    """DESIGN §5.2: any timer may be set per peer."""
    slow = trunk(timers=Timers(no_answer_after=36 * SECOND))
    script = "0 A>T INVITE\n1 T>A 180\n{} A>T CANCEL\n{} T>A 487"
    assert the_call(script.format("36.9", "36.95"), slow, until="60").outcome == "abandoned"
    assert the_call(script.format("37", "37.05"), slow, until="60").outcome == "no_answer"


def test_a_call_cut_off_by_the_end_of_the_capture_is_unfinished() -> None:
    """Rule 6."""
    call = the_call(RINGS, until="2")
    assert (call.outcome, call.category, call.ended_by, call.status_code) == (
        "unfinished",
        "unknown",
        "capture_end",
        None,
    )


def test_every_leg_and_call_has_exactly_one_outcome_of_the_closed_list() -> None:
    """OUTCOMES §1: and `retried` is never a call's."""
    for script in (AUTH, FORK, RINGS, TRIES):
        for call in observe(script).calls:
            assert Outcome(call.outcome) is not Outcome.RETRIED
            assert all(Outcome(leg.outcome) for leg in call.legs)
