"""What a message of a record describes as its media (SDP: RFC 4566, RFC 3264), and what has changed since.

Must not know: pictures, terminals, formats.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from sipwatch.classify.media import codecs_of
from sipwatch.wire.sip import header, tag_of

if TYPE_CHECKING:
    from sipwatch.export.record import MessageRecord

SEND_AND_RECEIVE: Final = "sendrecv"
_HOLDING: Final = frozenset({"sendonly", "inactive"})  # RFC 3264 §8.4
_NOWHERE: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 - how RFC 2543 put on hold; nothing is bound
_MAX_LINES: Final = 2048
_MAX_NAMED: Final = 3  # codecs
_MEDIUM: Final = re.compile(r"m=\S{1,32} (?P<port>\d{1,5})[ /]")
_ADDRESS: Final = re.compile(r"c=IN IP[46] (?P<address>[0-9A-Fa-f.:]{2,45})")


class Media(NamedTuple):
    """What one side has said of its first medium; ``tag`` is its tag in the dialog, ``address`` ``ip port``."""

    tag: str
    codecs: tuple[str, ...]
    address: str
    direction: str


def body_of(raw: str) -> str:
    """Return what stands behind the header section of a message."""
    found = re.search(r"\r?\n\r?\n", raw)
    return raw[found.end() :] if found else ""


def media_of(message: MessageRecord) -> Media | None:
    """Return what a message describes, None where it has no SDP."""
    lines = body_of(message.raw).splitlines()[:_MAX_LINES]
    place = next((number for number, line in enumerate(lines) if _MEDIUM.match(line)), None)
    if place is None:
        return None
    ours = _section(lines, place)
    whole = next((line[2:] for line in ours if line[2:] in {SEND_AND_RECEIVE, "recvonly", *_HOLDING}), SEND_AND_RECEIVE)
    address = next((found["address"] for line in ours if (found := _ADDRESS.match(line))), "")
    port = _MEDIUM.match(lines[place])
    direction = "inactive" if address in _NOWHERE else whole
    raw = message.raw.encode("utf-8", "replace")
    sender = header(raw, b"to", b"t") if message.first_line.startswith("SIP/2.0 ") else header(raw, b"from", b"f")
    where = "" if address in _NOWHERE else f"{address} {port['port'] if port else ''}"
    return Media(tag_of(sender).decode("utf-8", "replace"), tuple(codecs_of(raw)), where, direction)


def _section(lines: list[str], place: int) -> list[str]:
    """Return the lines of the medium that begins there, and then those that hold for all media (RFC 4566 §5)."""
    last = next((n for n in range(place + 1, len(lines)) if lines[n].startswith("m=")), len(lines))
    first = next(n for n, line in enumerate(lines) if line.startswith("m="))
    return [*lines[place:last], *lines[:first]]


def changes(before: Media | None, now: Media) -> tuple[str, ...]:
    """Say in words what has changed since the same side has described its media; nothing, if it had not."""
    if before is None:
        return ()
    words = []
    if now.direction != before.direction:
        words.append(_turned(now.direction))
    if set(now.codecs) != set(before.codecs):
        names = ", ".join(now.codecs[:_MAX_NAMED])
        more = len(now.codecs) - _MAX_NAMED
        words.append(f"codecs {names or 'none'}" + (f" and {more} more" if more > 0 else ""))
    if now.address and before.address and now.address != before.address:
        words.append(f"address {now.address}")
    return tuple(words)


def _turned(direction: str) -> str:
    if direction in _HOLDING:
        return "hold"
    return "resume" if direction == SEND_AND_RECEIVE else "only listens"
