"""The SIP message that a datagram holds, plain, inside HEP, or quoted by an ICMP error, and where in it.

Must not know: calls, which of them are wanted, what is hidden.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sipwatch.packet import BLANKS, HEP_3, UDP
from sipwatch.wire import hep
from sipwatch.wire.discards import Discard
from sipwatch.wire.message import Path, Request, Response, Transport
from sipwatch.wire.sip import header, looks_like_sip, parse

if TYPE_CHECKING:
    from sipwatch.evidence.dissect import Carried

_AUTHENTICATION_KEY = b"\0\0\0\x0e"  # of a HEP chunk: no vendor, what the agent proves itself with


class Datagram(NamedTuple):
    """A message in a payload: where it begins, its text, whether it was cut off; ``path`` is between whom.

    ``secrets`` are stretches of the payload outside the message that must not get out. ``quoted`` says that this is
    an ICMP error about the message, and not the message.
    """

    carried: Carried
    start: int
    raw: bytes
    path: Path
    truncated: bool
    secrets: list[tuple[int, int]]
    quoted: bool

    def message(self) -> Request | Response | None:
        """Return the message; None for a quotation, and for what cannot be read."""
        if self.quoted:
            return None
        found = parse(self.carried.time, self.path, self.raw, self.truncated)
        return None if isinstance(found, Discard) else found


def call_id_of(raw: bytes) -> bytes:
    """Return a message's Call-ID, ``b""`` without one."""
    return header(raw, b"call-id", b"i")


def datagram_of(carried: Carried) -> Datagram | None:
    """Return the message that a UDP datagram or an ICMP error holds; None when that is something else."""
    payload = carried.view.read()
    if not payload or payload[0] & 0xC0 == 0x80:  # media (RFC 3550 §5.1), as the decoder tells it
        return None
    if carried.protocol != UDP:
        return Datagram(carried, 0, payload, Path(carried.key, Transport.UDP), True, [], True)
    text = payload.lstrip(BLANKS)
    if looks_like_sip(text):
        path = Path(carried.key, Transport.UDP)
        return Datagram(carried, len(payload) - len(text), text, path, carried.missing > 0, [], False)
    return _in_hep(carried, payload) if hep.is_hep(payload) else None


def _in_hep(carried: Carried, payload: bytes) -> Datagram | None:
    inner = hep.decode(payload)
    if isinstance(inner, Discard):
        return None
    text = inner.payload.lstrip(BLANKS)
    if not looks_like_sip(text):
        return None
    # Whatever stands before it is a handful of binary fields: the text itself comes first at its own place.
    return Datagram(carried, payload.index(text), text, Path(inner.key, inner.transport), False, _keys(payload), False)


def _keys(payload: bytes) -> list[tuple[int, int]]:
    """Find the authentication keys among the chunks of HEP 3."""
    found = []
    at = 6
    while payload[:4] == HEP_3 and at + 6 <= len(payload):
        length = int.from_bytes(payload[at + 4 : at + 6], "big")
        if length < 6:
            break
        if payload[at : at + 4] == _AUTHENTICATION_KEY:
            found.append((at + 6, min(at + length, len(payload))))
        at += length
    return found
