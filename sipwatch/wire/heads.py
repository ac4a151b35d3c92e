"""First fragments whose SIP headers are whole, held until it is clear that the rest does not come.

Must not know: IP, calls.

A capture filter such as ``port 5060`` keeps the first fragment of a large INVITE and no other: they have no ports. What
the fragment holds is a message then, cut short. When to give it? Not at once: as a rule the rest follows back to back,
and the whole message has the body as well. Not when reassembly gives up after half a minute either: the answers would
come first, and find no INVITE. So it is held for as long as its rest may be under way, but no longer than until
something comes that may be due to it: another message of its call, or an error about its datagram. A message of another
call says nothing; on a busy link there is always one in between. It keeps the time of its own packet. All this is
decided by what is in the packets and by their times, so it does not matter who asks how often whether time has passed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sipwatch.wire.message import Request, Response, Unreachable

if TYPE_CHECKING:
    from sipwatch.wire.discards import Discard
    from sipwatch.wire.limits import Limits

FIRST_FRAGMENT_ONLY: Final = "first_fragment_only"  # the notice's name


class Heads:
    """Messages held, by the datagram whose first fragment they are; the first to come is the first to go."""

    __slots__ = ("_lasts", "_most", "held")

    def __init__(self, limits: Limits) -> None:
        self.held: dict[bytes, Request | Response] = {}
        self._lasts = limits.rest_lasts
        self._most = limits.heads

    def since(self, now: int) -> int:
        """Return how far time may go before something is given: to the earliest message held, or to ``now``."""
        return min(now, min((message.time for message in self.held.values()), default=now))

    def due(
        self, time: int, items: tuple[Request | Response | Unreachable | Discard, ...] = ()
    ) -> list[tuple[bytes, Request | Response]]:
        """Take out what has to be given before ``items``, which came at ``time``; what is too many as well."""
        found: list[tuple[bytes, Request | Response]] = []
        surplus = len(self.held) - self._most
        for key, message in self.held.items():
            if len(found) < surplus or time - message.time >= self._lasts or _concern(items, message):
                found.append((key, message))
        for key, _ in found:
            del self.held[key]
        return found

    def take(self) -> list[tuple[bytes, Request | Response]]:
        """Take out everything: nothing more will come."""
        found = list(self.held.items())
        self.held.clear()
        return found


def _concern(items: tuple[Request | Response | Unreachable | Discard, ...], message: Request | Response) -> bool:
    """Tell whether something may be due to a message: it has the same Call-ID, or is an error about its way."""
    for item in items:
        if isinstance(item, (Request, Response)):
            if item.call_id == message.call_id:
                return True
        elif isinstance(item, Unreachable) and item.path.key == message.path.key:
            return True
    return False
