"""From a captured frame to the IP header inside it: link layers, tags and labels.

Must not know: IP, transports, SIP.
"""

from sipwatch.wire.discards import Discard

# LINKTYPE_ values as they stand in capture files.
NULL, ETHERNET, PPP, RAW_BSD, RAW_OPENBSD, RAW, C_HDLC, LOOP, SLL, IPV4_ONLY, IPV6_ONLY, SLL2 = (
    0, 1, 9, 12, 14, 101, 104, 108, 113, 228, 229, 276,
)  # fmt: skip
_AT_ONCE = frozenset({RAW, RAW_BSD, RAW_OPENBSD, IPV4_ONLY, IPV6_ONLY})
_LINK_HEADER = {C_HDLC: 4, SLL: 16, SLL2: 20}
_ETHERTYPE_AT = {C_HDLC: 2, SLL: 14, SLL2: 0}

# Ethertypes
_IP = frozenset({0x0800, 0x86DD})
_TAGS = frozenset({0x8100, 0x88A8, 0x9100, 0x9200})
_MPLS = frozenset({0x8847, 0x8848})
_PPPOE_SESSION = 0x8864
_TRANSPARENT_ETHERNET = 0x6558
_PPP_IP = frozenset({0x0021, 0x0057})
_MAX_LABELS = 16  # tags or labels in a row; nobody stacks more

# BSD null headers name the address family in the byte order of the machine that captured.
_AF_INET = frozenset({2})
_AF_INET6 = frozenset({10, 24, 28, 30})


def ip_offset(link_type: int, data: bytes) -> int | Discard:
    """Return where the IP header of a frame begins, or why there is none to be had."""
    if link_type == ETHERNET:
        return ethernet(data, 0)
    if link_type in _AT_ONCE:
        return 0 if data else Discard.LINK_TRUNCATED
    if link_type in _LINK_HEADER:
        size = _LINK_HEADER[link_type]
        if len(data) < size:
            return Discard.LINK_TRUNCATED
        at = _ETHERTYPE_AT[link_type]
        return _by_ethertype(data, int.from_bytes(data[at : at + 2], "big"), size)
    if link_type in (NULL, LOOP):
        if len(data) < 4:
            return Discard.LINK_TRUNCATED
        families = {int.from_bytes(data[:4], "little"), int.from_bytes(data[:4], "big")}
        return 4 if families & (_AF_INET | _AF_INET6) else Discard.NOT_IP
    if link_type == PPP:
        return ppp(data, 0)
    return Discard.LINK_TYPE


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
        if ethertype in _IP:
            return start
        if ethertype in _TAGS:
            ethertype = int.from_bytes(data[start + 2 : start + 4], "big")
            start += 4
        elif ethertype in _MPLS:
            return _mpls(data, start)
        elif ethertype == _PPPOE_SESSION:
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
        return start + 1 if protocol[0] in _PPP_IP else Discard.NOT_IP
    return start + 2 if int.from_bytes(protocol, "big") in _PPP_IP else Discard.NOT_IP


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
    if protocol == _TRANSPARENT_ETHERNET:
        return ethernet(data, start)
    return _by_ethertype(data, protocol, start)
