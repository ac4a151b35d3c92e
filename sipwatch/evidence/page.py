"""The package as a page for a browser and for paper: for readers who know no SIP tool.

Must not know: where it is written. The page, ``templates/evidence.html``, loads nothing and runs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sipwatch.evidence import facts
from sipwatch.export import html
from sipwatch.report.plain import plain_name

if TYPE_CHECKING:
    from sipwatch.evidence.facts import Package


def page(package: Package) -> str:
    """Return the page."""
    return html.fill_in("evidence.html", package=package, facts=facts, plain_name=plain_name)
