"""Callers who wait to be called back, as records.

Must not know: how it is found out who waits, formats, clocks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from sipwatch.classify.desk import Waiting
from sipwatch.classify.peers import PeerKind
from sipwatch.export.calls import short_id
from sipwatch.export.moments import Moment, timestamp
from sipwatch.packet import SECOND

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from sipwatch.classify.callbacks import Missed
    from sipwatch.export.present import AtWork
    from sipwatch.export.privacy import Policy
    from sipwatch.export.record import CallRecord

_AT_ONCE: Final = 100  # records made in one step, in less than a millisecond


class WaitingRecord(msgspec.Struct, frozen=True):
    """A missed call whose caller was not reached. ``waited_seconds`` is until the capture ended.

    ``attempts`` are calls to him since that nobody answered, None where they are not known; ``redials`` his own.
    """

    id: str
    number: str
    dialled: str
    source: str
    missed: str
    waited_seconds: float
    attempts: int | None
    last_attempt: str | None
    redials: int
    last_redial: str | None
    overdue: bool


class DeskRecord(msgspec.Struct, frozen=True):
    """Who waits ``at`` a moment, the oldest first.

    ``within_seconds`` is how long one waits, None where the configuration has no [callback]; ``has_trunk`` says whether
    any peer is a trunk, without which no call is known to come from outside.
    """

    at: Moment
    within_seconds: float | None
    has_trunk: bool
    waiting: list[WaitingRecord]


def waiting_record(missed: Missed, end: int, within: int, policy: Policy, ahead: int = 0) -> WaitingRecord:
    """Return a missed call as a record; it is overdue when it has waited longer than ``within`` at ``end`` (ns).

    ``ahead`` is by how much the clock on the wall is ahead of packet time (ns).
    """
    waiting = missed.payload
    assert isinstance(waiting, Waiting)  # noqa: S101 - the desk gave it
    waited = max(0, end - missed.at)
    return WaitingRecord(
        id=short_id(*waiting.key),
        number=policy.number(missed.number),
        dialled=policy.number(missed.dialled),
        source=waiting.ends[0],
        missed=timestamp(missed.at + ahead),
        waited_seconds=round(waited / SECOND, 3),
        attempts=missed.attempts,
        last_attempt=_moment(missed.last_attempt, ahead),
        redials=missed.redials,
        last_redial=_moment(missed.last_redial, ahead),
        overdue=waited > within,
    )


def _moment(at: int, ahead: int) -> str | None:
    return None if at < 0 else timestamp(at + ahead)


def waiting_records(calls: Iterable[CallRecord], at: int, within: int) -> list[WaitingRecord]:
    """Return stored calls that wait, the newest first, as records, the oldest first: as they are ``at`` a moment (ns).

    That their callers called again is known where those calls wait as well; what was tried to reach them is not.
    """
    later: dict[str, tuple[int, str]] = {}  # by number: how many waited since, when the last one was missed
    found = []
    for call in calls:
        number = call.caller or ""
        ended = call.started if call.ended is None else call.ended
        redials, last = later.get(number, (0, ""))
        waited = max(0, at - ended)
        found.append(
            WaitingRecord(
                id=call.id,
                number=number,
                dialled=call.callee or "",
                source=call.source,
                missed=timestamp(ended),
                waited_seconds=round(waited / SECOND, 3),
                attempts=None,
                last_attempt=None,
                redials=redials,
                last_redial=last or None,
                overdue=waited > within,
            )
        )
        later[number] = (redials + 1, last or timestamp(ended))
    return found[::-1]


def desk_steps(engine: AtWork, policy: Policy) -> Generator[None, None, DeskRecord]:
    """Make a record of who waits at an engine's desk right now, in small steps; the engine may go on after each."""
    settings = engine.directory.settings
    within = None if settings.callback is None else settings.callback.within_ns
    records = []
    for place, missed in enumerate(engine.desk.who_waits(), 1):
        if not is_over(missed):
            records.append(waiting_record(missed, engine.tracker.now, within or 0, policy, engine.wall.ahead))
        if not place % _AT_ONCE:
            yield
    return DeskRecord(
        Moment(engine.wall.time(engine.tracker.now)),
        None if within is None else within / SECOND,
        any(peer.kind is PeerKind.TRUNK for peer in settings.peers),
        records,
    )


def is_over(missed: Missed) -> bool:
    """Tell whether a caller waits no longer: he was reached, or given up."""
    return isinstance(missed.payload, Waiting) and missed.payload.served is not None
