"""When the timers of a leg's state are due: the table's rows, counted from what was seen of the leg.

Must not know: what a timer brings about.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sipwatch.track.table import TIMERS, Since, State, Timer
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
