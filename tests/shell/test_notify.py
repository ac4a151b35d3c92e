"""What a service manager hears. It is a socket of the test's own."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sipwatch.shell.notify import Notifier

if TYPE_CHECKING:
    from collections.abc import Iterator


class Manager:
    """Listens as systemd does."""

    def __init__(self, address: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.setblocking(False)

    def heard(self) -> list[dict[str, str]]:
        found: list[dict[str, str]] = []
        while True:
            try:
                datagram = self.socket.recv(65_536)
            except BlockingIOError:
                return found
            found.append(dict(line.split("=", 1) for line in datagram.decode().split("\n")))


class World:
    """Makes managers and notifiers, and closes them at the end."""

    def __init__(self) -> None:
        self._made: list[socket.socket | Notifier] = []

    def manager(self, address: str) -> Manager:
        manager = Manager(address.replace("@", "\0", 1))
        self._made.append(manager.socket)
        return manager

    def notifier(self, address: str | None, **more: str) -> Notifier:
        notifier = Notifier(more if address is None else {"NOTIFY_SOCKET": address, **more})
        self._made.append(notifier)
        return notifier

    def close(self) -> None:
        for made in self._made:
            made.close()


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.close()


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "notify")


@pytest.mark.parametrize("kind", ["path", "abstract"])
def test_a_life_is_told_in_order(kind: str, world: World, path: str) -> None:
    address = path if kind == "path" else f"@sipwatch-test-{os.getpid()}"
    manager = world.manager(address)
    notifier = world.notifier(address)
    before = time.monotonic_ns() // 1000
    notifier.ready("watching eth0")
    notifier.status("3 calls")
    notifier.watchdog()
    notifier.reloading()
    notifier.ready("watching eth0")
    notifier.stopping()
    heard = manager.heard()
    since = int(heard[3].pop("MONOTONIC_USEC"))
    assert before <= since <= time.monotonic_ns() // 1000
    assert heard == [
        {"READY": "1", "STATUS": "watching eth0"},
        {"STATUS": "3 calls"},
        {"WATCHDOG": "1"},
        {"RELOADING": "1"},
        {"READY": "1", "STATUS": "watching eth0"},
        {"STOPPING": "1"},
    ]
    assert notifier.lost == 0


def test_a_status_cannot_say_anything_else(world: World, path: str) -> None:
    manager = world.manager(path)
    world.notifier(path).status("fine\nSTOPPING=1\nMAINPID=1 \ud800 \x1b[2J" + 500 * "x")
    (heard,) = manager.heard()
    assert list(heard) == ["STATUS"]
    assert heard["STATUS"].startswith("fine\\nSTOPPING=1\\nMAINPID=1 \\ud800 \\x1b[2Jxxx")
    assert len(heard["STATUS"]) < 250


def tell_everything(notifier: Notifier) -> None:
    notifier.ready("x")
    notifier.status("x")
    notifier.reloading()
    notifier.watchdog()
    notifier.stopping()


@pytest.mark.parametrize("address", [None, "", "@", "vsock:2:1"])
def test_without_a_socket_nothing_is_said_and_nothing_lost(address: str | None, world: World) -> None:
    notifier = world.notifier(address)
    tell_everything(notifier)
    assert notifier.lost == 0


def test_a_manager_that_went_away_is_no_trouble(world: World, path: str) -> None:
    notifier = world.notifier(path)
    tell_everything(notifier)
    assert notifier.lost == 5


def test_a_manager_that_comes_back_is_spoken_to_again(world: World, path: str) -> None:
    """systemd makes its socket anew when it executes itself again."""
    first = world.manager(path)
    notifier = world.notifier(path)
    notifier.watchdog()
    first.socket.close()
    Path(path).unlink()
    second = world.manager(path)
    notifier.watchdog()
    assert second.heard() == [{"WATCHDOG": "1"}]


def test_a_path_too_long_for_a_socket_is_no_trouble(world: World) -> None:
    notifier = world.notifier("/" + 300 * "x")
    tell_everything(notifier)
    assert notifier.lost == 5


def test_a_manager_that_does_not_listen_is_not_waited_for(world: World, path: str) -> None:
    """The socket's queue is full: what does not fit is lost and counted, at once."""
    manager = world.manager(path)
    notifier = world.notifier(path)
    for _ in range(5_000):
        notifier.watchdog()
    assert notifier.lost > 0
    assert notifier.lost + len(manager.heard()) == 5_000


def test_after_closing_what_is_said_is_lost(world: World, path: str) -> None:
    manager = world.manager(path)
    notifier = world.notifier(path)
    notifier.close()
    notifier.watchdog()
    assert notifier.lost == 1
    assert manager.heard() == []


def test_the_environment_is_the_process_own_by_default(
    world: World, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager = world.manager(path)
    monkeypatch.setenv("NOTIFY_SOCKET", path)
    notifier = Notifier()
    notifier.watchdog()
    notifier.close()
    assert manager.heard() == [{"WATCHDOG": "1"}]
