"""Records with valid defaults, for tests."""

from __future__ import annotations

from typing import Any

from sipwatch.classify.findings import own
from sipwatch.classify.outcomes import CATEGORY_OF
from sipwatch.export.moments import Duration, Moment
from sipwatch.export.record import (
    CallRecord,
    CaptureRecord,
    ConditionRecord,
    LegRecord,
    LinkRecord,
    MessageRecord,
    Words,
)

START = Moment(1_767_603_600_000_000_000)  # 2026-01-05T09:00:00Z
EVIL = "\x1b[31mred\x1b[0m\x07\n=cmd|'/C calc'!A0\u202egnp.exe\ud800"


def at(seconds: float) -> Moment:
    """Return a record's time, so many seconds after the start."""
    return Moment(START + round(seconds * 1e6) * 1000)


def span(seconds: float) -> Duration:
    """Return a record's span."""
    return Duration(round(seconds * 1e6) * 1000)


def words(text: str) -> Words:
    """Return a text of ours as a record holds it."""
    return Words.of(own(text))


def leg(**more: Any) -> LegRecord:
    """Return a leg from A to P that was busy."""
    given: dict[str, Any] = {
        "branch": "z9hG4bKx", "source": "other", "destination": "other", "source_address": "192.0.2.65:5060",
        "destination_address": "192.0.2.80:5060", "transport": "udp", "started": START, "outcome": "busy",
        "status_code": 486, "cause": None, "retransmissions": 0, "conditions": [], "inferred": [],
        "callee": "15550101", "alerted": None, "settled": at(2), "offered": None, "device": None,
    }  # fmt: skip
    return LegRecord(**{**given, **more})


def call(outcome: str = "busy", **more: Any) -> CallRecord:
    """Return a call; what is not given follows from a busy one."""
    given: dict[str, Any] = {
        "id": "0123456789ab", "call_id": "c1", "from_tag": "caller", "to_tag": "callee", "caller": "15550100",
        "callee": "15550101", "caller_uri": "sip:15550100@example.com", "callee_uri": "sip:15550101@example.com",
        "source": "other", "destination": "other", "source_address": "192.0.2.65:5060", "destination_address": "192.0.2.80:5060",
        "transport": "udp", "user_agent": "Phone", "server": "Proxy", "started": START, "trying": at(0.1), "progressed": None,
        "ringing": None, "answered": None, "ended": at(2), "setup_seconds": span(2), "ring_seconds": None, "talk_seconds": None,
        "outcome": outcome, "category": CATEGORY_OF[outcome], "status_code": 486, "reason_phrase": "Busy Here", "cause": None,
        "cause_protocol": None, "cause_text": None, "ended_by": "callee", "ending": None,
        "end_cause": None, "end_cause_protocol": None, "end_cause_text": None, "conditions": [], "findings": [], "tags": [], "linked": [], "retransmissions": 0,
        "legs": [leg(outcome=outcome)],
    }  # fmt: skip
    return CallRecord(**{**given, **more})


def answered(**more: Any) -> CallRecord:
    """Return an answered call."""
    given: dict[str, Any] = {
        "status_code": 200, "reason_phrase": "OK", "progressed": at(1), "ringing": at(1), "answered": at(5), "ended": at(65),
        "setup_seconds": span(5), "ring_seconds": span(4), "talk_seconds": span(60), "ended_by": "caller", "ending": "normal",
    }  # fmt: skip
    return call("answered", **{**given, **more})


def condition(kind: str = "no_progress", raised: float = 10, resolved: float = 12) -> ConditionRecord:
    """Return a condition of the first leg, cancelled."""
    return ConditionRecord(kind, at(raised), at(resolved), "cancelled", 0)


def link(other: str, seconds: float, by: str = "session_id", role: str | None = None) -> LinkRecord:
    """Return a link with another call, which began so many seconds after the start."""
    return LinkRecord(other, by, role, at(seconds))


def message(
    seconds: float, source: str, destination: str, first_line: str, *, again: bool = False, placed: bool = True
) -> MessageRecord:
    """Return a message between two ends."""
    return MessageRecord(at(seconds), source, destination, first_line, again, placed, first_line + "\r\n\r\n")


def capture(**more: Any) -> CaptureRecord:
    """Return the head of a report."""
    given: dict[str, Any] = {
        "files": ["x.pcap"], "first": START, "last": at(60), "packets": 10, "messages": 8, "requests": {"INVITE": 3},
        "responses": {"486": 3}, "duplicates": 0, "discards": {}, "notices": {}, "evicted": {}, "gaps": [],
    }  # fmt: skip
    return CaptureRecord(**{**given, **more})


def described(
    seconds: float, source: str, destination: str, first_line: str, sdp: str, *, tag: str = "a"
) -> MessageRecord:
    """Return a message with SDP, from the side of the dialog that has this tag."""
    who = "To" if first_line.startswith("SIP/2.0 ") else "From"
    raw = f"{first_line}\r\n{who}: <sip:x@example.com>;tag={tag}\r\nContent-Type: application/sdp\r\n\r\n{sdp}"
    return MessageRecord(at(seconds), source, destination, first_line, False, True, raw)
