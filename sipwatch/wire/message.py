"""The values that leave the wire layer: SIP messages, and what says that one did not get through.

Must not know: calls, transactions, configuration, or where frames come from.
"""

from __future__ import annotations

from enum import StrEnum
from ipaddress import IPv6Address, ip_address
from typing import Protocol


class Transport(StrEnum):
    """What carried the message; the value is the word in JSON and in labels."""

    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"
    WS = "ws"
    WSS = "wss"
    SCTP = "sctp"


def endpoint_text(address: bytes, port: int) -> str:
    """Write a packed address (4 or 16 bytes) and port as ``ip:port`` or ``[v6]:port``."""
    return f"[{IPv6Address(address)}]:{port}" if len(address) == 16 else f"{address_text(address)}:{port}"


def address_text(address: bytes) -> str:
    """Write a packed address (4 or 16 bytes) in its usual form."""
    return str(IPv6Address(address)) if len(address) == 16 else ".".join(map(str, address))


def is_address(text: str) -> bool:
    """Tell whether a text is an IP address, IPv6 without brackets."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def decoded(raw: bytes) -> str:
    r"""Decode what stood on the wire; what is not UTF-8 becomes ``\\xNN``."""
    return raw.decode("utf-8", "backslashreplace")


class Path:
    """One direction between two ends: who sent to whom, over what.

    Paths are interned by the wire layer (``PathTable``), so text and peer look-ups are made
    once per path, not per packet. Two paths are the same direction when their ``key`` is equal;
    after an eviction from the table identity no longer says so.

    ``key`` is source address + destination address (packed, 4+4 or 16+16 bytes) followed by
    source port + destination port (2+2 bytes, network order): the order they stand in an IPv4
    packet, so that the fast path can cut it out in one slice. ``carrier`` is the transport as a plain word.
    """

    __slots__ = (
        "carrier",
        "destination",
        "destination_address",
        "key",
        "reverse_key",
        "source",
        "source_address",
        "transport",
    )

    def __init__(self, key: bytes, transport: Transport) -> None:
        half = (len(key) - 4) // 2
        self.key = key
        self.transport = transport
        self.carrier: str = transport.value
        self.source_address = key[:half]
        self.destination_address = key[half : 2 * half]
        self.reverse_key = self.destination_address + self.source_address + key[-2:] + key[-4:-2]
        self.source = endpoint_text(self.source_address, int.from_bytes(key[-4:-2], "big"))
        self.destination = endpoint_text(self.destination_address, int.from_bytes(key[-2:], "big"))

    def reversed(self) -> Path:
        """Return the way back; not interned."""
        return Path(self.reverse_key, self.transport)


class Numbered(Protocol):
    """Where packets come from, as far as this layer is concerned: it says which packet was given last."""

    number: int


class Message:
    """What requests and responses share. Byte strings stand as on the wire, without surrounding blanks.

    ``time`` is packet time in integer nanoseconds since 1970; ``number`` is that of the packet which held the
    message's end, as ``capture.tally.Place`` has it, 0 where packets have none. A header that is absent is ``b""``;
    ``cseq_number`` is then -1. ``branch`` is of the topmost Via, ``via_count`` counts the Via values.
    ``names`` holds the names of all headers, lower case, as they were spelt (long or compact): what is
    absent need not be looked for. ``raw`` is the whole message text, body included, for those who need more.
    ``fragmented`` says that the datagram came in IP fragments, ``cut`` how many bytes of the text were let go of since.
    """

    __slots__ = (
        "branch",
        "call_id",
        "cseq_method",
        "cseq_number",
        "cut",
        "fragmented",
        "from_tag",
        "names",
        "number",
        "path",
        "raw",
        "time",
        "to_tag",
        "via_count",
    )

    time: int
    number: int
    path: Path
    raw: bytes
    names: frozenset[bytes]
    call_id: bytes
    from_tag: bytes
    to_tag: bytes
    cseq_number: int
    cseq_method: str
    branch: bytes
    via_count: int
    fragmented: bool
    cut: int

    @property
    def size(self) -> int:
        """Say how many bytes the message had."""
        return len(self.raw) + self.cut


class Request(Message):
    """A SIP request. ``max_forwards`` is -1 when absent."""

    __slots__ = ("max_forwards", "method", "request_uri")

    method: str
    request_uri: bytes
    max_forwards: int


class Response(Message):
    """A SIP response; ``status_code`` is within 100 to 699."""

    __slots__ = ("reason_phrase", "status_code")

    status_code: int
    reason_phrase: bytes


class Unreachable:
    """What says that SIP did not get through: an ICMP error that quotes the datagram, or a TCP connection's reset.

    ``path`` is the way of the datagram, or of the data that the reset answers: towards the sender of the reset.
    ``quoted`` is what the error holds of the payload (often cut; nothing of a reset's); ``number`` is the packet's, as
    a message's; ``reporter`` is the packed address that sent error or reset; ``code`` the ICMP code as a word such as
    ``port_unreachable``, or ``connection_reset``, or ``connection_refused`` (a reset that answers a SYN).
    """

    __slots__ = ("code", "number", "path", "quoted", "reporter", "time")

    def __init__(self, time: int, path: Path, quoted: bytes, reporter: bytes, code: str) -> None:
        self.time = time
        self.number = 0
        self.path = path
        self.quoted = quoted
        self.reporter = reporter
        self.code = code
