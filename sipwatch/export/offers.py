"""How devices took the calls of a part of a capture: those that a filter kept.

The engine counts devices hop by hop, for every call; what a record says of a hop is enough to count them again.

Must not know: how devices are told from others, nor why a call was kept.
"""

from __future__ import annotations

from collections import Counter, deque
from operator import itemgetter
from typing import TYPE_CHECKING

from sipwatch.classify.outcomes import TURNED_DOWN, Outcome
from sipwatch.classify.past import Table
from sipwatch.export.record import DeviceRecord

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sipwatch.export.record import CallRecord

MAX_DEVICES = 10_000
MAX_CALLS = 1000  # of one device whose order is remembered, for those in a row


class _Offered:
    """What became of the calls offered to one end: counted, and the newest of them with the moment of the verdict."""

    __slots__ = ("counts", "newest")

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.newest: deque[tuple[int, str]] = deque(maxlen=MAX_CALLS)

    def took(self, moment: int, outcome: str) -> None:
        """Count a call."""
        self.counts[outcome] += 1
        self.newest.append((moment, outcome))

    @property
    def streaks(self) -> tuple[int, int]:
        """Return how many calls were refused in a row, by when it was known of each: the last ones, and the most."""
        streak = longest = 0
        for _, outcome in sorted(self.newest, key=itemgetter(0)):
            streak = 0 if outcome == Outcome.ANSWERED else streak + 1
            longest = max(longest, streak)
        return streak, longest


class Offers:
    """Counts the calls that were offered, by address and number. Bounded: the end touched longest ago goes."""

    def __init__(self) -> None:
        self._table: Table[_Offered] = Table(MAX_DEVICES)

    def add(self, call: CallRecord) -> None:
        """Take a call; offered twice to one end it is one call all the same, and the last word counts."""
        last = {
            leg.destination_address.rpartition(":")[0].strip("[]"): leg.outcome
            for leg in call.legs
            if leg.outcome == Outcome.ANSWERED or leg.outcome in TURNED_DOWN
        }
        if not last:
            return
        moment = call.started + (call.setup_seconds or 0)
        for address, outcome in last.items():
            for key in ((address, None), (address, call.callee or "")):
                offered = self._table.touch(key)
                if offered is None:
                    offered = _Offered()
                    self._table.put(key, offered)
                offered.took(moment, outcome)

    def taken(self, devices: Sequence[DeviceRecord]) -> list[DeviceRecord]:
        """Return devices as they took these calls, the worst first; those that refused none of them are left out.

        ``devices`` are all there are, with all their calls. Where several stand at one address the number that was
        dialled tells them apart: a record does not say what each hop was asked for.
        """
        names = Counter(device.address for device in devices)
        found = []
        for device in devices:
            number = None if names[device.address] == 1 else device.device
            offered = self._table.get((device.address, number))
            if offered is not None:
                found.append(_device(device, offered))
        return sorted(filter(lambda one: one.refused, found), key=_worst, reverse=True)


def _device(whole: DeviceRecord, part: _Offered) -> DeviceRecord:
    """Return a device by a part of its calls; the whole bounds it, which knows more of a hop than a record says."""
    refused = {how: min(count, part.counts[how]) for how, count in whole.refused.items() if part.counts[how]}
    answered = min(part.counts[Outcome.ANSWERED], whole.answered)
    streak, longest = part.streaks
    offered = answered + sum(refused.values())
    return DeviceRecord(whole.device, whole.address, offered, answered, refused, streak, min(longest, whole.longest))


def _worst(device: DeviceRecord) -> tuple[int, float, int]:
    refused = device.offered - device.answered
    return device.longest, refused / device.offered, refused
