"""One call attempt: its legs, the verdict that those nearest the caller share, and its end.

Must not know: outcomes, peers, configuration files, or how calls are found by their messages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sipwatch.track.attempts import followed_by
from sipwatch.track.conditions import Condition, Resolution
from sipwatch.track.dialog import REFRESHES, Dialogs, EndedBy, Exchange
from sipwatch.track.events import CallConcluded, CallEnded, CallOver, CallSettled, LegSettled
from sipwatch.track.front import (
    deciding,
    equally_near,
    gives_a_reason,
    is_let_go,
    mark_given_up_for,
    nearer_caller,
    verdict_due,
    was_cancelled,
)
from sipwatch.track.inference import leads_to, presume, proven, take_as_challenged
from sipwatch.track.lasting import lighten
from sipwatch.track.table import PROVEN_AFTER, T4, Inferred, Input, State
from sipwatch.track.timers import HORIZON, NEVER, Timed
from sipwatch.track.weight import NOBODYS, WEIGHED_FROM

if TYPE_CHECKING:
    from sipwatch.track.answers import Answer
    from sipwatch.track.leg import Leg
    from sipwatch.track.needs import CallOwner
    from sipwatch.wire.message import Message, Path, Request, Response

# Names of the hot path: looked up once, not at every packet.
_ACCEPTED: Final = State.ACCEPTED
_CALLING: Final = State.CALLING
_CANCELLING: Final = State.CANCELLING
_INPUT_END: Final = Input.END
_INPUT_LINGERED: Final = Input.LINGERED
_TERMINATED: Final = State.TERMINATED

_UNSET: Final = -1
MAX_MESSAGES: Final = 10_000  # messages kept of one call
MAX_STRAYS: Final = 16  # responses with a CSeq of no request, remembered of one call


class Call(Timed):
    """Every leg with one Call-ID and one From tag that set a call up, and then its dialogs.

    ``legs`` are in the order they were first seen; ``front`` holds those nearest the caller, retries and what was
    retried included. ``upstream`` is the leg of them that stands for the call: the one that decided, before that the
    latest. Moments are packet time in nanoseconds, -1 while not seen; ``answered_at`` is the first answer that
    reached the caller. ``transferred`` says that a REFER was seen in it, ``evicted`` that its state was given up while
    something was still to come. ``strays`` are responses whose CSeq number is that of no request. ``settled`` says that
    its verdict has fallen, ``concluded`` that it is known how it ended. ``numbers`` are those of its messages where
    they are kept elsewhere (``numbered``). ``sibling`` (another call with the same
    Call-ID), ``before``, ``behind``, ``holder``, ``rank``, ``weight`` (bytes) and ``weigh_at`` are of the table that
    holds the call (``track.calls``). ``outcome``, ``ending``, ``notes`` and ``ends`` (between whom it was when its
    verdict fell) are of the layers above.
    """

    __slots__ = (
        "active_at", "answered_at", "before", "behind", "call_id", "concluded", "decide_at", "dialog_timeout",
        "dialogs", "ended_at", "ended_by", "ending", "ends", "evicted", "from_tag", "front", "holder", "legs",
        "lighten_at", "messages", "notes", "numbers", "outcome", "over", "owner", "queue", "rank",
        "settled", "sibling", "started", "strays", "transferred", "upstream", "weigh_at", "weight",
    )  # fmt: skip

    def __init__(self, serial: int, invite: Request, now: int, owner: CallOwner, dialog_timeout: int) -> None:
        self.serial = serial
        self.queued = NEVER
        self.owner = owner
        self.queue = owner.queue
        self.call_id = invite.call_id
        self.from_tag = invite.from_tag
        self.started = self.active_at = now
        self.legs: list[Leg] = []
        self.front: list[Leg] = []
        self.upstream: Leg | None = None
        self.dialogs: Dialogs | None = None
        self.messages: list[tuple[Message, bool, bool]] | None = None
        self.numbers: list[int] | None = None
        self.strays: list[Response] | None = None
        self.notes: list[Any] | None = None
        self.transferred = self.evicted = False
        self.answered_at = self.ended_at = _UNSET
        self.decide_at = self.lighten_at = NEVER
        self.dialog_timeout = dialog_timeout
        self.ended_by: EndedBy | None = None
        self.over = False
        self.settled = self.concluded = False
        self.outcome = self.ending = ""
        self.ends: tuple[str, str] | None = None
        self.sibling: Call | None = None
        self.before: Call | None = None
        self.behind: Call | None = None
        self.holder = NOBODYS
        self.rank = self.weight = 0
        self.weigh_at = WEIGHED_FROM

    # Legs

    def add(self, leg: Leg, now: int) -> None:
        """Place a new leg: a retry of an earlier one, one beside it, nearer the caller than all others, or behind."""
        # What came before is looked for first: a retry stands where the leg stood that it continues, though a router
        # that was slow, or a Max-Forwards that somebody resets, makes it look nearer or farther than that one.
        before = followed_by(self, leg)
        legs, front = self.legs, self.front
        if not legs:
            self.legs, self.front = [leg], [leg]  # smaller than lists that have grown
            self.upstream = leg
            return
        mark_given_up_for(leg, legs)
        legs.append(leg)
        if before is not None:
            if before in front:
                front.append(leg)
            if before.final is None:
                take_as_challenged(before, now)
            before.follow(now)
        elif equally_near(leg, front[0], legs):
            front.append(leg)
        elif nearer_caller(leg, front[0]):
            # The capture began between two hops, or swapped them: those that stood nearest were a server's all along.
            self.front = [leg]
        if self.answered_at < 0 and not self.settled and leg in self.front:
            self.upstream = leg
            self.ended_at = _UNSET
            self.decide_at = NEVER  # not before this one has ended

    def is_upstream(self, leg: Leg) -> bool:
        """Tell whether no leg is nearer the caller than this one."""
        return leg in self.front

    def alerted(self, leg: Leg, now: int) -> None:
        """Take the first 180 or 183 on a leg: the hops before it have heard something at least."""
        if len(self.legs) == 1:
            return
        for before in self.legs:
            if before.state is _CALLING and leads_to(self, before, leg):
                before.next_hop_alerted(now)

    def leg_ended(self, leg: Leg, now: int) -> None:
        """Note that a leg has its final response, or was given up."""
        if leg.state is _ACCEPTED:
            if leg.answers is not None:
                self._answered(leg, leg.answers[0], now)
            return
        if self.answered_at < 0:
            if leg is self.upstream:
                self.ended_at = leg.over_at
            if not self.settled and leg in self.front:
                self._weigh(now)
        if self.answered_at < 0 or self.ended_by is not None:
            self.queue.watch(self, now + T4)

    # The verdict

    def _tell_leg(self, leg: Leg) -> None:
        leg.settled = True
        self.owner.events.append(LegSettled(leg))

    def settle(self, leg: Leg, now: int) -> None:
        """Let the verdict on a leg fall; with an answer nearest the caller, that on the call."""
        if leg.settled or self._waits_for_the_caller(leg):
            return
        upstream = leg in self.front
        answered = leg.answered_at >= 0
        # One answer that reaches the caller decides at once, however many forks still ring (§16.7 step 5): nothing that
        # they say can take it back. A failure waits for all of them (``_weigh``).
        if answered and upstream and not self.settled:
            self.upstream = leg
            if self.answered_at < 0:
                self.answered_at = leg.answered_at
                self.ended_at = _UNSET
        self._tell_leg(leg)
        if answered and upstream and not self.settled:
            self._decide(leg, now)
        if not answered:
            self.queue.watch(self, now + T4)

    def _waits_for_the_caller(self, leg: Leg) -> bool:
        """Hold back a verdict behind a server whose CANCEL gives a reason, until the caller's own leg has one.

        What such a reason claims ("completed elsewhere") holds only if the caller was answered (OUTCOMES §2, rule 3).
        """
        if self.settled or self.over or not was_cancelled(leg) or not gives_a_reason(leg):
            return False
        if leg.answered_at >= 0 or leg.followed or leg in self.front:
            return False
        leg.settle_at = NEVER  # until ``_decide``
        return True

    def _weigh(self, now: int) -> None:
        """Say when a failing verdict can fall."""
        due = NEVER if self._waits_for_the_latest() else verdict_due(self.front, self._let_go())
        self.decide_at = due
        if due < NEVER:
            self.queue.watch(self, max(now, due))

    def _waits_for_the_latest(self) -> bool:
        """Tell whether the latest leg is open and counts: then the others need no look, of which there may be many."""
        front = self.front
        leg = front[-1]
        if len(front) == 1 or leg.followed or leg.state > _CANCELLING:
            return False
        return not is_let_go(leg, leg.started, self.owner.broken_at(leg.path))

    def _let_go(self) -> list[bool]:
        front = self.front
        if len(front) == 1:
            return [False]
        latest = max([leg.started for leg in front])
        return [is_let_go(leg, latest, self.owner.broken_at(leg.path)) for leg in front]

    def _decide(self, leg: Leg, now: int) -> None:
        """Let the verdict on the call fall, and then those that waited for it."""
        self.upstream = leg
        self.settled = True
        self.owner.events.append(CallSettled(self))
        if leg.answered_at < 0:
            self.ended_at = leg.over_at
        if len(self.legs) > 1:
            for other in self.legs:
                if other.settle_at == NEVER and other.state > _CANCELLING:
                    self.settle(other, now)

    def _fail(self, now: int) -> None:
        """Let a failing verdict fall: every leg nearest the caller has ended, or none of them can be waited for."""
        for leg in self.front:
            if not leg.settled and leg.settle_at <= now:
                self.settle(leg, now)
        leg = deciding(self.front, self._let_go())
        # The one that decides may still be open: nothing came back on it, and the caller has long gone on without.
        if not leg.settled:
            self._tell_leg(leg)
        if not self.settled:
            self._decide(leg, now)

    # Answers

    def _answered(self, leg: Leg, answer: Answer, now: int) -> None:
        """Take an answer on a leg: it may be the call's, and says something of the hops before and behind."""
        upstream = leg in self.front
        if upstream and self.answered_at < 0:
            if self.settled and leg is not self.upstream:
                return  # too late: what comes after a verdict changes nothing
            self.answered_at = leg.answered_at
            self.ended_at = _UNSET
        if self.dialogs is None:
            self.dialogs = Dialogs(self)
        if self.lighten_at == NEVER:
            self.lighten_at = now + self.owner.lasts
            self.owner.answered(self)
        dialogs = self.dialogs
        dialogs.answer(leg, answer, now)
        if len(dialogs.all) == 1 and dialogs.all[0].interval >= HORIZON <= self.dialog_timeout:
            self.queue.watch(self, now + min(HORIZON, self.owner.lasts))
        else:
            self._watch_dialogs(now)
        if len(self.legs) > 1:
            presume(self, leg, now)

    def answered_again(self, leg: Leg, answer: Answer, now: int) -> None:
        """Take a further answer on a leg, with another To tag; or one behind what had been taken for a failure."""
        if self.dialogs is None:
            self._answered(leg, answer, now)
            return
        self.dialogs.answer(leg, answer, now)
        self._watch_dialogs(now)

    def _watch_dialogs(self, now: int) -> None:
        if self.dialogs is not None:
            self.queue.watch(self, max(now, min(self.dialogs.deadline(), now + HORIZON)))

    def proven(self, leg: Leg, now: int) -> None:
        """Take a presumed answer for a fact."""
        proven(self, leg, now)

    # Inside the dialogs

    def request(self, request: Request, leg: Leg, now: int) -> None:
        """Take a new request inside a dialog, which runs along a leg's hop.

        A re-INVITE shows that the INVITE was answered. A BYE may come in an early dialog (§15); it only agrees with
        what something else has shown.
        """
        if self.dialogs is None:
            self.dialogs = Dialogs(self)
        # Inside a dialog From is whoever sends (§12.2.1.1), not whoever called: the tags tell the direction.
        from_caller = request.from_tag == self.from_tag
        tag = request.to_tag if from_caller else request.from_tag
        if leg.presumed_since >= 0:
            proven(self, leg, now)
        elif request.method == "INVITE" and leg.state <= _CANCELLING:
            leg.answer_inferred(tag, now, now, moment_known=False)
        self.dialogs.request(Exchange(request, leg, tag, from_caller, now), now)
        self.queue.watch(self, now + HORIZON)  # which is Timer F

    def response(self, exchange: Exchange, response: Response, now: int) -> bool:
        """Take a response to such a request; return whether it repeats the final one."""
        if self.dialogs is None:
            return False
        repeated = self.dialogs.response(exchange, response, now)
        leg = exchange.leg
        if exchange.method == "BYE" and 200 <= response.status_code < 300 and leg.state <= _CANCELLING:
            leg.presume_answer(_UNSET, now)
            self.queue.watch(leg, now + PROVEN_AFTER)
        if exchange.method == "BYE":
            self.queue.watch(self, now + T4)
        else:
            self._watch_dialogs(now)  # the session interval may be a shorter one now
        return repeated

    def refreshed_unseen(self, response: Response, now: int) -> None:
        """Take a response to a request that was not captured: a 2xx to a re-INVITE or UPDATE refreshes all the same."""
        if self.dialogs is None or not 200 <= response.status_code < 300 or response.cseq_method not in REFRESHES:
            return
        by_caller = response.from_tag == self.from_tag
        dialog = self.dialogs.find(response.to_tag if by_caller else response.from_tag)
        if dialog is not None and dialog.ended_by is None and response.cseq_number != dialog.leg.cseq_number:
            dialog.confirmed = True
            dialog.refresh(response, now, by_caller=by_caller)
            self._watch_dialogs(now)

    def keep(self, message: Message, repeated: bool, placed: bool) -> None:
        """Keep a message for the ladder: ``placed`` says that its transaction or dialog is known."""
        if self.messages is None:
            self.messages = []
        if len(self.messages) < MAX_MESSAGES:
            self.messages.append((message, repeated, placed))
        else:
            self.owner.evict("messages")

    def keep_number(self, number: int, repeated: bool, placed: bool) -> bool:
        """Keep the number of a message that is kept elsewhere, with what is known of it (``numbered``), if it may."""
        if self.numbers is None:
            self.numbers = []
        if len(self.numbers) >= MAX_MESSAGES:
            self.owner.evict("messages")
            return False
        self.numbers.append(number << 2 | repeated << 1 | placed)
        return True

    def numbered(self) -> list[tuple[int, bool, bool]]:
        """Return the number of each message that is kept elsewhere, whether it is a repeated one, and placed."""
        return [(number >> 2, bool(number & 2), bool(number & 1)) for number in self.numbers or ()]

    def stray(self, response: Response) -> None:
        """Keep a response whose CSeq number is that of no request."""
        if self.strays is None:
            self.strays = []
        if len(self.strays) < MAX_STRAYS:
            self.strays.append(response)
        else:
            self.owner.evict("strays")

    def acknowledged(self, answer: Answer, now: int) -> None:
        """Take the ACK of an answer."""
        if self.dialogs is not None:
            self.dialogs.acknowledged(answer, now)

    def _settle_answer(self, now: int) -> None:
        """Let the verdict of an inferred answer fall before the call ends: its own 2xx will not come any more."""
        for leg in self.front:
            if leg.answered_at >= 0:
                self.settle(leg, now)

    def leg_on_hop(self, path: Path) -> Leg:
        """Return the leg whose hop a message inside the dialog runs along; answered ones first, else the nearest."""
        if len(self.legs) == 1:
            return self.legs[0]
        ends = {path.source_address, path.destination_address}
        found: Leg | None = None
        for leg in self.legs:
            if {leg.path.source_address, leg.path.destination_address} == ends and not leg.followed:
                if leg.answered_at >= 0:
                    return leg
                found = leg
        return found or self.upstream or self.legs[0]

    # The end

    @property
    def completed(self) -> bool:
        """Tell whether it was answered, and ended by a BYE with a 2xx."""
        return self.dialogs is not None and self.dialogs.completed

    @property
    def to_tag(self) -> bytes:
        """Return the callee's tag of the dialog that was kept, ``b""`` without one."""
        return self.dialogs.kept.tag if self.dialogs is not None and self.dialogs.kept is not None else b""

    def kept_leg(self) -> Leg | None:
        """Return the leg nearest the caller of the dialog that was kept, None without one."""
        if self.dialogs is None or self.dialogs.kept is None or self.answered_at < 0:
            return None
        return self.dialogs.kept.leg

    def end(self, by: EndedBy, at: int, now: int) -> None:
        """Take the end of the last dialog of an answered call."""
        if not self.settled:
            self._settle_answer(now)
        self.ended_by = by
        self.ended_at = at
        kept = self.kept_leg()
        if kept is not None:
            self.upstream = kept
        self.owner.events.append(CallEnded(self))
        if by is EndedBy.TIMEOUT or by is EndedBy.CAPTURE_END:
            self.conclude()
        self.active_at = max(self.active_at, at)

    def conclude(self) -> None:
        """Let it be said how an answered call ended."""
        if self.settled and not self.concluded:
            self.concluded = True
            self.owner.events.append(CallConcluded(self))

    # Deadlines

    def deadline(self) -> int:
        """Return when a verdict, a transaction, a dialog or the whole call is due, NEVER while legs still decide."""
        if self.over:
            return NEVER
        due = NEVER if self.settled else self.decide_at
        if self.dialogs is not None:
            due = min(due, self.dialogs.deadline())
        if self.answered_at >= 0 and self.ended_by is None:
            return min(due, self.lighten_at)
        if due < NEVER:
            return due
        for leg in self.legs:
            if not leg.settled:
                return NEVER
            if leg.state is not _TERMINATED and (leg.state is not _ACCEPTED or self.ended_by is None):
                return NEVER
        return self.active_at + T4

    def expire(self, now: int) -> None:
        """Let the verdict fall, a transaction or dialog run out, or declare the call over."""
        if not self.settled and self.decide_at <= now:
            self._fail(now)
        elif self.lighten_at <= now and self.ended_by is None:
            self.lighten_at = NEVER
            lighten(self)
            self.owner.changed(self)
        elif self.dialogs is not None and self.dialogs.expire(now):
            self.active_at = max(self.active_at, now)
        else:
            self.finish(now, _INPUT_LINGERED)

    def finish(self, now: int, how: Input) -> None:
        """Close the call: nothing more belongs to it (``LINGERED``), or nothing more will be seen (``END``)."""
        if self.over:
            return
        self.over = True
        # Those nearest the caller first: what became of him decides how the hops behind are read (answered elsewhere).
        legs = self.legs
        if len(legs) > len(self.front):
            legs = [*self.front, *[leg for leg in legs if leg not in self.front]]
        for leg in legs:
            if leg.settled and leg.conditions is None:
                continue  # nothing left to decide or to resolve
            if not self.settled and leg not in self.front:
                self._fail(now)  # those behind are judged by what became of the caller
            leg.cut_off = how is _INPUT_END and not leg.settled and leg.settle_at > now
            leg.take(how, now)
            self.settle(leg, now)
            if how is _INPUT_LINGERED:
                leg.resolve(Condition.BYE_UNANSWERED, Resolution.EXPIRED, now)
        if not self.settled:
            self._fail(now)
        self._finish_dialogs(now)
        if self.ended_by is None:
            self.ended_by = self._ended_unanswered()
        if self.ended_at < 0:
            self.ended_at = self.active_at
        self.owner.events.append(CallOver(self))
        self.owner.forget(self)

    def release(self) -> None:
        """Let go of what a call that is over was made of: legs and call hold each other, and nobody counts cycles."""
        self.legs = []
        self.front = []
        self.upstream = None
        self.dialogs = None
        self.messages = None
        self.numbers = None

    def _finish_dialogs(self, now: int) -> None:
        if self.answered_at < 0 or self.dialogs is None:
            return
        if self.ended_by is None:
            self.dialogs.cut_off(EndedBy.CAPTURE_END, self.active_at, now)
        self.conclude()

    def _ended_unanswered(self) -> EndedBy:
        leg = self.upstream or self.front[-1]
        if leg.cancelled_at >= 0 or leg.status_code == 487:  # after a CANCEL that was lost, or a BYE (§15)
            return EndedBy.CALLER
        if leg.final is not None or leg.inferred & Inferred.FINAL:
            return EndedBy.CALLEE
        return EndedBy.TIMEOUT if leg.given_up else EndedBy.CAPTURE_END
