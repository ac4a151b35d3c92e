"""One call as a picture in values: its ends as columns; its messages and conditions as rows, in the order of time.

Must not know: terminals, formats, or how the picture is written down. Texts are as on the wire: whoever writes them
escapes them for where they go.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from sipwatch.report.described import changes, media_of
from sipwatch.report.plain import CONDITION_WORDS, INFERRED_WORDS

if TYPE_CHECKING:
    from sipwatch.export.moments import Moment
    from sipwatch.export.record import CallRecord, MessageRecord
    from sipwatch.report.described import Media

_RESPONSE: Final = "SIP/2.0 "
UNPLACED: Final = "(?)"
_UNPLACED_WORDS: Final = "could not be placed: it belongs to no request that was seen, and no verdict follows from it"


class ArrowKind(StrEnum):
    """What a message is, as far as an arrow shows it."""

    REQUEST = "request"
    PROVISIONAL = "provisional"
    SUCCESS = "success"
    FAILURE = "failure"


class Lifeline(NamedTuple):
    """A column: an address and the peer's name, ``""`` where none is configured."""

    address: str
    name: str


class Arrow(NamedTuple):
    """A message between two columns.

    ``message`` is its place in the call's ``messages``, ``label`` its method, or its code and phrase. ``media`` is
    None without SDP, else how it differs from what the same side has sent before: nothing, in words.
    """

    message: int
    source: int
    destination: int
    label: str
    kind: ArrowKind
    again: bool
    placed: bool
    media: tuple[str, ...] | None


class Mark(NamedTuple):
    """A condition at its moment: raised, or resolved in the way that ``resolution`` says; ``leg`` is its place."""

    condition: str
    leg: int
    column: int
    resolution: str | None


class LeftOut(NamedTuple):
    """Rows that are not shown, to keep the picture in bounds."""

    rows: int


class Row(NamedTuple):
    """One row; ``since`` is the time since the row before (ns), below 0 where clocks went back.

    ``call`` is the place of the call that it is of, where there are several in one picture.
    """

    time: Moment
    since: int
    what: Arrow | Mark | LeftOut
    call: int = 0


class Diagram(NamedTuple):
    """The whole picture; ``inferred`` has what was not captured, as leg (its place) and what."""

    ends: list[Lifeline]
    rows: list[Row]
    inferred: list[tuple[int, str]]

    @property
    def arrows(self) -> list[Arrow]:
        """Return the messages shown."""
        return [row.what for row in self.rows if isinstance(row.what, Arrow)]


def diagram_of(call: CallRecord) -> Diagram:
    """Return the picture of a call; without its messages it has but conditions."""
    addresses = _addresses(call)
    columns = {address: place for place, address in enumerate(addresses)}
    names = _names(call)
    return Diagram(
        [Lifeline(address, names.get(address, "")) for address in addresses],
        _timed(call, [*_arrows(call, columns), *_marks(call, columns)]),
        [(place, what) for place, leg in enumerate(call.legs) for what in leg.inferred],
    )


def bounded(diagram: Diagram, most_rows: int, most_ends: int) -> Diagram:
    """Return a picture of at most so many rows and columns (at least 2): the first three quarters and the last.

    The last column stands for all ends that have none of their own, and is named by their number.
    """
    ends, rows = diagram.ends, diagram.rows
    if len(rows) > most_rows:
        first = most_rows * 3 // 4
        rest = len(rows) - (most_rows - first)
        hidden = Row(rows[first].time, rows[first].since, LeftOut(rest - first))
        rows = [*rows[:first], hidden, *rows[rest:]]
    if len(ends) > most_ends:
        last = most_ends - 1
        rows = [row._replace(what=_within(row.what, last)) for row in rows]
        ends = [*ends[:last], Lifeline("", f"{len(ends) - last} others")]
    return Diagram(ends, rows, diagram.inferred)


def _within(what: Arrow | Mark | LeftOut, last: int) -> Arrow | Mark | LeftOut:
    if isinstance(what, Arrow):
        return what._replace(source=min(what.source, last), destination=min(what.destination, last))
    return what._replace(column=min(what.column, last)) if isinstance(what, Mark) else what


def _addresses(call: CallRecord) -> list[str]:
    """Order the ends as the call passes them, from the caller on."""
    ends: list[str] = []
    for leg in call.legs:
        for address in (leg.source_address, leg.destination_address):
            if address not in ends:
                place = ends.index(leg.source_address) + 1 if leg.source_address in ends else len(ends)
                if address == leg.source_address and leg.destination_address in ends:
                    place = ends.index(leg.destination_address)
                ends.insert(place, address)
    known = set(ends)
    for message in call.messages or ():
        for address in (message.source, message.destination):
            if address not in known:
                known.add(address)
                ends.append(address)
    return ends


def _names(call: CallRecord) -> dict[str, str]:
    """Return the names of the peers that the ends belong to, where they are configured."""
    names: dict[str, str] = {}
    for leg in call.legs:
        names[leg.source_address] = leg.source
        names[leg.destination_address] = leg.destination
    return {address: name for address, name in names.items() if name != "other"}


def _timed(call: CallRecord, found: list[tuple[Moment, Arrow | Mark]]) -> list[Row]:
    # Of one moment: messages, then what was raised, then what was resolved.
    found.sort(key=lambda entry: (entry[0], isinstance(entry[1], Mark) and entry[1].resolution is not None))
    before: int = call.started
    rows = []
    for time, what in found:
        rows.append(Row(time, time - before, what))
        before = time
    return rows


def _arrows(call: CallRecord, columns: dict[str, int]) -> list[tuple[Moment, Arrow | Mark]]:
    # By hop, else by sender: a proxy may put itself in between the media, and later requests may go past proxies.
    described: dict[tuple[str, ...], Media] = {}
    found: list[tuple[Moment, Arrow | Mark]] = []
    for place, message in enumerate(call.messages or ()):
        media = None if message.retransmission else media_of(message)
        words = None
        if media is not None:
            sender, hop = (message.source, media.tag), (message.source, media.tag, message.destination)
            words = changes(described.get(hop) or described.get(sender), media)
            described[hop] = described[sender] = media
        source, destination = columns[message.source], columns[message.destination]
        label, kind = _label(message), _kind(message)
        arrow = Arrow(place, source, destination, label, kind, message.retransmission, message.placed, words)
        found.append((message.time, arrow))
    return found


def _marks(call: CallRecord, columns: dict[str, int]) -> list[tuple[Moment, Arrow | Mark]]:
    found: list[tuple[Moment, Arrow | Mark]] = []
    for condition in call.conditions:
        column = columns[call.legs[condition.leg].source_address] if condition.leg < len(call.legs) else 0
        found.append((condition.raised, Mark(condition.kind, condition.leg, column, None)))
        if condition.resolved is not None and condition.resolution:
            found.append((condition.resolved, Mark(condition.kind, condition.leg, column, condition.resolution)))
    return found


def _label(message: MessageRecord) -> str:
    """Return a request's method, or a response's code and phrase."""
    line = message.first_line
    return line[len(_RESPONSE) :] if line.startswith(_RESPONSE) else line.partition(" ")[0]


def _kind(message: MessageRecord) -> ArrowKind:
    """Return what a message is."""
    line = message.first_line
    code = line[len(_RESPONSE) : len(_RESPONSE) + 1] if line.startswith(_RESPONSE) else ""
    return {"": ArrowKind.REQUEST, "1": ArrowKind.PROVISIONAL, "2": ArrowKind.SUCCESS}.get(code, ArrowKind.FAILURE)


def mark_words(mark: Mark) -> str:
    """Say what a mark stands for."""
    if mark.resolution is not None:
        return f"▽ {mark.condition} {mark.resolution}"
    return f"▲ {mark.condition}: {CONDITION_WORDS[mark.condition]} (leg {mark.leg + 1})"


def legend(diagram: Diagram) -> list[str]:
    """Explain what has to be: messages without a place, and what was inferred, of which leg."""
    lines = [f"{UNPLACED} {_UNPLACED_WORDS}"] if any(not arrow.placed for arrow in diagram.arrows) else []
    return [*lines, *(f"Leg {leg + 1}: {INFERRED_WORDS[what]}" for leg, what in diagram.inferred)]
