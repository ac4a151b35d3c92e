"""OUTCOMES §3: when each condition is raised, and how each ends; just under and at every deadline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.conversation import EPOCH, the_call
from tests.each import for_each

if TYPE_CHECKING:
    from sipwatch.export.moments import Moment
    from sipwatch.export.record import CallRecord

RESPONSE_200 = "P>A 200"


def seconds(moment: Moment | None) -> float | None:
    """Turn a record's time into seconds since the conversation's start."""
    return None if moment is None else round(moment.since(EPOCH), 6)


def conditions(call: CallRecord) -> list[tuple[str, float | None, float | None, str | None]]:
    """Return (kind, raised, resolved, resolution) of a call."""
    return [(c.kind, seconds(c.raised), seconds(c.resolved), c.resolution) for c in call.conditions]


RAISED = [
    ("no-response-just-under-5-s", "0 A>P INVITE\n4.999999 P>A 486", []),
    ("no-response-at-5-s", "0 A>P INVITE\n5 P>A 486", [("no_response", 5, 5, "responded")]),
    ("no-response-then-100", "0 A>P INVITE\n6 P>A 100\n7 P>A 180\n8 P>A 200", [("no_response", 5, 6, "responded")]),
    ("no-response-then-183", "0 A>P INVITE\n6 P>A 183\n8 P>A 200", [("no_response", 5, 6, "responded")]),
    ("no-response-then-200", "0 A>P INVITE\n6 P>A 200", [("no_response", 5, 6, "responded")]),
    ("no-response-cancelled", "0 A>P INVITE\n6 A>P CANCEL", [("no_response", 5, 6, "cancelled")]),
    ("slow-progress-just-under-3-s", "0 A>P INVITE\n1 P>A 100\n3.999999 P>A 180\n5 P>A 486", []),
    ("slow-progress-at-3-s", "0 A>P INVITE\n1 P>A 100\n4 P>A 180\n5 P>A 486", [("slow_progress", 4, 4, "progressed")]),
    ("slow-progress-ended-by-181", "0 A>P INVITE\n1 P>A 100\n5 P>A 181\n20 P>A 486", [("slow_progress", 4, 5, "progressed")]),
    ("slow-progress-failed", "0 A>P INVITE\n1 P>A 100\n5 P>A 503", [("slow_progress", 4, 5, "failed")]),
    ("slow-progress-answered", "0 A>P INVITE\n1 P>A 100\n5 P>A 200", [("slow_progress", 4, 5, "answered")]),
    ("a-second-100-does-not-start-it-anew", "0 A>P INVITE\n1 P>A 100\n3 P>A 100\n5 P>A 200", [("slow_progress", 4, 5, "answered")]),
    ("no-100-no-slow-progress", "0 A>P INVITE\n1 P>A 183\n20 P>A 200", []),
    (
        "no-progress-just-under-10-s",
        "0 A>P INVITE\n1 P>A 100\n10.999999 P>A 180\n12 P>A 486",
        [("slow_progress", 4, 10.999999, "progressed")],
    ),
    (
        "no-progress-at-10-s-cancelled-at-that-very-moment",
        "0 A>P INVITE\n1 P>A 100\n11 A>P CANCEL",
        [("slow_progress", 4, 11, "cancelled"), ("no_progress", 11, 11, "cancelled")],
    ),
    (
        "stuck-for-12-s-then-answered-is-answered",
        "0 A>P INVITE\n0 P>A 100\n12 P>A 180\n15 P>A 200",
        [("slow_progress", 3, 12, "progressed"), ("no_progress", 10, 12, "progressed")],
    ),
    ("no-answer-just-under-30-s", "0 A>P INVITE\n1 P>A 180\n30.999999 P>A 200", []),
    ("no-answer-at-30-s", "0 A>P INVITE\n1 P>A 180\n31 P>A 200", [("no_answer", 31, 31, "answered")]),
    ("no-answer-runs-from-the-first-183", "0 A>P INVITE\n1 P>A 183\n20 P>A 180\n31 P>A 480", [("no_answer", 31, 31, "failed")]),
    ("no-answer-cancelled", "0 A>P INVITE\n1 P>A 180\n40 A>P CANCEL\n40.1 P>A 487", [("no_answer", 31, 40, "cancelled")]),
    ("nothing-is-raised-after-the-cancel", "0 A>P INVITE\n1 P>A 180\n5 A>P CANCEL\n50 P>A 487", []),
]  # fmt: skip


@for_each("script, expected", [r[1:] for r in RAISED], ids=[r[0] for r in RAISED])
def test_a_condition_is_raised_at_its_own_deadline_and_resolved_by_what_ends_it(
    script: str, expected: list[tuple[str, float, float, str]]
) -> None:
    """OUTCOMES §3, each with its time of raising and resolution."""
    assert conditions(the_call(script, until="70")) == expected


def test_stuck_in_trying_until_timer_c_expires() -> None:
    """Resolution `expired`."""
    call = the_call("0 A>P INVITE\n0.5 P>A 100", until="181")
    assert conditions(call)[1] == ("no_progress", 10.5, 180.5, "expired")


def test_no_response_until_timer_b_expires() -> None:
    """Resolution `expired`."""
    assert conditions(the_call("0 A>P INVITE", until="40")) == [("no_response", 5, 32, "expired")]


def test_a_condition_still_there_when_the_capture_ends() -> None:
    """Resolution `capture_end`."""
    assert conditions(the_call("0 A>P INVITE", until="20")) == [("no_response", 5, 20, "capture_end")]


ANSWERED = "0 A>P INVITE\n0.1 P>A 200\n"
REPEATS = "0.6 P>A 200\n1.6 P>A 200\n"


def test_ack_missing_is_raised_with_the_fourth_same_2xx() -> None:
    """Not with the third."""
    assert conditions(the_call(ANSWERED + REPEATS, until="20")) == []
    call = the_call(ANSWERED + REPEATS + "3.6 P>A 200", until="20")
    assert conditions(call) == [("ack_missing", 3.6, 20, "capture_end")]
    assert call.retransmissions == 3


def test_an_ack_ends_ack_missing() -> None:
    """Resolution `responded`."""
    call = the_call(ANSWERED + REPEATS + "3.6 P>A 200\n4 A>P ACK branch=z9hG4bKack ttag=callee", until="20")
    assert conditions(call) == [("ack_missing", 3.6, 4, "responded")]


def test_with_an_ack_seen_repeated_2xx_are_only_retransmissions() -> None:
    """The ACK was there: it may have been lost behind us, but we cannot say that it never came."""
    call = the_call(ANSWERED + "0.2 A>P ACK branch=z9hG4bKack ttag=callee\n" + REPEATS + "3.6 P>A 200", until="20")
    assert conditions(call) == []


def test_an_ack_on_one_hop_does_not_acknowledge_the_next() -> None:
    """The ACK is lost between proxy and callee: Record-Route, NAT."""
    script = """
    0    A>P INVITE
    0.1  P>B INVITE vias=2
    0.2  B>P 200 vias=2
    0.3  P>A 200
    0.4  A>P ACK branch=z9hG4bKack ttag=callee
    0.7  B>P 200 vias=2
    1.7  B>P 200 vias=2
    3.7  B>P 200 vias=2
    """
    call = the_call(script, until="5")
    assert [(c.kind, c.leg) for c in call.conditions] == [("ack_missing", 1)]


def test_a_bye_without_response_is_unanswered_after_timer_f() -> None:
    """OUTCOMES §3: 32 s."""
    hung_up = ANSWERED + "0.2 A>P ACK branch=z9hG4bKack ttag=callee\n10 A>P BYE ttag=callee\n"
    assert conditions(the_call(hung_up, until="41.999999")) == []
    assert conditions(the_call(hung_up, until="42")) == [("bye_unanswered", 42, 42, "capture_end")]
    assert conditions(the_call(hung_up, until="48")) == [("bye_unanswered", 42, 47, "expired")]
    late = hung_up + "43 P>A 200 method=BYE cseq=2"
    assert conditions(the_call(late, until="50")) == [("bye_unanswered", 42, 43, "responded")]
    assert conditions(the_call(hung_up + "41 P>A 200 method=BYE cseq=2", until="50")) == []
