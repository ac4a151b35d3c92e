"""Responses captured before any INVITE of their call: kept for a moment, in case two neighbours changed places.

Must not know: calls, legs, what a response means.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sipwatch.track.leg import REORDERED_WITHIN

if TYPE_CHECKING:
    from sipwatch.wire.message import Response


class Early:
    """Responses by Call-ID, the oldest first; no more than ``limit``, each for ``REORDERED_WITHIN``."""

    __slots__ = ("_by_call_id", "_count", "_limit")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._count = 0
        self._by_call_id: dict[bytes, list[tuple[int, Response]]] = {}

    def __len__(self) -> int:
        return self._count

    def keep(self, response: Response, now: int) -> bool:
        """Keep a response; return False where there is no room."""
        if self._count >= self._limit:
            return False
        self._by_call_id.setdefault(response.call_id, []).append((now, response))
        self._count += 1
        return True

    def take(self, call_id: bytes) -> list[Response]:
        """Give back what waits for a call, in the order it came."""
        waiting = self._by_call_id.pop(call_id, None)
        if waiting is None:
            return []
        self._count -= len(waiting)
        return [response for _, response in waiting]

    def drop(self, now: int) -> int:
        """Give up what has waited too long; return how many that were."""
        dropped = 0
        while self._by_call_id:
            call_id, waiting = next(iter(self._by_call_id.items()))
            if now - waiting[0][0] <= REORDERED_WITHIN:
                break
            del self._by_call_id[call_id]
            dropped += len(waiting)
        self._count -= dropped
        return dropped
