"""What ``replay`` does with metrics: the whole history as OpenMetrics, and a look at them by HTTP.

Must not know: how packets are read, or figures made.
"""

from __future__ import annotations

import sys
import time
from typing import IO, TYPE_CHECKING

from sipwatch import installed_version
from sipwatch.cli.output import text_of
from sipwatch.cli.serving import serve_until_ended
from sipwatch.cli.words import FailOn, complain
from sipwatch.export.account import implementation
from sipwatch.export.collector import Collector, about_capture
from sipwatch.export.families import families
from sipwatch.export.history import History

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client import Metric

    from sipwatch.capture.deep import DeepSource
    from sipwatch.capture.files import CaptureSource
    from sipwatch.engine import Engine
    from sipwatch.export.figures import Figures

OPEN = ("calls", "transactions", "registrations")  # while there are any, time alone changes figures


class Replayed:
    """The figures of a replay."""

    def __init__(self, engine: Engine, source: CaptureSource | DeepSource) -> None:
        self.engine = engine
        self._source = source
        self._collector = Collector(engine)

    def families(self) -> Iterator[Metric]:
        """Give every family that a replay has."""
        return families(self.figures())

    def figures(self) -> list[Figures]:
        """Copy the figures as they stand."""
        captures = [(name, packets, 0) for name, packets in self._source.packets_of.items()]
        return [*self._collector.figures(), *about_capture(captures, (installed_version(), implementation()))]

    def history(self, step: int | None) -> History:
        """Return what samples the figures every ``step`` seconds, or as often as is reasonable."""
        tracker = self.engine.tracker
        return History(self.families, self.engine.advance, lambda: not any(map(tracker.tracked.get, OPEN)), step)

    def serve(self, listen: str) -> None:
        """Serve the figures until somebody ends it."""
        from sipwatch.shell.log import Log
        from sipwatch.web.server import Server, WebError

        figures = self.figures()
        log = Log(sys.stderr, "text", time.time)
        with FailOn(WebError):
            server = Server(lambda: figures, lambda: None, lambda: None, listen, None, log)
        serve_until_ended(server, f"serving http://{server.address}/metrics")


def write_history(history: History, out: IO[bytes]) -> None:
    """Write a history to its end, and say on standard error how large it has become."""
    history.finish()
    with text_of(out) as text:
        series, step, size = history.write(text)
    complain(f"{series:,} series, a sample every {step} s: {size / 1e6:.1f} MB")
