"""The daemon beside the pages, as they ask it: in a thread, once for all who want the same at a time.

Must not know: HTTP, pages, how a daemon works.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from sipwatch.web.workers import Shared, Workers

if TYPE_CHECKING:
    from sipwatch.export.present import PresentRecord
    from sipwatch.export.waiting import DeskRecord

_QUESTIONS: Final = 2  # of each kind one


class Watcher(Protocol):
    """Watches, and tells of it in whichever thread asks; it may take its time, and raise TimeoutError."""

    def now(self) -> PresentRecord:
        """Return what is going on right now."""

    def waiting(self) -> DeskRecord:
        """Return who waits to be called back."""


class Watching:
    """Asks a daemon."""

    def __init__(self, daemon: Watcher) -> None:
        self.workers = Workers("sipwatch-watching-page", _QUESTIONS)
        self._daemon = daemon
        self._present: Shared[None, PresentRecord] = Shared(self.workers)
        self._desk: Shared[None, DeskRecord] = Shared(self.workers)

    async def now(self) -> PresentRecord:
        """Return what is going on right now. Raises TimeoutError."""
        return await self._present.run(None, self._daemon.now)

    async def waiting(self) -> DeskRecord:
        """Return who waits to be called back. Raises TimeoutError."""
        return await self._desk.run(None, self._daemon.waiting)
