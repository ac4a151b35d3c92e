"""What a message describes as its media, and what has changed since."""

from __future__ import annotations

import pytest

from sipwatch.report.described import Media, body_of, changes, media_of
from tests.export.records import described, message

A, B = "192.0.2.65:5060", "192.0.2.80:5060"
OFFER = "v=0\r\no=- 1 1 IN IP4 192.0.2.65\r\ns=-\r\nc=IN IP4 192.0.2.65\r\nt=0 0\r\nm=audio 6000 RTP/AVP 8 0\r\n"
BEFORE = Media("a", ("PCMA", "PCMU"), "192.0.2.65 6000", "sendrecv")


def of(sdp: str) -> Media | None:
    return media_of(described(0, A, B, "INVITE sip:x SIP/2.0", sdp))


def test_the_first_medium_is_read_with_codecs_address_and_direction() -> None:
    assert of(OFFER) == BEFORE


def test_the_tag_is_the_senders_own() -> None:
    answer = media_of(described(0, B, A, "SIP/2.0 200 OK", OFFER, tag="callee"))
    assert answer is not None
    assert answer.tag == "callee"


def test_without_a_medium_nothing_is_described() -> None:
    assert media_of(message(0, A, B, "INVITE sip:x SIP/2.0")) is None
    assert of("just text\r\n") is None


def test_what_is_said_of_the_medium_goes_before_what_is_said_of_all() -> None:
    own = OFFER + "c=IN IP6 2001:db8::5\r\na=recvonly\r\nm=video 6002 RTP/AVP 96\r\na=inactive\r\n"
    read = of(own.replace("t=0 0", "a=sendonly\r\nt=0 0"))
    assert read is not None
    assert (read.address, read.direction) == ("2001:db8::5 6000", "recvonly")


@pytest.mark.parametrize("line", ["a=sendonly", "a=inactive"])
def test_who_only_sends_or_nothing_at_all_holds(line: str) -> None:
    now = of(OFFER + line)
    assert now is not None
    assert changes(BEFORE, now) == ("hold",)
    assert changes(now, BEFORE) == ("resume",)


def test_an_address_of_zeros_holds_and_is_no_new_address() -> None:
    """As RFC 2543 had it, and RFC 3264 §8.4 still takes it."""
    now = of(OFFER.replace("c=IN IP4 192.0.2.65", "c=IN IP4 0.0.0.0"))
    assert now is not None
    assert changes(BEFORE, now) == ("hold",)
    assert changes(now, BEFORE) == ("resume",)


def test_who_is_held_only_listens() -> None:
    assert changes(BEFORE, BEFORE._replace(direction="recvonly")) == ("only listens",)


def test_other_codecs_and_another_address_are_named() -> None:
    now = BEFORE._replace(codecs=("G729", "telephone-event", "GSM", "L16"), address="192.0.2.9 7000")
    assert changes(BEFORE, now) == ("codecs G729, telephone-event, GSM and 1 more", "address 192.0.2.9 7000")


def test_the_same_codecs_in_another_order_are_no_change() -> None:
    assert changes(BEFORE, BEFORE._replace(codecs=("PCMU", "PCMA"))) == ()


def test_there_is_no_change_before_there_was_anything() -> None:
    assert changes(None, BEFORE) == ()


def test_a_body_begins_behind_the_first_empty_line() -> None:
    assert body_of("INVITE x\r\nA: b\r\n\r\none\r\n\r\ntwo") == "one\r\n\r\ntwo"
    assert body_of("INVITE x\nA: b\n\none") == "one"
    assert body_of("INVITE x\r\nA: b\r\n") == ""
