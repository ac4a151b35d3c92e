"""The figures of agents on a terminal: a table for each interval and group.

Must not know: how offers are counted. All text from the wire is escaped here.
"""

from __future__ import annotations

from itertools import groupby
from textwrap import wrap
from typing import IO, TYPE_CHECKING, Final, Protocol

from rich.text import Text

from sipwatch.classify.families.device import STREAK_FROM
from sipwatch.export.escape import terminal
from sipwatch.report.plain import duration, several
from sipwatch.report.screen import FAINT, Column, console, figures, indented, print_list

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from sipwatch.export.agents import AgentRecord
    from sipwatch.export.moments import Duration

SHARE_HEAD: Final = "Took of offered"
FAIR_SHARE_HEAD: Final = "Took of those left to the agent"
_HEAD_WIDTH: Final = 10  # characters of a column's head on a terminal
_COLUMNS: Final = (
    Column("Agent", one_piece=True),
    *map(
        figures,
        (
            *("Offered", "Took", "Busy", "Declined", "Rang\nout", "Not\nalerted"),
            *("Caller\ngave up\nfirst", "Another\ntook it"),
            *("\n".join(wrap(head, _HEAD_WIDTH)) for head in (SHARE_HEAD, FAIR_SHARE_HEAD)),
            *("Answer\nafter", "In a\nrow"),
        ),
    ),
)
_OTHER: Final = 9  # where a column stands that is there only if there is anything in it
NO_DEVICES: Final = (
    "No device was offered a call. What a device is, is known where the configuration has a peer of kind devices, or"
    " where REGISTER requests were captured."
)
AGENTS_LEGEND: Final = (
    "Left to the agent is all that was offered but calls whose caller gave up first and calls that another took. Answer"
    " after: from the first ring, on average. In a row: the most that were not taken one after another. Nobody is to"
    " blame for a device that was not alerted; such calls count among those left to the agent, and in the row."
)
IDLE_LEGEND: Final = "Busy in brackets: busy while idle, in no call that was seen (do not disturb, or a stale state)."


class AgentCounts(Protocol):
    """Figures of an agent, or of several."""

    @property
    def busy(self) -> int:
        """How often busy."""

    @property
    def idle_busy(self) -> int:
        """How often of these in no call that was seen."""

    @property
    def answers(self) -> int:
        """How many answers are known by the moment."""

    @property
    def answer_seconds(self) -> Duration:
        """How long these took together."""


def print_agents(out: IO[str], records: list[AgentRecord], zone: str) -> None:
    """Print how agents took their calls; ``zone`` is the name of the intervals' time zone."""
    target = console(out)
    if not records:
        target.print(Text(NO_DEVICES))
        return
    agents = len({record.device for record in records})
    offers = sum(record.offered for record in records)
    times = f"; times are {terminal(zone)}" if records[0].interval else ""
    target.print(Text(f"{several(agents, 'agent')}, {several(offers, 'offer')} of calls{times}", "bold"))
    for (interval, group), some in groupby(records, key=lambda record: (record.interval, record.group)):
        _section(target, [part for part in (interval, group) if part], list(some))
    target.print()
    target.print(Text(AGENTS_LEGEND, FAINT))
    if any(record.idle_busy for record in records):
        target.print(Text(IDLE_LEGEND, FAINT))


def _section(target: Console, heads: list[str], records: list[AgentRecord]) -> None:
    target.print()
    if heads:
        target.print(Text(terminal(", ".join(heads)), "bold"))
    besides = any(record.other for record in records)
    columns = (*_COLUMNS[:_OTHER], figures("Other"), *_COLUMNS[_OTHER:]) if besides else _COLUMNS
    print_list(target, records, columns, lambda record: _row(record, besides=besides), _lines, _style)


def _style(record: AgentRecord) -> str:
    return "yellow" if remark_words(record.longest, record.idle_busy) else ""


def _row(record: AgentRecord, *, besides: bool) -> tuple[str, ...]:
    return (
        _who(record),
        f"{record.offered:,}",
        f"{record.taken:,}",
        busy_words(record),
        *(f"{count:,}" for count in (record.declined, record.rang_out, record.not_alerted)),
        *(f"{count:,}" for count in (record.gave_up, record.elsewhere)),
        *((f"{record.other:,}",) if besides else ()),
        *(share_words(share) for share in (record.share, record.fair_share)),
        answer_words(record),
        f"{record.longest:,}",
    )


def _lines(record: AgentRecord) -> list[RenderableType]:
    """Return a record's paragraph for a narrow terminal."""
    counts = (
        ("busy", busy_words(record) if record.busy else ""),
        *(("declined", record.declined), ("rang out", record.rang_out), ("not alerted", record.not_alerted)),
        *(("caller gave up first", record.gave_up), ("another took it", record.elsewhere)),
        ("other", record.other),
    )
    told = [
        f"offered {record.offered:,}, took {record.taken:,}",
        *(f"{name} {count}" for name, count in counts if count),
    ]
    shares = f"took {share_words(record.share)} of offered, {share_words(record.fair_share)} of those left to the agent"
    answer = f"; answer after {answer_words(record)}" if record.answers else ""
    return [
        Text(_who(record)),
        indented(", ".join(told), 4),
        indented(f"{shares}{answer}; {record.longest:,} in a row", 4, FAINT),
    ]


def remark_words(longest: int, idle_busy: int) -> str:
    """Say what is remarkable about an agent: that he took none of many in a row, that he was busy while idle."""
    found = [f"{longest:,} not taken in a row"] if longest >= STREAK_FROM else []
    return ", ".join([*found, *(["busy while idle"] if idle_busy else [])])


def _who(record: AgentRecord) -> str:
    return terminal(record.device if record.name is None else f"{record.name} {record.device}")


def busy_words(record: AgentCounts) -> str:
    """Return how often an agent was busy; in brackets how often of that without a call that was seen."""
    return f"{record.busy:,} ({record.idle_busy:,})" if record.idle_busy else f"{record.busy:,}"


def share_words(share: float | None) -> str:
    """Return a share in percent, a dash where there is none."""
    return "-" if share is None else f"{share:.0%}"


def answer_words(record: AgentCounts) -> str:
    """Return how long it rang until an agent answered, on average."""
    return duration(record.answer_seconds.seconds / record.answers) if record.answers else "-"
