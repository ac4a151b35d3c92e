"""The closed list of outcomes: one row for each, with everything the program knows of it (OUTCOMES §1).

Must not know: how a verdict is reached, nor where it is shown. What an outcome means, in sentences, stands in
``knowledge/``.
"""

from __future__ import annotations

from collections import Counter
from enum import Flag, StrEnum, auto
from typing import Final, NamedTuple


class Category(StrEnum):
    """Who is concerned by an outcome."""

    SUCCESS = "success"
    USER = "user"
    POLICY = "policy"
    ROUTING = "routing"
    NORMAL = "normal"
    TECHNICAL = "technical"
    CAPACITY = "capacity"
    UNKNOWN = "unknown"


# Calls of these failed: the others ended as somebody meant them to, or nobody knows how.
FAILED: Final = (Category.USER, Category.POLICY, Category.ROUTING, Category.TECHNICAL, Category.CAPACITY)
FAULTS: Final = (Category.TECHNICAL, Category.CAPACITY)  # of machines and lines; the others are people's doing


class Is(Flag):
    """What an outcome is besides; each is a column of the table below."""

    NOTHING = 0
    MISSED = auto()  # an inbound call that ends so was missed: somebody may want to call its caller back
    TURNED_DOWN = auto()  # what a device does with a call that it was offered and does not take
    TRUNKS_FAULT = auto()  # can be the trunk's doing; else it is callers', callees', or has a finding of its own
    AFTER_RINGING = auto()  # it can have rung before
    IN_ORDER = auto()  # on a hop, it leaves nothing to explain
    OF_HOPS = auto()  # of single hops: no call ends so


_MISSED, _DOWN, _TRUNKS, _RANG, _OK = Is.MISSED, Is.TURNED_DOWN, Is.TRUNKS_FAULT, Is.AFTER_RINGING, Is.IN_ORDER
_NO: Final = Is.NOTHING


class Outcome(StrEnum):
    """What became of a leg or a call; every one ends with exactly one."""

    ANSWERED = "answered"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    DECLINED = "declined"
    UNAVAILABLE = "unavailable"
    ABANDONED_BRIEF = "abandoned_brief"
    ABANDONED = "abandoned"
    BLOCKED = "blocked"
    FORBIDDEN = "forbidden"
    AUTH_FAILED = "auth_failed"
    NOT_FOUND = "not_found"
    ANSWERED_ELSEWHERE = "answered_elsewhere"
    REDIRECTED = "redirected"
    NOT_RESPONDING = "not_responding"
    NO_PROGRESS = "no_progress"
    GATEWAY_TIMEOUT = "gateway_timeout"
    SERVER_ERROR = "server_error"
    REJECTED = "rejected"
    CONGESTED = "congested"
    UNFINISHED = "unfinished"
    RETRIED = "retried"

    @property
    def category(self) -> Category:
        """Who is concerned."""
        return ROWS[self].category

    @property
    def plain_name(self) -> str:
        """What a contact centre calls it; two outcomes may share a name."""
        return ROWS[self].plain_name


class OutcomeRow(NamedTuple):
    """What the program knows of an outcome."""

    category: Category
    plain_name: str
    also: Is


_C, _O = Category, Outcome
ROWS: Final[dict[Outcome, OutcomeRow]] = {
    _O.ANSWERED: OutcomeRow(_C.SUCCESS, "Answered", _RANG | _OK),
    _O.BUSY: OutcomeRow(_C.USER, "Agent busy", _MISSED | _DOWN | _RANG),
    _O.NO_ANSWER: OutcomeRow(_C.USER, "No answer", _MISSED | _DOWN | _RANG),
    _O.DECLINED: OutcomeRow(_C.USER, "Call declined", _MISSED | _DOWN | _RANG),
    _O.UNAVAILABLE: OutcomeRow(_C.USER, "Unavailable", _MISSED | _DOWN | _TRUNKS),
    _O.ABANDONED_BRIEF: OutcomeRow(_C.USER, "Briefly abandoned", _MISSED | _RANG),
    _O.ABANDONED: OutcomeRow(_C.USER, "Abandoned", _MISSED | _RANG),
    _O.BLOCKED: OutcomeRow(_C.POLICY, "Rejection list", _NO),
    _O.FORBIDDEN: OutcomeRow(_C.POLICY, "Forbidden", _TRUNKS),
    _O.AUTH_FAILED: OutcomeRow(_C.POLICY, "Authentication failed", _TRUNKS),
    _O.NOT_FOUND: OutcomeRow(_C.ROUTING, "Number not found", _MISSED | _TRUNKS),
    _O.ANSWERED_ELSEWHERE: OutcomeRow(_C.NORMAL, "Call redirected by system", _OK),
    _O.REDIRECTED: OutcomeRow(_C.NORMAL, "Call redirected by system", _NO),
    _O.NOT_RESPONDING: OutcomeRow(_C.TECHNICAL, "Device not responding", _MISSED | _DOWN | _TRUNKS),
    _O.NO_PROGRESS: OutcomeRow(_C.TECHNICAL, "Stuck in Trying", _MISSED | _TRUNKS),
    _O.GATEWAY_TIMEOUT: OutcomeRow(_C.TECHNICAL, "Connection timeout", _MISSED | _TRUNKS),
    _O.SERVER_ERROR: OutcomeRow(_C.TECHNICAL, "Server failure", _MISSED | _TRUNKS),
    _O.REJECTED: OutcomeRow(_C.TECHNICAL, "Not acceptable", _MISSED | _TRUNKS),
    _O.CONGESTED: OutcomeRow(_C.CAPACITY, "All lines busy", _MISSED),
    _O.UNFINISHED: OutcomeRow(_C.UNKNOWN, "Unfinished", _NO),
    _O.RETRIED: OutcomeRow(_C.NORMAL, "Tried again", _OK | Is.OF_HOPS),  # followed by the call's next INVITE
}


def _that_are(which: Is) -> tuple[str, ...]:
    return tuple(outcome.value for outcome in Outcome if which in ROWS[outcome].also)


# By the words that calls and records hold: an enum in a set, or as a key, is hashed in Python.
CATEGORY_OF: Final[dict[str, str]] = {outcome.value: outcome.category.value for outcome in Outcome}
OUTCOME_OF: Final = {
    outcome.value: outcome for outcome in Outcome
}  # to call the enum for it costs four calls in Python
MISSED: Final = frozenset(_that_are(Is.MISSED))
TURNED_DOWN: Final = frozenset(_that_are(Is.TURNED_DOWN))
TRUNKS_FAULT: Final = frozenset(_that_are(Is.TRUNKS_FAULT))
AFTER_RINGING: Final = _that_are(Is.AFTER_RINGING)
IN_ORDER: Final = frozenset(_that_are(Is.IN_ORDER))
FAILURES: Final = frozenset(outcome.value for outcome in Outcome if outcome.category in FAILED)
OF_CALLS: Final = tuple(outcome for outcome in Outcome if Is.OF_HOPS not in ROWS[outcome].also)
# What a rule can say of a call; that no verdict fell is none.
RULABLE: Final = tuple(outcome for outcome in OF_CALLS if outcome.category is not Category.UNKNOWN)

_TIMES_USED: Final = Counter(outcome.plain_name for outcome in Outcome)


def distinct_name(outcome: Outcome) -> str:
    """Return the plain name; where two outcomes share one, the word itself tells them apart."""
    if _TIMES_USED[outcome.plain_name] == 1:
        return outcome.plain_name
    return outcome.value.replace("_", " ").capitalize()
