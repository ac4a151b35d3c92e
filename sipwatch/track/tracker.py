"""Messages to calls: finds the leg or call that a message belongs to, and creates and forgets them.

Must not know: outcomes, peers, files, clocks. What it cannot place is a named, counted notice.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from sipwatch.track.call import MOST_MESSAGES, Call, Judge, Watcher
from sipwatch.track.leg import Leg, may_be_followed
from sipwatch.track.registrar import Registrar
from sipwatch.track.table import SECOND, T1, Input, State
from sipwatch.track.timers import NEVER, TimerQueue, Timers
from sipwatch.wire.message import Request, Response
from sipwatch.wire.sip import header

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sipwatch.wire.message import Message, Path

# Names of the hot path: looked up once, not at every packet.
_ACCEPTED: Final = State.ACCEPTED
_CANCELLING: Final = State.CANCELLING
_INPUT_END: Final = Input.END
_INPUT_LINGERED: Final = Input.LINGERED

_SESSION_EXPIRES = frozenset({b"session-expires", b"x"})
REORDERED_WITHIN = T1  # a response seen before its request is kept this long: no sender repeats sooner


class Notice(StrEnum):
    """What the tracker met out of the ordinary; counted, never an error."""

    RESPONSE_WITHOUT_REQUEST = "response_without_request"
    RESPONSE_BEFORE_REQUEST = "response_before_request"  # captured out of order, put right
    REQUEST_IN_UNKNOWN_DIALOG = "request_in_unknown_dialog"  # a call already up when the capture began
    CALL_ID_REUSED = "call_id_reused"
    UNTRACKABLE = "untrackable"  # no Call-ID or CSeq
    TIME_STEPPED_BACK = "time_stepped_back"


class Limits:
    """How much is remembered at the most; what is given up is counted by table."""

    __slots__ = ("calls", "early", "legs", "siblings")

    def __init__(self, *, calls: int = 100_000, legs: int = 256, early: int = 1024, siblings: int = 32) -> None:
        self.calls = calls  # some 300 MB at worst
        self.legs = legs  # of one call: the largest ring-all groups have some 100 members
        self.siblings = siblings  # calls with one Call-ID and different From tags
        self.early = early  # responses that wait for their request


class Tracker:
    """Follow every INVITE. Feed it messages in packet order, and ``finish`` it once.

    ``timers_for`` gives the timers that apply between the two ends of a path. ``watcher`` hears of
    what happens at the moment it happens; without one, REGISTER and OPTIONS are not followed.
    ``notices`` and ``evicted`` are plain counts by name.
    """

    def __init__(
        self,
        judge: Judge,
        timers_for: Callable[[Path], Timers],
        *,
        watcher: Watcher | None = None,
        limits: Limits | None = None,
        keep_messages: bool = False,
    ) -> None:
        self.now = 0
        self.notices: dict[Notice, int] = {}
        self._evicted: dict[str, int] = {}
        self.queue = TimerQueue()
        self.judge = judge
        self.watcher = watcher
        self.timers_for = timers_for
        self._limits = limits or Limits()
        self._keep = keep_messages
        self._calls: dict[bytes, Call] = {}
        self._count = 0
        self._serial = 0
        self._requests: dict[str, Callable[[Request, int], None]] = {
            "INVITE": self._invite,
            "ACK": self._ack,
            "BYE": self._bye,
            "CANCEL": self._cancel,
            "REFER": self._refer,
        }
        self._responses: dict[str, Callable[[Response, int], None]] = {
            "INVITE": self._invite_response,
            "BYE": self._bye_response,
            "UPDATE": self._update_response,
        }
        self.registrar: Registrar | None = None
        if watcher is not None:
            self.registrar = Registrar(watcher, self.queue, self._next_serial)
            self._requests.update({"REGISTER": self._asking, "OPTIONS": self._asking})
            self._responses.update({"REGISTER": self._asked, "OPTIONS": self._asked})
        self._early: dict[bytes, list[tuple[int, Message]]] = {}
        self._early_count = 0

    def advance(self, now: int) -> None:
        """Let time pass without a message: an idle tick. Never goes back."""
        if now > self.now:
            self.now = now
            if now >= self.queue.next:
                self.queue.advance(now)

    def message(self, message: Request | Response) -> None:
        """Take one message: time first, then what is due, then the message itself."""
        time = message.time
        if time > self.now:
            self.now = time
            if time >= self.queue.next:
                self.queue.advance(time)
        elif time < self.now:
            self._notice(Notice.TIME_STEPPED_BACK)
        if not message.call_id or message.cseq_number < 0:
            self._notice(Notice.UNTRACKABLE)
            return
        # A request's method is its own, a response's that of its CSeq.
        if message.__class__ is Response:
            respond = self._responses.get(message.cseq_method)
            if respond is not None:
                respond(message, self.now)
            elif self._keep:
                self._other(message, self.now)
        elif message.__class__ is Request:
            request = self._requests.get(message.method)
            if request is not None:
                request(message, self.now)
            elif self._keep:
                self._other(message, self.now)

    def finish(self) -> None:
        """Close every call that is still open: the capture is over."""
        for call in list(self.calls()):
            call.finish(self.now, _INPUT_END)
        self._calls.clear()
        self._count = 0
        self._drop_early(NEVER)
        if self.registrar is not None:
            self.registrar.finish(self.now)

    def calls(self) -> Iterator[Call]:
        """Give every call that is tracked right now."""
        for first in self._calls.values():
            call: Call | None = first
            while call is not None:
                yield call
                call = call.sibling

    @property
    def tracked(self) -> dict[str, int]:
        """Count the entries of each table right now."""
        tracked = {"calls": self._count, "early": self._early_count, "timers": len(self.queue)}
        return tracked if self.registrar is None else {**tracked, **self.registrar.tracked}

    @property
    def evicted(self) -> dict[str, int]:
        """Count what each table had to give up; tables that gave up nothing are left out."""
        evicted = dict(self._evicted)
        if self.registrar is not None:
            for table, count in self.registrar.evicted.items():
                evicted[table] = evicted.get(table, 0) + count
        return evicted

    # Which message is whose

    def _find(self, message: Message) -> Call | None:
        """Return the call whose caller's tag stands at either end of the message."""
        call = self._calls.get(message.call_id)
        while call is not None:
            tag = call.from_tag
            if tag in (message.from_tag, message.to_tag):
                return call
            call = call.sibling
        return None

    def _invite(self, request: Request, now: int) -> None:
        call = self._find(request)
        if call is not None:
            leg = _leg_of(call, request, request.path.key)
            if leg is not None:
                call.active_at = now
                leg.repeat(now)
                self._repeated(request)
                self._keep_message(call, request, True)
                return
        if request.to_tag:
            if call is None:
                self._notice(Notice.REQUEST_IN_UNKNOWN_DIALOG)
            else:
                call.active_at = now
                self._keep_message(call, request, False)
            return
        if call is not None and _starts_anew(call, request, now):
            self._notice(Notice.CALL_ID_REUSED)
            call.finish(now, _INPUT_LINGERED if call.answered_at < 0 or call.ended_by is not None else _INPUT_END)
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
            self._evict("legs")
            return
        leg = Leg(self._next_serial(), call, request, now, timers)
        call.active_at = now
        call.add(leg, now)
        if self.watcher is not None:
            self.watcher.added(leg)
        self._keep_message(call, request, False)
        self.queue.watch(leg, now + timers.shortest)
        if self._early_count:
            self._drop_early(now)
            self._reunite(call, now)

    def _new_call(self, request: Request, now: int, timers: Timers) -> Call:
        sibling = self._calls.get(request.call_id)
        if self._count >= self._limits.calls:
            self._give_up(next(iter(self._calls.values())), now)
        elif sibling is not None and sibling.siblings() >= self._limits.siblings:
            self._give_up(sibling, now)
        call = Call(self._next_serial(), request, now, self, timers.dialog_timeout)
        call.sibling = self._calls.get(request.call_id)
        self._calls[request.call_id] = call
        self._count += 1
        return call

    def _give_up(self, call: Call, now: int) -> None:
        self._evict("calls")
        call.finish(now, _INPUT_END)

    def _invite_response(self, response: Response, now: int) -> None:
        call = self._find(response)
        if call is None:
            self._too_early(response, now)
            return
        leg = _leg_of(call, response, response.path.reverse_key) or _leg_behind_nat(call, response)
        if leg is None:
            if call.answered_at < 0:
                self._too_early(response, now)
                return
            self._inside_dialog(call, response, now)
            return
        call.active_at = now
        repeated = leg.respond(response, now)
        if leg.state is _ACCEPTED and not repeated and leg is call.chain[-1]:
            interval = session_interval(response)
            if interval < NEVER:
                call.refresh(interval, now)
        if repeated:
            self._repeated(response)
        self._keep_message(call, response, repeated)

    def _ack(self, request: Request, now: int) -> None:
        call = self._find(request)
        if call is None:
            self._notice(Notice.REQUEST_IN_UNKNOWN_DIALOG)
            return
        call.active_at = now
        leg = _leg_of(call, request, request.path.key)
        if leg is not None:
            leg.acknowledge(now)
        else:
            _acknowledge_final(call, request, now)
        self._keep_message(call, request, False)

    def _cancel(self, request: Request, now: int) -> None:
        call = self._find(request)
        leg = None if call is None else _leg_of(call, request, request.path.key)
        if call is None or leg is None:
            self._notice(Notice.REQUEST_IN_UNKNOWN_DIALOG)
            return
        call.active_at = now
        again = leg.cancelled_at >= 0
        leg.cancelling(request, now)
        if again:
            self._repeated(request)
        self._keep_message(call, request, again)

    def _bye(self, request: Request, now: int) -> None:
        call = self._find(request)
        if call is None:
            self._notice(Notice.REQUEST_IN_UNKNOWN_DIALOG)
            return
        call.active_at = now
        again = call.bye(request, now)
        if again:
            self._repeated(request)
        self._keep_message(call, request, again)

    def _bye_response(self, response: Response, now: int) -> None:
        call = self._find(response)
        if call is None:
            return
        call.active_at = now
        if response.status_code >= 200:
            call.bye_response(response, now)
        self._keep_message(call, response, False)

    def _update_response(self, response: Response, now: int) -> None:
        call = self._find(response)
        if call is not None:
            self._inside_dialog(call, response, now)

    def _inside_dialog(self, call: Call, response: Response, now: int) -> None:
        """Take a response to a re-INVITE or UPDATE: a 2xx refreshes the session (RFC 4028 §10)."""
        call.active_at = now
        if 200 <= response.status_code < 300 and call.answered_at >= 0 and call.ended_by is None:
            call.refresh(session_interval(response), now)
        self._keep_message(call, response, False)

    def _refer(self, request: Request, now: int) -> None:
        """Note that a call is transferred (RFC 3515); what becomes of it there is another call."""
        call = self._find(request)
        if call is not None:
            call.active_at = now
            call.transferred = True
            self._keep_message(call, request, False)

    def _asking(self, request: Request, now: int) -> None:
        """Take a REGISTER or OPTIONS."""
        if self.registrar is not None and self.registrar.request(request, now):
            self._repeated(request)
        if self._keep:
            self._other(request, now)

    def _asked(self, response: Response, now: int) -> None:
        """Take a response to one."""
        if self.registrar is not None and self.registrar.response(response, now):
            self._repeated(response)
        if self._keep:
            self._other(response, now)

    def _other(self, message: Message, now: int) -> None:
        """Keep any other message of a known call, for the ladder."""
        call = self._find(message)
        if call is not None:
            call.active_at = now
            self._keep_message(call, message, False)

    def _repeated(self, message: Request | Response) -> None:
        if self.watcher is not None:
            self.watcher.repeated(message)

    def _keep_message(self, call: Call, message: Message, repeated: bool) -> None:
        if self._keep:
            if call.messages is None:
                call.messages = []
            if len(call.messages) < MOST_MESSAGES:
                call.messages.append((message, repeated))
            else:
                self._evict("messages")

    # Responses captured before their request

    def _too_early(self, response: Response, now: int) -> None:
        self._drop_early(now)
        if self._early_count >= self._limits.early:
            self._evict("early")
            self._notice(Notice.RESPONSE_WITHOUT_REQUEST)
            return
        self._early.setdefault(response.call_id, []).append((now, response))
        self._early_count += 1

    def _reunite(self, call: Call, now: int) -> None:
        """Take the responses that were waiting for this call's new leg, as of now."""
        waiting = self._early.pop(call.call_id, None)
        if waiting is None:
            return
        self._early_count -= len(waiting)
        for _, message in waiting:
            if isinstance(message, Response):
                leg = _leg_of(call, message, message.path.reverse_key)
                if leg is None:
                    self._early.setdefault(call.call_id, []).append((now, message))
                    self._early_count += 1
                    continue
                self._notice(Notice.RESPONSE_BEFORE_REQUEST)
                leg.respond(message, now)
                self._keep_message(call, message, False)

    def _drop_early(self, now: int) -> None:
        """Give up responses whose request did not come in time."""
        while self._early:
            call_id, waiting = next(iter(self._early.items()))
            if now - waiting[0][0] <= REORDERED_WITHIN:
                return
            del self._early[call_id]
            self._early_count -= len(waiting)
            for _ in waiting:
                self._notice(Notice.RESPONSE_WITHOUT_REQUEST)

    # Forgetting

    def forget(self, call: Call) -> None:
        """Let go of a call that is over."""
        first = self._calls.get(call.call_id)
        if first is call:
            if call.sibling is None:
                del self._calls[call.call_id]
            else:
                self._calls[call.call_id] = call.sibling
            self._count -= 1
            return
        while first is not None:
            if first.sibling is call:
                first.sibling = call.sibling
                self._count -= 1
                return
            first = first.sibling

    def _notice(self, notice: Notice) -> None:
        self.notices[notice] = self.notices.get(notice, 0) + 1

    def _evict(self, table: str) -> None:
        self._evicted[table] = self._evicted.get(table, 0) + 1


def _leg_of(call: Call, message: Message, key: bytes) -> Leg | None:
    """Return the leg of this very transaction on this very hop; ``key`` is the INVITE's direction.

    The CSeq number stands beside the branch for stacks that use a branch twice, and for RFC 2543
    branches, which are not unique (RFC 3261 §17.2.3).
    """
    for leg in reversed(call.legs):
        if leg.branch == message.branch and leg.cseq_number == message.cseq_number and leg.path.key == key:
            return leg
    return None


def _leg_behind_nat(call: Call, response: Response) -> Leg | None:
    """Return the leg whose sender this response goes to, though it comes from elsewhere.

    Servers with several addresses answer from another one; a port may change with NAT or a new
    TCP connection (RFC 3261 §18.2.2). A response that lost its Via on the way has only its ends left.
    """
    path = response.path
    by_address: Leg | None = None
    for leg in reversed(call.legs):
        if leg.cseq_number != response.cseq_number:
            continue
        if not response.branch and leg.path.key == path.reverse_key:
            return leg
        if leg.branch == response.branch:
            if leg.path.source == path.destination:
                return leg
            if leg.path.source_address == path.destination_address:
                by_address = leg
    return by_address


def _acknowledge_final(call: Call, request: Request, now: int) -> None:
    """Take an ACK with a branch of its own: that of a 2xx (RFC 3261 §13.2.2.4).

    It acknowledges on the hop where it is seen. When it runs along no hop of the INVITE (no
    Record-Route), it goes from end to end and acknowledges everywhere.
    """
    answered = [leg for leg in call.legs if leg.final is not None and leg.cseq_number == request.cseq_number]
    same_hop = [leg for leg in answered if leg.path.key == request.path.key]
    for leg in same_hop or answered:
        leg.acknowledge(now)


def _starts_anew(call: Call, request: Request, now: int) -> bool:
    """Tell whether an INVITE without To tag begins another attempt under a Call-ID already used.

    Not while the attempt is open (another hop, another fork), not with the same CSeq number (a hop
    captured late), and not when it follows up on a final response.
    """
    upstream = call.chain[-1]
    if upstream.state <= _CANCELLING or request.cseq_number == upstream.cseq_number:
        return False
    if not may_be_followed(upstream.status_code):
        return True
    probe = Leg(0, call, request, now, upstream.timers)
    return call.followed_by(probe) is None


def session_interval(response: Response) -> int:
    """Return the session interval of a 2xx in nanoseconds (RFC 4028 §4), NEVER when it has none."""
    if _SESSION_EXPIRES.isdisjoint(response.names):
        return NEVER
    seconds = header(response.raw, b"session-expires", b"x").partition(b";")[0].strip()
    return int(seconds) * SECOND if seconds.isdigit() and len(seconds) <= 9 and int(seconds) else NEVER
