"""The SIP parser: RFC 3261's spellings, RFC 4475's and 5118's torture, and both readers always agreeing."""

from __future__ import annotations

import os
from pathlib import Path as FilePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipwatch.wire.discards import Discard
from sipwatch.wire.message import Path, Request, Response, Transport
from sipwatch.wire.sip import (
    Parser,
    header,
    header_values,
    looks_like_sip,
    parameters,
    parse,
    split_values,
    tag_of,
    uri_of,
    user_of,
    via_branch,
    via_branches,
)
from tests.each import for_each
from tests.thorough import examples

PATH = Path(bytes(12), Transport.UDP)
CAPTURES = FilePath(os.environ.get("SIPWATCH_CAPTURES", FilePath(__file__).parents[2].parent / "shared" / "captures"))
TORTURE = CAPTURES / "torture"

INVITE = (
    b"INVITE sip:bob@example.com SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP p.example.com:5060;branch=z9hG4bKtop;rport\r\n"
    b"Via: SIP/2.0/UDP a.example.com;branch=z9hG4bKbottom\r\n"
    b'From: "Alice" <sip:alice@example.com>;tag=a1\r\n'
    b"To: <sip:bob@example.com>\r\n"
    b"Call-ID: call@example.com\r\n"
    b"CSeq: 7 INVITE\r\n"
    b"Max-Forwards: 69\r\n"
    b"Content-Length: 0\r\n\r\n"
)


def read(data: bytes, *, truncated: bool = False) -> Request | Response:
    message = parse(1, PATH, data, truncated)
    assert isinstance(message, (Request, Response)), message
    return message


def facts(item: Request | Response | Discard) -> object:
    """Return everything that a message says."""
    if isinstance(item, Discard):
        return item
    names = ("call_id", "from_tag", "to_tag", "cseq_number", "cseq_method", "branch", "via_count", "names", "raw")
    own = ("method", "request_uri", "max_forwards") if isinstance(item, Request) else ("status_code", "reason_phrase")
    return [getattr(item, name) for name in (*names, *own)]


PLAIN = facts(read(INVITE))


def test_a_request_is_read() -> None:
    message = read(INVITE)
    assert isinstance(message, Request)
    assert (message.method, message.request_uri, message.max_forwards) == ("INVITE", b"sip:bob@example.com", 69)
    assert (message.call_id, message.from_tag, message.to_tag) == (b"call@example.com", b"a1", b"")
    assert (message.cseq_number, message.cseq_method, message.branch, message.via_count) == (
        7,
        "INVITE",
        b"z9hG4bKtop",
        2,
    )


def test_a_response_is_read() -> None:
    message = read(INVITE.replace(b"INVITE sip:bob@example.com SIP/2.0", b"SIP/2.0 486 Busy Here, really", 1))
    assert isinstance(message, Response)
    assert (message.status_code, message.reason_phrase, message.cseq_method) == (486, b"Busy Here, really", "INVITE")


SPELLINGS = {
    "compact-forms": [(b"Via:", b"v:"), (b"From:", b"f:"), (b"To:", b"t:"), (b"Call-ID:", b"i:")],
    "any-case": [
        (b"Via:", b"VIA:"),
        (b"From:", b"fRoM:"),
        (b"To:", b"TO:"),
        (b"Call-ID:", b"call-id:"),
        (b"CSeq:", b"cseq:"),
    ],
    "blanks-around-the-colon": [(b"Call-ID: ", b"Call-ID  :\t "), (b"CSeq: 7 INVITE", b"CSeq:7   INVITE ")],
    "folded-lines": [(b"Call-ID: call", b"Call-ID:\r\n call"), (b"CSeq: 7 INVITE", b"CSeq: 7\r\n\t INVITE")],
    "vias-joined-by-comma": [(b"rport\r\nVia: ", b"rport,\r\n  ")],
    "line-feeds-only": [(b"\r\n", b"\n")],
    "blanks-in-the-request-line": [(b"INVITE sip:bob@example.com SIP/2.0", b"INVITE  sip:bob@example.com   SIP/2.0")],
    "blanks-around-tag": [(b";tag=a1", b" ; tag = a1")],
    "a-tag-in-capitals": [(b";tag=a1", b";TAG=a1")],
    "a-tag-in-the-display-name": [(b'"Alice"', b'"A;tag=x <sip:y>;tag=z"')],
    "a-tag-in-the-uri": [(b"<sip:alice@example.com>", b"<sip:alice@example.com;tag=no>")],
    "escaped-quotes-in-the-display-name": [(b'"Alice"', rb'"A \" <x>;tag=\\"')],
    "parameters-before-the-tag": [(b";tag=a1", b";epid=12;tag=a1")],
    "no-angle-brackets": [(b'"Alice" <sip:alice@example.com>', b"sip:alice@example.com")],
    "a-branch-in-capitals": [(b";branch=z9hG4bKtop", b";BRANCH=z9hG4bKtop")],
    "blanks-around-the-branch": [(b";branch=z9hG4bKtop", b"; branch = z9hG4bKtop")],
}


@pytest.mark.parametrize("changes", SPELLINGS.values(), ids=SPELLINGS)
@for_each("times", [1, 8], ids=["first-seen", "shape-known"])
def test_every_legal_spelling_says_the_same(changes: list[tuple[bytes, bytes]], times: int) -> None:
    """RFC 3261 §7.3; also once the shape is learned."""
    data = INVITE
    for old, new in changes:
        assert old in data
        data = data.replace(old, new)
    parser = Parser()
    for _ in range(times):
        found = facts(parser.parse(0, PATH, data, False))
    assert isinstance(found, list)
    assert isinstance(PLAIN, list)
    assert found[:7] == PLAIN[:7]
    assert found[9:] == PLAIN[9:]


STRAY = {
    "backslashes-before-both-quotes": rb"\"Alice\" <sip:alice@example.com>;tag=a1",
    "a-backslash-before-the-closing-quote": rb'"Alice\" <sip:alice@example.com>;tag=a1',
    "a-backslash-before-the-opening-quote": rb'\"Alice" <sip:alice@example.com>;tag=a1',
    "backslashes-and-a-quoted-parameter": rb'\"Alice\" <sip:alice@example.com>;x="a;tag=no";tag=a1',
    "an-opening-quote-only": b'"Alice <sip:alice@example.com>;tag=a1',
    "a-closing-quote-only": b'Alice" <sip:alice@example.com>;tag=a1',
    "a-third-quote": b'"Ali"ce" <sip:alice@example.com>;tag=a1',
    "a-quote-before-the-bracket-only": b'"<sip:alice@example.com>;tag=a1',
    "a-quote-in-the-quotes": b'"Al"i"ce" <sip:alice@example.com>;tag=a1',
    "quotes-around-nothing": b'""Alice"" <sip:alice@example.com>;tag=a1',
    "a-backslash-alone": rb"Alice\ <sip:alice@example.com>;tag=a1",
}


@pytest.mark.parametrize("value", STRAY.values(), ids=STRAY)
@for_each("times", [1, 8], ids=["first-seen", "shape-known"])
def test_stray_backslashes_and_quotes_cost_neither_the_tag_nor_the_uri(value: bytes, times: int) -> None:
    data = INVITE.replace(b'"Alice" <sip:alice@example.com>;tag=a1', value)
    parser = Parser()
    for _ in range(times):
        message = parser.parse(0, PATH, data, False)
    assert isinstance(message, Request)
    assert (message.from_tag, uri_of(header(data, b"from"))) == (b"a1", b"sip:alice@example.com")


@pytest.mark.parametrize("method", [b"invite", b"Invite", b"INVITE"])
@pytest.mark.parametrize("times", [1, 8], ids=["first-seen", "shape-known"])
def test_the_cseq_names_its_method_in_any_case(method: bytes, times: int) -> None:
    parser = Parser()
    for _ in range(times):
        message = parser.parse(0, PATH, INVITE.replace(b"CSeq: 7 INVITE", b"CSeq: 7 " + method), False)
    assert isinstance(message, Request)
    assert (message.cseq_number, message.cseq_method) == (7, "INVITE")


def test_the_cseq_of_a_method_unknown_to_us_stays_as_it_is_written() -> None:
    assert read(INVITE.replace(b"CSeq: 7 INVITE", b"CSeq: 7 Invent")).cseq_method == "Invent"


def test_a_body_is_not_searched_for_headers() -> None:
    """message/sipfrag holds whole messages."""
    data = INVITE.replace(
        b"Content-Length: 0\r\n\r\n", b"Content-Length: 40\r\n\r\nVia: no\r\nUser-Agent: no\r\nCall-ID: no\r\n"
    )
    assert read(data).via_count == 2
    assert header(data, b"user-agent") == b""


def test_absent_headers_are_empty() -> None:
    """RFC 4475 insuf: whoever needs them judges."""
    message = read(b"OPTIONS sip:x SIP/2.0\r\n\r\n")
    assert (message.call_id, message.branch, message.cseq_number, message.via_count) == (b"", b"", -1, 0)


def test_a_cut_message_counts_when_the_needed_headers_are_whole() -> None:
    end = INVITE.index(b"Max-Forwards")
    assert read(INVITE[:end], truncated=True).call_id == b"call@example.com"
    assert parse(0, PATH, INVITE[: end - 8], True) is Discard.SIP_TRUNCATED


def test_a_start_line_that_is_none_is_named() -> None:
    cases = {
        b"INVITE sip:x SIP/3.0\r\n\r\n": Discard.SIP_VERSION,
        b"SIP/2.0 099 x\r\n\r\n": Discard.SIP_START_LINE,
        b"SIP/2.0 7000 x\r\n\r\n": Discard.SIP_START_LINE,
        b"IN(VITE sip:x SIP/2.0\r\n\r\n": Discard.SIP_START_LINE,
        b"HTTP/1.1 200 OK\r\n\r\n": Discard.NOT_SIP,
        b"": Discard.NOT_SIP,
    }
    assert {data: parse(0, PATH, data, False) for data in cases} == cases


VALID = [
    "dblreq",
    "esc01",
    "esc02",
    "escnull",
    "intmeth",
    "longreq",
    "lwsdisp",
    "mpart01",
    "noreason",
    "semiuri",
    "transports",
    "unreason",
    "wsinv",
]
WELL_FORMED = [
    "badbranch",
    "bcast",
    "bext01",
    "cparam01",
    "cparam02",
    "insuf",
    "inv2543",
    "invut",
    "mcl01",
    "multi01",
    "novelsc",
    "regaut01",
    "regescrt",
    "sdp01",
    "unkscm",
    "unksm2",
    "zeromf",
]
INVALID = [
    "badaspec",
    "baddate",
    "baddn",
    "badinv01",
    "badvers",
    "bigcode",
    "clerr",
    "escruri",
    "ltgtruri",
    "lwsruri",
    "lwsstart",
    "mismatch01",
    "mismatch02",
    "ncl",
    "quotbal",
    "regbadct",
    "scalar02",
    "scalarlg",
    "trws",
]
REFUSED = {"badvers": Discard.SIP_VERSION, "bigcode": Discard.SIP_START_LINE}
needs_torture = pytest.mark.skipif(not TORTURE.is_dir(), reason=f"the torture messages are not at {TORTURE}")


@needs_torture
@for_each("name", VALID + WELL_FORMED)
def test_rfc_4475_valid_messages_parse(name: str) -> None:
    """§3.1.1, and §3.2 to §3.4, which are well formed for an observer."""
    message = read((TORTURE / "rfc4475" / f"{name}.dat").read_bytes())
    assert message.cseq_number >= 0
    assert name == "insuf" or (message.call_id and message.from_tag) or name == "inv2543"


@needs_torture
@for_each("name", INVALID)
def test_rfc_4475_invalid_messages_are_refused_by_name_or_survived(name: str) -> None:
    """§3.1.2: parsed where tracking can still use them."""
    item = parse(0, PATH, (TORTURE / "rfc4475" / f"{name}.dat").read_bytes(), False)
    if name in REFUSED:
        assert item is REFUSED[name]
    else:
        assert isinstance(item, (Request, Response))
        assert item.call_id


@needs_torture
@for_each("name", sorted(path.name for path in (TORTURE / "rfc5118").glob("*")) if TORTURE.is_dir() else [])
def test_rfc_5118_ipv6_messages_parse(name: str) -> None:
    """Also those the RFC calls invalid: an observer survives them."""
    message = read((TORTURE / "rfc5118" / name).read_bytes())
    assert message.call_id
    assert message.branch.startswith(b"z9hG4bK")


def test_header_look_ups_know_folds_compact_forms_and_blanks() -> None:
    data = b"X y SIP/2.0\r\nUser-Agent: one\r\n  two\r\nk : timer\r\nReason: a\r\nreason: b\r\n\r\nReason: no\r\n"
    assert header(data, b"user-agent") == b"one two"
    assert header(data, b"supported", b"k") == b"timer"
    assert header_values(data, b"reason") == [b"a", b"b"]
    assert header(data, b"server") == b""


def test_values_are_split_outside_quotes_and_brackets() -> None:
    assert split_values(b'a, "b, c" <sip:d,e>, f') == [b"a", b'"b, c" <sip:d,e>', b"f"]


def test_the_branches_of_all_vias_are_told_from_the_top() -> None:
    """Whether in lines of their own or one behind the other; a Via without a branch has none to tell."""
    assert via_branches(INVITE) == [b"z9hG4bKtop", b"z9hG4bKbottom"]
    joined = INVITE.replace(b"rport\r\nVia: ", b'rport;x="a,b", SIP/2.0/UDP old.example.com, ').replace(b"Via:", b"v:")
    assert via_branches(joined) == [b"z9hG4bKtop", b"z9hG4bKbottom"]
    assert via_branches(b"SIP/2.0 200 OK\r\n\r\nVia: x;branch=body") == []


@pytest.mark.parametrize("separator", [b"\r\nVia:", b","], ids=["lines", "one-line"])
def test_no_more_vias_are_looked_at_than_a_message_can_have_hops(separator: bytes) -> None:
    vias = separator.join(b"SIP/2.0/UDP h;branch=b%d" % number for number in range(500))
    assert via_branches(b"SIP/2.0 200 OK\r\nVia:" + vias + b"\r\n\r\n") == [b"b%d" % number for number in range(70)]


def test_parameters_lose_their_quotes() -> None:
    assert parameters(b'x;A=1;b="c;\\"d";e;a=2') == {b"a": b"1", b"b": b'c;"d', b"e": b""}


URIS = [
    (b'"A <b>" <sip:a@b>;tag=1', b"sip:a@b", b"a"),
    (b"sip:a@b;tag=1", b"sip:a@b", b"a"),
    (b"<tel:+15550100;phone-context=x>", b"tel:+15550100;phone-context=x", b"+15550100"),
    (b"<sip:a:secret@b>", b"sip:a:secret@b", b"a"),
    (b"<sip:b>", b"sip:b", b""),
    (b"<sips:a;rn=5@b>", b"sips:a;rn=5@b", b"a"),
]


@pytest.mark.parametrize(("value", "uri", "user"), URIS)
def test_uris_and_their_users(value: bytes, uri: bytes, user: bytes) -> None:
    assert (uri_of(value), user_of(uri)) == (uri, user)


def test_a_stream_knows_a_start_line() -> None:
    assert looks_like_sip(INVITE)
    assert looks_like_sip(b"SIP/2.0 200 OK\r\n")
    assert not looks_like_sip(b"GET / HTTP/1.1\r\n")
    assert not looks_like_sip(b"SIP/2.0 boo")


def test_small_readers_survive_anything_odd() -> None:
    assert (tag_of(b""), via_branch(b""), user_of(b""), uri_of(b'"')) == (b"", b"", b"", b"")


PIECES = st.sampled_from(
    [
        b"\r\n",
        b"\n",
        b" ",
        b"\t",
        b";",
        b",",
        b'"',
        b"<",
        b">",
        b"tag=x",
        b";branch=y",
        b"Via: z\r\n",
        b"v: z\r\n",
        b"\\",
        rb"\"",
        rb"\"a\" ",
        b"invite",
        b":",
        b"\xff",
        b"\0",
    ]
)


@examples(400)
@given(
    st.lists(st.tuples(st.integers(0, len(INVITE)), PIECES), max_size=4),
    st.lists(st.integers(0, len(INVITE) - 1), max_size=2),
)
def test_a_learned_shape_reads_as_the_patient_reader_does(
    insertions: list[tuple[int, bytes]], deletions: list[int]
) -> None:
    """With the plain shape known, whatever is changed in a message is read as if it were not."""
    parser = Parser()
    for _ in range(8):
        parser.parse(0, PATH, INVITE, False)
    data = bytearray(INVITE)
    for place in sorted(set(deletions), reverse=True):
        del data[place]
    for place, piece in insertions:
        data[place:place] = piece
    learned = facts(parser.parse(0, PATH, bytes(data), False))
    assert learned == facts(parse(0, PATH, bytes(data), False))


@examples(300)
@given(st.binary(max_size=300), st.booleans())
def test_no_bytes_whatever_raise(data: bytes, truncated: bool) -> None:
    """Law 3."""
    for prefix in (b"", b"SIP/2.0 200 OK\r\n", b"INVITE sip:x SIP/2.0\r\n", b"INVITE sip:x SIP/2.0\r\nVia:"):
        assert isinstance(parse(0, PATH, prefix + data, truncated), (Request, Response, Discard))


@pytest.mark.parametrize(
    ("value", "values"),
    [
        (b'"a, b', [b'"a', b"b"]),
        (b'<a, "b>, c', [b'<a, "b>', b"c"]),
        (b'<a, "b>", c>, d', [b'<a, "b>", c>', b"d"]),
        (b'\\"a, b\\", c', [b'\\"a', b'b\\"', b"c"]),
        (b'"a\\", b", c', [b'"a\\", b"', b"c"]),
        (b"a> , <b", [b"a>", b"<b"]),
        (b'"a", "b, <c, d>, e', [b'"a"', b'"b', b"<c, d>", b"e"]),
    ],
)
def test_marks_that_nobody_closes_are_characters_like_others(value: bytes, values: list[bytes]) -> None:
    assert split_values(value) == values
    assert split_values(value, most=1)[0] == values[0]
    assert split_values(value.replace(b",", b";"), b";") == [one.replace(b",", b";") for one in values]


def test_a_line_folded_into_what_is_no_header_belongs_to_none() -> None:
    data = b"OPTIONS sip:a SIP/2.0\r\nSubject: a\r\n b\r\n\t\r\n c\r\nno header\r\n d\r\nfrom : x\r\n\r\n"
    assert header(data, b"subject", b"s") == b"a b c"
    assert header(data, b"from", b"f") == b"x"
    assert header_values(data, b"from", b"f") == [b"x"]
