"""Packets of stored messages: the captured ones where there are any, else such that any tool reads the same messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sipwatch.capture.files import Prefilter, open_capture
from sipwatch.capture.write import capture_file, extension
from sipwatch.packet import SECOND
from sipwatch.store.packets import packets_of
from sipwatch.store.spool import Kept
from sipwatch.store.wanted import Wanted
from sipwatch.wire.decoder import Decoder
from sipwatch.wire.message import Request, Response, Transport
from tests import tshark
from tests.each import for_each
from tests.test_daemon import PCAPS
from tests.wire import frames as f

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from sipwatch.capture.write import Saved
    from tests.store.stored import Stored

V4, V6 = f.A4 + f.B4 + b"\x80\x01\x13\xc4", f.A6 + f.B6 + b"\x80\x01\x13\xc4"
HTTP = f.A4 + f.B4 + b"\x80\x01\x00\x50"
BACK = {
    HTTP: f.B4 + f.A4 + b"\x00\x50\x80\x01",
    V4: f.B4 + f.A4 + b"\x13\xc4\x80\x01",
    V6: f.B6 + f.A6 + b"\x13\xc4\x80\x01",
}
WRONG = "ip.checksum.status == 0 or udp.checksum.status == 0 or tcp.checksum.status == 0"


def invite(number: int = 1, size: int = 100) -> bytes:
    """Return an INVITE with a body."""
    head = (
        "INVITE sip:b@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK{0}\r\nFrom: <sip:a@example.com>;tag=f\r\n"
        "To: <sip:b@example.com>\r\nCall-ID: c{0}\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\nContent-Type: text/plain\r\n"
        "Content-Length: {1}\r\n\r\n"
    )
    return head.format(number, size).encode() + b"x" * size


def trying(number: int = 1) -> bytes:
    """Return the 100 to it."""
    return (
        f"SIP/2.0 100 Trying\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK{number}\r\nFrom: <sip:a@example.com>;tag=f\r\n"
        f"To: <sip:b@example.com>\r\nCall-ID: c{number}\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"
    ).encode()


def conversation(transport: Transport, key: bytes) -> list[Kept]:
    """Return two calls over the same ends, each an INVITE and its 100."""
    return [
        Kept(SECOND, transport, key, invite(1)),
        Kept(SECOND + 5, transport, BACK[key], trying(1)),
        Kept(2 * SECOND, transport, key, invite(2, 5000)),
        Kept(3 * SECOND, transport, BACK[key], trying(2)),
    ]


def read(packets: Iterable[Saved]) -> list[tuple[int, Transport, bytes, bytes]]:
    """Return what our own decoder reads in packets: time, transport, ends and text of each message."""
    decoder = Decoder()
    items = [item for packet in packets for item in decoder.frame(packet.time, packet.link_type, packet.data)]
    found = [item for item in items if isinstance(item, (Request, Response))]
    return [(item.time, item.path.transport, item.path.key, item.raw) for item in found]


@for_each("key", [V4, V6], ids=["v4", "v6"])
@for_each("transport", list(Transport))
def test_messages_without_packets_are_read_again_as_they_were(transport: Transport, key: bytes) -> None:
    given = conversation(transport, key)
    found = packets_of(reversed(given))
    assert found.left_out == 0
    told = {Transport.WSS: Transport.TLS}.get(transport, transport)  # HEP has no word for WebSocket
    assert read(found.saved) == [(one.time, told, one.ends, one.raw) for one in given]


@tshark.needs_tshark
@for_each("transport", [Transport.UDP, Transport.TCP, Transport.WS])
def test_wireshark_reads_every_message_and_finds_every_checksum_right(tmp_path: Path, transport: Transport) -> None:
    # A WebSocket begins as HTTP, which tshark does not look for at SIP's port.
    key = HTTP if transport is Transport.WS else V4
    packets = packets_of(conversation(transport, key)).saved
    path = tmp_path / f"{transport}.{extension(packets)}"
    path.write_bytes(capture_file(packets))
    assert tshark.frames(path, "sip", "sip.Call-ID", "sip.CSeq", checksums=True) == [
        ["c1", "1 INVITE"],
        ["c1", "1 INVITE"],
        ["c2", "1 INVITE"],
        ["c2", "1 INVITE"],
    ]
    assert tshark.frames(path, WRONG, "frame.number", checksums=True) == []
    assert tshark.frames(path, "_ws.malformed or tcp.analysis.lost_segment", "frame.number", checksums=True) == []


def test_packets_are_those_of_the_capture_where_they_are_kept(store: Stored) -> None:
    path = PCAPS / "demo.pcap"
    store.capture(path)
    reader = store.read()
    kept = [one.message for call in reader.calls(Wanted()) for one in reader.messages(call.record)]
    own = [one for one in kept if one.link_type >= 0]  # not those in which a password was hidden
    packets = packets_of(own).saved
    with open_capture([str(path)], prefilter=Prefilter.OFF) as source:
        captured = set(source)
    assert len(packets) > 500
    assert {(packet.time, packet.link_type, packet.data) for packet in packets} <= captured
    assert all(packet.length == len(packet.data) for packet in packets)


def test_what_the_snap_length_cut_off_is_said_to_be_missing() -> None:
    text = invite()
    whole = packets_of([Kept(1, Transport.UDP, V4, text)]).saved[0].data
    before = whole[: whole.index(text)]
    (packet,) = packets_of([Kept(1, Transport.UDP, V4, text[:-60], 1, before)]).saved
    assert (packet.data, packet.length) == (before + text[:-60], len(whole))


def test_a_message_that_no_packet_can_hold_is_counted() -> None:
    found = packets_of([Kept(1, Transport.TLS, V4, invite(1, 65_500)), Kept(2, Transport.UDP, V4, invite(2, 65_500))])
    assert found == ([], 2)
    assert read(packets_of([Kept(3, Transport.TCP, V4, invite(3, 65_500))]).saved) != []


@pytest.mark.parametrize("order", [1, -1])
def test_packets_stand_in_the_order_of_time(order: int) -> None:
    given = [*conversation(Transport.UDP, V4), *conversation(Transport.TCP, V6), *conversation(Transport.WSS, V4)]
    times = [packet.time for packet in packets_of(given[::order]).saved]
    assert times == sorted(times)
