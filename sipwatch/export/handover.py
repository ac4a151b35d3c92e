"""How a call that is over leaves: explained, made a record if anybody reads one, marked, and let go of.

Must not know: how causes are found, where records go.
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Protocol

from sipwatch.classify.desk import Desk
from sipwatch.classify.outcomes import Outcome
from sipwatch.export.by_wall import by_wall
from sipwatch.export.calls import call_record, ends_of_record, record_id
from sipwatch.export.findings import finding_record
from sipwatch.export.record import size_of
from sipwatch.track.events import CallOver, CallSettled, Registration, Unbound

if TYPE_CHECKING:
    from collections.abc import Callable

    from sipwatch.classify.diagnosis import Diagnosis
    from sipwatch.classify.remembered import Memory
    from sipwatch.classify.tags import Tag
    from sipwatch.classify.verdict import Verdicts
    from sipwatch.export.metrics import Metrics
    from sipwatch.export.record import CallRecord
    from sipwatch.track.events import Takes

    Sink = Callable[[CallRecord, bool], None]


class Keeper(Protocol):
    """Keeps calls where they can be asked for, from the moment that they are over."""

    def call(self, record: CallRecord, completed: bool, numbers: list[tuple[int, bool, bool]]) -> None:
        """Take a call, and which messages were its own: number, whether repeated, whether placed (``Call``)."""

    def answered(self, record_id: str, started: int, ends: tuple[str, str]) -> None:
        """Take note that a call was answered, which began then (ns) between two peers: it is up until it comes."""

    def registration(self, result: Registration, ends: tuple[str, str], ahead: int) -> None:
        """Take the result of an attempt to register between two peers; the wall's clock is so much ahead (ns)."""

    def expired(self, binding: Unbound, ends: tuple[str, str], ahead: int) -> None:
        """Take note that a binding ran out, which was made between two peers."""

    def tag(self, record_id: str, started: int, tags: list[str]) -> None:
        """Take other tags for a call that it has: by now it is known whether the caller was called back."""


class Given:
    """What leaves of a call that is over; ``kept`` is the id and the beginning of one that a keeper has already."""

    __slots__ = ("completed", "kept", "numbers", "record")

    def __init__(self, record: CallRecord | None, completed: bool, numbers: list[tuple[int, bool, bool]]) -> None:
        self.record = record
        self.completed = completed
        self.numbers = numbers
        self.kept: tuple[str, int] | None = None


class Handover:
    """Gives each call that is over to ``sink``, and its tags to ``metrics``; must take events after all others.

    The sink's second argument tells whether the call was answered and ended by a BYE with a 2xx. A missed call
    whose caller may still be called back goes there when that is known; a ``keeper`` has it at once, as somebody may
    ask for it meanwhile, and is told of the tag later. With neither no records are made.
    """

    def __init__(
        self,
        sink: Sink | None,
        verdicts: Verdicts,
        diagnosis: Diagnosis | None,
        metrics: Metrics | None,
        memory: Memory | None = None,
        keeper: Keeper | None = None,
    ) -> None:
        self.desk = Desk(verdicts.directory, self._give, verdicts.wall, memory, self._size)
        self._sink = sink
        self._keeper = keeper
        self._verdicts = verdicts
        self._diagnosis = diagnosis
        self._metrics = metrics

    def takes(self) -> Takes:
        """Say which events bring a call nearer its end, or are what a keeper keeps."""
        of_calls: Takes = {CallSettled: self.call_settled, CallOver: self.call_over}
        if self._keeper is None:
            return of_calls
        return {**of_calls, Registration: self.registration, Unbound: self.unbound}

    def registration(self, event: Registration) -> None:
        """Let the keeper have the result of an attempt to register."""
        if self._keeper is not None:
            ends = self._verdicts.directory.ends(event.path)
            self._keeper.registration(event, ends, self._verdicts.wall.ahead)

    def unbound(self, event: Unbound) -> None:
        """Let the keeper know of a binding that ran out."""
        if self._keeper is not None and event.expired:
            self._keeper.expired(event, self._verdicts.directory.ends(event.path), self._verdicts.wall.ahead)

    def call_settled(self, event: CallSettled) -> None:
        """Take note of what became of a call."""
        self.desk.call_settled(event)
        call = event.call
        if self._keeper is not None and call.outcome == Outcome.ANSWERED:
            started = call.started + self._verdicts.wall.ahead
            self._keeper.answered(record_id(call), started, ends_of_record(call, self._verdicts))

    def call_over(self, event: CallOver) -> None:
        """Explain a call that is over, hand it on, and let it go."""
        call = event.call
        findings = [] if self._diagnosis is None else self._diagnosis.over(call)
        links = [] if self._diagnosis is None else self._diagnosis.links_of(call)
        record = None
        if self._sink is not None or self._keeper is not None:
            record = call_record(call, self._verdicts, [finding_record(finding) for finding in findings], links)
        given = Given(record, call.completed, [] if self._keeper is None else call.numbered())
        tags = self.desk.over(call, findings, given)
        if tags is not None:
            self._keep(given, tags)
        call.release()

    def _give(self, given: Given, ends: tuple[str, str], tags: list[Tag]) -> None:
        """Let the record of a call go, once all its tags are known."""
        if self._metrics is not None and tags:
            self._metrics.tagged(ends, tags)
        if given.kept is None:
            self._keep(given, tags)
        elif self._keeper is not None:
            self._keeper.tag(*given.kept, [tag.value for tag in tags])
        if given.record is not None and self._sink is not None:
            self._sink(self._out(given.record, tags), given.completed)

    def _keep(self, given: Given, tags: list[Tag]) -> None:
        """Let the keeper have a call, if there is one; what nobody else waits for is not held any longer."""
        if self._keeper is None or given.record is None:
            return
        record = self._out(given.record, tags)
        given.kept = (record.id, record.started)
        self._keeper.call(record, given.completed, given.numbers)
        given.numbers = []
        if self._sink is None:
            given.record = None

    def _out(self, record: CallRecord, tags: list[Tag]) -> CallRecord:
        if self._keeper is not None and self._sink is not None:
            record = copy(record)  # the keeper reads its own, later and in another thread
        record.tags = [tag.value for tag in tags]
        return by_wall(record, self._verdicts.wall)

    def _size(self, given: Given) -> int:
        """Say what a call takes that waits (bytes)."""
        return 0 if self._sink is None else size_of(given.record)
