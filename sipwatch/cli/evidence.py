"""``sipwatch evidence``: a zip with what a supplier asks for, examples of calls with their packets.

Must not know: how calls are chosen, packets cut, or pages written.
"""

from __future__ import annotations

import contextlib
import gc
import os
import stat
import sys
import tempfile
from typing import IO, TYPE_CHECKING, Annotated, Any, NamedTuple, NoReturn

import typer

from sipwatch import installed_version
from sipwatch.cli.words import complain, configuration, fail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from zoneinfo import ZoneInfo

    from sipwatch.capture.files import CaptureSource
    from sipwatch.classify.peers import Privacy, Settings
    from sipwatch.evidence.choose import Selection, Wanted
    from sipwatch.evidence.facts import Package
    from sipwatch.export.record import CallRecord

DEFAULT_MOST = 20
MAX_CALLS = 200
INTERRUPTED = 130  # exit status, as shells have it for SIGINT


class _Extent(NamedTuple):
    """From the first packet to the last, in ns."""

    first: int
    last: int


def evidence(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...",
            help="Capture files: pcap, pcapng, gzip of either. Several are merged in time order. They are read twice.",
        ),
    ],
    peer: Annotated[
        str, typer.Option(metavar="NAME", help="Whom it is for: calls from or to this peer of the configuration.")
    ],
    output: Annotated[str, typer.Option("-o", "--output", metavar="ZIP", help="Write the package to this file.")],
    outcome: Annotated[
        list[str] | None,
        typer.Option(
            metavar="OUTCOME",
            help="What became of the calls wanted, such as no_progress; several by comma, or given again. Default: any"
            " failure.",
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="WHEN",
            help="Calls that began from then on: 2026-01-05T09:00:00+01:00, 14:30 on the capture's day, 1h before its"
            " end. Default: all.",
        ),
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="WHEN", help="Calls that began before then, written the same way.")
    ] = None,
    expression: Annotated[
        str | None, typer.Option("--filter", metavar="EXPR", help="Only calls for which this holds, as in replay.")
    ] = None,
    config: Annotated[
        str | None, typer.Option(metavar="FILE", help="Configuration: who is who, deadlines, what is hidden.")
    ] = None,
    most: Annotated[
        int, typer.Option(metavar="N", min=1, max=MAX_CALLS, help="Examples at most, the newest.")
    ] = DEFAULT_MOST,
    zone: Annotated[
        str, typer.Option(metavar="ZONE", help="Time zone of the times shown and given, such as Europe/Berlin.")
    ] = "UTC",
    mask: Annotated[
        str | None,
        typer.Option(
            metavar="DIGITS",
            help="Hide so many digits at the end of numbers, or all; in the pages and inside the packets. Default: as"
            " the configuration says.",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a package that is there already.")] = False,
) -> None:
    """Write a zip with examples of failed calls for a supplier: a page, tables, and the packets of each call."""
    from sipwatch.config import MAX_MASKED
    from sipwatch.evidence import asked
    from sipwatch.evidence.choose import Selection
    from sipwatch.evidence.period import zone_of

    _check_output(output, files, force=force)
    where = _read("--zone", zone_of, zone)
    read = configuration(config)
    privacy = read.privacy if mask is None else _read("--mask", asked.masked, mask, read.privacy, MAX_MASKED)
    _read("--peer", asked.check_peer, peer, [one.name for one in read.settings.peers], config)
    outcomes = _read("--outcome", asked.outcomes, outcome or ())
    try:
        selection = Selection(_wanted(files, peer, outcomes, expression, (since, until), where), most)
        extent = _choose(files, read.settings, selection)
        chosen = selection.chosen()
        if not chosen:
            fail(asked.nothing(selection, where))
        package, captures = _build(files, read.settings, privacy, selection, chosen, extent, where, expression)
        _write(output, package, captures, force=force)
    except KeyboardInterrupt:
        complain("interrupted; nothing was written")
        sys.exit(INTERRUPTED)


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


def _check_output(output: str, files: list[str], *, force: bool) -> None:
    """Refuse an output that is there already, or is no place for a file."""
    try:
        there = os.lstat(output)
    except FileNotFoundError:
        if not os.path.isdir(os.path.dirname(output) or "."):
            fail(f"{output}: cannot be written: there is no such folder")
        return
    except OSError as error:
        fail(f"{output}: cannot be written: {error.strerror}")
    if not stat.S_ISREG(there.st_mode):
        fail(f"{output}: is there already and is no plain file; choose another name")
    for file in files:
        with contextlib.suppress(OSError):
            if os.path.samestat(there, os.stat(file)):
                fail(f"{output}: is one of the captures; choose another name")
    if not force:
        fail(f"{output}: is there already; choose another name, or write over it with --force")


def _wanted(
    files: list[str],
    peer: str,
    outcomes: frozenset[str],
    expression: str | None,
    bounds: tuple[str | None, str | None],
    zone: ZoneInfo,
) -> Wanted:
    from sipwatch.evidence.choose import Wanted
    from sipwatch.evidence.period import depends_on_capture, moment
    from sipwatch.export.calls import timestamp
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
    return Wanted(
        peer, outcomes, None if begin is None else timestamp(begin), None if end is None else timestamp(end), keep
    )


# Reading


@contextlib.contextmanager
def _captures(files: list[str]) -> Iterator[CaptureSource]:
    """Open the captures; what can be read only once is refused."""
    from sipwatch.capture.errors import CaptureError
    from sipwatch.capture.files import STDIN
    from sipwatch.cli.feed import captures
    from sipwatch.report.progress import progress

    again = "captures are read twice here; save it to a file first, and name that"
    if STDIN in files:
        fail(f"standard input can be read only once, and {again}")
    with captures(files) as source:
        if source.total_bytes is None:
            fail(f"{', '.join(files)}: a pipe can be read only once, and {again}")
        try:
            with progress(source):
                yield source
        except CaptureError as error:
            fail(str(error))


def _extent(files: list[str]) -> _Extent:
    """Find out when the capture begins and ends, without looking into its packets."""
    with _captures(files) as source:
        for _ in source:
            pass
        return _Extent(source.first or 0, source.last or 0)


def _choose(files: list[str], settings: Settings, selection: Selection) -> _Extent:
    """Read for the first time: judge every call."""
    from sipwatch.engine import Engine

    engine = Engine(selection.call, settings)
    with _captures(files) as source:
        gc.disable()  # as in replay: calls are freed by reference counting
        try:
            engine.run(source, source.place)
        finally:
            gc.enable()
        engine.finish(source.last)
        for warning in source.warnings:
            complain(f"warning: {warning}")
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
    from sipwatch.evidence.asked import hidden
    from sipwatch.evidence.build import Builder
    from sipwatch.evidence.cut import Cutter
    from sipwatch.evidence.facts import Package
    from sipwatch.export.calls import timestamp

    cutter = Cutter(chosen, settings)
    with _captures(files) as source:
        for time, link_type, data in source:
            cutter.frame(time, link_type, data)
        cutter.finish(source.last or 0)
    builder = Builder(cutter, privacy, selection.wanted.peer)
    package = Package(
        peer=selection.wanted.peer,
        files=[os.path.basename(file) for file in files],
        zone=zone,
        first=timestamp(extent.first),
        last=timestamp(extent.last),
        since=selection.wanted.since,
        until=selection.wanted.until,
        outcomes=sorted(selection.wanted.outcomes),
        expression=expression,
        counts=selection.counts,
        matching=selection.matching,
        hidden=hidden(privacy),
        examples=[builder.example(number, call) for number, call in enumerate(chosen, 1)],
        version=installed_version(),
    )
    return package, builder.captures


# Writing


def _write(output: str, package: Package, captures: list[tuple[str, bytes]], *, force: bool) -> None:
    from sipwatch.evidence.archive import write
    from sipwatch.evidence.build import entries

    try:
        with _appearing(output, force=force) as out:
            write(out, entries(package, captures))
    except FileExistsError:
        fail(f"{output}: was made by somebody else in the meantime; choose another name")
    except OSError as error:
        fail(f"{output}: cannot be written: {error.strerror}")
    for example in package.examples:
        if example.capture.name is None:
            complain(f"warning: example {example.number} is without packets, because {example.capture.why_not}")
    count = len(package.examples)
    typer.echo(f"{output}: {count} of {package.matching} calls, {len(captures)} with their packets")


@contextlib.contextmanager
def _appearing(path: str, *, force: bool) -> Iterator[IO[bytes]]:
    """Open a file that appears under its name when it is whole, or not at all. Raises OSError."""
    descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(path) or ".", prefix=".sipwatch-", suffix=".part")
    try:
        with open(descriptor, "wb") as out:
            yield out
            out.flush()
            os.fchmod(out.fileno(), 0o666 & ~_umask())
            os.fsync(out.fileno())
        if force:
            os.replace(temporary, path)
        else:
            _claim(temporary, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)


def _claim(temporary: str, path: str) -> None:
    """Give a file its name; unlike a rename, this never takes the place of another file."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        os.replace(temporary, path)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
