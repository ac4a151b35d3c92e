"""The pages over a store, as ``sipwatch live`` and ``sipwatch serve`` show them.

Must not know: what the pages say, who writes the store.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sipwatch.config import Config
    from sipwatch.web.site import Website


def site_over(folder: str, config: Config) -> Website:
    """Return the pages over the store in a folder; all that they need of the package is loaded."""
    from sipwatch.store.reader import StoreReader
    from sipwatch.web.site import Website

    path, callback = Path(folder), config.settings.callback
    site = Website(lambda: StoreReader(path), region=None if callback is None else callback.region)
    site.load()
    return site
