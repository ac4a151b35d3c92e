"""The command line. Results go to standard output, everything else to standard error.

Exit status: 0 done (also when a file broke off, or after Ctrl-C, with what there is), 1 could not be
done, 2 wrong usage. Libraries that take long to load are imported where they are needed.
"""

from __future__ import annotations

import contextlib
import gc
import os
import stat
import sys
from enum import StrEnum
from typing import IO, TYPE_CHECKING, Annotated, NoReturn

import typer

from sipwatch import installed_version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sipwatch.capture.deep import DeepSource
    from sipwatch.capture.files import CaptureSource
    from sipwatch.classify.peers import Settings
    from sipwatch.engine import Engine
    from sipwatch.export.record import CallRecord
    from sipwatch.export.summary import Summary
    from sipwatch.export.writers import Writer

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class Format(StrEnum):
    """How results are written."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"


class UsePrefilter(StrEnum):
    """Whether RTP is kept away before Python looks at it."""

    AUTO = "auto"
    ON = "on"
    OFF = "off"


def main() -> None:
    """Run the command line; no user ever sees a traceback."""
    try:
        app()
    except BrokenPipeError:
        _quiet_exit()
    except KeyboardInterrupt:
        _complain("interrupted")
        sys.exit(130)
    except Exception as error:  # the last net: what gets here is a mistake of ours
        if os.environ.get("SIPWATCH_DEBUG"):
            raise
        _fail(f"internal error, please report it: {type(error).__name__}: {error} (SIPWATCH_DEBUG=1 shows where)")


@app.callback(invoke_without_command=True)
def _common(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Sipwatch says what became of every call: answered, busy, stuck in 100 Trying, nobody there, ..."""
    if version:
        typer.echo(f"sipwatch {installed_version()}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit


@app.command()
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
) -> None:
    """Say what became of every call in capture files."""
    if keylog is not None and not deep:
        raise typer.BadParameter("a key log is of use only with --deep", param_hint="--keylog")
    if ladder is not None and form is not Format.TABLE:
        raise typer.BadParameter(
            "a ladder is drawn for the terminal; it cannot be combined with --format", param_hint="--ladder"
        )
    settings = _settings(config)
    keep = _filter(expression)
    with _source(files, prefilter, deep=deep, keylog=keylog) as source, _output(output) as out:
        if ladder is not None:
            _draw(source, settings, out, ladder)
        else:
            _report(source, settings, out, form, keep, messages=messages)


def _report(
    source: CaptureSource | DeepSource,
    settings: Settings,
    out: IO[bytes],
    form: Format,
    keep: Callable[[CallRecord], bool] | None,
    *,
    messages: bool,
) -> None:
    from sipwatch.engine import Engine
    from sipwatch.export.summary import Summary

    summary = Summary()
    writer = _writer(form, out, summary, messages=messages)
    count, write = summary.add, writer.call

    def sink(record: CallRecord, completed: bool) -> None:
        if keep is None or keep(record):
            count(record, completed)
            write(record)

    engine = Engine(sink, settings, keep_messages=messages and form is not Format.TABLE)
    _run(engine, source)
    writer.finish(engine.capture(source), summary.to_record())
    out.flush()
    _warn(source)


def _draw(source: CaptureSource | DeepSource, settings: Settings, out: IO[bytes], wanted: str) -> None:
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
        _fail(f"no call {wanted!r} in {', '.join(source.files)}; the report without --ladder lists the ids")
    with _text(out) as text:
        for call in sorted(found, key=lambda call: call.started):
            print_ladder(text, call)
    out.flush()


def _run(engine: Engine, source: CaptureSource | DeepSource) -> None:
    """Feed the engine to the end of the source, or until Ctrl-C."""
    from sipwatch.capture.deep import DeepSource
    from sipwatch.capture.errors import CaptureError
    from sipwatch.report.progress import progress

    # Calls are freed by reference counting; the cyclic collector would only walk over them again and again.
    gc.disable()
    try:
        with progress(source):
            if isinstance(source, DeepSource):
                engine.run_datagrams(source)
            else:
                engine.run(source)
    except CaptureError as error:
        _fail(str(error))
    except KeyboardInterrupt:
        _complain("interrupted; this is what was read so far")
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
        _fail(str(error))
    with source:
        yield source


def _settings(path: str | None) -> Settings:
    from sipwatch.classify.peers import Settings

    if path is None:
        return Settings()
    from sipwatch.config import ConfigError, load

    try:
        return load(path)
    except ConfigError as error:
        _fail(str(error))


def _filter(expression: str | None) -> Callable[[CallRecord], bool] | None:
    if expression is None:
        return None
    from sipwatch.export.filters import FilterError, compile_filter

    try:
        return compile_filter(expression)
    except FilterError as error:
        raise typer.BadParameter(str(error), param_hint="--filter") from None


@contextlib.contextmanager
def _output(path: str | None) -> Iterator[IO[bytes]]:
    """Open the output; a disk that is full or a reader that went away ends the run in one line or none."""
    if path is None:
        try:
            yield sys.stdout.buffer
            sys.stdout.flush()
        except BrokenPipeError:
            _quiet_exit()
        except OSError as error:
            _abandon_output()
            _fail(f"standard output cannot be written: {error.strerror}")
        return
    try:
        with open(path, "wb") as out:
            yield out
    except OSError as error:
        _fail(f"{path}: cannot be written: {error.strerror}")


def _writer(form: Format, out: IO[bytes], summary: Summary, *, messages: bool) -> Writer:
    if form is Format.TABLE:
        from sipwatch.classify.outcomes import CATEGORY
        from sipwatch.report.table import TableWriter

        return TableWriter(_open_text(out), summary, dict(CATEGORY))
    from sipwatch.export.writers import CsvWriter, JsonLinesWriter, JsonWriter

    if form is Format.JSON:
        return JsonWriter(out)
    if form is Format.JSONL:
        return JsonLinesWriter(out, at_once=not stat.S_ISREG(os.fstat(out.fileno()).st_mode))
    return CsvWriter(out, messages=messages)


def _open_text(out: IO[bytes]) -> IO[str]:
    """Return a text stream on the output; what its encoding lacks is replaced, never an error."""
    if out is sys.stdout.buffer:
        with contextlib.suppress(AttributeError):
            sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
        return sys.stdout
    return open(out.fileno(), "w", encoding="utf-8", closefd=False)


@contextlib.contextmanager
def _text(out: IO[bytes]) -> Iterator[IO[str]]:
    text = _open_text(out)
    yield text
    text.flush()


def _warn(source: CaptureSource | DeepSource) -> None:
    for warning in source.warnings:
        _complain(f"warning: {warning}")


def _complain(words: str) -> None:
    from sipwatch.export.escape import terminal

    with contextlib.suppress(OSError):
        print(f"sipwatch: {terminal(words)}", file=sys.stderr)


def _fail(words: str) -> NoReturn:
    _complain(words)
    sys.exit(1)


def _abandon_output() -> None:
    """Point standard output at nothing, so that the interpreter's own flush at exit cannot fail."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _quiet_exit() -> NoReturn:
    """End as a filter ends whose reader has seen enough (``| head``)."""
    _abandon_output()
    sys.exit(0)
