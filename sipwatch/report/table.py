"""The report for people at a terminal: what was captured, what became of the calls, which failed and where.

Must not know: how records come about. All text from the wire is escaped here.
"""

from __future__ import annotations

import os
from collections import deque
from typing import IO, TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sipwatch.export.escape import terminal
from sipwatch.export.summary import Summary, stands_for_the_call
from sipwatch.report.causes import causes, devices, marks
from sipwatch.report.odd import is_odd, odd_lines, odd_table, parties
from sipwatch.report.plain import (
    CATEGORY_STYLE,
    CONDITION_WORDS,
    DISCARD_WORDS,
    FAILED_CATEGORIES,
    duration,
    plain_name,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import RenderableType

    from sipwatch.classify.outcomes import Outcome
    from sipwatch.export.record import CallRecord, CaptureRecord, LegRecord, SummaryRecord
    from sipwatch.export.summary import Delays, Tally

NEWEST = 30  # failed calls listed
MAX_ENDS = 12  # sources or destinations listed
BAR = 20  # characters
PIPED_WIDTH = 110  # columns when nobody says how wide the output is
_SIZES = ("COLUMNS", "LINES")
_SIZE_DIGITS = 6
_WIDE = 100  # columns from which on the failed calls stand in one line each


class TableWriter:
    """Takes calls, and prints the report at the end."""

    def __init__(self, out: IO[str], summary: Summary, categories: dict[Outcome, object]) -> None:
        self._console = console(out)
        self._summary = summary
        self._categories = {str(outcome): str(category) for outcome, category in categories.items()}
        self._failed: deque[CallRecord] = deque(maxlen=NEWEST)
        self._failures = 0
        self._odd: deque[CallRecord] = deque(maxlen=NEWEST)
        self._oddities = 0

    def call(self, record: CallRecord) -> None:
        """Remember a call that failed or ended oddly, if it is among the newest."""
        if record.category in FAILED_CATEGORIES:
            self._failures += 1
            self._failed.append(record)
        elif is_odd(record):
            self._oddities += 1
            self._odd.append(record)

    def finish(self, capture: CaptureRecord, summary: SummaryRecord) -> None:
        """Print the report."""
        self._head(capture)
        if not summary.calls:
            self._no_calls(capture)
            self._causes(summary)
            return
        self._outcomes()
        self._conditions()
        self._causes(summary)
        self._delays(summary)
        self._ends("From", self._summary.sources)
        self._ends("To", self._summary.destinations)
        self._listed("Failed calls", self._failed, self._failures, _failed_table, _failed_lines)
        self._listed("Answered, and ended oddly", self._odd, self._oddities, odd_table, odd_lines)
        if self._failed or self._odd:
            self._console.print(Text("Look closer with --ladder ID.", style="bright_black"))

    # Parts

    def _head(self, capture: CaptureRecord) -> None:
        say = self._console.print
        names = ", ".join(terminal(name) for name in capture.files[:3])
        more = f" and {len(capture.files) - 3} more" if len(capture.files) > 3 else ""
        say(Text(names + more, style="bold"))
        if capture.first is not None and capture.last is not None:
            span = duration(capture.last.since(capture.first))
            say(Text(f"{capture.first.day} {capture.first.clock} UTC, {span} long"))
        counts = f"{capture.packets:,} packets, {capture.messages:,} SIP messages"
        if capture.duplicates:
            counts += f", {capture.duplicates:,} duplicates left out"
        say(Text(counts))
        for reason, words in DISCARD_WORDS.items():
            if capture.discards.get(reason):
                say(Text(f"  {capture.discards[reason]:,} {words}", style="yellow"))
        for gap in capture.gaps:
            say(Text(f"  {gap}", style="yellow"))
        unseen = capture.notices.get("request_in_unknown_dialog", 0)
        if unseen:
            say(Text(f"  {unseen:,} requests of calls that were up before the capture began", style="bright_black"))

    def _no_calls(self, capture: CaptureRecord) -> None:
        say = self._console.print
        say()
        if self._summary.left_out:
            say(Text(f"None of the {self._summary.left_out:,} calls is as --filter asks."))
        elif capture.messages:
            methods = ", ".join(f"{terminal(method)} {count:,}" for method, count in capture.requests.items())
            say(Text(f"No call was attempted in this capture. Requests seen: {methods or 'none, only responses'}."))
        else:
            say(Text("No SIP message was found in this capture."))
            reasons = sorted(capture.discards.items(), key=lambda entry: -entry[1])[:5]
            if reasons:
                say(
                    Text(
                        "What was there instead: " + ", ".join(f"{reason} {count:,}" for reason, count in reasons) + "."
                    )
                )

    def _outcomes(self) -> None:
        summary = self._summary
        table = _table("Calls", "", "Share", "")
        for outcome, count in sorted(summary.outcomes.items(), key=lambda entry: -entry[1]):
            style = CATEGORY_STYLE[self._categories[outcome]]
            share = count / summary.calls
            bar = "█" * max(1, round(share * BAR))
            table.add_row(f"{count:,}", Text(plain_name(outcome), style=style), f"{share:.1%}", Text(bar, style=style))
        of = f"of {summary.calls + summary.left_out:,} calls" if summary.left_out else "calls"
        table.add_row(Text(f"{summary.calls:,}", style="bold"), Text(of, style="bold"), "", "")
        self._section(table)
        if summary.inferred:
            self._console.print(Text(_inferred(summary.inferred, summary.calls), style="yellow"))

    def _conditions(self) -> None:
        if not self._summary.conditions:
            return
        table = _table("Calls", "Wrong while it happened", "")
        for kind, count in sorted(self._summary.conditions.items(), key=lambda entry: -entry[1]):
            table.add_row(f"{count:,}", kind, Text(CONDITION_WORDS[kind], style="bright_black"))
        self._section(table)

    def _causes(self, summary: SummaryRecord) -> None:
        for table in (marks(summary), devices(summary)):
            if table is not None:
                self._section(table)
        found = list(causes(summary))
        if found:
            self._console.print()
            self._console.print(*found, sep="\n")

    def _delays(self, summary: SummaryRecord) -> None:
        table = _table("", "Median", "95 % within", "Longest")
        counted = self._summary
        for name, delays in (
            ("Post-dial delay", counted.post_dial),
            ("Time to final response", counted.setup),
            ("Ringing", counted.ring),
            ("Talking", counted.talk),
        ):
            _delay_row(table, name, delays)
        if table.row_count:
            self._section(table)
        ratios = (("SER", summary.ser), ("SEER", summary.seer), ("ISA", summary.isa), ("SCR", summary.scr))
        more = (("ASR", counted.asr), ("NER", counted.ner))
        words = "   ".join(f"{name} {value:.1%}" for name, value in (*ratios, *more) if value is not None)
        if words:
            self._console.print(Text(words))

    def _ends(self, title: str, ends: dict[str, Tally]) -> None:
        if set(ends) <= {"other"}:
            return  # no peer is configured: there is nothing to tell apart
        table = _table("Calls", title, "Answered", "Most frequent otherwise")
        ranked = sorted(ends.items(), key=lambda entry: -entry[1].calls)
        for name, tally in ranked[:MAX_ENDS]:
            others = {outcome: n for outcome, n in tally.outcomes.items() if outcome != "answered"}
            worst = max(others, key=lambda outcome: others[outcome], default=None)
            words = f"{plain_name(worst)} {others[worst]:,}" if worst else ""
            table.add_row(f"{tally.calls:,}", terminal(name), f"{tally.answered / tally.calls:.1%}", words)
        self._section(table)

    def _listed(
        self,
        title: str,
        newest: deque[CallRecord],
        count: int,
        in_columns: Callable[[list[CallRecord]], Table],
        in_lines: Callable[[CallRecord], RenderableType],
    ) -> None:
        """Print the newest calls of a kind, one line each if there is room."""
        if not newest:
            return
        calls = sorted(newest, key=lambda call: call.started)
        title += ", newest last"
        if count > len(calls):
            title += f" (the newest {len(calls)} of {count:,}; --format csv has them all)"
        self._console.print()
        self._console.print(Text(title, style="bold"))
        if self._console.width >= _WIDE:
            self._console.print(in_columns(calls))
        else:
            for call in calls:
                self._console.print(in_lines(call), soft_wrap=False)

    def _section(self, table: Table) -> None:
        self._console.print()
        self._console.print(table)


class _Console(Console):
    """A console that leaves a broken pipe to the command line: a reader that has seen enough is no failure."""

    def on_broken_pipe(self) -> None:
        """Raise it, where rich would exit with status 1."""
        raise BrokenPipeError


def console(out: IO[str]) -> Console:
    """Return a console on a text stream: colours only on a terminal, and none where NO_COLOR is set."""
    width = None if out.isatty() else PIPED_WIDTH
    # What rich takes for a number need not be one.
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in _SIZES or (value.isdecimal() and len(value) <= _SIZE_DIGITS)
    }
    return _Console(file=out, highlight=False, markup=False, emoji=False, width=width, _environ=environment)


def stuck_at(call: CallRecord) -> str:
    """Say on which hop a call got no further: that of its deepest leg that failed."""
    leg = _deepest(call)
    if leg is None:
        return f"{call.source_address} → {call.destination_address}"
    return f"{leg.source_address} → {leg.destination_address}"


def _deepest(call: CallRecord) -> LegRecord | None:
    failed = [leg for leg in call.legs if leg.outcome not in ("answered", "retried", "answered_elsewhere")]
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


def _inferred(count: int, calls: int) -> str:
    rest = "verdict rests" if count == 1 else "verdicts rest"
    return f"{count:,} of {calls:,} {rest} on inference: a message was not captured, and what followed shows it"


def _took(call: CallRecord) -> str:
    return duration(call.ended.since(call.started)) if call.ended is not None else "-"


def _failed_table(calls: list[CallRecord]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bright_black")
    table.add_column("Time", no_wrap=True)
    table.add_column("Call", overflow="fold")
    table.add_column("What became of it", overflow="fold")
    table.add_column("Response", overflow="fold")
    table.add_column("On the hop", overflow="fold")
    table.add_column("After", justify="right", no_wrap=True)
    table.add_column("ID", no_wrap=True)
    for call in calls:
        name = Text(plain_name(call.outcome), style=CATEGORY_STYLE[call.category])
        table.add_row(call.started.clock, parties(call), name, _response(call), stuck_at(call), _took(call), call.id)
    return table


def _failed_lines(call: CallRecord) -> Text:
    text = Text(f"{call.started.clock}  ", no_wrap=False)
    text.append(plain_name(call.outcome), style=CATEGORY_STYLE[call.category])
    text.append(f"  {parties(call)}  {call.id}\n")
    text.append(f"          {_response(call)}, after {_took(call)}\n          {stuck_at(call)}", style="bright_black")
    return text


def _table(*headers: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bright_black")
    for place, header in enumerate(headers):
        numeric = header in ("Calls", "Share", "Median", "95 % within", "Longest", "Answered")
        table.add_column(header, justify="right" if numeric else "left", no_wrap=numeric, overflow="fold")
        del place
    return table


def _delay_row(table: Table, name: str, delays: Delays) -> None:
    if delays.count:
        table.add_row(name, duration(delays.quantile(0.5)), duration(delays.quantile(0.95)), duration(delays.largest))
