"""What the README says of installing, as printed, in environments made for it: the sources, the wheel, compiled or not.

It takes minutes, and packages from the index: ``make test-install``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.cli.program import DEMO, ROOT

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.install
INDEX_TIMEOUT, COMPILE_TIMEOUT = 600, 1200  # seconds


def run(*command: object, timeout: float = INDEX_TIMEOUT, cwd: Path | None = None, **more: str) -> str:
    """Run a program as a user would whose environment has nothing of ours; return all that it says."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "SIPWATCH"))}
    done = subprocess.run(
        list(map(str, command)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
        cwd=cwd,
        env={**environment, **more},
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    return done.stdout


class Fresh(NamedTuple):
    """An environment in which nothing is installed but pip."""

    folder: Path

    @classmethod
    def made(cls, folder: Path) -> Fresh:
        """Make it."""
        run(sys.executable, "-m", "venv", folder)
        return cls(folder)

    def pip(self, *words: object, **more: str) -> str:
        """Run its pip."""
        return run(
            self.folder / "bin" / "pip", "--disable-pip-version-check", *words, timeout=INDEX_TIMEOUT, cwd=None, **more
        )

    def sipwatch(self, *words: object) -> str:
        """Run what was installed, from a folder that has no sources."""
        return run(self.folder / "bin" / "sipwatch", *words, cwd=self.folder)


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Fresh:
    """Return an environment with the tool that builds packages."""
    fresh = Fresh.made(tmp_path_factory.mktemp("tools") / "venv")
    fresh.pip("install", "--quiet", "build")
    return fresh


@pytest.fixture(scope="module")
def sources(tools: Fresh, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the unpacked source distribution."""
    folder = tmp_path_factory.mktemp("sources")
    run(tools.folder / "bin" / "python", "-m", "build", "--sdist", "--outdir", folder, ROOT)
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as file:
        file.extractall(folder, filter="data")
    return folder / archive.name.removesuffix(".tar.gz")


@pytest.fixture(scope="module")
def plain(tools: Fresh, sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Fresh:
    """Return an environment with the wheel that the sources give."""
    folder = tmp_path_factory.mktemp("wheel")
    run(tools.folder / "bin" / "python", "-m", "build", "--wheel", "--outdir", folder, sources)
    (wheel,) = folder.glob("*-py3-none-any.whl")
    fresh = Fresh.made(folder / "venv")
    fresh.pip("install", "--quiet", wheel)
    return fresh


def tracked() -> set[str]:
    """Return the files that belong to the project."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("this tree is no clone: what belongs to it is not known")
    return set(filter(None, listed.stdout.split("\0")))


def test_the_source_distribution_holds_the_whole_project(sources: Path) -> None:
    there = {str(path.relative_to(sources)) for path in sources.rglob("*") if path.is_file()}
    assert {name for name in tracked() if not name.endswith(".gitignore")} - there == set()
    assert {name for name in there if "__pycache__" in name or name.endswith(".env")} == set()


def test_the_wheel_runs_far_from_the_sources(plain: Fresh) -> None:
    assert plain.sipwatch("--version").endswith(" (interpreted)\n")
    assert "Stuck in Trying" in plain.sipwatch("replay", DEMO)
    assert "Agent busy" in plain.sipwatch("explain", "486")


def test_the_wheel_carries_what_belongs_beside_it(plain: Fresh, tmp_path: Path) -> None:
    plain.sipwatch("assets", tmp_path)
    for name in ("deploy/sipwatch.service", "grafana/dashboards/sipwatch-overview.json"):
        assert (tmp_path / name).read_bytes() == (ROOT / name).read_bytes()
    assert "sipwatch" in (plain.folder / "share/man/man1/sipwatch.1").read_text()
    (typed,) = plain.folder.glob("lib/python*/site-packages/sipwatch/py.typed")
    assert typed.is_file()
    if shutil.which("promtool"):
        run("promtool", "check", "rules", *(tmp_path / "grafana/prometheus/rules").glob("*.yml"))


def test_without_a_compiler_the_plain_form_is_installed_and_pip_shows_why(plain: Fresh, sources: Path) -> None:
    said = plain.pip(
        *("install", "--no-deps", "--force-reinstall", sources),
        SIPWATCH_COMPILE="1",
        PATH=str(plain.folder / "bin"),
    )
    assert "NOT COMPILED, the plain form is installed: there is no C compiler" in said
    assert "Successfully installed sipwatch" in said
    assert plain.sipwatch("--version").endswith(" (interpreted)\n")


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
def test_it_compiles_where_nothing_is_installed_yet(plain: Fresh, sources: Path, tmp_path: Path) -> None:
    compiled = Fresh.made(tmp_path / "venv")
    said = run(
        *(compiled.folder / "bin" / "pip", "--disable-pip-version-check", "install", "."),
        timeout=COMPILE_TIMEOUT,
        cwd=sources,
        SIPWATCH_COMPILE="1",
    )
    assert "NOT COMPILED" not in said, said
    assert compiled.sipwatch("--version").endswith(" (compiled)\n")
    result = [fresh.sipwatch("replay", DEMO, "--format", "json") for fresh in (plain, compiled)]
    assert result[0] == result[1]
