"""Answered calls that ended in an odd way, as a list: who, when, after how long, how, and what was said about it.

Must not know: how records come about, or how an ending is told. All text from the wire is escaped here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from sipwatch.classify.endings import UNREMARKABLE
from sipwatch.export.escape import terminal
from sipwatch.report.plain import ENDED_BY_WORDS, duration, plain_ending

if TYPE_CHECKING:
    from sipwatch.export.record import CallRecord

STYLE = "red"
_INDENT = 10  # columns that the time takes in a narrow list


def is_odd(call: CallRecord) -> bool:
    """Tell whether a call was answered and did not end as calls should."""
    return call.ending is not None and call.ending not in UNREMARKABLE


def end_cause(call: CallRecord) -> str:
    """Return what the BYE gave as its reason (RFC 3326), ``""`` where it gave none."""
    if call.end_cause is None:
        return terminal(call.end_cause_text or "")
    text = f' "{call.end_cause_text}"' if call.end_cause_text else ""
    return terminal(f"{call.end_cause_protocol} cause {call.end_cause}{text}")


def odd_table(calls: list[CallRecord]) -> Table:
    """Return the list for a wide terminal, a line for each call."""
    table = Table(box=None, pad_edge=False, header_style="bright_black")
    table.add_column("Time", no_wrap=True)
    table.add_column("Call", overflow="fold")
    table.add_column("How it ended", overflow="fold")
    table.add_column("By", overflow="fold")
    table.add_column("The BYE said", overflow="fold")
    table.add_column("Talked", justify="right", no_wrap=True)
    table.add_column("ID", no_wrap=True)
    for call in calls:
        ending = Text(plain_ending(call.ending or ""), style=STYLE)
        by = ENDED_BY_WORDS[call.ended_by or ""]
        talked = "-" if call.talk_seconds is None else duration(call.talk_seconds.seconds)
        table.add_row(call.started.clock, parties(call), ending, by, end_cause(call) or "-", talked, call.id)
    return table


def odd_lines(call: CallRecord) -> Group:
    """Return a call's entry for a narrow terminal."""
    head = Text(f"{call.started.clock}  ", no_wrap=False)
    head.append(plain_ending(call.ending or ""), style=STYLE)
    head.append(f"  {parties(call)}  {call.id}")
    talked = "" if call.talk_seconds is None else f", after {duration(call.talk_seconds.seconds)}"
    said = end_cause(call)
    words = f"by {ENDED_BY_WORDS[call.ended_by or '']}{talked}" + (f", saying {said}" if said else "")
    ends = f"{call.source_address} → {call.destination_address}"
    return Group(
        head, *(Padding(Text(line, "bright_black"), (0, 0, 0, _INDENT), expand=False) for line in (words, ends))
    )


def parties(call: CallRecord) -> str:
    """Return who called whom."""
    return f"{terminal(call.caller or '?')} → {terminal(call.callee or '?')}"
