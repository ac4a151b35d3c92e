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

    from sipwatch.export.moments import Moment
    from sipwatch.export.waiting import WaitingRecord


def print_waiting(out: IO[str], records: list[WaitingRecord], within: int, since: Moment | None = None) -> None:
    """Print who waits, oldest first. ``since`` is from when on a store was asked, None where a capture was read."""
    target = console(out)
    if not records:
        target.print(Text(_nobody(since)))
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
        *(figures("Waits"), figures("Called\nagain"), figures("We\ntried")),
        *(Column("Last try", one_piece=True), Column("ID", one_piece=True)),
    )
    if not print_list(target, records, columns, _row, _lines, lambda record: "red" if record.overdue else ""):
        target.print(Text("Times are UTC.", style=FAINT))


def _nobody(since: Moment | None) -> str:
    if since is None:
        return "Nobody waits: every caller from outside was reached, or left no number."
    return (
        f"Nobody waits of those who called since {since.day} {since.clock} UTC, as far as is stored. That a caller"
        " waits is stored where the configuration of the daemon has [callback] and a peer of kind trunk."
    )


def _lines(record: WaitingRecord) -> list[RenderableType]:
    """Return a record's paragraph for a narrow terminal."""
    missed, caller, dialled, over, waits, _, _, _, short = _row(record)
    tries = ", ".join(tried_since(record))
    return [
        Text(f"{missed}  {caller} → {dialled}"),
        indented(f"over {over}, waits {waits}, {tries}  {short}", 4, FAINT),
    ]


def tried_since(record: WaitingRecord) -> list[str]:
    """Say what the caller has tried again, if he has, and what was tried to reach him, if that is known."""
    words = []
    if record.redials:
        words.append(_tries("called again", record.redials, record.last_redial))
    if record.attempts:
        words.append(_tries("we tried", record.attempts, record.last_attempt))
    elif record.attempts == 0:
        words.append("we have not tried")
    return words


def _tries(what: str, count: int, last: str | None) -> str:
    times = "once" if count == 1 else f"{count:,} times"
    return f"{what} {times}" + ("" if last is None else f"{', at' if count == 1 else ', the last at'} {last[11:19]}")


def _row(record: WaitingRecord) -> tuple[str, ...]:
    return (
        record.missed[:19].replace("T", " "),
        terminal(record.number),
        terminal(record.dialled),
        terminal(record.source),
        duration(record.waited_seconds),
        f"{record.redials:,}",
        "-" if record.attempts is None else f"{record.attempts:,}",
        "-" if record.last_attempt is None else record.last_attempt[11:19],
        record.id,
    )
