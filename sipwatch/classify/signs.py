"""What a call that is over shows at a glance: signs that decide which causes are looked for.

Must not know: causes, words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sipwatch.classify.causes import BLOCKING_CODES, BUSY_CODES, LOOP_CODES, MEDIA_CODES
from sipwatch.classify.endings import UNREMARKABLE
from sipwatch.classify.outcomes import Outcome
from sipwatch.packet import SECOND
from sipwatch.track.front import gives_a_reason
from sipwatch.track.table import CHALLENGES

if TYPE_CHECKING:
    from sipwatch.track.call import Call
    from sipwatch.track.dialog import Exchange

EARLY_RINGING_FROM: Final = 5 * SECOND  # "long before": a phone rings within a second or two of 183
# Signs: cheap facts, of which a call that went well shows none. Plain numbers, since they are gathered for every call.
FAILED: Final = 1  # it was not answered
CONDITION: Final = 2  # something was wrong for a while
REPEATED: Final = 4  # something was sent again
EARLY: Final = 8  # 183 long before 180
CANCELLED: Final = 16  # a CANCEL, or a 2xx behind a failing final
RELIABLE: Final = 32  # a reliable provisional response came again
STRAY: Final = 64  # a response has the CSeq of no request
TROUBLE: Final = 128  # a request inside the call was refused, or got no answer
ENDING: Final = 256  # it did not end as it should
# ... and what a call that failed was told on any hop:
IS_480: Final = 512
IS_BUSY: Final = 1024
IS_CHALLENGED: Final = 2048
IS_MEDIA: Final = 4096
IS_LOOP: Final = 8192
REASONED: Final = 16384  # a Reason header, in a final, a CANCEL or a 18x; or a code that blocks by itself
HOPS: Final = 32768  # there are several hops
EARLY_MEDIA: Final = 65536  # 183, or 580
_BY_CODE: Final[dict[int, int]] = {
    480: IS_480,
    580: EARLY_MEDIA,
    603: REASONED,
    **dict.fromkeys(BLOCKING_CODES, REASONED),
    **dict.fromkeys(BUSY_CODES, IS_BUSY),
    **dict.fromkeys(CHALLENGES, IS_CHALLENGED),
    **dict.fromkeys(MEDIA_CODES, IS_MEDIA),
    **dict.fromkeys(LOOP_CODES, IS_LOOP),
}

_ANSWERED: Final = Outcome.ANSWERED.value


def signs_of(call: Call) -> int:
    """Return the signs that a call shows, 0 for one that went well."""
    signs = 0 if call.outcome == _ANSWERED else _signs_of_failure(call)
    for leg in call.legs:
        if leg.retransmissions:
            signs |= REPEATED
        if leg.conditions is not None:
            signs |= CONDITION
        if leg.ringing_at - leg.progressed_at >= EARLY_RINGING_FROM:
            signs |= EARLY
        if leg.cancel is not None or leg.late_success is not None:
            signs |= CANCELLED
        if leg.reliables is not None:
            signs |= RELIABLE
    if call.strays is not None:
        signs |= STRAY
    return signs if call.dialogs is None else signs | _signs_inside(call, call.dialogs.exchanges)


def _signs_of_failure(call: Call) -> int:
    signs = FAILED if len(call.legs) == 1 else FAILED | HOPS
    for leg in call.legs:
        signs |= _BY_CODE.get(leg.status_code, 0)
        if leg.session_progress is not None:
            signs |= EARLY_MEDIA
        if leg.early_reason is not None or gives_a_reason(leg):
            signs |= REASONED
    return signs


def _signs_inside(call: Call, exchanges: list[Exchange]) -> int:
    signs = ENDING if call.ending and call.ending not in UNREMARKABLE else 0
    for exchange in exchanges:
        if exchange.expired or exchange.status_code >= 300:
            signs |= TROUBLE
    return signs
