"""How an answered call ended, from a closed list (OUTCOMES §3.1); the first that applies.

Must not know: how endings are counted, written or shown, in which words.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from sipwatch.classify.reason import Q850, SIP, Reason, reasons
from sipwatch.packet import SECOND
from sipwatch.track.dialog import EndedBy, answer_of
from sipwatch.track.table import ACK_MISSING_AT, T4, TIMER_F
from sipwatch.track.timers import NEVER

if TYPE_CHECKING:
    from sipwatch.track.call import Call
    from sipwatch.track.dialog import Dialog, Exchange


_CALLER, _CALLEE, _TIMEOUT, _NOBODY = EndedBy.CALLER, EndedBy.CALLEE, EndedBy.TIMEOUT, EndedBy.CAPTURE_END


class Ending(StrEnum):
    """How an answered call ended; every one ends in exactly one way."""

    NORMAL = "normal"
    ACK_TIMEOUT = "ack_timeout"
    SESSION_EXPIRED = "session_expired"
    MIDCALL_FAILURE = "midcall_failure"
    BYE_REFUSED = "bye_refused"
    BYE_UNANSWERED = "bye_unanswered"
    ERROR_REASON = "error_reason"
    EVICTED = "evicted"
    NO_BYE = "no_bye"
    CAPTURE_END = "capture_end"

    @property
    def plain_name(self) -> str:
        """What people call it."""
        return ROWS[self].plain_name


class EndingRow(NamedTuple):
    """What the program knows of an ending: who can end a call so, and whether a report of odd endings has it."""

    plain_name: str
    by: tuple[EndedBy, ...]
    is_odd: bool = True  # else it says nothing against anybody


ROWS: Final[dict[Ending, EndingRow]] = {
    Ending.NORMAL: EndingRow("Hung up normally", (_CALLER, _CALLEE), is_odd=False),
    Ending.ACK_TIMEOUT: EndingRow("Dropped: answer never acknowledged", (_CALLEE, _TIMEOUT)),
    Ending.SESSION_EXPIRED: EndingRow("Dropped: session timer ran out", (_CALLER, _CALLEE, _TIMEOUT)),
    Ending.MIDCALL_FAILURE: EndingRow("Dropped: change during the call refused", (_CALLER, _CALLEE)),
    Ending.BYE_REFUSED: EndingRow("Hang-up refused", (_CALLER, _CALLEE)),
    Ending.BYE_UNANSWERED: EndingRow("Hang-up unanswered", (_CALLER, _CALLEE)),
    Ending.ERROR_REASON: EndingRow("Dropped with an error", (_CALLER, _CALLEE)),
    Ending.EVICTED: EndingRow("Lost from sight", (_NOBODY,), is_odd=False),
    Ending.NO_BYE: EndingRow("Nobody hung up", (_TIMEOUT,)),
    Ending.CAPTURE_END: EndingRow("Still up", (_NOBODY,), is_odd=False),
}
UNREMARKABLE: Final = frozenset(ending.value for ending in Ending if not ROWS[ending].is_odd)
# Which endings can go with whom: a series for each exists from the beginning.
ENDINGS_BY: Final[dict[EndedBy, tuple[Ending, ...]]] = {
    by: tuple(ending for ending in Ending if by in ROWS[ending].by) for by in EndedBy
}
NORMAL_CAUSES: Final = {Q850: frozenset({0, 16, 31}), SIP: frozenset(range(200, 300))}
AT_ONCE: Final = SECOND  # a BYE so soon after a refusal is because of it
_LAST_PART: Final = (
    32 * SECOND
)  # RFC 4028 §10: who waits for a refresh hangs up so long before the end, or a third of it
_MIDCALL: Final = frozenset({"INVITE", "UPDATE", "PRACK"})
_GLARE: Final = 491  # RFC 3261 §14.1: both sides at once; tried again
_BUSY_NOW: Final = 500  # with Retry-After: another offer is under way (RFC 3261 §14.2, RFC 3311 §5.2)


def ending_of(call: Call) -> Ending:
    """Return how an answered call ended."""
    dialogs = call.dialogs
    kept = None if dialogs is None else dialogs.kept
    if dialogs is None or kept is None:
        return Ending.CAPTURE_END
    if _is_plain(kept, dialogs.exchanges):
        return Ending.NORMAL
    byes = dialogs.byes()
    if is_ack_timeout(call, kept):
        return Ending.ACK_TIMEOUT
    if is_session_expired(call, kept, byes):
        return Ending.SESSION_EXPIRED
    if byes and failed_before(call, byes[0]) is not None:
        return Ending.MIDCALL_FAILURE
    return _by_bye(byes) if byes else _without_bye(call)


def _is_plain(kept: Dialog, exchanges: list[Exchange]) -> bool:
    """Tell at a glance that nothing odd can have been: one request inside, a BYE without a reason, and its 2xx.

    Nearly every call ends so, and the glance says the same as the closer look would.
    """
    if len(exchanges) != 1 or kept.leg.retransmissions or kept.interval < NEVER:
        return False
    bye = exchanges[0]
    return bye.method == "BYE" and 200 <= bye.status_code < 300 and b"reason" not in bye.request.names


def _by_bye(byes: list[Exchange]) -> Ending:
    accepted = any([bye.final is not None and bye.status_code < 300 for bye in byes])  # noqa: C419 - quicker
    crossed = len({bye.from_caller for bye in byes}) > 1
    if not accepted:
        if any([is_refusal_of_bye(bye, crossed=crossed) for bye in byes]):  # noqa: C419 - quicker
            return Ending.BYE_REFUSED
        if all([bye.expired or bye.status_code == 408 for bye in byes]):  # noqa: C419 - quicker
            return Ending.BYE_UNANSWERED
    reason = said_at_the_end(byes)
    return Ending.ERROR_REASON if reason is not None and not is_normal(reason) else Ending.NORMAL


def is_refusal_of_bye(bye: Exchange, *, crossed: bool) -> bool:
    """Tell whether a BYE was refused; 481 is natural where both sides hung up at once, 408 is no answer."""
    return bye.status_code >= 300 and bye.status_code != 408 and not (crossed and bye.status_code == 481)


def _without_bye(call: Call) -> Ending:
    if call.ended_by is EndedBy.TIMEOUT:
        return Ending.NO_BYE
    return Ending.EVICTED if call.evicted else Ending.CAPTURE_END


def is_ack_timeout(call: Call, kept: Dialog) -> bool:
    """Tell whether the callee, which had gone on repeating its 2xx, gave up 64*T1 after it (RFC 3261 §13.3.1.4)."""
    if call.ended_by is not EndedBy.CALLEE and call.ended_by is not EndedBy.TIMEOUT:
        return False
    for leg in kept.legs:
        answer = answer_of(leg, kept.tag)
        if answer is None or answer.count < ACK_MISSING_AT:
            continue
        after = call.ended_at - answer.at
        if TIMER_F - T4 <= after <= TIMER_F + 2 * T4 and call.ended_at - answer.last_at <= 3 * T4:
            return True
    return False


def is_session_expired(call: Call, kept: Dialog, byes: list[Exchange]) -> bool:
    """Tell whether the session interval ran out, or somebody hung up because nobody had refreshed it (RFC 4028 §10)."""
    end = kept.refreshed_at + kept.interval
    if not byes:
        return call.ended_by is EndedBy.TIMEOUT and kept.confirmed and call.ended_at >= end
    bye = byes[0]
    if not end - min(_LAST_PART, kept.interval // 3) <= bye.started <= end + T4:
        return False
    by_whom_waited = kept.refresher_is_caller is not None and kept.refresher_is_caller is not bye.from_caller
    reason = said_at_the_end(byes)
    return by_whom_waited or (reason is not None and reason.protocol == SIP and reason.cause == 408)


def failed_before(call: Call, bye: Exchange) -> Exchange | None:
    """Return the re-INVITE, UPDATE or PRACK because of which somebody hung up at once: refused, or never answered."""
    for exchange in () if call.dialogs is None else reversed(call.dialogs.exchanges):
        if exchange.method in _MIDCALL and exchange.tag == bye.tag:
            failed_at = exchange.final_at if is_refused(exchange) else -1
            if exchange.expired:
                failed_at = exchange.started + TIMER_F
            if failed_at >= 0 and 0 <= bye.started - failed_at <= AT_ONCE:
                return exchange
    return None


def is_refused(exchange: Exchange) -> bool:
    """Tell whether a request inside a dialog was refused for good: not for glare, nor for a moment."""
    if exchange.final is None or exchange.status_code < 300 or exchange.status_code == _GLARE:
        return False
    return exchange.status_code != _BUSY_NOW or b"retry-after" not in exchange.final.names


def said_at_the_end(byes: list[Exchange]) -> Reason | None:
    """Return what the first BYE gives as its reason: the value that tells most, None without any."""
    found = reasons(byes[0].request) if byes else []
    for reason in found:
        if not is_normal(reason):
            return reason
    return found[0] if found else None


def is_normal(reason: Reason) -> bool:
    """Tell whether a reason says no more than that somebody hung up; what is of no known protocol says nothing."""
    normal = NORMAL_CAUSES.get(reason.protocol)
    return normal is None or reason.cause is None or reason.cause in normal


def end_reason(call: Call) -> Reason | None:
    """Return the Reason of the BYE that ended a call."""
    if call.dialogs is None or call.answered_at < 0:
        return None
    if not any([b"reason" in exchange.request.names for exchange in call.dialogs.exchanges]):  # noqa: C419 - quicker
        return None
    return said_at_the_end(call.dialogs.byes())
