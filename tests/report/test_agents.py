"""The figures of agents on a terminal."""

from __future__ import annotations

import io
from typing import Any

import pytest

from sipwatch.export.agents import AgentFigures, AgentRecord
from sipwatch.export.intervals import By
from sipwatch.report.agents import print_agents
from tests.export.records import EVIL, at, call, leg


def record(**more: Any) -> AgentRecord:
    figures = AgentFigures(By.HOUR)
    words = ("taken", "taken", "idle_busy", "busy", "declined", "rang_out", "gave_up", "elsewhere", "not_alerted")
    for place, how in enumerate(words):
        figures.add(call(legs=[leg(offered=how, callee="201", started=at(place), settled=at(place + 2))]))
    (made,) = figures.records()
    return AgentRecord(**{name: getattr(made, name) for name in made.__struct_fields__} | more)


def shown(*records: AgentRecord, zone: str = "UTC") -> str:
    out = io.StringIO()
    print_agents(out, list(records), zone)
    return out.getvalue()


WORDS = (
    *(
        "201",
        "Offered",
        "Took",
        "Busy",
        "Declined",
        "Rang",
        "Not",
        "alerted",
        "Caller",
        "gave up",
        "Another",
        "took it",
    ),
    *("9", "2", "2 (1)", "22%", "29%", "2.00 s", "1 agent, 9 offers of calls; times are UTC", "2026-01-05 09:00 UTC"),
)


def test_all_figures_are_in_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "140")
    text = shown(record())
    for word in WORDS:
        assert word in text
    assert "Other" not in text
    assert "Other" in shown(record(other=3))


@pytest.mark.parametrize("columns", ["40", "80"])
def test_where_the_table_finds_no_room_each_agent_is_a_paragraph(columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    text = shown(record(other=3))
    assert max(map(len, text.splitlines())) <= int(columns)
    joined = " ".join(text.split())
    assert (
        "offered 9, took 2, busy 2 (1), declined 1, rang out 1, not alerted 1, caller gave up first 1, another took it 1,"
        " other 3 took 22% of offered, 29% of those left to the agent; answer after 2.00 s; 5 in a row"
    ) in joined


def test_what_is_not_there_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    bare = record(
        taken=0, busy=0, idle_busy=0, declined=0, rang_out=0, not_alerted=0, gave_up=9, elsewhere=0, answers=0,
        share=0.0, fair_share=None, longest=0, interval=None,
    )  # fmt: skip
    text = " ".join(shown(bare).split())
    assert (
        "offered 9, took 0, caller gave up first 9 took 0% of offered, - of those left to the agent; 0 in a row" in text
    )
    assert "brackets" not in text
    assert "times are" not in text


def test_intervals_and_groups_have_heads() -> None:
    lines = shown(
        record(group="Sales", name="Anna"), record(interval="2026-01-05 10:00 UTC", group="Sales", name="Anna")
    ).splitlines()
    heads = [line for line in lines if line.endswith(", Sales")]
    assert heads == ["2026-01-05 09:00 UTC, Sales", "2026-01-05 10:00 UTC, Sales"]
    assert sum(line.startswith("Anna 201") for line in lines) == 2


def test_hostile_text_does_nothing() -> None:
    text = shown(record(device=EVIL, name=EVIL, group=EVIL), zone=EVIL)
    assert not {"\x1b", "\x07", "\u202e", "\ud800"} & set(text)
