"""How likely it is that two counts, or two spreads of durations, differ this much by chance alone.

Every test is two-sided, and takes calls for independent of each other. An outage hits many calls at once, so a small
value says that something differed, never what made it differ.

Must not know: what is counted.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sipwatch.classify.spread import Spread

MAY_BE_WRONG: Final = 0.05  # of what is told to differ, at most this share differs by chance (``least_unlikely``)
_ENOUGH: Final = 10  # expected in every cell: from here on the normal distribution is close
_SLACK: Final = 1 + 1e-9  # tables that are as likely as the one found differ by rounding


def of_shares(part: int, whole: int, other_part: int, other_whole: int) -> float:
    """Return the chance that shares of two populations differ at least this much, though they are drawn from one.

    Fisher's exact test where few are expected anywhere, which is quick as long as they are few; else the two-proportion
    z-test with the pooled share.
    """
    both, total = part + other_part, whole + other_whole
    if both in (0, total) or 0 in (whole, other_whole):
        return 1.0
    if min(whole, other_whole) * min(both, total - both) < _ENOUGH * total:
        return _exactly(part, whole, both, total)
    pooled = both / total
    deviation = math.sqrt(pooled * (1 - pooled) * (1 / whole + 1 / other_whole))
    return _two_sided((part / whole - other_part / other_whole) / deviation)


def of_spreads(one: Spread, other: Spread) -> float:
    """Return the chance that durations differ at least this much, though they are drawn from one spread.

    The smaller of two values, doubled, for there are two ways to differ: Mann and Whitney's rank test, with its
    correction for ties, by the spreads' buckets; and the share of durations among the slowest twentieth of all.
    """
    if not one.count or not other.count:
        return 1.0
    return min(1.0, 2 * min(_of_ranks(one, other), _of_the_slow(one, other)))


def least_unlikely(chances: Iterable[float]) -> float:
    """Return the largest of these values that still counts as a difference, -1 if none does.

    By Benjamini and Hochberg's procedure: the more is compared, the less likely by chance a difference has to be, for
    of a hundred comparisons of what is the same some five are below 0.05.
    """
    ranked = sorted(chances)
    good = [chance for place, chance in enumerate(ranked, 1) if chance <= MAY_BE_WRONG * place / len(ranked)]
    return good[-1] if good else -1.0


def _exactly(part: int, whole: int, both: int, total: int) -> float:
    """Add up the probabilities of all tables with these margins that are not more likely than this one."""
    first, last = max(0, both - (total - whole)), min(both, whole)
    all_tables = _log_choose(total, both)
    logs = [
        _log_choose(whole, here) + _log_choose(total - whole, both - here) - all_tables
        for here in range(first, last + 1)
    ]
    limit = math.exp(logs[part - first]) * _SLACK
    return min(1.0, math.fsum(chance for chance in map(math.exp, logs) if chance <= limit))


def _log_choose(total: int, chosen: int) -> float:
    return math.lgamma(total + 1) - math.lgamma(chosen + 1) - math.lgamma(total - chosen + 1)


def _of_ranks(one: Spread, other: Spread) -> float:
    ours, theirs = one.counts(), other.counts()
    total = one.count + other.count
    below = wins = ties = 0.0
    for bucket in sorted(ours.keys() | theirs.keys()):
        here, there = ours.get(bucket, 0), theirs.get(bucket, 0)
        wins += there * (below + here / 2)
        below += here
        ties += (here + there) ** 3 - (here + there)
    pairs = one.count * other.count
    variance = pairs / 12 * (total + 1 - ties / (total * (total - 1)))
    return _two_sided((wins - pairs / 2) / math.sqrt(variance)) if variance > 0 else 1.0


def _of_the_slow(one: Spread, other: Spread) -> float:
    """Compare how many belong to the slowest twentieth of both together."""
    ours, theirs = one.counts(), other.counts()
    most = (one.count + other.count) // 20
    slow = their_slow = 0
    for bucket in sorted(ours.keys() | theirs.keys(), reverse=True):
        here, there = ours.get(bucket, 0), theirs.get(bucket, 0)
        if slow + their_slow + here + there > most:
            break
        slow, their_slow = slow + here, their_slow + there
    return of_shares(slow, one.count, their_slow, other.count)


def _two_sided(deviations: float) -> float:
    return math.erfc(abs(deviations) / math.sqrt(2))
