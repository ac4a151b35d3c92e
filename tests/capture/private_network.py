"""A network namespace for one test: loopback and a pair of interfaces that nobody else sees."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

_CLONE_NEWNET = 0x40000000


@contextlib.contextmanager
def private_network() -> Iterator[None]:
    """Move this thread into a network of its own, and back. Skips where that cannot be."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("needs root and the command ip")
    libc = ctypes.CDLL(None, use_errno=True)
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    if libc.unshare(_CLONE_NEWNET) != 0:
        os.close(home)
        pytest.skip(f"no network namespace to be had: {os.strerror(ctypes.get_errno())}")
    try:
        # Interfaces made from now on speak only when they are told to: no router is asked for, no group is joined.
        Path("/proc/sys/net/ipv6/conf/default/disable_ipv6").write_text("1")
        ip("link set lo up")
        make_pair()
        yield
    finally:
        libc.setns(home, _CLONE_NEWNET)
        os.close(home)


def ip(command: str) -> None:
    """Run ``ip`` in the network of this thread."""
    subprocess.run(["ip", *command.split()], check=True, capture_output=True)


def make_pair(words: str = "") -> None:
    """Make the two interfaces, one and two; ``words`` say more about one."""
    ip(f"link add one {words} type veth peer name two")
    ip("address add 192.0.2.2/24 dev two")
    connect()


def connect(*names: str) -> None:
    """Set both ends of the pair up, and wait until packets pass: the kernel starts the queues a little later."""
    for name in names or ("one", "two"):
        ip(f"link set {name} up")
    until = time.monotonic() + 20
    for name in names or ("one", "two"):
        show = ["ip", "-o", "link", "show", name]
        while b"state UP" not in subprocess.run(show, check=True, capture_output=True).stdout:
            assert time.monotonic() < until, f"{name} does not come up"


def send(payload: bytes, port: int = 5060, address: str = "127.0.0.1") -> None:
    """Send a datagram to this machine."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.sendto(payload, (address, port))


def send_from_two(payload: bytes, port: int = 5060) -> None:
    """Send a datagram out of two and into one: to everybody, for which no neighbour is needed."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"two")
        s.sendto(payload, ("192.0.2.255", port))


def inject(frame: bytes, interface: str = "two") -> None:
    """Send an Ethernet frame as it is."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as s:
        s.bind((interface, 0))
        s.send(frame)


@contextlib.contextmanager
def listeners(*ports: int) -> Iterator[None]:
    """Hold ports of loopback open, unread: whoever sends there is not told that nobody is there."""
    with contextlib.ExitStack() as stack:
        for port in ports:
            for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
                listener = stack.enter_context(socket.socket(family, socket.SOCK_DGRAM))
                listener.bind((address, port))
        yield
