"""Capture files through the engine, for commands that look at them as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sipwatch.cli.feed import captures, feed, warn
from sipwatch.engine import Engine
from tests.cli.program import BUSY, DEMO

if TYPE_CHECKING:
    from pathlib import Path

    from sipwatch.export.record import CallRecord
    from sipwatch.wire.message import Message


def test_whoever_listens_hears_each_message_and_the_engine_does_the_same() -> None:
    heard: list[Message] = []
    told: list[list[str]] = []
    for hear in (None, heard.append):
        ids: list[str] = []

        def sink(record: CallRecord, completed: bool, ids: list[str] = ids) -> None:
            ids.append(record.id)

        engine = Engine(sink, diagnose=False)
        with captures([str(DEMO)]) as source:
            feed(engine, source, hear=hear)
        told.append(ids)
        assert len(ids) > 300
    assert told[0] == told[1]
    assert len(heard) == sum(engine.account.requests.values()) + sum(engine.account.responses.values())
    assert heard[0].number > 0


def test_a_file_that_breaks_off_is_used_up_to_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = tmp_path / "broken.pcap"
    broken.write_bytes(BUSY.read_bytes()[:-20])
    engine = Engine(None, diagnose=False)
    with captures([str(broken)]) as source:
        feed(engine, source)
        warn(source)
    assert engine.account.requests["INVITE"] == 4
    assert "warning: " in capsys.readouterr().err


def test_a_file_that_is_none_ends_the_program_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended, captures([str(tmp_path / "nothing.pcap")]):
        pass
    assert ended.value.code == 1
    assert capsys.readouterr().err.startswith("sipwatch: ")


def test_ctrl_c_leaves_what_was_read_so_far(capsys: pytest.CaptureFixture[str]) -> None:
    def impatient(message: Message) -> None:
        if engine.account.requests.get("INVITE", 0) == 2:
            raise KeyboardInterrupt

    engine = Engine(None, diagnose=False)
    with captures([str(BUSY)]) as source:
        feed(engine, source, hear=impatient)
    assert engine.account.requests["INVITE"] == 2
    assert "interrupted; this is what was read so far" in capsys.readouterr().err
