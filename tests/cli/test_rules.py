"""``sipwatch rules``: the objectives of a configuration as a file for Prometheus."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.program import run, the_complaint
from tests.grafana.goals import CONFIG

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "sipwatch.toml"
    path.write_text(CONFIG)
    return path


def test_the_rules_go_to_standard_output_or_a_file(config: Path, tmp_path: Path) -> None:
    text = run("rules", config).stdout
    assert text.startswith("# Goals of peers, made of sipwatch.toml")
    assert text.count("vector(") == 2
    assert "phones" not in text
    run("rules", config, "-o", tmp_path / "rules.yml")
    assert (tmp_path / "rules.yml").read_text() == text


def test_without_an_objective_it_says_what_to_write(config: Path) -> None:
    config.write_text(CONFIG.replace("objective", "# objective"))
    line = the_complaint(run("rules", config, status=1))
    assert line == (
        f"sipwatch: {config}: no peer has an objective, so nothing can be alerted on; write objective = 0.98 under a [[peer]]"
    )


def test_a_wrong_objective_is_named(config: Path) -> None:
    config.write_text(CONFIG.replace("0.98", "98"))
    assert "objective = 98: expected a share of calls from 0.5 to below 1" in the_complaint(
        run("rules", config, status=1)
    )


def test_what_to_do_about_its_alerts_stands_on_the_pages_where_it_is_said_where_these_are(config: Path) -> None:
    here, there = (run("rules", config, *more).stdout for more in ((), ("--pages", "https://voice.example.com")))
    assert "/docs/runbook.md#sippeerbudgetburningfast\n" in here
    assert "runbook_url: https://voice.example.com/explain/sippeerbudgetburningfast\n" in there


def test_its_alerts_are_explained() -> None:
    text = run("explain", "SipPeerBudgetBurningFast").stdout
    assert "Calls to <destination> fail too often for its objective: N by a fault within an hour" in text
    assert "docs/runbook.md#sippeerbudgetburningfast" in text


def test_the_configuration_is_not_written_over(config: Path) -> None:
    assert "is being read" in the_complaint(run("rules", config, "-o", config, status=1))
