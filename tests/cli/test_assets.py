"""sipwatch assets: what belongs beside sipwatch is written out, and over nothing that is there."""

from __future__ import annotations

import shutil
import subprocess
import tomllib
from typing import TYPE_CHECKING

import pytest

from sipwatch.export.addresses import DOCS
from tests.cli.program import ROOT, run, the_complaint

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["sipwatch"]["assets"]


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder into which everything was written."""
    folder = tmp_path_factory.mktemp("assets") / "new"
    done = run("assets", folder)
    assert done.stdout == f"{len(names(folder))} files written below {folder}: deploy/, docs/, grafana/\n"
    return folder


def test_each_file_is_the_one_of_the_tree(written: Path) -> None:
    assert {pattern for pattern in MANIFEST if not list(written.glob(pattern))} == set()
    for name in names(written):
        assert (written / name).read_bytes() == (ROOT / name).read_bytes()


def test_the_parts_that_people_come_for_are_there(written: Path) -> None:
    there = names(written)
    assert {"deploy/sipwatch.service", "deploy/sipwatch.toml", "grafana/alertmanager/alertmanager.yml"} <= there
    assert {"grafana/prometheus/rules/sipwatch-alerts.yml", "grafana/alertmanager/sipwatch.tmpl"} <= there
    assert {f"grafana/dashboards/{path.name}" for path in (ROOT / "grafana/dashboards").glob("*.json")} <= there


def test_what_is_there_is_written_over_only_by_force(written: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    own = folder / "deploy" / "sipwatch.toml"
    own.parent.mkdir(parents=True)
    own.write_text("# mine\n")
    words = the_complaint(run("assets", folder, status=1))
    assert words == f"sipwatch: {own}: there already, and nothing was written; --force writes over it"
    assert names(folder) == {"deploy/sipwatch.toml"}
    assert own.read_text() == "# mine\n"
    run("assets", folder, "--force")
    assert own.read_bytes() == (ROOT / "deploy/sipwatch.toml").read_bytes()
    assert names(folder) == names(written)


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "cannot be made: Not a directory" in the_complaint(run("assets", tmp_path / "file", status=1))


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_prometheus_takes_the_rules_and_the_configuration(written: Path) -> None:
    prometheus = written / "grafana/prometheus"
    for command in (
        ["rules", *map(str, prometheus.glob("rules/*.yml"))],
        ["config", str(prometheus / "prometheus.yml")],
    ):
        done = subprocess.run(["promtool", "check", *command], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_links_lead_to_where_the_pages_are(tmp_path: Path, written: Path) -> None:
    """In dashboards, alerts and data sources; what to do about an alert stands there, too. All else stays as it is."""
    folder = tmp_path / "elsewhere"
    run("assets", folder, "--pages", "https://voice.example.com/sipwatch/")
    assert names(folder) == names(written)
    changed = {name for name in names(folder) if (folder / name).read_bytes() != (written / name).read_bytes()}
    assert changed == {
        "grafana/prometheus/rules/sipwatch-alerts.yml",
        "grafana/provisioning/datasources/sipwatch.yml",
        *(f"grafana/dashboards/{path.name}" for path in (ROOT / "grafana/dashboards").glob("*.json")),
    }
    for name in changed:
        before, after = (written / name).read_text(), (folder / name).read_text()
        assert "http://127.0.0.1:10060" not in after
        there = "https://voice.example.com/sipwatch"
        assert after == before.replace("http://127.0.0.1:10060", there).replace(
            f"{DOCS}/docs/runbook.md#", f"{there}/explain/"
        )
    rules = (folder / "grafana/prometheus/rules/sipwatch-alerts.yml").read_text()
    assert "runbook_url: https://voice.example.com/sipwatch/explain/siptrunkbusy\n" in rules
    assert rules.count("calls_url: https://voice.example.com/sipwatch/calls?since=") > 20


@pytest.mark.parametrize(
    "base", ["voice.example.com", "javascript:alert(1)", "https://voice.example.com/?x=1", "http://x/{{"]
)
def test_pages_that_cannot_be_are_told_before_anything_is_written(base: str, tmp_path: Path) -> None:
    words = run("assets", tmp_path / "new", "--pages", base, status=2).stderr
    assert "--pages" in words
    assert "is not where pages can be" in words
    assert not (tmp_path / "new").exists()
