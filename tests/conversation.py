"""Conversations (see ``pcaps/make/talk.py`` for how they are written), and what sipwatch makes of them."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pcaps.make.talk import Line, lines, start_line
from sipwatch.classify.peers import Directory, Settings
from sipwatch.classify.verdict import Verdicts
from sipwatch.engine import Engine
from sipwatch.export.calls import call_record
from sipwatch.export.collector import Collector
from sipwatch.export.metrics import Metrics
from sipwatch.track.events import CallOver, CallSettled, takers_of
from sipwatch.track.room import SeriesRoom
from sipwatch.track.tracker import Tracker
from sipwatch.wire.message import Path, Request, Response, Transport
from sipwatch.wire.sip import parse

if TYPE_CHECKING:
    from sipwatch.export.record import CallRecord
    from sipwatch.track.calls import TableLimits
    from sipwatch.track.events import Event, Takes

EPOCH = 1_767_603_600_000_000_000  # 2026-01-05T09:00:00Z


def address(letter: str) -> bytes:
    """Return the packed address of a letter: 192.0.2.65 for A."""
    return bytes((192, 0, 2, ord(letter[0])))


def path(source: str, destination: str, sport: int = 5060) -> Path:
    """Return the path between two letters."""
    ports = sport.to_bytes(2, "big") + (5060).to_bytes(2, "big")
    return Path(address(source) + address(destination) + ports, Transport.UDP)


def nanoseconds(seconds: str) -> int:
    """Turn seconds into ns since 1970, exactly."""
    return EPOCH + int(Decimal(seconds) * 1_000_000_000)


def message_text(line: Line) -> bytes:
    """Write a message with just the headers that tracking needs."""
    from_tag, to_tag = line.tags
    vias = int(line.options.get("vias", "1"))
    branch = f";branch={line.branch}" if line.branch else ""
    host = line.destination if line.is_response else line.source
    head = [start_line(line), f"Via: SIP/2.0/UDP {host}.example.com{branch}"]
    head += [f"Via: SIP/2.0/UDP up{i}.example.com;branch=z9hG4bKup{i}" for i in range(vias - 1)]
    head += [
        f"From: <sip:15550100@example.com>;tag={from_tag}",
        "To: <sip:15550101@example.com>" + (f";tag={to_tag}" if to_tag else ""),
        f"Call-ID: {line.options.get('call', 'c1')}",
        f"CSeq: {line.cseq} {line.method}",
    ]
    if not line.is_response:
        head.append(f"Max-Forwards: {line.options.get('mf', str(71 - vias))}")
    return "\r\n".join([*head, *line.headers, "Content-Length: 0", "", ""]).encode()


def messages(script: str) -> list[Request | Response]:
    """Read a conversation."""
    found = []
    for line in lines(script):
        ends = path(line.source, line.destination, int(line.options.get("sport", "5060")))
        message = parse(nanoseconds(line.time), ends, message_text(line), False)
        assert isinstance(message, (Request, Response)), line
        found.append(message)
    return found


class Observed:
    """A tracker, the verdicts on its calls as they fall, and the records of those that are over.

    ``events`` has every event as it was taken.
    """

    def __init__(
        self, settings: Settings | None = None, *, keep: bool = False, limits: TableLimits | None = None
    ) -> None:
        directory = Directory(settings or Settings())
        self.verdicts = Verdicts(directory)
        self.calls: list[CallRecord] = []
        self.judged: list[str] = []
        self.events: list[Event] = []
        self.tracker = Tracker(directory, keep_messages=keep, limits=limits)
        self._takers = takers_of([self.verdicts, self])

    def takes(self) -> Takes:
        return {CallSettled: self._settled, CallOver: self._over}

    def message(self, message: Request | Response) -> None:
        self.advance(message.time)
        self.tracker.message(message)
        self._take()

    def advance(self, now: int) -> None:
        while self.tracker.queue.fire(now):
            self._take()
        self.tracker.advance(now)

    def finish(self) -> None:
        while self.tracker.close():
            self._take()
        self._take()

    def _take(self) -> None:
        for event in self.tracker.events:
            self.events.append(event)
            for take in self._takers[event.__class__]:
                take(event)
        self.tracker.events.clear()

    def _settled(self, event: CallSettled) -> None:
        self.judged.append(event.call.outcome)

    def _over(self, event: CallOver) -> None:
        self.calls.append(call_record(event.call, self.verdicts))
        event.call.release()


class Counted:
    """An engine that counts, and is fed with messages; it has one, since nothing inherits from a compiled one."""

    def __init__(self, settings: Settings | None = None, series: int | None = None) -> None:
        room = None if series is None else SeriesRoom(series)
        self.counts = Metrics(Directory(settings or Settings()), room)
        self.engine = Engine(None, metrics=self.counts)
        self.collector = Collector(self.engine)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.engine, name)

    def values(self, name: str, *, zero: bool = False) -> dict[tuple[str, ...], float]:
        """Return a metric's samples by their label values (buckets left out), those that are 0 only if asked."""
        found = self.samples().get(f"sipwatch_{name}", {})
        return {labels: value for labels, value in found.items() if value or zero}

    def samples(self) -> dict[str, dict[tuple[str, ...], float]]:
        """Return every sample by name and label values."""
        found: dict[str, dict[tuple[str, ...], float]] = {}
        for metric in self.collector.collect():
            for sample in metric.samples:
                found.setdefault(sample.name, {})[tuple(sample.labels.values())] = sample.value
        return found


def count(script: str, settings: Settings | None = None, *, until: str | None = None, over: bool = True) -> Counted:
    """Count a conversation; ``over`` says that the capture ends with it (or at ``until``, in seconds)."""
    engine = Counted(settings)
    for message in messages(script):
        engine.message(message)
    if until is not None:
        engine.advance(nanoseconds(until))
    if over:
        engine.finish()
    return engine


def observe(script: str, settings: Settings | None = None, *, until: str | None = None) -> Observed:
    """Run a conversation; ``until`` is when the capture ends (seconds), by default with its last message."""
    observed = Observed(settings)
    for message in messages(script):
        observed.message(message)
    if until is not None:
        observed.advance(nanoseconds(until))
    observed.finish()
    observed.calls.sort(key=lambda call: call.started)
    return observed


def judged(script: str, *, at: str) -> list[str]:
    """Run a conversation, and return the verdicts on calls that have fallen by a moment (seconds), oldest first."""
    observed = Observed()
    for message in messages(script):
        if message.time <= nanoseconds(at):
            observed.message(message)
    observed.advance(nanoseconds(at))
    return observed.judged


def the_call(script: str, settings: Settings | None = None, *, until: str | None = None) -> CallRecord:
    """Run a conversation that is exactly one call, and return its record."""
    calls = observe(script, settings, until=until).calls
    assert len(calls) == 1, f"{len(calls)} calls in\n{script}"
    return calls[0]
