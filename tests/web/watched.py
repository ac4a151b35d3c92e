"""A daemon that pages ask, which says what a test says.

Must not know: what pages make of it.
"""

from __future__ import annotations

from typing import Any

from sipwatch.export.moments import Moment
from sipwatch.export.present import BetweenRecord, PresentRecord, StuckRecord
from sipwatch.export.waiting import DeskRecord, WaitingRecord
from tests.export.records import at

NOW = at(3600)


class Told:
    """Answers as it was told to; an exception is raised."""

    def __init__(self, present: PresentRecord | Exception | None = None, desk: DeskRecord | None = None) -> None:
        self._present = present or present_of()
        self._desk = desk or DeskRecord(NOW, 3600, True, [])

    def now(self) -> PresentRecord:
        """Return or raise what it was told."""
        if isinstance(self._present, Exception):
            raise self._present
        return self._present

    def waiting(self) -> DeskRecord:
        """Return what it was told."""
        return self._desk


def present_of(**more: Any) -> PresentRecord:
    """Return what is going on at 10:00: nothing, but for what is said."""
    nothing = BetweenRecord("", "", 0, 0, 0, 0, 0)
    given: dict[str, Any] = {
        "at": NOW, "between": [], "total": nothing, "conditions": {}, "stuck": [], "up_last_hour": 0,
        "up_hour_before": 0, "lost": [],
    }  # fmt: skip
    return PresentRecord(**{**given, **more})


def stuck(**more: Any) -> StuckRecord:
    """Return a hop that has been stuck for 65 s."""
    given: dict[str, Any] = {
        "kind": "no_progress", "since": Moment(NOW - 65 * 10**9), "started": Moment(NOW - 75 * 10**9),
        "caller": "201", "callee": "+4930555777", "source": "phones", "destination": "other",
        "source_address": "192.0.2.11:5060", "destination_address": "198.51.100.10:5060", "call_id": "stuck@desk", "id": "0" * 12,
    }  # fmt: skip
    return StuckRecord(**{**given, **more})


def waits(**more: Any) -> WaitingRecord:
    """Return a missed call whose caller has waited for ten minutes."""
    given: dict[str, Any] = {
        "id": "a" * 12, "number": "+4930555123", "dialled": "4401", "source": "acme", "missed": str(at(3000)),
        "waited_seconds": 600.0, "attempts": 0, "last_attempt": None, "redials": 0, "last_redial": None, "overdue": False,
    }  # fmt: skip
    return WaitingRecord(**{**given, **more})
