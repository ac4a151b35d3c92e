"""Calls of any kind in a list, with their day: what a store is asked for.

Must not know: stores, how records come about. All text from the wire is escaped here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.text import Text

from sipwatch.export.escape import terminal
from sipwatch.export.naming import name_of_call
from sipwatch.report.listed import end_cause, end_name, is_odd, parties, response_words, waited
from sipwatch.report.plain import CATEGORY_STYLE, duration, plain_ending, several
from sipwatch.report.screen import FAINT, Column, console, figures, indented, print_fitting

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import IO

    from rich.console import Console, RenderableType

    from sipwatch.export.record import CallRecord
    from sipwatch.report.html.times import ZoneTimes

_INDENT = 4
_COLUMNS = (
    "What became of it",
    "Response",
    figures("Waited"),
    figures("Talked"),
    Column("ID", one_piece=True),
)


def print_calls(out: IO[str], calls: Sequence[CallRecord], times: ZoneTimes, *, more: bool) -> None:
    """Print calls, the oldest first, their times by the clocks of a zone; ``more`` says that there are older ones.

    The peers at both ends are left out of a table for which they would make the page too narrow.
    """
    target = console(out)
    if not any(_is_table(target, calls, times, has_ends=has_ends) for has_ends in (True, False)):
        for call in calls:
            target.print(Group(*_lines(call, times)))
        target.print(Text(f"Times are {times.name}.", style=FAINT))
    if more:
        words = f"The newest {several(len(calls), 'call')}; --limit shows more, --format csv all."
        target.print(Text(words, style=FAINT))


def _is_table(target: Console, calls: Sequence[CallRecord], times: ZoneTimes, *, has_ends: bool) -> bool:
    """Print calls as a table, and tell whether that fitted."""
    began = Column(f"Began ({times.name})", one_piece=True)
    first: tuple[Column | str, ...] = (began, "Call", "From → to") if has_ends else (began, "Call")

    def cells(call: CallRecord) -> tuple[str | Text, ...]:
        between = (ends(call),) if has_ends else ()
        return (times.full(call.started), parties(call), *between, *_cells(call))

    return print_fitting(target, calls, (*first, *_COLUMNS), cells)


def nothing_found(out: IO[str], looked_at: str, hint: str = "") -> None:
    """Say that no call was found, where it was looked for, and what would find some."""
    console(out).print(Text(f"No call matches in {terminal(looked_at)}.{hint and ' '}{terminal(hint)}"))


def ends(call: CallRecord) -> str:
    """Return the peers between which a call was, or the addresses of who is none."""
    source, destination = call.source_address, call.destination_address
    return terminal(f"{end_name(call.source, source)} → {end_name(call.destination, destination)}")


def _cells(call: CallRecord) -> tuple[str | Text, ...]:
    return (_name(call), _response(call), _waited(call), _talked(call), call.id)


def _lines(call: CallRecord, times: ZoneTimes) -> list[RenderableType]:
    said = ", ".join(filter(None, (_response(call), f"waited {_waited(call)}", _spoken(call))))
    return [
        Text.assemble(f"{times.full(call.started)}  ", _name(call), "  ", (call.id, FAINT)),
        indented(f"{parties(call)}   {ends(call)}", _INDENT),
        indented(said, _INDENT, FAINT),
    ]


def _name(call: CallRecord) -> Text:
    if is_odd(call):
        return Text(plain_ending(call.ending or ""), style="red")
    return Text(name_of_call(call), style=CATEGORY_STYLE[call.category])


def _response(call: CallRecord) -> str:
    return end_cause(call) if is_odd(call) and end_cause(call) else response_words(call)


def _waited(call: CallRecord) -> str:
    return duration(waited(call))


def _talked(call: CallRecord) -> str:
    return "-" if call.talk_seconds is None else duration(call.talk_seconds.seconds)


def _spoken(call: CallRecord) -> str:
    return "" if call.talk_seconds is None else f"talked {_talked(call)}"
