"""Calls of any kind in a list, with their day."""

from __future__ import annotations

import io

from sipwatch.report.stored import nothing_found, print_calls
from tests.export import records
from tests.export.records import EVIL


def shown(*calls: object, more: bool = False) -> str:
    out = io.StringIO()
    print_calls(out, calls, more=more)  # type: ignore[arg-type]
    return out.getvalue()


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
