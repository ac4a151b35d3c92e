"""What is known of a call beside its verdict, as lines of a table: name and value.

Must not know: HTTP, templates. Texts are as on the wire: a template escapes them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sipwatch.packet import SECOND
from sipwatch.report.listed import end_cause, end_name, response_words
from sipwatch.report.plain import ENDED_BY_WORDS, duration, plain_ending

if TYPE_CHECKING:
    from sipwatch.export.moments import Moment
    from sipwatch.export.record import CallRecord, LegRecord


def hop(leg: LegRecord) -> str:
    """Return between whom a leg was."""
    return f"{_end(leg.source, leg.source_address)} → {_end(leg.destination, leg.destination_address)}"


def _end(peer: str, address: str) -> str:
    name = end_name(peer, address)
    return address if name == address else f"{name} ({address})"


def facts_of(call: CallRecord) -> list[tuple[str, str]]:
    """Return what else is known of a call, by name."""
    by = ENDED_BY_WORDS[call.ended_by or ""]
    ended = "" if call.ended is None else _at(call, call.ended)
    facts = [
        ("From", call.caller_uri or call.caller or ""),
        ("To", call.callee_uri or call.callee or ""),
        ("Between", f"{_end(call.source, call.source_address)} → {_end(call.destination, call.destination_address)}"),
        ("Began", f"{call.started.day} {call.started.exact_clock} UTC"),
        ("First response", "" if call.trying is None else _at(call, call.trying)),
        ("Progress", "" if call.progressed is None else _at(call, call.progressed)),
        ("Rang", "" if call.ringing is None else _at(call, call.ringing)),
        ("Answered", "" if call.answered is None else _at(call, call.answered)),
        ("Ended", f"{ended} by {by}" if ended and call.ended_by else ended),
        ("How it ended", "" if call.ending is None else plain_ending(call.ending)),
        ("The BYE said", end_cause(call)),
        ("Until decided", _span(call.setup_seconds)),
        ("Ringing", _span(call.ring_seconds)),
        ("Talking", _span(call.talk_seconds)),
        ("Response", response_words(call)),
        ("Cause", "" if call.cause is None else f"{call.cause_protocol} {call.cause} {call.cause_text or ''}".strip()),
        ("Sent again", f"{call.retransmissions:,} messages" if call.retransmissions else ""),
        ("Transport", call.transport.upper()),
        ("Caller's software", call.user_agent or ""),
        ("Called software", call.server or ""),
        ("Call-ID", call.call_id),
        ("Id here", call.id),
    ]
    return [(name, value) for name, value in facts if value]


def _at(call: CallRecord, moment: Moment) -> str:
    return f"{moment.exact_clock}, after {duration(moment.since(call.started))}"


def _span(value: int | None) -> str:
    return "" if value is None else duration(value / SECOND)
