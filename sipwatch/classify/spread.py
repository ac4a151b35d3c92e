"""How durations are spread: any quantile to within 5 %, whatever their number, in bounded memory.

Must not know: what takes so long.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Final

from sipwatch.packet import MILLISECOND, SECOND

_GROWTH: Final = 1.05  # from one bucket's upper bound to the next
_MAX_BUCKET: Final = 375  # a day
_BOUNDS: Final = [int(MILLISECOND * _GROWTH**bucket) for bucket in range(_MAX_BUCKET)]  # of the buckets, in ns


class Spread:
    """A histogram whose buckets grow by 5 %, from a millisecond to a day."""

    __slots__ = ("_counts", "_longest", "count")

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}  # by bucket; its upper bound is a millisecond, so many times 5 % more
        self._longest = 0
        self.count = 0

    def add(self, duration: int | None) -> None:
        """Add a duration in ns; None is none, and one below 0 no duration."""
        if duration is None or duration < 0:
            return
        bucket = bisect_left(_BOUNDS, duration)
        self._counts[bucket] = self._counts.get(bucket, 0) + 1
        if duration > self._longest:  # noqa: PLR1730 - half the time of max()
            self._longest = duration
        self.count += 1

    def join(self, other: Spread) -> None:
        """Add the durations of another."""
        for bucket, count in other._counts.items():
            self._counts[bucket] = self._counts.get(bucket, 0) + count
        self._longest = max(self._longest, other._longest)
        self.count += other.count

    @property
    def longest(self) -> float:
        """Return the longest in seconds, 0 without any."""
        return self._longest / SECOND

    def counts(self) -> dict[int, int]:
        """Return how many durations are in each bucket, by its place among all of them: the lower, the shorter."""
        return dict(sorted(self._counts.items()))

    def quantile(self, share: float) -> float | None:
        """Return the seconds that this share of all stays below, None without any."""
        left = share * self.count
        for bucket in sorted(self._counts):
            left -= self._counts[bucket]
            if left <= 0:
                bound = MILLISECOND * _GROWTH**bucket if bucket < _MAX_BUCKET else self._longest
                return round(min(bound, self._longest) / SECOND, 6)
        return None
