"""Incidents in sentences: what rose where, since when, held against what is usual, and what was well meanwhile.

Must not know: pages, where incidents come from. Names of peers are the configuration's own.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Final

from rich.console import Group
from rich.text import Text

from sipwatch.export.incidents import ALL, ENDING, SOURCE
from sipwatch.export.moments import Moment
from sipwatch.export.naming import name_of_any
from sipwatch.export.shifts import LEAST_PAST
from sipwatch.packet import MINUTE
from sipwatch.report.plain import plain_ending, several
from sipwatch.report.screen import FAINT, console, indented

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sipwatch.export.incidents import ExampleRecord, IncidentRecord, Looked, RiseRecord

_INDENT: Final = 4
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


def rise_words(rise: RiseRecord, incident: IncidentRecord, now: int) -> str:
    """Say by how much a share rose, when, beside what is usual at these hours of the day, and between whom."""
    of = "answered calls" if rise.what == ENDING else "calls"
    usual = "hardly any are usual" if rise.usual <= _HARDLY else f"{rise.usual:.1%} are usual"
    when = "" if len(incident.rises) == 1 else f" {_span(rise.since, rise.until, now)}"
    said = f"{rise.calls:,} of {rise.of:,} {of}{when} ({rise.share:.0%}), where {usual}: “{rise_name(rise)}”"
    return f"{said}{_between(rise, incident)}"


def _between(rise: RiseRecord, incident: IncidentRecord) -> str:
    """Say between whom, where that is not said by the place alone."""
    if incident.end == ALL and len(rise.pairs) == 1 and rise.pairs[0].source == rise.pairs[0].destination:
        return ""  # peers are not told apart
    return "".join([f"; {one.source} → {one.destination} {one.calls:,} of {one.of:,}" for one in rise.pairs])


def _span(since: Moment, until: Moment | None, now: int) -> str:
    begin = f"since {_clock(since, now)}" if until is None else f"from {_clock(since, now)}"
    return begin if until is None else f"{begin} until {_clock(until, now)}"


def when_words(incident: IncidentRecord, now: int) -> str:
    """Say from when until when it went (UTC), the day as well where it is not that of ``now`` (ns)."""
    begin = f"{'before ' if incident.before else ''}{_clock(incident.since, now)}"
    if incident.until is not None:
        return f"from {begin} until {_clock(incident.until, now)}"
    quiet = ""
    if incident.quiet_since is not None:
        quiet = f", and no call at all has come for about {several((now - incident.quiet_since) // MINUTE, 'minute')}"
    return f"since {begin}; the last such call began at {_clock(incident.last, now)}{quiet}"


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
        *[f"{rise_words(rise, incident, now)}." for rise in incident.rises],
        f"{touched_words(incident)}.",
        well_words(incident),
        *([f"Who should look: {owners}."] if (owners := owner_words(incident)) else []),
    ]


def owner_words(incident: IncidentRecord) -> str:
    """Say who should look, of each that rose if that differs; nothing where nobody is known."""
    owners: dict[str, list[str]] = {}
    for rise in incident.rises:
        if rise.owner:
            owners.setdefault(rise.owner, []).append(f"“{rise_name(rise)}”")
    if len(owners) < 2:
        return "".join(owners)
    return "; ".join([f"of {' and '.join(names)}: {owner}" for owner, names in owners.items()])


def print_incidents(out: IO[str], incidents: Sequence[IncidentRecord], looked: Looked, peers: Sequence[str]) -> None:
    """Print incidents as they are told, or why there is none."""
    screen = console(out)
    for one in incidents:
        first, *others = incident_sentences(one, looked.until)
        screen.print(Text(first, "bold" if one.until is None else ""))
        lines = [*others, *[_example(example) for example in one.examples]]
        screen.print(Group(*[indented(Text(line), _INDENT) for line in lines]))
    screen.print(Text("Times are UTC.", FAINT) if incidents else Text(none_words(looked, peers)))


def none_words(looked: Looked, peers: Sequence[str]) -> str:
    """Say what was looked at where there is no incident, ``peers`` being those that were asked for, if any were."""
    past, since, until = (_minute(at) for at in (max(0, looked.past), looked.since, looked.until))
    if not looked.has_past:
        return (
            f"Nothing can be told: from {past} to {since} UTC {several(looked.calls, 'call')} are stored, and of a "
            f"peer it takes {LEAST_PAST} to know what is usual."
        )
    whose = f"of {' and '.join(peers)} or of all calls" if peers else "at any peer"
    return (
        f"No incident: of the calls from {since} to {until} UTC no share that fails, or ends oddly, was above what was "
        f"usual from {past} on, {whose}."
    )


def _example(example: ExampleRecord) -> str:
    return f"Example: call {example.id}, {example_words(example)}."


def example_words(example: ExampleRecord) -> str:
    """Say what a call has in common with how many."""
    said = "no final response" if example.status_code is None else str(example.status_code)
    cause = "" if example.cause is None else f", cause {example.cause}"
    return f"{said}{cause}: {example.calls:,} such"


def _minute(at: int) -> str:
    return f"{Moment(at).day} {Moment(at).clock[:5]}"
