"""Calls added up by minute and hour, in the same transaction as the calls themselves: sums never wait for a scan.

Must not know: files, threads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sipwatch.export.agents import rolled_agents
from sipwatch.export.rolled import WORDS, Rolled
from sipwatch.packet import HOUR, MINUTE
from sipwatch.store.schema import (
    AGENTS,
    REGISTER_SUM_KEYS,
    REGISTER_SUM_VALUES,
    REGISTER_SUMS,
    SUM_KEYS,
    SUM_VALUES,
    SUMS,
)
from sipwatch.store.sql import insert

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping

    from sipwatch.export.record import CallRecord
    from sipwatch.store.attempts import RegisterAttempt

    Counted = dict[tuple[int, tuple[str | int, ...]], list[int]]  # by the beginning of a minute (ns), and a key

_VALUES: Final = len(SUM_VALUES)


def _add_up(table: str, keys: tuple[str, ...] = SUM_KEYS, values: tuple[str, ...] = SUM_VALUES) -> str:
    added = ", ".join(f"{value} = {value} + excluded.{value}" for value in values)
    return f"{insert(table, 'at', *keys, *values)} ON CONFLICT DO UPDATE SET {added}"


_AGENTS: Final = (
    "at", "number", *WORDS, "answers", "answer_ns", "first", "last", "opening", "streak", "longest", "addresses",
)  # fmt: skip
_BEHIND: Final = 2 + len(WORDS)  # where a row goes on after the counts by word
ASK_AGENTS: Final = {table: f"SELECT {', '.join(_AGENTS)} FROM {table} WHERE at BETWEEN ? AND ?" for table in AGENTS}
_PUT_AGENT: Final = {table: insert(table, *_AGENTS, verb="INSERT OR REPLACE") for table in AGENTS}
_ADD_UP: Final = {
    **{table: _add_up(table) for table in SUMS},
    **{table: _add_up(table, REGISTER_SUM_KEYS, REGISTER_SUM_VALUES) for table in REGISTER_SUMS},
}


def add_up(connection: sqlite3.Connection, calls: Iterable[tuple[CallRecord, bool]]) -> None:
    """Add calls, each with whether it was answered and ended by a BYE with a 2xx, to the sums of their day."""
    counted: Counted = {}
    for record, completed in calls:
        values = counted.setdefault((record.started // MINUTE * MINUTE, _key(record)), [0] * _VALUES)
        _count(values, record, completed)
    _add_to(connection, SUMS, counted)


def add_up_attempts(connection: sqlite3.Connection, attempts: Iterable[RegisterAttempt]) -> None:
    """Add attempts to register, and what ran out, to the sums of their day."""
    counted: Counted = {}
    for one in attempts:
        key = (one.source, one.destination, one.outcome, one.status_code)
        values = counted.setdefault((one.at // MINUTE * MINUTE, key), [0, 0, 0])
        values[0] += 1
        if one.delay >= 0:
            values[1] += 1
            values[2] += one.delay
    _add_to(connection, REGISTER_SUMS, counted)


def _add_to(connection: sqlite3.Connection, tables: Mapping[str, int], counted: Counted) -> None:
    """Add what was counted by the minute to tables, each of which has rows of so many ns."""
    for table, span in tables.items():
        rows: Counted = {}
        for (at, key), values in counted.items():
            before = rows.setdefault((at // span * span, key), [0] * len(values))
            for place, value in enumerate(values):
                before[place] += value
        connection.executemany(_ADD_UP[table], [(at, *key, *values) for (at, key), values in rows.items()])


def add_up_agents(connection: sqlite3.Connection, calls: Iterable[CallRecord]) -> None:
    """Add to the hours and the day of agents how they took calls."""
    by_hour: dict[int, list[CallRecord]] = {}
    for record in calls:
        by_hour.setdefault(record.started // HOUR * HOUR, []).append(record)
    for hour, some in by_hour.items():
        for number, figures in rolled_agents(some).items():
            for table, span in AGENTS.items():
                _add_agent(connection, table, hour // span * span, number, figures)


def _add_agent(connection: sqlite3.Connection, table: str, at: int, number: str, figures: Rolled) -> None:
    before = connection.execute(f"{ASK_AGENTS[table]} AND number = ?", (at, at, number)).fetchone()
    whole = figures if before is None else agents_of(before)[2].then(figures)
    row = (at, number, *whole.counts, *whole[1:-1], " ".join(whole.addresses))
    connection.execute(_PUT_AGENT[table], row)


def agents_of(row: tuple[Any, ...]) -> tuple[int, str, Rolled]:
    """Return the figures of a row: its beginning, number, figures."""
    answers, answer_ns, first, last, opening, streak, longest, addresses = row[_BEHIND:]
    where = tuple(addresses.split())
    return (
        row[0],
        row[1],
        Rolled(row[2:_BEHIND], answers, answer_ns, first, last, opening, streak, longest, where),
    )


def _key(record: CallRecord) -> tuple[str | int, ...]:
    return (
        record.source, record.destination, record.outcome, record.status_code or 0, record.ending or "",
        record.ended_by or "",
    )  # fmt: skip


def _count(values: list[int], record: CallRecord, completed: bool) -> None:
    values[0] += 1
    values[1] += completed
    for place, spent in ((2, record.setup_seconds), (4, record.ring_seconds), (6, record.talk_seconds)):
        if spent is not None:
            values[place] += 1
            values[place + 1] += int(spent)
