"""The first reading of a capture: which calls become examples, and how many there were of each kind.

Must not know: files, pages. Memory does not grow with the number of calls.
"""

from __future__ import annotations

from heapq import heappush, heappushpop
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from sipwatch.export.record import CallRecord


class WantedCalls(NamedTuple):
    """Which calls are asked for; times in ns, None where there is no bound. ``until`` is not in it."""

    peer: str
    outcomes: frozenset[str]
    since: int | None = None
    until: int | None = None
    keep: Callable[[CallRecord], bool] | None = None

    def in_period(self, call: CallRecord) -> bool:
        """Tell whether a call began in the period."""
        return (self.since is None or call.started >= self.since) and (self.until is None or call.started < self.until)


class Count:
    """Calls of one outcome: those that came from the peer, those that went to it, all (each once)."""

    __slots__ = ("calls", "received", "sent")

    def __init__(self) -> None:
        self.calls = 0
        self.sent = 0
        self.received = 0

    def add(self, *, sent: bool, received: bool) -> None:
        """Count a call."""
        self.calls += 1
        self.sent += sent
        self.received += received


class Selection:
    """Takes every call; keeps the newest that are asked for, at most so many.

    ``counts`` are those of the peer in the period, by outcome; ``matching`` counts the calls asked for, kept or not.
    ``others`` counts the calls in the period by peer, whichever that is.
    """

    def __init__(self, wanted: WantedCalls, most: int) -> None:
        self.wanted = wanted
        self.counts: dict[str, Count] = {}
        self.others: dict[str, int] = {}
        self.matching = 0
        self.calls = 0
        self._most = most
        self._heap: list[tuple[int, str, int, CallRecord]] = []

    def call(self, record: CallRecord, completed: bool = False) -> None:
        """Take a call; whether it was completed does not matter."""
        del completed
        self.calls += 1
        wanted = self.wanted
        if not wanted.in_period(record):
            return
        for name in {record.source, record.destination}:
            self.others[name] = self.others.get(name, 0) + 1
        sent, received = record.source == wanted.peer, record.destination == wanted.peer
        if not sent and not received:
            return
        self.counts.setdefault(record.outcome, Count()).add(sent=sent, received=received)
        if record.outcome in wanted.outcomes and (wanted.keep is None or wanted.keep(record)):
            self.matching += 1
            entry = (record.started, record.id, self.matching, record)
            if len(self._heap) < self._most:
                heappush(self._heap, entry)
            else:
                heappushpop(self._heap, entry)

    @property
    def total(self) -> int:
        """Count the peer's calls in the period."""
        return sum(count.calls for count in self.counts.values())

    @property
    def asked(self) -> int:
        """Count those of them that have an outcome that is asked for, before any filter."""
        return sum(count.calls for outcome, count in self.counts.items() if outcome in self.wanted.outcomes)

    def chosen(self) -> list[CallRecord]:
        """Return the examples, newest first."""
        return [entry[3] for entry in sorted(self._heap, reverse=True)]
