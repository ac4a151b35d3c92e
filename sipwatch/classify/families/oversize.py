"""Requests too large for a datagram that get through to nobody, while smaller ones do.

Must not know: clocks, words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sipwatch.classify.families.path import is_silent
from sipwatch.classify.findings import Evidence, Fact, Finding, Kind, seen
from sipwatch.classify.past import Table
from sipwatch.classify.remembered import PAIR_KEY, SLOT, of_message
from sipwatch.packet import SECOND
from sipwatch.track.table import Heard
from sipwatch.wire.message import Transport

if TYPE_CHECKING:
    from sipwatch.classify.noted import Noted
    from sipwatch.track.leg import Leg
    from sipwatch.wire.message import Request

MAX_PATHS: Final = 4096
_EACH: Final = SLOT + PAIR_KEY + 40
# RFC 3261 §18.1.1: what is larger, or within 200 bytes of the path's MTU, does not belong into a datagram.
MAX_DATAGRAM: Final = 1300
_UDP: Final = Transport.UDP
_NOTHING: Final = Heard.NOTHING
_TOO_LARGE: Final = 513
JUST_BEFORE: Final = 2 * SECOND  # a peer that answered so shortly before was there

Ends = tuple[bytes, bytes]


class Oversize:
    """Follows large requests over UDP: between which hosts they are answered, and where only small ones are."""

    def __init__(self, noted: Noted) -> None:
        self.tried: Table[int] = Table(
            MAX_PATHS, noted.memory, _EACH
        )  # by both hosts: when a large INVITE was sent last
        self.large: Table[int] = Table(MAX_PATHS, noted.memory, _EACH)  # ... when a large request was answered last
        self.small: Table[Request] = Table(MAX_PATHS, noted.memory, _EACH)  # ... what small one was answered last
        self._noted = noted

    def added(self, leg: Leg) -> None:
        """Take a new hop."""
        if is_large(leg.invite):
            self.tried.put(_ends(leg.invite), leg.started)

    def answered(self, request: Request) -> None:
        """Take a request that something came back for."""
        if request.path.transport is not _UDP:
            return
        if is_large(request):
            self.large.put(_ends(request), request.time)
        else:
            self.small.put(_ends(request), request, of_message(request))

    def silent(self, leg: Leg) -> None:
        """Take a hop on which nothing came back."""
        ends = _ends(leg.invite)
        if not is_large(leg.invite) or not is_silent(leg, captured=False) or self.large.get(ends) is not None:
            return
        variant, proof = "unanswered", self._small_in_call(leg) or self.small.get(ends)
        if proof is None or proof.time < leg.started - JUST_BEFORE:
            variant, proof = "over_tcp", _over_tcp(leg)
        if proof is not None:
            self._note(leg, variant, sorted([seen(leg.invite), seen(proof)]))

    def refused(self, leg: Leg) -> None:
        """Take a hop that ended with 513: Message Too Large (RFC 3261 §21.5.7)."""
        if leg.status_code == _TOO_LARGE and leg.final is not None:
            self._note(leg, "refused", [seen(leg.invite), seen(leg.final)])

    def _small_in_call(self, leg: Leg) -> Request | None:
        """Return a smaller INVITE of the same call that was answered: most grow with the credentials."""
        for other in leg.call.legs:
            here = other.path.transport is _UDP and _ends(other.invite) == _ends(leg.invite)
            if here and (other.heard is not _NOTHING or other.final is not None) and not is_large(other.invite):
                return other.invite
        return None

    def _note(self, leg: Leg, variant: str, evidence: list[Evidence]) -> None:
        facts: dict[str, Fact] = {"bytes": leg.invite.size, "copies": 1 + leg.repeats_unheard}
        about = self._noted.subject(leg.path.destination_address)
        self._noted.of_call(leg.call, Finding(Kind.OVERSIZE_UDP, variant, about, facts, evidence))


def is_large(request: Request) -> bool:
    """Tell whether a request is too large for UDP, or was sent in fragments."""
    return request.path.transport is _UDP and (request.size > MAX_DATAGRAM or request.fragmented)


def _ends(request: Request) -> Ends:
    return request.path.source_address, request.path.destination_address


def _over_tcp(leg: Leg) -> Request | None:
    """Return the same INVITE over another transport, where that was answered by the same host (§18.1.1)."""
    for other in leg.call.legs:
        if other.path.transport is _UDP or _ends(other.invite) != _ends(leg.invite):
            continue
        if other.heard is not _NOTHING or other.final is not None:
            return other.invite
    return None
