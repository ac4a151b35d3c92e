"""Calls of any kind in a list, with their day: what a store is asked for.

Must not know: stores, how records come about. All text from the wire is escaped here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from sipwatch.export.escape import terminal
from sipwatch.export.naming import name_of_call
from sipwatch.report.listed import end_cause, is_odd, parties, response_words
from sipwatch.report.plain import CATEGORY_STYLE, duration, plain_ending, several
from sipwatch.report.screen import FAINT, Column, console, figures, indented, print_list

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import IO

    from rich.console import RenderableType

    from sipwatch.export.record import CallRecord

_INDENT = 4
_COLUMNS = (
    Column("Began (UTC)", one_piece=True),
    "Call",
    "What became of it",
    "Response",
    figures("Waited"),
    figures("Talked"),
    Column("ID", one_piece=True),
)


def print_calls(out: IO[str], calls: Sequence[CallRecord], *, more: bool) -> None:
    """Print calls, the oldest first; ``more`` says that there are older ones."""
    target = console(out)
    print_list(target, calls, _COLUMNS, _cells, _lines)
    if more:
        words = f"The newest {several(len(calls), 'call')}; --limit shows more, --format csv all."
        target.print(Text(words, style=FAINT))


def nothing_found(out: IO[str], looked_at: str, hint: str = "") -> None:
    """Say that no call was found, where it was looked for, and what would find some."""
    console(out).print(Text(f"No call matches in {terminal(looked_at)}.{hint and ' '}{terminal(hint)}"))


def _cells(call: CallRecord) -> tuple[str | Text, ...]:
    return (_began(call), parties(call), _name(call), _response(call), _waited(call), _talked(call), call.id)


def _lines(call: CallRecord) -> list[RenderableType]:
    said = ", ".join(filter(None, (_response(call), f"waited {_waited(call)}", _spoken(call))))
    return [
        Text.assemble(f"{_began(call)}  ", _name(call), "  ", (call.id, FAINT)),
        indented(parties(call), _INDENT),
        indented(said, _INDENT, FAINT),
    ]


def _began(call: CallRecord) -> str:
    return f"{call.started.day} {call.started.clock}"


def _name(call: CallRecord) -> Text:
    if is_odd(call):
        return Text(plain_ending(call.ending or ""), style="red")
    return Text(name_of_call(call), style=CATEGORY_STYLE[call.category])


def _response(call: CallRecord) -> str:
    return end_cause(call) if is_odd(call) and end_cause(call) else response_words(call)


def _waited(call: CallRecord) -> str:
    return "-" if call.setup_seconds is None else duration(call.setup_seconds.seconds)


def _talked(call: CallRecord) -> str:
    return "-" if call.talk_seconds is None else duration(call.talk_seconds.seconds)


def _spoken(call: CallRecord) -> str:
    return "" if call.talk_seconds is None else f"talked {_talked(call)}"
