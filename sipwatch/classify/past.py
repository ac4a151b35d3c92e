"""What memory of earlier calls is made of: bounded tables, and final responses cut to what is told of them.

Must not know: causes, clocks, words. Every table is bounded, in entries and by the bytes that all of them share: the
entry that was touched longest ago goes, and is counted. All of it follows the order of verdicts, which follows packets
alone (Law 2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, NamedTuple, Protocol, TypeVar

from sipwatch.classify.findings import Evidence, said
from sipwatch.classify.remembered import SLOT, TEXTS, Memory

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
    """A table as its counts show it; ``bytes`` is what it takes."""

    bytes: int
    evicted: int

    def __len__(self) -> int:
        """Return how many entries there are."""


class Table(Generic[V]):
    """A dictionary that forgets what was touched longest ago when it is full. ``evicted`` counts.

    It is full with ``limit`` entries, and when all that share ``memory`` take too much and this takes most. An entry
    takes ``each`` bytes with its key, and besides what its texts take, which whoever puts it says.

    ``entries`` are for those who only look. As long as it is not half full nobody will have to go soon, and touching
    moves nothing: that is most of what it costs.
    """

    def __init__(self, limit: int, memory: Memory | None = None, each: int = SLOT) -> None:
        self.evicted = 0
        self.bytes = 0
        self._limit = limit
        self._half = limit // 2
        self._each = each
        self._memory = Memory() if memory is None else memory
        self._memory.share(self)
        self._texts: dict[Hashable, int] = {}  # of the entries that have any
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
        if entry is not None and (len(entries) > self._half or self._memory.crowded):
            del entries[key]
            entries[key] = entry
        return entry

    def put(self, key: Hashable, entry: V, texts: int = 0) -> None:
        """Set an entry, the latest touched from now on; its texts take so many bytes."""
        entries = self.entries
        if entries.pop(key, None) is None:
            if len(entries) >= self._limit:
                self.forget_oldest()
            entries[key] = entry
            self._memory.grow(self, self._each)
        else:
            entries[key] = entry
        if texts or self._texts:
            self.weigh(key, texts)

    def weigh(self, key: Hashable, texts: int) -> None:
        """Take note of what the texts of an entry take by now (bytes), if it is still there."""
        if key not in self.entries:
            return
        before = self._texts.get(key)
        if before == texts:
            return
        self._texts[key] = texts
        self._memory.grow(self, texts + TEXTS if before is None else texts - before)

    def drop(self, key: Hashable) -> None:
        """Forget an entry, if there is one."""
        if self.entries.pop(key, None) is not None:
            self._lessen(key)

    def forget_oldest(self) -> None:
        """Give up the entry that was touched longest ago, and count it."""
        self.evicted += 1
        self.drop(next(iter(self.entries)))

    def clear(self) -> None:
        """Forget everything."""
        self.evicted += len(self.entries)
        self.entries.clear()
        self._texts.clear()
        self._memory.grow(self, -self.bytes)

    def values(self) -> Iterator[V]:
        """Give every entry."""
        yield from self.entries.values()

    def _lessen(self, key: Hashable) -> None:
        texts = self._texts.pop(key, None)
        self._memory.grow(self, -self._each - (0 if texts is None else texts + TEXTS))


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


class Counts(NamedTuple):
    """By the name of each table: how many entries it has, how many it has given up, and what it takes (bytes)."""

    entries: dict[str, int]
    evicted: dict[str, int]
    bytes: dict[str, int]


def counts(tables: dict[str, Bounded]) -> Counts:
    """Return how full tables are; of those given up only where there are any."""
    return Counts(
        {name: len(table) for name, table in tables.items()},
        {name: table.evicted for name, table in tables.items() if table.evicted},
        {name: table.bytes for name, table in tables.items()},
    )
