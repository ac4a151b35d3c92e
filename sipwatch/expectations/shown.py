"""Results for people at a terminal: what was expected, what came of it, and calls to look at.

Must not know: how anything was judged. All text from outside is escaped here.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from rich.text import Text

from sipwatch.export.escape import terminal
from sipwatch.report.plain import several
from sipwatch.report.screen import FAINT, console, indented

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sipwatch.expectations.judge import ResultRecord


def print_results(out: IO[str], results: Sequence[ResultRecord]) -> None:
    """Print what became of each expectation, and of how many it is so."""
    target = console(out)
    for one in results:
        mark = ("met    ", "green") if one.met else ("not met", "bold red")
        target.print(Text.assemble(mark, f"  {terminal(one.name)}"))
        target.print(indented(terminal(one.text), 9, FAINT if one.met else ""))
        if one.examples:
            target.print(indented(f"for example {', '.join(one.examples)}", 9))
    met = sum(one.met for one in results)
    target.print()
    target.print(Text(f"{met:,} of {several(len(results), 'expectation')} met.", "bold"))
    if any(one.examples for one in results):
        target.print(Text("sipwatch replay FILE --ladder ID draws a call.", FAINT))
