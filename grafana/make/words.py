"""The plain names and colours in which the dashboards show label values.

Must not know: queries and panels. Outcomes and endings get their names from ``sipwatch.classify``, where
everybody gets them.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from sipwatch.classify.endings import PLAIN_ENDING, Ending
from sipwatch.classify.outcomes import CATEGORY, PLAIN_NAME, Category, Outcome
from sipwatch.track.conditions import Condition, Resolution
from sipwatch.track.dialog import EndedBy
from sipwatch.track.registrar import OptionsOutcome, RegistrationOutcome

if TYPE_CHECKING:
    from collections.abc import Mapping


class Look(NamedTuple):
    """How a label value is shown: by which name, and in which of Grafana's colours."""

    name: str
    colour: str


Looks = dict[str, Look]

CATEGORIES: Looks = {
    Category.SUCCESS: Look("Answered", "green"),
    Category.USER: Look("Busy, away or gave up", "blue"),
    Category.POLICY: Look("Not allowed", "purple"),
    Category.ROUTING: Look("Number not found", "yellow"),
    Category.NORMAL: Look("Redirected by system", "#8e8e8e"),
    Category.TECHNICAL: Look("Technical fault", "red"),
    Category.CAPACITY: Look("All lines busy", "orange"),
    Category.UNKNOWN: Look("Unfinished", "#5a5a5a"),
}

# Shades of the category's colour, so that a graph of outcomes reads like a graph of categories.
_SHADES: dict[Outcome, str] = {
    Outcome.ANSWERED: "green",
    Outcome.BUSY: "blue",
    Outcome.NO_ANSWER: "dark-blue",
    Outcome.DECLINED: "light-blue",
    Outcome.UNAVAILABLE: "super-light-blue",
    Outcome.ABANDONED_BRIEF: "#8fd3d1",
    Outcome.ABANDONED: "#37a2a2",
    Outcome.BLOCKED: "dark-purple",
    Outcome.FORBIDDEN: "purple",
    Outcome.AUTH_FAILED: "light-purple",
    Outcome.NOT_FOUND: "yellow",
    Outcome.ANSWERED_ELSEWHERE: "#8e8e8e",
    Outcome.REDIRECTED: "#b7b7b7",
    Outcome.NOT_RESPONDING: "dark-red",
    Outcome.NO_PROGRESS: "red",
    Outcome.GATEWAY_TIMEOUT: "semi-dark-red",
    Outcome.SERVER_ERROR: "light-red",
    Outcome.REJECTED: "super-light-red",
    Outcome.CONGESTED: "orange",
    Outcome.UNFINISHED: "#5a5a5a",
    Outcome.RETRIED: "#c8c8c8",
}

_TIMES_USED = Counter(PLAIN_NAME.values())


def _unique_name(outcome: Outcome) -> str:
    """Return the plain name, with the outcome behind it where two share one: a legend needs to tell them apart."""
    name = PLAIN_NAME[outcome]
    return name if _TIMES_USED[name] == 1 else f"{name} ({outcome.value})"


OUTCOMES: Looks = {outcome: Look(_unique_name(outcome), _SHADES[outcome]) for outcome in Outcome}

_NO_FAILURE = (Category.SUCCESS, Category.NORMAL, Category.UNKNOWN)
FAILURES: Looks = {outcome: look for outcome, look in OUTCOMES.items() if CATEGORY[Outcome(outcome)] not in _NO_FAILURE}

CONDITIONS: Looks = {
    Condition.NO_RESPONSE: Look("No response at all", "dark-red"),
    Condition.SLOW_PROGRESS: Look("Slow after Trying", "yellow"),
    Condition.NO_PROGRESS: Look("Stuck in Trying", "red"),
    Condition.NO_ANSWER: Look("Rings and rings", "blue"),
    Condition.ACK_MISSING: Look("ACK missing", "purple"),
    Condition.BYE_UNANSWERED: Look("BYE unanswered", "orange"),
}

RESOLUTIONS: Looks = {
    Resolution.RESPONDED: Look("Something came back", "light-green"),
    Resolution.PROGRESSED: Look("It rang after all", "semi-dark-green"),
    Resolution.ANSWERED: Look("Answered after all", "green"),
    Resolution.FAILED: Look("Refused in the end", "red"),
    Resolution.CANCELLED: Look("Caller gave up", "blue"),
    Resolution.EXPIRED: Look("Nothing more came", "dark-red"),
    Resolution.CAPTURE_END: Look("Capture ended", "#5a5a5a"),
}

PHASES: Looks = {
    "calling": Look("Nothing heard yet", "orange"),
    "trying": Look("Trying (100)", "yellow"),
    "progressing": Look("In progress", "light-blue"),
    "ringing": Look("Ringing (180, 183)", "green"),
}

ENDED_BY: Looks = {
    EndedBy.CALLER: Look("Caller hung up", "blue"),
    EndedBy.CALLEE: Look("Called side hung up", "green"),
    EndedBy.TIMEOUT: Look("Nobody: timed out", "red"),
    EndedBy.CAPTURE_END: Look("Capture ended", "#5a5a5a"),
}

_ENDING_COLOURS: dict[Ending, str] = {
    Ending.NORMAL: "green",
    Ending.ACK_TIMEOUT: "purple",
    Ending.SESSION_EXPIRED: "yellow",
    Ending.MIDCALL_FAILURE: "light-red",
    Ending.BYE_REFUSED: "dark-orange",
    Ending.BYE_UNANSWERED: "orange",
    Ending.ERROR_REASON: "red",
    Ending.EVICTED: "#8e8e8e",
    Ending.NO_BYE: "dark-red",
    Ending.CAPTURE_END: "#5a5a5a",
}
ENDINGS: Looks = {ending: Look(PLAIN_ENDING[ending], _ENDING_COLOURS[ending]) for ending in Ending}

TAGS: Looks = {
    "outside_hours": Look("Outside working hours", "purple"),
    "brief": Look("Gave up within moments", "#8fd3d1"),
    "refused": Look("A device did not take it", "light-blue"),
    "called_back": Look("Missed, and called back", "green"),
    "waiting_callback": Look("Missed, not called back", "red"),
    "transferred": Look("Transferred", "#8e8e8e"),
    "short_ring": Look("Stopped ringing too soon", "orange"),
    "early_ringing": Look("Rang before it rang", "yellow"),
}

TIMERS: Looks = {
    "B": Look("Nothing heard at all (Timer B)", "dark-red"),
    "C": Look("Something heard, then silence (Timer C)", "red"),
    "cancel": Look("Nothing came after the CANCEL", "orange"),
}

REGISTRATIONS: Looks = {
    RegistrationOutcome.REGISTERED: Look("Registered", "green"),
    RegistrationOutcome.REMOVED: Look("Signed off", "blue"),
    RegistrationOutcome.AUTH_FAILED: Look("Authentication failed", "purple"),
    RegistrationOutcome.REFUSED: Look("Refused", "red"),
    RegistrationOutcome.NOT_RESPONDING: Look("No response", "dark-red"),
    RegistrationOutcome.UNFINISHED: Look("Unfinished", "#5a5a5a"),
}

OPTIONS: Looks = {
    OptionsOutcome.ANSWERED: Look("Answered", "green"),
    OptionsOutcome.REFUSED: Look("Refused, but there", "orange"),
    OptionsOutcome.NOT_RESPONDING: Look("No response", "dark-red"),
    OptionsOutcome.UNFINISHED: Look("Unfinished", "#5a5a5a"),
}

# Values of 0 and 1.
WATCHING: Looks = {"1": Look("Yes", "green"), "0": Look("No", "red")}
READ_WELL: Looks = {"1": Look("As in its file", "green"), "0": Look("File has a mistake", "red")}
STILL: Looks = {"1": Look("firing", "red"), "0": Look("over", "green")}

WEEK_AGO = " a week ago"  # ends the names of series that show the past; they are drawn dashed


def either(values: Mapping[str, Look]) -> str:
    """Return a regular expression for any of these label values."""
    return "|".join(values)
