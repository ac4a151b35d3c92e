"""Pieces of SQL. Names are our own words; whatever comes from elsewhere stands behind question marks.

Must not know: tables.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Clause(NamedTuple):
    """A condition in SQL, and what its question marks stand for."""

    sql: str
    values: tuple[object, ...] = ()


ANY: Final = Clause("1")


def all_of(conditions: list[Clause]) -> Clause:
    """Return what holds where all of some conditions do."""
    sql = " AND ".join([condition.sql for condition in conditions])
    return Clause(sql, tuple([value for condition in conditions for value in condition.values]))


def placeholders(number: int) -> str:
    """Return so many question marks, as in a list."""
    return ", ".join("?" * number)


def insert(table: str, *columns: str, verb: str = "INSERT") -> str:
    """Return what adds a row to a table."""
    return f"{verb} INTO {table} ({', '.join(columns)}) VALUES ({placeholders(len(columns))})"
