"""The store of a real process: killed at any moment, on a disk that is full, while it is read."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from pcaps.make.talk import lines
from sipwatch.capture.write import Saved, capture_file
from sipwatch.engine import Engine
from sipwatch.evidence import fresh
from sipwatch.packet import ETHERNET, SECOND
from tests.cli.program import COMMAND, ENVIRONMENT, run
from tests.conversation import message_text, path
from tests.e2e.process import Running, until
from tests.track.registering import said

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow

RATE = 200  # calls a second of the clock on the wall
PACE = 10  # so much faster passes packet time: what lingers is over soon
SCRIPT = "0 A>P INVITE call={n}\n0.1 P>A 100 call={n}\n0.5 P>A 486 call={n}\n0.6 A>P ACK ttag=callee call={n}\n"
REGISTER = "0 A>P REGISTER call=r{n} aor=p{phone}\n0.1 P>A 403 call=r{n} aor=p{phone}\n"
PHONES = 50
START = 1_767_603_600 * SECOND
PATIENT = 60


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that whoever root becomes can reach, too."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


class Load(NamedTuple):
    """Frames in order, and for each call when, by packet time, a reader of them knows that it is over.

    Beside each call somebody is refused who wants to register: ``refused`` is when.
    """

    frames: list[Saved]
    over: list[tuple[int, str]]
    refused: list[int]


def load(calls: int) -> Load:
    frames, refused = [], []
    for number in range(calls):
        register = said(REGISTER.replace("{n}", str(number)).replace("{phone}", str(number % PHONES)))
        for message in register:
            at = message.time + number * SECOND * PACE // RATE
            frame = fresh.udp(message.path.key, message.raw)
            frames.append(Saved(at, ETHERNET, frame, len(frame)))
        refused.append(at)
        for line in lines(SCRIPT.replace("{n}", f"c{number}")):
            at = START + number * SECOND * PACE // RATE + int(float(line.time) * SECOND)
            frame = fresh.udp(path(line.source, line.destination).key, message_text(line))
            frames.append(Saved(at, ETHERNET, frame, len(frame)))
    frames.sort()
    over: list[tuple[int, str]] = []
    engine = Engine(lambda record, _: over.append((engine.tracker.now, record.id)))
    engine.run((frame.time, frame.link_type, frame.data) for frame in frames)
    return Load(frames, over, refused)


class Fed:
    """``sipwatch live`` at the end of a pipe into which frames are written at their pace."""

    def __init__(self, folder: Path, frames: list[Saved], store: Path | None = None) -> None:
        self.store = store or folder / "store"
        command = [*COMMAND, "live", "-r", "-", "--listen", "127.0.0.1:0", "--store", str(self.store)]
        self.running = Running(command, folder / "log", stdin=subprocess.PIPE, env=ENVIRONMENT)
        self.written: list[tuple[float, int]] = []
        self._frames = frames
        self._stopping = False
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()

    def _write(self) -> None:
        pipe = self.running.process.stdin
        assert pipe is not None
        try:
            pipe.write(capture_file([]))
            begin, first = time.monotonic(), self._frames[0].time
            for frame in self._frames:
                ahead = (frame.time - first) / SECOND / PACE - (time.monotonic() - begin)
                if ahead > 0.01:
                    pipe.flush()
                    time.sleep(ahead)
                if self._stopping:
                    break
                pipe.write(capture_file([frame])[24:])
                self.written.append((time.monotonic(), frame.time))
        except OSError:
            pass  # it was killed
        with contextlib.suppress(OSError):
            pipe.close()

    def stop(self) -> None:
        self._stopping = True
        self._thread.join(PATIENT)

    def passed(self, at: float) -> int:
        """Return up to which packet time everything had been written by then."""
        return max((packet for wall, packet in self.written if wall <= at), default=0)


def stored(folder: Path) -> list[str]:
    """Return the ids of what is in every file, all of which have to open and be whole."""
    found: list[str] = []
    for file in sorted(folder.glob("*.sqlite")):
        connection = sqlite3.connect(file)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        if ".calls." in file.name:
            found += [row[0] for row in connection.execute("SELECT id FROM calls ORDER BY number")]
            assert connection.execute("SELECT sum(calls) FROM hours").fetchone()[0] in (
                len(found),
                None if not found else -1,
            )
        connection.close()
    return found


def registered(folder: Path) -> int:
    """Return how many attempts to register are in every file: as many in sums as with devices, each known again."""
    found = 0
    for file in folder.glob("*.calls.sqlite"):
        connection = sqlite3.connect(file)
        [(counted,)] = connection.execute("SELECT ifnull(sum(attempts), 0) FROM register_hours")
        assert connection.execute("SELECT ifnull(sum(refused), 0) FROM registrations").fetchall() == [(counted,)]
        assert connection.execute("SELECT count(*) FROM register_seen").fetchall() == [(counted,)]
        assert connection.execute("SELECT seen FROM register_count").fetchall() == [(counted,)]
        found += counted
        connection.close()
    return found


@pytest.mark.parametrize("seed", range(10))
def test_killed_at_any_moment_it_has_all_but_the_last_two_seconds(place: Path, seed: int) -> None:
    """Every file opens; what is in them is what was over first, without a hole."""
    chance = random.Random(seed)
    made = load(RATE * 12)
    fed = Fed(place, made.frames)
    store = fed.store
    fed.running.ready(lambda: list(fed.store.glob("*.calls.sqlite")), PATIENT, "the first calls are stored")
    time.sleep(chance.uniform(0.0, 3.0))  # any moment is as good as any other
    killed = time.monotonic()
    fed.running.signal(signal.SIGKILL)
    fed.running.wait(PATIENT)
    fed.stop()
    found = stored(store)
    order = [record_id for _, record_id in made.over]
    assert found == order[: len(found)]
    due = fed.passed(killed - 2)
    assert len(found) >= sum(at <= due for at, _ in made.over)
    assert registered(store) >= sum(at <= due for at in made.refused)
    with Running(
        [*COMMAND, "live", "-r", os.devnull, "--listen", "127.0.0.1:0", "--store", str(store)],
        place / "again",
        env=ENVIRONMENT,
    ) as again:
        again.wait(PATIENT)
    assert not (store / "spool").exists()


def test_what_is_stored_can_be_asked_for_while_it_is_written(place: Path) -> None:
    """And when it ends, everything is there, what was open as well."""
    made = load(RATE * 3)
    fed = Fed(place, made.frames)

    def asked() -> int:
        if not list(fed.store.glob("*.calls.sqlite")):
            return 0
        return len(run("calls", "--store", fed.store, "--format", "jsonl").stdout.splitlines())

    seen = until(asked, PATIENT, "some calls are stored", fed.running.said)
    assert seen < RATE * 3
    fed.running.wait(PATIENT)
    fed.stop()
    assert asked() == RATE * 3
    found = [
        json.loads(line)
        for line in run("calls", "--store", fed.store, "--format", "jsonl", "--messages").stdout.splitlines()
    ]
    assert {call["outcome"] for call in found} == {"busy"}
    assert {len(call["messages"]) for call in found} == {4}


def test_a_full_disk_costs_what_has_no_room_and_nothing_else(place: Path) -> None:
    """It is said, and calls go on being stored when there is room again; what waited meanwhile is there as well."""
    disk = place / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "none", str(disk)], check=True)
    try:
        made = load(RATE * 10)
        fed = Fed(place, made.frames, store=disk / "store")
        fed.running.ready(lambda: list(fed.store.glob("*.calls.sqlite")), PATIENT, "the first calls are stored")
        filler = disk / "filler"
        fill(filler)
        until(lambda: "store_failed" in fed.running.said(), PATIENT, "it fails", fed.running.said)
        filler.unlink()
        until(lambda: "store_recovered" in fed.running.said(), PATIENT, "it goes on", fed.running.said)
        fed.running.wait(PATIENT)
        fed.stop()
        assert len(stored(fed.store)) == RATE * 10
        assert "what=call" not in fed.running.said()
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(path: Path) -> None:
    """Leave no room on a disk."""
    with path.open("wb", buffering=0) as out, contextlib.suppress(OSError):
        while True:
            out.write(bytes(4096))
