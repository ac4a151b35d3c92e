"""``sipwatch agents``: how each agent took the calls, as a table, JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from tests.cli.program import BUSY, DEMO, run, the_complaint

CONFIG = Path(DEMO).parent / "demo.toml"


@pytest.fixture
def named(tmp_path: Path) -> Path:
    """The demo's configuration, with two names."""
    path = tmp_path / "named.toml"
    path.write_text(CONFIG.read_text() + '[[agent]]\nfile = "agents.csv"\n')
    (tmp_path / "agents.csv").write_text("number,name,group\n15555550106,Anna,Sales\n15555550102,Ben,Sales\n")
    return path


def test_every_agent_is_told_of_in_plain_words() -> None:
    shown = " ".join(run("agents", DEMO, "--config", CONFIG).stdout.split())
    assert "13 agents, 249 offers of calls 15555550100 offered 25" in shown
    assert (
        "15555550110 offered 21, took 6, busy 1, declined 1, rang out 1, caller gave up first 4, another took it 8"
        " took 29% of offered, 67% of those left to the agent; answer after 11.5 s; 3 in a row"
    ) in shown
    assert "15555550106 offered 20, took 6, busy 3 (2), rang out 3" in shown
    assert "Busy in brackets: busy while idle" in shown


def test_agents_that_the_configuration_names_stand_first_by_group(named: Path) -> None:
    done = run("agents", DEMO, "--config", named, "--by", "day", "--zone", "Europe/Berlin")
    lines = done.stdout.splitlines()
    assert "times are Europe/Berlin" in lines[0]
    assert lines.index("2026-01-05, Sales") < lines.index(
        next(line for line in lines if line.startswith("15555550100"))
    )
    assert [line.split()[0] for line in lines if line.startswith(("Anna", "Ben"))] == ["Anna", "Ben"]


def test_json_has_a_record_for_each_interval_and_csv_the_same(named: Path) -> None:
    asked = ("agents", DEMO, "--config", named, "--by", "hour", "--zone", "Europe/Berlin")
    records = json.loads(run(*asked, "--format", "json").stdout)
    anna = records[0]
    assert (anna["name"], anna["group"], anna["device"]) == ("Anna", "Sales", "15555550106")
    assert (anna["interval"], anna["begins"]) == ("2026-01-05 10:00 CET", "2026-01-05T09:00:00.000000Z")
    assert (anna["offered"], anna["taken"], anna["share"], anna["fair_share"]) == (20, 6, 0.3, 0.461538)
    rows = list(csv.DictReader(io.StringIO(run(*asked, "--format", "csv").stdout)))
    assert [row["device"] for row in rows] == [record["device"] for record in records]
    assert (rows[0]["offered"], rows[0]["idle_busy"], rows[0]["begins"]) == ("20", "2", "2026-01-05T09:00:00.000000Z")


def test_a_filter_leaves_calls_out() -> None:
    records = json.loads(
        run("agents", DEMO, "--config", CONFIG, "--format", "json", "--filter", 'outcome == "busy"').stdout
    )
    assert {record["taken"] for record in records} == {0}
    assert sum(record["busy"] for record in records) == sum(record["offered"] for record in records) == 18


def test_who_agents_are_is_hidden_where_the_configuration_says_so(named: Path) -> None:
    named.write_text(named.read_text() + "[privacy]\nmask = 4\nnames = true\n")
    shown = run("agents", DEMO, "--config", named, "--format", "csv").stdout
    assert "1555555****" in shown
    assert "Sales" in shown
    assert "Anna" not in shown
    assert "0106" not in shown


def test_where_no_device_is_known_it_says_how_one_would_be() -> None:
    assert "a peer of kind devices" in " ".join(run("agents", BUSY).stdout.split())
    assert json.loads(run("agents", BUSY, "--format", "json").stdout) == []


def test_what_cannot_be_asked_for_is_refused() -> None:
    assert "unknown time zone 'Mars'" in run("agents", DEMO, "--zone", "Mars", status=2).stderr
    assert "not one of hour, day, all" in run("agents", DEMO, "--by", "week", status=2).stderr
    assert "no such" in the_complaint(run("agents", "nothing.pcap", status=1)).lower()
