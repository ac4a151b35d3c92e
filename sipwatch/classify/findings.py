"""What a diagnosis is made of: a probable cause, the facts it names, and the packets that show it (OUTCOMES §5).

Must not know: how causes are found, in which words they are told, or where they are shown. A finding holds no
sentence: its facts are put into the words of a language where it is shown.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from sipwatch.classify.signs import (
    CANCELLED,
    CONDITION,
    EARLY_MEDIA,
    ENDING,
    FAILED,
    HOPS,
    IS_480,
    IS_BUSY,
    IS_CHALLENGED,
    IS_LOOP,
    IS_MEDIA,
    REASONED,
    RELIABLE,
    REPEATED,
    STRAY,
    TROUBLE,
)
from sipwatch.packet import SECOND
from sipwatch.wire.message import Request, Response, address_text, decoded

if TYPE_CHECKING:
    from collections.abc import Callable

    from sipwatch.classify.peers import Directory
    from sipwatch.track.call import Call
    from sipwatch.wire.message import Message

    Look = Callable[[Call, Directory], "Finding | None"]

MAX_FACT_LENGTH: Final = 120  # characters of anything that a stranger wrote
MAX_EVIDENCE: Final = 8  # packets shown for one finding


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
    ACK_MISROUTED = "ack_misrouted"
    CANCEL_RACE = "cancel_race"
    BYE_REFUSED = "bye_refused"
    SESSION_TIMER = "session_timer"
    MIDCALL_REFUSED = "midcall_refused"
    TRANSFER_FAILED = "transfer_failed"
    PRACK_MISSING = "prack_missing"
    PRACK_IGNORED = "prack_ignored"
    PRECONDITION = "precondition"
    INVENTED_RINGING = "invented_ringing"
    CAUSE_CONTRADICTS = "cause_contradicts"
    EARLY_CAUSE = "early_cause"
    NETWORK_BLOCKED = "network_blocked"
    CSEQ_MISMATCH = "cseq_mismatch"
    STALE_LOOP = "stale_loop"
    OVERSIZE_UDP = "oversize_udp"
    TCP_DEAD = "tcp_dead"
    OVERLOAD = "overload"
    INVITE_FLOOD = "invite_flood"
    IDLE_BUSY = "idle_busy"


NONE: Final[frozenset[Kind]] = frozenset()
_IN_VAIN: Final = frozenset(
    {Kind.ACK_LOST, Kind.LOSS, Kind.NAT_SUSPECT}
)  # what something that cannot arrive looks like


class FindingRow(NamedTuple):
    """One kind. It is looked for where a call shows any of ``signs``; without any it comes from ``diagnosis``.

    ``explains`` are the kinds that are not told beside it: they are what it looks like.
    """

    kind: Kind
    signs: int = 0
    explains: frozenset[Kind] = NONE


# In the order of their strength. Who looks for a kind is its family's (``families.table``).
TABLE: Final[tuple[FindingRow, ...]] = (
    FindingRow(Kind.OVERSIZE_UDP, explains=frozenset({Kind.SILENT_PEER})),
    FindingRow(Kind.TCP_DEAD, explains=frozenset({Kind.SILENT_PEER})),
    FindingRow(Kind.SILENT_PEER),
    FindingRow(Kind.REGISTRATION_INACTIVE),
    FindingRow(Kind.NUMBER_FORMAT),
    FindingRow(Kind.NETWORK_BLOCKED, REASONED, frozenset({Kind.TRUNK_FULL})),
    FindingRow(Kind.TRUNK_FULL),
    FindingRow(Kind.OVERLOAD),
    FindingRow(Kind.TRUNK_DOWN),
    FindingRow(Kind.STALE_LOOP, IS_CHALLENGED, frozenset({Kind.WRONG_CREDENTIALS})),
    FindingRow(Kind.WRONG_CREDENTIALS, IS_CHALLENGED),
    FindingRow(Kind.INVITE_FLOOD),
    FindingRow(Kind.CSEQ_MISMATCH, STRAY | TROUBLE, _IN_VAIN | {Kind.CANCEL_RACE, Kind.PRACK_MISSING}),
    FindingRow(Kind.PRACK_MISSING, RELIABLE, frozenset({Kind.PRECONDITION})),
    FindingRow(Kind.PRACK_IGNORED, RELIABLE, frozenset({Kind.PRECONDITION})),
    FindingRow(Kind.PRECONDITION, EARLY_MEDIA),
    FindingRow(Kind.MEDIA_MISMATCH, IS_MEDIA),
    FindingRow(Kind.LOOP, IS_LOOP),
    FindingRow(Kind.CANCEL_RACE, CANCELLED, _IN_VAIN | {Kind.ACK_MISROUTED}),
    FindingRow(Kind.ACK_MISROUTED, CONDITION | REPEATED, _IN_VAIN),
    FindingRow(Kind.NAT_SUSPECT, CONDITION, frozenset({Kind.ACK_LOST})),
    FindingRow(Kind.ACK_LOST, CONDITION | REPEATED),
    FindingRow(Kind.SESSION_TIMER, ENDING),
    FindingRow(Kind.MIDCALL_REFUSED, TROUBLE),
    FindingRow(Kind.TRANSFER_FAILED),
    FindingRow(Kind.BYE_REFUSED, ENDING, frozenset({Kind.CSEQ_MISMATCH})),
    FindingRow(Kind.INVENTED_RINGING, HOPS, frozenset({Kind.SHORT_RING})),
    FindingRow(Kind.EARLY_CAUSE, REASONED),
    FindingRow(Kind.LATE_480, IS_480),
    FindingRow(Kind.LATE_BUSY, IS_BUSY, frozenset({Kind.IDLE_BUSY})),
    FindingRow(Kind.IDLE_BUSY),
    FindingRow(Kind.SHORT_RING, FAILED),
    FindingRow(Kind.CAUSE_CONTRADICTS, REASONED),
    FindingRow(Kind.LOSS, REPEATED),
    FindingRow(Kind.EARLY_RINGING),
    FindingRow(Kind.REFUSAL_STREAK),
)

PLAIN: Final = "plain"
_REGISTERED: Final = frozenset({"who", "status_code", "register_code", "result_at"})
_LOSS: Final = frozenset({"times", "toward"})
_STATUS_AND_CODECS: Final = frozenset({"status_code", "codecs", "warning"})
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
    Kind.TRUNK_FULL: dict.fromkeys(("up", "empty"), frozenset({"up", "most", "status_code"})),
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
    Kind.ACK_LOST: {
        **dict.fromkeys((PLAIN, "ignored"), frozenset({"times", "address"})),
        "stopped": frozenset({"times", "address", "by"}),
    },
    Kind.LOSS: dict.fromkeys(("requests", "responses", "finals", "acks"), _LOSS),
    Kind.LOOP: {
        PLAIN: frozenset({"status_code", "user"}),
        "growing": frozenset({"status_code", "hops", "first", "user"}),
        "to_and_fro": frozenset({"turns", "within_seconds", "caller", "callee", "here", "there"}),
    },
    Kind.ACK_MISROUTED: {
        **dict.fromkeys(("address", "uri", "tag"), frozenset({"went", "should", "times"})),
        "contact": frozenset({"address", "times"}),
    },
    Kind.CANCEL_RACE: dict.fromkeys(("hung_up", "kept", "ghost"), frozenset({"by"})),
    Kind.BYE_REFUSED: dict.fromkeys(
        (PLAIN, "cseq", "forwards", "challenged", "unknown"), frozenset({"status_code", "by", "cseq"})
    ),
    Kind.SESSION_TIMER: {
        **dict.fromkeys(("ran_out", "unnamed"), frozenset({"refresher", "interval_seconds"})),
        "hung_up": frozenset({"refresher", "interval_seconds", "by"}),
        "refused": frozenset({"refresher", "interval_seconds", "by", "status_code", "method"}),
        "unanswered": frozenset({"refresher", "interval_seconds", "by", "method"}),
    },
    Kind.MIDCALL_REFUSED: dict.fromkeys((PLAIN, "offer", "hold"), frozenset({"method", "status_code", "by", "codecs"})),
    Kind.TRANSFER_FAILED: {
        "refused": frozenset({"number", "status_code", "by"}),
        "notified": frozenset({"number", "status_code"}),
        "notified_call": frozenset({"number", "status_code", "call_id"}),
        "call": frozenset({"number", "outcome", "call_id"}),
        "target": frozenset({"number", "outcome", "call_id"}),
    },
    Kind.PRACK_MISSING: {
        PLAIN: frozenset({"status_code", "times", "rseq"}),
        "other": frozenset({"status_code", "times", "rseq", "rack"}),
    },
    Kind.PRACK_IGNORED: {PLAIN: frozenset({"status_code", "times", "rseq", "pracks"})},
    Kind.PRECONDITION: {"refused": frozenset({"status_code"}), "no_update": frozenset({"status_code"})},
    Kind.INVENTED_RINGING: {PLAIN: frozenset({"legs"}), "silent": frozenset({"legs"})},
    Kind.CAUSE_CONTRADICTS: {
        PLAIN: frozenset({"status_code", "cause", "by_status", "by_cause", "believed"}),
        "elsewhere": frozenset({"cause", "protocol", "by_status", "believed"}),
    },
    Kind.EARLY_CAUSE: dict.fromkeys(
        (PLAIN, "text"), frozenset({"status_code", "protocol", "cause", "outcome", "text"})
    ),
    Kind.NETWORK_BLOCKED: dict.fromkeys((PLAIN, "redress"), frozenset({"status_code", "text"})),
    Kind.CSEQ_MISMATCH: {
        "response": frozenset({"times", "cseq", "expected"}),
        "request": frozenset({"method", "cseq", "before"}),
    },
    Kind.STALE_LOOP: {PLAIN: frozenset({"times", "realm"})},
    Kind.OVERSIZE_UDP: dict.fromkeys(("unanswered", "over_tcp", "refused"), frozenset({"bytes", "copies"})),
    Kind.TCP_DEAD: {
        **dict.fromkeys(("refused", "reset"), frozenset({"address", "sent_at", "error_at"})),
        "silent": frozenset({"address", "sent_at", "last_at"}),
        "behind": frozenset({"address", "server", "refused_at", "status_code"}),
    },
    Kind.OVERLOAD: dict.fromkeys(
        ("asked", "nevertheless"), frozenset({"pause_seconds", "asked_at", "until_at", "sent", "after_seconds"})
    ),
    Kind.INVITE_FLOOD: {PLAIN: frozenset({"sent", "most", "within_seconds", "to", "since_at"})},
    Kind.IDLE_BUSY: {
        "idle": frozenset({"device", "address", "status_code"}),
        "internal": frozenset({"device", "address", "status_code", "other", "since_at"}),
    },
}


class Sort(StrEnum):
    """What a text in a finding is: by that, and never by its looks, it is decided what may be read of it."""

    OWN = "own"  # ours, or the operator's: words of closed lists, names of peers
    PERSON = "person"  # a user part: a number, or a name in its place
    ADDRESS = "address"  # an IP address, with a port or without
    URI = "uri"
    IDENTIFIER = "identifier"  # a Call-ID, a tag
    LINE = "line"  # the start line of a message
    QUOTED = "quoted"  # anything else that a stranger wrote


class Term(NamedTuple):
    """A text of a finding, and what it is."""

    sort: Sort
    text: str

    def __str__(self) -> str:
        """Return the text alone."""
        return self.text


class Evidence(NamedTuple):
    """One packet that supports a finding: packet time in ns, its number (0: it has none), what it says.

    ``sort`` tells a message's start line from words of ours.
    """

    time: int
    number: int
    what: str
    sort: Sort = Sort.LINE


Fact = Term | int | float


class Finding(NamedTuple):
    """A probable cause.

    ``variant`` tells ways of the same kind apart that need other words. ``subject`` is whom it is about: a peer's
    name where one is configured, else an address, a number, a device. A fact whose name ends with ``_at`` is a
    moment of packet time in ns, one whose name ends with ``_seconds`` a duration.
    """

    kind: Kind
    variant: str
    subject: Term
    facts: dict[str, Fact]
    evidence: list[Evidence]


def own(text: str) -> Term:
    """Return a word of ours, or of the operator's, as a fact."""
    return Term(Sort.OWN, text)


def person(raw: bytes) -> Term:
    """Return a user part as a fact."""
    return Term(Sort.PERSON, said(raw))


def uri(raw: bytes) -> Term:
    """Return a URI as a fact."""
    return Term(Sort.URI, said(raw))


def identifier(raw: bytes) -> Term:
    """Return a Call-ID or a tag as a fact."""
    return Term(Sort.IDENTIFIER, said(raw))


def quoted(raw: bytes) -> Term:
    """Return what a stranger wrote, and nobody reads, as a fact."""
    return Term(Sort.QUOTED, said(raw))


def end(text: str) -> Term:
    """Return an address that is written out, with a port or without, as a fact."""
    return Term(Sort.ADDRESS, text)


def said(raw: bytes) -> str:
    r"""Decode what a stranger wrote, cut to ``MAX_FACT_LENGTH``; what is not UTF-8 becomes ``\\xNN``."""
    text = decoded(raw[: 4 * MAX_FACT_LENGTH])
    return text if len(text) <= MAX_FACT_LENGTH else text[: MAX_FACT_LENGTH - 3] + "..."


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
    return round(span / SECOND, 1)


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


def is_link_local(address: bytes) -> bool:
    """Tell whether a packed address is of the own link only (RFC 3927, RFC 4291 §2.5.6)."""
    return address[:2] == b"\xa9\xfe" if len(address) == 4 else address[0] == 0xFE and address[1] & 0xC0 == 0x80


def where(address: bytes) -> Term:
    """Return a packed address as a fact; it is the subject of a finding where no peer is configured."""
    return Term(Sort.ADDRESS, address_text(address))
