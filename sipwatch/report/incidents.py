"""Incidents in sentences: what rose where, since when, held against what is usual, and what was well meanwhile.

Must not know: terminals, pages, where incidents come from. Names of peers are the configuration's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sipwatch.export.incidents import ALL, ENDING, SOURCE
from sipwatch.export.moments import Moment
from sipwatch.export.naming import name_of_any
from sipwatch.report.plain import plain_ending, several

if TYPE_CHECKING:
    from sipwatch.export.incidents import IncidentRecord, RiseRecord

_HARDLY: Final = 0.003  # what a share that has never been seen is taken for, and a little more
_ENDS: Final = {ALL: "All calls", SOURCE: "Calls from"}


def place_words(incident: IncidentRecord) -> str:
    """Say whose calls they are: ``Calls to trunk-a``."""
    start = _ENDS.get(incident.end, "Calls to")
    return start if incident.peer is None else f"{start} {incident.peer}"


def rise_name(rise: RiseRecord) -> str:
    """Return the plain name of what rose."""
    return plain_ending(rise.word) if rise.what == ENDING else name_of_any(rise.word)


def incident_name(incident: IncidentRecord) -> str:
    """Say what it is in a few words: ``Calls to trunk-a: Server failure``."""
    names = [f"“{rise_name(rise)}”" for rise in incident.rises]
    more = f" and {several(len(names) - 2, 'more', 'more')}" if len(names) > 2 else ""
    return f"{place_words(incident)}: {' and '.join(names[:2]) if not more else ', '.join(names[:2])}{more}"


def rise_words(rise: RiseRecord) -> str:
    """Say by how much a share rose, beside what is usual at these hours of the day."""
    of = "answered calls" if rise.what == ENDING else "calls"
    usual = "hardly any are usual" if rise.usual <= _HARDLY else f"{rise.usual:.1%} are usual"
    return f"{rise.calls:,} of {rise.of:,} {of} ({rise.share:.0%}), where {usual}: “{rise_name(rise)}”"


def when_words(incident: IncidentRecord, now: int) -> str:
    """Say from when until when it went (UTC), the day as well where it is not that of ``now`` (ns)."""
    begin = f"{'before ' if incident.before else ''}{_clock(incident.since, now)}"
    if incident.until is not None:
        return f"from {begin} until {_clock(incident.until, now)}"
    return f"since {begin}; the last such call began at {_clock(incident.last, now)}"


def _clock(at: Moment, now: int) -> str:
    clock = at.clock[:5]
    return clock if at.day == Moment(now).day else f"{at.day} {clock}"


def touched_words(incident: IncidentRecord) -> str:
    """Say how many people it touched, as far as is known."""
    if not incident.examples:
        return f"{several(incident.calls, 'call')}; which they were is not stored any more"
    callers = several(incident.callers, "caller")
    return f"{several(incident.calls, 'call')} of {callers} to {several(incident.callees, 'number')}"


def well_words(incident: IncidentRecord) -> str:
    """Say what was well meanwhile, and what nobody can say of others."""
    if incident.end == ALL:
        return "It rose at most peers, or peers are not told apart."
    if not incident.well:
        return "No other peer had calls meanwhile that could be held beside it."
    direction = "from" if incident.end == SOURCE else "to"
    names = [f"{direction} {one.peer} {one.calls:,} of {one.of:,}" for one in incident.well]
    return f"Well meanwhile: {', '.join(names)}."


def incident_sentences(incident: IncidentRecord, now: int) -> list[str]:
    """Return everything in sentences."""
    when = when_words(incident, now)
    return [
        f"{incident_name(incident)}, {when}.",
        *[f"{rise_words(rise)}." for rise in incident.rises],
        f"{touched_words(incident)}.",
        well_words(incident),
        *([f"Who should look: {incident.owner}."] if incident.owner else []),
    ]
