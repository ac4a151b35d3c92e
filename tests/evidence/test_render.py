"""Packets as they are written: hidden things gone, lengths and checksums right, whatever carried them."""

from __future__ import annotations

import re
import struct
from itertools import product
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pcaps.make.packets import checksum
from sipwatch.classify.peers import EVERYTHING, Privacy, Settings
from sipwatch.evidence import build
from sipwatch.evidence.build import Builder
from sipwatch.evidence.cover import Cover, Unsafe
from sipwatch.evidence.cut import Cutter
from sipwatch.evidence.dissect import Dissector
from sipwatch.evidence.facts import Capture
from sipwatch.evidence.packets import Packet
from sipwatch.evidence.render import render
from sipwatch.wire.decoder import Decoder
from sipwatch.wire.message import Request
from tests.evidence.scenes import (
    CALLEE,
    CALLER,
    KEY,
    OTHERS,
    RESPONSE,
    STUCK,
    V4,
    V6,
    WRONG,
    all_bytes,
    cut_out,
    frames_of,
    needs_tshark,
    over_udp,
    said,
    save,
    the_call,
    tshark,
    verdict,
)
from tests.replay import feed, replay
from tests.wire import frames as f

if TYPE_CHECKING:
    from pathlib import Path

    from tests.evidence.scenes import Cut, Frame

MASKED = Privacy(4)
HIDDEN = (CALLER.encode(), CALLEE.encode())
SECRETS = (RESPONSE.encode(), KEY.encode())


def without(privacy: Privacy | None, cut: Cut) -> bytes:
    """Return the bytes of a cut, in which nothing hidden and no secret may be."""
    assert cut.path is not None, cut.example.capture.why_not
    data = all_bytes(cut.path)
    assert data
    for secret in SECRETS:
        assert secret not in data
    for number in HIDDEN:
        assert (number in data) is (privacy is None)
    return data


@pytest.mark.parametrize("privacy", [None, MASKED], ids=["shown", "masked"])
def test_secrets_are_never_in_it_and_numbers_only_unless_they_are_hidden(
    tmp_path: Path, privacy: Privacy | None
) -> None:
    path = save(tmp_path / "all.pcap", over_udp(said(STUCK, OTHERS)))
    assert RESPONSE.encode() in all_bytes(path)
    cut = the_call(cut_out(tmp_path, path, privacy=privacy))
    data = without(privacy, cut)
    assert CALLER[:-4].encode() in data
    assert b"Digest username=" in data


def test_whole_numbers_and_names_are_hidden_when_that_is_asked_for(tmp_path: Path) -> None:
    script = STUCK.replace("h=X-Key", 'h=P-Asserted-Identity:_"Erika_Example"_<tel:+4930123456> h=X-Key')
    path = save(tmp_path / "all.pcap", over_udp(said(script)))
    cut = the_call(cut_out(tmp_path, path, privacy=Privacy(EVERYTHING, names=True)))
    data = without(MASKED, cut)
    for hidden in (b"15550177", b"Erika", b"4930123"):
        assert hidden not in data


def test_what_is_hidden_changes_neither_lengths_nor_the_verdict(tmp_path: Path) -> None:
    frames = over_udp(said(STUCK))
    cut = the_call(cut_out(tmp_path, save(tmp_path / "all.pcap", frames), privacy=MASKED))
    assert cut.path is not None
    written = frames_of(cut.path)
    assert [(time, kind, len(data)) for time, kind, data in written] == [(t, k, len(d)) for t, k, d in frames]
    assert [verdict(call) for call in replay(cut.path).calls] == [verdict(cut.call)]
    for _, _, data in written:
        head, _, body = data[42:].partition(b"\r\n\r\n")
        (length,) = re.findall(rb"Content-Length: (\d+)", head)
        assert int(length) == len(body)


@needs_tshark
@pytest.mark.parametrize("hosts", [V4, V6], ids=["v4", "v6"])
@pytest.mark.parametrize("privacy", [None, MASKED], ids=["shown", "masked"])
def test_tshark_finds_every_packet_well_formed_and_every_checksum_right(
    tmp_path: Path, hosts: dict[str, str], privacy: Privacy | None
) -> None:
    cut = the_call(cut_out(tmp_path, save(tmp_path / "all.pcap", over_udp(said(STUCK, hosts=hosts))), privacy=privacy))
    assert cut.path is not None
    assert len(tshark(cut.path, "sip && udp.checksum.status == 1")) == 9
    assert tshark(cut.path, WRONG) == []


def checked_udp(source: bytes, destination: bytes, payload: bytes) -> bytes:
    """Return a UDP datagram with its checksum."""
    ends = source + destination
    body = f.udp(payload)
    return (
        body[:6] + (checksum(ends + struct.pack("!II", len(body), 17) + body) or 0xFFFF).to_bytes(2, "big") + body[8:]
    )


def checksum_holds(source: bytes, destination: bytes, datagram: bytes) -> bool:
    """Tell whether a datagram's checksum is right."""
    return checksum(source + destination + struct.pack("!II", len(datagram), 17) + datagram) == 0


INVITE = said(STUCK)[3].raw
FAMILIES = {"v4": (f.ipv4, f.A4, f.B4, f.fragments_v4), "v6": (f.ipv6, f.A6, f.B6, f.fragments_v6)}


def rendered(frames: list[Frame], privacy: Privacy = MASKED) -> list[bytes]:
    """Cut the only call out of frames; return the packets' bytes."""
    (call,) = feed(frames)
    cutter = Cutter([call], Settings())
    for frame in frames:
        cutter.frame(*frame)
    cutter.finish(frames[-1][0])
    builder = Builder(cutter, privacy, "acme")
    example = builder.example(1, call)
    assert example.capture.name is not None, example.capture.why_not
    assert call.id in example.capture.name
    found = cutter.messages(call)
    return [packet.data for packet in render(found, Cover(privacy, [one.raw for one in found]))]


@pytest.mark.parametrize(("link", "tunnel", "family"), list(product(f.LINKS, f.TUNNELS, FAMILIES)))
def test_numbers_are_hidden_through_every_link_layer_and_tunnel(link: str, tunnel: str, family: str) -> None:
    wrap, source, destination, _ = FAMILIES[family]
    link_type, enclose = f.LINKS[link]
    packet = f.TUNNELS[tunnel](wrap(checked_udp(source, destination, INVITE), f.UDP, source, destination))
    frame = enclose(packet)
    (data,) = rendered([(0, link_type, frame)])
    assert len(data) == len(frame)
    assert not any(secret in data for secret in (*HIDDEN, *SECRETS))
    start = data.index(b"INVITE sip:") - 8
    assert checksum_holds(source, destination, data[start : start + 8 + len(INVITE)])


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("link", ["ethernet", "vlan", "qinq", "sll2"])
@pytest.mark.parametrize("size", [64, 200, 600])
def test_every_fragment_is_there_and_what_is_hidden_is_hidden_across_them(family: str, link: str, size: int) -> None:
    wrap, source, destination, cut = FAMILIES[family]
    link_type, enclose = f.LINKS[link]
    packet = wrap(checked_udp(source, destination, INVITE), f.UDP, source, destination)
    pieces = [enclose(piece) for piece in cut(packet, size, 77)]
    data = rendered([(at, link_type, piece) for at, piece in enumerate(pieces)])
    assert [len(piece) for piece in data] == [len(piece) for piece in pieces]
    header = len(pieces[0]) - min(size - size % 8, len(packet))
    datagram = b"".join(piece[header:] for piece in data)
    assert datagram[8:].startswith(b"INVITE sip:1555017****@")
    assert not any(secret in datagram for secret in (*HIDDEN, *SECRETS))
    assert checksum_holds(source, destination, datagram)


@given(st.permutations(range(6)))
def test_fragments_in_any_order_stay_in_the_order_of_the_capture(order: list[int]) -> None:
    packet = f.ipv4(checked_udp(f.A4, f.B4, INVITE))
    pieces = f.fragments_v4(packet, 8 * (len(packet) // 40), 5)
    chosen = [pieces[at] for at in order if at < len(pieces)] + pieces[6:]
    data = rendered([(at, 101, piece) for at, piece in enumerate(chosen)])
    assert [piece[:8] for piece in data] == [piece[:8] for piece in chosen]


def test_a_checksum_that_cannot_be_made_right_is_cleared() -> None:
    """Of a packet cut short: left as it was, it would let the hidden digits be found by trying."""
    packet = f.ethernet(f.ipv4(checked_udp(f.A4, f.B4, INVITE)))
    (data,) = rendered([(0, 1, packet[:-40])])
    assert packet[40:42] != b"\0\0"
    assert data[40:42] == b"\0\0"


def test_bytes_behind_the_packet_are_cleared_when_anything_in_it_was_changed() -> None:
    """A frame check sequence tells as much as a checksum."""
    packet = f.ethernet(f.ipv4(checked_udp(f.A4, f.B4, INVITE)))
    (data,) = rendered([(0, 1, packet + b"\xde\xad\xbe\xef")])
    assert data[len(packet) :] == bytes(4)


def test_a_packet_that_says_there_is_no_checksum_goes_on_saying_so() -> None:
    packet = f.ethernet(f.ipv4(f.udp(INVITE)))
    (data,) = rendered([(0, 1, packet)])
    assert data[40:42] == b"\0\0"
    assert data != packet


def test_hep_keeps_its_fields_and_loses_the_agents_key() -> None:
    key = struct.pack("!HHH", 0, 14, 6 + 9) + b"agent-key"
    hep = f.hep3(INVITE, f.A4, f.B4)
    hep = hep[:4] + struct.pack("!H", len(hep) + len(key)) + key + hep[6:]
    (data,) = rendered([(0, 1, f.ethernet(f.ipv4(f.udp(hep, 9060, 9060))))])
    assert b"agent-key" not in data
    assert not any(secret in data for secret in (*HIDDEN, *SECRETS))
    assert data[42:46] == b"HEP3"


def test_an_icmp_error_that_quotes_the_call_goes_along_and_is_covered() -> None:
    packet = f.ipv4(checked_udp(f.A4, f.B4, INVITE), f.UDP, f.A4, f.B4)
    body = struct.pack("!BBHI", 3, 3, 0, 0) + packet[:400]
    body = body[:2] + checksum(body).to_bytes(2, "big") + body[4:]
    error = f.ipv4(body, 1, f.B4, f.A4)
    first, second = rendered([(0, 101, packet), (1, 101, error)])
    assert len(second) == len(error)
    assert not any(secret in first + second for secret in (*HIDDEN, *SECRETS))
    assert second[54:56] == b"\0\0"  # the quoted checksum
    assert checksum(second[20:]) == 0


class Stubborn:
    """A cover that leaves everything as it is, and looks."""

    def message(self, raw: bytes) -> bytes:
        return raw

    def leaks(self, data: bytes) -> bool:
        return CALLEE.encode() in data


def test_rather_no_packets_than_a_leak() -> None:
    frames = [(0, 1, f.ethernet(f.ipv4(f.udp(INVITE))))]
    (call,) = feed(frames)
    cutter = Cutter([call], Settings())
    cutter.frame(*frames[0])
    with pytest.raises(Unsafe, match="would still have been found"):
        render(cutter.messages(call), Stubborn())  # type: ignore[arg-type]


def test_packets_that_are_left_out_are_named_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise Unsafe("of a test")

    monkeypatch.setattr(build, "render", refuse)
    cut = the_call(cut_out(tmp_path, save(tmp_path / "all.pcap", over_udp(said(STUCK)))))
    assert cut.example.capture == Capture(None, why_not="of a test")
    assert cut.path is None


def test_the_checksums_of_a_tunnel_are_made_right_from_the_inside_out() -> None:
    inner = f.ethernet(f.ipv4(checked_udp(f.A4, f.B4, INVITE)))
    vxlan = f.udp(b"\x08\0\0\0\0\0\x07\0" + inner, 50000, 4789)
    outer_ends = bytes((10, 0, 0, 1)), bytes((10, 0, 0, 2))
    check = checksum(b"".join(outer_ends) + struct.pack("!II", len(vxlan), 17) + vxlan)
    vxlan = vxlan[:6] + check.to_bytes(2, "big") + vxlan[8:]
    (data,) = rendered([(0, 101, f.ipv4(vxlan, f.UDP, *outer_ends))])
    assert checksum_holds(*outer_ends, data[20:])
    start = data.index(b"INVITE sip:1555017****") - 8
    assert checksum_holds(f.A4, f.B4, data[start:])


def test_so_is_that_of_gre() -> None:
    packet = f.ipv4(checked_udp(f.A4, f.B4, INVITE))
    gre = struct.pack("!HHHH", 0x8000, 0x0800, 0, 0) + packet
    gre = gre[:4] + checksum(gre).to_bytes(2, "big") + gre[6:]
    (data,) = rendered([(0, 101, f.ipv4(gre, 47))])
    assert data != f.ipv4(gre, 47)
    assert checksum(data[20:]) == 0


OTHER = said(OTHERS)[0].raw


def sums_hold(frame: Frame) -> int:
    """Look at every checksum in a packet; return how many there are."""
    carried = Dissector().packet(Packet(0, *frame))
    assert carried is not None
    for each in carried.sums:
        assert each.whole
        assert checksum(each.pseudo + each.view.read()) == 0
    assert carried.missing == 0
    return len(carried.sums)


@pytest.mark.parametrize(("link", "tunnel", "family"), list(product(f.LINKS, f.TUNNELS, FAMILIES)))
def test_a_part_of_a_segment_is_a_segment_through_every_link_layer_and_tunnel(
    link: str, tunnel: str, family: str
) -> None:
    """Another call before and behind: what is left has the lengths and checksums of what never held more."""
    wrap, source, destination, _ = FAMILIES[family]
    link_type, enclose = f.LINKS[link]
    payload = OTHER + INVITE + OTHER.replace(b"else", b"more")
    frame = enclose(f.TUNNELS[tunnel](wrap(f.tcp(payload, 5000), f.TCP, source, destination)))
    data = of_the_call([(0, link_type, frame)])
    assert len(data) == 1
    assert b"Call-ID: else" not in data[0]
    assert b"Call-ID: more" not in data[0]
    (message,) = Decoder().frame(0, link_type, data[0])
    assert isinstance(message, Request)
    assert (message.call_id, len(message.raw)) == (b"stuck", len(INVITE))
    assert len(data[0]) == len(frame) - 2 * len(OTHER)
    assert sums_hold((0, link_type, data[0])) >= 1
    assert (5000 + len(OTHER)).to_bytes(4, "big") in data[0]


def of_the_call(frames: list[Frame]) -> list[bytes]:
    """Cut the call out of frames that hold others as well; return the packets' bytes."""
    (call,) = [call for call in feed(frames) if call.call_id == "stuck"]
    cutter = Cutter([call], Settings())
    for frame in frames:
        cutter.frame(*frame)
    cutter.finish(frames[-1][0])
    found = cutter.messages(call)
    return [packet.data for packet in render(found, Cover(MASKED, [one.raw for one in found]))]


def test_two_parts_of_one_segment_become_two_packets() -> None:
    ack = said(STUCK)[2].raw
    payload = INVITE + OTHER + ack
    first, second = of_the_call([(0, 101, f.ipv4(f.tcp(payload, 5000, f.ACK | f.FIN), f.TCP))])
    assert first[24:28] == (5000).to_bytes(4, "big")
    assert second[24:28] == (5000 + len(INVITE) + len(OTHER)).to_bytes(4, "big")
    assert (first[33] & f.FIN, second[33] & f.FIN) == (0, f.FIN)
    for data in (first, second):
        assert sums_hold((0, 101, data)) == 2


@pytest.mark.parametrize("family", FAMILIES)
def test_of_a_segment_in_fragments_the_other_calls_part_becomes_blank_lines(family: str) -> None:
    wrap, source, destination, cut = FAMILIES[family]
    packet = wrap(f.tcp(OTHER + INVITE + OTHER.replace(b"else", b"more"), 5000), f.TCP, source, destination)
    pieces = cut(packet, 400, 9)
    data = of_the_call([(at, 101, piece) for at, piece in enumerate(pieces)])
    assert [len(piece) for piece in data] == [len(piece) for piece in pieces]
    (call,) = feed([(at, 101, piece) for at, piece in enumerate(data)])
    assert (call.call_id, call.callee) == ("stuck", "1555017****")
    assert not any(b"15550188" in piece for piece in data)


def test_a_part_of_a_segment_cut_short_is_not_said_to_be_longer_than_it_is() -> None:
    packet = f.ipv4(f.tcp(INVITE + OTHER, 5000), f.TCP)
    (data,) = of_the_call([(0, 101, packet[:-20])])
    assert int.from_bytes(data[2:4], "big") == len(data) == 40 + len(INVITE)
    assert sums_hold((0, 101, data)) == 2
