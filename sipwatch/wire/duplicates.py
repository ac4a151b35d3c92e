"""Datagrams captured twice, and messages that several have seen: a mirror port, both sides of a bridge, two agents.

Must not know: calls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sipwatch.wire.message import Request, Response

if TYPE_CHECKING:
    from sipwatch.wire.limits import Limits


class Generations:
    """What was seen and when, by a hash: the newer ones and those before, which go all at once."""

    __slots__ = ("_before", "_lasts", "_most", "_now", "_until", "_window", "evicted")

    def __init__(self, most: int, window: int, lasts: int) -> None:
        self._most = most
        self._window = window  # ns within which something is a copy
        self._lasts = lasts  # ns that a generation takes in
        self._now: dict[int, int] = {}
        self._before: dict[int, int] = {}
        self._until = lasts  # of the newer generation
        self.evicted = 0

    def __len__(self) -> int:
        return len(self._now) + len(self._before)

    def _begin(self, time: int) -> None:
        """Begin a new generation."""
        if time <= self._until:
            self.evicted += len(self._before)
        self._before = self._now
        self._now = {}
        self._until = time + self._lasts


class Duplicates(Generations):
    """Remembers the hashes of recent datagrams.

    A datagram is a duplicate of the first copy, not of the copy before it: a sender that repeats
    without end must not vanish.
    """

    __slots__ = ()

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits.duplicates, limits.duplicate_window, limits.duplicate_window)

    def seen(self, time: int, ends: bytes, payload: bytes, identification: int = 0) -> bool:
        """Tell whether these bytes between these ends were seen within the window; else remember them.

        Two copies that differ in their IPv4 ``identification`` were sent twice. Where it says nothing, as between
        packets that must not be fragmented (RFC 6864 §4), it is zero for all, and bytes and time decide.
        """
        what = hash(payload) ^ hash(ends) ^ identification
        newer = self._now
        if (what in newer or what in self._before) and self._is_near(time, what):
            return True
        if time > self._until or len(newer) >= self._most:
            self._begin(time)
            newer = self._now
        newer[what] = time
        return False

    def _is_near(self, time: int, what: int) -> bool:
        """Tell whether what was seen, the latest time that it was no copy, lies within the window."""
        first = self._now[what] if what in self._now else self._before[what]
        return -self._window <= time - first <= self._window


class Copies(Generations):
    """Remembers messages, whoever saw them, where agents report over HEP what others report or we see as well.

    Of two copies at least one was reported: what the wire shows twice is the affair of ``Duplicates``. Copies have
    the same ends and bytes; ``across_nat`` those of agents on either side of a NAT, which rewrites both: the same
    Call-ID, CSeq, branch and number of Via values, and method or status code.
    """

    __slots__ = ("across_nat",)

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits.copies, limits.duplicate_window, limits.copies_kept)
        self.across_nat = False

    def seen(self, time: int, message: Request | Response, reported: bool) -> bool:
        """Tell whether this is a copy of a message seen within the window; else remember it.

        ``time`` is the message's own, in ns; ``reported`` says that it came over HEP, not from the wire.
        """
        what = self._identity(message)
        first = self._now.get(what, -1)
        if first < 0:
            first = self._before.get(what, -1)
        if first >= 0 and (reported or first & 1) and -self._window <= time - (first >> 1) <= self._window:
            return True
        if time > self._until or len(self._now) >= self._most:
            self._begin(time)
        self._now[what] = time << 1 | reported
        return False

    def _identity(self, message: Request | Response) -> int:
        if self.across_nat and message.call_id and message.branch:
            said = message.method if isinstance(message, Request) else str(message.status_code)
            texts = (message.call_id, message.branch, message.cseq_method, said)
            return hash((texts, message.cseq_number, message.via_count))
        return hash(message.raw) ^ hash(message.path.key)
