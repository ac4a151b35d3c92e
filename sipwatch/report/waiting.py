"""Callers who wait to be called back: as records, as a table, as JSON and CSV.

Must not know: how it is found out who waits. All text from the wire is escaped here.
"""

from __future__ import annotations

import csv
import io
from typing import IO, TYPE_CHECKING

import msgspec
from rich.table import Table
from rich.text import Text

from sipwatch.classify.desk import Waiting
from sipwatch.export.calls import short_id
from sipwatch.export.escape import csv_cell, json_text, terminal
from sipwatch.export.moments import timestamp
from sipwatch.packet import SECOND
from sipwatch.report.plain import duration
from sipwatch.report.table import console

if TYPE_CHECKING:
    from sipwatch.classify.callbacks import Missed
    from sipwatch.export.privacy import Policy


class WaitingRecord(msgspec.Struct, frozen=True):
    """A missed call whose caller was not reached. ``waited_seconds`` is until the capture ended."""

    id: str
    number: str
    dialled: str
    source: str
    missed: str
    waited_seconds: float
    attempts: int
    last_attempt: str | None
    overdue: bool


def waiting_record(missed: Missed, end: int, within: int, policy: Policy) -> WaitingRecord:
    """Return a missed call as a record; it is overdue when it has waited longer than ``within`` at ``end`` (ns)."""
    waiting = missed.payload
    assert isinstance(waiting, Waiting)  # noqa: S101 - the desk gave it
    waited = max(0, end - missed.at)
    return WaitingRecord(
        id=short_id(*waiting.key),
        number=policy.number(missed.number),
        dialled=policy.number(missed.dialled),
        source=waiting.ends[0],
        missed=timestamp(missed.at),
        waited_seconds=round(waited / SECOND, 3),
        attempts=missed.attempts,
        last_attempt=timestamp(missed.last_attempt) if missed.last_attempt >= 0 else None,
        overdue=waited > within,
    )


def print_waiting(out: IO[str], records: list[WaitingRecord], within: int) -> None:
    """Print who waits, oldest first."""
    target = console(out)
    if not records:
        target.print(Text("Nobody waits: every caller from outside was reached, or left no number."))
        return
    late = sum(record.overdue for record in records)
    title = f"{len(records):,} missed calls whose callers were not reached"
    target.print(Text(f"{title}, {late:,} of them for longer than {duration(within / SECOND)}", style="bold"))
    table = Table(box=None, pad_edge=False, header_style="bright_black")
    table.add_column("Missed, UTC", no_wrap=True)
    table.add_column("Caller", overflow="fold")
    table.add_column("Dialled", overflow="fold")
    table.add_column("Over", overflow="fold")
    table.add_column("Waits", justify="right", no_wrap=True)
    table.add_column("Tries since", justify="right", no_wrap=True)
    table.add_column("Last try", no_wrap=True)
    table.add_column("ID", no_wrap=True)
    for record in records:
        table.add_row(*_row(record), style="red" if record.overdue else "")
    target.print(table)


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


def write_json(out: IO[bytes], records: list[WaitingRecord]) -> None:
    """Write a list of records."""
    out.write(json_text(msgspec.json.encode(records)) + b"\n")


def write_csv(out: IO[bytes], records: list[WaitingRecord]) -> None:
    """Write a row for each record."""
    text = io.TextIOWrapper(out, encoding="utf-8", newline="", write_through=True)
    rows = csv.writer(text)
    names = WaitingRecord.__struct_fields__
    rows.writerow(names)
    for record in records:
        values = [getattr(record, name) for name in names]
        rows.writerow(
            [csv_cell(value) if isinstance(value, str) else "" if value is None else str(value) for value in values]
        )
    text.flush()
    text.detach()


def _cell(value: object) -> str:
    if value is None:
        return ""
    return csv_cell(value) if isinstance(value, str) else str(value)
