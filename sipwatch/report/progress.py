"""A progress bar on standard error, where that is a terminal; nothing anywhere else.

Must not know: what is read. It looks at the source from a thread of its own, a few times a second, so
that it costs nothing per packet.
"""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import Progress, TaskID

PATIENCE = 0.5  # seconds before anything is shown, and the least that must be left: most files are through by then
_EVERY = 0.2


class Readable(Protocol):
    """A source that knows how far it is."""

    @property
    def bytes_read(self) -> int:
        """Bytes read so far."""

    @property
    def total_bytes(self) -> int | None:
        """Bytes in all, None for a stream."""


@contextmanager
def progress(source: Readable) -> Iterator[None]:
    """Show how far the source is while the block runs."""
    if not sys.stderr.isatty():
        yield
        return
    done = threading.Event()
    watcher = threading.Thread(target=_watch, args=(source, done), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def _watch(source: Readable, done: threading.Event) -> None:
    waited = PATIENCE
    if done.wait(waited):
        return
    while _nearly_done(source, waited):
        if done.wait(_EVERY):
            return
        waited += _EVERY
    with _bar() as bar:
        task: TaskID = bar.add_task("reading", total=source.total_bytes, completed=source.bytes_read)
        while not done.wait(_EVERY):
            bar.update(task, completed=source.bytes_read)


def _nearly_done(source: Readable, waited: float) -> bool:
    """Tell whether the rest, at the pace so far, takes less than PATIENCE."""
    total, read = source.total_bytes, source.bytes_read
    return total is not None and waited * (total - read) < PATIENCE * read


def _bar() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

    return Progress(
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
