"""``sipwatch assets``: write out what belongs beside sipwatch: dashboards, alerts, the unit, an example configuration.

Must not know: what is in the files. A wheel carries them in sipwatch/assets; a source tree has them where they
are made.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sipwatch.cli.options import Pages, switch
from sipwatch.cli.output import opened
from sipwatch.cli.words import fail, why
from sipwatch.export.addresses import PAGES

_PACKAGE = Path(__file__).resolve().parent.parent


def assets(
    folder: Annotated[
        str, typer.Argument(metavar="DIR", help="The folder to write into; it is made if it is not there.")
    ],
    pages: Pages = PAGES,
    force: Annotated[bool, switch("--force", "Write over files that are there already.")] = False,
) -> None:
    """Write out the Grafana dashboards, Prometheus rules, systemd unit and example configuration."""
    files = asset_files()
    if not files:
        fail("the files are not part of this installation; they are in the source tree, in grafana/ and deploy/")
    target = Path(folder)
    there = [name for name in files if (target / name).exists() or (target / name).is_symlink()]
    if there and not force:
        more = f" and {len(there) - 1} more" if len(there) > 1 else ""
        fail(f"{target / there[0]}{more}: there already, and nothing was written; --force writes over it")
    try:
        for name in files:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        fail(f"{error.filename or target}: cannot be made: {why(error)}")
    for name, source in files.items():
        with opened(str(target / name), new=True, force=force) as out:
            out.write(_linked(name, source.read_bytes(), pages))
    typer.echo(f"{len(files)} files written below {target}: {', '.join(_folders(files))}")


def _linked(name: str, content: bytes, pages: str) -> bytes:
    """Return a file with its links to the pages beginning there; they are in what watches the metrics."""
    return content.replace(PAGES.encode(), pages.encode()) if name.startswith("grafana/") else content


def asset_files() -> dict[str, Path]:
    """Return each file's name below the folder, and where it is to be had."""
    inside = _PACKAGE / "assets"
    if inside.is_dir():
        found = sorted(path for path in inside.rglob("*") if path.is_file())
        return {str(path.relative_to(inside)): path for path in found}
    return _of_the_tree(_PACKAGE.parent)


def _of_the_tree(top: Path) -> dict[str, Path]:
    """Return the files of a source tree, whose pyproject.toml lists them for the wheel as well."""
    import tomllib

    try:
        patterns = tomllib.loads((top / "pyproject.toml").read_text())["tool"]["sipwatch"]["assets"]
    except (OSError, KeyError, ValueError):
        return {}
    return {str(path.relative_to(top)): path for pattern in patterns for path in sorted(top.glob(pattern))}


def _folders(files: dict[str, Path]) -> list[str]:
    return sorted({f"{name.split('/')[0]}/" for name in files})
