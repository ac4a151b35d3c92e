"""The dashboards as they lie in ``grafana/dashboards``, and what Grafana would make of their queries."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = Path(__file__).resolve().parent.parent.parent / "grafana/dashboards"
SCRAPED_EVERY = 15

Document = dict[str, Any]


def load(path: Path) -> Document:
    document = json.loads(path.read_text(encoding="utf-8"))
    assert isinstance(document, dict)
    return document


PAGES: dict[str, Document] = {page["uid"]: page for page in map(load, sorted(FOLDER.glob("*.json")))}


class Asked(NamedTuple):
    """One query of a panel."""

    page: str
    panel: Document
    target: Document

    @property
    def name(self) -> str:
        """Return what a failed test calls it by."""
        return f"{self.page} / {self.panel['title']} / {self.target['refId']}"

    @property
    def expr(self) -> str:
        """Return the query as it stands in the dashboard."""
        return str(self.target["expr"])

    @property
    def instant(self) -> bool:
        """Tell whether one moment is asked for, or all the time shown."""
        return bool(self.target.get("instant"))

    @property
    def legend(self) -> str:
        """Return the template of the names of its series."""
        return str(self.target["legendFormat"])

    def step(self, shown: int) -> int:
        """Return Grafana's ``$__interval`` in seconds: no less than the panel's own, nor than a scrape's."""
        least = seconds(self.panel.get("interval") or "0s")
        return max(least, SCRAPED_EVERY, shown // 1000)

    def filled(self, shown: int, chosen: dict[str, str]) -> str:
        """Return the query with Grafana's variables filled in; ``shown`` is the time shown in seconds."""
        step = self.step(shown)
        known = {
            "__rate_interval": f"{max(step + SCRAPED_EVERY, 4 * SCRAPED_EVERY)}s",
            "__range": f"{shown}s",
            **chosen,
        }
        return re.sub(r"\$(\w+)", lambda match: known[match.group(1)], self.expr)


def seconds(duration: str) -> int:
    """Return a duration such as ``5m`` in seconds."""
    return int(duration[:-1]) * {"s": 1, "m": 60, "h": 3600}[duration[-1]]


def unfolded(page: Document) -> list[Document]:
    """Return a page's panels and the headings of its rows, in order; a folded row holds its panels itself."""
    return [one for panel in page["panels"] for one in (panel, *panel.get("panels", ()))]


def panels(page: Document) -> list[Document]:
    """Return a page's panels without the headings of its rows."""
    return [panel for panel in unfolded(page) if panel["type"] != "row"]


ASKED = [
    Asked(uid, panel, target) for uid, page in PAGES.items() for panel in panels(page) for target in panel["targets"]
]
