"""Telling the service manager how we are: sd_notify(3), without its library.

Must not know: what the daemon does. Nothing here raises or waits: a service manager that does not listen
is no reason to stop watching calls. Without ``NOTIFY_SOCKET`` nothing is sent.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from typing import TYPE_CHECKING

from sipwatch.export.escape import terminal

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAX_STATUS_LENGTH = 200  # characters


class Notifier:
    """Speaks to ``$NOTIFY_SOCKET``. ``lost`` counts what could not be sent."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        given = os.environ if environment is None else environment
        self.lost = 0
        self._address = _address(given.get("NOTIFY_SOCKET", ""))
        self._socket: socket.socket | None = None
        if self._address:
            with contextlib.suppress(OSError):
                self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)

    def ready(self, status: str) -> None:
        """Say that we have begun, or gone on after reloading."""
        self._send("READY=1", _status(status))

    def status(self, text: str) -> None:
        """Say in a few words what we do: ``systemctl status`` shows it."""
        self._send(_status(text))

    def reloading(self) -> None:
        """Say that a reload has begun; ``ready`` ends it. The time is for Type=notify-reload (systemd 253)."""
        self._send("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """Say that we are about to end."""
        self._send("STOPPING=1")

    def watchdog(self) -> None:
        """Say that we are alive; to be called at least twice within the unit's WatchdogSec."""
        self._send("WATCHDOG=1")

    def close(self) -> None:
        """Say nothing any more."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None

    def _send(self, *assignments: str) -> None:
        if self._address is None:
            return
        if self._socket is None:
            self.lost += 1
            return
        try:
            # Addressed anew each time: the service manager may have been restarted.
            self._socket.sendto("\n".join(assignments).encode(), self._address)
        except OSError:
            self.lost += 1


def _status(text: str) -> str:
    """Return the assignment on one line: a line break in a status would begin another one."""
    return f"STATUS={terminal(text[:_MAX_STATUS_LENGTH])}"


def _address(value: str) -> str | None:
    """Return the address as sockets take it: a path, or ``@name`` with a NUL in front (unix(7), abstract)."""
    if value.startswith("@") and len(value) > 1:
        return "\0" + value[1:]
    return value if value.startswith("/") else None  # vsock: is for virtual machines
