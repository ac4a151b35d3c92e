"""Where findings are put down: with the call that they are about, or beside all calls.

Must not know: how causes are found, in which words they are told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sipwatch.classify.hops import subject
from sipwatch.classify.past import MAX_IDS, CallId, Table
from sipwatch.classify.remembered import DICT, SLOT, Memory, of_finding, of_id

if TYPE_CHECKING:
    from sipwatch.classify.findings import Finding, Term
    from sipwatch.classify.peers import Directory
    from sipwatch.track.call import Call

MAX_SUBJECTS: Final = 1000
_EACH: Final = SLOT + 2 * DICT


class CaptureFinding(NamedTuple):
    """A finding that came too late for the call it is about, or is about no call: one for each kind and subject.

    ``calls`` counts the calls it is about, ``ids`` are the first of them, ``first`` is the time of its first
    evidence (ns); the finding itself is the latest.
    """

    finding: Finding
    calls: int
    ids: list[CallId]
    first: int


class Noted:
    """Takes findings, and knows by what names people call the addresses that they are about.

    ``memory`` is what all that remember something share.
    """

    def __init__(self, directory: Directory, memory: Memory | None = None) -> None:
        self.directory = directory
        self.memory = memory or Memory()
        self.beside: Table[CaptureFinding] = Table(MAX_SUBJECTS, self.memory, _EACH)

    def subject(self, address: bytes) -> Term:
        """Return whom a packed address belongs to."""
        return subject(self.directory, address)

    def of_call(self, call: Call, finding: Finding) -> None:
        """Keep a finding with its call; one of a kind is enough."""
        if call.notes is None:
            call.notes = []
        if all([finding.kind is not kept.kind for kept in call.notes]):  # noqa: C419 - a list is quicker
            call.notes.append(finding)
            call.owner.changed(call)

    def of_none(self, finding: Finding, calls: int = 0, ids: list[CallId] | None = None) -> None:
        """Keep a finding that stands with no call, or with ``calls`` of them that are over."""
        key = (finding.kind, finding.variant, finding.subject)
        before = self.beside.get(key)
        first = min((evidence.time for evidence in finding.evidence), default=0)
        if before is not None:
            calls += before.calls
            ids = [*before.ids, *(ids or [])]
            first = min(first, before.first)
        ids = (ids or [])[:MAX_IDS]
        texts = of_finding(finding) + sum([of_id(one) for one in ids])
        self.beside.put(key, CaptureFinding(finding, calls, ids, first), texts)

    def capture_findings(self) -> list[CaptureFinding]:
        """Return the findings that stand with no call, in the order of their first evidence."""
        return sorted(
            self.beside.values(), key=lambda found: (found.first, found.finding.kind, found.finding.subject.text)
        )


def _order(found: CaptureFinding) -> tuple[int, str, str]:
    return found.first, found.finding.kind, found.finding.subject.text
