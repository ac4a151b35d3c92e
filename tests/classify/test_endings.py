"""OUTCOMES §3.1, row by row: how an answered call ended, each just before, at and after its deadline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sipwatch.classify.endings import ENDINGS_BY, UNREMARKABLE, Ending
from sipwatch.track.calls import TableLimits
from sipwatch.track.dialog import EndedBy
from tests.conversation import Observed, messages, observe, the_call
from tests.each import for_each
from tests.export.records import span

if TYPE_CHECKING:
    from sipwatch.export.record import CallRecord

UP = "0 A>P INVITE\n1 P>A 200 {0}\n1.1 A>P ACK ttag=callee branch=z9hG4bKa\n"
ANSWERED = UP.format("")
BYE = "{0} A>P BYE ttag=callee cseq=50 {1}\n"
BYE_OF_CALLEE = "{0} P>A BYE from=C ttag=callee cseq=50 {1}\n"
ACCEPTED = "{0} P>A 200 method=BYE ttag=callee cseq=50\n"
ACCEPTED_BY_CALLER = "{0} A>P 200 method=BYE from=C ttag=callee cseq=50\n"


def hangs_up(at: str, more: str = "") -> str:
    return BYE.format(at, more) + ACCEPTED.format(f"{at}1" if "." in at else f"{at}.01")


def callee_hangs_up(at: str, more: str = "") -> str:
    return BYE_OF_CALLEE.format(at, more) + ACCEPTED_BY_CALLER.format(f"{at}1" if "." in at else f"{at}.01")


def ending(script: str, until: str = "20000") -> str | None:
    return the_call(script, until=until).ending


# normal


@pytest.mark.parametrize("end", [hangs_up("30"), callee_hangs_up("30")], ids=["by the caller", "by the callee"])
def test_normal_is_a_bye_and_its_2xx(end: str) -> None:
    """And nothing else to say."""
    assert ending(ANSWERED + end) == "normal"


def test_a_call_that_was_not_answered_has_no_ending() -> None:
    """It has an outcome."""
    assert ending("0 A>P INVITE\n1 P>A 486\n1.1 A>P ACK ttag=callee") is None


# ack_timeout


def unacknowledged(*more: float) -> str:
    """The callee repeats its 2xx as RFC 3261 §13.3.1.4 wants it."""
    times = (1, 1.5, 2.5, 4.5, 8.5, 12.5, 16.5, 20.5, 24.5, 28.5, 32.5, *more)
    return "0 A>P INVITE\n" + "".join(f"{at} P>A 200\n" for at in times)


@pytest.mark.parametrize(
    ("hangs_up_at", "expected"),
    [("33", "ack_timeout"), ("33.2", "ack_timeout"), ("35", "ack_timeout"), ("20", "normal")],
    ids=["64*T1 after it", "a moment later", "two seconds later", "long before"],
)
def test_the_callee_that_repeated_its_2xx_hangs_up_about_64_t1_after_it(hangs_up_at: str, expected: str) -> None:
    """RFC 3261 §13.3.1.4."""
    lines = [line for line in unacknowledged().splitlines() if float(line.split()[0]) < float(hangs_up_at)]
    call = the_call("\n".join(lines) + "\n" + callee_hangs_up(hangs_up_at), until="100")
    assert (call.ending, call.ended_by) == (expected, "callee")


def test_or_falls_silent_about_64_t1_after_it() -> None:
    """No BYE came, but its state is gone."""
    call = the_call(unacknowledged(), until="100")
    assert (call.ending, call.ended_by) == ("ack_timeout", "timeout")


def test_every_ack_may_have_passed_here_and_none_arrived() -> None:
    """The callee goes on repeating itself all the same."""
    acks = "".join(f"{at}1 A>P ACK ttag=callee branch=z9hG4bKa\n" for at in ("1.0", "1.5", "2.5", "4.5", "8.5", "12.5"))
    lines = sorted((unacknowledged() + acks).splitlines(), key=lambda line: float(line.split()[0]))
    assert ending("\n".join(lines) + "\n" + callee_hangs_up("33.1"), "100") == "ack_timeout"


def test_the_callers_own_bye_at_that_moment_is_no_ack_timeout() -> None:
    """It is the callee that gives up."""
    assert ending(unacknowledged() + hangs_up("33.1"), "100") == "normal"


# session_expired

TIMED = UP.format("h=Session-Expires:_90;refresher={0}")
LATE = "h=Reason:_SIP;cause=408;text=x"


@for_each(
    "script, expected",
    [
        (TIMED.format("uac"), "session_expired"),
        (TIMED.format("uac") + callee_hangs_up("60.999"), "normal"),
        (TIMED.format("uac") + callee_hangs_up("61"), "session_expired"),
        (TIMED.format("uac") + callee_hangs_up("90.9"), "session_expired"),
        (TIMED.format("uac") + hangs_up("80"), "normal"),
        (TIMED.format("uas") + hangs_up("80"), "session_expired"),
        (TIMED.format("uac") + hangs_up("80", LATE), "session_expired"),
        (TIMED.format("uac") + hangs_up("60.9", LATE), "error_reason"),
        (TIMED.format("uac") + "50 A>P UPDATE ttag=callee cseq=3\n50.1 P>A 200 method=UPDATE cseq=3 "
         "h=Session-Expires:_90;refresher=uac\n" + callee_hangs_up("80"), "normal"),
        (TIMED.format("uac") + "70 A>P UPDATE ttag=callee cseq=3\n70.1 P>A 503 method=UPDATE cseq=3\n"
         + callee_hangs_up("70.3"), "session_expired"),
        (TIMED.format("uac") + "45 A>P UPDATE ttag=callee cseq=3\n" + callee_hangs_up("85"), "session_expired"),
    ],
    ids=[
        "it ran out, and nobody said anything",
        "the side that waits hangs up before the last third",
        "the side that waits hangs up as the last third begins",
        "the side that waits hangs up at the very end",
        "the side that should refresh hangs up",
        "the other one, where the callee should refresh",
        "with Reason 408, whoever it is",
        "with Reason 408, but too soon",
        "it was refreshed",
        "its refresh was refused",
        "its refresh was not answered",
    ],
)  # fmt: skip
def test_the_session_interval_ran_out_unrefreshed(script: str, expected: str) -> None:
    """RFC 4028 §10: within the last third of 90 s, which is less than 32 s."""
    assert ending(script, "400") == expected


@pytest.mark.parametrize(("at", "expected"), [("1768.999", "normal"), ("1769", "session_expired")])
def test_the_last_32_s_of_a_long_interval(at: str, expected: str) -> None:
    """Of half an hour they are less than a third."""
    assert ending(UP.format("h=Session-Expires:_1800;refresher=uac") + callee_hangs_up(at), "4000") == expected


def test_running_out_is_told_only_where_the_ack_or_a_later_message_was_seen() -> None:
    """Else nobody knows that the dialog was ever up."""
    unseen = "0 A>P INVITE\n1 P>A 200 h=Session-Expires:_90\n"
    assert ending(unseen, "400") == "no_bye"
    assert ending(unseen + "2 A>P INFO ttag=callee cseq=2\n", "400") in ("no_bye", "session_expired")
    assert ending(unseen + "2 A>P UPDATE ttag=callee cseq=2\n", "400") == "session_expired"


# midcall_failure

REFUSED = "20 A>P {0} ttag=callee cseq=3 branch=z9hG4bKmid\n20.1 P>A {1} method={0} cseq=3 branch=z9hG4bKmid {2}\n"
MIDCALL = {
    "a refused re-INVITE": ("INVITE", "488", "", "20.5", "midcall_failure"),
    "a refused UPDATE": ("UPDATE", "403", "", "20.5", "midcall_failure"),
    "a refused PRACK": ("PRACK", "481", "", "20.5", "midcall_failure"),
    "1 s after it": ("INVITE", "488", "", "21.1", "midcall_failure"),
    "more than 1 s after it": ("INVITE", "488", "", "21.100001", "normal"),
    "491 refuses nothing": ("INVITE", "491", "", "20.5", "normal"),
    "500 with Retry-After refuses nothing": ("UPDATE", "500", "h=Retry-After:_3", "20.5", "normal"),
    "500 without Retry-After refuses": ("UPDATE", "500", "", "20.5", "midcall_failure"),
    "what was accepted": ("UPDATE", "200", "", "20.5", "normal"),
    "a refused INFO says nothing of the call": ("INFO", "488", "", "20.5", "normal"),
}


@pytest.mark.parametrize(("method", "code", "more", "at", "expected"), MIDCALL.values(), ids=MIDCALL.keys())
@for_each("who", [hangs_up, callee_hangs_up], ids=["caller hangs up", "callee hangs up"])
def test_a_bye_at_once_after_a_request_inside_was_refused(
    who: object, method: str, code: str, more: str, at: str, expected: str
) -> None:
    """Whoever hangs up."""
    assert callable(who)
    assert ending(ANSWERED + REFUSED.format(method, code, more) + who(at), "200") == expected


@pytest.mark.parametrize(
    ("request_line", "at", "expected"),
    [
        ("20 A>P UPDATE ttag=callee cseq=3", "52.2", "midcall_failure"),
        ("20 A>P INVITE ttag=callee cseq=3", "53", "midcall_failure"),
        ("20 A>P UPDATE ttag=callee cseq=3", "53.1", "normal"),
        ("20 A>P UPDATE ttag=callee cseq=3", "51", "normal"),
    ],
    ids=["Timer F", "Timer B, at 1 s", "long after Timer F", "before Timer F"],
)
def test_or_whose_timer_ran_out(request_line: str, at: str, expected: str) -> None:
    """Nothing came back at all."""
    assert ending(f"{ANSWERED}{request_line}\n{hangs_up(at)}", "200") == expected


# bye_refused and bye_unanswered

REFUSAL = BYE.format("30", "") + "30.1 P>A {0} method=BYE ttag=callee cseq=50\n"


@pytest.mark.parametrize("code", ["302", "401", "403", "481", "483", "500", "603"])
def test_a_byes_final_was_3xx_to_6xx(code: str) -> None:
    """Half a call may be up, and billed."""
    call = the_call(ANSWERED + REFUSAL.format(code), until="100")
    assert (call.ending, call.ended_by, call.talk_seconds) == ("bye_refused", "caller", span(29.0))


@pytest.mark.parametrize(
    ("again", "expected"),
    [
        ("62 A>P BYE ttag=callee cseq=51\n62.05 P>A 200 method=BYE ttag=callee cseq=51", "normal"),
        ("62.2 A>P BYE ttag=callee cseq=51\n62.3 P>A 200 method=BYE ttag=callee cseq=51", "bye_refused"),
        ("31 A>P BYE ttag=callee cseq=51\n31.1 P>A 500 method=BYE ttag=callee cseq=51", "bye_refused"),
        ("31 P>A BYE from=C ttag=callee cseq=9\n31.1 A>P 200 method=BYE from=C ttag=callee cseq=9", "normal"),
    ],
    ids=[
        "a later one succeeds in time",
        "a later one succeeds too late",
        "refused as well",
        "the other side's succeeds",
    ],
)
def test_unless_within_64_t1_a_later_bye_succeeded(again: str, expected: str) -> None:
    """Credentials, a fresh CSeq number, or the other side."""
    assert ending(ANSWERED + REFUSAL.format("500") + again, "200") == expected


def test_481_after_the_other_sides_bye_was_seen_is_normal() -> None:
    """Both hung up at once."""
    crossed = BYE.format("30", "") + BYE_OF_CALLEE.format("30.01", "")
    answers = "30.1 P>A 481 method=BYE ttag=callee cseq=50\n30.1 A>P 481 method=BYE from=C ttag=callee cseq=50\n"
    assert ending(ANSWERED + crossed + answers, "100") == "normal"


@pytest.mark.parametrize(
    ("said", "expected"),
    [("", "bye_unanswered"), ("30.1 P>A 408 method=BYE ttag=callee cseq=50", "bye_unanswered")],
    ids=["no final by Timer F", "408"],
)
def test_a_bye_that_nobody_answers(said: str, expected: str) -> None:
    """The other half of the call may be up."""
    call = the_call(ANSWERED + BYE.format("30", "") + said, until="100")
    assert (call.ending, call.ended_by) == (expected, "caller")


@pytest.mark.parametrize(
    ("at", "expected"), [("61.999", "normal"), ("62.5", "bye_unanswered")], ids=["before Timer F", "after it"]
)
def test_a_byes_final_that_comes_late(at: str, expected: str) -> None:
    """After Timer F it meets nobody."""
    assert ending(ANSWERED + BYE.format("30", "") + ACCEPTED.format(at), "100") == expected


# error_reason

REASONS = {
    "Q.850 16": ("Q.850;cause=16;text=x", "normal"),
    "Q.850 31": ("Q.850;cause=31", "normal"),
    "SIP 200": ("SIP;cause=200;text=x", "normal"),
    "no Reason that says anything": ("X.int;cause=3", "normal"),
    "without a cause": ("Q.850;text=x", "normal"),
    "Q.850 38": ("Q.850;cause=38", "error_reason"),
    "Q.850 102": ("q.850 ; text=x ; cause=102", "error_reason"),
    "SIP 408": ("SIP;cause=408", "error_reason"),
    "a normal one and another": ("Q.850;cause=16,SIP;cause=503", "error_reason"),
}


@pytest.mark.parametrize(("reason", "expected"), REASONS.values(), ids=REASONS.keys())
def test_the_byes_reason_says_other_than_normal(reason: str, expected: str) -> None:
    """Normal is none, Q.850 16 and 31, and SIP 200."""
    assert ending(ANSWERED + callee_hangs_up("30", f"h=Reason:_{reason.replace(' ', '_')}"), "100") == expected


def test_the_record_shows_the_reason() -> None:
    """Protocol, cause and text; of a normal one as well."""
    call = the_call(ANSWERED + hangs_up("30", 'h=Reason:_Q.850;cause=41;text="RTP_timeout"'), until="100")
    assert (call.end_cause, call.end_cause_protocol, call.end_cause_text) == (41, "Q.850", "RTP timeout")
    assert (call.outcome, call.cause) == ("answered", None)


# Nobody hung up


def test_nobody_hung_up_until_dialog_timeout() -> None:
    """Four hours."""
    call = the_call(ANSWERED, until="14402")
    assert (call.ending, call.ended_by, call.talk_seconds) == ("no_bye", "timeout", None)


def test_still_up_when_the_capture_ended() -> None:
    """Nothing is said against anybody."""
    call = the_call(ANSWERED, until="100")
    assert (call.ending, call.ended_by) == ("capture_end", "capture_end")


def test_state_was_given_up_while_it_was_up() -> None:
    """By whoever needs the room; a call that had ended is not evicted."""
    observed = Observed(limits=TableLimits(calls=1))
    for message in messages(ANSWERED + "20 A>P INVITE call=c2\n21 P>A 486 call=c2"):
        observed.message(message)
    observed.finish()
    first: CallRecord = next(call for call in observed.calls if call.call_id == "c1")
    assert (first.ending, first.ended_by) == ("evicted", "capture_end")


# The order of the rows

FIRST = {
    "ack_timeout before error_reason": (
        unacknowledged() + callee_hangs_up("33.1", "h=Reason:_SIP;cause=408"), "ack_timeout"),
    "session_expired before midcall_failure": (
        TIMED.format("uac") + REFUSED.replace("20", "70").format("UPDATE", "503", "") + callee_hangs_up("70.3"),
        "session_expired"),
    "midcall_failure before bye_refused": (
        ANSWERED + REFUSED.format("INVITE", "488", "") + BYE.format("20.3", "")
        + "20.4 P>A 500 method=BYE ttag=callee cseq=50\n", "midcall_failure"),
    "bye_refused before error_reason": (
        ANSWERED + BYE.format("30", "h=Reason:_Q.850;cause=38") + "30.1 P>A 500 method=BYE ttag=callee cseq=50\n",
        "bye_refused"),
    "bye_unanswered before error_reason": (
        ANSWERED + BYE.format("30", "h=Reason:_Q.850;cause=38"), "bye_unanswered"),
}  # fmt: skip


@pytest.mark.parametrize(("script", "expected"), FIRST.values(), ids=FIRST.keys())
def test_the_first_row_that_applies_wins(script: str, expected: str) -> None:
    """Where two would."""
    assert ending(script, "200") == expected


# The closed list


def test_every_ending_has_a_plain_name_and_somebody_who_ends_so() -> None:
    """No series and no page without them."""
    assert all(ending.plain_name for ending in Ending)
    assert {one for endings in ENDINGS_BY.values() for one in endings} == set(Ending)
    assert set(ENDINGS_BY) == set(EndedBy)
    assert {Ending(one) for one in UNREMARKABLE} < set(Ending)


def test_every_ending_is_some_calls() -> None:
    """That state was given up has its own test above."""
    ends = [hangs_up("30"), callee_hangs_up("30", "h=Reason:_SIP;cause=408")]
    scripts = [*(script for script, _ in FIRST.values()), ANSWERED, *(ANSWERED + end for end in ends)]
    reached = {ending(script, until) for script in scripts for until in ("100", "14402")}
    assert reached == set(Ending) - {Ending.EVICTED}


@pytest.mark.parametrize("script", [script for script, _ in FIRST.values()] + [ANSWERED, ANSWERED + hangs_up("30")])
def test_who_ended_a_call_and_how_go_together(script: str) -> None:
    """Of the series of ``calls_ended_total`` each exists from the beginning."""
    for until in (None, "200", "20000"):
        for call in observe(script, until=until).calls:
            assert call.ending in {one.value for one in ENDINGS_BY[EndedBy(call.ended_by or "")]}
