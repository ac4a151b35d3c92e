"""The six ratios of calls, for both pages that show them: names, meanings, and from where on a value is bad.

Must not know: of which calls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from grafana.make.panels import Face, Query, Step, lines, stats
from grafana.make.queries import RANGE, RATE, call_ratios

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import stat, timeseries


class Ratio(NamedTuple):
    """What a ratio is called, what it says, and its colours."""

    title: str
    about: str
    steps: tuple[Step, ...]


_USUALLY_HALF = (Step(None, "red"), Step(0.3, "orange"), Step(0.5, "green"))
_NEARLY_ALL = (Step(None, "red"), Step(0.7, "orange"), Step(0.9, "green"))
_MOST = (Step(None, "red"), Step(0.5, "orange"), Step(0.7, "green"))
_HARDLY_ANY = (Step(None, "green"), Step(0.05, "orange"), Step(0.15, "red"))

RATIOS: dict[str, Ratio] = {
    "ASR": Ratio("Answered (ASR)", "Answer-Seizure Ratio: answered calls, of all calls.", _USUALLY_HALF),
    "NER": Ratio(
        "Not the network's fault (NER)",
        "Network Effectiveness Ratio: calls that were answered, or failed by the user's doing (busy, no answer, gave "
        "up), of all calls. What is missing failed in servers, trunks or routing.",
        _NEARLY_ALL,
    ),
    "SER": Ratio(
        "Established (SER)",
        "RFC 6076 Session Establishment Ratio: answered calls, of all calls that were not redirected.",
        _USUALLY_HALF,
    ),
    "SEER": Ratio(
        "Reached somebody (SEER)",
        "RFC 6076 Session Establishment Effectiveness Ratio: calls answered, or refused by whom they reached (480, "
        "486, 600, 603), of all calls that were not redirected.",
        _MOST,
    ),
    "ISA": Ratio(
        "Broken on the way (ISA)",
        "RFC 6076 Ineffective Session Attempts: calls that got 408, 500, 503 or 504, or nothing at all, of all calls. "
        "The fewer the better.",
        _HARDLY_ANY,
    ),
    "SCR": Ratio(
        "Completed (SCR)",
        "RFC 6076 Session Completion Ratio: calls answered and properly hung up, of all calls. Calls that are still up "
        "are not completed yet, so over a short time it lags behind.",
        _USUALLY_HALF,
    ),
}


def figures(*where: str, names: tuple[str, ...] = tuple(RATIOS)) -> list[stat.Panel]:
    """Return a panel for each ratio, over all the time shown; ``where`` narrows the calls."""
    queries = call_ratios(*where, window=RANGE)
    return [
        stats(
            Face(RATIOS[name].title, RATIOS[name].about, "percentunit", "No calls", 4, 4),
            Query(queries[name], name),
            steps=RATIOS[name].steps,
            decimals=1,
        )
        for name in names
    ]


def over_time(face: Face, *where: str, names: tuple[str, ...]) -> timeseries.Panel:
    """Return a graph of ratios, each point over five minutes at least."""
    queries = call_ratios(*where, window=RATE)
    return lines(face, *(Query(queries[name], RATIOS[name].title) for name in names), every="5m")
