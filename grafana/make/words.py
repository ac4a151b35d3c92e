"""The plain names and colours in which the dashboards show label values.

Must not know: queries and panels. Outcomes, conditions and endings get their names from where everybody gets them.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from grafana.make import colours
from grafana.make.colours import shades
from sipwatch.classify import outcomes
from sipwatch.classify.endings import Ending
from sipwatch.classify.outcomes import Category, Outcome
from sipwatch.export.metrics import METHODS
from sipwatch.export.naming import name_of_any
from sipwatch.knowledge import load
from sipwatch.track.conditions import Condition, Resolution
from sipwatch.track.dialog import EndedBy
from sipwatch.track.events import OptionsOutcome, RegistrationOutcome
from sipwatch.track.traffic import OTHER_METHOD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Look(NamedTuple):
    """How a label value is shown: by which name, and in which colour."""

    name: str
    colour: str


Looks = dict[str, Look]
Key = TypeVar("Key", bound=str)

HUES: dict[Category, colours.Hue] = {
    Category.SUCCESS: colours.GREENS,
    Category.USER: colours.BLUES,
    Category.POLICY: colours.PURPLES,
    Category.ROUTING: colours.YELLOWS,
    Category.NORMAL: colours.TEALS,
    Category.TECHNICAL: colours.ROSES,
    Category.CAPACITY: colours.ORANGES,
    Category.UNKNOWN: colours.GREYS,
}
_CATEGORY_NAMES = {
    Category.SUCCESS: "Answered",
    Category.USER: "Busy, away or gave up",
    Category.POLICY: "Not allowed",
    Category.ROUTING: "Number not found",
    Category.NORMAL: "Redirected by the system",
    Category.TECHNICAL: "Technical fault",
    Category.CAPACITY: "All lines busy",
    Category.UNKNOWN: "Unfinished",
}
CATEGORIES: Looks = {category: Look(name, shades(HUES[category], 1)[0]) for category, name in _CATEGORY_NAMES.items()}


def shaded(values: Iterable[Key], hue_of: Callable[[Key], colours.Hue]) -> dict[Key, str]:
    """Return a colour of its own for each value, of the hue that it belongs to."""
    values = list(values)
    hues = [hue_of(value) for value in values]
    left = {hue: iter(shades(hue, count)) for hue, count in Counter(hues).items()}
    return {value: next(left[hue]) for value, hue in zip(values, hues, strict=True)}


_OF_OUTCOME = shaded(Outcome, lambda outcome: HUES[outcome.category])
OUTCOMES: Looks = {outcome: Look(name_of_any(outcome), colour) for outcome, colour in _OF_OUTCOME.items()}
FAILURES: Looks = {outcome: look for outcome, look in OUTCOMES.items() if outcome in outcomes.FAILURES}

_ENDING_HUES = {
    Ending.NORMAL: colours.GREENS,
    Ending.ACK_TIMEOUT: colours.PURPLES,
    Ending.SESSION_EXPIRED: colours.YELLOWS,
    Ending.MIDCALL_FAILURE: colours.ROSES,
    Ending.BYE_REFUSED: colours.ORANGES,
    Ending.BYE_UNANSWERED: colours.ORANGES,
    Ending.ERROR_REASON: colours.ROSES,
    Ending.EVICTED: colours.GREYS,
    Ending.NO_BYE: colours.BLUES,
    Ending.CAPTURE_END: colours.GREYS,
}
ENDINGS: Looks = {
    ending: Look(ending.plain_name, colour) for ending, colour in shaded(Ending, _ENDING_HUES.__getitem__).items()
}

# A condition has the colour of what it leads to.
_CONDITION_COLOURS = {
    Condition.NO_RESPONSE: OUTCOMES[Outcome.NOT_RESPONDING].colour,
    Condition.SLOW_PROGRESS: shades(colours.YELLOWS, 1)[0],
    Condition.NO_PROGRESS: OUTCOMES[Outcome.NO_PROGRESS].colour,
    Condition.NO_ANSWER: OUTCOMES[Outcome.NO_ANSWER].colour,
    Condition.ACK_MISSING: ENDINGS[Ending.ACK_TIMEOUT].colour,
    Condition.BYE_UNANSWERED: ENDINGS[Ending.BYE_UNANSWERED].colour,
}
CONDITIONS: Looks = {
    condition: Look(load().condition(condition).plain, _CONDITION_COLOURS[condition]) for condition in Condition
}


def looks(*rows: tuple[str, str, colours.Hue]) -> Looks:
    """Make looks of rows of value, name and hue."""
    hues = {value: hue for value, _, hue in rows}
    found = shaded(hues, hues.__getitem__)
    return {value: Look(name, found[value]) for value, name, _ in rows}


RESOLUTIONS: Looks = looks(
    (Resolution.RESPONDED, "Responded after all", colours.GREENS),
    (Resolution.PROGRESSED, "Rang after all", colours.GREENS),
    (Resolution.ANSWERED, "Answered after all", colours.GREENS),
    (Resolution.FAILED, "Refused in the end", colours.ROSES),
    (Resolution.CANCELLED, "Caller gave up", colours.BLUES),
    (Resolution.EXPIRED, "Nothing more came", colours.ROSES),
    (Resolution.CAPTURE_END, "Capture ended", colours.GREYS),
)

PHASES: Looks = looks(
    ("calling", "No response yet", colours.ROSES),
    ("trying", "Trying (100)", colours.YELLOWS),
    ("progressing", "In progress", colours.BLUES),
    ("ringing", "Ringing (180, 183)", colours.GREENS),
)

ENDED_BY: Looks = looks(
    (EndedBy.CALLER, "Caller hung up", colours.BLUES),
    (EndedBy.CALLEE, "Callee hung up", colours.GREENS),
    (EndedBy.TIMEOUT, "Timed out", colours.ROSES),
    (EndedBy.CAPTURE_END, "Capture ended", colours.GREYS),
)

TAGS: Looks = looks(
    ("outside_hours", "Outside working hours", colours.PURPLES),
    ("brief", OUTCOMES[Outcome.ABANDONED_BRIEF].name, colours.BLUES),
    ("refused", "Not taken by a device", colours.BLUES),
    ("called_back", "Missed, called back", colours.GREENS),
    ("waiting_callback", "Missed, not called back", colours.ROSES),
    ("transferred", "Transferred", colours.TEALS),
    ("short_ring", load().finding("short_ring").plain, colours.ORANGES),
    ("early_ringing", load().finding("early_ringing").plain, colours.YELLOWS),
)

TIMERS: Looks = looks(
    ("B", "No response at all (Timer B)", colours.ROSES),
    ("C", "Provisional responses, then silence (Timer C)", colours.ROSES),
    ("cancel", "No response after the CANCEL", colours.ORANGES),
)

REGISTRATIONS: Looks = looks(
    (RegistrationOutcome.REGISTERED, "Registered", colours.GREENS),
    (RegistrationOutcome.REMOVED, "Unregistered", colours.BLUES),
    (RegistrationOutcome.AUTH_FAILED, OUTCOMES[Outcome.AUTH_FAILED].name, colours.PURPLES),
    (RegistrationOutcome.REFUSED, "Refused", colours.ORANGES),
    (RegistrationOutcome.NOT_RESPONDING, "No response", colours.ROSES),
    (RegistrationOutcome.UNFINISHED, "Unfinished", colours.GREYS),
)

OPTIONS: Looks = looks(
    (OptionsOutcome.ANSWERED, "Answered", colours.GREENS),
    (OptionsOutcome.REFUSED, "Refused, but there", colours.ORANGES),
    (OptionsOutcome.NOT_RESPONDING, "No response", colours.ROSES),
    (OptionsOutcome.UNFINISHED, "Unfinished", colours.GREYS),
)

_METHOD_HUES = {
    "INVITE": colours.GREENS, "ACK": colours.GREENS, "BYE": colours.BLUES, "CANCEL": colours.ORANGES,
    "REGISTER": colours.PURPLES, "OPTIONS": colours.YELLOWS, OTHER_METHOD: colours.GREYS,
}  # fmt: skip
METHODS_SEEN: Looks = {
    method: Look("Other methods" if method == OTHER_METHOD else method, colour)
    for method, colour in shaded((*METHODS, OTHER_METHOD), lambda name: _METHOD_HUES.get(name, colours.TEALS)).items()
}

# Lines of the log, by the name that they have there.
EVENTS: Looks = looks(
    ("condition_raised", "Condition raised", colours.YELLOWS),
    ("condition_resolved", "Condition resolved", colours.GREENS),
    ("call_failed", "Call failed", colours.ROSES),
    ("call_ended_oddly", "Call ended oddly", colours.ORANGES),
)

# Values of 0 and 1.
WATCHING: Looks = {"1": Look("Yes", colours.GOOD), "0": Look("No", colours.RED)}
READ_WELL: Looks = {"1": Look("Same as the file", colours.GOOD), "0": Look("File has a mistake", colours.RED)}
STILL: Looks = {"1": Look("firing", colours.RED), "0": Look("over", colours.GOOD)}
NONE_FIRING: Looks = {"0": Look("None", colours.GOOD)}

WEEK_AGO = " a week ago"  # ends the names of series that show the past; they are drawn dashed
