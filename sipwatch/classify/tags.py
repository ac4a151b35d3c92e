"""What a contact centre wants marked on a call, beside its outcome.

Must not know: clocks, records, how callbacks are waited for (``callbacks``).
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from sipwatch.classify.findings import Finding, Kind, said
from sipwatch.classify.hours import outside_hours
from sipwatch.classify.outcomes import MISSED, TURNED_DOWN, Outcome
from sipwatch.classify.peers import Peer, PeerKind, Settings
from sipwatch.classify.verdict import reached
from sipwatch.wire.sip import user_of

if TYPE_CHECKING:
    from sipwatch.track.call import Call


class Tag(StrEnum):
    """The marks there are."""

    OUTSIDE_HOURS = "outside_hours"  # it came when nobody works
    BRIEF = "brief"  # the caller gave up within moments
    REFUSED = "refused"  # it was offered to a device, which did not take it
    CALLED_BACK = "called_back"  # missed, and the caller was reached in time
    WAITING_CALLBACK = "waiting_callback"  # missed, and the caller was not, or not yet
    TRANSFERRED = "transferred"  # REFER within it, or it was sent elsewhere by 3xx
    SHORT_RING = "short_ring"
    EARLY_RINGING = "early_ringing"


# Words of the hot path: an enum's value is looked up in Python.
_ABANDONED_BRIEF: Final = Outcome.ABANDONED_BRIEF.value
_ANSWERED: Final = Outcome.ANSWERED.value
_REDIRECTED: Final = Outcome.REDIRECTED.value
_BY_FINDING: Final = {Kind.SHORT_RING: Tag.SHORT_RING, Kind.EARLY_RINGING: Tag.EARLY_RINGING}


def tags_of(
    call: Call, findings: list[Finding], source: Peer, destination: Peer, settings: Settings, began: int
) -> list[Tag]:
    """Return a call's marks in the order of the list, except those of callbacks.

    ``began`` is when it began by the clock on the wall, in ns since 1970.
    """
    found: set[Tag] = {_BY_FINDING[finding.kind] for finding in findings if finding.kind in _BY_FINDING}
    if call.outcome == _ABANDONED_BRIEF:
        found.add(Tag.BRIEF)
    if destination.kind is PeerKind.DEVICES and _was_refused(call):
        found.add(Tag.REFUSED)
    if was_transferred(call):
        found.add(Tag.TRANSFERRED)
    if settings.hours:
        dialled = said(user_of(call.front[0].invite.request_uri))
        if outside_hours(settings.hours, source.name, destination.name, dialled, began):
            found.add(Tag.OUTSIDE_HOURS)
    return sorted(found, key=_ORDER.__getitem__) if found else []


_ORDER: Final = {tag: place for place, tag in enumerate(Tag)}


def in_order(tags: list[Tag]) -> list[Tag]:
    """Return marks in the order of the list."""
    return sorted(tags, key=_ORDER.__getitem__)


def is_missed(outcome: str, source: Peer, destination: Peer) -> bool:
    """Tell whether this is a call from outside that nobody took: its caller may want to be called back."""
    return is_inbound(source, destination) and outcome in MISSED


def is_inbound(source: Peer, destination: Peer) -> bool:
    """Tell whether a call came in over a trunk, and did not go out over one again."""
    return source.kind is PeerKind.TRUNK and destination.kind is not PeerKind.TRUNK


def is_outbound(source: Peer, destination: Peer) -> bool:
    """Tell whether a call went out over a trunk."""
    return destination.kind is PeerKind.TRUNK and source.kind is not PeerKind.TRUNK


def was_transferred(call: Call) -> bool:
    """Tell whether a call was sent elsewhere: by REFER while it was up, or by 3xx before."""
    if call.transferred or call.outcome == _REDIRECTED:
        return True
    for leg in call.legs:  # noqa: SIM110 - quicker than any()
        if 300 <= leg.status_code < 400:
            return True
    return False


def _was_refused(call: Call) -> bool:
    """Tell whether the device reached did not take a call.

    Its own hop says so where the call's outcome tells something else: declined with 603 by a person, a call from a
    trunk is congested by the letter of the rules.
    """
    return call.outcome in TURNED_DOWN or (call.outcome != _ANSWERED and reached(call).outcome in TURNED_DOWN)
