"""``sipwatch incidents``: what left its own past, in the calls that a daemon stored.

Must not know: how incidents are found, or told.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from sipwatch.cli.options import Force, Format, Output, Store, Zone, format_option, value
from sipwatch.cli.output import opened, write_listed
from sipwatch.cli.when import time_between
from sipwatch.cli.words import FailOn

if TYPE_CHECKING:
    from typing import IO

    from sipwatch.export.incidents import Looked

_WHEN = "Look from this time on: 2026-01-05T09:00:00+01:00, 14:30 (today), 2d (ago). Default: since yesterday began."


def incidents(
    store: Store,
    since: Annotated[str | None, value("WHEN", _WHEN)] = None,
    until: Annotated[str | None, value("WHEN", "Look until this time, written the same way. Default: now.")] = None,
    peer: Annotated[str, value("NAME[,NAME]", "Only those of these peers, and of all calls.", "--peer")] = "",
    form: Annotated[Format, format_option(Format.TABLE, Format.JSON, Format.JSONL)] = Format.TABLE,
    output: Output = None,
    force: Force = False,
    zone: Zone = "UTC",
) -> None:
    """Say what left its own past: of which peer, since when, whom it touches, what is still well."""
    from sipwatch.export.choices import NoSuchPeerError
    from sipwatch.export.incidents import peers_in_list
    from sipwatch.store.days import StoreError
    from sipwatch.store.peers import need_peers
    from sipwatch.store.reader import StoreReader
    from sipwatch.store.troubles import Troubles, yesterday_and_today

    usual = yesterday_and_today(time.time_ns())
    begin, end = time_between(since, until, zone)
    with opened(output, [], force=force) as out, FailOn(StoreError, NoSuchPeerError):
        reader = StoreReader(Path(store))
        need_peers(reader, peers_in_list(peer))
        looked = Troubles().look(reader, begin if begin is not None else usual[0], end or usual[1])
        _write(out, form, looked, peer)


def _write(out: IO[bytes], form: Format, looked: Looked, peer: str) -> None:
    from sipwatch.export.incidents import IncidentRecord, is_of_peers, peers_in_list
    from sipwatch.report.incidents import print_incidents

    peers = peers_in_list(peer)
    found = [one for one in looked.incidents if is_of_peers(one, peers)]
    write_listed(out, form, IncidentRecord, found, lambda text: print_incidents(text, found, looked, peers))
