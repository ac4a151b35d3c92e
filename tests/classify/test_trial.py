"""What rules make of calls, and what would have come out without them."""

from __future__ import annotations

from ipaddress import ip_network

from sipwatch.classify.outcomes import Outcome
from sipwatch.classify.peers import Peer, PeerKind, Rule, Settings
from sipwatch.classify.trial import Trial
from sipwatch.engine import Engine
from sipwatch.track.table import Heard
from tests.conversation import messages, nanoseconds


def tried(script: str, *rules: Rule, until: str | None = None) -> list[tuple[int, int, dict[tuple[str, str], int]]]:
    """Judge a conversation with a trunk at T that has rules; return each rule's calls, hops and changes."""
    trunk = Peer("acme", PeerKind.TRUNK, [ip_network("192.0.2.84/32")], rules=list(rules))
    engine = Engine(None, Settings(peers=[trunk]), diagnose=False)
    trial = Trial(engine.verdicts)
    for message in messages(script):
        engine.message(message)
    engine.finish(None if until is None else nanoseconds(until))
    assert [(name, rule) for name, rule, _ in trial.uses] == [("acme", rule) for rule in rules]
    return [(use.calls, use.hops, use.changes) for _, _, use in trial.uses]


def test_calls_are_counted_by_the_outcome_before_and_after() -> None:
    script = "".join(
        f"{i} A>T INVITE call=c{i}\n{i}.1 T>A 180 call=c{i}\n{i}.5 T>A {code} call=c{i}\n"
        for i, code in enumerate([480, 486, 486, 603])
    )
    ours = Rule(Outcome.UNAVAILABLE, status_code=480)
    same = Rule(Outcome.BUSY, status_code=486)
    idle = Rule(Outcome.BLOCKED, status_code=404)
    assert tried(script, ours, same, idle) == [
        (1, 1, {("no_answer", "unavailable"): 1}),
        (2, 2, {("busy", "busy"): 2}),
        (0, 0, {}),
    ]


def test_a_call_over_a_proxy_is_one_call_and_two_hops() -> None:
    script = "0 A>P INVITE\n0.1 P>T INVITE vias=2\n1 T>P 603 vias=2\n1.1 P>A 603"
    assert tried(script, Rule(Outcome.DECLINED, status_code=603)) == [(1, 2, {("congested", "declined"): 1})]


def test_a_rule_may_decide_a_hop_and_not_the_call() -> None:
    """The proxy turns the trunk's 503 into a 500 of its own, and the rule is about 503."""
    script = "0 A>P INVITE\n0.1 P>T INVITE vias=2\n1 T>P 503 vias=2\n1.1 P>A 500"
    assert tried(script, Rule(Outcome.CONGESTED, status_code=503)) == [(0, 1, {})]


def test_a_challenge_that_is_answered_uses_no_rule() -> None:
    script = """
        0    A>T INVITE
        0.1  T>A 407 h=Proxy-Authenticate:_Digest_realm="x",nonce="1"
        0.2  A>T INVITE cseq=2 h=Proxy-Authorization:_Digest_username="a",realm="x",nonce="1"
        1    T>A 486 cseq=2
        """
    assert tried(script, Rule(Outcome.FORBIDDEN, status_code=407)) == [(0, 0, {})]


def test_a_rule_about_no_final_response_counts_when_the_call_is_given_up() -> None:
    rule = Rule(Outcome.UNAVAILABLE, heard=Heard.NOTHING)
    assert tried("0 A>T INVITE", rule, until="60") == [(1, 1, {("not_responding", "unavailable"): 1})]
    assert tried("0 A>T INVITE", rule, until="3") == [(0, 0, {})]
