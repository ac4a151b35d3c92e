"""Which message a datagram holds, and where in it."""

from __future__ import annotations

from sipwatch.evidence.datagrams import Datagram, call_id_of, datagram_of
from sipwatch.evidence.dissect import Dissector
from sipwatch.evidence.packets import Packet
from tests.wire import frames as f
from tests.wire.test_decoder import options


def found_in(payload: bytes, port: int = 5060) -> Datagram | None:
    carried = Dissector().packet(Packet(1, 5, 101, f.ipv4(f.udp(payload, port, port))))
    assert carried is not None
    return datagram_of(carried)


def test_a_message_is_found_behind_blanks() -> None:
    datagram = found_in(b"\r\n\r\n" + options())
    assert datagram is not None
    assert (datagram.start, datagram.raw, datagram.truncated) == (4, options(), False)
    message = datagram.message()
    assert message is not None
    assert (message.time, message.call_id) == (5, b"call1")
    assert call_id_of(datagram.raw) == b"call1"


def test_a_message_is_found_inside_hep_with_the_ends_that_hep_names() -> None:
    datagram = found_in(f.hep3(options(), f.A6, f.B6, 5062, 5064), 9060)
    assert datagram is not None
    assert datagram.raw == options()
    assert datagram.path.source == "[2001:db8::1]:5062"
    datagram = found_in(f.hep2(options(), f.A4, f.B4), 9060)
    assert datagram is not None
    assert datagram.carried.view.read()[datagram.start :] == options()


def test_what_is_no_message_is_none() -> None:
    for payload in (b"", b"\r\n\r\n", b"\x80\x08" + bytes(170), b"hello", b"HEP3\0\x06", f.hep3(b"hello", f.A4, f.B4)):
        assert found_in(payload) is None


def test_a_damaged_hep_chunk_ends_the_search_for_keys() -> None:
    hep = bytearray(f.hep3(options(), f.A4, f.B4))
    hep += b"\0\0\0\x0e\0\0"
    datagram = found_in(bytes(hep))
    assert datagram is not None
    assert datagram.secrets == []
