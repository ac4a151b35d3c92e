"""Attempts into a day's file: each once, whoever guesses names bounded, a batch as a whole or not at all."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

from sipwatch.store import registering
from sipwatch.store.days import begin_of
from sipwatch.store.registering import write_attempts
from sipwatch.store.schema import CALLS, migrate
from tests.store.attempts import attempt

if TYPE_CHECKING:
    from sipwatch.store.attempts import RegisterAttempt

BEGIN = begin_of("2026-01-05")


@pytest.fixture
def file() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    migrate(connection, CALLS)
    return connection


def whom(file: sqlite3.Connection) -> list[str]:
    return [row[0] for row in file.execute("SELECT aor FROM registrations ORDER BY last")]


def guesses(first: int, number: int) -> list[RegisterAttempt]:
    """Return attempts of one who guesses names, one each second."""
    return [
        attempt(second, "auth_failed", f"sip:{second}@pbx.example", device="203.0.113.9", credentials=False)
        for second in range(first, first + number)
    ]


def test_attempts_are_rows_and_sums_by_minute_and_hour(file: sqlite3.Connection) -> None:
    write_attempts(file, BEGIN, [attempt(0), attempt(10, "refused"), attempt(70, "refused"), attempt(3600)])
    assert file.execute("SELECT aor, registered, refused, streak, outcome FROM registrations").fetchall() == [
        ("sip:4711@pbx.example", 2, 2, 0, "registered")
    ]
    sums = "SELECT (at - ?) / 60000000000, outcome, status_code, attempts, delays, delay_ns FROM {}"
    nine = BEGIN + 9 * 3600 * 10**9
    assert file.execute(sums.format("register_minutes"), (nine,)).fetchall() == [
        (0, "refused", 403, 1, 0, 0), (0, "registered", 200, 1, 1, 20_000_000), (1, "refused", 403, 1, 0, 0),
        (60, "registered", 200, 1, 1, 20_000_000),
    ]  # fmt: skip
    assert file.execute(sums.format("register_hours"), (nine,)).fetchall() == [
        (0, "refused", 403, 2, 0, 0), (0, "registered", 200, 1, 1, 20_000_000),
        (60, "registered", 200, 1, 1, 20_000_000),
    ]  # fmt: skip


def test_one_that_was_written_is_not_written_again(file: sqlite3.Connection) -> None:
    """In the same batch, in a later one, and beside others."""
    first, second = attempt(0), attempt(0, "refused")
    for batch in ([first, first], [second, first], [first, second]):
        write_attempts(file, BEGIN, batch)
    assert file.execute("SELECT registered, refused FROM registrations").fetchall() == [(1, 1)]
    assert file.execute("SELECT sum(attempts) FROM register_hours").fetchone() == (2,)


def test_one_address_of_record_is_told_apart_by_device_and_registrar(file: sqlite3.Connection) -> None:
    """Where one of a pair of registrars refuses, the other may not."""
    write_attempts(file, BEGIN, [attempt(0), attempt(1, device="192.0.2.81"), attempt(2, registrar="198.51.100.6")])
    assert len(whom(file)) == 3


def test_whoever_guesses_names_does_not_push_out_who_was_registered(
    file: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor, while its guesses last, a phone that is refused again and again: what was not seen for longest goes first."""
    monkeypatch.setattr(registering, "MAX_ROWS_A_DAY", 10)
    given_up = write_attempts(file, BEGIN, [attempt(0), attempt(0, "registered", "sip:4712@pbx.example")])
    for minute in range(10):
        given_up += write_attempts(file, BEGIN, [attempt(60 * minute, "refused", "sip:wrong@pbx.example")])
        given_up += write_attempts(file, BEGIN, guesses(60 * minute + 1, 6))
    assert given_up == 60 + 3 - 10
    left = whom(file)
    assert {"sip:4711@pbx.example", "sip:4712@pbx.example", "sip:wrong@pbx.example"} < set(left)
    assert len(left) == 10
    assert file.execute("SELECT sum(attempts) FROM register_hours").fetchone() == (72,)


def test_what_gave_way_does_not_come_back_when_it_is_read_again(
    file: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registering, "MAX_ROWS_A_DAY", 10)
    all_of_them = guesses(0, 40)
    write_attempts(file, BEGIN, all_of_them)
    left = whom(file)
    assert write_attempts(file, BEGIN, all_of_them) == 0
    assert whom(file) == left
    assert file.execute("SELECT sum(attempts) FROM register_hours").fetchone() == (40,)


def test_only_so_many_are_known_again(file: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes beyond is counted, and counted again when it is read again: that costs no room."""
    monkeypatch.setattr(registering, "MAX_SEEN_A_DAY", 5)
    some = [attempt(second) for second in range(8)]
    for _ in range(2):
        write_attempts(file, BEGIN, some[:3])
        write_attempts(file, BEGIN, some[3:])
    assert file.execute("SELECT count(*) FROM register_seen").fetchone() == (5,)
    assert file.execute("SELECT registered FROM registrations").fetchone() == (8 + 3,)


def test_more_than_a_question_takes_are_looked_for(file: sqlite3.Connection) -> None:
    some = [attempt(second / 10) for second in range(1700)]
    for _ in range(2):
        write_attempts(file, BEGIN, some)
    assert file.execute("SELECT registered FROM registrations").fetchone() == (1700,)
