"""What the interface for machines answers with: shapes, and sums added up as they are asked for.

Must not know: HTTP, the store's tables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from sipwatch.export.moments import Duration, Moment
from sipwatch.export.record import CallRecord  # noqa: TC001 - msgspec reads it
from sipwatch.packet import SECOND
from sipwatch.store.schema import SUM_KEYS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sipwatch.store.reader import Sum

MAX_SUMS: Final = 10_000  # rows of one answer
# How much time (ns) a row of sums spans; 0 is all that was asked for.
SPANS: Final = {"minute": 60 * SECOND, "hour": 3600 * SECOND, "day": 86_400 * SECOND, "all": 0}


class CallsAnswer(msgspec.Struct, frozen=True):
    """Calls, the newest first. ``next`` is what ``behind`` has to be for the next page, null on the last one.

    ``looked_until`` is null, or the moment at which looking took too long: older calls have not been looked at yet.
    """

    calls: list[CallRecord]
    next: str | None
    looked_until: Moment | None


class SumRecord(msgspec.Struct, frozen=True):
    """Calls added up that have these in common; null is what was not asked to be told apart, or is not there.

    ``completed`` were answered and ended by a BYE that was confirmed. Each span in seconds is the sum over so many
    calls as the count before it says.
    """

    at: Moment | None
    source: str | None
    destination: str | None
    outcome: str | None
    status_code: int | None
    ending: str | None
    ended_by: str | None
    calls: int
    completed: int
    setups: int
    setup_seconds: Duration
    rings: int
    ring_seconds: Duration
    talks: int
    talk_seconds: Duration


class SumsAnswer(msgspec.Struct, frozen=True):
    """Sums in the order of time, those of most calls first."""

    sums: list[SumRecord]


class ErrorAnswer(msgspec.Struct, frozen=True):
    """Why there is no answer, in one line; ``parameter`` is the one that is wrong, if one is."""

    error: str
    parameter: str | None


class TooManySumsError(Exception):
    """More sums than one answer may have."""


def added_up(sums: Iterable[Sum], by: Sequence[str], span: int) -> list[SumRecord]:
    """Return sums with only some keys told apart, by as much time (ns) as is said. Raises TooManySumsError."""
    found: dict[tuple[object, ...], list[int]] = {}
    for one in sums:
        key = (one.at // span * span if span else None, *(getattr(one, name) for name in by))
        values = found.get(key)
        if values is None:
            if len(found) >= MAX_SUMS:
                raise TooManySumsError
            values = found[key] = [0] * 8
        for place, value in enumerate(one[-8:]):
            values[place] += value
    rows = [_record(key, by, values) for key, values in found.items()]
    return sorted(rows, key=lambda row: (row.at or 0, -row.calls))


def _record(key: tuple[object, ...], by: Sequence[str], values: Sequence[int]) -> SumRecord:
    at, *kept = key
    named = dict.fromkeys(SUM_KEYS) | {name: value or None for name, value in zip(by, kept, strict=True)}
    calls, completed, setups, setup, rings, ring, talks, talk = values
    return SumRecord(
        at=None if at is None else Moment(at),  # type: ignore[call-overload] # what stands first is a moment
        **named,
        calls=calls,
        completed=completed,
        setups=setups,
        setup_seconds=Duration(setup),
        rings=rings,
        ring_seconds=Duration(ring),
        talks=talks,
        talk_seconds=Duration(talk),
    )
