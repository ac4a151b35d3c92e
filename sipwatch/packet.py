"""Facts about packets, each in this one place: what the numbers in headers mean, and the units of packet time.

Must not know: anything else of this project. All that reads, filters or writes packets takes them from here.
"""

from typing import Final

# Packet time is in integer nanoseconds.
SECOND: Final = 1_000_000_000
MILLISECOND: Final = 1_000_000
MICROSECOND: Final = 1_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

FILE_SHIFT: Final = 40  # bits of a packet's number; above them stands the place of its file among several

# LINKTYPE_ values as they stand in capture files
NULL: Final = 0
ETHERNET: Final = 1
PPP: Final = 9
C_HDLC: Final = 104
LOOP: Final = 108
SLL: Final = 113
SLL2: Final = 276
RAW: Final = frozenset({12, 14, 101, 228, 229})  # IP at once: of BSD, OpenBSD, everybody; IPv4 only, IPv6 only
RAW_IPV4: Final = 228
RAW_IPV6: Final = 229
FAMILY: Final = frozenset({NULL, LOOP})  # the address family comes first, in the capturing machine's byte order
FAMILIES: Final = frozenset({2, 10, 24, 28, 30})  # AF_INET; AF_INET6 of Linux, NetBSD, FreeBSD and macOS
REPORTED: Final = -1  # no LINKTYPE of any file: what an agent reported over HEP, as wire.hep.carry writes it
LINK_HEADERS: Final = {ETHERNET: (14, 12), C_HDLC: (4, 2), SLL: (16, 14), SLL2: (20, 0)}  # bytes; its ethertype's place
# Every link type that is read, and what it is called.
LINK_NAMES: Final = {
    ETHERNET: "Ethernet", SLL: "Linux cooked captures", SLL2: "Linux cooked captures", **dict.fromkeys(RAW, "raw IP"),
    NULL: "BSD loopback", LOOP: "BSD loopback", PPP: "PPP", C_HDLC: "Cisco HDLC",
}  # fmt: skip

# Ethertypes
ETHERTYPE_IPV4: Final = 0x0800
ETHERTYPE_IPV6: Final = 0x86DD
ETHERTYPES_IP: Final = frozenset({ETHERTYPE_IPV4, ETHERTYPE_IPV6})
VLAN_TAGS: Final = (0x8100, 0x88A8, 0x9100, 0x9200)  # 802.1Q, 802.1ad, and what there was before it
MPLS: Final = (0x8847, 0x8848)
PPPOE_SESSION: Final = 0x8864
TRANSPARENT_ETHERNET: Final = 0x6558
GRE_PPP: Final = 0x880B  # RFC 2637, PPTP
ERSPAN_2: Final = 0x88BE  # and type I
ERSPAN_3: Final = 0x22EB
PPP_IP: Final = frozenset({0x0021, 0x0057})  # protocol numbers of PPP: IPv4, IPv6

# IP protocols, which are the next headers of IPv6
ICMP: Final = 1
IPIP: Final = 4
TCP: Final = 6
UDP: Final = 17
IPV6: Final = 41
GRE: Final = 47
ESP: Final = 50
AH: Final = 51
ICMPV6: Final = 58
SCTP: Final = 132

# Extension headers of IPv6; all but the fragment's and AH (which is one as well) tell their length in the same way.
HOP_BY_HOP: Final = 0
FRAGMENT: Final = 44
EXTENSIONS: Final = frozenset({HOP_BY_HOP, 43, 60, 135, 139, 140})  # and routing, destination, mobility, HIP, shim6

# Flags and offset in an IPv4 header
MORE_FRAGMENTS: Final = 0x2000
FRAGMENT_OFFSET: Final = 0x1FFF  # in units of eight bytes
FRAGMENTED: Final = MORE_FRAGMENTS | FRAGMENT_OFFSET  # zero of a packet that is whole

# TCP: flags, and the circle of sequence numbers
FIN: Final = 1
SYN: Final = 2
RST: Final = 4
PSH: Final = 8
ACK: Final = 16
SEQUENCE_MASK: Final = 0xFFFF_FFFF

# UDP ports of tunnels
VXLAN_PORTS: Final = (4789, 8472)
GENEVE_PORT: Final = 6081
GTP_U_PORT: Final = 2152

SIP_PORTS: Final = (5060, 5061)

# What a UDP payload begins with
RTP_MASK: Final = 0xC0
RTP_VERSION: Final = 0x80  # RFC 3550 §5.1: version 2 in the two top bits, of RTCP as well
HEP_3: Final = b"HEP3"
HEP_2: Final = (b"\x02\x10", b"\x02\x28", b"\x01\x10", b"\x01\x28")  # versions 2 and 1; header length: IPv4, IPv6
BLANKS: Final = b"\r\n\0 \t"  # that may stand before a SIP message (RFC 3261 §7.5), or be all there is
MAX_JUNK_LENGTH: Final = 4  # bytes; what phones send to hold a NAT binding open


def host_and_port(host: str, port: int) -> str:
    """Write where something listens or comes from: an IPv6 address in brackets (RFC 3986 §3.2.2), a name as it is."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
