"""ICMP and ICMPv6 errors that quote the datagram they are about.

Must not know: calls, or who asked for what came back.
"""

from typing import Final

from sipwatch.packet import ICMP, ICMPV6, UDP
from sipwatch.wire.sip import looks_like_sip

# RFC 792; RFC 1812 §5.2.7.1; RFC 4443 §3.1
_UNREACHABLE: Final = {
    0: "net_unreachable",
    1: "host_unreachable",
    2: "protocol_unreachable",
    3: "port_unreachable",
    9: "net_prohibited",
    10: "host_prohibited",
    13: "filtered",
}
_UNREACHABLE_V6: Final = {0: "no_route", 1: "prohibited", 3: "address_unreachable", 4: "port_unreachable"}
_TIME_EXCEEDED: Final = "time_exceeded"
_HEADER: Final = 8


def quoted_sip(data: bytes, start: int, end: int, protocol: int) -> tuple[bytes, bytes, str] | None:
    """Read an error that quotes the beginning of a SIP datagram.

    ``start`` is where the ICMP header begins, ``end`` where the packet ends. Return the key of the
    quoted path as in ``Path``, what is quoted of its payload, and the error as a word; None for any other message.
    """
    end = min(end, len(data))
    at = start + _HEADER
    if end < at + 28:  # an IPv4 and a UDP header; RFC 792 promises no more
        return None
    word = _word(data[start], data[start + 1], protocol)
    if not word:
        return None
    if data[at] >> 4 == 4 and protocol == ICMP:
        udp = at + (data[at] & 0x0F) * 4
        ends, carried, first = data[at + 12 : at + 20], data[at + 9], not (data[at + 6] & 0x1F or data[at + 7])
        # Behind the quotation extensions may stand (RFC 4884).
        end = min(end, at + int.from_bytes(data[at + 2 : at + 4], "big"))
    elif data[at] >> 4 == 6 and protocol == ICMPV6:
        udp = at + 40
        ends, carried, first = data[at + 8 : at + 40], data[at + 6], True
    else:
        return None
    payload = data[udp + 8 : end]
    if carried != UDP or not first or not _begins_like_sip(payload):
        return None
    return ends + data[udp : udp + 4], payload, word


def numbers(word: str, *, v6: bool) -> tuple[int, int]:
    """Return the type and code of an error by its word."""
    words = _UNREACHABLE_V6 if v6 else _UNREACHABLE
    if word == _TIME_EXCEEDED:
        return (3 if v6 else 11), 0
    unnamed = min(code for code in range(len(words) + 1) if code not in words)
    return (1 if v6 else 3), next((code for code, name in words.items() if name == word), unnamed)


def _word(kind: int, code: int, protocol: int) -> str:
    unreachable, exceeded, words = (3, 11, _UNREACHABLE) if protocol == ICMP else (1, 3, _UNREACHABLE_V6)
    if kind == unreachable:
        return words.get(code, "unreachable")
    return _TIME_EXCEEDED if kind == exceeded else ""


def _begins_like_sip(quoted: bytes) -> bool:
    """Tell whether what an ICMP error quotes, perhaps only a few bytes, began a SIP message."""
    if quoted[:8] == b"SIP/2.0 " or looks_like_sip(quoted):
        return True
    method, blank, uri = quoted.partition(b" ")
    return bool(blank) and method.isalpha() and method.isupper() and uri[:4] in (b"sip:", b"sips", b"tel:")
