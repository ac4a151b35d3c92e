"""When a share left what it used to be, and when it came back: change points of counts, by their likelihood.

Page's cumulative sum (Biometrika 41, 1954): each call speaks for the share as it was, or for one that is clearly
higher; what speaks for the higher one is added up, and begins anew wherever the other is the likelier. A sum beyond
``ALARM`` is a shift, and it began where the sum last began. By Wald's bound such a sum comes by chance once in more
than exp(``ALARM``) intervals. Coming back is told in the same way, the other way round.

What a share used to be has an hour of the day: who calls at night finds other things than who calls at noon. How
much hours differed beyond chance makes every call of now count for less.

Must not know: what is counted, any clock.
"""

from __future__ import annotations

import math
from itertools import accumulate
from typing import TYPE_CHECKING, Final, NamedTuple

from sipwatch.export.chance import of_shares
from sipwatch.packet import HOUR, SECOND

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

ALARM: Final = 13.0
RETURN: Final = 7.0
LEAST_PAST: Final = 50  # calls, before which nobody knows what is usual
LEAST: Final = 5  # calls more than usual; below that it is hardly worth a look
MAY_BE_CHANCE: Final = 1e-8  # that so many come though nothing changed: small, as the times were chosen for it
LEAST_TIMES: Final = 1.5  # the usual share
_HOURS: Final = 24
_WEIGHT: Final = 50.0  # calls as which the share of other hours counts in that of each
_NONE_YET: Final = 0.5  # calls that are added where none was: what has not been seen is rare, not impossible
_RAREST: Final = 0.002
_MOST: Final = 0.97
_TIMES, _POINTS, _LEAST_POINTS = 3.0, 0.3, 0.05  # of the higher share
_OUTLIER: Final = 6.0  # standard deviations; and points of the share as well
_TOO_FEW: Final = 2  # days
_BREAK: Final = 1800 * SECOND  # two shifts with less in between are one


class ShareCount(NamedTuple):
    """So many of so many, in the interval that begins ``at`` (ns)."""

    at: int
    part: int
    of: int


class Shift(NamedTuple):
    """A share that is, or was, higher than usual.

    It began in the interval ``since`` and was over with the one that begins ``until``, None where it goes on (ns);
    ``certain`` is the interval that proved it, ``last`` the last one that had such a call. ``part`` of ``of`` calls in
    that time, where ``expected`` were to be expected. ``cut`` says that it began before what was looked at.
    """

    since: int
    until: int | None
    certain: int
    last: int
    part: int
    of: int
    expected: float
    cut: bool

    @property
    def excess(self) -> float:
        """Return how many more there were than usual."""
        return self.part - self.expected


class Usual:
    """What a share used to be, by the hour of the day (UTC)."""

    __slots__ = ("_shares", "_speaks", "of", "part", "spread")

    def __init__(self, past: Sequence[ShareCount]) -> None:
        """Learn from the hours of the past."""
        kept = _without_outliers(past)
        self.part = sum(one.part for one in kept)
        self.of = sum(one.of for one in kept)
        self._shares = _by_hour(kept, self._bounded((self.part + _NONE_YET) / (self.of + 1)))
        self.spread = self._spread_of(kept)
        # What a call speaks for: of ten thousand intervals, logarithms would take longest.
        self._speaks = [self._spoken(share, _higher(share)) for share in self._shares]

    @property
    def known(self) -> bool:
        """Tell whether there was enough to say what is usual."""
        return self.of >= LEAST_PAST

    @property
    def overall(self) -> float:
        """Return the share of the whole past."""
        return self.part / self.of if self.of else 0.0

    def share(self, at: int) -> float:
        """Return the share at an hour of the day."""
        return self._shares[at // HOUR % _HOURS]

    def evidence(self, one: ShareCount, higher: float) -> float:
        """Return the logarithm of how much likelier a higher share makes what came than the usual one."""
        bad, good = self._spoken(self.share(one.at), higher)
        return one.part * bad + (one.of - one.part) * good

    def evidence_of_more(self, some: Iterable[tuple[int, int, int]]) -> Iterator[float]:
        """Give the same of each for the higher share that is looked for."""
        speaks = self._speaks
        for at, part, of in some:
            bad, good = speaks[at // HOUR % _HOURS]
            yield part * bad + (of - part) * good

    def _spoken(self, share: float, higher: float) -> tuple[float, float]:
        """Return for how much a call counts that is one of so many, and one that is not."""
        return math.log(higher / share) / self.spread, math.log((1 - higher) / (1 - share)) / self.spread

    def chance(self, one: Shift) -> float:
        """Return how likely so much more than usual is, by how many calls the usual is known from as well."""
        past = (one.expected / one.of * self.of, self.of)
        return of_shares(*(round(count / self.spread) for count in (one.part, one.of, *past)))

    @staticmethod
    def _bounded(share: float) -> float:
        return min(max(share, _RAREST), _MOST)

    def _spread_of(self, past: Iterable[ShareCount]) -> float:
        """Return how many times as far apart hours were as chance makes them (1 or more): Pearson's statistic."""
        found = [(one.part - one.of * share) ** 2 / (one.of * share * (1 - share)) for one, share in self._with(past)]
        return max(1.0, sum(found) / (len(found) - 1)) if len(found) > 1 else 1.0

    def _with(self, past: Iterable[ShareCount]) -> Iterator[tuple[ShareCount, float]]:
        return ((one, self.share(one.at)) for one in past if one.of)


def shifts(usual: Usual, counts: Sequence[tuple[int, int, int]]) -> list[Shift]:
    """Return when a share was higher than usual; ``counts`` in the order of time, intervals without calls left out."""
    if not usual.known or _rise(usual, counts, 0)[1] is None:  # nearly always
        return []
    lately = [ShareCount(*one) for one in counts]
    found: list[Shift] = []
    place = 0
    while place < len(lately):
        begin, alarm = _rise(usual, lately, place)
        if alarm is None:
            break
        begin = _sharpened(usual, lately, begin, alarm)
        end, place = _fall(usual, lately, begin, alarm)
        found.append(_shift(usual, lately, begin, alarm, end))
    return [one for one in _joined(found) if _matters(one) and usual.chance(one) <= MAY_BE_CHANCE]


def _rise(usual: Usual, lately: Sequence[tuple[int, int, int]], place: int) -> tuple[int, int | None]:
    """Return where a shift may have begun and where that is certain: None if it is not, to the end."""
    value, begin = 0.0, place
    for at, evidence in enumerate(usual.evidence_of_more(lately[place:]), place):
        if not value:
            begin = at
        value += evidence
        if value < 0.0:
            value = 0.0
        elif value >= ALARM:
            return begin, at
    return begin, None


def _sharpened(usual: Usual, lately: Sequence[ShareCount], begin: int, alarm: int) -> int:
    """Return where a shift began that is certain by ``alarm``, as the share that it had then makes it likeliest."""
    higher = _share(lately[begin : alarm + 1])
    value = best = 0.0
    for at in range(alarm, begin - 1, -1):
        value += usual.evidence(lately[at], max(higher, _higher(usual.share(lately[at].at))))
        if value > best:
            best, begin = value, at
    return begin


def _fall(usual: Usual, lately: Sequence[ShareCount], begin: int, alarm: int) -> tuple[int | None, int]:
    """Return where a share came back, None if it did not, and from where on to look for the next shift."""
    value, end = 0.0, alarm + 1
    part, of = sum(one.part for one in lately[begin:end]), sum(one.of for one in lately[begin:end])
    for at in range(alarm + 1, len(lately)):
        one = lately[at]
        if not value:
            end = at
        value = max(0.0, value - usual.evidence(one, max(min(part / of, _MOST), _higher(usual.share(one.at)))))
        if value >= RETURN:
            return end, at + 1
        part, of = part + one.part, of + one.of
    return None, len(lately)


def _share(some: Sequence[ShareCount]) -> float:
    return min(sum(one.part for one in some) / max(1, sum(one.of for one in some)), _MOST)


def _shift(usual: Usual, lately: Sequence[ShareCount], begin: int, alarm: int, end: int | None) -> Shift:
    some = lately[begin:end]
    return Shift(
        some[0].at,
        None if end is None else lately[end].at,
        lately[alarm].at,
        max(one.at for one in some if one.part),
        sum(one.part for one in some),
        sum(one.of for one in some),
        sum(one.of * usual.share(one.at) for one in some),
        begin == 0,
    )


def _joined(found: Iterable[Shift]) -> list[Shift]:
    joined: list[Shift] = []
    for one in found:
        before = joined[-1] if joined else None
        if before is not None and before.until is not None and one.since - before.until < _BREAK:
            both = (before.part + one.part, before.of + one.of, before.expected + one.expected)
            joined[-1] = Shift(before.since, one.until, before.certain, one.last, *both, before.cut)
        else:
            joined.append(one)
    return joined


def _matters(one: Shift) -> bool:
    return one.excess >= LEAST and one.part >= LEAST_TIMES * one.expected


def _higher(usual: float) -> float:
    """Return the share that is looked for: several times the usual, or clearly more."""
    return min(max(min(_TIMES * usual, usual + _POINTS), usual + _LEAST_POINTS), (1 + usual) / 2)


def _by_hour(past: Iterable[ShareCount], overall: float) -> list[float]:
    """Return the share of each hour of the day; of few calls it is more that of the hours around, or of all."""
    parts, whole = [0] * _HOURS, [0] * _HOURS
    for one in past:
        hour = one.at // HOUR % _HOURS
        parts[hour] += one.part
        whole[hour] += one.of
    shares = []
    for hour in range(_HOURS):
        near = (hour - 1, hour, (hour + 1) % _HOURS)
        around = _weighed(sum(parts[each] for each in near), sum(whole[each] for each in near), overall)
        shares.append(min(max(_weighed(parts[hour], whole[hour], around), _RAREST), _MOST))
    return shares


def _weighed(part: int, of: int, otherwise: float) -> float:
    return (part + _WEIGHT * otherwise) / (of + _WEIGHT)


def _without_outliers(past: Sequence[ShareCount]) -> list[ShareCount]:
    """Leave out hours unlike the same hour of other days: an outage of last week is not what is usual."""
    by_hour: dict[int, list[ShareCount]] = {}
    for one in past:
        if one.of:
            by_hour.setdefault(one.at // HOUR % _HOURS, []).append(one)
    return [one for some in by_hour.values() for one in _like_the_median(some)]


def _like_the_median(some: list[ShareCount]) -> list[ShareCount]:
    """Return those not far from the share below which half of the calls are; of two nobody knows which is unlike."""
    if len(some) <= _TOO_FEW:
        return some
    ranked = sorted(some, key=lambda one: one.part / one.of)
    reached = accumulate(one.of for one in ranked)
    half = sum(one.of for one in some) / 2
    middle = next(one for one, so_far in zip(ranked, reached, strict=True) if so_far >= half)
    share = min(max(middle.part / middle.of, _RAREST), _MOST)
    return [one for one in some if not _is_far(one, share)]


def _is_far(one: ShareCount, share: float) -> bool:
    chance = _OUTLIER * math.sqrt(one.of * share * (1 - share))
    return abs(one.part - one.of * share) > LEAST + chance + _POINTS * one.of
