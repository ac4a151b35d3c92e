"""Replaying a file inside a test: the records and the report's head, as the command would give them."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from sipwatch.capture.files import Prefilter, open_capture
from sipwatch.classify.peers import Settings
from sipwatch.config import parse
from sipwatch.engine import Engine

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from sipwatch.capture.formats import Frame
    from sipwatch.export.record import CallRecord, CaptureRecord


class Replayed(NamedTuple):
    """What came out."""

    calls: list[CallRecord]
    capture: CaptureRecord | None


def replay(
    *paths: Path, config: str | None = None, prefilter: Prefilter = Prefilter.OFF, keep_messages: bool = False
) -> Replayed:
    """Replay capture files; calls in the order they started. What was replayed once is not replayed again."""
    as_they_are = tuple((str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in paths)
    found = _replayed(as_they_are, config, prefilter, keep_messages)
    return found._replace(calls=list(found.calls))


@lru_cache(maxsize=256)
def _replayed(
    files: tuple[tuple[str, int, int], ...], config: str | None, prefilter: Prefilter, keep_messages: bool
) -> Replayed:
    calls: list[CallRecord] = []
    settings = parse(config, "test").settings if config else Settings()
    engine = Engine(lambda call, _: calls.append(call), settings, keep_messages=keep_messages)
    with open_capture([path for path, _, _ in files], prefilter=prefilter) as source:
        engine.run(source, source.place)
        engine.finish(source.last)
        return Replayed(sorted(calls, key=lambda call: call.started), engine.account.capture(source))


def feed(frames: Iterable[Frame] | Sequence[Frame], *, last: int | None = None) -> list[CallRecord]:
    """Feed frames to an engine; calls in the order they started."""
    calls: list[CallRecord] = []
    engine = Engine(lambda call, _: calls.append(call))
    engine.run(frames)
    engine.finish(last)
    return sorted(calls, key=lambda call: call.started)
