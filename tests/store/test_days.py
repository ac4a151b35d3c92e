"""The files of a store: one of calls and one of messages for each day."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

from sipwatch.packet import SECOND
from sipwatch.store.days import (
    StoreError,
    begin_of,
    day_after,
    day_of,
    days_between,
    files_in,
    open_to_read,
    open_to_write,
    path_of,
    remove,
)
from sipwatch.store.schema import CALLS, MESSAGES, MIGRATIONS

if TYPE_CHECKING:
    from pathlib import Path

NOON = begin_of("2026-01-05") + 43_200 * SECOND


def test_a_day_is_from_midnight_to_midnight_in_utc() -> None:
    assert day_of(NOON) == "2026-01-05"
    assert day_of(begin_of("2026-01-06") - 1) == "2026-01-05"
    assert day_of(begin_of("2026-01-06")) == "2026-01-06"
    assert (day_after("2026-02-28"), day_after("2026-01-05", -7)) == ("2026-03-01", "2025-12-29")


def test_files_are_listed_by_day_and_what_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    """Also what looks like a day and is none."""
    for name in ("2026-01-06.calls.sqlite", "2026-01-05.messages.sqlite", "2026-01-05.calls.sqlite"):
        (tmp_path / name).write_bytes(b"x" * 10)
    (tmp_path / "2026-01-05.calls.sqlite-wal").write_bytes(b"x" * 5)
    for name in (
        "2026-02-30.calls.sqlite",
        "notes.txt",
        "2026-01-05.calls.sqlite.damaged-1",
        "x2026-01-05.calls.sqlite",
    ):
        (tmp_path / name).write_bytes(b"x")
    found = files_in(tmp_path)
    assert [(file.day, file.kind, file.size) for file in found] == [
        ("2026-01-05", CALLS, 15),
        ("2026-01-05", MESSAGES, 10),
        ("2026-01-06", CALLS, 10),
    ]
    remove(found[0])
    assert not list(tmp_path.glob("2026-01-05.calls.sqlite*wal"))
    assert [file.day for file in days_between(found, NOON, None)] == ["2026-01-05", "2026-01-06"]
    assert [file.day for file in days_between(found, None, begin_of("2026-01-06"))] == ["2026-01-05"]
    assert [file.kind for file in days_between(found, None, None, MESSAGES)] == [MESSAGES]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="nowhere: the store cannot be read: No such file"):
        files_in(tmp_path / "nowhere")


def test_a_file_is_read_while_it_is_written(tmp_path: Path) -> None:
    """WAL: readers see what is committed, and hold nobody up."""
    path = path_of(tmp_path, "2026-01-05", CALLS)
    writer = open_to_write(path, CALLS)
    reader = open_to_read(path, CALLS)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("INSERT INTO tags VALUES (1, 0, 'brief')")
    assert reader.execute("SELECT count(*) FROM tags").fetchone() == (0,)
    writer.execute("COMMIT")
    assert reader.execute("SELECT count(*) FROM tags").fetchone() == (1,)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.execute("DELETE FROM tags")
    reader.close()
    writer.close()


def test_a_file_that_a_later_version_wrote_is_not_read_wrongly(tmp_path: Path) -> None:
    path = path_of(tmp_path, "2026-01-05", CALLS)
    connection = open_to_write(path, CALLS)
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS[CALLS]) + 1}")
    connection.close()
    with pytest.raises(StoreError, match="a later version of sipwatch wrote it"):
        open_to_read(path, CALLS)


def test_a_file_without_tables_is_named(tmp_path: Path) -> None:
    path = path_of(tmp_path, "2026-01-05", CALLS)
    sqlite3.connect(path).close()
    path.touch()
    with pytest.raises(StoreError, match="no tables yet"):
        open_to_read(path, CALLS)
