"""Messages to calls: finds the leg or call that a message belongs to, and creates and forgets them.

Must not know: outcomes, peers, files, clocks. What it cannot place is a named, counted notice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sipwatch.budget import DEFAULT_BUDGET
from sipwatch.track.attempts import is_retry, starts_anew
from sipwatch.track.call import Call
from sipwatch.track.calls import Calls, Numbering, TableLimits
from sipwatch.track.dialog import FOLLOWED
from sipwatch.track.early import Early
from sipwatch.track.events import LegBegun, Notice
from sipwatch.track.front import mark_given_up
from sipwatch.track.inside import Inside
from sipwatch.track.lasting import LASTS
from sipwatch.track.leg import Leg
from sipwatch.track.match import (
    exchange_near,
    exchange_of,
    has_wrong_cseq,
    leg_cancelled,
    leg_near,
    leg_of,
)
from sipwatch.track.registrar import Registrar, RegistrarLimits
from sipwatch.track.table import Input
from sipwatch.track.timers import NEVER, TimerQueue, Timers
from sipwatch.track.traffic import Traffic
from sipwatch.wire.message import Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sipwatch.budget import Budget
    from sipwatch.track.events import Event
    from sipwatch.track.needs import Site
    from sipwatch.track.room import SeriesRoom
    from sipwatch.wire.message import Message, Path, Unreachable

# Names of the hot path: looked up once, not at every packet.
_INPUT_END: Final = Input.END
_INPUT_LINGERED: Final = Input.LINGERED
_TRYING: Final = 100

MAX_BROKEN: Final = 4096  # paths that an error says lead nowhere


class Tracker:
    """Follow every INVITE, REGISTER and OPTIONS: messages and time in, ``events`` out.

    Feed it messages in packet order, and ``close`` it in the end. Whoever feeds it takes the events, in order, and
    clears the list; to see each as things stood then, he lets time pass timer by timer (``queue.fire``) before he gives
    the next message. ``notices`` and ``evicted`` are plain counts by name.
    """

    def __init__(
        self,
        site: Site,
        *,
        limits: TableLimits | None = None,
        budget: Budget = DEFAULT_BUDGET,
        series: SeriesRoom | None = None,
        keep_messages: bool = False,
        number: bool = False,
    ) -> None:
        self.events: list[Event] = []
        self.lasts = NEVER if keep_messages else LASTS  # when less is kept of an answered call (ns)
        self.traffic = Traffic(site.ends, budget.paths // 2, series)
        self._count_request = self.traffic.request
        self._count_response = self.traffic.response
        self.now = 0
        self.notices: dict[Notice, int] = {}
        self._evicted: dict[str, int] = {}
        self.queue = TimerQueue()
        self.timers_for = site.timers_for
        self._limits = limits or TableLimits(calls_bytes=budget.calls)
        # Whether somebody wants to see every message of a call, those as well that change nothing.
        self._keep = keep_messages or number
        numbers = Numbering(self.events) if number else None
        self._calls = Calls(self._limits, site.is_known, keep_messages=keep_messages, numbers=numbers)
        self._room = self._limits.calls_bytes
        self._inside = Inside(self._calls, self.traffic, self.events)
        self._closing: Iterator[Call] | None = None
        self._serial = 0
        self._requests: dict[str, Callable[[Request, int], None]] = {
            "INVITE": self._invite, "ACK": self._ack, "CANCEL": self._cancel,
        }  # fmt: skip
        self._responses: dict[str, Callable[[Response, int], None]] = {
            "INVITE": self._invite_response, "CANCEL": self._cancel_response,
        }  # fmt: skip
        for method in FOLLOWED - {"INVITE"}:
            self._requests[method] = self._request_inside
            self._responses[method] = self._response_inside
        self.registrar = Registrar(self.events, self.queue, self._next_serial, RegistrarLimits(budget.registrations))
        self._requests.update({"REGISTER": self._asking, "OPTIONS": self._asking})
        self._responses.update({"REGISTER": self._asked, "OPTIONS": self._asked})
        self._broken: dict[bytes, int] = {}
        self._early = Early(self._limits.early, self._limits.early_bytes)

    def advance(self, now: int) -> None:
        """Let time pass without a message: an idle tick. Never goes back."""
        if now > self.now:
            if now >= self.queue.next:
                self.queue.advance(now)
            self.now = now
        self.traffic.settle(now)

    def use(self, site: Site) -> None:
        """Take other timers for legs that are yet to begin, and count by other names."""
        self.timers_for = site.timers_for
        self._calls.is_known = site.is_known
        self.traffic.use(site.ends)

    def message(self, message: Request | Response) -> None:
        """Take one message: time first, then what is due, then the message itself."""
        time = message.time
        if time > self.now:
            if time >= self.queue.next:
                self.queue.advance(time)
            self.now = time
        elif time < self.now and not message.fragmented:  # else it was held back, in case that its rest came
            self._notice(Notice.TIME_STEPPED_BACK)
        if self._calls.bytes > self._room:
            self._relieve()
        usable = message.call_id and message.cseq_number >= 0
        # A request's method is its own, a response's that of its CSeq.
        if message.__class__ is Response:
            self._count_response(message)
            respond = self._responses.get(message.cseq_method)
            if respond is not None and usable:
                respond(message, self.now)
                return
        elif message.__class__ is Request:
            self._count_request(message)
            request = self._requests.get(message.method)
            if request is not None and usable:
                request(message, self.now)
                return
        if not usable:
            self._notice(Notice.UNTRACKABLE)
        elif self._keep:
            self._other(message)

    def unreachable(self, error: Unreachable) -> None:
        """Take an ICMP error or a connection reset: what is sent that way does not arrive."""
        self.advance(error.time)  # what was due before may not know of it
        self.events.append(error)
        broken = self._broken
        broken.pop(error.path.key, None)
        if len(broken) >= MAX_BROKEN:
            del broken[next(iter(broken))]
            self.evict("broken_paths")
        broken[error.path.key] = error.time

    def broken_at(self, path: Path) -> int:
        """Return when an error last said that nothing gets through there (ns), -1 if none did."""
        return self._broken.get(path.key, -1) if self._broken else -1

    def missed(self, until: int) -> None:
        """Take it that all packets before ``until`` (ns) were missed, since now: nothing is concluded from silence.

        What is heard of a leg afterwards counts as ever; one that stays silent ends unfinished.
        """
        for call in self._calls:
            for leg in call.legs:
                leg.blind = not leg.settled
            for dialog in () if call.dialogs is None else call.dialogs.all:
                dialog.refreshed_at = max(dialog.refreshed_at, until)  # the refresh may have been among them
        self.registrar.missed()

    def close(self) -> bool:
        """Close the oldest call that is open, or all the rest if none is; return whether one was.

        The capture is over: ``while tracker.close(): ...`` closes it, call by call.
        """
        if self._closing is None:
            self._closing = iter(list(self._calls))
        for call in self._closing:
            if not call.over:
                call.finish(self.now, _INPUT_END)
                return True
        self._closing = None
        self._drop_early(NEVER)
        self.registrar.finish(self.now)
        return False

    def leave(self) -> int:
        """Let go of what is still open, without a word; return how many calls that is."""
        self.traffic.settle(NEVER)
        left = list(self._calls)
        for call in left:
            self.evict("calls")
            self.forget(call)
            call.release()
        return len(left)

    def calls(self) -> Iterator[Call]:
        """Give every call that is tracked right now."""
        return iter(self._calls)

    def by_call_id(self) -> list[Call]:
        """Return the first call of each Call-ID that is tracked right now; the others are its siblings."""
        return self._calls.by_id()

    def latest(self, call_id: bytes) -> Call | None:
        """Return the latest call with a Call-ID that is tracked right now; the others are its siblings."""
        return self._calls.latest(call_id)

    @property
    def tracked(self) -> dict[str, int]:
        """Count the entries of each table right now."""
        tracked = {"calls": len(self._calls), "early": len(self._early), "timers": len(self.queue)}
        return {**tracked, "paths_heard": len(self.traffic), **self.registrar.tracked}

    @property
    def taken(self) -> dict[str, int]:
        """Say how many bytes each table that is bounded by them takes right now."""
        return {"calls": self._calls.bytes, "early": self._early.bytes, **self.registrar.taken}

    @property
    def evicted(self) -> dict[str, int]:
        """Count what each table had to give up; tables that gave up nothing are left out."""
        evicted = dict(self._evicted)
        for table, count in self.registrar.evicted.items():
            evicted[table] = evicted.get(table, 0) + count
        if self.traffic.forgotten:
            evicted["paths_heard"] = self.traffic.forgotten * self.traffic.most
        return evicted

    # Which message is whose

    def _invite(self, request: Request, now: int) -> None:
        call = self._calls.find(request)
        if call is not None:
            key = request.path.key
            leg = leg_of(call, request, key)
            if leg is not None:
                call.active_at = now
                repeated = leg.repeat(request, now)
                if repeated:
                    self.traffic.repeated(request)
                self._calls.took(call, request, repeated)
                return
            if call.dialogs is not None and self._inside.repeated(call, request, now):
                return
        if request.to_tag and (call is None or not is_retry(call, request)):
            if call is None:
                self._unplaced(request, Notice.REQUEST_IN_UNKNOWN_DIALOG)
            else:
                self._inside.request(call, request, now)
            return
        if call is not None and starts_anew(call, request, now):
            self._notice(Notice.CALL_ID_REUSED)
            if call.answered_at < 0 or call.ended_by is not None:
                call.finish(now, _INPUT_LINGERED)
            call = None
        self._new_leg(call, request, now)

    def _next_serial(self) -> int:
        self._serial += 1
        return self._serial

    def _new_leg(self, call: Call | None, request: Request, now: int) -> None:
        timers = self.timers_for(request.path)
        if call is None:
            call = self._new_call(request, now, timers)
        elif len(call.legs) >= self._limits.legs:
            self.evict("legs")
            return
        self._begin(call, Leg(self._next_serial(), call, request, now, timers), now)
        self._calls.took(call, request, False)
        if self._early.waits():
            self._drop_early(now)
            self._reunite(call, now)

    def _new_call(self, request: Request, now: int, timers: Timers) -> Call:
        full = self._calls.to_give_up(request.call_id)
        while full is not None:
            self._give_up(full, now)
            full = self._calls.to_give_up(request.call_id)
        call = Call(self._next_serial(), request, now, self, timers.dialog_timeout)
        self._calls.add(call, request.path.source_address)
        return call

    def _relieve(self) -> None:
        """Give up calls until the others have room: without a new one, those that are there have grown."""
        while self._calls.bytes > self._room:
            call = self._calls.least()
            if call is None:
                return
            self._give_up(call, self.now)

    def _give_up(self, call: Call, now: int) -> None:
        self.evict("calls")
        call.evicted = True
        call.finish(now, _INPUT_END)

    def _invite_response(self, response: Response, now: int) -> None:
        call = self._calls.find(response)
        if call is None:
            self._too_early(response, now)
            return
        key = response.path.reverse_key
        leg = leg_of(call, response, key)
        if leg is None:
            exchange = exchange_of(call, response, "INVITE", key)
            if exchange is None:
                leg = leg_near(call, response)
                exchange = exchange_near(call, response) if leg is None else None
            if exchange is not None:
                self._inside.answered(call, exchange, response, now)
                return
            if leg is None:
                self._misfit(call, response, now)
                return
        if not leg.invite_seen:
            self._doubt(leg, now)
        call.active_at = now
        repeated = leg.respond(response, now)
        if repeated:
            self.traffic.repeated(response)
        if response.status_code != _TRYING or self._keep:  # nobody holds on to a 100
            self._calls.took(call, response, repeated)

    def _doubt(self, leg: Leg, now: int) -> None:
        self._drop_early(now)
        if not self._early.doubt(leg, now):
            self._notice(Notice.RESPONSE_WITHOUT_REQUEST)

    def _misfit(self, call: Call, response: Response, now: int) -> None:
        """Take a response to no known request: one with a wrong CSeq stays with its call, others may be early."""
        answered = call.answered_at >= 0 or call.settled or response.from_tag != call.from_tag
        if answered or has_wrong_cseq(call, response):
            self._inside.misfit(call, response, now)
        elif self._may_begin(call, response):
            leg = self._unseen_leg(call, response, now)
            self._doubt(leg, now)
            leg.respond(response, now)
            self._calls.took(call, response, False)
        else:
            self._calls.took(call, response, False, False)

    def _may_begin(self, call: Call, response: Response) -> bool:
        """Tell whether a response can be to an INVITE of this attempt that was not captured; not to one before it."""
        if response.from_tag != call.from_tag or response.cseq_number < call.legs[0].cseq_number:
            return False
        if len(call.legs) >= self._limits.legs:
            self.evict("legs")
            return False
        return True

    def _unseen_leg(self, call: Call, response: Response, now: int) -> Leg:
        """Begin the leg of an INVITE that was not captured, or comes a moment later: its response shows it.

        Its own text is not known; that of the call's first INVITE stands for it.
        """
        path = response.path.reversed()
        leg = Leg(self._next_serial(), call, call.legs[0].invite, now, self.timers_for(path))
        leg.begin_unseen(path, response)
        self._begin(call, leg, now)
        return leg

    def _begin(self, call: Call, leg: Leg, now: int) -> None:
        call.active_at = now
        call.add(leg, now)
        self._calls.begun(call)
        self.events.append(LegBegun(leg))
        self.queue.watch(leg, now + leg.timers.shortest)

    def _ack(self, request: Request, now: int) -> None:
        call = self._calls.find(request)
        if call is None:
            self._unplaced(request, Notice.REQUEST_IN_UNKNOWN_DIALOG)
            return
        call.active_at = now
        leg = leg_of(call, request, request.path.key)
        if leg is not None:
            leg.acknowledge(request, now)
            self._calls.took(call, request, False)
            return
        self._inside.acknowledged(call, request, now)

    def _cancel(self, request: Request, now: int) -> None:
        call = self._calls.find(request)
        leg = None if call is None else leg_of(call, request, request.path.key) or leg_cancelled(call, request)
        if call is None or leg is None:
            self._unplaced(request, Notice.REQUEST_IN_UNKNOWN_DIALOG)
            return
        call.active_at = now
        again = leg.cancel is not None
        leg.cancelling(request, now)
        if again:
            self.traffic.repeated(request)
        elif leg.cancelled_at == now:
            mark_given_up(leg, call.legs, now)
        self._calls.took(call, request, again)

    def _cancel_response(self, response: Response, now: int) -> None:
        call = self._calls.find(response)
        if call is None:
            return
        call.active_at = now
        leg = leg_of(call, response, response.path.reverse_key) or leg_near(call, response)
        if leg is not None and response.status_code >= 200:
            leg.cancel_answered(response.status_code, now)
        self._calls.took(call, response, False, leg is not None)

    def _request_inside(self, request: Request, now: int) -> None:
        """Take BYE, UPDATE, PRACK, REFER or NOTIFY."""
        call = self._calls.find(request)
        if call is None:  # subscriptions have NOTIFYs of their own: only a BYE is surely a call's
            self._unplaced(request, Notice.REQUEST_IN_UNKNOWN_DIALOG if request.method == "BYE" else None)
        elif not self._inside.repeated(call, request, now):
            self._inside.request(call, request, now)

    def _response_inside(self, response: Response, now: int) -> None:
        """Take a response to one of these."""
        call = self._calls.find(response)
        if call is None:
            self._unplaced(response, None)
            return
        self._inside.response(call, response, now)

    def _asking(self, request: Request, now: int) -> None:
        """Take a REGISTER or OPTIONS."""
        if self.registrar.request(request, now):
            self.traffic.repeated(request)
        if self._keep:
            self._other(request)

    def _asked(self, response: Response, now: int) -> None:
        """Take a response to one."""
        if self.registrar.response(response, now):
            self.traffic.repeated(response)
        if self._keep:
            self._other(response)

    def _other(self, message: Message) -> None:
        """Keep any other message of a known call, for the ladder."""
        call = self._calls.find(message)
        if call is not None:
            self._calls.took(call, message, False)  # which changes nothing: it is there to be seen
        else:
            self._unplaced(message, None)

    def _unplaced(self, message: Message, notice: Notice | None) -> None:
        """Show a message whose tags are no call's with the latest call of its Call-ID: there it is looked for."""
        if notice is not None:
            self._notice(notice)
        if self._keep:
            call = self._calls.latest(message.call_id)
            if call is not None:
                self._calls.took(call, message, False, False)

    # Responses captured before their request

    def _too_early(self, response: Response, now: int) -> None:
        self._drop_early(now)
        if not self._early.keep(response, now):
            self.evict("early")
            self._notice(Notice.RESPONSE_WITHOUT_REQUEST)

    def _reunite(self, call: Call, now: int) -> None:
        """Take the responses that were waiting for this call, as of now."""
        for response in self._early.take(call.call_id):
            leg = leg_of(call, response, response.path.reverse_key) or leg_near(call, response)
            if leg is None and self._may_begin(call, response):
                leg = self._unseen_leg(call, response, now)
                self._doubt(leg, now)
            if leg is None:
                self._notice(Notice.RESPONSE_WITHOUT_REQUEST)
                continue
            self._notice(Notice.RESPONSE_BEFORE_REQUEST)
            leg.respond(response, now)
            self._calls.took(call, response, False)

    def _drop_early(self, now: int) -> None:
        """Give up responses whose request did not come in time."""
        for _ in range(self._early.drop(now)):
            self._notice(Notice.RESPONSE_WITHOUT_REQUEST)

    # Forgetting

    def forget(self, call: Call) -> None:
        """Let go of a call that is over."""
        self._calls.remove(call)
        for leg in call.legs:
            self.queue.forget(leg)
        self.queue.forget(call)

    def answered(self, call: Call) -> None:
        """Take note of the first answer on any hop of a call."""
        self._calls.place(call)

    def changed(self, call: Call) -> None:
        """Take note that a call holds less than it did, or more."""
        self._calls.weigh(call)

    def _notice(self, notice: Notice) -> None:
        self.notices[notice] = self.notices.get(notice, 0) + 1

    def evict(self, table: str) -> None:
        """Count something that a full table gave up."""
        self._evicted[table] = self._evicted.get(table, 0) + 1
