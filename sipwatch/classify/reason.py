"""The Reason header (RFC 3326): protocol, cause and text, in whatever order and spelling they come.

Must not know: what a cause means for a call; that is ``causes``' and ``told``'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sipwatch.wire.message import decoded
from sipwatch.wire.sip import header_values, parameters, split_values

if TYPE_CHECKING:
    from sipwatch.wire.message import Message

Q850: Final = "Q.850"
SIP: Final = "SIP"
_PROTOCOLS: Final = {b"q.850": Q850, b"sip": SIP}


class Reason(NamedTuple):
    """One reason value; ``cause`` is None when absent or no number, ``text`` as on the wire."""

    protocol: str
    cause: int | None
    text: str | None


def reasons(message: Message) -> list[Reason]:
    """Return every reason value of a message, those of Q.850 first, else in the order they stand."""
    return reasons_in(message.raw) if b"reason" in message.names else []


def reasons_in(raw: bytes) -> list[Reason]:
    """Return the same of a message's text."""
    found = [_reason(value) for line in header_values(raw, b"reason") for value in split_values(line)]
    return sorted(found, key=lambda reason: reason.protocol != Q850)


def _reason(value: bytes) -> Reason:
    protocol = value.partition(b";")[0].strip()
    given = parameters(value)
    cause = given.get(b"cause", b"")
    text = given.get(b"text")
    return Reason(
        _PROTOCOLS.get(protocol.lower(), decoded(protocol)),
        int(cause) if cause.isdigit() and len(cause) <= 3 else None,
        None if text is None else decoded(text),
    )
