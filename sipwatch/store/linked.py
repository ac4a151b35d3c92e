"""The calls that a stored call is linked with, where they are stored as well.

Must not know: HTTP, pages, how calls are linked or drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sipwatch.export.record import CallRecord, LinkRecord
    from sipwatch.store.reader import Stored, StoreReader


class FollowedLink(NamedTuple):
    """A link, and the call that it leads to, None where that is not in the store."""

    link: LinkRecord
    call: Stored | None


def linked_calls(reader: StoreReader, call: CallRecord) -> list[FollowedLink]:
    """Return the calls that a call is linked with. Raises StoreError."""
    return [FollowedLink(link, reader.call(link.id)) for link in call.linked]


def drawable(reader: StoreReader, links: Iterable[FollowedLink]) -> list[CallRecord]:
    """Return those of the calls, each once, of which messages are kept, with these. Raises StoreError."""
    found = {one.call.record.id: one.call for one in links if one.call is not None and one.call.kept}
    return [call for call in map(reader.with_messages, (one.record for one in found.values())) if call.messages]
