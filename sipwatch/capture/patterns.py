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

from sipwatch.packet import (
    ETHERNET,
    ETHERTYPE_IPV4,
    ETHERTYPE_IPV6,
    FAMILIES,
    FAMILY,
    LINK_HEADERS,
    RAW,
    RAW_IPV4,
    RAW_IPV6,
    RTP_MASK,
    RTP_VERSION,
    UDP,
    VLAN_TAGS,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

# pcapng block types
SECTION, INTERFACE, PACKET, SIMPLE, STATISTICS, ENHANCED = 0x0A0D0D0A, 1, 2, 3, 5, 6

_ZEROS = rb"\x00\x00"
_NOTHING = rb"(?!)"
_LENGTH = rb"(?:\x00[\x09-\xff]|[\x01-\xff].)"  # of UDP, header included: more than the header
_MEDIA = rb"[\x%02x-\x%02x]" % (RTP_VERSION, RTP_VERSION | ~RTP_MASK & 0xFF)
_UDP_IN_IPV4 = rb"\x45.{5}+[\x00\x40]\x00.\x%02x.{14}+" % UDP + _LENGTH + rb".." + _MEDIA
_UDP_IN_IPV6 = rb"[\x60-\x6f].{5}+\x%02x.{37}+" % UDP + _LENGTH + rb".." + _MEDIA
_IP = ((29, ETHERTYPE_IPV4, _UDP_IN_IPV4), (49, ETHERTYPE_IPV6, _UDP_IN_IPV6))
_MAX_TAGS = 2
_TAG = rb"(?:%b).." % rb"|".join(re.escape(tag.to_bytes(2, "big")) for tag in VLAN_TAGS)
_FAMILY = rb"[%b]" % b"".join(rb"\x%02x" % family for family in sorted(FAMILIES))
_FAMILIES = rb"(?:%b\x00\x00\x00|\x00\x00\x00%b)" % (_FAMILY, _FAMILY)

Head = tuple[int, bytes]  # bytes that must have been captured; what they look like


def _framed(link_type: int) -> Iterable[Head]:
    """Yield what IP looks like behind a link header that names an ethertype, with tags where there may be any."""
    size, at = LINK_HEADERS[link_type]
    for tags in range(_MAX_TAGS + 1 if link_type == ETHERNET else 1):
        for least, ethertype, ip in _IP:
            kind = re.escape(ethertype.to_bytes(2, "big"))
            yield size + 4 * tags + least, rb".{%d}+%b%b.{%d}+%b" % (at, _TAG * tags, kind, size - at - 2, ip)


_RAW = tuple((least, ip) for least, _, ip in _IP)
_LOOPBACK = tuple((4 + least, _FAMILIES + ip) for least, _, ip in _IP)
_HEADS: Mapping[int, tuple[Head, ...]] = {
    **dict.fromkeys(FAMILY, _LOOPBACK),
    **dict.fromkeys(RAW, _RAW),
    RAW_IPV4: _RAW[:1],
    RAW_IPV6: _RAW[1:],
    **{link_type: tuple(_framed(link_type)) for link_type in LINK_HEADERS},
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
