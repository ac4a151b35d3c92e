"""One call as a ladder: its ends as columns, its messages as arrows, its conditions where they were raised.

Must not know: how records come about. All text from the wire is escaped here.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, NamedTuple

from rich.text import Text

from sipwatch.export.escape import terminal
from sipwatch.report.causes import causes_of_call
from sipwatch.report.listed import ODD_STYLE, end_cause, is_odd, parties, response_words
from sipwatch.report.plain import (
    CATEGORY_STYLE,
    CONDITION_WORDS,
    INFERRED_WORDS,
    duration,
    plain_ending,
    plain_name,
)
from sipwatch.report.screen import console

if TYPE_CHECKING:
    from sipwatch.export.moments import Moment
    from sipwatch.export.record import CallRecord, MessageRecord

_TIMES = 22  # columns for the clock and the delta
NARROWEST = 16  # columns between two ends
WIDEST = 34
UNPLACED = "(?)"


class Row(NamedTuple):
    """One line of the ladder: a message, or a remark at its moment."""

    time: Moment
    message: MessageRecord | None
    remark: str
    style: str


def print_ladder(out: IO[str], call: CallRecord) -> None:
    """Print the ladder of a call whose messages were kept."""
    target = console(out)
    ends = _ends(call)
    width = max(NARROWEST, min(WIDEST, (target.width - _TIMES - 2) // max(1, len(ends) - 1)))
    for line in _title(call):
        target.print(line, soft_wrap=True)
    target.print()
    for line in _columns(call, ends, width):
        target.print(line, soft_wrap=True)
    before = call.started
    for row in _rows(call):
        target.print(_line(row, before, ends, width), soft_wrap=True)
        before = row.time
    target.print()
    for line in _legend(call):
        target.print(line, soft_wrap=True)
    target.print(_verdict(call), soft_wrap=True)
    for line in causes_of_call(call.findings):
        target.print(line, soft_wrap=True)
    if call.tags:
        target.print(Text(f"Marked: {', '.join(call.tags)}", style="bright_black"))


def _title(call: CallRecord) -> list[Text]:
    lines = [
        Text(f"{parties(call)}   {call.started.day} {call.started.exact_clock} UTC   {call.id}", style="bold"),
        Text(f"Call-ID {terminal(call.call_id)}", style="bright_black"),
    ]
    if call.ending is not None:
        how = Text("Ending ", style="bright_black")
        how.append(f"{plain_ending(call.ending)} ({call.ending})", style=ODD_STYLE if is_odd(call) else "default")
        lines.append(how)
    return lines


def _legend(call: CallRecord) -> list[Text]:
    """Explain the mark, if one was drawn, and say what was inferred, of which leg."""
    lines = []
    if any(not message.placed for message in call.messages or ()):
        words = "could not be placed: it belongs to no request that was seen, and no verdict follows from it"
        lines.append(Text(f"{UNPLACED} {words}", style="yellow"))
    for place, leg in enumerate(call.legs):
        lines += [Text(f"Leg {place + 1}: {INFERRED_WORDS[what]}", style="yellow") for what in leg.inferred]
    return lines


def _ends(call: CallRecord) -> list[str]:
    """Order the ends as the call passes them, from the caller on."""
    ends: list[str] = []
    for leg in call.legs:
        for address in (leg.source_address, leg.destination_address):
            if address not in ends:
                place = ends.index(leg.source_address) + 1 if leg.source_address in ends else len(ends)
                if address == leg.source_address and leg.destination_address in ends:
                    place = ends.index(leg.destination_address)
                ends.insert(place, address)
    for message in call.messages or ():
        ends.extend(address for address in (message.source, message.destination) if address not in ends)
    return ends


def _columns(call: CallRecord, ends: list[str], width: int) -> list[Text]:
    """Write the names above the columns; with a legend where addresses are too long for them."""
    names = _peer_names(call)
    full = [f"{names[end]} {end}" if end in names else end for end in ends]
    short = full
    lines = []
    if any(len(label) > width - 2 for label in full):
        short = [names.get(end) or f"({place + 1})" for place, end in enumerate(ends)]
        if any(len(label) > width - 2 for label in short) or len(set(short)) < len(short):
            short = [f"({place + 1})" for place in range(len(ends))]
        lines = [Text(f"{label}  {end}", style="bright_black") for label, end in zip(short, full, strict=True)]
        lines.append(Text())
    header = " " * _TIMES + "".join(label.ljust(width) for label in short)
    return [*lines, Text(header.rstrip(), style="bold")]


def _peer_names(call: CallRecord) -> dict[str, str]:
    names: dict[str, str] = {}
    for leg in call.legs:
        names[leg.source_address] = leg.source
        names[leg.destination_address] = leg.destination
    return {address: terminal(name) for address, name in names.items() if name != "other"}


def _rows(call: CallRecord) -> list[Row]:
    rows = [Row(m.time, m, "", "") for m in call.messages or ()]
    for condition in call.conditions:
        words = f"{condition.kind}: {CONDITION_WORDS[condition.kind]} (leg {condition.leg + 1})"
        rows.append(Row(condition.raised, None, f"▲ {words}", "bold red"))
        if condition.resolved is not None and condition.resolution:
            rows.append(Row(condition.resolved, None, f"▽ {condition.kind} {condition.resolution}", "yellow"))
    # A deadline fires before the packet of the same moment; a packet resolves what it resolves.
    return sorted(rows, key=lambda row: (row.time, row.message is None and row.remark[:1] == "▽"))


def _line(row: Row, before: Moment, ends: list[str], width: int) -> Text:
    delta = row.time.since(before)
    text = Text(f"{row.time.exact_clock} {'+' + duration(delta) if delta >= 0 else '':>8} ", style="bright_black")
    if row.message is None:
        text.append(row.remark, style=row.style)
        return text
    text.append(_arrow(row.message, ends, width), style=_style(row.message))
    if row.message.retransmission:
        text.append(" (again)", style="bright_black")
    if not row.message.placed:
        text.append(f" {UNPLACED}", style="yellow")
    return text


def _arrow(message: MessageRecord, ends: list[str], width: int) -> str:
    """Draw an arrow from column to column with the method or code on it, the other columns as bars."""
    source, destination = ends.index(message.source), ends.index(message.destination)
    left, right = min(source, destination), max(source, destination)
    if left == right:
        return _bars(0, left, width) + "⟲ " + _label(message)
    room = (right - left) * width - 2
    label = _label(message)
    label = f" {label[: max(1, room - 4)]} " if room > 6 else ""
    line = label.center(room, "─")
    arrow = f"{line}►" if source < destination else f"◄{line}"
    return _bars(0, left, width) + "│" + arrow + _bars(right, len(ends), width).rstrip()


def _bars(first: int, last: int, width: int) -> str:
    return ("│" + " " * (width - 1)) * (last - first)


def _label(message: MessageRecord) -> str:
    words = terminal(message.first_line).split(" ")
    if words[0] == "SIP/2.0":
        return " ".join(words[1:])
    return words[0]


def _style(message: MessageRecord) -> str:
    if message.retransmission:
        return "bright_black"
    code = message.first_line[8:9] if message.first_line.startswith("SIP/2.0 ") else ""
    return {"": "cyan", "1": "", "2": "green"}.get(code, "red")


def _verdict(call: CallRecord) -> Text:
    text = Text(plain_name(call.outcome), style=f"bold {CATEGORY_STYLE[call.category]}")
    parts = [response_words(call)]
    if call.cause is not None:
        parts.append(f"{call.cause_protocol} cause {call.cause}")
    if call.ring_seconds is not None:
        parts.append(f"rang {duration(call.ring_seconds.seconds)}")
    if call.talk_seconds is not None:
        parts.append(f"talked {duration(call.talk_seconds.seconds)}")
    if call.ended_by:
        said = end_cause(call)
        parts.append(f"ended by {call.ended_by.replace('_', ' ')}" + (f" with {said}" if said else ""))
    text.append(" - " + ", ".join(parts), style="default")
    return text
