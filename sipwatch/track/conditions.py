"""What can be wrong with a leg right now, and how that ends (OUTCOMES §3).

Must not know: peers, outcomes, configuration files.
"""

from enum import StrEnum


class Condition(StrEnum):
    """Something wrong now, raised by a timer or a count while the leg is still open."""

    NO_RESPONSE = "no_response"
    SLOW_PROGRESS = "slow_progress"
    NO_PROGRESS = "no_progress"
    NO_ANSWER = "no_answer"
    ACK_MISSING = "ack_missing"
    BYE_UNANSWERED = "bye_unanswered"


class Resolution(StrEnum):
    """How a condition ended."""

    RESPONDED = "responded"
    PROGRESSED = "progressed"
    ANSWERED = "answered"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    CAPTURE_END = "capture_end"


class Raised:
    """One condition of one leg: when it was raised, and when and how it was resolved.

    Times are packet time in nanoseconds; ``resolved`` is -1 and ``resolution`` None while it lasts.
    """

    __slots__ = ("kind", "raised", "resolution", "resolved")

    def __init__(self, kind: Condition, raised: int) -> None:
        self.kind = kind
        self.raised = raised
        self.resolved = -1
        self.resolution: Resolution | None = None
