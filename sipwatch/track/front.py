"""The legs nearest the caller: which those are, when a failing verdict on them can fall, and which one decides.

Must not know: outcomes, peers, dialogs, messages.

An observer often sees only one side of a server: the phones of a ring group, the trunks of a fail-over. Then the
legs have one sender and equally many Via, and none of them is *the* upstream leg. The same holds when a caller tries
the next address (RFC 3263 §4.3), the next transport (RFC 3261 §18.1.1), or several sockets. Such legs share one
verdict, and the caller has failed only when all of them have (OUTCOMES §2.1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sipwatch.packet import SECOND
from sipwatch.track.table import Heard, Inferred, State
from sipwatch.track.timers import NEVER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sipwatch.track.leg import Leg

_CANCELLING: Final = State.CANCELLING
_NOTHING: Final = Heard.NOTHING
AT_ONCE: Final = SECOND // 10  # between two messages that a server sends for one reason


def earliest(moments: list[int]) -> int:
    """Return the earliest of what came at all (ns), -1 if nothing did."""
    return min([moment for moment in moments if moment >= 0], default=-1)


def nearer_caller(leg: Leg, than: Leg) -> bool:
    """Tell whether a leg is nearer the caller than another: fewest Via, then highest Max-Forwards.

    Elements that hide the topology start both anew; so where one leg plainly continues where the
    other ended, that decides.
    """
    if leg.path.source_address == than.path.destination_address != leg.path.destination_address:
        return leg.path.destination_address == than.path.source_address and leg.via_count < than.via_count
    if leg.via_count != than.via_count:
        return leg.via_count < than.via_count
    return leg.max_forwards > than.max_forwards >= 0


def equally_near(leg: Leg, than: Leg, legs: Sequence[Leg]) -> bool:
    """Tell whether two legs stand side by side: same sender, whatever his socket, and as many Via.

    An element that hides the topology shows one Via as well when it hands a call on. Where one leg begins at the very
    end (address and port) at which the other arrived, or one of ``legs`` leads back from there, they stand in a row.
    """
    if leg.via_count != than.via_count or leg.path.source_address != than.path.source_address:
        return False
    if leg.path.source == than.path.destination or than.path.source == leg.path.destination:
        return False
    for between in legs:
        if between.path.source == than.path.destination and between.path.destination == leg.path.source:
            return False
    return True


def mark_given_up_for(leg: Leg, legs: list[Leg]) -> None:
    """Note which cancelled legs the server gave up for a new one, as it follows them at once."""
    for before in legs:
        if (
            0 <= before.cancelled_at <= leg.started
            and (before.over_at < 0 or leg.started - before.over_at <= before.timers.hunt_within)
            and not before.settled
            and equally_near(leg, before, ())
        ):
            before.hunted_on = True


def mark_given_up(leg: Leg, legs: list[Leg], now: int) -> None:
    """Note that the server gave up the leg whose CANCEL just came, if it has begun another one a moment ago.

    Kamailio sends the next INVITE first and then the CANCEL, when its ``fr_inv_timer`` runs out. Legs begun together
    are the phones of a ring group: one that is cancelled soon was not given up for another.
    """
    for other in legs:
        if (
            0 <= now - other.started <= AT_ONCE < other.started - leg.started
            and other.cancelled_at < 0
            and equally_near(other, leg, ())
        ):
            leg.hunted_on = True


def was_cancelled(leg: Leg) -> bool:
    """Tell whether a leg ended by its CANCEL; a final of its own that crossed it says more (§9.1)."""
    return leg.status_code == 487 or (leg.cancelled_at >= 0 and leg.status_code == 0)


def got_nothing(leg: Leg) -> bool:
    """Tell whether nothing at all came back, as far as anybody can know."""
    return leg.heard is _NOTHING and leg.final is None and leg.inferred is Inferred.NOTHING and leg.presumed_since < 0


def is_let_go(leg: Leg, latest: int, broken_at: int) -> bool:
    """Tell whether a silent leg holds the verdict up no more: the caller went on without it, or it cannot answer.

    Legs begun together all wait for Timer B. ``latest`` is when the last of the equal legs began, ``broken_at`` when
    the way of this one was last found broken (ns; -1: never).
    """
    if not got_nothing(leg):
        return False
    if leg.cancelled_at >= 0 or broken_at >= leg.started:
        return True
    return latest - leg.started >= leg.timers.hunt_within


def verdict_due(front: list[Leg], let_go: list[bool]) -> int:
    """Return when a failing verdict falls (ns): all have ended, and for ``hunt_within`` no further one has come.

    NEVER while one that counts is open. ``let_go`` says of each leg whether it counts no more.
    """
    due = -1
    for leg, gone in zip(front, let_go, strict=True):
        if leg.followed or gone:
            continue
        if leg.state <= _CANCELLING:
            return NEVER
        due = max(due, leg.settle_at, leg.over_at + leg.timers.hunt_within)
    return NEVER if due < 0 else due


def waits_for_a_retry_only(front: list[Leg], now: int) -> bool:
    """Tell whether the time for a further leg is over, and only a retry would still continue the attempt."""
    for leg in front:
        if not leg.followed and (leg.state <= _CANCELLING or now - leg.over_at <= leg.timers.hunt_within):
            return False
    return True


def deciding(front: list[Leg], let_go: list[bool]) -> Leg:
    """Return the leg whose end is that of a call which nobody answered.

    A 6xx before all. Then the caller's giving up, if the leg that ended last was cancelled: whatever had failed before,
    he was still waiting. Else as a proxy would choose among the others (RFC 3261 §16.7 step 6): the lowest class, in it
    the last to come. A leg that is still open leaves all open.
    """
    present = [(leg, gone) for leg, gone in zip(front, let_go, strict=True) if not leg.followed]
    if len(present) < 2:
        return present[0][0] if present else front[-1]
    for leg, _ in present:
        if leg.status_code >= 600:
            return leg
    for leg, gone in present:
        if not gone and not has_ended(leg):
            return leg
    legs = [leg for leg, _ in present]
    counted = [leg for leg in legs if not got_nothing(leg)] or [leg for leg, gone in present if not gone] or legs
    last = max(counted, key=_ended_at)
    if was_cancelled(last) and not last.hunted_on:
        return last
    others = [leg for leg in counted if not was_cancelled(leg)] or counted
    coded = [leg for leg in others if leg.status_code] or others
    lowest = min([leg.status_code // 100 for leg in coded])
    return max([leg for leg in coded if leg.status_code // 100 == lowest], key=_ended_at)


def has_ended(leg: Leg) -> bool:
    """Tell whether it is known how a leg ended, be it by the caller's CANCEL or by nobody's answering in time."""
    return leg.final is not None or leg.given_up or leg.cancelled_at >= 0 or leg.inferred is not Inferred.NOTHING


def _ended_at(leg: Leg) -> tuple[int, int]:
    return leg.over_at, leg.serial


def gives_a_reason(leg: Leg) -> bool:
    """Tell whether the end of a cancelled leg says why (RFC 3326)."""
    return (leg.cancel is not None and b"reason" in leg.cancel.names) or (
        leg.final is not None and b"reason" in leg.final.names
    )
