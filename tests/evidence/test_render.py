"""Packets as they are written: hidden things gone, lengths and checksums right, whatever carried them."""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.l2 import Ether

from sipwatch.classify.peers import EVERYTHING, Privacy, Settings
from sipwatch.evidence import build
from sipwatch.evidence.cut import Cutter
from sipwatch.evidence.facts import Capture
from sipwatch.evidence.render import Unsafe, render
from sipwatch.export.rawmask import Disguise
from sipwatch.wire.decoder import Decoder
from sipwatch.wire.message import Request, Response, Unreachable
from tests.each import for_each
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
    over_udp,
    said,
    save,
    the_call,
    tshark,
    verdict,
)
from tests.replay import feed, replay
from tests.tshark import needs_tshark
from tests.wire import frames as f

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from sipwatch.capture.write import Saved
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


INVITE = said(STUCK)[3].raw
PLAIN = said(STUCK)[0].raw
OTHER = said(OTHERS)[0].raw
FAMILIES = {"v4": (f.ipv4, f.A4, f.B4, f.fragments_v4), "v6": (f.ipv6, f.A6, f.B6, f.fragments_v6)}


def drawn(frames: Sequence[Frame], disguise: Callable[[list[bytes]], Disguise]) -> list[Saved]:
    """Cut the call out of frames; return its packets."""
    (call,) = [call for call in feed(frames) if call.call_id == "stuck"]
    cutter = Cutter([call], Settings())
    for frame in frames:
        cutter.frame(*frame)
    cutter.finish(frames[-1][0])
    found = cutter.messages(call)
    return render(found, disguise([one.raw for one in found]))


def rendered(frames: Sequence[Frame], privacy: Privacy = MASKED) -> list[Frame]:
    """Cut the call out of frames; return its packets as frames."""
    found = drawn(frames, lambda raws: Disguise(privacy, raws))
    for packet in found:
        assert len(packet.data) <= packet.length
    return [(packet.time, packet.link_type, packet.data) for packet in found]


def told_by(frames: Sequence[Frame]) -> list[tuple[int, bytes, str, bytes, bool]]:
    """Return the messages in frames: time, ends, transport, Call-ID, whether in fragments."""
    decoder = Decoder()
    items = [item for frame in frames for item in decoder.frame(*frame)]
    items += decoder.finish(frames[-1][0])
    messages = [item for item in items if isinstance(item, (Request, Response))]
    return [(m.time, m.path.key, m.path.carrier, m.call_id, m.fragmented) for m in messages]


def shows_nothing(frames: Sequence[Frame]) -> bool:
    return not any(secret in data for _, _, data in frames for secret in (*HIDDEN, *SECRETS))


MATRIX = [(link, tunnel, family) for link in f.LINKS for tunnel in f.TUNNELS for family in FAMILIES]
SOME = MATRIX[::5]  # with each link layer, and each tunnel in both families
in_some_and_in_every_way = pytest.mark.parametrize(
    "ways", [SOME, pytest.param(MATRIX, marks=pytest.mark.slow)], ids=["some", "every"]
)


def in_these_ways(protocol: int, segment: bytes, ways: list[tuple[str, str, str]]) -> Iterator[tuple[str, list[Frame]]]:
    """Yield the same in so many link layers, tunnels and families, with a name for each."""
    for link, tunnel, family in ways:
        wrap, source, destination, _ = FAMILIES[family]
        link_type, enclose = f.LINKS[link]
        packet = f.TUNNELS[tunnel](wrap(segment, protocol, source, destination))
        yield f"{link} {tunnel} {family}", [(5, link_type, enclose(packet))]


def test_some_ways_have_each_link_layer_and_each_tunnel_in_both_families() -> None:
    assert {link for link, _, _ in SOME} == set(f.LINKS)
    assert {(tunnel, family) for _, tunnel, family in SOME} == {way[1:] for way in MATRIX}


@in_some_and_in_every_way
def test_a_datagram_without_secrets_is_as_it_was_captured_in_every_link_layer_and_tunnel(
    ways: list[tuple[str, str, str]],
) -> None:
    wrong = [name for name, frames in in_these_ways(f.UDP, f.udp(PLAIN), ways) if rendered(frames, Privacy()) != frames]
    assert wrong == []


@in_some_and_in_every_way
def test_a_datagram_with_something_hidden_is_written_anew_from_every_link_layer_and_tunnel(
    ways: list[tuple[str, str, str]],
) -> None:
    for name, frames in in_these_ways(f.UDP, f.udp(INVITE), ways):
        written = rendered(frames)
        assert told_by(written) == told_by(frames), name
        assert shows_nothing(written), name
        assert well_formed(written), name


@in_some_and_in_every_way
def test_a_part_of_a_segment_is_a_segment_of_its_own_from_every_link_layer_and_tunnel(
    ways: list[tuple[str, str, str]],
) -> None:
    """Another call before and behind."""
    payload = OTHER + INVITE + OTHER.replace(b"else", b"more")
    for name, frames in in_these_ways(f.TCP, f.tcp(payload, 5000), ways):
        written = rendered(frames)
        (own,) = [message for message in told_by(frames) if message[3] == b"stuck"]
        assert told_by(written) == [own], name
        assert len(written) == 1, name
        assert shows_nothing(written), name
        assert well_formed(written), name


def well_formed(frames: Sequence[Frame]) -> bool:
    """Tell whether scapy, when it computes lengths and checksums itself, comes to the same bytes."""
    for _, link_type, data in frames:
        assert link_type == 1
        packet = Ether(data)
        for layer in packet.layers():
            if "error" in layer.__name__:
                continue  # what an error quotes is not checked
            for field in ("chksum", "cksum", "len", "plen"):
                if field in packet[layer].fields:
                    delattr(packet[layer], field)
        if bytes(packet) != data:
            return False
    return True


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("size", [64, 200, 600])
@for_each("privacy", [Privacy(), MASKED], ids=["secrets", "masked"])
def test_what_came_in_fragments_goes_in_fragments(family: str, size: int, privacy: Privacy) -> None:
    wrap, source, destination, cut = FAMILIES[family]
    packet = wrap(f.udp(INVITE), f.UDP, source, destination)
    frames = [(at, 1, f.ethernet(piece)) for at, piece in enumerate(cut(packet, size, 77))]
    written = rendered(frames, privacy)
    assert [(time, len(data)) for time, _, data in written] == [(time, len(data)) for time, _, data in frames]
    assert told_by(written) == told_by(frames)
    assert told_by(written)[0][4]
    assert not any(secret in data for _, _, data in written for secret in SECRETS)


@given(st.permutations(range(6)))
def test_fragments_in_any_order_stay_in_the_order_of_the_capture(order: list[int]) -> None:
    packet = f.ipv4(f.udp(INVITE))
    pieces = f.fragments_v4(packet, 8 * (len(packet) // 40), 5)
    chosen = [pieces[at] for at in order if at < len(pieces)] + pieces[6:]
    frames = [(at, 1, f.ethernet(piece)) for at, piece in enumerate(chosen)]
    written = rendered(frames)
    assert [data[20:22] for _, _, data in written] == [data[20:22] for _, _, data in frames]
    assert told_by(written) == told_by(frames)


def test_fragments_without_secrets_are_as_they_were_captured() -> None:
    pieces = f.fragments_v4(f.ipv4(f.udp(PLAIN)), 200, 5)
    frames = [(at, 101, piece) for at, piece in enumerate([pieces[0], *pieces])]  # one of them captured twice
    assert rendered(frames, Privacy()) == frames


def test_a_first_fragment_whose_rest_was_not_captured_is_one_again() -> None:
    first, *_ = f.fragments_v4(f.ipv4(f.udp(INVITE + b"x" * 2000)), 1480, 9)
    frames = [(7, 1, f.ethernet(first))]
    for privacy in (Privacy(), MASKED):
        assert told_by(rendered(frames, privacy)) == told_by(frames)


def test_a_datagram_cut_by_the_snap_length_is_cut_again_and_says_how_long_it_was() -> None:
    whole = f.ethernet(f.ipv4(f.udp(INVITE)))
    for privacy in (Privacy(), MASKED):
        (packet,) = drawn([(0, 1, whole[:-40])], lambda raws, privacy=privacy: Disguise(privacy, raws))  # type: ignore[misc]
        assert (len(packet.data), packet.length) == (len(whole) - 40, len(whole))
        assert packet.data[40:42] == b"\0\0"  # a checksum of all would let what is hidden be found by trying


def test_a_copy_that_the_capture_made_stays_one() -> None:
    """What is told twice within 50 ms and has the same identification was sent once."""
    frame = f.ethernet(f.ipv4(f.udp(INVITE)))
    written = rendered([(0, 1, frame), (1_000_000, 1, frame)])
    assert [time for time, _, _ in written] == [0, 1_000_000]
    assert len(told_by(written)) == 1


@pytest.mark.parametrize("protocol", [17, 6, 22], ids=["udp", "tcp", "tls"])
def test_what_an_agent_reported_loses_the_agents_key_and_keeps_its_ends(protocol: int) -> None:
    key = struct.pack("!HHH", 0, 14, 6 + 9) + b"agent-key"
    hep = f.hep3(INVITE, f.A4, f.B4, protocol=protocol)
    hep = hep[:4] + struct.pack("!H", len(hep) + len(key)) + key + hep[6:]
    frames = [(0, 1, f.ethernet(f.ipv4(f.udp(hep, 9060, 9060))))]
    for privacy in (Privacy(), MASKED):
        written = rendered(frames, privacy)
        assert told_by(written) == told_by(frames)
        assert not any(secret in written[0][2] for secret in (b"agent-key", *SECRETS))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("message", [INVITE, PLAIN], ids=["hidden", "as-captured"])
def test_an_icmp_error_that_quotes_the_call_goes_along_and_is_covered(family: str, message: bytes) -> None:
    wrap, source, destination, _ = FAMILIES[family]
    packet = wrap(f.udp(message), f.UDP, source, destination)
    error, protocol = (
        (struct.pack("!BBHI", 3, 3, 0, 0), 1) if family == "v4" else (struct.pack("!BBHI", 1, 4, 0, 0), 58)
    )
    frames = [(0, 1, f.ethernet(packet)), (1, 1, f.ethernet(wrap(error + packet[:700], protocol, destination, source)))]
    privacy = MASKED if message is INVITE else Privacy()
    first, second = rendered(frames, privacy)
    (item,) = Decoder().frame(*second)
    (was,) = Decoder().frame(*frames[1])
    assert isinstance(item, Unreachable)
    assert isinstance(was, Unreachable)
    assert (item.path.key, item.code, item.reporter) == (was.path.key, was.code, was.reporter)
    assert (second == frames[1]) is (message is PLAIN)
    if message is INVITE:
        assert shows_nothing([first, second])
        assert well_formed([second])


def test_an_error_about_another_call_on_the_same_way_goes_along_without_what_it_quotes() -> None:
    own, other = f.ipv4(f.udp(INVITE)), f.ipv4(f.udp(OTHER))
    error = f.ipv4(struct.pack("!BBHI", 3, 3, 0, 0) + other, 1, f.B4, f.A4)
    _, written = rendered([(0, 101, own), (1, 101, error)])
    (item,) = Decoder().frame(*written)
    assert isinstance(item, Unreachable)
    assert item.quoted == b"INVITE sip:"


def test_a_reset_of_the_calls_connection_goes_along() -> None:
    frames = [
        (0, 101, f.ipv4(f.tcp(INVITE, 5000), f.TCP)),
        (1, 101, f.ipv4(f.tcp(b"", 1, f.RST, sport=5060, dport=40000), f.TCP, f.B4, f.A4)),
    ]
    _, written = rendered(frames)
    decoder = Decoder()
    codes = [item.code for frame in rendered(frames) for item in decoder.frame(*frame) if isinstance(item, Unreachable)]
    assert codes == ["connection_reset"]
    assert well_formed([written])


class Stubborn(Disguise):
    """It leaves everything as it is, and looks."""

    def message(self, raw: bytes) -> bytes:
        return raw

    def leaks(self, data: bytes) -> bool:
        return CALLEE.encode() in data


def test_rather_no_packets_than_a_leak() -> None:
    with pytest.raises(Unsafe, match="would still have been found"):
        drawn([(0, 1, f.ethernet(f.ipv4(f.udp(INVITE))))], lambda raws: Stubborn(MASKED, raws))


class Renaming(Disguise):
    """It makes texts longer or shorter, and gives everybody another address."""

    by = 0

    def message(self, raw: bytes) -> bytes:
        if self.by < 0:
            return raw.replace(b"User-Agent: ", b"").replace(b"Max-Forwards: 70\r\n", b"")
        return raw.replace(b"Call-ID: ", b"X-More: %b\r\nCall-ID: " % (b"x" * self.by))

    def address(self, packed: bytes) -> bytes:
        return bytes((packed[0] ^ 1,)) + packed[1:]

    def leaks(self, _: bytes) -> bool:
        return False


@pytest.mark.parametrize("by", [-1, 1, 3000, 60_000], ids=["shorter", "longer", "much-longer", "enormous"])
@pytest.mark.parametrize("carrier", ["udp", "fragments", "tcp", "websocket"])
def test_texts_may_get_longer_or_shorter_and_ends_other_addresses(by: int, carrier: str) -> None:
    class Disguised(Renaming):
        pass

    Disguised.by = by
    frames = carried(carrier)
    written = [packet[:3] for packet in drawn(frames, lambda raws: Disguised(MASKED, raws))]
    expected = [
        (time, bytes((key[0] ^ 1,)) + key[1:4] + bytes((key[4] ^ 1,)) + key[5:], *rest)
        for time, key, *rest in told_by(frames)
    ]
    assert told_by(written) == expected


def carried(carrier: str) -> list[Frame]:
    """Send an INVITE, and the next message of its call."""
    first, second = said(STUCK)[3].raw, said(STUCK)[5].raw
    if carrier == "udp":
        return [(at, 1, f.ethernet(f.ipv4(f.udp(raw)))) for at, raw in enumerate((first, second))]
    if carrier == "fragments":
        pieces = [
            piece for at, raw in enumerate((first, second)) for piece in f.fragments_v4(f.ipv4(f.udp(raw)), 200, at)
        ]
        return [(at, 1, f.ethernet(piece)) for at, piece in enumerate(pieces)]
    if carrier == "websocket":
        first, second = f.websocket_frame(first, mask=b"\1\2\3\4"), f.websocket_frame(second)
    cuts = [(0, first[:100]), (100, first[100:]), (len(first), second)]
    return [(at, 1, f.ethernet(f.ipv4(f.tcp(data, 5000 + place), f.TCP))) for at, (place, data) in enumerate(cuts)]


def test_a_datagram_that_got_too_long_is_refused() -> None:
    class Endless(Renaming):
        by = 70_000

    with pytest.raises(Unsafe, match="too long"):
        drawn(carried("udp"), lambda raws: Endless(MASKED, raws))


def test_packets_that_are_left_out_are_named_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise Unsafe("of a test")

    monkeypatch.setattr(build, "render", refuse)
    cut = the_call(cut_out(tmp_path, save(tmp_path / "all.pcap", over_udp(said(STUCK)))))
    assert cut.example.capture == Capture(None, why_not="of a test")
    assert cut.path is None


def test_two_parts_of_one_segment_follow_each_other_in_the_stream() -> None:
    payload = INVITE + OTHER + said(STUCK)[2].raw
    (_, _, first), (_, _, second) = rendered([(0, 101, f.ipv4(f.tcp(payload, 5000, f.ACK | f.FIN), f.TCP))])
    sequences = [int.from_bytes(data[38:42], "big") for data in (first, second)]
    assert sequences[1] - sequences[0] == len(INVITE)
    assert well_formed([(0, 1, first), (0, 1, second)])


@pytest.mark.parametrize("family", FAMILIES)
def test_a_segment_in_fragments_is_a_segment(family: str) -> None:
    wrap, source, destination, cut = FAMILIES[family]
    packet = wrap(f.tcp(OTHER + INVITE, 5000), f.TCP, source, destination)
    frames = [(at, 101, piece) for at, piece in enumerate(cut(packet, 400, 9))]
    written = rendered(frames)
    assert told_by(written) == [message for message in told_by(frames) if message[3] == b"stuck"]
    assert shows_nothing(written)


def test_a_message_whose_rest_was_cut_from_its_segment_is_followed_by_the_next() -> None:
    """Else what follows would be taken for the rest of its body."""
    longer = INVITE.replace(b"Content-Length: 0", b"Content-Length: 50") + b"x" * 50
    packets = [f.ipv4(f.tcp(longer, 5000), f.TCP)[:-20], f.ipv4(f.tcp(said(STUCK)[5].raw, 5000 + len(longer)), f.TCP)]
    frames = [(at, 101, data) for at, data in enumerate(packets)]
    assert told_by(rendered(frames)) == told_by(frames)
    assert len(told_by(frames)) == 2
