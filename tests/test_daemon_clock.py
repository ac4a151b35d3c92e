"""The clock on the wall is set while we watch: what becomes of calls is as if it had not been, and what is written is by it."""

from __future__ import annotations

import io
import json
import select
import socket
import time
from random import Random
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from pcaps.make.talk import Line, lines
from sipwatch.capture import live
from sipwatch.capture.hep import HepListeners
from sipwatch.capture.live import PipeSource
from sipwatch.classify.peers import Settings
from sipwatch.config import Config
from sipwatch.daemon import Daemon
from sipwatch.export.moments import Moment
from sipwatch.packet import ETHERNET
from sipwatch.shell.hep_out import HepOut
from sipwatch.shell.log import Log
from sipwatch.shell.notify import Notifier
from sipwatch.wire import hep
from sipwatch.wire.message import Path, Transport
from tests.capture.clocks import SECOND, START, Clocks
from tests.conversation import address, message_text
from tests.stepping import HOUR, Doing, Scene, figure, frame, said, sleeps, stepped
from tests.wire import frames as f

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sipwatch.capture.tally import Frame
    from sipwatch.export.record import CallRecord

DAY = 24 * HOUR

# At 20 s there is a call of every kind: in a dialog whose session timer runs out, ringing, stuck after a 100, without any
# response, just ended, and bindings that run out.
TRAFFIC = """
1     A>P INVITE call=timer
1.1   P>A 200 call=timer h=Session-Expires:_90
1.2   A>P ACK call=timer
2     R>P REGISTER call=reg h=Expires:_60 h=Contact:_<sip:r@192.0.2.82>
2.1   P>R 200 call=reg h=Contact:_<sip:r@192.0.2.82>;expires=60
3     R>P REGISTER call=kept h=Expires:_40 h=Contact:_<sip:s@192.0.2.82>
3.1   P>R 200 call=kept h=Contact:_<sip:s@192.0.2.82>;expires=40
5     B>P INVITE call=rings
5.1   P>B 100 call=rings
6     P>B 180 call=rings
10    C>P INVITE call=ends
10.1  P>C 200 call=ends
10.2  C>P ACK call=ends
15    D>P INVITE call=stuck
15.1  P>D 100 call=stuck
17    E>P INVITE call=silent
17.5  E>P INVITE call=silent
19.95 F>P INVITE call=late
20.05 P>F 100 call=late
20.1  P>F 486 call=late
20.12 F>P ACK call=late
24    C>P BYE call=ends
24.1  P>C 200 call=ends method=BYE cseq=2
35    R>P REGISTER call=kept cseq=2 h=Expires:_40 h=Contact:_<sip:s@192.0.2.82>
35.1  P>R 200 call=kept cseq=2 h=Contact:_<sip:s@192.0.2.82>;expires=40
45    P>B 200 call=rings
45.1  B>P ACK call=rings
50    G>P INVITE call=brief
50.1  P>G 180 call=brief
52    G>P CANCEL call=brief
52.1  P>G 200 call=brief method=CANCEL
52.2  P>G 487 call=brief
52.3  G>P ACK call=brief
60    B>P BYE call=rings
60.1  P>B 200 call=rings method=BYE cseq=2
"""
SECONDS = 130.0


def in_pieces() -> list[Doing]:
    """Return an INVITE in two segments and one in two fragments, of which one comes before 20 s and the other after."""
    (one,) = lines("19.9 H>P INVITE call=segments")
    text = message_text(one)
    ends = address("H"), address("P")

    def segment(start: int, end: int) -> bytes:
        return f.ethernet(f.ipv4(f.tcp(text[start:end], 1000 + start), f.TCP, *ends, ident=start + 1))

    (other,) = lines("19.9 I>P INVITE call=fragments")
    datagram = f.ipv4(f.udp(message_text(other)), source=address("I"), destination=address("P"), ident=7)
    pieces = [f.ethernet(piece) for piece in f.fragments_v4(datagram, 128, 7)]
    first = [(19.9, segment(0, 60)), *[(19.96, piece) for piece in pieces[:-1]]]
    rest = [(20.1, segment(60, len(text))), (20.03, pieces[-1])]
    return [(at, lambda scene, data=data: scene.ring.arrive(data)) for at, data in (*first, *rest)]  # type: ignore[misc]


def copies() -> list[Doing]:
    """Return datagrams that are captured twice, on both sides of 20 s."""
    script = "\n".join(f"{19.81 + 0.02 * n:.2f} A>P OPTIONS call=ping{n} branch=z9hG4bKping{n}" for n in range(20))
    return said(script) + [(at + 0.012, do) for at, do in said(script)]


def watch(monkeypatch: pytest.MonkeyPatch, *steps: Doing) -> Scene:
    return Scene(monkeypatch, [*said(TRAFFIC), *in_pieces(), *copies(), *steps], SECONDS)


@pytest.fixture(scope="module")
def plain() -> Scene:
    """Return what happens when nobody sets the clock."""
    with pytest.MonkeyPatch.context() as patch:
        return watch(patch)


def same(one: Scene, other: Scene) -> None:
    """Hold what became of the calls, each to the nanosecond, and all that was counted, against each other."""
    assert one.calls == other.calls
    assert one.counted() == other.counted()
    assert [name for name, _ in one.raised] == [name for name, _ in other.raised]
    assert [at for _, at in one.raised] == pytest.approx([at for _, at in other.raised], abs=0.11)


def test_the_traffic_has_what_can_go_wrong(plain: Scene) -> None:
    assert {call.call_id: call.outcome for call in plain.calls} == {
        "timer": "answered", "rings": "answered", "ends": "answered", "stuck": "unfinished", "brief": "abandoned_brief",
        "silent": "not_responding", "late": "busy", "segments": "not_responding", "fragments": "not_responding",
    }  # fmt: skip
    assert {name for name, _ in plain.raised} == {"no_response", "slow_progress", "no_progress", "no_answer"}
    assert plain.events("clock_stepped") == []
    assert plain.figure("capture_clock_steps") == 0


@pytest.mark.parametrize(
    "steps",
    [
        [(20, HOUR)],
        [(20, -HOUR)],
        [(20, DAY)],
        [(20, -DAY)],
        [(8, HOUR), (40, -HOUR)],
        [(8, -HOUR), (40, HOUR)],
        [(20, HOUR), (20.4, -2 * HOUR)],
        [(20, -DAY), (20.15, DAY), (20.3, 5 * SECOND)],
        [(20, -SECOND)],
        [(20, 2 * SECOND)],
        [(20.03, -2 * SECOND)],
        [(2.05, 400 * DAY), (20, -10 * 365 * DAY)],
        [(at, by) for at in range(5, 65, 7) for by in [HOUR * (-1) ** at]],
    ],
    ids=[
        "an hour forward",
        "an hour back",
        "a day forward",
        "a day back",
        "forward and back",
        "back and forward",
        "two within a second",
        "three within a second",
        "a leap second",
        "little forward",
        "little back",
        "years",
        "again and again",
    ],
)
def test_what_becomes_of_calls_is_as_if_nobody_had_set_the_clock(
    monkeypatch: pytest.MonkeyPatch, plain: Scene, steps: list[tuple[float, int]]
) -> None:
    moved = watch(monkeypatch, *[stepped(at, by) for at, by in steps])
    same(moved, plain)
    assert moved.figure("capture_clock_steps") == len(steps)
    assert [one["seconds"] for one in moved.events("clock_stepped")] == [by / SECOND for _, by in steps]
    assert moved.daemon.engine.wall.ahead == sum(by for _, by in steps)
    assert min(moved.lag) > -0.3
    assert max(moved.lag) < 1


@pytest.mark.parametrize("seed", [1, *[pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 60)]])
def test_nor_does_it_matter_how_often_and_by_how_much(monkeypatch: pytest.MonkeyPatch, plain: Scene, seed: int) -> None:
    """Up to six steps, anywhere, from half a second to a year."""
    random = Random(seed)
    at, steps = random.uniform(0, 30), []
    for _ in range(random.randint(1, 6)):
        size = random.choice([random.uniform(0.51, 5), random.uniform(5, 1e5), random.uniform(1e5, 3e7)])
        steps.append(stepped(round(at, 3), random.choice([1, -1]) * round(size * SECOND)))
        at += random.choice([0.11, 0.3, 1, 5, 20]) * random.uniform(1, 1.5)
    moved = watch(monkeypatch, *steps)
    same(moved, plain)
    assert moved.figure("capture_clock_steps") == len(steps)


def test_a_condition_is_raised_in_time_on_a_silent_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """no_progress comes 10 s after the 100, whatever the clock does meanwhile."""
    for by in (HOUR, -HOUR):
        moved = watch(monkeypatch, stepped(18, by))
        (at,) = [at for name, at in moved.raised if name == "no_progress"]
        assert 25.1 <= at < 26.1
        (told,) = [one for one in moved.events("condition_raised") if one["condition"] == "no_progress"]
        assert told["time"] == str(Moment(START + round(25.1 * SECOND) + by))
        assert told["after_seconds"] == 10.1


def test_times_are_written_by_the_clock_as_it_is_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also those of before it was set: a call that it was set in has consistent times, and true durations."""
    moved = watch(monkeypatch, stepped(20, HOUR), stepped(55, -2 * HOUR))
    calls = {call.call_id: call for call in moved.written}
    ends, rings = calls["ends"], calls["rings"]
    assert (ends.started, ends.ended) == (START + 10 * SECOND + HOUR, START + 24 * SECOND + HOUR)
    assert (rings.started, rings.ended) == (START + 5 * SECOND - HOUR, START + 60 * SECOND - HOUR)
    assert rings.talk_seconds is not None
    assert rings.talk_seconds.seconds == 15
    assert {one.started for one in rings.legs} == {rings.started}
    assert [one.raised for one in rings.conditions] == [START + 36 * SECOND - HOUR]
    read_at = moved.figure("config_last_reload_success_timestamp_seconds")
    assert read_at == pytest.approx(time.time() - 3600, abs=100)
    assert moved.events("call_failed")[-1]["time"].startswith("2026-01-05T10:00:52.2")


def test_a_clock_that_is_set_while_the_process_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ring has been full since 4 s before; the hole is as long as it was, and nothing is concluded from it."""
    flood = said("\n".join(f"{20 + n / 10:.1f} X>Y INFO call=x{n} branch=z9hG4bKx{n}" for n in range(40)))
    doings = [*said(TRAFFIC), *flood]
    plain = Scene(monkeypatch, doings, SECONDS, stopped=(19.97, 32), room=40)
    assert len(plain.events("capture_stalled")) == 1
    for at in (21, 22, 30):
        for by in (HOUR, -HOUR, 5 * SECOND, -5 * SECOND):
            moved = Scene(monkeypatch, [*doings, stepped(at, by)], SECONDS, stopped=(19.97, 32), room=40)
            same(moved, plain)
            assert [one["seconds"] for one in moved.events("capture_stalled")] == [
                one["seconds"] for one in plain.events("capture_stalled")
            ]
            assert moved.figure("capture_clock_steps") == 1


def test_what_the_ring_has_bridged_keeps_its_times_though_the_clock_was_set_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Stopped for 12 s, with a packet every 50 ms in the ring from both sides of a step."""
    steady = said("\n".join(f"{20 + n / 20:.2f} X>Y OPTIONS call=x{n} branch=z9hG4bKx{n}" for n in range(240)))
    plain = Scene(monkeypatch, [*said(TRAFFIC), *steady], SECONDS, stopped=(20, 32))
    for by in (HOUR, -HOUR, 5 * SECOND, -5 * SECOND, -SECOND):
        doings = [*said(TRAFFIC), *steady, stepped(27.02, by)]
        moved = Scene(monkeypatch, doings, SECONDS, stopped=(20, 32))
        same(moved, plain)
        assert plain.events("capture_stalled") == []


def test_nothing_is_concluded_from_the_silence_of_a_hole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever would have been due in it, and however soon the ring is read to its end."""
    flood = said("\n".join(f"{20 + n / 10:.1f} X>Y INFO call=x{n} branch=z9hG4bKx{n}" for n in range(40)))
    with HepListeners([("udp", "127.0.0.1", 0)]) as listeners:
        for hep_too in (None, listeners):
            seen = Scene(
                monkeypatch, [*said(TRAFFIC), *flood], 34, stopped=(19.97, 32), room=40, hep=hep_too, ring=True
            )
            assert [one["seconds"] for one in seen.events("capture_stalled")] == [pytest.approx(8, abs=0.5)]
            assert [name for name, at in seen.raised if at > 20] == ["no_response"], "of 17, due in 22, before the hole"


def test_a_machine_that_slept_has_missed_what_came_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was dropped, and yet nobody has listened. Its clock was not set."""
    seen = Scene(monkeypatch, [*said(TRAFFIC), sleeps(20, 8 * HOUR)], 23)
    assert [one["seconds"] for one in seen.events("capture_stalled")] == [pytest.approx(8 * 3600, abs=0.5)]
    assert [name for name, at in seen.raised if at >= 20] == []
    assert seen.figure("capture_stalls") == 1
    assert seen.figure("capture_clock_steps") == 0
    assert seen.lag[-1] < 1


def test_slewing_is_no_step(monkeypatch: pytest.MonkeyPatch) -> None:
    def slew(scene: Scene) -> None:
        scene.clocks.ppm = 80_000  # as fast as chrony does

    moved = watch(monkeypatch, (1.5, slew))
    assert moved.figure("capture_clock_steps") == 0
    assert moved.daemon.engine.wall.ahead == 0


def test_packets_stamped_by_a_clock_that_was_wrong_between_two_turns_do_not_take_the_time_along(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    steps = [stepped(15.05, HOUR), stepped(15.15, -HOUR)]
    moved = watch(monkeypatch, *steps)
    unseen = watch(monkeypatch, stepped(15.04, HOUR), stepped(15.06, -HOUR), *said("15.05 X>P INVITE call=odd"))
    assert {call.call_id: call.outcome for call in unseen.calls if call.call_id != "odd"} == {
        call.call_id: call.outcome for call in moved.calls
    }
    assert unseen.figure("capture_clock_steps") == 0
    assert max(unseen.lag) < 1
    assert min(unseen.lag) > -0.3


# Over HEP


def reported(script: str, listeners: HepListeners, clock: Callable[[Scene], int]) -> list[Doing]:
    """Let an agent report a conversation; ``clock`` is the agent's."""
    (listener,) = listeners.listeners

    def reports(line: Line) -> Callable[[Scene], None]:
        key = address(line.source) + address(line.destination) + f.ports(5060, 5060)
        text = message_text(line)

        def report(scene: Scene) -> None:
            packet = hep.encode(clock(scene), Path(key, Transport.UDP), text, hep.Agent(7))
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as agent:
                agent.bind(("127.0.0.1", 0))
                agent.sendto(packet, ("127.0.0.1", listener.port))

        return report

    return [(float(line.time), reports(line)) for line in lines(script)]


def over_hep(monkeypatch: pytest.MonkeyPatch, clock: Callable[[Scene], int], *steps: Doing) -> Scene:
    with HepListeners([("udp", "127.0.0.1", 0)]) as listeners:
        doings = [*reported(TRAFFIC, listeners, clock), *reported(STEADY, listeners, clock), *steps]
        return Scene(monkeypatch, doings, SECONDS, hep=listeners)


# So that there is something to measure clocks by at once.
STEADY = "\n".join(f"{n / 5 + 0.01:.2f} X>Y OPTIONS call=o{n} branch=z9hG4bKo{n}" for n in range(600))


def skew(scene: Scene) -> float:
    return scene.figure("hep_clock_skew_seconds")


def whole(scene: Scene) -> dict[tuple[str, ...], float]:
    """Return what was counted; delays are as exact as the times at which an agent's first messages after a step come."""
    return {key: count for key, count in scene.counted().items() if "_seconds" not in key[0]}


def test_when_our_clock_is_set_what_agents_report_keeps_its_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the agent's clock, which is a minute ahead of ours, is an hour and a minute ahead of what ours shows now."""

    def ahead(scene: Scene) -> int:
        return scene.clocks.now + 60 * SECOND

    plain = over_hep(monkeypatch, ahead)
    assert len(plain.calls) == 7
    assert skew(plain) == pytest.approx(60, abs=0.1)
    for by in (HOUR, -HOUR, DAY, SECOND):
        moved = over_hep(monkeypatch, ahead, stepped(20, by))
        same(moved, plain)
        assert moved.figure("late_messages") == 0
        assert skew(moved) == pytest.approx(60 - by / SECOND, abs=0.1)
        assert moved.figure("hep_node_last_seen_timestamp_seconds") == pytest.approx(
            plain.figure("hep_node_last_seen_timestamp_seconds") + by / SECOND
        )
        assert moved.figure("capture_clock_steps") == 1


def test_when_an_agents_clock_is_set_it_is_followed_within_three_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = over_hep(monkeypatch, lambda scene: scene.clocks.now)
    for by in (HOUR, -HOUR, -5 * SECOND):
        moved = over_hep(monkeypatch, lambda scene, by=by: scene.clocks.now + by * (scene.seconds >= 20))  # type: ignore[misc]
        assert {call.call_id: call.outcome for call in moved.calls} == {
            call.call_id: call.outcome for call in plain.calls
        }
        assert whole(moved) == whole(plain)
        assert [name for name, _ in moved.raised] == [name for name, _ in plain.raised]
        assert moved.figure("late_messages") <= 2
        assert skew(moved) == pytest.approx(by / SECOND, abs=0.1)
        assert moved.figure("capture_clock_steps") == 0, "it was not ours"


def test_both_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """One time server has set both machines: the difference between them is what it was."""
    plain = over_hep(monkeypatch, lambda scene: scene.clocks.now)
    moved = over_hep(monkeypatch, lambda scene: scene.clocks.wall, stepped(20, -HOUR))
    assert whole(moved) == whole(plain)
    assert skew(moved) == pytest.approx(0, abs=0.1)
    assert moved.figure("late_messages") <= 2


def test_what_is_sent_on_is_sent_with_the_time_of_the_clock_as_it_is_now(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as homer:
        homer.bind(("127.0.0.1", 0))
        homer.settimeout(20)
        out = HepOut([("udp", *homer.getsockname())], hep.Agent(9), None, Log(io.StringIO(), "json", lambda: 0.0))
        out.start()
        Scene(monkeypatch, [*said(TRAFFIC), stepped(20, HOUR)], SECONDS, out=out)
        out.stop()
        times = {}
        for line in lines(TRAFFIC):
            found = hep.decode(homer.recv(65_535))
            assert isinstance(found, hep.Encapsulated)
            times[float(line.time)] = (found.time - START) / SECOND
    assert times == {at: at + 3600 * (at > 19.9) for at in times}, "what is read after the step is told by its clock"


# The clock of another machine, from which a pipe comes


class Written:
    """Packets as another machine writes them into a pipe, whose clock is set: ``steps`` are when and by how much."""

    warnings: tuple[str, ...] = ()
    files = ("-",)
    packets = 0

    def __init__(self, clocks: Clocks, *steps: tuple[float, int]) -> None:
        self.source: PipeSource | None = None
        self._clocks = clocks
        self._script = sorted([*lines(TRAFFIC), *lines(STEADY)], key=lambda line: float(line.time))
        self._steps = steps
        self._next = 0

    def __iter__(self) -> Iterator[Frame]:
        assert self.source is not None
        for line in self._script:
            self._next = START + round(float(line.time) * SECOND)
            self.source._wait(0)
            by = sum(by for at, by in self._steps if START + at * SECOND <= self._next)
            yield self._next + by, ETHERNET, frame(line.source, line.destination, message_text(line))

    def poll(self, _: int) -> list[tuple[int, int]]:
        """Let a tick pass, or less until the next packet comes."""
        self._clocks.go(min(SECOND // 10, self._next - self._clocks.now))
        return [(0, 1)] if self._clocks.now >= self._next else []

    def register(self, *_: int) -> None: ...

    def close(self) -> None: ...


class Piped:
    """A daemon that reads what is written."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *steps: tuple[float, int]) -> None:
        self.calls: list[CallRecord] = []
        self._out = io.StringIO()
        clocks = Clocks().rule(monkeypatch)
        written = Written(clocks, *steps)
        monkeypatch.setattr(live, "CaptureSource", lambda *_, **__: written)
        monkeypatch.setattr(live, "select", SimpleNamespace(poll=lambda: written, POLLIN=select.POLLIN))
        with PipeSource("-") as source:
            written.source = source
            log = Log(self._out, "json", lambda: clocks.wall / SECOND)
            self.daemon = Daemon(source, Config(Settings()), None, log, Notifier({}))
            self.daemon.engine._handover._sink = self._take
            self.daemon.run()

    def _take(self, record: CallRecord, _: bool) -> None:
        self.calls.append(record)

    @property
    def outcomes(self) -> dict[str, tuple[str, list[str], str]]:
        return {
            call.call_id: (call.outcome, [one.kind for one in call.conditions], str(call.talk_seconds))
            for call in self.calls
        }

    @property
    def steps(self) -> list[float]:
        found = [json.loads(line) for line in self._out.getvalue().splitlines()]
        return [one["seconds"] for one in found if one["event"] == "clock_stepped"]


@pytest.mark.parametrize("by", [-HOUR, -DAY, -30 * SECOND])
def test_when_the_clock_of_a_pipes_writer_is_set_back_time_goes_on(monkeypatch: pytest.MonkeyPatch, by: int) -> None:
    plain = Piped(monkeypatch)
    assert plain.steps == []
    moved = Piped(monkeypatch, (20, by))
    assert moved.outcomes == plain.outcomes
    assert moved.steps == pytest.approx([by / SECOND], abs=0.3)
    assert figure(moved.daemon, "clock_lag_seconds") == pytest.approx(-by / SECOND, abs=1)
    read_at = figure(moved.daemon, "config_last_reload_success_timestamp_seconds")
    assert read_at == pytest.approx(time.time(), abs=100), "our own clock was not set"


def test_forward_and_back_of_a_pipes_writer_is_a_gap_and_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was open when it went forward is taken to have waited for so long: nobody can know better."""
    moved = Piped(monkeypatch, (63, HOUR), (80, -HOUR))
    assert moved.steps == pytest.approx([-3600], abs=0.3)
    assert len(moved.calls) == len(Piped(monkeypatch).calls)
