"""Paths made once and handed out again.

Must not know: packets.
"""

from sipwatch.wire import tunnels
from sipwatch.wire.limits import Limits
from sipwatch.wire.message import Path, Transport


class Paths:
    """Interns paths by transport and key. Full, it starts anew: paths are only a saving of work.

    ``udp`` is for the fast path to look into: what stands there cannot be a tunnel, as far as ports tell. The two
    common transports have a table of their own, because an enum in a dictionary's key is hashed in Python.
    """

    __slots__ = ("_most", "_others", "_tcp", "evicted", "udp")

    def __init__(self, limits: Limits) -> None:
        self._most = limits.paths
        self.udp: dict[bytes, Path] = {}
        self._tcp: dict[bytes, Path] = {}
        self._others: dict[tuple[str, bytes], Path] = {}
        self.evicted = 0

    def __len__(self) -> int:
        return len(self.udp) + len(self._tcp) + len(self._others)

    def get(self, transport: Transport, key: bytes) -> Path:
        """Return the path with this key."""
        if transport is Transport.UDP:
            path = self.udp.get(key) or self._others.get((transport.value, key))
        elif transport is Transport.TCP:
            path = self._tcp.get(key)
        else:
            path = self._others.get((transport.value, key))
        return path if path is not None else self._make(transport, key)

    def _make(self, transport: Transport, key: bytes) -> Path:
        if len(self) >= self._most:
            self.evicted += len(self)
            self.udp.clear()
            self._tcp.clear()
            self._others.clear()
        path = Path(key, transport)
        if transport is Transport.UDP and not may_be_tunnel(key):
            self.udp[key] = path
        elif transport is Transport.TCP:
            self._tcp[key] = path
        else:
            self._others[transport.value, key] = path
        return path


def may_be_tunnel(key: bytes) -> bool:
    """Tell whether one of a path's ports is a tunnel's."""
    return key[-2:] in tunnels.PORTS or key[-4:-2] in tunnels.PORTS
