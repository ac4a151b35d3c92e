"""A first fragment that stays alone is read for what it holds, at the right place, and once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sipwatch.capture.tally import Place
from sipwatch.engine import Engine
from sipwatch.wire.decoder import Decoder, Item
from sipwatch.wire.discards import Discard
from sipwatch.wire.limits import DEFAULT_LIMITS, Limits
from sipwatch.wire.message import Request, Response, Unreachable
from tests.wire import frames as f
from tests.wire.test_decoder import FAMILIES, calls, options

if TYPE_CHECKING:
    from sipwatch.export.record import CallRecord

SECOND = 1_000_000_000
MILLISECOND = SECOND // 1000
REST = DEFAULT_LIMITS.rest_lasts
NOTICE = {"first_fragment_only": 1}
BODY = b"x" * 900


def pieces(number: int = 1, family: str = "v4", size: int = 440) -> list[bytes]:
    """Return the fragments of a request whose headers are whole in the first."""
    wrap, source, destination = FAMILIES[family]
    cut = f.fragments_v4 if family == "v4" else f.fragments_v6
    return cut(wrap(f.udp(options(number, BODY)), f.UDP, source, destination), size, 70 + number)


def answer(number: int = 1) -> bytes:
    """Return the answer to a request, whole."""
    text = options(number).replace(b"OPTIONS sip:b@example.com SIP/2.0", b"SIP/2.0 200 OK")
    return f.ipv4(f.udp(text), source=f.B4, destination=f.A4)


def messages(items: list[Item] | tuple[Item, ...]) -> list[Request | Response]:
    return [item for item in items if isinstance(item, (Request, Response))]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_first_fragment_whose_rest_does_not_come_is_read_with_a_notice(family: str) -> None:
    """What `tcpdump port 5060` leaves: the others have no ports."""
    decoder = Decoder()
    assert decoder.frame(0, 101, pieces(family=family)[0]) == ()
    (message,) = messages(decoder.finish(0))
    assert (message.call_id, message.time, message.fragmented) == (b"call1", 0, True)
    assert len(message.raw) < len(options(1, BODY))
    assert (decoder.notices, decoder.discards) == (NOTICE, {})


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2), (0, 2, 1)], ids=str)
def test_the_whole_message_wins_when_the_rest_comes_in_time(order: tuple[int, ...]) -> None:
    """In whatever order, and whoever else speaks in between."""
    decoder = Decoder()
    fragments, items = pieces(), list[Item]()
    for step, place in enumerate(order):
        items += decoder.frame(step * 10 * MILLISECOND, 101, fragments[place])
        items += decoder.frame(step * 10 * MILLISECOND, 101, answer(2 + step))
    items += decoder.finish(SECOND)
    whole = [message for message in messages(items) if message.call_id == b"call1"]
    assert [message.raw for message in whole] == [options(1, BODY)]
    assert decoder.notices == {}


def test_what_answers_it_comes_behind_it() -> None:
    """The 100 Trying may be there within a millisecond."""
    decoder = Decoder()
    decoder.frame(0, 101, pieces()[0])
    items = decoder.frame(MILLISECOND, 101, answer())
    assert [type(item) for item in items] == [Request, Response]
    assert [message.time for message in messages(items)] == [0, MILLISECOND]


def test_what_has_another_call_id_says_nothing_about_it() -> None:
    decoder = Decoder()
    decoder.frame(0, 101, pieces()[0])
    assert calls(decoder.frame(MILLISECOND, 101, answer(2))) == [b"call2"]
    assert decoder.holding


def test_an_error_about_it_comes_behind_it() -> None:
    """A host without a SIP server answers at once."""
    decoder = Decoder()
    decoder.frame(0, 101, pieces()[0])
    error = f.ipv4(b"\x03\x03" + bytes(6) + f.ipv4(f.udp(options(1))), 1, f.B4, f.A4)
    items = decoder.frame(MILLISECOND, 101, error)
    assert [type(item) for item in items] == [Request, Unreachable]


@pytest.mark.parametrize("other", [answer(2), f.ipv4(bytes(40), 89)], ids=["sip", "something-else"])
def test_it_is_given_when_its_rest_is_no_longer_under_way(other: bytes) -> None:
    """With the next packet behind that time, and before what that one holds."""
    decoder = Decoder()
    decoder.frame(0, 101, pieces()[0])
    early = f.ipv4(bytes(40), 89)
    assert calls(decoder.frame(REST - 1, 101, early)) == []
    assert calls(decoder.frame(REST, 101, other))[:1] == [b"call1"]
    assert not decoder.holding


def test_a_rest_that_comes_too_late_says_nothing_new() -> None:
    """One datagram, one message; nothing of it counts as lost."""
    decoder = Decoder()
    first, *rest = pieces()
    decoder.frame(0, 101, first)
    items = [
        *decoder.frame(SECOND, 101, answer(2)),
        *(item for piece in rest for item in decoder.frame(SECOND, 101, piece)),
    ]
    assert calls(items) == [b"call1", b"call2"]
    assert calls(decoder.finish(60 * SECOND)) == []
    assert (decoder.notices, decoder.discards) == (NOTICE, {})


def test_copies_of_the_first_fragment_are_one_duplicate() -> None:
    """A mirror port."""
    decoder = Decoder()
    first = pieces()[0]
    items = [*decoder.frame(0, 101, first), *decoder.frame(10, 101, first), *decoder.finish(0)]
    assert calls(items) == [b"call1"]
    assert decoder.discards == {Discard.DUPLICATE: 1}


def test_a_first_fragment_without_whole_headers_stays_a_fragment() -> None:
    decoder = Decoder()
    decoder.frame(0, 101, pieces(size=104)[0])
    assert not decoder.holding
    assert calls(decoder.finish(0)) == []
    assert decoder.discards == {Discard.FRAGMENT_TIMEOUT: 1}


def test_a_first_fragment_of_something_else_is_not_looked_at_twice() -> None:
    """Video, NFS and DNS are cut as well."""
    decoder = Decoder()
    decoder.frame(0, 101, f.fragments_v4(f.ipv4(f.udp(b"\x12\x34" + bytes(900))), 400, 1)[0])
    assert not decoder.holding


def test_an_overlap_gives_it_up_as_well() -> None:
    """RFC 5722."""
    decoder = Decoder()
    first, second, *_ = pieces()
    decoder.frame(0, 101, first)
    decoder.frame(0, 101, second[:6] + (0x2000 | 8).to_bytes(2, "big") + second[8:])
    assert not decoder.holding
    assert decoder.discards == {Discard.FRAGMENT_OVERLAP: 1}


def test_no_more_are_held_than_there_is_room_for_and_none_is_lost() -> None:
    decoder = Decoder(Limits(heads=4))
    items = [item for number in range(20) for item in decoder.frame(number, 101, pieces(number)[0])]
    assert calls(items) == [b"call%d" % number for number in range(16)]
    assert calls(decoder.finish(0)) == [b"call%d" % number for number in range(16, 20)]


# The engine: live is replay


def invite() -> bytes:
    return options(1, BODY).replace(b"OPTIONS", b"INVITE")


def reply(status: bytes, tag: bytes = b"") -> bytes:
    text = invite().partition(b"\r\n\r\n")[0].replace(b"INVITE sip:b@example.com SIP/2.0", b"SIP/2.0 " + status)
    text = text.replace(b"To: <sip:b@example.com>", b"To: <sip:b@example.com>" + tag) + b"\r\n\r\n"
    return f.ipv4(f.udp(text), source=f.B4, destination=f.A4)


def conversation() -> list[tuple[int, bytes]]:
    """Return a call of which the INVITE's first fragment was captured; it was sent while others spoke."""
    first = f.fragments_v4(f.ipv4(f.udp(invite())), 600, 9)[0]
    return [
        (SECOND, first),
        (SECOND + 3 * MILLISECOND, answer(2)),
        (SECOND + 400 * MILLISECOND, reply(b"100 Trying")),
        (3 * SECOND, reply(b"486 Busy Here", b";tag=b")),
    ]


def followed(frames: list[tuple[int, bytes]], tick: int = 0) -> tuple[list[CallRecord], dict[str, int]]:
    """Return the calls and the notices; ``tick`` ns lie between two looks at the clock, as live, 0: there are none."""
    records: list[CallRecord] = []
    engine = Engine(lambda record, _: records.append(record))
    place = Place()
    now = frames[0][0]
    for time, packet in frames:
        while tick and now < time:
            engine.advance(now)
            now += tick
        place.number += 1
        engine.run([(time, 101, packet)], place)
    engine.finish(frames[-1][0])
    return records, engine.account.notices


@pytest.mark.parametrize("tick", [1, 7, 49, 50, 51, 1000], ids=lambda tick: f"{tick} ms")
def test_it_makes_the_same_call_however_often_time_is_looked_at(tick: int) -> None:
    replayed, live = followed(conversation()), followed(conversation(), tick * MILLISECOND)
    assert live == replayed
    (call,), notices = replayed
    assert (call.outcome, call.status_code, call.conditions) == ("busy", 486, [])
    assert str(call.started)[-10:] < "01.050000Z", "no later than what came in between"
    assert notices["first_fragment_only"] == 1
    assert "time_stepped_back" not in notices, "it is known why"


def test_it_keeps_the_number_of_its_packet() -> None:
    """So that evidence finds it."""
    decoder, place = Decoder(), Place()
    decoder.place = place
    place.number = 7
    decoder.frame(0, 101, pieces()[0])
    place.number = 8
    held, other = messages(decoder.frame(MILLISECOND, 101, answer()))
    assert (held.number, other.number) == (7, 0)
