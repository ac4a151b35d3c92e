"""Days of calls of which some rise, for whoever looks for incidents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from sipwatch.export.moments import Moment
from sipwatch.packet import DAY, HOUR, MINUTE
from sipwatch.store.days import begin_of
from tests.export import records

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sipwatch.export.record import CallRecord
    from tests.store.stored import Stored

TODAY = begin_of("2026-01-12")
NOON = TODAY + 12 * HOUR


def calls(begin: int, end: int, *, every: int = 2 * MINUTE, **fields: Any) -> Iterator[CallRecord]:
    """Make one call after the other, each from another caller: every ninth is busy, the rest are answered."""
    for place, at in enumerate(range(begin, end, every)):
        outcome, code = ("busy", 486) if place % 9 == 0 else ("answered", 200)
        given = {
            "id": f"{at // 10**9:012x}",
            "started": Moment(at),
            "caller": f"1555{place:07}",
            "source": "pbx",
            "destination": "south" if place % 2 else "north",
            "outcome": outcome,
            "status_code": code,
        }
        yield records.call(**{**given, **fields})


def week(store: Stored) -> None:
    store.put(*calls(TODAY - 8 * DAY, TODAY - DAY, every=20 * MINUTE))


def trouble(begin: int, end: int, **fields: Any) -> Iterator[CallRecord]:
    """Make calls to a trunk that fail."""
    for one in calls(begin, end, outcome="server_error", status_code=503, destination="south", **fields):
        yield replace(one, id="e" + one.id[1:])


def trouble_from_ten_to_eleven(store: Stored) -> None:
    """Put a week of the usual into a store, yesterday, and a morning on which a trunk fails for an hour."""
    week(store)
    store.put(*calls(TODAY - DAY, NOON))
    store.put(*trouble(TODAY + 10 * HOUR, TODAY + 11 * HOUR))
