"""Before and after: what moved between two streams of calls, each share beside its population.

A difference is told when chance alone would hardly bring it about (``export.chance``), the least likely first. What
made it is never told: that is not in the figures.

Must not know: where calls come from, any clock, or how a comparison is shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from sipwatch.classify.endings import Ending
from sipwatch.classify.spread import Spread
from sipwatch.export.chance import least_unlikely, of_shares, of_spreads
from sipwatch.export.delays import DELAYS
from sipwatch.export.ratios import RATIOS, Ratios

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sipwatch.export.moments import Moment
    from sipwatch.export.record import CallRecord

LEAST: Final = 20  # calls on each side; below that hardly any difference could be told from chance
_LEAST_RATIO: Final = 1.1  # between medians, or the 95 % marks: a spread knows them to within 5 %
_UNSEEN_ENDS: Final = frozenset({Ending.CAPTURE_END.value, Ending.EVICTED.value})
_UNFINISHED: Final = "unfinished"
_ALL, _SOURCE, _DESTINATION = "all", "source", "destination"
_CALLS, _JUDGED, _ENDED, _REGISTRATIONS = "calls", "judged", "ended", "registrations"

_RATIOS: Final = tuple(name for name in RATIOS if name != "asr")  # which is the share of ``answered``

# Each kind of share, and the population that it is of. Of ``unfinished`` alone that is all calls.
OF: Final = {
    "outcome": _JUDGED,
    "status_code": _JUDGED,
    "ending": _ENDED,
    "condition": _CALLS,
    "finding": _CALLS,
    "tag": _CALLS,
    "registration": _REGISTRATIONS,
}


class ShareRecord(msgspec.Struct, frozen=True):
    """So many of so many; the share to six digits."""

    count: int
    of: int
    share: float


class DelayRecord(msgspec.Struct, frozen=True):
    """How long it took: half of so many calls within the median, 95 % within the other (seconds, to within 5 %)."""

    of: int
    median: float | None
    within_95: float | None


class MoveRecord(msgspec.Struct, frozen=True):
    """What differs: of all calls, or of those with this peer as source or destination.

    ``what`` is a kind of share, with its ``word``, or ``ratio`` or ``delay``, with the name of one. ``chance`` says how
    likely it is that so much comes about by chance alone.
    """

    place: str
    peer: str | None
    what: str
    word: str
    a: ShareRecord | DelayRecord
    b: ShareRecord | DelayRecord
    chance: float


class TooFewRecord(msgspec.Struct, frozen=True):
    """A population that is too small on one side at least: of that kind (``calls``: nothing was compared there)."""

    place: str
    peer: str | None
    what: str
    a: int
    b: int


class SideRecord(msgspec.Struct, frozen=True):
    """What one side was: files, packet times, calls that were compared, and those that a filter left out.

    Of a store: its folder, and the period that was asked for.
    """

    files: list[str]
    first: Moment | None
    last: Moment | None
    calls: int
    left_out: int


class ComparisonRecord(msgspec.Struct, frozen=True):
    """What moved, the least likely by chance first; ``compared`` counts the shares and delays that were looked at."""

    a: SideRecord
    b: SideRecord
    compared: int
    moved: list[MoveRecord]
    too_few: list[TooFewRecord]


class _Place(NamedTuple):
    """All calls, or those with a peer at one end."""

    place: str
    peer: str | None = None


class _Counts:
    """The calls of one side at one place. What it counts by is closed, but for status codes, which are numbers."""

    __slots__ = ("delays", "populations", "ratios", "words")

    def __init__(self) -> None:
        self.populations: dict[str, int] = dict.fromkeys((_CALLS, _JUDGED, _ENDED, _REGISTRATIONS), 0)
        self.words: dict[tuple[str, str], int] = {}  # by kind and word
        self.ratios = Ratios()
        self.delays = {name: Spread() for name in DELAYS}

    def count(self, what: str, word: str) -> None:
        self.words[what, word] = self.words.get((what, word), 0) + 1

    def size(self, name: str) -> int:
        if name in _RATIOS:
            return self.ratios.of(name)[1]
        return self.delays[name].count if name in self.delays else self.populations[name]

    def share(self, what: str, word: str) -> ShareRecord:
        if what == "ratio":
            count, of = self.ratios.of(word)
        else:
            count, of = self.words.get((what, word), 0), self.populations[_population(what, word)]
        return ShareRecord(count, of, round(count / of, 6) if of else 0.0)

    def delay(self, name: str) -> DelayRecord:
        spread = self.delays[name]
        return DelayRecord(spread.count, spread.quantile(0.5), spread.quantile(0.95))


class Side:
    """One of the two: takes calls, and attempts to register, in any order; ``left_out`` are not as a filter asked."""

    def __init__(self) -> None:
        self.left_out = 0
        self.places: dict[_Place, _Counts] = {_Place(_ALL): _Counts()}

    @property
    def calls(self) -> int:
        """Return how many calls it took."""
        return self.places[_Place(_ALL)].populations[_CALLS]

    def add(self, call: CallRecord, completed: bool) -> None:
        """Take a call; ``completed`` says that it was answered and ended by a BYE with a 2xx."""
        words = list(_words(call))
        delays = [(name, took(call)) for name, took in DELAYS.items()]
        judged, ended = call.outcome != _UNFINISHED, call.ending is not None and call.ending not in _UNSEEN_ENDS
        for counts in self._at(call.source, call.destination):
            counts.populations[_CALLS] += 1
            counts.populations[_JUDGED] += judged
            counts.populations[_ENDED] += ended
            counts.ratios.add(call, completed)
            for what, word in words:
                counts.count(what, word)
            for name, took_ns in delays:
                counts.delays[name].add(took_ns)

    def registration(self, source: str, destination: str, outcome: str) -> None:
        """Take what became of an attempt to register, with the peers at both ends."""
        for counts in self._at(source, destination):
            counts.populations[_REGISTRATIONS] += 1
            counts.count("registration", outcome)

    def _at(self, source: str, destination: str) -> Iterator[_Counts]:
        for place in (_Place(_ALL), _Place(_SOURCE, source), _Place(_DESTINATION, destination)):
            found = self.places.get(place)
            if found is None:
                found = self.places[place] = _Counts()
            yield found


class Comparison:
    """What two sides have in common, and what not."""

    def __init__(self, a: Side, b: Side) -> None:
        self.too_few: list[TooFewRecord] = []
        self._looked_at: list[MoveRecord] = []
        for place in _places(a, b):
            self._compare(place, a.places.get(place) or _Counts(), b.places.get(place) or _Counts())

    def record(self, a: SideRecord, b: SideRecord) -> ComparisonRecord:
        """Return it with what the two sides were."""
        limit = least_unlikely(one.chance for one in self._looked_at)
        moved = [one for one in self._looked_at if one.chance <= limit and _is_large(one)]
        moved.sort(key=lambda one: (one.chance, -_size(one)))
        return ComparisonRecord(a, b, len(self._looked_at), moved, self.too_few)

    def _compare(self, place: _Place, a: _Counts, b: _Counts) -> None:
        good = {_REGISTRATIONS} if self._is_enough(place, _REGISTRATIONS, a, b) else set()
        if self._is_enough(place, _CALLS, a, b):
            good |= {_CALLS, *(name for name in (_JUDGED, _ENDED) if self._is_enough(place, name, a, b))}
            self._delays(place, a, b)
        words = sorted(a.words.keys() | b.words.keys())
        shares = [(what, word) for what, word in words if _population(what, word) in good]
        if _JUDGED in good:
            shares += [("ratio", name) for name in _RATIOS if self._is_enough(place, name, a, b)]
        for what, word in shares:
            ours, theirs = a.share(what, word), b.share(what, word)
            chance = of_shares(ours.count, ours.of, theirs.count, theirs.of)
            self._looked_at.append(MoveRecord(*place, what, word, ours, theirs, chance))

    def _delays(self, place: _Place, a: _Counts, b: _Counts) -> None:
        for name in DELAYS:
            if self._is_enough(place, name, a, b):
                chance = of_spreads(a.delays[name], b.delays[name])
                self._looked_at.append(MoveRecord(*place, "delay", name, a.delay(name), b.delay(name), chance))

    def _is_enough(self, place: _Place, what: str, a: _Counts, b: _Counts) -> bool:
        """Tell whether a population, or those whose delay is known, are enough on both sides; note what is too few."""
        ours, theirs = a.size(what), b.size(what)
        if min(ours, theirs) >= LEAST:
            return True
        if ours + theirs:
            self.too_few.append(TooFewRecord(*place, what, ours, theirs))
        return False


def _places(a: Side, b: Side) -> list[_Place]:
    """Return all calls, then the peers by name; nobody twice where nobody is told apart."""
    whole = _Place(_ALL)
    peers = sorted((a.places.keys() | b.places.keys()) - {whole})
    for end in (_SOURCE, _DESTINATION):
        own = [place for place in peers if place.place == end]
        if len(own) == 1:  # the same calls once more
            peers.remove(own[0])
    return [whole, *peers]


def _words(call: CallRecord) -> Iterator[tuple[str, str]]:
    yield "outcome", call.outcome
    if call.outcome != _UNFINISHED:
        yield "status_code", "none" if call.status_code is None else str(call.status_code)
    if call.ending is not None and call.ending not in _UNSEEN_ENDS:
        yield "ending", call.ending
    for kind in {condition.kind for condition in call.conditions}:
        yield "condition", kind
    for kind in {finding.kind for finding in call.findings}:
        yield "finding", kind
    for tag in call.tags:
        yield "tag", tag


def _population(what: str, word: str) -> str:
    return _CALLS if word == _UNFINISHED and what == "outcome" else OF[what]


def _is_large(one: MoveRecord) -> bool:
    """Tell whether a delay differs by more than a spread is off; a share's count is exact."""
    return isinstance(one.a, ShareRecord) or _size(one) >= _LEAST_RATIO


def _size(one: MoveRecord) -> float:
    """Return by how much it moved: points of a share, or how many times a delay is the other."""
    if isinstance(one.a, ShareRecord) and isinstance(one.b, ShareRecord):
        return abs(one.a.share - one.b.share)
    if isinstance(one.a, DelayRecord) and isinstance(one.b, DelayRecord):
        return max(_times(one.a.median, one.b.median), _times(one.a.within_95, one.b.within_95))
    raise TypeError(one)


def _times(one: float | None, other: float | None) -> float:
    if one is None or other is None or one == other:
        return 1.0
    return max(one, other) / max(min(one, other), 0.001)
