"""The kernel's filter: classic BPF programs that let SIP through and keep RTP out of user space.

Must not know: sockets, rings, configuration files. What passes is decided by the first bytes of the
payload for UDP, whatever the port, and by port for TCP, whose segments begin anywhere.

Whatever the wire layer would take for SIP in UDP passes, with one exception: a method that begins with a
digit, as no method does, while the commands that proxies send to their media relays do. What else passes is
what looks the same: eight bytes of text that begin with a letter or a blank. Random payload does so less than once
in a thousand times, RTP, RTCP, DTLS and STUN never. Of ESP passes what would pass if nothing of it were encrypted.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from sipwatch.packet import (
    AH,
    BLANKS,
    ESP,
    ETHERTYPE_IPV4,
    ETHERTYPE_IPV6,
    EXTENSIONS,
    FRAGMENT,
    FRAGMENTED,
    GENEVE_PORT,
    GRE,
    GTP_U_PORT,
    HEP_2,
    HEP_3,
    HOP_BY_HOP,
    ICMP,
    ICMPV6,
    IPIP,
    IPV6,
    MAX_JUNK_LENGTH,
    MPLS,
    PPPOE_SESSION,
    SIP_PORTS,
    TCP,
    UDP,
    VLAN_TAGS,
    VXLAN_PORTS,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_INSTRUCTION = Struct("=HBBI")

# <linux/filter.h>: code = class | size or operation | mode or source
_LD_W_ABS, _LD_H_ABS, _LD_B_ABS = 0x20, 0x28, 0x30
_LD_W_IND, _LD_H_IND, _LD_B_IND = 0x40, 0x48, 0x50
_LD_MEM, _ST, _LDX_IMM = 0x60, 0x02, 0x01
_ADD, _ADD_X, _AND, _LSH, _RSH = 0x04, 0x0C, 0x54, 0x64, 0x74
_JA, _JEQ, _JGT, _JGE, _JSET = 0x05, 0x15, 0x25, 0x35, 0x45
_TAX, _TXA, _RET = 0x07, 0x87, 0x06

# Facts beside the packet. Its bytes are read by plain offsets: those from SKF_NET_OFF on reach only into what
# lies in one piece, and drivers as well as sockets keep payload in pages of its own.
_PROTOCOL, _PKTTYPE, _HATYPE = 0xFFFFF000, 0xFFFFF004, 0xFFFFF01C  # SKF_AD_OFF + ...
_OUTGOING = 4  # PACKET_OUTGOING
_LOOPBACK = 772  # ARPHRD_LOOPBACK

_WHOLE = 0x40000  # bytes to keep: everything
_ESP_HEADER = 8
_SELDOM = sorted((EXTENSIONS - {HOP_BY_HOP}) | {FRAGMENT, AH})
_MAX_TAGS = 2  # that are looked behind, beside the one that the kernel takes off

_HEP_3 = int.from_bytes(HEP_3, "big")
_HEP_2 = [int.from_bytes(mark, "big") for mark in HEP_2]
_NO_ASCII = 0x80808080

TUNNELS = ("gre", "ipip", "vxlan", "geneve", "gtpu", "mpls", "pppoe")
_TUNNEL_PORTS = {"vxlan": VXLAN_PORTS, "geneve": (GENEVE_PORT,), "gtpu": (GTP_U_PORT,)}
_TUNNEL_PROTOCOLS = {"gre": (GRE,), "ipip": (IPIP, IPV6)}
_TUNNEL_ETHERTYPES = {"mpls": MPLS, "pppoe": (PPPOE_SESSION,)}

MAX_TCP_PORTS = 32  # a jump in the program reaches 255 instructions
DEFAULT_TCP_PORTS = (*SIP_PORTS, 5062, 5066, 5080, 8088)  # SIP; and where servers speak it over WebSocket


class WantedPackets(NamedTuple):
    """What the filter lets through beside SIP in plain UDP."""

    tcp_ports: tuple[int, ...] = DEFAULT_TCP_PORTS
    tunnels: tuple[str, ...] = ()


class Program(NamedTuple):
    """One filter for packets that begin with an Ethernet header, and for those that begin at their network header.

    Each is struct sock_filter after struct sock_filter.
    """

    framed: bytes
    bare: bytes


class _Assembler:
    """Instructions with labels; conditional jumps go forward by 255 at the most, as the kernel wants them."""

    def __init__(self) -> None:
        self._code: list[tuple[int, str, str, int]] = []
        self._labels: dict[str, int] = {}

    def label(self, name: str) -> None:
        self._labels[name] = len(self._code)

    def do(self, code: int, k: int = 0) -> None:
        self._code.append((code, "", "", k))

    def jump(self, code: int, k: int, yes: str = "", no: str = "") -> None:
        """Go to a label, or on with what follows."""
        self._code.append((code, yes, no, k))

    def each(self, values: Sequence[int], yes: str) -> None:
        """Go to a label when what was loaded is one of the values."""
        for value in values:
            self.jump(_JEQ, value, yes=yes)

    def assemble(self) -> bytes:
        """Return the instructions; an unconditional jump has its distance in k, and may be far."""
        code = bytearray()
        for place, (op, yes, no, k) in enumerate(self._code):
            if op == _JA:
                code += _INSTRUCTION.pack(op, 0, 0, self._distance(yes, place))
            else:
                code += _INSTRUCTION.pack(op, self._distance(yes, place), self._distance(no, place), k)
        return bytes(code)

    def _distance(self, label: str, place: int) -> int:
        return self._labels[label] - place - 1 if label else 0


def program(wanted: WantedPackets) -> Program:
    """Assemble the filter for packet sockets."""
    return Program(_assemble(_ethernet, wanted), _assemble(_bare, wanted))


def _assemble(link: Callable[[_Assembler, WantedPackets], None], wanted: WantedPackets) -> bytes:
    p = _Assembler()
    # Loopback shows each packet on its way out and on its way in: one is enough.
    p.do(_LD_B_ABS, _PKTTYPE)
    p.jump(_JEQ, _OUTGOING, no="link")
    p.do(_LD_H_ABS, _HATYPE)
    p.jump(_JEQ, _LOOPBACK, yes="drop")
    p.label("link")
    link(p, wanted)
    _ip(p, wanted)
    _transport(p, wanted)
    p.label("drop")
    p.do(_RET, 0)
    p.label("keep")
    p.do(_RET, _WHOLE)
    return p.assemble()


# Every part but the first begins with X at its header.


def _ethernet(p: _Assembler, wanted: WantedPackets) -> None:
    for tags in range(_MAX_TAGS + 1):
        p.label(f"tags {tags}")
        p.do(_LDX_IMM, 14 + 4 * tags)
        p.do(_LD_H_ABS, 12 + 4 * tags)
        _ethertype(p, wanted, tags)
        p.jump(_JA, 0, yes="drop")


def _bare(p: _Assembler, wanted: WantedPackets) -> None:
    """Ask the kernel what begins here. Where it says that a tag does, the IP header may do so nevertheless.

    It does when the packet is on its way out and the network card does not add tags itself.
    """
    p.do(_LDX_IMM, 0)
    p.do(_LD_H_ABS, _PROTOCOL)
    _ethertype(p, wanted, 0)
    p.jump(_JA, 0, yes="drop")
    for tags in range(1, _MAX_TAGS + 1):
        p.label(f"tags {tags}")
        p.do(_LDX_IMM, 4 * tags)
        p.do(_LD_H_ABS, 4 * tags - 2)
        _ethertype(p, wanted, tags)
        p.do(_LDX_IMM, 4 * tags - 4)
        p.do(_LD_B_ABS, 4 * tags - 4)
        p.do(_RSH, 4)
        p.jump(_JEQ, 4, yes="ipv4")
        p.jump(_JEQ, 6, yes="ipv6", no="drop")


def _ethertype(p: _Assembler, wanted: WantedPackets, tags: int) -> None:
    p.jump(_JEQ, ETHERTYPE_IPV4, yes="ipv4")
    p.jump(_JEQ, ETHERTYPE_IPV6, yes="ipv6")
    p.each(_of(_TUNNEL_ETHERTYPES, wanted), yes="keep")
    if tags < _MAX_TAGS:
        p.each(VLAN_TAGS, yes=f"tags {tags + 1}")


def _ip(p: _Assembler, wanted: WantedPackets) -> None:
    tunnels = _of(_TUNNEL_PROTOCOLS, wanted)
    _ipv4(p, tunnels)
    _icmp(p, 3, 11)
    _ipv6(p, tunnels)
    p.jump(_JEQ, ICMPV6, no="drop")
    _icmp(p, 1, 3)
    p.label("hop by hop")
    p.do(_LD_B_IND, 40)
    p.jump(_JEQ, ICMPV6, yes="drop", no="keep")  # multicast listeners report, all the time


def _ipv4(p: _Assembler, tunnels: Sequence[int]) -> None:
    p.label("ipv4")
    p.do(_LD_B_IND, 9)
    p.do(_ST, 0)
    p.each(tunnels, yes="keep")
    p.jump(_JEQ, AH, yes="keep")  # as rare as the extension headers of IPv6, of which it is one
    p.jump(_JEQ, ICMP, yes="behind ipv4")
    p.each((UDP, ESP), yes="fragment?")
    p.jump(_JEQ, TCP, no="drop")
    p.label("fragment?")
    p.do(_LD_H_IND, 6)
    p.jump(_JSET, FRAGMENTED, yes="keep")  # what it is a part of shows when it is whole
    p.label("behind ipv4")
    p.do(_LD_B_IND, 0)
    p.do(_AND, 0x0F)
    p.do(_LSH, 2)
    p.do(_ADD_X)
    _behind(p)


def _ipv6(p: _Assembler, tunnels: Sequence[int]) -> None:
    p.label("ipv6")
    p.do(_LD_B_IND, 6)
    p.do(_ST, 0)
    p.jump(_JEQ, HOP_BY_HOP, yes="hop by hop")
    p.each((*_SELDOM, *tunnels), yes="keep")  # extension headers are rare
    p.do(_TXA)
    p.do(_ADD, 40)
    _behind(p)


def _behind(p: _Assembler) -> None:
    """Go on behind the IP header, whose protocol was kept."""
    p.do(_TAX)
    p.do(_LD_MEM, 0)
    p.jump(_JEQ, UDP, yes="udp")
    p.jump(_JEQ, TCP, yes="tcp")
    p.jump(_JEQ, ESP, yes="esp")


def _icmp(p: _Assembler, unreachable: int, exceeded: int) -> None:
    p.do(_LD_B_IND, 0)
    p.jump(_JEQ, unreachable, yes="keep")
    p.jump(_JEQ, exceeded, yes="keep", no="drop")


def _transport(p: _Assembler, wanted: WantedPackets) -> None:
    p.label("esp")  # whether there is UDP or TCP in it stands at its end: what fits either passes
    p.do(_TXA)
    p.do(_ADD, _ESP_HEADER)
    p.do(_TAX)
    p.label("tcp")
    _ports(p, wanted.tcp_ports)
    p.do(_LD_MEM, 0)
    p.jump(_JEQ, ESP, no="drop")
    p.label("udp")
    _ports(p, _of(_TUNNEL_PORTS, wanted))
    _payload(p)


def _ports(p: _Assembler, ports: Sequence[int]) -> None:
    for at in (0, 2) if ports else ():
        p.do(_LD_H_IND, at)
        p.each(ports, yes="keep")


def _payload(p: _Assembler) -> None:
    """Look at the first eight bytes of a datagram; reading beyond the packet drops it."""
    p.do(_LD_W_IND, 8)
    p.jump(_JSET, 1 << 31, yes="drop")  # RTP and RTCP, most of what there is
    p.jump(_JEQ, _HEP_3, yes="keep")
    p.do(_RSH, 16)
    p.each(_HEP_2, yes="keep")
    p.do(_RSH, 8)
    p.each(BLANKS, yes="blank")
    p.jump(_JEQ, ord("~"), yes="word")
    p.jump(_JGT, ord("z"), yes="drop")
    p.jump(_JGE, ord("A"), yes="word")  # [\]^` as well, which is cheaper than to look
    p.jump(_JGT, ord("."), yes="drop")  # digits, and what no method is made of
    p.jump(_JGE, ord("!"), yes="word", no="drop")
    p.label("blank")  # empty lines may come before a message (RFC 3261 §7.5)
    p.do(_LD_H_IND, 4)
    p.jump(_JGT, 8 + MAX_JUNK_LENGTH, yes="text", no="drop")
    p.label("word")
    for at in range(9, 13):
        p.do(_LD_B_IND, at)
        p.jump(_JGE, ord(" "), no="drop")
    p.label("text")
    for at in (8, 12):
        p.do(_LD_W_IND, at)
        p.jump(_JSET, _NO_ASCII, yes="drop")
    p.do(_RET, _WHOLE)


def _of(table: dict[str, tuple[int, ...]], wanted: WantedPackets) -> list[int]:
    return [number for name in wanted.tunnels for number in table.get(name, ())]
