"""What is new about incidents from one look to the next: which began, which are over.

Must not know: how incidents are found, who is told.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sipwatch.export.incidents import IncidentRecord


class IncidentTurn(StrEnum):
    """What happened to an incident."""

    BEGAN = "began"
    ENDED = "ended"


class News(NamedTuple):
    """Something to be told of an incident, which has the ``id`` that it had when it began."""

    turn: IncidentTurn
    incident: IncidentRecord


class IncidentNews:
    """Remembers what goes on; one that is found with another beginning, as at midnight, is the same while it lasts."""

    def __init__(self) -> None:
        self._going_on: dict[str, IncidentRecord] = {}

    @property
    def going_on(self) -> list[IncidentRecord]:
        """Return the incidents that go on, as of the last look."""
        return list(self._going_on.values())

    def of(self, found: Iterable[IncidentRecord]) -> list[News]:
        """Take what a look has found, and return what is new: first what ended, then what began."""
        now: dict[str, IncidentRecord] = {}
        over: list[IncidentRecord] = []
        for one in found:
            known = self._known_as(one)
            if one.until is None:
                now[known] = replace(one, id=known)
            elif known in self._going_on:
                over.append(replace(one, id=known))
        told = {one.id for one in over}
        # One that nobody finds any more never rose by enough, as is seen now.
        over += [one for name, one in self._going_on.items() if name not in now and name not in told]
        began = [one for name, one in now.items() if name not in self._going_on]
        self._going_on = now
        return [
            *[News(IncidentTurn.ENDED, one) for one in over if one.id not in now],
            *[News(IncidentTurn.BEGAN, one) for one in began],
        ]

    def _known_as(self, one: IncidentRecord) -> str:
        if one.id in self._going_on:
            return one.id
        for name, known in self._going_on.items():
            same_place = (known.end, known.peer) == (one.end, one.peer)
            if same_place and (one.until is None or one.until > known.since):
                return name
        return one.id
