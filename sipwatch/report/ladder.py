"""One call as a ladder: its ends as columns, its messages as arrows, its conditions where they were raised.

Must not know: how records come about. All text from the wire is escaped here.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from rich.text import Text

from sipwatch.export.escape import terminal
from sipwatch.export.naming import name_of_call
from sipwatch.packet import SECOND
from sipwatch.report.causes import causes_of_call
from sipwatch.report.diagram import UNPLACED, Arrow, ArrowKind, Mark, mark_words
from sipwatch.report.linked import drawn_together, link_words
from sipwatch.report.listed import ODD_STYLE, end_cause, is_odd, parties, response_words
from sipwatch.report.plain import (
    CATEGORY_STYLE,
    duration,
    plain_ending,
)
from sipwatch.report.screen import console

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rich.console import Console, RenderableType

    from sipwatch.export.record import CallRecord
    from sipwatch.report.diagram import Lifeline, Row
    from sipwatch.report.linked import Together

_TIMES = 22  # columns for the clock and the delta
_MARK = "A "  # the letter of a call, where there are several
NARROWEST = 16  # columns between two ends
WIDEST = 34
_KIND_STYLE = {
    ArrowKind.REQUEST: "cyan",
    ArrowKind.PROVISIONAL: "",
    ArrowKind.SUCCESS: "green",
    ArrowKind.FAILURE: "red",
}


def print_ladder(out: IO[str], call: CallRecord, others: Sequence[CallRecord] = ()) -> None:
    """Print the ladder of a call whose messages were kept, with ``others`` that are linked with it on the same one."""
    target = console(out)
    picture = drawn_together(call, others)
    ends = picture.diagram.ends
    width = max(NARROWEST, min(WIDEST, (target.width - _TIMES - 2) // max(1, len(ends) - 1)))
    for mark, one in zip(picture.letters, picture.calls, strict=True):
        _say(target, mark, [*_title(one), *_linked(picture, one)])
    for link in call.linked:
        if all(link.id != one.id for one in picture.calls):
            words = f"Linked with {link.id} {link_words(link)}; not drawn here"
            target.print(Text(words, style="bright_black"), soft_wrap=True)
    target.print()
    for line in _columns(ends, width, _TIMES + len(picture.letters[0] and _MARK)):
        target.print(line, soft_wrap=True)
    for row in picture.diagram.rows:
        target.print(_line(row, len(ends), width, picture.letters[row.call]), soft_wrap=True)
    target.print()
    for mark, one, said in zip(picture.letters, picture.calls, picture.legends, strict=True):
        _say(target, mark, _below(one, said))


def print_verdict(out: IO[str], call: CallRecord, why: str) -> None:
    """Print what is said of a call without messages; ``why`` says why it has none."""
    target = console(out)
    for line in (*_title(call), *[Text(f"Linked with {link.id} {link_words(link)}") for link in call.linked]):
        target.print(line, soft_wrap=True)
    target.print()
    target.print(Text(why))
    target.print()
    _say(target, "", _below(call, ()))


def _say(target: Console, mark: str, lines: Iterable[RenderableType]) -> None:
    """Print what is said of one call, behind its letter if it has one."""
    for line in lines:
        target.print(
            Text.assemble((f"{mark} ", "bold"), line) if mark and isinstance(line, Text) else line, soft_wrap=True
        )


def _linked(picture: Together, one: CallRecord) -> list[Text]:
    """Say why another call is on the ladder of one."""
    return [Text(f"Linked with {picture.asked.id} {words}", style="yellow") for words in picture.why(one)]


def _below(call: CallRecord, said: Sequence[str]) -> Iterator[RenderableType]:
    yield from (Text(line, style="yellow") for line in said)
    yield _verdict(call)
    yield from causes_of_call(call.findings)
    if call.tags:
        yield Text(f"Marked: {', '.join(call.tags)}", style="bright_black")


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


def _columns(ends: list[Lifeline], width: int, before: int) -> list[Text]:
    """Write the names above the columns; with a legend where addresses are too long for them."""
    names = [terminal(end.name) for end in ends]
    full = [f"{name} {end.address}" if name else end.address for name, end in zip(names, ends, strict=True)]
    short = full
    lines = []
    if any(len(label) > width - 2 for label in full):
        short = [name or f"({place + 1})" for place, name in enumerate(names)]
        if any(len(label) > width - 2 for label in short) or len(set(short)) < len(short):
            short = [f"({place + 1})" for place in range(len(ends))]
        lines = [Text(f"{label}  {end}", style="bright_black") for label, end in zip(short, full, strict=True)]
        lines.append(Text())
    header = " " * before + "".join(label.ljust(width) for label in short)
    return [*lines, Text(header.rstrip(), style="bold")]


def _line(row: Row, ends: int, width: int, mark: str) -> Text:
    delta = "+" + duration(row.since / SECOND) if row.since >= 0 else ""
    text = Text(f"{row.time.exact_clock} {delta:>8} ", style="bright_black")
    if mark:
        text.append(f"{mark} ", style="bold")
    if isinstance(row.what, Mark):
        text.append(mark_words(row.what), style="bold red" if row.what.resolution is None else "yellow")
    elif isinstance(row.what, Arrow):
        text.append(_arrow(row.what, ends, width), style=_style(row.what))
        if row.what.again:
            text.append(" (again)", style="bright_black")
        if not row.what.placed:
            text.append(f" {UNPLACED}", style="yellow")
    return text


def _arrow(arrow: Arrow, ends: int, width: int) -> str:
    """Draw an arrow from column to column with the method or code on it, the other columns as bars."""
    left, right = min(arrow.source, arrow.destination), max(arrow.source, arrow.destination)
    label = terminal(arrow.label)
    if left == right:
        return _bars(0, left, width) + "⟲ " + label
    room = (right - left) * width - 2
    label = f" {label[: max(1, room - 4)]} " if room > 6 else ""
    line = label.center(room, "─")
    drawn = f"{line}►" if arrow.source < arrow.destination else f"◄{line}"
    return _bars(0, left, width) + "│" + drawn + _bars(right, ends, width).rstrip()


def _bars(first: int, last: int, width: int) -> str:
    return ("│" + " " * (width - 1)) * (last - first)


def _style(arrow: Arrow) -> str:
    return "bright_black" if arrow.again else _KIND_STYLE[arrow.kind]


def _verdict(call: CallRecord) -> Text:
    text = Text(name_of_call(call), style=f"bold {CATEGORY_STYLE[call.category]}")
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
