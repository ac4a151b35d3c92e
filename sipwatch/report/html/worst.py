"""Which calls a report draws: one for each kind of trouble, the newest, with its messages. Bounded.

Must not know: how a call is drawn, or where its messages come from.

A kind of trouble is what became of the call (its outcome, or the odd way in which it ended after its answer), the final
response with its cause, and where it was to go. Faults of machines and lines go before calls that ended oddly, these
before what was not allowed or not found, and these before what is up to people; of equal ones those of more calls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec.structs import replace

from sipwatch.classify.outcomes import FAILURES, FAULTS, Category
from sipwatch.report.listed import is_odd

if TYPE_CHECKING:
    from sipwatch.export.record import CallRecord, MessageRecord

MAX_DRAWN: Final = 10
MAX_KINDS: Final = 64
MAX_MESSAGES: Final = 400  # of a call that are kept: the first three quarters, and the last
RULE: Final = (
    "One call for each kind of trouble, the newest: faults of machines and lines first, then calls that ended oddly,"
    " then what was not allowed or not found, then what is up to people; of equal ones the more frequent."
)
_PEOPLE: Final = 3
_KIND_TEXT: Final = 80  # characters of a text from the wire that tell kinds apart

_Kind = tuple[int, str, int | None, int | None, str]


class WorstCall(NamedTuple):
    """A call that stands for its kind, and how many of the kind there were."""

    call: CallRecord
    calls: int


class WorstCalls:
    """Takes calls one by one, and keeps the newest of each kind of trouble."""

    def __init__(self) -> None:
        self._kinds: dict[_Kind, WorstCall] = {}

    def take(self, call: CallRecord) -> None:
        """Keep a call if it is the newest of its kind so far."""
        kind = _kind_of(call)
        if kind is None:
            return
        before = self._kinds.get(kind)
        if before is None:
            if len(self._kinds) >= MAX_KINDS:
                self._give_one_up()
            self._kinds[kind] = WorstCall(_bounded(call), 1)
        elif call.started >= before.call.started:
            self._kinds[kind] = WorstCall(_bounded(call), before.calls + 1)
        else:
            self._kinds[kind] = before._replace(calls=before.calls + 1)

    def worst(self) -> list[WorstCall]:
        """Return the calls to draw, the worst first."""
        ranked = sorted(self._kinds.items(), key=lambda entry: (entry[0][0], -entry[1].calls, -entry[1].call.started))
        return [example for _, example in ranked[:MAX_DRAWN]]

    def _give_one_up(self) -> None:
        """Let the kind go that matters least: strangers can make up as many as they like."""
        del self._kinds[
            max(self._kinds, key=lambda kind: (kind[0], -self._kinds[kind].calls, -self._kinds[kind].call.started))
        ]


def _kind_of(call: CallRecord) -> _Kind | None:
    """Return what a call's trouble is, None if it has none that a ladder would show."""
    where = call.destination_address[:_KIND_TEXT]
    if is_odd(call):
        return 1, call.ending or "", None, call.end_cause, where
    if call.outcome not in FAILURES:
        return None
    return _rank(Category(call.category)), call.outcome, call.status_code, call.cause, where


def _rank(category: Category) -> int:
    if category in FAULTS:
        return 0
    return _PEOPLE if category is Category.USER else 2


def _bounded(call: CallRecord) -> CallRecord:
    messages = call.messages
    if messages is None or len(messages) <= MAX_MESSAGES:
        return call
    first = MAX_MESSAGES * 3 // 4
    kept: list[MessageRecord] = [*messages[:first], *messages[first - MAX_MESSAGES :]]
    return replace(call, messages=kept)
