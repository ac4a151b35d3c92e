"""A call that is over, as a record.

Must not know: formats, files, terminals.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from sipwatch.classify.endings import end_reason
from sipwatch.classify.identity import caller_by
from sipwatch.classify.outcomes import CATEGORY_OF
from sipwatch.classify.peers import OTHER
from sipwatch.classify.told import deciding_reason
from sipwatch.classify.verdict import reached
from sipwatch.export import scrub
from sipwatch.export.moments import Duration, Moment
from sipwatch.export.record import CallRecord, ConditionRecord, LegRecord, LinkRecord, MessageRecord
from sipwatch.track.dialog import EndedBy, answer_of
from sipwatch.track.front import earliest, was_cancelled
from sipwatch.track.table import Inferred
from sipwatch.wire.message import Request, decoded
from sipwatch.wire.sip import header, uri_of, user_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sipwatch.classify.links import Link
    from sipwatch.classify.verdict import Verdicts
    from sipwatch.export.record import FindingRecord
    from sipwatch.track.call import Call
    from sipwatch.track.leg import Leg
    from sipwatch.wire.message import Message

_HUNG_UP: Final = frozenset({EndedBy.CALLER, EndedBy.CALLEE})
_INFERRED: Final = {Inferred.FINAL: "final", Inferred.SUCCESS: "success", Inferred.CHALLENGE: "challenge"}
_INVITE: Final = "invite"
INFERRED: Final = frozenset({_INVITE, *_INFERRED.values()})


def call_record(
    call: Call,
    verdicts: Verdicts,
    findings: list[FindingRecord] | None = None,
    links: list[Link] | None = None,
) -> CallRecord:
    """Make the record of a call that is over; its tags are known later."""
    first, last = call.front[0], call.upstream or call.front[-1]
    far = reached(call)
    invite = first.invite
    callee = decoded(user_of(invite.request_uri)) or None
    caller_uri = uri_of(header(invite.raw, b"from", b"f"))
    answer = last.final or last.progress
    reason = deciding_reason(last)
    alone = len(call.legs) == 1
    trying, progressed, ringing, alerted = _heard_at((last,) if alone else call.front)
    answered = _answered_at(call, last)
    settled = _settled_at(last, answered)
    dialog_tag = call.to_tag if last.answered_at >= 0 else b""
    end = end_reason(call)
    source, destination = ends_of_record(call, verdicts)
    return CallRecord(
        id=record_id(call),
        call_id=decoded(call.call_id),
        from_tag=decoded(call.from_tag) or None,
        to_tag=decoded(dialog_tag or (answer.to_tag if answer else b"")) or None,
        caller=decoded(caller_by(caller_uri, call, verdicts.directory)) or None,
        callee=callee,
        caller_uri=scrub.uri(decoded(caller_uri)) or None,
        callee_uri=scrub.uri(decoded(invite.request_uri)) or None,
        source=source,
        destination=destination,
        source_address=first.path.source,
        destination_address=far.path.destination,
        transport=first.path.carrier,
        user_agent=_software(invite, b"user-agent"),
        server=_software(answer, b"server") or _software(answer, b"user-agent") if answer else None,
        started=Moment(call.started),
        trying=_moment(trying),
        progressed=_moment(progressed),
        ringing=_moment(ringing),
        answered=_moment(answered),
        ended=_moment(call.ended_at),
        setup_seconds=_span(call.started, settled),
        ring_seconds=_span(alerted, settled),
        talk_seconds=_span(answered, call.ended_at) if call.ended_by in _HUNG_UP else None,
        outcome=call.outcome,
        category=CATEGORY_OF[call.outcome],
        status_code=last.status_code or None,
        reason_phrase=decoded(last.final.reason_phrase) if last.final else None,
        cause=reason.cause,
        cause_protocol=reason.protocol,
        cause_text=reason.text,
        ended_by=call.ended_by.value if call.ended_by else None,
        ending=call.ending or None,
        end_cause=end.cause if end else None,
        end_cause_protocol=end.protocol if end else None,
        end_cause_text=end.text if end else None,
        conditions=_conditions(call),
        findings=findings or [],
        tags=[],
        linked=[_link_record(link) for link in links] if links else [],
        retransmissions=last.retransmissions if alone else sum([leg.retransmissions for leg in call.legs]),
        legs=[_leg_record(leg, verdicts, callee if leg is first else _asked_for(leg)) for leg in call.legs],
        messages=None if call.messages is None else [message_record(*kept) for kept in call.messages],
    )


def _heard_at(seen: Sequence[Leg]) -> tuple[int, int, int, int]:
    """Return when (ns) the first of some legs was tried, made progress, rang and was alerted; -1 where none was."""
    if len(seen) == 1:
        (leg,) = seen
        return leg.trying_at, leg.progressed_at, leg.ringing_at, leg.alerted_at
    return (
        earliest([leg.trying_at for leg in seen]),
        earliest([leg.progressed_at for leg in seen]),
        earliest([leg.ringing_at for leg in seen]),
        earliest([leg.alerted_at for leg in seen]),
    )


def _answered_at(call: Call, last: Leg) -> int:
    """Return when the dialog that was kept was answered (ns); -1 where it was not, or nobody can say when."""
    if last.answered_at < 0 or not last.moment_known:
        return -1
    answer = answer_of(last, call.to_tag)
    return last.answered_at if answer is None else answer.at


def _settled_at(last: Leg, answered: int) -> int:
    """Return when the waiting was over (ns): with the answer, the caller's CANCEL, or the final response; else -1."""
    if last.answered_at >= 0:
        return answered
    return last.cancelled_at if was_cancelled(last) and last.cancelled_at >= 0 else last.final_at


def ends_of_record(call: Call, verdicts: Verdicts) -> tuple[str, str]:
    """Return the names of the peers at both ends, as the call's record has them."""
    if not verdicts.directory.settings.peers:
        return OTHER, OTHER
    return verdicts.source(call).name, verdicts.destination(call).name


def record_id(call: Call) -> str:
    """Return the short id of a call: the same input gives the same id."""
    return short_id(call.call_id, call.from_tag, call.started)


def short_id(call_id: bytes, from_tag: bytes, started: int) -> str:
    """Return the short id of the call with this Call-ID and From tag that began then (ns)."""
    return blake2b(b"%b\0%b\0%d" % (call_id, from_tag, started), digest_size=6).hexdigest()


def _leg_record(leg: Leg, verdicts: Verdicts, callee: str | None) -> LegRecord:
    path = leg.path
    peers = bool(verdicts.directory.settings.peers)
    return LegRecord(
        branch=decoded(leg.branch),
        source=verdicts.directory.peer(path.source_address).name if peers else OTHER,
        destination=verdicts.directory.peer(path.destination_address).name if peers else OTHER,
        source_address=path.source,
        destination_address=path.destination,
        transport=path.carrier,
        started=Moment(leg.started),
        outcome=leg.outcome,
        status_code=leg.status_code or None,
        cause=deciding_reason(leg).cause,
        retransmissions=leg.retransmissions,
        conditions=[] if leg.conditions is None else [raised.kind.value for raised in leg.conditions],
        inferred=_inferred(leg),
        callee=callee,
        alerted=_moment(leg.alerted_at),
        settled=_moment(_settled_at(leg, leg.answered_at if leg.moment_known else -1)),
        offered=leg.offered or None,
        device=decoded(leg.device) or None,
    )


def _link_record(link: Link) -> LinkRecord:
    role = link.role
    return LinkRecord(short_id(*link.other), link.by.value, None if role is None else role.value, Moment(link.other[2]))


def _asked_for(leg: Leg) -> str | None:
    """Return who was asked for on a hop; None where its INVITE was not captured, and so is another hop's."""
    return (decoded(user_of(leg.invite.request_uri)) or None) if leg.invite_seen else None


def _inferred(leg: Leg) -> list[str]:
    found = [] if leg.invite_seen else [_INVITE]
    return found if leg.inferred is Inferred.NOTHING else [*found, _INFERRED[leg.inferred]]


def _conditions(call: Call) -> list[ConditionRecord]:
    if all([leg.conditions is None for leg in call.legs]):  # noqa: C419 - a list is quicker than a generator
        return []
    found = [(r.raised, place, r) for place, leg in enumerate(call.legs) for r in leg.conditions or ()]
    found.sort(key=lambda entry: entry[:2])
    return [
        ConditionRecord(
            kind=raised.kind.value,
            raised=Moment(raised.raised),
            resolved=_moment(raised.resolved),
            resolution=raised.resolution.value if raised.resolution else None,
            leg=place,
        )
        for _, place, raised in found
    ]


def message_record(message: Message, again: bool, placed: bool) -> MessageRecord:
    """Return a message of a call: whether it repeats an earlier one, whether its transaction or dialog is known."""
    if isinstance(message, Request):
        first_line = f"{message.method} {scrub.uri(decoded(message.request_uri))} SIP/2.0"
    else:
        first_line = decoded(message.raw.partition(b"\n")[0].rstrip(b"\r"))
    return MessageRecord(
        time=Moment(message.time),
        source=message.path.source,
        destination=message.path.destination,
        first_line=first_line,
        retransmission=again,
        placed=placed,
        raw=scrub.message(decoded(message.raw)),
    )


def _software(message: Message, name: bytes) -> str | None:
    return decoded(header(message.raw, name)) or None if name in message.names else None


def _moment(moment: int) -> Moment | None:
    return None if moment < 0 else Moment(moment)


def _span(start: int, end: int) -> Duration | None:
    return None if start < 0 or end < 0 else Duration(end - start)
