"""How a call that is over leaves: explained, made a record if anybody reads one, marked, and let go of.

Must not know: how causes are found, where records go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sipwatch.classify.desk import Desk
from sipwatch.export.by_wall import by_wall
from sipwatch.export.calls import call_record
from sipwatch.export.findings import finding_record
from sipwatch.export.record import size_of
from sipwatch.track.events import CallOver, CallSettled

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


class Handover:
    """Gives each call that is over to ``sink``, and its tags to ``metrics``; must take events after all others.

    The sink's second argument tells whether the call was answered and ended by a BYE with a 2xx. A missed call
    whose caller may still be called back goes there when that is known. Without a sink no records are made.
    """

    def __init__(
        self,
        sink: Sink | None,
        verdicts: Verdicts,
        diagnosis: Diagnosis | None,
        metrics: Metrics | None,
        memory: Memory | None = None,
    ) -> None:
        self.desk = Desk(verdicts.directory, self._give, verdicts.wall, memory, _size)
        self._sink = sink
        self._verdicts = verdicts
        self._diagnosis = diagnosis
        self._metrics = metrics

    def takes(self) -> Takes:
        """Say which events bring a call nearer its end."""
        return {CallSettled: self.desk.call_settled, CallOver: self.call_over}

    def call_over(self, event: CallOver) -> None:
        """Explain a call that is over, hand it on, and let it go."""
        call = event.call
        findings = [] if self._diagnosis is None else self._diagnosis.over(call)
        links = [] if self._diagnosis is None else self._diagnosis.links_of(call)
        record = None
        if self._sink is not None:
            record = call_record(call, self._verdicts, [finding_record(finding) for finding in findings], links)
        self.desk.over(call, findings, (record, call.completed))
        call.release()

    def _give(self, given: tuple[CallRecord | None, bool], ends: tuple[str, str], tags: list[Tag]) -> None:
        """Let the record of a call go, once all its tags are known."""
        record, completed = given
        if self._metrics is not None and tags:
            self._metrics.tagged(ends, tags)
        if record is not None and self._sink is not None:
            record.tags = [tag.value for tag in tags]
            self._sink(by_wall(record, self._verdicts.wall), completed)


def _size(given: tuple[CallRecord | None, bool]) -> int:
    return size_of(given[0])
