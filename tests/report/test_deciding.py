"""Which message decided, and which of its headers: held against the captures, whose outcomes are worked out by hand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sipwatch.report.deciding import Decision, decided_by, ended_by_message
from tests.export.records import answered, at, call, message, span
from tests.replay import replay

if TYPE_CHECKING:
    from sipwatch.export.record import CallRecord, MessageRecord

PCAPS = Path(__file__).resolve().parents[2] / "pcaps"
A, P = "192.0.2.65:5060", "192.0.2.80:5060"


def calls(name: str) -> list[CallRecord]:
    return replay(PCAPS / f"{name}.pcap", keep_messages=True).calls


def marked(record: CallRecord) -> tuple[str, bool, tuple[str, ...]] | None:
    decision = decided_by(record)
    if decision is None:
        return None
    return (record.messages or [])[decision.message].first_line[:17].strip(), decision.start_line, decision.headers


def said(seconds: float, source: str, destination: str, line: str, *headers: str, again: bool = False) -> MessageRecord:
    raw = "\r\n".join([line, "CSeq: 1 INVITE", *headers]) + "\r\n\r\n"
    return type(message(0, A, P, line))(at(seconds), source, destination, line, again, True, raw)


def test_a_refusal_is_decided_by_its_code() -> None:
    assert marked(calls("outcomes/forbidden")[0]) == ("SIP/2.0 403 Forbi", True, ())


def test_who_gives_up_decides_by_his_cancel() -> None:
    assert marked(calls("outcomes/abandoned")[0]) == ("CANCEL sip:155501", True, ())


def test_an_answer_decides() -> None:
    assert marked(calls("outcomes/answered")[0]) == ("SIP/2.0 200 OK", True, ())


def test_of_a_challenged_call_the_last_final_response_decides() -> None:
    assert marked(calls("outcomes/retried")[0]) == ("SIP/2.0 200 OK", True, ())


def test_a_reason_decides_where_the_code_alone_would_say_something_else() -> None:
    busy = next(record for record in calls("outcomes/busy") if record.status_code == 500)
    assert marked(busy) == ("SIP/2.0 500 Serve", False, ("Reason",))
    assert marked(calls("outcomes/answered_elsewhere")[0]) == ("CANCEL sip:155501", False, ("Reason",))


def test_reasons_of_announcements_contradicted_and_agreeing_ones_are_told_apart() -> None:
    found = {(record.status_code, record.cause): marked(record) for record in calls("situations/causes")}
    assert found[487, 1] == ("SIP/2.0 183 Sessi", False, ("Reason",))  # the caller gave up on an announcement
    assert found[486, 34] == ("SIP/2.0 486 Busy", True, ())  # not believed: the code stands against it
    assert found[486, 17] == ("SIP/2.0 486 Busy", True, ("Reason",))  # both say the same


def test_nothing_decided_where_nothing_came_or_nothing_was_kept() -> None:
    assert [marked(record) for record in calls("recorded/nobody_there") if record.status_code is None] == [None]
    assert decided_by(call(messages=None)) is None


def test_the_hop_nearest_the_caller_is_the_one_that_counts() -> None:
    busy = calls("outcomes/busy")[0]
    decision = decided_by(busy)
    assert decision is not None
    assert (busy.messages or [])[decision.message].destination == busy.source_address


def test_a_refusal_that_comes_later_on_a_hop_behind_is_not_what_the_caller_was_told() -> None:
    messages = [said(1, P, A, "SIP/2.0 486 Busy Here"), said(2, "192.0.2.66:5060", P, "SIP/2.0 486 Busy Here")]
    assert decided_by(call(messages=messages, setup_seconds=None)) == Decision(0, True, ())


def test_who_was_refused_before_his_cancel_arrived_was_refused() -> None:
    messages = [said(1, A, P, "CANCEL sip:x SIP/2.0"), said(1.1, P, A, "SIP/2.0 486 Busy Here")]
    assert decided_by(call(messages=messages, setup_seconds=span(1))) == Decision(1, True, ())


def test_what_was_sent_again_and_what_answers_something_else_decides_nothing() -> None:
    answers = [
        said(1, P, A, "SIP/2.0 200 OK"),
        said(1.5, P, A, "SIP/2.0 200 OK", again=True),
        said(2, P, A, "SIP/2.0 200 OK"),
    ]
    other = message(1, P, A, "SIP/2.0 200 OK")  # without CSeq: whatever it answers, it is not seen to be the INVITE
    record = call(
        "answered",
        status_code=200,
        setup_seconds=span(1),
        messages=[other, *answers],
        ending="normal",
        reason_phrase="OK",
    )
    assert decided_by(record) == Decision(1, True, ())


def test_a_bye_ends_a_call_and_its_reason_is_marked_if_it_gave_one() -> None:
    bye = message(9, A, P, "BYE sip:x SIP/2.0")
    plain = answered(messages=[said(5, P, A, "SIP/2.0 200 OK"), bye])
    assert ended_by_message(plain) == Decision(1, True, ())
    odd = answered(messages=[bye], ending="error_reason", end_cause=38, end_cause_protocol="Q.850")
    assert ended_by_message(odd) == Decision(0, False, ("Reason",))
    assert ended_by_message(call(messages=[bye])) is None
    assert ended_by_message(answered(messages=[])) is None
