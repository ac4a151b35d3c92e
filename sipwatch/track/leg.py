"""One INVITE transaction on one hop: its state, the facts seen of it, and its own deadlines.

Must not know: outcomes, peers, or the other hops; what concerns the whole call goes to its ``Call``.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Final

from sipwatch.track.conditions import Condition, Raised, Resolution
from sipwatch.track.table import (
    RESOLVED_BY,
    RESPONSE_INPUT,
    SECOND,
    TABLE,
    TIMER_B,
    TIMERS,
    Input,
    Since,
    State,
    Timer,
)
from sipwatch.track.timers import NEVER, Timed, Timers

if TYPE_CHECKING:
    from sipwatch.track.call import Call
    from sipwatch.wire.message import Path, Request, Response


class Heard(IntEnum):
    """The most the callee's side has said so far."""

    NOTHING = 0
    TRYING = 1
    PROGRESSED = 2
    ALERTED = 3


# Names of the hot path: looked up once, not at every packet.
_ACCEPTED: Final = State.ACCEPTED
_ALERTED: Final = Heard.ALERTED
_CALLING: Final = State.CALLING
_CANCELLING: Final = State.CANCELLING
_COMPLETED: Final = State.COMPLETED
_INPUT_ACK: Final = Input.ACK
_INPUT_CANCEL: Final = Input.CANCEL
_INPUT_INVITE: Final = Input.INVITE
_INPUT_LINGERED: Final = Input.LINGERED
_INPUT_SUCCESS: Final = Input.SUCCESS
_NOTHING: Final = Heard.NOTHING
_PROGRESSED: Final = Heard.PROGRESSED
_TERMINATED: Final = State.TERMINATED
_TRYING: Final = Heard.TRYING

# Finals that ask for another INVITE under the same Call-ID: challenges (§22), other terms
# (§8.1.3.5, RFC 4028 §7.3), glare (§14.1). Redirects (3xx) are added by ``may_be_followed``.
ASKS_AGAIN = frozenset({401, 407, 413, 415, 416, 420, 421, 422, 491, 494})
RETRY_WINDOW = TIMER_B  # a retry later than this is another attempt
FORK_SETTLES = SECOND  # how long after a CANCEL a sibling's 2xx still explains it
ACK_MISSING_AT = 4  # the same 2xx sent this many times

_TIMERS_OF: tuple[tuple[Timer, ...], ...] = tuple(tuple(t for t in TIMERS if t.state is state) for state in State)
_UNSET = -1


def may_be_followed(status_code: int) -> bool:
    """Tell whether a final response invites the caller to try again under the same Call-ID."""
    return status_code in ASKS_AGAIN or 300 <= status_code < 400


class Leg(Timed):
    """An INVITE transaction as seen on one hop.

    Moments are packet time in nanoseconds, -1 while not seen: ``started`` (first INVITE),
    ``trying_at`` (first 100), ``progressed_at`` (first other 1xx), ``alerted_at`` (first 180 or 183),
    ``ringing_at`` (first 180), ``provisional_at`` (latest 1xx), ``cancelled_at`` (first CANCEL),
    ``answered_at`` (first 2xx), ``final_at`` (first final, or the 2xx that overruled it),
    ``over_at`` (the final or the moment it was given up), ``active_at`` (latest message).
    ``retransmissions`` are of the INVITE, before anything had come back (``repeats_unheard``) and after
    (``repeats_heard``), and of the final response, ``repeats_acked`` of them after its ACK had passed.
    ``given_up`` says that a timer ended it, ``cut_off`` that the capture did, with a retry still possible.
    ``status_code`` is 0 without a final response. ``verdict`` is whatever the judge said, "" before.
    """

    __slots__ = (
        "acked", "active_at", "alerted_at", "answered_at", "branch", "call", "cancel", "cancelled_at",
        "conditions", "cseq_number", "cut_off", "final", "final_at", "followed", "given_up", "heard", "invite",
        "max_forwards", "over_at", "path", "progress", "progressed_at", "provisional_at", "repeats_acked",
        "repeats_heard", "repeats_unheard", "retransmissions", "ringing", "ringing_at", "session_progress",
        "settle_at", "started", "state", "status_code", "successes", "timers", "trying_at", "verdict", "via_count",
    )  # fmt: skip

    def __init__(self, serial: int, call: Call, invite: Request, now: int, timers: Timers) -> None:
        # Timed.__init__, spelt out: this is made for every call.
        self.serial = serial
        self.queued = NEVER
        self.call = call
        self.invite = invite
        self.path: Path = invite.path
        self.branch = invite.branch
        self.cseq_number = invite.cseq_number
        self.via_count = invite.via_count
        self.max_forwards = invite.max_forwards
        self.timers = timers
        self.state = _CALLING
        self.heard = _NOTHING
        self.started = self.active_at = now
        self.trying_at = self.progressed_at = self.alerted_at = self.ringing_at = _UNSET
        self.provisional_at = self.cancelled_at = self.answered_at = self.final_at = self.over_at = _UNSET
        self.status_code = 0
        self.retransmissions = self.repeats_unheard = self.repeats_heard = self.repeats_acked = 0
        self.successes = 0
        self.acked = False
        self.followed = False
        self.given_up = False
        self.cut_off = False
        self.progress: Response | None = None
        self.ringing: Response | None = None
        self.session_progress: Response | None = None
        self.final: Response | None = None
        self.cancel: Request | None = None
        self.conditions: list[Raised] | None = None
        self.settle_at = NEVER
        self.verdict = ""

    # What is seen

    def respond(self, response: Response, now: int) -> bool:
        """Take a response; return whether it repeats an earlier final response."""
        code = response.status_code
        given = RESPONSE_INPUT[code]
        self.active_at = now
        if code < 200:
            if self.state <= _CANCELLING:
                self._provisional(response, code, now)
                self.take(given, now)
            return False
        first = self.final
        if first is None:
            if self.state is not _TERMINATED:
                self._final(response, given, now)
                self.take(given, now)
            return False
        if code == self.status_code:
            self.retransmissions += 1
            self.repeats_acked += self.acked
            if given is _INPUT_SUCCESS and response.to_tag == first.to_tag:
                self._success_again(now)
            return True
        if given is _INPUT_SUCCESS and not self.verdict:
            self._final(response, given, now)
            self.take(given, now)
        return False

    def repeat(self, now: int) -> None:
        """Take the INVITE again: a retransmission."""
        self.retransmissions += 1
        if self.heard is _NOTHING and self.final is None:
            self.repeats_unheard += 1
        else:
            self.repeats_heard += 1
        self.active_at = now
        self.take(_INPUT_INVITE, now)

    def acknowledge(self, now: int) -> None:
        """Take the ACK for this leg's final response."""
        self.acked = True
        self.active_at = now
        self.take(_INPUT_ACK, now)

    def cancelling(self, cancel: Request, now: int) -> None:
        """Take a CANCEL; only the first one says when the caller gave up."""
        self.active_at = now
        if self.cancelled_at < 0 and self.state <= _CANCELLING:
            self.cancelled_at = now
            self.cancel = cancel
            self.take(_INPUT_CANCEL, now)

    # What that makes of it

    def take(self, given: Input, now: int) -> None:
        """Move by the table; resolve conditions, and say when the verdict can fall."""
        old = self.state
        new = TABLE[old][given]
        if self.conditions is not None:
            self._resolve(given, now)
        if new is old:
            return
        self.state = new
        if new is _ACCEPTED or new is _COMPLETED:
            self._decide_later(now)
        elif new is _TERMINATED and not self.verdict and given is not _INPUT_LINGERED:
            if self.over_at < 0:
                self.over_at = now
            self.given_up = given is Input.GIVE_UP
            self.settle_at = now
            self.call.settle(self, now)
        if self.queued > now + self.timers.shortest:
            self.call.queue.watch(self, now + self.timers.shortest)
        if new >= _ACCEPTED:
            self.call.leg_ended(self, now)

    def follow(self, now: int) -> None:
        """Note that the call's next INVITE followed this leg's final response."""
        self.followed = True
        self.call.settle(self, now)

    def _provisional(self, response: Response, code: int, now: int) -> None:
        self.provisional_at = now
        if code == 100:
            if self.trying_at < 0:
                self.trying_at = now
            if self.heard is _NOTHING:
                self.heard = _TRYING
            return
        if self.progressed_at < 0:
            self.progressed_at = now
            self.progress = response
        if code in {180, 183}:
            if self.alerted_at < 0:
                self.alerted_at = now
            if code == 180 and self.ringing_at < 0:
                self.ringing_at = now
                self.ringing = response
            elif code == 183 and self.session_progress is None:
                self.session_progress = response
            self.heard = _ALERTED
        elif self.heard < _PROGRESSED:
            self.heard = _PROGRESSED

    def _final(self, response: Response, given: Input, now: int) -> None:
        self.final = response
        self.final_at = self.over_at = now
        self.status_code = response.status_code
        if given is _INPUT_SUCCESS:
            self.answered_at = now
            self.successes = 1

    def _success_again(self, now: int) -> None:
        self.successes += 1
        if self.successes == ACK_MISSING_AT and not self.acked:
            self.raise_condition(Condition.ACK_MISSING, now)

    def _decide_later(self, now: int) -> None:
        """Settle at once where nothing that may still come can change the verdict."""
        if self.state is _ACCEPTED:
            self.settle_at = now
        elif may_be_followed(self.status_code):
            self.settle_at = self.final_at + RETRY_WINDOW
        elif self.status_code == 487 or self.cancelled_at >= 0:
            since = self.cancelled_at if self.cancelled_at >= 0 else self.final_at
            self.settle_at = max(now, since + FORK_SETTLES + 1)
        else:
            self.settle_at = now
        if self.settle_at <= now:
            self.call.settle(self, now)
        else:
            self.call.queue.watch(self, self.settle_at)

    # Conditions

    def raise_condition(self, kind: Condition, now: int) -> Raised:
        """Raise a condition on this leg."""
        raised = Raised(kind, now)
        if self.conditions is None:
            self.conditions = []
        self.conditions.append(raised)
        watcher = self.call.owner.watcher
        if watcher is not None:
            watcher.raised(self, raised)
        return raised

    def _resolve(self, given: Input, now: int) -> None:
        for raised in self.conditions or ():
            if raised.resolution is None:
                resolution = RESOLVED_BY[raised.kind].get(given)
                if resolution is not None:
                    self._close(raised, resolution, now)

    def resolve(self, kind: Condition, resolution: Resolution, now: int) -> None:
        """Resolve every open condition of one kind."""
        for raised in self.conditions or ():
            if raised.kind is kind and raised.resolution is None:
                self._close(raised, resolution, now)

    def _close(self, raised: Raised, resolution: Resolution, now: int) -> None:
        raised.resolved = now
        raised.resolution = resolution
        watcher = self.call.owner.watcher
        if watcher is not None:
            watcher.resolved(self, raised)

    # Deadlines

    def deadline(self) -> int:
        """Return the earliest of this state's timers and of the verdict, NEVER if all are through."""
        if self.call.over:
            return NEVER
        due = NEVER if self.verdict else self.settle_at
        if self.state is _ACCEPTED and self.conditions is None:
            return due  # Timer L could only end a missing ACK's condition
        for timer in _TIMERS_OF[self.state]:
            at = self._due(timer)
            due = min(due, at)
        return due

    def expire(self, now: int) -> None:
        """Fire the one timer that is due at ``now``, or let the verdict fall."""
        for timer in _TIMERS_OF[self.state]:
            if self._due(timer) <= now:
                if timer.raises is not None:
                    self.raise_condition(timer.raises, now)
                elif timer.gives is not None:
                    self.take(timer.gives, now)
                return
        self.call.settle(self, now)

    def _due(self, timer: Timer) -> int:
        """Return when a timer of the present state fires; NEVER when its condition was raised already."""
        if timer.raises is not None and any(r.kind is timer.raises for r in self.conditions or ()):
            return NEVER
        delay = timer.delay
        if isinstance(delay, str):
            delay = int(getattr(self.timers, delay))
        return self._moment(timer.since) + delay

    def _moment(self, since: Since) -> int:
        match since:
            case Since.INVITE:
                return self.started
            case Since.TRYING:
                return self.trying_at
            case Since.ALERT:
                return self.alerted_at
            case Since.PROVISIONAL:
                return self.provisional_at
            case Since.CANCEL:
                return self.cancelled_at
            case Since.FINAL:
                return self.final_at
            case Since.ACTIVITY:
                return self.active_at
