"""Learned header orders: one pattern that reads a whole header section whose shape is known.

Must not know: what the values mean, nor anything of time and paths but who pays for what is learned, and when.

A shape is a kind of start line and the exact sequence of header names as they were spelt. Its pattern
demands every name in its place and every value in its plain form, so a fold, one more Via or an
unusual blank is a mismatch, never a wrong answer. The usual rule, no regular expression where ``find``
does, is broken for a measured reason: to cut the values out with ``find`` costs little, but to prove
that nothing unusual stands in between costs five passes over the text; the pattern is one pass.

Strangers may invent shapes, and compiling one takes about a millisecond. So it is paid for: every source has a credit,
and so have all of them together. The shape that was longest of no use makes room for a new one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from sipwatch.packet import SECOND
from sipwatch.wire.limits import MAX_IDENTIFIER

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_SHAPES: Final = 256  # patterns in all
MAX_PER_KIND: Final = 8  # patterns tried for one message
MAX_MISSED: Final = 256  # messages that a shape does not fit before those of its kind are put in order
SEEN_BEFORE: Final = 4  # a shape is worth a pattern once it was seen this often
MAX_CANDIDATES: Final = 1024
MAX_HEAD: Final = 16_384  # bytes of a header section that is learned from
MAX_LINES: Final = 64
MAX_NAMES: Final = 1024  # bytes of a shape's header names: its pattern grows with them

# A stack has a dozen kinds of messages or two: so much is learned at once, and then a shape a second of each source.
LINES_PER_CREDIT: Final = 16  # of a shape, about a millisecond
MAX_CREDIT: Final = 24  # of one source
MAX_CREDIT_OF_ALL: Final = 64
ALL_PER_SECOND: Final = 8
MAX_SOURCES: Final = 256

_NAMES: Final = re.compile(rb"\n([^:\r]*+)").findall
# Bare line feeds end lines as well, and a pattern of CRLF lines would not see it; a folded line is no header, whatever
# it looks like (RFC 3261 §7.3.1).
_ODD: Final = re.compile(rb"(?<!\r)\n|\n[ \t:\r]").search

_BLANKS: Final = rb"[ \t]*+"
# What ends a value: beside the blanks of SIP those that the patient reader strips and splits at as well.
_ENDS: Final = rb"\r\n \t\v\f"
_NAME_ADDR: Final = rb'(?:"[^\r\n"\\]*+")?+[^\r\n";<>]*+<[^\r\n"<>]*+>'
_TAG: Final = rb';tag=([^%b;",<>]{1,%d}+)(?![^\r\n;", \t<>])' % (_ENDS, MAX_IDENTIFIER)
_VALUES: Final = {
    b"from": _NAME_ADDR + _TAG + rb"\r\n",
    b"to": _NAME_ADDR + rb"(?:" + _TAG + rb")?+\r\n",
    b"call-id": rb"([^%b]{1,%d}+)\r\n" % (_ENDS, MAX_IDENTIFIER),
    b"cseq": rb"([0-9]++ [A-Z]++)\r\n",
    b"max-forwards": rb"([0-9]++)\r\n",
}
_BRANCH: Final = rb';branch=([^%b;,"]{1,%d}+)' % (_ENDS, MAX_IDENTIFIER)
_TOP_VIA: Final = rb'[^\r\n,";]*+(?:;(?!branch=)[^\r\n,";]*+)*+' + _BRANCH + rb'(?:;[^\r\n,"]*+)?+\r\n'
_OTHER_VIA: Final = rb'[^\r\n,"]*+\r\n'
_LONG_NAMES: Final = {b"v": b"via", b"f": b"from", b"t": b"to", b"i": b"call-id"}
_NEEDED: Final = (b"via", b"from", b"to", b"call-id", b"cseq")

# The order in which a shape's values are asked for; the start line's is group 1.
_ORDER: Final = (b"via", b"from", b"to", b"call-id", b"cseq", b"max-forwards")
_FITS: Final = {slot: re.compile(_BLANKS + value).fullmatch for slot, value in (*_VALUES.items(), (b"via", _TOP_VIA))}
_FITS_BELOW: Final = re.compile(_OTHER_VIA).fullmatch  # of a Via below the top


class Shape:
    """A pattern and what its start line says: a method, or a status code that is not 0.

    ``groups`` are the pattern's group numbers of: Request-URI or reason phrase, branch, From tag,
    To tag, Call-ID, CSeq, and Max-Forwards (0, the whole match, where the shape has none).
    ``names`` are the header names, lower case. ``used`` is the time of the latest message that it fitted (0: none yet),
    ``missed`` counts those that it did not fit.
    """

    __slots__ = ("groups", "match", "method", "missed", "names", "status_code", "used", "via_count")

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
        self.used = 0
        self.missed = 0


class _Credit:
    """How much may be learned: ``most`` at once, a piece more with every ``each`` ns of packet time."""

    __slots__ = ("_each", "_full", "_most")

    def __init__(self, most: int, each: int) -> None:
        self._most = most * each
        self._each = each
        self._full = 0  # when all that was spent is there again

    def allows(self, time: int, cost: int) -> bool:
        """Tell whether so much is there."""
        self._full = min(max(self._full, time), time + self._most)  # not later, where time was set back
        return self._full + cost * self._each <= time + self._most

    def spend(self, cost: int) -> None:
        """Take what was allowed."""
        self._full += cost * self._each


class Shapes:
    """The shapes one parser has learned; ``known`` has them by what a message begins with.

    That is 12 bytes of a status line, 4 of a request line.
    """

    __slots__ = ("_candidates", "_credit", "_sources", "known")

    def __init__(self) -> None:
        self.known: dict[bytes, list[Shape]] = {}
        self._candidates: dict[int, int] = {}  # by a hash of kind and names: how often they were seen
        self._credit = _Credit(MAX_CREDIT_OF_ALL, SECOND // ALL_PER_SECOND)
        self._sources: dict[bytes, _Credit] = {}  # least recently used first

    def learn(self, time: int, source: bytes, data: bytes, method: str, status_code: int) -> None:
        """Take note of a message that was read the long way; the shape seen often enough gets its pattern.

        ``source`` is the packed address that it came from: whose credit is spent.
        """
        end = data.find(b"\r\n\r\n", 0, MAX_HEAD)
        if end < 0 or _ODD(data, 0, end) is not None:
            return
        names = tuple(_NAMES(data, 0, end))
        if len(names) > MAX_LINES:
            return
        kind = kind_of(data)
        key = hash((kind, names))
        seen = self._candidates.get(key, 0) + 1
        slots = [_slot(name) for name in names] if seen >= SEEN_BEFORE else []
        if not slots or not _fits(data[:end], names, slots, method) or not self._pay(time, source, len(names)):
            if len(self._candidates) >= MAX_CANDIDATES:
                self._candidates.clear()
            self._candidates[key] = seen
            return
        self._candidates.pop(key, None)
        shape = _compile(names, slots, method, status_code)
        if shape.match(data) is not None:
            self._make_room(kind, time)
            self.known.setdefault(kind, []).append(shape)

    def arrange(self, time: int, data: bytes) -> None:
        """Put the shapes of a message's kind in order of use; drop what fitted nothing in all that time."""
        kind = kind_of(data)
        kept = [shape for shape in self.known[kind] if shape.used or shape.missed < MAX_MISSED]
        kept.sort(key=lambda shape: -_used(shape, time))
        for shape in kept:
            shape.missed = 0
        self.known[kind] = kept  # a list of its own: somebody goes through the other
        if not kept:
            del self.known[kind]

    def _pay(self, time: int, source: bytes, lines: int) -> bool:
        """Spend what a shape costs, if source and all together have as much."""
        cost = 1 + lines // LINES_PER_CREDIT
        credit = self._sources.pop(source, None) or _Credit(MAX_CREDIT, SECOND)
        self._sources[source] = credit
        if len(self._sources) > MAX_SOURCES:
            del self._sources[next(iter(self._sources))]
        if not credit.allows(time, cost) or not self._credit.allows(time, cost):
            return False
        credit.spend(cost)
        self._credit.spend(cost)
        return True

    def _make_room(self, kind: bytes, time: int) -> None:
        """Drop the shape that was longest of no use: of its kind, or of all."""
        known = self.known
        if len(known.get(kind, ())) < MAX_PER_KIND:
            if sum(map(len, known.values())) < MAX_SHAPES:
                return
            kind = min(known, key=lambda one: min([_used(shape, time) for shape in known[one]]))
        shapes = known[kind]
        shapes.remove(min(shapes, key=lambda shape: _used(shape, time)))
        if not shapes:
            del known[kind]


def kind_of(data: bytes) -> bytes:
    """Return what a message begins with: the key of ``known``."""
    return data[:12] if data[:4] == b"SIP/" else data[:4]


def _used(shape: Shape, time: int) -> int:
    """Return when a shape fitted last; one that is ahead of time is of before the clock was set back."""
    return shape.used if shape.used <= time + SECOND else 0


def _fits(head: bytes, names: tuple[bytes, ...], slots: list[bytes], method: str) -> bool:
    """Tell whether the pattern of a message's shape would fit the message, which costs less than to compile it.

    ``names`` and ``slots`` are those of the lines behind the start line of ``head``. A header that decides must stand
    there once.
    """
    lines = head.split(b"\r\n")
    if sum(map(len, names)) > MAX_NAMES or (method and lines[0].count(b" ") != 2):
        return False
    if any([slots.count(name) != 1 for name in _NEEDED[1:]]) or slots.count(b"max-forwards") > 1:  # noqa: C419 - quicker
        return False
    vias = 0
    for name, slot, line in zip(names, slots, lines[1:], strict=True):
        vias += slot == b"via"
        fits = _FITS_BELOW if slot == b"via" and vias > 1 else _FITS.get(slot)
        if fits is not None and fits(line + b"\r\n", len(name) + 1) is None:
            return False
    return vias > 0


def _compile(names: tuple[bytes, ...], slots: list[bytes], method: str, status_code: int) -> Shape:
    """Make the pattern of a shape."""
    if status_code:
        pattern = [rb"SIP/2\.0 %d ([^\r\n]*+)\r\n" % status_code]
    else:
        pattern = [re.escape(method.encode()) + rb" ([^%b]++) SIP/2\.0\r\n" % _ENDS]
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


def _slot(name: bytes) -> bytes:
    """Return the long name of a header, in lower case."""
    name = name.strip().lower()
    return _LONG_NAMES.get(name, name)


def _value(slot: bytes, places: dict[bytes, int]) -> bytes:
    """Return the pattern of one line behind its colon; note which group its value is."""
    if slot == b"via" and b"via" in places:
        return _OTHER_VIA
    value = _TOP_VIA if slot == b"via" else _VALUES.get(slot)
    if value is None:
        return rb".*+\n"
    places[slot] = len(places) + 2
    return _BLANKS + value
