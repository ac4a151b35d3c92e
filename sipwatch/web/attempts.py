"""What else there was around a call: between the same people, and of the caller; and whether a missed one was reached.

Must not know: HTTP, pages.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

from sipwatch.classify.tags import Tag
from sipwatch.packet import SECOND
from sipwatch.store.wanted import Wanted, known_number
from sipwatch.track.table import TIMER_C

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sipwatch.export.record import CallRecord
    from sipwatch.store.reader import Stored, StoreReader
    from sipwatch.store.wanted import Number

NEAR: Final = 7 * 86_400 * SECOND  # that far from a call others of the same numbers are looked for
MOST: Final = 3  # shown on each side
_LOOKED_AT: Final = 200  # calls of one number
_WAITS: Final = frozenset({Tag.CALLED_BACK.value, Tag.WAITING_CALLBACK.value})
_NONE: Final = "None within a week before or after."


class Attempts(NamedTuple):
    """Calls before and after one, in the order of time; ``why_not`` says why there are none."""

    before: list[Stored]
    after: list[Stored]
    why_not: str = ""


class Around(NamedTuple):
    """The calls around one: those of the same two numbers, whoever of them called, and the caller's with others."""

    two: Attempts
    caller: Attempts


class CallBack(NamedTuple):
    """How a missed caller was reached: by which call, how long after the missed one had begun (ns), who rang whom."""

    by: Stored
    after: int
    rang_again: bool


def calls_around(reader: StoreReader, call: CallRecord, region: str | None) -> Around:
    """Return what else there was around a call. Raises StoreError."""
    caller, callee = known_number(call.caller, region), known_number(call.callee, region)
    if caller is None:
        no_caller = Attempts([], [], "The caller has no number by which calls are found.")
        return Around(_of_no_pair(), no_caller)
    started = int(call.started)
    before, after = (
        _nearest(_calls_of(reader, caller, since, until, oldest_first=later), call, caller, callee)
        for since, until, later in ((started - NEAR, started, False), (started, started + NEAR, True))
    )
    two, others = (_attempts(earlier, later) for earlier, later in zip(before, after, strict=True))
    return Around(_of_no_pair() if callee is None else two, others)


def is_marked_missed(call: CallRecord) -> bool:
    """Tell whether a call is marked as one whose caller is to be called back, or was."""
    return not _WAITS.isdisjoint(call.tags)


def called_back(reader: StoreReader, call: CallRecord, region: str | None) -> CallBack | None:
    """Return the first call from or to the caller that was answered after a call had begun. Raises StoreError.

    That is what the daemon's mark means, too: also one that was answered while the other still rang. It is None where
    the store has none within a week, or the caller has no number to look for.
    """
    caller = known_number(call.caller, region)
    if caller is None:
        return None
    began = call.started
    for one in _calls_of(reader, caller, began - TIMER_C, began + NEAR, oldest_first=True):
        record = one.record
        if record.answered is not None and record.answered >= began and record.id != call.id:
            return CallBack(one, record.answered - began, record.caller is not None and caller.is_same(record.caller))
    return None


def _calls_of(reader: StoreReader, number: Number, since: int, until: int, *, oldest_first: bool) -> Iterator[Stored]:
    wanted = Wanted(max(0, since), until, number=number)
    return islice(reader.calls(wanted, oldest_first=oldest_first), _LOOKED_AT)


def _nearest(
    calls: Iterator[Stored], call: CallRecord, caller: Number, callee: Number | None
) -> tuple[list[Stored], list[Stored]]:
    """Return the first of the caller's calls: with the callee, and with others."""
    two: list[Stored] = []
    others: list[Stored] = []
    for one in calls:
        is_of_two = callee is not None and _is_other_end(one.record, caller, callee)
        side = two if is_of_two else others
        if one.record.id != call.id and len(side) < MOST:
            side.append(one)
        if len(others) == MOST and (callee is None or len(two) == MOST):
            break
    return two, others


def _attempts(before: list[Stored], after: list[Stored]) -> Attempts:
    return Attempts(before[::-1], after, "" if before or after else _NONE)


def _of_no_pair() -> Attempts:
    return Attempts([], [], "One of the two has no number by which calls are found.")


def _is_other_end(call: CallRecord, one: Number, other: Number) -> bool:
    """Tell whether a call has both numbers, each at an end of its own."""
    ends = [end for end in (call.caller, call.callee) if end is not None]
    return len(ends) == 2 and any(
        one.is_same(first) and other.is_same(second) for first, second in (ends, reversed(ends))
    )
