"""Reads a store, while it is written or when it is not: calls by time, filter or number, their messages, sums.

Must not know: formats, pages, what time it is. A reader is for one thread at a time.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from msgspec.structs import replace

from sipwatch.export.moments import Moment
from sipwatch.packet import DAY, HOUR, MINUTE
from sipwatch.store.days import (
    EmptyStoreError,
    NoTablesError,
    StoreError,
    TooLongError,
    TooManyError,
    begin_of,
    day_of,
    days_between,
    files_in,
    open_to_read,
    path_of,
)
from sipwatch.store.ids import MAX_NAMED, MIN_BEGINNING, UnclearIdError, begins_so, exactly
from sipwatch.store.rows import (
    CONDITION_COLUMNS,
    FINDING_COLUMNS,
    LEG_COLUMNS,
    LINK_COLUMNS,
    SCALARS,
    KeptText,
    Parts,
    call_of,
    kept_text,
    message_of,
)
from sipwatch.store.schema import CALLS, MESSAGES, SUM_KEYS, SUM_VALUES, SUMS, SUMS_SINCE, UP_SINCE
from sipwatch.store.sql import Clause, placeholders
from sipwatch.store.sums import ASK_AGENTS, agents_of
from sipwatch.store.wanted import FOREVER, Position

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
    from pathlib import Path as FilePath

    from sipwatch.export.record import CallRecord
    from sipwatch.export.rolled import Rolled
    from sipwatch.store.days import DayFile
    from sipwatch.store.wanted import Wanted

_MAX_OPEN: Final = 64  # files
_FIRST_BATCH: Final = 64  # calls; a page wants no more
_BATCH: Final = 512
_TOO_LONG: Final = "the question takes too long; ask for a shorter time"
_NEWEST_DAYS: Final = 3  # in which calls that are written now may have begun
_STEPS: Final = 20_000  # of SQLite's machine between two looks at whether to give up: some milliseconds
_PARTS: Final = (
    ("legs", LEG_COLUMNS, Parts.leg),
    ("conditions", CONDITION_COLUMNS, Parts.condition),
    ("findings", FINDING_COLUMNS, Parts.finding),
    ("links", LINK_COLUMNS, Parts.link),
    ("tags", ("tag",), Parts.tag),
)
_LAST: Final = Position(FOREVER, FOREVER)  # what every call comes before
_COLUMNS: Final = ", ".join((*SCALARS, "completed", "kept", "number"))


class Stored(NamedTuple):
    """A call that was read; ``kept`` is how many messages are kept of it, if they have not gone since."""

    record: CallRecord
    completed: bool
    kept: int
    place: Position


class Sum(NamedTuple):
    """Calls added up that have these in common, from ``at`` on (ns); spans in ns. Nothing is "" or 0."""

    at: int
    source: str
    destination: str
    outcome: str
    status_code: int
    ending: str
    ended_by: str
    calls: int
    completed: int
    setups: int
    setup_ns: int
    rings: int
    ring_ns: int
    talks: int
    talk_ns: int


class UpSum(NamedTuple):
    """Calls between two peers that were answered and are not over, as far as the store knows, from ``at`` on (ns)."""

    at: int
    source: str
    destination: str
    calls: int


class StoreReader:
    """Reads the store in a folder. Raises StoreError where there is none.

    ``give_up`` is asked while a question takes long; if it says so, the question raises TooLongError.
    """

    def __init__(self, folder: FilePath) -> None:
        self.give_up: Callable[[], bool] | None = None
        self._folder = folder
        self._open: dict[FilePath, tuple[int, sqlite3.Connection]] = {}
        if not self.files():
            raise EmptyStoreError(f"{folder}: no calls are stored there; sipwatch live --store {folder} writes some")

    def files(self) -> list[DayFile]:
        """Return the files of calls, the oldest day first. Raises StoreError."""
        return [file for file in files_in(self._folder) if file.kind == CALLS]

    def close(self) -> None:
        """Close every file."""
        for _, connection in self._open.values():
            connection.close()
        self._open.clear()

    # Calls

    def calls(
        self,
        wanted: Wanted,
        *,
        behind: Position | None = None,
        oldest_first: bool = False,
        go_on: Callable[[Position], bool] | None = None,
    ) -> Iterator[Stored]:
        """Give the calls that are wanted, the newest first or the oldest, ``behind`` one of them. Raises StoreError.

        ``go_on`` is told from time to time up to where all has been given, and says whether to go on.
        """
        files = list(days_between(self.files(), wanted.since, wanted.until))
        for file in files if oldest_first else reversed(files):
            if behind is None or (
                file.day >= day_of(behind.started) if oldest_first else file.day <= day_of(behind.started)
            ):
                place = yield from self._of_day(file, wanted, behind, oldest_first=oldest_first, go_on=go_on)
                if place is not None:
                    return

    def call(self, named: str) -> Stored | None:
        """Return the call with an id, the newest with a Call-ID, or the one whose id begins so; None without one.

        Raises UnclearIdError where the ids of several calls begin so, or the beginning is too short to be sure.
        """
        files = self.files()[::-1]
        for file in files:
            for condition in exactly(named):
                found = self._newest(file, condition, 1)
                if found:
                    return found[0]
        beginning = begins_so(named)
        return None if beginning is None else self._only(files, beginning, named)

    def _only(self, files: Sequence[DayFile], condition: Clause, beginning: str) -> Stored | None:
        """Return the only call of which a condition holds; of the files the newest comes first."""
        count, found = 0, list[Stored]()
        for file in files:
            sql = f"SELECT count(*) FROM calls WHERE {condition.sql}"
            here = sum(number for (number,) in self._ask(file.path, CALLS, sql, condition.values))
            count += here
            if here and len(found) < MAX_NAMED:
                found += self._newest(file, condition, MAX_NAMED - len(found))
        if count > 1 or (count and len(beginning) < MIN_BEGINNING):
            raise UnclearIdError(beginning, count, found)
        return found[0] if found else None

    def _newest(self, file: DayFile, condition: Clause, most: int) -> list[Stored]:
        return self._whole(file, self._rows(file, condition, _LAST, most, oldest_first=False))

    def added(self, marks: dict[str, int], most: int) -> list[Stored]:
        """Return at most so many of the calls that were written since ``marks``, which are brought up to now.

        ``marks`` has the last call of each of the newest days; it begins empty, which gives none. Raises StoreError.
        """
        found: list[Stored] = []
        files = self.files()[-_NEWEST_DAYS:]
        begins = not marks
        for file in files:
            last = self._ask(file.path, CALLS, "SELECT max(number) FROM calls", ())
            newest = (last[0][0] if last else None) or 0
            before = marks.get(file.day, newest if begins else 0)
            if newest > before and len(found) < most:
                sql = f"SELECT {_COLUMNS} FROM calls WHERE number > ? ORDER BY number LIMIT ?"
                rows = self._ask(file.path, CALLS, sql, (before, most - len(found)))
                found += self._whole(file, rows)
            marks[file.day] = newest
        for day in marks.keys() - {file.day for file in files}:
            del marks[day]
        return found

    def span(self) -> tuple[Moment, Moment] | None:
        """Return when the first call that is there began, and the last; None without any. Raises StoreError."""
        files = self.files()
        first = self._outermost(files, "min")
        last = self._outermost(files[::-1], "max")
        return None if first is None or last is None else (Moment(first), Moment(last))

    def peers(self) -> set[str]:
        """Return the names of all peers between which there were calls. Raises StoreError."""
        sql = "SELECT DISTINCT source FROM hours UNION SELECT DISTINCT destination FROM hours"
        return {name for file in self.files() for (name,) in self._ask(file.path, CALLS, sql, ())}

    def _outermost(self, files: Sequence[DayFile], which: str) -> int | None:
        for file in files:
            rows = self._ask(file.path, CALLS, f"SELECT {which}(started) FROM calls", ())
            if rows and rows[0][0] is not None:
                return int(rows[0][0])
        return None

    def _of_day(
        self,
        file: DayFile,
        wanted: Wanted,
        behind: Position | None,
        *,
        oldest_first: bool,
        go_on: Callable[[Position], bool] | None,
    ) -> Generator[Stored, None, Position | None]:
        """Give a day's calls; return where it was told to stop, None at the day's end."""
        condition = wanted.condition()
        place = behind or (Position(-1, -1) if oldest_first else _LAST)
        batch = _FIRST_BATCH
        while True:
            rows = self._rows(file, condition, place, batch, oldest_first=oldest_first)
            for one in self._whole(file, rows):
                if wanted.takes(one.record):
                    yield one
            if len(rows) < batch:
                return None
            place, batch = Position(rows[-1][SCALARS.index("started")], rows[-1][-1]), _BATCH
            if go_on is not None and not go_on(place):
                return place

    def _rows(
        self, file: DayFile, condition: Clause, behind: Position, most: int, *, oldest_first: bool
    ) -> list[tuple[Any, ...]]:
        order, sign = ("", ">") if oldest_first else (" DESC", "<")
        sql = (
            f"SELECT {_COLUMNS} FROM calls WHERE {condition.sql} AND (started, number) {sign} (?, ?)"
            f" ORDER BY started{order}, number{order} LIMIT ?"
        )
        return self._ask(file.path, CALLS, sql, (*condition.values, *behind, most))

    def _whole(self, file: DayFile, rows: Sequence[tuple[Any, ...]]) -> list[Stored]:
        """Return calls with what they have several of."""
        parts = {row[-1]: Parts() for row in rows}
        for table, columns, take in _PARTS if parts else ():
            which = f"{table} WHERE call IN ({placeholders(len(parts))})"
            sql = f"SELECT call, {', '.join(columns)} FROM {which} ORDER BY call, place"
            for part in self._ask(file.path, CALLS, sql, tuple(parts)):
                take(parts[part[0]], part[1:])
        found = []
        for row in rows:
            record = call_of(row, parts[row[-1]])
            completed, kept, number = row[-3:]
            found.append(Stored(record, bool(completed), kept, Position(record.started, number)))
        return found

    # Messages

    def messages(self, record: CallRecord) -> list[KeptText]:
        """Return the messages that are kept of a call, as they came; none if they have gone. Raises StoreError."""
        path = path_of(self._folder, day_of(record.started), MESSAGES)
        if not path.exists():
            return []
        sql = (
            "SELECT time, transport, ends, raw, link_type, before, after, again, placed FROM messages WHERE id = ?"
            " ORDER BY place"
        )
        return [kept_text(row) for row in self._ask(path, MESSAGES, sql, (record.id,))]

    def with_messages(self, record: CallRecord) -> CallRecord:
        """Return a call with the messages that are kept of it, as a replay with messages has it."""
        return replace(record, messages=[message_of(kept) for kept in self.messages(record)])

    # Sums

    def sums(self, since: int | None = None, until: int | None = None) -> Iterator[Sum]:
        """Give the sums of calls that began in a time (ns, whole minutes), by the hour where it has whole ones."""
        columns = ", ".join(("at", *SUM_KEYS, *SUM_VALUES))
        sql = f"SELECT {columns} FROM {{}} WHERE at >= ? AND at < ? ORDER BY at"
        for row in self.rows_of_sums(sql, since, until, tables=tables_of(HOUR)):
            yield Sum(*row)

    def totals(
        self,
        since: int | None = None,
        until: int | None = None,
        *,
        by: Sequence[str] = SUM_KEYS,
        span: int = 0,
        most: int | None = None,
        peer: str | None = None,
    ) -> list[Sum]:
        """Return the sums of a time, told apart by some keys; those of the others are "" or 0.

        ``span`` (ns, whole minutes) tells times apart as well: ``at`` is the beginning of each, without it that of the
        whole (0 if it has none). ``peer`` asks for calls from or to one alone. Raises TooManyError for more than
        ``most``.
        """
        at = 0 if since is None else since // MINUTE * MINUTE
        when = f"at / {span} * {span}" if span else f"{at}"
        keys = [key if key in by else "0" if key == "status_code" else "''" for key in SUM_KEYS]
        added = ", ".join([f"sum({value})" for value in SUM_VALUES])
        told_apart = ", ".join([*(["1"] if span else []), *(str(2 + n) for n, key in enumerate(SUM_KEYS) if key in by)])
        # One group, or none where there is nothing; older versions of SQLite know no HAVING by itself.
        grouped = f" GROUP BY {told_apart or 'at IS NULL'}"
        of, more = ("", ()) if peer is None else (" AND (source = ? OR destination = ?)", (peer, peer))
        sql = f"SELECT {when}, {', '.join(keys)}, {added} FROM {{}} WHERE at >= ? AND at < ?{of}{grouped}"
        found: dict[tuple[Any, ...], list[int]] = {}
        width = 1 + len(SUM_KEYS)
        for row in self.rows_of_sums(sql, since, until, more, tables=tables_of(span)):
            before = found.get(row[:width])
            if before is None and most is not None and len(found) >= most:
                raise TooManyError("too many sums: ask for a shorter time, a longer span, or fewer keys")
            values = row[width:]
            found[row[:width]] = (
                list(values) if before is None else [one + other for one, other in zip(before, values, strict=True)]
            )
        return [Sum(*key, *values) for key, values in found.items()]

    def rows_of_sums(
        self,
        sql: str,
        since: int | None,
        until: int | None,
        more: tuple[object, ...] = (),
        *,
        tables: Mapping[str, int],
        version: int = 1,
    ) -> Iterator[tuple[Any, ...]]:
        """Ask for sums of a time, those of longer spans where it has whole ones, those by the minute at its ends.

        ``tables`` are that by the minute and one of longer spans, or the first alone, each with its span (ns); ``sql``
        lacks the table's name, and may ask for ``more`` behind the time. Asked are the files with tables of that
        version or later.
        """
        first = 0 if since is None else since // MINUTE * MINUTE
        last = FOREVER if until is None else -(-until // MINUTE) * MINUTE
        for file in days_between(self.files(), first, last):
            has = self._version(file)
            if has >= version:
                known = {table: span for table, span in tables.items() if has >= SUMS_SINCE.get(table, version)}
                for table, since_, until_ in _spans(known, first, last):
                    yield from self._ask(file.path, CALLS, sql.format(table), (since_, until_, *more))

    def up(self, since: int, until: int, span: int) -> list[UpSum]:
        """Return the calls that began in a time (ns), were answered and are not stored yet, by spans of it (ns).

        What was up when a daemon was killed stays so: it was answered, and nobody saw how it ended.
        """
        sql = (
            f"SELECT started / {span} * {span}, source, destination, count(*) FROM up"
            " WHERE started >= ? AND started < ? GROUP BY 1, 2, 3"
        )
        return [UpSum(*row) for row in self.rows(sql, (since, until), since, until, UP_SINCE)]

    def rows(
        self, sql: str, values: tuple[object, ...], since: int | None, until: int | None, version: int
    ) -> Iterator[tuple[Any, ...]]:
        """Give what a question finds in the days of a time (ns) whose files have tables of that version or later."""
        for file in days_between(self.files(), since, until):
            if self._is_enough():  # who takes rows may take longer over them than the question takes
                raise TooLongError(_TOO_LONG)
            if self._version(file) >= version:
                yield from self._ask(file.path, CALLS, sql, values)

    def written(self, since: int, until: int) -> dict[str, int]:
        """Return how many calls were written by now, by day: as long as that is the same, so are all answers."""
        found = {}
        for file in days_between(self.files(), since, until):
            last = self._ask(file.path, CALLS, "SELECT max(number) FROM calls", ())
            found[file.day] = (last[0][0] if last else None) or 0
        return found

    def answers(self, sql: str, wanted: Wanted, most: int) -> list[tuple[Any, ...]]:
        """Return the first rows that a question to each day's calls finds; ``{}`` in it is what they have to match."""
        condition = wanted.condition()
        found: list[tuple[Any, ...]] = []
        for file in days_between(self.files(), wanted.since, wanted.until):
            if len(found) < most:
                found += self._ask(file.path, CALLS, sql.format(condition.sql), condition.values)
        return found[:most]

    def _version(self, file: DayFile) -> int:
        found = self._ask(file.path, CALLS, "PRAGMA user_version", ())
        return int(found[0][0]) if found else 0

    def agents(
        self,
        since: int | None = None,
        until: int | None = None,
        *,
        by_day: bool = False,
        numbers: Sequence[str] | None = None,
    ) -> Iterator[tuple[int, str, Rolled]]:
        """Give how agents took calls, by hour (ns) and number, of the hours that begin in a time (ns), in its order.

        With ``by_day`` whole days (UTC) are one row each: a tenth of the rows, where nobody asks for hours.
        ``numbers`` asks for these alone.
        """
        of = "" if numbers is None else f" AND number IN ({placeholders(len(numbers))})"
        first, last = since or 0, FOREVER if until is None else until
        for file in days_between(self.files(), first, last):
            begin = begin_of(file.day)
            whole = by_day and first <= begin and begin + DAY <= last
            sql = f"{ASK_AGENTS['agent_days' if whole else 'agent_hours']}{of} ORDER BY at"
            for row in self._ask(file.path, CALLS, sql, (first, last - 1, *(numbers or ()))):
                yield agents_of(row)

    # Files

    def _ask(self, path: FilePath, kind: str, sql: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        try:
            return self._file(path, kind).execute(sql, values).fetchall()
        except NoTablesError:  # the first call of a day is being written
            return []
        except sqlite3.Error as error:
            if self.give_up is not None and getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_INTERRUPT:
                raise TooLongError(_TOO_LONG) from None
            self._forget(path)
            if not path.exists():  # it was old, and has been let go of meanwhile
                return []
            raise StoreError(f"{path}: cannot be read: {error}") from None

    def _file(self, path: FilePath, kind: str) -> sqlite3.Connection:
        node = path.stat().st_ino if path.exists() else -1
        known = self._open.pop(path, None)
        if known is not None and known[0] != node:  # another file has taken its place
            known[1].close()
            known = None
        if known is None:
            while len(self._open) >= _MAX_OPEN:
                self._forget(next(iter(self._open)))
            known = (node, open_to_read(path, kind))
            known[1].set_progress_handler(self._is_enough, _STEPS)
        self._open[path] = known
        return known[1]

    def _is_enough(self) -> bool:
        return self.give_up is not None and self.give_up()

    def _forget(self, path: FilePath) -> None:
        known = self._open.pop(path, None)
        if known is not None:
            known[1].close()


def tables_of(span: int) -> dict[str, int]:
    """Return the tables for sums by a span (ns, whole minutes; 0 is one sum of all): the fewest rows that tell it."""
    longest = max([table for table, of in SUMS.items() if span % of == 0], key=SUMS.__getitem__)
    return {table: SUMS[table] for table in ("minutes", longest)}


def _spans(tables: Mapping[str, int], first: int, last: int) -> Iterator[tuple[str, int, int]]:
    """Give which of two tables, or of one, has what of a time."""
    (minutes, _), (longer, span) = (*tables.items(),)[0], (*tables.items(),)[-1]
    begin, end = -(-first // span) * span, last // span * span
    parts = (
        [(longer, begin, end), (minutes, first, begin), (minutes, end, last)]
        if begin <= end
        else [(minutes, first, last)]
    )
    yield from (part for part in parts if part[1] < part[2])
