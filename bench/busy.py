"""A store of nothing but sums: nine days of 200 calls a second between ten pairs of peers, for incidents to be looked for.

Calls themselves would be 155 million. Two hours before the end one of the peers begins to fail.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from sipwatch.packet import DAY, HOUR, MINUTE
from sipwatch.store.days import begin_of, day_after, open_to_write, path_of
from sipwatch.store.schema import CALLS, SUM_KEYS, SUM_VALUES, SUMS
from sipwatch.store.sql import insert

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from pathlib import Path

RATE = 200  # calls a second
DAYS_BEFORE = 8  # a week of the usual, and yesterday
PAIRS = [
    (one, other) for one in ("trunk-a", "trunk-b") for other in ("phones", "gateway", "queue", "trunk-c", "voicemail")
]
FATES = (  # of a hundred calls: outcome, ending, code
    (60, "answered", "normal", 200), (2, "answered", "no_bye", 200), (1, "answered", "session_expired", 200),
    (6, "busy", "", 486), (8, "no_answer", "", 480), (3, "declined", "", 603), (6, "abandoned", "", 487),
    (4, "abandoned_brief", "", 487), (2, "no_progress", "", 487), (3, "not_found", "", 404),
    (2, "server_error", "", 503), (3, "not_responding", "", 0),
)  # fmt: skip
FAILING = ("gateway", "server_error", 5)  # of calls to whom, what, how many times as many


def fill(folder: Path, today: str) -> int:
    """Write the sums of nine days, today the last; return when today ends (ns)."""
    chance, end = random.Random(3), begin_of(today) + DAY
    for before in range(DAYS_BEFORE, -1, -1):
        day = day_after(today, -before)
        connection = open_to_write(path_of(folder, day, CALLS), CALLS)
        connection.execute("BEGIN")
        # Of the days that are looked at those by the minute and by five of them, of the week before those by the hour.
        for table in SUMS if before < 2 else ("hours",):
            _put(connection, table, _rows(chance, begin_of(day), SUMS[table], end - 2 * HOUR))
        connection.execute("COMMIT")
        connection.close()
    return end


def _put(connection: sqlite3.Connection, table: str, rows: Iterator[tuple[object, ...]]) -> None:
    connection.executemany(insert(table, "at", *SUM_KEYS, *SUM_VALUES), rows)


def _rows(chance: random.Random, begin: int, span: int, failing_from: int) -> Iterator[tuple[object, ...]]:
    calls = RATE * span / MINUTE * 60 / len(PAIRS) / 100
    for at in range(begin, begin + DAY, span):
        for source, destination in PAIRS:
            for weight, outcome, ending, code in FATES:
                more = FAILING[2] if at >= failing_from and (destination, outcome) == FAILING[:2] else 1
                expected = calls * weight * more
                number = max(1, round(chance.gauss(expected, expected**0.5)))
                yield at, source, destination, outcome, code, ending, "", *[number] * len(SUM_VALUES)
