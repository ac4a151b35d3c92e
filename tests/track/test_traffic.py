"""Messages counted between peers, and who was heard when."""

from __future__ import annotations

from sipwatch.track.room import SeriesRoom
from sipwatch.track.traffic import EARLY_BY, MAX_EARLY, MAX_METHODS, OTHER_CODE, OTHER_METHOD, Traffic
from sipwatch.wire.message import Path, Request, Response, Transport
from sipwatch.wire.registered import REGISTERED_CODES
from sipwatch.wire.sip import parse
from tests.conversation import messages, nanoseconds, path


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
        ("P", "B"): ({}, {}),
    }


def test_a_retransmission_is_counted_besides() -> None:
    traffic = counted("0 A>P INVITE\n0.5 A>P INVITE")
    (again,) = messages("0.5 A>P INVITE")
    traffic.repeated(again)
    pair = traffic.pairs["A", "P"]
    assert (pair.requests, pair.repeated) == ({"INVITE": 2}, {"INVITE": 1})


def answer(way: Path, code: int, method: str = "INVITE", at: int = 0) -> Response:
    response = parse(at, way, b"SIP/2.0 %d x\r\nCSeq: 1 %b\r\n\r\n" % (code, method.encode()), False)
    assert isinstance(response, Response)
    return response


def test_methods_that_strangers_invent_are_one_of_a_pair_and_kept_as_written_up_to_a_limit() -> None:
    """In requests as well as in the CSeq of responses."""
    traffic = Traffic(by_letter)
    way = path("A", "P")
    for number in range(200):
        count(traffic, said(way, b"M%d sip:x SIP/2.0" % number, number))
        count(traffic, answer(way, 200, f"M{number}"))
    pair = traffic.pairs["A", "P"]
    assert (pair.requests, pair.responses) == ({OTHER_METHOD: 200}, {OTHER_METHOD: {200: 200}})
    assert len(traffic.invented) == MAX_METHODS + 1
    assert sum(traffic.invented.values()) == 200
    assert traffic.invented[OTHER_METHOD] == 200 - MAX_METHODS


def test_codes_that_nobody_has_registered_are_one_of_a_pair_and_kept_as_written() -> None:
    traffic = counted("0 A>P INVITE")
    for code in range(100, 700):
        count(traffic, answer(path("P", "A"), code))
    [codes] = traffic.pairs["P", "A"].responses.values()
    assert codes.keys() == REGISTERED_CODES | {OTHER_CODE}
    assert codes[OTHER_CODE] == 600 - len(REGISTERED_CODES) == sum(traffic.unregistered.values())
    assert traffic.unregistered.keys() == set(range(100, 700)) - REGISTERED_CODES


def test_responses_that_answer_nothing_make_no_pair_until_a_request_passes_between_the_two() -> None:
    traffic = Traffic(by_letter)
    for code in range(100, 700):
        count(traffic, answer(path("P", "A"), code, at=5))
    assert traffic.pairs == {}
    traffic.settle(5 + EARLY_BY + 1)
    assert sum(traffic.strays.responses["INVITE"].values()) == 600
    assert traffic.answered == {"P": 5}
    for message in messages("0 A>P INVITE\n1 P>A 486"):
        count(traffic, message)
    assert traffic.pairs["P", "A"].responses == {"INVITE": {486: 1}}
    assert sum(traffic.strays.responses["INVITE"].values()) == 600


def test_responses_that_come_before_the_first_request_between_two_are_counted_between_them() -> None:
    """As where a server stamps what it sends late; both ways, and nobody else's."""
    traffic = counted("0 P>A 100\n0.1 A>P 200\n0.2 P>B 404\n0.3 P>A 180\n0.4 A>P INVITE\n0.5 P>A 180")
    assert {ends: pair.responses for ends, pair in traffic.pairs.items()} == {
        ("A", "P"): {"INVITE": {200: 1}},
        ("P", "A"): {"INVITE": {100: 1, 180: 2}},
    }
    assert traffic.strays.responses == {}
    assert traffic.early == [404]
    assert traffic.pairs["A", "P"].last_response == nanoseconds("0.1")
    traffic.settle(nanoseconds("0.2") + EARLY_BY)
    assert traffic.early == [404]
    traffic.settle(nanoseconds("0.2") + EARLY_BY + 1)
    assert (traffic.early, traffic.strays.responses) == ([], {"INVITE": {404: 1}})


def test_responses_wait_no_longer_than_a_moment_for_their_request() -> None:
    traffic = counted("0 P>A 100\n1 P>A 180\n2.5 A>P INVITE")
    assert traffic.pairs["P", "A"].responses == {"INVITE": {180: 1}}
    assert traffic.strays.responses == {"INVITE": {100: 1}}


def test_no_more_responses_wait_than_may_and_none_is_lost() -> None:
    traffic = Traffic(by_letter)
    for number in range(MAX_EARLY + 100):
        count(traffic, answer(path("P", "A"), 200 if number < 100 else 486, at=number))
    assert len(traffic.early) == MAX_EARLY
    assert traffic.strays.responses == {"INVITE": {200: 100}}
    count(traffic, said(path("A", "P"), b"INVITE sip:x SIP/2.0", MAX_EARLY))
    assert traffic.pairs["P", "A"].responses == {"INVITE": {486: MAX_EARLY}}
    assert traffic.early == []


def test_where_there_is_no_room_for_a_pair_no_response_waits() -> None:
    traffic = Traffic(by_letter, series=SeriesRoom(0))
    for message in messages("0 A>P INVITE\n1 P>A 100\n2 P>A 486"):
        count(traffic, message)
    assert (traffic.early, traffic.strays.responses) == ([], {"INVITE": {100: 1, 486: 1}})


def test_what_finds_no_room_is_counted_with_the_strays_and_stays_there() -> None:
    """No count ever goes down, none is counted twice, and no series begins that there is no room for."""
    traffic = Traffic(by_letter, series=SeriesRoom(3))
    for message in messages("0 A>P INVITE\n1 P>A 100\n2 P>A 486"):
        count(traffic, message)
    assert not traffic.room.full
    for message in messages("3 A>P ACK\n4 P>A 487\n5 B>P INVITE\n6 P>B 100\n7 A>P INVITE\n8 A>P ACK"):
        count(traffic, message)
    assert traffic.pairs["A", "P"].requests == {"INVITE": 2}
    assert traffic.pairs["P", "A"].responses == {"INVITE": {100: 1, 486: 1}}
    assert traffic.pairs.keys() == {("A", "P"), ("P", "A")}
    assert (traffic.strays.requests, traffic.strays.responses) == (
        {"ACK": 2, "INVITE": 1},
        {"INVITE": {487: 1, 100: 1}},
    )
    assert (traffic.heard.keys(), traffic.answered.keys()) == ({"B": 0}.keys(), {"P": 0}.keys())
    assert traffic.room.folded > 0


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
    traffic.settle(traffic.most + EARLY_BY + 1)
    assert traffic.strays.responses == {"INVITE": {200: traffic.most + 1}}
