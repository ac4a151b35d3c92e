"""A pipe as a live source: packets as they are written, time while nothing is, and its end."""

from __future__ import annotations

import io
import itertools
import os
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from sipwatch.capture import live
from sipwatch.capture.errors import CaptureError
from sipwatch.capture.live import TICK, PipeSource
from tests.capture.builders import pcap, pcapng
from tests.capture.watched import LONG, Watched, descriptors, in_steps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
LATER = 900 * SECOND  # longer than any test takes
HEAD = pcap([])


def record(number: int, at: int = START) -> bytes:
    return pcap([(at, 1, b"sip:%d@" % number)])[len(HEAD) :]


class Fifo:
    """A FIFO, whose writing end is held by the test."""

    def __init__(self, path: str) -> None:
        os.mkfifo(path)
        self.path = path
        self._end: int | None = os.open(path, os.O_RDWR)  # one who may read as well is not waited for

    def write(self, data: bytes) -> None:
        assert self._end is not None
        assert os.write(self._end, data) == len(data)

    def hang_up(self) -> None:
        if self._end is not None:
            os.close(self._end)
            self._end = None


@pytest.fixture
def fifo(tmp_path: Path) -> Iterator[Fifo]:
    fifo = Fifo(str(tmp_path / "fifo"))
    yield fifo
    fifo.hang_up()


def test_packets_are_given_as_they_are_written(fifo: Fifo) -> None:
    def written(number: int) -> Callable[[Watched], None]:
        return lambda _: fifo.write(record(number, START + number * LATER))

    def given(number: int) -> Callable[[Watched], bool]:
        return lambda watched: watched.numbers() == list(range(1, number + 1))

    steps: list[Callable[[Watched], bool | None]] = [lambda _: fifo.write(HEAD)]
    for number in range(1, 6):
        steps += [written(number), given(number)]
    with PipeSource(fifo.path) as source:
        watched = Watched(source, in_steps(*steps))
        assert source.files.packets == 5
    assert [frame[0] for frame in watched.frames] == [START + number * LATER for number in range(1, 6)]


def test_standard_input_is_a_pipe_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as stdin, os.fdopen(writing, "wb") as pipe:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(stdin))
        pipe.write(HEAD + record(1))
        pipe.flush()
        with PipeSource("-") as source:
            watched = Watched(source, lambda watched: bool(watched.frames))
    assert watched.numbers() == [1]


def test_the_end_of_the_pipe_is_the_end(fifo: Fifo) -> None:
    fifo.write(HEAD + record(1))
    with PipeSource(fifo.path) as source:
        fifo.hang_up()
        watched = Watched(source, lambda _: False)
        assert source.files.warnings == []
    assert watched.numbers() == [1]


def test_a_packet_cut_off_by_the_end_is_told_and_those_before_it_stand(fifo: Fifo) -> None:
    fifo.write(HEAD + record(1) + record(2)[:-3])
    with PipeSource(fifo.path) as source:
        fifo.hang_up()
        watched = Watched(source, lambda _: False)
        assert source.files.warnings == [
            f"cut off in the middle of a record after packet 1, reported up to there: {fifo.path}"
        ]
    assert watched.numbers() == [1]


def test_on_a_silent_pipe_time_passes_from_the_latest_packet_on(fifo: Fifo) -> None:
    """At another machine's time, as long as it passes here, less what the writer may hold back."""
    fifo.write(HEAD + record(1, START - SECOND) + record(2))
    began = time.monotonic_ns()
    with PipeSource(fifo.path) as source:
        watched = Watched(source, lambda watched: watched.horizons[-1] > START + 3 * TICK * 1_000_000)
    passed = time.monotonic_ns() - began
    later = [horizon for horizon in watched.horizons if horizon]
    assert all(a < b for a, b in itertools.pairwise(later))
    assert START < later[0] < later[-1] <= START + passed - live._PIPE_MARGIN
    assert len(later) >= 3


def test_a_timer_is_less_than_a_second_late_on_a_silent_pipe() -> None:
    assert live._PIPE_MARGIN + TICK * 1_000_000 < SECOND


def test_one_that_comes_much_too_late_does_not_stop_the_time(fifo: Fifo) -> None:
    fifo.write(HEAD + record(1) + record(2, START - LATER))
    with PipeSource(fifo.path) as source:
        watched = Watched(source, lambda watched: watched.horizons[-1] > START)
    assert [frame[0] for frame in watched.frames] == [START, START - LATER]
    assert watched.steps == []


def test_before_the_first_packet_there_is_no_time(fifo: Fifo) -> None:
    fifo.write(HEAD)
    with PipeSource(fifo.path) as source:
        watched = Watched(source, lambda watched: len(watched.horizons) >= 12)
    assert set(watched.horizons) == {0}


def test_a_packet_that_comes_in_pieces_does_not_stop_the_time(fifo: Fifo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "_PIPE_MARGIN", 0)
    pieces = [record(2, START + LATER)[n : n + 1] for n in range(len(record(2)))]
    fifo.write(HEAD + record(1))
    written = [time.monotonic()]

    def dribble(watched: Watched) -> bool:
        """Write a byte each time that nothing came for a while."""
        if watched.horizons[-1] >= START + 5 * TICK * 1_000_000:
            return True
        if time.monotonic() - written[-1] > TICK / 1000 / 2:
            assert len(pieces) > 1, "the packet was there before its time had passed"
            fifo.write(pieces.pop(0))
            written.append(time.monotonic())
        return False

    with PipeSource(fifo.path) as source:
        watched = Watched(
            source,
            in_steps(
                lambda watched: bool(watched.frames),
                dribble,
                lambda watched: watched.numbers() == [1],
                lambda _: fifo.write(b"".join(pieces)),
                lambda watched: watched.numbers() == [1, 2],
            ),
        )
    assert len(written) > 3
    assert watched.horizons[-1] >= START + LATER, "it is counted from the next packet on"


def test_somebody_wakes_a_pipe(fifo: Fifo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "TICK", LONG)
    fifo.write(HEAD + record(1))
    asked = threading.Event()
    with PipeSource(fifo.path) as source:

        def wake() -> None:
            asked.set()
            source.waker.wake()

        timer = threading.Timer(0.05, wake)
        timer.start()
        watched = Watched(source, lambda _: asked.is_set())
        timer.join()
    assert watched.numbers() in ([1], [])


def test_a_pipe_that_was_woken_once_turns_once(fifo: Fifo) -> None:
    fifo.write(HEAD)
    with PipeSource(fifo.path) as source:
        source.waker.wake()
        started = time.monotonic()
        Watched(source, lambda watched: len(watched.horizons) >= 6)
    assert time.monotonic() - started > 3 * TICK / 1000 * 0.9


def test_pcapng_is_given_as_it_is_written(fifo: Fifo) -> None:
    whole = pcapng([(START, 1, b"sip:1@"), (START + LATER, 1, b"sip:2@")])
    with PipeSource(fifo.path) as source:
        watched = Watched(
            source,
            in_steps(
                lambda _: fifo.write(whole[:-40]),
                lambda watched: watched.numbers() == [1],
                lambda _: fifo.write(whole[-40:]),
                lambda watched: watched.numbers() == [1, 2],
            ),
        )
    assert [link_type for _, link_type, _ in watched.frames] == [1, 1]


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"GET / HTTP/1.1\r\n\r\n" * 20, "text"), (b"", "empty"), (HEAD[:9], "ends inside its own header")],
    ids=["text", "nothing", "half-a-header"],
)
def test_what_is_no_capture_is_said_to_be_none(fifo: Fifo, content: bytes, words: str) -> None:
    with PipeSource(fifo.path) as source:
        fifo.write(content)
        fifo.hang_up()
        with pytest.raises(CaptureError, match=words):
            Watched(source, lambda _: False)


def test_a_pipe_that_is_not_there_leaves_nothing_open(tmp_path: Path) -> None:
    before = descriptors()
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(CaptureError):
            PipeSource(str(path))
    assert descriptors() == before


def test_a_closed_pipe_leaves_nothing_open(fifo: Fifo) -> None:
    before = descriptors()
    fifo.write(HEAD + record(1))
    with PipeSource(fifo.path) as source:
        Watched(source, lambda watched: bool(watched.frames))
    source.close()
    assert descriptors() == before
