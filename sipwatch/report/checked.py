"""What a configuration says, as a record, and what it would have made of the calls of captures.

Must not know: how a configuration is read, how calls are judged, or how a record is written out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from sipwatch.classify.hours import DAYS
from sipwatch.export.summary import by_frequency
from sipwatch.packet import SECOND
from sipwatch.report.rules import rule_in_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sipwatch.classify.hours import Span
    from sipwatch.classify.peers import Peer, Rule, Settings
    from sipwatch.classify.trial import Use
    from sipwatch.export.summary import OutcomeCounts, Summary
    from sipwatch.track.timers import Timers


class ChangeRecord(msgspec.Struct, frozen=True):
    """Calls whose outcome a rule changed, or confirmed."""

    before: str
    after: str
    calls: int


class RuleRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """A rule; what it would have done stands there only where captures were tried."""

    line: int
    outcome: str
    words: str
    note: str
    calls: int | None = None
    hops: int | None = None
    changes: list[ChangeRecord] | None = None


class EndsRecord(msgspec.Struct, frozen=True):
    """Calls from or to a peer."""

    calls: int
    answered: int


class PeerRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """A peer; ``timers`` are all that hold for it, in seconds, ``own`` names those that it sets itself."""

    name: str
    kind: str | None
    addresses: list[str]
    hosts: list[str]
    timers: dict[str, float]
    own: list[str]
    rules: list[RuleRecord]
    calls_from: EndsRecord | None = None
    calls_to: EndsRecord | None = None


class HoursRecord(msgspec.Struct, frozen=True):
    """Working hours as they are understood: for whom, where, when, and closed on which days."""

    line: int
    peers: list[str]
    numbers: list[str]
    zone: str
    open: list[str]
    holidays: list[str]


class CallbackRecord(msgspec.Struct, frozen=True):
    """What counts as calling back."""

    within_seconds: float
    region: str | None


class LinksRecord(msgspec.Struct, frozen=True):
    """What links calls of one conversation; ``numbers_within_seconds`` is None where numbers alone do not."""

    headers: list[str]
    session_id: bool
    transfers: bool
    numbers_within_seconds: float | None


class PrivacyRecord(msgspec.Struct, frozen=True):
    """What is hidden; ``mask`` is a number of digits, ``all``, or None. ``pseudonyms`` says that there is a key."""

    mask: int | str | None
    names: bool
    pseudonyms: bool = False
    addresses: bool = False


class InterfaceRecord(msgspec.Struct, frozen=True):
    """What a live interface lets through."""

    tcp_ports: list[int]
    tunnels: list[str]
    ring_bytes: int


class CheckRecord(msgspec.Struct, omit_defaults=True):
    """All of a configuration. ``against`` names the captures that it was tried on, with ``calls`` in all."""

    file: str
    timers: dict[str, float]
    peers: list[PeerRecord]
    hours: list[HoursRecord]
    callback: CallbackRecord | None
    links: LinksRecord
    privacy: PrivacyRecord
    capture: InterfaceRecord
    remarks: list[str]
    against: list[str] | None = None
    calls: int | None = None
    agents: int = 0


def timers_of(timers: Timers, keys: Sequence[str]) -> dict[str, float]:
    """Return timers by their keys, in seconds."""
    return {key: getattr(timers, key) / SECOND for key in keys}


def peer_record(peer: Peer, settings: Settings, keys: Sequence[str]) -> PeerRecord:
    """Make the record of a peer."""
    timers = timers_of(peer.timers or settings.timers, keys)
    general = timers_of(settings.timers, keys)
    return PeerRecord(
        peer.name,
        None if peer.kind is None else peer.kind.value,
        [_address(str(network)) for network in peer.networks],
        peer.hosts,
        timers,
        [key for key in keys if timers[key] != general[key]],
        [RuleRecord(rule.line, rule.outcome.value, rule_in_words(peer, rule), rule.note) for rule in peer.rules],
    )


def days_and_times(spans: Sequence[Span]) -> list[str]:
    """Write working hours as short as people do: ``Mon-Fri 09:00-18:00``."""
    days: dict[tuple[int, int], list[int]] = {}
    for span in spans:
        days.setdefault((span.start, span.end), []).append(span.weekday)
    return [f"{_days(own)} {_clock(start)}-{_clock(end)}" for (start, end), own in days.items()]


def _days(days: list[int]) -> str:
    runs: list[list[int]] = []
    for day in sorted(days):
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return ",".join(DAYS[run[0]] if len(run) == 1 else f"{DAYS[run[0]]}-{DAYS[run[-1]]}" for run in runs)


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _address(network: str) -> str:
    return network.removesuffix("/128" if ":" in network else "/32")


def tried(record: CheckRecord, files: list[str], summary: Summary, uses: list[tuple[str, Rule, Use]]) -> CheckRecord:
    """Add to a record what was made of the calls of captures, and what no call has used."""
    peers = []
    left = list(uses)
    for peer in record.peers:
        own, left = left[: len(peer.rules)], left[len(peer.rules) :]
        rules = [_used(rule, use) for rule, (_, _, use) in zip(peer.rules, own, strict=True)]
        sent, received = _ends(summary.sources, peer.name), _ends(summary.destinations, peer.name)
        peers.append(msgspec.structs.replace(peer, rules=rules, calls_from=sent, calls_to=received))
        if not sent.calls and not received.calls:
            record.remarks.append(f"{peer.name}: no call came from it or reached it")
        record.remarks += [
            f"{peer.name}, rule on line {rule.line}: it was never used" for rule in rules if not rule.hops
        ]
    return msgspec.structs.replace(record, peers=peers, against=files, calls=summary.calls)


def _used(rule: RuleRecord, use: Use) -> RuleRecord:
    return msgspec.structs.replace(
        rule,
        calls=use.calls,
        hops=use.hops,
        changes=[ChangeRecord(before, after, count) for (before, after), count in by_frequency(use.changes).items()],
    )


def _ends(tallies: Mapping[str, OutcomeCounts], name: str) -> EndsRecord:
    tally = tallies.get(name)
    return EndsRecord(0, 0) if tally is None else EndsRecord(tally.calls, tally.answered)
