"""The daemon's loop: packets into the engine, time on a silent line, scrapes, reloads, the end.

Everything that touches the engine happens in one thread, between two batches of packets; other threads
(the web server's) and signal handlers leave word, and wake the loop. Must not know: command lines, HTTP.
"""

from __future__ import annotations

import gc
import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Protocol

from sipwatch import installed_version
from sipwatch.budget import shared_out
from sipwatch.capture.bpf import program
from sipwatch.capture.live import MARGIN, InterfaceSource
from sipwatch.classify.peers import Directory
from sipwatch.config import Config, ConfigError, load
from sipwatch.engine import Engine
from sipwatch.export import series
from sipwatch.export.account import implementation
from sipwatch.export.collector import Collector, about_capture
from sipwatch.export.figures import Figures
from sipwatch.export.metrics import Metrics
from sipwatch.export.present import LossRecord, present_steps
from sipwatch.export.privacy import Policy, policy_of
from sipwatch.export.waiting import desk_steps
from sipwatch.packet import SECOND
from sipwatch.shell.events import Told
from sipwatch.shell.inquiry import Inquiry
from sipwatch.track.room import SeriesRoom
from sipwatch.wire.discards import Discard

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from sipwatch.capture.hep import HepListener
    from sipwatch.capture.live import PipeSource
    from sipwatch.capture.ring import Ring
    from sipwatch.export.present import PresentRecord
    from sipwatch.export.series import Key
    from sipwatch.export.waiting import DeskRecord
    from sipwatch.shell.hep_out import HepOut
    from sipwatch.shell.log import Log
    from sipwatch.shell.notify import Notifier
    from sipwatch.shell.webhook import Webhook
    from sipwatch.store.intake import Intake
    from sipwatch.store.writer import StoreWriter
    from sipwatch.wire.message import Request, Response

    Source = InterfaceSource | PipeSource

PATIENCE = 5.0  # seconds a scrape waits for the loop
_TIME_TO_ANSWER = 0.5  # seconds for the last figures
_AT_ONCE = 0.002  # seconds between two batches of packets in which figures are copied
# Seconds after which another thread, one that writes figures down, has to let the loop go on.
_GIVE_WAY = 0.0005
# Objects that are looked through in one go: pages and the writer of the store make many, and meanwhile nobody captures.
# Of 500 it takes half a millisecond, of 5,000 five; of those that stayed, 2,500 at most; of all, as seldom as can be.
_COLLECT = (500, 5, 20_000)
_FRESH = 1.0  # seconds for which what is going on is told again as it was
_SILENT_FOR = 10.0  # seconds without a turn of the loop after which it is not healthy
# ns to go on after somebody wants us to end: what has come in lies in the ring for a moment before it is seen.
_LAST_LOOK = MARGIN + 50_000_000


_TIME_TO_CLOSE = 1.0  # seconds for open calls in the end; letting go of those that are left may take as long again


class Stop(Exception):  # noqa: N818 - no error: the way out of a source that never ends
    """Somebody wants the daemon to end."""


class Standing(Protocol):
    """Looks for incidents, and posts them if somebody wants that."""

    webhook: Webhook | None

    @property
    def going_on(self) -> int:
        """How many there are."""


class Daemon:
    """Runs the engine on a live source until it is told to stop, or a pipe ends.

    ``out`` sends messages on. ``hep_key`` is demanded of agents, whatever the configuration says. ``intake`` takes what
    is to be stored, for whoever ``keep_in`` names.
    """

    def __init__(
        self,
        source: Source,
        config: Config,
        config_path: str | None,
        log: Log,
        notifier: Notifier,
        out: HepOut | None = None,
        hep_key: bytes = b"",
        intake: Intake | None = None,
    ) -> None:
        self._source = source
        self._out = out
        self._hep_key = hep_key
        self._config = config
        self._config_path = config_path
        self._log = log
        self._notifier = notifier
        metrics = Metrics(Directory(config.settings), SeriesRoom(config.most_series))
        self._intake = intake
        self._store: StoreWriter | None = None
        self._watch: Standing | None = None
        self.engine = Engine(None, metrics=metrics, budget=shared_out(config.memory), keeper=intake)
        self._told = Told(log, self.engine.verdicts, policy_of(config.privacy))
        self.engine.add(self._told)
        if intake is not None:
            self.engine.add(intake)
        self.collector = Collector(self.engine)
        self._program = (installed_version(), implementation())  # now: later libraries may be out of reach
        if out is not None:
            self.engine.hear = partial(self._send_on, out)
        self._receive()
        wake = source.waker.wake
        self._figures = Inquiry(self._figures_steps, wake)
        self._present = Inquiry(self._present_steps, wake, _FRESH)
        self._desk = Inquiry(lambda: desk_steps(self.engine, Policy(self._config.privacy)), wake, _FRESH)
        self._stopping = self._reloading = False
        self._running = False
        self._reloaded_well = True
        self._reloaded_at = time.time()
        self._turned_at = time.monotonic()
        self._second = 0
        self._stop_at = 0
        self._stalls = 0
        self._steps = 0

    def _receive(self) -> None:
        """Let the decoder take what agents send, if there are listeners."""
        if isinstance(self._source, InterfaceSource) and self._source.hep is not None:
            self._source.hep.take = self.engine.decoder.agents.report
            self._source.hep.tell = self._tell
        self._use_hep()

    def _use_hep(self) -> None:
        wanted, decoder = self._config.hep, self.engine.decoder
        if self._listeners() or wanted.across_nat:
            decoder.expect_hep(across_nat=wanted.across_nat)
        decoder.agents.use(wanted.nodes, self._hep_key or wanted.key)

    def _tell(self, event: str, reason: str, peer: str) -> None:
        """Log what went wrong with an agent. That it reports other things than SIP is no trouble."""
        if reason != Discard.NOT_SIP:
            self._log.event("warning", event, reason=reason, peer=peer)

    def _send_on(self, out: HepOut, message: Request | Response) -> None:
        correlated = self.engine.decoder.correlated
        told = correlated[1] if correlated is not None and correlated[0] is message else b""
        out.hear(message, told, self.engine.wall.ahead)

    def keep_in(self, store: StoreWriter) -> None:
        """Let a store follow what the configuration says of it, and tell of it in figures."""
        self._store = store

    def stand_watch(self, watch: Standing) -> None:
        """Tell in figures of the incidents that somebody looks for."""
        self._watch = watch

    # From signal handlers and other threads

    def stop(self) -> None:
        """End soon."""
        self._stopping = True
        self._source.waker.wake()

    def reload(self) -> None:
        """Read the configuration again soon."""
        self._reloading = True
        self._source.waker.wake()

    def collect(self) -> list[Figures]:
        """Return every figure, copied by the loop between two batches or several. Raises TimeoutError."""
        return self._figures.ask(PATIENCE)

    def now(self) -> PresentRecord:
        """Return what is going on right now, looked at by the loop as figures are. Raises TimeoutError."""
        return self._present.ask(PATIENCE)

    def waiting(self) -> DeskRecord:
        """Return who waits to be called back right now, in the same way. Raises TimeoutError."""
        return self._desk.ask(PATIENCE)

    def healthy(self) -> str | None:
        """Say why the loop is not turning, None when it is."""
        silent = time.monotonic() - self._turned_at
        return None if silent < _SILENT_FOR else f"the capture loop has not turned for {silent:.0f} s"

    def ready(self) -> str | None:
        """Say why there is nothing to be seen here, None when there is."""
        if not self._running:
            return "not capturing"
        down = [ring.name for ring in self._rings() if not ring.up]
        if down and len(down) == len(self._rings()) and not self._listeners():
            return f"down: {', '.join(down)}"
        return self.healthy()

    # The loop

    def run(self) -> None:
        """Take packets until told to stop. Raises CaptureError when a pipe gives no capture."""
        # Calls are freed by reference counting; what else there is may wait.
        gc.freeze()
        gc.set_threshold(*_COLLECT)
        sys.setswitchinterval(_GIVE_WAY)
        self._running = True
        self._know_our_own()
        self._notifier.ready(f"capturing {', '.join(self.names())}")
        self._log.event("info", "capturing", interfaces=",".join(self.names()), version=self._program[0])
        try:
            frames = self._frames()
            self.engine.run(frames if self._intake is None else self._intake.watch(frames))
        except Stop:
            pass
        finally:
            self._running = False
            self._notifier.stopping()
        until = time.monotonic() + _TIME_TO_CLOSE
        left = self.engine.finish(goes_on=lambda: time.monotonic() < until)
        if left:
            self._log.event("warning", "calls_left", calls=left, reason="there was no time to say what became of them")
        for inquiry in self._inquiries():
            inquiry.begin_again()
        self._answer(_TIME_TO_ANSWER)
        if not isinstance(self._source, InterfaceSource):
            for warning in self._source.files.warnings:
                self._log.event("warning", "capture_damaged", reason=warning)
        packets = sum(packets for _, packets, _ in self._captures())
        self._log.event("info", "ended", packets=packets)
        gc.freeze()  # or Python looks through all that is left before it ends: a second, of 100,000 calls

    def _frames(self) -> Iterator[tuple[int, int, bytes]]:
        if isinstance(self._source, InterfaceSource):
            return self._source.frames(self._between, self._changed, self._missed, self._stepped)
        return self._source.frames(self._between, self._stepped)

    def _between(self, horizon: int) -> None:
        """Do what is due between two batches of packets."""
        self.engine.advance(horizon)
        self._turned_at = time.monotonic()
        self._answer()
        if self._reloading:
            self._reloading = False
            self._reload()
        now = time.monotonic_ns()
        if self._stopping:
            self._stop_at = self._stop_at or now + _LAST_LOOK
            if now >= self._stop_at:
                raise Stop
        if now - self._second >= SECOND:
            self._second = now
            self._notifier.watchdog()
            self._know_our_own()
            self._log.catch_up()

    def _answer(self, at_once: float | None = None) -> None:
        """Answer what others want to know, for so many seconds at most."""
        until = time.perf_counter() + (_AT_ONCE if at_once is None else at_once)
        for inquiry in self._inquiries():
            if not inquiry.go_on(until):
                self._source.waker.wake()  # go on at once, packets or none
                return

    def _inquiries(self) -> tuple[Inquiry[list[Figures]], Inquiry[PresentRecord], Inquiry[DeskRecord]]:
        return self._figures, self._present, self._desk

    def _figures_steps(self) -> Generator[None, None, list[Figures]]:
        found: list[Figures] = []
        yield from self.collector.steps(found)
        found += self._about_itself()
        return found

    def _present_steps(self) -> Generator[None, None, PresentRecord]:
        dropped = {} if self._intake is None else self._intake.dropped.copy()
        lost = [LossRecord("packets", name, number) for name, _, number in self._captures() if number]
        lost += [LossRecord(what, "store", int(number)) for (what, _), number in dropped.items()]
        if self._stalls:
            lost.append(LossRecord("stalls", "capture", self._stalls))
        return (yield from present_steps(self.engine, Policy(self._config.privacy), lost))

    def _changed(self, ring: Ring) -> None:
        if ring.up:
            self._log.event("info", "interface_up", interface=ring.name)
        else:
            self._log.event("error", "interface_down", interface=ring.name)

    def _missed(self, start: int, end: int) -> None:
        """Conclude nothing from the silence of a time in which we stood still."""
        self.engine.advance(start)
        self.engine.tracker.missed(end)
        self._stalls += 1
        reason = "the process stood still and packets were lost; what was open and stays silent ends unfinished"
        self._log.event("error", "capture_stalled", seconds=round((end - start) / SECOND, 1), reason=reason)

    def _stepped(self, by: int) -> None:
        """Go on evenly after somebody has set the clock, and write times by the clock as it is now."""
        self.engine.wall.stepped(by)
        self._steps += 1
        if isinstance(self._source, InterfaceSource):  # a pipe's clock is not the one by which we read files
            self._reloaded_at += by / SECOND
        reason = "the clock was set; timers and durations go on as if it had not, times are written by the new clock"
        self._log.event("warning", "clock_stepped", seconds=round(by / SECOND, 3), reason=reason)

    def _reload(self) -> None:
        """Take a new configuration over, or keep the old one and say why."""
        self._notifier.reloading()
        if self._config_path is not None:
            try:
                config = load(self._config_path)
            except ConfigError as error:
                self._reloaded_well = False
                self._log.event("error", "configuration_kept", reason=str(error))
            else:
                self._use(config)
        else:
            self._log.event("info", "configuration_kept", reason="there is no --config to read again")
        self._notifier.ready(f"capturing {', '.join(self.names())}")

    def _use(self, config: Config) -> None:
        self.engine.use(config.settings)
        self._told.policy = policy_of(config.privacy)
        if self._store is not None:
            self._store.use(config.store, config.privacy)
        if isinstance(self._source, InterfaceSource) and config.wanted != self._config.wanted:
            self._source.filter(program(config.wanted))
        if _fixed(config) != _fixed(self._config):
            reason = "certificates, and who is sent what ([hep], [incidents]), are taken over at the next start"
            self._log.event("warning", "restart_needed", reason=reason)
        if config.ring != self._config.ring:
            self._log.event("warning", "restart_needed", reason="ring is taken over at the next start")
        if self._store is not None and config.store.spool != self._config.store.spool:
            self._log.event("warning", "restart_needed", reason="spool is taken over at the next start")
        if (config.memory, config.series) != (self._config.memory, self._config.series):
            self._log.event("warning", "restart_needed", reason="[limits] is taken over at the next start")
        self._config = config
        self._use_hep()
        self._reloaded_well = True
        self._reloaded_at = time.time()
        self._log.event("info", "configuration_read", peers=len(config.settings.peers))

    # Figures about the daemon itself

    def _rings(self) -> list[Ring]:
        return self._source.rings if isinstance(self._source, InterfaceSource) else []

    def _listeners(self) -> list[HepListener]:
        """Return where agents send to."""
        hep = self._source.hep if isinstance(self._source, InterfaceSource) else None
        return [] if hep is None else hep.listeners

    def _know_our_own(self) -> None:
        """See to it that what agents send to us, and what we send, is not read from the wire as well."""
        ends = set() if self._out is None else self._out.ends
        ports = {listener.port.to_bytes(2, "big") for listener in self._listeners()}
        self.engine.decoder.own = frozenset(ends | ports)

    def names(self) -> list[str]:
        """Name what is captured."""
        if isinstance(self._source, InterfaceSource):
            return [*(ring.name for ring in self._source.rings), *(one.name for one in self._listeners())]
        return list(self._source.files.files)

    def _captures(self) -> list[tuple[str, int, int]]:
        """Return name, packets and drops of each interface, listener or pipe."""
        if isinstance(self._source, InterfaceSource):
            found = [(ring.name, ring.packets, ring.dropped) for ring in self._source.rings]
            return found + [(one.name, one.packets, one.dropped) for one in self._listeners()]
        files = self._source.files
        return [(name, files.packets, 0) for name in files.files]

    def _about_itself(self) -> Iterator[Figures]:
        captures = self._captures()
        yield from about_capture(captures, self._program)
        up: dict[Key, float] = dict.fromkeys([(name,) for name in self.names()], 1)
        up |= {(ring.name,): int(ring.up) for ring in self._rings()}
        yield Figures(series.CAPTURE_UP, up)
        yield Figures(series.CAPTURE_STALLS, {(): self._stalls})
        yield Figures(series.CLOCK_STEPS, {(): self._steps})
        yield from self._about_hep()
        yield from self._about_store()
        seen = self.engine.tracker.now
        lag = (time.time_ns() - self.engine.wall.time(seen)) / SECOND if seen else 0.0
        yield Figures(series.CLOCK_LAG, {(): lag})
        yield Figures(series.LOG_SUPPRESSED, {(event,): count for event, count in self._log.suppressed.items()})
        yield Figures(series.LOG_FAILED, {(): self._log.failed})
        yield Figures(series.RELOADED, {(): int(self._reloaded_well)})
        yield Figures(series.RELOADED_AT, {(): self._reloaded_at})

    def _about_store(self) -> Iterator[Figures]:
        if self._intake is None or self._store is None:
            return
        yield Figures(series.STORE_DROPPED, self._intake.drops())
        yield Figures(series.STORE_CALLS, {(): self._store.stored})
        yield Figures(series.STORE_WAITING, {(): self._intake.waiting})
        yield Figures(series.STORE_SIZE, {(): self._store.size})
        if self._watch is not None:
            yield Figures(series.INCIDENTS, {(): self._watch.going_on})
            results = {} if self._watch.webhook is None else self._watch.webhook.results.items()
            yield Figures(series.WEBHOOK, {(result,): number for result, number in results})

    def _about_hep(self) -> Iterator[Figures]:
        agents = self.engine.decoder.agents
        nodes = agents.nodes
        yield Figures(series.LATE, {(label,): node.late for label, node in nodes.items()})
        yield Figures(series.HEP_MESSAGES, {(label,): node.packets for label, node in nodes.items()})
        wall = self.engine.wall
        seen = {(label,): wall.time(node.last_seen) / SECOND if node.last_seen else 0 for label, node in nodes.items()}
        yield Figures(series.HEP_LAST_SEEN, seen)
        skews = {(label,): (skew - wall.ahead) / SECOND for label, skew in agents.skews().items()}
        yield Figures(series.HEP_SKEW, skews)
        hep = self._source.hep if isinstance(self._source, InterfaceSource) else None
        connections: dict[Key, float] = {} if hep is None else {(name,): n for name, n in hep.connected().items()}
        yield Figures(series.HEP_CONNECTIONS, connections)
        closed: dict[Key, float] = {} if hep is None else {(reason,): n for reason, n in hep.closed.items()}
        yield Figures(series.HEP_CLOSED, closed)
        targets = [] if self._out is None else self._out.targets
        yield Figures(series.HEP_SENT, {(target.name,): target.sent for target in targets})
        unsent: dict[Key, float] = {(one.name, reason): n for one in targets for reason, n in one.dropped.items()}
        yield Figures(series.HEP_UNSENT, unsent)
        yield Figures(series.HEP_TARGET_UP, {(target.name,): int(target.up) for target in targets})


def _fixed(config: Config) -> tuple[object, ...]:
    """Return what a configuration says of HEP and webhooks that is looked at when we start, and not again."""
    said = config.hep
    return said.certificate, said.certificate_key, said.send_id, said.send_key, said.send_ca, config.incidents
