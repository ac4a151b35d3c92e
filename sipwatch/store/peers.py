"""The peers that a store knows: those that had calls, and those between which somebody registered.

Must not know: pages, commands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sipwatch.export.choices import NoSuchPeerError
from sipwatch.store.schema import REGISTER_SUMS, REGISTRATIONS_SINCE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sipwatch.store.reader import StoreReader


def need_peers(reader: StoreReader, names: Iterable[str], also: Iterable[str] = ()) -> None:
    """Raise NoSuchPeerError for a name that neither the store nor ``also`` has. Raises StoreError."""
    known = {*also}
    missing = [name for name in names if name not in known]
    if not missing:
        return
    known |= known_peers(reader)
    for name in missing:
        if name not in known:
            raise NoSuchPeerError(name, known)


def known_peers(reader: StoreReader) -> set[str]:
    """Return the names of all peers that are in a store. Raises StoreError."""
    sql = "SELECT DISTINCT source, destination FROM {} WHERE at >= ? AND at < ?"
    rows = reader.rows_of_sums(sql, None, None, tables=REGISTER_SUMS, version=REGISTRATIONS_SINCE)
    return reader.peers() | {name for row in rows for name in row}
