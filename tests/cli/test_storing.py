"""The store's folder: made for whom we become; what is there belongs to whom it belongs."""

from __future__ import annotations

import json
import os
import pwd
import sqlite3
from typing import TYPE_CHECKING

import pytest

from sipwatch.classify.peers import Privacy
from sipwatch.cli.storing import storing_in
from sipwatch.store.days import StoreError
from sipwatch.store.intake import Intake
from sipwatch.store.settings import StoreSettings
from sipwatch.store.writer import StoreWriter
from tests.cli.program import BUSY, DEMO, run

if TYPE_CHECKING:
    from pathlib import Path

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


@as_root
def test_a_new_folder_is_given_to_whom_root_becomes(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "store"
    assert storing_in(str(folder), "nobody") is not None
    assert folder.stat().st_uid == pwd.getpwnam("nobody").pw_uid
    assert folder.stat().st_mode & 0o777 == 0o750


def test_a_folder_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    folder.mkdir()
    before = folder.stat()
    assert storing_in(str(folder), None) is not None
    assert folder.stat() == before


def test_without_a_store_there_is_none() -> None:
    assert storing_in(None, None) is None


def test_a_folder_that_cannot_be_made_ends_the_program(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(SystemExit):
        storing_in(str(tmp_path / "file" / "store"), None)
    assert "the store cannot be made: Not a directory" in capsys.readouterr().err


@as_root
def test_whoever_may_not_write_is_told_what_to_do(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    folder.mkdir(mode=0o700)
    tmp_path.chmod(0o755)
    nobody = pwd.getpwnam("nobody")
    os.seteuid(nobody.pw_uid)
    try:
        with pytest.raises(StoreError, match=f"Permission denied; give it to the user .*: chown {nobody.pw_uid} "):
            StoreWriter(folder, Intake(), StoreSettings(), Privacy(), lambda: 0, print)
    finally:
        os.seteuid(0)


def stored_lines(folder: Path) -> list[str]:
    return sorted(run("calls", "--store", folder, "--format", "jsonl").stdout.splitlines())


def test_a_replay_fills_a_store_with_every_call_whatever_its_report_shows(tmp_path: Path) -> None:
    """A file that is read twice is there once; messages are those of calls that were troubled."""
    folder = tmp_path / "store"
    for _ in range(2):
        report = run("replay", DEMO, "--store", folder, "--filter", 'outcome == "busy"').stdout
        assert "18" in report
    assert stored_lines(folder) == sorted(run("replay", DEMO, "--format", "jsonl").stdout.splitlines())
    calls = [
        json.loads(line)
        for line in run("calls", "--store", folder, "--format", "jsonl", "--messages").stdout.splitlines()
    ]
    assert all(call["messages"] for call in calls if call["outcome"] == "busy")
    assert not all(call["messages"] for call in calls if call["outcome"] == "answered")


def test_with_messages_every_message_is_stored_and_written(tmp_path: Path) -> None:
    replayed = run("replay", BUSY, "--store", tmp_path / "store", "--messages", "--format", "jsonl").stdout
    assert run("calls", "--store", tmp_path / "store", "--messages", "--format", "jsonl").stdout == replayed


def test_a_store_is_not_filled_where_no_calls_are_looked_at(tmp_path: Path) -> None:
    for more in (["--ladder", "x"], ["--format", "openmetrics"]):
        assert "cannot be combined with" in run("replay", BUSY, "--store", tmp_path, *more, status=2).stderr


def test_a_disk_that_refuses_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr("sipwatch.store.book.Book.write", full)
    said = run("replay", BUSY, "--store", tmp_path / "store", status=1).stderr
    assert "warning: store failed: OperationalError: database or disk is full" in said
    assert "could not be stored" in said
