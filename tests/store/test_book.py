"""A batch goes into the files of its days as a whole, or not at all."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

from sipwatch.store import book as book_module
from sipwatch.store.book import Book, CallEntry, KeptMessage, by_day
from sipwatch.store.intake import AnsweredCall, Tagging
from sipwatch.store.schema import CALLS, MESSAGES
from sipwatch.store.spool import Kept
from sipwatch.wire.message import Transport
from tests.export import records
from tests.export.records import START, at
from tests.store.attempts import attempt

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DAY = "2026-01-05"


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    made = Book(tmp_path)
    yield made
    made.close()


def entries(number: int, first: int = 0) -> list[CallEntry]:
    message = KeptMessage(Kept(START, Transport.UDP, bytes(12), b"x" * 500), False, True)
    return [
        CallEntry(records.call(id=f"{first + place:012x}", started=at(place)), False, [message])
        for place in range(number)
    ]


def ask(folder: Path, sql: str, kind: str = CALLS) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(folder / f"{DAY}.{kind}.sqlite")
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def test_a_batch_that_fails_leaves_nothing_and_can_be_tried_again(
    book: Book, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Calls without their sums, or half of the calls, would be wrong for ever."""
    book.write(DAY, entries(3))

    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(book_module, "add_up", full)
        with pytest.raises(sqlite3.OperationalError, match="full"):
            book.write(DAY, entries(3, first=100))
    assert ask(tmp_path, "SELECT count(*) FROM calls") == [(3,)]
    assert book.write(DAY, entries(3, first=100)) == 3
    assert ask(tmp_path, "SELECT (SELECT count(*) FROM calls), (SELECT sum(calls) FROM hours)") == [(6, 6)]


def test_tags_that_are_known_later_take_the_place_of_those_before(book: Book, tmp_path: Path) -> None:
    """Of a call that is not there nothing is written."""
    [entry] = entries(1)
    entry.record.tags = ["refused", "waiting_callback"]
    book.write(DAY, [entry])
    book.write(
        DAY, [], [Tagging(entry.record.id, START, ["refused", "called_back"]), Tagging("f" * 12, START, ["brief"])]
    )
    assert ask(tmp_path, "SELECT tag FROM tags ORDER BY place") == [("refused",), ("called_back",)]


def test_the_first_calls_go_one_by_one_where_a_day_is_too_large_and_sums_stay(book: Book, tmp_path: Path) -> None:
    book.write(DAY, entries(10))
    book.write_messages(DAY, entries(10))
    assert book.calls_on(DAY) == 10
    book.let_go_of_calls(DAY, 4)
    assert book.calls_on(DAY) == 6
    assert ask(tmp_path, "SELECT min(id) FROM calls") == [("000000000004",)]
    assert ask(tmp_path, "SELECT count(*) FROM legs") == [(6,)]
    assert ask(tmp_path, "SELECT sum(calls) FROM hours") == [(10,)]
    before = book.used(DAY, MESSAGES)
    book.let_go_of_messages(DAY, 9)
    assert ask(tmp_path, "SELECT count(*) FROM messages", MESSAGES) == [(1,)]
    assert book.used(DAY, MESSAGES) < before


def test_what_is_written_is_sorted_by_the_day_on_which_each_call_began() -> None:
    late = CallEntry(records.call(id="a" * 12, started=at(86_400)), False)
    answered = AnsweredCall("y", at(86_400), "a", "b")
    attempts = [attempt(0), attempt(86_399), attempt(3 * 3600)]
    days = by_day([*entries(2), late], [Tagging("x", START, [])], [answered], attempts)
    assert {day: tuple(len(some) for some in batch) for day, batch in days.items()} == {
        DAY: (2, 1, 0, 2),
        "2026-01-06": (1, 0, 1, 1),
    }


def test_a_call_is_up_from_its_answer_until_it_is_written(book: Book, tmp_path: Path) -> None:
    """Also where both come in one batch, and where a file is read once more."""
    [one, two] = entries(2)
    answered = [AnsweredCall(entry.record.id, entry.record.started, "a", "b") for entry in (one, two)]
    book.write(DAY, [], answered=answered[:1])
    assert ask(tmp_path, "SELECT id, source, destination FROM up") == [(one.record.id, "a", "b")]
    book.write(DAY, [two], answered=answered[1:])
    book.write(DAY, [one])
    assert ask(tmp_path, "SELECT count(*) FROM up") == [(0,)]
    book.write(DAY, [], answered=answered)
    assert ask(tmp_path, "SELECT count(*) FROM up") == [(0,)]


def test_few_files_are_open_at_a_time(book: Book, tmp_path: Path) -> None:
    for day in range(1, 20):
        book.write(f"2026-01-{day:02}", entries(1))
    assert len(book._open) <= 6
    assert len(list(tmp_path.glob("*.calls.sqlite"))) == 19


def test_of_a_batch_that_cannot_be_written_no_attempt_is_remembered(
    book: Book, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would be taken for written when it is tried again."""

    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    some = [attempt(0), attempt(1)]
    with monkeypatch.context() as patched:
        patched.setattr("sipwatch.store.registering.add_up_attempts", full)
        with pytest.raises(sqlite3.OperationalError):
            book.write(DAY, [], attempts=some)
    book.write(DAY, [], attempts=some)
    connection = sqlite3.connect(tmp_path / f"{DAY}.calls.sqlite")
    assert connection.execute("SELECT registered FROM registrations").fetchall() == [(2,)]
    connection.close()


def test_who_gives_way_is_counted(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sipwatch.store.registering.MAX_ROWS_A_DAY", 3)
    book.write(DAY, [], attempts=[attempt(n, "refused", f"sip:{n}@x") for n in range(5)])
    assert book.given_up == 2
