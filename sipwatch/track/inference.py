"""What was not captured, but must have been (OUTCOMES §2.2): from what follows on a hop, and from the hops beside it.

Must not know: outcomes, peers, how messages find their transaction.

A passive observer loses packets and joins late. An answer that the next hop shows, or a BYE that was accepted, is only
presumed at first: the hop's own final response goes before all evidence, and may still come (RFC 3261 §15: even a BYE
may be sent in an early dialog). The hop's next message, or 64*T1 without one, settles it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sipwatch.track.table import CREDENTIALS, PROVEN_AFTER, RETRY_WINDOW, Heard, Inferred, Input, State

if TYPE_CHECKING:
    from sipwatch.track.call import Call
    from sipwatch.track.leg import Leg

_ACCEPTED: Final = State.ACCEPTED
_CANCELLING: Final = State.CANCELLING


def presume(call: Call, answered: Leg, now: int) -> None:
    """Take it that the hop before was answered as well; and the hop behind, where only one can have been."""
    behind: Leg | None = None
    several = False
    for leg in call.legs:
        if leg is answered:
            continue
        if leg.state <= _CANCELLING and leads_to(call, leg, answered):
            leg.presume_answer(answered.answered_at, now)
            call.queue.watch(leg, now + PROVEN_AFTER)
        elif leads_to(call, answered, leg) and not leg.followed and not may_fail(leg):
            several = several or behind is not None or leg.state is _ACCEPTED
            behind = leg
    if behind is not None and not several and behind.heard > Heard.TRYING:
        behind.presume_answer(answered.answered_at, now)
        call.queue.watch(behind, now + PROVEN_AFTER)


def leads_to(call: Call, leg: Leg, behind: Leg) -> bool:
    """Tell whether another leg continues where this one ends; a server may send from another of its addresses."""
    if leg is behind or behind in call.front:
        return False
    here, there = leg.path, behind.path
    if there.source == here.destination:
        return True
    if there.source_address == here.destination_address != here.source_address:
        return True
    front = call.front
    return len(front) == 1 and leg is front[0] and there.source_address != here.source_address


def proven(call: Call, leg: Leg, now: int) -> None:
    """Take a presumed answer for a fact."""
    tag, at = b"", leg.presumed_at
    for other in call.legs:
        if other.answers is not None and (leads_to(call, leg, other) or leads_to(call, other, leg)):
            tag = other.answers[0].tag
            break
    else:
        if call.dialogs is not None:
            for exchange in call.dialogs.exchanges:
                if exchange.leg is leg:
                    tag = exchange.tag
                    break
    leg.answer_inferred(tag, at if at >= 0 else leg.presumed_since, now, moment_known=at >= 0)


def may_fail(leg: Leg) -> bool:
    """Tell whether a leg has ended, or is about to, by anything but an answer."""
    return leg.status_code >= 300 or leg.cancelled_at >= 0 or leg.given_up or bool(leg.inferred & Inferred.FINAL)


def was_challenged_unseen(before: Leg, leg: Leg) -> bool:
    """Tell whether an INVITE with credentials shows that an open one was challenged (§22.2).

    A hop that had progressed was not: a challenge comes at once. Credentials that the first one held as well were sent
    on the off chance, and another INVITE to somebody else is the next target's.
    """
    if before.answered_at >= 0 or before.given_up or before.heard > Heard.TRYING or before.cancelled_at >= 0:
        return False
    if not leg.invite_seen or leg.cseq_number <= before.cseq_number or leg.started - before.started > 2 * RETRY_WINDOW:
        return False
    given = CREDENTIALS & leg.invite.names
    return bool(given) and not given <= before.invite.names


def take_as_challenged(leg: Leg, now: int) -> None:
    """Note a challenge that was not captured."""
    leg.followed = True
    leg.inferred = Inferred.CHALLENGE
    if leg.over_at < 0:
        leg.over_at = now
    leg.take(Input.MISSED_FAILURE, now)
