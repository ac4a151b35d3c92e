"""Write the dashboards to ``grafana/dashboards``: ``python -m grafana.make [--check]``.

The links of alerts to the runbook and to the pages, in Prometheus' rules and in their tests, and those of data sources,
get the same base as those of the dashboards. ``--check`` writes nothing and says whether the files are what the scripts make.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from grafana.make import overview, own, peers
from grafana.make.board import DOCS, PAGES, RUNBOOK

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Dashboard

DASHBOARDS = Path(__file__).resolve().parent.parent / "dashboards"
PROMETHEUS = DASHBOARDS.parent / "prometheus"
PROVISIONING = DASHBOARDS.parent / "provisioning"
_LINKS = (  # what begins a link, as a pattern, and with what it has to go on
    (re.compile(rf"^( *runbook_url: )\S*(?=/{re.escape(RUNBOOK)}#)", re.MULTILINE), DOCS),
    (re.compile(r"^( *calls_url: )\S*?(?=/calls\?)", re.MULTILINE), PAGES),
    (re.compile(r"^( *incidents_url: )\S*?(?=/incidents\?)", re.MULTILINE), PAGES),
    (re.compile(r"^( *registrations_url: )\S*?(?=/registrations\?)", re.MULTILINE), PAGES),
    (re.compile(r"^( *url: )\S*(?=/calls/\$\$)", re.MULTILINE), PAGES),
)


def text(made: Dashboard) -> str:
    """Return a dashboard as JSON, the same for the same dashboard."""
    return json.dumps(made, cls=JSONEncoder, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def everything() -> dict[str, str]:
    """Return every file by its name."""
    return {f"{made.uid}.json": text(made) for made in (overview.made(), peers.made(), own.made())}


def linked() -> dict[Path, str]:
    """Return the other files in which links begin with where the documentation or the pages are, with those of today."""
    files = [*sorted(PROMETHEUS.glob("*/*.yml")), *sorted(PROVISIONING.glob("datasources/*.yml"))]
    return {path: _with_bases(path.read_text(encoding="utf-8")) for path in files}


def _with_bases(text: str) -> str:
    for link, base in _LINKS:
        text = link.sub(rf"\g<1>{base}", text)
    return text


def main(arguments: list[str]) -> int:
    """Write the dashboards and links, or check that they are written, and that no other dashboards lie beside them."""
    check = arguments == ["--check"]
    if arguments and not check:
        sys.stderr.write("usage: python -m grafana.make [--check]\n")
        return 2
    made = {DASHBOARDS / name: content for name, content in everything().items()} | linked()
    stale = [path for path, content in made.items() if _written(path) != content]
    strange = sorted(path for path in DASHBOARDS.glob("*") if path not in made)
    if not check:
        DASHBOARDS.mkdir(exist_ok=True)
        for path in stale:
            path.write_text(made[path], encoding="utf-8")
    for path in stale:
        sys.stdout.write(f"{'differs' if check else 'written'}: {path.name}\n")
    for path in strange:
        sys.stdout.write(f"made by none of the scripts: {path.name}\n")
    return 1 if strange or (check and stale) else 0


def _written(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
