"""What else there was between the same people: the calls before and after one.

Must not know: HTTP, pages.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

from sipwatch.packet import SECOND
from sipwatch.store.wanted import Number, Wanted

if TYPE_CHECKING:
    from sipwatch.export.record import CallRecord
    from sipwatch.store.reader import Stored, StoreReader

NEAR: Final = 7 * 86_400 * SECOND  # that far from a call others of the same numbers are looked for
MOST: Final = 3  # shown on each side
_LOOKED_AT: Final = 200  # calls of one number


class Attempts(NamedTuple):
    """The calls of the same two numbers before and after, in the order of time; ``why_not`` says why there are none."""

    before: list[Stored]
    after: list[Stored]
    why_not: str = ""


def attempts_around(reader: StoreReader, call: CallRecord, region: str | None) -> Attempts:
    """Return the attempts of the same two numbers around a call, whoever of them called. Raises StoreError."""
    try:
        caller, callee = Number(call.caller or "", region), Number(call.callee or "", region)
    except ValueError:
        return Attempts([], [], "One of the two has no number by which calls are found.")
    started = int(call.started)

    def near(since: int, until: int, *, oldest_first: bool) -> list[Stored]:
        wanted = Wanted(max(0, since), until, number=caller)
        looked = islice(reader.calls(wanted, oldest_first=oldest_first), _LOOKED_AT)
        others = (one for one in looked if one.record.id != call.id and callee.is_in(one.record))
        return list(islice((one for one in others if _is_other_end(one.record, caller, callee)), MOST))

    before = near(started - NEAR, started, oldest_first=False)[::-1]
    after = near(started, started + NEAR, oldest_first=True)
    why_not = "" if before or after else "None within a week before or after."
    return Attempts(before, after, why_not)


def _is_other_end(call: CallRecord, one: Number, other: Number) -> bool:
    """Tell whether a call has both numbers, each at an end of its own."""
    ends = [end for end in (call.caller, call.callee) if end is not None]
    return len(ends) == 2 and any(
        one.is_same(first) and other.is_same(second) for first, second in (ends, reversed(ends))
    )
