"""Messages as they stood on the wire, line by line, for a page: which of their lines decided is marked.

Must not know: HTTP, templates. What is shown of very long ones is bounded; a template escapes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sipwatch.report.deciding import decided_by, ended_by_message
from sipwatch.report.plain import duration
from sipwatch.web.why import name_of_end

if TYPE_CHECKING:
    from sipwatch.export.moments import Moment
    from sipwatch.export.record import CallRecord, MessageRecord
    from sipwatch.report.deciding import Decision

FIRST, LAST = 300, 100  # messages that are shown of a call with more: as many as its ladder has arrows
_PLENTY: Final = 2 << 20  # characters in all, beyond which each is shown by its beginning
_BEGINNING: Final = 4096


class RawLine(NamedTuple):
    """A line; ``decides`` says that it did."""

    text: str
    decides: bool


class Shown(NamedTuple):
    """A message: its place, when it came, how long after the one before, between whom, its lines."""

    place: int
    time: Moment
    after: str
    source: str
    destination: str
    first_line: str
    again: bool
    placed: bool
    lines: list[RawLine]
    cut: int
    decides: bool


class ShownMessages(NamedTuple):
    """The messages of a call; of ``left_out`` in the middle only the number is told."""

    messages: list[Shown]
    left_out: int


def shown_messages(call: CallRecord) -> ShownMessages:
    """Return a call's messages."""
    messages = call.messages or []
    deciding = {one.message: one for one in (ended_by_message(call), decided_by(call)) if one is not None}
    most = _BEGINNING if sum(len(one.raw) for one in messages) > _PLENTY else _PLENTY
    places = list(range(len(messages)))
    left_out = max(0, len(places) - FIRST - LAST)
    if left_out:
        places = places[:FIRST] + places[-LAST:]
    found = []
    for place in places:
        before = messages[place - 1].time if place else call.started
        found.append(_shown(call, messages[place], place, before, deciding.get(place), most))
    return ShownMessages(found, left_out)


def _shown(
    call: CallRecord, message: MessageRecord, place: int, before: Moment, decision: Decision | None, most: int
) -> Shown:
    since = message.time.since(before)
    return Shown(
        place,
        message.time,
        f"+{duration(since)}" if since >= 0 else "clock went back",
        name_of_end(call, message.source),
        name_of_end(call, message.destination),
        message.first_line,
        message.retransmission,
        message.placed,
        _lines(message.raw[:most], decision),
        max(0, len(message.raw) - most),
        decision is not None,
    )


def _lines(raw: str, decision: Decision | None) -> list[RawLine]:
    """Split a message at its line feeds; a header that goes on in the next line is marked with it."""
    names = () if decision is None else tuple(name.lower() for name in decision.headers)
    lines: list[RawLine] = []
    in_head = decides = False
    for number, line in enumerate(raw.split("\n")):
        text = line.removesuffix("\r")
        if number == 0:
            in_head, decides = True, decision is not None and decision.start_line
        elif not text:
            in_head = decides = False
        elif in_head and not text.startswith((" ", "\t")):
            decides = text.partition(":")[0].strip().lower() in names
        lines.append(RawLine(text, decides))
    if lines and not lines[-1].text:
        lines.pop()
    return lines
