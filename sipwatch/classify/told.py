"""What a leg was told by Reason headers (RFC 3326), and whether to believe it: OUTCOMES §2, rule 3.

Must not know: peers, their rules, timers, how verdicts are counted or shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sipwatch.classify.causes import (
    blocks,
    cause_outcome,
    names_network,
    paired,
    reason_outcome,
    stands_against,
    status_outcome,
)
from sipwatch.classify.giving_up import cancelled_at
from sipwatch.classify.outcomes import Outcome
from sipwatch.classify.reason import Q850, reasons
from sipwatch.track.front import was_cancelled
from sipwatch.track.table import FORK_SETTLES, Heard

if TYPE_CHECKING:
    from sipwatch.classify.reason import Reason
    from sipwatch.track.leg import Leg

_O = Outcome
_ELSEWHERE: Final = Outcome.ANSWERED_ELSEWHERE
# Of a call whose far hops are not compared with it, as words: an enum's value is looked up in Python.
_NO_FAILURE: Final = ("", _O.ANSWERED.value, _O.UNFINISHED.value)


class Deciding(NamedTuple):
    """The Reason value that decided an outcome, or the best there is to tell of."""

    cause: int | None
    protocol: str | None
    text: str | None


NO_REASON: Final = Deciding(None, None, None)


class Contradiction(NamedTuple):
    """A Reason value that says one thing where the course of the leg says another, and which was believed.

    ``by_status`` is what the final response means or, where the leg was only cancelled, what became of the call.
    """

    cause: int
    protocol: str
    by_cause: Outcome
    by_status: Outcome
    believed: Outcome


def told(leg: Leg) -> list[Reason]:
    """Return the Reason values that count, those that count most first.

    They are the final response's; where that is 487 or missing, the CANCEL's as well; and where the caller gave up
    on an announcement, those of the last 18x that had any.
    """
    found = reasons(leg.final) if leg.final is not None else []
    if leg.status_code not in (0, 487):
        return found
    if leg.cancel is not None:
        found += reasons(leg.cancel)
    if leg.early_reason is not None and _gave_up(leg):
        found += reasons(leg.early_reason)
    return found


def by_reason(leg: Leg, *, trunk: bool) -> Outcome | None:
    """Return what the Reason headers make of a leg that was not answered, None where they decide nothing."""
    if is_network_blocked(leg):
        return _O.BLOCKED
    for reason in told(leg):
        outcome = _believed(leg, reason, trunk)
        if outcome is not None:
            return outcome
    return None


def deciding_reason(leg: Leg) -> Deciding:
    """Return the Reason value that decided, else the first there is; all None without one."""
    if leg.answered_at >= 0 or (leg.final is None and leg.cancel is None):
        return NO_REASON
    found = told(leg)
    if not found:
        return NO_REASON
    networks = [reason for reason in found if leg.status_code == 603 and names_network(reason)]
    decided = networks or [reason for reason in found if _believed(leg, reason, trunk=False) is not None]
    best = decided[0] if decided else found[0]
    return Deciding(best.cause, best.protocol, best.text)


def is_network_blocked(leg: Leg) -> bool:
    """Tell whether the final response says that the call was screened out: whatever kind of peer says so."""
    final = leg.final
    if final is None or leg.status_code < 603:
        return False
    if blocks(leg.status_code, final.reason_phrase):
        return True
    return leg.status_code == 603 and any(names_network(reason) for reason in reasons(final))


def claims_elsewhere(leg: Leg) -> bool:
    """Tell whether a leg was told that the call was answered somewhere else, true or not."""
    return any(_says_elsewhere(reason) for reason in told(leg))


def contradiction(leg: Leg) -> Contradiction | None:
    """Return what a leg that has its verdict was told against its own course; None where all agrees.

    Only Q.850 causes can contradict a status code: a cause of protocol SIP is there to name another one (RFC 3326
    §2). And 603 means two things, so both are compared.
    """
    if leg.answered_at >= 0 or leg.followed:
        return None
    if leg.status_code not in (0, 487):
        return _against_the_code(leg)
    return _against_the_call(leg)


def _believed(leg: Leg, reason: Reason, trunk: bool) -> Outcome | None:
    """Return what a Reason value makes of a leg, None if nothing, or if it is not to be believed."""
    if reason.cause is not None and reason.protocol == Q850 and stands_against(leg.status_code, reason.cause):
        return None
    outcome = reason_outcome(reason, alerted=leg.heard is Heard.ALERTED, trunk=trunk)
    return _elsewhere(leg) if outcome is _ELSEWHERE else outcome


def _says_elsewhere(reason: Reason) -> bool:
    return reason_outcome(reason, alerted=False, trunk=False) is _ELSEWHERE


def _elsewhere(leg: Leg) -> Outcome | None:
    """Return what "answered elsewhere" comes to: servers write it into every CANCEL, also where nobody answered.

    None where the leg's own course has to tell.
    """
    if leg.outcome:
        return _ELSEWHERE if leg.outcome == _ELSEWHERE.value else None
    call = leg.call
    if _is_answered_beside(leg):
        return _ELSEWHERE
    if leg not in call.front:
        # What the caller was given is in sight. It was no answer, so this phone has only shared its fate.
        return Outcome(call.outcome) if call.outcome else None
    return _ELSEWHERE if _all_say_so(leg) else None


def _all_say_so(leg: Leg) -> bool:
    """Tell whether all that were cancelled together claim an answer: from the far side nobody sees the caller's hop.

    The first verdict among them fell ``FORK_SETTLES`` after its CANCEL, and has looked at all that were cancelled by
    then. So it is asked what it found: a ring group of hundreds would else read the same headers thousands of times.
    """
    looked_at = -1
    others = [other for other in leg.call.front if other is not leg and was_cancelled(other) and not other.followed]
    for other in others:
        if other.outcome == _ELSEWHERE.value:
            looked_at = max(looked_at, cancelled_at(other) + FORK_SETTLES)
        elif other.outcome:
            return False
    return all(claims_elsewhere(other) for other in others if not other.outcome and cancelled_at(other) > looked_at)


def _is_answered_beside(leg: Leg) -> bool:
    for other in leg.call.legs:  # noqa: SIM110 - quicker than any()
        if other is not leg and other.answered_at >= 0:
            return True
    return False


def _gave_up(leg: Leg) -> bool:
    """Tell whether a leg was given up, and not because of an answer elsewhere."""
    return was_cancelled(leg) and not _is_answered_beside(leg)


def _against_the_code(leg: Leg) -> Contradiction | None:
    code = leg.status_code
    alerted = leg.heard is Heard.ALERTED
    by_status = _O.BLOCKED if is_network_blocked(leg) else status_outcome(code, alerted, trunk=False)
    for reason in told(leg):
        if reason.protocol != Q850 or reason.cause is None or paired(code, reason.cause):
            continue
        by_cause = cause_outcome(reason.cause, reason.text)
        if by_cause in (None, by_status, status_outcome(code, alerted, trunk=True)):
            continue
        assert by_cause is not None  # noqa: S101 - for the type checker
        usual = by_status if stands_against(code, reason.cause) else by_cause
        believed = Outcome(leg.outcome) if leg.outcome else usual  # a peer's rule may have said a third thing
        return Contradiction(reason.cause, reason.protocol, by_cause, by_status, believed)
    return None


def _against_the_call(leg: Leg) -> Contradiction | None:
    """Return the claim that somebody else has answered, where it is certain that nobody did."""
    call = leg.call
    if leg in call.front or _is_answered_beside(leg) or call.outcome in _NO_FAILURE:
        return None
    for reason in told(leg):
        if reason.cause is not None and _says_elsewhere(reason):
            by_status = Outcome(call.outcome)
            believed = Outcome(leg.outcome) if leg.outcome else by_status
            return Contradiction(reason.cause, reason.protocol, _ELSEWHERE, by_status, believed)
    return None
