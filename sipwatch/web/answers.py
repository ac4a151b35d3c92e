"""What the interface for machines answers with: shapes, and sums added up as they are asked for.

Must not know: HTTP, the store's tables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from sipwatch.export.agents import AgentRecord  # noqa: TC001 - msgspec reads it
from sipwatch.export.incidents import IncidentRecord  # noqa: TC001 - as above
from sipwatch.export.moments import Duration, Moment
from sipwatch.export.present import PresentRecord  # noqa: TC001 - as below
from sipwatch.export.record import CallRecord  # noqa: TC001 - msgspec reads it
from sipwatch.export.registrations import RegistrationRecord  # noqa: TC001 - as above
from sipwatch.packet import SECOND
from sipwatch.store.schema import SUM_KEYS
from sipwatch.web.lately import OutcomeRecord  # noqa: TC001 - as above
from sipwatch.web.peerfigures import PeerSharesRecord  # noqa: TC001 - as above
from sipwatch.web.registerfigures import RegisterSharesRecord  # noqa: TC001 - as above

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


class NowAnswer(msgspec.Struct, frozen=True):
    """What is going on right now, null where nobody watches; and calls by outcome that began in the hour ``since``.

    ``outcomes`` has beside them those of the hour before; calls that are still up count as answered where somebody
    watches, and not at all where nobody does. ``incidents`` are those that go on. ``failed`` are the last calls that
    failed, the newest first.
    """

    present: PresentRecord | None
    since: Moment
    outcomes: list[OutcomeRecord]
    incidents: list[IncidentRecord]
    failed: list[CallRecord]


class IncidentsAnswer(msgspec.Struct, frozen=True):
    """What left its own past, in calls that began from ``since`` on and before ``until``: first what goes on.

    It was held against the ``calls`` of the time from ``past`` on; without enough of them nothing can be told.
    """

    past: Moment
    since: Moment
    until: Moment
    calls: int
    incidents: list[IncidentRecord]


class AgentsAnswer(msgspec.Struct, frozen=True):
    """How agents took the calls that were offered, in the order of time; ``left_out`` offers of calls found no room."""

    since: Moment
    until: Moment
    zone: str
    left_out: int
    agents: list[AgentRecord]


class PeersAnswer(msgspec.Struct, frozen=True):
    """What became of the calls to and from each peer, those with most calls first."""

    since: Moment
    until: Moment
    zone: str
    peers: list[PeerSharesRecord]


class RegistrationsAnswer(msgspec.Struct, frozen=True):
    """Attempts to register between peers, those with most first, and devices, the worst first; ``more`` are left out.

    Devices are counted by whole days (UTC) that have a part of the time; who was not seen within it is left out.
    """

    since: Moment
    until: Moment
    zone: str
    peers: list[RegisterSharesRecord]
    registrations: list[RegistrationRecord]
    more: int


class ErrorAnswer(msgspec.Struct, frozen=True):
    """Why there is no answer, in one line; ``parameter`` is the one that is wrong, if one is."""

    error: str
    parameter: str | None


def sum_records(sums: Iterable[Sum], by: Sequence[str], span: int) -> list[SumRecord]:
    """Return sums that are told apart by some keys and by as much time (ns) as is said, in order."""
    rows = [_record(one, by, span) for one in sums]
    return sorted(rows, key=lambda row: (row.at or 0, -row.calls))


def _record(one: Sum, by: Sequence[str], span: int) -> SumRecord:
    named = {key: (getattr(one, key) or None) if key in by else None for key in SUM_KEYS}
    return SumRecord(
        at=Moment(one.at) if span else None,
        **named,
        calls=one.calls,
        completed=one.completed,
        setups=one.setups,
        setup_seconds=Duration(one.setup_ns),
        rings=one.rings,
        ring_seconds=Duration(one.ring_ns),
        talks=one.talks,
        talk_seconds=Duration(one.talk_ns),
    )
