"""Numbers that were not found in one spelling, and answered in another one.

Must not know: clocks, words, what else may be wrong with a trunk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sipwatch.classify.findings import PLAIN, Evidence, Fact, Finding, Kind, Term, own, person, said
from sipwatch.classify.numbers import MAX_NUMBER_LENGTH, MIN_NUMBER_LENGTH, index_key, other_spelling
from sipwatch.classify.past import MAX_IDS, CallId, Glimpse, Table, glimpse, recalled
from sipwatch.classify.remembered import DICT, LIST, PAIR_KEY, SLOT, Memory, of_id

if TYPE_CHECKING:
    from sipwatch.classify.families.trunk import Trunk
    from sipwatch.wire.message import Response

MAX_NUMBERS: Final = 20_000
_SPELLINGS: Final = 4  # of one number on one trunk
_EACH: Final = SLOT + PAIR_KEY + DICT
_GLIMPSE: Final = 240  # and the number that it is of; the phrase comes on top


class NotFound:
    """A number that was not found, as dialled: the final response that said so last, and the calls (the first ones)."""

    __slots__ = ("calls", "final", "ids", "size")

    def __init__(self) -> None:
        self.calls = 0
        self.ids: list[CallId] = []
        self.final: Glimpse = (0, 0, 0, b"")
        self.size = LIST + 70 + _GLIMPSE  # bytes, but for the phrase

    def add(self, call: CallId, final: Glimpse) -> None:
        """Count one more call."""
        self.calls += 1
        self.final = final
        if len(self.ids) < MAX_IDS:
            self.ids.append(call)
            self.size += of_id(call)


class Respelling(NamedTuple):
    """Two spellings of a number on a trunk: one that failed, one that was answered; and a word for the difference."""

    failed: bytes
    worked: bytes
    difference: str
    evidence: list[Evidence]
    calls: int
    ids: list[CallId]


class Numbers:
    """Numbers that were answered, and numbers that were not found, by trunk; dialled as in ``region``.

    Remembered by what all spellings of one number on one trunk share. A spelling that was answered there itself is
    not cured by another one: something else was wrong with it.
    """

    def __init__(self, region: str | None, memory: Memory | None = None) -> None:
        self.region = region
        self.answered: Table[dict[bytes, Glimpse]] = Table(MAX_NUMBERS, memory, _EACH)
        self.not_found: Table[dict[bytes, NotFound]] = Table(MAX_NUMBERS, memory, _EACH)

    def answers(self, trunk: Trunk, number: bytes, final: Response) -> list[Respelling]:
        """Take a number that was answered; return what that says of its other spellings, which failed before."""
        digits = (
            number[-MIN_NUMBER_LENGTH:]
            if number.isdigit() and MIN_NUMBER_LENGTH <= len(number) <= MAX_NUMBER_LENGTH
            else _shared(number)
        )
        if not digits:
            return []
        key = (trunk.name, digits)
        spellings = self.answered.touch(key)
        if spellings is None:
            spellings = {}
            self.answered.put(key, spellings)
        elif number not in spellings and len(spellings) >= _SPELLINGS:
            del spellings[next(iter(spellings))]
        before = spellings.get(number)
        spellings[number] = seen = glimpse(final)
        if before is None or len(before[3]) != len(seen[3]):
            self.answered.weigh(key, sum([_GLIMPSE + len(one[3]) for one in spellings.values()]))
        failed = self.not_found.get(key) if self.not_found.entries else None
        if failed is None:
            return []
        failed.pop(number, None)
        found = [
            respelling
            for respelling in [self._respelling(was, failed[was], number, spellings) for was in failed]
            if respelling
        ]
        for respelling in found:
            del failed[respelling.failed]
        return found

    def fails(self, trunk: Trunk, number: bytes, final: Response, call: CallId) -> Respelling | None:
        """Take a number that was not found; return the other spelling that was answered before, if there is one."""
        digits = _shared(number)
        spellings = self.answered.get((trunk.name, digits)) if digits else None
        if not digits or (spellings is not None and number in spellings):
            return None
        this = NotFound()
        this.add(call, glimpse(final))
        for worked in reversed(spellings or {}):
            respelling = self._respelling(number, this, worked, spellings or {})
            if respelling is not None:
                return respelling
        failed = self.not_found.touch((trunk.name, digits))
        if failed is None:
            failed = {}
            self.not_found.put((trunk.name, digits), failed)
        elif number not in failed and len(failed) >= _SPELLINGS:
            del failed[next(iter(failed))]
        failed.setdefault(number, NotFound()).add(call, this.final)
        self.not_found.weigh((trunk.name, digits), sum([one.size + len(one.final[3]) for one in failed.values()]))
        return None

    def _respelling(
        self, was: bytes, failed: NotFound, worked: bytes, spellings: dict[bytes, Glimpse]
    ) -> Respelling | None:
        if was in spellings:
            return None
        difference = other_spelling(said(was), said(worked), self.region)
        if difference is None:
            return None
        evidence = sorted([recalled(failed.final), recalled(spellings[worked])])
        return Respelling(was, worked, difference, evidence, failed.calls, failed.ids)


def _shared(number: bytes) -> bytes:
    """Return what all spellings of a number share, "" for what has no other: extensions, names, what is too long."""
    if not MIN_NUMBER_LENGTH <= len(number) <= MAX_NUMBER_LENGTH:
        return b""
    key = index_key(said(number))
    return key.encode() if key.isdigit() else b""


def number_format(trunk: Term, found: Respelling) -> Finding:
    """Return the finding about a number that a trunk wants in another spelling."""
    facts: dict[str, Fact] = {
        "number": person(found.failed), "other": person(found.worked), "difference": own(found.difference),
    }  # fmt: skip
    return Finding(Kind.NUMBER_FORMAT, PLAIN, trunk, facts, found.evidence)
