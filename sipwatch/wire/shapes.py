"""Learned header orders: one pattern that reads a whole header section whose shape is known.

Must not know: what the values mean, nor anything of time and paths.

A shape is a kind of start line and the exact sequence of header names as they were spelt. Its pattern
demands every name in its place and every value in its plain form, so a fold, one more Via or an
unusual blank is a mismatch, never a wrong answer. The usual rule, no regular expression where ``find``
does, is broken for a measured reason: to cut the values out with ``find`` costs little, but to prove
that nothing unusual stands in between costs five passes over the text; the pattern is one pass.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sipwatch.wire.limits import MAX_IDENTIFIER

if TYPE_CHECKING:
    from collections.abc import Callable

# A stranger may send any number of shapes, and compiling one takes about a millisecond.
MAX_SHAPES = 256  # patterns in all
MAX_PER_KIND = 8  # patterns tried for one message
SEEN_BEFORE = 4  # a shape is worth a pattern once it was seen this often
MAX_CANDIDATES = 1024
MAX_LINES = 64

_BLANKS = rb"[ \t]*+"
_NAME_ADDR = rb'(?:"[^\r\n"\\]*+")?+[^\r\n";<>]*+<[^\r\n"<>]*+>'
_TAG = rb';tag=([^\r\n;", \t<>]{1,%d}+)(?![^\r\n;", \t<>])' % MAX_IDENTIFIER
_VALUES = {
    b"from": _NAME_ADDR + _TAG + rb"\r\n",
    b"to": _NAME_ADDR + rb"(?:" + _TAG + rb")?+\r\n",
    b"call-id": rb"([^\r\n \t]{1,%d}+)\r\n" % MAX_IDENTIFIER,
    b"cseq": rb"([0-9]++ [A-Z]++)\r\n",
    b"max-forwards": rb"([0-9]++)\r\n",
}
_BRANCH = rb';branch=([^\r\n;," \t]{1,%d}+)' % MAX_IDENTIFIER
_TOP_VIA = rb'[^\r\n,";]*+(?:;(?!branch=)[^\r\n,";]*+)*+' + _BRANCH + rb'(?:;[^\r\n,"]*+)?+\r\n'
_OTHER_VIA = rb'[^\r\n,"]*+\r\n'
_LONG_NAMES = {b"v": b"via", b"f": b"from", b"t": b"to", b"i": b"call-id"}
_NEEDED = (b"via", b"from", b"to", b"call-id", b"cseq")

# The order in which a shape's values are asked for; the start line's is group 1.
_ORDER = (b"via", b"from", b"to", b"call-id", b"cseq", b"max-forwards")


class Shape:
    """A pattern and what its start line says: a method, or a status code that is not 0.

    ``groups`` are the pattern's group numbers of: Request-URI or reason phrase, branch, From tag,
    To tag, Call-ID, CSeq, and Max-Forwards (0, the whole match, where the shape has none).
    ``names`` are the header names, lower case.
    """

    __slots__ = ("groups", "match", "method", "names", "status_code", "via_count")

    def __init__(
        self,
        match: Callable[[bytes], re.Match[bytes] | None],
        groups: tuple[int, ...],
        via_count: int,
        method: str,
        status_code: int,
        names: frozenset[bytes],
    ) -> None:
        self.match = match
        self.names = names
        self.groups = groups
        self.via_count = via_count
        self.method = method
        self.status_code = status_code


class Shapes:
    """The shapes one parser has learned; ``known`` has them by what a message begins with.

    That is 12 bytes of a status line, 4 of a request line.
    """

    __slots__ = ("_candidates", "known")

    def __init__(self) -> None:
        self.known: dict[bytes, list[Shape]] = {}
        self._candidates: dict[tuple[bytes, ...], int] = {}

    def learn(self, data: bytes, method: str, status_code: int) -> None:
        """Take note of a message that was read the long way; the shape seen often enough gets its pattern."""
        known = self.known
        kind = data[:12] if status_code else data[:4]
        end = data.find(b"\r\n\r\n")
        if end < 0 or len(known.get(kind, ())) >= MAX_PER_KIND or sum(map(len, known.values())) >= MAX_SHAPES:
            return
        head = data[:end]
        if head.count(b"\n") != head.count(b"\r\n"):
            return  # bare line feeds end lines as well, and a pattern of CRLF lines would not see it
        names = tuple(line.partition(b":")[0] for line in head.split(b"\r\n")[1 : MAX_LINES + 1])
        if any(name[:1] in (b" ", b"\t", b"") for name in names):
            return  # a folded line is no header, whatever it looks like (RFC 3261 §7.3.1)
        key = (kind, *names)
        if len(self._candidates) >= MAX_CANDIDATES:
            self._candidates.clear()
        seen = self._candidates.get(key, 0) + 1
        self._candidates[key] = seen
        if seen == SEEN_BEFORE:
            shape = _compile(names, method, status_code)
            if shape is not None and shape.match(data) is not None:
                known.setdefault(kind, []).append(shape)


def _compile(names: tuple[bytes, ...], method: str, status_code: int) -> Shape | None:
    """Make the pattern of a shape; None where a header that decides stands twice or not at all."""
    slots = [_LONG_NAMES.get(name.strip().lower(), name.strip().lower()) for name in names]
    if any(slots.count(name) != 1 for name in _NEEDED[1:]) or b"via" not in slots or slots.count(b"max-forwards") > 1:
        return None
    if status_code:
        pattern = [rb"SIP/2\.0 %d ([^\r\n]*+)\r\n" % status_code]
    else:
        pattern = [re.escape(method.encode()) + rb" ([^\r\n \t]++) SIP/2\.0\r\n"]
    places: dict[bytes, int] = {}
    for name, slot in zip(names, slots, strict=True):
        pattern.append(re.escape(name) + rb":" + _value(slot, places))
    pattern.append(rb"\r\n")
    return Shape(
        re.compile(b"".join(pattern)).match,
        (1, *(places.get(slot, 0) for slot in _ORDER)),
        slots.count(b"via"),
        method,
        status_code,
        frozenset(name.strip().lower() for name in names),
    )


def _value(slot: bytes, places: dict[bytes, int]) -> bytes:
    """Return the pattern of one line behind its colon; note which group its value is."""
    if slot == b"via" and b"via" in places:
        return _OTHER_VIA
    value = _TOP_VIA if slot == b"via" else _VALUES.get(slot)
    if value is None:
        return rb".*+\n"
    places[slot] = len(places) + 2
    return _BLANKS + value
