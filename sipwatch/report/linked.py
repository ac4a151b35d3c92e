"""Linked calls in one picture: the calls of one conversation on one ladder, each of their rows told apart by a letter.

Must not know: terminals, or how calls are linked. Texts are as on the wire: whoever writes them escapes them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sipwatch.report.diagram import Arrow, Mark, diagram_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sipwatch.export.record import CallRecord, LinkRecord
    from sipwatch.report.diagram import Diagram, Lifeline, Row

MAX_DRAWN: Final = 9  # a call, and as many as it can be linked with
_BY_WORDS: Final = {
    "replaces": "Replaces",
    "referred": "REFER and Referred-By",
    "header": "a header that the configuration names",
    "session_id": "Session-ID",
    "numbers": "numbers, time and session description",
}
_ROLE_WORDS: Final = {
    "upstream": "nearer the caller",
    "downstream": "farther from the caller",
    "replaced": "replaced by it",
    "replacing": "in its place",
    "transferring": "in which it was asked for",
    "transferred": "set up by it",
}


class Joined(NamedTuple):
    """Several calls as one picture; ``calls`` has for each row the place of the call that it is of."""

    ends: list[Lifeline]
    rows: list[Row]
    calls: list[int]


def joined(calls: Sequence[CallRecord]) -> Joined:
    """Return the picture of calls, which come in the order of time: rows by time, ends as the calls pass them."""
    diagrams = [diagram_of(call) for call in calls]
    ends: list[Lifeline] = []
    for diagram in diagrams:
        _take_in(ends, diagram)
    columns = {end.address: place for place, end in enumerate(ends)}
    found = [
        (row.time, place, _moved(row, diagram, columns))
        for place, diagram in enumerate(diagrams)
        for row in diagram.rows
    ]
    found.sort(key=lambda entry: entry[0])
    rows = []
    before: int = min(call.started for call in calls)
    for time, _, row in found:
        rows.append(row._replace(since=time - before))
        before = time
    return Joined(ends, rows, [place for _, place, _ in found])


def _take_in(ends: list[Lifeline], diagram: Diagram) -> None:
    """Add the ends of a picture: one that is new stands behind the one before it."""
    addresses = [end.address for end in ends]
    behind = len(ends)
    for place, end in enumerate(diagram.ends):
        if end.address in addresses:
            behind = addresses.index(end.address) + 1
            continue
        if not place and any(later.address in addresses for later in diagram.ends):
            behind = min(addresses.index(later.address) for later in diagram.ends if later.address in addresses)
        ends.insert(behind, end)
        addresses.insert(behind, end.address)
        behind += 1


def _moved(row: Row, diagram: Diagram, columns: dict[str, int]) -> Row:
    """Return a row of one picture with the columns of the whole."""

    def column(place: int) -> int:
        return columns[diagram.ends[place].address]

    what = row.what
    if isinstance(what, Arrow):
        return row._replace(what=what._replace(source=column(what.source), destination=column(what.destination)))
    return row._replace(what=what._replace(column=column(what.column))) if isinstance(what, Mark) else row


def letter(place: int) -> str:
    """Return what stands for a call in the rows: A is the first."""
    return chr(ord("A") + place)


def link_words(link: LinkRecord, *, plain: bool = False) -> str:
    """Say why a call is linked with another, that both are counted and, unless ``plain``, what the other is to it."""
    role = "" if plain else _ROLE_WORDS.get(link.role or "")
    return f"by {_BY_WORDS[link.by]}{f', {role}' if role else ''}; counted as two calls"
