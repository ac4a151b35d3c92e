"""Learned header orders are a saving of work and never of care: what they read, the patient parser reads the same."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipwatch.packet import SECOND
from sipwatch.wire import shapes
from sipwatch.wire.message import Path, Request, Response, Transport
from sipwatch.wire.sip import Parser, parse

PATH = Path(bytes((192, 0, 2, 1, 192, 0, 2, 2, 0x13, 0xC4, 0x13, 0xC4)), Transport.UDP)
INVITE = (
    b"INVITE sip:15550101@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1;rport\r\n"
    b'From: "A" <sip:15550100@example.com>;tag=a1\r\nTo: <sip:15550101@example.com>\r\nCall-ID: c1@example.com\r\n'
    b"CSeq: 1 INVITE\r\nMax-Forwards: 70\r\nUser-Agent: x\r\nContent-Length: 0\r\n\r\n"
)
OK = (
    b"SIP/2.0 200 OK\r\nv: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nv: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK2\r\n"
    b"f: <sip:15550100@example.com>;tag=a1\r\nt: <sip:15550101@example.com>;tag=b1\r\ni: c1\r\nCSeq: 1 INVITE\r\nl: 0\r\n\r\n"
)
FIELDS = ("call_id", "from_tag", "to_tag", "cseq_number", "cseq_method", "branch", "via_count", "names")


def read(data: bytes, parser: Parser | None = None) -> object:
    """Return all that a message says, or why it is none; without a parser patiently."""
    item = parse(0, PATH, data, False) if parser is None else parser.parse(0, PATH, data, False)
    facts = [getattr(item, field, None) for field in FIELDS]
    match item:
        case Request():
            return [*facts, item.method, item.request_uri, item.max_forwards]
        case Response():
            return [*facts, item.status_code, item.reason_phrase]
    return item


def patterns(parser: Parser) -> int:
    return sum(map(len, parser.shapes.known.values()))


def source(number: int) -> Path:
    """Return the path of a stranger's messages."""
    return Path(bytes((198, 51, 100, number)) + PATH.key[4:], Transport.UDP)


def invented(number: int, message: bytes = INVITE) -> bytes:
    return message.replace(b"User-Agent", b"X-%d" % number)


def seen_often(parser: Parser, message: bytes, time: int = 0, path: Path = PATH) -> None:
    for _ in range(shapes.SEEN_BEFORE):
        parser.parse(time, path, message, False)


def taught(*messages: bytes) -> Parser:
    """Return a parser that has read messages often enough."""
    parser = Parser()
    for message in messages:
        for _ in range(shapes.SEEN_BEFORE):
            parser.parse(0, PATH, message, False)
    return parser


@pytest.mark.parametrize("message", [INVITE, OK], ids=["request", "compact-response-with-two-vias"])
def test_a_shape_gets_its_pattern_once_it_was_seen_often_enough_and_reads_the_same(message: bytes) -> None:
    parser = Parser()
    for _ in range(shapes.SEEN_BEFORE):
        assert patterns(parser) == 0
        assert read(message, parser) == read(message)
    assert patterns(parser) == 1
    assert read(message, parser) == read(message)


def test_what_one_parser_has_learned_no_other_knows() -> None:
    taught(INVITE)
    assert patterns(Parser()) == 0


def test_a_folded_line_that_looks_like_a_header_is_none() -> None:
    """A line that begins with a blank belongs to the one before (RFC 3261 §7.3.1), in a learned shape as well."""
    folded = INVITE.replace(b"User-Agent: x\r\n", b"Subject: a\r\n Via: b\r\n Reason: c\r\n")
    assert read(folded, taught(folded)) == read(folded)


@pytest.mark.parametrize(
    ("ours", "other"),
    [
        (b"Call-ID: c1@example.com\r\n", b"Call-ID: c1@example.com\r\n folded\r\n"),
        (b"User-Agent: x\r\n", b"Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK7\r\n"),
        (b"User-Agent: x\r\n", b"User-Agent: x\r\n\r\n"),
        (b"User-Agent: x\r\n", b"From: <sip:other@example.com>;tag=other\r\n"),
        (b";branch=z9hG4bK1;rport", b";branch=z9hG4bK1, SIP/2.0/UDP 192.0.2.8;branch=z9hG4bK8"),
        (b'"A"', b'"A;tag=\\"no\\""'),
        (b'"A"', b'"<sip:x>;tag=no"'),
        (b"tag=a1", b"tag=a1;x=y"),
        (b"CSeq: 1 INVITE", b"CSeq:\t 1  INVITE"),
        (b"Max-Forwards: 70", b"Max-Forwards: seventy"),
        (b"\r\n", b"\n"),
        (b"Call-ID:", b"Call-ID :"),
        (b"<sip:15550101@example.com>", b"sip:15550101@example.com"),
        (b"To: <sip:15550101@example.com>", b"To: <sip:15550101@example.com;tag=uri>;tag=b"),
    ],
    ids=lambda part: part.decode().strip().replace("\r\n", "|").replace("\n", "|")[:40],
)
def test_whatever_departs_from_a_known_shape_reads_as_if_none_were_known(ours: bytes, other: bytes) -> None:
    changed = INVITE.replace(ours, other)
    parser = taught(INVITE)
    assert patterns(parser) == 1
    assert read(changed, parser) == read(changed)


@pytest.mark.parametrize("message", [INVITE, OK], ids=["request", "response"])
@pytest.mark.parametrize("one", [*range(33), *b'"(),:;<=>?@\\a', 0x7F, 0x85, 0xA0, 0xFF])
def test_a_byte_too_many_anywhere_reads_the_same_in_both_ways(message: bytes, one: int) -> None:
    parser = taught(message)
    for at in range(len(message) + 1):
        changed = message[:at] + bytes((one,)) + message[at:]
        assert read(changed, parser) == read(changed)


@given(st.data())
def test_no_damage_makes_the_two_ways_of_reading_differ(data: st.DataObject) -> None:
    message = bytearray(data.draw(st.sampled_from([INVITE, OK])))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(message) - 1))
        message[at : at + data.draw(st.integers(0, 3))] = data.draw(
            st.sampled_from(
                [
                    b"",
                    b"\r\n",
                    b"\n",
                    b" ",
                    b"\t",
                    b";",
                    b",",
                    b'"',
                    b"\\",
                    b"<",
                    b">",
                    b":",
                    b"\0",
                    b"\v",
                    b"\f",
                    b"\xff",
                    b";tag=z",
                    b"\r\n ",
                ]
            )
        )
    assert read(bytes(message), taught(INVITE, OK)) == read(bytes(message))


def test_a_stranger_who_invents_shapes_is_bounded() -> None:
    """So many patterns are made and no more, however many kinds of message come."""
    parser = Parser()
    for number in range(300):
        method = f"M{chr(65 + number // 26)}{chr(65 + number % 26)}".encode()
        for other in range(12):
            message = INVITE.replace(b"INVITE", method).replace(b"User-Agent", b"X-%d" % other)
            for _ in range(shapes.SEEN_BEFORE):
                parser.parse(0, PATH, message, False)
    assert patterns(parser) <= shapes.MAX_SHAPES
    assert max(map(len, parser.shapes.known.values())) <= shapes.MAX_PER_KIND


def test_what_strangers_invent_makes_room_for_what_is_used() -> None:
    """192 packets once filled the table for good, and an honest stack was read the long way for ever."""
    parser = Parser()
    for number in range(64):
        seen_often(parser, invented(number), number * SECOND, source(number))
        parser.parse(number * SECOND, source(number), invented(number), False)
    assert patterns(parser) == shapes.MAX_PER_KIND
    seen_often(parser, INVITE, 64 * SECOND)
    assert b"user-agent" in parser.shapes.known[b"INVI"][-1].names
    for second in range(shapes.MAX_MISSED):
        parser.parse((65 + second) * SECOND, PATH, INVITE, False)
    assert b"user-agent" in parser.shapes.known[b"INVI"][0].names


def test_a_shape_in_use_stays_whatever_is_invented_meanwhile() -> None:
    parser = taught(INVITE)
    for number in range(64):
        parser.parse(number * SECOND, PATH, INVITE, False)
        seen_often(parser, invented(number), number * SECOND, source(number))
    assert any(b"user-agent" in shape.names for shape in parser.shapes.known[b"INVI"])


def test_a_shape_that_fits_nothing_any_more_is_dropped() -> None:
    parser = taught(invented(1))
    for second in range(shapes.MAX_MISSED):
        parser.parse(second * SECOND, PATH, INVITE, False)
    assert all(b"x-1" not in shape.names for shape in parser.shapes.known.get(b"INVI", ()))


def test_once_its_credit_is_spent_a_source_has_one_shape_a_second_learned() -> None:
    parser = Parser()
    learned = []
    for number in range(4000):
        before = {id(shape) for shape in parser.shapes.known.get(b"INVI", ())}
        seen_often(parser, invented(number), number * SECOND // 100)
        learned.append(len({id(shape) for shape in parser.shapes.known.get(b"INVI", ())} - before))
    assert sum(learned) <= shapes.MAX_CREDIT + 40
    assert sum(learned[-1000:]) == 10


def test_from_however_many_sources_few_shapes_a_second_are_learned(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = 0

    def compile_pattern(*arguments: Any) -> shapes.Shape:
        nonlocal compiled
        compiled += 1
        return compile_shape(*arguments)

    compile_shape = shapes._compile
    monkeypatch.setattr(shapes, "_compile", compile_pattern)
    parser = Parser()
    for number in range(2000):
        seen_often(parser, invented(number), number * SECOND // 200, source(number % 250))
    assert compiled <= shapes.MAX_CREDIT_OF_ALL + 10 * shapes.ALL_PER_SECOND


@pytest.mark.parametrize(
    "other",
    [
        INVITE.replace(b"tag=a1", b'x="1";tag=a1'),
        INVITE.replace(b"User-Agent: x\r\n", b"Via: SIP/2.0/UDP h, SIP/2.0/UDP i\r\n"),
        INVITE.replace(b"User-Agent", b"X" * shapes.MAX_NAMES),
        INVITE.replace(b"User-Agent: x\r\n", b"X: x\r\n" * shapes.MAX_LINES),
    ],
    ids=["no-plain-value", "two-vias-in-one-line", "long-names", "many-lines"],
)
def test_no_pattern_is_made_that_would_not_fit_or_would_be_long(other: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shapes, "_compile", lambda *_: pytest.fail("compiled"))
    assert read(other, taught(other)) == read(other)


def test_a_clock_set_back_stops_no_learning_for_good() -> None:
    parser = Parser()
    for number in range(100):
        seen_often(parser, invented(number), 10**18)
    for number in range(100, 200):
        seen_often(parser, invented(number), (number - 98) * SECOND)
    assert any(b"x-199" in shape.names for shape in parser.shapes.known[b"INVI"])
