"""What a report counts beside the summary: responses, refused calls by the hour.

Must not know: templates, how records come about, any clock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sipwatch.classify.offers import REFUSED, Offered
from sipwatch.classify.outcomes import FAILURES
from sipwatch.export.naming import name_of_call
from sipwatch.report.html.rows import refused_legs
from sipwatch.report.plain import OFFERED_WORDS

if TYPE_CHECKING:
    from sipwatch.export.record import CallRecord
    from sipwatch.report.html.times import ZoneTimes

MAX_KINDS_OF_RESPONSE: Final = 500
MAX_RESPONSES: Final = 40  # shown


class ResponseCount(NamedTuple):
    """A final response (code or None, Q.850 cause or None), what it stood for, and how many calls ended so."""

    code: int | None
    cause: int | None
    outcome: str
    name: str
    calls: int


class ResponseTally:
    """Counts calls. ``left_out`` are those whose response found no room."""

    def __init__(self, times: ZoneTimes) -> None:
        self.left_out = 0
        self._times = times
        self._responses: dict[tuple[int, int, str, str], int] = {}
        self._hours = {how: [0] * 24 for how in Offered if how.value in REFUSED}

    def add(self, call: CallRecord) -> None:
        """Take a call."""
        for leg in refused_legs(call):
            self._hours[Offered(leg.offered or "")][self._times.hour(leg.started)] += 1
        if call.outcome not in FAILURES:
            return
        cause = call.cause if call.cause is not None and call.cause_protocol == "Q.850" else None
        key = (call.status_code or 0, cause or 0, call.outcome, name_of_call(call))
        if key in self._responses or len(self._responses) < MAX_KINDS_OF_RESPONSE:
            self._responses[key] = self._responses.get(key, 0) + 1
        else:
            self.left_out += 1

    def responses(self) -> list[ResponseCount]:
        """Return what failed calls ended with, the most frequent first."""
        ranked = sorted(self._responses.items(), key=lambda entry: (-entry[1], entry[0]))
        return [ResponseCount(code or None, cause or None, word, name, n) for (code, cause, word, name), n in ranked]

    def hours(self) -> list[tuple[str, list[int]]]:
        """Return how often devices did not take calls in each hour of the day, by how; empty where they took all."""
        return [(OFFERED_WORDS[how], counts) for how, counts in self._hours.items() if any(counts)]
