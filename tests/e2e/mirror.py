"""A mirror port at the far end of the cable: frames of known calls go onto it, each at its time.

Must not know: what is made of them. Nobody answers: both sides of each call come from here, as from a switch that copies
what others say.
"""

from __future__ import annotations

import socket
import threading
import time
from ipaddress import ip_address
from typing import TYPE_CHECKING

from pcaps.make import talk
from sipwatch.wire import hep
from sipwatch.wire.message import Path, Transport
from tests.e2e.net import INTERFACE
from tests.wire import frames as f

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Self

    from tests.e2e.net import Space

Timed = tuple[float, bytes]  # seconds after the beginning, frame

# Between A, who calls, and P. None of them lasts for as long as any deadline of ``site.QUICK``.
ANSWERED = (
    "0 A>P INVITE\n0.02 P>A 100\n0.2 P>A 180\n0.6 P>A 200\n0.65 A>P ACK ttag=callee branch=z9hG4bKack\n"
    "1.6 A>P BYE\n1.62 P>A 200 method=BYE cseq=2"
)
REFUSED = "0 A>P INVITE\n0.02 P>A 100\n0.2 P>A 180\n0.5 P>A 486\n0.55 A>P ACK ttag=callee"


class Worker(threading.Thread):
    """Works from the beginning of a ``with`` statement to its end, on sockets that are then closed."""

    def __init__(self, name: str, *sockets: socket.socket) -> None:
        super().__init__(name=name, daemon=True)
        self._stopping = threading.Event()
        self._sockets = sockets

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self.join()
        for made in self._sockets:
            made.close()


class Player(Worker):
    """Hands frames on, each at its time, from the moment on at which it is started; ``sent`` counts them."""

    def __init__(self, frames: Iterable[Timed], put: Callable[[bytes], object], made: socket.socket) -> None:
        """``put`` takes each frame; the socket is closed in the end."""
        super().__init__("player", made)
        self.sent = 0
        self._frames = frames
        self._put = put
        self._error: OSError | None = None

    def run(self) -> None:
        """Send, until the end or until stopped."""
        begun = time.monotonic()
        try:
            for at, frame in self._frames:
                wait = begun + at - time.monotonic()
                if self._stopping.wait(wait) if wait > 0 else self._stopping.is_set():
                    return
                self._put(frame)
                self.sent += 1
        except OSError as error:
            self._error = error

    def done(self, seconds: float = 60) -> int:
        """Wait until everything is sent; return how many frames that were."""
        self.join(seconds)
        assert not self.is_alive(), f"{self.sent} sent so far"
        assert self._error is None, self._error
        return self.sent


class Mirror(Player):
    """Puts frames onto the cable, at the end in a namespace."""

    def __init__(self, space: Space, frames: Iterable[Timed], interface: str = INTERFACE) -> None:
        with space.inside():
            made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            made.bind((interface, 0))
        super().__init__(frames, made.send, made)


class Reporter(Player):
    """Reports the messages in frames, which are UDP without options, as HEP from within a namespace."""

    def __init__(self, space: Space, frames: Iterable[Timed], kind: str, target: tuple[str, int], node: int) -> None:
        """``kind`` is udp or tcp; ``node`` is the number by which it is known."""
        agent = hep.Agent(node)
        with space.inside():
            made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM)
            made.connect(target)
        super().__init__(frames, lambda frame: made.sendall(reported(frame, agent, time.time_ns())), made)


def reported(frame: bytes, agent: hep.Agent, now: int) -> bytes:
    """Return what an agent sends of a frame that it saw ``now`` (ns since 1970)."""
    start, end = (22, 58) if frame[14] >> 4 == 6 else (26, 38)
    return hep.encode(now, Path(frame[start:end], Transport.UDP), frame[end + 4 :], agent)


def calls(
    script: str, ends: tuple[str, str], count: int, rate: float, *, begin: float = 0.0, name: str = "c"
) -> list[Timed]:
    """Let so many calls between two addresses begin, so many a second; return their frames by time."""
    found = []
    for number in range(count):
        found += call(script, ends, f"{name}-{number}", begin + number / rate)
    return sorted(found)


def call(script: str, ends: tuple[str, str], call_id: str, begin: float) -> list[Timed]:
    """Return the frames of one call between A and P of a script."""
    hosts = dict(zip("AP", ends, strict=True))
    found = []
    for line in talk.lines(script):
        line.options.update(call=call_id, ftag=f"f{call_id}")
        if "branch" in line.options:
            line.options["branch"] += call_id
        found.append((begin + float(line.time), framed(talk.message(line, hosts, {}), hosts, line)))
    return found


def framed(data: bytes, hosts: dict[str, str], line: talk.Line) -> bytes:
    """Return a message as an Ethernet frame."""
    source, destination = (ip_address(hosts[letter]).packed for letter in (line.source, line.destination))
    return f.ethernet(f.ip(f.udp(data), f.UDP, source, destination))


def together(*parts: Sequence[Timed]) -> list[Timed]:
    """Return several as one, by time."""
    return sorted(frame for part in parts for frame in part)
