"""What a configuration says, for people at a terminal.

Must not know: how a configuration is read, or how calls are judged. A configuration is no hostile text, but
what was pasted into its notes may be: all text is escaped here.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from rich.text import Text

from sipwatch.budget import written_size
from sipwatch.export.escape import terminal
from sipwatch.export.naming import name_of_any
from sipwatch.report.plain import several
from sipwatch.report.screen import FAINT, Column, console, indented, print_list, table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console, RenderableType

    from sipwatch.report.checked import CheckRecord, EndsRecord, LinksRecord, PeerRecord, PrivacyRecord, RuleRecord

# In one piece, so that a narrow terminal gets a list instead of addresses cut in two.
_PEER_COLUMNS = tuple(Column(heading, one_piece=True) for heading in ("Name", "Kind", "Addresses", "Host names"))


def print_check(out: IO[str], record: CheckRecord, meanings: Mapping[str, str]) -> None:
    """Print what a configuration says; ``meanings`` has a few words on each timer."""
    target = console(out)
    rules = sum(len(peer.rules) for peer in record.peers)
    counts = [
        several(len(record.peers), "peer"),
        *([several(rules, "rule")] if rules else []),
        *([several(len(record.hours), "set of working hours", "sets of working hours")] if record.hours else []),
        *([several(record.agents, "agent")] if record.agents else []),
    ]
    target.print(Text(f"{terminal(record.file)} is right: {', '.join(counts)}.", "bold green"))
    _timers(target, record, meanings)
    _peers(target, record)
    _rules(target, record)
    _hours(target, record)
    _others(target, record)
    if record.remarks:
        _head(target, "Worth a look")
        for remark in record.remarks:
            target.print(Text(terminal(remark), "yellow"))


def _head(target: Console, words: str) -> None:
    target.print()
    target.print(Text(words, "bold"))


def _timers(target: Console, record: CheckRecord, meanings: Mapping[str, str]) -> None:
    _head(target, "Timers")
    own = [peer for peer in record.peers if peer.own]
    rows = table("", "in general", *(f"for {terminal(peer.name)}" for peer in own), "is the time after which")
    for key, seconds in record.timers.items():
        rows.add_row(
            key,
            f"{seconds:g} s",
            *(f"{peer.timers[key]:g} s" if key in peer.own else "" for peer in own),
            Text(meanings[key], FAINT),
        )
    target.print(rows)


def _peers(target: Console, record: CheckRecord) -> None:
    if not record.peers:
        return
    _head(target, "Peers")
    tried_on = record.against is not None
    columns = [*_PEER_COLUMNS, *(("Calls from", "Calls to") if tried_on else ())]
    print_list(target, record.peers, columns, lambda peer: _peer(peer, tried_on=tried_on), _peer_lines)
    if record.against is not None:
        words = f"{several(record.calls or 0, 'call')} in all, in {', '.join(record.against)}."
        target.print(Text(terminal(words), FAINT))


def _peer(peer: PeerRecord, *, tried_on: bool) -> list[str]:
    calls = [_calls(peer.calls_from), _calls(peer.calls_to)] if tried_on else []
    return [peer.name, peer.kind or "", ", ".join(peer.addresses), ", ".join(peer.hosts), *calls]


def _peer_lines(peer: PeerRecord) -> list[RenderableType]:
    """Return a peer's paragraph for a narrow terminal."""
    cells = _peer(peer, tried_on=peer.calls_from is not None)
    names = ("addresses", "host names", "calls from it", "calls to it")
    facts = [f"{name}: {cell}" for name, cell in zip(names, cells[2:], strict=False) if cell]
    return [Text(f"{peer.name}  {peer.kind or ''}"), *(indented(fact, 2) for fact in facts)]


def _calls(ends: EndsRecord | None) -> str:
    if ends is None or not ends.calls:
        return "-"
    return f"{ends.calls:,}, {ends.answered / ends.calls:.0%} answered"


def _rules(target: Console, record: CheckRecord) -> None:
    rules = [rule for peer in record.peers for rule in peer.rules]
    if not rules:
        return
    _head(target, "Rules")
    for rule in rules:
        text = Text(f"line {rule.line}: " if rule.line else "", FAINT)
        text.append(terminal(rule.words), "default")
        if rule.note:
            text.append(f" {terminal(rule.note)!r}", FAINT)
        if rule.hops is not None:
            text.append(f"\n  {_effect(rule)}", "yellow" if not rule.hops else "cyan")
        target.print(text)


def _effect(rule: RuleRecord) -> str:
    if not rule.hops:
        return "never used"
    changes = [
        f"{change.calls:,} from {name_of_any(change.before)} to {name_of_any(change.after)}"
        if change.before != change.after
        else f"{change.calls:,} would be {name_of_any(change.after)} anyway"
        for change in rule.changes or ()
    ]
    return f"{several(rule.calls or 0, 'call')} ({several(rule.hops, 'hop')})" + (
        f": {', '.join(changes)}" if changes else ""
    )


def _hours(target: Console, record: CheckRecord) -> None:
    if not record.hours:
        return
    _head(target, "Working hours")
    for hours in record.hours:
        whose = " and ".join(
            [
                *([f"peers {', '.join(hours.peers)}"] if hours.peers else []),
                *([f"numbers {', '.join(hours.numbers)}"] if hours.numbers else []),
            ]
        )
        text = Text(f"line {hours.line}: ", FAINT)
        text.append(terminal(f"{whose or 'every call'}: {', '.join(hours.open)}, {hours.zone}"), "default")
        if hours.holidays:
            text.append(f"\n  closed on {', '.join(hours.holidays)}", FAINT)
        target.print(text)


def _others(target: Console, record: CheckRecord) -> None:
    _head(target, "And")
    if record.callback is None:
        target.print(Text("Callbacks are not looked for: there is no [callback]."))
    else:
        region = record.callback.region
        dialled = f"; numbers are read as dialled in {region}" if region else ""
        within = record.callback.within_seconds
        target.print(Text(f"A caller who was missed is called back if spoken to within {within:g} s{dialled}."))
    target.print(Text(terminal(_linked(record.links))))
    target.print(Text(_hidden(record.privacy)))
    capture = record.capture
    ports = ", ".join(map(str, capture.tcp_ports)) or "none"
    tunnels = ", ".join(capture.tunnels) or "none"
    words = f"Interfaces let TCP through on ports {ports}; tunnels looked into: {tunnels}; ring: "
    target.print(Text(f"{words}{written_size(capture.ring_bytes)} each."))


def _linked(links: LinksRecord) -> str:
    parts = [*(["Session-ID"] if links.session_id else []), *(["Replaces", "Referred-By"] if links.transfers else [])]
    parts += links.headers
    if links.numbers_within_seconds is not None:
        parts.append(f"numbers and session description within {links.numbers_within_seconds:g} s")
    if not parts:
        return "Calls of one conversation are not linked."
    return f"Calls of one conversation are linked by: {', '.join(parts)}. Each is counted as a call."


def _hidden(privacy: PrivacyRecord) -> str:
    parts = []
    if privacy.mask is not None:
        parts.append("whole numbers" if privacy.mask == "all" else f"the last {privacy.mask} digits of numbers")
    if privacy.names:
        parts.append("display names")
    if privacy.pseudonyms:
        replaced = "numbers, names and addresses" if privacy.addresses else "numbers and names"
        return f"Replaced by pseudonyms: {replaced}; hidden: whatever else may name somebody."
    return f"Hidden: {' and '.join(parts)}." if parts else "Numbers and names are shown as they are."
