"""The engine: frames in, records of calls out. The one way from capture to meaning, live or replayed.

Must not know: where frames come from, where records go, or any clock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sipwatch.budget import DEFAULT_BUDGET
from sipwatch.classify.diagnosis import Diagnosis
from sipwatch.classify.peers import Directory, Settings
from sipwatch.classify.remembered import Memory
from sipwatch.classify.verdict import Verdicts
from sipwatch.export.account import Account
from sipwatch.export.handover import Handover
from sipwatch.track.events import Takers
from sipwatch.track.tracker import Tracker
from sipwatch.wire.decoder import Decoder
from sipwatch.wire.limits import limits_within
from sipwatch.wire.message import Request, Response, Transport, Unreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sipwatch.budget import Budget
    from sipwatch.capture.deep import Datagram
    from sipwatch.capture.tally import Place
    from sipwatch.export.handover import Keeper, Sink
    from sipwatch.export.metrics import Metrics


class Engine:
    """Decodes, tracks, judges and explains; calls that are over go to ``sink`` and ``keeper`` (``export.handover``).

    ``metrics`` counts, if wanted; ``diagnose`` says whether causes are looked for; ``budget`` what tables may take.
    """

    def __init__(
        self,
        sink: Sink | None,
        settings: Settings | None = None,
        *,
        keep_messages: bool = False,
        metrics: Metrics | None = None,
        diagnose: bool = True,
        budget: Budget = DEFAULT_BUDGET,
        keeper: Keeper | None = None,
    ) -> None:
        self.directory = directory = metrics.directory if metrics is not None else Directory(settings or Settings())
        self.decoder = Decoder(limits_within(budget))
        room = metrics.room if metrics is not None else None
        self.tracker = Tracker(directory, budget=budget, series=room, keep_messages=keep_messages, number=bool(keeper))
        self.verdicts = Verdicts(directory)
        self.wall = self.verdicts.wall
        self.metrics = metrics
        self.memory = Memory(budget.memories)
        self.diagnosis = Diagnosis(directory, self.tracker, self.memory) if diagnose else None
        self._handover = Handover(sink, self.verdicts, self.diagnosis, metrics, self.memory, keeper)
        self.desk = self._handover.desk
        self.account = Account(self)
        self.hear: Callable[[Request | Response], None] | None = None  # has each message first, if anybody wants to
        who = [one for one in (self.verdicts, metrics, self.diagnosis) if one is not None]
        takers = Takers(self.tracker.events, who, self._handover)
        self.add, self._hand_on = takers.add, takers.hand_on  # to the first others come who want to take events

    def run(self, frames: Iterable[tuple[int, int, bytes]], place: Place | None = None) -> None:
        """Take every frame: packet time in ns, link type, bytes. ``place`` says which packet of a file it is."""
        decode, message = self.decoder.frame, self.message
        self.decoder.place = place
        for time, link_type, data in frames:
            for item in decode(time, link_type, data):
                if item.__class__ is Response or item.__class__ is Request:
                    # One that has a number was held back, and is of an earlier packet; an interface's have none.
                    if place is not None and not item.number:
                        item.number = place.number
                    message(item)
                elif item.__class__ is Unreachable:
                    item.number = 0 if place is None else place.number
                    self.unreachable(item)

    def run_datagrams(self, datagrams: Iterable[Datagram]) -> None:
        """Take what another decoder found: packet time in ns, packet number, transport, ends, bytes."""
        for time, number, transport, key, payload in datagrams:
            self._take(self.decoder.datagram(time, self.decoder.path(Transport(transport), key), payload), number)

    def _take(self, items: Iterable[object], number: int = 0) -> None:
        for item in items:
            if isinstance(item, (Request, Response)):
                item.number = item.number or number
                self.message(item)

    def message(self, message: Request | Response) -> None:
        """Follow a message, and hand on what it brings about."""
        if self.hear is not None:
            self.hear(message)
        tracker = self.tracker
        if message.time >= tracker.queue.next:
            self._pass(message.time)
        if self.directory.hosts and message.__class__ is Request and self.directory.learn(message):
            self._rename()
        tracker.message(message)
        if tracker.events:
            self._hand_on()

    def unreachable(self, error: Unreachable) -> None:
        """Take what says that something did not get through."""
        self._pass(error.time)
        self.tracker.unreachable(error)
        self._hand_on()

    def _pass(self, now: int) -> None:
        """Let the time up to ``now`` pass, timer by timer: whoever takes an event finds things as they stood then."""
        while self.tracker.queue.fire(now):
            self._hand_on()

    def advance(self, now: int) -> None:
        """Let time pass without a message: an idle tick."""
        if self.decoder.holding:
            self._take(self.decoder.advance(now))
            now = self.decoder.reached(now)
        self._pass(now)
        self.tracker.advance(now)
        self.desk.advance(self.tracker.now)

    def finish(self, last: int | None = None, goes_on: Callable[[], bool] | None = None) -> int:
        """Close what is open, the last packet having come at ``last``, while ``goes_on``; return how many are left."""
        self._take(self.decoder.finish(self.tracker.now))
        self.advance(self.tracker.now if last is None else last)
        while (goes_on is None or goes_on()) and self.tracker.close():
            self._hand_on()
        left = self.tracker.leave()
        self._hand_on()
        self.desk.finish(self.tracker.now)
        return left

    def use(self, settings: Settings) -> None:
        """Judge by new settings from now on. Legs under way keep their timers."""
        self.directory = self.verdicts.directory = directory = Directory(settings, self.directory)
        self.desk.use(directory)
        if self.diagnosis is not None:
            self.diagnosis.use(directory)
        self._rename()

    def _rename(self) -> None:
        """Count under the names that the directory gives now."""
        self.tracker.use(self.directory)
        if self.metrics is not None:
            self.metrics.use(self.directory, self.tracker.calls(), self.tracker.registrar.bound())
