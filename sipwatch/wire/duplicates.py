"""Datagrams captured twice: by a mirror port, the `any` interface, on both sides of a bridge.

Must not know: SIP.
"""

from sipwatch.wire.limits import Limits


class Duplicates:
    """Remembers the hashes of recent datagrams in two generations.

    A datagram is a duplicate of the first copy, not of the copy before it: a sender that repeats
    without end must not vanish.
    """

    __slots__ = ("_before", "_most", "_now", "_until", "_window", "evicted")

    def __init__(self, limits: Limits) -> None:
        self._most = limits.duplicates
        self._window = limits.duplicate_window
        self._now: dict[int, int] = {}
        self._before: dict[int, int] = {}
        self._until = self._window  # of the newer generation
        self.evicted = 0

    def __len__(self) -> int:
        return len(self._now) + len(self._before)

    def seen(self, time: int, ends: bytes, payload: bytes, identification: int = 0) -> bool:
        """Tell whether these bytes between these ends were seen within the window; else remember them.

        Two copies that differ in their IPv4 ``identification`` were sent twice. Where it says nothing, as between
        packets that must not be fragmented (RFC 6864 §4), it is zero for all, and bytes and time decide.
        """
        what = hash(payload) ^ hash(ends) ^ identification
        recent = self._now
        first = recent.get(what)
        if first is None:
            first = self._before.get(what)
        if first is not None and -self._window <= time - first <= self._window:
            return True
        if time > self._until or len(recent) >= self._most:
            if time <= self._until:
                self.evicted += len(self._before)
            self._before = recent
            recent = self._now = {}
            self._until = time + self._window
        recent[what] = time
        return False
