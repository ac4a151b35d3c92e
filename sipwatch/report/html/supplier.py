"""A call as far as it is the business of one peer: what a supplier may be told of it.

Must not know: templates, how records come about. What our own devices and agents did, whom our callers' calls belong
together with, and what went between our own machines stays with us.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

if TYPE_CHECKING:
    from sipwatch.export.record import CallRecord


def at_peer(call: CallRecord, peer: str) -> CallRecord:
    """Return a call with the hops, findings, conditions and messages of a peer alone, without marks and links."""
    places = [place for place, leg in enumerate(call.legs) if peer in (leg.source, leg.destination)]
    new = {place: number for number, place in enumerate(places)}
    addresses = _addresses(call, peer)
    messages = call.messages
    return replace(
        call,
        legs=[call.legs[place] for place in places],
        findings=[one for one in call.findings if str(one.subject) == peer],
        conditions=[replace(one, leg=new[one.leg]) for one in call.conditions if one.leg in new],
        messages=None if messages is None else [m for m in messages if {m.source, m.destination} & addresses],
        tags=[],
        linked=[],
    )


def direction_of(call: CallRecord, peer: str) -> str:
    """Say whether a call was to or from a peer."""
    return f"to {peer}" if call.destination == peer else f"from {peer}"


def _addresses(call: CallRecord, peer: str) -> set[str]:
    """Return the addresses at which the peer took part."""
    ends = [(call.source, call.source_address), (call.destination, call.destination_address)]
    for leg in call.legs:
        ends += [(leg.source, leg.source_address), (leg.destination, leg.destination_address)]
    return {address for name, address in ends if name == peer}
