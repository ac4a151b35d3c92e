"""Every kind of finding, the strongest cause first: what shows it, when it is looked for, which ones it explains.

Must not know: how a cause is recognised, words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sipwatch.classify.families.media import media_mismatch
from sipwatch.classify.families.path import ack_lost, loop, loss, nat_suspect
from sipwatch.classify.families.setup import EARLY_RINGING_FROM, late_480, late_busy, short_ring, wrong_credentials
from sipwatch.classify.findings import Kind
from sipwatch.classify.outcomes import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from sipwatch.classify.findings import Finding
    from sipwatch.classify.peers import Directory
    from sipwatch.track.call import Call

# Signs: cheap facts, of which a call that went well shows none. Plain numbers, since they are gathered for every call.
FAILED: Final = 1  # it was not answered
CONDITION: Final = 2  # something was wrong for a while
REPEATED: Final = 4  # something was sent again
EARLY: Final = 8  # 183 long before 180

_ANSWERED: Final = Outcome.ANSWERED.value
_NONE: Final[frozenset[Kind]] = frozenset()


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
    Entry(Kind.SILENT_PEER),
    Entry(Kind.REGISTRATION_INACTIVE),
    Entry(Kind.NUMBER_FORMAT),
    Entry(Kind.TRUNK_FULL),
    Entry(Kind.TRUNK_DOWN),
    Entry(Kind.WRONG_CREDENTIALS, FAILED, wrong_credentials),
    Entry(Kind.MEDIA_MISMATCH, FAILED, media_mismatch),
    Entry(Kind.LOOP, FAILED, loop),
    Entry(Kind.LATE_480, FAILED, late_480),
    Entry(Kind.LATE_BUSY, FAILED, late_busy),
    Entry(Kind.SHORT_RING, FAILED, short_ring),
    Entry(Kind.ACK_LOST, CONDITION, ack_lost),
    Entry(Kind.NAT_SUSPECT, CONDITION, nat_suspect),
    Entry(Kind.LOSS, REPEATED, loss),
    Entry(Kind.EARLY_RINGING),
    Entry(Kind.REFUSAL_STREAK),
)
_LOOKS: Final = tuple(entry for entry in TABLE if entry.look is not None)
_STRENGTH: Final = {entry.kind: place for place, entry in enumerate(TABLE)}
_EXPLAINS: Final = {entry.kind: entry.explains for entry in TABLE if entry.explains}


def signs_of(call: Call) -> int:
    """Return the signs that a call shows, 0 for one that went well."""
    signs = 0 if call.verdict == _ANSWERED else FAILED
    for leg in call.legs:
        if leg.retransmissions:
            signs |= REPEATED
        if leg.conditions is not None:
            signs |= CONDITION
        if leg.ringing_at - leg.progressed_at >= EARLY_RINGING_FROM:
            signs |= EARLY
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
