"""Messages counted between peers, and who was heard when."""

from __future__ import annotations

from sipwatch.track.traffic import MAX_METHODS, OTHER_METHOD, Traffic
from sipwatch.wire.message import Path, Request, Response, Transport
from sipwatch.wire.sip import parse
from tests.conversation import messages, path


def by_letter(way: Path) -> tuple[str, str]:
    """Name peers by the letters that their addresses are made of."""
    return chr(way.source_address[-1]), chr(way.destination_address[-1])


def count(traffic: Traffic, message: Request | Response) -> None:
    if isinstance(message, Request):
        traffic.request(message)
    else:
        traffic.response(message)


def counted(script: str) -> Traffic:
    traffic = Traffic(by_letter)
    for message in messages(script):
        count(traffic, message)
    return traffic


def said(way: Path, text: bytes, at: int) -> Request | Response:
    message = parse(at, way, text + b"\r\nCSeq: 1 INVITE\r\n\r\n", False)
    assert isinstance(message, (Request, Response))
    return message


def test_messages_are_counted_by_their_ends_their_method_and_their_code() -> None:
    traffic = counted("0 A>P INVITE\n1 P>A 100\n2 P>A 180\n3 P>A 486\n4 A>P ACK\n5 B>P OPTIONS")
    assert {ends: (pair.requests, pair.responses) for ends, pair in traffic.pairs.items()} == {
        ("A", "P"): ({"INVITE": 1, "ACK": 1}, {}),
        ("P", "A"): ({}, {"INVITE": {100: 1, 180: 1, 486: 1}}),
        ("B", "P"): ({"OPTIONS": 1}, {}),
    }


def test_a_retransmission_is_counted_besides() -> None:
    traffic = counted("0 A>P INVITE\n0.5 A>P INVITE")
    (again,) = messages("0.5 A>P INVITE")
    traffic.repeated(again)
    pair = traffic.pairs["A", "P"]
    assert (pair.requests, pair.repeated) == ({"INVITE": 2}, {"INVITE": 1})


def test_methods_that_strangers_invent_share_one_count_beyond_a_limit() -> None:
    """In requests as well as in the CSeq of responses."""
    traffic = Traffic(by_letter)
    way = path("A", "P")
    for number in range(200):
        count(traffic, said(way, b"M%d sip:x SIP/2.0" % number, number))
        response = parse(number, way, b"SIP/2.0 200 OK\r\nCSeq: 1 M%d\r\n\r\n" % number, False)
        assert isinstance(response, Response)
        count(traffic, response)
    pair = traffic.pairs["A", "P"]
    assert len(pair.requests) == len(pair.responses) == MAX_METHODS + 1
    assert pair.requests[OTHER_METHOD] == pair.responses[OTHER_METHOD][200] == 200 - MAX_METHODS


def test_who_was_heard_is_known_by_end_by_path_and_by_whom_it_was_told() -> None:
    """Requests say nothing of it: only who answers was heard."""
    traffic = Traffic(by_letter)
    count(traffic, said(path("A", "P"), b"INVITE sip:x SIP/2.0", 5))
    way = path("P", "A")
    assert (traffic.heard_along(way.key), traffic.heard_from(way.source)) == (-1, -1)
    assert not traffic.was_told(way.destination_address)
    count(traffic, said(way, b"SIP/2.0 200 OK", 7))
    count(traffic, said(path("P", "B"), b"SIP/2.0 200 OK", 9))
    assert (traffic.heard_along(way.key), traffic.heard_from(way.source)) == (7, 9)
    assert traffic.was_told(way.destination_address)


def test_what_was_counted_keeps_its_name_and_what_comes_has_the_new_one() -> None:
    """A configuration read again must not make a counter go down; who was heard stays known."""
    traffic = counted("0 A>P INVITE\n1 P>A 100")
    traffic.use(lambda _: ("phones", "acme"))
    for message in messages("2 A>P INVITE"):
        count(traffic, message)
    assert traffic.pairs["A", "P"].requests == {"INVITE": 1}
    assert traffic.pairs["phones", "acme"].requests == {"INVITE": 1}
    assert traffic.heard_along(path("P", "A").key) >= 0


def test_paths_are_bounded_and_giving_them_up_is_counted_and_loses_no_count() -> None:
    traffic = Traffic(lambda _: ("", ""))
    for number in range(traffic.most + 1):
        count(traffic, said(Path(number.to_bytes(4, "big") + bytes(8), Transport.UDP), b"SIP/2.0 200 OK", number))
    assert (len(traffic), traffic.forgotten) == (1, 1)
    assert traffic.pairs["", ""].responses == {"INVITE": {200: traffic.most + 1}}
