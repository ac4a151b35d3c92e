"""What status codes, causes and texts mean by themselves: the tables of OUTCOMES §2, rules 3 and 4, and of RFC 3398.

Must not know: legs, calls, peers; who said something, when, and whether it was believed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from sipwatch.classify.outcomes import Outcome
from sipwatch.classify.reason import Q850, SIP
from sipwatch.track.table import CHALLENGES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sipwatch.classify.reason import Reason

_O = Outcome

# ITU-T Q.850 (10/2018) table 1: the cause values that there are.
Q850_CAUSES: Final = frozenset(
    {
        *(1, 2, 3, 4, 5, 6, 7, 8, 9, 14, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31),
        *(34, 38, 39, 40, 41, 42, 43, 44, 46, 47, 49, 50, 53, 55, 57, 58, 62, 63, 65, 66, 69, 70, 79),
        *(81, 82, 83, 84, 85, 86, 87, 88, 90, 91, 95, 96, 97, 98, 99, 100, 101, 102, 103, 110, 111, 127),
    }
)

# Status codes that say one thing, wherever somebody asks for it.
PROGRESS_CODES: Final = frozenset({180, 181, 182, 183, 199})  # of RFC 3261 and RFC 6228: the call is on its way
BUSY_CODES: Final = frozenset({486, 600})
LOOP_CODES: Final = frozenset({482, 483})
MEDIA_CODES: Final = frozenset({415, 488, 606})
BLOCKING_CODES: Final = frozenset({607, 608})  # RFC 8197, RFC 8688
# RFC 6076 §4.7 and §4.9: the session was set up as far as the network goes, or failed on the way.
EFFECTIVE_CODES: Final = frozenset({480, 486, 600, 603})
INEFFECTIVE_CODES: Final = frozenset({408, 500, 503, 504})


def _each(*groups: tuple[Outcome, Iterable[int]]) -> dict[int, Outcome]:
    return {number: outcome for outcome, numbers in groups for number in numbers}


# Rule 3: ITU-T Q.850 cause values. What is not here decides nothing: 0, 16 ("normal clearing") and 127
# ("interworking") say only that a call has ended, or that somebody else knew why.
BY_CAUSE: Final = _each(
    (_O.BUSY, (17,)),
    (_O.NOT_RESPONDING, (18,)),
    (_O.NO_ANSWER, (19,)),
    (_O.UNAVAILABLE, (20, 27)),
    (_O.DECLINED, (21,)),
    (_O.ANSWERED_ELSEWHERE, (26,)),
    (_O.REDIRECTED, (31,)),
    (_O.NOT_FOUND, (1, 2, 3, 22, 28)),
    (_O.CONGESTED, (34, 42, 44, 47)),
    (_O.SERVER_ERROR, (38, 41)),
    (_O.FORBIDDEN, (50, 55, 57, 87)),
    (_O.REJECTED, (58, 65, 79, 88)),
    (_O.GATEWAY_TIMEOUT, (102,)),
)

# Rule 4: status codes that mean the same wherever they come from.
BY_STATUS: Final = _each(
    (_O.AUTH_FAILED, CHALLENGES),
    (_O.FORBIDDEN, (403,)),
    (_O.NOT_FOUND, (404, 410, 484, 485, 604)),
    (_O.BLOCKED, (433, *BLOCKING_CODES)),
    (_O.BUSY, BUSY_CODES),
    (_O.SERVER_ERROR, (482, 483, 500, 501, 502, 503, 505, 513)),
    (_O.GATEWAY_TIMEOUT, (504,)),
    (_O.REJECTED, (580, 606)),
)
# ... and that mean one thing when the callee was alerted, another when not.
BY_STATUS_AND_ALERT: Final = {
    408: (_O.NO_ANSWER, _O.NOT_RESPONDING),
    480: (_O.NO_ANSWER, _O.UNAVAILABLE),
}
_BY_CLASS: Final = {3: _O.REDIRECTED, 4: _O.REJECTED, 5: _O.SERVER_ERROR, 6: _O.DECLINED}

# A sender of these has reached the callee, or decided about the call: it did not fail for want of a resource, of a
# network, or of interworking. Gateways attach such a cause by habit.
_CERTAIN: Final = BUSY_CODES | BLOCKING_CODES
_NOT_THE_CALLEE: Final = frozenset({34, 38, 41, 42, 44, 47, 58, 65, 79, 88, 102})

_NUMBER_CHANGED: Final = 22
_MEDIA_WORDS: Final = frozenset({"codec", "codecs", "media", "rtp", "sdp", "srtp"})
# Where a word begins in texts that are names from somebody's code: MediaOfferError, MEDIA_OFFER_ERROR, "no codec".
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_MAX_TEXT: Final = 200  # characters of a text that are read, as many as for a rule's pattern

# ATIS-1000099: a 603 that says a network's analytics, and not the callee, has refused the call ("603+").
_BLOCKED_PHRASE: Final = b"network blocked"
_BLOCKED_TEXT: Final = "v=analytics"

# RFC 3398 §7.2.4.1: the response by which a gateway passes a cause on. 22 is 301 where the new number comes with it;
# 21 is 603 where it comes from the user.
_STATUS_OF_CAUSE: Final = {
    1: (404,), 2: (404,), 3: (404,), 17: (486,), 18: (408,), 19: (480,), 20: (480,), 21: (403, 603), 22: (410, 301),
    23: (410,), 26: (404,), 27: (502,), 28: (484,), 29: (501,), 31: (480,), 34: (503,), 38: (503,), 41: (503,),
    42: (503,), 47: (503,), 55: (403,), 57: (403,), 58: (503,), 65: (488,), 70: (488,), 79: (501,), 87: (403,),
    88: (503,), 102: (504,), 111: (500,), 127: (500,),
}  # fmt: skip
_STATUS_OF_OTHERS: Final = 500  # same table, last line: "the response for any other cause"
# RFC 3398 §8.2.6.1: the other way round. 487 has no cause, 488 and 606 are left to their Warning.
_CAUSE_OF_STATUS: Final = {
    400: 41, 401: 21, 402: 21, 403: 21, 404: 1, 405: 63, 406: 79, 407: 21, 408: 102, 410: 22, 413: 127, 414: 127,
    415: 79, 416: 127, 420: 127, 421: 127, 423: 127, 480: 18, 481: 41, 482: 25, 483: 25, 484: 28, 485: 1, 486: 17,
    500: 41, 501: 79, 502: 38, 503: 41, 504: 102, 505: 127, 513: 127, 600: 17, 603: 21, 604: 1,
    607: 21, 608: 21,  # younger than RFC 3398: a call rejected, as for 603
}  # fmt: skip


def status_outcome(code: int, alerted: bool, trunk: bool) -> Outcome:
    """Return what a final response of 300 or more says by itself (rule 4)."""
    if code == 603:
        return _O.CONGESTED if trunk else _O.DECLINED
    by_alert = BY_STATUS_AND_ALERT.get(code)
    if by_alert is not None:
        return by_alert[0] if alerted else by_alert[1]
    return BY_STATUS.get(code) or _BY_CLASS[code // 100]


def cause_outcome(cause: int, text: str | None) -> Outcome | None:
    """Return what a Q.850 cause says by itself, None where it says nothing (rule 3)."""
    if cause == _NUMBER_CHANGED and text is not None and names_media(text):
        return _O.REJECTED
    return BY_CAUSE.get(cause)


def reason_outcome(reason: Reason, *, alerted: bool, trunk: bool) -> Outcome | None:
    """Return what one value of a Reason header says by itself, None where it says nothing (rule 3)."""
    cause = reason.cause
    if cause is None:
        return None
    if reason.protocol == Q850:
        return cause_outcome(cause, reason.text)
    if reason.protocol != SIP or cause == 487 or not 200 <= cause < 700:
        return None
    if cause < 300:
        return _O.ANSWERED_ELSEWHERE
    return _O.BLOCKED if names_network(reason) else status_outcome(cause, alerted, trunk)


def stands_against(code: int, cause: int) -> bool:
    """Tell whether a status code says for sure what a Q.850 cause beside it denies: then the code is believed."""
    return code in _CERTAIN and cause in _NOT_THE_CALLEE


def paired(code: int, cause: int) -> bool:
    """Tell whether a gateway turns the one into the other (RFC 3398 §7.2.4.1, §8.2.6.1): then they say the same."""
    return code in _STATUS_OF_CAUSE.get(cause, (_STATUS_OF_OTHERS,)) or _CAUSE_OF_STATUS.get(code) == cause


def names_media(text: str) -> bool:
    """Tell whether a text is about media, so that "number changed" beside it cannot be meant."""
    words = [word.lower() for word in _WORD.findall(text[:_MAX_TEXT])]
    return any(word in _MEDIA_WORDS or word.startswith("mediaoffer") for word in words)


def names_network(reason: Reason) -> bool:
    """Tell whether a value of a Reason header says that a network has refused the call (ATIS-1000099)."""
    if reason.protocol != SIP or reason.cause != 603 or reason.text is None:
        return False
    return reason.text[: len(_BLOCKED_TEXT)].lower() == _BLOCKED_TEXT


def blocks(code: int, reason_phrase: bytes) -> bool:
    """Tell whether a start line says that the call was screened out (RFC 8197, RFC 8688, ATIS-1000099)."""
    return code in BLOCKING_CODES or (code == 603 and reason_phrase.strip().lower() == _BLOCKED_PHRASE)
