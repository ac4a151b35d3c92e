"""The table of attacks in docs/benchmarks.md, from what ``make hostile`` has stored.

Must not know: how anything is attacked or measured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench import rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.rows import Row


def attacks() -> str:
    """Write the table of what is stored."""
    return table(rows.load())


def table(found: Sequence[Row]) -> str:
    """Write a table of rows, and below it what is out of bounds."""
    lines = ["| attack or fault | before | now | asserted | within |", "| --- | --- | --- | --- | --- |"]
    for row in found:
        shorter = "" if row.scale == 1 else f" (measured at {row.scale:.3g} of its length)"
        within = "**no**" if row.complaints else "yes"
        lines.append(f"| {row.attack}{shorter} | {row.before} | {row.now} | {row.wanted} | {within} |")
    said = [f"- {row.name}: {complaint}" for row in found for complaint in row.complaints]
    if said:
        lines += ["", "Out of bounds:", "", *said]
    when = sorted({row.measured for row in found})
    return "\n".join([f"Measured {'; '.join(when)}.", "", *lines, ""])
