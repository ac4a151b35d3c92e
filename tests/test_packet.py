"""Facts about packets are right, and stand nowhere else (issue: one place for each fact)."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

from scapy.data import ETHER_TYPES
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import (
    ICMPv6EchoRequest,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
)
from scapy.layers.ipsec import AH, ESP
from scapy.layers.l2 import GRE
from scapy.layers.sctp import SCTP

from sipwatch import packet
from tests.each import for_each

if TYPE_CHECKING:
    from scapy.packet import Packet

SOURCES = sorted((Path(__file__).resolve().parent.parent / "sipwatch").rglob("*.py"))
# Numbers that can mean nothing else, and the same as bytes of a header.
ETHERTYPES = (*packet.ETHERTYPES_IP, *packet.VLAN_TAGS, *packet.MPLS, packet.PPPOE_SESSION, packet.TRANSPARENT_ETHERNET)
PORTS = (*packet.VXLAN_PORTS, packet.GENEVE_PORT, packet.GTP_U_PORT, *packet.SIP_PORTS)
DISTINCT = {packet.SECOND, packet.FRAGMENTED, packet.SLL2, *ETHERTYPES, *PORTS} - {2048}  # a size as well
AS_BYTES = {*(number.to_bytes(2, "big") for number in (*ETHERTYPES, *PORTS)), packet.HEP_3, *packet.HEP_2}


@for_each("module", [path for path in SOURCES if path.name != "packet.py"])
def test_no_other_module_writes_them_down(module: Path) -> None:
    written = [node.value for node in ast.walk(ast.parse(module.read_text())) if isinstance(node, ast.Constant)]
    numbers = {value for value in written if type(value) in (int, float)}
    assert numbers & DISTINCT == set()
    assert {value for value in written if isinstance(value, bytes)} & AS_BYTES == set()


def test_protocols_are_those_of_scapy() -> None:
    carried = {
        packet.ICMP: ICMP(),
        packet.IPIP: IP(),
        packet.TCP: TCP(),
        packet.UDP: UDP(),
        packet.IPV6: IPv6(),
        packet.GRE: GRE(),
        packet.ESP: ESP(),
        packet.AH: AH(),
        packet.SCTP: SCTP(),
    }
    assert {number: bytes(IP() / inner)[9] for number, inner in carried.items()} == {each: each for each in carried}


def test_next_headers_are_those_of_scapy() -> None:
    def next_header(inner: Packet) -> int:
        return bytes(IPv6() / inner)[6]

    assert next_header(ICMPv6EchoRequest()) == packet.ICMPV6
    assert next_header(IPv6ExtHdrFragment()) == packet.FRAGMENT
    assert next_header(IPv6ExtHdrHopByHop()) == packet.HOP_BY_HOP
    assert {next_header(IPv6ExtHdrRouting()), next_header(IPv6ExtHdrDestOpt())} < packet.EXTENSIONS


def test_ethertypes_are_those_of_scapy() -> None:
    assert (ETHER_TYPES.IPv4, ETHER_TYPES.IPv6) == (packet.ETHERTYPE_IPV4, packet.ETHERTYPE_IPV6)
    assert packet.PPPOE_SESSION == ETHER_TYPES.PPP_SES
    assert ETHER_TYPES.n_802_1Q in packet.VLAN_TAGS
