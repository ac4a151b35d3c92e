"""The record of an address that was met in a capture: the shape in JSON, and what the table is made of.

Must not know: how addresses are watched, or how a record is written out. Texts are as on the wire; they are
escaped where they are shown.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

import msgspec

from sipwatch.classify.peers import NOBODY
from sipwatch.classify.roles import roles
from sipwatch.export.summary import by_frequency

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sipwatch.classify.peers import Directory
    from sipwatch.classify.roles import Role
    from sipwatch.classify.survey import CallCounts, End
    from sipwatch.export.privacy import Policy

CONFIGURED = "configured"


class CallsRecord(msgspec.Struct, frozen=True):
    """Calls in one direction. ``status_codes`` are of those not answered, ``none`` where no final response came."""

    calls: int
    answered: int
    unfinished: int
    answered_share: float | None
    status_codes: dict[str, int]
    first_progress_median_seconds: float | None
    first_progress_95_seconds: float | None
    numbers: int


class EndRecord(msgspec.Struct, frozen=True):
    """One address. ``name`` is its peer's, None where none is configured; then ``role`` is a guess, with reasons.

    ``ports`` are its own; ``hosts`` the names that it is called by, most frequent first, as ``software`` is.
    """

    address: str
    name: str | None
    role: str | None
    sure: str | None
    why: list[str]
    software: list[str]
    hosts: list[str]
    ports: list[int]
    transports: list[str]
    sent: int
    received: int
    calls_out: CallsRecord
    calls_in: CallsRecord
    registrations_out: dict[str, int]
    registrations_in: dict[str, int]
    options_out: dict[str, int]
    options_in: dict[str, int]


def end_records(ends: list[End], directory: Directory, policy: Policy | None = None) -> list[EndRecord]:
    """Make the records of all addresses, in the order given, with a guess at what each is.

    Software and hosts are named as ``policy`` lets them be seen; nothing else in these records is a stranger's text.
    """
    guessed = roles(ends)
    records = [_record(end, guessed[end.address], directory) for end in ends]
    return records if policy is None else [_private(record, policy) for record in records]


def _private(record: EndRecord, policy: Policy) -> EndRecord:
    software = [policy.software(name) for name in record.software]
    hosts = [policy.host(host) for host in record.hosts]
    return msgspec.structs.replace(record, address=policy.address(record.address), software=software, hosts=hosts)


def _record(end: End, role: Role, directory: Directory) -> EndRecord:
    peer = directory.peer(end.address)
    known = peer is not NOBODY
    kind = peer.kind if known else role.kind
    return EndRecord(
        address=end.text,
        name=peer.name if known else None,
        role=None if kind is None else kind.value,
        sure=CONFIGURED if known else None if role.sure is None else role.sure.value,
        why=[] if known else role.why,
        software=_frequent(end.software),
        hosts=_frequent(end.names),
        ports=sorted(end.ports),
        transports=sorted(end.carriers),
        sent=end.sent,
        received=end.received,
        calls_out=_calls(end.out),
        calls_in=_calls(end.into),
        registrations_out=by_frequency(end.registers),
        registrations_in=by_frequency(end.registrar),
        options_out=by_frequency(end.pings),
        options_in=by_frequency(end.pinged),
    )


def _calls(calls: CallCounts) -> CallsRecord:
    judged = calls.count - calls.unfinished
    return CallsRecord(
        calls=calls.count,
        answered=calls.answered,
        unfinished=calls.unfinished,
        answered_share=round(calls.answered / judged, 6) if judged else None,
        status_codes={str(code) if code else "none": count for code, count in by_frequency(calls.codes).items()},
        first_progress_median_seconds=calls.progress.quantile(0.5),
        first_progress_95_seconds=calls.progress.quantile(0.95),
        numbers=len(calls.numbers),
    )


def by_address(records: Iterable[EndRecord]) -> list[EndRecord]:
    """Put records in the order of their addresses, IPv4 first."""
    return sorted(records, key=lambda end: (ip_address(end.address).version, ip_address(end.address).packed))


def _frequent(counts: dict[str, int]) -> list[str]:
    return list(by_frequency(counts))
