"""Responses captured before their INVITE: kept for a moment, in case two neighbours changed places.

Must not know: calls, what a response means, or what a leg makes of it.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import TYPE_CHECKING

from sipwatch.track.lasting import cut_short
from sipwatch.track.table import REORDERED_WITHIN
from sipwatch.track.weight import MESSAGE

if TYPE_CHECKING:
    from sipwatch.track.leg import Leg
    from sipwatch.wire.message import Response


class Early:
    """Responses by Call-ID, the oldest first; no more than ``limit``, or ``room`` bytes, each for ``REORDERED_WITHIN``.

    Where another INVITE of the call is known, a response begins a leg at once; whether its own INVITE was captured at
    all is known so much later.
    """

    __slots__ = ("_by_call_id", "_count", "_doubtful", "_limit", "_room", "bytes")

    def __init__(self, limit: int, room: int) -> None:
        self._limit = limit
        self._room = room
        self.bytes = 0
        self._count = 0
        self._by_call_id: OrderedDict[bytes, list[tuple[int, Response]]] = OrderedDict()
        self._doubtful: deque[tuple[int, Leg]] = deque()

    def __len__(self) -> int:
        return self._count

    def waits(self) -> bool:
        """Tell whether anything waits at all: nearly always nothing does."""
        return bool(self._by_call_id or self._doubtful)

    def keep(self, response: Response, now: int) -> bool:
        """Keep a response; return False where there is no room."""
        if self._count >= self._limit or self.bytes >= self._room:
            return False
        cut_short(response)
        self.bytes += _weight(response)
        self._by_call_id.setdefault(response.call_id, []).append((now, response))
        self._count += 1
        return True

    def take(self, call_id: bytes) -> list[Response]:
        """Give back what waits for a call, in the order it came."""
        waiting = self._by_call_id.pop(call_id, None)
        if waiting is None:
            return []
        self._count -= len(waiting)
        self.bytes -= sum([_weight(response) for _, response in waiting])
        return [response for _, response in waiting]

    def doubt(self, leg: Leg, now: int) -> bool:
        """Take a response to a leg whose INVITE was not captured yet; return False where there is no room."""
        if len(self._doubtful) >= self._limit:
            return False
        self._doubtful.append((now, leg))
        return True

    def drop(self, now: int) -> int:
        """Give up what has waited too long; return how many responses are to no request that was captured."""
        dropped = unseen = 0
        doubtful = self._doubtful
        while doubtful and now - doubtful[0][0] > REORDERED_WITHIN:
            unseen += not doubtful.popleft()[1].invite_seen
        while self._by_call_id:
            call_id, waiting = next(iter(self._by_call_id.items()))
            if now - waiting[0][0] <= REORDERED_WITHIN:
                break
            del self._by_call_id[call_id]
            dropped += len(waiting)
            self.bytes -= sum([_weight(response) for _, response in waiting])
        self._count -= dropped
        return dropped + unseen


def _weight(response: Response) -> int:
    return MESSAGE + len(response.raw)
