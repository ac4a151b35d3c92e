"""No secret gets through, however it is written; everything else does, and lengths stay."""

from __future__ import annotations

import re
import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sipwatch.export import scrub
from tests.each import for_each

RESPONSE = "6629fae49393a05397450978507c4ef1"
KEY = "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj"


def message(*headers: str, body: str = "", kind: str = "application/sdp") -> str:
    """Return an INVITE with these header lines."""
    head = ["INVITE sip:15550101@example.com SIP/2.0", "Via: SIP/2.0/UDP a.example.com;branch=z9hG4bKa", *headers]
    return "\r\n".join([*head, f"Content-Type: {kind}", f"Content-Length: {len(body)}", "", body])


def test_of_a_digest_only_what_proves_nothing_is_left() -> None:
    """RFC 7616 §3.4: response and cnonce are enough to try passwords on."""
    line = (
        f'Authorization: Digest username="u", realm="r", nonce="n", uri="sip:x", response="{RESPONSE}",'
        ' cnonce="0a4f113b", nc=00000001, qop=auth, algorithm=MD5, opaque="5ccc"'
    )
    assert scrub.message(line) == (
        f'Authorization: Digest username="u", realm="r", nonce="n", uri="sip:x", response={"*" * 34},'
        " cnonce=**********, nc=00000001, qop=auth, algorithm=MD5, opaque=******"
    )


@for_each(
    "line",
    [
        'Authorization: Digest response="{}"',
        'authorization:digest response="{}"',
        'PROXY-AUTHORIZATION : Digest username="u",response={}',
        'Authorization: Digest username="u",\r\n\tresponse="{}"',
        'Authorization: Digest username="u"\r\n ,response\r\n =\r\n "{}"',
        'Authorization: Digest username="open, response={}',
        'Authorization: Digest x{}="y"',
        "Authorization: {}",
        "Authorization: Basic {}",
        "Authorization: Basic {}==",
        "Proxy-Authorization: Bearer {}",
        'Authorization: NTLM gssapi-data="{}"',
        'Authorization: Digest algorithm=AKAv1-MD5, nonce="{}"',
        'Authorization: Digest username="u", auts="{}"',
        'WWW-Authenticate: Digest realm="r", nonce="n", algorithm=AKAv1-MD5, ik="{}"',
        'Authentication-Info: nextnonce="n", rspauth="{}"',
        'Proxy-Authentication-Info: rspauth = "{}"',
        "Identity: eyJhbGciOiJFUzI1NiJ9.{}.sig;info=<https://cert.example.com/c.pem>;ppt=shaken",
        "y: {};info=<https://cert.example.com/c.pem>",
        "X-Auth: {}",
        "X-Api-Key: {}",
        "X-Session-Token: {}",
        "Cookie: session={}",
        'X-Copy: Digest username="u", response="{}"',
        "Contact: <sip:15550100@a.example.com;pn-prid={}>",
        "Contact: <sip:15550100:{}@a.example.com>",
        "Call-Info: <https://user:{}@a.example.com/picture>",
        "Refer-To: <sip:15550100@a.example.com?Authorization=Digest%20response={}>",
        "Refer-To: <sip:15550100@a.example.com?X=Digest%20response%3D%22{}%22>",
        "Refer-To: <sip:15550100@a.example.com?Authorization=Basic%20{}>",
    ],
)
def test_no_credential_gets_through(line: str) -> None:
    raw = message(line.format(RESPONSE), "From: <sip:15550100@example.com>;tag=f")
    scrubbed = scrub.message(raw)
    assert RESPONSE not in scrubbed
    assert RESPONSE[8:] not in scrubbed
    assert len(scrubbed) == len(raw)
    assert "From: <sip:15550100@example.com>;tag=f" in scrubbed


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{}|2^20|1:4", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 "),
        ("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{0};inline:{0} FEC_KEY=inline:{0}", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 "),
        ("a=crypto:{}", "a=crypto:"),
        ("A = CRYPTO : 1 {}", "A = CRYPTO : "),
        ("a=cryptoscale:1 client AES_CM_128_HMAC_SHA1_80 inline:{}|2^31|1:1", "a=cryptoscale:1 client AES_CM_128_HMAC_SHA1_80 "),
        ("a=x-crypto:{}", "a=x-crypto:"),
        ("a=key-mgmt:mikey {}", "a=key-mgmt:mikey "),
        ("a=key-mgmt:{}", "a=key-mgmt:"),
        ("a=ice-pwd:{}", "a=ice-pwd:"),
        ("k=base64:{}", "k=base64:"),
        ("k=clear:{}", "k=clear:"),
        ("k={}", "k="),
    ],
)  # fmt: skip
@for_each("end", ["\r\n", "\n"])
def test_no_key_gets_through_and_the_suite_stays(line: str, left: str, end: str) -> None:
    """RFC 4568, RFC 4567, RFC 4566 §5.12, RFC 8839 §5.4."""
    body = end.join(["v=0", "m=audio 10000 RTP/SAVP 8", line.format(KEY), "a=sendrecv", ""])
    scrubbed = scrub.message(message(body=body))
    assert KEY[:8] not in scrubbed
    assert f"{left}*" in scrubbed
    assert scrubbed.endswith(f"*{end}a=sendrecv{end}")


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        (["Content-Encoding: gzip"], "application/sdp"),
        (["e: deflate"], "application/sdp"),
        (["Content-Transfer-Encoding: base64"], "application/sdp"),
        ([], "application/mikey"),
        ([], "application/dtmf"),
    ],
)
def test_a_body_that_nobody_here_can_read_is_hidden_whole(headers: list[str], kind: str) -> None:
    scrubbed = scrub.message(message(*headers, body=f"{KEY}\r\nmore\r\n", kind=kind))
    assert scrubbed.endswith(f"\r\n\r\n{'*' * len(KEY)}\r\n****\r\n")


@pytest.mark.parametrize("header", ["Content-Encoding: identity", "Content-Transfer-Encoding: 8bit", "X: y"])
def test_a_body_that_can_be_read_stays(header: str) -> None:
    raw = message(header, body="v=0\r\ns=-\r\n")
    assert scrub.message(raw) == raw


def test_keys_in_one_part_of_several_are_found() -> None:
    body = f"--x\r\nContent-Type: application/sdp\r\n\r\nv=0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}\r\n--x--\r\n"
    assert KEY not in scrub.message(message(body=body, kind="multipart/mixed;boundary=x"))


def test_credentials_in_sip_that_is_carried_by_sip_are_found() -> None:
    """RFC 3420: a NOTIFY that tells of a transfer holds the beginning of another message."""
    body = f'INVITE sip:15550102@example.com SIP/2.0\r\nAuthorization: Digest response="{RESPONSE}"\r\n'
    assert RESPONSE not in scrub.message(message(body=body, kind="message/sipfrag"))


def test_digits_typed_while_talking_are_no_less_a_secret() -> None:
    scrubbed = scrub.message(message(body="Signal=5\r\nDuration=160\r\n", kind="application/dtmf-relay"))
    assert scrubbed.endswith("\r\n\r\nSignal=*\r\nDuration=160\r\n")


def test_the_password_of_a_uri_is_hidden_even_where_the_host_was_cut_off() -> None:
    assert scrub.uri("sip:alice:hunter2@example.com") == "sip:alice:*******@example.com"
    assert scrub.uri("SIPS:alice:a:b@c@example.com;x=1") == "SIPS:alice:*****@example.com;x=1"
    assert "hunt" not in scrub.text("INVITE sip:alice:hunter2...")


@pytest.mark.parametrize(
    "harmless",
    [
        "sip:15550100@192.0.2.1:5060",
        "sip:192.0.2.1:5060;transport=tcp",
        "sips:15550100@[2001:db8::1]:5061",
        "tel:+15550100;phone-context=example.com",
        "sip:example.com",
    ],
)
def test_a_port_is_no_password(harmless: str) -> None:
    assert scrub.uri(harmless) == scrub.text(harmless) == harmless


@pytest.mark.parametrize(
    "line",
    [
        "P-Asserted-Identity: <sip:15550100@example.com>",
        "Accept-Encoding: gzip",
        "Subject: no answer",
        'WWW-Authenticate: Digest realm="r", nonce="n", algorithm=MD5, qop="auth", stale=true',
        'WWW-Authenticate: Bearer realm="r", scope="s", authz_server="https://a.example.com"',
        "Response: 5",
        "k: path",
        "Reason: Q.850;cause=16",
    ],
)
def test_what_is_no_secret_stays(line: str) -> None:
    raw = message(line, body="v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\na=ice-ufrag:abcd\r\na=fingerprint:sha-256 AB:CD\r\n")
    assert scrub.message(raw) == raw


def test_bytes_are_scrubbed_without_being_understood() -> None:
    raw = b'REGISTER sip:x SIP/2.0\r\nSubject: \xff\xfe\r\nAuthorization: Digest response="abc\xe9"\r\n\r\n'
    assert scrub.payload(raw) == raw.replace(b'"abc\xe9"', b"******")


SECRETS = st.text(string.ascii_letters + string.digits + "+/", min_size=12, max_size=40)
BLANKS = st.sampled_from(["", " ", "\t", "\r\n ", "\n\t", "  "])
NAMES = st.sampled_from(["Authorization", "proxy-authorization", "AUTHORIZATION", "Proxy-Authentication-Info"])
PARAMETERS = st.sampled_from(["response", "Response", "cnonce", "rspauth", "auts", "ik", "ck", "unheard-of"])


@given(
    SECRETS, NAMES, PARAMETERS, st.lists(BLANKS, min_size=4, max_size=4), st.sampled_from(["", '"']), st.integers(0, 3)
)
def test_no_spelling_of_credentials_lets_the_secret_through(
    secret: str, name: str, parameter: str, blanks: list[str], quote: str, place: int
) -> None:
    others = ['username="u"', 'realm="r, s"', "nc=00000001"]
    others.insert(place, f"{parameter}{blanks[0]}={blanks[1]}{quote}{secret}{quote}")
    raw = message(f"{name}{blanks[2].strip()}:{blanks[3]}Digest {f',{blanks[1]}'.join(others)}")
    assume(raw.count(secret) == 1)  # else it is a word that stands there anyway: the header's own name, for one
    scrubbed = scrub.message(raw)
    assert secret not in scrubbed
    assert len(scrubbed) == len(raw)
    assert 'username="u"' in scrubbed


LINES = st.lists(
    st.sampled_from(
        [
            *("Authorization: Digest ", "a=crypto:1 ", "\r\n", "\n", "\r\n\r\n", '"', "sip:a:b@c", "inline:", "eyJ", "=", ","),
            *("k=", "Content-Encoding: x", "response", ";", "<", ">", " ", "\t", "\\", "é", "\x00", "y:", "signal=", "a" * 70),
        ]
    ),
    max_size=40,
)  # fmt: skip


@given(LINES)
def test_whatever_comes_length_and_line_ends_stay_and_twice_is_once(pieces: list[str]) -> None:
    raw = "".join(pieces)
    scrubbed = scrub.message(raw)
    assert len(scrubbed) == len(raw)
    assert [m.start() for m in re.finditer(r"\s", scrubbed)] == [m.start() for m in re.finditer(r"\s", raw)]
    assert all(new in (old, "*") for new, old in zip(scrubbed, raw, strict=True))
