"""The filter changes nothing but the time it takes: media is counted here or by the wire layer, all else passes."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipwatch.capture import prefilter as module
from sipwatch.capture.files import open_capture
from sipwatch.capture.prefilter import MediaFilter, Prefilter, is_media
from sipwatch.wire.decoder import Decoder
from sipwatch.wire.discards import Discard
from tests.capture.builders import START, Frame, enhanced, interface, packets, pcap, pcapng, read, section, simple
from tests.each import for_each
from tests.wire.frames import LINKS as EVERY
from tests.wire.frames import fragments_v4, ipv4, ipv6, udp

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RTP = b"\x80\x08" + bytes(170)
SRTP = b"\x90\xe0" + bytes(60)
RTCP = b"\x81\xc8" + bytes(26)
SIP = b"OPTIONS sip:a@example.org SIP/2.0\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n"

# Media is known at once on every link but these, on which it is left to the wire layer.
LATER = {"snap", "pppoe", "mpls", "mpls-pseudowire", "ppp"}
LINKS = {name: link for name, link in EVERY.items() if name not in LATER}
EVERY_LINK = pytest.mark.parametrize("link", LINKS)


def framed(link: str, ip: bytes) -> tuple[int, bytes]:
    kind, wrap = LINKS[link]
    return kind, wrap(ip)


MEDIA = {
    "RTP": ipv4(udp(RTP)),
    "RTP over IPv6": ipv6(udp(RTP)),
    "SRTP": ipv4(udp(SRTP)),
    "RTCP": ipv6(udp(RTCP)),
    "a single byte": ipv4(udp(b"\x80")),
    "IP options": ipv4(udp(RTP), options=bytes(8)),
    "cut by the snap length": ipv4(udp(RTP))[:29],
    "cut over IPv6": ipv6(udp(RTP))[:49],
    "to port 5060": ipv4(udp(RTP, 5060, 5060)),
    "to the port of VXLAN": ipv4(udp(RTP, 4789, 4789)),
    "with padding behind": ipv4(udp(b"\x80" * 4)) + bytes(14),
    "fragmentation allowed": ipv4(udp(RTP), flags=0),
}
OTHER = {
    "SIP": ipv4(udp(SIP)),
    "SIP over IPv6": ipv6(udp(SIP)),
    "as long as RTP, but text": ipv4(udp(b"\x00" + RTP[1:])),
    "version 3": ipv4(udp(b"\xc0" + RTP[1:])),
    "first fragment": fragments_v4(ipv4(udp(RTP)), 80, 7)[0],
    "later fragment": fragments_v4(ipv4(RTP + RTP), 80, 7)[1],
    "last fragment": fragments_v4(ipv4(RTP + RTP), 80, 7)[-1],
    "a first fragment as long as RTP": ipv4(udp(RTP), flags=0x2000),
    "a last fragment as long as RTP": ipv4(udp(RTP), flags=0x00B9),
    "a fragment of an even multiple": ipv4(udp(RTP), flags=0x4100),
    "TCP": ipv4(udp(RTP), 6),
    "ICMP": ipv4(udp(RTP), 1),
    "nothing in it": ipv4(udp(b"")) + b"\x80" * 18,
    "less than a header": ipv4(udp(RTP)[:4] + b"\x00\x07" + udp(RTP)[6:]),
    "payload not captured": ipv4(udp(RTP))[:28],
    "payload not captured over IPv6": ipv6(udp(RTP))[:48],
    "IP version 5": b"\x55" + ipv4(udp(RTP))[1:],
    "IP header of 16 bytes": b"\x44" + ipv4(udp(RTP))[1:],
    "nothing at all": b"",
}


@EVERY_LINK
@for_each("name", MEDIA)
def test_what_is_media(link: str, name: str) -> None:
    """The wire layer says the same."""
    kind, data = framed(link, MEDIA[name])
    assert is_media(kind, data)
    assert Decoder().frame(START, kind, data) == (Discard.MEDIA,)


@EVERY_LINK
@for_each("name", [name for name in OTHER if OTHER[name]])
def test_what_is_no_media(link: str, name: str) -> None:
    """The wire layer says the same."""
    kind, data = framed(link, OTHER[name])
    assert not is_media(kind, data)
    assert Decoder().frame(START, kind, data) != (Discard.MEDIA,)


def test_link_types_that_the_rule_does_not_know_hold_no_media() -> None:
    assert not is_media(147, MEDIA["RTP"])
    assert not is_media(1, bytes(12) + b"\x08\x06" + MEDIA["RTP"])


def test_behind_an_extension_header_media_is_left_to_the_wire_layer() -> None:
    """The wire layer may call more media than the filter does, never less."""
    kind, data = framed("ethernet", ipv6(bytes(8).replace(b"\0", b"\x11", 1) + udp(RTP), 0))
    assert not is_media(kind, data)
    assert Decoder().frame(START, kind, data) == (Discard.MEDIA,)


@EVERY_LINK
@pytest.mark.parametrize("family", ["RTP", "RTP over IPv6"])
@pytest.mark.parametrize("make", [pcap, pcapng])
def test_media_on_every_link_is_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, link: str, family: str, make: Callable[[list[Frame]], bytes]
) -> None:
    """What would pass would be right, but slow. The first chunk of pcapng passes: it describes the interfaces."""
    monkeypatch.setattr("sipwatch.capture.reader.CHUNK", 1 << 18 if make is pcap else 500)
    frames = [(START + n * 1000, *framed(link, MEDIA[family])) for n in range(50)]
    found = read(tmp_path / "x", make(frames), Prefilter.ON)
    assert found.packets == 50
    assert found.media >= (50 if make is pcap else 25)


def mixture(seed: int, link: str, count: int = 150) -> list[Frame]:
    """Make packets of every kind, mostly media, in runs and alone, all on one link."""
    random = Random(seed)
    media, other = list(MEDIA.values()), list(OTHER.values())
    ips: list[bytes] = []
    while len(ips) < count:
        ips += [random.choice(media)] * random.choice((1, 1, 2, 9)) if random.random() < 0.8 else [random.choice(other)]
    cut = [ip[: random.randrange(len(ip) + 1)] if random.random() < 0.05 else ip for ip in ips]
    return [(START + n * 20_000, *(framed(link, ip) if ip else (LINKS[link][0], b""))) for n, ip in enumerate(cut)]


FILES: dict[str, Callable[[list[Frame]], bytes]] = {
    "pcap": pcap,
    "big-endian pcap": lambda frames: pcap(frames, order=">", nano=True),
    "pcap of Kuznetsov": lambda frames: pcap(frames, modified=True),
    "pcapng": pcapng,
    "big-endian pcapng": lambda frames: pcapng(frames, order=">", resolution=9),
    "pcapng of two sections": lambda frames: pcapng(frames[:99]) + pcapng(frames[99:], order=">"),
}


@EVERY_LINK
@pytest.mark.parametrize("make", FILES.values(), ids=FILES)
@pytest.mark.parametrize("chunk", [400, 5000, 1 << 18])
def test_the_filter_takes_away_media_and_nothing_else(  # the test that defines it
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, link: str, make: Callable[[list[Frame]], bytes], chunk: int
) -> None:
    monkeypatch.setattr("sipwatch.capture.reader.CHUNK", chunk)
    content = make(mixture(chunk, link))
    plain = read(tmp_path / "x", content)
    found = read(tmp_path / "x", content, Prefilter.ON)
    assert found.told == plain.told
    assert [f for f in found.frames if not is_media(*f[1:])] == [f for f in plain.frames if not is_media(*f[1:])]
    assert len(found.frames) + found.media == plain.packets
    assert counted(found.frames)[Discard.MEDIA] + found.media == counted(plain.frames)[Discard.MEDIA]


def counted(frames: list[Frame]) -> dict[Discard, int]:
    decoder = Decoder()
    for frame in frames:
        decoder.frame(*frame)
    return {Discard.MEDIA: 0, **decoder.discards}


@pytest.mark.parametrize("make", FILES.values(), ids=FILES)
@pytest.mark.parametrize("step", [5, pytest.param(1, marks=pytest.mark.slow)])
def test_cut_at_any_byte_the_filter_makes_no_difference(
    tmp_path: Path, make: Callable[[list[Frame]], bytes], step: int
) -> None:
    """Counts, times and warnings; the packet before the cut may have been skipped."""
    content = make(mixture(1, "ethernet", 8))
    for cut in range(48, len(content), step):
        plain = read(tmp_path / "x", content[:cut])
        assert read(tmp_path / "x", content[:cut], Prefilter.ON).told == plain.told


@given(
    seed=st.integers(0, 9),
    at=st.integers(48, 5000),
    value=st.binary(min_size=1, max_size=8),
    make=st.sampled_from(list(FILES.values())),
)
def test_damaged_anywhere_the_filter_makes_no_difference(
    tmp_path_factory: pytest.TempPathFactory, seed: int, at: int, value: bytes, make: Callable[[list[Frame]], bytes]
) -> None:
    """Lengths, types, times: whatever is hit, both read the same up to the same place."""
    content = bytearray(make(mixture(seed, "ethernet", 30)))
    at = min(at, len(content) - len(value))
    content[at : at + len(value)] = value
    path = tmp_path_factory.getbasetemp() / "damaged"
    plain = read(path, bytes(content))
    found = read(path, bytes(content), Prefilter.ON)
    assert found.told == plain.told
    assert [f for f in found.frames if not is_media(*f[1:])] == [f for f in plain.frames if not is_media(*f[1:])]


def test_a_simple_packet_behind_skipped_media_has_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes the time of the packet before, though nobody looked at that."""
    monkeypatch.setattr("sipwatch.capture.reader.CHUNK", 1000)
    kind, data = framed("ethernet", MEDIA["RTP"])
    media = [enhanced("<", 0, START // 1000 + n, data) for n in range(20)]
    content = section() + interface(link_type=kind) + b"".join([*media, simple("<", b"late"), *media])
    plain = read(tmp_path / "x", content)
    found = read(tmp_path / "x", content, Prefilter.ON)
    assert found.media > 20
    assert found.told == plain.told
    assert [frame for frame in found.frames if frame[2] == b"late"] == [(START + 19_000, 1, b"late")]


def test_another_section_has_patterns_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its interface 0 is of another link type: what was media there may be none here."""
    monkeypatch.setattr("sipwatch.capture.reader.CHUNK", 4000)
    kind, data = framed("ethernet", MEDIA["RTP"])
    frames = [(START, kind, data)] * 60
    content = pcapng(frames) + pcapng([(START, 147, data)] * 60)
    found = read(tmp_path / "x", content, Prefilter.ON)
    assert [frame for frame in found.frames if frame[1] == 147] == [(START, 147, data)] * 60
    assert found.media > 30


# When it is used


def long_capture(share: float) -> bytes:
    random = Random(4)
    media, sip = framed("ethernet", MEDIA["RTP"]), framed("ethernet", MEDIA["RTP"][:20] + udp(SIP * 4))
    return pcap([(START + n * 1000, *(media if random.random() < share else sip)) for n in range(3000)])


@pytest.mark.parametrize(("share", "used"), [(0.95, True), (0.8, True), (0.2, False), (0, False)])
def test_automatically_it_is_used_where_most_is_media(tmp_path: Path, share: float, used: bool) -> None:
    found = read(tmp_path / "x", long_capture(share), Prefilter.AUTO)
    assert (found.media > 0) == used
    assert found.told == read(tmp_path / "x", long_capture(share)).told


def test_automatically_it_leaves_little_files_alone(tmp_path: Path) -> None:
    frames = [(START, *framed("ethernet", MEDIA["RTP"]))] * 100
    assert read(tmp_path / "x", pcap(frames), Prefilter.AUTO).media == 0


def test_switched_off_it_takes_nothing_away(tmp_path: Path) -> None:
    found = read(tmp_path / "x", long_capture(0.95), Prefilter.OFF)
    assert (found.media, len(found.frames)) == (0, 3000)


def test_patterns_are_compiled_for_so_many_lengths_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stranger may send media of every length; the rest is read plainly, and nothing is lost."""
    monkeypatch.setattr(module, "MAX_PROGRAMS", 5)
    frames = [(START, 1, bytes(12) + b"\x08\x00" + ipv4(udp(b"\x80" + bytes(n)))) for n in range(60)]
    found = read(tmp_path / "x", pcap(frames), Prefilter.ON)
    assert (found.packets, found.media, len(found.frames)) == (60, 5, 55)


def test_a_link_type_without_patterns_is_read_plainly(tmp_path: Path) -> None:
    assert read(tmp_path / "x", pcap(packets(9, link_type=147)), Prefilter.ON).frames == packets(9, link_type=147)


def test_a_consumer_that_stops_has_counts_of_what_it_passed(tmp_path: Path) -> None:
    """Media behind the last packet taken is not counted: the filter does not run ahead."""
    sip = framed("ethernet", OTHER["SIP"])
    rtp = framed("ethernet", MEDIA["RTP"])
    frames = [(START + n * 1000, *(sip if n % 10 == 5 else rtp)) for n in range(100)]
    (tmp_path / "x").write_bytes(pcap(frames))
    source = open_capture([str(tmp_path / "x")], prefilter=Prefilter.ON)
    reading = iter(source)
    assert next(reading) == frames[5]
    assert next(reading) == frames[15]
    source._only = None
    del reading
    assert (source.packets, source.media, source.first, source.last) == (16, 14, START, START + 15_000)
    source.close()


def test_the_modes_have_the_names_of_the_command_line() -> None:
    assert [mode.value for mode in Prefilter] == ["auto", "on", "off"]
    assert MediaFilter(Prefilter.OFF)._runs == {}
