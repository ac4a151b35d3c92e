"""Callers who wait to be called back, as a table.

Must not know: how it is found out who waits. All text from the wire is escaped here.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from rich.text import Text

from sipwatch.export.escape import terminal
from sipwatch.packet import SECOND
from sipwatch.report.plain import duration, several
from sipwatch.report.screen import FAINT, Column, console, figures, indented, print_list

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sipwatch.export.waiting import WaitingRecord


def print_waiting(out: IO[str], records: list[WaitingRecord], within: int) -> None:
    """Print who waits, oldest first."""
    target = console(out)
    if not records:
        target.print(Text("Nobody waits: every caller from outside was reached, or left no number."))
        return
    late = sum(record.overdue for record in records)
    title = several(len(records), "missed call whose caller was", "missed calls whose callers were")
    longer = "none" if not late else f"{late:,}"
    target.print(
        Text(f"{title} not reached, {longer} of them for longer than {duration(within / SECOND)}", style="bold")
    )
    columns = (
        Column("Missed, UTC", one_piece=True),
        *("Caller", "Dialled", "Over"),
        *(figures("Waits"), figures("Tries since")),
        *(Column("Last try", one_piece=True), Column("ID", one_piece=True)),
    )
    print_list(target, records, columns, _row, _lines, lambda record: "red" if record.overdue else "")


def _lines(record: WaitingRecord) -> list[RenderableType]:
    """Return a record's paragraph for a narrow terminal."""
    missed, caller, dialled, over, waits, _, last, short = _row(record)
    tries = several(record.attempts, "try since", "tries since") if record.attempts else "not tried since"
    return [
        Text(f"{missed}  {caller} → {dialled}"),
        indented(
            f"over {over}, waits {waits}, {tries}{'' if last == '-' else f', the last at {last}'}  {short}", 4, FAINT
        ),
    ]


def _row(record: WaitingRecord) -> tuple[str, ...]:
    return (
        record.missed[:19].replace("T", " "),
        terminal(record.number),
        terminal(record.dialled),
        terminal(record.source),
        duration(record.waited_seconds),
        f"{record.attempts:,}",
        "-" if record.last_attempt is None else record.last_attempt[11:19],
        record.id,
    )
