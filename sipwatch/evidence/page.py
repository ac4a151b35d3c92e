"""The package as a page for a browser and for paper: for readers who know no SIP tool.

Must not know: where it is written. The page, ``templates/evidence.html``, loads nothing and runs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sipwatch.evidence import facts
from sipwatch.export import html
from sipwatch.export.naming import name_of_call

if TYPE_CHECKING:
    from sipwatch.evidence.facts import Package


def page(package: Package) -> str:
    """Return the page."""
    return html.fill_in("evidence.html", package=package, facts=facts, name_of_call=name_of_call)
