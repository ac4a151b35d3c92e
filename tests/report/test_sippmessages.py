"""What SIPp is told to send: what was captured, with its keywords where a call has things of its own."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipwatch.report.sippmessages import Said, literal, request_lines, response_lines, taken_apart, target, untagged
from tests.export.records import at, message

A, B = "192.0.2.65:5060", "192.0.2.80:5060"
KEYWORD = re.compile(r"\[[a-z_$]+[\w+ =.:-]*\]")


def said(line: str, *headers: str, body: str = "") -> Said:
    raw = "\r\n".join([line, *headers, "", body])
    record = message(0, A, B, line)
    found = taken_apart(type(record)(at(0), A, B, line, False, True, raw))
    assert found is not None
    return found


def invite(*headers: str, uri: str = "sip:15550101@example.com", body: str = "") -> Said:
    own = ("Via: SIP/2.0/UDP 192.0.2.65;branch=z9hG4bKx", "f: <sip:a@x>;tag=1", "To: <sip:b@x>", "CSeq: 7 INVITE")
    return said(f"INVITE {uri} SIP/2.0", *own, *headers, body=body)


def sent(message: Said, *, with_credentials: bool = False) -> list[str]:
    return request_lines(
        message, uri="URI", branch="[branch]", own_tag="TAG", to="TO", with_credentials=with_credentials, routes=False
    )


def test_a_message_is_taken_apart_compact_names_and_folded_lines_too() -> None:
    found = invite("Subject: one", " two", "Empty:", "no header")
    assert (found.code, found.number, found.method, found.from_tag, found.to_tag) == (0, 7, "INVITE", "1", "")
    assert found.value("subject") == "one two"
    assert found.value("from") == "<sip:a@x>;tag=1"
    assert found.count("via") == 1
    assert said("SIP/2.0 486 Busy Here", "CSeq: 7 INVITE").code == 486


@pytest.mark.parametrize("cseq", ["", "x INVITE", "1 <b>", "99999999999 INVITE", "² INVITE", "1"])
def test_a_message_without_a_usable_cseq_is_left_out(cseq: str) -> None:
    record = message(0, A, B, "INVITE x SIP/2.0")
    assert (
        taken_apart(type(record)(at(0), A, B, record.first_line, False, True, f"INVITE x\r\nCSeq: {cseq}\r\n\r\n"))
        is None
    )


def test_what_is_a_calls_own_gives_way_to_keywords() -> None:
    assert sent(
        invite("Call-ID: c1", "Contact: <sip:alice@192.0.2.65:5060>;expires=5", "Route: <sip:p>", "Max-Forwards: 3")
    ) == [
        "INVITE URI SIP/2.0",
        "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]",
        "Max-Forwards: 70",
        "From: <sip:a@x>;tag=TAG",
        "To: TO",
        "Call-ID: [call_id]",
        "CSeq: 7 INVITE",
        "Contact: <sip:alice@[local_ip]:[local_port];transport=[transport]>",
        "Content-Length: [len]",
        "",
    ]


def test_all_other_headers_are_sent_as_captured() -> None:
    lines = sent(invite("User-Agent: Phone 1", "P-Asserted-Identity: <tel:+15550100>", "Reason: Q.850;cause=16"))
    assert lines[-5:-2] == ["User-Agent: Phone 1", "P-Asserted-Identity: <tel:+15550100>", "Reason: Q.850;cause=16"]


def test_credentials_are_sipps_to_make_once_it_was_challenged() -> None:
    known = invite('Proxy-Authorization: Digest username="alice", response="***"')
    assert "[authentication username=alice]" in sent(known, with_credentials=True)
    assert not any("uthentication" in line or "uthorization" in line for line in sent(known))
    odd = invite('Authorization: Digest username="a]b"')
    assert "[authentication]" in sent(odd, with_credentials=True)


def test_sdp_names_sipps_own_address_and_ports() -> None:
    sdp = (
        "v=0\r\no=alice 1 1 IN IP4 192.0.2.65\r\ns=-\r\nc=IN IP4 192.0.2.65\r\nt=0 0\r\nm=audio 6000 RTP/AVP 8\r\n"
        "a=sendonly\r\nm=image 0 udptl t38\r\nm=video 6002/2 RTP/AVP 96\r\nc=IN IP4 0.0.0.0\r\n"
    )
    lines = sent(invite("Content-Type: application/sdp", body=sdp))
    assert lines[lines.index("") + 1 :] == [
        "v=0",
        "o=alice 1 1 IN IP[local_ip_type] [local_ip]",
        "s=-",
        "c=IN IP[media_ip_type] [media_ip]",
        "t=0 0",
        "m=audio [media_port] RTP/AVP 8",
        "a=sendonly",
        "m=image 0 udptl t38",
        "m=video [media_port+2]/2 RTP/AVP 96",
        "c=IN IP4 0.0.0.0",
    ]


def test_any_other_body_is_sent_as_it_is() -> None:
    lines = sent(invite("Content-Type: text/plain", body="c=IN IP4 192.0.2.65\r\n[call_id]\r\n"))
    assert lines[-2:] == ["c=IN IP4 192.0.2.65", "\\x5Bcall_id\\x5D"]


@pytest.mark.parametrize(
    ("uri", "written"),
    [
        ("sip:15550101@example.com", "sip:15550101@[remote_ip]:[remote_port]"),
        ("SIPS:+1-555@x:5061;user=phone;transport=tls;lr", "sips:+1-555@[remote_ip]:[remote_port];user=phone"),
        ("sip:example.com", "sip:[remote_ip]:[remote_port]"),
        ("tel:+15550101", "tel:+15550101"),
        ("sip:[x]@[2001:db8::1]", "sip:\\x5Bx\\x5D@[remote_ip]:[remote_port]"),
    ],
)
def test_a_request_uri_leads_to_sipps_other_side_with_the_number_that_was_dialled(uri: str, written: str) -> None:
    assert target(invite(uri=uri)) == written


def test_a_response_has_its_code_and_phrase_and_where_to_go_instead() -> None:
    moved = said("SIP/2.0 302 Moved [here]", "CSeq: 1 INVITE", "Contact: <sip:other@192.0.2.9>", "Server: P")
    lines = response_lines(moved, ["[last_Via:]"], "[last_From:]", "[last_To:];tag=T", "[last_CSeq:]")
    assert lines == [
        "SIP/2.0 302 Moved \\x5Bhere\\x5D",
        *("[last_Via:]", "[last_From:]", "[last_To:];tag=T", "[last_Call-ID:]", "[last_CSeq:]"),
        *("Contact: <sip:other@192.0.2.9>", "Server: P", "Content-Length: [len]", ""),
    ]


def test_the_tag_is_taken_off_the_header_and_not_off_the_uri() -> None:
    assert untagged('"A;tag=x" <sip:a@x;tag=y>;tag=z;p=1') == '"A;tag=x" <sip:a@x;tag=y>;p=1'
    assert untagged("sip:a@x; tag = z") == "sip:a@x"


def test_what_is_no_plain_text_is_written_by_its_bytes() -> None:
    assert literal("a[b]\\é\r]]>\0") == "a\\x5Bb\\x5D\\x5C\\xC3\\xA9\\x0D\\x5D\\x5D>\\x5Cx00"


@given(text=st.text(max_size=60), raw=st.binary(max_size=60))
def test_nothing_that_a_stranger_wrote_is_a_keyword_or_ends_the_section(text: str, raw: bytes) -> None:
    for evil in (text, raw.decode("utf-8", "backslashreplace")):
        line = evil.replace("\r", "").replace("\n", "")
        found = invite(f"X-Evil: {line}", "Content-Type: application/sdp", body=f"m=audio 1 {line}\r\no=a {line}\r\n")
        written = "\n".join([*sent(found), target(found)])
        assert written.isascii()
        assert "]]>" not in written
        assert not set("[]") & set(KEYWORD.sub("", written))
        assert not re.search(r"\\(?!x[0-9A-F]{2})", written)
