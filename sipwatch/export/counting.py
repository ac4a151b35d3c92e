"""Counters, gauges and histograms by label values, within the room that there is for series.

Must not know: what is counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sipwatch.export import series
from sipwatch.export.series import Histogram, Seen
from sipwatch.track.room import OTHER

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sipwatch.export.series import CallKey, Key, Series
    from sipwatch.track.room import SeriesRoom

NOBODYS: Final = (OTHER, OTHER)  # the two ends of what is counted together


class Labelled:
    """What counters and histograms have in common: a key that there is no room for counts with the key of others."""

    __slots__ = ("_ends", "_room", "series")

    def __init__(self, of: Series, room: SeriesRoom) -> None:
        self.series = of
        self._room = room
        self._ends = len([label for label in of.labels if label in {"source", "destination", "peer"}])

    def folded(self, key: Key) -> Key:
        """Return the key under which others are counted: that of nobody in particular."""
        return (*NOBODYS[: self._ends], *key[self._ends :])


class Counter(Labelled):
    """A counter or gauge by label values; ``latest`` has the latest call behind each."""

    __slots__ = ("keys", "latest", "values")

    def __init__(self, of: Series, room: SeriesRoom) -> None:
        super().__init__(of, room)
        self.keys: list[Key] = []  # those of ``values``, for whoever reads them bit by bit
        self.values: dict[Key, int] = {}
        self.latest: dict[Key, Seen] = {}

    def add(self, key: Key, number: int = 1) -> None:
        """Count."""
        before = self.values.get(key)
        if before is None:
            key, before = self._begin(key)
        self.values[key] = before + number

    def add_call(self, key: Key, call: CallKey, at: int) -> None:
        """Count, and remember which call it was."""
        before = self.values.get(key)
        if before is None:
            key, before = self._begin(key)
        self.values[key] = before + 1
        self.latest[key] = Seen(call, 1, at)

    def _begin(self, key: Key) -> tuple[Key, int]:
        if not self._room.take():
            key = self.folded(key)
        before = self.values.get(key)
        if before is None:
            self.keys.append(key)
        return key, before or 0

    def begin(self, keys: Iterable[Key]) -> None:
        """Let series exist at 0, so that ``increase()`` sees their first event. Whoever asks has taken room."""
        for key in keys:
            if key not in self.values:
                self.keys.append(key)
                self.values[key] = 0


class Durations(Labelled):
    """Histograms by label values; each is there from its first duration on."""

    __slots__ = ("_bounds", "values")

    def __init__(self, of: Series, room: SeriesRoom) -> None:
        super().__init__(of, room)
        self.values: dict[Key, Histogram] = {}
        self._bounds = series.bounds(of)

    def at(self, key: Key) -> Histogram:
        """Return the histogram of these labels, an empty one when it is new."""
        found = self.values.get(key)
        if found is not None:
            return found
        if not self._room.take(len(self._bounds) + 3):  # +Inf, sum, count
            key = self.folded(key)
            found = self.values.get(key)
        if found is None:
            found = self.values[key] = Histogram(self._bounds)
        return found
