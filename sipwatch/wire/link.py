"""From a captured frame to the IP header inside it: link layers, tags and labels.

Must not know: IP, transports, SIP.
"""

from typing import Final

from sipwatch.packet import (
    ETHERNET,
    ETHERTYPES_IP,
    FAMILIES,
    FAMILY,
    LINK_HEADERS,
    MPLS,
    PPP,
    PPP_IP,
    PPPOE_SESSION,
    RAW,
    TRANSPARENT_ETHERNET,
    VLAN_TAGS,
)
from sipwatch.wire.discards import Discard

_MAX_LABELS: Final = 16  # tags or labels in a row; nobody stacks more


def ip_offset(link_type: int, data: bytes) -> int | Discard:
    """Return where the IP header of a frame begins, or why there is none to be had."""
    if link_type == ETHERNET:
        return ethernet(data, 0)
    if link_type in RAW:
        return 0 if data else Discard.LINK_TRUNCATED
    if link_type in LINK_HEADERS:
        size, at = LINK_HEADERS[link_type]
        if len(data) < size:
            return Discard.LINK_TRUNCATED
        return _by_ethertype(data, int.from_bytes(data[at : at + 2], "big"), size)
    if link_type in FAMILY:
        if len(data) < 4:
            return Discard.LINK_TRUNCATED
        families = {int.from_bytes(data[:4], "little"), int.from_bytes(data[:4], "big")}
        return 4 if families & FAMILIES else Discard.NOT_IP
    if link_type == PPP:
        return ppp(data, 0)
    return Discard.LINK_TYPE


def ip_end(link_type: int, data: bytes) -> int:
    """Return where a frame's IP packet says that it ends, which lies beyond the frame when the snap length cut it."""
    start = ip_offset(link_type, data)
    if isinstance(start, Discard) or start >= len(data):
        return len(data)
    at, before = (start + 2, 0) if data[start] >> 4 == 4 else (start + 4, 40)
    length = int.from_bytes(data[at : at + 2], "big")
    return start + before + length if length else len(data)


def ethernet(data: bytes, start: int) -> int | Discard:
    """Return where the IP header begins in an Ethernet frame that begins at ``start``."""
    if len(data) < start + 14:
        return Discard.LINK_TRUNCATED
    ethertype = int.from_bytes(data[start + 12 : start + 14], "big")
    start += 14
    if ethertype <= 1500:  # IEEE 802.3 with LLC and SNAP (RFC 1042)
        if data[start : start + 6] != b"\xaa\xaa\x03\x00\x00\x00":
            return Discard.NOT_IP
        ethertype = int.from_bytes(data[start + 6 : start + 8], "big")
        start += 8
    return _by_ethertype(data, ethertype, start)


def _by_ethertype(data: bytes, ethertype: int, start: int) -> int | Discard:
    for _ in range(_MAX_LABELS):
        if ethertype in ETHERTYPES_IP:
            return start
        if ethertype in VLAN_TAGS:
            ethertype = int.from_bytes(data[start + 2 : start + 4], "big")
            start += 4
        elif ethertype in MPLS:
            return _mpls(data, start)
        elif ethertype == PPPOE_SESSION:
            return ppp(data, start + 6)
        else:
            return Discard.NOT_IP
    return Discard.NOT_IP


def ppp(data: bytes, start: int) -> int | Discard:
    """Return where the IP header begins in a PPP frame, with or without address and control bytes."""
    if data[start : start + 2] == b"\xff\x03":
        start += 2
    protocol = data[start : start + 2]
    if protocol[:1] and protocol[0] & 1:  # compressed to one byte (RFC 1661 §6.5)
        return start + 1 if protocol[0] in PPP_IP else Discard.NOT_IP
    return start + 2 if int.from_bytes(protocol, "big") in PPP_IP else Discard.NOT_IP


def _mpls(data: bytes, start: int) -> int | Discard:
    """Walk the label stack; what is beneath is guessed, as RFC 4928 says routers do."""
    for _ in range(_MAX_LABELS):
        if len(data) < start + 5:
            return Discard.LINK_TRUNCATED
        bottom = data[start + 2] & 1
        start += 4
        if bottom:
            version = data[start] >> 4
            if version in (4, 6):
                return start
            # A pseudowire; a control word begins with four zero bits (RFC 4385).
            return ethernet(data, start + 4 if data[start : start + 4] == b"\0\0\0\0" else start)
    return Discard.NOT_IP


def ethernet_or_ip(data: bytes, protocol: int, start: int) -> int | Discard:
    """Return the IP header's place behind a GRE or Geneve header that names an ethertype."""
    if protocol == TRANSPARENT_ETHERNET:
        return ethernet(data, start)
    return _by_ethertype(data, protocol, start)
