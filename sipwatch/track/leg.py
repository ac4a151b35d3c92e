"""One INVITE transaction on one hop: its state, the facts seen of it, and its own deadlines.

Must not know: outcomes, peers, or the other hops; what concerns the whole call goes to its ``Call``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sipwatch.track.answers import Answer, Reliable, note_ack, note_reliable
from sipwatch.track.conditions import Condition, Raised, Resolution
from sipwatch.track.deadlines import TIMERS_OF, due_of, failure_settles
from sipwatch.track.events import ConditionRaised, ConditionResolved
from sipwatch.track.table import (
    ACK_MISSING_AT,
    PROVEN_AFTER,
    REORDERED_WITHIN,
    RESOLVED_BY,
    RESPONSE_INPUT,
    TABLE,
    Heard,
    Inferred,
    Input,
    State,
)
from sipwatch.track.timers import NEVER, Timed, Timers

if TYPE_CHECKING:
    from sipwatch.track.call import Call
    from sipwatch.wire.message import Message, Path, Request, Response


# Names of the hot path: looked up once, not at every packet.
_ACCEPTED: Final = State.ACCEPTED
_ALERTED: Final = Heard.ALERTED
_CALLING: Final = State.CALLING
_CANCELLING: Final = State.CANCELLING
_COMPLETED: Final = State.COMPLETED
_CONFIRMED: Final = State.CONFIRMED
_INPUT_ACK: Final = Input.ACK
_INPUT_ALERT: Final = Input.ALERT
_INPUT_CANCEL: Final = Input.CANCEL
_INPUT_INVITE: Final = Input.INVITE
_INPUT_LINGERED: Final = Input.LINGERED
_INPUT_PROGRESS: Final = Input.PROGRESS
_INPUT_SUCCESS: Final = Input.SUCCESS
_INPUT_TRYING: Final = Input.TRYING
_NOTHING: Final = Heard.NOTHING
_PROGRESSED: Final = Heard.PROGRESSED
_TERMINATED: Final = State.TERMINATED
_TRYING: Final = Heard.TRYING
_HEARD_AS: Final = (Input.INVITE, _INPUT_TRYING, _INPUT_PROGRESS, _INPUT_ALERT)  # by ``Heard``

MAX_ANSWERS: Final = 16  # dialogs that one hop brings about: the largest forks that answer at once

_UNSET: Final = -1


class Leg(Timed):
    """An INVITE transaction as seen on one hop.

    Moments are packet time in nanoseconds, -1 while not seen: ``started`` (first INVITE),
    ``trying_at`` (first 100), ``progressed_at`` (first other 1xx), ``alerted_at`` (first 180 or 183),
    ``ringing_at`` (first 180), ``provisional_at`` (latest 1xx), ``cancelled_at`` (first CANCEL),
    ``answered_at`` (first 2xx, or the moment that an answer is inferred from), ``final_at`` (first final),
    ``over_at`` (the final or the moment it was given up), ``active_at`` (latest message),
    ``presumed_at`` (an answer that the hop itself has yet to agree with).
    ``retransmissions`` are of the INVITE, before anything had come back (``repeats_unheard``) and after
    (``repeats_heard``), and of the final response, ``repeats_acked`` of them after its ACK had passed.
    ``given_up`` says that a timer ended it, ``cut_off`` that the capture did, with a retry still possible.
    ``status_code`` is 0 without a final response; ``moment_known`` is False where an answer was inferred and nobody
    can say when it came. ``invite_seen`` is False where the INVITE itself was not captured: ``invite`` is then that of
    another leg of the call. ``cancel_code`` is what the CANCEL got. ``early_reason`` is the latest 18x with a Reason
    header, ``late_success`` a 2xx behind a failing final. ``hunted_on`` says that the server gave this hop up for an
    equal one. ``blind`` says that packets were missed since the latest message: nothing is concluded from silence.
    ``settled`` says that nothing can change any more what became of it; ``outcome`` is then the judge's,
    and so are ``offered``, how the device at its end took the call, "" where there is none, and ``device``, whose that
    is by what registered there.
    """

    __slots__ = (
        "acked", "active_at", "alerted_at", "answered_at", "answers", "blind", "branch", "branches", "call", "cancel",
        "cancel_code", "cancelled_at", "conditions", "cseq_number", "cut_off", "device", "early_reason", "final",
        "final_at", "followed", "given_up", "heard", "hunted_on", "inferred", "invite", "invite_seen",
        "late_success", "max_forwards", "moment_known", "offered", "outcome", "over_at", "path", "presumed_at",
        "presumed_since", "progress", "progressed_at", "provisional_at", "reliables", "repeats_acked", "repeats_heard",
        "repeats_unheard", "retransmissions", "ringing", "ringing_at", "session_progress", "settle_at", "settled",
        "started", "state", "status_code", "timers", "trying_at", "via_count",
    )  # fmt: skip

    def __init__(self, serial: int, call: Call, invite: Request, now: int, timers: Timers) -> None:
        # Timed.__init__, spelt out: this is made for every call.
        self.serial = serial
        self.queued = NEVER
        self.call = call
        self.invite = invite
        self.path: Path = invite.path
        self.branch = invite.branch
        self.branches: frozenset[bytes] | None = None
        self.cseq_number = invite.cseq_number
        self.via_count = invite.via_count
        self.max_forwards = invite.max_forwards
        self.timers = timers
        self.state = _CALLING
        self.heard = _NOTHING
        self.started = self.active_at = now
        self.trying_at = self.progressed_at = self.alerted_at = self.ringing_at = _UNSET
        self.provisional_at = self.cancelled_at = self.answered_at = self.final_at = self.over_at = _UNSET
        self.presumed_at = self.presumed_since = _UNSET
        self.status_code = self.cancel_code = 0
        self.retransmissions = self.repeats_unheard = self.repeats_heard = self.repeats_acked = 0
        self.acked = self.followed = self.given_up = self.cut_off = self.hunted_on = self.blind = False
        self.moment_known = self.invite_seen = True
        self.inferred = Inferred.NOTHING
        self.progress: Response | None = None
        self.ringing: Response | None = None
        self.session_progress: Response | None = None
        self.early_reason: Response | None = None
        self.final: Response | None = None
        self.late_success: Response | None = None
        self.cancel: Request | None = None
        self.answers: list[Answer] | None = None
        self.reliables: list[Reliable] | None = None
        self.conditions: list[Raised] | None = None
        self.settle_at = NEVER
        self.settled = False
        self.outcome = self.offered = ""
        self.device = b""

    def begin_unseen(self, path: Path, message: Message) -> None:
        """Be the leg of an INVITE that was not captured: what belongs to it says between whom it was."""
        self.invite_seen = False
        self.path = path
        self.branch = message.branch
        self.cseq_number = message.cseq_number
        self.via_count = message.via_count
        self.max_forwards = -1

    @property
    def request(self) -> Request:
        """Return the INVITE: what a response to this transaction is compared with."""
        return self.invite

    # What is seen

    def respond(self, response: Response, now: int) -> bool:
        """Take a response; return whether it repeats an earlier final response."""
        code = response.status_code
        self.active_at = now
        if self.blind:
            self._see_again(now)
        if code < 200:
            if self.state <= _CANCELLING:
                self._provisional(response, code, now)
                self.take(RESPONSE_INPUT[code], now)
            return False
        first = self.final
        if first is None:
            # Once the hop was given up a final changes nothing: to the sender, whose transaction is gone, it is a
            # stray (§17.1.1.2), and the verdict has been told.
            if self.state is not _TERMINATED and not self.settled:
                self._final(response, code, now)
            return False
        if code < 300:
            return self._success_again(response, now)
        # The same final again is a retransmission (Timer G, §17.2.1). With another To tag it is another server's, which
        # a stateless proxy let through; neither is a second verdict.
        if code == self.status_code and response.to_tag == first.to_tag:
            self.retransmissions += 1
            self.repeats_acked += self.acked
            return True
        return False

    def repeat(self, invite: Request, now: int) -> bool:
        """Take the INVITE again: a retransmission, unless it is the first one that was captured; return which."""
        self.active_at = now
        if self.blind:
            self._see_again(now)  # it is sent again because nothing came back
        # Two neighbours changed places in the capture, and the response came first: this is the INVITE itself.
        if not self.invite_seen:
            self.invite, self.invite_seen, self.branches = invite, True, None
            return False
        self.retransmissions += 1
        if self.heard is _NOTHING and self.final is None:
            self.repeats_unheard += 1
        else:
            self.repeats_heard += 1
        self.take(_INPUT_INVITE, now)
        return True

    def _see_again(self, now: int) -> None:
        """Believe the timers again: the hop is where it was."""
        self.blind = False
        self.call.queue.watch(self, now)

    def acknowledge(self, ack: Request, now: int) -> None:
        """Take the ACK on the INVITE's own branch: that of a failing final, captured or not (§17.1.1.3).

        Broken stacks acknowledge a 2xx so as well; it is believed where there is one.
        """
        self.active_at = now
        # Only a failing final is acknowledged on the INVITE's own branch (§17.1.1.3); so where none was captured, the
        # ACK shows that there was one. It copies the To of that final: without a tag in it the ACK proves nothing, as
        # then no final of a callee's can have gone before.
        if self.final is None and self.state <= _CANCELLING and ack.to_tag:
            self.presumed_at = self.presumed_since = _UNSET  # a failing final follows whatever spoke for an answer
            self.inferred |= Inferred.FINAL
            self.acked = True
            self.over_at = now
            self.take(Input.MISSED_FAILURE, now)
            return
        if self.final is None:
            return
        self.acked = True
        # With one answer there is no doubt which is meant, whatever the tag: some phones lose it, or send an old one.
        for answer in self.answers or ():
            if answer.tag == ack.to_tag or len(self.answers or ()) == 1:
                note_ack(answer, ack, now)
        self.take(_INPUT_ACK, now)

    def acknowledge_answer(self, answer: Answer, ack: Request, now: int) -> None:
        """Take the ACK of one 2xx, which has a branch of its own (§13.2.2.4)."""
        self.active_at = now
        self.acked = True
        note_ack(answer, ack, now)
        self.take(_INPUT_ACK, now)

    def cancelling(self, cancel: Request, now: int) -> None:
        """Take a CANCEL; only the first one says when the caller gave up."""
        self.active_at = now
        if self.cancel is None:
            self.cancel = cancel
        # A CANCEL may cross a 2xx on the way (§9.1), so nearest the caller evidence of an answer outlives it. Behind a
        # server the CANCEL is that server's word, and the server is nearer to the callee than we are.
        if not self.call.is_upstream(self):
            self.presumed_at = self.presumed_since = _UNSET  # the server knows better whether this one was answered
        if self.cancelled_at < 0 and self.state <= _CANCELLING:
            self.cancelled_at = now
            self.take(_INPUT_CANCEL, now)

    def cancel_answered(self, status_code: int, now: int) -> None:
        """Take the final response to the CANCEL: 481 says that there was nothing to cancel (§9.2)."""
        self.active_at = now
        if self.cancel_code == 0:
            self.cancel_code = status_code
        # The INVITE goes on as if nobody had cancelled, unless the state has moved on meanwhile. Its timers run from
        # what had been heard before, hence the second input.
        if status_code == 481 and self.state is _CANCELLING and self.cancelled_at >= 0:
            self.cancelled_at = _UNSET
            self.take(Input.CANCEL_REFUSED, now)
            if self.heard is not _NOTHING:
                self.take(_HEARD_AS[self.heard], now)

    # What must have been (OUTCOMES §2.2)

    def answer_inferred(self, tag: bytes, at: int, now: int, *, moment_known: bool) -> None:
        """Take it that a 2xx came at ``at``, known at ``now`` by what only an answered INVITE brings about.

        The verdict waits a moment: where two neighbours of the capture changed places, the 2xx itself is still to come.
        """
        if self.final is not None or self.settled or self.state > _CANCELLING:
            return
        # From here on all goes as with a captured 2xx: a single kind of answer, so that dialogs, metrics and records
        # need no second path. What tells the difference is ``inferred``, and an Answer without a response.
        self.inferred = Inferred.SUCCESS
        self.moment_known = moment_known
        self.presumed_at = self.presumed_since = _UNSET
        self.answered_at = self.final_at = self.over_at = at
        self.answers = [Answer(tag, None, at)]
        self.settle_at = now + REORDERED_WITHIN
        self.take(_INPUT_SUCCESS, now)

    def presume_answer(self, at: int, now: int) -> None:
        """Note that an answer probably came at ``at``: the hop's next message, or ``PROVEN_AFTER``, will tell."""
        if self.final is None and self.presumed_since < 0 and self.state <= _CANCELLING:
            self.presumed_at, self.presumed_since = at, now

    def next_hop_alerted(self, now: int) -> None:
        """Take it that something came back, since the hop behind has said 18x."""
        if self.state is _CALLING:
            self.heard = _TRYING
            self.provisional_at = now
            self.take(Input.NEXT_HOP, now)

    # What that makes of it

    def take(self, given: Input, now: int) -> None:
        """Move by the table; resolve conditions, and say when the verdict can fall."""
        old = self.state
        new = TABLE[old][given]
        # Conditions first: an input may resolve one without a change of state.
        if self.conditions is not None:
            self._resolve(given, now)
        if new is old:
            return
        self.state = new
        # CONFIRMED straight from a state without a final is the ACK of a failure that was not captured; out of
        # COMPLETED it is the ordinary ACK, and all was decided with the final.
        if new is _ACCEPTED or new is _COMPLETED or (new is _CONFIRMED and old is not _COMPLETED):
            self._decide_later(now)
        elif new is _TERMINATED and not self.settled and given is not _INPUT_LINGERED:
            if self.over_at < 0:
                self.over_at = now
            self.given_up = given is Input.GIVE_UP and not self.blind
            self.settle_at = now
            self.call.settle(self, now)
        # The queue must never look too late. Every timer of every state is at least ``shortest`` away, so this bound
        # serves them all, and nearly always stands already.
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
        if b"reason" in response.names:
            self.early_reason = response
        if b"rseq" in response.names:
            self._reliable(response, now)
        if code in {180, 183}:
            self._alerted(response, code, now)
        elif self.heard < _PROGRESSED:
            self.heard = _PROGRESSED

    def _alerted(self, response: Response, code: int, now: int) -> None:
        self.heard = _ALERTED
        if code == 180 and self.ringing_at < 0:
            self.ringing_at = now
            self.ringing = response
        elif code == 183 and self.session_progress is None:
            self.session_progress = response
        if self.alerted_at < 0:
            self.alerted_at = now
            self.call.alerted(self, now)

    def _reliable(self, response: Response, now: int) -> None:
        """Remember a reliable provisional response, or count it again: RSeq numbers them (RFC 3262 §3)."""
        if self.reliables is None:
            self.reliables = []
        if not note_reliable(self.reliables, response, now):
            self.call.owner.evict("reliables")

    def _final(self, response: Response, code: int, now: int) -> None:
        """Take the first final response that was captured, be it after what gave it away."""
        # What was inferred keeps its moment unless the final itself says more: a 2xx tells when the callee answered,
        # but a failing final behind its own ACK is a copy out of order, and the hop was over before.
        inferred = self.inferred is not Inferred.NOTHING
        self.final = response
        self.status_code = code
        self.inferred = Inferred.NOTHING
        self.moment_known = True
        self.presumed_at = self.presumed_since = _UNSET
        if not inferred or code < 300:
            self.final_at = self.over_at = now
        if code < 300:
            self.answered_at = now
            before = None if self.answers is None else self.answers[0]
            self.answers = [Answer(response.to_tag, response, now)]
            if before is not None and before.ack is not None:
                note_ack(self.answers[0], before.ack, before.acked_at)
        elif inferred:
            self.final_at = now
        if not inferred:
            self.take(RESPONSE_INPUT[code], now)
            return
        self._decide_later(now)
        if self.answers is not None:
            self.call.answered_again(self, self.answers[0], now)

    def _success_again(self, response: Response, now: int) -> bool:
        """Take a 2xx behind the first final: a copy, another phone's, or one that came too late."""
        # A proxy may forward a 2xx after a failing final it chose first (§16.7 step 5); clients take the first final
        # they get (§17.1.1.2), so it changes no verdict, but is told: the callee believes to be in a call.
        if self.status_code >= 300:
            again = self.late_success is not None
            if not again:
                self.late_success = response
            return again
        answers = self.answers
        if answers is None:
            return False
        for answer in answers:
            if answer.tag == response.to_tag:
                # The callee repeats its 2xx until the ACK comes, at T1, doubling up to T2 (§13.3.1.4). No transaction
                # layer does it, so nothing but the tag says that this is the same answer.
                answer.count += 1
                answer.last_at = now
                self.retransmissions += 1
                self.repeats_acked += answer.acked_at >= 0
                if answer.count >= ACK_MISSING_AT and answer.acked_at < 0 and self.state is _ACCEPTED:
                    self._ack_missing(now)
                return True
        if len(answers) < MAX_ANSWERS:
            answers.append(Answer(response.to_tag, response, now))
            self.call.answered_again(self, answers[-1], now)
        else:
            self.call.owner.evict("answers")
        return False

    def _ack_missing(self, now: int) -> None:
        for raised in self.conditions or ():
            if raised.kind is Condition.ACK_MISSING:
                return
        self.raise_condition(Condition.ACK_MISSING, now)

    def _decide_later(self, now: int) -> None:
        """Settle at once where nothing that may still come can change the verdict."""
        if self.state is _ACCEPTED:
            # Nothing can contradict a captured 2xx. An inferred one has its moment, set when it was inferred.
            if self.inferred is Inferred.NOTHING:
                self.settle_at = now
        elif self.settle_at == NEVER or self.inferred is Inferred.NOTHING:
            self.settle_at = failure_settles(self, now)
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
        self.call.owner.events.append(ConditionRaised(self, raised))
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
        self.call.owner.events.append(ConditionResolved(self, raised))

    # Deadlines

    def deadline(self) -> int:
        """Return the earliest of this state's timers and of the verdict, NEVER if all are through."""
        if self.call.over:
            return NEVER
        due = NEVER if self.settled else self.settle_at
        # Everything below may be asked at any time and often: no side effects, and no memory of what was asked before.
        if self.presumed_since >= 0:
            # Probably answered: no timer of a hop that waits for an answer may speak before that is known.
            return min(due, self.presumed_since + PROVEN_AFTER)
        if self.state is _ACCEPTED and self.conditions is None:
            return due  # Timer L could only end a missing ACK's condition
        for timer in TIMERS_OF[self.state]:
            due = min(due, due_of(self, timer))
        return due

    def expire(self, now: int) -> None:
        """Fire the one timer that is due at ``now``, or let the verdict fall."""
        if self.presumed_since >= 0:
            if self.presumed_since + PROVEN_AFTER <= now:
                self.call.proven(self, now)
            else:
                self.call.settle(self, now)
            return
        for timer in TIMERS_OF[self.state]:
            if due_of(self, timer) <= now:
                if timer.raises is not None:
                    self.raise_condition(timer.raises, now)
                elif timer.gives is not None:
                    self.take(timer.gives, now)
                return
        self.call.settle(self, now)
