"""Two machines joined by a cable, as network namespaces: ours, where the SIP server stands, and the world.

Must not know: SIP, or what runs in the namespaces. Needs root, and ``ip`` of iproute2.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import signal
import socket
import subprocess
import sys
from ipaddress import ip_address
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.e2e.process import until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

INTERFACE = "wire0"  # the cable's name at either end
SPACES = Path("/run/netns")
_PREFIX = "sipwatch-e2e"
_CLONE_NEWNET = 0x40000000
_numbers = count(1)
_libc = ctypes.CDLL(None, use_errno=True)


class Space:
    """A network namespace. Its name holds our process's id: parallel runs do not meet."""

    def __init__(self, role: str) -> None:
        self.name = f"{_PREFIX}-{os.getpid()}-{next(_numbers)}-{role}"

    def ip(self, *words: str) -> None:
        """Run ``ip`` in this namespace."""
        ip("-n", self.name, *words)

    def is_up(self) -> bool:
        """Tell whether the cable's end here carries packets."""
        return "state UP" in ip("-n", self.name, "-o", "link", "show", INTERFACE)

    def command(self, *words: str) -> list[str]:
        """Return a command that runs in this namespace; the process becomes the program, its id is the program's."""
        return ["ip", "netns", "exec", self.name, *words]

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        """Put this thread into the namespace; sockets made meanwhile stay there."""
        with open("/proc/thread-self/ns/net", "rb") as home, (SPACES / self.name).open("rb") as there:
            _enter(there.fileno())
            try:
                yield
            finally:
                _enter(home.fileno())

    @contextlib.contextmanager
    def deaf(self, address: str, port: int) -> Iterator[None]:
        """Hold a port open that nobody reads: packets arrive, nothing ever comes back."""
        with self.inside():
            holder = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
        with holder:
            holder.bind((address, port))
            yield


class Cable:
    """Two namespaces and the cable between them. ``near`` is watched, ``far`` is everybody else."""

    def __init__(self, near: Sequence[str], far: Sequence[str]) -> None:
        """``near`` and ``far`` are the addresses at the two ends."""
        self.near, self.far = Space("near"), Space("far")
        self._addresses = {self.near: near, self.far: far}

    def __enter__(self) -> Self:
        for space in self._addresses:
            ip("netns", "add", space.name)
            space.ip("link", "set", "lo", "up")
        self.plug()
        return self

    def __exit__(self, *_: object) -> None:
        for space in self._addresses:
            remove(space.name)

    def plug(self) -> None:
        """Lay the cable, anew if there was one."""
        far = ("peer", "name", INTERFACE, "netns", self.far.name)
        ip("link", "add", INTERFACE, "netns", self.near.name, "type", "veth", *far)
        self.up()

    def up(self) -> None:
        """Bring both ends up, with all addresses and routes."""
        for space, addresses in self._addresses.items():
            space.ip("link", "set", INTERFACE, "up")
            for address in addresses:
                # nodad: an IPv6 address is there at once.
                space.ip("addr", "replace", address, "dev", INTERFACE, *(["nodad"] if ":" in address else []))
            space.ip("route", "replace", "default", "dev", INTERFACE)
            if any(":" in address for address in addresses):
                space.ip("-6", "route", "replace", "default", "dev", INTERFACE)
        until(lambda: all(space.is_up() for space in self._addresses), 10, "the cable to carry packets")

    def down(self) -> None:
        """Take the near end down; it stays where it is."""
        self.near.ip("link", "set", INTERFACE, "down")

    def cut(self) -> None:
        """Take the cable away, both ends of it."""
        self.near.ip("link", "del", INTERFACE)


def ip(*words: str) -> str:
    """Run ``ip`` and return what it says; what it complains about is the exception's text."""
    done = subprocess.run(["ip", *words], check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"ip {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


def remove(name: str) -> None:
    """Delete a namespace, and end what still runs in it."""
    pids = subprocess.run(["ip", "netns", "pids", name], check=False, capture_output=True, text=True).stdout
    for pid in pids.split():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
    with contextlib.suppress(RuntimeError):
        ip("netns", "del", name)


def sweep() -> None:
    """Remove namespaces of runs that were killed."""
    for path in SPACES.glob(f"{_PREFIX}-*"):
        made_by = re.match(rf"{_PREFIX}-(\d+)-", path.name)
        if made_by and not Path("/proc", made_by[1]).exists():
            remove(path.name)


def trouble() -> str:
    """Say why namespaces and cables cannot be made here, nothing if they can: containers often may not."""
    try:
        with Cable(["192.0.2.1"], ["192.0.2.2"]):
            return ""
    except (OSError, RuntimeError) as error:
        return str(error)


def bound(pid: int, protocol: str) -> set[tuple[str, int]]:
    """Return addresses and ports that are bound in a process's namespace; ``protocol`` is udp or tcp."""
    lines: list[str] = []
    with contextlib.suppress(OSError):
        for kind in (protocol, f"{protocol}6"):
            lines += Path(f"/proc/{pid}/net/{kind}").read_text().splitlines()[1:]
    return {_address(line.split()[1]) for line in lines}


def _address(text: str) -> tuple[str, int]:
    """Read an address as /proc writes it: words of four bytes in the machine's order, each as a number."""
    address, _, port = text.partition(":")
    words = [int(address[at : at + 8], 16).to_bytes(4, sys.byteorder) for at in range(0, len(address), 8)]
    return str(ip_address(b"".join(words))), int(port, 16)


def _enter(descriptor: int) -> None:
    if _libc.setns(descriptor, _CLONE_NEWNET):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
