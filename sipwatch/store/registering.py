"""Attempts to register into the file of their day: each once, added up, in at most so many rows.

Must not know: files, threads, which day it is.

Whoever guesses names makes a row for each: those that a registrar never took and that were not seen for longest give
way first, so that honest devices are not pushed out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sipwatch.packet import SECOND
from sipwatch.store.attempts import MARK_BITS
from sipwatch.store.registrations import RegistrationRow, digits_of, row_of_attempt
from sipwatch.store.sql import insert, placeholders
from sipwatch.store.sums import add_up_attempts

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from sipwatch.store.attempts import RegisterAttempt

MAX_ROWS_A_DAY: Final = 20_000  # some 400 bytes each
MAX_SEEN_A_DAY: Final = 1_000_000  # attempts that are known again; some 13 bytes each
_IDS_AT_A_TIME: Final = 500

_COLUMNS: Final = RegistrationRow._fields
ASK_REGISTRATIONS: Final = f"SELECT {', '.join(_COLUMNS)} FROM registrations"
_ASK_ONE: Final = f"{ASK_REGISTRATIONS} WHERE aor = ? AND device = ? AND registrar = ?"
_PUT: Final = insert("registrations", *_COLUMNS, "proved", "digits", verb="INSERT OR REPLACE")
_SEEN: Final = insert("register_seen", "id")
_LET_GO: Final = (
    "DELETE FROM registrations WHERE (aor, device, registrar) IN"
    " (SELECT aor, device, registrar FROM registrations ORDER BY proved, last LIMIT ?)"
)


def write_attempts(connection: sqlite3.Connection, begin: int, attempts: Iterable[RegisterAttempt]) -> int:
    """Add attempts of the day that begins then (ns) to its rows and sums, but for those that were added before.

    It belongs into a transaction. Returns how many rows gave way.
    """
    new = _new(connection, begin, attempts)
    if not new:
        return 0
    add_up_attempts(connection, new)
    rows: dict[tuple[str, str, str], RegistrationRow] = {}
    for attempt in new:
        row = row_of_attempt(attempt)
        before = rows.get(row.key)
        rows[row.key] = row if before is None else before.joined(row)
    added = sum([_put(connection, row) for row in rows.values()])
    return _make_room(connection) if added else 0


def _new(connection: sqlite3.Connection, begin: int, attempts: Iterable[RegisterAttempt]) -> list[RegisterAttempt]:
    """Return those that are not there yet, and remember them while there is room."""
    by_id = {(one.at - begin) // SECOND << MARK_BITS | one.mark: one for one in attempts}
    for known in _known(connection, list(by_id)):
        del by_id[known]
    seen = connection.execute("SELECT seen FROM register_count").fetchone()[0]
    remembered = list(by_id)[: max(0, MAX_SEEN_A_DAY - seen)]
    connection.executemany(_SEEN, [(one,) for one in remembered])
    connection.execute("UPDATE register_count SET seen = seen + ?", (len(remembered),))
    return list(by_id.values())


def _known(connection: sqlite3.Connection, ids: Sequence[int]) -> set[int]:
    known: set[int] = set()
    for first in range(0, len(ids), _IDS_AT_A_TIME):
        part = ids[first : first + _IDS_AT_A_TIME]
        sql = f"SELECT id FROM register_seen WHERE id IN ({placeholders(len(part))})"
        known.update(row[0] for row in connection.execute(sql, part))
    return known


def _put(connection: sqlite3.Connection, row: RegistrationRow) -> bool:
    """Add to a row; tell whether it was not there."""
    found = connection.execute(_ASK_ONE, row.key).fetchone()
    whole = row if found is None else RegistrationRow(*found).joined(row)
    connection.execute(_PUT, (*whole, int(whole.proved), digits_of(whole.aor)))
    return found is None


def _make_room(connection: sqlite3.Connection) -> int:
    """Let go of rows that are too many, and return of how many."""
    count = int(connection.execute("SELECT count(*) FROM registrations").fetchone()[0])
    extra = max(0, count - MAX_ROWS_A_DAY)
    if extra:
        connection.execute(_LET_GO, (extra,))
    return extra
