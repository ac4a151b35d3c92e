"""Capture files through the engine, for commands that look at files as a whole.

Must not know: any command, or what is made of the messages.
"""

from __future__ import annotations

import contextlib
import gc
from typing import TYPE_CHECKING

from sipwatch.cli.words import complain, fail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sipwatch.capture.files import CaptureSource
    from sipwatch.engine import Engine
    from sipwatch.wire.message import Message


@contextlib.contextmanager
def captures(files: list[str]) -> Iterator[CaptureSource]:
    """Open capture files as one source; what keeps it from that ends the program."""
    from sipwatch.capture.errors import CaptureError
    from sipwatch.capture.files import open_capture

    try:
        source = open_capture(files)
    except CaptureError as error:
        fail(str(error))
    with source:
        yield source


def feed(engine: Engine, source: CaptureSource, hear: Callable[[Message], None] | None = None) -> None:
    """Feed the engine to the end of the source, or until Ctrl-C. ``hear`` is told each message before the engine."""
    from sipwatch.capture.errors import CaptureError
    from sipwatch.report.progress import progress

    gc.disable()  # as in replay: calls are freed by reference counting
    try:
        with progress(source):
            if hear is None:
                engine.run(source, source.place)
            else:
                _run(engine, source, hear)
    except CaptureError as error:
        fail(str(error))
    except KeyboardInterrupt:
        complain("interrupted; this is what was read so far")
    engine.finish(source.last)
    for warning in source.warnings:
        complain(f"warning: {warning}")


def _run(engine: Engine, source: CaptureSource, hear: Callable[[Message], None]) -> None:
    """Do what the engine's own loop does, and let somebody listen."""
    from sipwatch.wire.message import Request, Response

    decode = engine.decoder.frame
    place = source.place
    for time, link_type, data in source:
        for item in decode(time, link_type, data):
            if isinstance(item, (Request, Response)):
                item.number = place.number
                hear(item)
                engine.message(item)
