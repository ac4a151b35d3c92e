"""The engine: frames in, records of calls out. The one way from capture to meaning, live or replayed.

Must not know: where frames come from, where records go, or any clock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sipwatch.classify.desk import Desk
from sipwatch.classify.diagnosis import Diagnosis
from sipwatch.classify.endings import ending_of
from sipwatch.classify.peers import Directory, Settings
from sipwatch.classify.verdict import Verdicts
from sipwatch.export.calls import record_of
from sipwatch.export.findings import device_record, finding_record, whole_record
from sipwatch.export.gaps import gaps
from sipwatch.export.moments import Moment
from sipwatch.export.record import CallRecord, CaptureRecord, SummaryRecord
from sipwatch.track.tracker import Notice, Tracker
from sipwatch.track.watch import Watchers
from sipwatch.wire import decoder
from sipwatch.wire.decoder import Decoder
from sipwatch.wire.discards import Discard
from sipwatch.wire.message import Request, Response, Transport, Unreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sipwatch.capture.deep import Datagram, DeepSource
    from sipwatch.capture.files import CaptureSource
    from sipwatch.capture.tally import Place
    from sipwatch.classify.tags import Tag
    from sipwatch.export.metrics import Metrics
    from sipwatch.export.summary import Summary
    from sipwatch.track.call import Call
    from sipwatch.track.leg import Leg
    from sipwatch.track.watch import Watcher
    from sipwatch.wire.message import Path

    Sink = Callable[[CallRecord, bool], None]


MAX_METHODS = 64
MAX_DEVICES = 50  # shown, the worst first


class Nowhere:
    """The place of packets that have no number, on an interface."""

    __slots__ = ("number",)

    def __init__(self) -> None:
        self.number = 0


_NOWHERE = Nowhere()


class Engine:
    """Decodes, tracks, judges and explains; every call that is over goes to ``sink`` as a record.

    The sink's second argument tells whether the call was answered and ended by a BYE with a 2xx. A missed call
    whose caller may still be called back goes there when that is known. Without a sink no records are made.
    ``requests`` and ``responses`` count messages by method and by status code; ``metrics`` counts everything
    else, when that is wanted, and ``watcher`` hears of it. ``diagnose`` says whether causes are looked for.
    """

    def __init__(
        self,
        sink: Sink | None,
        settings: Settings | None = None,
        *,
        keep_messages: bool = False,
        metrics: Metrics | None = None,
        watcher: Watcher | None = None,
        diagnose: bool = True,
    ) -> None:
        directory = metrics.directory if metrics is not None else Directory(settings or Settings())
        self.directory = directory
        self.decoder = Decoder()
        self.verdicts = Verdicts(directory)
        self.metrics = metrics
        self.diagnosis = Diagnosis(directory) if diagnose else None
        self.desk = Desk(directory, self._give)
        heard = [one for one in (watcher if watcher is not None else metrics, self.diagnosis) if one is not None]
        self.tracker = Tracker(
            self,
            directory.timers_for,
            watcher=None if not heard else heard[0] if len(heard) == 1 else Watchers(*heard),
            keep_messages=keep_messages,
        )
        self.requests: dict[str, int] = {}
        self.responses: dict[int, int] = {}
        self._sink = sink

    def run(self, frames: Iterable[tuple[int, int, bytes]], place: Place | Nowhere | None = None) -> None:
        """Take every frame: packet time in ns, link type, bytes. ``place`` says which packet of a file it is."""
        decode = self.decoder.frame
        message = self.message
        place = place or _NOWHERE
        self.decoder.place = place
        for time, link_type, data in frames:
            for item in decode(time, link_type, data):
                if item.__class__ is Response or item.__class__ is Request:
                    if not item.number:  # else it was held back, and is of an earlier packet
                        item.number = place.number
                    message(item)
                elif item.__class__ is Unreachable:
                    item.number = place.number
                    self.tracker.unreachable(item)
                    if self.diagnosis is not None:
                        self.diagnosis.unreachable(item)

    def run_datagrams(self, datagrams: Iterable[Datagram]) -> None:
        """Take what another decoder found: packet time in ns, packet number, transport, ends, bytes."""
        decoder = self.decoder
        for time, number, transport, key, payload in datagrams:
            for item in decoder.datagram(time, decoder.path(Transport(transport), key), payload):
                if isinstance(item, (Request, Response)):
                    item.number = number
                    self.message(item)

    def message(self, message: Request | Response) -> None:
        """Count a message and follow it."""
        if isinstance(message, Response):
            code = message.status_code
            self.responses[code] = self.responses.get(code, 0) + 1
        else:
            method = message.method
            if method not in self.requests and len(self.requests) >= MAX_METHODS:
                method = "other"  # a stranger may invent methods without end
            self.requests[method] = self.requests.get(method, 0) + 1
            if self.directory.hosts and self.directory.learn(message) and self.metrics is not None:
                self.metrics.use(self.directory, self.tracker.calls(), self._bindings())
        if self.metrics is not None:
            self.metrics.message(message)
        self.tracker.message(message)
        if self.diagnosis is not None and message.__class__ is Response:
            self.diagnosis.silences.heard(message.path, message.time)

    def finish(self, last: int | None = None) -> None:
        """Close what is open: the capture is over, and its last packet came at ``last``."""
        for item in self.decoder.finish(self.tracker.now):
            if isinstance(item, (Request, Response)):
                self.message(item)
        if last is not None:
            self.advance(last)
        self.tracker.finish()
        self.desk.finish(self.tracker.now)

    def advance(self, now: int) -> None:
        """Let time pass without a message: an idle tick."""
        if self.decoder.holding:
            for item in self.decoder.advance(now):
                if isinstance(item, (Request, Response)):
                    self.message(item)
            now = self.decoder.reached(now)
        self.tracker.advance(now)
        self.desk.advance(self.tracker.now)

    def capture(self, source: CaptureSource | DeepSource) -> CaptureRecord:
        """Say what was read, and what of it was not used."""
        discards = dict(self.decoder.discards)
        duplicates = discards.pop(Discard.DUPLICATE, 0)
        if source.media:
            discards[Discard.MEDIA] = discards.get(Discard.MEDIA, 0) + source.media
        requests = dict(sorted(self.requests.items()))
        responses = {str(code): count for code, count in sorted(self.responses.items())}
        return CaptureRecord(
            files=list(source.files),
            first=None if source.first is None else Moment(source.first),
            last=None if source.last is None else Moment(source.last),
            packets=source.packets,
            messages=sum(requests.values()) + sum(responses.values()),
            requests=requests,
            responses=responses,
            duplicates=duplicates,
            discards={reason.value: count for reason, count in sorted(discards.items())},
            notices=self.notices,
            evicted=self.evicted,
            gaps=gaps(
                discards,
                self.requests,
                self.responses,
                source.dropped,
                self.tracker.notices.get(Notice.RESPONSE_WITHOUT_REQUEST, 0),
            ),
        )

    def whole(self, summary: Summary, most_devices: int = MAX_DEVICES) -> SummaryRecord:
        """Return a summary of calls together with what was found beside them."""
        if self.diagnosis is None:
            return summary.to_record()
        devices = [device_record(device) for device in self.diagnosis.worst_devices(most_devices)]
        return summary.to_record([whole_record(whole) for whole in self.diagnosis.whole()], devices)

    @property
    def notices(self) -> dict[str, int]:
        """Count what was met out of the ordinary, and read or followed all the same."""
        tracked = {notice.value: count for notice, count in self.tracker.notices.items()}
        return dict(sorted({**self.decoder.notices, **tracked}.items()))

    @property
    def tracked(self) -> dict[str, int]:
        """Count the entries of each table right now."""
        tracked = {**self.decoder.tracked, **self.tracker.tracked, **self.directory.tracked}
        if self.diagnosis is not None:
            tracked.update(self.diagnosis.tables[0])
        if self.desk.callbacks is not None:
            tracked["callbacks"] = len(self.desk.callbacks)
        return tracked

    @property
    def evicted(self) -> dict[str, int]:
        """Count what each table had to give up; tables that gave up nothing are left out."""
        evicted = {**self.decoder.evicted, **self.tracker.evicted, **self.directory.evicted}
        if self.diagnosis is not None:
            evicted.update(self.diagnosis.tables[1])
        if self.desk.callbacks is not None and self.desk.callbacks.evicted:
            evicted["callbacks"] = self.desk.callbacks.evicted
        return evicted

    def use(self, settings: Settings) -> None:
        """Judge by new settings from now on. Legs under way keep their timers."""
        directory = Directory(settings, self.directory)
        self.directory = directory
        self.verdicts.directory = directory
        self.tracker.timers_for = directory.timers_for
        self.desk.use(directory)
        if self.diagnosis is not None:
            self.diagnosis.use(directory)
        if self.metrics is not None:
            self.metrics.use(directory, self.tracker.calls(), self._bindings())

    def _bindings(self) -> Iterable[Path]:
        return () if self.tracker.registrar is None else self.tracker.registrar.bound()

    # What tracking asks of the layers above (track.call.Judge)

    def leg(self, leg: Leg) -> str:
        """Judge a leg."""
        outcome = self.verdicts.leg(leg).value
        if self.metrics is not None:
            self.metrics.leg(leg, outcome)
        if self.diagnosis is not None:
            self.diagnosis.leg(leg, outcome)
        return outcome

    def call(self, call: Call) -> str:
        """Judge a call."""
        outcome = self.verdicts.call(call).value
        if self.metrics is not None:
            self.metrics.call(call, outcome)
        if self.diagnosis is not None:
            self.diagnosis.call(call, outcome)
        self.desk.verdict(call, outcome)
        return outcome

    def ending(self, call: Call) -> str:
        """Say how an answered call ended."""
        return ending_of(call).value

    def over(self, call: Call) -> None:
        """Explain a call that is over, and hand it on."""
        findings = [] if self.diagnosis is None else self.diagnosis.over(call)
        record = None
        if self._sink is not None:
            record = record_of(call, self.verdicts, [finding_record(finding) for finding in findings])
        self.desk.over(call, findings, (record, call.completed))

    def _give(self, given: tuple[CallRecord | None, bool], ends: tuple[str, str], tags: list[Tag]) -> None:
        """Let a call go, once all its tags are known."""
        record, completed = given
        if self.metrics is not None and tags:
            self.metrics.tagged(ends, tags)
        if record is not None and self._sink is not None:
            record.tags = [tag.value for tag in tags]
            self._sink(record, completed)


def implementation() -> str:
    """Say which form of the engine runs: interpreted, or compiled from the same source."""
    return "interpreted" if (decoder.__file__ or "").endswith(".py") else "compiled"
