"""The patterns match runs of media, record by record as long as the reader says, and nothing else."""

from __future__ import annotations

import re
import struct

import pytest

from sipwatch.capture import patterns
from tests.capture.builders import ORDERS, START, enhanced, option, pcap
from tests.each import for_each
from tests.wire.frames import ipv4, ipv6, udp

EVERY_ORDER = pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
ETHERNET = bytes(12) + b"\x08\x00"
RTP = ETHERNET + ipv4(udp(b"\x80" + bytes(171)))
SIP = ETHERNET + ipv4(udp(b"O" + bytes(171)))


def records(order: str, *frames: bytes) -> bytes:
    return pcap([(START, 1, data) for data in frames], order=order)[24:]


@EVERY_ORDER
def test_a_run_ends_before_the_first_record_that_is_no_media(order: str) -> None:
    run = patterns.pcap(order, 1, len(RTP)).match(records(order, RTP, RTP, RTP, SIP, RTP))
    assert run is not None
    assert run.end() == 3 * (16 + len(RTP))


@EVERY_ORDER
def test_a_run_ends_before_a_record_of_another_length(order: str) -> None:
    run = patterns.pcap(order, 1, len(RTP)).match(records(order, RTP, RTP + b"\0", RTP))
    assert run is not None
    assert run.end() == 16 + len(RTP)


@EVERY_ORDER
def test_a_run_ends_before_a_record_that_is_cut_off(order: str) -> None:
    run = patterns.pcap(order, 1, len(RTP)).match(records(order, RTP, RTP)[:-1])
    assert run is not None
    assert run.end() == 16 + len(RTP)


def test_what_does_not_match_gives_a_run_of_nothing() -> None:
    """Never None: that is what its user relies on."""
    for pattern in (patterns.pcap("<", 1, 10), patterns.pcap("<", 1, 100), patterns.pcapng("<", [147], 200)):
        run = pattern.match(b"anything" * 100)
        assert run is not None
        assert run.end() == 0


@for_each("captured", range(len(RTP)))
def test_a_payload_that_was_not_captured_is_not_taken_from_the_next_record(captured: int) -> None:
    """43 bytes are up to the first one of the payload; below, what follows in the file must not be looked at."""
    run = patterns.pcap("<", 1, captured).match(records("<", RTP[:captured], b"\x80" * 300))
    assert run is not None
    assert run.end() == (16 + captured if captured >= 43 else 0)


@EVERY_ORDER
def test_enhanced_packets_of_a_known_interface_are_a_run(order: str) -> None:
    """The second interface's; with options too, if they leave the block as long."""
    plain = enhanced(order, 1, 7, RTP)
    shorter = enhanced(order, 1, 7, RTP[:-8], option(order, 2, b"flag"))
    assert len(shorter) == len(plain)
    run = patterns.pcapng(order, [147, 1], len(plain)).match(plain + shorter + plain + enhanced(order, 0, 7, RTP))
    assert run is not None
    assert run.end() == 3 * len(plain)


@EVERY_ORDER
@for_each(
    "at, value",
    [(20, len(RTP) + 3), (20, 2**31), (8, 2), (-4, 0), (0, 2)],
    ids=["longer than its block", "absurdly long", "of no interface", "without an end", "of another kind"],
)
def test_a_damaged_block_is_left_to_the_reader(order: str, at: int, value: int) -> None:
    """It has to end the file; were it skipped, nobody would say so."""
    damaged = bytearray(enhanced(order, 0, 7, RTP))
    struct.pack_into(order + "I", damaged, len(damaged) + at if at < 0 else at, value)
    run = patterns.pcapng(order, [1], len(damaged)).match(damaged)
    assert run is not None
    assert run.end() == 0


@EVERY_ORDER
@for_each("low, high", [(0, 255), (43, 700), (255, 256), (256, 511), (300, 310), (250, 65535)])
def test_a_range_of_numbers_is_matched_exactly(order: str, low: int, high: int) -> None:
    between = re.compile(patterns._between(order, low, high), re.DOTALL)
    for value in {0, 1, low - 1, low, low + 1, (low + high) // 2, high - 1, high, high + 1, 65535, 65536, 2**31} - {-1}:
        assert bool(between.fullmatch(struct.pack(order + "I", value))) == (low <= value <= high), value


def test_ipv6_needs_its_own_header() -> None:
    data = bytes(12) + b"\x86\xdd" + ipv6(udp(b"\x80" + bytes(20)))
    run = patterns.pcap("<", 1, len(data)).match(records("<", data))
    assert run is not None
    assert run.end() == 16 + len(data)
