"""The table of calls: which call a message belongs to, by Call-ID and the caller's tag, and which goes when it is full.

Must not know: methods, transactions, what becomes of a call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sipwatch.track.attempts import attempt_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sipwatch.track.call import Call
    from sipwatch.wire.message import Message


class TableLimits:
    """How much is remembered at the most; what is given up is counted by table."""

    __slots__ = ("calls", "early", "legs", "siblings")

    def __init__(self, *, calls: int = 100_000, legs: int = 256, early: int = 1024, siblings: int = 32) -> None:
        self.calls = calls  # some 300 MB at worst
        self.legs = legs  # of one call: the largest ring-all groups have some 100 members
        self.siblings = siblings  # calls with one Call-ID and different From tags
        self.early = early  # responses that wait for their request


class Calls:
    """Every call that is tracked, in the order in which their Call-IDs were first seen.

    Calls with one Call-ID, of forks that met or of a Call-ID used again, are chained by ``sibling``, the latest first.
    """

    __slots__ = ("_by_id", "_count", "_limits")

    def __init__(self, limits: TableLimits) -> None:
        self._by_id: dict[bytes, Call] = {}
        self._count = 0
        self._limits = limits

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Call]:
        for first in self._by_id.values():
            call: Call | None = first
            while call is not None:
                yield call
                call = call.sibling

    def find(self, message: Message) -> Call | None:
        """Return the call whose caller's tag stands at either end of the message.

        Where one Call-ID and From tag were used for several attempts, a message inside a dialog belongs to the attempt
        that brought the dialog about.
        """
        call = self._by_id.get(message.call_id)
        if call is None:
            return None
        if call.sibling is None:
            tag = call.from_tag
            return call if tag == message.from_tag or tag == message.to_tag else None  # noqa: PLR1714 - quicker
        one: Call | None = call
        while one is not None:
            if one.from_tag in (message.from_tag, message.to_tag):
                return attempt_of(one, message)
            one = one.sibling
        return None

    def latest(self, call_id: bytes) -> Call | None:
        """Return the latest call with a Call-ID, whatever its tags."""
        return self._by_id.get(call_id)

    def oldest(self) -> Call | None:
        """Return a call of the Call-ID that was seen before all others, None if there is none."""
        for call in self._by_id.values():
            return call
        return None

    def to_give_up(self, call_id: bytes) -> Call | None:
        """Return the call that must go before another with this Call-ID may come, None while there is room."""
        if self._count >= self._limits.calls:
            return self.oldest()
        latest = self._by_id.get(call_id)
        return latest if latest is not None and _length(latest) >= self._limits.siblings else None

    def add(self, call: Call) -> None:
        """Take a new call."""
        call.sibling = self._by_id.get(call.call_id)
        self._by_id[call.call_id] = call
        self._count += 1

    def remove(self, call: Call) -> None:
        """Let go of a call that is over."""
        first = self._by_id.get(call.call_id)
        if first is call:
            if call.sibling is None:
                del self._by_id[call.call_id]
            else:
                self._by_id[call.call_id] = call.sibling
            self._count -= 1
            return
        while first is not None:
            if first.sibling is call:
                first.sibling = call.sibling
                self._count -= 1
                return
            first = first.sibling


def _length(call: Call) -> int:
    """Count a call and those behind it in the chain of its Call-ID."""
    count = 1
    behind = call.sibling
    while behind is not None:
        count += 1
        behind = behind.sibling
    return count
