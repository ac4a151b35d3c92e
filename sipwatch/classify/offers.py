"""How a device took a call that it was offered: one word for each hop that ends at one.

Must not know: what is a device, how calls are counted, or who the agent behind a device is.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from sipwatch.classify.outcomes import Outcome
from sipwatch.packet import SECOND

if TYPE_CHECKING:
    from sipwatch.track.leg import Leg

FAIR_RING: Final = 10 * SECOND  # a phone that a server gave up sooner to ring the next has missed nothing


class Offered(StrEnum):
    """What a device did with a call that it was offered, or what kept it from doing anything."""

    TAKEN = "taken"
    BUSY = "busy"
    IDLE_BUSY = "idle_busy"  # busy, and in no call that was seen
    DECLINED = "declined"
    RANG_OUT = "rang_out"  # it rang, and nobody answered in time
    NOT_ALERTED = "not_alerted"  # it never said that it rings: not there, or stuck
    GAVE_UP = "gave_up"  # the caller hung up first
    ELSEWHERE = "elsewhere"  # another took it, or the server went on to the next before it had rung for long
    OTHER = "other"  # it sent the caller on, asked for other terms, or refused for a technical reason


# What makes a streak: the call came to the device, its caller waited, and the device did not take it.
REFUSED: Final = frozenset(
    {
        Offered.BUSY.value,
        Offered.IDLE_BUSY.value,
        Offered.DECLINED.value,
        Offered.RANG_OUT.value,
        Offered.NOT_ALERTED.value,
    }
)
_BY_OUTCOME: Final[dict[str, Offered]] = {
    Outcome.ANSWERED.value: Offered.TAKEN,
    Outcome.BUSY.value: Offered.BUSY,
    Outcome.DECLINED.value: Offered.DECLINED,
    Outcome.NO_ANSWER.value: Offered.RANG_OUT,
    Outcome.ABANDONED.value: Offered.GAVE_UP,
    Outcome.ABANDONED_BRIEF.value: Offered.GAVE_UP,
    Outcome.ANSWERED_ELSEWHERE.value: Offered.ELSEWHERE,
}
# Nobody can be blamed for a phone that never rang; one that did is as one that rang out.
_UNLESS_ALERTED: Final = frozenset({Outcome.NOT_RESPONDING.value, Outcome.UNAVAILABLE.value, Outcome.NO_PROGRESS.value})


def offered_as(leg: Leg) -> Offered | None:
    """Return how the device at the end of a hop took it, by the hop's outcome; None where no verdict fell."""
    outcome = leg.outcome
    if outcome == Outcome.UNFINISHED:
        return None
    if outcome in _UNLESS_ALERTED:
        how = Offered.RANG_OUT if leg.alerted_at >= 0 else Offered.NOT_ALERTED
    else:
        how = _BY_OUTCOME.get(outcome, Offered.OTHER)
    return Offered.ELSEWHERE if how in REFUSED and _passed_over(leg) else how


def _passed_over(leg: Leg) -> bool:
    """Tell whether a server gave a device up for the next one before it had rung for long."""
    return leg.hunted_on and leg.cancelled_at - max(leg.alerted_at, leg.started) < FAIR_RING
