"""Calls that a B2BUA makes of others, known by numbers, time, place and session description alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sipwatch.classify.alike import MAX_ALIKE, descriptions_of
from sipwatch.classify.peers import Callback, Linking, Settings
from sipwatch.wire.message import Request
from tests.classify.diagnosing import Diagnosed
from tests.conversation import messages
from tests.each import for_each

if TYPE_CHECKING:
    from sipwatch.wire.message import Response

SDP = "v=0|o=phone 7 7 IN IP4 10.0.0.1|s=-|c=IN IP4 10.0.0.1|t=0 0|m=audio 4000 RTP/AVP 8"
ASKED = Settings(linking=Linking(by_numbers=True))
UP = "0 A>P INVITE call=up ftag=a"
DOWN = "0.5 P>B INVITE call=down ftag=p"
TO_OTHERS = ("<sip:15550100", "<sip:15550177"), ("sip:15550101@example.com SIP", "sip:15550188@example.com SIP")


def described(script: str, sdp: str = SDP, *changes: tuple[str, str]) -> list[Request | Response]:
    """Write messages with a description in each INVITE, and change words in them."""
    found = messages(script)
    for message in found:
        if message.cseq_method == "INVITE" and message.cseq_number == 1 and sdp:
            message.raw += sdp.replace("|", "\r\n").encode() + b"\r\n"
        for old, new in changes:
            message.raw = message.raw.replace(old.encode(), new.encode())
            if isinstance(message, Request):
                message.request_uri = message.raw.split(b" ", 2)[1]
    return found


def linked(
    *parts: list[Request | Response], settings: Settings | None = None
) -> dict[str, list[tuple[str, str | None]]]:
    """Return by Call-ID the Call-IDs of the others, and what they are."""
    found = Diagnosed(ASKED if settings is None else settings)
    found.take(sorted((message for part in parts for message in part), key=lambda message: message.time)).over()
    ids = {call.id: call.call_id for call in found.calls.values()}
    assert {link.by for call in found.calls.values() for link in call.linked} <= {"numbers"}
    return {
        name: [(ids[link.id], link.role) for link in call.linked] for name, call in found.calls.items() if call.linked
    }


PAIR = {"up": [("down", "downstream")], "down": [("up", "upstream")]}


def test_the_host_that_received_an_invite_and_sends_another_like_it_goes_on_with_the_call() -> None:
    assert linked(described(UP), described(DOWN)) == PAIR


def test_nothing_of_this_is_done_unless_it_is_asked_for() -> None:
    assert linked(described(UP), described(DOWN), settings=Settings()) == {}


@for_each(
    "second",
    [
        described(DOWN, SDP.replace("10.0.0.1|s", "10.0.0.9|s").replace("4000", "5000")),
        described(DOWN, ""),
        described(DOWN.replace("P>B", "Q>B")),
        described(DOWN.replace("0.5", "2.1")),
        described(DOWN, SDP, *TO_OTHERS),
    ],
    ids=["other media", "no description", "another host", "too late", "other people"],
)
def test_it_does_not_if(second: list[Request | Response]) -> None:
    assert linked(described(UP), second) == {}


@for_each(
    "sdp",
    [
        SDP.replace("c=IN IP4 10.0.0.1", "c=IN IP4 10.0.0.9").replace("4000", "5000"),
        SDP.replace("phone 7 7", "b2bua 1 1"),
    ],
    ids=["the same origin, other media", "the same place for media, another origin"],
)
def test_one_half_of_the_description_is_enough(sdp: str) -> None:
    assert linked(described(UP), described(DOWN, sdp)) == PAIR


@for_each("place", ["IP4 0.0.0.0", "IP6 ::"])
def test_no_place_for_media_is_nobodys(place: str) -> None:
    nowhere = SDP.replace("c=IN IP4 10.0.0.1", f"c=IN {place}")
    assert linked(described(UP, nowhere), described(DOWN, nowhere.replace("o=phone", "o=b2bua"))) == {}
    refused = SDP.replace("4000", "0")
    assert linked(described(UP, refused), described(DOWN, refused.replace("o=phone", "o=b2bua"))) == {}


def test_one_number_is_enough_however_it_is_written() -> None:
    settings = Settings(linking=Linking(by_numbers=True), callback=Callback(3600, "DE"))
    up = described(UP, SDP, ("<sip:15550100", "<sip:+49301234567"))
    down = described(DOWN, SDP, ("<sip:15550100", "<sip:030 1234567"), TO_OTHERS[1])
    assert linked(up, down, settings=settings) == PAIR
    assert linked(described(UP), described(DOWN, SDP, TO_OTHERS[0])) == PAIR


def test_two_who_hide_their_numbers_are_not_the_same_caller() -> None:
    hidden = ("<sip:15550100", "<sip:anonymous")
    assert linked(described(UP, SDP, hidden), described(DOWN, SDP, hidden, TO_OTHERS[1])) == {}


@for_each("final", ["0.3 P>A 486 call=up ftag=a", "0.3 P>A 200 call=up ftag=a", "0.3 P>A 401 call=up ftag=a"])
def test_a_call_that_has_its_final_response_is_not_gone_on_with(final: str) -> None:
    assert linked(described(f"{UP}\n{final}"), described(DOWN)) == {}


def test_where_two_calls_could_be_meant_none_is_taken() -> None:
    second = described("0.1 C>P INVITE call=other ftag=c")
    assert linked(described(UP), second, described(DOWN)) == {}
    assert (
        linked(described(UP), described("0.1 C>P INVITE call=other ftag=c", SDP, *TO_OTHERS), described(DOWN)) == PAIR
    )


def test_two_calls_can_come_of_one() -> None:
    forked = linked(described(UP), described(DOWN), described("0.6 P>C INVITE call=third ftag=q"))
    assert forked == {
        "up": [("down", "downstream"), ("third", "downstream")],
        "down": [("up", "upstream")],
        "third": [("up", "upstream")],
    }


def test_hops_of_the_earlier_call_count_and_its_own_are_no_other() -> None:
    hop = described("0.1 P>Q INVITE call=up ftag=a vias=2")
    assert linked(described(UP), hop, described(DOWN.replace("P>B", "Q>B"))) == PAIR
    assert linked(described(UP), hop) == {}


def test_how_much_time_may_pass_is_configured() -> None:
    settings = Settings(linking=Linking(by_numbers=True, numbers_within=400_000_000))
    assert linked(described(UP), described(DOWN), settings=settings) == {}
    assert linked(described(UP), described(DOWN.replace("0.5", "0.4")), settings=settings) == PAIR


def test_where_too_many_calls_are_alike_nobody_is_taken_and_it_is_counted() -> None:
    many = [described(f"0.{n:03} A>P INVITE call=c{n} ftag=f{n}", SDP, *TO_OTHERS) for n in range(1, MAX_ALIKE + 1)]
    assert linked(described(UP.replace("0 A", "0.1 A")), *many[:-2], described(DOWN)) == PAIR
    assert linked(described(UP.replace("0 A", "0.1 A")), *many, described(DOWN)) == {}


def test_of_more_that_are_alike_the_oldest_go_and_are_counted() -> None:
    found = Diagnosed(ASKED)
    for n in range(MAX_ALIKE + 2):
        found.take(described(f"0.{n:03} A>P INVITE call=c{n} ftag=f{n}"))
    assert found.engine.diagnosis is not None
    kept = found.engine.diagnosis.links.descriptions.table
    assert [[one.name[0] for one in known] for known in kept.values()] == [
        [b"c%d" % n for n in range(2, MAX_ALIKE + 2)]
    ] * 2
    assert found.engine.account.evicted["link_descriptions"] == 4


def test_what_is_too_old_is_forgotten_and_not_counted_as_given_up() -> None:
    found = Diagnosed(ASKED)
    for n in range(50):
        found.take(described(f"{n} A>P INVITE call=c{n} ftag=f{n}", SDP.replace("phone 7", f"phone {n}")))
    assert found.engine.account.tracked["link_descriptions"] <= 8
    assert "link_descriptions" not in found.engine.account.evicted


@pytest.mark.parametrize(
    "body",
    [
        "",
        "o=",
        "v=0\no=",
        "\no=\n",
        "\nm=audio 1",
        "\no=x\nm=audio 5",
        "\no=x\nc=IN IP4 1",
        "\nc=IN IP4 1\nm=a 5" * 3000,
        "x" * 60_000,
    ],
)
def test_any_body_is_read(body: str) -> None:
    (invite,) = messages(UP)
    invite.raw += body.encode()
    assert len(descriptions_of(invite)) <= 2


def test_a_description_is_read_with_bare_line_feeds_and_inside_of_other_bodies() -> None:
    (invite,) = messages(UP)
    plain = b"--x\r\nContent-Type: application/sdp\r\n\r\n" + SDP.replace("|", "\r\n").encode()
    invite.raw += plain
    assert descriptions_of(invite) == [b"o=phone 7 7 IN IP4 10.0.0.1", b"c=10.0.0.1 4000"]
    invite.raw = invite.raw.replace(b"\r", b"")
    assert descriptions_of(invite) == [b"o=phone 7 7 IN IP4 10.0.0.1", b"c=10.0.0.1 4000"]
