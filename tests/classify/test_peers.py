"""Whose address it is, by number or by name, which timers hold between two ends, and what rules ask for."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipwatch.classify.outcomes import Outcome
from sipwatch.classify.peers import (
    MAX_LEARNED,
    NOBODY,
    Directory,
    Peer,
    PeerKind,
    Rule,
    Settings,
    host_of,
    sent_by,
)
from sipwatch.classify.regex import Pattern
from sipwatch.packet import SECOND
from sipwatch.track.table import Heard
from sipwatch.track.timers import Timers
from sipwatch.wire.message import Path, Request, Transport
from sipwatch.wire.sip import parse
from tests.conversation import address, path, the_call

WIDE = Peer("wide", PeerKind.DEVICES, [ip_network("192.0.2.0/24")])
NARROW = Peer("narrow", PeerKind.TRUNK, [ip_network("192.0.2.84/32")], Timers(no_answer_after=36 * SECOND))
SIX = Peer("six", PeerKind.SERVER, [ip_network("2001:db8::/32")])
SETTINGS = Settings(Timers(no_answer_after=20 * SECOND), [WIDE, NARROW, SIX])


def test_the_longest_prefix_wins_in_whatever_order_peers_are_written() -> None:
    for peers in ([WIDE, NARROW], [NARROW, WIDE]):
        directory = Directory(Settings(peers=peers))
        assert directory.peer(ip_address("192.0.2.84").packed) is NARROW
        assert directory.peer(ip_address("192.0.2.85").packed) is WIDE


def test_an_address_nobody_configured_is_other() -> None:
    assert Directory(SETTINGS).peer(ip_address("198.51.100.1").packed) is NOBODY
    assert NOBODY.name == "other"
    assert Directory(Settings()).peer(bytes(4)) is NOBODY


def test_ipv6_and_ipv4_mapped_addresses() -> None:
    directory = Directory(SETTINGS)
    assert directory.peer(ip_address("2001:db8::1").packed) is SIX
    assert directory.peer(ip_address("::ffff:192.0.2.84").packed) is NARROW


def test_the_destinations_timers_go_before_the_sources_before_the_general_ones() -> None:
    directory = Directory(SETTINGS)
    assert directory.timers_for(path("A", "T")).no_answer_after == 36 * SECOND
    assert directory.timers_for(path("T", "A")).no_answer_after == 36 * SECOND
    assert directory.timers_for(path("A", "B")).no_answer_after == 20 * SECOND


def test_the_memory_for_answers_is_bounded() -> None:
    directory = Directory(SETTINGS)
    for number in range(70_000):
        directory.peer(number.to_bytes(4, "big"))
    assert len(directory._cache) <= 65_536


# Host names

ACME = Peer(
    "acme", PeerKind.TRUNK, timers=Timers(no_answer_after=36 * SECOND), hosts=["sip.acme.example", "*.acme.example"]
)
NORTH = Peer("north", PeerKind.TRUNK, hosts=["north.acme.example", "sip.north.example"])
SERVER = Peer("server", PeerKind.SERVER, [ip_network("192.0.2.80/32")])
NAMED = Settings(peers=[ACME, NORTH, SERVER])


def request(
    source: str, destination: str, uri: str = "sip:15550101@example.com", via: str = "192.0.2.65", *headers: str
) -> Request:
    """Return a request between two letters that names its ends so."""
    lines = [
        f"OPTIONS {uri} SIP/2.0",
        f"Via: SIP/2.0/UDP {via};branch=z9hG4bK1",
        *headers,
        "Call-ID: c",
        "CSeq: 1 OPTIONS",
    ]
    message = parse(0, path(source, destination), "\r\n".join([*lines, "", ""]).encode(), False)
    assert isinstance(message, Request)
    return message


def whose(directory: Directory, letters: str) -> list[str]:
    return [directory.peer(address(letter)).name for letter in letters]


def test_the_request_uri_names_the_destination() -> None:
    directory = Directory(NAMED)
    assert whose(directory, "PT") == ["server", "other"]
    assert directory.learn(request("P", "T", "sip:15550101@SIP.acme.example:5062;transport=udp"))
    assert whose(directory, "PT") == ["server", "acme"]
    assert directory.timers_for(path("P", "T")).no_answer_after == 36 * SECOND


def test_the_topmost_via_names_the_source() -> None:
    directory = Directory(NAMED)
    assert directory.learn(request("T", "P", "sip:p", "sip.north.example:5060", "Via: SIP/2.0/UDP sip.acme.example"))
    assert whose(directory, "TP") == ["north", "server"]


def test_both_ends_may_be_learned_at_once() -> None:
    directory = Directory(NAMED)
    assert directory.learn(request("T", "U", "sip:sip.north.example", "sip.acme.example"))
    assert whose(directory, "TU") == ["acme", "north"]


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("sip.acme.example", "acme"),
        ("a.b.acme.example", "acme"),
        ("north.acme.example", "north"),
        ("acme.example", "other"),
        ("evilacme.example", "other"),
        ("sip.acme.example.evil", "other"),
        ("north.example", "other"),
        ("a." * 200 + "acme.example", "other"),
    ],
)
def test_a_name_goes_before_a_star_and_a_star_stands_for_labels(host: str, name: str) -> None:
    directory = Directory(NAMED)
    assert directory.learn(request("P", "T", f"sip:1@{host}")) == (name != "other")
    assert whose(directory, "T") == [name]


def test_the_longest_star_wins() -> None:
    directory = Directory(Settings(peers=[Peer("wide", hosts=["*.example"]), Peer("narrow", hosts=["*.acme.example"])]))
    directory.learn(request("P", "T", "sip:1@x.acme.example"))
    directory.learn(request("P", "U", "sip:1@acme.example"))
    assert whose(directory, "TU") == ["narrow", "wide"]


def test_a_request_that_goes_elsewhere_first_says_nothing_of_its_destination() -> None:
    directory = Directory(NAMED)
    assert not directory.learn(
        request("A", "B", "sip:1@sip.acme.example", "192.0.2.65", "Route: <sip:proxy.example;lr>")
    )
    assert whose(directory, "AB") == ["other", "other"]


def test_a_configured_address_is_never_moved() -> None:
    directory = Directory(NAMED)
    assert not directory.learn(request("P", "P", "sip:1@sip.acme.example", "sip.north.example"))
    assert whose(directory, "P") == ["server"]


def test_what_was_learned_first_stays() -> None:
    directory = Directory(NAMED)
    assert directory.learn(request("P", "T", "sip:1@sip.acme.example"))
    assert not directory.learn(request("P", "T", "sip:1@sip.north.example"))
    assert not directory.learn(request("T", "P", via="sip.north.example"))
    assert whose(directory, "T") == ["acme"]


def numbered(number: int, via: str) -> Request:
    """Return a request from one of many addresses."""
    message = request("A", "P", via=via)
    message.path = Path((0xC6330000 + number).to_bytes(4, "big") + address("P") + bytes(4), Transport.UDP)
    return message


def test_a_flood_of_claims_closes_one_peers_list_and_is_counted() -> None:
    directory = Directory(NAMED)
    learned = [directory.learn(numbered(number, "sip.acme.example")) for number in range(MAX_LEARNED + 100)]
    assert learned == [True] * MAX_LEARNED + [False] * 100
    assert (directory.tracked, directory.evicted) == ({"hosts": MAX_LEARNED}, {"hosts": 100})
    assert directory.learn(numbered(9999, "sip.north.example"))


def test_what_was_learned_outlives_the_memory_for_answers() -> None:
    directory = Directory(NAMED)
    directory.learn(request("P", "T", "sip:1@sip.acme.example"))
    for number in range(70_000):
        directory.peer(number.to_bytes(4, "big"))
    assert whose(directory, "T") == ["acme"]


def test_a_new_configuration_keeps_what_was_learned_as_far_as_it_has_the_names() -> None:
    before = Directory(NAMED)
    before.learn(request("T", "U", "sip:sip.north.example", "sip.acme.example"))
    before.learn(request("V", "P", via="sip.acme.example"))
    renamed = Peer("carrier", PeerKind.TRUNK, hosts=["sip.acme.example"])
    moved = Peer("elsewhere", PeerKind.SERVER, [ip_network("192.0.2.86/32")])
    after = Directory(Settings(peers=[renamed, moved]), before)
    assert whose(after, "TUV") == ["carrier", "other", "elsewhere"]
    assert after.tracked == {"hosts": 1}


def test_without_names_there_is_nothing_to_learn() -> None:
    directory = Directory(SETTINGS)
    assert not directory.hosts
    assert not directory.learn(request("P", "T", "sip:1@sip.acme.example", "sip.acme.example"))
    assert (directory.tracked, directory.evicted) == ({}, {})


@pytest.mark.parametrize(
    ("uri", "host"),
    [
        ("sip:1@sip.acme.example", "sip.acme.example"),
        ("SIPS:Sip.Acme.Example.:5061;lr?Subject=x", "sip.acme.example"),
        ("sip:a;b?c:d@acme.example;x=y", "acme.example"),
        ("sip:1@[2001:db8::1]:5060", "[2001:db8::1]"),
        ("tel:+15550100", ""),
        ("acme.example", ""),
        ("sip:", ""),
    ],
)
def test_the_host_of_a_uri(uri: str, host: str) -> None:
    assert host_of(uri.encode()) == host.encode()


@pytest.mark.parametrize(
    ("via", "host"),
    [
        ("Via: SIP/2.0/UDP sip.acme.example:5060;branch=z9hG4bK1", "sip.acme.example"),
        ("v: SIP / 2.0 / TCP   Sip.Acme.example. : 5060 ;branch=1, SIP/2.0/UDP other.example", "sip.acme.example"),
        ("Via: SIP/2.0/TLS [2001:db8::1]:5061", "[2001"),
        ("Via: nonsense", ""),
        ("X: y", ""),
    ],
)
def test_the_host_that_a_via_names(via: str, host: str) -> None:
    message = parse(0, path("A", "P"), f"OPTIONS sip:a SIP/2.0\r\n{via}\r\nCSeq: 1 OPTIONS\r\n\r\n".encode(), False)
    assert isinstance(message, Request)
    assert sent_by(message) == host.encode()


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_no_bytes_break_the_reading_of_names(uri: bytes, via: bytes) -> None:
    message = parse(0, path("A", "P"), b"OPTIONS x SIP/2.0\r\nVia: " + via + b"\r\nCSeq: 1 OPTIONS\r\n\r\n", False)
    assert isinstance(message, Request)
    message.request_uri = uri
    Directory(NAMED).learn(message)


# Rules


def judged(rule: Rule, end: str) -> str:
    """Return the outcome of a call over a trunk that has one rule."""
    trunk = Peer("acme", PeerKind.TRUNK, [ip_network("192.0.2.84/32")], None, [rule])
    return the_call("0 A>T INVITE\n0.1 T>A 100\n" + end, Settings(peers=[trunk]), until="60").outcome


FULL = Rule(Outcome.CONGESTED, reason_text=Pattern("call limit|no channels?"))


@pytest.mark.parametrize(
    ("end", "outcome"),
    [
        ("1 T>A 503 reason=Call_Limit_Reached", "congested"),
        ("1 T>A 503 reason=Overloaded", "server_error"),
        ('1 T>A 480 h=Reason:_Q.850;cause=31;text="no_channel_free"', "congested"),
        ('1 T>A 480 h=Reason:_Q.850;cause=31;text="normal"', "redirected"),
        ('2 A>T CANCEL h=Reason:_SIP;cause=200;text="NO_CHANNELS"\n2.1 T>A 487', "congested"),
        ('2 A>T CANCEL h=Reason:_SIP;cause=200;text="NO_CHANNELS"\n2.1 T>A 486', "busy"),
        ("1 T>A 503 reason=" + "x" * 1000 + "call_limit", "server_error"),
        ("1 T>A 200 reason=No_Channels", "answered"),
    ],
)
def test_a_text_is_looked_for_in_the_reason_phrase_and_in_reasons(end: str, outcome: str) -> None:
    assert judged(FULL, end) == outcome


SDP = "h=Content-Type:_application/sdp"
ANNOUNCED = Rule(Outcome.NOT_FOUND, status_code=480, early_media=True)
SILENT = Rule(Outcome.UNAVAILABLE, status_code=480, early_media=False)


@pytest.mark.parametrize(
    ("end", "early"),
    [
        (f"1 T>A 183 {SDP}\n9 T>A 480", True),
        ("1 T>A 183 h=c:_Application/SDP;charset=utf-8\n9 T>A 480", True),
        ("1 T>A 183 h=Content-Type:_multipart/mixed;boundary=b h=X:_application/sdp\n9 T>A 480", True),
        ("1 T>A 183 h=Content-Type:_multipart/mixed;boundary=b\n9 T>A 480", False),
        ("1 T>A 183\n9 T>A 480", False),
        (f"1 T>A 180 {SDP}\n9 T>A 480", False),
        ("9 T>A 480", False),
    ],
)
def test_early_media_is_a_183_with_sdp(end: str, early: bool) -> None:
    alerted = "T>A 18" in end
    assert judged(ANNOUNCED, end) == ("not_found" if early else "no_answer" if alerted else "unavailable")
    assert judged(SILENT, end) == ("no_answer" if early else "unavailable")


def test_everything_that_a_rule_asks_for_must_be_there() -> None:
    rule = Rule(
        Outcome.BLOCKED,
        status_code=603,
        cause=21,
        cause_protocol="Q.850",
        heard=Heard.ALERTED,
        reason_text=Pattern("spam"),
        early_media=True,
    )
    said = [f"1 T>A 183 {SDP}", "5 T>A 603 reason=Spam h=Reason:_Q.850;cause=21"]
    assert judged(rule, "\n".join(said)) == "blocked"
    for lacking in (
        [said[0].replace("183", "182"), said[1]],
        [said[0], said[1].replace("603", "486")],
        [said[0], said[1].replace("Spam", "Decline")],
        [said[0], said[1].replace("cause=21", "cause=17")],
        [said[0], said[1].replace("Q.850;cause=21", "SIP;cause=21")],
        [said[0].replace(SDP, ""), said[1]],
    ):
        assert judged(rule, "\n".join(lacking)) != "blocked"
