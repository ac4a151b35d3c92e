"""The tables, and how a file of an earlier version becomes one of this."""

from __future__ import annotations

import sqlite3

import pytest

from sipwatch.export.record import CallRecord, ConditionRecord, FindingRecord, LegRecord, LinkRecord
from sipwatch.store.rows import COLUMNS
from sipwatch.store.schema import (
    CALLS,
    MESSAGES,
    MIGRATIONS,
    SUM_KEYS,
    SUM_VALUES,
    SUMS,
    TooNewError,
    migrate,
    version_of,
)


@pytest.fixture
def file() -> sqlite3.Connection:
    return sqlite3.connect(":memory:", isolation_level=None)


def columns(connection: sqlite3.Connection, table: str) -> list[str]:
    return [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]


def test_every_key_of_a_call_has_its_column_or_a_table_of_its_own(file: sqlite3.Connection) -> None:
    """A key that is added to a record needs a migration: files that are there do not change by themselves."""
    migrate(file, CALLS)
    assert columns(file, "calls") == ["number", *COLUMNS]
    tables = {"conditions": ConditionRecord, "legs": LegRecord, "links": LinkRecord, "findings": FindingRecord}
    for table, record in tables.items():
        assert columns(file, table) == ["call", "place", *record.__struct_fields__]
    assert columns(file, "tags") == ["call", "place", "tag"]
    left = set(CallRecord.__struct_fields__) - set(COLUMNS)
    assert left == {"conditions", "legs", "linked", "findings", "tags", "messages"}
    for table in SUMS:
        assert columns(file, table) == ["at", *SUM_KEYS, *SUM_VALUES]


def test_a_new_file_gets_the_latest_version_and_an_old_one_every_step_it_lacks(file: sqlite3.Connection) -> None:
    """What is in it stays."""
    one, two = "CREATE TABLE a (x);", "ALTER TABLE a ADD COLUMN y DEFAULT 7;"
    migrate(file, CALLS, (one,))
    assert version_of(file) == 1
    file.execute("INSERT INTO a VALUES (5)")
    migrate(file, CALLS, (one, two))
    assert version_of(file) == 2
    assert file.execute("SELECT x, y FROM a").fetchall() == [(5, 7)]
    migrate(file, CALLS, (one, two))
    assert file.execute("SELECT x, y FROM a").fetchall() == [(5, 7)]


def test_a_step_that_fails_changes_nothing(file: sqlite3.Connection) -> None:
    """Half a migration would be a file that nobody knows."""
    with pytest.raises(sqlite3.OperationalError):
        migrate(file, CALLS, ("CREATE TABLE a (x); CREATE TABLE a (x);",))
    assert version_of(file) == 0
    assert file.execute("SELECT name FROM sqlite_master").fetchall() == []
    assert not file.in_transaction


def test_a_file_of_a_later_version_is_left_alone(file: sqlite3.Connection) -> None:
    """Who knows less than it holds would spoil it."""
    for kind in (CALLS, MESSAGES):
        file.execute(f"PRAGMA user_version = {len(MIGRATIONS[kind]) + 1}")
        with pytest.raises(TooNewError, match="later version"):
            migrate(file, kind)
