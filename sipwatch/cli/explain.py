"""``sipwatch explain``: what a word or code of the reports means, and who should act.

Must not know: captures. What is known stands in ``knowledge``, not here.
"""

from __future__ import annotations

import textwrap
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from sipwatch.cli.options import Format, choice, format_option
from sipwatch.cli.output import opened, text_of
from sipwatch.cli.words import FailOn, fail

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import IO

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from sipwatch.classify.peers import PeerKind
    from sipwatch.knowledge import Knowledge
    from sipwatch.knowledge.record import ExplanationRecord, LeadRecord

_WIDEST = 100  # columns: longer lines are hard to read
_NARROW = 76  # columns below which the list leaves out a column
_NARROW_KEYS = 40  # columns below which the longest keys take two lines
_INDENT = "  "
_MAX_QUOTE_LENGTH = 60  # characters of the user's words that are repeated
_CODED = ("status", "cause")
_WITH_KIND = ("outcome", *_CODED)


class OfKind(StrEnum):
    """What stands at the peer that is concerned."""

    TRUNK = "trunk"
    DEVICES = "devices"
    SERVER = "server"


def _begun(incomplete: str) -> list[tuple[str, str]]:
    """Return the words and codes that begin so, with their plain names: what a shell completes."""
    records = _everything(_knowledge(), None)
    return list({record.key: record.plain_name for record in records if record.key.startswith(incomplete)}.items())


def explain(
    what: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[WHAT]",
            help="A status code (486), a cause ('Q.850;cause=19'), an outcome, condition, ending, finding or tag "
            "(no_answer, 'Agent busy'), how an agent took a call (rang_out), a ratio (SER), a metric or alert, a "
            "status line or a Reason header. Without it: a list of all.",
            show_default=False,
            autocompletion=_begun,
        ),
    ] = None,
    kind: Annotated[
        OfKind | None,
        choice(*OfKind, words="The kind of peer it came from: providers mean other things by a code than devices."),
    ] = None,
    form: Annotated[Format, format_option(Format.TEXT, Format.JSON)] = Format.TEXT,
) -> None:
    """Explain a code, word, metric or alert: what it means, and who should do what."""
    wanted = " ".join(what or ())
    if what and not wanted.strip():
        raise typer.BadParameter("say what to explain, such as 486 or no_answer", param_hint="WHAT")
    knowledge = _knowledge()
    peer = _peer(kind)
    records = _find(knowledge, wanted, peer) if what else _everything(knowledge, peer)
    if peer is not None and not any(record.kind in _WITH_KIND for record in records):
        raise typer.BadParameter(
            "a peer's kind makes a difference to outcomes, status codes and causes only", param_hint="--kind"
        )
    with opened(None) as out:
        if form is Format.JSON:
            _write_json(out, records, wanted if what else None, peer)
        elif what:
            _print_all(out, knowledge, records)
        else:
            _print_list(out, knowledge, records)


def _knowledge() -> Knowledge:
    from sipwatch.knowledge import KnowledgeError, load

    with FailOn(KnowledgeError):
        return load()


def _peer(kind: OfKind | None) -> PeerKind | None:
    from sipwatch.classify.peers import PeerKind

    return None if kind is None else PeerKind(kind.value)


def _everything(knowledge: Knowledge, peer: PeerKind | None) -> list[ExplanationRecord]:
    from sipwatch.export.explaining import everything

    return everything(knowledge, peer)


def _find(knowledge: Knowledge, wanted: str, peer: PeerKind | None) -> list[ExplanationRecord]:
    from sipwatch.export.explaining import explained

    found = explained(knowledge, wanted, peer)
    if not found:
        quoted = wanted if len(wanted) <= _MAX_QUOTE_LENGTH else wanted[: _MAX_QUOTE_LENGTH - 3] + "..."
        fail(f"nothing is known about '{quoted}'; {_hint(knowledge, wanted)}")
    return found


def _hint(knowledge: Knowledge, wanted: str) -> str:
    from sipwatch.export.explaining import near

    names = near(knowledge, wanted)
    if names:
        return f"did you mean {' or '.join(filter(None, (', '.join(names[:-1]), names[-1])))}?"
    if ";" in wanted:
        return "of Reason headers Q.850;cause=1 to 127 is read, and SIP;cause= with a status code"
    if any(character.isdigit() for character in wanted):
        return "status codes are 100 to 699, Q.850 causes 1 to 127"
    return "sipwatch explain, without more, lists everything"


# JSON


def _write_json(out: IO[bytes], records: list[ExplanationRecord], wanted: str | None, peer: PeerKind | None) -> None:
    """Write one object that holds what was found, or the list of everything."""
    from sipwatch.export.escape import terminal
    from sipwatch.export.writers import write_json

    found = {"query": terminal(wanted), "peer_kind": peer, "entries": records} if wanted is not None else records
    write_json(out, found, indent=True)


# Text


def _print_all(out: IO[bytes], knowledge: Knowledge, records: list[ExplanationRecord]) -> None:
    with text_of(out) as text:
        console = _console(text)
        for place, record in enumerate(records):
            if place:
                console.print()
            _Page(console, knowledge).entry(record)


def _console(out: IO[str]) -> Console:
    from sipwatch.report.screen import console

    return console(out, _WIDEST)


class _Page:
    """Prints an explanation for reading, headed paragraphs one below the other."""

    def __init__(self, console: Console, knowledge: Knowledge) -> None:
        self._console = console
        self._knowledge = knowledge

    def entry(self, record: ExplanationRecord) -> None:
        labels = self._knowledge.labels
        self._title(record)
        if record.kind in _CODED:
            self._leads(record)
        self._section(labels.meaning, record.meaning)
        self._section(labels.agent, record.agent)
        self._section(labels.admin, record.admin)
        self._list(labels.situations, record.situations)
        self._section(labels.misuse, record.misuse)
        if record.kind == "alert":
            self._runbook(record.key)
        if record.reached_by:
            self._section(labels.reached_by, "; ".join(self._sources(record)))
        self._section(labels.reference, record.reference)

    def _title(self, record: ExplanationRecord) -> None:
        names = record.key if record.name == record.key else f"{record.key} {record.name}"
        self._paragraph(f"{names}: {record.plain_name}", indent="", style="bold")
        self._paragraph(self._subtitle(record), indent="", style="bright_black")

    def _subtitle(self, record: ExplanationRecord) -> str:
        labels = self._knowledge.labels
        words = labels.of(record.kind)
        if record.category is not None:
            words += f", {labels.category} {record.category}"
        if record.kind == "cause":
            words += f", {self._knowledge.class_of_cause(int(record.key))}"
        return words

    def _leads(self, record: ExplanationRecord) -> None:
        labels = self._knowledge.labels
        if record.leads_to:
            self._list(labels.leads_to, [self._lead(lead) for lead in record.leads_to])
            self._paragraph(labels.by_rule, style="bright_black")
        elif record.heard is not None:
            self._section(labels.leads_to, labels.provisional.format(heard=record.heard))
        else:
            self._section(labels.leads_to, labels.silent)

    def _lead(self, lead: LeadRecord) -> str:
        from sipwatch.knowledge.leads import When

        name = f"{lead.outcome} ({self._knowledge.outcome(lead.outcome).plain}, {lead.category})"
        return ", ".join(filter(None, (name, self._knowledge.when(When(lead.when)))))

    def _sources(self, record: ExplanationRecord) -> list[str]:
        from sipwatch.knowledge.leads import When

        found: dict[tuple[str, str], list[str]] = {}
        for source in record.reached_by:
            found.setdefault((source.when, source.kind), []).append(source.key)
        protocols = {"status": "SIP", "cause": "Q.850"}
        return [
            f"{protocols[kind]} {', '.join(keys)} {self._knowledge.when(When(when))}".rstrip()
            for (when, kind), keys in found.items()
        ]

    def _runbook(self, alert: str) -> None:
        from sipwatch.export.runbook import BlockKind, runbook_of

        blocks = runbook_of(alert)
        if blocks:
            self._heading(self._knowledge.labels.runbook)
        for block in blocks:
            if block.kind is BlockKind.CODE:
                self._typed(block.text)
            else:
                bullet = "- " if block.kind is BlockKind.POINT else ""
                self._paragraph(f"{block.lead} {block.text}".lstrip(), bullet=bullet)

    def _typed(self, text: str) -> None:
        """Print what is typed in as it is, to be copied, however long its lines."""
        from rich.text import Text

        self._console.print()
        for line in text.splitlines():
            self._console.print(Text(f"{_INDENT * 2}{line}"), soft_wrap=True)

    def _section(self, heading: str, text: str) -> None:
        if not text:
            return
        self._heading(heading)
        self._paragraph(text)

    def _list(self, heading: str, texts: Sequence[str]) -> None:
        if not texts:
            return
        self._heading(heading)
        for text in texts:
            self._paragraph(text, bullet="- ")

    def _heading(self, heading: str) -> None:
        self._console.print()
        self._paragraph(heading, indent="", style="bold")

    def _paragraph(self, text: str, *, indent: str = _INDENT, bullet: str = "", style: str = "") -> None:
        """Print text wrapped, without the blanks at the ends of lines that rich would leave in files."""
        from rich.text import Text

        first, rest = indent + bullet, indent + " " * len(bullet)
        wrapper = textwrap.TextWrapper(
            self._console.width, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False
        )
        for line in wrapper.wrap(text):
            self._console.print(Text(line, style=style))


# The list of everything


def _print_list(out: IO[bytes], knowledge: Knowledge, records: list[ExplanationRecord]) -> None:
    from rich.text import Text

    from sipwatch.export.explaining import lists

    with text_of(out) as text:
        console = _console(text)
        wide = console.width >= _NARROW
        for _, title, some in lists(knowledge, records):
            rows = [_row(record, wide=wide) for record in some]
            console.print(Text(title, style="bold"))
            console.print(_table(rows, cut=console.width < _NARROW_KEYS))
            console.print()
        console.print(Text(knowledge.labels.more, style="bright_black"))


def _row(record: ExplanationRecord, *, wide: bool) -> list[Text]:
    """Return the cells for a record: fewer on a narrow terminal."""
    from rich.text import Text

    from sipwatch.report.plain import CATEGORY_STYLE

    if record.kind in _CODED:
        codes = [record.key, record.name, record.plain_name, _outcomes(record)]
        return [Text(cell) for cell in (codes if wide else [*codes[:2], codes[3]])]
    if record.kind == "metric" and not wide:
        return [Text(record.key)]
    category = record.category or ""
    cells = [Text(record.key), Text(record.plain_name, style=CATEGORY_STYLE.get(category, "")), Text(category)]
    return cells if wide else cells[:2]


def _outcomes(record: ExplanationRecord) -> str:
    return ", ".join(dict.fromkeys(lead.outcome for lead in record.leads_to if lead.outcome != "retried"))


def _table(rows: list[list[Text]], *, cut: bool) -> Table:
    """Return a table whose keys are in one piece, if it can be: they are what one types next."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=not cut, overflow="fold", min_width=3)
    for _ in rows[0][1:]:
        table.add_column(overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table
