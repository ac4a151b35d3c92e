"""One call's picture as text for Mermaid (https://mermaid.js.org/syntax/sequenceDiagram.html), for wikis and tickets.

Must not know: how records come about. All text is escaped here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from sipwatch.export.escape import xml_characters
from sipwatch.packet import SECOND
from sipwatch.report.diagram import UNPLACED, Arrow, ArrowKind, LeftOut, bounded, mark_words
from sipwatch.report.linked import drawn_together
from sipwatch.report.plain import duration, several

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sipwatch.export.record import CallRecord
    from sipwatch.report.diagram import Diagram, Row

MAX_ROWS: Final = 400  # Mermaid itself refuses texts of more than 50,000 characters
MAX_ENDS: Final = 24
_MAX_TEXT: Final = 60
_LONG_SILENCE: Final = 10 * SECOND
_ARROWS: Final = {
    ArrowKind.REQUEST: "->>",
    ArrowKind.PROVISIONAL: "-->>",
    ArrowKind.SUCCESS: "-->>",
    ArrowKind.FAILURE: "--x",
}
# What is part of its grammar becomes a code: ";" ends a statement, "#" begins a code or a comment, "%%" a comment, and
# the word "end" a block's end. Markup would be read as HTML, "$$" as a formula, ":" and "->" as a message; between
# digits, as in times, ":" is harmless.
_GRAMMAR: Final = re.compile(r"(?!(?<=\d):\d)[^\w .,+/()?·…▲▽-]|\b[eE](?=[nN][dD]\b)|(?<=-)-|^[-+]")


def mermaid_text(call: CallRecord, others: Sequence[CallRecord] = ()) -> str:
    """Return the picture of a call whose messages were kept, with ``others`` linked with it: a ``sequenceDiagram``."""
    picture = drawn_together(call, others)
    diagram = bounded(picture.diagram, MAX_ROWS, MAX_ENDS)
    lines = ["sequenceDiagram"]
    for place, end in enumerate(diagram.ends):
        lines.append(f"    participant e{place} as {_text(f'{end.name} {end.address}'.strip()) or '-'}")
    lines += [_note(diagram, line) for line in picture.headings]
    for number, row in enumerate(diagram.rows):
        if number and row.since > _LONG_SILENCE:
            lines.append(_note(diagram, f"{duration(row.since / SECOND)} of silence"))
        lines.append(_row(diagram, row, picture.letters[row.call]))
    lines += [_note(diagram, line) for line in picture.notes]
    return "\n".join(lines) + "\n"


def _row(diagram: Diagram, row: Row, mark: str) -> str:
    what = row.what
    if isinstance(what, LeftOut):
        return _note(diagram, f"{several(what.rows, 'row')} left out")
    when = f"{mark} {row.time.exact_clock}".lstrip()
    if not isinstance(what, Arrow):
        return f"    Note over e{what.column}: {_text(f'{when} {mark_words(what)}')}"
    arrow = "-)" if what.again and what.kind is ArrowKind.REQUEST else _ARROWS[what.kind]
    remarks = [] if what.media is None else [f"SDP{' ' if what.media else ''}{', '.join(what.media)}"]
    words = f"{when} {what.label[:_MAX_TEXT]}" + "".join(f" ({remark})" for remark in remarks)
    words += (" (again)" if what.again else "") + ("" if what.placed else f" {UNPLACED}")
    return f"    e{what.source}{arrow}e{what.destination}: {_text(words)}"


def _note(diagram: Diagram, words: str) -> str:
    last = max(0, len(diagram.ends) - 1)
    return f"    Note over e0{f',e{last}' if last else ''}: {_text(words)}"


def _text(words: str) -> str:
    """Return text that is nothing but text to Mermaid, on one line."""
    return _GRAMMAR.sub(lambda found: f"#{ord(found[0])};", xml_characters(words[: 4 * _MAX_TEXT]))
