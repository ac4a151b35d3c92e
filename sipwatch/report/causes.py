"""What probably lies behind the calls: findings, devices that do not take calls, and marks, for people at a terminal.

Must not know: how any of it was found. All text from the wire is escaped here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from sipwatch.export.escape import terminal
from sipwatch.export.naming import plain_name
from sipwatch.report.plain import TAG_WORDS
from sipwatch.report.screen import FAINT, Column, figures, indented, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType
    from rich.table import Table

    from sipwatch.export.record import CaptureFindingRecord, DeviceRecord, FindingRecord, SummaryRecord

MAX_CAUSES = 12
MAX_DEVICES = 8
_SHOWN_FROM = 2  # calls not taken: one alone says nothing of a device


def causes(summary: SummaryRecord) -> Iterator[RenderableType]:
    """Give the findings, those of most calls first."""
    ranked = sorted(summary.findings, key=lambda found: (-found.calls, found.first))
    if not ranked:
        return
    title = "Probable causes"
    if len(ranked) > MAX_CAUSES:
        title += f" (the first {MAX_CAUSES} of {len(ranked)}; --format json has them all)"
    yield Text(title, style="bold")
    for found in ranked[:MAX_CAUSES]:
        yield _head(found)
        if not found.texts:
            yield indented(terminal(str(found.text)), 7)
        for calls, text in found.told_apart():
            yield indented(Text.assemble((" ".join(calls), FAINT), "  ", terminal(str(text))), 7)


def _head(found: CaptureFindingRecord) -> Text:
    text = Text(f"{found.calls or '':>5}  ")
    text.append(f"{_name(found.kind)}: {terminal(str(found.subject))}", style="bold yellow")
    if found.ids and not found.texts:
        text.append(f"  {' '.join(found.ids[:3])}", style=FAINT)
    return text


def causes_of_call(findings: list[FindingRecord]) -> Iterator[Text]:
    """Give a call's own findings, each with the packets that show it."""
    for found in findings:
        text = Text(f"{_name(found.kind)}: ", style="bold yellow")
        text.append(terminal(str(found.text)), style="default")
        yield text
        for seen in found.evidence:
            number = f"packet {seen.packet}" if seen.packet else ""
            yield Text(f"  {seen.time.exact_clock}  {number:<12}  {terminal(str(seen.what))}", style=FAINT)


def devices(summary: SummaryRecord) -> Table | None:
    """Return the devices that did not take calls, the worst first; None where there are none."""
    shown = [device for device in summary.devices if device.offered - device.answered >= _SHOWN_FROM][:MAX_DEVICES]
    if not shown:
        return None
    rows = table(*map(figures, ("Offered", "Not taken", "In a row")), "Device", "Because")
    for device in shown:
        rows.add_row(*_device(device))
    return rows


def _device(device: DeviceRecord) -> tuple[str, str, str, str, str]:
    refused = device.offered - device.answered
    why = ", ".join(f"{plain_name(outcome)} {count:,}" for outcome, count in device.refused.items())
    name = f"{terminal(device.device)} at {device.address}"
    return f"{device.offered:,}", f"{refused / device.offered:.0%}", f"{device.longest:,}", name, why


def marks(summary: SummaryRecord) -> Table | None:
    """Return the tags counted, None where no call has one."""
    if not summary.tags:
        return None
    rows = table(figures("Calls"), Column("Marked", one_piece=True), "")
    for tag, count in summary.tags.items():
        rows.add_row(f"{count:,}", tag, Text(TAG_WORDS[tag], style=FAINT))
    return rows


def _name(kind: str) -> str:
    from sipwatch.knowledge import load  # noqa: PLC0415 - read only where there is something to name

    return load().finding(kind).plain
