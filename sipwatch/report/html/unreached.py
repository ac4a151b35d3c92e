"""Callers who wait to be called back, by the records of calls alone.

The desk marks a missed call whose caller nobody reached in time. Here it is looked for a later call that was answered,
to or from the same number: who was reached after all, however late, waits no more.

Must not know: which calls are missed (the record says so), any clock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sipwatch.classify.numbers import MAX_NUMBER_LENGTH, index_key, same_number
from sipwatch.classify.tags import Tag

if TYPE_CHECKING:
    from sipwatch.export.moments import Moment
    from sipwatch.export.record import CallRecord

MAX_WAITING: Final = 10_000
MAX_SPOKEN_TO: Final = 50_000  # numbers
_MAX_ALIKE: Final = 16  # spellings of one number; only an attacker brings more


class UnreachedCaller(NamedTuple):
    """Somebody who waits: the number as on the wire, what it dialled last, when it first and last called in vain."""

    number: str
    dialled: str
    source: str
    first: Moment
    last: Moment
    calls: int
    id: str


class UnreachedCallers:
    """Takes calls in any order. ``region`` is that of ``numbers.same_number``; ``left_out`` found no room.

    ``trunks`` are the names of the peers beyond which is outside: who is at the other end of a call was not called
    back by it, though his number be that of a caller. Where nobody names any, both ends count.
    """

    def __init__(self, region: str | None = None, trunks: frozenset[str] = frozenset()) -> None:
        self.left_out = 0
        self.is_known = False  # whether calls were marked at all: that takes trunks and [callback]
        self._region = region
        self._trunks = trunks
        self._missed: dict[str, dict[str, UnreachedCaller]] = {}  # by key and spelling
        self._waiting = 0
        self._spoken: dict[str, dict[str, int]] = {}  # when a number was last spoken to

    def add(self, call: CallRecord) -> None:
        """Take a call."""
        if Tag.WAITING_CALLBACK in call.tags:
            self.is_known = True
            self._miss(call)
        elif Tag.CALLED_BACK in call.tags:
            self.is_known = True
        if call.answered is not None:
            for number, peer in ((call.caller, call.source), (call.callee, call.destination)):
                if number and len(number) <= MAX_NUMBER_LENGTH and (not self._trunks or peer in self._trunks):
                    self._speak(number, call.answered)

    def waiting(self) -> list[UnreachedCaller]:
        """Return who still waits, since the longest first."""
        found = [one for spellings in self._missed.values() for one in spellings.values() if not self._was_reached(one)]
        return sorted(found, key=lambda one: (one.first, one.id))

    def _miss(self, call: CallRecord) -> None:
        number = call.caller or ""
        spellings = self._missed.setdefault(index_key(number), {})
        before = spellings.get(number)
        if before is None:
            if self._waiting >= MAX_WAITING:
                self.left_out += 1
                return
            self._waiting += 1
            before = UnreachedCaller(number, "", "", call.started, call.started, 0, "")
        if call.started >= before.last:
            before = before._replace(dialled=call.callee or "", source=call.source, last=call.started, id=call.id)
        spellings[number] = before._replace(first=min(before.first, call.started), calls=before.calls + 1)

    def _speak(self, number: str, answered: int) -> None:
        key = index_key(number)
        spellings = self._spoken.pop(key, {})
        if number in spellings or len(spellings) < _MAX_ALIKE:
            spellings[number] = max(answered, spellings.get(number, 0))
        self._spoken[key] = spellings  # the one spoken to last stands last
        if len(self._spoken) > MAX_SPOKEN_TO:
            del self._spoken[next(iter(self._spoken))]

    def _was_reached(self, one: UnreachedCaller) -> bool:
        """Tell whether a number was spoken to after it had called in vain for the last time."""
        alike = self._spoken.get(index_key(one.number), {})
        return any(at > one.last and same_number(other, one.number, self._region) for other, at in alike.items())
