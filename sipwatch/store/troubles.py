"""Incidents in a store: its sums held against their own past, with the calls behind what is found.

What is looked at begins at midnight (UTC) and is held against the week before, so that what was found once is found
again, with the same beginning, until the next midnight.

Must not know: what time it is (it is told), pages, sentences.
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from sipwatch.export.filters import compile_filter
from sipwatch.export.incidents import (
    ALL,
    OUTCOME,
    CountsByPair,
    ExampleRecord,
    IncidentRecord,
    IncidentSearch,
    Looked,
)
from sipwatch.export.moments import Moment
from sipwatch.knowledge import load
from sipwatch.packet import DAY, HOUR, MINUTE
from sipwatch.store.counted import RecentCounts, series
from sipwatch.store.wanted import Wanted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sipwatch.export.incidents import RiseRecord
    from sipwatch.store.reader import StoreReader

PAST: Final = 7 * DAY
LEAST_PERSONS: Final = 3  # callers, or numbers called; one person who dials again and again is no incident
MAX_PERSONS: Final = 10_000  # that are told apart
EXAMPLES: Final = 3
_SETTLED: Final = MINUTE  # a call that began later may be ringing, while one that failed is stored already
_PERSONS: Final = "SELECT DISTINCT coalesce({0}_digits, {0}, '') FROM calls WHERE {{}} LIMIT {1}"
# Of each code the latest whose messages are kept: of rows that are grouped, SQLite shows the one with the maximum.
_EXAMPLES: Final = (
    "SELECT id, status_code, cause, count(*), max((kept > 0) * 4000000000000000000 + started) FROM calls WHERE {}"
    " GROUP BY status_code, cause"
)
_FIRST: Final = "SELECT min(started), max(started) FROM calls WHERE {}"


def yesterday_and_today(now: int) -> tuple[int, int]:
    """Return from when until when it is usual to look: yesterday and today, until a minute ago (ns)."""
    return now // DAY * DAY - DAY, (now - _SETTLED) // MINUTE * MINUTE


def nothing_looked_at(since: int, until: int) -> Looked:
    """Return what is found where nothing is stored yet."""
    return Looked(since - PAST, since, until, 0, [])


class Troubles:
    """Looks for incidents: once a minute, whoever asks. For any thread; one looks, others wait for what it finds."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._recent = RecentCounts()
        self._past: tuple[object, CountsByPair, int] = (None, CountsByPair([]), 0)
        self._found: tuple[object, Looked] | None = None

    def look(self, reader: StoreReader, since: int, until: int) -> Looked:
        """Return the incidents of a time (ns). Raises StoreError."""
        since, until = since // MINUTE * MINUTE, until // MINUTE * MINUTE
        with self._lock:
            # What is written on the last day shows with the next minute.
            key = (since, until, reader.written(max(0, since - PAST), (until - 1) // DAY * DAY))
            if self._found is None or self._found[0] != key:
                self._found = (key, self._look(reader, since, until))
            return self._found[1]

    def _look(self, reader: StoreReader, since: int, until: int) -> Looked:
        past, calls = self._usual(reader, since)
        search = IncidentSearch(past, CountsByPair(self._recent.between(reader, since, until)), until)
        found = [_with_calls(reader, one, until) for one in search.incidents()]
        return Looked(since - PAST, since, until, calls, [one for one in found if _touches_people(one)])

    def _usual(self, reader: StoreReader, since: int) -> tuple[CountsByPair, int]:
        """Return what was counted in the week before, and how many calls; it changes once a day."""
        begin = max(0, since - PAST)
        key = (since, reader.written(begin, since))
        if self._past[0] != key:
            counted = series(reader, begin, since, HOUR)
            calls = sum(sum(one.calls.values()) for one in counted if one.what == OUTCOME)
            self._past = (key, CountsByPair(counted), calls)
        return self._past[1:]


def wanted_of(incident: IncidentRecord, rise: RiseRecord, until: int) -> Wanted:
    """Return which calls are behind what rose at an incident; ``until`` is where looking ended (ns)."""
    return Wanted(int(rise.since), int(rise.until or until), compile_filter(filter_of_rise(incident, rise)))


def filter_of_rise(incident: IncidentRecord, rise: RiseRecord) -> str:
    """Return the filter that the calls behind it match; when they began is not in it."""
    rose = f'{rise.what} == "{rise.word}"'
    return rose if incident.end == ALL else f'{incident.end} == "{incident.peer}" and {rose}'


def _with_calls(reader: StoreReader, incident: IncidentRecord, until: int) -> IncidentRecord:
    """Return an incident with who was touched, the first and last call behind it, examples, and who should look."""
    wanted = [wanted_of(incident, rise, until) for rise in incident.rises]
    moments = [row for one in wanted for row in reader.answers(_FIRST, one, MAX_PERSONS) if row[0] is not None]
    first = min((row[0] for row in moments if row[0] >= incident.since), default=incident.since)
    return replace(
        incident,
        callers=len(_persons(reader, wanted, "caller")),
        callees=len(_persons(reader, wanted, "callee")),
        since=incident.since if incident.before else Moment(first),
        last=Moment(max([row[1] for row in moments], default=incident.last)),
        examples=_examples(reader, wanted),
        rises=[replace(rise, owner=_owner(rise)) for rise in incident.rises],
    )


def _owner(rise: RiseRecord) -> str:
    knowledge = load()
    return (knowledge.outcome(rise.word) if rise.what == OUTCOME else knowledge.ending(rise.word)).who


def _persons(reader: StoreReader, wanted: Sequence[Wanted], side: str) -> set[str]:
    """Return the numbers at one side of calls, the first of very many."""
    question = _PERSONS.format(side, MAX_PERSONS)
    return {row[0] for one in wanted for row in reader.answers(question, one, MAX_PERSONS)}


def _examples(reader: StoreReader, wanted: Sequence[Wanted]) -> list[ExampleRecord]:
    """Return a call of each of the commonest codes and causes, the commonest first."""
    found: dict[tuple[int | None, int | None], tuple[int, int, str]] = {}
    for one in wanted:
        for record_id, code, cause, calls, latest in reader.answers(_EXAMPLES, one, MAX_PERSONS):
            before, best, example = found.get((code, cause), (0, -1, ""))
            found[code, cause] = (before + calls, *max((latest, record_id), (best, example)))
    ranked = sorted(found.items(), key=lambda one: (-one[1][0], one[1][2]))
    return [ExampleRecord(record_id, code, cause, calls) for (code, cause), (calls, _, record_id) in ranked[:EXAMPLES]]


def _touches_people(incident: IncidentRecord) -> bool:
    """Tell whether it is more than one person's trouble; of calls that have gone nobody knows."""
    return not incident.examples or max(incident.callers, incident.callees) >= LEAST_PERSONS
