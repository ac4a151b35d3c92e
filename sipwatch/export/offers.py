"""The calls that devices were offered, by the records of calls alone: what became of each, and counts of them.

Must not know: what is a device (the record says so of each hop), whose it is, or why a call was kept.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Final

from sipwatch.classify.offers import REFUSED, Offered
from sipwatch.classify.past import Table
from sipwatch.classify.spread import Spread
from sipwatch.export.record import DeviceRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from sipwatch.export.record import CallRecord, LegRecord

MAX_DEVICES: Final = 10_000
MAX_UNORDERED: Final = 256  # verdicts on one device's calls that are held, in case that an earlier one is still to come
MAX_ADDRESSES: Final = 8  # of one device that are remembered
_LATEST: Final = 1 << 62  # ns
_TAKEN: Final = Offered.TAKEN.value
# Said of a device that nobody saw ring; where another of the same agent's did more, that one speaks for both.
_LITTLE: Final = frozenset({Offered.NOT_ALERTED.value, Offered.OTHER.value})


class Offer:
    """A call that was offered to one device, and what became of it; moments in ns.

    ``how`` is a word of ``classify.offers``, ``outcome`` the hop's, ``at`` when it was known, ``answer`` for how long
    it rang until it was answered, -1 where it was not.
    """

    __slots__ = ("addresses", "answer", "at", "how", "outcome", "started")

    def __init__(self, leg: LegRecord, how: str) -> None:
        self.how = how
        self.outcome = leg.outcome
        self.started: int = leg.started
        self.at: int = leg.started if leg.settled is None else leg.settled
        begun = leg.started if leg.alerted is None else leg.alerted
        self.answer = -1 if how != _TAKEN or leg.settled is None else leg.settled - begun
        self.addresses = [address_of(leg)]

    @property
    def says_more(self) -> tuple[bool, bool, int]:
        """Return what two words on one call are compared by: that it was taken, else the last that says much."""
        return self.how == _TAKEN, self.how not in _LITTLE, self.at

    def join(self, other: Offer) -> None:
        """Take another hop of the same call to the same device, later in the call: it is one call all the same."""
        self.addresses += [address for address in other.addresses if address not in self.addresses]
        self.started = min(self.started, other.started)
        if other.says_more >= self.says_more:
            self.how, self.outcome, self.at, self.answer = other.how, other.outcome, other.at, other.answer


def address_of(leg: LegRecord) -> str:
    """Return the address that a hop led to, without its port."""
    return leg.destination_address.rpartition(":")[0].strip("[]")


def offers_of(call: CallRecord, whose: Callable[[LegRecord], Hashable]) -> dict[Hashable, Offer]:
    """Return what became of a call at each device that it was offered to; ``whose`` tells devices apart."""
    found: dict[Hashable, Offer] = {}
    for leg in call.legs:
        if leg.offered is None:
            continue
        key, offer = whose(leg), Offer(leg, leg.offered)
        before = found.get(key)
        if before is None:
            found[key] = offer
        else:
            before.join(offer)
    return found


class Streaks:
    """Calls refused in a row, by when it was known of each: records come in another order, when calls are over.

    Bounded: the older half of many is put in order and let go of. What is told of that time later counts no more.
    """

    __slots__ = ("_known", "_longest", "_streak")

    def __init__(self) -> None:
        self._known = array("q")  # moments, doubled; one more where the call was taken
        self._streak = self._longest = 0

    def add(self, moment: int, *, taken: bool) -> None:
        """Take a call that was taken, or refused."""
        self._known.append(2 * min(moment, _LATEST - 1) + taken)
        if len(self._known) > MAX_UNORDERED:
            known = sorted(self._known)
            half = len(known) // 2
            self._streak, self._longest = self._count(known[:half])
            self._known = array("q", known[half:])

    def join(self, other: Streaks) -> None:
        """Take the calls of another; of what it has let go of, the longest streak."""
        self._longest = max(self._longest, other._longest)
        for one in other._known:
            self.add(one >> 1, taken=bool(one & 1))

    def counted(self) -> tuple[int, int]:
        """Return the present streak, and the longest."""
        return self._count(sorted(self._known))

    def _count(self, known: list[int]) -> tuple[int, int]:
        streak, longest = self._streak, self._longest
        for one in known:
            streak = 0 if one & 1 else streak + 1
            longest = max(longest, streak)
        return streak, longest


class Took:
    """How one device took the calls that it was offered: counts by word, and of those refused by outcome."""

    __slots__ = ("addresses", "answer_ns", "answers", "counts", "first", "last", "refused", "streaks")

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.refused: dict[str, int] = {}
        self.streaks = Streaks()
        self.answers = Spread()
        self.answer_ns = 0
        self.addresses: list[str] = []
        self.first, self.last = _LATEST, -1

    def add(self, offer: Offer) -> None:
        """Count a call."""
        how = offer.how
        self.counts[how] = self.counts.get(how, 0) + 1
        self.first, self.last = min(self.first, offer.started), max(self.last, offer.started)
        self._see(offer.addresses)
        if how == _TAKEN:
            self.streaks.add(offer.at, taken=True)
            if offer.answer >= 0:
                self.answers.add(offer.answer)
                self.answer_ns += offer.answer
        elif how in REFUSED:
            self.streaks.add(offer.at, taken=False)
            self.refused[offer.outcome] = self.refused.get(offer.outcome, 0) + 1

    def join(self, other: Took) -> None:
        """Take the calls of another: of the same device under another name."""
        for mine, others in ((self.counts, other.counts), (self.refused, other.refused)):
            for what, count in others.items():
                mine[what] = mine.get(what, 0) + count
        self.streaks.join(other.streaks)
        self.answers.join(other.answers)
        self.answer_ns += other.answer_ns
        self.first, self.last = min(self.first, other.first), max(self.last, other.last)
        self._see(other.addresses)

    def _see(self, addresses: list[str]) -> None:
        for address in addresses:
            if address not in self.addresses and len(self.addresses) < MAX_ADDRESSES:
                self.addresses.append(address)


class Offers:
    """Counts the calls of each device, by address and number. Bounded: the one touched longest ago goes."""

    def __init__(self) -> None:
        self._table: Table[tuple[str, str, Took]] = Table(MAX_DEVICES)

    def add(self, call: CallRecord) -> None:
        """Take a call; offered twice to one device it is one call all the same."""
        for key, offer in offers_of(call, _end).items():
            entry = self._table.touch(key)
            if entry is None:
                assert isinstance(key, tuple)  # noqa: S101 - from _end
                entry = (*key, Took())
                self._table.put(key, entry)
            entry[2].add(offer)

    def devices(self) -> list[DeviceRecord]:
        """Return how devices took these calls, the worst first; those that refused none are left out."""
        found = [_device(*entry) for entry in self._table.values() if entry[2].refused]
        return sorted(found, key=_worst, reverse=True)


def _end(leg: LegRecord) -> tuple[str, str]:
    return address_of(leg), leg.device or leg.callee or ""


def _device(address: str, number: str, took: Took) -> DeviceRecord:
    answered = took.counts.get(_TAKEN, 0)
    refused = dict(sorted(took.refused.items(), key=lambda entry: (-entry[1], entry[0])))
    streak, longest = took.streaks.counted()
    return DeviceRecord(number, address, answered + sum(refused.values()), answered, refused, streak, longest)


def _worst(device: DeviceRecord) -> tuple[int, float, int, str, str]:
    refused = device.offered - device.answered
    return device.longest, refused / device.offered, refused, device.device, device.address
