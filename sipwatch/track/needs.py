"""What tracking needs of those around it: a call of its tracker, the tracker of whoever knows who talks here.

Must not know: who gives it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from sipwatch.track.call import Call
    from sipwatch.track.events import Event
    from sipwatch.track.timers import TimerQueue, Timers
    from sipwatch.wire.message import Path


class CallOwner(Protocol):
    """What a call needs of the tracker that holds it."""

    events: list[Event]
    queue: TimerQueue
    lasts: int

    def forget(self, call: Call) -> None:
        """Let go of a call that is over."""

    def answered(self, call: Call) -> None:
        """Take note of the first answer on any hop of a call."""

    def changed(self, call: Call) -> None:
        """Take note that a call holds less than it did, or more."""

    def broken_at(self, path: Path) -> int:
        """Return when an error last said that nothing gets through there (ns), -1 if none did."""

    def evict(self, table: str) -> None:
        """Count something that a full table gave up."""


class Site(Protocol):
    """What is known of those who talk here."""

    def timers_for(self, path: Path) -> Timers:
        """Return the timers that apply between the two ends of a path."""

    def ends(self, path: Path) -> tuple[str, str]:
        """Return the names by which the two ends are counted."""

    def is_known(self, address: bytes) -> bool:
        """Tell whether somebody has a name at a packed address; who has none gives way to those who have."""
