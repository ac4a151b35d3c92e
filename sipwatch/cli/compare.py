"""``sipwatch compare``: before and after, two captures or two periods of a store beside each other.

Must not know: how a difference is told from chance.
"""

from __future__ import annotations

from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, NamedTuple

import typer

from sipwatch.budget import shared_out
from sipwatch.cli.feed import captures, feed, warn
from sipwatch.cli.options import Filter, Force, Format, Output, filter_of, format_option, value
from sipwatch.cli.output import STDIN, opened, write_whole
from sipwatch.cli.when import moment_by_now, read_option, zone_named
from sipwatch.cli.words import FailOn, configuration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from zoneinfo import ZoneInfo

    from sipwatch.config import Config
    from sipwatch.engine import Engine
    from sipwatch.export.compare import Side, SideRecord
    from sipwatch.export.record import CallRecord
    from sipwatch.track.events import Registration, Takes

_PERIOD = "two moments with two dots between, such as 2026-01-05T09:00..2026-01-05T12:00, or 2h..1h (ago)"


def compare(
    a: Annotated[str | None, typer.Argument(metavar="A", help="The capture file from before.")] = None,
    b: Annotated[
        str | None, typer.Argument(metavar="B", help="The capture file from after; - is standard input.")
    ] = None,
    store: Annotated[
        str | None, value("DIR", "Compare two periods of the store that sipwatch live --store DIR writes.", "--store")
    ] = None,
    before: Annotated[str | None, value("FROM..TO", f"The period before, in the store: {_PERIOD}.")] = None,
    after: Annotated[str | None, value("FROM..TO", "The period after, written the same way.")] = None,
    zone: Annotated[str, value("ZONE", "Time zone of --before and --after, such as Europe/Berlin.")] = "UTC",
    config: Annotated[
        str | None, value("FILE", "Configuration: both are judged by it, and compared peer by peer (sipwatch.toml).")
    ] = None,
    expression: Filter = None,
    form: Annotated[Format, format_option(Format.TABLE, Format.JSON)] = Format.TABLE,
    output: Output = None,
    force: Force = False,
) -> None:
    """Say what moved: outcomes, endings, causes, codes and delays of two captures, or of two periods of a store."""
    keep = filter_of(expression)
    if store is not None:
        periods = _periods((a, b), (before, after), config, zone)
        with opened(output, [], force=force) as out:
            _show(out, form, *_stored(store, periods, keep))
        return
    files = _files((a, b), (before, after))
    read = configuration(config)
    with opened(output, [*files, config], force=force) as out:
        _show(out, form, *(_of(file, read, keep) for file in files))


def _files(files: tuple[str | None, str | None], periods: tuple[str | None, str | None]) -> list[str]:
    """Return the two capture files."""
    if any(period is not None for period in periods):
        raise typer.BadParameter("periods are those of a store: say which with --store DIR", param_hint="--before")
    if None in files:
        raise typer.BadParameter("two capture files are compared, A and B; or, with --store DIR, two periods")
    if files == (STDIN, STDIN):
        raise typer.BadParameter("standard input can be only one of the two", param_hint="B")
    return [file for file in files if file is not None]


def _periods(
    files: tuple[str | None, str | None], periods: tuple[str | None, str | None], config: str | None, zone: str
) -> list[tuple[int, int]]:
    """Return the two periods of a store (ns since 1970)."""
    if files != (None, None):
        raise typer.BadParameter("of a store two periods are compared, --before and --after, and no files")
    if config is not None:
        raise typer.BadParameter("calls of a store are judged already, when they were stored", param_hint="--config")
    where = read_option("--zone", zone_named, zone)
    found = []
    for option, text in zip(("--before", "--after"), periods, strict=True):
        if text is None:
            raise typer.BadParameter(f"with --store it says which calls: {_PERIOD}", param_hint=option)
        found.append(read_option(option, _period, text, where))
    (begin, end), (begin_after, end_after) = found
    if max(begin, begin_after) < min(end, end_after):
        raise typer.BadParameter("it has a part of --before in it: calls would be on both sides", param_hint="--after")
    return found


def _period(text: str, zone: ZoneInfo) -> tuple[int, int]:
    """Read a period; its end may be left out, which is now. Raises ValueError."""
    begin, between, end = text.partition("..")
    if not between or not begin:
        raise ValueError(f"{text[:60]!r} is no period; write {_PERIOD}")
    since, until = (moment_by_now(written.strip() or "now", zone) or 0 for written in (begin, end))
    if since >= until:
        raise ValueError(f"{text[:60]!r} ends before it begins")
    return since, until


def _show(out: IO[bytes], form: Format, before: _Read, after: _Read) -> None:
    from sipwatch.export.compare import Comparison
    from sipwatch.report.compared import print_comparison

    found = Comparison(before.side, after.side).record(before.record, after.record)
    write_whole(out, form, found, lambda text: print_comparison(text, found))


class _Read(NamedTuple):
    """One side, and what it was."""

    side: Side
    record: SideRecord


class _Registrations:
    """Tells a side what became of attempts to register."""

    def __init__(self, side: Side, engine: Engine) -> None:
        self._side = side
        self._engine = engine

    def takes(self) -> Takes:
        """Say which events are told."""
        from sipwatch.track.events import Registration

        return {Registration: self.registration}

    def registration(self, event: Registration) -> None:
        """Take what became of an attempt to register."""
        self._side.registration(*self._engine.directory.ends(event.path), event.outcome.value)


def _of(file: str, read: Config, keep: Callable[[CallRecord], bool] | None) -> _Read:
    """Read one capture to its end: part of it would differ from the other by what is missing."""
    from sipwatch.engine import Engine
    from sipwatch.export.compare import Side, SideRecord

    side = Side()

    def sink(call: CallRecord, completed: bool) -> None:
        if keep is None or keep(call):
            side.add(call, completed)
        else:
            side.left_out += 1

    engine = Engine(sink, read.settings, budget=shared_out(read.memory))
    if keep is None:  # a filter asks for calls
        engine.add(_Registrations(side, engine))
    with captures([file]) as source:
        feed(engine, source, partial=False, across_nat=read.hep.across_nat)
        head = engine.account.capture(source)
        warn(source)
    return _Read(side, SideRecord(head.files, head.first, head.last, side.calls, side.left_out))


def _stored(folder: str, periods: list[tuple[int, int]], keep: Callable[[CallRecord], bool] | None) -> Iterator[_Read]:
    """Read the calls of a store that began in each period."""
    from sipwatch.export.compare import Side, SideRecord
    from sipwatch.export.moments import Moment
    from sipwatch.store.days import StoreError
    from sipwatch.store.reader import StoreReader
    from sipwatch.store.wanted import Wanted

    with FailOn(StoreError):
        reader = StoreReader(Path(folder))
        for since, until in periods:
            side = Side()
            for one in reader.calls(Wanted(since, until), oldest_first=True):
                if keep is None or keep(one.record):
                    side.add(one.record, one.completed)
                else:
                    side.left_out += 1
            yield _Read(side, SideRecord([folder], Moment(since), Moment(until), side.calls, side.left_out))
