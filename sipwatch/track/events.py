"""What tracking tells the layers above: small values in one list, in the order in which things happened.

Must not know: who takes them, or what anybody makes of them.

A leg or call comes with its event as it stood when the message, or the timer, that brought the event about had been
dealt with. Whoever takes events reads it and never changes how it goes on; two fields are left to the layers above
(``outcome`` of both, ``ending``, ``notes`` and ``ends`` of a call), which tracking never looks at.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from sipwatch.wire.message import Unreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from sipwatch.track.call import Call
    from sipwatch.track.conditions import Raised
    from sipwatch.track.leg import Leg
    from sipwatch.wire.message import Path, Request, Response

    Takes = Mapping[type, Callable[[Any], None]]


class LegBegun(NamedTuple):
    """A new leg, already in its place in its call; the first leg of a call begins the call."""

    leg: Leg


class ConditionRaised(NamedTuple):
    """Something is wrong with a leg, from now on."""

    leg: Leg
    raised: Raised


class ConditionResolved(NamedTuple):
    """It is not any more: ``raised.resolution`` says how that came."""

    leg: Leg
    raised: Raised


class LegSettled(NamedTuple):
    """Nothing can change any more what became of a leg. Told once for each."""

    leg: Leg


class CallSettled(NamedTuple):
    """The same of a call: ``call.upstream`` is the leg that decided. Told once, after that leg's own event."""

    call: Call


class CallEnded(NamedTuple):
    """The last dialog of an answered call has ended, by BYE or because nobody will end it any more."""

    call: Call


class CallConcluded(NamedTuple):
    """Nothing can change any more how an answered call ended. Told once, after ``CallEnded``."""

    call: Call


class ByeAccepted(NamedTuple):
    """The first 2xx to the BYE of an answered call, ``delay`` ns after the BYE."""

    call: Call
    delay: int


class Referred(NamedTuple):
    """A REFER inside a call: a transfer begins (RFC 3515)."""

    call: Call
    refer: Request


class CallOver(NamedTuple):
    """Nothing more will happen to a call. It is its taker's now, who lets go of it (``Call.release``)."""

    call: Call


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


class Registration(NamedTuple):
    """The result of an attempt to register on one hop.

    ``path`` is that of its last REGISTER, ``started`` the moment of its first. ``delay`` is RFC 6076's
    RRD in nanoseconds, from the last REGISTER to its 2xx; -1 without one. ``status_code`` is 0 without
    a final response. ``contacts`` are the URIs asked for, ``expires`` the seconds granted to the one
    that runs out first, 0 if none was bound. ``tries`` counts the REGISTERs, retransmissions left out.
    ``request`` is the last of them, ``response`` the final that ended it, None without one.
    """

    path: Path
    call_id: bytes
    aor: bytes
    outcome: RegistrationOutcome
    status_code: int
    delay: int
    expires: int
    contacts: list[bytes]
    started: int
    tries: int
    request: Request
    response: Response | None


class Options(NamedTuple):
    """The result of an OPTIONS on one hop; ``delay`` is from the last ``request`` to its final response, or -1."""

    path: Path
    call_id: bytes
    outcome: OptionsOutcome
    status_code: int
    delay: int
    started: int
    tries: int
    request: Request


class Asked(NamedTuple):
    """A REGISTER or OPTIONS; ``again`` says that it is a retransmission: its sender has heard nothing yet."""

    request: Request
    again: bool


class Bound(NamedTuple):
    """A binding became active; ``path`` is that of the REGISTER that made, or moved, it."""

    path: Path


class Unbound(NamedTuple):
    """A binding ended: it ran out (``expired``), or was removed, moved or given up."""

    path: Path
    expired: bool


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
    | Asked
    | Registration
    | Options
    | Bound
    | Unbound
    | Unreachable
)
EVENTS: tuple[type, ...] = (
    LegBegun, ConditionRaised, ConditionResolved, LegSettled, CallSettled, CallEnded, CallConcluded, ByeAccepted,
    Referred, CallOver, Asked, Registration, Options, Bound, Unbound, Unreachable,
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
