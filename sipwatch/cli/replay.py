"""``sipwatch replay``: what became of every call in capture files.

Must not know: live interfaces.
"""

from __future__ import annotations

import contextlib
import os
import stat
from enum import StrEnum
from typing import IO, TYPE_CHECKING, Annotated, NamedTuple

from sipwatch.budget import shared_out
from sipwatch.cli.feed import captures, deep_captures, feed, warn
from sipwatch.cli.one_call import LADDER_ONLY, NO_LADDER, LadderForm, LadderFormed, write_calls
from sipwatch.cli.options import (
    Files,
    Filter,
    Force,
    Format,
    Output,
    choice,
    filter_of,
    format_option,
    number,
    refuse_first,
    switch,
    value,
)
from sipwatch.cli.output import open_text, opened, text_of
from sipwatch.cli.scoped import scope_of
from sipwatch.cli.storing import filling_of
from sipwatch.cli.wanted import FoundCalls
from sipwatch.cli.words import DEFAULT_LISTEN, configuration, fail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sipwatch.budget import Budget
    from sipwatch.classify.peers import Privacy, Settings
    from sipwatch.cli.feed import Source
    from sipwatch.cli.storing import Filling
    from sipwatch.config import Config
    from sipwatch.engine import Engine
    from sipwatch.export.metrics import Metrics
    from sipwatch.export.privacy import Policy
    from sipwatch.export.record import CallRecord
    from sipwatch.export.summary import Summary
    from sipwatch.export.writers import Writer


class UsePrefilter(StrEnum):
    """Whether RTP is kept away before Python looks at it."""

    AUTO = "auto"
    ON = "on"
    OFF = "off"


_NO_RECORDS = "is filled beside a report; it cannot be combined with --ladder or --format openmetrics"
_COUNT_ALL = "metrics count every call; they cannot be filtered"
_STEP_WORDS = "Seconds between samples (openmetrics). Default: 15, more if the capture is longer than three hours."
_Form = Annotated[
    Format, format_option(Format.TABLE, Format.JSON, Format.JSONL, Format.CSV, Format.HTML, Format.OPENMETRICS)
]
_Config = Annotated[str | None, value("FILE", "Configuration: timers, peers and their rules (sipwatch.toml).")]
_Deep = Annotated[bool, switch("--deep", "Decode with tshark: slower, but reads TLS (with --keylog), SCTP and more.")]
_Prefilter = Annotated[
    UsePrefilter, choice(*UsePrefilter, words="Filter out RTP before Python sees it; changes no result.")
]
_Store = Annotated[
    str | None,
    value("DIR", "Store every call here as well, for 'sipwatch calls' and pages; with --messages, every message."),
]
_Ladder = Annotated[
    str | None,
    value("CALL", "Draw this call as a sequence diagram; CALL is an id, its beginning, or a Call-ID."),
]


def replay(
    files: Files,
    form: _Form = Format.TABLE,
    output: Output = None,
    force: Force = False,
    config: _Config = None,
    expression: Filter = None,
    messages: Annotated[bool, switch("--messages", "Include every call's messages (json, jsonl, csv).")] = False,
    ladder: _Ladder = None,
    ladder_form: LadderFormed = None,
    deep: _Deep = False,
    keylog: Annotated[str | None, value("FILE", "TLS key log for --deep (SSLKEYLOGFILE format).")] = None,
    prefilter: _Prefilter = UsePrefilter.AUTO,
    store: _Store = None,
    step: Annotated[int | None, number("SECONDS", 1, words=_STEP_WORDS)] = None,
    serve: Annotated[bool, switch("--serve", "Serve the figures as /metrics afterwards.")] = False,
    listen: Annotated[str | None, value("HOST:PORT", f"Where --serve listens. Default: {DEFAULT_LISTEN}.")] = None,
) -> None:
    """Say what became of every call in capture files."""
    metrics = form is Format.OPENMETRICS
    refuse_first(
        (keylog is not None and not deep, "--keylog", "a key log is of use only with --deep"),
        (ladder is not None and form is not Format.TABLE, "--ladder", LADDER_ONLY),
        (ladder_form is not None and ladder is None, "--ladder-form", NO_LADDER),
        (step is not None and not metrics, "--step", "is of use only with --format openmetrics"),
        (listen is not None and not serve, "--listen", "is of use only with --serve"),
        (expression is not None and (serve or metrics), "--filter", _COUNT_ALL),
        (ladder is not None and serve, "--ladder", "a ladder cannot be combined with --serve"),
        (store is not None and (ladder is not None or metrics), "--store", _NO_RECORDS),
    )
    read = configuration(config)
    keep = filter_of(expression)
    with _source(files, prefilter, deep=deep, keylog=keylog) as source:
        with opened(output, [*files, config, keylog], force=force) as out:
            budget, series, across_nat = shared_out(read.memory), read.most_series, read.hep.across_nat
            run = _Run(source, read, _policy(read.privacy), out, output, budget, series, across_nat, expression)
            if ladder is not None:
                _draw(run, ladder, ladder_form or LadderForm.TEXT)
            elif metrics:
                engine = _history(run, step)
            else:
                filling = filling_of(store, read, messages=messages)
                engine = _report(run, form, keep, filling, messages=messages, counting=serve)
        warn(source)
        if serve:
            from sipwatch.cli.history import Replayed

            Replayed(engine, source).serve(listen or DEFAULT_LISTEN)


class _Run(NamedTuple):
    """What each kind of result is made from, and where it goes."""

    source: Source
    config: Config
    policy: Policy | None
    out: IO[bytes]
    output: str | None
    budget: Budget
    most_series: int
    across_nat: bool
    expression: str | None

    @property
    def settings(self) -> Settings:
        return self.config.settings


def _history(run: _Run, step: int | None) -> Engine:
    from sipwatch.cli.history import Replayed, write_history
    from sipwatch.engine import Engine

    engine = Engine(None, metrics=_metrics(run), budget=run.budget)
    history = Replayed(engine, run.source).history(step)
    feed(engine, run.source, run.output, across_nat=run.across_nat, items=history.watch(run.source))
    write_history(history, run.out)
    return engine


def _metrics(run: _Run) -> Metrics:
    from sipwatch.classify.peers import Directory
    from sipwatch.export.metrics import Metrics
    from sipwatch.track.room import SeriesRoom

    return Metrics(Directory(run.settings), SeriesRoom(run.most_series))


def _policy(privacy: Privacy) -> Policy | None:
    if not any(privacy):
        return None
    from sipwatch.export.privacy import policy_of

    return policy_of(privacy)


def _report(
    run: _Run,
    form: Format,
    keep: Callable[[CallRecord], bool] | None,
    filling: Filling | None,
    *,
    messages: bool,
    counting: bool,
) -> Engine:
    from sipwatch.engine import Engine
    from sipwatch.export.account import MAX_DEVICES
    from sipwatch.export.offers import Offers
    from sipwatch.export.summary import Summary

    summary, offers, page = Summary(), Offers(), form is Format.HTML
    writer = _page(run, summary) if page else _private(_writer(form, run.out, summary, messages=messages), run.policy)
    count, write = summary.add, writer.call

    def sink(record: CallRecord, completed: bool) -> None:
        if keep is not None and not keep(record):
            summary.left_out += 1
            return
        count(record, completed)
        write(record)
        if keep is not None:
            offers.add(record)

    metrics = _metrics(run) if counting else None
    showing = page or (messages and form is not Format.TABLE)
    intake = None if filling is None else filling.intake
    engine = Engine(sink, run.settings, keep_messages=showing, metrics=metrics, budget=run.budget, keeper=intake)
    if filling is None:
        feed(engine, run.source, run.output, across_nat=run.across_nat)
    else:
        filling.feed(engine, run.source, run.output, across_nat=run.across_nat)
    account = engine.account
    whole = account.whole(summary)
    if keep is not None:
        whole.devices = offers.devices()[:MAX_DEVICES]
    writer.finish(account.capture(run.source), whole)
    return engine


def _page(run: _Run, summary: Summary) -> Writer:
    from sipwatch.report.html.page import PageWriter

    scope = scope_of(run.config, list(run.source.files), selection=run.expression or "")
    return PageWriter(run.out, summary, scope, run.policy)


def _private(writer: Writer, policy: Policy | None) -> Writer:
    if policy is None:
        return writer
    from sipwatch.export.writers import PrivateWriter

    return PrivateWriter(writer, policy)


def _draw(run: _Run, wanted: str, form: LadderForm) -> None:
    from sipwatch.engine import Engine

    calls = FoundCalls(wanted)
    engine = Engine(calls.take, run.settings, keep_messages=True, budget=run.budget)
    feed(engine, run.source, run.output, across_nat=run.across_nat)
    if not calls.found:
        warn(run.source)
        fail(f"no call {wanted!r} in {', '.join(run.source.files)}; the report without --ladder lists the ids")
    with text_of(run.out) as text:
        write_calls(text, calls.found, calls.linked_with, run.policy, form)


@contextlib.contextmanager
def _source(files: list[str], prefilter: UsePrefilter, *, deep: bool, keylog: str | None) -> Iterator[Source]:
    with deep_captures(files, keylog) if deep else captures(files, prefilter.value) as source:
        yield source


def _writer(form: Format, out: IO[bytes], summary: Summary, *, messages: bool) -> Writer:
    if form is Format.TABLE:
        from sipwatch.report.table import TableWriter

        return TableWriter(open_text(out), summary)
    from sipwatch.export.writers import CsvWriter, JsonLinesWriter, JsonWriter

    if form is Format.JSON:
        return JsonWriter(out)
    if form is Format.JSONL:
        return JsonLinesWriter(out, at_once=not stat.S_ISREG(os.fstat(out.fileno()).st_mode))
    return CsvWriter(out, messages=messages)
