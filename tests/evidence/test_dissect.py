"""The places of bytes are those that the decoder reads, and any bytes at all give no error."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sipwatch.capture.files import open_capture
from sipwatch.evidence.datagrams import datagram_of
from sipwatch.evidence.dissect import Dissector
from sipwatch.evidence.packets import Packet
from sipwatch.packet import TCP, UDP
from sipwatch.wire.decoder import Decoder
from sipwatch.wire.message import Request, Response, Transport
from tests.wire import frames as f
from tests.wire.test_decoder import options

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sipwatch.evidence.dissect import Carried

FAMILIES = {"v4": (f.ipv4, f.A4, f.B4), "v6": (f.ipv6, f.A6, f.B6)}


def dissect(link_type: int, *frames: bytes) -> list[Carried]:
    dissector = Dissector()
    found = [dissector.packet(Packet(place, place, link_type, data)) for place, data in enumerate(frames)]
    return [carried for carried in found if carried is not None]


@pytest.mark.parametrize(("link", "tunnel", "family"), list(product(f.LINKS, f.TUNNELS, FAMILIES)))
def test_a_payload_is_found_through_every_link_layer_and_tunnel(link: str, tunnel: str, family: str) -> None:
    wrap, source, destination = FAMILIES[family]
    link_type, enclose = f.LINKS[link]
    packet = f.TUNNELS[tunnel](wrap(f.udp(options(), 5062, 5060), f.UDP, source, destination))
    (carried,) = dissect(link_type, enclose(packet))
    assert carried.view.read() == options()
    assert (carried.protocol, carried.missing) == (UDP, 0)
    assert carried.key == source + destination + f.ports(5062, 5060)


@pytest.mark.parametrize("name", [
    "aaa.pcap", "gre-vlan.pcapng", "ipip-tcp.pcap", "ipv6-fragments.pcap", "junk-before-request.pcap", "long-paths.pcap",
    "odd-ports.pcap", "requests-pppoe.pcap", "volte-gtp.pcap", "compact-form.pcap", "multi-value-headers.pcap",
])  # fmt: skip
def test_on_recordings_it_agrees_with_the_decoder_about_every_datagram(foreign_captures: Path, name: str) -> None:
    decoder, dissector = Decoder(), Dissector()
    messages = 0
    with open_capture([str(foreign_captures / name)]) as source:
        for place, (time, link_type, data) in enumerate(source):
            carried = dissector.packet(Packet(place, time, link_type, data))
            for item in decoder.frame(time, link_type, data):
                if isinstance(item, (Request, Response)) and item.path.transport is Transport.UDP:
                    assert carried is not None
                    datagram = datagram_of(carried)
                    assert datagram is not None
                    assert (datagram.raw, datagram.path.key) == (item.raw, item.path.key)
                    messages += 1
            if carried is not None and carried.protocol == TCP:
                messages += 1
    assert messages


@pytest.mark.parametrize("tunnel", ["vxlan", "geneve", "gtp-u"])
def test_a_tunnel_is_known_by_its_port_on_the_senders_side_as_in_the_decoder(tunnel: str) -> None:
    packet = f.TUNNELS[tunnel](f.ipv4(f.udp(options(), 5062, 5060)))
    turned = f.ethernet(packet[:20] + packet[22:24] + f.ports(50_000, 0)[:2] + packet[24:])
    (carried,) = dissect(1, turned)
    (message,) = Decoder().frame(0, 1, turned)
    assert isinstance(message, Request)
    assert carried.key == message.path.key == f.A4 + f.B4 + f.ports(5062, 5060)


@pytest.mark.parametrize("wrap", [f.ipv4, f.ipv6], ids=["v4", "v6"])
def test_a_payload_is_found_behind_an_authentication_header(wrap: Callable[..., bytes]) -> None:
    header = bytes((UDP, 4)) + bytes(22)
    (carried,) = dissect(101, wrap(header + f.udp(options()), 51))
    assert carried.view.read() == options()


@pytest.mark.parametrize("header", [bytes((UDP, 0)), bytes((UDP, 200)), bytes((51, 1, *bytes(10))) * 9], ids=len)
def test_nothing_is_found_behind_an_authentication_header_that_cannot_be(header: bytes) -> None:
    assert dissect(101, f.ipv4(header + bytes(22) + f.udp(options()), 51)) == []


def test_fragments_become_one_payload_that_knows_all_its_packets() -> None:
    pieces = f.fragments_v4(f.ipv4(f.udp(options())), 64, 7)
    (carried,) = dissect(101, *pieces)
    assert carried.view.read() == options()
    assert [packet.place for packet in carried.packets] == list(range(len(pieces)))
    assert carried.lengths is None


def test_a_segment_knows_its_numbers_and_where_its_lengths_stand() -> None:
    packet = f.pppoe(f.ipv4(f.tcp(b"data", 7, f.ACK, acknowledged=9), f.TCP))
    (carried,) = dissect(1, packet)
    assert (carried.sequence, carried.acknowledged, carried.flags, carried.header) == (7, 9, f.ACK, 20)
    assert carried.lengths is not None
    assert [int.from_bytes(packet[at : at + 2], "big") for at in carried.lengths] == [46, 44]


def test_a_packet_cut_short_says_how_much_is_missing_and_how_long_it_was() -> None:
    frame = f.ethernet(f.ipv4(f.udp(options())))
    packet = Packet(0, 0, 1, frame[:-25])
    carried = Dissector().packet(packet)
    assert carried is not None
    assert (carried.missing, packet.length) == (25, len(frame))
    assert carried.view.read() == options()[:-25]


@given(st.sampled_from([kind for kind, _ in f.LINKS.values()]), st.binary(max_size=200))
@example(1, b"")
@example(101, b"\x45")
@example(101, b"\x60" + bytes(39))
def test_any_bytes_at_all_give_no_error(link_type: int, data: bytes) -> None:
    for carried in dissect(link_type, data):
        datagram_of(carried)


@given(st.sampled_from(sorted(f.TUNNELS)), st.data())
def test_nor_do_damaged_packets(tunnel: str, data: st.DataObject) -> None:
    packet = bytearray(f.TUNNELS[tunnel](f.ipv4(f.udp(options()))))
    for _ in range(data.draw(st.integers(1, 5))):
        packet[data.draw(st.integers(0, len(packet) - 1))] = data.draw(st.integers(0, 255))
    for carried in dissect(101, bytes(packet[: data.draw(st.integers(0, len(packet)))])):
        datagram_of(carried)
