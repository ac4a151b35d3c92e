"""Who is in a capture, for people at a terminal: a table, and below it what speaks for each role.

Must not know: how addresses are watched, or how records come about. All text from the wire is escaped here.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from sipwatch.export.escape import terminal
from sipwatch.report.ends import CONFIGURED, CallsRecord, EndRecord
from sipwatch.report.plain import duration
from sipwatch.report.table import console

if TYPE_CHECKING:
    from rich.console import Console

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
    target.print(_table(shown))
    target.print()
    for record in shown:
        _details(target, record)
    rest = len(records) - len(shown)
    if rest:
        target.print(Text(f"{rest:,} more addresses, with fewer messages; --format json has them all.", "bright_black"))
    if left_out:
        words = (
            f"{left_out:,} times an address found no room, or lost it; most of those only sent, or were only sent to."
        )
        target.print(Text(words, "yellow"))


def _table(records: list[EndRecord]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bright_black")
    table.add_column("Address", overflow="fold")
    table.add_column("Role", overflow="fold")
    table.add_column("Software", overflow="fold")
    for head in ("Calls sent", "Answered", "Calls got", "Answered", "Progress after"):
        table.add_column(head, justify="right")
    for record in records:
        table.add_row(
            record.address,
            _role(record),
            terminal(record.software[0]) if record.software else "-",
            *_direction(record.calls_out),
            *_direction(record.calls_in),
            duration(record.calls_in.first_progress_median_seconds),
        )
    return table


def _role(record: EndRecord) -> Text:
    if record.role is None:
        return Text("unknown", "bright_black")
    words = record.name if record.sure == CONFIGURED else f"{record.role} ({record.sure})"
    return Text(terminal(words or record.role), _ROLE_STYLE[record.role])


def _direction(calls: CallsRecord) -> tuple[str, str]:
    share = "-" if calls.answered_share is None else f"{calls.answered_share:.0%}"
    return (f"{calls.calls:,}", share) if calls.calls else ("-", "-")


def _details(target: Console, record: EndRecord) -> None:
    """Print what has no room in the table, one paragraph for each address."""
    text = Text(record.address, "bold")
    ports = ", ".join(map(str, record.ports[:_MAX_LISTED])) + (" ..." if len(record.ports) > _MAX_LISTED else "")
    head = f"{', '.join(record.transports)} {ports}; {record.sent:,} messages sent, {record.received:,} received"
    text.append(f"  {head}", "bright_black")
    parts = [
        ("other software", ", ".join(record.software[1:_MAX_LISTED])),
        ("called", ", ".join(record.hosts[:_MAX_LISTED])),
        ("registers elsewhere", _counts(record.registrations_out)),
        ("registrations here", _counts(record.registrations_in)),
        ("OPTIONS sent", _counts(record.options_out)),
        ("OPTIONS got", _counts(record.options_in)),
        ("calls sent, not answered", _codes(record.calls_out)),
        ("calls got, not answered", _codes(record.calls_in)),
        ("role", "; ".join(record.why)),
    ]
    for name, words in parts:
        if words:
            text.append(f"\n  {name}: ", "bright_black")
            text.append(terminal(words), "default")
    target.print(text)


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in counts.items())


def _codes(calls: CallsRecord) -> str:
    """Name the codes with which most of the calls that failed have ended."""
    codes = list(calls.status_codes.items())
    words = [f"{'no final response' if code == 'none' else code} {count:,}" for code, count in codes[:_MAX_LISTED]]
    rest = sum(count for _, count in codes[_MAX_LISTED:])
    return ", ".join([*words, f"others {rest:,}"] if rest else words)
