"""The figures of one metric as they stood at a moment: plain copies which nobody changes, and the latest calls.

Must not know: how they are counted, or written down.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from sipwatch.export.calls import short_id
from sipwatch.packet import SECOND
from sipwatch.track.room import OTHER

if TYPE_CHECKING:
    from array import array
    from collections.abc import Iterable, Mapping, Sequence

    from sipwatch.export.series import Key, Seen, Series

SECONDS = 1 / SECOND


class Distribution(NamedTuple):
    """One histogram: what is in each bucket alone, the sum in ns, and each bucket's latest call, as it is by now."""

    counts: Sequence[int]
    total: int
    latest: Sequence[Seen | None]


class Values(Protocol):
    """Values by labels; a dictionary is."""

    def items(self) -> Iterable[tuple[Key, float]]:
        """Give labels and value of each."""

    def __len__(self) -> int:
        """Say how many there are."""


class Stretch:
    """Values that belong to a stretch of a list of keys to which keys are only added.

    Nothing in it is the garbage collector's: a million of pairs would keep it busy, and the capture waiting.
    """

    __slots__ = ("_keys", "_start", "_values")

    def __init__(self, keys: list[Key], start: int, values: array[int]) -> None:
        self._keys = keys
        self._start = start
        self._values = values

    def items(self) -> Iterable[tuple[Key, float]]:
        """Give labels and value of each."""
        return zip(self._keys[self._start : self._start + len(self._values)], self._values, strict=True)

    def __len__(self) -> int:
        return len(self._values)


class Nested:
    """Values of many pairs of peers: each with its first labels, and counts by the last, which may have another name.

    For the sake of the garbage collector as well: dictionaries of texts and numbers are none of its business.
    """

    __slots__ = ("_names", "_parts")

    def __init__(self, names: Mapping[int, str] | None = None) -> None:
        self._parts: list[tuple[Key, Mapping[str, int] | Mapping[int, int]]] = []
        self._names = names

    def add(self, first: Key, counts: Mapping[str, int] | Mapping[int, int]) -> None:
        """Add the counts that belong to these first labels."""
        self._parts.append((first, counts))

    def items(self) -> Iterable[tuple[Key, float]]:
        """Give labels and value of each."""
        for first, counts in self._parts:
            for last, count in counts.items():
                yield (*first, last if isinstance(last, str) else (self._names or {}).get(last, OTHER)), count

    def __len__(self) -> int:
        return sum([len(counts) for _, counts in self._parts])


class Figures(NamedTuple):
    """A metric with its values by labels. A histogram has ``distributions``. One with many comes in several parts.

    ``latest`` has the call behind each, as it is by now: it may be later than the value. ``ahead`` is by how much the
    clock on the wall is ahead of the times of these calls (ns).
    """

    of: Series
    values: Values
    latest: Mapping[Key, Seen] = {}
    distributions: Mapping[Key, Distribution] = {}
    ahead: int = 0


class LatestCall(NamedTuple):
    """An exemplar: the short id of a call, its own value, and when (seconds since 1970)."""

    call: str
    value: float
    at: float


def bounds_of(of: Series) -> list[str]:
    """Return the upper bounds of a histogram's buckets as the label ``le`` has them."""
    return [*(str(float(bound)) for bound in of.buckets), "+Inf"]


def example_of(seen: Seen, of: Series, ahead: int) -> LatestCall:
    """Return the exemplar of a figure; a bucket's is a duration in ns, a counter's counts one."""
    value = seen.value * SECONDS if of.buckets else float(seen.value)
    return LatestCall(short_id(*seen.call), value, (seen.at + ahead) * SECONDS)
