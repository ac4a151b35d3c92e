"""What an agent reports can be written as an agent would: reading it back gives the same."""

from __future__ import annotations

import gzip
import struct
import zlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipwatch.packet import MICROSECOND, SECOND
from sipwatch.wire import hep
from sipwatch.wire.discards import Discard
from sipwatch.wire.message import Path, Transport
from tests.wire import frames as f

if TYPE_CHECKING:
    from collections.abc import Callable

ENDS = f.A4 + f.B4 + b"\x13\xc4\x13\xc5"


@pytest.mark.parametrize("transport", [Transport.UDP, Transport.TCP, Transport.TLS, Transport.SCTP])
@given(st.integers(0, 2**32 * 10**6 - 1), st.booleans(), st.binary(max_size=2000))
def test_what_is_written_is_read_back(transport: Transport, microseconds: int, v6: bool, payload: bytes) -> None:
    path = Path((f.A6 + f.B6 if v6 else f.A4 + f.B4) + b"\x13\xc4\x13\xc5", transport)
    time = microseconds * MICROSECOND
    found = hep.Encapsulated(time if time >= SECOND else 0, transport, path.key, payload, 2001, b"c1")
    written = hep.encode(time, path, payload, hep.Agent(2001, b"secret"), b"c1")
    assert hep.decode(written) == hep.decode(written, b"secret") == found
    assert hep.decode(written, b"Secret") is Discard.HEP_UNAUTHORIZED
    # A listener hands on what matters of it.
    assert hep.carried(hep.carry(time, found)) == (time, transport, path.key, payload, 0, b"c1", b"")


@pytest.mark.parametrize(("transport", "over"), [(Transport.WS, Transport.TCP), (Transport.WSS, Transport.TLS)])
def test_of_a_websocket_what_it_runs_over_is_told(transport: Transport, over: Transport) -> None:
    read = hep.decode(hep.encode(SECOND, Path(ENDS, transport), b"text"))
    assert isinstance(read, hep.Encapsulated)
    assert read.transport is over


def test_what_is_longer_than_a_packet_can_be_is_not_written() -> None:
    path = Path(ENDS, Transport.TCP)
    most = hep.MAX_SIZE - len(hep.encode(0, path, b""))
    assert len(hep.encode(0, path, b"x" * most)) == hep.MAX_SIZE
    assert hep.encode(0, path, b"x" * (most + 1)) == b""


def chunk(kind: int, value: bytes, vendor: int = 0) -> bytes:
    return struct.pack("!HHH", vendor, kind, 6 + len(value)) + value


def with_chunks(*chunks: bytes, payload: bytes | None = b"text") -> bytes:
    """Return a packet with more chunks before its payload, or with them in the place of it."""
    packet = f.hep3(b"", f.A4, f.B4, capture_id=7)[:-6]
    packet += b"".join(chunks) + (b"" if payload is None else chunk(15, payload))
    return b"HEP3" + len(packet).to_bytes(2, "big") + packet[6:]


def test_chunks_that_nobody_knows_are_passed_over() -> None:
    read = hep.decode(with_chunks(chunk(15, b"theirs", vendor=3), chunk(0x7F, b"?"), chunk(18, b"\0\x0a")))
    assert isinstance(read, hep.Encapsulated)
    assert (read.payload, read.capture_id) == (b"text", 7)


def test_more_chunks_than_anybody_sends_are_no_hep() -> None:
    assert isinstance(hep.decode(with_chunks(*[chunk(0x7F, b"")] * 40)), hep.Encapsulated)
    assert hep.decode(with_chunks(*[chunk(0x7F, b"")] * 60)) is Discard.HEP_MALFORMED


def test_nothing_is_opened_for_who_has_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(hep, "inflated")
    assert hep.decode(with_chunks(chunk(16, BOMB), payload=None), b"secret") is Discard.HEP_UNAUTHORIZED


def test_correlation_id_and_node_name_are_read() -> None:
    read = hep.decode(with_chunks(chunk(17, b"a84b4c76e66710"), chunk(19, b"edge-1"), chunk(14, b"secret")))
    assert isinstance(read, hep.Encapsulated)
    assert (read.correlation, read.node) == (b"a84b4c76e66710", b"edge-1")


@pytest.mark.parametrize("compress", [zlib.compress, gzip.compress], ids=["zlib", "gzip"])
def test_a_compressed_payload_is_opened(compress: Callable[[bytes], bytes]) -> None:
    read = hep.decode(with_chunks(chunk(16, compress(b"INVITE sip:b")), payload=None))
    assert isinstance(read, hep.Encapsulated)
    assert read.payload == b"INVITE sip:b"


BOMB = zlib.compress(bytes(20_000_000))


@pytest.mark.parametrize(
    "data", [b"", b"junk", zlib.compress(b"x" * 100)[:-6], BOMB], ids=["empty", "junk", "cut-short", "bomb"]
)
def test_a_compressed_payload_that_is_broken_or_too_large_is_discarded_by_name(data: bytes) -> None:
    assert hep.decode(with_chunks(chunk(16, data), payload=None)) is Discard.HEP_COMPRESSED


def test_no_more_is_opened_than_a_message_may_have() -> None:
    assert hep.inflated(zlib.compress(b"x" * 1000), 1000) == b"x" * 1000
    assert hep.inflated(zlib.compress(b"x" * 1001), 1000) is None


@given(st.binary(max_size=200))
def test_any_bytes_at_all_are_read_or_discarded(data: bytes) -> None:
    for packet in (data, b"HEP3" + data, b"HEP3" + (6 + len(data)).to_bytes(2, "big") + data, b"\x02\x10" + data):
        assert isinstance(hep.decode(packet), (hep.Encapsulated, Discard))
    assert hep.carried(data) is None or len(data) >= 23
