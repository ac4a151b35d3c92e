"""Incidents: a share of outcomes, or of endings, that left what it used to be, at the peer where that is to be seen.

One object instead of a list of alerts. A call counts at the peer it went to, at the one it came from, and among all; an
incident is where the rise is, and what is left of it elsewhere, without the calls of that peer, is none. It says
what differs from a peer's own past and never why: that is not in the figures.

Must not know: where counts come from, any clock, sentences.
"""

from __future__ import annotations

from hashlib import blake2b
from itertools import repeat
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from sipwatch.classify.endings import UNREMARKABLE, Ending
from sipwatch.classify.outcomes import CATEGORY_OF, FAILED, Outcome
from sipwatch.export.moments import Moment
from sipwatch.export.shifts import LEAST, LEAST_PAST, ShareCount, Shift, Usual, shifts
from sipwatch.packet import SECOND

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

OUTCOME, ENDING = "outcome", "ending"
ALL, DESTINATION, SOURCE = "all", "destination", "source"
MAX_PAIRS: Final = 3  # of source and destination, between which a word rose
QUIET: Final = 900 * SECOND  # without any call
MAX_WELL: Final = 10  # peers of which it is said that they are well
_WORDS: Final = {
    OUTCOME: frozenset(word for word, category in CATEGORY_OF.items() if category in FAILED),
    ENDING: frozenset(ending.value for ending in Ending if ending.value not in UNREMARKABLE),
}
_NOT_OF: Final = {  # the population
    OUTCOME: frozenset({Outcome.UNFINISHED.value}),
    ENDING: frozenset({Ending.EVICTED.value, Ending.CAPTURE_END.value}),
}
_MUCH: Final = 0.25  # of the largest rise; where less rose it is not told first
_MAX_USUAL: Final = 2_000  # of places, without those of others, and words

Pair = tuple[str, str]
_ByPair = dict[Pair, dict[int, int]]


class CallSeries(NamedTuple):
    """How many calls between two peers that have a word in common, by the beginning of each interval (ns)."""

    source: str
    destination: str
    what: str
    word: str
    calls: Mapping[int, int]


class IncidentPlace(NamedTuple):
    """All calls, or those with a peer at one end."""

    end: str
    peer: str | None = None

    def has(self, pair: Pair) -> bool:
        """Tell whether calls between two peers are of it."""
        return self.end == ALL or pair[self.end == DESTINATION] == self.peer


class PairRecord(msgspec.Struct, frozen=True):
    """So many calls from one peer to another had what rose, of so many between them in the same time."""

    source: str
    destination: str
    calls: int
    of: int


class RiseRecord(msgspec.Struct, frozen=True):
    """A share that is, or was, higher than usual: ``calls`` of ``of``, where ``expected`` would have been usual.

    All that in its own time, ``until`` null while it goes on. ``pairs`` has between whom, most calls first; ``owner``
    is who should look, in few words.
    """

    what: str
    word: str
    since: Moment
    until: Moment | None
    calls: int
    of: int
    share: float
    usual: float
    expected: float
    pairs: list[PairRecord]
    owner: str = ""


class WellRecord(msgspec.Struct, frozen=True):
    """Another peer at the same end in the same time: so many of its calls had what rose elsewhere."""

    peer: str
    calls: int
    of: int


class ExampleRecord(msgspec.Struct, frozen=True):
    """A call by its id, for all that have its status code and its cause (Q.850 or SIP)."""

    id: str
    status_code: int | None
    cause: int | None
    calls: int


class IncidentRecord(msgspec.Struct, frozen=True):
    """What rose at a place (``end`` ``all``: everywhere), since when, and what was still well.

    ``since`` is by the rise that was certain first, whatever is found later: with the place it makes the ``id``.
    ``before`` says that it began before the time that was looked at. ``quiet_since`` is since when no call at all of
    this place has begun, null while there are some. ``until`` is null while it goes on, ``last`` is
    when the last such call began. ``calls`` are those behind the rises, with so many ``callers``, and numbers called.
    """

    id: str
    end: str
    peer: str | None
    since: Moment
    before: bool
    until: Moment | None
    last: Moment
    quiet_since: Moment | None
    calls: int
    rises: list[RiseRecord]
    well: list[WellRecord]
    callers: int = 0
    callees: int = 0
    examples: list[ExampleRecord] = []


class Looked(NamedTuple):
    """What was looked at: from ``since`` on, before ``until`` (ns), held against the time from ``past`` on.

    ``calls`` were counted in that past; with fewer than ``LEAST_PAST`` nothing can be told.
    """

    past: int
    since: int
    until: int
    calls: int
    incidents: list[IncidentRecord]

    @property
    def has_past(self) -> bool:
        """Tell whether there were enough calls before to know what is usual."""
        return self.calls >= LEAST_PAST


def peers_in_list(text: str) -> list[str]:
    """Return the peers in a list with commas between: the two ends that an alert is about."""
    return [name for name in (part.strip() for part in text.split(",")) if name]


def is_of_peers(incident: IncidentRecord, peers: Sequence[str]) -> bool:
    """Tell whether an incident is of one of some peers, if any are asked for: those of all calls are everybody's."""
    return not peers or incident.peer is None or incident.peer in peers


class CountsByPair:
    """Counts by pair of peers, word and interval. What was asked for some pairs is known when it is asked again."""

    def __init__(self, counted: Iterable[CallSeries]) -> None:
        words: dict[tuple[str, str], _ByPair] = {}
        whole: dict[str, _ByPair] = {OUTCOME: {}, ENDING: {}}
        for one in counted:
            if one.word not in _NOT_OF[one.what]:
                pair = (one.source, one.destination)
                _count(whole[one.what].setdefault(pair, {}), one.calls)
                if one.word in _WORDS[one.what]:
                    _count(words.setdefault((one.what, one.word), {}).setdefault(pair, {}), one.calls)
        self.pairs: set[Pair] = {pair for by_pair in whole.values() for pair in by_pair}
        self._times = sorted({at for by_pair in whole.values() for calls in by_pair.values() for at in calls})
        self._words = {key: self._in_order(by_pair) for key, by_pair in words.items()}
        self._whole = {what: self._in_order(by_pair) for what, by_pair in whole.items()}
        self._wholes: dict[tuple[frozenset[Pair], str], list[int]] = {}
        self._usual: dict[tuple[frozenset[Pair], str, str], Usual] = {}

    def _in_order(self, by_pair: _ByPair) -> dict[Pair, list[int]]:
        """Return the calls of each pair for all intervals: to add up such lists takes a tenth of the time."""
        return {pair: [*map(calls.get, self._times, repeat(0))] for pair, calls in by_pair.items()}

    def _together(self, by_pair: Mapping[Pair, list[int]], pairs: Iterable[Pair]) -> list[int]:
        """Add up the calls of some pairs, by interval."""
        some = [by_pair[pair] for pair in pairs if pair in by_pair]
        return [*map(sum, zip(*some, strict=True))] if some else [0] * len(self._times)

    def words(self, pairs: Iterable[Pair]) -> list[tuple[str, str]]:
        """Return the words that enough calls between some peers had to be looked at."""
        some = set(pairs)
        return [key for key, by_pair in sorted(self._words.items()) if sum(self._together(by_pair, some)) >= LEAST]

    def tallies(self, pairs: Collection[Pair], what: str, word: str) -> list[ShareCount]:
        """Return how many calls between some peers had a word, by interval, in the order of time."""
        return [ShareCount(*one) for one in self.shares(pairs, what, word)]

    def shares(self, pairs: Collection[Pair], what: str, word: str, least: int = 0) -> list[tuple[int, int, int]]:
        """Return the same as plain tuples, which are made in a third of the time; none if fewer than ``least`` did."""
        parts = self._together(self._words.get((what, word), {}), pairs)
        if sum(parts) < least:
            return []
        whole = self._whole_of(frozenset(pairs), what)
        return [one for one in zip(self._times, parts, whole, strict=True) if one[2]]

    def usual(self, pairs: Collection[Pair], what: str, word: str) -> Usual:
        """Return what the share of a word among the calls between some peers is, if this is their past."""
        key = (frozenset(pairs), what, word)
        usual = self._usual.get(key)
        if usual is None:
            if len(self._usual) >= _MAX_USUAL:
                self._usual.clear()
            usual = self._usual[key] = Usual(self.tallies(pairs, what, word))
        return usual

    def _whole_of(self, pairs: frozenset[Pair], what: str) -> list[int]:
        """Return how many calls between some peers there were, by interval."""
        found = self._wholes.get((pairs, what))
        if found is None:
            if len(self._wholes) >= _MAX_USUAL:
                self._wholes.clear()
            found = self._wholes[pairs, what] = self._together(self._whole[what], pairs)
        return found


def _count(found: dict[int, int], calls: Mapping[int, int]) -> None:
    if found.keys().isdisjoint(calls):
        found.update(calls)
        return
    for at, number in calls.items():
        found[at] = found.get(at, 0) + number


class _Rise(NamedTuple):
    """A word that rose at a place."""

    place: IncidentPlace
    what: str
    word: str
    shift: Shift


class IncidentSearch:
    """Looks for incidents in what was counted ``lately``, held against the ``past``, of which intervals are hours.

    ``until`` is where looking ended (ns): by it one knows for how long no call has come.
    """

    def __init__(self, past: CountsByPair, lately: CountsByPair, until: int = 0) -> None:
        self._until = until
        self._past = past
        self._lately = lately
        self._pairs = past.pairs | lately.pairs
        self._places = _places(self._pairs)

    def incidents(self) -> list[IncidentRecord]:
        """Return all: those that go on first, the largest first, then those that are over, the latest first."""
        found: list[_Rise] = []
        for what, word in self._lately.words(self._pairs):
            found += self._where(what, word)
        records = [self._record(rises) for rises in _grouped(found)]
        return sorted(records, key=lambda one: (one.until is not None, -(one.until or one.calls), one.id))

    def _of(self, place: IncidentPlace) -> list[Pair]:
        return [pair for pair in self._pairs if place.has(pair)]

    def _rises(self, place: IncidentPlace, what: str, word: str, without: Sequence[IncidentPlace] = ()) -> list[_Rise]:
        pairs = [pair for pair in self._of(place) if not any(other.has(pair) for other in without)]
        lately = self._lately.shares(pairs, what, word, LEAST)
        if not lately:
            return []
        return [_Rise(place, what, word, shift) for shift in shifts(self._past.usual(pairs, what, word), lately)]

    def _where(self, what: str, word: str) -> list[_Rise]:
        """Return where a word rose: at each place with what cannot be put down to another."""
        rises = [rise for place in self._places for rise in self._rises(place, what, word)]
        found: list[_Rise] = []
        while rises:
            best = self._culprit(rises)
            found.append(best)
            rises.remove(best)
            rises = [one for one in rises if not self._is_explained(one, best, found)]
        return found

    def _culprit(self, rises: Sequence[_Rise]) -> _Rise:
        """Return the one that is to be told: what most peers share, else where the calls are that bring it about.

        Of places with much of what rose that is where its share is highest: at the trunk of which all calls fail, not
        at the PBX of whose calls a third go there.
        """
        whole = self._everywhere(rises)
        if whole is not None:
            return whole
        at_peers = [one for one in rises if one.place.end != ALL] or list(rises)
        largest = max(one.shift.excess for one in at_peers)
        much = [one for one in at_peers if one.shift.excess >= _MUCH * largest]
        return max(much, key=lambda one: (one.shift.part / one.shift.of, one.place.end == DESTINATION, one.shift.part))

    def _everywhere(self, rises: Sequence[_Rise]) -> _Rise | None:
        """Return a rise among all calls that most peers share, at both ends."""
        for one in rises:
            if one.place.end == ALL and all(self._is_shared(one, rises, end) for end in (DESTINATION, SOURCE)):
                return one
        return None

    def _is_shared(self, whole: _Rise, rises: Sequence[_Rise], end: str) -> bool:
        peers = {place.peer for place in self._places if place.end == end}  # none where one is at that end of all
        rose = {one.place.peer for one in rises if one.place.end == end and _meet(whole, one)}
        return not peers or (len(rose) > 1 and 2 * len(rose) > len(peers))

    def _is_explained(self, one: _Rise, best: _Rise, found: Sequence[_Rise]) -> bool:
        """Tell whether nothing is left of a rise without the calls of what was found."""
        if not _meet(one, best):
            return False
        if best.place.end == ALL:
            return True
        left = self._rises(one.place, one.what, one.word, [other.place for other in found if _meet(one, other)])
        return not any(_meet(one, other) for other in left)

    def _record(self, rises: Sequence[_Rise]) -> IncidentRecord:
        place = rises[0].place
        first = min((rise.shift for rise in rises), key=lambda shift: (shift.certain, shift.since))
        ends = [rise.shift.until for rise in rises]
        until = None if None in ends else max(end for end in ends if end is not None)
        text = f"{place.end}\0{place.peer or ''}\0{first.since}".encode()
        return IncidentRecord(
            id=blake2b(text, digest_size=4).hexdigest(),
            end=place.end,
            peer=place.peer,
            since=Moment(first.since),
            before=first.cut,
            until=None if until is None else Moment(until),
            last=Moment(max(rise.shift.last for rise in rises)),
            quiet_since=self._quiet_since(rises) if until is None else None,
            calls=sum(rise.shift.part for rise in rises),
            rises=[_rise_record(rise, self._between(rise)) for rise in rises],
            well=self._well(rises[0], first.since, until),
        )

    def _between(self, rise: _Rise) -> list[PairRecord]:
        """Return between whom a word rose, most calls first; those between whom it did not come are left out."""
        found = []
        for pair in self._of(rise.place):
            some = _within(self._lately.tallies([pair], rise.what, rise.word), rise.shift.since, rise.shift.until)
            calls = sum(one.part for one in some)
            if calls:
                found.append(PairRecord(*pair, calls, sum(one.of for one in some)))
        return sorted(found, key=lambda one: (-one.calls, one.source, one.destination))[:MAX_PAIRS]

    def _quiet_since(self, rises: Sequence[_Rise]) -> Moment | None:
        """Return when the last interval began that had a call of the place, if that is long ago."""
        calls = self._lately.tallies(self._of(rises[0].place), OUTCOME, "")
        last = max([*[one.at for one in calls], *[rise.shift.last for rise in rises]])
        return Moment(last) if self._until - last >= QUIET else None

    def _well(self, rise: _Rise, since: int, until: int | None) -> list[WellRecord]:
        """Return the other peers at the same end that had calls meanwhile, those with most calls first."""
        found = []
        for place in self._places:
            if place.end == rise.place.end != ALL and place != rise.place:
                tallies = self._lately.tallies(self._of(place), rise.what, rise.word)
                some = _within(tallies, since, until)
                rose = any(other.shift.until is None or other.shift.until > since
                           for other in self._rises(place, rise.what, rise.word))  # fmt: skip
                if some and not rose:
                    record = WellRecord(place.peer or "", sum(one.part for one in some), sum(one.of for one in some))
                    found.append(record)
        return sorted(found, key=lambda one: (-one.of, one.peer))[:MAX_WELL]


def _places(pairs: Iterable[Pair]) -> list[IncidentPlace]:
    """Return all calls, and the peers at each end; nobody twice where nobody is told apart."""
    pairs = set(pairs)
    found = [IncidentPlace(ALL)]
    for end in (DESTINATION, SOURCE):
        peers = sorted({pair[end == DESTINATION] for pair in pairs})
        found += [IncidentPlace(end, peer) for peer in peers] if len(peers) > 1 else []
    return found


def _meet(one: _Rise, other: _Rise) -> bool:
    """Tell whether two rises have a time in common."""
    first, second = sorted((one.shift, other.shift), key=lambda shift: shift.since)
    return first.until is None or second.since < first.until


def _grouped(rises: Sequence[_Rise]) -> Iterator[list[_Rise]]:
    """Give the rises at one place that have a time in common together, the largest first."""
    groups: list[list[_Rise]] = []
    for rise in sorted(rises, key=lambda one: one.shift.since):
        for group in groups:
            if group[0].place == rise.place and any(_meet(one, rise) for one in group):
                group.append(rise)
                break
        else:
            groups.append([rise])
    for group in groups:
        yield sorted(group, key=lambda one: (-one.shift.excess, one.word))


def _within(tallies: Iterable[ShareCount], since: int, until: int | None) -> list[ShareCount]:
    return [one for one in tallies if since <= one.at and (until is None or one.at < until)]


def _rise_record(rise: _Rise, pairs: list[PairRecord]) -> RiseRecord:
    shift = rise.shift
    return RiseRecord(
        what=rise.what,
        word=rise.word,
        since=Moment(shift.since),
        until=None if shift.until is None else Moment(shift.until),
        calls=shift.part,
        of=shift.of,
        share=round(shift.part / shift.of, 6),
        usual=round(shift.expected / shift.of, 6),
        expected=round(shift.expected, 1),
        pairs=pairs,
    )
