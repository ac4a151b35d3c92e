"""SIP text to messages: as much of RFC 3261 §7 and §25 as tracking needs, and no more.

Must not know: calls, transactions, sockets, or how the bytes arrived.

There are two readers. The patient one, ``parse``, splits lines, unfolds (§7.3.1), and knows compact
forms (§7.3.3), any case and any white space: it is the reference. But a stack writes its header
section in the same order every time. So a ``Parser``, of which each decoder has its own, learns the
sequence of header names from what the patient reader found (``shapes``), and the next message of that
shape is read by one pattern, in a fifth of the time. A message that departs from a known shape in any
way goes to the patient one, so both always agree; a property test holds them to it.
"""

import re
from hashlib import blake2b
from typing import Final

from sipwatch.packet import BLANKS
from sipwatch.wire.discards import Discard
from sipwatch.wire.limits import MAX_IDENTIFIER
from sipwatch.wire.message import Path, Request, Response
from sipwatch.wire.shapes import MAX_MISSED, Shapes

# RFC 3261, 3262, 3265/6665, 3311, 3428, 3515, 3903, 6086: interned, so that comparing is by identity.
METHODS: Final = {
    name.encode(): name
    for name in (
        "INVITE", "ACK", "BYE", "CANCEL", "REGISTER", "OPTIONS", "PRACK", "UPDATE", "INFO", "SUBSCRIBE", "NOTIFY",
        "PUBLISH", "MESSAGE", "REFER",
    )
}  # fmt: skip
STATUS_CODES: Final = {b"%d" % code: code for code in range(100, 700)}

# §25.1 token: what a method unknown to us may be made of.
_TOKEN: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.!%*_+`'~")
_MAX_METHOD_LENGTH: Final = 64  # bytes; the longest registered has 9, RFC 4475 tries 43
_MAX_CSEQ_LENGTH: Final = 10  # digits; §8.1.1.5 keeps it below 2**31
_CSEQ_CACHE_SIZE: Final = 4096
# A header that ``_FIELD`` finds: its name, and its value with the lines folded into it (§7.3.1). A line without a colon
# is none, nor are those folded into it.
_VALUE: Final = rb"(.*+(?:\n[ \t].*+)*+)"  # a dot is quicker than the class of all but line feeds
_FIELD: Final = re.compile(rb"\n(?![ \t])([^:\n]*+):" + _VALUE).findall
_FIELDS: dict[tuple[bytes, bytes, bytes], re.Pattern[bytes]] = {}  # of one name, its compact form, and what else
_OR_EMPTY_LINE: Final = rb"|\r?\n"
_MAX_FIELDS: Final = 256  # names that code and configuration ask for
# A byte is looked for in bytes by its number: Python raises and drops an exception within for one that is bytes itself.
_LF: Final = 0x0A
_QUOTE: Final = 0x22
_COMMA: Final = 0x2C
_BRACKET: Final = 0x3C
_QUOTED_STRING: Final = rb'"(?:[^"\\]++|\\.)*+"'  # §25.1
_QUOTED: Final = re.compile(_QUOTED_STRING, re.DOTALL).match
# What stands between two separators, as it is read in one go: in quotes and brackets they do not count. It stops before
# a mark that nobody closes; what follows is read by the second pattern, for which marks are characters like others.
_OPENED: Final = rb"(?<!\\)" + _QUOTED_STRING + rb'|(?<=\\)"'
_IN_BRACKETS: Final = rb'(?:[^"<>]++|<|' + _OPENED + rb")*+"
_PARTS: Final = {
    separator: (
        re.compile(rb'(?:[^%b"<>]++|>|%b|<%b(?:>|\Z))*+' % (mark, _OPENED, _IN_BRACKETS), re.DOTALL),
        re.compile(rb"(?:[^%b<>]++|>|<[^>]*+>?)*+" % mark, re.DOTALL),
    )
    for separator, mark in ((0x2C, b","), (0x3B, b";"))
}
_INNER: Final = re.compile(_IN_BRACKETS, re.DOTALL)
_HOPS: Final = {b"%d" % number: number for number in range(256)}  # of Max-Forwards, whose range it is (§20.22)
_MAX_VIAS: Final = 70  # as many hops as a Max-Forwards of its usual size allows

_VIA, _FROM, _TO, _CALL_ID, _CSEQ, _MAX_FORWARDS = range(6)
_SLOTS: Final = {
    b"via": _VIA, b"v": _VIA,
    b"from": _FROM, b"f": _FROM,
    b"to": _TO, b"t": _TO,
    b"call-id": _CALL_ID, b"i": _CALL_ID,
    b"cseq": _CSEQ,
    b"max-forwards": _MAX_FORWARDS,
}  # fmt: skip


class Parser:
    """Reads SIP messages one after the other, and the faster the more it has read of their kind."""

    __slots__ = ("_cseqs", "_known", "shapes")

    def __init__(self) -> None:
        self.shapes = Shapes()
        self._known = self.shapes.known
        self._cseqs: dict[bytes, tuple[int, str]] = {}

    def parse(self, time: int, path: Path, data: bytes, truncated: bool) -> Request | Response | Discard:
        """Read one SIP message, as ``parse`` does, which says what the arguments are. Never raises."""
        message: Request | Response
        for shape in self._known.get(data[:12] if data[:4] == b"SIP/" else data[:4], ()):
            found = shape.match(data)
            if found is None:
                shape.missed += 1
                if shape.missed >= MAX_MISSED:
                    self.shapes.arrange(time, data)
                continue
            shape.used = time
            if shape.status_code:
                message = response = Response()
                response.status_code = shape.status_code
                (
                    response.reason_phrase, message.branch, message.from_tag, to_tag, message.call_id, cseq, _,
                ) = found.group(*shape.groups)  # fmt: skip
            else:
                message = request = Request()
                request.method = shape.method
                (
                    request.request_uri, message.branch, message.from_tag, to_tag, message.call_id, cseq, forwards,
                ) = found.group(*shape.groups)  # fmt: skip
                hops = _HOPS.get(forwards)
                # Without a Max-Forwards its group is the whole match: no number.
                request.max_forwards = _number(forwards) if hops is None else hops
            message.time = time
            message.number = 0
            message.path = path
            message.raw = data
            message.fragmented = False
            message.cut = 0
            message.names = shape.names
            message.to_tag = to_tag or b""
            message.via_count = shape.via_count
            message.cseq_number, message.cseq_method = self._cseqs.get(cseq) or self._cseq(cseq)
            return message
        return self._patiently(time, path, data, truncated)

    def _patiently(self, time: int, path: Path, data: bytes, truncated: bool) -> Request | Response | Discard:
        """Read a message of no known shape, and learn from it."""
        message = parse(time, path, data, truncated)
        if isinstance(message, Discard) or truncated:
            return message
        if message.branch and message.from_tag and message.call_id and message.cseq_method:
            method = message.method if isinstance(message, Request) else ""
            status_code = message.status_code if isinstance(message, Response) else 0
            self.shapes.learn(time, path.source_address, data, method, status_code)
        return message

    def _cseq(self, value: bytes) -> tuple[int, str]:
        numbered = _cseq(value)
        if len(self._cseqs) >= _CSEQ_CACHE_SIZE:
            self._cseqs.clear()
        if numbered[1].encode() in METHODS:  # what strangers invent is not kept
            self._cseqs[value] = numbered
        return numbered


def parse(time: int, path: Path, data: bytes, truncated: bool) -> Request | Response | Discard:
    """Read one SIP message that begins at its start line, patiently and without remembering anything.

    ``truncated`` says that the snap length cut the datagram: the message still counts when the
    headers that tracking needs are whole. A header that is absent is left empty; judging a message
    unusable is left to those who need that header. Never raises.
    """
    line = _first_line(data)
    message: Request | Response
    if line[:8] == b"SIP/2.0 ":
        status_code = STATUS_CODES.get(line[8:11])
        if status_code is None or line[11:12] not in (b" ", b""):
            return Discard.SIP_START_LINE
        message = response = Response()
        response.status_code = status_code
        response.reason_phrase = line[12:]
    else:
        read = _request_line(line)
        if isinstance(read, Discard):
            return read
        message = request = Request()
        request.method, request.request_uri = read
        request.max_forwards = -1
    message.time = time
    message.number = 0
    message.path = path
    message.raw = data
    message.fragmented = False
    message.cut = 0
    return _patient(message, data, truncated)


def looks_like_sip(data: bytes) -> bool:
    """Tell whether the bytes begin with a SIP start line, as a stream needs to know to find its place."""
    if data[:8] == b"SIP/2.0 ":
        return data[8:11] in STATUS_CODES
    line = _first_line(data[:2048])
    return line[-8:] == b" SIP/2.0" and not isinstance(_request_line(line), Discard)


def is_sip(payload: bytes) -> bool:
    """Tell whether a datagram is SIP; of most, quickly."""
    end = payload.find(b"\n")
    if payload[:8] == b"SIP/2.0 " or (end >= 9 and payload[end - 9 : end] == b" SIP/2.0\r"):
        return True
    return looks_like_sip(payload.lstrip(BLANKS))


def begins_sip(data: bytes, start: int, end: int) -> bool:
    """Tell whether a UDP datagram holds SIP, as far as its beginning says."""
    body = start + 8
    return body < min(end, len(data)) and looks_like_sip(data[body:end].lstrip(BLANKS))


def head_of(data: bytes) -> bytes:
    """Return the header section with its start line, up to but without the empty line."""
    return data[: _end_of_head(data)]


def _end_of_head(data: bytes) -> int:
    end = data.find(b"\r\n\r\n")
    if end < 0:
        end = data.find(b"\n\n")
    return end if end >= 0 else len(data)


def header_values(data: bytes, name: bytes, compact: bytes = b"") -> list[bytes]:
    """Return the values of every header line of that name, in order, unfolded and stripped.

    ``name`` and ``compact`` are lower case. Values are not split at commas; see ``split_values``.
    """
    return [_unfolded(value) for value in _field(name, compact).findall(data, 0, _end_of_head(data))]


def header(data: bytes, name: bytes, compact: bytes = b"") -> bytes:
    """Return the first value of a header, ``b""`` when it is absent; names lower case."""
    found = _field(name, compact, _OR_EMPTY_LINE).search(data)
    if found is None:
        return b""
    value = found[1]
    if value is None:  # an empty line came first, which ends the header section unless line ends are mixed
        start = found.start()
        if data[start - 1 : start + 3] == b"\r\n\r\n":
            return b""
        found = _field(name, compact).search(data, 0, _end_of_head(data))
        value = b"" if found is None else found[1]
    return _unfolded(value)


def _field(name: bytes, compact: bytes, otherwise: bytes = b"") -> re.Pattern[bytes]:
    """Return what finds a header in either form. Blanks before the colon are legal (§7.3.1) and rare."""
    pattern = _FIELDS.get((name, compact, otherwise))
    if pattern is None:
        if len(_FIELDS) >= _MAX_FIELDS:
            _FIELDS.clear()
        names = b"|".join([re.escape(one) for one in (name, compact) if one])
        line = rb"\n(?:(?:%b)[ \t\r\f\v]*+:%b%b)" % (names, _VALUE, otherwise)
        pattern = _FIELDS[name, compact, otherwise] = re.compile(line, re.IGNORECASE)
    return pattern


def _unfolded(value: bytes) -> bytes:
    if _LF not in value:
        return value.strip()
    return b" ".join([part for part in map(bytes.strip, value.split(b"\n")) if part])


def split_values(value: bytes, separator: bytes = b",", most: int = -1) -> list[bytes]:
    """Split a header value at separators that stand outside quotes and angle brackets (§7.3.1), the first ``most``.

    A quotation mark behind a stray backslash opens nothing, and one that nobody closes is a character like others: some
    stacks escape the marks around a display name themselves.
    """
    if separator[0] not in value:
        return [value]
    if _QUOTE not in value and _BRACKET not in value:
        return [part.strip() for part in value.split(separator, most)]
    parts: list[bytes] = []
    start = 0
    for place in _separators(value, separator[0], most):
        parts.append(value[start:place].strip())
        start = place + 1
    parts.append(value[start:].strip())
    return parts


def _count_values(value: bytes) -> int:
    """Count what ``split_values`` would return."""
    if _QUOTE not in value and _BRACKET not in value:
        return value.count(b",") + 1
    return len(_separators(value, _COMMA, -1)) + 1


def _separators(value: bytes, separator: int, most: int) -> list[int]:
    places: list[int] = []
    size = len(value)
    part, without_quotes = _PARTS[separator]
    at = _reached(part, value, 0)
    while at < size and len(places) != most:
        if value[at] == separator:
            places.append(at)
            at += 1
        else:  # a mark that is not closed, behind a bracket or not: no later one is
            if value[at] == 0x3C:
                at = value.find(b">", _reached(_INNER, value, at + 1))
                if at < 0:
                    return places
            part = without_quotes
        at = _reached(part, value, at)
    return places


def _reached(pattern: re.Pattern[bytes], value: bytes, at: int) -> int:
    found = pattern.match(value, at)
    return at if found is None else found.end()


def _closing(value: bytes, opening: int) -> int:
    """Return where the quotation mark is that closes another, escapes honoured; -1 if nowhere."""
    end = value.find(b'"', opening + 1)
    if end < 0 or value.find(b"\\", opening + 1, end) < 0:
        return end
    found = _QUOTED(value, opening)
    return -1 if found is None else found.end() - 1


def parameters(value: bytes) -> dict[bytes, bytes]:
    """Return the ``;name=value`` parameters behind a header value; names lower case, quotes taken off.

    The first of two equal names stands. A parameter without ``=`` has the value ``b""``.
    """
    found: dict[bytes, bytes] = {}
    for part in split_values(value, b";")[1:]:
        name, _, text = part.partition(b"=")
        text = text.strip()
        if len(text) > 1 and text[:1] == text[-1:] == b'"':
            text = text[1:-1].replace(b'\\"', b'"').replace(b"\\\\", b"\\")
        found.setdefault(name.strip().lower(), text)
    return found


def bounded_identifier(text: bytes) -> bytes:
    """Return a Call-ID, tag or branch as it is kept and compared: one that is long by its beginning and a digest.

    The digest is no secret: the same input gives the same identifier everywhere, and nobody finds two texts with one.
    """
    if len(text) <= MAX_IDENTIFIER:
        return text
    return text[:MAX_IDENTIFIER] + b"..." + blake2b(text, digest_size=16).hexdigest().encode()


def tag_of(value: bytes) -> bytes:
    """Return the tag parameter of a From or To value, ``b""`` when it has none (§20.20)."""
    return parameters(value).get(b"tag", b"")


def via_branch(value: bytes) -> bytes:
    """Return the branch of one Via value, ``b""`` when it has none (RFC 2543)."""
    at = value.find(b";branch=")
    if at < 0 or _QUOTE in value:
        return parameters(value).get(b"branch", b"")
    stop = value.find(b";", at + 8)
    return (value[at + 8 :] if stop < 0 else value[at + 8 : stop]).strip()


def via_branches(data: bytes) -> list[bytes]:
    """Return the branches of a message's Via values, the topmost first; those without one are left out.

    Not for the hot path: ``Message.branch`` is the topmost. At most ``_MAX_VIAS`` values are looked at.
    """
    lines = header_values(data, b"via", b"v")[:_MAX_VIAS]
    values = [value for line in lines for value in split_values(line, most=_MAX_VIAS)[:_MAX_VIAS]]
    return [bounded_identifier(branch) for branch in map(via_branch, values[:_MAX_VIAS]) if branch]


def uri_of(value: bytes) -> bytes:
    """Return the URI of a name-addr or addr-spec (§20.10), without brackets and header parameters."""
    if _QUOTE in value:
        value = _without_quoted(value)
    start = value.find(b"<")
    if start < 0:
        return value.partition(b";")[0].strip()
    stop = value.find(b">", start)
    return (value[start + 1 :] if stop < 0 else value[start + 1 : stop]).strip()


def user_of(uri: bytes) -> bytes:
    """Return the user part of a SIP URI, or the number of a tel URI (RFC 3966); ``b""`` if none.

    As written: escapes stay. Parameters of the user part (RFC 4694 ``;rn=``) and a password are left off.
    """
    scheme, colon, rest = uri.partition(b":")
    if not colon:
        return b""
    if scheme.lower() == b"tel":
        return rest.partition(b";")[0]
    user, at, _ = rest.rpartition(b"@")
    return user.partition(b";")[0].partition(b":")[0] if at else b""


def _without_quoted(value: bytes) -> bytes:
    """Drop a leading quoted display name, escapes honoured; of one that nobody closes, its quotation mark."""
    start = value.find(b'"')
    while start > 0 and value[start - 1] == 0x5C:  # a stray one, as in split_values
        start = value.find(b'"', start + 1)
    bracket = value.find(b"<")
    if start < 0 or 0 <= bracket < start:
        return value
    end = _closing(value, start)
    return value[(end if end >= 0 else start) + 1 :]


def _first_line(data: bytes) -> bytes:
    end = data.find(b"\n")
    return (data if end < 0 else data[:end]).rstrip(b"\r")


def _request_line(line: bytes) -> tuple[str, bytes] | Discard:
    """Read a request line, with blanks to spare and methods unknown to us."""
    at = line.rfind(b"SIP/")
    if at < 0:
        return Discard.SIP_START_LINE if line[:4].upper() == b"SIP/" else Discard.NOT_SIP
    parts = line.split()
    if len(parts) < 3 or parts[-1][:4] != b"SIP/" or len(parts[0]) > _MAX_METHOD_LENGTH:
        return Discard.SIP_START_LINE
    if not _TOKEN.issuperset(parts[0]):
        return Discard.SIP_START_LINE
    if parts[-1][4:] != b"2.0":
        return Discard.SIP_VERSION
    method = METHODS.get(parts[0]) or parts[0].decode("ascii")
    # Blanks inside a Request-URI are not allowed, yet leave it readable (RFC 4475 §3.1.2.9).
    return method, b" ".join(parts[1:-1])


def _cseq(value: bytes) -> tuple[int, str]:
    """Read ``number method``; (-1, "") for what is neither."""
    number, _, method = value.replace(b"\t", b" ").partition(b" ")
    method = method.strip()[:_MAX_METHOD_LENGTH]
    name = METHODS.get(method) or METHODS.get(method.upper())  # in any case: it repeats what the request says
    if name is None:
        name = method.decode("ascii") if method and _TOKEN.issuperset(method) else ""
        return (_number(number), name)
    return (_number(number), name)


def _number(text: bytes) -> int:
    # int() alone would take signs, blanks and underscores.
    return int(text) if text.isdigit() and len(text) <= _MAX_CSEQ_LENGTH else -1


def _patient(message: Request | Response, data: bytes, truncated: bool) -> Request | Response | Discard:
    head = head_of(data)
    if truncated and len(head) == len(data):
        head = head[: head.rfind(b"\n") + 1]  # the last line may be half a line
    first: list[bytes] = [b""] * len(_SLOTS)
    vias = 0
    lines = [(name.strip().lower(), value) for name, value in _FIELD(head)]
    message.names = frozenset([name for name, _ in lines])
    for name, value in lines:
        slot = _SLOTS.get(name)
        if slot is None:
            continue
        if slot == _VIA:
            if not vias:
                first[_VIA] = _unfolded(value)
            vias += 1 if _COMMA not in value else _count_values(_unfolded(value))
        elif not first[slot]:
            first[slot] = _unfolded(value)
    message.call_id = bounded_identifier(first[_CALL_ID])
    message.from_tag = bounded_identifier(tag_of(first[_FROM]))
    message.to_tag = bounded_identifier(tag_of(first[_TO]))
    message.cseq_number, message.cseq_method = _cseq(first[_CSEQ])
    message.via_count = vias
    message.branch = bounded_identifier(via_branch(split_values(first[_VIA], most=1)[0])) if vias else b""
    if isinstance(message, Request):
        message.max_forwards = _number(first[_MAX_FORWARDS])
    whole = bool(vias and first[_FROM] and first[_TO] and message.call_id and message.cseq_method)
    return Discard.SIP_TRUNCATED if truncated and not whole else message
