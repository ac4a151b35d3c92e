"""Findings as records: their facts, which become words of a language only where they are written.

Must not know: how findings are made, formats, terminals, what is hidden.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sipwatch.classify.findings import Sort, Term, own
from sipwatch.export import scrub
from sipwatch.export.calls import short_id
from sipwatch.export.moments import Moment, timestamp
from sipwatch.export.record import CaptureFindingRecord, DeviceRecord, EvidenceRecord, FindingRecord, Words, moment_of
from sipwatch.export.summary import by_frequency
from sipwatch.packet import FILE_SHIFT

if TYPE_CHECKING:
    from sipwatch.classify.families.device import Device
    from sipwatch.classify.findings import Evidence, Fact, Finding
    from sipwatch.classify.noted import CaptureFinding

_NUMBER = (1 << FILE_SHIFT) - 1


class Sentence(Words):
    """What a finding says: the sentence of its kind and variant, with its facts in the gaps."""

    __slots__ = ("kind", "variant")

    def __init__(self, kind: str, variant: str, facts: dict[str, Fact]) -> None:
        super().__init__(facts)
        self.kind = kind
        self.variant = variant

    def with_facts(self, facts: dict[str, Fact]) -> Sentence:
        """Return the same sentence with other facts."""
        return Sentence(self.kind, self.variant, facts)

    def __str__(self) -> str:
        """Put it into words."""
        from sipwatch.knowledge import load  # noqa: PLC0415 - most captures need no words, and reading them takes time

        written = {name: _written(name, fact) for name, fact in self.facts.items()}
        return load().says(self.kind, self.variant).format_map(written)


def finding_record(finding: Finding) -> FindingRecord:
    """Return a finding about one call."""
    return FindingRecord(finding.kind.value, Words.of(finding.subject), sentence(finding), _evidence(finding.evidence))


def capture_finding_record(whole: CaptureFinding) -> CaptureFindingRecord:
    """Return a finding that stands with no call."""
    finding = whole.finding
    ids = [short_id(*call) for call in whole.ids]
    evidence = _evidence(finding.evidence)
    subject, first = Words.of(finding.subject), Moment(whole.first)
    return CaptureFindingRecord(finding.kind.value, subject, whole.calls, ids, first, sentence(finding), evidence)


def device_record(device: Device) -> DeviceRecord:
    """Return how a device took its calls."""
    refused = by_frequency(device.refused)
    return DeviceRecord(
        device.name, device.address, device.offered, device.answered, refused, device.streak, device.longest
    )


def sentence(finding: Finding) -> Sentence:
    """Return what a finding says."""
    return Sentence(finding.kind.value, finding.variant, {**finding.facts, "subject": finding.subject})


def _written(name: str, fact: Fact) -> str:
    if isinstance(fact, Term):
        return scrub.text(fact.text)
    moment = moment_of(name, fact)
    if moment is not None:
        return timestamp(moment)[:19].replace("T", " ")
    return f"{fact:.1f}".removesuffix(".0") if isinstance(fact, float) else str(fact)


def _evidence(evidence: list[Evidence]) -> list[EvidenceRecord]:
    return [
        EvidenceRecord(
            Moment(seen.time), seen.number & _NUMBER or None, seen.number >> FILE_SHIFT, Words.of(_said(seen))
        )
        for seen in evidence
    ]


def _said(seen: Evidence) -> Term:
    return own(seen.what) if seen.sort is Sort.OWN else Term(seen.sort, scrub.text(seen.what))
