"""The report as a page of its own: one file that loads nothing and runs nothing, to read, to print and to send.

Calls are taken one by one in bounded memory; the page is written at the end, from ``templates/report/``. What is to
be hidden is hidden in everything that is shown, and in nothing that is counted or compared.

Must not know: files, commands, how records come about, any clock.
"""

from __future__ import annotations

import base64
import hashlib
from typing import IO, TYPE_CHECKING, Any, Final, NamedTuple

from markupsafe import Markup
from msgspec.structs import replace

from sipwatch.classify.endings import UNREMARKABLE
from sipwatch.classify.families.device import STREAK_FROM
from sipwatch.classify.outcomes import CATEGORY_OF, FAILURES, Category
from sipwatch.classify.peers import OTHER
from sipwatch.export import html
from sipwatch.export.agents import AgentFigures
from sipwatch.export.naming import BUSY_NAME, name_of_call
from sipwatch.export.summary import by_frequency
from sipwatch.export.writers import PrivateWriter
from sipwatch.knowledge import load
from sipwatch.report.agents import (
    AGENTS_LEGEND,
    FAIR_SHARE_HEAD,
    IDLE_LEGEND,
    SHARE_HEAD,
    answer_words,
    busy_words,
    remark_words,
    share_words,
)
from sipwatch.report.html.chart import STACK, stacked, swatch
from sipwatch.report.html.known import known_of
from sipwatch.report.html.rows import (
    FailedRow,
    NewestRows,
    OddRow,
    RefusedRow,
    device_of,
    failed_row,
    odd_row,
    refused_legs,
    refused_rows,
    short_text,
)
from sipwatch.report.html.scope import OF_AGENTS, SECTIONS, View
from sipwatch.report.html.supplier import direction_of
from sipwatch.report.html.tally import MAX_RESPONSES, ResponseTally
from sipwatch.report.html.timeline import Timeline
from sipwatch.report.html.unreached import UnreachedCallers
from sipwatch.report.html.worst import MAX_DRAWN, RULE, WorstCalls
from sipwatch.report.listed import is_odd
from sipwatch.report.plain import (
    CATEGORY_MARKS,
    CATEGORY_NAMES,
    CONDITION_WORDS,
    DELAY_WORDS,
    DISCARD_WORDS,
    RATIO_WORDS,
    TAG_WORDS,
    duration,
    plain_ending,
    several,
)
from sipwatch.report.svg import ladder_svg

if TYPE_CHECKING:
    from collections.abc import Callable

    from sipwatch.export.agents import AgentRecord
    from sipwatch.export.privacy import Policy
    from sipwatch.export.record import CallRecord, CaptureFindingRecord, CaptureRecord, LegRecord, SummaryRecord
    from sipwatch.export.summary import OutcomeCounts, Summary
    from sipwatch.report.html.scope import Scope
    from sipwatch.report.html.unreached import UnreachedCaller

_NEVER: Final = 1 << 63
MAX_CAUSES: Final = 40
MAX_AGENTS_SHOWN: Final = 1_000
MAX_WAITING_SHOWN: Final = 1_000
MAX_ENDS_SHOWN: Final = 50
MAX_LADDER_ROWS: Final = 80
_WIDTH_OF_LADDER: Final = 860
_IDS_SHOWN: Final = 5

TITLES: Final = {
    "outcomes": "What became of the calls",
    "time": "When",
    "causes": "Probable causes",
    "responses": "What failed calls were told",
    "failed": "Failed calls",
    "odd": "Answered, and ended oddly",
    "agents": "Agents",
    "refused": "Calls that a device did not take",
    "callbacks": "To be called back",
    "peers": "Peers",
    "delays": "How long it took",
    "ladders": "The worst, message by message",
    "knowledge": "What it means, and who should act",
}


class SharedOut(NamedTuple):
    """A part of all calls: its word, name, category, mark, count and share, and who should look at it."""

    name: str
    category: str
    mark: str
    calls: int
    share: float
    who: str


class EndLine(NamedTuple):
    """One peer on one side: calls, those answered, and what most of the others came to."""

    name: str
    calls: int
    answered: float
    otherwise: str


class Drawing(NamedTuple):
    """A call that is drawn; ``svg`` is empty where its messages were not kept."""

    title: str
    about: str
    svg: Markup


class _Seen:
    """Keeps what is handed on to it, with hidden what is to be hidden."""

    call_: CallRecord
    whole: tuple[CaptureRecord, SummaryRecord]

    def call(self, record: CallRecord) -> None:
        self.call_ = record

    def finish(self, capture: CaptureRecord, summary: SummaryRecord) -> None:
        self.whole = (capture, summary)


class PageWriter:
    """Takes calls, and writes the page at the end.

    ``summary`` counts the same calls. ``messages_of`` returns a call with its messages, where they do not come along.
    """

    def __init__(
        self,
        out: IO[bytes],
        summary: Summary,
        scope: Scope,
        policy: Policy | None = None,
        messages_of: Callable[[CallRecord], CallRecord] | None = None,
    ) -> None:
        self._out = out
        self._summary = summary
        self._scope = scope
        self._policy = policy
        self._messages_of = messages_of
        self._seen = _Seen()
        self._shown = self._seen if policy is None else PrivateWriter(self._seen, policy)
        self._first, self._last = _NEVER, 0  # ns: when the first call began, and the last
        self._timeline = Timeline(scope.times.zone)
        self._tally = ResponseTally(scope.times)
        self._agents = AgentFigures(roster=scope.roster)
        self._unreached = UnreachedCallers(scope.region, scope.trunks)
        self._worst = WorstCalls()
        self._failed: NewestRows[FailedRow] = NewestRows()
        self._odd: NewestRows[OddRow] = NewestRows()
        self._refused: NewestRows[RefusedRow] = NewestRows()

    def call(self, record: CallRecord) -> None:
        """Take a call."""
        self._worst.take(record)
        if record.messages is not None:
            record = replace(record, messages=None)
        self._first, self._last = min(self._first, record.started), max(self._last, record.started)
        self._timeline.add(record.started, record.category)
        self._tally.add(record)
        self._agents.add(record)
        self._unreached.add(record)
        refused = refused_legs(record)
        failed, odd = record.outcome in FAILURES, is_odd(record)
        if not (failed or odd or refused or record.findings):
            return
        self._shown.call(record)
        self._list(record, self._seen.call_, failed=failed, odd=odd)

    def _list(self, record: CallRecord, shown: CallRecord, *, failed: bool, odd: bool) -> None:
        times = self._scope.times
        if failed:
            own = {"who": self._who(record.outcome), "direction": self._direction(record)}
            self._failed.take(record.started, failed_row(shown, times, load())._replace(**own))
        if odd:
            self._odd.take(record.started, odd_row(shown, times)._replace(direction=self._direction(record)))
        names = {id(leg): self._agent(own) for leg, own in zip(shown.legs, record.legs, strict=True)}
        for row in refused_rows(shown, times, lambda leg: names[id(leg)] or device_of(leg)):
            self._refused.take(record.started, row)

    def _direction(self, record: CallRecord) -> str:
        return direction_of(record, self._scope.peer) if self._scope.view is View.PEER else ""

    def _who(self, outcome: str) -> str:
        """Return who should look at calls with an outcome; what is up to people is no supplier's business."""
        ours = self._scope.view is View.PEER and CATEGORY_OF[outcome] == Category.USER
        return "" if ours or CATEGORY_OF[outcome] == Category.SUCCESS else load().outcome(outcome).who

    def _agent(self, leg: LegRecord) -> str | None:
        """Return what the agent at the end of a hop is called, None where the configuration does not say."""
        number = leg.device or leg.callee
        agent = self._scope.roster.find(number) if number else None
        if agent is None:
            return None
        policy = self._policy
        name, shown = (
            (agent.name, agent.number) if policy is None else (policy.name(agent.name), policy.number(agent.number))
        )
        return f"{name} {shown}"

    def finish(self, capture: CaptureRecord, summary: SummaryRecord) -> None:
        """Write the page."""
        self._shown.finish(capture, summary)
        shown_capture, shown_summary = self._seen.whole
        style = html.stylesheet("report/report.css")
        text = html.fill_in(
            "report/page.html",
            **self._values(shown_capture, shown_summary),
            style=Markup(style),  # noqa: S704 - ours
            style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        )
        self._out.write(text.encode("utf-8", "replace"))

    # What the templates fill in

    def _values(self, capture: CaptureRecord, summary: SummaryRecord) -> dict[str, Any]:
        scope = self._scope
        span, bars = self._timeline.bars()
        responses = self._tally.responses()
        agents, causes = self._agents.records(), self._causes(summary)
        sections = [name for name in SECTIONS[scope.view] if self._summary.calls or name in ("causes", "knowledge")]
        return {
            "scope": scope,
            "sections": sections,
            "titles": TITLES if scope.view is not View.PEER else {**TITLES, "knowledge": "What it means"},
            "capture": capture,
            "summary": summary,
            "counted": self._summary,
            "head": _head(scope, capture, self._summary, (self._first, self._last)),
            "losses": self._losses(capture),
            "outcomes": self._outcomes(),
            "odd_endings": {
                plain_ending(e): n for e, n in by_frequency(self._summary.endings).items() if e not in UNREMARKABLE
            },
            "span": span,
            "bars": bars,
            "stack": STACK,
            "categories": {category.value: name for category, name in CATEGORY_NAMES.items()},
            "chart": Markup(stacked(bars, span)),  # noqa: S704 - escaped there, as the other drawings are
            "swatches": {category: Markup(swatch(category)) for category in STACK},  # noqa: S704
            "causes": causes[:MAX_CAUSES],
            "more_causes": max(0, len(causes) - MAX_CAUSES),
            "responses": responses[:MAX_RESPONSES],
            "more_responses": sum(one.calls for one in responses[MAX_RESPONSES:]) + self._tally.left_out,
            "failed": self._failed,
            "odd": self._odd,
            "refused": self._refused,
            "hours": self._tally.hours(),
            "agents": [self._shown_agent(agent) for agent in agents[:MAX_AGENTS_SHOWN]],
            "all_agents": len(agents),
            "agents_left_out": self._agents.left_out,
            "unreached": self._unreached,
            "waiting": [self._shown_caller(one) for one in self._unreached.waiting()[:MAX_WAITING_SHOWN]],
            "all_waiting": len(self._unreached.waiting()),
            "froms": _ends(self._summary.sources),
            "tos": _ends(self._summary.destinations),
            "delays": self._delays(),
            "ratios": [(name.upper(), getattr(summary, name), words) for name, words in RATIO_WORDS.items()],
            "drawings": self._drawings(),
            "rule": RULE,
            "known": known_of(summary, responses, scope.view),
            "busy_name": BUSY_NAME,
            "words": {"conditions": CONDITION_WORDS, "tags": TAG_WORDS},
            "duration": duration,
            "several": several,
            "streak_from": STREAK_FROM,
            "plain_finding": lambda kind: load().finding(kind).plain,
            "knowledge": load(),
            "who_acts": self._who,
            "answer_words": answer_words,
            "busy_words": busy_words,
            "share_words": share_words,
            "share_heads": (SHARE_HEAD, FAIR_SHARE_HEAD),
            "agents_legend": [AGENTS_LEGEND, *([IDLE_LEGEND] if any(agent.idle_busy for agent in agents) else [])],
            "remark_words": remark_words,
        }

    def _losses(self, capture: CaptureRecord) -> list[str]:
        """Say what the report cannot show, and why."""
        found = [
            f"{capture.discards[reason]:,} {words}"
            for reason, words in DISCARD_WORDS.items()
            if capture.discards.get(reason)
        ]
        found += [*capture.gaps, *self._scope.gaps]
        if self._summary.inferred:
            found.append(
                f"{self._summary.inferred:,} of {self._summary.calls:,} verdicts rest on inference: a message was not"
                " captured, and what followed shows it."
            )
        return found

    def _outcomes(self) -> list[tuple[str, list[SharedOut]]]:
        """Return what became of all calls; for a supplier apart of those to it and of those from it."""
        counted, peer = self._summary, self._scope.peer
        if self._scope.view is not View.PEER:
            return [("", self._shared_out(counted))]
        sides = ((f"Calls to {peer}", counted.destinations), (f"Calls from {peer}", counted.sources))
        return [(title, self._shared_out(ends[peer])) for title, ends in sides if peer in ends]

    def _shared_out(self, counted: OutcomeCounts) -> list[SharedOut]:
        return [
            SharedOut(
                name,
                CATEGORY_OF[outcome],
                CATEGORY_MARKS[Category(CATEGORY_OF[outcome])],
                count,
                count / counted.calls,
                self._who(outcome),
            )
            for outcome, name, count in counted.named()
        ]

    def _causes(self, summary: SummaryRecord) -> list[CaptureFindingRecord]:
        found = [one for one in summary.findings if self._scope.view is not View.AGENTS or one.kind in OF_AGENTS]
        return sorted(found, key=lambda one: (-one.calls, one.first))

    def _shown_agent(self, agent: AgentRecord) -> AgentRecord:
        return agent if self._policy is None else self._policy.agent(agent)

    def _shown_caller(self, caller: UnreachedCaller) -> UnreachedCaller:
        policy = self._policy
        shown = (caller.number, caller.dialled)
        number, dialled = shown if policy is None else (policy.number(one) for one in shown)
        return caller._replace(number=short_text(number), dialled=short_text(dialled))

    def _delays(self) -> list[tuple[str, float, float, float]]:
        counted = self._summary
        given = (
            ("progress", counted.post_dial),
            ("setup_seconds", counted.setup),
            ("ring_seconds", counted.ring),
            ("talk_seconds", counted.talk),
        )
        return [
            (DELAY_WORDS[name], spread.quantile(0.5) or 0.0, spread.quantile(0.95) or 0.0, spread.longest)
            for name, spread in given
            if spread.count
        ]

    def _drawings(self) -> list[Drawing]:
        if "ladders" not in SECTIONS[self._scope.view]:
            return []
        return [self._drawing(example.call, example.calls) for example in self._worst.worst()[:MAX_DRAWN]]

    def _drawing(self, call: CallRecord, calls: int) -> Drawing:
        if self._messages_of is not None:
            call = self._messages_of(call)
        if self._policy is not None:
            call = self._policy.call(call)
        svg = ladder_svg(call, width=_WIDTH_OF_LADDER, most_rows=MAX_LADDER_ROWS) if call.messages else ""
        name = f"Ended oddly: {plain_ending(call.ending or '')}" if is_odd(call) else name_of_call(call)
        like = "the only one of its kind" if calls == 1 else f"the newest of {calls:,} of its kind"
        caller, callee, call_id = (short_text(text or "?") for text in (call.caller, call.callee, call.call_id))
        about = f"{self._scope.times.exact(call.started)}, {like}; id {call.id}, Call-ID {call_id}"
        return Drawing(f"{name}: {caller} → {callee}", about, Markup(svg))  # noqa: S704 - every text in it was escaped


def _head(scope: Scope, capture: CaptureRecord, counted: Summary, began: tuple[int, int]) -> list[tuple[str, str]]:
    """Return what stands at the top: names and values."""
    times = scope.times
    since, until = scope.period
    found = []
    if since is not None or until is not None:
        begin = "the beginning" if since is None else times.full(since)
        found.append(("Period", f"{begin} to {'now' if until is None else times.full(until)} ({times.name})"))
    elif capture.first is not None and capture.last is not None:
        span = duration(capture.last.since(capture.first))
        found.append(
            ("Period", f"{times.full(capture.first)} to {times.full(capture.last)} ({times.name}), {span} long")
        )
    elif counted.calls:
        first, last = (times.full(moment) for moment in began)
        found.append(("Calls began", f"{first} to {last} ({times.name})"))
    if scope.source:
        found.append(("From", ", ".join(scope.source)))
    if capture.packets:
        found.append(("Read", f"{several(capture.packets, 'packet')}, {several(capture.messages, 'SIP message')}"))
    if scope.selection:
        found.append(("Only calls with", scope.selection))
    calls = f"{counted.calls:,}" + (f" of {counted.calls + counted.left_out:,}" if counted.left_out else "")
    return [*found, ("Calls", calls)]


def _ends(ends: dict[str, OutcomeCounts]) -> list[EndLine]:
    if set(ends) <= {OTHER}:
        return []  # no peer is configured: there is nothing to tell apart
    ranked = sorted(ends.items(), key=lambda entry: (-entry[1].calls, entry[0]))
    return [
        EndLine(name, end.calls, end.answered / end.calls, _otherwise(end)) for name, end in ranked[:MAX_ENDS_SHOWN]
    ]


def _otherwise(end: OutcomeCounts) -> str:
    return ", ".join(f"{name} {count:,}" for outcome, name, count in end.named() if outcome != "answered")
