"""Where the files are that belong beside the program: those that pyproject.toml lists for the wheel."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

from sipwatch.export import assetfiles
from sipwatch.export.assetfiles import asset_files
from tests.cli.program import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_source_tree_has_them_where_they_are_made() -> None:
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["sipwatch"]["assets"]
    found = asset_files()
    assert set(found.values()) == {path for pattern in patterns for path in ROOT.glob(pattern)}
    assert all(path == ROOT / name for name, path in found.items())


def test_an_installed_package_has_them_inside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    rules = tmp_path / "assets" / "grafana" / "rules.yml"
    rules.parent.mkdir(parents=True)
    rules.touch()
    monkeypatch.setattr(assetfiles, "_PACKAGE", tmp_path)
    assert asset_files() == {"grafana/rules.yml": rules}


def test_where_there_are_none_there_are_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(assetfiles, "_PACKAGE", tmp_path / "sipwatch")
    assert asset_files() == {}
