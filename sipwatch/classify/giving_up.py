"""Who gave a call up, and after how long: rule 5 of OUTCOMES §2, for one leg and for several equally near the caller.

Must not know: status codes' meanings, Reason headers, peers' rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sipwatch.classify.outcomes import Outcome
from sipwatch.track.front import earliest, was_cancelled
from sipwatch.track.table import FORK_SETTLES, REORDERED_WITHIN, Heard

if TYPE_CHECKING:
    from sipwatch.track.call import Call
    from sipwatch.track.leg import Leg
    from sipwatch.track.timers import Timers

_BY_THE_SERVER: Final = (Outcome.NOT_RESPONDING, Outcome.NO_PROGRESS, Outcome.NO_PROGRESS, Outcome.NO_ANSWER)


class Waited(NamedTuple):
    """How far an attempt had come when it was given up; moments in ns of packet time, -1 where there was none."""

    started: int
    trying_at: int
    alerted_at: int
    heard: Heard
    cancelled_at: int


def of_leg(leg: Leg) -> Waited:
    """Return what a cancelled leg shows by its own packets."""
    return Waited(_begun(leg), leg.trying_at, leg.alerted_at, leg.heard, cancelled_at(leg))


def of_front(call: Call, leg: Leg) -> Waited:
    """Return what the legs equally near the caller show together, when ``leg`` is the one that was cancelled last."""
    legs = [one for one in call.front if not one.followed] or [leg]
    heard = max([one.heard for one in legs])
    if heard is Heard.NOTHING and any([one.final is not None and not was_cancelled(one) for one in legs]):  # noqa: C419 - quicker
        heard = Heard.PROGRESSED  # somebody refused: that is not nobody
    return Waited(
        min([_begun(one) for one in legs]),
        earliest([one.trying_at for one in legs]),
        earliest([one.alerted_at for one in legs]),
        heard,
        cancelled_at(leg),
    )


def _begun(leg: Leg) -> int:
    """Return when an attempt began on a leg; where its INVITE was not captured, when the call did, at the latest."""
    return leg.started if leg.invite_seen else leg.call.started


def cancelled_at(leg: Leg) -> int:
    """Return when a leg was cancelled: its CANCEL, else its 487, else the ACK that tells of one."""
    if leg.cancelled_at >= 0:
        return leg.cancelled_at
    return leg.final_at if leg.final_at >= 0 else leg.over_at


def given_up(waited: Waited, timers: Timers) -> Outcome:
    """Return what the caller's giving up means: nobody was there, nothing went on, nobody answered, or he left."""
    at = waited.cancelled_at
    if waited.heard is Heard.NOTHING and at - waited.started >= timers.no_response_after:
        return Outcome.NOT_RESPONDING
    if waited.heard is Heard.TRYING and 0 <= waited.trying_at <= at - timers.no_progress_after:
        return Outcome.NO_PROGRESS
    if waited.heard is Heard.ALERTED and at - waited.alerted_at >= timers.no_answer_after:
        return Outcome.NO_ANSWER
    return Outcome.ABANDONED_BRIEF if at - waited.started < timers.brief_before else Outcome.ABANDONED


def by_the_server(leg: Leg) -> Outcome | None:
    """Return what it means that a server gave a hop up by itself, None where the caller did.

    It did so when it went on with an equal leg at once, or when the caller's own leg was not cancelled. OUTCOMES asks
    for an upstream leg that was still open. Servers that give up (Kamailio's fr_inv_timer, for one) send their final
    response upstream a moment before the CANCEL downstream, so a failing final does not speak against it; only 487,
    which tells of a CANCEL that was not captured, and an answer before do. Nor does a CANCEL of the caller that comes
    later, unless the two may have changed places in the capture.
    """
    if leg.hunted_on:
        return _BY_THE_SERVER[leg.heard]
    call = leg.call
    if leg in call.front:
        return None
    moment = cancelled_at(leg)
    for upstream in call.front:
        if upstream.cancelled_at >= 0:
            by_the_caller = upstream.cancelled_at <= moment + REORDERED_WITHIN
        else:
            by_the_caller = upstream.status_code == 487
        if by_the_caller or 0 <= upstream.answered_at <= moment:
            return None
    return _BY_THE_SERVER[leg.heard]


def answered_beside(leg: Leg) -> bool:
    """Tell whether another branch of the fork, or the hop before, was answered in time to explain a CANCEL."""
    by = cancelled_at(leg) + FORK_SETTLES
    front = leg.call.front
    behind = leg not in front
    for other in leg.call.legs:
        if other is leg or not 0 <= other.answered_at <= by:
            continue
        if behind or other in front or other.via_count == leg.via_count:
            return True
    return False
