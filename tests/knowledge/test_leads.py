"""What a code is said to lead to is what calls are really judged by."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from sipwatch.classify.causes import BY_CAUSE
from sipwatch.classify.outcomes import Outcome
from sipwatch.classify.peers import Peer, PeerKind, Settings
from sipwatch.knowledge.entries import CAUSES, HISTORIC_CODES, STATUS_CODES, Topic
from sipwatch.knowledge.leads import CANCELLED, When, cause_leads, heard_by, leads, sources, status_leads
from sipwatch.track.table import Heard
from tests.conversation import observe, the_call
from tests.each import for_each

TRIES = "0 A>T INVITE\n0.1 T>A 100\n"
RINGS = TRIES + "1 T>A 180\n"
UNREGISTERED = (150, 299, 399, 499, 599, 699)
FINALS = [code for code in (*STATUS_CODES, *HISTORIC_CODES, *UNREGISTERED) if code >= 200 and code != 487]
PEERS = [None, *PeerKind]


def judged(script: str, kind: PeerKind | None = None) -> str:
    """Judge one call to T, which is a peer of that kind, or none."""
    peers = [] if kind is None else [Peer("acme", kind, [ip_network("192.0.2.84/32")])]
    return the_call(script, Settings(peers=peers), until="400").outcome


def told(code: int, kind: PeerKind | None, *, alerted: bool) -> str:
    """Return the one outcome that is told for a code, without a retry."""
    applies = {
        When.ALWAYS: True,
        When.ALERTED: alerted,
        When.NOT_ALERTED: not alerted,
        When.TRUNK: kind is PeerKind.TRUNK,
        When.NOT_TRUNK: kind is not PeerKind.TRUNK,
        When.FOLLOWED: False,
        When.NOT_FOLLOWED: True,
        When.REFUSED: True,
        When.NETWORK: False,
    }
    (outcome,) = [lead.outcome for lead in status_leads(code, kind) if applies[lead.when]]
    return outcome.value


@pytest.mark.parametrize("kind", PEERS, ids=str)
@for_each("code", FINALS)
def test_a_status_code_leads_where_a_call_with_it_ends(code: int, kind: PeerKind | None) -> None:
    assert told(code, kind, alerted=False) == judged(f"{TRIES}2 T>A {code}", kind)
    assert told(code, kind, alerted=True) == judged(f"{RINGS}2 T>A {code}", kind)


@for_each("code", FINALS)
def test_without_a_peers_kind_both_cases_are_told(code: int) -> None:
    for kind in (PeerKind.TRUNK, PeerKind.SERVER):
        trunk = kind is PeerKind.TRUNK
        whens = {When.TRUNK, When.ALWAYS} if trunk else {When.NOT_TRUNK, When.ALWAYS}
        general = [lead.outcome for lead in status_leads(code) if lead.when in whens]
        assert not general or general[0].value == judged(f"{TRIES}2 T>A {code}", kind)


def test_603_means_something_else_from_a_trunk_and_again_from_a_networks_analytics() -> None:
    screened = (Outcome.BLOCKED, When.NETWORK)
    assert status_leads(603) == ((Outcome.DECLINED, When.NOT_TRUNK), (Outcome.CONGESTED, When.TRUNK), screened)
    assert status_leads(603, PeerKind.TRUNK) == ((Outcome.CONGESTED, When.ALWAYS), screened)
    assert status_leads(603, PeerKind.DEVICES) == ((Outcome.DECLINED, When.ALWAYS), screened)
    assert status_leads(607) == ((Outcome.BLOCKED, When.ALWAYS),)
    for kind in PEERS:
        assert judged(f"{TRIES}2 T>A 603 reason=Network_Blocked", kind) == "blocked"


@pytest.mark.parametrize("code", [408, 480])
def test_ringing_makes_a_difference(code: int) -> None:
    assert [lead.when for lead in status_leads(code)] == [When.NOT_ALERTED, When.ALERTED]


@pytest.mark.parametrize(("code", "rest"), [(407, When.REFUSED), (302, When.NOT_FOLLOWED), (422, When.NOT_FOLLOWED)])
def test_what_asks_to_try_again_is_a_retry_when_it_is_followed(code: int, rest: When) -> None:
    retried, otherwise = status_leads(code)
    assert (retried, otherwise.when) == ((Outcome.RETRIED, When.FOLLOWED), rest)
    header = "h=Proxy-Authorization:_Digest_realm=x" if code == 407 else ""
    again = f"2 T>A {code}\n2.1 A>T ACK\n2.2 A>T INVITE b=second cseq=2 {header}\n2.3 T>A 200 b=second cseq=2"
    (call,) = observe(TRIES + again, until="60").calls
    assert [leg.outcome for leg in call.legs] == ["retried", "answered"]


CANCELS = {
    When.SILENT: "0 A>T INVITE\n6 A>T CANCEL",
    When.STUCK: TRIES + "11 A>T CANCEL\n11.1 T>A 487",
    When.RANG: RINGS + "32 A>T CANCEL\n32.1 T>A 487",
    When.BRIEF: RINGS + "3 A>T CANCEL\n3.1 T>A 487",
    When.LATER: RINGS + "12 A>T CANCEL\n12.1 T>A 487",
    When.ELSEWHERE: """
        0    A>S INVITE b=a vias=1
        0.1  S>T INVITE b=t vias=2
        0.1  S>U INVITE b=u vias=2
        0.2  T>S 180 b=t vias=2
        0.2  U>S 180 b=u vias=2
        3    T>S 200 b=t vias=2
        3.1  S>A 200 b=a vias=1
        3.1  S>U CANCEL b=u vias=2
        3.2  U>S 487 b=u vias=2
    """,
}


@pytest.mark.parametrize("lead", CANCELLED, ids=lambda lead: lead.when.value)
def test_a_cancelled_call_is_judged_by_its_course(lead: tuple[Outcome, When]) -> None:
    outcome, when = lead
    (call,) = observe(CANCELS[when], until="400").calls
    assert outcome.value in {call.outcome, *(leg.outcome for leg in call.legs)}
    assert status_leads(487) == CANCELLED


@for_each("number", CAUSES)
def test_a_cause_leads_where_a_call_with_it_ends(number: int) -> None:
    """A cause that decides nothing leaves it to the status code, here 404."""
    told = cause_leads(number)
    outcome = judged(f"{TRIES}2 T>A 404 h=Reason:_Q.850;cause={number}")
    assert outcome == (told[0].outcome.value if told else "not_found")
    assert bool(told) == (number in BY_CAUSE)


@for_each("number", CAUSES)
def test_a_cause_that_a_code_denies_says_so(number: int) -> None:
    for lead in cause_leads(number)[:1]:
        outcome = judged(f"{TRIES}2 T>A 486 h=Reason:_Q.850;cause={number}")
        assert outcome == ("busy" if lead.when is When.NOT_DENIED else lead.outcome.value)


def test_a_cause_whose_text_means_something_else_says_so() -> None:
    assert cause_leads(22) == ((Outcome.NOT_FOUND, When.ALWAYS), (Outcome.REJECTED, When.MEDIA))
    assert judged(f'{TRIES}2 T>A 404 h=Reason:_Q.850;cause=22;text="MediaOfferError"') == "rejected"


def test_elsewhere_is_only_led_to_where_it_can_be() -> None:
    assert cause_leads(26) == ((Outcome.ANSWERED_ELSEWHERE, When.CREDIBLE),)


@pytest.mark.parametrize("code", [100, 150, 180, 183, 199])
def test_a_provisional_response_leads_nowhere_by_itself(code: int) -> None:
    assert status_leads(code) == ()


@pytest.mark.parametrize(
    ("code", "heard"),
    [(100, Heard.TRYING), (180, Heard.ALERTED), (181, Heard.PROGRESSED), (183, Heard.ALERTED), (150, Heard.PROGRESSED)],
)
def test_a_provisional_response_is_heard_as_the_tracker_hears_it(code: int, heard: Heard) -> None:
    assert heard_by(code) is heard
    assert heard_by(200) is None


def test_sources_are_leads_the_other_way_round() -> None:
    for kind in PEERS:
        for outcome in Outcome:
            for source in sources(outcome, kind):
                assert (outcome, source.when) in leads(source.kind, source.number, kind)
    told = {outcome for outcome in Outcome if sources(outcome)}
    assert set(Outcome) - told == {Outcome.UNFINISHED}  # nobody sends it


def test_sources_depend_on_the_peers_kind() -> None:
    from_trunk = [(s.kind, s.number) for s in sources(Outcome.CONGESTED, PeerKind.TRUNK)]
    assert from_trunk == [(Topic.STATUS, 603), *((Topic.CAUSE, number) for number in (34, 42, 44, 47))]
    assert (Topic.STATUS, 603) not in [(s.kind, s.number) for s in sources(Outcome.CONGESTED, PeerKind.DEVICES)]
