"""What the engine saw, as lines of the log: conditions as they come and go, calls that failed or ended oddly.

Must not know: how lines are written, or when this is called. Times are those of the packets; ``id`` is the call's
short id, the one that stands in reports and exemplars.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sipwatch.classify.endings import UNREMARKABLE, Ending
from sipwatch.classify.outcomes import FAILURES, Category
from sipwatch.export import scrub
from sipwatch.export.by_wall import by_wall
from sipwatch.export.calls import call_record, record_id
from sipwatch.export.moments import Duration, timestamp
from sipwatch.export.naming import name_of_call
from sipwatch.export.present import shown_call_id
from sipwatch.track.conditions import Condition
from sipwatch.track.events import CallConcluded, CallSettled, ConditionRaised, ConditionResolved
from sipwatch.wire.message import decoded

if TYPE_CHECKING:
    from sipwatch.classify.verdict import Verdicts
    from sipwatch.export.privacy import Policy
    from sipwatch.export.record import CallRecord
    from sipwatch.shell.log import Log
    from sipwatch.track.call import Call
    from sipwatch.track.events import Takes

CONDITION_RAISED: Final = "condition_raised"
CONDITION_RESOLVED: Final = "condition_resolved"
CALL_FAILED: Final = "call_failed"
CALL_ENDED_ODDLY: Final = "call_ended_oddly"


class Told:
    """Writes into the log what an operator wants to read at once, as ``policy`` lets it be seen."""

    def __init__(self, log: Log, verdicts: Verdicts, policy: Policy | None) -> None:
        self.policy = policy
        self._log = log
        self._verdicts = verdicts

    def takes(self) -> Takes:
        """Say which events an operator wants to read of."""
        return {
            ConditionRaised: self.condition_raised,
            ConditionResolved: self.condition_resolved,
            CallSettled: self.call_settled,
            CallConcluded: self.call_concluded,
        }

    def condition_raised(self, event: ConditionRaised) -> None:
        """Write that something is wrong with a leg right now."""
        if not self._log.has_room(CONDITION_RAISED):
            return
        leg, raised = event.leg, event.raised
        source, destination = self._verdicts.directory.ends(leg.path)
        request_uri = scrub.uri(decoded(leg.invite.request_uri))
        self._log.event(
            # Slow is worth counting; it is no trouble yet.
            "info" if raised.kind is Condition.SLOW_PROGRESS else "warning",
            CONDITION_RAISED,
            at=self._stamp(raised.raised),
            condition=raised.kind.value,
            source=source,
            destination=destination,
            id=record_id(leg.call),
            request_uri=request_uri if self.policy is None else self.policy.uri(request_uri),
            source_address=self._address(leg.path.source),
            destination_address=self._address(leg.path.destination),
            after_seconds=Duration(raised.raised - leg.started).seconds,
            call_id=shown_call_id(leg, self.policy),
        )

    def _stamp(self, moment: int) -> str:
        return timestamp(self._verdicts.wall.time(moment))

    def _address(self, text: str) -> str:
        return text if self.policy is None else self.policy.address(text)

    def condition_resolved(self, event: ConditionResolved) -> None:
        """Write how a condition ended, and how long it lasted."""
        if not self._log.has_room(CONDITION_RESOLVED):
            return
        leg, raised = event.leg, event.raised
        source, destination = self._verdicts.directory.ends(leg.path)
        self._log.event(
            "info",
            CONDITION_RESOLVED,
            at=self._stamp(raised.resolved),
            condition=raised.kind.value,
            resolution=None if raised.resolution is None else raised.resolution.value,
            lasted_seconds=Duration(raised.resolved - raised.raised).seconds,
            source=source,
            destination=destination,
            id=record_id(leg.call),
            call_id=shown_call_id(leg, self.policy),
        )

    def call_settled(self, event: CallSettled) -> None:
        """Write a call that failed."""
        call = event.call
        if call.outcome in FAILURES and self._log.has_room(CALL_FAILED):
            call_failed(self._log, self._record(call), self.policy)

    def call_concluded(self, event: CallConcluded) -> None:
        """Write an answered call that ended in an odd way."""
        call = event.call
        if call.ending not in UNREMARKABLE and self._log.has_room(CALL_ENDED_ODDLY):
            call_ended_oddly(self._log, self._record(call), self.policy)

    def _record(self, call: Call) -> CallRecord:
        return by_wall(call_record(call, self._verdicts), self._verdicts.wall)


def call_failed(log: Log, record: CallRecord, policy: Policy | None = None) -> None:
    """Write a call that failed; of one that ended as it should, or without a verdict, nothing."""
    if record.outcome not in FAILURES:
        return
    if policy is not None:
        record = policy.call(record)
    log.event(
        "info" if record.category == Category.USER else "warning",  # people may be busy
        CALL_FAILED,
        at=str(record.started if record.ended is None else record.ended),
        id=record.id,
        outcome=record.outcome,
        plain_name=name_of_call(record),
        category=record.category,
        source=record.source,
        destination=record.destination,
        caller=record.caller,
        callee=record.callee,
        status_code=record.status_code,
        cause=record.cause,
        setup_seconds=None if record.setup_seconds is None else record.setup_seconds.seconds,
        conditions=",".join(condition.kind for condition in record.conditions) or None,
        call_id=record.call_id,
    )


def call_ended_oddly(log: Log, record: CallRecord, policy: Policy | None = None) -> None:
    """Write an answered call that ended in an odd way; of one that ended as calls do, or is up still, nothing."""
    ending = record.ending
    if ending is None or ending in UNREMARKABLE:
        return
    if policy is not None:
        record = policy.call(record)
    log.event(
        "warning",
        CALL_ENDED_ODDLY,
        at=str(record.started if record.ended is None else record.ended),
        id=record.id,
        ending=ending,
        plain_name=Ending(ending).plain_name,
        ended_by=record.ended_by,
        source=record.source,
        destination=record.destination,
        caller=record.caller,
        callee=record.callee,
        talk_seconds=None if record.talk_seconds is None else record.talk_seconds.seconds,
        end_cause=record.end_cause,
        end_cause_protocol=record.end_cause_protocol,
        end_cause_text=record.end_cause_text,
        conditions=",".join(condition.kind for condition in record.conditions) or None,
        call_id=record.call_id,
    )
