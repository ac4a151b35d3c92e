"""The outcomes of an hour beside those of the hour before: what there was more of, and what less, in words.

Must not know: HTTP, pages, the store's tables.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import msgspec

from sipwatch.classify.outcomes import CATEGORY_OF, Outcome
from sipwatch.export.chance import least_unlikely, of_shares

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sipwatch.store.reader import Sum

_TWICE: Final = 2.0


class OutcomeRecord(msgspec.Struct, frozen=True):
    """Calls with an outcome that began in an hour, and in the hour before.

    ``moved`` says that its share of all calls changed by more than chance explains, where all outcomes are looked at.
    """

    outcome: str
    category: str
    calls: int
    before: int
    moved: bool

    @property
    def difference(self) -> str:
        """Say in words how it differs from the hour before."""
        return difference(self.calls, self.before)


def by_outcome(sums: Iterable[Sum]) -> dict[str, int]:
    """Add up calls by outcome."""
    found: Counter[str] = Counter()
    for one in sums:
        found[one.outcome] += one.calls
    return dict(found)


def lately(now: Mapping[str, int], before: Mapping[str, int]) -> list[OutcomeRecord]:
    """Return every outcome of either hour, those of most calls first."""
    all_now, all_before = sum(now.values()), sum(before.values())
    names = sorted(now.keys() | before.keys(), key=lambda name: (-now.get(name, 0), -before.get(name, 0), name))
    chances = [of_shares(now.get(name, 0), all_now, before.get(name, 0), all_before) for name in names]
    limit = least_unlikely(chances)
    return [
        OutcomeRecord(
            name, CATEGORY_OF[Outcome(name)], now.get(name, 0), before.get(name, 0), moved=0 <= chance <= limit
        )
        for name, chance in zip(names, chances, strict=True)
    ]


def difference(now: int, before: int) -> str:
    """Say in words how a count differs from the one before."""
    if now == before:
        return "as many as before"
    if not before:
        return "none before"
    if not now:
        return "none any more"
    more = f"{abs(now - before):,} {'more' if now > before else 'fewer'}"
    times = now / before
    return f"{more}, {times:.1f} times as many" if times >= _TWICE else more
