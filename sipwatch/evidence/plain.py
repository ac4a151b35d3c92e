"""The package as plain text, to be read in a terminal or in a ticket.

Must not know: where it is written. All text from the wire is escaped here.
"""

from __future__ import annotations

from textwrap import fill, wrap
from typing import TYPE_CHECKING

from sipwatch.evidence import facts
from sipwatch.export.escape import terminal
from sipwatch.export.naming import name_of_call

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sipwatch.evidence.facts import Example, Package

_WIDTH = 100
_NAMES = 20  # columns


def plain(package: Package) -> str:
    """Return the text."""
    title = terminal(f"Call examples for {package.peer}")
    parts = [title, "=" * len(title), "", _filled(facts.headline(package)), _filled(facts.period(package))]
    for name, meaning in facts.meanings(package):
        parts += ["", _filled(f"{name}: {meaning}")]
    parts += ["", _filled(facts.shown(package)), "", *_summary(package)]
    for example in package.examples:
        parts += ["", *_example(example, package)]
    parts += ["", "About these examples", "--------------------"]
    parts += [_filled(f"- {note}", "  ") for note in facts.notes(package)]
    parts += ["", terminal(f"Made with sipwatch {package.version} from {', '.join(package.files)}.")]
    return "\n".join(parts) + "\n"


def _summary(package: Package) -> Iterator[str]:
    peer = terminal(package.peer)
    yield f"All calls from or to {peer} in this time"
    yield f"{'Calls':>8} {'Share':>7} {'From it':>8} {'To it':>8}  What became of them"
    rows = facts.rows(package)
    for row in rows:
        mark = "  *" if row.asked else ""
        yield f"{row.calls:>8,} {facts.share_of(row):>7} {row.sent:>8,} {row.received:>8,}  {row.name}{mark}"
    sent, received = sum(row.sent for row in rows), sum(row.received for row in rows)
    yield f"{sum(row.calls for row in rows):>8,} {'':>7} {sent:>8,} {received:>8,}  all"


def _example(example: Example, package: Package) -> Iterator[str]:
    call = example.call
    parties = terminal(f"{call.caller or '(none)'} → {call.callee or '(none)'}")
    title = f"{example.number}. {parties}, {name_of_call(call)}"
    yield title
    yield "-" * len(title)
    for name, value in facts.fields(example, package):
        first, *rest = wrap(terminal(value), _WIDTH - _NAMES, break_on_hyphens=False) or [""]
        yield f"{name:<{_NAMES}}{first}"
        yield from (f"{'':<{_NAMES}}{line}" for line in rest)
    lines, more = facts.lines(example, package)
    if lines:
        yield ""
    for line in lines:
        mark = "*" if line.own else " "
        yield terminal(f"{mark} {line.clock}  {line.after:>12}  {line.source} → {line.destination}  {line.message}")
    if more:
        yield f"{more:,} more messages are in the packet capture."


def _filled(words: str, indent: str = "") -> str:
    return fill(terminal(words), _WIDTH, subsequent_indent=indent, break_on_hyphens=False)
