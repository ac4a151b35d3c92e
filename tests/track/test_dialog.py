"""The dialogs of an answered call: when each ends, how long a session lasts unrefreshed, what is remembered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sipwatch.packet import SECOND
from sipwatch.track.dialog import MAX_DIALOGS, MAX_EXCHANGES, session_interval
from sipwatch.track.timers import NEVER
from sipwatch.wire.message import Response
from tests.conversation import Observed, messages, observe, the_call
from tests.each import for_each
from tests.export.records import span

if TYPE_CHECKING:
    from sipwatch.export.record import CallRecord

UP = "0 A>P INVITE\n1 P>A 200 {0}\n1.1 A>P ACK ttag=callee branch=z9hG4bKa\n"
ANSWERED = UP.format("")
EXPIRES = "h=Session-Expires:_90"


def watched(script: str) -> Observed:
    observed = Observed()
    for message in messages(script):
        observed.message(message)
    return observed


def lasted(call: CallRecord) -> float:
    """Return the seconds from the first INVITE to the end."""
    assert call.ended is not None
    return call.ended.since(call.started)


@for_each(
    "header, interval, refresher",
    [
        ("Session-Expires: 1800", 1800, b""),
        ("Session-Expires: 1800;refresher=uac", 1800, b"uac"),
        ("x: 90 ; Refresher = UAS", 90, b"uas"),
        ("Session-Expires: 90;refresher=nobody", 90, b""),
        ("Session-Expires: 0", None, b""),
        ("Session-Expires: soon", None, b""),
        ("Session-Expires: -5", None, b""),
        ("Session-Expires: 99999999999999999999", None, b""),
        ("Session-Expires:", None, b""),
        ("Expires: 90", None, b""),
    ],
)
def test_the_session_interval_of_a_2xx(header: str, interval: int | None, refresher: bytes) -> None:
    """RFC 4028 §4: delta-seconds and who refreshes; the compact form is x."""
    (answer,) = messages(f"0 P>A 200 h={header.replace(' ', '_')}")
    assert isinstance(answer, Response)
    assert session_interval(answer) == (NEVER if interval is None else interval * SECOND, refresher)


@pytest.mark.parametrize(
    ("refresh", "end"),
    [
        ("", 91),
        ("60 A>P INVITE cseq=2 ttag=callee branch=z9hG4bKre\n60.1 P>A 200 cseq=2 branch=z9hG4bKre {0}", 150.1),
        ("60 A>P UPDATE cseq=2 ttag=callee\n60.1 P>A 200 method=UPDATE cseq=2 {0}", 150.1),
        ("60 P>A UPDATE cseq=9 ttag=callee from=C\n60.1 A>P 200 method=UPDATE cseq=9 ttag=callee from=C {0}", 150.1),
        ("60.1 P>A 200 method=UPDATE cseq=2 {0}", 150.1),
        ("60 A>P UPDATE cseq=2 ttag=callee\n60.1 P>A 422 method=UPDATE cseq=2", 91),
        ("60 A>P UPDATE cseq=2 ttag=callee", 91),
        ("60 A>P INFO cseq=2 ttag=callee\n60.1 P>A 200 method=INFO cseq=2", 91),
        ("60 P>A 200 {0}", 91),
    ],
    ids=[
        "never refreshed",
        "by a re-INVITE",
        "by an UPDATE",
        "by an UPDATE of the callee",
        "by an UPDATE of which only the 2xx was captured",
        "not by a refused UPDATE",
        "not by an unanswered UPDATE",
        "not by INFO",
        "not by a copy of the answer",
    ],
)
def test_a_session_runs_out_when_its_interval_has_passed_since_the_last_refresh(refresh: str, end: float) -> None:
    """The interval counts from the 2xx (RFC 4028 §10)."""
    call = the_call(UP.format(EXPIRES) + refresh.format(EXPIRES), until="400")
    assert (call.ended_by, lasted(call)) == ("timeout", end)
    assert call.talk_seconds is None


def test_a_refresh_may_shorten_or_end_the_interval() -> None:
    """A 2xx without Session-Expires turns the session timer off (RFC 4028 §7.2)."""
    refresh = "60 A>P UPDATE cseq=2 ttag=callee\n60.1 P>A 200 method=UPDATE cseq=2 "
    shorter = the_call(UP.format("h=Session-Expires:_1800") + refresh + EXPIRES, until="400")
    assert (shorter.ended_by, lasted(shorter)) == ("timeout", 150.1)
    assert the_call(UP.format(EXPIRES) + refresh, until="400").ended_by == "capture_end"


@pytest.mark.parametrize(("until", "ended_by"), [("14400.999", "capture_end"), ("14401", "timeout")])
def test_without_a_session_timer_four_hours_pass_before_a_call_is_let_go(until: str, ended_by: str) -> None:
    """``dialog_timeout``, from the answer."""
    assert the_call(ANSWERED, until=until).ended_by == ended_by


@pytest.mark.parametrize(("until", "conditions"), [("41.999", []), ("42", ["bye_unanswered"])])
def test_a_bye_without_response_is_a_condition_at_timer_f(until: str, conditions: list[str]) -> None:
    """64*T1 after it was first sent, however often it is repeated."""
    script = ANSWERED + "".join(f"{at} A>P BYE ttag=callee\n" for at in (10, 10.5, 11.5, 13.5, 17.5))
    call = the_call(script, until=until)
    assert ([condition.kind for condition in call.conditions], call.retransmissions) == (conditions, 0)


def test_a_bye_whose_response_was_lost_on_one_hop_only_is_not_unanswered() -> None:
    """The same request got its final on another hop: one was lost to us."""
    script = """
    0    A>P INVITE
    0.1  P>B INVITE vias=2
    1    B>P 200 vias=2
    1.1  P>A 200
    1.2  A>P ACK ttag=callee branch=z9hG4bKa
    1.3  P>B ACK ttag=callee branch=z9hG4bKb vias=2
    10   A>P BYE ttag=callee
    10.1 P>B BYE ttag=callee vias=2
    10.2 B>P 200 method=BYE ttag=callee vias=2
    """
    call = the_call(script, until="100")
    assert (call.conditions, call.ending, call.talk_seconds) == ([], "normal", span(8.9))


def test_a_bye_of_another_dialog_ends_nothing() -> None:
    """A stranger's tag."""
    call = the_call(ANSWERED + "10 A>P BYE ttag=stranger\n10.1 P>A 481 method=BYE ttag=stranger", until="20")
    assert (call.ended_by, call.ending) == ("capture_end", "capture_end")


@pytest.mark.parametrize(
    "first", ["10 A>P BYE ttag=callee", "10 P>A BYE from=C ttag=callee cseq=9"], ids=["caller first", "callee first"]
)
def test_where_both_hang_up_at_once_the_first_counts(first: str) -> None:
    """Each BYE gets 481 or 200 from a side that has already left."""
    second = {"A": "10.01 P>A BYE from=C ttag=callee cseq=9", "P": "10.01 A>P BYE ttag=callee"}[first.split()[1][0]]
    answers = "10.1 P>A 481 method=BYE ttag=callee\n10.1 A>P 200 method=BYE from=C ttag=callee cseq=9"
    call = the_call(f"{ANSWERED}{first}\n{second}\n{answers}", until="60")
    assert (call.ended_by, call.ending) == ("caller" if "A>P" in first else "callee", "normal")
    assert call.talk_seconds == span(9.0)


# Bounds


def test_requests_without_end_inside_a_call_are_remembered_up_to_a_limit_and_those_given_up_are_counted() -> None:
    """Unanswered ones stay, as their end is still to be told; what is over makes room."""
    floods = "".join(f"{n + 2} A>P UPDATE ttag=callee cseq={n + 2}\n" for n in range(300))
    observed = watched(ANSWERED + floods)
    (call,) = observed.tracker.calls()
    assert call.dialogs is not None
    assert len(call.dialogs.exchanges) == MAX_EXCHANGES
    assert observed.tracker.evicted == {"exchanges": 300 - MAX_EXCHANGES}


def test_refreshes_that_succeeded_make_room_without_loss() -> None:
    """A call of many hours is still told by its BYE."""
    refreshes = "".join(
        f"{900 * n + 2} A>P UPDATE ttag=callee cseq={n + 2}\n{900 * n + 2}.1 P>A 200 method=UPDATE cseq={n + 2}\n"
        for n in range(300)
    )
    observed = watched(
        ANSWERED + refreshes + "270010 A>P BYE ttag=callee cseq=999\n270010.1 P>A 200 method=BYE cseq=999"
    )
    observed.finish()
    assert ([call.ending for call in observed.calls], observed.tracker.evicted) == (["normal"], {})


def test_phones_without_end_that_answer_are_bounded_and_counted() -> None:
    """On several hops, since each hop has its own limit."""
    legs = "".join(f"0 P>B INVITE vias=2 branch=z9hG4bK{n}\n" for n in range(10))
    said = "".join(f"1 B>P 200 vias=2 branch=z9hG4bK{n} ttag=t{n}-{k}\n" for n in range(10) for k in range(10))
    observed = watched(legs + said)
    (call,) = observed.tracker.calls()
    assert call.dialogs is not None
    assert len(call.dialogs.all) == MAX_DIALOGS
    assert observed.tracker.evicted == {"dialogs": 100 - MAX_DIALOGS}
    observed.finish()
    assert [call.outcome for call in observed.calls] == ["answered"]


def test_nothing_is_left_when_calls_with_dialogs_are_over() -> None:
    """Tables and timers."""
    observed = observe(ANSWERED + "10 A>P BYE ttag=callee\n10.1 P>A 200 method=BYE ttag=callee", until="200")
    assert observed.tracker.tracked["calls"] == 0
