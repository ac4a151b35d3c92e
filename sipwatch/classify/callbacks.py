"""Missed inbound calls that wait until their callers are called back, or get through themselves.

Must not know: calls, records, peers, or any clock: time is an argument, integer nanoseconds of packet time.

A caller who called three times in vain and is spoken to once is served: all three calls are called back. So is one who
is spoken to while his call still rings elsewhere: he redialled, and his first call is over only now, or somebody called
him meanwhile. What counts is that he was spoken to after he had called.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, Final

from sipwatch.classify.numbers import MAX_NUMBER_LENGTH, index_key, same_number
from sipwatch.classify.remembered import SLOT, Memory, of_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# What stands where a number would (RFC 3323 §4.1, 3GPP TS 24.229, and what systems write of their own accord).
ANONYMOUS = frozenset({"", "anonymous", "asterisk", "private", "restricted", "unavailable", "unknown", "withheld"})

MAX_OF_ONE = 128  # waiting calls of one number: who redials all day pushes out no one but himself
_MISSED: Final = 2 * SLOT + 900  # a missed call with its number's places in the index
_ANSWER: Final = 2 * SLOT + 1000
_MAX_ALIKE = 16  # spellings with the same last digits that are compared; only an attacker brings more


def can_be_called(number: str) -> bool:
    """Tell whether a caller left something that can be dialled."""
    return len(number) <= MAX_NUMBER_LENGTH and number.strip().lower() not in ANONYMOUS


class Missed:
    """One missed call of ``number`` to ``dialled`` that ended at ``at``; ``id`` and ``payload`` are its giver's own.

    ``size`` is what it takes with them (bytes), ``began`` from when on an answer serves it.

    ``attempts`` counts the calls to that number since then that were not answered, the latest at ``last_attempt``;
    ``redials`` those from it, the latest at ``last_redial``; ``answered_at`` is when the number was spoken to. All
    three times are -1 before.
    """

    __slots__ = (
        "answered_at",
        "at",
        "attempts",
        "began",
        "dialled",
        "id",
        "last_attempt",
        "last_redial",
        "number",
        "payload",
        "redials",
        "serial",
        "size",
    )

    def __init__(self, number: str, dialled: str, at: int, id: str, payload: object, serial: int) -> None:  # noqa: A002
        self.number = number
        self.dialled = dialled
        self.at = at
        self.id = id
        self.payload = payload
        self.serial = serial
        self.size = _MISSED + of_text(number) + of_text(dialled)
        self.began = at
        self.attempts = self.redials = 0
        self.last_attempt = self.last_redial = -1
        self.answered_at = -1


class Callbacks:
    """Who waits for a call back. Each missed call is released exactly once, with whether it was called back.

    ``within`` is how long one waits, in ns; an answer at the very end still counts. ``region`` is that
    of ``numbers.same_number``. Not more than ``limit`` wait, and no more than find room in ``memory``: the oldest
    gives way, as not called back, and is counted in ``evicted``. ``bytes`` is what they take.

    Times given must not go back by more than ``late``, the ns that pass between what happens and its
    report. By so much calls wait longer before they are given up, and answers are remembered, so that
    an answer counts by its own time; by ``rings``, the ns for which a call in vain may ring, they are
    remembered longer, so that one given meanwhile counts. How often anybody looks changes nothing (Law 1).
    """

    __slots__ = (
        "_by_key",
        "_late",
        "_limit",
        "_memory",
        "_next_serial",
        "_order",
        "_region",
        "_release",
        "_rings",
        "_within",
        "answers",
        "bytes",
        "evicted",
    )

    def __init__(
        self,
        within: int,
        region: str | None,
        release: Callable[[Missed, bool], None],
        limit: int = 10_000,
        late: int = 0,
        memory: Memory | None = None,
        rings: int = 0,
    ) -> None:
        self.evicted = 0
        self.bytes = 0
        self._memory = memory or Memory()
        self._memory.share(self)
        self._within = within
        self._rings = rings
        self._region = region
        self._release = release
        self._limit = limit
        self._late = late
        self._next_serial = 0
        self._order: list[Missed] = []  # oldest first
        self._by_key: dict[str, dict[str, list[Missed]]] = {}  # by key and spelling
        self.answers = Answers(late + rings, limit, self._memory)

    def __len__(self) -> int:
        return len(self._order)

    def waiting(self) -> Iterator[Missed]:
        """Give each call that waits right now, oldest first."""
        return iter(tuple(self._order))

    def missed(
        self,
        number: str,
        dialled: str,
        at: int,
        id: str,  # noqa: A002 - as a record
        payload: object,
        size: int = 0,
        began: int | None = None,
    ) -> bool:
        """Take a missed inbound call that ended at ``at``; to those that wait already its caller has called again.

        ``size`` is what the payload takes (bytes); ``began`` is when it was made, if that is known.

        Returns False, and keeps and releases nothing, for a caller who cannot be called back. One who
        was spoken to before the call was reported is released at once.
        """
        self.redialled(number, at)
        if not can_be_called(number):
            return False
        self._next_serial += 1
        missed = Missed(number, dialled, at, id, payload, self._next_serial)
        missed.size += size
        if began is not None:
            missed.began = max(min(began, at), at - self._rings)  # no answer is remembered for longer
        missed.answered_at = self.answers.first(number, missed.began, at + self._within, self._region)
        if missed.answered_at >= 0:
            self._release(missed, True)
        else:
            self._keep(missed)
        return True

    def attempted(self, number: str, at: int) -> None:
        """Take a call to a number that was given up, or refused, at ``at``."""
        self.advance(at)
        for missed in self._open(number, at):
            if missed.at <= at:
                missed.attempts += 1
                missed.last_attempt = max(missed.last_attempt, at)

    def redialled(self, number: str, at: int) -> None:
        """Take a call from a number that came to nothing, and was over at ``at``."""
        self.advance(at)
        for missed in self._open(number, at):
            if missed.at <= at:
                missed.redials += 1
                missed.last_redial = max(missed.last_redial, at)

    def answered(self, number: str, at: int) -> None:
        """Take a call to or from a number that was answered at ``at``: all who waited until then are called back."""
        self.advance(at)
        self.answers.add(number, at)
        for missed in sorted(self._open(number, at), key=_age):
            missed.answered_at = at
            self._let_go(missed, True)

    def advance(self, now: int) -> None:
        """Give up those whose time has run out."""
        self.answers.forget(now)
        oldest = now - self._within - self._late
        while self._order and self._order[0].at < oldest:
            self._let_go(self._order[0], False)

    def finish(self, now: int) -> None:
        """Release all who still wait as not called back: the capture is over."""
        self.advance(now)
        while self._order:
            self._let_go(self._order[0], False)

    def _open(self, number: str, at: int) -> list[Missed]:
        """Return the calls of a number that an event at ``at`` is in time for."""
        spellings = self._by_key.get(index_key(number))
        if spellings is None:
            return []
        found = list(spellings.get(number, ()))
        for spelling in islice(reversed(spellings), _MAX_ALIKE):
            if spelling != number and same_number(spelling, number, self._region):
                found += spellings[spelling]
        return [missed for missed in found if missed.began <= at <= missed.at + self._within]

    def _keep(self, missed: Missed) -> None:
        same = self._by_key.get(index_key(missed.number), {}).get(missed.number, ())
        if len(same) >= MAX_OF_ONE:
            self._evict(min(same, key=_age))
        elif len(self._order) >= self._limit:
            self._evict(self._order[0])
        insort(self._order, missed, key=_age)
        self._by_key.setdefault(index_key(missed.number), {}).setdefault(missed.number, []).append(missed)
        self._memory.grow(self, missed.size)

    def grown(self, missed: Missed, size: int) -> None:
        """Take note that the payload of a call that waits takes so many bytes more."""
        missed.size += size
        self._memory.grow(self, size)

    def forget_oldest(self) -> None:
        """Give up the call that has waited longest, as not called back, and count it."""
        self._evict(self._order[0])

    def leave(self) -> None:
        """Take no more room: nobody waits any more, and nobody will."""
        self._memory.leave(self)
        self._memory.leave(self.answers)

    def _evict(self, missed: Missed) -> None:
        self.evicted += 1
        self._let_go(missed, False)

    def _let_go(self, missed: Missed, called_back: bool) -> None:
        """Forget a call, and then release it."""
        del self._order[bisect_left(self._order, _age(missed), key=_age)]
        key = index_key(missed.number)
        spellings = self._by_key[key]
        same = spellings[missed.number]
        same.remove(missed)
        if not same:
            del spellings[missed.number]
        if not spellings:
            del self._by_key[key]
        self._memory.grow(self, -missed.size)
        self._release(missed, called_back)


class Answers:
    """Who was spoken to lately: some missed calls are reported only after they were called back."""

    __slots__ = ("_by_key", "_late", "_limit", "_memory", "_order", "bytes", "evicted")

    def __init__(self, late: int, limit: int, memory: Memory) -> None:
        self.evicted = 0
        self.bytes = 0
        self._memory = memory
        memory.share(self)
        self._late = late
        self._limit = limit
        self._order: deque[tuple[int, str]] = deque()  # when, and the key
        self._by_key: dict[str, deque[tuple[int, str]]] = {}  # when, and the number

    def add(self, number: str, at: int) -> None:
        """Remember an answer, for as long as a call may be reported late."""
        if self._late == 0 or not can_be_called(number):
            return
        if len(self._order) >= self._limit:
            self.forget_oldest()
        key = index_key(number)
        self._order.append((at, key))
        self._by_key.setdefault(key, deque()).append((at, number))
        self._memory.grow(self, _ANSWER)

    def first(self, number: str, since: int, until: int, region: str | None) -> int:
        """Return the first answer of a number from ``since`` to ``until``, of the latest with its key; -1 without."""
        answers = self._by_key.get(index_key(number))
        if answers is None:
            return -1
        latest = islice(reversed(answers), _MAX_ALIKE)
        times = [at for at, answered in latest if since <= at <= until and same_number(answered, number, region)]
        return min(times, default=-1)

    def __len__(self) -> int:
        return len(self._order)

    def forget(self, now: int) -> None:
        """Forget what nobody can ask for any more."""
        while self._order and self._order[0][0] < now - self._late:
            self._drop()

    def forget_oldest(self) -> None:
        """Forget the answer that is longest ago, and count it."""
        self.evicted += 1
        self._drop()

    def _drop(self) -> None:
        _, key = self._order.popleft()
        answers = self._by_key[key]
        answers.popleft()
        if not answers:
            del self._by_key[key]
        self._memory.grow(self, -_ANSWER)


def _age(missed: Missed) -> tuple[int, int]:
    return missed.at, missed.serial
