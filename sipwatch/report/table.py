"""The report for people at a terminal: what was captured, what became of the calls, which failed and where.

Must not know: how records come about. All text from the wire is escaped here.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from rich.text import Text

from sipwatch.classify.outcomes import CATEGORY_OF
from sipwatch.export.escape import terminal
from sipwatch.report.causes import causes, devices, marks
from sipwatch.report.listed import LINKED, failed_calls, odd_calls
from sipwatch.report.plain import (
    CATEGORY_STYLE,
    CONDITION_WORDS,
    DELAY_WORDS,
    DISCARD_WORDS,
    RATIO_WORDS,
    duration,
    several,
)
from sipwatch.report.screen import FAINT, Column, console, figures, table

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from sipwatch.classify.spread import Spread
    from sipwatch.export.record import CallRecord, CaptureRecord, SummaryRecord
    from sipwatch.export.summary import OutcomeCounts, Summary

MAX_ENDS = 12  # sources or destinations listed
BAR = 20  # characters


class TableWriter:
    """Takes calls, and prints the report at the end."""

    def __init__(self, out: IO[str], summary: Summary) -> None:
        self._console = console(out)
        self._summary = summary
        self._lists = (failed_calls(), odd_calls())

    def call(self, record: CallRecord) -> None:
        """Remember a call that failed or ended oddly, if it is among the newest."""
        any(listed.take(record) for listed in self._lists)

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
        self._delays()
        self._ratios(summary)
        self._ends("From", self._summary.sources)
        self._ends("To", self._summary.destinations)
        for listed in self._lists:
            listed.print(self._console)
        if any(self._lists):
            self._console.print(Text("Look closer with --ladder ID.", style=FAINT))
        if any(listed.marks_links for listed in self._lists):
            words = f"{LINKED} marks a call that is linked with another of the same conversation."
            self._console.print(Text(words, style=FAINT))

    # Parts

    def _head(self, capture: CaptureRecord) -> None:
        say = self._console.print
        names = ", ".join(terminal(name) for name in capture.files[:3])
        more = f" and {len(capture.files) - 3} more" if len(capture.files) > 3 else ""
        say(Text(names + more, style="bold"))
        if capture.first is not None and capture.last is not None:
            span = duration(capture.last.since(capture.first))
            say(Text(f"{capture.first.day} {capture.first.clock} UTC, {span} long"))
        counts = f"{several(capture.packets, 'packet')}, {several(capture.messages, 'SIP message')}"
        if capture.duplicates:
            counts += f", {several(capture.duplicates, 'duplicate')} left out"
        say(Text(counts))
        for reason, words in DISCARD_WORDS.items():
            if capture.discards.get(reason):
                say(Text(f"  {capture.discards[reason]:,} {words}", style="yellow"))
        for gap in capture.gaps:
            say(Text(f"  {gap}", style="yellow"))
        unseen = capture.notices.get("request_in_unknown_dialog", 0)
        if unseen:
            words = f"  {several(unseen, 'request')} of calls that were up before the capture began"
            say(Text(words, style=FAINT))

    def _no_calls(self, capture: CaptureRecord) -> None:
        say = self._console.print
        say()
        if self._summary.left_out:
            say(Text(f"None of the {several(self._summary.left_out, 'call')} matches --filter."))
        elif capture.messages:
            methods = ", ".join(f"{terminal(method)} {count:,}" for method, count in capture.requests.items())
            say(Text(f"No call was attempted in this capture. Requests seen: {methods or 'none, only responses'}."))
        else:
            say(Text("No SIP message was found in this capture."))
            reasons = sorted(capture.discards.items(), key=lambda entry: -entry[1])[:5]
            if reasons:
                counts = ", ".join(f"{reason} {count:,}" for reason, count in reasons)
                say(Text(f"What was there instead: {counts}."))

    def _outcomes(self) -> None:
        summary = self._summary
        rows = table(figures("Calls"), "", figures("Share"), "")
        for outcome, name, count in summary.named():
            style = CATEGORY_STYLE[CATEGORY_OF[outcome]]
            share = count / summary.calls
            bar = "█" * max(1, round(share * BAR))
            rows.add_row(f"{count:,}", Text(name, style=style), f"{share:.1%}", Text(bar, style=style))
        kept, all_calls = summary.calls, summary.calls + summary.left_out
        words = f"of {several(all_calls, 'call')}" if summary.left_out else several(kept, "call").partition(" ")[2]
        rows.add_row(Text(f"{kept:,}", style="bold"), Text(words, style="bold"), "", "")
        self._section(rows)
        if summary.inferred:
            self._console.print(Text(_inferred(summary.inferred, summary.calls), style="yellow"))
        if summary.linked_pairs and not summary.left_out:
            each = "each " if summary.linked_pairs > 1 else ""
            words = f"{several(summary.linked_pairs, 'pair')} of linked calls, {each}counted as two calls"
            self._console.print(Text(words, style=FAINT))

    def _conditions(self) -> None:
        if not self._summary.conditions:
            return
        rows = table(figures("Calls"), Column("Wrong while it lasted", one_piece=True), "")
        for kind, count in sorted(self._summary.conditions.items(), key=lambda entry: -entry[1]):
            rows.add_row(f"{count:,}", kind, Text(CONDITION_WORDS[kind], style=FAINT))
        self._section(rows)

    def _causes(self, summary: SummaryRecord) -> None:
        for found in (marks(summary), devices(summary)):
            if found is not None:
                self._section(found)
        lines = list(causes(summary))
        if lines:
            self._console.print()
            self._console.print(*lines, sep="\n")

    def _delays(self) -> None:
        rows = table("", figures("Median"), figures("95 % within"), figures("Longest"))
        counted = self._summary
        for name, delays in (
            ("progress", counted.post_dial),
            ("setup_seconds", counted.setup),
            ("ring_seconds", counted.ring),
            ("talk_seconds", counted.talk),
        ):
            _delay_row(rows, DELAY_WORDS[name], delays)
        if rows.row_count:
            self._section(rows)

    def _ratios(self, summary: SummaryRecord) -> None:
        """Print the usual ratios, each with a few words: nobody knows them all by heart."""
        rows = table(Column("Ratio", one_piece=True), figures("Share"), "of all calls")
        for name, words in RATIO_WORDS.items():
            value = getattr(summary, name)
            if value is not None:
                rows.add_row(name.upper(), f"{value:.1%}", Text(words, style=FAINT))
        if rows.row_count:
            self._section(rows)

    def _ends(self, title: str, ends: dict[str, OutcomeCounts]) -> None:
        if set(ends) <= {"other"}:
            return  # no peer is configured: there is nothing to tell apart
        rows = table(figures("Calls"), title, figures("Answered"), "Most frequent otherwise")
        ranked = sorted(ends.items(), key=lambda entry: -entry[1].calls)
        for name, tally in ranked[:MAX_ENDS]:
            words = next((f"{called} {n:,}" for outcome, called, n in tally.named() if outcome != "answered"), "")
            rows.add_row(f"{tally.calls:,}", terminal(name), f"{tally.answered / tally.calls:.1%}", words)
        self._section(rows)

    def _section(self, what: RenderableType) -> None:
        self._console.print()
        self._console.print(what)


def _inferred(count: int, calls: int) -> str:
    rest = "verdict rests" if count == 1 else "verdicts rest"
    return f"{count:,} of {calls:,} {rest} on inference: a message was not captured, and what followed shows it"


def _delay_row(rows: Table, name: str, delays: Spread) -> None:
    if delays.count:
        rows.add_row(name, duration(delays.quantile(0.5)), duration(delays.quantile(0.95)), duration(delays.longest))
