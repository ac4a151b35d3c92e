"""Responses that wait for the first INVITE of their call."""

from __future__ import annotations

from sipwatch.track.early import Early
from sipwatch.track.table import REORDERED_WITHIN
from sipwatch.wire.message import Response
from tests.conversation import messages, observe


def responses(script: str) -> list[Response]:
    return [message for message in messages(script) if isinstance(message, Response)]


def test_what_waits_for_a_call_comes_back_in_order_and_once() -> None:
    early = Early(10, 1 << 20)
    first, other, second = responses("0 P>A 100\n0 P>A 180 call=c2\n0 P>A 180")
    for response in (first, other, second):
        assert early.keep(response, 0)
    assert early.take(b"c1") == [first, second]
    assert early.take(b"c1") == []
    assert len(early) == 1


def test_nothing_waits_longer_than_neighbours_may_be_apart() -> None:
    """T1: no sender repeats sooner."""
    early = Early(10, 1 << 20)
    (response,) = responses("0 P>A 100")
    early.keep(response, 0)
    assert early.drop(REORDERED_WITHIN) == 0
    assert early.drop(REORDERED_WITHIN + 1) == 1
    assert len(early) == 0


def test_a_full_table_says_so() -> None:
    """Law 4."""
    early = Early(1, 1 << 20)
    one, two = responses("0 P>A 100\n0 P>A 180 call=c2")
    assert early.keep(one, 0)
    assert not early.keep(two, 0)
    assert len(early) == 1


def test_a_response_is_to_an_unseen_invite_when_that_has_not_come_within_t1() -> None:
    """Where the call is known already, the response begins a leg at once: only the count waits."""
    script = "0 P>B INVITE vias=2\n1 C>P 180 vias=2\n1.0001 P>C INVITE vias=2\n2 D>P 180 vias=2\n3 B>P 486 vias=2\n4 P>B ACK vias=2"
    observed = observe(script)
    assert observed.tracker.notices == {"response_without_request": 1}
    assert [leg.inferred for leg in observed.calls[0].legs] == [[], [], ["invite"]]
