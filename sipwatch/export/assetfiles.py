"""Where the files are that belong beside the program: dashboards, rules, units, an example configuration.

Must not know: what is in them, or who wants them. A wheel carries them in sipwatch/assets; a source tree has them where
they are made.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Final

_PACKAGE: Final = Path(__file__).resolve().parent.parent


def asset_files() -> dict[str, Path]:
    """Return each file's name below the folder, and where it is to be had."""
    inside = _PACKAGE / "assets"
    if inside.is_dir():
        found = sorted(path for path in inside.rglob("*") if path.is_file())
        return {str(path.relative_to(inside)): path for path in found}
    return _of_the_tree(_PACKAGE.parent)


def _of_the_tree(top: Path) -> dict[str, Path]:
    """Return the files of a source tree, whose pyproject.toml lists them for the wheel as well."""
    try:
        patterns = tomllib.loads((top / "pyproject.toml").read_text())["tool"]["sipwatch"]["assets"]
    except (OSError, KeyError, ValueError):
        return {}
    return {str(path.relative_to(top)): path for pattern in patterns for path in sorted(top.glob(pattern))}
