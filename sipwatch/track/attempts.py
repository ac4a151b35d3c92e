"""Which attempt a message belongs to where one Call-ID is used several times, and whether an INVITE begins another.

Must not know: outcomes, transactions other than INVITE's, clocks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sipwatch.track.front import equally_near, waits_for_a_retry_only
from sipwatch.track.leg import PROVEN_AFTER, Heard, Leg
from sipwatch.track.table import CREDENTIALS

if TYPE_CHECKING:
    from sipwatch.track.call import Call
    from sipwatch.wire.message import Message, Request

# 64*T1 after the first INVITE: as long as copies of it may be on their way (RFC 3261 §17.1.1.2).
JOINS_ANSWERED_FOR = PROVEN_AFTER


def attempt_of(call: Call, message: Message) -> Call:
    """Return which of several attempts with one Call-ID and From tag a message belongs to.

    It is the latest, unless the message is in a dialog that an earlier one brought about.
    """
    if not message.to_tag or not message.from_tag:
        return call
    other: Call | None = call
    while other is not None:
        if other.from_tag == call.from_tag and other.dialogs is not None:
            for dialog in other.dialogs.all:
                if dialog.tag in (message.from_tag, message.to_tag):
                    return other
        other = other.sibling
    return call


def is_retry(call: Call, request: Request) -> bool:
    """Tell whether an INVITE with a To tag is a retry that kept the refusal's tag, and no re-INVITE.

    A call that was never answered has no dialog to be in. Credentials may stand in a re-INVITE as well: where nothing
    was heard that a refusal would exclude, they answer a challenge that was not captured.
    """
    if call.answered_at >= 0 or request.from_tag != call.from_tag:
        return False
    for leg in reversed(call.legs):
        if leg.path.source_address != request.path.source_address or leg.via_count != request.via_count:
            continue
        if leg.final is not None:
            return True  # whatever it asks for: its dialog was never there
        return leg.heard <= Heard.TRYING and not CREDENTIALS.isdisjoint(request.names)
    return False


def starts_anew(call: Call, request: Request, now: int) -> bool:
    """Tell whether an INVITE without To tag begins another attempt under a Call-ID already used.

    Not while the attempt waits for its verdict, and not when it follows up on a final response. An answered one takes
    in what still comes of the same INVITE; a failed one only hops behind, captured late, with the same CSeq number.
    """
    probe = Leg(0, call, request, now, call.legs[0].timers)
    if not call.settled and call.answered_at < 0:
        return waits_for_a_retry_only(call.front, now) and call.followed_by(probe) is None and _is_beside(probe)
    if call.answered_at >= 0:
        return call.ended_by is not None or now - call.started > JOINS_ANSWERED_FOR
    if any([leg.cseq_number == request.cseq_number for leg in call.legs]):  # noqa: C419 - a list is quicker
        return _is_beside(probe)
    return True


def _is_beside(leg: Leg) -> bool:
    """Tell whether a leg would stand beside those nearest the caller."""
    return equally_near(leg, leg.call.front[0], leg.call.legs)
