"""Rules in words, and what is doubtful about a configuration without being wrong."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest

from sipwatch.classify.outcomes import Outcome
from sipwatch.classify.peers import Peer, PeerKind, Rule, Settings
from sipwatch.classify.regex import Pattern
from sipwatch.packet import SECOND
from sipwatch.report.rules import remarks, rule_in_words, usual
from sipwatch.track.table import Heard
from sipwatch.track.timers import Timers
from tests.conversation import the_call
from tests.each import for_each

TRUNK = Peer("acme", PeerKind.TRUNK, [ip_network("192.0.2.84/32")])


def test_all_that_a_rule_asks_for_is_said() -> None:
    rule = Rule(
        Outcome.CONGESTED,
        status_code=503,
        cause=34,
        cause_protocol="Q.850",
        heard=Heard.TRYING,
        reason_text=Pattern("no channel"),
        header="X-Error",
        value=Pattern("32203"),
        early_media=False,
    )
    assert rule_in_words(TRUNK, rule) == (
        "A call to or from acme counts as All lines busy (congested) if it ends with 503, a Reason header gives cause 34"
        " of Q.850, its reason phrase, or the text of a Reason header, has 'no channel' in it, it ends with a header"
        " X-Error that has '32203' in it, no more than 100 Trying had been heard and there was no early media (183 with SDP)."
    )


@pytest.mark.parametrize("heard", Heard)
def test_everything_that_can_be_heard_has_words(heard: Heard) -> None:
    assert " heard" in rule_in_words(TRUNK, Rule(Outcome.BUSY, heard=heard)) or heard >= Heard.PROGRESSED


def test_one_condition_stands_alone() -> None:
    assert rule_in_words(TRUNK, Rule(Outcome.BUSY, cause=17)).endswith(
        "if a Reason header gives cause 17 of any protocol."
    )


def test_a_header_may_be_asked_for_whatever_is_in_it() -> None:
    assert rule_in_words(TRUNK, Rule(Outcome.BUSY, header="X-Error")).endswith("if it ends with a header X-Error.")


USUAL: list[tuple[dict[str, Any], str | None]] = [
    ({"status_code": 486}, "busy"),
    ({"status_code": 603}, "congested"),
    ({"status_code": 302}, "redirected"),
    ({"status_code": 480}, None),
    ({"status_code": 480, "heard": Heard.TRYING}, "unavailable"),
    ({"status_code": 480, "heard": Heard.ALERTED}, "no_answer"),
    ({"status_code": 480, "early_media": True}, "no_answer"),
    ({"status_code": 480, "early_media": False}, None),
    ({"status_code": 487}, None),
    ({"status_code": 200}, None),
    ({"cause": 17}, "busy"),
    ({"cause": 16}, None),
    ({"cause": 486, "cause_protocol": "SIP"}, None),
    ({"status_code": 503, "cause": 34}, "congested"),
    ({"heard": Heard.ALERTED}, None),
    ({"status_code": 486, "reason_text": Pattern("x")}, None),
    ({"status_code": 486, "header": "X-Error"}, "busy"),
    ({"status_code": 486, "header": "Reason"}, None),
    ({"header": "X-Error"}, None),
    ({"status_code": 486, "cause": 34}, "busy"),
]


@for_each("asked, outcome", USUAL)
def test_what_comes_out_without_a_rule_is_known_where_it_does_not_depend(
    asked: dict[str, Any], outcome: str | None
) -> None:
    assert usual(TRUNK, Rule(Outcome.BLOCKED, **asked)) == outcome


@pytest.mark.parametrize(
    ("asked", "outcome"), [(asked, outcome) for asked, outcome in USUAL if outcome and "status_code" in asked]
)
def test_what_is_said_to_be_usual_is_what_the_judge_says(asked: dict[str, Any], outcome: str) -> None:
    """A call that fits the rule is judged without it."""
    heard = {None: "100", Heard.TRYING: "100", Heard.ALERTED: "180"}[asked.get("heard")]
    if asked.get("early_media"):
        heard = "183 h=Content-Type:_application/sdp"
    reason = f" h=Reason:_Q.850;cause={asked['cause']}" if "cause" in asked else ""
    reason += " h=X-Error:_1" if "header" in asked else ""
    script = f"0 A>T INVITE\n0.1 T>A {heard}\n1 T>A {asked['status_code']}{reason}"
    assert the_call(script, Settings(peers=[TRUNK]), until="60").outcome == outcome


def test_a_rule_that_changes_nothing_is_remarked_on() -> None:
    kinds = [
        Peer("acme", PeerKind.TRUNK, rules=[Rule(Outcome.CONGESTED, status_code=603, line=9)]),
        Peer(
            "phones",
            PeerKind.DEVICES,
            rules=[Rule(Outcome.CONGESTED, status_code=603, line=12), Rule(Outcome.BUSY, cause=17)],
        ),
    ]
    assert remarks(Settings(peers=kinds)) == [
        "acme, rule on line 9: this comes out as congested without a rule, too, unless a Reason header says otherwise",
        "phones: this comes out as busy without a rule, too, in most cases",
    ]


def test_timers_that_never_fire_are_remarked_on() -> None:
    late = Timers(slow_progress_after=12 * SECOND, no_response_after=32 * SECOND)
    assert remarks(Settings(late, [Peer("acme", timers=Timers(no_progress_after=2 * SECOND))])) == [
        "[timers]: slow_progress_after (12 s) is not before no_progress_after (10 s), so nothing is slow before it is stuck",
        "[timers]: no_response_after (32 s) is not before a call is given up, 32 s, so no_response is never raised",
        "acme: slow_progress_after (3 s) is not before no_progress_after (2 s), so nothing is slow before it is stuck",
    ]


def test_a_peer_whose_addresses_are_all_others_is_remarked_on() -> None:
    def peers(*halves: str, **more: Any) -> Settings:
        wide = Peer("wide", PeerKind.TRUNK, [ip_network("192.0.2.0/24"), ip_network("2001:db8::/127")], **more)
        return Settings(peers=[wide, Peer("halves", PeerKind.TRUNK, [ip_network(half) for half in halves])])

    covering = ("192.0.2.0/25", "192.0.2.128/25", "2001:db8::/128", "2001:db8::1/128")
    said = "wide: longer prefixes of others cover all of its addresses, nobody is found under it"
    assert remarks(peers(*covering)) == [said]
    assert remarks(peers(*covering[:-1])) == []
    assert remarks(peers(*covering, hosts=["sip.acme.example"])) == []


def test_the_defaults_are_beyond_doubt() -> None:
    assert remarks(Settings()) == []
