"""A second opinion on packets: what scapy builds, we decode; what scapy's readers read, ours read too."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from scapy.contrib.geneve import GENEVE
from scapy.contrib.gtp import GTP_U_Header, GTPPDUSessionContainer
from scapy.contrib.mpls import MPLS
from scapy.layers.inet import ICMP, IP, TCP, UDP, fragment
from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, PadN, fragment6
from scapy.layers.l2 import GRE, LLC, SNAP, CookedLinux, CookedLinuxV2, Dot1AD, Dot1Q, Dot3, Ether, Loopback
from scapy.layers.ppp import PPP, PPPoE
from scapy.layers.vxlan import VXLAN
from scapy.packet import Packet, Raw
from scapy.utils import RawPcapNgReader, RawPcapReader

from sipwatch.capture.files import Prefilter, open_capture
from sipwatch.wire.decoder import Decoder
from tests.each import for_each
from tests.wire.test_decoder import calls, options

ROOT = Path(__file__).resolve().parents[2]
CAPTURES = Path(os.environ.get("SIPWATCH_CAPTURES", ROOT.parent / "shared" / "captures"))
ETHER = Ether(dst="02:00:00:00:00:02")  # else scapy asks the network who has the address, and waits for an answer
V4 = IP(src="192.0.2.1", dst="192.0.2.2")
V6 = IPv6(src="2001:db8::1", dst="2001:db8::2")
OUTER = IP(src="198.51.100.1", dst="198.51.100.2")


def sip(network: Packet) -> Packet:
    return network / UDP(sport=5060, dport=5060) / Raw(options())


PACKETS: dict[str, tuple[int, Packet]] = {
    "ethernet": (1, ETHER / sip(V4)),
    "ethernet-ipv6": (1, ETHER / sip(V6)),
    "vlan": (1, ETHER / Dot1Q(vlan=7) / sip(V4)),
    "qinq": (1, ETHER / Dot1AD(vlan=7) / Dot1Q(vlan=8) / sip(V6)),
    "snap": (1, Dot3(dst=ETHER.dst) / LLC(dsap=0xAA, ssap=0xAA, ctrl=3) / SNAP(code=0x0800) / sip(V4)),
    "pppoe": (1, ETHER / PPPoE(sessionid=1) / PPP() / sip(V4)),
    "mpls": (1, ETHER / MPLS(label=100, s=0) / MPLS(label=200, s=1) / sip(V4)),
    "cooked": (113, CookedLinux() / sip(V4)),
    "cooked-2": (276, CookedLinuxV2() / sip(V4)),
    "loopback": (0, Loopback() / sip(V4)),
    "raw-ipv6": (101, sip(V6)),
    "ip-options": (1, ETHER / sip(IP(src="192.0.2.1", dst="192.0.2.2", options=[b"\x07\x07\x04\0\0\0\0\0"]))),
    "hop-by-hop": (1, ETHER / sip(V6 / IPv6ExtHdrHopByHop(options=[PadN()]) / IPv6ExtHdrDestOpt(options=[PadN()]))),
    "gre": (1, ETHER / OUTER / GRE(key_present=1, key=3) / sip(V4)),
    "vxlan": (1, ETHER / OUTER / UDP(sport=50000, dport=4789) / VXLAN(vni=7, flags=8) / ETHER / sip(V4)),
    "geneve": (1, ETHER / OUTER / UDP(sport=50000, dport=6081) / GENEVE(vni=7) / ETHER / sip(V4)),
    "gtp-u": (1, ETHER / OUTER / UDP(sport=2152, dport=2152) / GTP_U_Header(teid=1) / sip(V4)),
    "gtp-u-sequence": (1, ETHER / OUTER / UDP(sport=2152, dport=2152) / GTP_U_Header(teid=1, S=1, seq=7) / sip(V4)),
    "gtp-u-session": (
        1,
        ETHER / OUTER / UDP(sport=2152, dport=2152) / GTP_U_Header(teid=1, E=1, next_ex=0x85)
        / GTPPDUSessionContainer(type=0, QFI=1) / sip(V4),
    ),
    "ip-in-ip": (1, ETHER / OUTER / sip(V4)),
    "6in4": (1, ETHER / OUTER / sip(V6)),
    "tcp": (1, ETHER / V4 / TCP(sport=40000, dport=5060, flags="PA", seq=1) / Raw(options())),
}  # fmt: skip


@pytest.mark.parametrize(("link_type", "packet"), PACKETS.values(), ids=PACKETS)
def test_what_scapy_builds_is_decoded(link_type: int, packet: Packet) -> None:
    """With lengths and checksums as scapy fills them in."""
    assert calls(Decoder().frame(0, link_type, bytes(packet))) == [b"call1"]


@pytest.mark.parametrize(
    "pieces",
    [
        fragment(sip(V4), fragsize=104),  # type: ignore[no-untyped-call]
        fragment6(  # type: ignore[no-untyped-call]
            V6 / IPv6ExtHdrFragment(id=9) / UDP(sport=5060, dport=5060) / Raw(options()), 160
        ),
    ],
    ids=["ipv4", "ipv6"],
)
def test_what_scapy_cuts_is_put_together(pieces: list[Packet]) -> None:
    decoder = Decoder()
    items = [item for piece in pieces for item in decoder.frame(0, 101, bytes(piece))]
    assert len(pieces) > 1
    assert calls(items) == [b"call1"]


def test_an_icmp_error_of_scapys_is_evidence() -> None:
    (item,) = Decoder().frame(0, 101, bytes(IP(src="192.0.2.2", dst="192.0.2.1") / ICMP(type=3, code=3) / sip(V4)))
    assert type(item).__name__ == "Unreachable"


def every_capture() -> list[Path]:
    own = [path for path in (ROOT / "pcaps").rglob("*.pcap*") if path.suffix in (".pcap", ".pcapng")]
    return sorted(own) + sorted(CAPTURES.glob("*.pcap*"))


@for_each("path", every_capture())
def test_scapys_readers_and_ours_read_the_same_packets(path: Path) -> None:
    """Byte for byte; and the same times, to the microsecond that scapy keeps."""
    magic = path.read_bytes()[:4]
    reader = (RawPcapNgReader if magic == b"\x0a\x0d\x0d\x0a" else RawPcapReader)(str(path))
    with open_capture([str(path)], prefilter=Prefilter.OFF) as source:
        ours = [data for _, _, data in source]
    assert ours == [data for data, _ in reader]
    reader.close()
