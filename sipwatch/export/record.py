r"""The records that leave sipwatch: the shape of a CALL and of the report around it (DESIGN §5.1).

Must not know: how calls are tracked or judged, nor how a record is written out.

Texts are as on the wire, decoded as UTF-8 with what is not UTF-8 written as ``\\xNN``; control
characters are still in them: they are escaped for where the record goes. Times are
nanoseconds until they are written: then moments are RFC 3339 UTC with microseconds, spans seconds. An absent
thing is None.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from sipwatch.classify.remembered import DICT, LIST, of_text
from sipwatch.export.moments import Duration, Moment, timestamp
from sipwatch.packet import SECOND

if TYPE_CHECKING:
    from collections.abc import Callable

    from sipwatch.classify.findings import Fact, Term


_FIELD: Final = 40  # bytes of a field with its number or moment


def moment_of(name: str, fact: Fact) -> int | None:
    """Return a fact that is a moment (ns since 1970), which its name says; None for any other."""
    return fact if name.endswith("_at") and isinstance(fact, int) else None


class Words:
    """Facts that become words where they are written; until then they are what they are, and can be hidden."""

    __slots__ = ("facts",)

    def __init__(self, facts: dict[str, Fact]) -> None:
        self.facts = facts

    @classmethod
    def of(cls, term: Term) -> Words:
        """Return a single text."""
        return Words({"": term})

    def hidden(self, hide: Callable[[Fact], Fact]) -> Words:
        """Return the same words, with every fact as ``hide`` lets it be seen."""
        return self.with_facts({name: hide(fact) for name, fact in self.facts.items()})

    def with_facts(self, facts: dict[str, Fact]) -> Words:
        """Return the same words with other facts."""
        return Words(facts)

    def __str__(self) -> str:
        """Put them into words."""
        return " ".join(str(fact) for fact in self.facts.values())

    def __eq__(self, other: object) -> bool:
        """Tell whether others say the same."""
        return isinstance(other, Words) and str(self) == str(other)

    def __hash__(self) -> int:
        """Return what words that say the same have in common."""
        return hash(str(self))


def as_text(value: object) -> str | float:
    """Return what stands in JSON for what a record holds as a fact (msgspec's enc_hook). Raises NotImplementedError."""
    kind = value.__class__  # some ten times a call
    if kind is Moment:
        return timestamp(value)  # type: ignore[arg-type]
    if kind is Duration:
        return round(value / SECOND, 6)  # type: ignore[operator]
    if isinstance(value, Words):
        return str(value)
    raise NotImplementedError(type(value))


def size_of(value: object) -> int:
    """Return what a record, or anything in it, takes of memory (bytes)."""
    if isinstance(value, str):
        return of_text(value)
    if isinstance(value, Words):
        return DICT + sum([_FIELD + of_text(str(fact)) for fact in value.facts.values()])
    if isinstance(value, list):
        return LIST + sum([size_of(one) for one in value])
    if isinstance(value, msgspec.Struct):
        fields = value.__struct_fields__
        return _FIELD * len(fields) + sum([size_of(getattr(value, name)) for name in fields])
    return 0


class ConditionRecord(msgspec.Struct, frozen=True, gc=False):
    """One condition; ``leg`` is its leg's place in the call's ``legs``."""

    kind: str
    raised: Moment
    resolved: Moment | None
    resolution: str | None
    leg: int


class LegRecord(msgspec.Struct, frozen=True, gc=False):
    """One INVITE transaction on one hop; ``inferred`` lists what was not captured, but must have been.

    ``callee`` is who was asked for on this hop (user part of its Request-URI), ``alerted`` when it first rang or gave
    something to hear (180, 183), ``settled`` when waiting was over: by the answer, the CANCEL, or the failing final.
    ``offered`` says how a device took the call, where the hop ended at one: a peer's of kind devices, or one that
    registered. ``device`` is then the user who is registered from there, if that was seen and there is but one.
    """

    branch: str
    source: str
    destination: str
    source_address: str
    destination_address: str
    transport: str
    started: Moment
    outcome: str
    status_code: int | None
    cause: int | None
    retransmissions: int
    conditions: list[str]
    inferred: list[str]
    callee: str | None
    alerted: Moment | None
    settled: Moment | None
    offered: str | None
    device: str | None


class MessageRecord(msgspec.Struct, frozen=True, gc=False):
    """One captured message of a call.

    ``retransmission`` says it repeats an earlier one, ``placed`` that it belongs to a transaction that is known: what
    does not is shown all the same, and changes nothing.
    """

    time: Moment
    source: str
    destination: str
    first_line: str
    retransmission: bool
    placed: bool
    raw: str


class EvidenceRecord(msgspec.Struct, frozen=True, gc=False):
    """One packet that supports a finding.

    ``packet`` is its number in its file, as Wireshark counts, None for what came from no file; ``file`` is the
    file's place in ``capture.files``. ``what`` is the message's start line, or a word for what is no message.
    """

    time: Moment
    packet: int | None
    file: int
    what: Words


class FindingRecord(msgspec.Struct, frozen=True, gc=False):
    """A probable cause: what it is, whom it is about, in words, and what was seen of it."""

    kind: str
    subject: Words
    text: Words
    evidence: list[EvidenceRecord]


class CaptureFindingRecord(msgspec.Struct, frozen=True, gc=False):
    """A probable cause that concerns the whole capture: whom, how many calls, the ids of the first of them.

    ``first`` is the time of the first evidence; ``text`` and ``evidence`` are the latest. ``texts`` has the words for
    each of ``ids``, in their order; it is empty where they do not differ.
    """

    kind: str
    subject: Words
    calls: int
    ids: list[str]
    first: Moment
    text: Words
    evidence: list[EvidenceRecord]
    texts: list[Words] = []

    def told_apart(self) -> list[tuple[list[str], Words]]:
        """Return each sentence of ``texts`` once, with the ids of the calls that it is told of."""
        told: dict[Words, list[str]] = {}
        for call, text in zip(self.ids, self.texts, strict=False):
            told.setdefault(text, []).append(call)
        return [(calls, text) for text, calls in told.items()]


class DeviceRecord(msgspec.Struct, frozen=True, gc=False):
    """How one device took the calls it was offered; ``refused`` counts by outcome, ``longest`` is a streak."""

    device: str
    address: str
    offered: int
    answered: int
    refused: dict[str, int]
    streak: int
    longest: int


class LinkRecord(msgspec.Struct, frozen=True, gc=False):
    """Another call of the same conversation, and why it is taken for that.

    ``id`` is the other call's, ``started`` when it began, ``by`` the reason; ``role`` is what the other is to this one,
    None where nothing proves it. Both are calls of their own in all figures. The later of the two names the earlier, if
    it is among the eight that a call names; the earlier names the later, if it was not over by then.
    """

    id: str
    by: str
    role: str | None
    started: Moment


class CallRecord(msgspec.Struct, omit_defaults=True, gc=False):
    """One call attempt; every key stands in every call, save ``messages``, which is asked for."""

    id: str
    call_id: str
    from_tag: str | None
    to_tag: str | None
    caller: str | None
    callee: str | None
    caller_uri: str | None
    callee_uri: str | None
    source: str
    destination: str
    source_address: str
    destination_address: str
    transport: str
    user_agent: str | None
    server: str | None
    started: Moment
    trying: Moment | None
    progressed: Moment | None
    ringing: Moment | None
    answered: Moment | None
    ended: Moment | None
    setup_seconds: Duration | None
    ring_seconds: Duration | None
    talk_seconds: Duration | None
    outcome: str
    category: str
    status_code: int | None
    reason_phrase: str | None
    cause: int | None
    cause_protocol: str | None
    cause_text: str | None
    ended_by: str | None
    ending: str | None
    end_cause: int | None
    end_cause_protocol: str | None
    end_cause_text: str | None
    conditions: list[ConditionRecord]
    findings: list[FindingRecord]
    tags: list[str]
    linked: list[LinkRecord]
    retransmissions: int
    legs: list[LegRecord]
    messages: list[MessageRecord] | None = None


class CaptureRecord(msgspec.Struct):
    """What was read: files, packet times, counts.

    ``messages`` leaves out duplicates; ``discards`` maps a reason to a count; ``notices`` maps what
    the tracker met out of the ordinary (responses nobody asked for, Call-ID reuse, ...) to a count;
    ``evicted`` a table's name to what it had to give up. ``gaps`` says in words what the capture cannot show.
    """

    files: list[str]
    first: Moment | None
    last: Moment | None
    packets: int
    messages: int
    requests: dict[str, int]
    responses: dict[str, int]
    duplicates: int
    discards: dict[str, int]
    notices: dict[str, int]
    evicted: dict[str, int]
    gaps: list[str]


class SummaryRecord(msgspec.Struct):
    """The calls counted. Ratios by RFC 6076 over calls, None where the denominator is 0.

    ``outcomes`` and ``tags`` count calls, ``endings`` the answered ones; ``conditions`` counts the calls in which a
    condition was raised, ``inferred`` those whose verdict needs a message that was not captured.
    ``linked_pairs`` counts pairs of calls of one conversation, each of which is two calls in all other counts.
    ``findings`` are those of the whole capture, ``devices`` those that refused calls, the worst first.
    """

    calls: int
    outcomes: dict[str, int]
    endings: dict[str, int]
    inferred: int
    conditions: dict[str, int]
    ser: float | None
    seer: float | None
    isa: float | None
    scr: float | None
    asr: float | None
    ner: float | None
    tags: dict[str, int]
    linked_pairs: int
    findings: list[CaptureFindingRecord]
    devices: list[DeviceRecord]
