"""Who is in a capture, for people at a terminal: a table, and below it what speaks for each role.

Must not know: how addresses are watched, or how records come about. All text from the wire is escaped here.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from rich.text import Text

from sipwatch.export.escape import terminal
from sipwatch.report.ends import CONFIGURED, CallsRecord, EndRecord
from sipwatch.report.plain import duration, several
from sipwatch.report.screen import FAINT, console, figures, fits, indented, table

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

MAX_SHOWN = 40  # addresses, those with the most messages
_MAX_LISTED = 5  # codes, ports, names
_ROLE_STYLE = {"trunk": "magenta", "devices": "cyan", "server": "green"}


def print_peers(out: IO[str], records: list[EndRecord], left_out: int) -> None:
    """Print the addresses of a capture."""
    target = console(out)
    if not records:
        target.print(Text("No SIP message was found in this capture: nobody is in it."))
        return
    shown = records[:MAX_SHOWN]
    rows = _table(shown)
    wide = fits(target, rows)
    if wide:
        target.print(rows)
        target.print()
    for record in shown:
        _details(target, record, whole=not wide)
    rest = len(records) - len(shown)
    if rest:
        more = several(rest, "more address", "more addresses")
        target.print(Text(f"{more}, with fewer messages; --format json has them all.", FAINT))
    if left_out:
        words = f"{several(left_out, 'time')} an address found no room, or lost it"
        target.print(Text(f"{words}; most of those only sent, or were only sent to.", "yellow"))


def _table(records: list[EndRecord]) -> Table:
    heads = ("Calls sent", "Answered", "Calls received", "Answered", "Progress after")
    rows = table("Address", "Role", "Software", *map(figures, heads))
    for record in records:
        rows.add_row(
            record.address,
            _role(record),
            terminal(record.software[0]) if record.software else "-",
            *_direction(record.calls_out),
            *_direction(record.calls_in),
            duration(record.calls_in.first_progress_median_seconds),
        )
    return rows


def _role(record: EndRecord) -> Text:
    if record.role is None:
        return Text("unknown", FAINT)
    words = record.name if record.sure == CONFIGURED else f"{record.role} ({record.sure})"
    return Text(terminal(words or record.role), _ROLE_STYLE[record.role])


def _direction(calls: CallsRecord) -> tuple[str, str]:
    share = "-" if calls.answered_share is None else f"{calls.answered_share:.0%}"
    return (f"{calls.calls:,}", share) if calls.calls else ("-", "-")


def _details(target: Console, record: EndRecord, *, whole: bool) -> None:
    """Print what has no room in the table, one paragraph for each address; the ``whole`` where there is no table."""
    text = Text(record.address, "bold")
    if whole:
        text.append_text(Text.assemble("  ", _role(record)))
    ports = ", ".join(map(str, record.ports[:_MAX_LISTED])) + (" ..." if len(record.ports) > _MAX_LISTED else "")
    head = (
        f"{', '.join(record.transports)} {ports}; {several(record.sent, 'message')} sent, {record.received:,} received"
    )
    text.append(f"  {head}", FAINT)
    target.print(text)
    parts = [
        *(_in_words(record) if whole else ()),
        ("other software", ", ".join(record.software[1:_MAX_LISTED])),
        ("called", ", ".join(record.hosts[:_MAX_LISTED])),
        ("registers elsewhere", _counts(record.registrations_out)),
        ("registrations here", _counts(record.registrations_in)),
        ("OPTIONS sent", _counts(record.options_out)),
        ("OPTIONS received", _counts(record.options_in)),
        ("calls sent, not answered", _codes(record.calls_out)),
        ("calls received, not answered", _codes(record.calls_in)),
        ("role", "; ".join(record.why)),
    ]
    for name, words in parts:
        if words:
            target.print(indented(Text.assemble((f"{name}: ", FAINT), terminal(words)), 2))


def _in_words(record: EndRecord) -> list[tuple[str, str]]:
    """Return what the table says of an address."""
    median = record.calls_in.first_progress_median_seconds
    return [
        ("software", record.software[0] if record.software else ""),
        ("calls sent", _calls(record.calls_out)),
        (
            "calls received",
            _calls(record.calls_in) + ("" if median is None else f", progress after {duration(median)}"),
        ),
    ]


def _calls(calls: CallsRecord) -> str:
    count, share = _direction(calls)
    return f"{count}, {share} answered" if calls.calls else ""


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in counts.items())


def _codes(calls: CallsRecord) -> str:
    """Name the codes with which most of the calls that failed have ended."""
    codes = list(calls.status_codes.items())
    words = [f"{'no final response' if code == 'none' else code} {count:,}" for code, count in codes[:_MAX_LISTED]]
    rest = sum(count for _, count in codes[_MAX_LISTED:])
    return ", ".join([*words, f"others {rest:,}"] if rest else words)
