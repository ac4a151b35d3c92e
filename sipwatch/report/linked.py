"""Linked calls in one picture: the calls of one conversation on one ladder, each of their rows told apart by a letter.

Must not know: terminals, or how calls are linked. Texts are as on the wire: whoever writes them escapes them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sipwatch.export.naming import name_of_call
from sipwatch.report.diagram import Arrow, Diagram, Mark, diagram_of, legend

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sipwatch.export.record import CallRecord, LinkRecord
    from sipwatch.report.diagram import Lifeline, Row

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


class Together(NamedTuple):
    """A call and those that are linked with it, in the order of time, as one picture.

    The rows of ``diagram`` say of which of ``calls`` they are; ``legends`` has what has to be explained of each.
    """

    asked: CallRecord
    calls: list[CallRecord]
    diagram: Diagram
    legends: list[list[str]]

    @property
    def letters(self) -> list[str]:
        """Return what stands for each call in its rows, "" where there is but one."""
        return [letter(place) for place in range(len(self.calls))] if len(self.calls) > 1 else [""]

    @property
    def notes(self) -> list[str]:
        """Return what has to be explained, each behind the letter of its call."""
        legends = zip(self.letters, self.legends, strict=True)
        return [f"{mark} {line}".lstrip() for mark, lines in legends for line in lines]

    @property
    def headings(self) -> list[str]:
        """Say which calls there are, if several, by their letters: what became of each, and why it is there."""
        if len(self.calls) == 1:
            return []
        return [
            f"{mark} {one.caller or '?'} → {one.callee or '?'}, {one.id}: {name_of_call(one)}"
            + "".join(f"; linked with {self.asked.id} {words}" for words in self.why(one))
            for mark, one in zip(self.letters, self.calls, strict=True)
        ]

    def why(self, other: CallRecord) -> list[str]:
        """Say why another call is in the picture of the one that was asked for; nothing of that one itself."""
        if other is self.asked:
            return []
        words = [link_words(link) for link in self.asked.linked if link.id == other.id]
        words += [link_words(link, plain=True) for link in other.linked if link.id == self.asked.id]
        return words[:1]


def drawn_together(call: CallRecord, others: Sequence[CallRecord] = ()) -> Together:
    """Return the picture of a call with others that are linked with it: rows by time, ends as the calls pass them."""
    linked = sorted(others, key=lambda one: one.started)[: MAX_DRAWN - 1]
    calls = sorted([call, *linked], key=lambda one: (one.started, one is not call))
    diagrams = [diagram_of(one) for one in calls]
    return Together(call, calls, _joined(calls, diagrams), [legend(one) for one in diagrams])


def _joined(calls: Sequence[CallRecord], diagrams: Sequence[Diagram]) -> Diagram:
    ends: list[Lifeline] = []
    for diagram in diagrams:
        _take_in(ends, diagram)
    columns = {end.address: place for place, end in enumerate(ends)}
    found = [
        _moved(row, diagram, columns)._replace(call=place)
        for place, diagram in enumerate(diagrams)
        for row in diagram.rows
    ]
    found.sort(key=lambda row: row.time)
    rows = []
    before: int = min(call.started for call in calls)
    for row in found:
        rows.append(row._replace(since=row.time - before))
        before = row.time
    return Diagram(ends, rows, [])


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
