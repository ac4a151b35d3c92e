"""What tracking asks of the layers above, and tells them.

Must not know: what anybody makes of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from sipwatch.track.registrar import Observer

if TYPE_CHECKING:
    from sipwatch.track.call import Call
    from sipwatch.track.conditions import Raised
    from sipwatch.track.leg import Leg
    from sipwatch.track.registrar import Options, Registration
    from sipwatch.track.timers import TimerQueue
    from sipwatch.wire.message import Path, Request, Response


class Judge(Protocol):
    """What tracking asks of the layers above, and tells them; texts it does not look into."""

    def leg(self, leg: Leg) -> str:
        """Return the verdict on a leg. Asked once, when nothing can change it any more."""

    def call(self, call: Call) -> str:
        """Return the verdict on a call. Asked once, when its upstream leg has one."""

    def ending(self, call: Call) -> str:
        """Return how an answered call ended. Asked once, when nothing can change it any more."""

    def over(self, call: Call) -> None:
        """Take a call that nothing more will happen to."""


class Watcher(Observer, Protocol):
    """Who wants to know of what happens while it happens: live metrics and logs."""

    def added(self, leg: Leg) -> None:
        """Take a new leg, already in its place in its call; the first leg of a call begins the call."""

    def raised(self, leg: Leg, raised: Raised) -> None:
        """Take a condition at the moment it is raised."""

    def resolved(self, leg: Leg, raised: Raised) -> None:
        """Take a condition at the moment it is resolved."""

    def repeated(self, message: Request | Response) -> None:
        """Take a retransmission."""

    def ended(self, call: Call) -> None:
        """Take an answered call when its last dialog has ended, by BYE or because nobody will end it any more."""

    def concluded(self, call: Call) -> None:
        """Take an answered call when it is known how it ended: ``call.ending``."""

    def referred(self, call: Call, refer: Request) -> None:
        """Take a REFER inside a call: a transfer begins (RFC 3515)."""

    def disconnected(self, call: Call, delay: int) -> None:
        """Take an answered call at the first 2xx to its BYE, ``delay`` ns after the BYE."""


class Watchers:
    """Several watchers that hear the same, in the order given."""

    __slots__ = ("_all",)

    def __init__(self, *watchers: Watcher) -> None:
        self._all = watchers

    def added(self, leg: Leg) -> None:
        """Tell everybody."""
        for watcher in self._all:
            watcher.added(leg)

    def raised(self, leg: Leg, raised: Raised) -> None:
        """Tell everybody."""
        for watcher in self._all:
            watcher.raised(leg, raised)

    def resolved(self, leg: Leg, raised: Raised) -> None:
        """Tell everybody."""
        for watcher in self._all:
            watcher.resolved(leg, raised)

    def repeated(self, message: Request | Response) -> None:
        """Tell everybody."""
        for watcher in self._all:
            watcher.repeated(message)

    def ended(self, call: Call) -> None:
        """Tell everybody."""
        for watcher in self._all:
            watcher.ended(call)

    def concluded(self, call: Call) -> None:
        """Tell everybody."""
        for watcher in self._all:
            watcher.concluded(call)

    def referred(self, call: Call, refer: Request) -> None:
        """Tell everybody."""
        for watcher in self._all:
            watcher.referred(call, refer)

    def disconnected(self, call: Call, delay: int) -> None:
        """Tell everybody."""
        for watcher in self._all:
            watcher.disconnected(call, delay)

    def asked(self, request: Request) -> None:
        """Tell everybody."""
        for watcher in self._all:
            watcher.asked(request)

    def registration(self, transaction: Registration) -> None:
        """Tell everybody."""
        for watcher in self._all:
            watcher.registration(transaction)

    def options(self, transaction: Options) -> None:
        """Tell everybody."""
        for watcher in self._all:
            watcher.options(transaction)

    def bound(self, path: Path) -> None:
        """Tell everybody."""
        for watcher in self._all:
            watcher.bound(path)

    def unbound(self, path: Path, expired: bool) -> None:
        """Tell everybody."""
        for watcher in self._all:
            watcher.unbound(path, expired)


class Owner(Protocol):
    """What a call needs of the tracker that holds it."""

    judge: Judge
    watcher: Watcher | None
    queue: TimerQueue

    def forget(self, call: Call) -> None:
        """Let go of a call that is over."""

    def broken_at(self, path: Path) -> int:
        """Return when an error last said that nothing gets through there (ns), -1 if none did."""

    def evict(self, table: str) -> None:
        """Count something that a full table gave up."""
