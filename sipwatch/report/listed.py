"""Calls in lists: those that failed, and those that were answered and ended in an odd way. The newest of each.

Must not know: how records come about, or how an outcome or an ending is told. All text from the wire is escaped here.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from rich.text import Text

from sipwatch.classify.endings import UNREMARKABLE
from sipwatch.classify.outcomes import FAILURES, IN_ORDER
from sipwatch.classify.peers import OTHER
from sipwatch.export.delays import stands_for_the_call
from sipwatch.export.escape import terminal
from sipwatch.export.naming import name_of_call
from sipwatch.report.plain import (
    CATEGORY_STYLE,
    ENDED_BY_WORDS,
    duration,
    plain_ending,
)
from sipwatch.report.screen import FAINT, Column, figures, indented, print_list

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console, RenderableType

    from sipwatch.export.record import CallRecord, LegRecord

LINKED = "⇄"
NEWEST = 30  # calls listed
ODD_STYLE = "red"
_INDENT = 10  # columns that the time takes


def waited(call: CallRecord) -> float | None:
    """Return for how many seconds a call's caller waited until it was decided, by a final response or by giving up.

    It is None where nothing came and a timer, or the end of the capture, was all that ended it.
    """
    return None if call.setup_seconds is None else call.setup_seconds.seconds


class ListItem(NamedTuple):
    """What stands in a list beside a call's time, parties and id."""

    name: Text
    how: tuple[str, ...]  # cells
    said: str  # the same in words, for a narrow terminal
    hop: str


class CallList:
    """Takes the calls of one kind, remembers the newest, and prints them."""

    def __init__(
        self,
        title: str,
        columns: tuple[Column | str, ...],
        takes: Callable[[CallRecord], bool],
        entry: Callable[[CallRecord], ListItem],
    ) -> None:
        self._title = title
        self._columns = (Column("Time", one_piece=True), "Call", *columns, Column("ID", one_piece=True))
        self._takes = takes
        self._entry = entry
        self._newest: deque[CallRecord] = deque(maxlen=NEWEST)
        self._count = 0

    def __bool__(self) -> bool:
        return bool(self._count)

    def take(self, call: CallRecord) -> bool:
        """Remember a call, if it is of this kind and among the newest; say whether it is of this kind."""
        if not self._takes(call):
            return False
        self._count += 1
        self._newest.append(call)
        return True

    @property
    def marks_links(self) -> bool:
        """Tell whether a call in it is marked as linked with another."""
        return any(call.linked for call in self._newest)

    def print(self, target: Console) -> None:
        """Print the list, if there is anything in it."""
        if not self._newest:
            return
        calls = sorted(self._newest, key=lambda call: call.started)
        title = f"{self._title}, newest last"
        if self._count > len(calls):
            title += f" (the newest {len(calls)} of {self._count:,}; --format csv has them all)"
        target.print()
        target.print(Text(title, style="bold"))
        entries = {call.id: self._entry(call) for call in calls}
        together = all(_fits(target, f"{said}  {hop}") for _, _, said, hop in entries.values())
        print_list(
            target,
            calls,
            self._columns,
            lambda call: _cells(call, entries[call.id]),
            lambda call: _lines(target, call, entries[call.id], together=together),
        )


def _cells(call: CallRecord, entry: ListItem) -> tuple[str | Text, ...]:
    return (call.started.clock, parties(call), entry.name, *entry.how, _marked(call))


def _lines(target: Console, call: CallRecord, entry: ListItem, *, together: bool) -> list[RenderableType]:
    """Return a call's paragraph for a narrow terminal; ``together`` says that the hop stands in the second line."""
    short = (_marked(call), FAINT)
    head = [Text.assemble(f"{call.started.clock}  ", entry.name, f"  {parties(call)}  ", short)]
    if head[0].cell_len > target.width:
        head = [Text.assemble(f"{call.started.clock}  ", entry.name, "  ", short), Text(parties(call))]
    rest = [f"{entry.said}  {entry.hop}"] if together else [entry.said, entry.hop]
    return [
        head[0],
        *(indented(line, _INDENT) for line in head[1:]),
        *(indented(line, _INDENT, FAINT) for line in rest),
    ]


def _marked(call: CallRecord) -> str:
    return f"{call.id} {LINKED}" if call.linked else call.id


def _fits(target: Console, line: str) -> bool:
    return _INDENT + Text(line).cell_len <= target.width


def failed_calls() -> CallList:
    """Return an empty list of calls that failed; what ended as planned is not in it."""
    columns = ("What became of it", "Response", "On the hop", figures("After"))
    return CallList("Failed calls", columns, lambda call: call.outcome in FAILURES, _failed)


def odd_calls() -> CallList:
    """Return an empty list of calls that were answered and ended in an odd way."""
    columns = ("How it ended", "By", "The BYE said", figures("Talked"))
    return CallList("Answered, and ended oddly", columns, is_odd, _odd)


def _failed(call: CallRecord) -> ListItem:
    name = Text(name_of_call(call), style=CATEGORY_STYLE[call.category])
    took = duration(call.ended.since(call.started)) if call.ended is not None else "-"
    response, hop = _response(call), stuck_at(call)
    return ListItem(name, (response, hop, took), f"{response}, after {took}", hop)


def _odd(call: CallRecord) -> ListItem:
    name = Text(plain_ending(call.ending or ""), style=ODD_STYLE)
    by = ENDED_BY_WORDS[call.ended_by or ""]
    talked = "-" if call.talk_seconds is None else duration(call.talk_seconds.seconds)
    said = end_cause(call)
    words = (
        f"by {by}" + ("" if call.talk_seconds is None else f", after {talked}") + (f", saying {said}" if said else "")
    )
    return ListItem(name, (by, said or "-", talked), words, f"{call.source_address} → {call.destination_address}")


def is_odd(call: CallRecord) -> bool:
    """Tell whether a call was answered and did not end as calls should."""
    return call.ending is not None and call.ending not in UNREMARKABLE


def end_cause(call: CallRecord) -> str:
    """Return what the BYE gave as its reason (RFC 3326), ``""`` where it gave none."""
    if call.end_cause is None:
        return terminal(call.end_cause_text or "")
    text = f' "{call.end_cause_text}"' if call.end_cause_text else ""
    return terminal(f"{call.end_cause_protocol} cause {call.end_cause}{text}")


def parties(call: CallRecord) -> str:
    """Return who called whom."""
    return f"{terminal(call.caller or '?')} → {terminal(call.callee or '?')}"


def end_name(peer: str, address: str) -> str:
    """Return what an end is called: the peer's name where it is configured, else its address."""
    return address if peer == OTHER else peer


def stuck_at(call: CallRecord) -> str:
    """Say on which hop a call got no further: that of its deepest leg that failed."""
    leg = _deepest(call)
    if leg is None:
        return f"{call.source_address} → {call.destination_address}"
    return f"{leg.source_address} → {leg.destination_address}"


def _deepest(call: CallRecord) -> LegRecord | None:
    failed = [leg for leg in call.legs if leg.outcome not in IN_ORDER]
    reached = [leg for leg in failed if leg.destination_address == call.destination_address]
    deepest = reached or failed
    return deepest[-1] if deepest else None


def response_words(call: CallRecord) -> str:
    """Return the final response to a call, or say that there was none, or that it was not captured."""
    if call.status_code is not None:
        return terminal(f"{call.status_code} {call.reason_phrase or ''}".strip())
    if call.ending is not None:
        return "answer not captured"
    unseen = any("final" in leg.inferred for leg in stands_for_the_call(call))
    return "final response not captured" if unseen else "no final response"


def _response(call: CallRecord) -> str:
    cause = f" ({call.cause_protocol};cause={call.cause})" if call.cause is not None else ""
    return response_words(call) + terminal(cause)
