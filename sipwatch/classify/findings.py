"""What a diagnosis is made of: a probable cause, the facts it names, and the packets that show it (OUTCOMES §5).

Must not know: how causes are found, in which words they are told, or where they are shown. A finding holds no
sentence: whoever shows it puts its facts into the words of a language.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from sipwatch.wire.message import Request, Response, address_text

if TYPE_CHECKING:
    from sipwatch.wire.message import Message

LONGEST_FACT = 120  # characters of anything that a stranger wrote
MOST_EVIDENCE = 8  # packets shown for one finding


class Kind(StrEnum):
    """The probable causes there are."""

    SILENT_PEER = "silent_peer"
    REGISTRATION_INACTIVE = "registration_inactive"
    NUMBER_FORMAT = "number_format"
    TRUNK_FULL = "trunk_full"
    LATE_480 = "late_480"
    LATE_BUSY = "late_busy"
    TRUNK_DOWN = "trunk_down"
    EARLY_RINGING = "early_ringing"
    SHORT_RING = "short_ring"
    REFUSAL_STREAK = "refusal_streak"
    WRONG_CREDENTIALS = "wrong_credentials"
    MEDIA_MISMATCH = "media_mismatch"
    NAT_SUSPECT = "nat_suspect"
    ACK_LOST = "ack_lost"
    LOSS = "loss"
    LOOP = "loop"


PLAIN = "plain"
_REGISTERED = frozenset({"who", "status_code", "register_code", "result_at"})
_LOSS = frozenset({"times", "toward"})
_STATUS_AND_CODECS = frozenset({"status_code", "codecs", "warning"})
# Each kind's variants, and the facts that each names: what the words of a language may use.
VARIANTS: dict[Kind, dict[str, frozenset[str]]] = {
    Kind.SILENT_PEER: {
        "silent": frozenset({"address", "requests", "since_at"}),
        "unreachable": frozenset({"address", "requests", "since_at", "icmp", "reporter"}),
    },
    Kind.REGISTRATION_INACTIVE: dict.fromkeys(
        ("expired", "auth_failed", "refused", "not_responding", "removed"), _REGISTERED
    ),
    Kind.NUMBER_FORMAT: {PLAIN: frozenset({"number", "other", "difference"})},
    Kind.TRUNK_FULL: dict.fromkeys(("up", "empty"), frozenset({"up", "most"})),
    Kind.LATE_480: {PLAIN: frozenset({"waited_seconds"})},
    Kind.LATE_BUSY: {PLAIN: frozenset({"rang_seconds", "status_code"})},
    Kind.TRUNK_DOWN: {PLAIN: frozenset({"outcome", "share", "before", "since_at", "calls"})},
    Kind.EARLY_RINGING: {PLAIN: frozenset({"early_seconds", "typical_seconds", "calls"})},
    Kind.SHORT_RING: dict.fromkeys(("cancelled", "refused"), frozenset({"rang_seconds", "by"})),
    Kind.REFUSAL_STREAK: {PLAIN: frozenset({"device", "address", "streak", "since_at", "mostly"})},
    Kind.WRONG_CREDENTIALS: dict.fromkeys((PLAIN, "register"), frozenset({"user", "realm", "algorithm"})),
    Kind.MEDIA_MISMATCH: dict.fromkeys((PLAIN, "warned"), _STATUS_AND_CODECS),
    Kind.NAT_SUSPECT: {
        **dict.fromkeys(("caller", "callee"), frozenset({"contact", "address", "condition"})),
        "device": frozenset({"contact", "address", "registered_at"}),
    },
    Kind.ACK_LOST: {PLAIN: frozenset({"times", "address"})},
    Kind.LOSS: dict.fromkeys(("requests", "responses", "finals", "acks"), _LOSS),
    Kind.LOOP: {
        PLAIN: frozenset({"status_code", "user"}),
        "growing": frozenset({"status_code", "hops", "first", "user"}),
    },
}


class Evidence(NamedTuple):
    """One packet that supports a finding: packet time in ns, its number (0: it has none), what it says."""

    time: int
    number: int
    what: str


Fact = str | int | float


class Finding(NamedTuple):
    """A probable cause.

    ``variant`` tells ways of the same kind apart that need other words. ``subject`` is whom it is about: a peer's
    name where one is configured, else an address, a number, a device. A fact whose name ends with ``_at`` is a
    moment of packet time in ns, one whose name ends with ``_seconds`` a duration.
    """

    kind: Kind
    variant: str
    subject: str
    facts: dict[str, Fact]
    evidence: list[Evidence]


def said(raw: bytes) -> str:
    r"""Decode what a stranger wrote, cut to ``LONGEST_FACT``; what is not UTF-8 becomes ``\\xNN``."""
    text = raw[: 4 * LONGEST_FACT].decode("utf-8", "backslashreplace")
    return text if len(text) <= LONGEST_FACT else text[: LONGEST_FACT - 3] + "..."


def seen(message: Message) -> Evidence:
    """Return a message as evidence."""
    return Evidence(message.time, message.number, first_line(message))


def first_line(message: Message) -> str:
    """Return a message's start line, as far as it matters."""
    if isinstance(message, Request):
        return f"{message.method} {said(message.request_uri)}"
    if isinstance(message, Response):
        return f"{message.status_code} {said(message.reason_phrase)}".rstrip()
    return ""


def seconds(span: int) -> float:
    """Return a span of ns in seconds, to a tenth: more would pretend to matter."""
    return round(span / 1e9, 1)


def is_private(address: bytes) -> bool:
    """Tell whether a packed address is of those that no network beyond the own one knows.

    RFC 1918 and RFC 6598 (carriers' NAT) for IPv4, RFC 4193 for IPv6.
    """
    if len(address) == 16:
        return address[0] & 0xFE == 0xFC
    first, second = address[0], address[1]
    return (
        first == 10
        or (first == 172 and second & 0xF0 == 16)
        or (first == 192 and second == 168)
        or (first == 100 and second & 0xC0 == 64)
    )


def where(address: bytes) -> str:
    """Write a packed address, the subject of a finding where no peer is configured."""
    return address_text(address)
