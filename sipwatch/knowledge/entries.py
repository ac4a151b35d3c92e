"""What can be explained: the closed lists, and the shape of one explanation.

Must not know: any language, or where texts are kept.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from sipwatch.classify.causes import PROGRESS_CODES
from sipwatch.classify.endings import Ending
from sipwatch.classify.findings import Kind
from sipwatch.classify.links import LinkedBy
from sipwatch.classify.offers import Offered
from sipwatch.classify.outcomes import Outcome
from sipwatch.classify.tags import Tag
from sipwatch.track.conditions import Condition


class Topic(StrEnum):
    """What an entry is about."""

    OUTCOME = "outcome"
    CONDITION = "condition"
    ENDING = "ending"
    FINDING = "finding"
    TAG = "tag"
    LINK = "link"
    OFFER = "offer"
    RATIO = "ratio"
    STATUS = "status"
    CAUSE = "cause"
    CLASS = "class"


class Entry(Struct, frozen=True, kw_only=True):
    """One explanation, for two readers.

    ``key`` is the outcome, condition, ending, finding, tag, link, offer or ratio, the number of a code, or ``4xx``.
    ``name`` is as on the wire or in the standard, the key where there is no such name. ``registered`` is False for
    a number that no standard defines: its texts are those of what it is to be treated as. ``says`` has the sentence
    for each variant of a finding, with the names of its facts in braces; ``who`` has in few words who should look at an
    outcome or an ending.
    """

    kind: Topic
    key: str
    name: str
    plain: str
    meaning: str
    agent: str
    admin: str
    situations: tuple[str, ...]
    misuse: str
    reference: str
    registered: bool = True
    says: tuple[tuple[str, str], ...] = ()
    who: str = ""


# RFC 6076, and what telephone networks have always counted (ITU-T E.425). The summary has them in lower case.
RATIOS = ("SER", "SEER", "ISA", "SCR", "ASR", "NER")

# How a device took a call that it was offered, by the words that are no outcome's (busy, declined); and the other words
# of an agent's figures.
OFFERED, LEFT_TO_AGENT, IN_A_ROW = "offered", "left_to_agent", "in_a_row"
OFFERS = (OFFERED, *(how.value for how in Offered if how.value not in {*Outcome}), LEFT_TO_AGENT, IN_A_ROW)

FINDINGS = tuple(kind.value for kind in Kind)

# The registry "Response Codes" of IANA's "Session Initiation Protocol (SIP) Parameters".
STATUS_CODES = (
    *(100, *sorted(PROGRESS_CODES)),
    *(200, 202, 204),
    *(300, 301, 302, 305, 380),
    *(400, 401, 402, 403, 404, 405, 406, 407, 408, 410, 412, 413, 414, 415, 416, 417),
    *(420, 421, 422, 423, 424, 425, 428, 429, 430, 433, 436, 437, 438, 439, 440, 469, 470),
    *(480, 481, 482, 483, 484, 485, 486, 487, 488, 489, 491, 493, 494),
    *(500, 501, 502, 503, 504, 505, 513, 555, 580),
    *(600, 603, 604, 606, 607, 608),
)
# Of RFC 2543, which RFC 3261 did not take over: old devices still send them.
HISTORIC_CODES = (409, 411)
MIN_CODE, MAX_CODE = 100, 699

# ITU-T Q.850, table 1, with its amendments.
CAUSES = (
    *(*range(1, 10), 14, *range(16, 32)),
    *(34, *range(38, 45), 46, 47),
    *(49, 50, 53, 55, 57, 58, 62, 63),
    *(65, 66, 69, 70, 79),
    *(*range(81, 89), 90, 91, 95),
    *(*range(96, 104), 110, 111),
    127,
)
MAX_CAUSE = 127

CLASSES = tuple(f"{first}xx" for first in range(1, 7))


class CauseClass(StrEnum):
    """The classes of Q.850 causes."""

    NORMAL = "normal"
    RESOURCE = "resource"
    UNAVAILABLE = "unavailable"
    UNIMPLEMENTED = "unimplemented"
    INVALID = "invalid"
    PROTOCOL = "protocol"
    INTERWORKING = "interworking"


# Bits 5 to 7 of a cause are its class (Q.850 §2.2.5); the last number of each is its general cause.
_CLASS_BY_BITS: tuple[CauseClass, ...] = (CauseClass.NORMAL, *CauseClass)


def cause_class(number: int) -> CauseClass:
    """Return the class of a cause, 0 to 127."""
    return _CLASS_BY_BITS[number >> 4]


def general_cause(number: int) -> int:
    """Return the cause "..., unspecified" of a cause's class."""
    return 31 if number < 32 else number | 15


def general_code(code: int) -> int:
    """Return what a client that does not know a status code treats it as (RFC 3261 §8.1.3.2)."""
    return 183 if code < 200 else code // 100 * 100


KEYS: dict[Topic, tuple[str, ...]] = {
    Topic.OUTCOME: tuple(outcome.value for outcome in Outcome),
    Topic.CONDITION: tuple(condition.value for condition in Condition),
    Topic.ENDING: tuple(ending.value for ending in Ending),
    Topic.FINDING: FINDINGS,
    Topic.TAG: tuple(tag.value for tag in Tag),
    Topic.LINK: tuple(reason.value for reason in LinkedBy),
    Topic.OFFER: OFFERS,
    Topic.RATIO: RATIOS,
    Topic.CLASS: CLASSES,
    Topic.STATUS: tuple(str(code) for code in sorted((*STATUS_CODES, *HISTORIC_CODES))),
    Topic.CAUSE: tuple(str(number) for number in CAUSES),
}
