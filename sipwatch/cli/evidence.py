"""``sipwatch evidence``: a zip with what a supplier asks for, examples of calls with their packets.

Must not know: how calls are chosen, packets cut, or pages written.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, NoReturn

import typer

from sipwatch import installed_version
from sipwatch.cli.feed import captures, feed, reading, warn
from sipwatch.cli.options import number, switch, value
from sipwatch.cli.output import STDIN, opened
from sipwatch.cli.words import complain, configuration, fail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from zoneinfo import ZoneInfo

    from sipwatch.capture.files import CaptureSource
    from sipwatch.classify.peers import Privacy, Settings
    from sipwatch.evidence.choose import Selection, WantedCalls
    from sipwatch.evidence.facts import Package
    from sipwatch.export.record import CallRecord

DEFAULT_MOST = 20
MAX_CALLS = 200


class _Extent(NamedTuple):
    """From the first packet to the last, in ns."""

    first: int
    last: int


def _begun(incomplete: str) -> list[str]:
    """Return the outcomes that begin so: what a shell completes."""
    from sipwatch.evidence.asked import OUTCOMES

    return [name for name in OUTCOMES if name.startswith(incomplete)]


_Files = Annotated[
    list[str],
    typer.Argument(
        metavar="FILE...",
        help="Capture files: pcap, pcapng, gzip of either. Several are merged in time order. They are read twice.",
    ),
]
_Outcomes = Annotated[
    list[str] | None,
    typer.Option(
        metavar="OUTCOME",
        help="Only calls with this outcome, such as no_progress; separate several by commas, or repeat the option."
        " Default: any failure.",
        autocompletion=_begun,
    ),
]
_Since = Annotated[
    str | None,
    value(
        "WHEN",
        "Only calls that began at this time or later: 2026-01-05T09:00:00+01:00, 14:30 (on the capture's day),"
        " 1h (before its end). Default: all.",
    ),
]
_Zone = Annotated[str, value("ZONE", "Time zone of the pages and of --since and --until, such as Europe/Berlin.")]
_Mask = Annotated[
    str | None,
    value(
        "DIGITS",
        "Hide this many digits at the end of numbers, or all; in the pages and in the packets. Default: as configured.",
    ),
]
_Pseudonyms = Annotated[
    str | None,
    value(
        "KEYFILE",
        "Replace numbers and names by pseudonyms, which are the same in every package made with this key, and hide"
        " whatever else may name somebody.",
    ),
]
_MOST_WORDS = f"At most this many examples, the newest; up to {MAX_CALLS}."


def evidence(
    files: _Files,
    peer: Annotated[str, value("NAME", "Calls from or to this peer of the configuration.")],
    output: Annotated[str, value("ZIP", "Write the package to this file.", "-o", "--output")],
    outcome: _Outcomes = None,
    since: _Since = None,
    until: Annotated[str | None, value("WHEN", "Only calls that began before this time, written the same way.")] = None,
    expression: Annotated[str | None, value("EXPR", "Only calls that match, as in replay.", "--filter")] = None,
    config: Annotated[str | None, value("FILE", "Configuration: peers, timers, what is hidden.")] = None,
    most: Annotated[int, number("N", 1, MAX_CALLS, words=_MOST_WORDS)] = DEFAULT_MOST,
    zone: _Zone = "UTC",
    mask: _Mask = None,
    pseudonyms: _Pseudonyms = None,
    hide_addresses: Annotated[
        bool, switch("--hide-addresses", "With pseudonyms: replace addresses and hosts as well.")
    ] = False,
    force: Annotated[bool, switch("--force", "Overwrite an existing package; follow a symbolic link.")] = False,
) -> None:
    """Write a zip with examples of failed calls for a supplier: a page, tables, and the packets of each call."""
    from sipwatch.classify.hours import zone_of
    from sipwatch.evidence import asked
    from sipwatch.evidence.archive import write_archive
    from sipwatch.evidence.build import entries
    from sipwatch.evidence.choose import Selection

    with opened(output, [*files, config], force=force, new=True) as out:
        where = _read("--zone", zone_of, zone)
        read = configuration(config)
        privacy = _privacy(read.privacy, mask, pseudonyms, hide_addresses=hide_addresses)
        _read("--peer", asked.check_peer, peer, [one.name for one in read.settings.peers], config)
        outcomes = _read("--outcome", asked.outcomes, outcome or ())
        selection = Selection(_wanted(files, peer, outcomes, expression, (since, until), where), most)
        extent = _choose(files, read.settings, selection)
        chosen = selection.chosen()
        if not chosen:
            fail(asked.nothing(selection, where))
        package, captures = _build(files, read.settings, privacy, selection, chosen, extent, where, expression)
        write_archive(out, entries(package, captures))
    _say(output, package, len(captures))


# What was asked for


def _refuse(words: str) -> NoReturn:
    """End for wrong usage, in one line."""
    complain(words)
    sys.exit(2)


def _read(option: str, reader: Callable[..., Any], *given: object, **more: object) -> Any:
    """Read an option's value; what cannot be meant ends the program."""
    try:
        return reader(*given, **more)
    except (ValueError, OverflowError) as error:
        _refuse(f"{option}: {error}")


def _privacy(configured: Privacy, mask: str | None, pseudonyms: str | None, *, hide_addresses: bool) -> Privacy:
    """Return what is to be hidden: what is configured, and what the options say beyond it."""
    from sipwatch.config import MAX_MASKED, key_of
    from sipwatch.evidence import asked

    privacy = configured if mask is None else _read("--mask", asked.masked, mask, configured, MAX_MASKED)
    if pseudonyms is not None:
        privacy = privacy._replace(key=_read("--pseudonyms", key_of, pseudonyms))
    if hide_addresses and not privacy.key:
        _refuse("--hide-addresses: is of use only with --pseudonyms KEYFILE, or pseudonyms in the configuration")
    return privacy._replace(addresses=True) if hide_addresses else privacy


def _wanted(
    files: list[str],
    peer: str,
    outcomes: frozenset[str],
    expression: str | None,
    bounds: tuple[str | None, str | None],
    zone: ZoneInfo,
) -> WantedCalls:
    from sipwatch.evidence.choose import WantedCalls
    from sipwatch.evidence.period import depends_on_capture, moment
    from sipwatch.export.filters import FilterError, compile_filter

    try:
        keep = None if expression is None else compile_filter(expression)
    except FilterError as error:
        _refuse(f"--filter: {error}")
    extent = _Extent(0, 0)
    if any(bound is not None and depends_on_capture(bound) for bound in bounds):
        extent = _extent(files)
    since, until = bounds
    begin = None if since is None else _read("--since", moment, since, zone, *extent)
    end = None if until is None else _read("--until", moment, until, zone, *extent, later=True)
    if begin is not None and end is not None and begin >= end:
        _refuse(f"--until: {until} is not later than --since {since}")
    return WantedCalls(peer, outcomes, begin, end, keep)


# Reading


@contextlib.contextmanager
def _captures(files: list[str]) -> Iterator[CaptureSource]:
    """Open the captures; what can be read only once is refused."""
    again = "captures are read twice here; save it to a file first, and name that"
    if STDIN in files:
        fail(f"standard input can be read only once, and {again}")
    with captures(files) as source:
        if source.total_bytes is None:
            fail(f"{', '.join(files)}: a pipe can be read only once, and {again}")
        yield source


def _extent(files: list[str]) -> _Extent:
    """Find out when the capture begins and ends, without looking into its packets."""
    with _captures(files) as source:
        with reading(source, partial=False):
            for _ in source:
                pass
        return _Extent(source.first or 0, source.last or 0)


def _choose(files: list[str], settings: Settings, selection: Selection) -> _Extent:
    """Read for the first time: judge every call."""
    from sipwatch.engine import Engine

    engine = Engine(selection.call, settings)
    with _captures(files) as source:
        feed(engine, source, partial=False)
        warn(source)
        return _Extent(source.first or 0, source.last or 0)


def _build(
    files: list[str],
    settings: Settings,
    privacy: Privacy,
    selection: Selection,
    chosen: list[CallRecord],
    extent: _Extent,
    zone: ZoneInfo,
    expression: str | None,
) -> tuple[Package, list[tuple[str, bytes]]]:
    """Read for the second time: cut the packets out."""
    from sipwatch.evidence.asked import hidden_in_words
    from sipwatch.evidence.build import Builder
    from sipwatch.evidence.cut import Cutter
    from sipwatch.evidence.facts import Package

    cutter = Cutter(chosen, settings)
    with _captures(files) as source:
        with reading(source, partial=False):
            for time, link_type, data in source:
                cutter.frame(time, link_type, data)
        cutter.finish(source.last or 0)
    builder = Builder(cutter, privacy, selection.wanted.peer)
    package = Package(
        peer=selection.wanted.peer,
        files=[os.path.basename(file) for file in files],
        zone=zone,
        first=extent.first,
        last=extent.last,
        since=selection.wanted.since,
        until=selection.wanted.until,
        outcomes=sorted(selection.wanted.outcomes),
        expression=expression,
        counts=selection.counts,
        matching=selection.matching,
        hidden=hidden_in_words(privacy),
        examples=[builder.example(number, call) for number, call in enumerate(chosen, 1)],
        version=installed_version(),
    )
    return package, builder.captures


# What is said of it


def _say(output: str, package: Package, captures: int) -> None:
    for example in package.examples:
        if example.capture.name is None:
            complain(f"warning: example {example.number} is without packets, because {example.capture.why_not}")
    typer.echo(f"{output}: {len(package.examples)} of {package.matching} calls, {captures} with their packets")
