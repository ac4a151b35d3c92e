"""Calls as rows of tables, and back: what is read is what was written.

Must not know: files, queries, threads.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec
from msgspec.structs import replace

from sipwatch.classify.findings import Sort, Term, own
from sipwatch.export.calls import message_record
from sipwatch.export.moments import Duration, Moment
from sipwatch.export.record import (
    CallRecord,
    ConditionRecord,
    EvidenceRecord,
    FindingRecord,
    LegRecord,
    LinkRecord,
    MessageRecord,
    Words,
)
from sipwatch.store.spool import Kept
from sipwatch.wire.message import Path, Request, Response, Transport, decoded
from sipwatch.wire.sip import parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_LISTS: Final = frozenset(
    {"conditions", "findings", "linked", "tags", "legs", "messages"}
)  # keys with tables of their own
SCALARS: Final = tuple(key for key in CallRecord.__struct_fields__ if key not in _LISTS)
_MOMENTS: Final = ("started", "trying", "progressed", "ringing", "answered", "ended")
_SPANS: Final = ("setup_seconds", "ring_seconds", "talk_seconds")
COLUMNS: Final = (*SCALARS, "completed", "caller_digits", "callee_digits", "kept")
LEG_COLUMNS: Final = LegRecord.__struct_fields__
CONDITION_COLUMNS: Final = ConditionRecord.__struct_fields__
FINDING_COLUMNS: Final = FindingRecord.__struct_fields__
LINK_COLUMNS: Final = LinkRecord.__struct_fields__

_scalars = attrgetter(*SCALARS)
_leg = attrgetter(*LEG_COLUMNS)
_condition = attrgetter(*CONDITION_COLUMNS)
_link = attrgetter(*LINK_COLUMNS)
_MOMENT_PLACES: Final = tuple(SCALARS.index(key) for key in _MOMENTS)
_SPAN_PLACES: Final = tuple(SCALARS.index(key) for key in _SPANS)
_LEG_LISTS: Final = tuple(LEG_COLUMNS.index(key) for key in ("conditions", "inferred"))
_LEG_MOMENTS: Final = tuple(LEG_COLUMNS.index(key) for key in ("started", "alerted", "settled"))
_LINK_MOMENTS: Final = tuple(LINK_COLUMNS.index(key) for key in ("started",))
_CONDITION_MOMENTS: Final = tuple(CONDITION_COLUMNS.index(key) for key in ("raised", "resolved"))
MAX_DIGITS: Final = 32  # of a number; what is longer is none

Row = tuple[Any, ...]


def call_row(record: CallRecord, completed: bool, kept: int) -> Row:
    """Return the row of a call; ``kept`` is how many messages are kept of it."""
    return (
        *_scalars(record),
        int(completed),
        digits_turned(record.caller),
        digits_turned(record.callee),
        kept,
    )


def leg_rows(call: int, record: CallRecord) -> list[Row]:
    """Return the rows of a call's legs."""
    rows = []
    for place, leg in enumerate(record.legs):
        values = list(_leg(leg))
        for at in _LEG_LISTS:
            values[at] = " ".join(values[at]) or None  # words from closed lists
        rows.append((call, place, *values))
    return rows


def condition_rows(call: int, record: CallRecord) -> list[Row]:
    """Return the rows of a call's conditions."""
    return [(call, place, *_condition(one)) for place, one in enumerate(record.conditions)]


def finding_rows(call: int, record: CallRecord) -> list[Row]:
    """Return the rows of what was found of a call, in words."""
    return [
        (call, place, one.kind, str(one.subject), str(one.text), _evidence(one.evidence))
        for place, one in enumerate(record.findings)
    ]


def link_rows(call: int, record: CallRecord) -> list[Row]:
    """Return the rows of the calls that a call is linked with."""
    return [(call, place, *_link(one)) for place, one in enumerate(record.linked)]


def tag_rows(call: int, tags: Iterable[str]) -> list[Row]:
    """Return the rows of a call's tags."""
    return [(call, place, tag) for place, tag in enumerate(tags)]


class _Seen(msgspec.Struct, array_like=True):
    """Evidence as it stands in a column: JSON, a list of lists."""

    time: int
    packet: int | None
    file: int
    what: str


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[_Seen]).decode


def _evidence(evidence: Sequence[EvidenceRecord]) -> str:
    return _encode([_Seen(int(one.time), one.packet, one.file, str(one.what)) for one in evidence]).decode()


def digits_turned(number: str | None) -> str | None:
    """Return a number's digits from the last to the first; None for what is no number, a name or ``anonymous``."""
    if not number or len(number) > MAX_DIGITS:
        return None
    written = number[4:] if number[:4].lower() == "tel:" else number
    if written[:3].lower() == "%2b":  # RFC 3261 §19.1.4
        written = written[3:]
    digits = "".join([char for char in written if "0" <= char <= "9"])
    if not digits or any([char.isalpha() for char in written]):  # noqa: C419 - quicker
        return None
    return digits[::-1]


def call_of(row: Sequence[Any], parts: Parts) -> CallRecord:
    """Return the call of a row that has the columns of ``SCALARS`` first."""
    values = list(row[: len(SCALARS)])
    for at in _MOMENT_PLACES:
        if values[at] is not None:
            values[at] = Moment(values[at])
    for at in _SPAN_PLACES:
        if values[at] is not None:
            values[at] = Duration(values[at])
    return CallRecord(
        **dict(zip(SCALARS, values, strict=True)),
        conditions=parts.conditions,
        findings=parts.findings,
        linked=parts.linked,
        tags=parts.tags,
        legs=parts.legs,
    )


class KeptText(NamedTuple):
    """A message that was kept: ``again`` says that it repeats an earlier one, ``placed`` that it has a place."""

    message: Kept
    again: bool
    placed: bool


class Parts:
    """What a call has several of, read from tables of their own."""

    __slots__ = ("conditions", "findings", "legs", "linked", "tags")

    def __init__(self) -> None:
        self.conditions: list[ConditionRecord] = []
        self.findings: list[FindingRecord] = []
        self.tags: list[str] = []
        self.legs: list[LegRecord] = []
        self.linked: list[LinkRecord] = []

    def leg(self, row: Sequence[Any]) -> None:
        """Take a leg: the columns of ``LEG_COLUMNS``."""
        values = list(row)
        for at in _LEG_LISTS:
            values[at] = values[at].split() if values[at] else []
        self.legs.append(LegRecord(*_with_moments(values, _LEG_MOMENTS)))

    def condition(self, row: Sequence[Any]) -> None:
        """Take a condition: the columns of ``CONDITION_COLUMNS``."""
        self.conditions.append(ConditionRecord(*_with_moments(list(row), _CONDITION_MOMENTS)))

    def finding(self, row: Sequence[Any]) -> None:
        """Take what was found: the columns of ``FINDING_COLUMNS``."""
        kind, subject, text, evidence = row
        seen = [
            EvidenceRecord(Moment(one.time), one.packet, one.file, Words.of(own(one.what))) for one in _decode(evidence)
        ]
        self.findings.append(FindingRecord(kind, Words.of(own(subject)), Words.of(own(text)), seen))

    def link(self, row: Sequence[Any]) -> None:
        """Take a call that it is linked with: the columns of ``LINK_COLUMNS``."""
        self.linked.append(LinkRecord(*_with_moments(list(row), _LINK_MOMENTS)))

    def tag(self, row: Sequence[Any]) -> None:
        """Take a tag."""
        self.tags.append(row[0])


def _with_moments(values: list[Any], places: tuple[int, ...]) -> list[Any]:
    for at in places:
        if values[at] is not None:
            values[at] = Moment(values[at])
    return values


def message_of(kept: KeptText) -> MessageRecord:
    """Return a message that was kept as a replay with messages has it."""
    message = kept.message
    path = Path(message.ends, message.transport)
    # What was cut off by the snap length, or is no SIP any more with everything hidden, is shown as it stands.
    read = parse(message.time, path, message.raw, True)
    if isinstance(read, (Request, Response)):
        return message_record(read, kept.again, kept.placed)
    text = decoded(message.raw)
    line = text.partition("\n")[0].rstrip("\r")
    return MessageRecord(Moment(message.time), path.source, path.destination, line, kept.again, kept.placed, text)


def kept_text(row: Row) -> KeptText:
    """Return the message of a row."""
    time, transport, ends, raw, link_type, before, after, again, placed = row
    around = (-1, b"", b"") if link_type is None else (link_type, before, after)
    return KeptText(Kept(time, Transport(transport), ends, raw, *around), bool(again), bool(placed))


def as_strangers(record: CallRecord) -> CallRecord:
    """Return a call that was read from a store so that a policy hides in its findings, too.

    There their words are whole sentences: which part is whose is not known any more, so all may be a stranger's.
    """
    return replace(record, findings=[_strangers(found) for found in record.findings]) if record.findings else record


def _strangers(found: FindingRecord) -> FindingRecord:
    seen = [replace(one, what=_quoted(one.what)) for one in found.evidence]
    return replace(found, subject=_quoted(found.subject), text=_quoted(found.text), evidence=seen)


def _quoted(words: Words) -> Words:
    return Words.of(Term(Sort.QUOTED, str(words)))
