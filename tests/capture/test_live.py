"""Live sources: several interfaces in time order, time on a silent line, somebody who wakes us."""

from __future__ import annotations

import itertools
import os
import select
import signal
import threading
import time
from random import Random
from typing import TYPE_CHECKING, cast

import pytest

from sipwatch.capture import live
from sipwatch.capture.bpf import WantedPackets, program
from sipwatch.capture.errors import CaptureError
from sipwatch.capture.live import MARGIN, TICK, InterfaceSource, Waker
from sipwatch.capture.ring import BLOCK
from sipwatch.capture.steps import Steps
from sipwatch.wire.decoder import Decoder
from sipwatch.wire.message import Request
from tests.capture.clocks import Clocks
from tests.capture.private_network import connect, ip, listeners, make_pair, private_network, send, send_from_two
from tests.capture.watched import LONG, Watched, descriptors, in_steps

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sipwatch.capture.ring import Ring
    from sipwatch.capture.tally import Frame

SECOND = 1_000_000_000
PROGRAM = program(WantedPackets())
SIZE = 16 * BLOCK
INVITE = b"INVITE sip:%d@b SIP/2.0\r\n\r\n"


@pytest.fixture
def network() -> Iterator[None]:
    """Run in a network namespace of this test's own, with a pair of interfaces, one and two."""
    with private_network(), listeners(5060, 4789):
        yield


@pytest.fixture
def opened(network: None, request: pytest.FixtureRequest) -> Iterator[InterfaceSource]:
    """Open the interfaces that the test's parameter names."""
    with InterfaceSource(request.param, PROGRAM, SIZE) as source:
        yield source


def on(*names: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("opened", [names], indirect=True, ids=["-".join(names)])


@on("lo", "two")
def test_packets_of_several_interfaces_come_in_the_order_of_their_times(opened: InterfaceSource) -> None:
    random = Random(1)
    for number in range(400):
        random.choice([send, send_from_two])(INVITE % number)
    watched = Watched(opened, lambda watched: len(watched.frames) >= 400)
    assert watched.numbers() == list(range(400))
    assert all(a[0] <= b[0] for a, b in itertools.pairwise(watched.frames))
    assert [ring.packets for ring in opened.rings] == [
        sum(data[:6] == bytes(6) for _, _, data in watched.frames),
        sum(data[:6] == b"\xff" * 6 for _, _, data in watched.frames),
    ]


@on("lo", "one")
def test_a_backlog_of_one_interface_holds_the_others_back(opened: InterfaceSource) -> None:
    """More than is read at once waits in one ring: what came later on the other one is given later."""
    large = b"x" * 30_000
    for number in range(40):  # nine blocks
        send(INVITE % number + large)
    send_from_two(INVITE % 40)
    watched = Watched(opened, lambda watched: len(watched.frames) >= 41)
    assert watched.numbers() == list(range(41))


@on("any", "lo")
def test_an_interface_named_beside_all_is_seen_twice_and_decoded_once(opened: InterfaceSource) -> None:
    send(INVITE % 1)
    watched = Watched(opened, lambda watched: len(watched.frames) >= 2)
    assert [ring.packets for ring in opened.rings] == [1, 1]
    decoder = Decoder()
    items = [item for frame in watched.frames for item in decoder.frame(*frame)]
    assert [isinstance(item, Request) for item in items] == [True, False]


@on("lo", "one")
def test_on_a_silent_line_time_passes_tick_by_tick(opened: InterfaceSource) -> None:
    started, before = time.monotonic(), time.time_ns()
    watched = Watched(opened, lambda watched: len(watched.horizons) >= 6)
    assert time.monotonic() - started > 5 * TICK / 1000 * 0.9, "it waits in between"
    assert all(a < b for a, b in itertools.pairwise(watched.horizons))
    assert before - MARGIN < watched.horizons[0]
    assert watched.horizons[-1] <= time.time_ns() - MARGIN
    assert watched.frames == []


@on("lo")
def test_however_much_waits_there_is_time_for_others_after_each_block(opened: InterfaceSource) -> None:
    large = b"x" * 30_000
    for number in range(40):  # ten blocks
        send(INVITE % number + large)
    seen: list[int] = []

    def step(watched: Watched) -> bool:
        seen.append(len(watched.frames))
        return len(watched.frames) >= 40

    Watched(opened, step)
    assert max(after - before for before, after in itertools.pairwise([0, *seen])) <= BLOCK // 30_000


@on("lo")
def test_one_interface_alone_is_not_held_back(opened: InterfaceSource) -> None:
    send(INVITE % 1)
    watched = Watched(opened, lambda watched: bool(watched.frames))
    assert watched.horizons[-1] < watched.frames[0][0], "given before its time has passed for certain"


@on("lo")
def test_another_thread_wakes_it(opened: InterfaceSource, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "TICK", LONG)
    asked = threading.Event()

    def wake() -> None:
        asked.set()
        opened.waker.wake()

    timer = threading.Timer(0.05, wake)
    timer.start()
    watched = Watched(opened, lambda _: asked.is_set())
    timer.join()
    assert len(watched.horizons) == 1


@on("lo")
def test_woken_once_it_turns_once(opened: InterfaceSource) -> None:
    opened.waker.wake()
    started = time.monotonic()
    Watched(opened, lambda watched: len(watched.horizons) >= 5)
    assert time.monotonic() - started > 4 * TICK / 1000 * 0.9


@on("lo")
def test_a_signal_handler_wakes_it(opened: InterfaceSource, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "TICK", LONG)
    heard: list[int] = []

    def handler(number: int, _: object) -> None:
        heard.append(number)
        opened.waker.wake()

    former = signal.signal(signal.SIGUSR1, handler)
    timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGUSR1))
    try:
        timer.start()
        Watched(opened, lambda _: bool(heard))
    finally:
        timer.join()
        signal.signal(signal.SIGUSR1, former)
    assert heard == [signal.SIGUSR1]


def test_waking_is_never_too_much() -> None:
    """Nobody rests while a thousand wake; and those who wake after the end do no harm."""
    waker = Waker()
    for _ in range(100_000):
        waker.wake()
    assert select.select([waker], [], [], 0)[0] == [waker]
    waker.rest()
    assert select.select([waker], [], [], 0)[0] == []
    waker.close()
    waker.wake()


@on("one", "lo")
def test_an_interface_that_goes_down_and_comes_back_is_told_at_once_and_captured_again(opened: InterfaceSource) -> None:
    turns: list[int] = []

    def mark(watched: Watched) -> bool:
        turns.append(len(watched.horizons))
        return True

    def go_down(watched: Watched) -> None:
        mark(watched)
        ip("link set one down")

    watched = Watched(
        opened,
        in_steps(
            go_down,
            lambda watched: watched.changes == [("one", False)] and mark(watched),
            lambda watched: watched.horizons[-1] - watched.horizons[turns[1]] > 6 * TICK * 1_000_000,
            mark,
            lambda _: connect(),
            lambda watched: watched.changes == [("one", False), ("one", True)],
            lambda _: send_from_two(INVITE % 7),
            lambda watched: watched.numbers() == [7],
        ),
    )
    assert turns[1] == turns[0] + 1, "the next turn tells"
    assert turns[2] - turns[1] < 20, "it does not turn on the spot while it is down"
    assert [ring.up for ring in opened.rings] == [True, True]
    assert watched.numbers() == [7]


@on("one")
def test_an_interface_that_vanishes_and_is_made_again_is_told_and_captured_again(opened: InterfaceSource) -> None:
    watched = Watched(
        opened,
        in_steps(
            lambda _: ip("link delete one"),
            lambda watched: watched.changes == [("one", False)],
            lambda _: make_pair(),
            lambda watched: watched.changes == [("one", False), ("one", True)],
            lambda _: send_from_two(INVITE % 7),
            lambda watched: watched.numbers() == [7],
        ),
    )
    assert watched.changes == [("one", False), ("one", True)]


@on("one")
def test_one_that_was_gone_for_a_moment_is_told_as_well(opened: InterfaceSource) -> None:
    def replace(_: Watched) -> None:
        ip("link delete one")
        make_pair()

    watched = Watched(opened, in_steps(replace, lambda watched: len(watched.changes) == 2))
    assert watched.changes == [("one", False), ("one", True)]


@on("lo", "any")
def test_another_filter_is_taken_over_while_it_runs(opened: InterfaceSource) -> None:
    wrapped = b"\x08\0\0\0\0\0\1\0 sip:%d@"
    Watched(
        opened,
        in_steps(
            lambda _: send(wrapped % 1, 4789),
            lambda _: send(INVITE % 2),
            lambda watched: watched.numbers() == [2, 2],
            lambda _: opened.filter(program(WantedPackets(tunnels=("vxlan",)))),
            lambda _: send(wrapped % 3, 4789),
            lambda watched: watched.numbers() == [2, 2, 3, 3],
        ),
    )


@on("lo")
def test_what_found_no_room_is_counted_while_it_runs(opened: InterfaceSource) -> None:
    payload = INVITE % 1 + bytes(20_000)
    sent = 2 * SIZE // len(payload)

    def burst(_: Watched) -> None:
        for _number in range(sent):
            send(payload)

    (ring,) = opened.rings
    watched = Watched(opened, in_steps(burst, lambda _: ring.packets + ring.dropped == sent))
    assert 0 < ring.dropped < sent
    assert len(watched.frames) == ring.packets


def test_closing_gives_every_descriptor_back(network: None) -> None:
    before = descriptors()
    with InterfaceSource(["lo", "one", "any"], PROGRAM, SIZE) as source:
        assert descriptors() > before
    source.close()
    assert descriptors() == before


def test_one_that_cannot_be_opened_closes_those_that_were(network: None) -> None:
    before = descriptors()
    with pytest.raises(CaptureError, match="eth9: no such interface"):
        InterfaceSource(["lo", "eth9"], PROGRAM, SIZE)
    assert descriptors() == before


# The merge, with rings that do as they are told


class Told:
    """A ring that gives what a script says: at each reading some frames, and whether they were all there were."""

    def __init__(self, script: list[tuple[list[int], bool]], drops: int = 0) -> None:
        self._script = script
        self._drops = drops
        self.dropped = 0
        self.up = True
        self.name = "told"

    def read(self, blocks: int) -> tuple[list[Frame], bool]:
        times, all_of_it = self._script.pop(0) if self._script else ([], True)
        return [(time, 1, b"INVITE sip:%d@" % time) for time in times], all_of_it

    def count_drops(self) -> None:
        self.dropped = self._drops

    def follow(self) -> None: ...

    def close(self) -> None: ...


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Set the time at each turn; the last one stays."""
    times: list[int] = []
    monkeypatch.setattr(live, "TICK", 0)
    clocks = Clocks(100 * SECOND).rule(monkeypatch)

    def wait(_: InterfaceSource) -> bool:
        clocks.now = times.pop(0) if len(times) > 1 else times[0]
        return False

    monkeypatch.setattr(InterfaceSource, "_wait", wait)
    return times


def merged(*scripts: list[tuple[list[int], bool]]) -> InterfaceSource:
    return told(*[Told(list(script)) for script in scripts])


def told(*rings: Told) -> InterfaceSource:
    source = InterfaceSource([], PROGRAM, SIZE)
    source.rings = cast("list[Ring]", list(rings))
    source.steps = Steps(len(rings))
    return source


def test_a_packet_is_held_until_no_other_interface_can_have_an_older_one(clock: list[int]) -> None:
    clock += [t * SECOND for t in (100, 101, 102)]
    first = 100 * SECOND
    with merged([([first], True)], [([], True), ([first - 1], True)]) as source:
        watched = Watched(source, lambda watched: len(watched.horizons) >= 3)
    assert watched.numbers() == [first - 1, first]
    assert watched.horizons == [t - MARGIN for t in (100 * SECOND, 101 * SECOND, 102 * SECOND)]


def test_time_does_not_pass_beyond_what_waits_in_a_ring(clock: list[int]) -> None:
    clock += [100 * SECOND]
    with merged([([SECOND, 2 * SECOND], False), ([3 * SECOND], True)], [([9 * SECOND], True)]) as source:
        watched = Watched(source, lambda watched: len(watched.horizons) >= 2)
    assert watched.numbers() == [SECOND, 2 * SECOND, 3 * SECOND, 9 * SECOND]
    assert watched.horizons == [2 * SECOND, 100 * SECOND - MARGIN]


def test_packets_that_two_processors_wrote_out_of_order_are_put_in_order(clock: list[int]) -> None:
    clock += [100 * SECOND]
    with merged([([7, 5, 6], True)]) as source:
        watched = Watched(source, lambda _: True)
    assert watched.numbers() == [5, 6, 7]


def test_what_was_stamped_by_a_clock_that_was_wrong_for_a_moment_is_taken_at_the_time_it_is_read(
    clock: list[int],
) -> None:
    """Nobody has seen that it was. What is from the future would else take the time with it."""
    clock += [100 * SECOND, 101 * SECOND, 102 * SECOND]
    with merged([([3700 * SECOND], True), ([101 * SECOND - 1], True)], []) as source:
        watched = Watched(source, lambda watched: len(watched.horizons) >= 3)
    assert [frame[0] for frame in watched.frames] == [100 * SECOND, 101 * SECOND - 1]
    assert watched.steps == []


# A process that stood still


def stood_still(ring: Told) -> Watched:
    """Run with a first turn that took half a minute, so that it is 130 s by the clock of the packets."""
    with told(ring) as source:
        return Watched(source, lambda watched: len(watched.horizons) >= 3)


def test_a_hole_is_told_between_the_frames_from_before_it_and_those_behind(
    monkeypatch: pytest.MonkeyPatch, clock: list[int]
) -> None:
    """The ring holds what came before it was full; the hole is from there on until the process goes on."""
    clock += [t * SECOND for t in (130, 131, 132)]
    script = [([100 * SECOND, 102 * SECOND], False), ([103 * SECOND, 131 * SECOND], True)]
    watched = stood_still(Told(script, drops=7))
    assert watched.numbers() == [t * SECOND for t in (100, 102, 103, 131)]
    assert watched.holes == [(103 * SECOND, 130 * SECOND, 3)]


def test_a_hole_is_told_on_a_line_that_stays_silent_behind_it(
    monkeypatch: pytest.MonkeyPatch, clock: list[int]
) -> None:
    clock += [t * SECOND for t in (130, 131, 132)]
    watched = stood_still(Told([([100 * SECOND], True)], drops=7))
    assert watched.holes == [(100 * SECOND, 130 * SECOND, 1)]


def test_a_stall_that_the_ring_has_bridged_leaves_no_hole(monkeypatch: pytest.MonkeyPatch, clock: list[int]) -> None:
    clock += [t * SECOND for t in (130, 131, 132)]
    assert stood_still(Told([([100 * SECOND, 129 * SECOND], True)])).holes == []


def test_what_was_dropped_before_a_stall_makes_no_hole_of_it(monkeypatch: pytest.MonkeyPatch, clock: list[int]) -> None:
    """Too much to do is another thing than to stand still: conclusions stay."""
    clock += [t * SECOND for t in (130, 131, 132)]
    ring = Told([([100 * SECOND], True)], drops=7)
    ring.count_drops()
    assert stood_still(ring).holes == []
