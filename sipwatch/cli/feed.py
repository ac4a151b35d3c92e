"""Capture files through the engine: how every command that reads files does it.

Must not know: any command, or what is made of the messages.
"""

from __future__ import annotations

import contextlib
import gc
from typing import IO, TYPE_CHECKING, Any

from sipwatch.cli.output import opened, replaces
from sipwatch.cli.words import FailOn, complain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from sipwatch.capture.deep import DeepSource
    from sipwatch.capture.files import CaptureSource
    from sipwatch.engine import Engine
    from sipwatch.wire.message import Message

    Source = CaptureSource | DeepSource


@contextlib.contextmanager
def captures(files: Sequence[str], prefilter: str = "auto") -> Iterator[CaptureSource]:
    """Open capture files as one source; what keeps it from that ends the program."""
    from sipwatch.capture.errors import CaptureError
    from sipwatch.capture.files import Prefilter, open_capture

    with FailOn(CaptureError):
        source = open_capture(files, prefilter=Prefilter(prefilter))
    with source:
        yield source


@contextlib.contextmanager
def deep_captures(files: Sequence[str], keylog: str | None) -> Iterator[DeepSource]:
    """Open capture files through tshark; what keeps it from that ends the program."""
    from sipwatch.capture.deep import DeepSource
    from sipwatch.capture.errors import CaptureError

    with FailOn(CaptureError):
        source = DeepSource(files, keylog)
    with source:
        yield source


def feed(
    engine: Engine,
    source: Source,
    output: str | None = None,
    *,
    items: Iterable[Any] | None = None,
    hear: Callable[[Message], None] | None = None,
    partial: bool = True,
    across_nat: bool = False,
) -> None:
    """Feed the engine to the end of the source, or until Ctrl-C where a ``partial`` result is of use.

    ``output`` names the file that the result goes to: part of a file's calls never takes the place of an older result,
    while a stream is as complete as it will ever be. ``items`` are the source's, where somebody else hands them on;
    ``hear`` has each message before the engine takes it. ``across_nat`` says that agents whose HEP is in the capture
    stand on either side of a NAT.
    """
    from sipwatch.capture.deep import DeepSource

    engine.hear = hear
    if across_nat:
        engine.decoder.expect_hep(across_nat=True)
    stream = not isinstance(source, DeepSource) and source.total_bytes is None
    with reading(source, partial=partial and (stream or not replaces(output))):
        if isinstance(source, DeepSource):
            engine.run_datagrams(source if items is None else items)
        else:
            engine.run(source if items is None else items, source.place)
    engine.finish(source.last)


@contextlib.contextmanager
def results_of(
    engine: Engine,
    files: Sequence[str],
    output: str | None,
    config: str | None,
    *,
    force: bool,
    hear: Callable[[Message], None] | None = None,
    across_nat: bool = False,
) -> Iterator[tuple[IO[bytes], CaptureSource]]:
    """Feed capture files, and give what the result is written to, and the source; then say what was wrong with it."""
    with captures(files) as source:
        with opened(output, [*files, config], force=force) as out:
            feed(engine, source, output, hear=hear, across_nat=across_nat)
            yield out, source
        warn(source)


@contextlib.contextmanager
def reading(source: Source, *, partial: bool) -> Iterator[None]:
    """Show how far the source is while it is read; what cannot be read ends the program.

    Ctrl-C ends the reading; where a ``partial`` result is of use, not the program.
    """
    from sipwatch.capture.errors import CaptureError
    from sipwatch.report.progress import progress

    # Calls are freed by reference counting; the cyclic collector would only walk over them again and again.
    gc.disable()
    try:
        with FailOn(CaptureError), progress(source):
            yield
    except KeyboardInterrupt:
        if not partial:
            raise
        complain("interrupted; this is what was read so far")
    finally:
        gc.enable()


def warn(source: Source) -> None:
    """Say what was wrong with the captures, and did not keep them from being read."""
    for warning in source.warnings:
        complain(f"warning: {warning}")
