"""What became of the calls from and to each peer, from a store's sums, and what differs from the time before.

Must not know: HTTP, pages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from sipwatch.classify.outcomes import CATEGORY_OF, FAILED, FAULTS, Category, Outcome
from sipwatch.export.intervals import By, Intervals
from sipwatch.export.objectives import PERIOD_DAYS, budget_of
from sipwatch.packet import DAY, HOUR, SECOND
from sipwatch.web.moves import ShareMove, moves_between

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sipwatch.export.objectives import ObjectiveBudget
    from sipwatch.store.reader import StoreReader, Sum
    from sipwatch.web.period import Period

ENDS: Final = ("destination", "source")  # which side of a call a peer is: calls to it, calls from it
MAX_INTERVALS: Final = 366
_UNFINISHED: Final = Outcome.UNFINISHED.value
_ANSWERED: Final = Outcome.ANSWERED.value
_KEYS: Final = (*ENDS, "outcome")


class PeerCounts:
    """The calls with a peer at one end, or of both."""

    __slots__ = ("answered", "by_category", "by_code", "calls", "judged", "setup_ns", "setups")

    def __init__(self) -> None:
        self.calls = self.judged = self.answered = self.setups = self.setup_ns = 0
        self.by_category: dict[str, int] = {}
        self.by_code: dict[int, int] = {}  # 0 where no final response came

    def add(self, one: Sum) -> None:
        """Take a sum of calls; ``unfinished`` ones are in no share."""
        self.calls += one.calls
        self.setups += one.setups
        self.setup_ns += one.setup_ns
        category = CATEGORY_OF[one.outcome]
        self.by_category[category] = self.by_category.get(category, 0) + one.calls
        if one.outcome != _UNFINISHED:
            self.judged += one.calls
            self.answered += one.calls if one.outcome == _ANSWERED else 0
            self.by_code[one.status_code] = self.by_code.get(one.status_code, 0) + one.calls

    def count(self, what: str) -> int:
        """Return how many were answered, or are of a category."""
        return self.answered if what == _ANSWERED else self.by_category.get(what, 0)

    def share(self, what: str) -> float | None:
        """Return the share of what ``count`` counts, None where no call has an outcome."""
        return self.count(what) / self.judged if self.judged else None

    @property
    def ner(self) -> float | None:
        """Return the share that was answered or failed because of a user, and not of the network (ITU-T E.425)."""
        return (self.answered + self.count(Category.USER.value)) / self.judged if self.judged else None

    @property
    def faults(self) -> int:
        """Return how many failed by a fault of machines or lines."""
        return sum(self.count(category.value) for category in FAULTS)


class PeerFigures(NamedTuple):
    """A peer at one end of its calls; ``moved`` is None where there are too few calls to compare, now or before."""

    peer: str
    end: str
    now: PeerCounts
    before: PeerCounts
    moved: list[ShareMove] | None


class PeerSharesRecord(msgspec.Struct, frozen=True):
    """What became of the calls from (``source``) or to (``destination``) a peer.

    ``judged`` are those with an outcome, of which the shares are: ASR (``answered``) and NER (ITU-T E.425).
    ``failed`` has counts by category; ``wait_seconds`` is the average until the final response, or until given up.
    """

    peer: str
    end: str
    calls: int
    judged: int
    answered: int
    asr: float | None
    ner: float | None
    failed: dict[str, int]
    wait_seconds: float | None


class OnePeer(NamedTuple):
    """One peer: at each end, in all, by interval (its beginning in ns), and what is left of its objective, if any."""

    ends: list[PeerFigures]
    whole: PeerCounts
    intervals: list[tuple[str, PeerCounts]]
    budget: ObjectiveBudget | None


def peers_in(reader: StoreReader, period: Period) -> list[PeerFigures]:
    """Return all peers that had calls, at each end, those with most calls first. Raises StoreError."""
    now, before = (reader.totals(*span, by=_KEYS) for span in ((period.since, period.until), period.before))
    found = _compared(_at_ends(now), _at_ends(before))
    return sorted(found, key=lambda one: (ENDS.index(one.end), -one.now.calls, one.peer))


def peer_shares(one: PeerFigures) -> PeerSharesRecord:
    """Return a peer's figures as others read them."""
    counts = one.now
    wait = counts.setup_ns / counts.setups / SECOND if counts.setups else None
    return PeerSharesRecord(
        peer=one.peer,
        end=one.end,
        calls=counts.calls,
        judged=counts.judged,
        answered=counts.answered,
        asr=_rounded(counts.share(_ANSWERED)),
        ner=_rounded(counts.ner),
        failed={category.value: counts.count(category.value) for category in FAILED},
        wait_seconds=_rounded(wait),
    )


def one_peer(reader: StoreReader, period: Period, name: str, now: int, objective: float | None) -> OnePeer | None:
    """Return what became of one peer's calls, None where there were none. Raises StoreError."""
    ends = [figures for figures in peers_in(reader, period) if figures.peer == name]
    if not ends:
        return None
    whole = PeerCounts()
    for one in reader.totals(period.since, period.until, by=("outcome", "status_code"), peer=name):
        whole.add(one)
    by = By.HOUR if period.until - period.since <= 2 * DAY else By.DAY
    intervals = Intervals(by, period.zone)
    found: dict[int, PeerCounts] = {}
    for one in reader.totals(period.since, period.until, by=("outcome",), span=HOUR, peer=name):
        found.setdefault(intervals.begin(one.at) or 0, PeerCounts()).add(one)
    at = [(intervals.written(begins) or "", found.get(begins) or PeerCounts()) for begins in _all(found, by, intervals)]
    return OnePeer(ends, whole, at, None if objective is None else _budget(reader, name, now, objective))


def _all(begins: Iterable[int], by: By, intervals: Intervals) -> list[int]:
    """Return the beginnings of some intervals and of those between, the last ``MAX_INTERVALS`` of many."""
    first, last = min(begins), max(begins)
    step = HOUR if by is By.HOUR else DAY // 2  # days are of 23 to 25 hours
    first = max(first, last - MAX_INTERVALS * 2 * step)
    all_of_them = dict.fromkeys(intervals.begin(at) or 0 for at in range(first, last + 1, step))
    return list(all_of_them)[-MAX_INTERVALS:]


def _budget(reader: StoreReader, name: str, now: int, objective: float) -> ObjectiveBudget | None:
    to_it = PeerCounts()
    for one in reader.totals(max(0, now - PERIOD_DAYS * DAY), now, by=_KEYS, peer=name):
        if one.destination == name:
            to_it.add(one)
    return budget_of(objective, to_it.judged, to_it.faults)


def _at_ends(sums: Iterable[Sum]) -> dict[tuple[str, str], PeerCounts]:
    found: dict[tuple[str, str], PeerCounts] = {}
    for one in sums:
        for end in ENDS:
            found.setdefault((getattr(one, end), end), PeerCounts()).add(one)
    return found


def _compared(
    now: Mapping[tuple[str, str], PeerCounts], before: Mapping[tuple[str, str], PeerCounts]
) -> list[PeerFigures]:
    """Hold all shares against those before."""
    moved = moves_between(now, before, (_ANSWERED, *FAILED))
    return [PeerFigures(*key, counts, before.get(key) or PeerCounts(), moved.get(key)) for key, counts in now.items()]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
