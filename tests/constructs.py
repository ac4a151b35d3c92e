"""What a stranger may repeat until a packet is full, wherever a parser or a pattern could look at it again and again.

Must not know: any test, how time is measured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.wire import frames as f

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Steps = list[tuple[bool, bytes]]  # whether it comes from the callee; a datagram

# What is repeated.
PIECES = (
    *(b'"', b'\\"', b'""', b'"a",', b',"', b'a="', b'a="b",', b"\\"),
    *(b",", b";", b"<", b">", b"<a>,", b";a=", b";tag=x", b"=", b"a=", b"tag=", b"&a=b", b"?", b"("),
    *(
        b"\t",
        b"  ",
        b"\r\n ",
        b"\r\n x",
        b"\n ",
        b'\r\n  ;x="',
        b"\r",
        b"\n",
        b"a: b\r\nX-",
        b"\0",
        b"\xff",
        b"\xc3\xa9",
    ),
    *(b"a", b"1", b"1 ", b"%41", b"@", b"a@", b":", b".", b"-", b"1.", b"a.", b"a-", b"+1-", b"[::1]", b"::", b"1:"),
    *(b"sip:", b"sip:a@", b"sip:a:b", b"tel:", b"//", b"://a:", b"SIP/2.0/UDP ", b"SIP/2.0/UDP h;branch=z9hG4bK1,"),
    *(b"eyJ", b"eyJa", b"token=a", b"response=", b"Digest a=b, ", b"Q.850;cause=16,", b'399 h "x", ', b"2026-01-01 "),
    *(
        b"\r\nVia: a",
        b"\r\nContact: <sip:a@b>",
        b"\r\na=crypto:1 ",
        b"\r\na=rtpmap:0 X/8000",
        b"\r\nm=audio 1 RTP/AVP 0",
    ),
    *(b"--a\r\n", b"15550100", b"15550100 ", b"alice "),
)
# Of those, the ones by which somebody would be looked up, quoted, bracketed, split or unfolded.
TRICKY = (b'"', b'\\"', b'"a",', b',"', b"<", b"<a>,", b";a=", b"\r\n x", b"\n", b"sip:a:b", b"a@", b"1")

# Where it stands: a header and how its value begins.
HEADERS = {
    b"Via": b"SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKq;x=",
    b"From": b"<sip:15550100@example.com>;tag=a",
    b"To": b"<sip:15550101@example.com>;tag=q",
    b"Call-ID": b"a",
    b"CSeq": b"1 ",
    b"Contact": b"<sip:15550100@192.0.2.1>",
    b"Record-Route": b"<sip:192.0.2.9;lr>",
    b"Reason": b"Q.850;cause=16",
    b"Warning": b"399 example.com ",
    b"Authorization": b"Digest ",
    b"WWW-Authenticate": b"Digest ",
    b"P-Asserted-Identity": b"<sip:15550100@example.com>",
    b"Refer-To": b"<sip:15550102@example.com>",
    b"Replaces": b"",
    b"Require": b"100rel",
    b"RAck": b"1 1 INVITE",
    b"Session-Expires": b"90",
    b"Retry-After": b"5",
    b"User-Agent": b"Phone/1 ",
    b"Content-Type": b"application/sdp",
    b"X-Any": b"",
}
REQUEST_URI, PHRASE, BODY = "Request-URI", "reason phrase", "body"
PLACES: tuple[bytes | str, ...] = (*HEADERS, REQUEST_URI, PHRASE, BODY)
_SDP = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 0 8\r\n"


def filled(piece: bytes, size: int) -> bytes:
    """Return a piece as often as finds room."""
    return (piece * (size // len(piece) + 1))[:size]


def call(place: bytes | str, piece: bytes, size: int, *, leading: bool = False) -> Steps:
    """Return a call, and one that fails, with so many bytes of a piece in one place of every message.

    ``leading`` puts them before what the value is otherwise.
    """
    filling = filled(piece, size)
    headers = {}
    if isinstance(place, bytes):
        headers[place] = filling + HEADERS[place] if leading else HEADERS[place] + filling
    uri = b"sip:15550101@example.com" + (filling if place == REQUEST_URI else b"")
    phrase = filling if place == PHRASE else b"Any"
    body = _SDP + filling if place == BODY else b""

    def request(method: bytes, cseq: int, branch: bytes, tag: bytes = b"", number: int = 1) -> tuple[bool, bytes]:
        return False, _text(b"%b %b SIP/2.0" % (method, uri), method, cseq, branch, tag, number, headers, body)

    def response(code: int, method: bytes, cseq: int, branch: bytes, number: int = 1) -> tuple[bool, bytes]:
        return True, _text(b"SIP/2.0 %d %b" % (code, phrase), method, cseq, branch, b";tag=b", number, headers, body)

    return [
        request(b"INVITE", 1, b"1"), response(183, b"INVITE", 1, b"1"), response(200, b"INVITE", 1, b"1"),
        request(b"ACK", 1, b"2", b";tag=b"), request(b"REFER", 2, b"3", b";tag=b"), response(202, b"REFER", 2, b"3"),
        request(b"BYE", 3, b"4", b";tag=b"), response(200, b"BYE", 3, b"4"),
        request(b"REGISTER", 4, b"5", number=2), response(200, b"REGISTER", 4, b"5", number=2),
        request(b"INVITE", 1, b"6", number=3), response(401, b"INVITE", 1, b"6", number=3),
    ]  # fmt: skip


def _text(
    start: bytes,
    method: bytes,
    cseq: int,
    branch: bytes,
    tag: bytes,
    number: int,
    other: dict[bytes, bytes],
    body: bytes,
) -> bytes:
    headers = {
        b"Via": b"SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK" + branch,
        b"From": b"<sip:15550100@example.com>;tag=a",
        b"To": b"<sip:15550101@example.com>" + tag,
        b"Call-ID": b"c%d" % number,
        b"CSeq": b"%d %b" % (cseq, method),
        b"Contact": b"<sip:15550100@192.0.2.1>",
        b"Content-Type": b"application/sdp",
        **other,
    }
    head = b"".join([b"%b: %b\r\n" % header for header in headers.items()])
    return b"%b\r\n%bContent-Length: %d\r\n\r\n%b" % (start, head, len(body), body)


# Frames

_SMALL = b"OPTIONS a SIP/2.0\n\n"
_LINE_FEEDS = (
    b"OPTIONS sip:a@example.com SIP/2.0\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\nFrom: <sip:a@example.com>;tag=1\n"
    b"To: <sip:a@example.com>\nCall-ID: 1\nCSeq: 1 OPTIONS\n\n"
)
_UNFINISHED = b"OPTIONS sip:a@example.com SIP/2.0\r\nSubject: "


_EMPTY_REPORT = b"HEP3\0\x0c\0\0\0\1\0\6"


def segments(data: bytes, size: int) -> Iterator[bytes]:
    """Yield a TCP stream as frames with so many bytes each."""
    for at in range(0, len(data), size):
        yield f.ethernet(f.ipv4(f.tcp(data[at : at + size], 1 + at), f.TCP))


def _stream(beginning: bytes, piece: bytes, segment: int = 1448) -> Callable[[int], Iterator[bytes]]:
    return lambda size: segments(beginning + filled(piece, size), segment)


def _with_gaps(size: int) -> Iterator[bytes]:
    for at in range(0, size, 64):
        yield f.ethernet(f.ipv4(f.tcp(b"x" * 32, 100_000 + 2 * at), f.TCP))


def _fragments(step: int) -> Callable[[int], Iterator[bytes]]:
    def cut(size: int) -> Iterator[bytes]:
        for ident in range(size // 512):
            packet = f.ipv4(f.udp(b"x" * 512))
            yield from map(f.ethernet, f.fragments_v4(packet, 8, ident)[::step])

    return cut


def _nested(size: int) -> Iterator[bytes]:
    packet = f.ipv4(f.udp(b"x" * 40))
    while len(packet) < size:
        packet = f.ipip(packet)
    yield f.ethernet(packet)


def _extended(size: int) -> Iterator[bytes]:
    yield f.ethernet(f.ipv6(b"\0\0\0\0\0\0\0\0" * (size // 8), 0))


FRAMES: dict[str, Callable[[int], Iterator[bytes]]] = {
    "empty WebSocket frames in a foreign stream": _stream(b"\0foreign\r\n" * 100, b"\x81\0"),
    "continued WebSocket frames in a foreign stream": _stream(b"\0foreign\r\n" * 100, b"\1\0\0\0\0\0"),
    "empty WebSocket frames": _stream(f.HANDSHAKE_RESPONSE, b"\x81\0"),
    "pings in a WebSocket": _stream(f.HANDSHAKE_RESPONSE, b"\x89\0"),
    "a WebSocket message in pieces": _stream(f.HANDSHAKE_RESPONSE + b"\1\0", b"\0\1a"),
    "line feeds only, in one segment": _stream(b"", _LINE_FEEDS, 65_000),
    "small messages, line feeds only, in one segment": _stream(b"", _SMALL, 65_000),
    "small messages with keep-alives, in one segment": _stream(b"", b"OPTIONS a SIP/2.0\r\n\r\n\r\n\r\n", 65_000),
    "small messages in segments": _stream(b"", _SMALL),
    "keep-alives": _stream(b"", b"\r\n", 65_000),
    "a header section in small segments": _stream(_UNFINISHED, b"a", 4),
    "short lines in small segments": _stream(_UNFINISHED, b"a\r\n", 4),
    "a start line in small segments": _stream(b"", b"a", 4),
    "SIP versions": _stream(b"\0", b"SIP/2.0 "),
    "SIP versions in lines, after a gap": _stream(b"SIP/2.0 200 OK\r\nl: x\r\n\r\n", b"a SIP/2.0\n"),
    "packets of HEP that hold nothing": _stream(b"", _EMPTY_REPORT, 65_000),
    "packets of HEP with something between": _stream(b"", _EMPTY_REPORT + b"\0", 65_000),
    "what only begins like HEP": _stream(_EMPTY_REPORT, b"HEP3", 65_000),
    "heads of HEP that lie, in a foreign stream": _stream(b"\0foreign\r\n" * 100, b"HEP3\xff\xff\0\0\0\1\xff\xff"),
    "heads of HEP that lie between messages, after a gap": _stream(
        b"SIP/2.0 200 OK\r\nl: x\r\n\r\n", _SMALL + b"HEP3\0\0", 65_000
    ),
    "half heads of HEP in small segments": _stream(_EMPTY_REPORT + b"x", b"HEP3\xff\xff\0", 7),
    "HTTP": _stream(b"", b"GET / HTTP/1.1\r\n"),
    "only what is ahead": _with_gaps,
    "fragments of eight bytes": _fragments(1),
    "every other fragment": _fragments(2),
    "tunnels in tunnels": _nested,
    "extension headers": _extended,
}


# Conversations: so many messages of one kind


def _many(
    one: Callable[[int], Steps], before: int = 0, beginning: Callable[[int], Steps] | None = None
) -> Callable[[int], Steps]:
    def conversation(number: int) -> Steps:
        first = [step for place in range(before) for step in (beginning or one)(place)]
        return first + [step for place in range(number) for step in one(place + (0 if beginning else before))]

    return conversation


def _sent(
    method: bytes, cseq: int, branch: object, tag: bytes = b"", number: int = 1, **other: bytes
) -> tuple[bool, bytes]:
    headers = {name.replace("_", "-").encode(): value for name, value in other.items()}
    start = b"%b sip:15550101@example.com SIP/2.0" % method
    return False, _text(start, method, cseq, b"%b" % str(branch).encode(), tag, number, headers, b"")


def _replied(
    code: int, method: bytes, cseq: int, branch: object, tag: bytes = b"t", number: int = 1
) -> tuple[bool, bytes]:
    start = b"SIP/2.0 %d Any" % code
    return True, _text(start, method, cseq, str(branch).encode(), b";tag=" + tag, number, {}, b"")


def _answered_fork(place: int) -> Steps:
    return [_sent(b"INVITE", 1, place), _replied(200, b"INVITE", 1, place, b"t%d" % place)]


def _fork(place: int) -> Steps:
    return [_sent(b"INVITE", 1, place)]


CONVERSATIONS: dict[str, Callable[[int], Steps]] = {
    "forks": _many(_fork),
    "responses to no fork": _many(lambda i: [_replied(486, b"INVITE", 1, f"x{i}")], 256, _fork),
    "ACKs of no answer": _many(lambda i: [_sent(b"ACK", 1, f"x{i}", b";tag=x%d" % i)], 256, _answered_fork),
    "BYEs of no dialog": _many(lambda i: [_sent(b"BYE", i + 2, f"x{i}", b";tag=x%d" % i)], 256, _answered_fork),
    "CANCELs of no fork": _many(lambda i: [_sent(b"CANCEL", 1, f"x{i}")], 256, _fork),
    "answers with many tags": _many(lambda i: [_replied(200, b"INVITE", 1, 0, b"t%d" % i)], 1, _fork),
    "early dialogs": _many(lambda i: [_replied(183, b"INVITE", 1, 0, b"t%d" % i)], 1, _fork),
    "INFOs": _many(lambda i: [_sent(b"INFO", i + 2, f"i{i}", b";tag=t0")], 1, _answered_fork),
    "retries": _many(lambda i: [_sent(b"INVITE", i + 1, i), _replied(486, b"INVITE", i + 1, i)]),
    "REGISTERs with one Call-ID": _many(lambda i: [_sent(b"REGISTER", i + 1, i)]),
    "OPTIONS with one Call-ID": _many(lambda i: [_sent(b"OPTIONS", i + 1, i)]),
    "responses to nothing": _many(lambda i: [_replied(200, b"OPTIONS", i + 1, i)]),
    "calls": _many(lambda i: [_sent(b"INVITE", 1, i, number=i)]),
    "failed calls": _many(lambda i: [_sent(b"INVITE", 1, i, number=i), _replied(486, b"INVITE", 1, i, number=i)]),
    "calls of one session": _many(lambda i: [_sent(b"INVITE", 1, i, number=i, Session_ID=b"a" * 32)]),
    "transfers": _many(
        lambda i: [_sent(b"REFER", i + 2, f"i{i}", b";tag=t0", Refer_To=b"<sip:1555%d@example.com>" % i)],
        1,
        _answered_fork,
    ),
}
