"""What is counted, when, and between whom (DESIGN §6)."""

from __future__ import annotations

import re
from collections import Counter
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipwatch.classify.endings import ENDINGS_BY
from sipwatch.classify.outcomes import Outcome
from sipwatch.classify.peers import Peer, PeerKind, Settings, Software
from sipwatch.classify.regex import Pattern
from sipwatch.export import metrics as m
from sipwatch.export.series import ALL, OBJECTIVE_RATIO, PREFIX, Level, MetricKind
from sipwatch.track.conditions import Condition
from sipwatch.track.dialog import EndedBy
from sipwatch.track.events import OptionsOutcome
from sipwatch.wire.message import Path, Request, Response, Transport
from sipwatch.wire.registered import REGISTERED_CODES
from sipwatch.wire.sip import parse
from tests.conversation import Counted, count, messages, nanoseconds, observe
from tests.thorough import examples
from tests.track.registering import CHALLENGE, CREDENTIALS, said


def _peer(name: str, letter: str, kind: PeerKind = PeerKind.TRUNK) -> Peer:
    return Peer(name, kind, [ip_network(f"192.0.2.{ord(letter)}/32")])


PEERS = Settings(
    peers=[_peer("phones", "A", PeerKind.DEVICES), _peer("proxy", "P", PeerKind.SERVER), _peer("acme", "B")]
)
# The counts about calls and hops whose labels have no values but ours: which series there are is known beforehand. How
# answered calls end is known with the first answer, and a histogram begins with its first duration.
CLOSED = [
    of.exposed.removeprefix(PREFIX)
    for of in ALL
    if of.level in (Level.CALL, Level.LEG)
    and of.kind is not MetricKind.HISTOGRAM
    and not {"status_code", "cause", "ending", "peer"} & set(of.labels)
    and of is not OBJECTIVE_RATIO  # which the configuration has, and nobody counts
]
PROXIED = (
    "0 A>P INVITE\n0.01 P>A 100\n0.03 P>B INVITE vias=2\n0.05 B>P 100 vias=2\n1 B>P 180 vias=2\n1.02 P>A 180\n"
    "4 B>P 200 vias=2\n4.02 P>A 200\n4.1 A>P ACK ttag=callee branch=z9hG4bKk1\n4.12 P>B ACK ttag=callee branch=z9hG4bKk2 vias=2\n"
)
BYE = "9 A>P BYE\n9.01 P>B BYE vias=2\n9.05 B>P 200 method=BYE vias=2 cseq=2\n9.07 P>A 200 method=BYE cseq=2\n"
CHALLENGED = (
    '0 A>P INVITE\n0.05 P>A 407 h=Proxy-Authenticate:_Digest_realm="r",_nonce="n"\n0.1 A>P ACK ttag=callee\n'
    '0.2 A>P INVITE cseq=2 h=Proxy-Authorization:_Digest_username="u",_realm="r",_nonce="n",_response="x"\n'
    "0.3 P>A 100 cseq=2\n1.2 P>A 180 cseq=2\n3 P>A 200 cseq=2\n3.1 A>P ACK cseq=2 ttag=callee branch=z9hG4bKk\n"
    "9 A>P BYE cseq=3\n9.1 P>A 200 method=BYE cseq=3\n"
)


def test_a_proxied_call_is_one_call_between_its_ends_and_one_leg_on_each_hop() -> None:
    counted = count(PROXIED + BYE, PEERS)
    assert counted.values("calls_started_total") == {("phones",): 1}
    assert counted.values("calls_total") == {("phones", "acme", "answered", "success"): 1}
    assert counted.values("call_final_responses_total") == {("phones", "acme", "200"): 1}
    assert counted.values("invites_total") == {("phones", "proxy", "answered"): 1, ("proxy", "acme", "answered"): 1}
    assert counted.values("invite_final_responses_total") == {
        ("phones", "proxy", "200"): 1,
        ("proxy", "acme", "200"): 1,
    }


def test_a_challenged_call_is_one_call_answered() -> None:
    """The rival tool says 50 %: SER is finals of 2xx over calls."""
    counted = count(CHALLENGED, PEERS)
    assert counted.values("calls_started_total") == {("phones",): 1}
    assert counted.values("calls_total") == {("phones", "proxy", "answered", "success"): 1}
    assert counted.values("call_final_responses_total") == {("phones", "proxy", "200"): 1}
    assert counted.values("invites_total") == {("phones", "proxy", "retried"): 1, ("phones", "proxy", "answered"): 1}


@pytest.mark.parametrize(
    ("at", "phase"),
    [("0", "calling"), ("0.1", "trying"), ("1", "progressing"), ("2", "ringing"), ("3", "ringing"), ("4", None)],
)
def test_pending_calls_stand_in_the_phase_that_the_callees_side_has_said_last(at: str, phase: str | None) -> None:
    script = ["0 A>P INVITE", "0.1 P>A 100", "1 P>A 181", "2 P>A 180", "3 P>A 100", "4 P>A 486"]
    counted = count("\n".join(line for line in script if float(line.split()[0]) <= float(at)), PEERS, over=False)
    assert counted.values("calls_pending") == ({("phones", phase): 1} if phase else {})


def test_established_calls_come_and_go() -> None:
    up = count(PROXIED, PEERS, over=False)
    assert up.values("calls_established") == {("phones", "acme"): 1}
    assert up.values("calls_pending") == {}
    over = count(PROXIED + BYE, PEERS, over=False)
    assert over.values("calls_established") == {}
    assert over.values("calls_ended_total") == {("phones", "acme", "caller", "normal"): 1}


LIMITED = Settings(peers=[Peer("phones", PeerKind.DEVICES, [ip_network("192.0.2.65/32")]), _peer("proxy", "P")])
LIMITED.peers.append(Peer("acme", PeerKind.TRUNK, [ip_network("192.0.2.66/32")], sessions_limit=30, objective=0.98))


@pytest.mark.parametrize(
    ("script", "sessions"),
    [
        ("0 A>P INVITE", 0),  # not with that peer, as far as anybody knows
        ("0 A>P INVITE\n0.03 P>B INVITE vias=2", 1),
        (PROXIED, 1),
        (PROXIED + BYE, 0),
        ("0 B>P INVITE\n1 P>B 180", 1),
        ("0 B>P INVITE\n1 P>B 180\n2 P>B 486", 0),
        ("0 B>P INVITE\n0.1 P>B INVITE vias=2\n1 B>P 180 vias=2\n1.1 P>B 180", 2),  # there and back
        ("0 B>P INVITE\n1 P>B 180\n2 B>P CANCEL", 1),  # as long as it is not over
        ("0 A>P INVITE\n0 B>P INVITE call=c2 ftag=b\n0.1 P>B INVITE vias=2\n1 P>B 180 call=c2 ftag=b", 2),
        ("0 B>P INVITE\n1 P>B 401\n1.1 B>P ACK\n1.2 B>P INVITE cseq=2", 1),
    ],
)
def test_the_sessions_with_a_peer_are_the_calls_that_are_up_or_being_set_up_with_it(script: str, sessions: int) -> None:
    counted = count(script, LIMITED, over=False)
    assert counted.values("peer_sessions", zero=True) == {("acme",): sessions}
    assert counted.values("peer_sessions_limit") == {("acme",): 30}
    assert counted.values("objective_ratio") == {("acme",): 0.98}
    counted.finish()
    assert counted.values("peer_sessions") == {}


AGENTS = (
    "0 A>P INVITE h=User-Agent:_Yealink_SIP-T46S_66.85\n0.1 P>B INVITE vias=2 h=User-Agent:_Yealink_SIP-T46S_66.85\n"
    "1 B>P 180 vias=2 h=Server:_AcmeSBC\n1.1 P>A 180\n"
)
SOFTWARE = [Software("yealink", Pattern("^yealink")), Software("acme", Pattern("sbc")), Software("sbc", Pattern("SBC"))]


def by_software(script: str, software: list[Software] | None = None) -> dict[tuple[str, ...], float]:
    families = Settings(peers=PEERS.peers, software=SOFTWARE if software is None else software)
    return count(script, families).values("software_calls_total")


@pytest.mark.parametrize(
    ("more", "result"),
    [
        ("2 B>P 486 vias=2 h=Server:_AcmeSBC\n2.1 P>A 486", "failure"),
        ("2 B>P 200 vias=2 h=Server:_AcmeSBC\n2.1 P>A 200\n3 A>P ACK ttag=callee branch=z9hG4bKk1", "success"),
        ("2 A>P CANCEL\n2.1 P>B CANCEL vias=2\n3 B>P 487 vias=2 h=Server:_AcmeSBC\n3.1 P>A 487", "failure"),
        ("", "neither"),
    ],
)
def test_a_call_counts_by_the_software_at_both_of_its_ends(more: str, result: str) -> None:
    """The first pattern that matches decides. Whom nobody has heard calls himself nothing."""
    assert by_software(AGENTS + more) == {
        ("phones", "yealink", "caller", result): 1,
        ("acme", "acme", "callee", result): 1,
    }


def test_software_that_no_pattern_matches_is_other_and_so_is_none() -> None:
    script = f"0 A>P INVITE h=User-Agent:_{'x' * 300}_Yealink\n1 P>A 404\n5 A>P INVITE call=c2\n6 P>A 404 call=c2"
    assert by_software(script) == {
        ("phones", "other", "caller", "failure"): 2,
        ("proxy", "other", "callee", "failure"): 2,
    }


def test_without_families_no_call_is_counted_by_software() -> None:
    assert by_software(AGENTS, []) == {}


def test_the_results_of_a_family_are_there_at_0_and_a_new_configuration_names_anew() -> None:
    counted = count(
        AGENTS + "2 B>P 486 vias=2\n2.1 P>A 486", Settings(peers=PEERS.peers, software=SOFTWARE), until="10", over=False
    )
    assert counted.values("software_calls_total", zero=True)["phones", "yealink", "caller", "success"] == 0
    counted.use(Settings(peers=PEERS.peers, software=[Software("desk", Pattern("T46S"))]))
    for message in messages("20 A>P INVITE call=c2 h=User-Agent:_Yealink_SIP-T46S\n21 P>A 404 call=c2"):
        counted.message(message)
    counted.finish()
    found = counted.values("software_calls_total")
    assert (found["phones", "desk", "caller", "failure"], found["phones", "yealink", "caller", "failure"]) == (1, 1)


def test_peers_without_a_limit_have_no_count_of_sessions() -> None:
    counted = count(PROXIED, PEERS, over=False)
    assert counted.values("peer_sessions", zero=True) == counted.values("peer_sessions_limit") == {}


@pytest.mark.parametrize(
    ("script", "until", "by", "ending"),
    [
        (PROXIED + "9 B>P BYE from=C vias=2 cseq=5\n9.1 P>B 200 method=BYE vias=2 cseq=5\n", "10", "callee", "normal"),
        (PROXIED + "9 A>P BYE\n9.1 P>A 500 method=BYE cseq=2\n", "60", "caller", "bye_refused"),
        (
            PROXIED + "9 A>P BYE h=Reason:_SIP;cause=488\n9.1 P>A 200 method=BYE cseq=2\n",
            "60",
            "caller",
            "error_reason",
        ),
        (PROXIED, "14410", "timeout", "no_bye"),
        (PROXIED, "10", "capture_end", "capture_end"),
    ],
)
def test_an_answered_call_ends_once_whoever_ends_it_and_however(script: str, until: str, by: str, ending: str) -> None:
    counted = count(script, PEERS, until=until)
    assert counted.values("calls_ended_total") == {("phones", "acme", by, ending): 1}
    assert counted.values("calls_established") == {}


def test_delays_of_the_call() -> None:
    counted = count(PROXIED + BYE, PEERS)
    ends = ("phones", "acme")
    assert counted.values("session_request_delay_seconds_sum") == {(*ends, "success"): pytest.approx(1.02)}
    assert counted.values("ring_duration_seconds_sum") == {(*ends, "success"): pytest.approx(3.0)}
    assert counted.values("answer_delay_seconds_sum") == {ends: pytest.approx(4.02)}
    assert counted.values("session_duration_seconds_sum") == {ends: pytest.approx(9 - 4.02)}
    assert counted.values("session_disconnect_delay_seconds_sum") == {ends: pytest.approx(0.05)}
    assert counted.values("session_disconnect_delay_seconds_count") == {ends: 1}


def test_delays_of_each_hop() -> None:
    counted = count(PROXIED, PEERS)
    upper, lower = ("phones", "proxy"), ("proxy", "acme")
    assert counted.values("trying_delay_seconds_sum") == {upper: pytest.approx(0.01), lower: pytest.approx(0.02)}
    assert counted.values("progress_delay_seconds_sum") == {
        (*upper, "180"): pytest.approx(1.01),
        (*lower, "180"): pytest.approx(0.95),
    }


def test_the_challenge_is_no_part_of_the_session_request_delay() -> None:
    """RFC 6076 §4.3: from the INVITE that was not challenged."""
    counted = count(CHALLENGED, PEERS)
    assert counted.values("session_request_delay_seconds_sum") == {("phones", "proxy", "success"): pytest.approx(1.0)}
    assert counted.values("progress_delay_seconds_count") == {("phones", "proxy", "180"): 1}


@pytest.mark.parametrize(
    ("script", "delay"),
    [
        ("0 A>P INVITE\n0.1 P>A 100\n2 P>A 503", {("phones", "proxy", "failure"): 2.0}),
        ("0 A>P INVITE\n0.1 P>A 100\n1 P>A 183\n2 P>A 503", {("phones", "proxy", "success"): 1.0}),
        ("0 A>P INVITE\n0.1 P>A 100\n1 P>A 200", {("phones", "proxy", "success"): 1.0}),
        ("0 A>P INVITE\n0.1 P>A 402", {}),
        ("0 A>P INVITE\n0.1 P>A 407", {}),
        ("0 A>P INVITE\n0.1 P>A 302", {}),
        ("0 A>P INVITE", {}),
    ],
)
def test_session_request_delay_ends_with_progress_or_a_failing_final(
    script: str, delay: dict[tuple[str, ...], float]
) -> None:
    assert count(script, PEERS, until="200").values("session_request_delay_seconds_sum") == delay


def test_early_progress_is_how_long_a_carrier_searched() -> None:
    counted = count("0 A>P INVITE\n0.1 P>A 100\n1 P>A 183\n10 P>A 180\n12 P>A 200", PEERS)
    assert counted.values("early_progress_seconds_sum") == {("phones", "proxy"): 9.0}
    later = count("0 A>P INVITE\n0.1 P>A 100\n1 P>A 180\n10 P>A 183\n12 P>A 200", PEERS)
    assert later.values("early_progress_seconds_count") == {}


@pytest.mark.parametrize(
    ("script", "until", "timer"),
    [
        ("0 A>P INVITE", "40", "B"),
        ("0 A>P INVITE\n1 P>A 100", "200", "C"),
        ("0 A>P INVITE\n1 P>A 180\n2 A>P CANCEL", "40", "cancel"),
    ],
)
def test_calls_without_a_final_response_are_counted_by_the_timer_that_ended_them(
    script: str, until: str, timer: str
) -> None:
    counted = count(script, PEERS, until=until)
    assert counted.values("calls_timed_out_total") == {("phones", "proxy", timer): 1}
    assert counted.values("call_final_responses_total") == {("phones", "proxy", "none"): 1}


def test_a_call_cut_off_by_the_end_of_the_capture_has_not_timed_out() -> None:
    counted = count("0 A>P INVITE", PEERS, until="10")
    assert counted.values("calls_timed_out_total") == {}
    assert counted.values("calls_total") == {("phones", "proxy", "unfinished", "unknown"): 1}


def test_a_condition_counts_when_it_is_raised_and_stands_until_it_is_resolved() -> None:
    stuck = "0 A>P INVITE\n1 P>A 100"
    raised = count(stuck, PEERS, until="11", over=False)
    key = ("phones", "proxy", "no_progress")
    assert raised.values("invite_conditions_total")[key] == 1
    assert raised.values("invites_in_condition")[key] == 1
    before = count(stuck, PEERS, until="10.999", over=False)
    assert key not in before.values("invite_conditions_total")
    resolved = count(stuck + "\n15 P>A 180", PEERS, over=False)
    assert resolved.values("invites_in_condition") == {}
    assert resolved.values("invite_conditions_resolved_total")[*key, "progressed"] == 1


@pytest.mark.parametrize("condition", Condition)
def test_every_way_a_condition_can_end_is_there_from_the_beginning(condition: Condition) -> None:
    counted = count("0 A>P INVITE", PEERS, over=False)
    there = {key[3] for key in counted.values("invite_conditions_resolved_total", zero=True) if key[2] == condition}
    assert there == {how.value for how in m.RESOLUTIONS[condition]}


@examples(60)
@given(st.data())
def test_conditions_resolve_only_in_the_ways_that_are_declared(data: st.DataObject) -> None:
    """Whatever is seen, in whatever order: raised is resolved plus what still stands."""
    whats = st.sampled_from(["A>P INVITE", "P>A 100", "P>A 180", "P>A 183", "P>A 200", "P>A 503", "P>A 487", "A>P CANCEL",
                             "A>P ACK ttag=callee", "A>P BYE", "P>A 200 method=BYE cseq=2"])  # fmt: skip
    steps = data.draw(st.lists(st.tuples(st.sampled_from([0, 1, 4, 11, 31, 200]), whats), max_size=12))
    at, script = 0, "0 A>P INVITE\n"
    for wait, what in steps:
        at += wait
        script += f"{at} {what}\n"
    counted = count(script, PEERS, over=data.draw(st.booleans()))
    raised = sum(counted.values("invite_conditions_total").values())
    resolved = counted.values("invite_conditions_resolved_total")
    assert raised == sum(resolved.values()) + sum(counted.values("invites_in_condition").values())
    declared = {(kind.value, how.value) for kind, hows in m.RESOLUTIONS.items() for how in hows}
    assert {key[2:] for key in resolved} <= declared


def test_closed_series_exist_at_0_from_the_first_message_between_two_peers() -> None:
    """So that increase() sees the first event."""
    counted = count("0 A>P INVITE\n0.03 P>B INVITE vias=2", PEERS, over=False)
    calls = counted.values("calls_total", zero=True)
    for ends in (("phones", "proxy"), ("phones", "acme")):
        assert {key[2] for key in calls if key[:2] == ends} == {o.value for o in Outcome} - {"retried"}
    assert {key[2] for key in counted.values("invites_total", zero=True) if key[:2] == ("proxy", "acme")} == {
        o.value for o in Outcome
    }
    assert [name for name in CLOSED if not counted.values(name, zero=True)] == []


def test_counting_never_makes_a_series_that_was_not_there_at_0() -> None:
    """The other way round: for closed labels, whatever a call brings was there before its verdict."""
    script = PROXIED + "4.5 P>A 200\n5.5 P>A 200\n7.5 P>A 200\n" + BYE
    begun = count("\n".join(script.split("\n")[:3]), PEERS, over=False)
    ended = count(script, PEERS, until="100")
    for name in CLOSED:
        assert ended.values(name, zero=True).keys() == begun.values(name, zero=True).keys(), name


def test_retransmissions_by_method_but_not_the_proxys_forwarding() -> None:
    script = (
        PROXIED.replace("0.01 P>A 100\n", "0.005 A>P INVITE\n0.01 P>A 100\n", 1)
        + "4.6 P>A 200\n"
        + BYE
        + "9.2 A>P BYE\n"
    )
    counted = count(script, PEERS)
    assert counted.values("retransmissions_total") == {
        ("phones", "proxy", "INVITE"): 1,
        ("proxy", "phones", "INVITE"): 1,
        ("phones", "proxy", "BYE"): 1,
    }


def test_messages_are_counted_by_ends_and_method() -> None:
    counted = count(PROXIED, PEERS)
    requests = counted.values("requests_total")
    assert requests[("phones", "proxy", "INVITE")] == 1
    assert requests[("proxy", "acme", "ACK")] == 1
    assert counted.values("responses_total")[("acme", "proxy", "INVITE", "180")] == 1


def test_how_calls_end_is_there_at_0_from_the_first_answer_on() -> None:
    """Before that none can; so an end that comes later is seen by increase()."""
    assert count("0 A>P INVITE", PEERS, over=False).values("calls_ended_total", zero=True) == {}
    answered = count(PROXIED, PEERS, over=False)
    assert {key[2:] for key in answered.values("calls_ended_total", zero=True)} == {
        (by.value, ending.value) for by in EndedBy for ending in ENDINGS_BY[by]
    }


def test_a_histogram_is_there_from_its_first_duration_on() -> None:
    begun = count("0 A>P INVITE", PEERS, over=False)
    assert [name for name, durations in begun.counts.durations.items() if durations.values] == []
    asked = count("0 A>P INVITE\n0.1 P>A 100", PEERS)
    assert [name for name, durations in asked.counts.durations.items() if durations.values] == ["trying_delay_seconds"]


# What strangers write

INVENTED = b"M%d sip:x SIP/2.0\r\nCSeq: 1 M%d\r\n\r\n"


def test_methods_that_strangers_invent_are_no_labels() -> None:
    counted = Counted()
    ends = Path(bytes(12), Transport.UDP)
    for number in range(300):
        invented = parse(number, ends, INVENTED % (number, number), False)
        assert isinstance(invented, Request)
        counted.message(invented)
    assert counted.values("requests_total", zero=True) == {("other", "other", "other"): 300}


@pytest.mark.parametrize(
    ("reason", "labels"),
    [
        ("Q.850;cause=34", ("Q.850", "34")),
        ("Q.850;cause=999", ("Q.850", "other")),
        ("Q.850;cause=12", ("Q.850", "other")),
        ("SIP;cause=486", ("SIP", "486")),
        ("SIP;cause=499", ("SIP", "other")),
        ("Pigeon;cause=5", ("other", "other")),
    ],
)
def test_a_cause_is_a_label_if_it_is_in_a_list(reason: str, labels: tuple[str, str]) -> None:
    counted = count(f"0 A>P INVITE\n1 P>A 503 h=Reason:_{reason}", PEERS)
    assert counted.values("reason_causes_total") == {("phones", "proxy", *labels): 1}


def test_a_status_code_is_a_label_if_it_is_registered() -> None:
    counted = register("0 A>P REGISTER\n0.1 P>A 499")
    for message in messages("1 A>P INVITE call=c2\n1.1 P>A 498 call=c2\n1.2 A>P ACK call=c2 ttag=callee"):
        counted.message(message)
    counted.finish()
    for name in ("call_final_responses_total", "invite_final_responses_total"):
        assert counted.values(name) == {("phones", "proxy", "other"): 1}, name
    assert counted.values("registrations_total") == {("phones", "proxy", "refused", "other"): 1}
    assert counted.values("responses_total") == {
        ("proxy", "phones", "REGISTER", "other"): 1,
        ("proxy", "phones", "INVITE", "other"): 1,
    }


def test_responses_that_are_captured_before_their_request_are_counted_between_the_two() -> None:
    late = count("0 P>A 100\n0.01 A>P INVITE\n0.02 P>A 486\n1 P>B 404", PEERS).values("responses_total")
    in_time = count("0 A>P INVITE\n0.01 P>A 100\n0.02 P>A 486\n1 P>B 404", PEERS).values("responses_total")
    assert late == in_time
    assert late["other", "other", "INVITE", "404"] == 1


def test_responses_of_all_codes_and_methods_that_answer_nothing_make_no_pair() -> None:
    """They are 9,000 combinations; counted are those of the lists, between nobody in particular."""
    counted = Counted(PEERS)
    for message in messages("0 P>A 200\n0 B>P 200\n0 A>B 200"):
        for code in range(100, 700):
            for method in ("INVITE", "BYE", "X1", "X2"):
                strange = parse(
                    message.time, message.path, b"SIP/2.0 %d x\r\nCSeq: 1 %b\r\n\r\n" % (code, method.encode()), False
                )
                assert isinstance(strange, Response)
                counted.message(strange)
    counted.advance(nanoseconds("3"))
    responses = counted.values("responses_total")
    assert sum(responses.values()) == 3 * 600 * 4
    assert {key[:2] for key in responses} == {("other", "other")}
    assert len(responses) == 3 * (len(REGISTERED_CODES) + 1)


# How many there are

_BEGUN = "0 A>P INVITE{c}\n0.01 P>A 100{c}\n0.03 P>B INVITE vias=2{c}\n0.05 B>P 100 vias=2{c}\n"
_RINGING = _BEGUN + "1 B>P 180 vias=2{c}\n1.02 P>A 180{c}\n"
_ANSWERED = (
    "4 B>P 200 vias=2{c}\n4.02 P>A 200{c}\n4.1 A>P ACK ttag=callee branch=z9hG4bKa{c}\n"
    "4.12 P>B ACK ttag=callee branch=z9hG4bKb vias=2{c}\n9 A>P BYE{c}\n9.01 P>B BYE vias=2{c}\n"
    "9.05 B>P 200 method=BYE vias=2 cseq=2{c}\n9.07 P>A 200 method=BYE cseq=2{c}\n"
)
_BUSY = "4 B>P 486 vias=2{c}\n4 P>B ACK ttag=callee vias=2{c}\n4.02 P>A 486{c}\n4.1 A>P ACK ttag=callee{c}\n"
_GIVEN_UP = (
    "4 A>P CANCEL{c}\n4.01 P>A 200 method=CANCEL{c}\n4.02 P>B CANCEL vias=2{c}\n4.04 B>P 200 method=CANCEL vias=2{c}\n"
    "4.1 B>P 487 vias=2{c}\n4.1 P>B ACK ttag=callee vias=2{c}\n4.2 P>A 487{c}\n4.3 A>P ACK ttag=callee{c}\n"
)
_WRONG = "2 B>P 404 vias=2{c}\n2 P>B ACK ttag=callee vias=2{c}\n2.02 P>A 404{c}\n2.1 A>P ACK ttag=callee{c}\n"


def ordinary_calls() -> list[Request | Response]:
    """Return calls through a proxy: answered, busy, given up after it rang, and to a number that is none."""
    scripts = (_RINGING + _ANSWERED, _RINGING + _BUSY, _RINGING + _GIVEN_UP, _BEGUN + _WRONG)
    return [
        message
        for number, script in enumerate(scripts)
        for message in messages(
            re.sub(r"z9hG4bK", f"z9hG4bK{number}", script.format(c=f" call=c{number} sport=506{number}"))
        )
    ]


def series_by_pair(counted: Counted) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    for metric in counted.collector.collect():
        for sample in metric.samples:
            if {"source", "destination"} <= sample.labels.keys():
                found[sample.labels["source"], sample.labels["destination"]] += 1
    return found


def test_a_pair_of_peers_in_ordinary_use_has_150_series_at_most() -> None:
    """Hop by hop between neighbours, and by the call between the two ends."""
    counted = Counted(PEERS)
    for message in sorted(ordinary_calls(), key=lambda message: message.time):
        counted.message(message)
    counted.finish()
    assert set(counted.values("calls_total")) == {
        ("phones", "acme", "answered", "success"),
        ("phones", "acme", "busy", "user"),
        ("phones", "acme", "abandoned_brief", "user"),
        ("phones", "acme", "not_found", "routing"),
    }
    found = series_by_pair(counted)
    assert set(found) == {
        ("phones", "proxy"),
        ("proxy", "phones"),
        ("proxy", "acme"),
        ("acme", "proxy"),
        ("phones", "acme"),
    }
    assert max(found.values()) <= 150, found


def test_figures_beyond_the_limit_are_counted_between_others_with_the_same_sums() -> None:
    """What has series keeps them; nothing that is counted for one pair ever moves to another, or back."""
    free, full = (Counted(PEERS, series=number) for number in (10_000, 200))
    before: dict[tuple[str, ...], float] = {}
    for message in sorted(ordinary_calls(), key=lambda message: message.time):
        free.message(message)
        full.message(message)
        samples = full.samples()
        now = {
            (of.name, *key): value
            for of in ALL
            if of.kind is MetricKind.COUNTER
            for key, value in samples.get(of.exposed, {}).items()
        }
        assert all(now[key] >= value for key, value in before.items())
        before = now
    for one in (free, full):
        one.finish()
    folded, unfolded = full.samples(), free.samples()
    for of in ALL:
        name = of.exposed + ("_count" if of.kind is MetricKind.HISTOGRAM else "")
        if "source" in of.labels:
            assert sum(folded.get(name, {}).values()) == sum(unfolded.get(name, {}).values()), name
    assert full.values("series_folded_total")[()] > 0
    assert free.values("series_folded_total") == {}
    own = sum(number for ends, number in series_by_pair(full).items() if ends != ("other", "other"))
    assert own <= 200 < sum(series_by_pair(free).values())


def test_reasons_are_counted_by_protocol_and_cause() -> None:
    script = '0 A>P INVITE\n1 P>A 503 h=Reason:_SIP;cause=503,_Q.850;cause=34;text="no,_circuit"'
    assert count(script, PEERS).values("reason_causes_total") == {("phones", "proxy", "Q.850", "34"): 1}


def test_peers_were_last_seen_when_they_last_spoke() -> None:
    counted = count("0 A>P INVITE\n1 P>A 100\n2 A>P CANCEL", PEERS, over=False)
    assert counted.values("peer_last_seen_timestamp_seconds") == {
        ("phones",): pytest.approx(nanoseconds("2") / 1e9),
        ("proxy",): pytest.approx(nanoseconds("1") / 1e9),
    }
    assert counted.values("peer_last_response_timestamp_seconds") == {("proxy",): pytest.approx(nanoseconds("1") / 1e9)}


def test_a_new_configuration_renames_and_forgets_nothing() -> None:
    counted = count(PROXIED, None, over=False)
    counted.use(PEERS)
    for message in messages(BYE + "20 A>P INVITE call=c2\n21 P>A 486 call=c2\n30 A>P OPTIONS call=c3"):
        counted.message(message)
    assert counted.values("calls_total") == {
        ("other", "other", "answered", "success"): 1,
        ("phones", "proxy", "busy", "user"): 1,
    }
    assert counted.values("calls_established") == {}
    assert counted.values("calls_ended_total") == {("other", "other", "caller", "normal"): 1}
    assert counted.values("requests_total")[("phones", "proxy", "INVITE")] == 1


def test_the_counts_are_those_of_the_records() -> None:
    """One engine, two ways to look at it."""
    script = (
        PROXIED
        + BYE
        + "20 A>P INVITE call=c2\n21 P>A 180 call=c2\n22 P>A 486 call=c2\n30 B>P INVITE call=c3\n31 P>B 404 call=c3"
    )
    counted, observed = count(script, PEERS, until="100"), observe(script, PEERS, until="100")
    calls = {(c.source, c.destination, c.outcome, c.category): 1 for c in observed.calls}
    assert counted.values("calls_total") == calls


def register(script: str, *, until: str | None = None, over: bool = False) -> Counted:
    """Count a conversation of REGISTER and OPTIONS (tests/track/registering.py)."""
    counted = Counted(PEERS)
    for message in said(script):
        counted.message(message)
    if until is not None:
        counted.advance(nanoseconds(until))
    if over:
        counted.finish()
    return counted


CHALLENGED_REGISTER = (
    f"0 A>P REGISTER\n0.1 P>A 401 {CHALLENGE}\n1 A>P REGISTER cseq=2 branch=z9hG4bKtwo {CREDENTIALS}\n"
    "1.2 P>A 200 cseq=2 branch=z9hG4bKtwo h=Expires:_60\n"
)


def test_a_challenged_registration_is_one_attempt_and_its_delay_leaves_the_challenge_out() -> None:
    counted = register(CHALLENGED_REGISTER)
    ends = ("phones", "proxy")
    assert counted.values("registrations_total") == {(*ends, "registered", "200"): 1}
    assert counted.values("registrations_active") == {ends: 1}
    assert counted.values("registration_request_delay_seconds_sum") == {ends: pytest.approx(0.2)}
    assert counted.values("requests_total")[(*ends, "REGISTER")] == 2


def test_a_registration_runs_out_on_a_silent_line() -> None:
    counted = register(CHALLENGED_REGISTER, until="61.3")
    assert counted.values("registrations_active") == {}
    assert counted.values("registrations_expired_total") == {("phones", "proxy"): 1}


def test_a_refusal_counts_with_its_code_and_silence_with_none() -> None:
    script = "0 A>P REGISTER\n0.1 P>A 403\n1 A>P REGISTER call=c2 branch=z9hG4bKtwo\n1.5 A>P REGISTER call=c2 branch=z9hG4bKtwo"
    counted = register(script, until="60")
    ends = ("phones", "proxy")
    assert counted.values("registrations_total") == {(*ends, "refused", "403"): 1, (*ends, "not_responding", "none"): 1}
    assert counted.values("retransmissions_total") == {(*ends, "REGISTER"): 1}


def test_pings_are_counted_by_what_came_back() -> None:
    counted = register("0 B>P OPTIONS\n0.1 P>B 200 method=OPTIONS\n5 P>B OPTIONS call=c2 branch=z9hG4bKtwo", until="60")
    assert counted.values("options_total") == {("acme", "proxy", "answered"): 1, ("proxy", "acme", "not_responding"): 1}
    assert counted.values("options_response_delay_seconds_sum") == {("acme", "proxy"): pytest.approx(0.1)}


def test_series_of_registrations_and_pings_exist_at_0_from_the_first_request() -> None:
    counted = register("0 A>P REGISTER\n0 B>P OPTIONS")
    assert counted.values("registrations_total", zero=True).keys() == {
        ("phones", "proxy", outcome, code) for outcome, code in m._USUAL_REGISTRATIONS
    }
    assert counted.values("options_total", zero=True).keys() == {("acme", "proxy", o.value) for o in OptionsOutcome}
    for name in ("registrations_active", "registrations_expired_total"):
        assert counted.values(name, zero=True) == {("phones", "proxy"): 0}, name


def test_a_new_configuration_moves_what_is_registered_and_what_is_wrong_to_their_new_names() -> None:
    counted = Counted()
    for message in [*said(CHALLENGED_REGISTER), *messages("2 A>P INVITE call=c9\n2.1 P>A 100 call=c9")]:
        counted.message(message)
    counted.advance(nanoseconds("20"))
    assert counted.values("registrations_active") == {("other", "other"): 1}
    counted.use(PEERS)
    assert counted.values("registrations_active") == {("phones", "proxy"): 1}
    assert counted.values("invites_in_condition") == {
        ("phones", "proxy", "no_progress"): 1, ("phones", "proxy", "slow_progress"): 1
    }  # fmt: skip
    counted.advance(nanoseconds("300"))
    assert counted.values("registrations_active") == counted.values("invites_in_condition") == {}
