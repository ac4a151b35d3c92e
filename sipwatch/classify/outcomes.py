"""The closed lists of verdicts: outcomes, their categories and their plain names (OUTCOMES §1).

Must not know: how a verdict is reached, nor where it is shown.
"""

from enum import StrEnum


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
    RETRIED = "retried"  # legs only: followed by the call's next INVITE


CATEGORY: dict[Outcome, Category] = {
    Outcome.ANSWERED: Category.SUCCESS,
    Outcome.BUSY: Category.USER,
    Outcome.NO_ANSWER: Category.USER,
    Outcome.DECLINED: Category.USER,
    Outcome.UNAVAILABLE: Category.USER,
    Outcome.ABANDONED_BRIEF: Category.USER,
    Outcome.ABANDONED: Category.USER,
    Outcome.BLOCKED: Category.POLICY,
    Outcome.FORBIDDEN: Category.POLICY,
    Outcome.AUTH_FAILED: Category.POLICY,
    Outcome.NOT_FOUND: Category.ROUTING,
    Outcome.ANSWERED_ELSEWHERE: Category.NORMAL,
    Outcome.REDIRECTED: Category.NORMAL,
    Outcome.NOT_RESPONDING: Category.TECHNICAL,
    Outcome.NO_PROGRESS: Category.TECHNICAL,
    Outcome.GATEWAY_TIMEOUT: Category.TECHNICAL,
    Outcome.SERVER_ERROR: Category.TECHNICAL,
    Outcome.REJECTED: Category.TECHNICAL,
    Outcome.CONGESTED: Category.CAPACITY,
    Outcome.UNFINISHED: Category.UNKNOWN,
    Outcome.RETRIED: Category.NORMAL,
}

# The same by word: records hold words, and an enum as a dictionary's key is hashed in Python.
CATEGORY_OF: dict[str, str] = {outcome.value: category.value for outcome, category in CATEGORY.items()}

PLAIN_NAME: dict[Outcome, str] = {
    Outcome.ANSWERED: "Answered",
    Outcome.BUSY: "Agent busy",
    Outcome.NO_ANSWER: "No answer",
    Outcome.DECLINED: "Call declined",
    Outcome.UNAVAILABLE: "Unavailable",
    Outcome.ABANDONED_BRIEF: "Briefly abandoned",
    Outcome.ABANDONED: "Abandoned",
    Outcome.BLOCKED: "Rejection list",
    Outcome.FORBIDDEN: "Forbidden",
    Outcome.AUTH_FAILED: "Authentication failed",
    Outcome.NOT_FOUND: "Number not found",
    Outcome.ANSWERED_ELSEWHERE: "Call redirected by system",
    Outcome.REDIRECTED: "Call redirected by system",
    Outcome.NOT_RESPONDING: "Device not responding",
    Outcome.NO_PROGRESS: "Stuck in Trying",
    Outcome.GATEWAY_TIMEOUT: "Connection timeout",
    Outcome.SERVER_ERROR: "Server failure",
    Outcome.REJECTED: "Not acceptable",
    Outcome.CONGESTED: "All lines busy",
    Outcome.UNFINISHED: "Unfinished",
    Outcome.RETRIED: "Tried again",
}
