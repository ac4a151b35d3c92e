"""An explanation as others read it: its texts, what its code leads to, and what leads to it.

Must not know: encodings, terminals.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from sipwatch.classify.outcomes import Outcome
from sipwatch.knowledge.entries import Entry, Topic
from sipwatch.knowledge.leads import When, heard_by, leads, sources

if TYPE_CHECKING:
    from sipwatch.classify.peers import PeerKind

_NUMBERED = (Topic.STATUS, Topic.CAUSE)
_OF_RETRIES = (When.FOLLOWED, When.NOT_FOLLOWED, When.REFUSED)


class LeadRecord(Struct, frozen=True):
    """An outcome that a code leads to."""

    outcome: str
    plain_name: str
    category: str
    when: str


class SourceRecord(Struct, frozen=True):
    """A code that leads to an outcome."""

    kind: str
    key: str
    when: str


class ExplanationRecord(Struct, frozen=True, kw_only=True):
    """One explanation; every key is always there.

    ``category`` is an outcome's and ``heard`` a provisional response's, null for all else.
    """

    kind: str
    key: str
    name: str
    plain_name: str
    category: str | None = None
    registered: bool = True
    meaning: str
    agent: str = ""
    admin: str
    situations: tuple[str, ...] = ()
    misuse: str = ""
    reference: str
    leads_to: tuple[LeadRecord, ...] = ()
    reached_by: tuple[SourceRecord, ...] = ()
    heard: str | None = None


def explanation_record(entry: Entry, peer: PeerKind | None = None) -> ExplanationRecord:
    """Return an entry with what is worked out for it, between any peers or with one of the given kind."""
    outcome = Outcome(entry.key) if entry.kind is Topic.OUTCOME else None
    return ExplanationRecord(
        kind=entry.kind.value,
        key=entry.key,
        name=entry.name,
        plain_name=entry.plain,
        category=None if outcome is None else outcome.category.value,
        registered=entry.registered,
        meaning=entry.meaning,
        agent=entry.agent,
        admin=entry.admin,
        situations=entry.situations,
        misuse=entry.misuse,
        reference=entry.reference,
        leads_to=_leads_to(entry, peer),
        reached_by=() if outcome is None else _reached_by(outcome, peer),
        heard=_heard(entry),
    )


def _leads_to(entry: Entry, peer: PeerKind | None) -> tuple[LeadRecord, ...]:
    if entry.kind not in _NUMBERED:
        return ()
    return tuple(
        LeadRecord(lead.outcome.value, lead.outcome.plain_name, lead.outcome.category.value, lead.when.value)
        for lead in leads(entry.kind, int(entry.key), peer)
    )


def _reached_by(outcome: Outcome, peer: PeerKind | None) -> tuple[SourceRecord, ...]:
    """Leave out whether a retry followed: of an outcome's codes one wants to know what else it takes."""
    found = []
    for source in sources(outcome, peer):
        when = When.ALWAYS if source.when in _OF_RETRIES else source.when
        found.append(SourceRecord(source.kind.value, str(source.number), when.value))
    return tuple(found)


def _heard(entry: Entry) -> str | None:
    heard = heard_by(int(entry.key)) if entry.kind is Topic.STATUS else None
    return None if heard is None else heard.name.lower()
