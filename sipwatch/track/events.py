"""What tracking tells the layers above: small values in one list, in the order in which things happened.

Must not know: who takes them, or what anybody makes of them.

A leg or call comes with its event as it stood when the message, or the timer, that brought the event about had been
dealt with. Whoever takes events reads it and never changes how it goes on; two fields are left to the layers above
(``outcome`` of both, ``ending``, ``notes`` and ``ends`` of a call), which tracking never looks at.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from sipwatch.wire.message import Unreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from sipwatch.track.call import Call
    from sipwatch.track.conditions import Raised
    from sipwatch.track.leg import Leg
    from sipwatch.wire.message import Message, Path, Request, Response

    Takes = Mapping[type, Callable[[Any], None]]


class OfLeg:
    """Something that is to be said of a leg."""

    __slots__ = ("leg",)

    def __init__(self, leg: Leg) -> None:
        self.leg = leg


class OfCondition:
    """Something that is to be said of a condition of a leg."""

    __slots__ = ("leg", "raised")

    def __init__(self, leg: Leg, raised: Raised) -> None:
        self.leg = leg
        self.raised = raised


class OfCall:
    """Something that is to be said of a call."""

    __slots__ = ("call",)

    def __init__(self, call: Call) -> None:
        self.call = call


class LegBegun(OfLeg):
    """A new leg, already in its place in its call; the first leg of a call begins the call."""

    __slots__ = ()


class ConditionRaised(OfCondition):
    """Something is wrong with a leg, from now on."""

    __slots__ = ()


class ConditionResolved(OfCondition):
    """It is not any more: ``raised.resolution`` says how that came."""

    __slots__ = ()


class LegSettled(OfLeg):
    """Nothing can change any more what became of a leg. Told once for each."""

    __slots__ = ()


class CallSettled(OfCall):
    """The same of a call: ``call.upstream`` is the leg that decided. Told once, after that leg's own event."""

    __slots__ = ()


class CallEnded(OfCall):
    """The last dialog of an answered call has ended, by BYE or because nobody will end it any more."""

    __slots__ = ()


class CallConcluded(OfCall):
    """Nothing can change any more how an answered call ended. Told once, after ``CallEnded``."""

    __slots__ = ()


class ByeAccepted:
    """The first 2xx to the BYE of an answered call, ``delay`` ns after the BYE."""

    __slots__ = ("call", "delay")

    def __init__(self, call: Call, delay: int) -> None:
        self.call = call
        self.delay = delay


class Referred:
    """A REFER inside a call: a transfer begins (RFC 3515)."""

    __slots__ = ("call", "refer")

    def __init__(self, call: Call, refer: Request) -> None:
        self.call = call
        self.refer = refer


class CallOver(OfCall):
    """Nothing more will happen to a call. It is its taker's now, who lets go of it (``Call.release``)."""

    __slots__ = ()


class MessageTaken:
    """A message that a call took in, ``text`` as it was captured: the call knows it by this ``number``.

    Only told where messages are numbered: somebody keeps them elsewhere, as tracking does not.
    """

    __slots__ = ("message", "number", "text")

    def __init__(self, number: int, message: Message) -> None:
        self.number = number
        self.message = message
        self.text = message.raw


class RegistrationOutcome(StrEnum):
    """What became of an attempt to register."""

    REGISTERED = "registered"  # 2xx, and at least one of its Contacts is bound
    REMOVED = "removed"  # 2xx, and none of them is bound any more
    AUTH_FAILED = "auth_failed"  # challenged, and not or wrongly answered
    REFUSED = "refused"  # any other final response
    NOT_RESPONDING = "not_responding"  # no final response by Timer F
    UNFINISHED = "unfinished"  # the capture ended or the transaction was evicted before


class OptionsOutcome(StrEnum):
    """What became of an OPTIONS."""

    ANSWERED = "answered"  # 2xx
    REFUSED = "refused"  # any other final response: the far end is there
    NOT_RESPONDING = "not_responding"
    UNFINISHED = "unfinished"


class Registration:
    """The result of an attempt to register on one hop.

    ``path`` is that of its last REGISTER, ``started`` the moment of its first. ``delay`` is RFC 6076's
    RRD in nanoseconds, from the last REGISTER to its 2xx; -1 without one. ``status_code`` is 0 without
    a final response. ``contacts`` are the URIs asked for, ``expires`` the seconds granted to the one
    that runs out first, 0 if none was bound. ``tries`` counts the REGISTERs, retransmissions left out.
    ``request`` is the last of them, ``response`` the final that ended it, None without one.
    """

    __slots__ = (
        "aor",
        "call_id",
        "contacts",
        "delay",
        "expires",
        "outcome",
        "path",
        "request",
        "response",
        "started",
        "status_code",
        "tries",
    )

    def __init__(
        self,
        path: Path,
        call_id: bytes,
        aor: bytes,
        outcome: RegistrationOutcome,
        status_code: int,
        delay: int,
        expires: int,
        contacts: list[bytes],
        started: int,
        tries: int,
        request: Request,
        response: Response | None,
    ) -> None:
        self.path = path
        self.call_id = call_id
        self.aor = aor
        self.outcome = outcome
        self.status_code = status_code
        self.delay = delay
        self.expires = expires
        self.contacts = contacts
        self.started = started
        self.tries = tries
        self.request = request
        self.response = response


class Options:
    """The result of an OPTIONS on one hop; ``delay`` is from the last ``request`` to its final response, or -1."""

    __slots__ = ("call_id", "delay", "outcome", "path", "request", "started", "status_code", "tries")

    def __init__(
        self,
        path: Path,
        call_id: bytes,
        outcome: OptionsOutcome,
        status_code: int,
        delay: int,
        started: int,
        tries: int,
        request: Request,
    ) -> None:
        self.path = path
        self.call_id = call_id
        self.outcome = outcome
        self.status_code = status_code
        self.delay = delay
        self.started = started
        self.tries = tries
        self.request = request


class Asked:
    """A REGISTER or OPTIONS; ``again`` says that it is a retransmission: its sender has heard nothing yet."""

    __slots__ = ("again", "request")

    def __init__(self, request: Request, again: bool) -> None:
        self.request = request
        self.again = again


class Bound:
    """A binding became active; ``path`` is that of the REGISTER that made, or moved, it."""

    __slots__ = ("path",)

    def __init__(self, path: Path) -> None:
        self.path = path


class Unbound:
    """A binding ended: it ran out, at ``ran_out`` (ns), or was removed, moved or given up, and that is -1.

    ``aor`` is its address of record, the digest of a long one (``bindings.short``).
    """

    __slots__ = ("aor", "path", "ran_out")

    def __init__(self, path: Path, aor: bytes, ran_out: int = -1) -> None:
        self.path = path
        self.aor = aor
        self.ran_out = ran_out

    @property
    def expired(self) -> bool:
        """Tell whether it ran out."""
        return self.ran_out >= 0


class Notice(StrEnum):
    """What the tracker met out of the ordinary; counted, never an error."""

    RESPONSE_WITHOUT_REQUEST = "response_without_request"
    RESPONSE_BEFORE_REQUEST = "response_before_request"  # captured out of order, put right
    REQUEST_IN_UNKNOWN_DIALOG = "request_in_unknown_dialog"  # a call already up when the capture began
    CALL_ID_REUSED = "call_id_reused"
    UNTRACKABLE = "untrackable"  # no Call-ID or CSeq
    TIME_STEPPED_BACK = "time_stepped_back"


Event = (
    LegBegun
    | ConditionRaised
    | ConditionResolved
    | LegSettled
    | CallSettled
    | CallEnded
    | CallConcluded
    | ByeAccepted
    | Referred
    | CallOver
    | MessageTaken
    | Asked
    | Registration
    | Options
    | Bound
    | Unbound
    | Unreachable
)
EVENTS: tuple[type, ...] = (
    LegBegun, ConditionRaised, ConditionResolved, LegSettled, CallSettled, CallEnded, CallConcluded, ByeAccepted,
    Referred, CallOver, MessageTaken, Asked, Registration, Options, Bound, Unbound, Unreachable,
)  # fmt: skip


class Taker(Protocol):
    """Who wants to know of what happens."""

    def takes(self) -> Takes:
        """Say which events, and what takes them."""


def takers_of(who: Iterable[Taker]) -> dict[type, list[Callable[[Any], None]]]:
    """Return what takes each kind of event, in the order of those given."""
    takes = [one.takes() for one in who]
    return {kind: [one[kind] for one in takes if kind in one] for kind in EVENTS}


class Takers:
    """Hands events on, one after the other, to each that wants to know; to ``last`` behind all others."""

    def __init__(self, events: list[Event], who: Iterable[Taker], last: Taker) -> None:
        self._events = events
        self._who = list(who)
        self._last = last
        self._by_kind = takers_of([*self._who, last])

    def add(self, taker: Taker) -> None:
        """Let somebody else take events."""
        self._who.append(taker)
        self._by_kind = takers_of([*self._who, self._last])

    def hand_on(self) -> None:
        """Hand on what is there."""
        for event in self._events:
            for take in self._by_kind[event.__class__]:
                take(event)
        self._events.clear()
