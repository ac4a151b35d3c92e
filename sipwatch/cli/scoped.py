"""What a report in HTML says of itself, by the configuration: whose numbers are whose, what is hidden, who made it.

Must not know: any command, where calls come from.
"""

from __future__ import annotations

import time
from datetime import UTC
from typing import TYPE_CHECKING, Any

from sipwatch import installed_version

if TYPE_CHECKING:
    from datetime import tzinfo

    from sipwatch.classify.roster import Roster
    from sipwatch.config import Config
    from sipwatch.report.html.scope import Scope


def scope_of(config: Config, source: list[str], zone: tzinfo = UTC, zone_name: str = "UTC", **more: Any) -> Scope:
    """Return the scope of a report on calls from a source; ``more`` are others of its fields."""
    from sipwatch.classify.peers import PeerKind
    from sipwatch.evidence.asked import hidden_in_words
    from sipwatch.report.html.scope import Scope
    from sipwatch.report.html.times import ZoneTimes

    times = ZoneTimes(zone, zone_name)
    return Scope(
        source=source,
        made=f"sipwatch {installed_version()}, {times.full(time.time_ns())} {zone_name}",
        times=times,
        hidden=hidden_in_words(config.privacy),
        roster=roster_of(config),
        region=dialled_in(config),
        trunks=frozenset(peer.name for peer in config.settings.peers if peer.kind is PeerKind.TRUNK),
        **more,
    )


def roster_of(config: Config) -> Roster:
    """Return whose number it is, as the configuration says."""
    from sipwatch.classify.roster import Roster

    return Roster(config.agents, dialled_in(config))


def dialled_in(config: Config) -> str | None:
    """Return the country (ISO 3166) in which numbers are dialled, None where nobody says."""
    callback = config.settings.callback
    return None if callback is None else callback.region
