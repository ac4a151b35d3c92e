"""What a report is of and for whom: where its calls are from, which were asked for, how its times are written.

Must not know: calls, templates, any clock.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from sipwatch.classify.findings import Kind
from sipwatch.classify.roster import Roster

if TYPE_CHECKING:
    from sipwatch.report.html.times import ZoneTimes


class View(StrEnum):
    """For whom a report is."""

    WHOLE = "whole"
    AGENTS = "agents"  # a supervisor: who took calls and who did not
    PEER = "peer"  # a supplier: the calls of one peer, with what he needs to find them


SECTIONS: Final[dict[View, tuple[str, ...]]] = {
    View.WHOLE: (
        *("outcomes", "time", "causes", "responses", "failed", "odd", "agents", "refused", "callbacks"),
        *("peers", "delays", "ladders", "knowledge"),
    ),
    View.AGENTS: ("agents", "refused", "callbacks", "outcomes", "time", "causes", "knowledge"),
    View.PEER: ("outcomes", "time", "responses", "causes", "failed", "odd", "delays", "ladders", "knowledge"),
}
# What is said of devices and their ringing; a supervisor can do nothing about the rest.
OF_AGENTS: Final = frozenset(
    kind.value
    for kind in (
        *(Kind.REFUSAL_STREAK, Kind.IDLE_BUSY, Kind.LATE_BUSY, Kind.LATE_480),
        *(Kind.SHORT_RING, Kind.EARLY_RINGING, Kind.INVENTED_RINGING),
    )
)


class Scope(NamedTuple):
    """What a report says of itself; texts are in plain words.

    ``source`` says where the calls are from, nothing where that is nobody else's business; ``period`` (ns) from when
    until when they were asked for, None where nobody asked. ``selection`` is the filter, ``hidden`` what is hidden,
    ``gaps`` what is missing beside what the capture lacks. ``region`` is where numbers are dialled (ISO 3166),
    ``trunks`` are the peers that lead outside.
    """

    source: list[str]
    made: str
    times: ZoneTimes
    view: View = View.WHOLE
    peer: str = ""
    period: tuple[int | None, int | None] = (None, None)
    selection: str = ""
    hidden: str = ""
    gaps: tuple[str, ...] = ()
    roster: Roster = Roster()
    region: str | None = None
    trunks: frozenset[str] = frozenset()

    @property
    def title(self) -> str:
        """Return what the report is called."""
        if self.view is View.AGENTS:
            return "How agents took their calls"
        return f"Calls from and to {self.peer}" if self.view is View.PEER else "Report on calls"
