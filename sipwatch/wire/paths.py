"""Paths made once and handed out again.

Must not know: packets.
"""

from sipwatch.wire.message import Path, Transport

MOST_PATHS = 65_536


class Paths:
    """Interns paths by transport and key. Full, it starts anew: paths are only a saving of work."""

    __slots__ = ("_others", "evicted", "udp")

    def __init__(self) -> None:
        self.udp: dict[bytes, Path] = {}
        self._others: dict[tuple[Transport, bytes], Path] = {}
        self.evicted = 0

    def __len__(self) -> int:
        return len(self.udp) + len(self._others)

    def get(self, transport: Transport, key: bytes) -> Path:
        """Return the path with this key."""
        path = self.udp.get(key) if transport is Transport.UDP else self._others.get((transport, key))
        if path is None:
            if len(self) >= MOST_PATHS:
                self.evicted += len(self)
                self.udp.clear()
                self._others.clear()
            path = Path(key, transport)
            if transport is Transport.UDP:
                self.udp[key] = path
            else:
                self._others[transport, key] = path
        return path
