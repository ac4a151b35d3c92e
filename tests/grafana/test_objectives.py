"""The rules that ``sipwatch rules`` makes of objectives, by Prometheus' own tools, and the panel of what is left."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
import yaml

from grafana.make import peers
from tests.cli.program import run as sipwatch
from tests.grafana import goals
from tests.grafana.pages import ASKED
from tests.grafana.test_queries import CHOSEN, only
from tests.grafana.test_rules import LOADER, load, run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with the rules of the sample, as the command writes them."""
    (tmp_path / "sipwatch.toml").write_text(goals.CONFIG)
    sipwatch("rules", tmp_path / "sipwatch.toml", "-o", tmp_path / goals.FILE)
    return tmp_path


def test_the_command_writes_the_rules_of_the_sample(folder: Path) -> None:
    """... which all the other tests of rules and of the runbook read as well."""
    written = yaml.load((folder / goals.FILE).read_text(), LOADER)  # noqa: S506, safe either way
    assert written == {"groups": goals.GROUPS}


def test_promtool_accepts_the_rules(folder: Path) -> None:
    run("promtool", "check", "rules", "--lint=all", "--lint-fatal", folder / goals.FILE)


@pytest.mark.parametrize(
    "path",
    [pytest.param(path, marks=pytest.mark.slow if path.stem.endswith("-hours") else ()) for path in goals.TESTS],
    ids=[path.stem for path in goals.TESTS],
)
def test_the_rules_do_what_their_tests_say(path: Path, folder: Path) -> None:
    shutil.copy(path, folder)
    run("promtool", "test", "rules", folder / path.name)


def test_the_tests_know_every_group() -> None:
    assert len(goals.TESTS) == 2
    for path in goals.TESTS:
        assert load(path)["group_eval_order"] == [group["name"] for group in goals.GROUPS]
        assert load(path)["rule_files"] == [goals.FILE]


def test_the_panel_says_what_is_left(tmp_path: Path) -> None:
    """Of 100 calls a minute one fails by a fault, and two are allowed: half is left. To north all is; phones have no goal."""
    growth = {
        'calls_total{source="phones",destination="acme",outcome="answered",category="success"}': 89,
        'calls_total{source="phones",destination="acme",outcome="busy",category="user"}': 10,
        'calls_total{source="phones",destination="acme",outcome="server_error",category="technical"}': 1,
        'calls_total{source="phones",destination="acme",outcome="unfinished",category="unknown"}': 50,
        'calls_total{source="phones",destination="north",outcome="answered",category="success"}': 10,
        'calls_total{source="acme",destination="phones",outcome="server_error",category="technical"}': 10,
    }
    series = [{"series": f"sipwatch_{name}", "values": f"0+{each}x15"} for name, each in growth.items()]
    series += [
        {"series": f'sipwatch_objective_ratio{{destination="{peer}"}}', "values": "0.98x15"}
        for peer in ("acme", "north")
    ]
    columns = [asked.filled(600, CHOSEN) for asked in ASKED if asked.panel["title"] == "Error budget left"]
    (budget,) = [query for query in columns if query.startswith("1 - ")]
    found = {
        "interval": "1m",
        "input_series": series,
        "promql_expr_test": [
            {
                "expr": f"round({query}, 0.0001)",
                "eval_time": "15m",
                "exp_samples": [{"labels": f'{{destination="{peer}"}}', "value": value} for peer, value in values.items()],
            }
            for query, values in (
                (budget, {"acme": 0.5, "north": 1}),
                (only("Faults, times what is allowed", peers.UID).filled(600, CHOSEN).partition(" and topk")[0], {"acme": 0.5, "north": 0}),
            )
        ],
    }  # fmt: skip
    (tmp_path / "test.yml").write_text(json.dumps({"tests": [found]}))  # JSON is YAML
    run("promtool", "test", "rules", tmp_path / "test.yml")


def test_links_of_alerts_lead_to_where_the_pages_are(tmp_path: Path) -> None:
    (tmp_path / "sipwatch.toml").write_text(goals.CONFIG)
    text = sipwatch("rules", tmp_path / "sipwatch.toml", "--pages", "https://voice.example.com/sipwatch").stdout
    links = [
        rule["annotations"]["calls_url"]
        for group in yaml.load(text, LOADER)["groups"]  # noqa: S506, safe
        for rule in group["rules"]
        if "alert" in rule
    ]
    assert [link.startswith("https://voice.example.com/sipwatch/calls?since=") for link in links] == [True] * 3
