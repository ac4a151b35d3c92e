"""Legs equally near the caller: when they have failed together, which one says how, and who gave whom up (§2.1)."""

from __future__ import annotations

import pytest

from sipwatch.track.tracker import MAX_BROKEN
from sipwatch.wire.message import Unreachable
from tests.conversation import Observed, count, judged, messages, nanoseconds, observe, path, the_call
from tests.each import for_each
from tests.export.records import span

# Only the far side of P is seen: two Via, as for the phones of a ring group or the trunks of a fail-over.
FAR_SIDE = "vias=2 "
CALLER_TRIES = ""  # the caller himself goes on to the next address (RFC 3263 §4.3)
SIDES = pytest.mark.parametrize("side", [FAR_SIDE, CALLER_TRIES], ids=["far-side-of-a-server", "caller-himself"])


def outcomes(script: str, until: str = "200") -> list[str]:
    return [call.outcome for call in observe(script, until=until).calls]


# Answered


@SIDES
def test_it_is_answered_as_soon_as_one_of_them_is(side: str) -> None:
    """While another still rings, and after a third has failed."""
    script = f"""
    0    P>B INVITE {side}
    0    P>C INVITE {side}
    0    P>D INVITE {side}
    0.1  B>P 486 {side}
    0.2  C>P 180 ttag=c {side}
    0.3  D>P 180 ttag=d {side}
    4    D>P 200 ttag=d {side}
    """
    assert judged(script, at="3.999999999") == []
    assert judged(script, at="4") == ["answered"]


TWO_ANSWER = """
0    P>B INVITE vias=2
0    P>C INVITE vias=2
1    B>P 180 ttag=b vias=2
1    C>P 180 ttag=c vias=2
4    B>P 200 ttag=b vias=2
4.01 C>P 200 ttag=c vias=2
{then}
"""
BOTH = "4.1 P>B ACK ttag=b branch=z9hG4bKb\n4.2 P>C ACK ttag=c branch=z9hG4bKc\n"
KEPT = {
    "the first is hung up on": (
        BOTH + "4.3 P>B BYE ttag=b\n4.4 B>P 200 method=BYE ttag=b\n60 P>C BYE ttag=c\n60.1 C>P 200 method=BYE ttag=c",
        "c", "192.0.2.67:5060", 55.99,
    ),
    "the second is hung up on": (
        BOTH + "4.3 P>C BYE ttag=c\n4.4 C>P 200 method=BYE ttag=c\n60 P>B BYE ttag=b\n60.1 B>P 200 method=BYE ttag=b",
        "b", "192.0.2.66:5060", 56.0,
    ),
    "both are up at the end, the second was acknowledged first": (
        "4.1 P>C ACK ttag=c branch=z9hG4bKc\n4.2 P>B ACK ttag=b branch=z9hG4bKb",
        "c", "192.0.2.67:5060", None,
    ),
    "both are up at the end, only the first was acknowledged": (
        "4.1 P>B ACK ttag=b branch=z9hG4bKb", "b", "192.0.2.66:5060", None,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("then", "tag", "reached", "talk"), KEPT.values(), ids=KEPT.keys())
def test_of_several_answers_the_dialog_that_ends_last_is_the_one_that_was_kept(
    then: str, tag: str, reached: str, talk: float | None
) -> None:
    """None ended: the first acknowledged. The record is of that dialog's leg."""
    call = the_call(TWO_ANSWER.format(then=then))
    assert (call.outcome, call.to_tag, call.destination_address) == ("answered", tag, reached)
    if talk is not None:
        assert call.talk_seconds == (None if talk is None else span(talk))
        assert call.ended_by == "caller"
    assert call.retransmissions == 0


def test_calls_total_has_moved_at_the_first_2xx_and_does_not_move_again() -> None:
    """``calls_ended_total`` and the durations are of the dialog that was kept."""
    then, *_ = KEPT["the first is hung up on"]
    before = count(TWO_ANSWER.format(then=""), until="4.01", over=False).values("calls_total")
    after = count(TWO_ANSWER.format(then=then), until="100").values("calls_total")
    assert before == after
    assert sum(after.values()) == 1


# When a failing verdict falls


@SIDES
@pytest.mark.parametrize(
    ("second", "attempts"),
    [("1", 1), ("2.999999999", 1), ("3", 2)],
    ids=["at once", "at the last moment of hunt_within", "when it is over"],
)
def test_a_further_leg_within_hunt_within_continues_the_call(side: str, second: str, attempts: int) -> None:
    """Later it is another attempt: what is due goes before the message of the same moment (Law 1)."""
    script = f"""
    0 P>B INVITE {side}
    1 B>P 503 {side}
    {second} P>C INVITE {side}
    4 C>P 486 ttag=c {side}
    """
    assert outcomes(script) == (["busy"] if attempts == 1 else ["server_error", "busy"])


@SIDES
@pytest.mark.parametrize("cseq", ["1", "2"], ids=["same CSeq", "next CSeq"])
def test_with_the_same_cseq_number_or_the_next(side: str, cseq: str) -> None:
    """Clients differ in it (RFC 3263 §4.3 wants a new transaction, and says nothing of the number)."""
    script = f"0 P>B INVITE {side}\n1 B>P 503 {side}\n1.1 P>C INVITE cseq={cseq} {side}\n2 C>P 200 cseq={cseq} {side}"
    call = the_call(script, until="3")
    assert (call.outcome, len(call.legs)) == ("answered", 2)


@SIDES
@pytest.mark.parametrize(
    ("at", "fallen"),
    [("2.999999999", []), ("3", ["busy"])],
    ids=["not before hunt_within is over", "at its last nanosecond"],
)
def test_a_failing_verdict_falls_hunt_within_after_the_last_of_them(side: str, at: str, fallen: list[str]) -> None:
    """Both have ended; the later one at 1 s."""
    script = f"0 P>B INVITE {side}\n0 P>C INVITE {side}\n0.5 B>P 503 {side}\n1 C>P 486 ttag=c {side}"
    assert judged(script, at=at) == fallen


@SIDES
def test_no_verdict_falls_while_one_of_them_still_rings(side: str) -> None:
    """However long ago the other one failed."""
    script = f"0 P>B INVITE {side}\n0 P>C INVITE {side}\n0.5 B>P 486 {side}\n1 C>P 180 ttag=c {side}"
    assert judged(script, at="25") == []


@SIDES
def test_a_cancel_makes_no_difference_a_further_leg_still_continues_the_call(side: str) -> None:
    """A server that gives up one phone to ring the next looks like a caller who gives up."""
    script = f"""
    0    P>B INVITE {side}
    1    B>P 180 {side}
    20   P>B CANCEL {side}
    20.1 B>P 487 {side}
    22.099999999 P>C INVITE {side}
    23   C>P 200 ttag=c {side}
    """
    call = the_call(script, until="30")
    assert (call.outcome, [leg.outcome for leg in call.legs]) == ("answered", ["no_answer", "answered"])
    assert outcomes(script.replace("22.099999999", "22.1"), "30") == ["abandoned", "answered"]


@pytest.mark.parametrize(
    ("second", "expected"),
    [("32.999999999", ["answered"]), ("33", ["rejected", "answered"])],
    ids=["at the last moment of 32 s", "when they are over"],
)
def test_codes_that_ask_for_another_try_keep_their_32_s(second: str, expected: list[str]) -> None:
    """From the final to the next INVITE of the same sender."""
    script = f"0 A>P INVITE\n1 P>A 488\n1.1 A>P ACK ttag=callee\n{second} A>P INVITE cseq=2\n34 P>A 200 cseq=2"
    assert outcomes(script) == expected


# Which one says how it failed

ENDS = {
    "a 6xx before all": ("1 B>P 603", "2 C>P 486 ttag=c", "declined", 603),
    "a 6xx before all, be it the last": ("1 B>P 486", "2 C>P 600 ttag=c", "busy", 600),
    "the lowest class": ("1 B>P 404", "2 C>P 503 ttag=c", "not_found", 404),
    "the lowest class, whichever came first": ("1 B>P 503", "2 C>P 404 ttag=c", "not_found", 404),
    "in one class the last to come": ("1 B>P 486", "2 C>P 404 ttag=c", "not_found", 404),
    "in one class the last to come, the other way round": ("1 C>P 404 ttag=c", "2 B>P 486", "busy", 486),
    "a redirect before failures": ("1 B>P 486", "2 C>P 302 ttag=c", "redirected", 302),
}


@SIDES
@pytest.mark.parametrize(("one", "other", "outcome", "code"), ENDS.values(), ids=ENDS.keys())
def test_several_that_failed_choose_as_a_proxy_would(side: str, one: str, other: str, outcome: str, code: int) -> None:
    """RFC 3261 §16.7 step 6."""
    call = the_call(f"0 P>B INVITE {side}\n0 P>C INVITE {side}\n{one} {side}\n{other} {side}", until="60")
    assert (call.outcome, call.status_code, call.ended_by) == (outcome, code, "callee")


def test_others_cancelled_because_of_a_6xx_do_not_make_it_given_up() -> None:
    """§16.7 step 5: a proxy then cancels all that still ring."""
    script = """
    0   P>B INVITE vias=2
    0   P>C INVITE vias=2
    1   B>P 180 vias=2
    5   C>P 603 ttag=c vias=2
    5.1 P>B CANCEL vias=2
    5.2 B>P 487 vias=2
    """
    call = the_call(script, until="60")
    assert (call.outcome, call.status_code) == ("declined", 603)


@pytest.mark.parametrize(
    ("cancel", "outcome"),
    [("4.999", "abandoned_brief"), ("5", "abandoned"), ("31.999", "abandoned"), ("32", "no_answer")],
    ids=["within brief_before", "just not", "before no_answer_after", "at no_answer_after"],
)
def test_given_up_is_timed_from_the_first_invite_and_the_first_alert_of_any(cancel: str, outcome: str) -> None:
    """The leg cancelled last was begun 3 s after the first, and rang 4 s after the other had."""
    script = f"""
    0   P>B INVITE vias=2
    2   B>P 180 vias=2
    3   P>C INVITE vias=2
    4   C>P 180 ttag=c vias=2
    {cancel} P>B CANCEL vias=2
    {cancel} P>C CANCEL vias=2
    40  B>P 487 vias=2
    40  C>P 487 ttag=c vias=2
    """
    assert the_call(script, until="60").outcome == outcome


def test_a_leg_that_failed_before_is_not_what_became_of_a_caller_who_still_waited() -> None:
    """Given up, if the leg that ended last was cancelled."""
    script = """
    0    P>B INVITE vias=2
    0    P>C INVITE vias=2
    0.5  B>P 480 vias=2
    1    C>P 180 ttag=c vias=2
    20   P>C CANCEL vias=2
    20.1 C>P 487 ttag=c vias=2
    """
    call = the_call(script, until="60")
    assert (call.outcome, call.status_code, call.ended_by) == ("abandoned", 487, "caller")


# Legs on which nothing was heard


@SIDES
@for_each(
    "second, at, fallen",
    [
        ("2", "5.999999999", []),
        ("2", "6", ["busy"]),
        ("1.999999999", "6", []),
        ("1.999999999", "33.999", []),
        ("1.999999999", "34", ["busy"]),
    ],
    ids=[
        "followed by hunt_within, the window of the other still runs",
        "followed by hunt_within, the window of the other is over",
        "followed a moment sooner: begun together",
        "begun together: not before Timer B and its own window",
        "begun together: at Timer B and its own window",
    ],
)
def test_a_silent_leg_does_not_hold_the_verdict_up_once_another_followed(
    side: str, second: str, at: str, fallen: list[str]
) -> None:
    """By ``hunt_within`` or more; legs begun together wait for Timer B."""
    script = f"0 P>B INVITE {side}\n{second} P>C INVITE {side}\n4 C>P 486 ttag=c {side}"
    assert judged(script, at=at) == fallen


def test_a_silent_leg_does_not_hold_it_up_after_its_cancel() -> None:
    """Nothing but a final can still come there, and nobody waits for it."""
    script = """
    0   P>B INVITE vias=2
    0   P>C INVITE vias=2
    1   C>P 180 ttag=c vias=2
    6   P>B CANCEL vias=2
    6   P>C CANCEL vias=2
    6.1 C>P 487 ttag=c vias=2
    """
    assert judged(script, at="8.2") == ["abandoned"]


@pytest.mark.parametrize("error", ["port_unreachable", "connection_reset"])
def test_a_silent_leg_does_not_hold_it_up_after_an_error(error: str) -> None:
    """ICMP, or a reset."""
    observed = Observed()
    said = messages("0 A>B INVITE\n0.2 A>C INVITE\n1 C>A 486 ttag=c")
    observed.message(said[0])
    observed.tracker.unreachable(Unreachable(nanoseconds("0.1"), path("A", "B"), b"", b"", error))
    for message in said[1:]:
        observed.message(message)
    observed.advance(nanoseconds("3"))
    assert observed.judged == ["busy"]


def test_errors_without_end_are_remembered_up_to_a_limit_and_those_given_up_are_counted() -> None:
    """Anybody can send ICMP; the oldest are given up."""
    tracker = Observed().tracker
    for n in range(MAX_BROKEN + 100):
        tracker.unreachable(Unreachable(nanoseconds("1"), path("A", "B", n), b"", b"", "port_unreachable"))
    assert tracker.evicted == {"broken_paths": 100}
    assert tracker.broken_at(path("A", "B", 99)) == -1
    assert tracker.broken_at(path("A", "B", 100)) == nanoseconds("1")


@pytest.mark.parametrize(
    ("end", "outcome", "code"),
    [("486", "busy", 486), ("503", "server_error", 503), ("", "not_responding", None)],
    ids=["before a 486", "before a 503", "no other has a final"],
)
def test_a_silent_leg_counts_only_if_no_other_has_a_final(end: str, outcome: str, code: int | None) -> None:
    """Also when its own Timer B runs out last."""
    final = f"1 B>P {end} vias=2" if end else ""
    call = the_call(f"0 P>B INVITE vias=2\n0 P>C INVITE vias=2\n{final}", until="60")
    assert (call.outcome, call.status_code) == (outcome, code)


# Given up by the server

GIVEN_UP = """
0     P>B INVITE vias=2
0.1   B>P {heard} vias=2
{one}
{other}
2.02  B>P 487 vias=2
2.03  P>B ACK vias=2
2.1   C>P 180 vias=2 ttag=other
{then}
"""
CANCEL, NEXT = "P>B CANCEL vias=2", "P>C INVITE vias=2"
ANSWERED = "4 C>P 200 vias=2 ttag=other"


@pytest.mark.parametrize(("one", "other"), [(CANCEL, NEXT), (NEXT, CANCEL)], ids=["cancel-first", "next-first"])
@pytest.mark.parametrize(("heard", "outcome"), [("100", "no_progress"), ("180", "no_answer")])
def test_who_is_cancelled_as_the_next_is_tried_was_given_up_by_the_server(
    one: str, other: str, heard: str, outcome: str
) -> None:
    """Kamailio's fr_inv_timer sends the INVITE first."""
    call = the_call(GIVEN_UP.format(heard=heard, one=f"2 {one}", other=f"2.0001 {other}", then=ANSWERED))
    assert [leg.outcome for leg in call.legs] == [outcome, "answered"]
    assert call.destination_address.startswith(call.legs[1].destination_address)


@pytest.mark.parametrize(("begun", "outcome"), [("1.9", "no_answer"), ("1.899999", "abandoned_brief")])
def test_a_phone_that_was_rung_as_well_some_time_before_is_no_reason_to_cancel(begun: str, outcome: str) -> None:
    """The last moment that counts as the same, and the first that does not."""
    call = the_call(GIVEN_UP.format(heard="180", one=f"{begun} {NEXT}", other=f"2 {CANCEL}", then=ANSWERED))
    assert [leg.outcome for leg in call.legs] == [outcome, "answered"]


@pytest.mark.parametrize(
    ("heard", "outcome"),
    [("", "not_responding"), ("100", "no_progress"), ("182", "no_progress"), ("183", "no_answer")],
    ids=["nothing heard", "only trying", "progressed", "alerted"],
)
def test_a_cancelled_leg_followed_by_an_equal_one_was_given_up_by_the_server(heard: str, outcome: str) -> None:
    """Rule 5, second line, whatever the time; and the next phone's end is the call's."""
    said = f"0.1 B>P {heard} vias=2" if heard else ""
    script = (
        f"0 P>B INVITE vias=2\n{said}\n1 P>B CANCEL vias=2\n1.1 B>P 487 vias=2\n2 P>C INVITE vias=2\n3 C>P 486 vias=2"
    )
    call = the_call(script, until="60")
    assert [leg.outcome for leg in call.legs] == [outcome, "busy"]
    assert (call.outcome, call.ended_by) == ("busy", "callee")


def test_phones_that_begin_to_ring_together_are_not_given_up_for_each_other() -> None:
    """The caller has changed his mind at once."""
    script = """
    0     P>B INVITE vias=2
    0.001 P>C INVITE vias=2
    0.05  P>B CANCEL vias=2
    0.051 P>C CANCEL vias=2
    0.06  B>P 487 vias=2
    0.061 C>P 487 vias=2 ttag=other
    """
    call = the_call(script, until="10")
    assert [leg.outcome for leg in call.legs] == ["abandoned_brief", "abandoned_brief"]
    assert call.outcome == "abandoned_brief"


# The end of the capture


@SIDES
@pytest.mark.parametrize(
    ("more", "outcome"),
    [("", "server_error"), ("1.1 P>C INVITE", "unfinished")],
    ids=["a leg whose final was seen is judged by it", "one that was open leaves all open"],
)
def test_at_the_end_of_the_capture_no_window_is_waited_for(side: str, more: str, outcome: str) -> None:
    """Nobody can know what would have come."""
    call = the_call(f"0 P>B INVITE {side}\n1 B>P 503 {side}\n{more} {side if more else ''}")
    assert call.outcome == outcome
