"""All that can be explained, and how it is found: the knowledge of calls, and what Prometheus shows of them.

Must not know: how an explanation is written, or who asks.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final

from sipwatch.export import watched
from sipwatch.knowledge import Topic
from sipwatch.knowledge.record import explanation_record

if TYPE_CHECKING:
    from sipwatch.classify.peers import PeerKind
    from sipwatch.knowledge import Knowledge
    from sipwatch.knowledge.record import ExplanationRecord

_CODES: Final = (Topic.CLASS, Topic.STATUS, Topic.CAUSE)  # the longest lists of the knowledge come last
KINDS: Final = (*(topic.value for topic in Topic if topic not in _CODES), *_CODES, watched.METRIC, watched.ALERT)


def everything(knowledge: Knowledge, peer: PeerKind | None = None) -> list[ExplanationRecord]:
    """Return all explanations, kind by kind; codes as they are meant between any peers, or by one of a kind."""
    known = [explanation_record(entry, peer) for entry in knowledge.all()]
    return sorted([*known, *watched.metrics(), *watched.alerts()], key=lambda record: KINDS.index(record.kind))


def lists(knowledge: Knowledge, records: list[ExplanationRecord]) -> list[tuple[str, str, list[ExplanationRecord]]]:
    """Return the kinds of explanations with their titles, and what there is of each in a list of everything."""
    by_kind = groupby(records, lambda record: record.kind)
    return [(kind, knowledge.labels.list_of(kind), list(some)) for kind, some in by_kind]


def explained(knowledge: Knowledge, text: str, peer: PeerKind | None = None) -> list[ExplanationRecord]:
    """Return what a text asks for, best first; empty where nothing is known by that name."""
    return [explanation_record(entry, peer) for entry in knowledge.find(text)] or watched.find(text)


def near(knowledge: Knowledge, text: str) -> list[str]:
    """Return the names that are nearest to a text which asks for nothing, nearest first; none where nothing is near."""
    return knowledge.suggest(text) or watched.suggest(text)
