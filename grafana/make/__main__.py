"""Write the dashboards to ``grafana/dashboards``: ``python -m grafana.make [--check]``.

``--check`` writes nothing and says whether the files are what the scripts make.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from grafana.make import overview, own, peers

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Dashboard

DASHBOARDS = Path(__file__).resolve().parent.parent / "dashboards"


def text(made: Dashboard) -> str:
    """Return a dashboard as JSON, the same for the same dashboard."""
    return json.dumps(made, cls=JSONEncoder, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def everything() -> dict[str, str]:
    """Return every file by its name."""
    return {f"{made.uid}.json": text(made) for made in (overview.made(), peers.made(), own.made())}


def main(arguments: list[str]) -> int:
    """Write the dashboards, or check that they are written, and that no others lie beside them."""
    check = arguments == ["--check"]
    if arguments and not check:
        sys.stderr.write("usage: python -m grafana.make [--check]\n")
        return 2
    made = everything()
    stale = [name for name, content in made.items() if _written(name) != content]
    strange = sorted(path.name for path in DASHBOARDS.glob("*") if path.name not in made)
    if not check:
        DASHBOARDS.mkdir(exist_ok=True)
        for name in stale:
            (DASHBOARDS / name).write_text(made[name], encoding="utf-8")
    for name in stale:
        sys.stdout.write(f"{'differs' if check else 'written'}: {name}\n")
    for name in strange:
        sys.stdout.write(f"made by none of the scripts: {name}\n")
    return 1 if strange or (check and stale) else 0


def _written(name: str) -> str | None:
    path = DASHBOARDS / name
    return path.read_text(encoding="utf-8") if path.is_file() else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
