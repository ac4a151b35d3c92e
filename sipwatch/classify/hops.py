"""The hops of a call as a diagnosis goes through them: whose they are, in which order, and where one goes on.

Must not know: causes, words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sipwatch.classify.findings import is_private, own, where
from sipwatch.classify.peers import NOBODY
from sipwatch.track.conditions import Condition, Raised, Resolution
from sipwatch.track.match import host_address

if TYPE_CHECKING:
    from collections.abc import Callable

    from sipwatch.classify.findings import Finding, Term
    from sipwatch.classify.peers import Directory
    from sipwatch.track.call import Call
    from sipwatch.track.leg import Leg


def subject(directory: Directory, address: bytes) -> Term:
    """Return whom an address belongs to: the peer's name, or the address itself where none is configured."""
    peer = directory.peer(address)
    return where(address) if peer is NOBODY else own(peer.name)


def far_end(leg: Leg, directory: Directory) -> Term:
    """Return whom a hop leads to, as ``subject`` does."""
    return subject(directory, leg.path.destination_address)


def deepest_first(call: Call) -> list[Leg]:
    """Return the legs, those nearest the callee first."""
    if len(call.legs) == 1:
        return call.legs
    return sorted(call.legs, key=lambda leg: (-leg.via_count, leg.max_forwards, -leg.serial))


def is_continued(leg: Leg) -> bool:
    """Tell whether another hop of the same call continues where this one ended.

    Behind the caller's own hop every other one does, also where the server sends from another of its addresses.
    """
    reached, legs = leg.path.destination_address, leg.call.legs
    if any([hop.path.source_address == reached and hop is not leg for hop in legs]):  # noqa: C419 - a list is quicker
        return True
    return leg in leg.call.front and any([hop.via_count > leg.via_count for hop in legs])  # noqa: C419 - as above


def last_hops(call: Call) -> list[Leg]:
    """Return the legs behind which none was captured, those nearest the callee first."""
    return call.legs if len(call.legs) == 1 else [leg for leg in deepest_first(call) if not is_continued(leg)]


def first_of(legs: list[Leg], look: Callable[[Leg, Directory], Finding | None], directory: Directory) -> Finding | None:
    """Return what is found at the first of some hops that shows it."""
    for leg in legs:
        finding = look(leg, directory)
        if finding is not None:
            return finding
    return None


def lasting(leg: Leg, kind: Condition) -> Raised | None:
    """Return a condition of a hop, unless what was missing came after all."""
    for raised in leg.conditions or ():
        if raised.kind is kind and raised.resolution is not Resolution.RESPONDED:
            return raised
    return None


def private_host(uri: bytes) -> bytes | None:
    """Return the packed address that a URI names as its host, None unless it is a private one."""
    packed = host_address(uri)
    return packed if packed is not None and is_private(packed) else None
