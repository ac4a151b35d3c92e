"""What goes over the line of a soak: calls of known fate, a relay that loses, doubles and swaps, an agent, a record.

Must not know: sipwatch, or what is made of it.
"""

from __future__ import annotations

import heapq
import socket
import time
from collections import Counter, deque
from random import Random
from struct import Struct
from typing import TYPE_CHECKING

from sipwatch.capture.write import Saved, capture_file
from sipwatch.packet import ETHERNET, MICROSECOND, SECOND
from sipwatch.wire import hep
from tests.e2e import net
from tests.e2e.mirror import Player, Worker, reported
from tests.generator import World
from tests.wire import frames as f

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.mirror import Timed
    from tests.e2e.net import Space

LOSS, DOUBLING, SWAPPING = 0.02, 0.02, 0.03  # of 100 frames 2 are lost, 2 come twice, and 3 behind the next one
HELD = 0.02  # seconds that a frame waits for the next one
RETRANSMITTED = 0.3  # seconds until a lost TCP segment comes again
HEP_PORT, NODE = 9062, 7
ETH_P_ALL = 3
SO_RCVBUFFORCE, SO_TIMESTAMPNS = 33, 35  # <asm-generic/socket.h>
TIMESPEC = Struct("@qq")
NO_MACS = bytes(12)  # as our frames have
LOOPBACK = bytes((127, 0, 0, 1))
ON_THE_WIRE = ("udp", "udp", "udp", "fragments", "tcp", "websocket")
WIRE, BOTH, REPORTED = "wire", "wire and HEP", "HEP"


class Known(World):
    """Calls of known fate, one after the other for so many seconds; all who make them of one seed make the same.

    ``wanted`` says whether they give the frames that pass the wire or those that are reported. ``owner`` has each frame's
    call.
    """

    def __init__(self, seed: int, seconds: float, rate: float, wanted: str) -> None:  # a capture begins otherwise
        self.random = Random(seed)
        self.packets, self.fates, self.story = [], {}, []
        self.link_type, self._enclose = f.LINKS["ethernet"]
        self._tunnel, self._v6, self._made = "none", False, 0
        self._calls, self._rate, self._wanted = int(seconds * rate), rate, wanted
        self.owner: dict[bytes, str] = {}

    def timed(self) -> Iterator[Timed]:
        """Give the frames by time."""
        waiting: list[Timed] = []
        for number in range(self._calls):
            begin = number / self._rate
            while waiting and waiting[0][0] <= begin:
                yield heapq.heappop(waiting)
            for frame in self._next(begin):
                heapq.heappush(waiting, frame)
        while waiting:
            yield heapq.heappop(waiting)

    def _next(self, begin: float) -> list[Timed]:
        """Make a call that begins at a time; return what is wanted of it."""
        # The first one is reported: a file shows no copies until it shows HEP.
        way = self.random.choice((WIRE, WIRE, BOTH, REPORTED)) if self._made else REPORTED
        self.carriers = ON_THE_WIRE if way == WIRE else ("udp",)
        self._v6 = self.random.random() < 0.3
        self.packets = []
        self._call()
        self._swap_neighbours()
        self.story.clear()
        if way not in (BOTH, self._wanted):
            return []
        self._hang_up()
        first = min(time for time, _, _ in self.packets)
        found = [((time - first) / SECOND + begin, frame) for time, _, frame in self.packets]
        self.owner.update((frame, f"call{self._made}") for _, frame in found)
        return found

    def _hang_up(self) -> None:
        """Close the call's connection: those that stay open are remembered for hours, as they should be."""
        ends: dict[bytes, int] = {}  # by addresses and ports: the sequence number behind the last byte
        for _, _, frame in self.packets:
            if _protocol(frame) == f.TCP:
                key, start = (frame[22:54], 54) if frame[14] >> 4 == 6 else (frame[26:34], 34)
                sequence = int.from_bytes(frame[start + 4 : start + 8], "big") + len(frame) - start - 20
                key += frame[start : start + 4]
                ends[key] = max(ends.get(key, 0), sequence + bool(frame[start + 13] & f.SYN))
        last = max(time for time, _, _ in self.packets) + SECOND
        for key, sequence in ends.items():
            source, destination = key[: len(key) // 2 - 2], key[len(key) // 2 - 2 : -4]
            sport, dport = (int.from_bytes(key[at : at + 2], "big") for at in (len(key) - 4, len(key) - 2))
            end = f.tcp(b"", sequence, f.FIN | f.ACK, sport=sport, dport=dport)
            self.packets.append((last, ETHERNET, f.ethernet(f.ip(end, f.TCP, source, destination))))


class Record(Worker):
    """Every frame that there was to be seen: those that come out of a cable, with the kernel's time, and reports.

    As long as it wants to know times, the kernel looks at its clock once for each frame, whoever reads it.
    """

    def __init__(self, space: Space) -> None:
        self._in = _raw(space, ETH_P_ALL)
        super().__init__("record", self._in)
        self.frames: list[Saved] = []
        self.seen = 0
        self._in.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
        self._in.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self._in.settimeout(0.1)

    def run(self) -> None:
        """Record, until stopped."""
        while not self._stopping.is_set():
            try:
                frame, ((_, _, stamp),), _, _ = self._in.recvmsg(65_536, 64)
            except TimeoutError:
                continue
            if frame[:12] == NO_MACS:
                seconds, nanoseconds = TIMESPEC.unpack(stamp)
                self.add(seconds * SECOND + nanoseconds, frame)
                self.seen += 1

    def add(self, now: int, frame: bytes) -> None:
        """Note a frame."""
        self.frames.append(Saved(now, ETHERNET, frame, len(frame)))

    def write(self, path: Path) -> None:
        """Write them down in the order of time."""
        path.write_bytes(capture_file(sorted(self.frames, key=lambda frame: frame.time)))


class Relay(Worker):
    """Takes frames from one cable to another: loses, doubles and swaps some. ``touched`` are those, ``done`` counts all.

    What is lost of a TCP connection comes again, as it would in life: a bystander waits for it, in a file to its end.
    """

    def __init__(self, source: Space, target: Space, seed: int) -> None:
        self._in, self._out = _raw(source, ETH_P_ALL), _raw(target, 0)
        super().__init__("relay", self._in, self._out)
        self.done: Counter[str] = Counter()
        self.touched: list[bytes] = []
        self._random = Random(seed)
        self._again: deque[Timed] = deque()
        self._in.settimeout(HELD)

    def run(self) -> None:
        """Relay, until stopped."""
        held = b""
        while not self._stopping.is_set():
            frame = self._next()
            behind, held = held, self._pass(frame) if frame else b""
            if behind:
                self._send(behind)
            while self._again and self._again[0][0] <= time.monotonic():
                self._send(self._again.popleft()[1])

    def _next(self) -> bytes:
        """Return a frame of ours, or nothing: what namespaces have to say of themselves is not passed on."""
        try:
            frame, (_, _, kind, _, _) = self._in.recvfrom(65_536)
        except TimeoutError:
            return b""
        return bytes(frame) if kind != socket.PACKET_OUTGOING and frame[:12] == NO_MACS else b""

    def _pass(self, frame: bytes) -> bytes:
        """Send a frame, or not, or twice; return it if it is to go behind the next one."""
        self.done["came"] += 1
        chance = self._random.random()
        if chance >= LOSS + DOUBLING + SWAPPING:
            self._send(frame)
            return b""
        self.touched.append(frame)
        if chance < LOSS:
            if _protocol(frame) == f.TCP:
                self._again.append((time.monotonic() + RETRANSMITTED, frame))
                self.done["late"] += 1
            else:
                self.done["lost"] += 1
        elif chance < LOSS + DOUBLING:
            self.done["doubled"] += 1
            self._send(frame)
            self._send(frame)
        else:
            self.done["swapped"] += 1
            return frame
        return b""

    def _send(self, frame: bytes) -> None:
        self._out.send(frame)
        self.done["sent"] += 1


def _protocol(frame: bytes) -> int:
    return frame[20] if frame[14] >> 4 == 6 else frame[23]


def _raw(space: Space, protocol: int) -> socket.socket:
    with space.inside():
        made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(protocol))
        made.bind((net.INTERFACE, protocol))
    return made


class Agent(Player):
    """Reports messages to the daemon from its own machine, and notes them as a file would show them on their way."""

    def __init__(self, space: Space, frames: Iterator[Timed], record: Record) -> None:
        with space.inside():
            made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            made.connect(("127.0.0.1", HEP_PORT))
        agent = hep.Agent(NODE)

        def put(frame: bytes) -> None:
            now = time.time_ns() // MICROSECOND * MICROSECOND  # as exact as HEP is
            packet = reported(frame, agent, now)
            record.add(now, f.ethernet(f.ipv4(f.udp(packet, 40_000, HEP_PORT), source=LOOPBACK, destination=LOOPBACK)))
            made.send(packet)

        super().__init__(frames, put, made)
