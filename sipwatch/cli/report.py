"""``sipwatch report``: the calls of a period of a store as one file to read, to print and to send.

Must not know: how calls are stored, or what a report says of them.
"""

from __future__ import annotations

import contextlib
import sys
import time
from enum import StrEnum
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, NamedTuple

import typer

from sipwatch.cli.options import Filter, Force, Output, choice, choices_of, filter_of, switch, value
from sipwatch.cli.output import opened
from sipwatch.cli.scoped import scope_of
from sipwatch.cli.when import begin_by_now, moment_by_now, read_option, zone_named
from sipwatch.cli.words import FailOn, configuration

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from sipwatch.config import Config
    from sipwatch.export.filters import Filter as CompiledFilter
    from sipwatch.export.record import CallRecord, CaptureRecord
    from sipwatch.export.writers import Writer
    from sipwatch.report.html.scope import Scope
    from sipwatch.store.reader import StoreReader
    from sipwatch.store.wanted import Wanted

_WHEN = "Only calls that began at this time or later: 2026-01-05T09:00:00+01:00, 14:30 (today), yesterday, 1d (ago)."
_LAST = "The last whole day, week (from Monday) or month of --zone, instead of --from and --to."
_CSV = "Write the calls behind the report to this file as well, a row each."


class LastSpan(StrEnum):
    """A span by the calendar, the last one that is over."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class _Asked(NamedTuple):
    """What was asked for; moments in ns."""

    zone: ZoneInfo
    since: int | None
    until: int | None
    keep: CompiledFilter | None
    also: CompiledFilter | None


def report(
    store: Annotated[str, value("DIR", "The store that sipwatch live --store DIR writes.", "--store")],
    since: Annotated[str | None, value("WHEN", _WHEN, "--from")] = None,
    until: Annotated[str | None, value("WHEN", "Only calls that began before this time.", "--to")] = None,
    last: Annotated[LastSpan | None, choice(*LastSpan, flag="--last", words=_LAST)] = None,
    zone: Annotated[str, value("ZONE", "Time zone of the report and of its period, such as Europe/Berlin.")] = "UTC",
    agents: Annotated[bool, switch("--agents", "For a supervisor: agents first, nothing technical.")] = False,
    peer: Annotated[
        str | None, value("NAME", "For a supplier: the calls from and to this peer with Call-IDs, and nothing of ours.")
    ] = None,
    expression: Filter = None,
    config: Annotated[
        str | None, value("FILE", "Configuration: whose number it is ([[agent]]), what is hidden ([privacy]).")
    ] = None,
    output: Output = None,
    csv: Annotated[str | None, value("FILE", _CSV, "--csv")] = None,
    force: Force = False,
) -> None:
    """Write a report on stored calls: one HTML file that loads nothing, for a browser, for paper, for mail."""
    from sipwatch.export.choices import NoSuchPeerError
    from sipwatch.report.html.scope import View
    from sipwatch.store.days import StoreError
    from sipwatch.store.peers import need_peers
    from sipwatch.store.reader import StoreReader

    if agents and peer is not None:
        raise typer.BadParameter("is a supplier's view; it cannot be combined with --agents", param_hint="--peer")
    if last is not None and (since is not None or until is not None):
        raise typer.BadParameter("is a period already; it cannot be combined with --from or --to", param_hint="--last")
    if output is None and sys.stdout.isatty():
        raise typer.BadParameter("a report is no reading for a terminal; name a file", param_hint="--output")
    asked = _asked(since, until, last, zone, expression, peer)
    read = configuration(config)
    view = View.AGENTS if agents else View.PEER if peer is not None else View.WHOLE
    with FailOn(StoreError, NoSuchPeerError):
        reader = StoreReader(Path(store))
        need_peers(reader, filter(None, [peer]))
        scope = scope_of(
            read,
            [] if view is View.PEER else [f"the store {store}"],
            asked.zone,
            asked.zone.key,
            view=view,
            peer=peer or "",
            period=(asked.since, asked.until),
            selection=expression or "",
            gaps=_gaps(reader, asked),
        )
        with contextlib.ExitStack() as files:
            out = files.enter_context(opened(output, [config], force=force))
            rows = None if csv is None else files.enter_context(opened(csv, [config], force=force))
            _write(reader, asked, scope, read, out, rows)


def _asked(
    since: str | None, until: str | None, last: LastSpan | None, zone: str, expression: str | None, peer: str | None
) -> _Asked:
    where = read_option("--zone", zone_named, zone)
    if last is not None:
        begin, end = last_span(last, where, time.time_ns())
    else:
        begin = read_option("--from", begin_by_now, since, where)
        end = read_option("--to", moment_by_now, until, where)
    if begin is not None and end is not None and begin >= end:
        raise typer.BadParameter(f"{until} is not later than --from {since}", param_hint="--to")
    return _Asked(where, begin, end, filter_of(expression), _of_peer(peer))


def last_span(last: LastSpan, zone: ZoneInfo, now: int) -> tuple[int, int]:
    """Return when the last whole day, week or month of a zone began, and when it was over (ns since 1970)."""
    from datetime import timedelta

    from sipwatch.evidence.period import midnight, month_before, there

    today = there(now, zone).date()
    if last is LastSpan.DAY:
        end, begin = today, today - timedelta(days=1)
    elif last is LastSpan.WEEK:
        end = today - timedelta(days=today.weekday())
        begin = end - timedelta(days=7)
    else:
        end, begin = today.replace(day=1), month_before(today)
    return midnight(begin, zone), midnight(end, zone)


def _of_peer(peer: str | None) -> CompiledFilter | None:
    if peer is None:
        return None
    if not peer:
        raise typer.BadParameter("is the name of no peer", param_hint="--peer")
    return choices_of("", peer)


def _gaps(reader: StoreReader, asked: _Asked) -> tuple[str, ...]:
    """Say what of the period the store does not hold."""
    from sipwatch.report.html.times import ZoneTimes

    span = reader.span()
    times = ZoneTimes(asked.zone, asked.zone.key)
    if span is None or asked.since is None or asked.since >= span[0]:
        return ()
    return (f"The store has no calls before {times.full(span[0])} ({times.name}).",)


def _write(
    reader: StoreReader, asked: _Asked, scope: Scope, config: Config, out: IO[bytes], rows: IO[bytes] | None
) -> None:
    from sipwatch.export.privacy import policy_of
    from sipwatch.export.summary import Summary
    from sipwatch.export.writers import CsvWriter, PrivateWriter
    from sipwatch.report.html.page import PageWriter
    from sipwatch.report.html.scope import View
    from sipwatch.report.html.supplier import at_peer
    from sipwatch.store.rows import as_strangers

    policy, summary = policy_of(config.privacy), Summary()

    def told(record: CallRecord) -> CallRecord:
        """Return a call as far as whoever gets the report may know of it."""
        return at_peer(record, scope.peer) if scope.view is View.PEER else record

    page = PageWriter(out, summary, scope, policy, lambda record: told(reader.with_messages(record)))
    table = None if rows is None else CsvWriter(rows)
    row: Writer | None = table if table is None or policy is None else PrivateWriter(table, policy)
    for stored in reader.calls(_wanted(asked), oldest_first=True):
        record = told(stored.record)
        record = record if policy is None else as_strangers(record)
        summary.add(record, stored.completed)
        page.call(record)
        if row is not None:
            row.call(record)
    page.finish(_nothing_captured(), summary.to_record())
    if table is not None:
        table.finish(None, summary.to_record())
    reader.close()


def _wanted(asked: _Asked) -> Wanted:
    from sipwatch.store.wanted import Wanted

    return Wanted(asked.since, asked.until, asked.keep, also=asked.also)


def _nothing_captured() -> CaptureRecord:
    """Return the head of a capture for calls that come from no capture."""
    from sipwatch.export.record import CaptureRecord

    return CaptureRecord([], None, None, 0, 0, {}, {}, 0, {}, {}, {}, [])
