"""What a contact centre wants marked on a call."""

from __future__ import annotations

import pytest

from sipwatch.classify.hours import Hours, Span
from sipwatch.classify.outcomes import OF_CALLS
from sipwatch.classify.peers import NOBODY, Peer, PeerKind, Settings
from sipwatch.classify.tags import Tag, in_order, is_inbound, is_missed, is_outbound
from tests.classify.diagnosing import ACME, HUNG_UP, RANG, SITE, TAKEN, TRIED, at, diagnose, ends, peer, settings

T, D, S = (Peer("t", PeerKind.TRUNK), Peer("d", PeerKind.DEVICES), Peer("s", PeerKind.SERVER))
PHONE = "0 P>B INVITE\n0.1 B>P 100\n1 B>P 180\n"


def tags(script: str, where: Settings | None = SITE, *, until: str | None = None, call: str = "c1") -> list[str]:
    return diagnose(script, where, until=until).calls[call].tags


def test_a_caller_who_gives_up_within_moments_was_brief() -> None:
    assert tags(RANG + "4.9 A>T CANCEL\n5 T>A 200 method=CANCEL\n5.1 T>A 487\n") == ["brief"]
    assert tags(RANG + "5 A>T CANCEL\n5.1 T>A 487\n") == []


@pytest.mark.parametrize("code", [486, 603, 480, 408])
def test_a_device_that_is_offered_a_call_and_does_not_take_it_refused_it(code: int) -> None:
    assert "refused" in tags(PHONE + ends(code, 3, "B>P"))
    assert "refused" not in tags(PHONE + ends(code, 3, "B>P"), settings(peer("pbx", PeerKind.SERVER, "B")))
    assert "refused" not in tags(PHONE + ends(code, 3, "B>P"), settings())


def test_a_call_that_it_took_or_whose_caller_gave_up_it_did_not_refuse() -> None:
    taken = "3 B>P 200\n3.1 P>B ACK ttag=callee branch=z9hG4bKa\n"
    assert tags(PHONE + taken) == []
    assert tags(PHONE + "12 P>B CANCEL\n12.1 B>P 487\n") == []
    assert tags(PHONE + ends(404, 3, "B>P")) == []


def test_a_phone_that_declines_a_call_from_a_trunk_refused_it_whatever_the_outcome_is_called() -> None:
    script = "0 T>P INVITE\n0.1 P>B INVITE vias=2\n1 B>P 180 vias=2\n1.1 P>T 180\n3 B>P 603 vias=2\n3.1 P>B ACK vias=2 ttag=callee\n"
    found = diagnose(script + ends(603, 3.2, "P>T"), SITE).calls["c1"]
    assert (found.outcome, found.tags) == ("congested", ["refused"])


def test_a_call_sent_elsewhere_was_transferred() -> None:
    """By REFER while it is up; by 302 instead of an answer; by 302 and then answered under the same Call-ID."""
    assert tags(TAKEN + "8 A>T REFER ttag=callee cseq=9 branch=z9hG4bKr\n" + HUNG_UP) == ["transferred"]
    moved = "0 A>T INVITE\n0.1 T>A 302 h=Contact:_<sip:x@192.0.2.85>\n0.2 A>T ACK ttag=callee\n"
    assert tags(moved, until="60") == ["transferred"]
    followed = (
        moved
        + "0.5 A>U INVITE cseq=2\n1 U>A 180 cseq=2\n3 U>A 200 cseq=2\n3.1 A>U ACK cseq=2 ttag=callee branch=z9hG4bKa\n"
    )
    found = diagnose(followed, SITE).calls["c1"]
    assert (found.outcome, found.tags) == ("answered", ["transferred"])
    assert tags(TAKEN + HUNG_UP) == []


def test_findings_about_ringing_are_marks_as_well() -> None:
    assert tags(PHONE + ends(480, 6, "B>P")) == ["refused", "short_ring"]
    early = TRIED + "1 T>A 183\n10 T>A 180\n15 T>A 200\n15.1 A>T ACK ttag=callee branch=z9hG4bKa\n"
    assert tags(early) == ["early_ringing"]


def worked(*, peers: frozenset[str] = frozenset(), numbers: frozenset[str] = frozenset()) -> Settings:
    """Return settings in which work ends at 10:30 in Berlin on Mondays; the conversations are on one, from 10:00."""
    hours = Hours(peers, numbers, "Europe/Berlin", [Span(0, 540, 630)], frozenset())
    return Settings(peers=[ACME], hours=[hours])


@pytest.mark.parametrize(("start", "found"), [(1799.999, []), (1800, ["outside_hours"])])
def test_a_call_that_begins_when_nobody_works_is_outside(start: float, found: list[str]) -> None:
    """Answered or not."""
    assert tags(at(start, TAKEN + HUNG_UP), worked()) == found
    assert tags(at(start, RANG + ends(486, 3)), worked()) == found


def test_hours_of_others_do_not_matter() -> None:
    assert tags(at(1800, TAKEN + HUNG_UP), worked(peers=frozenset({"acme"}))) == ["outside_hours"]
    assert tags(at(1800, TAKEN + HUNG_UP), worked(peers=frozenset({"north"}))) == []
    assert tags(at(1800, TAKEN + HUNG_UP), worked(numbers=frozenset({"15550101"}))) == ["outside_hours"]
    assert tags(at(1800, TAKEN + HUNG_UP), worked(numbers=frozenset({"15550102"}))) == []


def test_marks_stand_in_the_order_of_the_list() -> None:
    assert in_order([Tag.SHORT_RING, Tag.CALLED_BACK, Tag.OUTSIDE_HOURS]) == [
        Tag.OUTSIDE_HOURS, Tag.CALLED_BACK, Tag.SHORT_RING,
    ]  # fmt: skip


def test_a_direction_is_that_of_the_trunk() -> None:
    assert [is_inbound(T, other) for other in (D, S, NOBODY, T)] == [True, True, True, False]
    assert [is_outbound(other, T) for other in (D, S, NOBODY, T)] == [True, True, True, False]
    assert not is_inbound(D, T)
    assert not is_outbound(T, D)
    assert not is_outbound(D, S)


@pytest.mark.parametrize(
    "outcome", ["answered", "answered_elsewhere", "redirected", "blocked", "unfinished", "auth_failed", "forbidden"]
)
def test_what_somebody_took_or_nobody_wanted_was_not_missed(outcome: str) -> None:
    assert not is_missed(outcome, T, S)


def test_everything_else_from_outside_was() -> None:
    taken = {"answered", "answered_elsewhere", "redirected", "blocked", "unfinished", "auth_failed", "forbidden"}
    for outcome in {outcome.value for outcome in OF_CALLS} - taken:
        assert is_missed(outcome, T, S)
        assert not is_missed(outcome, S, T)
        assert not is_missed(outcome, D, S)
