"""Where live attacks take place: a cable, a daemon at one end, loads that come in at the other, and somebody who scrapes.

Must not know: which attacks there are. Loads have a process each: the one that scrapes measures nobody but the daemon.
"""

from __future__ import annotations

import multiprocessing
import socket
import statistics
import time
from contextlib import ExitStack, contextmanager
from heapq import merge
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tests.e2e import net
from tests.e2e.mirror import call
from tests.e2e.process import until
from tests.e2e.scrape import Samples, fetch, parse
from tests.e2e.servers import PORT, Sipwatch, folder
from tests.e2e.site import PEERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Self

    from tests.e2e.mirror import Timed
    from tests.e2e.net import Space

_AHEAD = 0.002  # seconds that a load may be early; a shorter sleep costs more than it is worth
_NAME = "TTTTTTTT"  # stands for a call's number in frames that are made once


class Load:
    """A process that puts frames onto the cable, each at its time. Leaving the ``with`` statement ends it."""

    def __init__(self, space: Space, frames: Callable[[], Iterable[Timed]]) -> None:
        forking = multiprocessing.get_context("fork")  # sockets go along
        with space.inside():
            made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            made.bind((net.INTERFACE, 0))
        self._sent = forking.Value("Q", 0, lock=False)
        self._socket = made
        self._process = forking.Process(target=self._run, args=(frames,), daemon=True)

    def __enter__(self) -> Self:
        self._process.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.join()
        self._socket.close()

    @property
    def sent(self) -> int:
        """Return how many frames were sent so far."""
        return int(self._sent.value)

    @property
    def over(self) -> bool:
        """Tell whether all are sent."""
        return not self._process.is_alive()

    def _run(self, frames: Callable[[], Iterable[Timed]]) -> None:
        send, sent = self._socket.send, self._sent
        begun = time.monotonic()
        for at, frame in frames():
            early = begun + at - time.monotonic()
            if early > _AHEAD:
                time.sleep(early)
            send(frame)
            sent.value += 1


def calls(script: str, pairs: Sequence[tuple[str, str]], rate: float, seconds: float) -> Iterator[Timed]:
    """Let calls begin for so many seconds, in turn between the addresses of each pair."""
    forms = [call(script, pair, _NAME, 0.0) for pair in pairs]

    def step(place: int) -> Iterator[Timed]:
        for number in range(int(rate * seconds)):
            after, frame = forms[number % len(forms)][place]
            yield number / rate + after, frame.replace(_NAME.encode(), b"h%07d" % number)

    return merge(*(step(place) for place in range(len(forms[0]))))


class Scrape(NamedTuple):
    """One scrape: seconds that it took, the status (0: none), MiB of the daemon's own at that time."""

    took: float
    status: int
    memory: float


class Field:
    """The place: ``cable``, the daemon, and what came of scrapes."""

    def __init__(self, cable: net.Cable, sipwatch: Sipwatch, at: Path) -> None:
        self.cable, self.sipwatch, self.at = cable, sipwatch, at
        self.scrapes: list[Scrape] = []
        self.samples = Samples()

    def watch(self, going_on: Callable[[], bool], every: float = 1.0) -> None:
        """Scrape as long as something goes on."""
        while going_on():
            begun = time.monotonic()
            self.scrape()
            time.sleep(max(0.0, begun + every - time.monotonic()))

    def scrape(self) -> Samples:
        """Scrape once, and note how it went."""
        begun = time.monotonic()
        try:
            answer = fetch(self.cable.near, PORT, "/metrics")
        except OSError:
            self.scrapes.append(Scrape(time.monotonic() - begun, 0, self.memory()))
            return self.samples
        self.scrapes.append(Scrape(time.monotonic() - begun, answer.status, self.memory()))
        if answer.status == 200:
            self.samples = parse(answer.text)
        return self.samples

    def memory(self) -> float:
        """Return the MiB that are the daemon's own."""
        lines = Path(f"/proc/{self.sipwatch.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("RssAnon"))

    @property
    def unanswered(self) -> int:
        """Return how many scrapes were not answered."""
        return sum(scrape.status != 200 for scrape in self.scrapes)

    def percentile(self, percent: int) -> float:
        """Return the seconds within which so many scrapes of a hundred were answered."""
        times = [scrape.took for scrape in self.scrapes]
        return statistics.quantiles(times, n=100)[percent - 1] if len(times) > 1 else max(times)

    def seen(self) -> float:
        """Return the packets that were captured or found no room, as of the latest scrape."""
        return sum(self.samples.sum(f"sipwatch_capture_{what}_total") for what in ("packets", "dropped"))

    def settled(self, sent: int, seconds: float = 20) -> Samples:
        """Return the figures once everything that was sent is accounted for, and no more calls end."""
        ended = -1.0
        deadline = time.monotonic() + seconds

        def quiet() -> bool:
            nonlocal ended
            before, ended = ended, self.scrape().sum("sipwatch_calls_ended_total")
            time.sleep(1)
            return (before == ended and self.seen() >= sent) or time.monotonic() > deadline

        until(quiet, seconds + 10, "everything to be counted")
        return self.samples


@contextmanager
def field(config: str = PEERS, *words: str) -> Iterator[Field]:
    """Make a place, with a configuration, and more words of the command line; @ is the folder with ``web.yml``, empty."""
    with ExitStack() as stack:
        at = stack.enter_context(folder())
        (at / "sipwatch.toml").write_text(config)
        (at / "web.yml").touch()
        cable = stack.enter_context(net.Cable(["198.51.100.10"], ["192.0.2.11"]))
        given = ("--config", str(at / "sipwatch.toml"), *(word.replace("@", str(at)) for word in words))
        yield Field(cable, stack.enter_context(Sipwatch(cable.near, at, *given)), at)
