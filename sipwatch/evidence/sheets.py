"""The package as tables for a spreadsheet: a row for each example, a row for each outcome (RFC 4180).

Must not know: where they are written. No cell begins like a formula.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from sipwatch.evidence import facts
from sipwatch.evidence.hop import seen_in_words
from sipwatch.evidence.period import there
from sipwatch.export.escape import csv_cell
from sipwatch.export.naming import name_of_call

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from zoneinfo import ZoneInfo

    from sipwatch.evidence.facts import Example, Package, SummaryRow

Cell = str | int | float | None

EXAMPLE_COLUMNS = (
    "example", "id", "caller", "callee", "started", "time_zone", "started_utc", "call_id", "outcome", "plain_name",
    "hop_source", "hop_destination", "transport", "hop_started", "response", "reason", "status_code", "reason_phrase",
    "cause_protocol", "cause", "cause_text", "waited_seconds", "silent_seconds", "seen", "conditions", "findings",
    "source", "destination", "packets", "without_packets_because",
)  # fmt: skip
SUMMARY_COLUMNS = ("outcome", "plain_name", "calls", "share", "from_peer", "to_peer", "asked_for")


def examples(package: Package) -> str:
    """Return a row for each example."""
    return _sheet(EXAMPLE_COLUMNS, (_example(example, package) for example in package.examples))


def summary(package: Package) -> str:
    """Return a row for each outcome of the peer's calls in the period, and one for all of them."""
    rows = facts.rows(package)
    found: list[Sequence[Cell]] = [
        (row.outcome, row.name, row.calls, _share(row), row.sent, row.received, "yes" if row.asked else "no")
        for row in rows
    ]
    sent, received = sum(row.sent for row in rows), sum(row.received for row in rows)
    whole = None if any(row.share is None for row in rows) else 1
    return _sheet(SUMMARY_COLUMNS, [*found, ("all", "", sum(row.calls for row in rows), whole, sent, received, "")])


def _share(row: SummaryRow) -> float | None:
    return None if row.share is None else round(row.share, 6)


def _example(example: Example, package: Package) -> Sequence[Cell]:
    call, hop = example.call, example.hop
    return (
        example.number, call.id, call.caller, call.callee, _stamp(call.started, package.zone), package.zone.key,
        str(call.started), call.call_id, call.outcome, name_of_call(call),
        hop.leg.source_address, hop.leg.destination_address, hop.leg.transport, _stamp(hop.began, package.zone),
        hop.response, hop.reason, call.status_code, call.reason_phrase,
        call.cause_protocol, call.cause, call.cause_text, _seconds(hop.waited), _seconds(hop.silence),
        seen_in_words(hop),
        ", ".join(condition.kind for condition in call.conditions),
        " ".join(str(found.text) for found in call.findings),
        call.source, call.destination, example.capture.name, example.capture.why_not,
    )  # fmt: skip


def _sheet(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(columns)
    for row in rows:
        writer.writerow(["" if cell is None else csv_cell(cell) if isinstance(cell, str) else cell for cell in row])
    return out.getvalue()


def _seconds(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def _stamp(moment: int, zone: ZoneInfo) -> str:
    return there(moment, zone).isoformat("T", "microseconds")
