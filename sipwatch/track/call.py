"""One call attempt: its legs, who is nearest the caller, and its dialog until BYE.

Must not know: outcomes, peers, configuration files, or how calls are found by their messages.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Protocol

from sipwatch.track.conditions import Condition, Raised, Resolution
from sipwatch.track.leg import RETRY_WINDOW, Leg, may_be_followed
from sipwatch.track.registrar import Observer
from sipwatch.track.table import T4, TIMER_F, Input, State
from sipwatch.track.timers import HORIZON, NEVER, Timed, TimerQueue

if TYPE_CHECKING:
    from sipwatch.track.registrar import Options, Registration
    from sipwatch.wire.message import Message, Path, Request, Response

# Names of the hot path: looked up once, not at every packet.
_ACCEPTED: Final = State.ACCEPTED
_INPUT_END: Final = Input.END
_INPUT_LINGERED: Final = Input.LINGERED
_TERMINATED: Final = State.TERMINATED

_CREDENTIALS = {401: b"\nauthorization", 407: b"\nproxy-authorization"}
_UNSET = -1
MOST_BYES = 32  # BYE transactions remembered of one call
MOST_MESSAGES = 10_000  # messages kept of one call


class EndedBy(StrEnum):
    """Who ended a call."""

    CALLER = "caller"
    CALLEE = "callee"
    TIMEOUT = "timeout"
    CAPTURE_END = "capture_end"


class Judge(Protocol):
    """What tracking asks of the layers above, and tells them; texts it does not look into."""

    def leg(self, leg: Leg) -> str:
        """Return the verdict on a leg. Asked once, when nothing can change it any more."""

    def call(self, call: Call) -> str:
        """Return the verdict on a call. Asked once, when its upstream leg has one."""

    def over(self, call: Call) -> None:
        """Take a call that nothing more will happen to."""


class Watcher(Observer, Protocol):
    """Who wants to know of what happens while it happens: live metrics and logs."""

    def added(self, leg: Leg) -> None:
        """Take a new leg, already in its place in its call; the first leg of a call begins the call."""

    def raised(self, leg: Leg, raised: Raised) -> None:
        """Take a condition at the moment it is raised."""

    def resolved(self, leg: Leg, raised: Raised) -> None:
        """Take a condition at the moment it is resolved."""

    def repeated(self, message: Request | Response) -> None:
        """Take a retransmission."""

    def ended(self, call: Call) -> None:
        """Take an answered call at its first BYE, or when nobody will end it any more."""

    def disconnected(self, call: Call, delay: int) -> None:
        """Take an answered call at the first 2xx to its BYE, ``delay`` ns after the BYE."""


class Watchers:
    """Several watchers that hear the same, in the order given."""

    __slots__ = ("_all",)

    def __init__(self, *watchers: Watcher) -> None:
        self._all = watchers

    def added(self, leg: Leg) -> None:
        """Tell everybody."""
        for watcher in self._all:
            watcher.added(leg)

    def raised(self, leg: Leg, raised: Raised) -> None:
        """Tell everybody."""
        for watcher in self._all:
            watcher.raised(leg, raised)

    def resolved(self, leg: Leg, raised: Raised) -> None:
        """Tell everybody."""
        for watcher in self._all:
            watcher.resolved(leg, raised)

    def repeated(self, message: Request | Response) -> None:
        """Tell everybody."""
        for watcher in self._all:
            watcher.repeated(message)

    def ended(self, call: Call) -> None:
        """Tell everybody."""
        for watcher in self._all:
            watcher.ended(call)

    def disconnected(self, call: Call, delay: int) -> None:
        """Tell everybody."""
        for watcher in self._all:
            watcher.disconnected(call, delay)

    def asked(self, request: Request) -> None:
        """Tell everybody."""
        for watcher in self._all:
            watcher.asked(request)

    def registration(self, transaction: Registration) -> None:
        """Tell everybody."""
        for watcher in self._all:
            watcher.registration(transaction)

    def options(self, transaction: Options) -> None:
        """Tell everybody."""
        for watcher in self._all:
            watcher.options(transaction)

    def bound(self, path: Path) -> None:
        """Tell everybody."""
        for watcher in self._all:
            watcher.bound(path)

    def unbound(self, path: Path, expired: bool) -> None:
        """Tell everybody."""
        for watcher in self._all:
            watcher.unbound(path, expired)


class Owner(Protocol):
    """What a call needs of the tracker that holds it."""

    judge: Judge
    watcher: Watcher | None
    queue: TimerQueue

    def forget(self, call: Call) -> None:
        """Let go of a call that is over."""


class Bye:
    """One BYE transaction on one hop."""

    __slots__ = ("branch", "expired", "key", "leg", "responded", "started", "status_code")

    def __init__(self, request: Request, leg: Leg, now: int) -> None:
        self.branch = request.branch
        self.key = request.path.key
        self.leg = leg
        self.started = now
        self.status_code = 0
        self.responded = False
        self.expired = False


class Call(Timed):
    """Every leg with one Call-ID and one From tag that set a call up, and then its dialog.

    ``legs`` are in the order they were first seen; ``chain`` holds the upstream leg's attempts, the
    present one last. Moments are packet time in nanoseconds, -1 while not seen. ``sibling`` is
    another call with the same Call-ID. ``transferred`` says that a REFER was seen in it. ``verdict`` and
    ``notes`` are the judge's; ``ends`` is the watcher's, who keeps there between whom the call was when
    its verdict fell.
    """

    __slots__ = (
        "active_at", "answered_at", "byes", "call_id", "chain", "completed", "dialog_timeout", "ended_at",
        "ended_by", "ends", "from_tag", "legs", "messages", "notes", "over", "owner", "queue", "refreshed_at",
        "session_expires", "sibling", "started", "to_tag", "transferred", "verdict",
    )  # fmt: skip

    def __init__(self, serial: int, invite: Request, now: int, owner: Owner, dialog_timeout: int) -> None:
        self.serial = serial
        self.queued = NEVER
        self.owner = owner
        self.queue = owner.queue
        self.call_id = invite.call_id
        self.from_tag = invite.from_tag
        self.to_tag = b""
        self.started = self.active_at = now
        self.legs: list[Leg] = []
        self.chain: list[Leg] = []
        self.byes: list[Bye] | None = None
        self.messages: list[tuple[Message, bool]] | None = None
        self.notes: list[Any] | None = None
        self.transferred = False
        self.answered_at = self.refreshed_at = self.ended_at = _UNSET
        self.dialog_timeout = dialog_timeout
        self.session_expires = NEVER
        self.ended_by: EndedBy | None = None
        self.completed = False
        self.over = False
        self.verdict = ""
        self.ends: tuple[str, str] | None = None
        self.sibling: Call | None = None

    # Legs

    def add(self, leg: Leg, now: int) -> None:
        """Place a new leg: a retry of an earlier one, nearer the caller than all others, or neither."""
        before = self.followed_by(leg)
        self.legs.append(leg)
        if not self.chain:
            self.chain.append(leg)
        elif before is not None:
            upstream = self.chain[-1]
            before.follow(now)
            if before is upstream:
                self.chain.append(leg)
                self.ended_at = _UNSET
        elif nearer_caller(leg, self.chain[-1]):
            self.chain = [leg]

    def followed_by(self, leg: Leg) -> Leg | None:
        """Return the leg whose final response this new leg answers, as far as the RFCs allow a retry.

        It comes from the same element on the same hop, after a final response that asks for another
        INVITE, in time; a challenge must be answered with credentials.
        """
        for before in reversed(self.legs):
            if (
                may_be_followed(before.status_code)
                and not before.followed
                and before.via_count == leg.via_count
                and before.path.source_address == leg.path.source_address
                and leg.started - before.final_at <= RETRY_WINDOW
                and (before.status_code not in _CREDENTIALS or has_credentials(leg, before.status_code))
            ):
                return before
        return None

    def leg_ended(self, leg: Leg, now: int) -> None:
        """Note that a leg has its final response, or was given up."""
        if leg is self.chain[-1] and self.answered_at < 0:
            if leg.state is _ACCEPTED:
                self._establish(leg, now)
                return
            self.ended_at = leg.over_at
        if self.answered_at < 0 or self.ended_by is not None:
            self.queue.watch(self, now + T4)

    def settle(self, leg: Leg, now: int) -> None:
        """Let the verdict on a leg fall, and that on the call with its last upstream leg's."""
        if leg.verdict:
            return
        leg.verdict = self.owner.judge.leg(leg)
        if leg is self.chain[-1] and not leg.followed and not self.verdict:
            self.verdict = self.owner.judge.call(self)
        if leg.answered_at < 0:
            self.queue.watch(self, now + T4)

    def siblings(self) -> int:
        """Count the calls with this Call-ID, this one and those behind it."""
        count = 1
        call = self.sibling
        while call is not None:
            count += 1
            call = call.sibling
        return count

    # The dialog

    def _establish(self, leg: Leg, now: int) -> None:
        self.answered_at = self.refreshed_at = now
        if leg.final is not None:
            self.to_tag = leg.final.to_tag
        self.ended_at = _UNSET
        self.queue.watch(self, now + min(self.dialog_timeout, self.session_expires, HORIZON))

    def refresh(self, session_expires: int, now: int) -> None:
        """Take a 2xx inside the dialog that may carry a session interval (RFC 4028), NEVER if none."""
        self.refreshed_at = now
        self.session_expires = session_expires
        self.queue.watch(self, now + min(self.dialog_timeout, session_expires, HORIZON))

    def is_dialog_tag(self, tag: bytes) -> bool:
        """Tell whether a far end's tag is that of the answered dialog; a fork's other dialogs are not."""
        return not self.to_tag or tag == self.to_tag

    def bye(self, request: Request, now: int) -> bool:
        """Take a BYE on one hop; return whether it is a retransmission."""
        from_caller = request.from_tag == self.from_tag
        for bye in self.byes or ():
            if bye.branch == request.branch and bye.key == request.path.key:
                return True
        if self.answered_at < 0 or not self.is_dialog_tag(request.to_tag if from_caller else request.from_tag):
            return False
        if self.byes is None:
            self.byes = []
        if len(self.byes) < MOST_BYES:
            self.byes.append(Bye(request, self._leg_on_hop(request), now))
        if self.ended_by is None:
            self._end(EndedBy.CALLER if from_caller else EndedBy.CALLEE, now)
        return False  # the queue looks at every call at least each HORIZON, which is Timer F

    def _end(self, by: EndedBy, at: int) -> None:
        """Note the end of an answered call."""
        self.ended_by = by
        self.ended_at = at
        if self.owner.watcher is not None:
            self.owner.watcher.ended(self)

    def bye_response(self, response: Response, now: int) -> None:
        """Take a final response to a BYE."""
        for bye in self.byes or ():
            if bye.branch == response.branch and bye.key == response.path.reverse_key:
                bye.responded = True
                bye.status_code = response.status_code
                if bye.expired:
                    bye.leg.resolve(Condition.BYE_UNANSWERED, Resolution.RESPONDED, now)
                if response.status_code < 300 and not self.completed:
                    self.completed = True
                    if self.owner.watcher is not None:
                        self.owner.watcher.disconnected(self, now - self.byes[0].started if self.byes else 0)
        self.queue.watch(self, now + T4)

    def _leg_on_hop(self, request: Request) -> Leg:
        """Return the answered leg that a request inside the dialog runs along, else the upstream leg."""
        path = request.path
        ends = {path.source_address, path.destination_address}
        for leg in self.legs:
            if leg.answered_at >= 0 and {leg.path.source_address, leg.path.destination_address} == ends:
                return leg
        return self.chain[-1]

    # Deadlines

    def deadline(self) -> int:
        """Return when a BYE, the dialog or the whole call runs out, NEVER while legs still decide."""
        if self.over:
            return NEVER
        if self.byes is not None:
            due = NEVER
            for bye in self.byes:
                if not bye.responded and not bye.expired and bye.started + TIMER_F < due:
                    due = bye.started + TIMER_F
            if due < NEVER:
                return due
        if self.answered_at >= 0 and self.ended_by is None:
            return self.refreshed_at + min(self.dialog_timeout, self.session_expires)
        for leg in self.legs:
            if not leg.verdict:
                return NEVER
            if leg.state is not _TERMINATED and (leg.state is not _ACCEPTED or self.ended_by is None):
                return NEVER
        return self.active_at + T4

    def expire(self, now: int) -> None:
        """Raise ``bye_unanswered``, end a dialog that nobody ended, or declare the call over."""
        for bye in self.byes or ():
            if not bye.responded and not bye.expired and bye.started + TIMER_F <= now:
                bye.expired = True
                bye.leg.raise_condition(Condition.BYE_UNANSWERED, now)
                self.active_at = now
                return
        if self.answered_at >= 0 and self.ended_by is None:
            self.active_at = now
            self._end(EndedBy.TIMEOUT, now)
            return
        self.finish(now, _INPUT_LINGERED)

    def finish(self, now: int, how: Input) -> None:
        """Close the call: nothing more belongs to it (``LINGERED``), or nothing more will be seen (``END``)."""
        if self.over:
            return
        self.over = True
        if self.answered_at >= 0 and self.ended_by is None and how is _INPUT_END:
            self._end(EndedBy.CAPTURE_END, self.active_at)
        for leg in self.legs:
            if leg.verdict and leg.conditions is None:
                continue  # nothing left to decide or to resolve
            leg.cut_off = how is _INPUT_END and not leg.verdict and leg.settle_at > now
            leg.take(how, now)
            self.settle(leg, now)
            if how is _INPUT_LINGERED:
                leg.resolve(Condition.BYE_UNANSWERED, Resolution.EXPIRED, now)
        if not self.verdict:  # the upstream leg was followed, and its successor evicted
            self.verdict = self.owner.judge.call(self)
        if self.ended_by is None:
            self.ended_by = self._ended_unanswered()
        if self.ended_at < 0:
            self.ended_at = self.active_at
        self.owner.judge.over(self)
        self.owner.forget(self)
        # Legs and call hold each other: let go, so that reference counting alone frees them.
        self.legs = []
        self.chain = []
        self.byes = None
        self.messages = None

    def _ended_unanswered(self) -> EndedBy:
        leg = self.chain[-1]
        if leg.cancelled_at >= 0:
            return EndedBy.CALLER
        if leg.final is not None:
            return EndedBy.CALLEE
        return EndedBy.TIMEOUT if leg.given_up else EndedBy.CAPTURE_END


def nearer_caller(leg: Leg, than: Leg) -> bool:
    """Tell whether a leg is nearer the caller than another: fewest Via, then highest Max-Forwards.

    Elements that hide the topology start both anew; so where one leg plainly continues where the
    other ended, that decides.
    """
    if leg.path.source_address == than.path.destination_address != leg.path.destination_address:
        return leg.path.destination_address == than.path.source_address and leg.via_count < than.via_count
    if leg.via_count != than.via_count:
        return leg.via_count < than.via_count
    return leg.max_forwards > than.max_forwards >= 0


def has_credentials(leg: Leg, status_code: int) -> bool:
    """Tell whether a leg's INVITE carries credentials of the kind that a challenge asks for."""
    return _CREDENTIALS[status_code] in leg.invite.raw.lower()
