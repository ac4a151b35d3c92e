"""The rows of a report's lists: calls that failed, that ended oddly, that a device did not take.

Must not know: how records come about, templates. Texts are as on the wire, as far as a template escapes them.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar

from sipwatch.classify.offers import REFUSED, Offered
from sipwatch.classify.outcomes import Category
from sipwatch.export.naming import name_of_call
from sipwatch.export.offers import address_of
from sipwatch.packet import SECOND
from sipwatch.report.listed import end_cause, response_words, stuck_at
from sipwatch.report.plain import (
    CATEGORY_MARKS,
    ENDED_BY_WORDS,
    OFFERED_WORDS,
    duration,
    plain_ending,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sipwatch.export.record import CallRecord, LegRecord
    from sipwatch.knowledge import Knowledge
    from sipwatch.report.html.times import ZoneTimes

MAX_ROWS: Final = 10_000  # of one list; what is older is counted
OPEN_ROWS: Final = 50  # that are seen at once; the others unfold
_MAX_TEXT: Final = 120  # characters of one text of a row

_Row = TypeVar("_Row")


class FailedRow(NamedTuple):
    """A call that failed."""

    time: str
    caller: str
    callee: str
    category: str
    mark: str
    name: str
    response: str
    hop: str
    after: str
    who: str
    call_id: str
    id: str
    direction: str = ""


class OddRow(NamedTuple):
    """A call that was answered, and ended in an odd way."""

    time: str
    caller: str
    callee: str
    ending: str
    by: str
    said: str
    talked: str
    hop: str
    call_id: str
    id: str
    direction: str = ""


class RefusedRow(NamedTuple):
    """A call that a device was offered and did not take; ``in_the_end`` is what became of the call."""

    time: str
    device: str
    caller: str
    how: str
    response: str
    rang: str
    in_the_end: str
    id: str


class NewestRows(Generic[_Row]):
    """Keeps the newest of many rows, as they were taken; ``older`` counts the others."""

    def __init__(self, most: int = MAX_ROWS) -> None:
        self.count = 0
        self._rows: deque[tuple[int, _Row]] = deque(maxlen=most)

    def take(self, moment: int, row: _Row) -> None:
        """Take the row of a call that began at a moment."""
        self.count += 1
        self._rows.append((moment, row))

    @property
    def older(self) -> int:
        """Return how many rows are not kept."""
        return self.count - len(self._rows)

    @property
    def at_once(self) -> list[_Row]:
        """Return the rows that are seen at once, the newest first."""
        return self._newest_first()[:OPEN_ROWS]

    @property
    def folded(self) -> list[_Row]:
        """Return the other rows, the newest first."""
        return self._newest_first()[OPEN_ROWS:]

    def _newest_first(self) -> list[_Row]:
        return [row for _, row in sorted(self._rows, key=lambda entry: entry[0], reverse=True)]


def failed_row(call: CallRecord, times: ZoneTimes, known: Knowledge) -> FailedRow:
    """Return the row of a call that failed."""
    return FailedRow(
        times.exact(call.started),
        short_text(call.caller or "?"),
        short_text(call.callee or "?"),
        call.category,
        CATEGORY_MARKS[Category(call.category)],
        name_of_call(call),
        short_text(_response(call)),
        short_text(stuck_at(call)),
        "" if call.ended is None else duration(call.ended.since(call.started)),
        known.outcome(call.outcome).who,
        short_text(call.call_id),
        call.id,
    )


def odd_row(call: CallRecord, times: ZoneTimes) -> OddRow:
    """Return the row of a call that was answered, and ended in an odd way."""
    return OddRow(
        times.exact(call.started),
        short_text(call.caller or "?"),
        short_text(call.callee or "?"),
        plain_ending(call.ending or ""),
        ENDED_BY_WORDS[call.ended_by or ""],
        short_text(end_cause(call)),
        "" if call.talk_seconds is None else duration(call.talk_seconds.seconds),
        short_text(f"{call.source_address} → {call.destination_address}"),
        short_text(call.call_id),
        call.id,
    )


def refused_rows(call: CallRecord, times: ZoneTimes, shown: Callable[[LegRecord], str]) -> Iterator[RefusedRow]:
    """Give a row for each device that did not take a call; ``shown`` is how a device is called."""
    for leg in refused_legs(call):
        rang = "" if leg.alerted is None or leg.settled is None else duration((leg.settled - leg.alerted) / SECOND)
        code = "" if leg.status_code is None else str(leg.status_code)
        yield RefusedRow(
            times.full(leg.started),
            short_text(shown(leg)),
            short_text(call.caller or "?"),
            OFFERED_WORDS[Offered(leg.offered or "")],
            code,
            rang,
            name_of_call(call),
            call.id,
        )


def refused_legs(call: CallRecord) -> list[LegRecord]:
    """Return the hops on which devices did not take a call."""
    return [leg for leg in call.legs if leg.offered in REFUSED]


def device_of(leg: LegRecord) -> str:
    """Return what the device at the end of a hop is called where nobody has a name for it."""
    return leg.device or leg.callee or address_of(leg)


def _response(call: CallRecord) -> str:
    cause = "" if call.cause is None else f" ({call.cause_protocol};cause={call.cause})"
    return response_words(call) + cause


def short_text(text: str) -> str:
    """Return what a text from the wire says within the room that one has."""
    return text if len(text) <= _MAX_TEXT else text[: _MAX_TEXT - 1] + "…"
