"""Every kind of finding, the strongest cause first: what shows it, when it is looked for, which ones it explains.

Must not know: how a cause is recognised, words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sipwatch.classify.endings import UNREMARKABLE
from sipwatch.classify.families.cause import cause_contradicts, early_cause, network_blocked
from sipwatch.classify.families.dialog import bye_refused, cseq_mismatch, midcall_refused, session_timer
from sipwatch.classify.families.early import prack_ignored, prack_missing, precondition
from sipwatch.classify.families.media import media_mismatch
from sipwatch.classify.families.path import ack_lost, ack_misrouted, loop, loss, nat_suspect
from sipwatch.classify.families.setup import (
    EARLY_RINGING_FROM,
    cancel_race,
    invented_ringing,
    late_480,
    late_busy,
    short_ring,
    stale_loop,
    wrong_credentials,
)
from sipwatch.classify.findings import Kind
from sipwatch.classify.outcomes import Outcome
from sipwatch.track.call import gives_a_reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from sipwatch.classify.findings import Finding
    from sipwatch.classify.peers import Directory
    from sipwatch.track.call import Call
    from sipwatch.track.dialog import Exchange

# Signs: cheap facts, of which a call that went well shows none. Plain numbers, since they are gathered for every call.
FAILED: Final = 1  # it was not answered
CONDITION: Final = 2  # something was wrong for a while
REPEATED: Final = 4  # something was sent again
EARLY: Final = 8  # 183 long before 180
CANCELLED: Final = 16  # a CANCEL, or a 2xx behind a failing final
RELIABLE: Final = 32  # a reliable provisional response came again
STRAY: Final = 64  # a response has the CSeq of no request
TROUBLE: Final = 128  # a request inside the call was refused, or got no answer
ENDING: Final = 256  # it did not end as it should
# ... and what a call that failed was told on any hop:
IS_480: Final = 512
IS_BUSY: Final = 1024  # 486, 600
IS_CHALLENGED: Final = 2048  # 401, 407
IS_MEDIA: Final = 4096  # 415, 488, 606
IS_LOOP: Final = 8192  # 482, 483
REASONED: Final = 16384  # a Reason header, in a final, a CANCEL or a 18x; or a code that blocks by itself
HOPS: Final = 32768  # there are several hops
EARLY_MEDIA: Final = 65536  # 183, or 580
_BY_CODE: Final = {
    480: IS_480, 486: IS_BUSY, 600: IS_BUSY, 401: IS_CHALLENGED, 407: IS_CHALLENGED, 415: IS_MEDIA, 488: IS_MEDIA,
    606: IS_MEDIA, 482: IS_LOOP, 483: IS_LOOP, 580: EARLY_MEDIA, 603: REASONED, 607: REASONED, 608: REASONED,
}  # fmt: skip

_ANSWERED: Final = Outcome.ANSWERED.value
_NONE: Final[frozenset[Kind]] = frozenset()
_IN_VAIN: Final = frozenset(
    {Kind.ACK_LOST, Kind.LOSS, Kind.NAT_SUSPECT}
)  # what something that cannot arrive looks like


class Entry(NamedTuple):
    """One kind. ``look`` is called where a call shows any of ``signs``; None where memory of other calls is needed.

    ``explains`` are the kinds that are not told beside it: they are what it looks like.
    """

    kind: Kind
    signs: int = 0
    look: Callable[[Call, Directory], Finding | None] | None = None
    explains: frozenset[Kind] = _NONE


# In the order of their strength. A finding that is not looked for here comes from ``diagnosis``.
TABLE: Final[tuple[Entry, ...]] = (
    Entry(Kind.OVERSIZE_UDP, explains=frozenset({Kind.SILENT_PEER})),
    Entry(Kind.TCP_DEAD, explains=frozenset({Kind.SILENT_PEER})),
    Entry(Kind.SILENT_PEER),
    Entry(Kind.REGISTRATION_INACTIVE),
    Entry(Kind.NUMBER_FORMAT),
    Entry(Kind.NETWORK_BLOCKED, REASONED, network_blocked, frozenset({Kind.TRUNK_FULL})),
    Entry(Kind.TRUNK_FULL),
    Entry(Kind.OVERLOAD),
    Entry(Kind.TRUNK_DOWN),
    Entry(Kind.STALE_LOOP, IS_CHALLENGED, stale_loop, frozenset({Kind.WRONG_CREDENTIALS})),
    Entry(Kind.WRONG_CREDENTIALS, IS_CHALLENGED, wrong_credentials),
    Entry(Kind.INVITE_FLOOD),
    Entry(Kind.CSEQ_MISMATCH, STRAY | TROUBLE, cseq_mismatch, _IN_VAIN | {Kind.CANCEL_RACE, Kind.PRACK_MISSING}),
    Entry(Kind.PRACK_MISSING, RELIABLE, prack_missing, frozenset({Kind.PRECONDITION})),
    Entry(Kind.PRACK_IGNORED, RELIABLE, prack_ignored, frozenset({Kind.PRECONDITION})),
    Entry(Kind.PRECONDITION, EARLY_MEDIA, precondition),
    Entry(Kind.MEDIA_MISMATCH, IS_MEDIA, media_mismatch),
    Entry(Kind.LOOP, IS_LOOP, loop),
    Entry(Kind.CANCEL_RACE, CANCELLED, cancel_race, _IN_VAIN | {Kind.ACK_MISROUTED}),
    Entry(Kind.ACK_MISROUTED, CONDITION | REPEATED, ack_misrouted, _IN_VAIN),
    Entry(Kind.NAT_SUSPECT, CONDITION, nat_suspect, frozenset({Kind.ACK_LOST})),
    Entry(Kind.ACK_LOST, CONDITION | REPEATED, ack_lost),
    Entry(Kind.SESSION_TIMER, ENDING, session_timer),
    Entry(Kind.MIDCALL_REFUSED, TROUBLE, midcall_refused),
    Entry(Kind.TRANSFER_FAILED),
    Entry(Kind.BYE_REFUSED, ENDING, bye_refused, frozenset({Kind.CSEQ_MISMATCH})),
    Entry(Kind.INVENTED_RINGING, HOPS, invented_ringing, frozenset({Kind.SHORT_RING})),
    Entry(Kind.EARLY_CAUSE, REASONED, early_cause),
    Entry(Kind.LATE_480, IS_480, late_480),
    Entry(Kind.LATE_BUSY, IS_BUSY, late_busy, frozenset({Kind.IDLE_BUSY})),
    Entry(Kind.IDLE_BUSY),
    Entry(Kind.SHORT_RING, FAILED, short_ring),
    Entry(Kind.CAUSE_CONTRADICTS, REASONED, cause_contradicts),
    Entry(Kind.LOSS, REPEATED, loss),
    Entry(Kind.EARLY_RINGING),
    Entry(Kind.REFUSAL_STREAK),
)
_LOOKS: Final = tuple(entry for entry in TABLE if entry.look is not None)
_STRENGTH: Final = {entry.kind: place for place, entry in enumerate(TABLE)}
_EXPLAINS: Final = {entry.kind: entry.explains for entry in TABLE if entry.explains}


def signs_of(call: Call) -> int:
    """Return the signs that a call shows, 0 for one that went well."""
    signs = 0 if call.outcome == _ANSWERED else _signs_of_failure(call)
    for leg in call.legs:
        if leg.retransmissions:
            signs |= REPEATED
        if leg.conditions is not None:
            signs |= CONDITION
        if leg.ringing_at - leg.progressed_at >= EARLY_RINGING_FROM:
            signs |= EARLY
        if leg.cancel is not None or leg.late_success is not None:
            signs |= CANCELLED
        if leg.reliables is not None:
            signs |= RELIABLE
    if call.strays is not None:
        signs |= STRAY
    return signs if call.dialogs is None else signs | _signs_inside(call, call.dialogs.exchanges)


def _signs_of_failure(call: Call) -> int:
    signs = FAILED if len(call.legs) == 1 else FAILED | HOPS
    for leg in call.legs:
        signs |= _BY_CODE.get(leg.status_code, 0)
        if leg.session_progress is not None:
            signs |= EARLY_MEDIA
        if leg.early_reason is not None or gives_a_reason(leg):
            signs |= REASONED
    return signs


def _signs_inside(call: Call, exchanges: list[Exchange]) -> int:
    signs = ENDING if call.ending and call.ending not in UNREMARKABLE else 0
    for exchange in exchanges:
        if exchange.expired or exchange.status_code >= 300:
            signs |= TROUBLE
    return signs


def look_for(call: Call, signs: int, directory: Directory) -> list[Finding]:
    """Return what a call that is over shows by itself."""
    found: list[Finding] = []
    for entry in _LOOKS:
        if entry.signs & signs and entry.look is not None:
            finding = entry.look(call, directory)
            if finding is not None:
                found.append(finding)
    return found


def strongest_first(found: list[Finding]) -> list[Finding]:
    """Put findings about one call in order, and leave out what another one of them explains."""
    explained = {kind for finding in found for kind in _EXPLAINS.get(finding.kind, _NONE)}
    kept = [finding for finding in found if finding.kind not in explained]
    return sorted(kept, key=lambda finding: _STRENGTH[finding.kind])
