"""Which attempt a message belongs to where one Call-ID is used several times, and whether an INVITE begins another.

Must not know: outcomes, transactions other than INVITE's, clocks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sipwatch.track.front import equally_near, waits_for_a_retry_only
from sipwatch.track.inference import was_challenged_unseen
from sipwatch.track.leg import Leg
from sipwatch.track.table import (
    CHALLENGES,
    CREDENTIALS,
    PROVEN_AFTER,
    RETRY_WINDOW,
    Heard,
    may_be_followed,
)

if TYPE_CHECKING:
    from sipwatch.track.call import Call
    from sipwatch.wire.message import Message, Request

# 64*T1 after the first INVITE: as long as copies of it may be on their way (RFC 3261 §17.1.1.2).
JOINS_ANSWERED_FOR: Final = PROVEN_AFTER


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
        return waits_for_a_retry_only(call.front, now) and followed_by(call, probe) is None and _is_beside(probe)
    if call.answered_at >= 0:
        return call.ended_by is not None or now - call.started > JOINS_ANSWERED_FOR
    if any([leg.cseq_number == request.cseq_number for leg in call.legs]):  # noqa: C419 - a list is quicker
        return _is_beside(probe)
    return True


def _is_beside(leg: Leg) -> bool:
    """Tell whether a leg would stand beside those nearest the caller."""
    return equally_near(leg, leg.call.front[0], leg.call.legs)


def followed_by(call: Call, leg: Leg) -> Leg | None:
    """Return the leg of a call whose final response a new leg answers, as far as the RFCs allow a retry.

    It comes from the same element on the same hop, after a final response that asks for another INVITE, in time; a
    challenge must be answered with credentials. Credentials in a new INVITE show a challenge that was not captured.
    """
    # The latest first: of several that might be meant, the challenge answered is the one met last. Each is followed
    # once (§22.3: a client tries again, not again and again for one challenge), so that loops stay visible as legs.
    for before in reversed(call.legs):
        if (
            before.followed
            or before.via_count != leg.via_count
            or before.path.source_address != leg.path.source_address
        ):
            continue
        if before.final is None:
            if was_challenged_unseen(before, leg):
                return before
        elif (
            may_be_followed(before.status_code)
            and leg.started - before.final_at <= RETRY_WINDOW
            and _may_answer(leg, before.status_code)
        ):
            return before
    return None


def _may_answer(leg: Leg, status_code: int) -> bool:
    """Tell whether an INVITE may follow such a final: only credentials, a header, answer a challenge (§22)."""
    names = CHALLENGES.get(status_code)
    return names is None or not leg.invite_seen or names[1] in leg.invite.names
