"""``sipwatch replay``: what became of every call in capture files.

Must not know: live interfaces.
"""

from __future__ import annotations

import contextlib
import gc
import os
import stat
from enum import StrEnum
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from sipwatch.cli.output import open_text, opened, text_of
from sipwatch.cli.words import DEFAULT_LISTEN, complain, configuration, fail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sipwatch.capture.deep import DeepSource
    from sipwatch.capture.files import CaptureSource
    from sipwatch.classify.peers import Privacy, Settings
    from sipwatch.engine import Engine
    from sipwatch.export.history import History
    from sipwatch.export.metrics import Metrics
    from sipwatch.export.privacy import Policy
    from sipwatch.export.record import CallRecord
    from sipwatch.export.summary import Summary
    from sipwatch.export.writers import Writer

DEFAULT_STEP = 15


class Format(StrEnum):
    """How results are written."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"
    OPENMETRICS = "openmetrics"


class UsePrefilter(StrEnum):
    """Whether RTP is kept away before Python looks at it."""

    AUTO = "auto"
    ON = "on"
    OFF = "off"


def replay(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...",
            help="Capture files: pcap, pcapng, gzip of either; - is standard input. Several are merged in time order.",
        ),
    ],
    form: Annotated[Format, typer.Option("--format", help="How to write the result.")] = Format.TABLE,
    output: Annotated[
        str | None, typer.Option("-o", "--output", metavar="OUT", help="Write to this file, not to standard output.")
    ] = None,
    config: Annotated[
        str | None, typer.Option(metavar="FILE", help="Configuration: timers, peers and their rules (sipwatch.toml).")
    ] = None,
    expression: Annotated[
        str | None,
        typer.Option(
            "--filter",
            metavar="EXPR",
            help="Only calls for which this holds, e.g. 'outcome == \"busy\" and setup_seconds > 3'.",
        ),
    ] = None,
    messages: Annotated[
        bool, typer.Option("--messages", help="Include every call's messages (json, jsonl, csv).")
    ] = False,
    ladder: Annotated[
        str | None,
        typer.Option(
            metavar="CALL", help="Draw this call as a sequence diagram; CALL is an id, its beginning, or a Call-ID."
        ),
    ] = None,
    deep: Annotated[
        bool, typer.Option("--deep", help="Decode with tshark: slower, but opens TLS (with --keylog), SCTP and more.")
    ] = False,
    keylog: Annotated[
        str | None, typer.Option(metavar="FILE", help="TLS key log for --deep (SSLKEYLOGFILE format).")
    ] = None,
    prefilter: Annotated[
        UsePrefilter, typer.Option(help="Keep RTP away before Python looks at it; changes no result.")
    ] = UsePrefilter.AUTO,
    step: Annotated[
        int | None,
        typer.Option(metavar="SECONDS", min=1, help=f"Seconds between samples (openmetrics). Default: {DEFAULT_STEP}."),
    ] = None,
    serve: Annotated[bool, typer.Option("--serve", help="Keep serving the figures as /metrics afterwards.")] = False,
    listen: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help=f"Where --serve listens. Default: {DEFAULT_LISTEN}.")
    ] = None,
) -> None:
    """Say what became of every call in capture files."""
    if keylog is not None and not deep:
        raise typer.BadParameter("a key log is of use only with --deep", param_hint="--keylog")
    if ladder is not None and form is not Format.TABLE:
        raise typer.BadParameter(
            "a ladder is drawn for the terminal; it cannot be combined with --format", param_hint="--ladder"
        )
    if step is not None and form is not Format.OPENMETRICS:
        raise typer.BadParameter("is of use only with --format openmetrics", param_hint="--step")
    if listen is not None and not serve:
        raise typer.BadParameter("is of use only with --serve", param_hint="--listen")
    if expression is not None and (serve or form is Format.OPENMETRICS):
        raise typer.BadParameter("metrics count every call; they cannot be filtered", param_hint="--filter")
    if ladder is not None and serve:
        raise typer.BadParameter("a ladder cannot be combined with --serve", param_hint="--ladder")
    read = configuration(config)
    settings, policy = read.settings, _policy(read.privacy)
    keep = _filter(expression)
    with _source(files, prefilter, deep=deep, keylog=keylog) as source, opened(output) as out:
        if ladder is not None:
            _draw(source, settings, policy, out, ladder)
        elif form is Format.OPENMETRICS:
            _history(source, settings, out, step or DEFAULT_STEP, (listen or DEFAULT_LISTEN) if serve else None)
        else:
            engine = _report(source, settings, policy, out, form, keep, messages=messages, counting=serve)
            if serve:
                _serve(engine, source, listen or DEFAULT_LISTEN)


def _history(
    source: CaptureSource | DeepSource, settings: Settings, out: IO[bytes], step: int, listen: str | None
) -> None:
    from sipwatch.cli.history import Replayed, write
    from sipwatch.engine import Engine

    engine = Engine(None, metrics=_metrics(settings))
    replayed = Replayed(engine, source)
    history = replayed.history(step)
    _run(engine, source, history)
    write(history, out)
    _warn(source)
    if listen is not None:
        replayed.serve(listen)


def _serve(engine: Engine, source: CaptureSource | DeepSource, listen: str) -> None:
    from sipwatch.cli.history import Replayed

    Replayed(engine, source).serve(listen)


def _metrics(settings: Settings) -> Metrics:
    from sipwatch.classify.peers import Directory
    from sipwatch.export.metrics import Metrics

    return Metrics(Directory(settings))


def _policy(privacy: Privacy) -> Policy | None:
    if not any(privacy):
        return None
    from sipwatch.export.privacy import policy_of

    return policy_of(privacy)


def _report(
    source: CaptureSource | DeepSource,
    settings: Settings,
    policy: Policy | None,
    out: IO[bytes],
    form: Format,
    keep: Callable[[CallRecord], bool] | None,
    *,
    messages: bool,
    counting: bool,
) -> Engine:
    from sipwatch.engine import Engine
    from sipwatch.export.summary import Summary

    summary = Summary()
    writer = _private(_writer(form, out, summary, messages=messages), policy)
    count, write = summary.add, writer.call

    def sink(record: CallRecord, completed: bool) -> None:
        if keep is None or keep(record):
            count(record, completed)
            write(record)

    metrics = _metrics(settings) if counting else None
    engine = Engine(sink, settings, keep_messages=messages and form is not Format.TABLE, metrics=metrics)
    _run(engine, source)
    writer.finish(engine.capture(source), engine.whole(summary))
    out.flush()
    _warn(source)
    return engine


def _private(writer: Writer, policy: Policy | None) -> Writer:
    if policy is None:
        return writer
    from sipwatch.export.writers import PrivateWriter

    return PrivateWriter(writer, policy)


def _draw(
    source: CaptureSource | DeepSource, settings: Settings, policy: Policy | None, out: IO[bytes], wanted: str
) -> None:
    from sipwatch.engine import Engine
    from sipwatch.report.ladder import print_ladder

    found: list[CallRecord] = []

    def sink(record: CallRecord, completed: bool) -> None:
        del completed
        if record.id.startswith(wanted.lower()) or record.call_id == wanted:
            found.append(record)

    engine = Engine(sink, settings, keep_messages=True)
    _run(engine, source)
    _warn(source)
    if not found:
        fail(f"no call {wanted!r} in {', '.join(source.files)}; the report without --ladder lists the ids")
    with text_of(out) as text:
        for call in sorted(found, key=lambda call: call.started):
            print_ladder(text, call if policy is None else policy.call(call))
    out.flush()


def _run(engine: Engine, source: CaptureSource | DeepSource, history: History | None = None) -> None:
    """Feed the engine to the end of the source, or until Ctrl-C."""
    from sipwatch.capture.deep import DeepSource
    from sipwatch.capture.errors import CaptureError
    from sipwatch.report.progress import progress

    # Calls are freed by reference counting; the cyclic collector would only walk over them again and again.
    gc.disable()
    try:
        with progress(source):
            items: Iterable[Any] = source if history is None else history.watch(source)
            if isinstance(source, DeepSource):
                engine.run_datagrams(items)
            else:
                engine.run(items, source.place)
    except CaptureError as error:
        fail(str(error))
    except KeyboardInterrupt:
        complain("interrupted; this is what was read so far")
    engine.finish(source.last)


@contextlib.contextmanager
def _source(
    files: list[str], prefilter: UsePrefilter, *, deep: bool, keylog: str | None
) -> Iterator[CaptureSource | DeepSource]:
    from sipwatch.capture.errors import CaptureError
    from sipwatch.capture.files import Prefilter, open_capture

    try:
        source: CaptureSource | DeepSource
        if deep:
            from sipwatch.capture.deep import DeepSource

            source = DeepSource(files, keylog)
        else:
            source = open_capture(files, prefilter=Prefilter(prefilter.value))
    except CaptureError as error:
        fail(str(error))
    with source:
        yield source


def _filter(expression: str | None) -> Callable[[CallRecord], bool] | None:
    if expression is None:
        return None
    from sipwatch.export.filters import FilterError, compile_filter

    try:
        return compile_filter(expression)
    except FilterError as error:
        raise typer.BadParameter(str(error), param_hint="--filter") from None


def _writer(form: Format, out: IO[bytes], summary: Summary, *, messages: bool) -> Writer:
    if form is Format.TABLE:
        from sipwatch.classify.outcomes import CATEGORY
        from sipwatch.report.table import TableWriter

        return TableWriter(open_text(out), summary, dict(CATEGORY))
    from sipwatch.export.writers import CsvWriter, JsonLinesWriter, JsonWriter

    if form is Format.JSON:
        return JsonWriter(out)
    if form is Format.JSONL:
        return JsonLinesWriter(out, at_once=not stat.S_ISREG(os.fstat(out.fileno()).st_mode))
    return CsvWriter(out, messages=messages)


def _warn(source: CaptureSource | DeepSource) -> None:
    for warning in source.warnings:
        complain(f"warning: {warning}")
