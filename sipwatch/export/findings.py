"""Findings as records: their facts in the words of a language, their evidence with times and packet numbers.

Must not know: how findings are made, formats, terminals.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sipwatch.export import scrub
from sipwatch.export.calls import short_id
from sipwatch.export.moments import Moment, timestamp
from sipwatch.export.record import DeviceRecord, EvidenceRecord, FindingRecord, WholeFindingRecord

if TYPE_CHECKING:
    from sipwatch.classify.families.device import Device
    from sipwatch.classify.findings import Evidence, Fact, Finding
    from sipwatch.classify.noted import Whole

_FILE_SHIFT = 40  # as capture.tally.Place counts; nobody here may know that layer
_NUMBER = (1 << _FILE_SHIFT) - 1


def finding_record(finding: Finding) -> FindingRecord:
    """Return a finding about one call."""
    return FindingRecord(finding.kind.value, finding.subject, words(finding), _evidence(finding.evidence))


def whole_record(whole: Whole) -> WholeFindingRecord:
    """Return a finding that stands with no call."""
    finding = whole.finding
    ids = [short_id(*call) for call in whole.ids]
    evidence = _evidence(finding.evidence)
    return WholeFindingRecord(
        finding.kind.value, finding.subject, whole.calls, ids, Moment(whole.first), words(finding), evidence
    )


def device_record(device: Device) -> DeviceRecord:
    """Return how a device took its calls."""
    refused = dict(sorted(device.refused.items(), key=lambda entry: (-entry[1], entry[0])))
    return DeviceRecord(
        device.name, device.address, device.offered, device.answered, refused, device.streak, device.longest
    )


def words(finding: Finding) -> str:
    """Put a finding into words."""
    from sipwatch.knowledge import load  # noqa: PLC0415 - most captures need no words, and reading them takes time

    facts = {name: _fact(name, value) for name, value in finding.facts.items()}
    return load().says(finding.kind.value, finding.variant).format_map({**facts, "subject": finding.subject})


def _fact(name: str, value: Fact) -> str:
    if name.endswith("_at") and isinstance(value, int):
        return timestamp(value)[:19].replace("T", " ")
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else scrub.text(str(value))


def _evidence(evidence: list[Evidence]) -> list[EvidenceRecord]:
    return [
        EvidenceRecord(
            Moment(seen.time), seen.number & _NUMBER or None, seen.number >> _FILE_SHIFT, scrub.text(seen.what)
        )
        for seen in evidence
    ]
