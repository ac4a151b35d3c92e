"""Who is in a capture: each address with what it sent, was sent, and did."""

from __future__ import annotations

import gc
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipwatch.classify.survey import MAX_OF_ONE, Survey
from sipwatch.engine import Engine
from sipwatch.wire.message import Path, Request, Response, Transport
from sipwatch.wire.sip import parse
from tests.surveying import address, calls, met, survey

PROXIED = """
0    A>P INVITE h=User-Agent:_Phone_1
0.05 P>A 100
0.1  P>T INVITE vias=2 h=User-Agent:_Phone_1 h=Record-Route:_<sip:192.0.2.80;lr>
0.2  T>P 100 vias=2
1.1  T>P 180 vias=2 h=Server:_Gateway_2
1.15 P>A 180 h=Server:_Gateway_2
5    T>P 200 vias=2 h=Server:_Gateway_2
5.05 P>A 200 h=Server:_Gateway_2
5.1  A>P ACK ttag=callee branch=z9hG4bKack
5.15 P>T ACK ttag=callee branch=z9hG4bKack2 vias=2
9    A>P BYE
9.05 P>A 200 method=BYE cseq=2
"""


def test_messages_calls_and_delays_are_counted_at_both_ends() -> None:
    ends = met(survey(PROXIED))
    assert {letter: (end.sent, end.received) for letter, end in ends.items()} == {"P": (6, 6), "A": (3, 4), "T": (3, 2)}
    assert (ends["A"].out.count, ends["A"].out.answered, ends["A"].into.count) == (1, 1, 0)
    assert (ends["P"].out.count, ends["P"].into.count, ends["P"].passed_on) == (1, 1, 1)
    assert (ends["T"].into.count, ends["T"].into.answered, ends["T"].out.count) == (1, 1, 0)
    assert ends["T"].into.progress.quantile(0.5) == pytest.approx(1.0, rel=0.05)
    assert ends["P"].record_routes == 1
    assert ends["A"].record_routes == 0


def test_what_a_proxy_passes_on_is_not_its_own_software() -> None:
    ends = met(survey(PROXIED))
    assert ends["A"].software == {"Phone 1": 1}
    assert ends["P"].software == {}
    assert ends["T"].software == {"Gateway 2": 1}


def test_a_challenged_a_forked_and_a_retransmitted_call_are_one_each() -> None:
    ends = met(
        survey(
            """
            0    A>P INVITE
            0.1  P>A 407 h=Proxy-Authenticate:_Digest_realm="x",nonce="1"
            0.15 A>P ACK ttag=callee
            0.2  A>P INVITE cseq=2 h=Proxy-Authorization:_Digest_username="a",realm="x",nonce="1"
            0.7  A>P INVITE cseq=2 h=Proxy-Authorization:_Digest_username="a",realm="x",nonce="1"
            0.8  P>B INVITE vias=2
            0.8  P>C INVITE vias=2
            1    B>P 180 vias=2
            1.1  C>P 486 vias=2
            3    B>P 200 vias=2
            3.1  P>A 200 cseq=2
            """
        )
    )
    assert (ends["A"].out.count, ends["A"].out.answered) == (1, 1)
    assert (ends["P"].out.count, ends["P"].out.answered, ends["P"].passed_on) == (1, 1, 1)
    assert (ends["C"].into.count, ends["C"].into.answered, ends["C"].into.codes) == (1, 0, {486: 1})


def test_how_calls_ended_that_were_not_answered() -> None:
    script = "0 A>P INVITE call=a\n1 P>A 486 call=a\n0 A>P INVITE call=b\n1 P>A 486 call=b\n2 A>P INVITE call=c\n40 A>P INVITE call=d"
    calls = met(survey(script, until="41"))["P"].into
    assert (calls.count, calls.answered, calls.unfinished, calls.codes) == (4, 0, 1, {486: 2, 0: 1})


def test_numbers_and_names_are_remembered() -> None:
    ends = met(survey("", "0 A>P OPTIONS uri=sip:ping@SIP.acme.example:5061 contact=-\n0.1 P>A 200 method=OPTIONS"))
    assert ends["P"].names == {"sip.acme.example": 1}
    assert ends["A"].names == {"a.example.com": 1}
    assert ends["P"].pinged == {"answered": 1}
    assert ends["A"].pings == {"answered": 1}
    calls = met(survey("0 A>P INVITE callee=1\n1 P>A 404\n2 A>P INVITE callee=2 call=b\n3 P>A 404 call=b"))
    assert calls["P"].into.numbers == {b"1", b"2"}
    assert calls["A"].out.numbers == {b"15550100"}


def test_registrations_are_counted_where_they_are_made_and_where_they_are_asked_for() -> None:
    ends = met(
        survey(
            "",
            "0 A>P REGISTER\n0.1 P>A 200 contact=<sip:alice@192.0.2.65:5060>;expires=60 h=Server:_Registrar_3\n"
            "1 B>P REGISTER aor=bob call=b\n1.1 P>B 403 call=b",
        )
    )
    assert (ends["A"].registers, ends["B"].registers) == ({"registered": 1}, {"refused": 1})
    assert ends["P"].registrar == {"registered": 1, "refused": 1}
    assert ends["P"].registrants == {address("A"), address("B")}
    assert ends["A"].registers_at == {address("P")}
    assert ends["P"].software == {"Registrar 3": 1}


def flood(watched: Survey, first: int, last: int, *, answered: bool = False) -> None:
    """Let strangers send to P, and perhaps be answered."""
    (message,) = calls("0 A>P OPTIONS")
    for number in range(first, last):
        stranger = (0xC6330000 + number).to_bytes(4, "big")
        message.path = Path(stranger + address("P") + bytes(4), Transport.UDP)
        watched.message(message)
        if answered:
            message.path = Path(address("P") + stranger + bytes(4), Transport.UDP)
            watched.message(message)


def test_who_scans_pushes_out_only_those_who_never_talked() -> None:
    watched = Survey(limit=50)
    for message in calls("0 A>P INVITE\n1 P>A 200"):
        watched.message(message)
    flood(watched, 0, 500)
    known = {end.address for end in watched.ends()}
    assert len(known) == 50
    assert {address("A"), address("P")} <= known
    assert watched.left_out == 500 - 48
    assert (0xC6330000 + 499).to_bytes(4, "big") in known


def test_where_all_talk_a_newcomer_is_left_out() -> None:
    watched = Survey(limit=50)
    flood(watched, 0, 49, answered=True)
    flood(watched, 49, 60)
    assert len(watched.ends()) == 50
    assert watched.left_out == 11
    assert watched.ends()[0].address == address("P")
    assert watched.ends()[0].received == 60


def test_what_is_remembered_of_one_address_is_bounded() -> None:
    script = "\n".join(
        f"{i} A>P INVITE call=c{i} sport={1000 + i} callee={'9' * 500}{i} h=User-Agent:_{'x' * 500}{i}\n{i}.1 P>A 486 call=c{i} sport={1000 + i}"
        for i in range(100)
    )
    ends = met(survey(script))
    assert len(ends["A"].ports) <= MAX_OF_ONE
    assert len(ends["P"].into.numbers) <= MAX_OF_ONE
    assert all(len(number) <= 100 for number in ends["P"].into.numbers)
    assert all(len(text) <= 100 for text in ends["A"].software)
    assert ends["A"].out.count == 100


WIDE = "\N{TELEPHONE RECEIVER}"


def surveyed(room: int, calls: range) -> Survey:
    """Watch calls from one address after another, forty from each, with texts as long as they are kept."""
    watched = Survey(room=room)
    engine = Engine(None, diagnose=False)
    engine.add(watched)
    server = bytes((198, 51, 100, 10))
    for number in calls:
        source, port = (0x0B000000 + number // 40).to_bytes(4, "big"), (2000 + number).to_bytes(2, "big")
        way = Path(source + server + port * 2, Transport.UDP)
        common = (
            f"Via: SIP/2.0/UDP {number:0>8}{'h' * 200}.example.com;branch=z9hG4bK{number}\r\nFrom: <sip:{number:0>90}@x>;tag=f{number}\r\n"
            f"To: <sip:x@x>\r\nCall-ID: {number}\r\nCSeq: 1 INVITE\r\nUser-Agent: {number:0>8}{WIDE * 95}\r\n\r\n"
        )
        start = f"INVITE sip:{number:0>90}@{number:0>8}{'h' * 200}.example.com SIP/2.0\r\n"
        for path_of, text in (
            (way, start + common),
            (way.reversed(), "SIP/2.0 486 No\r\n" + common.replace("<sip:x@x>", "<sip:x@x>;tag=t")),
        ):
            for message in engine.decoder.datagram(number * 10**9, path_of, text.encode()):
                assert isinstance(message, (Request, Response))
                watched.message(message)
                engine.message(message)
    engine.finish()
    return watched


def test_what_is_remembered_takes_what_it_is_taken_to_take() -> None:
    """By the interpreter's own count."""
    surveyed(1 << 30, range(100))
    tracemalloc.start()
    watched = surveyed(1 << 30, range(100, 1300))
    gc.collect()
    counted, before = watched.bytes, tracemalloc.get_traced_memory()[0]
    del watched
    gc.collect()
    taken = before - tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert 0.9 * taken <= counted <= 2 * taken


def test_what_is_remembered_keeps_within_its_room() -> None:
    watched = surveyed(300_000, range(1500))
    assert 200_000 < watched.bytes < 310_000
    assert watched.bytes == sum(end.bytes for end in watched.ends())


def test_calls_are_counted_as_they_end_not_all_at_the_end() -> None:
    """However long a capture is, no more is kept than what is open."""
    watched = Survey()
    engine = Engine(None, diagnose=False)
    engine.add(watched)
    for message in calls("0 A>P INVITE call=c1\n0.1 P>A 486 call=c1\n100 A>P INVITE call=c2\n"):
        watched.message(message)
        engine.message(message)
    assert met(watched)["A"].out.count == 1


@given(st.lists(st.tuples(st.sampled_from("ABPT"), st.sampled_from("ABPT"), st.binary(max_size=80)), max_size=20))
def test_no_bytes_break_it(said: list[tuple[str, str, bytes]]) -> None:
    watched = Survey(limit=3)
    for source, destination, text in said:
        way = Path(address(source) + address(destination) + bytes(4), Transport.UDP)
        message = parse(
            0, way, b"INVITE " + text + b" SIP/2.0\r\nVia: " + text + b"\r\nServer: " + text + b"\r\n\r\n", False
        )
        if hasattr(message, "raw"):
            watched.message(message)  # type: ignore[arg-type]
    assert len(watched.ends()) <= 3
