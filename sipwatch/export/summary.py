"""Calls counted as they come, in bounded memory: outcomes, conditions, ratios, delays, ends.

Must not know: formats, terminals, how calls are judged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from msgspec.structs import replace

from sipwatch.classify.findings import Kind
from sipwatch.classify.outcomes import Outcome
from sipwatch.classify.past import MAX_IDS
from sipwatch.classify.spread import Spread
from sipwatch.export.delays import post_dial, stands_for_the_call
from sipwatch.export.naming import BUSY_NAME, is_others_busy, plain_name
from sipwatch.export.ratios import Ratios
from sipwatch.export.record import CaptureFindingRecord, SummaryRecord

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sipwatch.export.record import CallRecord, DeviceRecord, FindingRecord


class OutcomeCounts:
    """Calls by outcome, of all or of one end; ``others_busy`` counts the busy who are no agents."""

    __slots__ = ("answered", "calls", "others_busy", "outcomes")

    def __init__(self) -> None:
        self.calls = 0
        self.answered = 0
        self.others_busy = 0
        self.outcomes: dict[str, int] = {}

    def count(self, outcome: str, *, others_busy: bool) -> None:
        """Count a call."""
        self.calls += 1
        self.answered += outcome == "answered"
        self.others_busy += others_busy
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1

    def named(self) -> list[tuple[str, str, int]]:
        """Return each outcome with its name and count, the most frequent first; busy agents apart from others."""
        found = []
        for outcome, count in self.outcomes.items():
            others = self.others_busy if outcome == Outcome.BUSY else 0
            found += [(outcome, plain_name(outcome), count - others), (outcome, BUSY_NAME, others)]
        return sorted([one for one in found if one[2]], key=lambda one: (-one[2], one[:2]))


_K = TypeVar("_K", str, int, tuple[str, str])
MAX_FINDINGS: Final = 500
_GROWING: Final = frozenset({Kind.REFUSAL_STREAK, Kind.SILENT_PEER})  # each call that they tell of makes them longer


class Causes:
    """Findings of calls, put together by kind and subject. Bounded; what found no room is counted in ``left_out``."""

    def __init__(self) -> None:
        self.left_out = 0
        self._found: dict[tuple[str, str], CaptureFindingRecord] = {}  # by kind and subject

    def add(self, call: CallRecord, finding: FindingRecord) -> None:
        """Take a finding about a call."""
        key = (finding.kind, str(finding.subject))
        before = self._found.get(key)
        first = min((seen.time for seen in finding.evidence), default=call.started)
        if before is None:
            if len(self._found) >= MAX_FINDINGS:
                self.left_out += 1
                return
            before = CaptureFindingRecord(finding.kind, finding.subject, 0, [], first, finding.text, [])
        elif _is_same_streak(before, finding):
            before, finding = _grown(before, finding)
        self._found[key] = CaptureFindingRecord(
            finding.kind,
            finding.subject,
            before.calls + 1,
            [*before.ids, call.id][:MAX_IDS],
            min(first, before.first),
            finding.text,
            finding.evidence,
            [*before.texts, finding.text][:MAX_IDS],
        )

    def all(self, besides: Sequence[CaptureFindingRecord]) -> list[CaptureFindingRecord]:
        """Return them in packet-time order, together with those that stand with no call."""
        found = [one if _differ(one) else replace(one, texts=[]) for one in self._found.values()]
        return sorted([*found, *besides], key=lambda found: (found.first, found.kind, str(found.subject)))


def _is_same_streak(before: CaptureFindingRecord, finding: FindingRecord) -> bool:
    """Tell whether a finding is about a streak that was told of before, by its first packet."""
    return (
        finding.kind in _GROWING
        and bool(before.evidence and finding.evidence)
        and before.evidence[0] == finding.evidence[0]
    )


def _grown(before: CaptureFindingRecord, finding: FindingRecord) -> tuple[CaptureFindingRecord, FindingRecord]:
    """Tell of all calls of a streak what is told of its longest: else one streak would have as many lengths as calls.

    Calls come as they are over, in any order.
    """
    if max(seen.time for seen in finding.evidence) < max(seen.time for seen in before.evidence):
        return before, replace(finding, text=before.text, evidence=before.evidence)
    texts = [finding.text if text == before.text else text for text in before.texts]
    return replace(before, texts=texts), finding


def _differ(found: CaptureFindingRecord) -> bool:
    return any(text != found.text for text in found.texts)


class Summary(OutcomeCounts):
    """Counts calls. Ratios are RFC 6076's over calls; ``unfinished`` calls are in none of them (DESIGN §6).

    ``left_out`` counts the calls that were not as a filter asked.
    """

    def __init__(self) -> None:
        super().__init__()
        self.left_out = 0
        self.endings: dict[str, int] = {}
        self.inferred = 0
        self.conditions: dict[str, int] = {}
        self.tags: dict[str, int] = {}
        self.linked_pairs = 0
        self.causes = Causes()
        self.sources: dict[str, OutcomeCounts] = {}
        self.destinations: dict[str, OutcomeCounts] = {}
        self.setup = Spread()
        self.post_dial = Spread()
        self.ring = Spread()
        self.talk = Spread()
        self.ratios = Ratios()

    def add(self, call: CallRecord, completed: bool) -> None:
        """Count a call; ``completed`` says that it was answered and ended by a BYE with a 2xx."""
        others_busy = is_others_busy(call)
        self.count(call.outcome, others_busy=others_busy)
        if call.ending is not None:
            self.endings[call.ending] = self.endings.get(call.ending, 0) + 1
        self.inferred += rests_on_inference(call)
        if call.conditions:
            for kind in {condition.kind for condition in call.conditions}:
                self.conditions[kind] = self.conditions.get(kind, 0) + 1
        for tag in call.tags:
            self.tags[tag] = self.tags.get(tag, 0) + 1
        if call.linked:
            own = (call.started, call.id)  # the later of two names the earlier: each pair is counted once
            self.linked_pairs += sum((link.started, link.id) < own for link in call.linked)
        for finding in call.findings:
            self.causes.add(call, finding)
        for ends, name in ((self.sources, call.source), (self.destinations, call.destination)):
            if name not in ends:
                ends[name] = OutcomeCounts()
            ends[name].count(call.outcome, others_busy=others_busy)
        self._delays(call)
        self.ratios.add(call, completed)

    def to_record(
        self, findings: Sequence[CaptureFindingRecord] = (), devices: Sequence[DeviceRecord] = ()
    ) -> SummaryRecord:
        """Return the summary for export, outcomes, endings and conditions most frequent first.

        ``findings`` are those that stand with no call, ``devices`` those that refused calls, the worst first.
        """
        share = self.ratios.share
        return SummaryRecord(
            calls=self.calls,
            outcomes=by_frequency(self.outcomes),
            endings=by_frequency(self.endings),
            inferred=self.inferred,
            conditions=by_frequency(self.conditions),
            ser=share("ser"),
            seer=share("seer"),
            isa=share("isa"),
            scr=share("scr"),
            asr=share("asr"),
            ner=share("ner"),
            tags=by_frequency(self.tags),
            linked_pairs=self.linked_pairs,
            findings=self.causes.all(findings),
            devices=list(devices),
        )

    def _delays(self, call: CallRecord) -> None:
        self.setup.add(call.setup_seconds)
        self.ring.add(call.ring_seconds)
        self.talk.add(call.talk_seconds)
        self.post_dial.add(post_dial(call))


def rests_on_inference(call: CallRecord) -> bool:
    """Tell whether the verdict on a call needs a message that was not captured, but must have been there."""
    if not any([leg.inferred for leg in call.legs]):  # noqa: C419 - a list is quicker than a generator
        return False
    found = {what for leg in stands_for_the_call(call) for what in leg.inferred}
    # Of an answered call not every leg's final, but its own answer, and what makes it one call.
    return bool(found if call.ending is None or call.status_code is None else found - {"final", "success"})


def by_frequency(counts: Mapping[_K, int]) -> dict[_K, int]:
    """Return counts in another order: the largest first, equal ones by name."""
    return dict(sorted(counts.items(), key=lambda entry: (-entry[1], entry[0])))
