"""Moments and zones as options name them; tests/cli/test_calls.py and test_report.py have the commands that do."""

from __future__ import annotations

import time
from zoneinfo import ZoneInfo

import pytest
import typer

from sipwatch.cli.when import begin_by_now, moment_by_now, read_option, zone_named

BERLIN = ZoneInfo("Europe/Berlin")


def test_a_moment_may_be_written_or_how_long_ago_it_was() -> None:
    assert moment_by_now("2026-01-05T10:00:00", BERLIN) == 1_767_603_600_000_000_000
    before = time.time_ns()
    found = moment_by_now("1h", BERLIN)
    assert found is not None
    assert before <= found + 3600 * 10**9 <= time.time_ns()
    assert moment_by_now(None, BERLIN) is None


def test_what_is_still_to_come_is_no_beginning() -> None:
    """Now is one."""
    assert begin_by_now("now", BERLIN) is not None
    assert begin_by_now(None, BERLIN) is None
    with pytest.raises(ValueError, match="2199-01-01 is in the future: nothing can have begun since"):
        begin_by_now("2199-01-01", BERLIN)


def test_what_cannot_be_meant_is_told_with_its_option() -> None:
    with pytest.raises(typer.BadParameter, match="'soon' is no moment; write a moment such as") as told:
        read_option("--from", moment_by_now, "soon", BERLIN)
    assert told.value.param_hint == "--from"
    with pytest.raises(typer.BadParameter, match="Nowhere"):
        read_option("--zone", zone_named, "Europe/Nowhere")
