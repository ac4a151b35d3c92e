"""Tunnel headers: where the inner IP header begins.

Must not know: what is inside, or how deep we are.
"""

from typing import Final

from sipwatch.packet import ERSPAN_2, ERSPAN_3, GENEVE_PORT, GRE_PPP, GTP_U_PORT, VXLAN_PORTS
from sipwatch.wire import link
from sipwatch.wire.discards import Discard

# UDP ports of the receiver or the sender; payload is checked before it is believed.
PORTS: Final = frozenset(port.to_bytes(2, "big") for port in (*VXLAN_PORTS, GENEVE_PORT, GTP_U_PORT))  # as in a header

_G_PDU: Final = 0xFF


def gre(data: bytes, start: int) -> int | Discard:
    """Return the inner IP header's place behind a GRE header (RFC 2784, 2890; ERSPAN I to III)."""
    if len(data) < start + 4:
        return Discard.TUNNEL_MALFORMED
    flags = data[start]
    protocol = int.from_bytes(data[start + 2 : start + 4], "big")
    version = data[start + 1] & 7
    if version == 1 and protocol == GRE_PPP:  # PPTP (RFC 2637): always a key, perhaps an acknowledgement
        return link.ppp(data, start + 8 + 4 * bool(flags & 0x10) + 4 * bool(data[start + 1] & 0x80))
    if version:
        return Discard.TUNNEL_MALFORMED
    sequence = flags & 0x10
    start += 4 + 4 * bool(flags & 0x80) + 4 * bool(flags & 0x20) + 4 * bool(sequence)
    if protocol == ERSPAN_2:
        # Type I has neither sequence number nor header of its own.
        return link.ethernet(data, start + 8 if sequence else start)
    if protocol == ERSPAN_3:
        has_subheader = len(data) > start + 11 and data[start + 11] & 1
        return link.ethernet(data, start + 12 + 8 * bool(has_subheader))
    return link.ethernet_or_ip(data, protocol, start)


def by_port(data: bytes, port: int, start: int, end: int) -> int | Discard | None:
    """Return the inner IP header's place in a UDP payload, None when it is no tunnel after all."""
    if port in VXLAN_PORTS:
        # RFC 7348: the I flag, everything reserved zero.
        if end - start < 8 or data[start] != 0x08 or data[start + 7]:
            return None
        return link.ethernet(data, start + 8)
    if port == GENEVE_PORT:
        # RFC 8926 §3.4: version 0, everything reserved zero.
        if end - start < 8 or data[start] >> 6 or data[start + 1] & 0x3F or data[start + 7]:
            return None
        protocol = int.from_bytes(data[start + 2 : start + 4], "big")
        return link.ethernet_or_ip(data, protocol, start + 8 + 4 * (data[start] & 0x3F))
    if port == GTP_U_PORT:
        return _gtp_u(data, start, end)
    return None


def _gtp_u(data: bytes, start: int, end: int) -> int | Discard | None:
    """3GPP TS 29.281 §5: version 1, protocol type GTP, message G-PDU."""
    if end - start < 8 or data[start] & 0xF0 != 0x30 or data[start + 1] != _G_PDU:
        return None
    flags = data[start]
    inner = start + 8
    if flags & 0x07:
        inner += 4
        following = data[inner - 1 : inner]
        while flags & 0x04 and following and following[0]:
            size = 4 * data[inner] if inner < end else 0
            if not size:
                return Discard.TUNNEL_MALFORMED
            inner += size
            following = data[inner - 1 : inner]
    return inner if inner < end else Discard.TUNNEL_MALFORMED
