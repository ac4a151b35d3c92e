"""The dialogs that an answered INVITE brings about, and the transactions inside them (RFC 3261 §12 to §15).

Must not know: outcomes, peers, which leg is nearest the caller, or what a refused request means for the call.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from sipwatch.packet import SECOND
from sipwatch.track.conditions import Condition, Resolution
from sipwatch.track.events import ByeAccepted
from sipwatch.track.table import PROVEN_AFTER, T4, TIMER_F
from sipwatch.track.timers import NEVER
from sipwatch.wire.sip import header

if TYPE_CHECKING:
    from sipwatch.track.answers import Answer
    from sipwatch.track.call import Call
    from sipwatch.track.leg import Leg
    from sipwatch.wire.message import Path, Request, Response

MAX_EXCHANGES: Final = (
    64  # transactions remembered of one call: the refreshes of a working day, one each quarter of an hour
)
MAX_DIALOGS: Final = 32  # phones of one call that answer
# What shapes a dialog or ends it. INFO, MESSAGE and the like say nothing of the call and are only shown.
FOLLOWED: Final = frozenset({"INVITE", "BYE", "UPDATE", "PRACK", "REFER", "NOTIFY"})
REFRESHES: Final = frozenset({"INVITE", "UPDATE"})  # RFC 4028 §7.1
GAVE_UP_AFTER: Final = (
    TIMER_F + T4
)  # a callee whose 2xx nobody acknowledges has hung up by then, or fallen silent (§13.3.1.4)
REPEATED_UNTIL: Final = TIMER_F - 2 * T4  # ... having repeated it at least so long: the last copies may be lost
_SESSION_EXPIRES: Final = frozenset({b"session-expires", b"x"})
_UNSET: Final = -1


class EndedBy(StrEnum):
    """Who ended a call."""

    CALLER = "caller"
    CALLEE = "callee"
    TIMEOUT = "timeout"
    CAPTURE_END = "capture_end"


class Exchange:
    """One transaction inside a call, on one hop: its request, its final response, how often the request came again.

    ``tag`` is the callee's tag of the dialog, whichever side sends; ``leg`` the hop of the INVITE that it runs along.
    ``final`` is the first final response, None without one; ``responded`` says that anything came back at all.
    ``expired`` says that Timer B or F ran out first. Moments are packet time in ns, -1 while not seen.
    """

    __slots__ = (
        "branch", "branches", "cseq_number", "expired", "final", "final_at", "from_caller", "leg", "method", "path",
        "request", "responded", "started", "status_code", "tag",
    )  # fmt: skip

    def __init__(self, request: Request, leg: Leg, tag: bytes, from_caller: bool, now: int) -> None:
        self.request = request
        self.method = request.method
        self.branch = request.branch
        self.branches: frozenset[bytes] | None = None
        self.cseq_number = request.cseq_number
        self.path: Path = request.path
        self.leg = leg
        self.tag = tag
        self.from_caller = from_caller
        self.started = now
        self.responded = self.expired = False
        self.final: Response | None = None
        self.final_at = _UNSET
        self.status_code = 0

    def respond(self, response: Response, now: int) -> bool:
        """Take a response; return whether it repeats the final one."""
        self.responded = True
        if response.status_code < 200:
            return False
        if self.final is not None:
            return response.status_code == self.status_code
        self.final = response
        self.final_at = now
        self.status_code = response.status_code
        return False

    def deadline(self) -> int:
        """Return when Timer F (or B, of a re-INVITE that heard nothing) runs out, NEVER if it does not run."""
        if self.final is not None or self.expired or (self.responded and self.method == "INVITE"):
            return NEVER
        return self.started + TIMER_F

    def finished(self) -> bool:
        """Tell whether nothing of it is remarkable any more."""
        return self.final is not None and self.status_code < 300 and self.method != "BYE"


class Dialog:
    """One dialog of a call, named by the callee's tag.

    ``leg`` is the hop nearest the caller on which its answer was seen, ``legs`` all of them. ``confirmed`` says that
    the ACK or a later message of the dialog was seen. The session interval (RFC 4028) runs from ``refreshed_at``;
    ``refresher_is_caller`` is None where nobody was named. Moments are packet time in ns, -1 while not seen.
    """

    __slots__ = (
        "acked_at", "answered_at", "confirmed", "ended_at", "ended_by", "interval", "leg", "legs", "refreshed_at",
        "refresher_is_caller", "tag",
    )  # fmt: skip

    def __init__(self, tag: bytes, leg: Leg, at: int) -> None:
        self.tag = tag
        self.leg = leg
        self.legs: tuple[Leg, ...] = (leg,)
        self.answered_at = self.refreshed_at = at
        self.acked_at = self.ended_at = _UNSET
        self.confirmed = False
        self.ended_by: EndedBy | None = None
        self.interval = NEVER
        self.refresher_is_caller: bool | None = None

    def refresh(self, response: Response, now: int, *, by_caller: bool) -> None:
        """Take a 2xx that may carry a session interval; ``by_caller`` tells who had asked (RFC 4028 §7.2, §9)."""
        self.refreshed_at = now
        self.interval, refresher = session_interval(response)
        self.refresher_is_caller = None if not refresher else (refresher == b"uac") is by_caller

    def end(self, by: EndedBy, at: int) -> None:
        """Note the end; the first one counts."""
        if self.ended_by is None:
            self.ended_by = by
            self.ended_at = at


def session_interval(response: Response) -> tuple[int, bytes]:
    """Return the session interval of a 2xx (ns, NEVER when it has none) and who refreshes: uac, uas or ``b""``."""
    if _SESSION_EXPIRES.isdisjoint(response.names):
        return NEVER, b""
    value, _, rest = header(response.raw, b"session-expires", b"x").partition(b";")
    seconds = value.strip()
    if not (seconds.isdigit() and len(seconds) <= 9 and int(seconds)):
        return NEVER, b""
    refresher = rest.lower().replace(b" ", b"").partition(b"refresher=")[2][:3]
    return int(seconds) * SECOND, refresher if refresher in (b"uac", b"uas") else b""


class Dialogs:
    """All dialogs of one call, and the transactions inside them. Made when the first one is.

    ``kept`` is the dialog that the call is told by: the one that ended last, or, while any is up, the one acknowledged
    first (RFC 3261 §13.2.2.4: of several answers the caller keeps one, and hangs up on the others).
    """

    __slots__ = ("_call", "all", "completed", "conclude_at", "exchanges", "kept")

    def __init__(self, call: Call) -> None:
        self._call = call
        self.all: tuple[Dialog, ...] = ()
        self.exchanges: list[Exchange] = []
        self.kept: Dialog | None = None
        self.completed = False
        self.conclude_at = NEVER

    # Answers

    def answer(self, leg: Leg, answer: Answer, now: int) -> None:
        """Take a 2xx to the INVITE, captured or inferred: a new dialog, or one more hop of it."""
        dialog = self.find(answer.tag) if self.all else None
        if dialog is None:
            if len(self.all) >= MAX_DIALOGS:
                self._call.owner.evict("dialogs")
                return
            dialog = self._begin(leg, answer)
        elif leg not in dialog.legs:
            dialog.legs = (*dialog.legs, leg)
            if self._call.is_upstream(leg) and not self._call.is_upstream(dialog.leg):
                dialog.leg = leg
        if answer.response is None:
            dialog.confirmed = dialog.confirmed or dialog.leg is leg  # by whatever gave the answer away
        elif not _SESSION_EXPIRES.isdisjoint(answer.response.names):
            dialog.refresh(answer.response, now, by_caller=True)
        if self.kept is None or not self._call.is_upstream(self.kept.leg):
            self.kept = dialog
        if dialog.ended_by is not None:
            self._weigh(now)
        if self.exchanges and not self.completed:
            self._look_for_accepted_bye(now)

    def _begin(self, leg: Leg, answer: Answer) -> Dialog:
        dialog = Dialog(answer.tag, leg, answer.at)
        self.all = (*self.all, dialog)
        if self.exchanges:
            self._look_back(dialog)
        return dialog

    def _look_back(self, dialog: Dialog) -> None:
        """Let what was seen before the answer was known count: a BYE may be all that shows it."""
        for exchange in self.exchanges:
            if self.find(exchange.tag) is dialog:
                dialog.confirmed = True
                if exchange.method == "BYE":
                    dialog.end(EndedBy.CALLER if exchange.from_caller else EndedBy.CALLEE, exchange.started)

    def _look_for_accepted_bye(self, now: int) -> None:
        for bye in self.byes():
            if bye.final is not None:
                self._bye_answered(bye, bye.final_at)
        self._when_known(now)

    def find(self, tag: bytes) -> Dialog | None:
        """Return the dialog with this tag; answers that lost their tag are everybody's."""
        for dialog in self.all:
            if dialog.tag == tag:
                return dialog
        if len(self.all) == 1 and not (self.all[0].tag and tag):
            return self.all[0]
        return None

    def acknowledged(self, answer: Answer, now: int) -> None:
        """Take the ACK of an answer."""
        dialog = self.find(answer.tag)
        if dialog is None:
            return
        dialog.confirmed = True
        if dialog.acked_at < 0:
            dialog.acked_at = now
            kept = self.kept
            if kept is not None and kept.acked_at < 0 and kept.ended_by is None and self._counts(dialog):
                self.kept = dialog

    # Requests inside

    def request(self, exchange: Exchange, now: int) -> None:
        """Take a new request inside a dialog."""
        self._remember(exchange)
        dialog = self.find(exchange.tag)
        if dialog is None:
            return
        dialog.confirmed = True
        if exchange.method == "BYE":
            dialog.end(EndedBy.CALLER if exchange.from_caller else EndedBy.CALLEE, now)
            self._weigh(now)

    def _remember(self, exchange: Exchange) -> None:
        exchanges = self.exchanges
        if len(exchanges) >= MAX_EXCHANGES:
            for place, old in enumerate(exchanges):
                if old.finished():
                    del exchanges[place]
                    break
            else:
                self._call.owner.evict("exchanges")
                return
        exchanges.append(exchange)

    def response(self, exchange: Exchange, response: Response, now: int) -> bool:
        """Take a response to one; return whether it repeats the final one."""
        late = exchange.expired
        repeated = exchange.respond(response, now)
        if repeated or response.status_code < 200:
            return repeated
        if exchange.method in REFRESHES and response.status_code < 300:
            dialog = self.find(exchange.tag)
            if dialog is not None and dialog.ended_by is None:
                dialog.refresh(response, now, by_caller=exchange.from_caller)
        if exchange.method == "BYE":
            if late:
                exchange.leg.resolve(Condition.BYE_UNANSWERED, Resolution.RESPONDED, now)
            self._bye_answered(exchange, now)
        return False

    def _bye_answered(self, exchange: Exchange, now: int) -> None:
        call = self._call
        if exchange.status_code >= 300 or call.answered_at < 0 or not self._is_of_kept(exchange):
            self._when_known(now)
            return
        if not self.completed:
            self.completed = True
            first = exchange if len(self.exchanges) == 1 else self.byes()[0]
            call.owner.events.append(ByeAccepted(call, now - first.started))
        if call.ended_by is not None:
            self.conclude_at = now
            call.conclude()

    def byes(self) -> list[Exchange]:
        """Return the BYEs of the dialog that was kept, on every hop."""
        return [exchange for exchange in self.exchanges if exchange.method == "BYE" and self._is_of_kept(exchange)]

    def _is_of_kept(self, exchange: Exchange) -> bool:
        kept = self.kept
        return kept is not None and (kept.tag == exchange.tag or self.find(exchange.tag) is kept)

    # The end

    def _counts(self, dialog: Dialog) -> bool:
        """Tell whether a dialog reaches the caller; others end between servers and phones."""
        return self._call.is_upstream(dialog.leg)

    def _weigh(self, now: int) -> None:
        """End the call with the last of its dialogs."""
        call = self._call
        if call.answered_at < 0 or call.ended_by is not None:
            return
        last: Dialog | None = None
        for dialog in self.all:
            if dialog.leg not in call.front:
                continue
            if dialog.ended_by is None:
                return
            if last is None or _outlasts(dialog, last):
                last = dialog
        if last is not None and last.ended_by is not None:
            self.kept = last
            call.end(last.ended_by, last.ended_at, now)

    def cut_off(self, by: EndedBy, at: int, now: int) -> None:
        """End every dialog that is still up."""
        for dialog in self.all:
            dialog.end(by, at)
        self._weigh(now)

    def _when_known(self, now: int) -> None:
        """Say when it is known how the call ended: a refused BYE may yet be followed by one that is accepted."""
        call = self._call
        if call.ended_by is None:
            return
        known = now
        byes = self.byes()
        by_caller = {bye.from_caller for bye in byes}
        for bye in byes:
            if bye.final is None:
                if not bye.expired:
                    known = NEVER
            elif bye.status_code < 300 or (bye.status_code == 481 and len(by_caller) > 1):
                known = now
                break
            elif bye.status_code != 408 and known != NEVER:
                known = max(known, bye.final_at + PROVEN_AFTER)
        self.conclude_at = known
        if known <= now:
            call.conclude()

    # Deadlines

    def deadline(self) -> int:
        """Return when a transaction or a dialog runs out, or the ending is known; NEVER if nothing is awaited."""
        due = NEVER if self._call.concluded else self.conclude_at
        for exchange in self.exchanges:
            if exchange.final is None:
                due = min(due, exchange.deadline())
        for dialog in self.all:
            if dialog.ended_by is None:
                due = min(due, self._runs_out(dialog))
        return due

    def _runs_out(self, dialog: Dialog) -> int:
        at = dialog.refreshed_at + min(self._call.dialog_timeout, dialog.interval)
        if dialog.acked_at < 0 and not dialog.confirmed:
            for leg in dialog.legs:
                answer = answer_of(leg, dialog.tag)
                if answer is not None and answer.last_at - answer.at >= REPEATED_UNTIL:
                    at = min(at, answer.at + GAVE_UP_AFTER)
        return at

    def expire(self, now: int) -> bool:
        """Let run out what is due; return whether something was."""
        for exchange in self.exchanges:
            if exchange.deadline() <= now:
                self._unanswered(exchange, now)
                return True
        for dialog in self.all:
            if dialog.ended_by is None and self._runs_out(dialog) <= now:
                dialog.end(EndedBy.TIMEOUT, now)
                self._weigh(now)
                return True
        if not self._call.concluded and self.conclude_at <= now:
            self._call.conclude()
            return True
        return False

    def _unanswered(self, exchange: Exchange, now: int) -> None:
        """Note that Timer F ran out, unless the same request got its final on another hop: then one was lost to us."""
        exchange.expired = True
        if exchange.method != "BYE":
            return
        for other in self.exchanges:
            if other.final is not None and is_same_request(other, exchange):
                break
        else:
            exchange.leg.raise_condition(Condition.BYE_UNANSWERED, now)
        self._when_known(now)


def _outlasts(dialog: Dialog, other: Dialog) -> bool:
    """Tell which of two dialogs ended last; of those up to the same moment, the one acknowledged first counts."""
    if dialog.ended_at != other.ended_at:
        return dialog.ended_at > other.ended_at
    return dialog.acked_at >= 0 and (other.acked_at < 0 or dialog.acked_at < other.acked_at)


def is_same_request(one: Exchange, other: Exchange) -> bool:
    """Tell whether two transactions are hops of one request: a proxy changes neither CSeq nor tags."""
    return (
        one is not other
        and one.method == other.method
        and one.cseq_number == other.cseq_number
        and one.from_caller is other.from_caller
        and one.tag == other.tag
    )


def answer_of(leg: Leg, tag: bytes) -> Answer | None:
    """Return a hop's 2xx with this To tag."""
    for answer in leg.answers or ():
        if answer.tag == tag:
            return answer
    return None
