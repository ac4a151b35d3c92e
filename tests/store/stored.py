"""A store inside a test: calls written as the daemon does, without its thread, and read again."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from sipwatch.capture.files import Prefilter, open_capture
from sipwatch.classify.peers import Privacy, Settings
from sipwatch.engine import Engine
from sipwatch.store import schema
from sipwatch.store.intake import Intake
from sipwatch.store.reader import StoreReader
from sipwatch.store.settings import KeepMessages, StoreSettings
from sipwatch.store.wanted import Wanted
from sipwatch.store.writer import StoreWriter
from tests.conversation import messages
from tests.export.records import START

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from sipwatch.export.record import CallRecord
    from sipwatch.wire.message import Request, Response

EVERYTHING = StoreSettings(None, None, None, None, messages=KeepMessages.ALL)


class Stored:
    """A store in a folder: ``told`` is what its writer said, ``now`` the time it goes by."""

    def __init__(
        self, folder: Path, settings: StoreSettings = EVERYTHING, *, privacy: Privacy | None = None, now: int = START
    ) -> None:
        self.folder = folder
        self.now = now
        self._readers: list[StoreReader] = []
        self.told: list[tuple[str, str]] = []
        self.intake = Intake()
        self.writer = StoreWriter(folder, self.intake, settings, privacy or Privacy(), lambda: self.now, self._tell)

    def _tell(self, level: str, event: str, reason: str) -> None:
        self.told.append((event, reason))

    def put(self, *calls: CallRecord, completed: bool = False) -> None:
        """Write calls."""
        for call in calls:
            self.intake.call(call, completed, [])
        self.writer.write()

    def watch(
        self, script: str | Iterable[Request | Response], settings: Settings | None = None, *, until: int | None = None
    ) -> Engine:
        """Let an engine watch a conversation to its end, and write what became of it."""
        engine = Engine(None, settings, keeper=self.intake)
        engine.add(self.intake)
        for message in messages(script) if isinstance(script, str) else script:
            engine.message(message)
        engine.finish(until)
        self.writer.write()
        return engine

    def capture(self, path: Path, settings: Settings | None = None) -> None:
        """Let an engine read a capture file, and write what became of its calls."""
        engine = Engine(None, settings, keeper=self.intake)
        engine.add(self.intake)
        with open_capture([str(path)], prefilter=Prefilter.OFF) as source:
            engine.run(self.intake.watch(source), source.place)
            engine.finish(source.last)
        self.writer.write()

    def turns(self, number: int) -> None:
        """Let the writer look so many times at what waits."""
        for _ in range(number):
            self.writer.write()

    def read(self) -> StoreReader:
        """Return what reads it."""
        self._readers.append(StoreReader(self.folder))
        return self._readers[-1]

    def ids(self, **wanted: Any) -> list[str]:
        """Return the ids of the calls that are wanted, the oldest first."""
        return [one.record.id for one in self.read().calls(Wanted(**wanted), oldest_first=True)]

    def ask(self, sql: str, day: str = "", kind: str = "calls") -> list[Any]:
        """Ask a day's file itself, the first one's if no day is given."""
        path = self.folder / f"{day}.{kind}.sqlite" if day else min(self.folder.glob(f"*.{kind}.sqlite"))
        connection = sqlite3.connect(path)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    def close(self) -> None:
        """Stop writing, and reading."""
        for reader in self._readers:
            reader.close()
        self.writer.stop(0)


@contextlib.contextmanager
def before_five_minutes() -> Iterator[None]:
    """Write files, meanwhile, as they were before version 4: without sums of five minutes and an index of legs."""
    with pytest.MonkeyPatch.context() as before:
        before.setitem(schema.MIGRATIONS, schema.CALLS, schema.MIGRATIONS[schema.CALLS][:3])
        before.delitem(schema.SUMS, "five_minutes")
        yield
