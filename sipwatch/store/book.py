"""Calls, their tags and their messages into the files of their days: each batch as a whole, or not at all.

Must not know: threads, queues, how much may be kept.

The messages of a batch are committed first. A call that says how many messages are kept of it has them; messages of a
call that is not there, after a fault between the two, are found by nobody, and go with their day.
"""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING, Final, NamedTuple

from sipwatch.store.days import begin_of, day_of, open_to_write, path_of
from sipwatch.store.registering import write_attempts
from sipwatch.store.rows import (
    COLUMNS,
    CONDITION_COLUMNS,
    FINDING_COLUMNS,
    LEG_COLUMNS,
    LINK_COLUMNS,
    call_row,
    condition_rows,
    finding_rows,
    leg_rows,
    link_rows,
    tag_rows,
)
from sipwatch.store.schema import CALLS, MESSAGES
from sipwatch.store.sql import insert, placeholders
from sipwatch.store.sums import add_up, add_up_agents

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from sipwatch.export.record import CallRecord
    from sipwatch.store.attempts import RegisterAttempt
    from sipwatch.store.intake import AnsweredCall, Tagging
    from sipwatch.store.spool import Kept

_MAX_OPEN: Final = 6  # files; calls of yesterday end today
_IDS_AT_A_TIME: Final = 500


_INSERT_CALL: Final = insert("calls", "number", *COLUMNS)
_INSERT_LEG: Final = insert("legs", "call", "place", *LEG_COLUMNS)
_INSERT_CONDITION: Final = insert("conditions", "call", "place", *CONDITION_COLUMNS)
_INSERT_FINDING: Final = insert("findings", "call", "place", *FINDING_COLUMNS)
_INSERT_TAG: Final = insert("tags", "call", "place", "tag")
_INSERT_MESSAGE: Final = insert(
    "messages", "id", "place", "time", "transport", "ends", "again", "placed", "raw", "link_type", "before", "after",
    verb="INSERT OR REPLACE",
)  # fmt: skip
_INSERT_LINK: Final = insert("links", "call", "place", *LINK_COLUMNS)
_INSERT_UP: Final = insert("up", "id", "started", "source", "destination", verb="INSERT OR REPLACE")
_PARTS: Final = ("legs", "links", "conditions", "findings", "tags")


class KeptMessage(NamedTuple):
    """A message of a call: ``again`` says that it repeats an earlier one, ``placed`` that its transaction is known."""

    message: Kept
    again: bool
    placed: bool


class CallEntry(NamedTuple):
    """A call that is to be written, and the messages that are kept of it."""

    record: CallRecord
    completed: bool
    messages: Sequence[KeptMessage] = ()


class DayBatch(NamedTuple):
    """What is to be written of one day: calls, tags of such, calls that were answered, attempts to register."""

    entries: list[CallEntry]
    tagged: list[Tagging]
    answered: list[AnsweredCall]
    attempts: list[RegisterAttempt]


class Book:
    """Writes into the files of a folder. Its methods raise sqlite3.Error and TooNewError, having written nothing.

    ``given_up`` counts the devices whose registrations gave way to others.
    """

    def __init__(self, folder: Path) -> None:
        self.given_up = 0
        self._folder = folder
        self._open: dict[tuple[str, str], sqlite3.Connection] = {}

    def write(
        self,
        day: str,
        entries: Sequence[CallEntry],
        tagged: Sequence[Tagging] = (),
        answered: Sequence[AnsweredCall] = (),
        attempts: Sequence[RegisterAttempt] = (),
    ) -> int:
        """Write calls that began on a day, what else is to be said of such, and attempts to register of that day.

        Returns how many calls were not there yet.
        """
        connection = self._file(day, CALLS)
        with self._transaction(day, CALLS, connection):
            known = _known(connection, [entry.record.id for entry in entries])
            new = [entry for entry in _once(entries) if entry.record.id not in known]
            _add(connection, new)
            for one in tagged:
                _tag(connection, one)
            _put_up(connection, entries, answered)
            given_up = write_attempts(connection, begin_of(day), attempts) if attempts else 0
        self.given_up += given_up
        return len(new)

    def write_messages(self, day: str, entries: Iterable[CallEntry]) -> None:
        """Write the messages of calls that began on a day."""
        connection = self._file(day, MESSAGES)
        with self._transaction(day, MESSAGES, connection):
            for entry in entries:
                rows = [(entry.record.id, place, *_message(kept)) for place, kept in enumerate(entry.messages)]
                connection.executemany(_INSERT_MESSAGE, rows)

    def calls_on(self, day: str) -> int:
        """Return how many calls of a day are there, or were and have been let go of one by one since."""
        found = self._file(day, CALLS).execute("SELECT max(number) - min(number) + 1 FROM calls").fetchone()[0]
        return int(found or 0)

    def used(self, day: str, kind: str) -> int:
        """Return how many bytes of a day's file are in use."""
        connection = self._file(day, kind)
        pages, free, size = (
            connection.execute(f"PRAGMA {what}").fetchone()[0] for what in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * size)

    def let_go_of_calls(self, day: str, number: int) -> None:
        """Let go of so many of a day's calls, those that were written first. Sums stay."""
        connection = self._file(day, CALLS)
        with self._transaction(day, CALLS, connection):
            first = connection.execute("SELECT min(number) FROM calls").fetchone()[0]
            if first is not None:
                for part in _PARTS:
                    connection.execute(f"DELETE FROM {part} WHERE call < ?", (first + number,))
                connection.execute("DELETE FROM calls WHERE number < ?", (first + number,))

    def let_go_of_messages(self, day: str, number: int) -> None:
        """Let go of so many of a day's messages, the earliest."""
        connection = self._file(day, MESSAGES)
        with self._transaction(day, MESSAGES, connection):
            oldest = "SELECT id, place FROM messages ORDER BY time LIMIT ?"
            connection.execute(f"DELETE FROM messages WHERE (id, place) IN ({oldest})", (number,))

    def close(self, day: str | None = None) -> None:
        """Close the files of a day, or all."""
        for key in [key for key in self._open if day in (None, key[0])]:
            with contextlib.suppress(sqlite3.Error):
                self._open.pop(key).close()

    def _file(self, day: str, kind: str) -> sqlite3.Connection:
        key = (day, kind)
        connection = self._open.pop(key, None)
        if connection is None:
            while len(self._open) >= _MAX_OPEN:
                self._open.pop(next(iter(self._open))).close()
            connection = open_to_write(path_of(self._folder, day, kind), kind)
        self._open[key] = connection  # the latest used
        return connection

    @contextlib.contextmanager
    def _transaction(self, day: str, kind: str, connection: sqlite3.Connection) -> Iterator[None]:
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.execute("COMMIT")
        except BaseException:
            # Closing rolls back, and frees what a file that vanished, or a disk that is full, left it with.
            self._open.pop((day, kind), None)
            with contextlib.suppress(sqlite3.Error):
                connection.close()
            raise


def by_day(
    entries: Iterable[CallEntry],
    tagged: Iterable[Tagging] = (),
    answered: Iterable[AnsweredCall] = (),
    attempts: Iterable[RegisterAttempt] = (),
) -> dict[str, DayBatch]:
    """Return what is to be written, by the day on which each call began, or each attempt was made."""
    found: dict[str, DayBatch] = {}

    def on(started: int) -> DayBatch:
        return found.setdefault(day_of(started), DayBatch([], [], [], []))

    for entry in entries:
        on(entry.record.started).entries.append(entry)
    for one in tagged:
        on(one.started).tagged.append(one)
    for call in answered:
        on(call.started).answered.append(call)
    for attempt in attempts:
        on(attempt.at).attempts.append(attempt)
    return found


def _once(entries: Iterable[CallEntry]) -> list[CallEntry]:
    return list({entry.record.id: entry for entry in entries}.values())


def _known(connection: sqlite3.Connection, ids: Sequence[str]) -> set[str]:
    """Return which of some calls are there already: a file may be read twice, a batch tried again."""
    known: set[str] = set()
    for first in range(0, len(ids), _IDS_AT_A_TIME):
        part = ids[first : first + _IDS_AT_A_TIME]
        known.update(
            row[0] for row in connection.execute(f"SELECT id FROM calls WHERE id IN ({placeholders(len(part))})", part)
        )
    return known


def _add(connection: sqlite3.Connection, entries: Sequence[CallEntry]) -> None:
    first = (connection.execute("SELECT max(number) FROM calls").fetchone()[0] or 0) + 1
    numbered = list(enumerate(entries, first))
    calls = [(number, *call_row(entry.record, entry.completed, len(entry.messages))) for number, entry in numbered]
    connection.executemany(_INSERT_CALL, calls)
    for statement, rows_of in (
        (_INSERT_LEG, leg_rows),
        (_INSERT_CONDITION, condition_rows),
        (_INSERT_FINDING, finding_rows),
        (_INSERT_LINK, link_rows),
    ):
        connection.executemany(statement, [row for number, entry in numbered for row in rows_of(number, entry.record)])
    tags = [row for number, entry in numbered for row in tag_rows(number, entry.record.tags)]
    connection.executemany(_INSERT_TAG, tags)
    add_up(connection, [(entry.record, entry.completed) for entry in entries])
    add_up_agents(connection, [entry.record for entry in entries])


def _tag(connection: sqlite3.Connection, tagging: Tagging) -> None:
    found = connection.execute("SELECT number FROM calls WHERE id = ?", (tagging.record_id,)).fetchone()
    if found is not None:
        connection.execute("DELETE FROM tags WHERE call = ?", found)
        connection.executemany(_INSERT_TAG, tag_rows(found[0], tagging.tags))


def _put_up(connection: sqlite3.Connection, entries: Sequence[CallEntry], answered: Sequence[AnsweredCall]) -> None:
    """Note which calls are up, and that those which are over are not."""
    over = {entry.record.id for entry in entries}
    known = _known(connection, [call.record_id for call in answered])
    connection.executemany(_INSERT_UP, [call for call in answered if call.record_id not in known])
    connection.executemany("DELETE FROM up WHERE id = ?", [(record_id,) for record_id in over])


def _message(kept: KeptMessage) -> tuple[object, ...]:
    message = kept.message
    own = message.link_type >= 0
    return (
        message.time, message.transport.value, message.ends, int(kept.again), int(kept.placed), message.raw,
        message.link_type if own else None, message.before if own else None, message.after if own else None,
    )  # fmt: skip
