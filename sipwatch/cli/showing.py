"""The pages over a store, as ``sipwatch live`` and ``sipwatch serve`` show them.

Must not know: what the pages say, who writes the store.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sipwatch.cli.scoped import dialled_in
from sipwatch.packet import SECOND

if TYPE_CHECKING:
    from sipwatch.classify.roster import Roster
    from sipwatch.config import Config
    from sipwatch.store.troubles import Troubles
    from sipwatch.web.site import Website
    from sipwatch.web.watching import Watcher


def site_over(folder: str, config: Config, daemon: Watcher | None = None, troubles: Troubles | None = None) -> Website:
    """Return the pages over the store in a folder, and beside the daemon that writes it; all they need is loaded.

    ``troubles`` looks for incidents, if somebody else does so as well.
    """
    from sipwatch.config import DEFAULT_WITHIN
    from sipwatch.store.reader import StoreReader
    from sipwatch.web.site import Website

    path, region, callback = Path(folder), dialled_in(config), config.settings.callback
    site = Website(
        lambda: StoreReader(path),
        region=region,
        roster=_roster(config, region),
        zone=config.hours[0].zone if config.hours else "UTC",  # where people work, days begin as they do there
        objectives={peer.name: peer.objective for peer in config.settings.peers if peer.objective},
        within=DEFAULT_WITHIN * SECOND if callback is None else callback.within_ns,
        daemon=daemon,
        troubles=troubles,
    )
    site.load()
    return site


def _roster(config: Config, region: str | None) -> Roster:
    """Return whose numbers are whose, with names as they may be read."""
    from sipwatch.classify.roster import Roster
    from sipwatch.export.privacy import policy_of

    policy = policy_of(config.privacy)
    agents = config.agents if policy is None else [one._replace(name=policy.name(one.name)) for one in config.agents]
    return Roster(agents, region)
