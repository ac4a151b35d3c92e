"""The files of a store: one of calls and one of messages a day, by the day on which a call began (UTC).

Must not know: what tables mean, threads, how much may be kept.
"""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from sipwatch.packet import DAY, SECOND
from sipwatch.store.schema import CALLS, TooNewError, known_version, migrate

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAME: Final = re.compile(r"(\d{4}-\d\d-\d\d)\.(calls|messages)\.sqlite")
_BUSY: Final = 2.0  # seconds that a writer waits for whoever holds the file
_BESIDE: Final = ("", "-wal", "-shm")  # what SQLite puts beside a file
_PAGE_CACHE: Final = 4096  # KiB of each open file


class StoreError(Exception):
    """A store cannot be used; one line says why."""


class EmptyStoreError(StoreError):
    """No calls are stored there yet."""


class NoTablesError(StoreError):
    """A day's file was made a moment ago, and nothing is in it yet."""


class TooLongError(StoreError):
    """A question was given up, because it took too long."""


class TooManyError(StoreError):
    """More was found than whoever asks can take."""


class DayFile(NamedTuple):
    """A file of a day; ``size`` is what it takes on disk with all that SQLite keeps beside it (bytes)."""

    day: str
    kind: str
    path: Path
    size: int


def day_of(moment: int) -> str:
    """Return the day (UTC, ``2026-11-30``) of a moment (ns since 1970)."""
    return datetime.fromtimestamp(moment // SECOND, UTC).strftime("%Y-%m-%d")


def begin_of(day: str) -> int:
    """Return when a day begins (ns since 1970)."""
    return (date.fromisoformat(day) - date(1970, 1, 1)).days * DAY


def day_after(day: str, days: int = 1) -> str:
    """Return the day so many days later, or earlier."""
    return (date.fromisoformat(day) + timedelta(days=days)).isoformat()


def files_in(folder: Path) -> list[DayFile]:
    """Return a store's files, the oldest day first. Raises StoreError."""
    found = []
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries]
    except OSError as error:
        raise StoreError(f"{folder}: the store cannot be read: {error.strerror}") from None
    for name in names:
        match = _NAME.fullmatch(name)
        if match is not None and _is_date(match[1]):
            found.append(DayFile(match[1], match[2], folder / name, _size(folder / name)))
    return sorted(found)


def path_of(folder: Path, day: str, kind: str) -> Path:
    """Return where a day's file is."""
    return folder / f"{day}.{kind}.sqlite"


def remove(file: DayFile) -> None:
    """Let go of a file; who reads it goes on reading."""
    for beside in _BESIDE:
        with contextlib.suppress(FileNotFoundError):
            Path(f"{file.path}{beside}").unlink()


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _size(path: Path) -> int:
    total = 0
    for beside in _BESIDE:
        with contextlib.suppress(OSError):
            total += Path(f"{path}{beside}").stat().st_size
    return total


def open_to_write(path: Path, kind: str) -> sqlite3.Connection:
    """Open a day's file, made or brought to this version if need be. Raises sqlite3.Error, TooNewError.

    What has been committed survives the end of this process, however it comes; after a loss of power the file opens,
    and the last commits may be missing.
    """
    connection = sqlite3.connect(path, timeout=_BUSY, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA cache_size = -{_PAGE_CACHE}")
        connection.execute("PRAGMA journal_size_limit = 16777216")
        migrate(connection, kind)
    except BaseException:
        connection.close()
        raise
    return connection


def open_to_read(path: Path, kind: str) -> sqlite3.Connection:
    """Open a day's file while somebody may be writing it. Raises sqlite3.Error, StoreError."""
    connection = _opened(path)
    try:
        version = known_version(connection, kind)
    except TooNewError as error:
        connection.close()
        raise StoreError(f"{path}: {error}; read it with that") from None
    if version < 1:
        connection.close()
        raise NoTablesError(f"{path}: it has no tables yet")
    return connection


def _opened(path: Path) -> sqlite3.Connection:
    address = path.absolute().as_uri()
    connection = sqlite3.connect(f"{address}?mode=ro", uri=True, timeout=_BUSY, check_same_thread=False)
    try:
        connection.execute("SELECT 1 FROM sqlite_master").fetchall()
    except sqlite3.OperationalError:
        connection.close()
        # Nobody writes it, and we may not: without a journal beside it, it can be read as it stands.
        wal = Path(f"{path}-wal")
        if wal.exists() and wal.stat().st_size:
            raise
        connection = sqlite3.connect(f"{address}?immutable=1", uri=True, check_same_thread=False)
    return connection


def days_between(files: list[DayFile], since: int | None, until: int | None, kind: str = CALLS) -> Iterator[DayFile]:
    """Give the files of a kind whose day has something of a time (ns since 1970; ``until`` is not part of it)."""
    first = "" if since is None else day_of(max(0, since))
    last = "9999-99-99" if until is None else day_of(max(0, until - 1))
    for file in files:
        if file.kind == kind and first <= file.day <= last:
            yield file
