"""Calls as pages show them: names instead of words, a mark beside each colour, waits as lengths.

Must not know: HTTP, the store, templates. Texts are as on the wire: a template escapes them.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

from sipwatch.classify.endings import UNREMARKABLE
from sipwatch.classify.outcomes import CATEGORY_OF, FAILED, OF_CALLS, Category
from sipwatch.classify.tags import Tag
from sipwatch.export.choices import FAILED_ONES
from sipwatch.export.naming import name_of_any, name_of_call
from sipwatch.knowledge import Topic, load
from sipwatch.packet import SECOND
from sipwatch.report import plain
from sipwatch.report.listed import end_name, response_words, waited
from sipwatch.report.plain import duration, plain_ending

if TYPE_CHECKING:
    from sipwatch.export.moments import Moment
    from sipwatch.export.record import CallRecord
    from sipwatch.web.attempts import CallBack

LONGEST_BAR: Final = 60.0  # seconds
MARKS: Final = plain.CATEGORY_MARKS
CATEGORY_NAMES: Final = plain.CATEGORY_NAMES


class Badge(NamedTuple):
    """What became of a call: its word, its plain name, its category, and the mark that stands for that."""

    word: str
    name: str
    category: str
    mark: str


class Bar(NamedTuple):
    """How long a caller waited: in words; until it rang and while it rang as parts of the longest bar (0 to 60)."""

    words: str
    before: float
    ringing: float
    is_longer: bool


class CallRow(NamedTuple):
    """A call in a list."""

    id: str
    started: Moment
    caller: str
    callee: str
    badge: Badge
    response: str
    code: int | None
    wait: Bar | None
    talked: str
    ending: str
    is_odd: bool
    source: str
    destination: str
    is_linked: bool
    has_messages: bool
    marks: list[str]


class Reached(NamedTuple):
    """By which call the caller of a missed one was reached, when, how long after, with whom; and who rang whom."""

    id: str
    at: Moment
    after: str
    other: str
    rang_again: bool


def badge(outcome: str, name: str) -> Badge:
    """Return what stands for an outcome, by the name that it has where it is shown."""
    category = CATEGORY_OF[outcome]
    return Badge(outcome, name, category, MARKS[Category(category)])


def bar(call: CallRecord) -> Bar | None:
    """Return how long a call's caller waited for a decision, None where there was none."""
    wait = waited(call)
    if wait is None:
        return None
    ringing = 0.0 if call.ring_seconds is None else min(call.ring_seconds.seconds, wait)
    words = duration(wait) + (f", {duration(ringing)} of it ringing" if ringing else "")
    before = min(LONGEST_BAR, wait - ringing)
    return Bar(words, round(before, 2), round(min(LONGEST_BAR - before, ringing), 2), wait > LONGEST_BAR)


def row(call: CallRecord, kept: int) -> CallRow:
    """Return a call as it stands in a list; ``kept`` is how many messages are kept of it."""
    ending = "" if call.ending is None else plain_ending(call.ending)
    return CallRow(
        call.id,
        call.started,
        call.caller or "?",
        call.callee or "?",
        badge(call.outcome, name_of_call(call)),
        response_words(call),
        call.status_code,
        bar(call),
        "" if call.talk_seconds is None else duration(call.talk_seconds / SECOND),
        ending,
        call.ending is not None and call.ending not in UNREMARKABLE,
        end_name(call.source, call.source_address),
        end_name(call.destination, call.destination_address),
        bool(call.linked),
        kept > 0,
        [_tag_names()[tag] for tag in call.tags if tag != Tag.BRIEF],  # which the outcome says
    )


@cache
def _tag_names() -> dict[str, str]:
    return {entry.key: entry.plain for entry in load().all(Topic.TAG)}


def reached_by(found: CallBack) -> Reached:
    """Return how a caller was reached as pages show it."""
    by = found.by.record
    other = by.callee if found.rang_again else by.caller
    return Reached(by.id, by.answered or by.started, duration(found.after / SECOND), other or "?", found.rang_again)


def running_clock(span: int) -> str:
    """Write a span (ns) as a clock that runs shows it: 42 s, 3:05, 1:02:03."""
    seconds = span // SECOND
    return f"{seconds} s" if seconds < 60 else duration(seconds)


def outcome_choices() -> list[tuple[str, str]]:
    """Return the quick choices of outcomes: word and name."""
    failed = ", ".join(CATEGORY_NAMES[category] for category in FAILED)
    named = sorted((name_of_any(outcome), outcome.value) for outcome in OF_CALLS)
    return [(FAILED_ONES, f"All that failed ({failed})"), *((word, name) for name, word in named)]
