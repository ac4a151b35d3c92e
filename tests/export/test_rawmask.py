"""Whole messages: every header is read for what it is, and what nobody knows is looked through."""

from __future__ import annotations

import re
import time
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipwatch.classify.media import offered
from sipwatch.classify.peers import EVERYTHING, Privacy
from sipwatch.export import rawmask
from sipwatch.export.masking import NO_ONE, Known, Masking
from sipwatch.wire.message import Request
from sipwatch.wire.sip import parse
from tests.conversation import path as ends
from tests.each import for_each
from tests.export import planted

BOTH = Masking(4, names=True)
NUMBERS = Masking(4, names=False)
NAMES = Masking(None, names=True)

INVITE = """INVITE sip:15550199@example.com SIP/2.0
Via: SIP/2.0/UDP 192.0.2.65:50600;branch=z9hG4bK1768473638;rport=50600
v: SIP / 2.0 / TCP sbc.example.com:50610;branch=z9hG4bKa
From: "Alice Smith" <sip:+15550123@example.com>;tag=1768473638
t: <sip:15550199@example.com>
Call-ID: 1768473638-77@192.0.2.65
CSeq: 20260105 INVITE
Max-Forwards: 70
Contact: <sip:+15550123@192.0.2.65:50600;transport=udp>;expires=86400
P-Asserted-Identity: "Alice Smith" <sip:+15550123@example.com>, <tel:+15550123>
Remote-Party-ID: Alice Smith <sip:15550123@example.com>;party=calling;privacy=off
Diversion: "Front Desk" <sip:15550177@example.com>;reason=no-answer
History-Info: <sip:15550177@example.com?Reason=SIP%3Bcause%3D302>;index=1.1
Subject: Alice wants 15550177
X-Billed-To: 15550177
X-Caller-Name: Alice Smith
X-Agent: 1001
Warning: 399 sbc "User 15550123 unknown"
Session-Expires: 86400;refresher=uac
Date: Mon, 05 Jan 2026 09:00:00 GMT
User-Agent: FRITZ!Box 7590 154.07.29
Authorization: Digest username="15550123", realm="example.com", nonce="17684736381", uri="sip:15550199@example.com", response="6629fae4"
Content-Type: application/sdp
Content-Length: 200

v=0
o=15550123 17684736 17684737 IN IP4 192.0.2.65
s=Alice
i=call 15550123
p=+1 555 0123
c=IN IP4 192.0.2.65
t=0 0
m=audio 50600 RTP/AVP 8 101
a=rtpmap:101 telephone-event/8000
a=x-from:15550123
""".replace("\n", "\r\n")

HIDDEN = """INVITE sip:1555****@example.com SIP/2.0
Via: SIP/2.0/UDP 192.0.2.65:50600;branch=z9hG4bK1768473638;rport=50600
v: SIP / 2.0 / TCP sbc.example.com:50610;branch=z9hG4bKa
From: "***** *****" <sip:+1555****@example.com>;tag=1768473638
t: <sip:1555****@example.com>
Call-ID: 1768473638-77@192.0.2.65
CSeq: 20260105 INVITE
Max-Forwards: 70
Contact: <sip:+1555****@192.0.2.65:50600;transport=udp>;expires=86400
P-Asserted-Identity: "***** *****" <sip:+1555****@example.com>, <tel:+1555****>
Remote-Party-ID: ***** ***** <sip:1555****@example.com>;party=calling;privacy=off
Diversion: "***** ****" <sip:1555****@example.com>;reason=no-answer
History-Info: <sip:1555****@example.com?Reason=SIP%3Bcause%3D302>;index=1.1
Subject: ***** ***** ********
X-Billed-To: 1555****
X-Caller-Name: ***** *****
X-Agent: 1001
Warning: 399 sbc "User 1555**** unknown"
Session-Expires: 86400;refresher=uac
Date: Mon, 05 Jan 2026 09:00:00 GMT
User-Agent: FRITZ!Box 7590 154.07.29
Authorization: Digest username="1555****", realm="example.com", nonce="17684736381", uri="sip:1555****@example.com", response=**********
Content-Type: application/sdp
Content-Length: 200

v=0
o=1555**** 17684736 17684737 IN IP4 192.0.2.65
s=*****
i=**** ********
p=** *** ****
c=IN IP4 192.0.2.65
t=0 0
m=audio 50600 RTP/AVP 8 101
a=rtpmap:101 telephone-event/8000
a=x-from:1555****
""".replace("\n", "\r\n")


def known_of(masking: Masking, *raws: str) -> Known:
    users, names = rawmask.named(raws)
    return Known(users if masking.mask else (), names if masking.names else ())


def hide(raw: str, masking: Masking = BOTH, known: Known | None = None) -> str:
    return rawmask.message(masking, raw, known_of(masking, raw) if known is None else known)


def header(line: str, masking: Masking = BOTH, known: Known = NO_ONE) -> str:
    raw = f"OPTIONS sip:example.com SIP/2.0\r\n{line}\r\n\r\n"
    return hide(raw, masking, known).removeprefix("OPTIONS sip:example.com SIP/2.0\r\n").removesuffix("\r\n\r\n")


def test_an_invite_with_everything() -> None:
    assert hide(INVITE) == HIDDEN


def test_line_ends_of_any_kind_are_kept() -> None:
    assert hide(INVITE.replace("\r\n", "\n")) == HIDDEN.replace("\r\n", "\n")


def test_only_numbers_or_only_names() -> None:
    numbers, names = hide(INVITE, NUMBERS), hide(INVITE, NAMES)
    assert 'From: "Alice Smith" <sip:+1555****@' in numbers
    assert "Subject: Alice wants 1555****" in numbers
    assert "0123" not in numbers
    assert 'From: "***** *****" <sip:+15550123@' in names
    assert "Alice" not in names
    assert "Smith" not in names


def test_whoever_is_named_in_the_message_is_found_in_what_has_no_grammar() -> None:
    raw = INVITE.replace("Call-ID: 1768473638-77", "Call-ID: 5550123-77").replace(
        "X-Agent: 1001", "X-Agent: alice smith"
    )
    hidden = hide(raw)
    assert "Call-ID: *********************\r\n" in hidden
    assert "X-Agent: ***** *****\r\n" in hidden


@for_each(
    "line, hidden",
    [
        ('From: "Alice" <sip:alice@h>', 'From: "*****" <sip:a****@h>'),
        ("From: Smith, Alice: <sip:alice@h>", "From: ****** ****** <sip:a****@h>"),
        ('From:\r\n "Alice"\r\n <sip:alice@h>;tag=1', 'From:\r\n "*****"\r\n <sip:a****@h>;tag=1'),
        ("From: sip:15550123@h;tag=1", "From: sip:1555****@h;tag=1"),
        ('From: "Alice" sip:alice@h', 'From: "*****" sip:a****@h'),
        ("from :<sip:alice@h>", "from :<sip:a****@h>"),
        ("Refer-To: <sip:15550123@h?Replaces=x%40h%3Bto-tag%3D1>", "Refer-To: <sip:1555****@h?Replaces=x%40h%3Bto-tag%3D1>"),
        ("Referred-By: <tel:+1-555-0123>", "Referred-By: <tel:+1-555-****>"),
        ("P-Preferred-Identity: <sip:alice@h>", "P-Preferred-Identity: <sip:a****@h>"),
        ("P-Called-Party-ID: <sip:%2B15550123@h;user=phone>", "P-Called-Party-ID: <sip:%2B1555****@h;user=phone>"),
        ("Route: <sip:192.0.2.1:50600;lr>", "Route: <sip:192.0.2.1:50600;lr>"),
        ("X-User: alice@example.com", "X-User: a****@example.com"),
        ("Organization: Smith and Sons", "Organization: ***** *** ****"),
        ('Proxy-Authorization: Digest username="alice@h", realm="r"', 'Proxy-Authorization: Digest username="a****@h", realm="r"'),
        ("Expires: 86400", "Expires: 86400"),
        ("Expires: call 15550123", "Expires: call 1555****"),
        ("RAck: 17684736 17684737 INVITE", "RAck: 17684736 17684737 INVITE"),
        ("Timestamp: 17684736.5", "Timestamp: 17684736.5"),
        ("In-Reply-To: 17684736@h", "In-Reply-To: 17684736@h"),
        ("X-15550123: y", "X-1555****: y"),
        ("no header at all 15550123", "no header at all 1555****"),
        ("Empty:", "Empty:"),
        ("Server: ", "Server: "),
    ],
)  # fmt: skip
def test_headers_one_by_one(line: str, hidden: str) -> None:
    assert header(line) == hidden


@pytest.mark.parametrize(
    ("line", "hidden"),
    [
        ("SIP/2.0 404 User 15550123 unknown", "SIP/2.0 404 User 1555**** unknown"),
        ("404 User 15550123 unknown", "404 User 1555**** unknown"),
        ("SIP/2.0 180 Ringing", "SIP/2.0 180 Ringing"),
        ("INVITE sip:alice@h", "INVITE sip:a****@h"),
        ("INVITE sip:15550123@h SIP/2.0", "INVITE sip:1555****@h SIP/2.0"),
        ("INVITE tel:112 SIP/2.0", "INVITE tel:*** SIP/2.0"),
        ("15550123 sip:h SIP/2.0", "1555**** sip:h SIP/2.0"),
        ("ack_missing", "ack_missing"),
        ("ICMP port_unreachable", "ICMP port_unreachable"),
    ],
)
def test_start_lines_whole_and_as_findings_have_them(line: str, hidden: str) -> None:
    assert rawmask.start_line(BOTH, line) == hidden


def test_a_status_code_is_no_number_even_if_somebody_has_it() -> None:
    assert rawmask.start_line(BOTH, "404 No 404 here", Known(["404"])) == "404 No *** here"


@pytest.mark.parametrize("kind", ["text/plain", "application/pidf+xml", "application/json", ""])
def test_a_body_that_may_hold_anything_is_hidden_whole(kind: str) -> None:
    raw = f"MESSAGE sip:h SIP/2.0\r\nContent-Type: {kind}\r\n\r\nHello: Alice\r\na=15550123\r\n"
    assert hide(raw).endswith("\r\n\r\n****** *****\r\n**********\r\n")


def test_of_several_parts_only_sdp_is_read() -> None:
    body = "--x\r\nContent-Type: application/sdp\r\n\r\nv=0\r\no=alice 1 1 IN IP4 192.0.2.1\r\n--x\r\n\r\n<tel>112</tel>\r\n--x--\r\n"
    raw = f"INVITE sip:h SIP/2.0\r\nContent-Type: multipart/mixed;boundary=x\r\n\r\n{body}"
    expected = body.replace("alice", "a****").replace("<tel>112</tel>", "*" * 14)
    assert hide(raw).endswith(f"\r\n\r\n{expected}")


def test_sip_inside_sip_is_read_like_sip() -> None:
    raw = 'NOTIFY sip:h SIP/2.0\r\nc: message/sipfrag\r\n\r\nSIP/2.0 404 No 15550123\r\nTo: "Bob" <sip:bob@h>\r\n'
    assert hide(raw).endswith('\r\n\r\nSIP/2.0 404 No 1555****\r\nTo: "***" <sip:b**@h>\r\n')


def test_who_is_named_in_messages() -> None:
    users, names = rawmask.named([INVITE, "MESSAGE tel:112 SIP/2.0\r\nFrom: sip:bob:secret@h\r\n"])
    assert users == {"15550199", "+15550123", "15550123", "15550177", "112", "bob"}
    assert {"Alice Smith", "Front Desk"} <= names


PIECES = st.lists(
    st.sampled_from(
        [
            *("INVITE ", "sip:15550123@h", " SIP/2.0", "\r\n", "\n", "\r\n\r\n", "\r\n ", "From: ", "Via: SIP/2.0/UDP h:1", '"', "<", ">"),
            *("Authorization: ", "Digest ", 'username="', ",", ";tag=", "Content-Type: application/sdp", "c: multipart/x", "v=0", "o="),
            *("c:message/sipfrag", "Call-ID: ", "15550123", "Alice", "tel:", "%2B", "\\", "é", "\x00", ":", "=", "CSeq: 1 INVITE", " "),
        ]
    ),
    max_size=40,
)  # fmt: skip


@given(PIECES, st.sampled_from([BOTH, NUMBERS, NAMES, Masking(EVERYTHING, names=True)]))
def test_whatever_comes_its_length_stays_and_nothing_is_added_but_asterisks(
    pieces: list[str], masking: Masking
) -> None:
    raw = "".join(pieces)
    hidden = hide(raw, masking, Known(["15550123"] if masking.mask else [], ["Alice"]))
    assert len(hidden) == len(raw)
    assert all(new in (old, "*") for new, old in zip(hidden, raw, strict=True))
    if masking.mask:
        assert "15550123" not in hidden.replace("CSeq: 15550123", "")


@pytest.mark.parametrize("name", ["From", "Via", "X-Auth", "CSeq", "Subject", "Call-ID"])
@pytest.mark.parametrize(
    "piece",
    ["5", "5 ", "sip:", '"', ",", "a", "a@", " ", "a=", 'a="', "eyJ", "<", "SIP/2.0/UDP ", "response=", "\r\n\t"],
)
def test_a_long_header_takes_no_longer_than_it_must(name: str, piece: str) -> None:
    raw = f"INVITE sip:h SIP/2.0\r\n{name}: {piece * (20_000 // len(piece))}\r\n\r\n"
    began = time.process_time()
    hide(raw)
    assert time.process_time() - began < 0.5


# Closed: whole numbers, and pseudonyms

START = "INVITE sip:Vqzz;x=Vqzz:Vqzz@example.com;x=Vqzz?Vqzz=Vqzz SIP/2.0"

CLOSED = planted.CLOSED
closed = pytest.mark.parametrize("privacy", CLOSED.values(), ids=list(CLOSED))


def disguised(raw: str, privacy: Privacy) -> str:
    data = raw.encode("latin-1")
    return rawmask.Disguise(privacy, [data]).message(data).decode("latin-1")


@closed
@for_each("line", [*planted.HEADERS, *planted.PARTIES])
def test_what_nobody_knows_is_hidden_in_every_header(line: str, privacy: Privacy) -> None:
    assert planted.WORD.lower() not in disguised(planted.message(line), privacy).lower()


@closed
@for_each("kind, body", planted.BODIES)
def test_what_nobody_knows_is_hidden_in_every_body(kind: str, body: str, privacy: Privacy) -> None:
    assert planted.WORD.lower() not in disguised(planted.message(kind=kind, body=body), privacy).lower()


@closed
@for_each("start", ["SIP/2.0 486 Vqzz is busy", "VQZZ sip:x SIP/2.0", "INVITE x:Vqzz SIP/2.0", "Vqzz", START])
def test_what_nobody_knows_is_hidden_in_a_start_line(start: str, privacy: Privacy) -> None:
    assert planted.WORD.lower() not in disguised(planted.message(start=start), privacy).lower()


@closed
def test_what_is_hidden_still_parses_and_tells_who_belongs_together(privacy: Privacy) -> None:
    raw = planted.message(*planted.HEADERS[:-1], kind=planted.BODIES[0][0], body=planted.BODIES[0][1])
    before, after = (parse(0, ends("A", "P"), one.encode("latin-1"), False) for one in (raw, disguised(raw, privacy)))
    assert isinstance(before, Request)
    assert isinstance(after, Request)
    assert (after.method, after.cseq_number, after.from_tag) == ("INVITE", 1, b"a1")
    assert after.branch == before.branch
    assert offered(after)[0] == offered(before)[0] == "PCMA"
    head, _, body = after.raw.partition(b"\r\n\r\n")
    assert b"Content-Length: %d\r\n" % len(body) in head + b"\r\n"


def test_one_person_has_one_pseudonym_in_every_message_and_spelling() -> None:
    raw = planted.message("P-Asserted-Identity: <tel:+15550100>", "X: 1").replace("Vqzz", "x")
    hidden = disguised(raw, CLOSED["pseudonyms"])
    (number,) = set(re.findall(r"(?:From: .*?<sip:|<tel:\+)(\d+)", hidden))
    assert len(number) == len("15550100")
    assert number != "15550100"


def test_addresses_are_the_same_in_messages_and_beside_them() -> None:
    privacy = CLOSED["pseudonyms and addresses"]
    raw = planted.message("Contact: <sip:x@192.0.2.65:5060>", "Route: <sip:[2001:db8::1]:5060;lr>")
    disguise = rawmask.Disguise(privacy, [raw.encode()])
    hidden = disguise.message(raw.encode()).decode()
    other = str(ip_address(disguise.address(ip_address("192.0.2.65").packed)))
    assert hidden.count(other) == raw.count("192.0.2.65")
    assert "192.0.2.65" not in hidden
    assert f"[{ip_address(disguise.address(ip_address('2001:db8::1').packed))}]:5060" in hidden
    assert "example.com" not in hidden


def test_counts_stay_however_long_they_are() -> None:
    """Or no response would find its request."""
    raw = planted.message("RAck: 17684736 17684737 INVITE", "Expires: 86400000").replace(
        "CSeq: 1 ", "CSeq: 1768473612 "
    )
    hidden = disguised(raw, CLOSED["whole numbers"])
    for line in ("CSeq: 1768473612 INVITE", "RAck: 17684736 17684737 INVITE", "Expires: 86400000", "Content-Length: 0"):
        assert f"{line}\r\n" in hidden


def test_names_of_hosts_stay_with_addresses_and_go_with_them() -> None:
    raw = planted.message(
        "Contact: <sip:sbc.customer.example:5060>", "Via: SIP/2.0/UDP sbc.customer.example;branch=z9hG4bK1"
    )
    assert disguised(raw, CLOSED["whole numbers"]).count("sbc.customer.example") == 2
    assert "customer" not in disguised(raw, CLOSED["pseudonyms and addresses"])
