"""Calls of any kind in a list, with their day."""

from __future__ import annotations

import io
from datetime import UTC
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sipwatch.report.html.times import ZoneTimes
from sipwatch.report.stored import ends, nothing_found, print_calls
from tests.each import for_each
from tests.export import records
from tests.export.records import EVIL

if TYPE_CHECKING:
    import pytest


TIMES = ZoneTimes(UTC, "UTC")
BERLIN = ZoneTimes(ZoneInfo("Europe/Berlin"), "Europe/Berlin")


def shown(*calls: object, more: bool = False, times: ZoneTimes = TIMES) -> str:
    out = io.StringIO()
    print_calls(out, calls, times, more=more)  # type: ignore[arg-type]
    return out.getvalue()


@for_each("columns, has_table, has_ends", [(160, True, True), (105, True, False), (60, False, True)])
def test_the_zone_is_said_once_and_the_ends_where_there_is_room(
    columns: int, has_table: bool, has_ends: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    said = shown(*[records.call(source="headquarters", destination="north")] * 2)
    assert said.count("UTC") == 1
    assert said.startswith("Began (UTC)") is has_table
    assert said.endswith("\nTimes are UTC.\n") is not has_table
    assert said.count("headquarters → north") == 2 * has_ends


def test_times_are_by_the_clocks_of_the_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    for columns in ("160", "60"):
        monkeypatch.setenv("COLUMNS", columns)
        said = shown(records.call(), times=BERLIN)
        assert "2026-01-05 10:00:00" in said
        assert "Europe/Berlin" in said
        assert "UTC" not in said


def test_who_is_no_peer_is_an_address() -> None:
    assert ends(records.call(source="server")) == "server → 192.0.2.80:5060"


def test_each_call_has_its_day_what_became_of_it_and_for_how_long() -> None:
    said = " ".join(
        shown(records.call(), records.answered(), records.answered(ending="no_bye", talk_seconds=None)).split()
    )
    assert "2026-01-05 09:00:00" in said
    assert "15550100 → 15550101" in said
    assert "Busy" in said
    assert "486 Busy Here" in said
    assert "talked 1:00" in said or "1:00" in said
    assert "Nobody hung up" in said
    assert "--limit" not in said


def test_agent_busy_is_said_of_an_agent() -> None:
    assert "Agent busy" in shown(records.call(legs=[records.leg(offered="busy")]))
    assert "Agent busy" not in shown(records.call())


def test_that_there_are_more_is_said() -> None:
    assert (
        shown(records.call(), more=True).splitlines()[-1] == "The newest 1 call; --limit shows more, --format csv all."
    )


def test_text_of_strangers_is_escaped() -> None:
    said = shown(records.call(caller=EVIL.replace("\ud800", ""), reason_phrase=EVIL.replace("\ud800", "")))
    assert "\x1b" not in said
    assert "\u202e" not in said
    out = io.StringIO()
    nothing_found(out, "\x1b[31m")
    assert "\x1b" not in out.getvalue()
