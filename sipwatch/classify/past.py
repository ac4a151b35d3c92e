"""What memory of earlier calls is made of: bounded tables, and final responses cut to what is told of them.

Must not know: causes, clocks, words. Every table is bounded: the entry that was touched longest ago goes, and is
counted. All of it follows the order of verdicts, which follows packets alone (Law 2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar

from sipwatch.classify.findings import Evidence, said

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from sipwatch.track.call import Call
    from sipwatch.wire.message import Response

V = TypeVar("V")

MAX_IDS: Final = 5  # calls named for one finding of the whole
_MAX_PHRASE_LENGTH: Final = 256

CallId = tuple[bytes, bytes, int]
# A final response, to be told of perhaps: time, packet number, status code, reason phrase. Not the message: of those
# that are remembered most are never told of, and strangers make messages as large as they like.
Glimpse = tuple[int, int, int, bytes]


class Bounded(Protocol):
    """A table as its counts show it."""

    evicted: int

    def __len__(self) -> int:
        """Return how many entries there are."""


class Table(Generic[V]):
    """A dictionary that forgets what was touched longest ago when it is full. ``evicted`` counts.

    ``entries`` are for those who only look. As long as it is not half full nobody will have to go soon, and touching
    moves nothing: that is most of what it costs.
    """

    def __init__(self, limit: int) -> None:
        self.evicted = 0
        self._limit = limit
        self._half = limit // 2
        self.entries: dict[Hashable, V] = {}

    def __len__(self) -> int:
        return len(self.entries)

    def get(self, key: Hashable) -> V | None:
        """Return an entry, None where there is none. Looking is no touching."""
        return self.entries.get(key)

    def touch(self, key: Hashable) -> V | None:
        """Return an entry, the latest touched from now on; None where there is none."""
        entries = self.entries
        entry = entries.get(key)
        if entry is not None and len(entries) > self._half:
            del entries[key]
            entries[key] = entry
        return entry

    def put(self, key: Hashable, entry: V) -> None:
        """Set an entry, the latest touched from now on."""
        entries = self.entries
        entries.pop(key, None)
        if len(entries) >= self._limit:
            del entries[next(iter(entries))]
            self.evicted += 1
        entries[key] = entry

    def drop(self, key: Hashable) -> None:
        """Forget an entry, if there is one."""
        self.entries.pop(key, None)

    def clear(self) -> None:
        """Forget everything."""
        self.evicted += len(self.entries)
        self.entries.clear()

    def values(self) -> Iterator[V]:
        """Give every entry."""
        yield from self.entries.values()


def call_id(call: Call) -> CallId:
    """Return what names a call."""
    return call.call_id, call.from_tag, call.started


def glimpse(final: Response) -> Glimpse:
    """Return what is remembered of a final response."""
    return final.time, final.number, final.status_code, final.reason_phrase[:_MAX_PHRASE_LENGTH]


def recalled(final: Glimpse) -> Evidence:
    """Return a final response that was remembered as evidence."""
    time, number, status_code, phrase = final
    return Evidence(time, number, f"{status_code} {said(phrase)}".rstrip())


def counts(tables: dict[str, Bounded]) -> tuple[dict[str, int], dict[str, int]]:
    """Return how many entries each table has, and how many each has given up."""
    return (
        {name: len(table) for name, table in tables.items()},
        {name: table.evicted for name, table in tables.items() if table.evicted},
    )
