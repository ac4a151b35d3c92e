"""What a call is taken to weigh, against what it really takes of memory."""

from __future__ import annotations

import pytest

from bench.open_calls import STATES, bytes_each
from sipwatch.track.events import LegBegun
from sipwatch.track.lasting import LASTS
from sipwatch.track.weight import ANSWER, CALL, LEG, MESSAGE, weight_of
from tests.conversation import Observed, messages, nanoseconds

ANSWERED = "0 A>P INVITE\n1 P>A 180\n2 P>A 200\n2.1 A>P ACK ttag=callee branch=z9hG4bKa\n"


def observed(script: str) -> Observed:
    seen = Observed()
    for message in messages(script):
        seen.message(message)
    return seen


@pytest.mark.parametrize("state", STATES, ids=[name for name, _, _ in STATES])
def test_an_open_call_takes_what_it_is_taken_to_weigh(state: tuple[str, tuple[tuple[str, int, int], ...], int]) -> None:
    """By the interpreter's own count. A figure that is too small would break a promise, one too large waste room."""
    _, steps, seconds = state
    taken, weighed = bytes_each(steps, seconds, 300)
    assert 0.8 * taken <= weighed <= 1.4 * taken


def test_the_table_weighs_what_its_calls_weigh() -> None:
    script = ANSWERED + "3 A>P INVITE call=c2\n4 P>A 486 call=c2\n5 B>P INVITE ftag=b branch=z9hG4bKb"
    tracker = observed(script).tracker
    assert tracker.taken["calls"] == sum(call.weight for call in tracker.calls())


def test_a_message_weighs_as_much_as_its_text_and_a_copy_nothing() -> None:
    once, twice = (observed(f"0 A>P INVITE\n{'0.5 A>P INVITE' * times}") for times in (0, 1))
    (call,) = once.tracker.calls()
    assert call.weight == CALL + LEG + ANSWER + MESSAGE + len(call.legs[0].invite.raw)
    assert [again.weight for again in twice.tracker.calls()] == [call.weight]


def test_what_a_call_lets_go_of_is_weighed_no_more() -> None:
    seen = observed(ANSWERED)
    (call,) = seen.tracker.calls()
    before = call.weight
    seen.advance(nanoseconds("2") + LASTS)
    assert call.weight == weight_of(call) < before
    assert seen.tracker.taken["calls"] == call.weight


def test_nothing_is_left_of_calls_that_are_over() -> None:
    seen = observed(
        f"{ANSWERED}9 A>P BYE ttag=callee branch=z9hG4bKc\n9.1 P>A 200 cseq=2 method=BYE ttag=callee branch=z9hG4bKc"
    )
    seen.finish()
    assert seen.tracker.taken["calls"] == 0
    assert seen.tracker.tracked["calls"] == 0


def test_every_message_that_a_call_holds_is_weighed() -> None:
    """Each place where a leg may keep one: a conversation that fills them all."""
    seen = observed(
        "0 A>P INVITE\n1 P>A 183\n2 P>A 180\n3 A>P CANCEL\n3.1 P>A 200 ttag=x\n3.2 A>P ACK ttag=x branch=z9hG4bKa\n"
        "4 A>P BYE ttag=x branch=z9hG4bKc"
    )
    leg = next(event.leg for event in seen.events if isinstance(event, LegBegun))
    dialogs = leg.call.dialogs
    assert dialogs is not None
    held = {leg.invite, leg.progress, leg.ringing, leg.final, leg.cancel, dialogs.exchanges[0].request}
    held |= {message for answer in leg.answers or () for message in (answer.response, answer.ack)}
    texts = sum(len(message.raw) for message in held if message is not None)
    assert weight_of(leg.call) > CALL + LEG + texts + MESSAGE * (len(held - {None}))
