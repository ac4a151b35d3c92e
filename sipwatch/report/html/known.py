"""What is known about everything that a report is of: outcomes, endings, causes, conditions, responses.

Must not know: templates, how records come about.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sipwatch.classify.endings import UNREMARKABLE
from sipwatch.classify.outcomes import CATEGORY_OF, Category
from sipwatch.export.summary import by_frequency
from sipwatch.knowledge import load
from sipwatch.knowledge.entries import MAX_CAUSE, MAX_CODE, MIN_CODE
from sipwatch.report.html.scope import OF_AGENTS, View

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sipwatch.export.record import SummaryRecord
    from sipwatch.knowledge.entries import Entry
    from sipwatch.report.html.tally import ResponseCount

_NEEDS_NO_WORDS: Final = (Category.SUCCESS, Category.UNKNOWN)
_RESPONSES: Final = 20  # and causes that are explained, the most frequent


class KnownGroup(NamedTuple):
    """What is known about things of one kind, under a heading."""

    title: str
    entries: list[Entry]


def known_of(summary: SummaryRecord, responses: Iterable[ResponseCount], view: View) -> list[KnownGroup]:
    """Return what is known about what occurs, by kind, the most frequent first."""
    responses = list(responses)[:_RESPONSES]
    groups = [
        KnownGroup("What became of calls", list(_outcomes(summary))),
        KnownGroup("How answered calls ended", list(_endings(summary))),
        KnownGroup("Probable causes", list(_findings(summary, view))),
        KnownGroup("Wrong while it lasted", [load().condition(kind) for kind in by_frequency(summary.conditions)]),
        KnownGroup("Responses", list(_statuses(responses))),
        KnownGroup("Causes that the network gave (Q.850)", list(_numbers(responses))),
    ]
    if view is View.AGENTS:
        groups = [groups[0], groups[2]]
    return [group for group in groups if group.entries]


def _outcomes(summary: SummaryRecord) -> Iterator[Entry]:
    for outcome in by_frequency(summary.outcomes):
        if Category(CATEGORY_OF[outcome]) not in _NEEDS_NO_WORDS:
            yield load().outcome(outcome)


def _endings(summary: SummaryRecord) -> Iterator[Entry]:
    for ending in by_frequency(summary.endings):
        if ending not in UNREMARKABLE:
            yield load().ending(ending)


def _findings(summary: SummaryRecord, view: View) -> Iterator[Entry]:
    counts: dict[str, int] = {}
    for found in summary.findings:
        if view is not View.AGENTS or found.kind in OF_AGENTS:
            counts[found.kind] = counts.get(found.kind, 0) + max(1, found.calls)
    for kind in by_frequency(counts):
        yield load().finding(kind)


def _statuses(responses: Iterable[ResponseCount]) -> Iterator[Entry]:
    for code in dict.fromkeys(one.code for one in responses):
        if code is not None and MIN_CODE <= code <= MAX_CODE:
            yield load().status(code)


def _numbers(responses: Iterable[ResponseCount]) -> Iterator[Entry]:
    for cause in dict.fromkeys(one.cause for one in responses):
        if cause is not None and 1 <= cause <= MAX_CAUSE:
            yield load().cause(cause)
