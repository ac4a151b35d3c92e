"""Regular expressions that run over records of media in a capture file at C speed.

Must not know: files, SIP. A pattern matches as many records in a row as are media and of one length, so
that the number of records follows from the length of the match. Media is what ``prefilter.is_media``
says, or less; what a pattern does not match is merely slower. Everything is possessive (``{n}+``): nothing
is tried again, and the time is linear in the bytes.
"""

from __future__ import annotations

import re
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

# pcapng block types
SECTION, INTERFACE, PACKET, SIMPLE, STATISTICS, ENHANCED = 0x0A0D0D0A, 1, 2, 3, 5, 6

_ZEROS = rb"\x00\x00"
_NOTHING = rb"(?!)"
_LENGTH = rb"(?:\x00[\x09-\xff]|[\x01-\xff].)"  # of UDP, header included: more than the header
_MEDIA = rb"[\x80-\xbf]"  # RFC 3550 §5.1: version 2
_UDP_IN_IPV4 = rb"\x45.{5}+[\x00\x40]\x00.\x11.{14}+" + _LENGTH + rb".." + _MEDIA
_UDP_IN_IPV6 = rb"[\x60-\x6f].{5}+\x11.{37}+" + _LENGTH + rb".." + _MEDIA
_IP = ((29, rb"\x08\x00", _UDP_IN_IPV4), (49, rb"\x86\xdd", _UDP_IN_IPV6))
_TAG = rb"(?:\x81\x00|\x88\xa8)"
_FAMILIES = rb"(?:[\x02\x0a\x18\x1c\x1e]\x00\x00\x00|\x00\x00\x00[\x02\x0a\x18\x1c\x1e])"

Head = tuple[int, bytes]  # bytes that must have been captured; what they look like


def _ethernet() -> Iterable[Head]:
    for tags in range(3):
        for least, ethertype, ip in _IP:
            yield 14 + 4 * tags + least, rb".{12}+" + (_TAG + rb"..") * tags + ethertype + ip


_RAW = tuple((least, ip) for least, _, ip in _IP)
_LOOPBACK = tuple((4 + least, _FAMILIES + ip) for least, _, ip in _IP)
_HEADS: Mapping[int, tuple[Head, ...]] = {
    0: _LOOPBACK,
    1: tuple(_ethernet()),
    12: _RAW,
    14: _RAW,
    101: _RAW,
    108: _LOOPBACK,
    113: tuple((16 + least, rb".{14}+" + ethertype + ip) for least, ethertype, ip in _IP),
    228: _RAW[:1],
    229: _RAW[1:],
    276: tuple((20 + least, ethertype + rb".{18}+" + ip) for least, ethertype, ip in _IP),
}
LINK_TYPES = frozenset(_HEADS)


def pcap(order: str, link_type: int, captured: int) -> re.Pattern[bytes]:
    """Compile the run of pcap records that hold ``captured`` bytes; ``order`` is that of ``struct``."""
    heads = rb"|".join(head for least, head in _HEADS[link_type] if least <= captured)
    return _run(rb".{8}+%b.{4}+(?=%b).{%d}+" % (_number(order, captured), heads or _NOTHING, captured))


def pcapng(order: str, link_types: Sequence[int], total: int) -> re.Pattern[bytes]:
    """Compile the run of enhanced packet blocks that are ``total`` bytes long, at most 65535.

    ``link_types`` are those of the section's interfaces. That the packet fits into its block is
    checked, whatever options follow it.
    """
    heads = rb"|".join(
        rb"%b.{8}+%b.{4}+%b" % (_number(order, number), _between(order, least, total - 32), head)
        for number, link_type in enumerate(link_types)
        for least, head in _HEADS.get(link_type, ())
        if least <= total - 32
    )
    length = _number(order, total)
    return _run(rb"%b%b(?=%b).{%d}+%b" % (_number(order, ENHANCED), length, heads or _NOTHING, total - 12, length))


def _run(record: bytes) -> re.Pattern[bytes]:
    return re.compile(rb"(?:%b)*+" % record, re.DOTALL)


def _number(order: str, value: int) -> bytes:
    return re.escape(value.to_bytes(4, "little" if order == "<" else "big"))


def _class(low: int, high: int) -> bytes:
    return rb"[\x%02x-\x%02x]" % (low, high)


def _between(order: str, low: int, high: int) -> bytes:
    """Match a 32-bit number of the range, below 65536."""
    uppers = range(low >> 8, (high >> 8) + 1)
    lowers = [
        _class(low & 0xFF if upper == uppers[0] else 0, high & 0xFF if upper == uppers[-1] else 0xFF)
        for upper in uppers
    ]
    parts = []
    for lower, group in groupby(zip(lowers, uppers, strict=True), key=itemgetter(0)):
        same = [upper for _, upper in group]
        upper_class = _class(same[0], same[-1])
        parts.append(lower + upper_class + _ZEROS if order == "<" else _ZEROS + upper_class + lower)
    return rb"(?:%b)" % rb"|".join(parts)
