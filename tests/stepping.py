"""A daemon on a machine whose clocks are the test's: what it makes of traffic while the clock on the wall is set."""

from __future__ import annotations

import io
import json
from operator import itemgetter
from typing import TYPE_CHECKING, Any, cast

from pcaps.make.talk import lines
from sipwatch.capture import live
from sipwatch.capture.bpf import WantedPackets, program
from sipwatch.capture.live import InterfaceSource
from sipwatch.capture.steps import Steps
from sipwatch.classify.peers import Settings
from sipwatch.classify.wall import Wall
from sipwatch.config import Config
from sipwatch.daemon import Daemon
from sipwatch.export.by_wall import by_wall
from sipwatch.export.families import families
from sipwatch.shell.log import Log
from sipwatch.shell.notify import Notifier
from sipwatch.track.events import ConditionRaised
from tests.capture.clocks import SECOND, START, Clocks, FilledRing
from tests.conversation import address, message_text
from tests.wire import frames as f

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pytest

    from sipwatch.capture.hep import HepListeners
    from sipwatch.capture.ring import Ring
    from sipwatch.export.record import CallRecord
    from sipwatch.shell.hep_out import HepOut
    from sipwatch.track.events import Takes

HOUR = 3600 * SECOND
TURN = SECOND // 10
Doing = tuple[float, "Callable[[Scene], None]"]  # seconds from the start
_ITS_OWN = ("clock", "timestamp", "config_", "capture_stalls")  # figures that are about clocks, or not about traffic


def frame(source: str, destination: str, payload: bytes) -> bytes:
    """Return a datagram between two letters as a frame."""
    return f.ethernet(f.ipv4(f.udp(payload), source=address(source), destination=address(destination)))


def said(script: str) -> list[Doing]:
    """Read a conversation as what happens on the wire."""

    def arrives(data: bytes) -> Callable[[Scene], None]:
        return lambda scene: scene.ring.arrive(data)

    return [(float(one.time), arrives(frame(one.source, one.destination, message_text(one)))) for one in lines(script)]


def stepped(at: float, by: int) -> Doing:
    """Set the clock on the wall by ns."""

    def step(scene: Scene) -> None:
        scene.clocks.set_by += by

    return at, step


def sleeps(at: float, by: int) -> Doing:
    """Let the machine sleep for ns."""

    def sleep(scene: Scene) -> None:
        scene.clocks.slept += by
        scene.clocks.go(by)

    return at, sleep


def figure(daemon: Daemon, name: str) -> float:
    """Return a figure about the daemon itself."""
    (found,) = [one for one in daemon._about_itself() if one.of.name == name]
    return sum(value for _, value in found.values.items())


class Scene:
    """What happened, and what the daemon made of it; ``stopped`` are times in which the process stands still."""

    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        doings: Sequence[Doing],
        seconds: float,
        *,
        stopped: tuple[float, float] = (0, 0),
        room: int = 1_000_000,
        settings: Settings | None = None,
        hep: HepListeners | None = None,
        ring: bool = False,
        out: HepOut | None = None,
    ) -> None:
        self.clocks = Clocks().rule(monkeypatch)
        self.ring = FilledRing(self.clocks, room)
        self.written: list[CallRecord] = []  # as they left
        self.calls: list[CallRecord] = []  # the same in packet time
        self.raised: list[tuple[str, float]] = []  # conditions, with the true time at which they were known
        self.lag: list[float] = []
        self._doings = sorted(doings, key=itemgetter(0))
        self._stopped = stopped
        self._seconds = seconds
        self._out = io.StringIO()
        monkeypatch.setattr(InterfaceSource, "_wait", lambda _: self._turn())
        monkeypatch.setattr(live, "TICK", 0)
        source = InterfaceSource([], program(WantedPackets()), 0, hep)
        if hep is None or ring:
            source.rings = cast("list[Ring]", [self.ring])
            source.steps = Steps(1)
        log = Log(self._out, "json", lambda: self.clocks.wall / SECOND)
        self.daemon = Daemon(source, Config(settings or Settings()), None, log, Notifier({}), out)
        self.daemon.engine._handover._sink = self._take
        self.daemon.engine.add(self)
        with source:
            self.daemon.run()

    def takes(self) -> Takes:
        return {ConditionRaised: self._raised}

    @property
    def seconds(self) -> float:
        """How long the machine has been awake."""
        return (self.clocks.now - self.clocks.slept - START) / SECOND

    def _raised(self, event: ConditionRaised) -> None:
        self.raised.append((event.raised.kind.value, self.seconds))

    def _take(self, record: CallRecord, _: bool) -> None:
        self.written.append(record)
        back = Wall()
        back.stepped(-self.daemon.engine.wall.ahead)
        self.calls.append(by_wall(record, back))

    def _turn(self) -> bool:
        """Let a tenth of a second pass, or as long as the process stands still, with all that happens meanwhile."""
        if self.daemon.engine.tracker.now:
            self.lag.append(self.figure("clock_lag_seconds"))
        start, end = self._stopped
        awake = self.clocks.now - self.clocks.slept + TURN
        if start <= self.seconds < end:
            awake = START + round(end * SECOND)
        while self._doings and START + round(self._doings[0][0] * SECOND) <= awake:
            at, do = self._doings.pop(0)
            self._wait_until(START + round(at * SECOND))
            do(self)
        self._wait_until(awake)
        if self.seconds >= self._seconds:
            self.daemon.stop()
        return False

    def _wait_until(self, awake: int) -> None:
        self.clocks.go(awake + self.clocks.slept - self.clocks.now)

    def figure(self, name: str) -> float:
        """Return a figure about the daemon itself."""
        return figure(self.daemon, name)

    def counted(self) -> dict[tuple[str, ...], float]:
        """Return every figure about traffic."""
        return {
            (sample.name, *map(str, sorted(sample.labels.items()))): sample.value
            for family in families(self.daemon.collector.figures())
            for sample in family.samples
            if not any(word in sample.name for word in _ITS_OWN)
        }

    def events(self, name: str) -> list[dict[str, Any]]:
        found = [json.loads(line) for line in self._out.getvalue().splitlines()]
        return [one for one in found if one["event"] == name]
