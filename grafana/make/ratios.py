"""The six ratios of calls, for both pages that show them: names, meanings, and from where on a value is bad.

Must not know: of which calls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from grafana.make import colours
from grafana.make.panels import NO_DATA, SHARE, Face, Query, Step, lines, stats
from grafana.make.queries import RANGE, RATE, call_ratios
from grafana.make.words import Look

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import stat, timeseries


class Ratio(NamedTuple):
    """What a ratio is called, what it says, and its colours."""

    title: str
    about: str
    steps: tuple[Step, ...]


# Of the time shown, which may be long past: what is low is worth a look, and never red.
_LOW, _MIDDLING, _FINE = colours.ORANGE, "yellow", colours.GOOD
_USUALLY_HALF = (NO_DATA, Step(0, _LOW), Step(0.3, _MIDDLING), Step(0.5, _FINE))
_NEARLY_ALL = (NO_DATA, Step(0, _LOW), Step(0.7, _MIDDLING), Step(0.9, _FINE))
_MOST = (NO_DATA, Step(0, _LOW), Step(0.5, _MIDDLING), Step(0.7, _FINE))
_HARDLY_ANY = (NO_DATA, Step(0, _FINE), Step(0.05, _MIDDLING), Step(0.15, _LOW))

RATIOS: dict[str, Ratio] = {
    "ASR": Ratio("Answered (ASR)", "Answer-Seizure Ratio: answered calls, of all calls.", _USUALLY_HALF),
    "NER": Ratio(
        "Network effective (NER)",
        "Network Effectiveness Ratio: calls that were answered, or that failed because of the people (busy, no answer, "
        "gave up), of all calls. The rest failed in servers, trunks or routing.",
        _NEARLY_ALL,
    ),
    "SER": Ratio(
        "Established (SER)",
        "Session Establishment Ratio (RFC 6076): answered calls, of all calls that were not redirected.",
        _USUALLY_HALF,
    ),
    "SEER": Ratio(
        "Reached (SEER)",
        "Session Establishment Effectiveness Ratio (RFC 6076): calls that were answered, or declined by the user they "
        "reached (480, 486, 600, 603), of all calls that were not redirected.",
        _MOST,
    ),
    "ISA": Ratio(
        "Ineffective (ISA)",
        "Ineffective Session Attempts (RFC 6076): calls that got 408, 500, 503 or 504, or no response at all, of all "
        "calls. The fewer the better.",
        _HARDLY_ANY,
    ),
    "SCR": Ratio(
        "Completed (SCR)",
        "Session Completion Ratio (RFC 6076): calls that were answered and hung up properly, of all calls. Calls that "
        "are still up are not completed yet, so this lags behind over a short time.",
        _USUALLY_HALF,
    ),
}

_COLOURS = {"ASR": "green", "NER": "blue", "SER": "purple"}


def figures(*where: str, names: tuple[str, ...] = tuple(RATIOS)) -> list[stat.Panel]:
    """Return a panel for each ratio, over all the time shown; ``where`` narrows the calls."""
    queries = call_ratios(*where, window=RANGE)
    return [
        stats(
            Face(RATIOS[name].title, RATIOS[name].about, SHARE, "No calls", 4, 4),
            Query(queries[name], name),
            steps=RATIOS[name].steps,
            decimals=1,
        )
        for name in names
    ]


def over_time(face: Face, *where: str, names: tuple[str, ...]) -> timeseries.Panel:
    """Return a graph of ratios, each point over five minutes at least."""
    queries = call_ratios(*where, window=RATE)
    looks = {RATIOS[name].title: Look(RATIOS[name].title, _COLOURS[name]) for name in names}
    return lines(face, *(Query(queries[name], RATIOS[name].title) for name in names), looks=looks, every="5m")
