"""TCP streams: the same messages however the bytes were cut, ordered, repeated or lost."""

from __future__ import annotations

from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipwatch.wire.decoder import Decoder, Item
from sipwatch.wire.discards import Discard
from sipwatch.wire.message import Request
from tests.each import for_each
from tests.thorough import examples
from tests.wire import frames as f
from tests.wire.test_decoder import calls, options

if TYPE_CHECKING:
    from collections.abc import Callable

SECOND = 1_000_000_000
THREE = options(1, b"body" * 10) + b"\r\n\r\n" + options(2) + options(3, b"x" * 70)
START = 0xFFFFFF80  # the sequence number wraps around on the way


class Connection:
    """One direction of a connection, and what comes out of it."""

    def __init__(self) -> None:
        self.decoder = Decoder()
        self.items: list[Item] = []
        self.time = 0
        self.next = START + 1

    def segment(self, payload: bytes, sequence: int, flags: int = f.ACK | f.PUSH, *, time: int | None = None) -> None:
        packet = f.ipv4(f.tcp(payload, sequence, flags), f.TCP)
        self.items += self.decoder.frame(self.time if time is None else time, 101, packet)

    def send(self, payload: bytes, flags: int = f.ACK | f.PUSH, *, time: int | None = None) -> None:
        """Send what comes next in order."""
        self.segment(payload, self.next, flags, time=time)
        self.next += len(payload)

    def skip(self, lost: int) -> None:
        """Lose bytes, and go on until nobody waits for them any more."""
        self.next += lost
        self.send(b"\r\n", time=0)
        self.send(b"\r\n", time=4 * SECOND)

    def answer(self, acknowledged: int) -> None:
        """Send a bare ACK in the other direction."""
        packet = f.ipv4(f.tcp(b"", 1, f.ACK, acknowledged=acknowledged, sport=5060, dport=40000), f.TCP, f.B4, f.A4)
        self.items += self.decoder.frame(self.time, 101, packet)

    def finish(self) -> list[bytes]:
        self.items += self.decoder.finish(self.time)
        return calls(self.items)


def pieces(cuts: list[bytes]) -> list[tuple[bytes, int]]:
    """Give each piece its sequence number."""
    numbered, sequence = [], START + 1
    for piece in cuts:
        numbered.append((piece, sequence))
        sequence += len(piece)
    return numbered


def converse(segments: list[tuple[bytes, int]], *, handshake: bool = True) -> list[bytes]:
    connection = Connection()
    if handshake:
        connection.segment(b"", START, f.SYN)
    for payload, sequence in segments:
        connection.segment(payload, sequence)
    return connection.finish()


ALL = [b"call1", b"call2", b"call3"]


def test_several_messages_in_one_segment() -> None:
    """With keep-alives between them."""
    assert converse(pieces([THREE])) == ALL


def test_byte_by_byte() -> None:
    """A message is whole with its last byte."""
    assert converse(pieces([THREE[i : i + 1] for i in range(len(THREE))])) == ALL


@for_each("seed", range(30))
def test_cut_anywhere_reordered_and_repeated(seed: int) -> None:
    """The order of arrival does not matter, nor do retransmissions."""
    random = Random(seed)
    segments = pieces(f.cut(random, THREE, 12))
    segments += random.sample(segments, 4)
    middle = segments[1:]
    random.shuffle(middle)
    assert converse([segments[0], *middle]) == ALL


@for_each("seed", range(10))
def test_overlapping_retransmissions_with_other_boundaries(seed: int) -> None:
    """A sender may cut the same bytes otherwise the second time."""
    random = Random(seed)
    first, second = pieces(f.cut(random, THREE, 8)), pieces(f.cut(random, THREE, 5))
    mixed = sorted(first + second, key=lambda segment: (segment[1] - START) + random.randrange(40))
    assert converse(mixed) == ALL


def test_a_capture_that_begins_in_mid_stream_starts_at_the_next_start_line() -> None:
    """The first message is cut off, the others count."""
    assert converse(pieces([THREE[100:]]), handshake=False) == [b"call2", b"call3"]


def test_a_gap_is_skipped_once_the_receiver_has_acknowledged_it() -> None:
    """The segment was lost by the capture, not on the wire: there is no need to wait."""
    connection = Connection()
    connection.segment(b"", START, f.SYN)
    first, lost, third = options(1), options(2), options(3)
    connection.segment(first, START + 1)
    connection.segment(third, START + 1 + len(first) + len(lost))
    assert calls(connection.items) == [b"call1"]
    connection.answer(START + 1 + len(first) + len(lost) + len(third))
    assert calls(connection.items) == [b"call1", b"call3"]
    assert connection.decoder.discards[Discard.TCP_GAP] == 1


def test_a_gap_is_skipped_after_some_seconds_of_packet_time() -> None:
    """Without any ACK captured."""
    connection = Connection()
    connection.segment(b"", START, f.SYN)
    at = START + 1 + 50
    connection.segment(options(2), at, time=0)
    connection.segment(options(3), at + len(options(2)), time=4 * SECOND)
    assert calls(connection.items) == [b"call2", b"call3"]


def test_what_waits_behind_a_gap_is_not_lost_at_the_end_of_the_capture() -> None:
    """It was captured, so it counts."""
    connection = Connection()
    connection.segment(b"", START, f.SYN)
    connection.segment(options(2), START + 60)
    assert connection.finish() == [b"call2"]


def test_an_invalid_content_length_costs_one_body_not_the_stream() -> None:
    """RFC 3261 §18.3 gives no way out; the next start line does."""
    bad = options(1, b"v=0\r\n").replace(b"Content-Length: 5", b"Content-Length: five")
    assert converse(pieces([bad + options(2)])) == [b"call1", b"call2"]


def test_a_large_body_is_taken() -> None:
    """64 kB and more."""
    data = options(1, b"x" * 100_000) + options(2)
    assert converse(pieces([data[i : i + 1460] for i in range(0, len(data), 1460)])) == [b"call1", b"call2"]


def test_a_body_beyond_the_limit_is_given_up_by_name() -> None:
    """And does not fill the memory."""
    connection = Connection()
    connection.segment(b"", START, f.SYN)
    connection.segment(options(1, b"").replace(b"Content-Length: 0", b"Content-Length: 99999999"), START + 1)
    assert connection.decoder.discards[Discard.SIP_TOO_LONG] == 1


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x16\x03\x01\x02\x00" + bytes(300), Discard.TLS),
        (b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n", Discard.TCP_NOT_SIP),
        (b"SSH-2.0-OpenSSH_9.2\r\n", Discard.TCP_NOT_SIP),
        (bytes(range(256)) * 4, Discard.TCP_NOT_SIP),
    ],
    ids=["tls", "http", "ssh", "binary"],
)
def test_other_protocols_are_named_and_not_buffered(data: bytes, reason: Discard) -> None:
    """A bulk transfer costs nothing."""
    connection = Connection()
    connection.segment(b"", START, f.SYN)
    for place in range(50):
        connection.segment(data, START + 1 + place * len(data))
    assert connection.finish() == []
    assert connection.decoder.discards[reason] >= 49


def test_a_foreign_stream_is_looked_at_again_when_sip_begins_a_segment() -> None:
    """A wrong first guess is not for ever."""
    connection = Connection()
    connection.segment(b"\x00\x01garbage" * 20, 1)
    connection.segment(options(7), 1 + 180)
    assert connection.finish() == [b"call7"]


def texts(connection: Connection) -> list[bytes]:
    """Return the messages as they were put together."""
    return [item.raw for item in connection.items if isinstance(item, Request)]


def opened() -> Connection:
    """Return a connection whose SYN was captured."""
    connection = Connection()
    connection.segment(b"", START, f.SYN)
    connection.items.clear()
    return connection


# The life of a connection


def test_every_frame_captured_twice_gives_each_message_once() -> None:
    """A mirror port, also of the segment that ends the connection with data in it."""
    connection = Connection()
    for payload, sequence, flags in (
        (b"", START, f.SYN),
        (options(1), START + 1, f.ACK),
        (options(2), START + 1 + len(options(1)), f.ACK | f.FIN),
    ):
        connection.segment(payload, sequence, flags, time=0)
        connection.segment(payload, sequence, flags, time=10)
    assert connection.finish() == [b"call1", b"call2"]
    assert connection.decoder.discards == {Discard.TCP_CONTROL: 2, Discard.TCP_RETRANSMITTED: 2}


def test_data_captured_before_its_syn_is_not_lost() -> None:
    """Two directions, two queues of the network card."""
    connection = Connection()
    connection.send(options(1)[:200])
    connection.segment(b"", START, f.SYN)
    connection.send(options(1)[200:])
    assert texts(connection) == [options(1)]


def test_a_fin_captured_before_the_last_data_ends_nothing_yet() -> None:
    """Order is by number."""
    connection = opened()
    connection.send(options(1)[:200])
    connection.segment(b"", START + 1 + len(options(1)), f.FIN | f.ACK)
    connection.send(options(1)[200:])
    assert texts(connection) == [options(1)]


@pytest.mark.parametrize(
    "number", [START, 5, START - (1 << 24), START + (1 << 24)], ids=["same", "wrapped", "behind", "ahead"]
)
def test_a_new_connection_between_the_same_ends_begins_with_its_syn(number: int) -> None:
    """Whatever number it begins with, and although the first was never closed."""
    connection = opened()
    connection.send(options(1))
    connection.segment(b"", number, f.SYN)
    connection.segment(options(2), number + 1)
    assert connection.finish() == [b"call1", b"call2"]


@pytest.mark.parametrize("number", [START - (1 << 24), START + (1 << 24)], ids=["behind", "ahead"])
def test_a_new_connection_whose_syn_was_not_captured_is_found(number: int) -> None:
    """Its numbers are not near the old ones."""
    connection = opened()
    connection.send(options(1))
    connection.segment(options(2), number)
    connection.segment(options(3), number + len(options(2)))
    assert connection.finish() == [b"call1", b"call2", b"call3"]
    assert connection.decoder.discards[Discard.TCP_GAP] == 1


def test_numbers_of_a_connection_silent_for_hours_mean_nothing() -> None:
    """The ports may have been used again."""
    connection = opened()
    connection.send(options(1))
    connection.segment(options(2), START + 1, time=7_201 * SECOND)
    assert connection.finish() == [b"call1", b"call2"]


def test_a_copy_long_after_the_end_is_a_new_stream() -> None:
    """A minute: by the deadline of the connection, whenever anybody looks."""
    connection = opened()
    connection.segment(options(1), START + 1, f.ACK | f.FIN)
    connection.segment(options(1), START + 1, time=59 * SECOND)
    assert calls(connection.items) == [b"call1"]
    connection.segment(options(1), START + 1, time=60 * SECOND)
    assert calls(connection.items) == [b"call1", b"call1"]


# A stream joined in the middle


@pytest.mark.parametrize("cut", [12, 40, 200, len(THREE) // 2, len(THREE) - 60, len(THREE) - 2])
def test_the_first_two_segments_of_a_stream_joined_in_the_middle_may_come_in_reverse_order(cut: int) -> None:
    """Two queues of the network card, and no SYN that says where the stream begins."""
    connection = Connection()
    connection.segment(THREE[cut:], START + 1 + cut)
    connection.segment(THREE[:cut], START + 1)
    assert sorted(texts(connection)) == sorted(texts_of(THREE))
    connection.segment(options(4), START + 1 + len(THREE))
    assert sorted(connection.finish()) == [*ALL, b"call4"]


def texts_of(data: bytes) -> list[bytes]:
    connection = opened()
    connection.send(data)
    return texts(connection)


@for_each("seed", range(10))
def test_what_follows_two_segments_put_right_goes_on_in_order(seed: int) -> None:
    segments = pieces(f.cut(Random(seed), THREE, 6))
    first, second, *rest = segments
    expected = converse([first, second, *rest], handshake=False)
    assert sorted(converse([second, first, *rest], handshake=False)) == sorted(expected)


def test_a_probe_whether_the_other_end_lives_changes_nothing() -> None:
    """RFC 9293 §3.8.4: one byte before what comes next, which was sent long ago."""
    connection = Connection()
    connection.segment(options(1), START + 1)
    connection.segment(b"x", START)
    connection.segment(options(2), START + 1 + len(options(1)))
    assert connection.finish() == [b"call1", b"call2"]


def test_only_the_second_segment_can_be_the_one_before_the_first() -> None:
    """Later it is a retransmission of what nobody here has seen, and its place is taken."""
    connection = Connection()
    connection.segment(options(2), START + 1)
    connection.segment(options(3), START + 1 + len(options(2)))
    connection.segment(options(1), START + 1 - len(options(1)))
    assert connection.finish() == [b"call2", b"call3"]


def test_a_first_segment_captured_twice_still_waits_for_the_one_before() -> None:
    connection = Connection()
    for _ in range(2):
        connection.segment(THREE[100:], START + 101)
    connection.segment(THREE[:100], START + 1)
    assert sorted(connection.finish()) == ALL


# What there is of a message that cannot become whole

LONG = options(1, b"v=0\r\n" * 100)
ENDS: dict[str, Callable[[Connection], object]] = {
    "fin": lambda connection: connection.send(b"", f.FIN | f.ACK),
    "rst": lambda connection: connection.send(b"", f.RST),
    "syn": lambda connection: connection.segment(b"", 77, f.SYN),
    "end-of-capture": lambda connection: connection.finish(),
    "gap": lambda connection: connection.skip(10_000),
}


@pytest.mark.parametrize("how", ENDS)
def test_a_message_whose_body_never_comes_counts_all_the_same(how: str) -> None:
    """DESIGN §4: the headers are whole."""
    connection = opened()
    connection.send(LONG[:-300])
    assert connection.items == []
    ENDS[how](connection)
    assert calls(connection.items) == [b"call1"]


@pytest.mark.parametrize("how", ENDS)
def test_half_a_header_section_is_discarded_by_name(how: str) -> None:
    """No bytes vanish without a reason."""
    connection = opened()
    connection.send(LONG[:90])
    assert connection.items == []
    ENDS[how](connection)
    assert connection.decoder.discards[Discard.SIP_TRUNCATED] == 1
    assert calls(connection.items) == []


def test_segments_cut_by_the_snap_length() -> None:
    """The numbers go on as on the wire; the next message is found."""
    connection = opened()
    for payload in (LONG, options(2), LONG.replace(b"call1", b"call3")):
        packet = f.ipv4(f.tcp(payload, connection.next), f.TCP)
        connection.items += connection.decoder.frame(0, 101, packet[:400])
        connection.next += len(payload)
    assert connection.finish() == ALL
    assert Discard.TCP_GAP not in connection.decoder.discards


def test_a_retransmission_cut_by_the_snap_length_may_reach_beyond_what_is_known() -> None:
    """What was captured of it is old, what is new was cut."""
    connection = opened()
    connection.send(LONG[:500])
    packet = f.ipv4(f.tcp(LONG[450:], connection.next - 50), f.TCP)
    connection.items += connection.decoder.frame(0, 101, packet[:60])
    connection.next += len(LONG) - 500
    connection.send(options(2))
    assert calls(connection.items) == [b"call1", b"call2"]
    assert connection.decoder.discards == {Discard.TCP_CONTROL: 1}


def test_the_longer_of_two_waiting_segments_stays() -> None:
    """A retransmission may hold more than the first try, or less."""
    connection = opened()
    connection.next += 200
    for size in (250, 400, 220):
        connection.segment(THREE[200:size], connection.next)
    connection.segment(THREE[:200], START + 1)
    connection.next = START + 1 + 400
    connection.send(THREE[400:])
    assert calls(connection.items) == ALL


@pytest.mark.parametrize("skipped_by", ["time", "ack"])
def test_a_second_gap_is_given_its_own_time(skipped_by: str) -> None:
    """It is not given up because the first one was old."""
    connection = opened()
    first, second, third = (options(number) for number in (1, 2, 3))
    lost = START + 1 + 50
    behind = lost + len(first) + len(second)
    connection.segment(first, lost, time=0)
    connection.segment(third, behind, time=2 * SECOND)
    if skipped_by == "time":
        connection.segment(third[:9], behind, time=4 * SECOND)
    else:
        connection.time = 4 * SECOND
        connection.answer(lost + 1)
    assert calls(connection.items) == [b"call1"]
    connection.segment(third, behind, time=6 * SECOND)
    assert calls(connection.items) == [b"call1"]
    connection.segment(second, lost + len(first), time=6 * SECOND)
    assert calls(connection.items) == ALL


# Framing

LENGTHS = {
    "compact": b"l: 5",
    "any-case": b"CONTENT-length:5",
    "blank-before-the-colon": b"Content-Length \t: 5",
    "folded": b"Content-Length:\r\n 5",
    "leading-zeros": b"Content-Length: 00005",
}


@pytest.mark.parametrize("name", LENGTHS)
def test_the_content_length_in_all_its_spellings(name: str) -> None:
    """RFC 3261 §7.3.1, §7.3.3."""
    data = options(1, b"v=0\r\n").replace(b"Content-Length: 5", LENGTHS[name]) + options(2)
    connection = opened()
    connection.send(data)
    assert [text[-5:] for text in texts(connection)] == [b"v=0\r\n", b"0\r\n\r\n"]


def test_without_a_content_length_there_is_no_body() -> None:
    """RFC 3261 §20.14 makes it a must over streams; the next start line helps out."""
    connection = opened()
    connection.send(options(1, length=False) + b"v=0\r\n" + options(2) + options(3, length=False) + options(4))
    assert calls(connection.items) == [b"call1", b"call2", b"call3", b"call4"]


def test_line_ends_of_sloppy_stacks() -> None:
    """LF only, and both kinds on one stream."""
    connection = opened()
    connection.send(options(1, b"12345").replace(b"\r\n", b"\n") + options(2) + options(3).replace(b"\r\n", b"\n"))
    assert calls(connection.items) == ALL


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50])
def test_after_a_gap_the_next_start_line_may_be_cut_too(size: int) -> None:
    """Into pieces of any size."""
    connection = opened()
    connection.send(options(1)[:100])
    connection.next += 50
    rest = options(1)[150:] + options(2) + options(3)
    for at in range(0, len(rest), size):
        connection.send(rest[at : at + size], time=at)
    connection.answer(connection.next)
    assert connection.finish()[-2:] == [b"call2", b"call3"]


def test_a_message_has_the_time_of_the_frame_that_completed_it() -> None:
    connection = opened()
    connection.send(options(1)[:200], time=1)
    connection.send(options(1)[200:] + options(2), time=2)
    assert [item.time for item in connection.items if isinstance(item, Request)] == [2, 2]


def test_each_keep_alive_is_named() -> None:
    """RFC 5626 §4.4.1, and the bare byte of TCP's own (RFC 9293 §3.8.4)."""
    connection = opened()
    connection.send(b"\r\n\r\n")
    connection.send(b"\r\n")
    connection.segment(b"\0", connection.next - 1)
    assert connection.items == [Discard.KEEPALIVE, Discard.KEEPALIVE, Discard.TCP_RETRANSMITTED]


def test_a_gap_in_a_bulk_transfer_is_nobodys_loss() -> None:
    """It is not waited for, not buffered, and no gap in SIP."""
    connection = opened()
    connection.send(b"\x01" * 1400)
    for _ in range(30):
        connection.next += 1400
        connection.send(b"line\n" * 280)
    assert connection.items == [Discard.TCP_NOT_SIP] * 31
    assert connection.decoder.discards == {Discard.TCP_CONTROL: 1, Discard.TCP_NOT_SIP: 31}


def test_a_foreign_connection_begun_anew_unseen_has_no_gap() -> None:
    """Its numbers are far behind; no SIP was lost."""
    connection = opened()
    connection.send(b"\x01" * 1400)
    connection.segment(b"\x01" * 1400, START - (1 << 24))
    assert connection.items == [Discard.TCP_NOT_SIP] * 2
    assert Discard.TCP_GAP not in connection.decoder.discards


@pytest.mark.parametrize("record", [b"\x16\x03\x01", b"\x17\x03\x03"], ids=["handshake", "application-data"])
def test_tls_is_named_wherever_it_begins(record: bytes) -> None:
    """Someone must bring the keys."""
    connection = Connection()
    connection.send(record + bytes(200))
    connection.send(bytes(200))
    assert connection.items == [Discard.TLS, Discard.TLS]


@examples(150)
@given(
    st.lists(st.integers(0, len(THREE)), max_size=25),
    st.randoms(use_true_random=False),
    st.booleans(),
)
def test_however_a_conversation_is_cut_reordered_and_repeated(places: list[int], random: Random, again: bool) -> None:
    """The same messages, once each, in order."""
    bounds = sorted({0, *places, len(THREE)})
    segments = pieces([THREE[a:b] for a, b in pairwise(bounds)])
    if again:
        segments += pieces(f.cut(random, THREE, 5))
    random.shuffle(segments)
    assert converse(segments) == ALL


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_a_header_section_that_comes_byte_by_byte_ends_where_its_empty_line_does(end: bytes) -> None:
    """Whether or not bytes of the next message come with it, or the line ends are cut in two."""
    data = THREE.replace(b"\r\n", end)
    for size in (1, 2, 3):
        assert converse(pieces([data[i : i + size] for i in range(0, len(data), size)])) == ALL


# HEP over TCP: an agent's connection to whom it reports


def report(text: bytes, number: int = 0) -> bytes:
    return f.hep3(text, f.A4, f.B4, time=number * SECOND, capture_id=7)


REPORTED = b"".join(report(options(number, b"body" * number)) for number in (1, 2, 3))


def test_what_agents_report_over_tcp_is_read_between_the_ends_that_they_tell() -> None:
    connection = Connection()
    connection.segment(b"", START, f.SYN)
    connection.time = 9 * SECOND
    connection.send(report(options(1), 5))
    (item,) = [item for item in connection.items if isinstance(item, Request)]
    assert (item.path.source_address, item.path.destination_address, item.path.key[-4:]) == (
        f.A4, f.B4, (5060).to_bytes(2, "big") * 2,
    )  # fmt: skip
    assert item.path.transport.value == "udp"
    assert item.time == 9 * SECOND  # as with HEP in datagrams, the capture's


def test_hep_over_tcp_byte_by_byte() -> None:
    assert converse(pieces([REPORTED[at : at + 1] for at in range(len(REPORTED))])) == ALL


@for_each("seed", range(30))
def test_hep_over_tcp_cut_anywhere_reordered_and_repeated(seed: int) -> None:
    random = Random(seed)
    cuts = sorted(random.sample(range(1, len(REPORTED)), 12))
    segments = pieces([REPORTED[a:b] for a, b in pairwise([0, *cuts, len(REPORTED)])])
    segments += random.sample(segments, 4)
    random.shuffle(segments)
    assert converse(segments) == ALL


@for_each("lost", range(0, len(REPORTED), 7))
def test_a_gap_in_hep_costs_the_packets_that_it_touches_and_no_other(lost: int) -> None:
    connection = Connection()
    connection.segment(b"", START, f.SYN)
    gap = min(40, len(REPORTED) - lost)
    connection.send(REPORTED[:lost]) if lost else None
    connection.next += gap
    connection.send(REPORTED[lost + gap :] + report(options(9)), time=0)
    connection.send(report(options(10)), time=4 * SECOND)
    whole, at = [], 0
    for number in (1, 2, 3):
        size = len(report(options(number, b"body" * number)))
        if at + size <= lost or at >= lost + gap:
            whole.append(b"call%d" % number)
        at += size
    assert connection.finish() == [*whole, b"call9", b"call10"]


@for_each("size", [0, 6, 11, 12, 100, 0x0200, 0xFFFF])
def test_a_length_that_lies_costs_no_more_than_it_says_and_the_stream_goes_on(size: int) -> None:
    connection = Connection()
    connection.segment(b"", START, f.SYN)
    lie = report(options(1))
    connection.send(report(options(0)) + lie[:4] + size.to_bytes(2, "big") + lie[6:])
    later = [report(options(number)) for number in range(2, 400)]
    for packet in later:
        connection.send(packet)
    found = connection.finish()
    assert found[0] == b"call0"
    lost = max(0, size - len(lie)) // len(later[0]) + 2
    assert found[-(len(later) - lost) :] == [b"call%d" % number for number in range(2 + lost, 400)]
    assert connection.decoder.taken["streams"] == 0


def test_a_capture_that_begins_within_a_packet_starts_with_the_next() -> None:
    for cut in (1, 3, 50, len(report(options(1, b"body"))) - 1):
        assert converse(pieces([REPORTED[cut : cut + 200], REPORTED[cut + 200 :]]), handshake=False) == [
            b"call2",
            b"call3",
        ], cut


def test_hep_that_holds_no_sip_is_named_and_holds_up_nothing() -> None:
    connection = Connection()
    connection.segment(b"", START, f.SYN)
    connection.send(f.hep3(b'{"rtcp": 1}', f.A4, f.B4, kind=5))
    assert connection.items == [Discard.TCP_CONTROL, Discard.NOT_SIP]
    connection.send(report(options(1)))
    assert calls(connection.items) == [b"call1"]


def test_hep_on_its_way_to_us_is_not_read_twice() -> None:
    connection = Connection()
    connection.decoder.own = frozenset({(5060).to_bytes(2, "big")})
    connection.send(REPORTED)
    assert connection.items == [Discard.HEP_OWN] * 3


def test_a_request_whose_method_is_hep3_is_a_request() -> None:
    request = options(1).replace(b"OPTIONS", b"HEP3")
    assert converse(pieces([request + options(2)])) == [b"call1", b"call2"]


TRAP = b"HEP3\xff\xff\0\0\0\1\0\7\2"
TRAPPED = [options(number, TRAP + b"x" * 50) for number in range(1000)]


def test_a_packet_of_hep_in_a_body_makes_no_hep_of_a_stream_of_sip() -> None:
    connection = Connection()
    connection.segment(b"", START, f.SYN)
    connection.send(TRAPPED[0])
    connection.skip(len(TRAPPED[1]) - 63)
    connection.send(TRAPPED[1][-63:])
    for message in TRAPPED[2:20]:
        connection.send(message)
    assert connection.finish() == [b"call0", *[b"call%d" % number for number in range(2, 20)]]


@pytest.mark.parametrize("lost", [0, 100])
@pytest.mark.parametrize(
    "others", [TRAPPED, [options(number, b"x" * 61 + b"\r\n") for number in range(1000)]], ids=["again", "once"]
)
def test_where_a_capture_begins_with_one_it_is_known_for_what_it_is_before_long(others: list[bytes], lost: int) -> None:
    """As soon as it should be over, or after so many bytes as no agent sends without another."""
    connection = Connection()
    connection.send(TRAPPED[0][-63:])
    connection.send(others[1])
    connection.next += lost
    for place, message in enumerate(others[2:]):
        connection.send(message if place else message[lost:], time=place * SECOND)
    assert connection.finish()[-100:] == [b"call%d" % number for number in range(900, 1000)]
