"""When the timers of a leg's state are due, by the table's rows and what was seen of the leg, and its verdict.

Must not know: what a timer brings about.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sipwatch.track.table import FORK_SETTLES, RETRY_WINDOW, TIMERS, Since, State, Timer, may_be_followed
from sipwatch.track.timers import NEVER

if TYPE_CHECKING:
    from sipwatch.track.leg import Leg

TIMERS_OF: Final[tuple[tuple[Timer, ...], ...]] = tuple(tuple(t for t in TIMERS if t.state is state) for state in State)


def due_of(leg: Leg, timer: Timer) -> int:
    """Return when a timer of a leg's present state fires (ns).

    NEVER when its condition was raised already, or can only be supposed, packets having been missed.
    """
    # Raised once for each leg: a hop that is slow, gets a 181 and is slow again would else ring twice at night.
    if timer.raises is not None:
        if leg.blind:
            return NEVER
        for raised in leg.conditions or ():
            if raised.kind is timer.raises:
                return NEVER
    delay = timer.delay
    if isinstance(delay, str):
        delay = int(getattr(leg.timers, delay))
    return _moment(leg, timer.since) + delay


def _moment(leg: Leg, since: Since) -> int:  # noqa: PLR0911 - one for each
    match since:
        case Since.INVITE:
            return leg.started
        case Since.TRYING:
            return leg.trying_at
        case Since.ALERT:
            return leg.alerted_at
        case Since.PROVISIONAL:
            return leg.provisional_at
        case Since.CANCEL:
            return leg.cancelled_at
        case Since.FINAL:
            return leg.final_at
        case Since.ACTIVITY:
            return leg.active_at


def failure_settles(leg: Leg, now: int) -> int:
    """Return when the verdict on a failing final can fall (ns).

    One that asks for another try waits for it; so does one that nobody saw, which may have been such a one. A
    cancelled hop waits for a sibling's 2xx, and for an equal leg that says who gave it up, the server or the
    caller.
    """
    over = leg.final_at if leg.final_at >= 0 else now
    # "Answered elsewhere" and "given up" look alike on the cancelled hop: only the sibling's 2xx, which a fork may
    # forward a moment after its CANCELs (§16.7 step 10), tells them apart.
    if leg.cancelled_at >= 0 or leg.status_code == 487:
        since = leg.cancelled_at if leg.cancelled_at >= 0 else over
        return max(now, since + FORK_SETTLES + 1, over + leg.timers.hunt_within)
    if leg.status_code == 0 or may_be_followed(leg.status_code):
        return over + RETRY_WINDOW
    return now
