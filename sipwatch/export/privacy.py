"""What may be read of people, as one policy for every way out: tables, JSON, CSV, logs, evidence.

Must not know: formats, terminals, or where a record goes. It takes records as they are and gives them back with
numbers and names hidden; it is applied before a writer escapes. Filters and counts come before.

A Call-ID, a tag or a branch stays, since it is what two sides of a trunk find a call by, unless the number or user
name of somebody in the call stands in it: then it is hidden as a whole. So is the From tag beside such a Call-ID, and
the other way round. For a call's ``id`` is made of both and of its beginning: who knew all of that save four digits
of a number could try all ten thousand out. Without the Call-ID and the tag, of which at least one is random
(RFC 3261 §8.1.1.4, §19.3), he cannot; and where no number stands in them, the ``id`` says nothing of one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from sipwatch.classify.findings import Sort, Term, own
from sipwatch.export import rawmask, scrub
from sipwatch.export.masking import NO_ONE, Known, Masking
from sipwatch.wire.message import is_address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from sipwatch.classify.findings import Fact
    from sipwatch.classify.peers import Privacy
    from sipwatch.export.agents import AgentRecord
    from sipwatch.export.record import (
        CallRecord,
        CaptureFindingRecord,
        CaptureRecord,
        DeviceRecord,
        EvidenceRecord,
        FindingRecord,
        LegRecord,
        MessageRecord,
        SummaryRecord,
        Words,
    )


def policy_of(privacy: Privacy) -> Policy | None:
    """Return the policy that a configuration asks for; None if it hides nothing."""
    return Policy(privacy) if privacy.mask is not None or privacy.names or privacy.key else None


class Policy:
    """Hides numbers and user names if ``privacy.mask`` says so, display names if ``privacy.names`` does.

    With ``privacy.key`` pseudonyms stand in their place, and ``privacy.addresses`` may hide addresses as well.
    Secrets are no matter of policy: they are gone before (``scrub``).
    """

    __slots__ = ("_masking",)

    def __init__(self, privacy: Privacy) -> None:
        self._masking = Masking.of(privacy)

    # Single texts

    def number(self, text: str) -> str:
        """Hide in a number, or in the user name that stands where a number could."""
        return self._masking.number(text)

    def name(self, text: str) -> str:
        """Hide a display name."""
        return self._masking.name(text)

    def uri(self, text: str) -> str:
        """Hide in a URI, name-addr or not."""
        return self._masking.free(scrub.text(text))

    def text(self, text: str) -> str:
        """Hide in any other text: URIs and what looks like a number."""
        return self._masking.free(text)

    def software(self, text: str) -> str:
        """Hide in the name of a product; its version stays."""
        return self._masking.software(text)

    def registered(self, aor: str, user_agent: str) -> tuple[str, str]:
        """Hide in whom a REGISTER is about (a URI), and in the name of what sent it, wherever he is named there."""
        user = aor.partition(":")[2].rpartition("@")[0]
        known = self._known([user] if user else [], ())
        return self._masking.free(scrub.text(aor), known), self._masking.software(user_agent, known)

    def host(self, text: str) -> str:
        """Hide the name of a host, with a port or without, if somebody is named in it, or addresses are hidden."""
        return self._masking.host(text) if self._masking.closed else self._masking.free(text)

    def address(self, text: str) -> str:
        """Hide an IP address, with a port or without, if addresses are to be hidden."""
        return self._masking.placed(text)

    def call_id(self, call_id: str, from_tag: str, *users: str) -> str:
        """Hide a Call-ID if it, or the From tag, holds the number or name of one of the call's users."""
        known = self._known(users, ())
        if known.may_stand_in((call_id, from_tag)) and (known.found_in(call_id) or known.found_in(from_tag)):
            known = known.hiding((call_id,))
        else:
            known = NO_ONE
        return self._masking.identifier(call_id, known)

    def message(self, raw: str) -> str:
        """Hide in a whole SIP message; secrets as well. Its length stays."""
        return rawmask.message(self._masking, raw, self._known(*rawmask.named([raw])))

    def payload(self, data: bytes) -> bytes:
        """Hide in a whole SIP message as it was on the wire. Its length stays."""
        return self.message(data.decode("latin-1")).encode("latin-1")

    @staticmethod
    def scrub(raw: str) -> str:
        """Hide the secrets of a message, and nothing else."""
        return scrub.message(raw)

    # Records

    def call(self, record: CallRecord) -> CallRecord:
        """Hide in a call, everywhere. Its ``id`` stays."""
        known = self.parties(record)
        free = self._masking.free
        return replace(
            record,
            call_id=self._masking.identifier(record.call_id, known),
            from_tag=_if_there(record.from_tag, self._masking.identifier, known),
            to_tag=_if_there(record.to_tag, self._masking.identifier, known),
            caller=None if record.caller is None else self.number(record.caller),
            callee=None if record.callee is None else self.number(record.callee),
            source_address=self.address(record.source_address),
            destination_address=self.address(record.destination_address),
            caller_uri=_if_there(record.caller_uri, free, known),
            callee_uri=_if_there(record.callee_uri, free, known),
            user_agent=_if_there(record.user_agent, self._masking.software, known),
            server=_if_there(record.server, self._masking.software, known),
            reason_phrase=_if_there(record.reason_phrase, free, known),
            cause_protocol=_if_there(record.cause_protocol, free, known),
            cause_text=_if_there(record.cause_text, free, known),
            end_cause_protocol=_if_there(record.end_cause_protocol, free, known),
            end_cause_text=_if_there(record.end_cause_text, free, known),
            findings=[self._finding(found, known) for found in record.findings],
            legs=[self._leg(leg, known) for leg in record.legs],
            messages=None if record.messages is None else [self._message(m, known) for m in record.messages],
        )

    def parties(self, record: CallRecord) -> Known:
        """Return who has a part in a call; ``NO_ONE`` if nobody is named where only a search would find him."""
        raws = [message.raw for message in record.messages or ()]
        users, names = rawmask.named(raws) if raws else (set(), set())
        more, named = _in_findings(record.findings)
        names |= named
        asked_for = {user for leg in record.legs for user in (leg.callee, leg.device) if user}
        parties = [record.caller or "", record.callee or "", *sorted(asked_for | more), *sorted(users)]
        known = self._known(parties, sorted(names))
        if not known.may_stand_in([*_searched(record), *raws]):
            return NO_ONE
        made_of = (record.call_id, record.from_tag or "")
        if any(known.found_in(one) for one in made_of):
            return known.hiding(made_of)
        return known

    def capture(self, record: CaptureRecord) -> CaptureRecord:
        """Hide in the head of a report: a stranger may call a method what he likes."""
        requests: dict[str, int] = {}
        for method, count in record.requests.items():
            shown = self.text(method)
            requests[shown] = requests.get(shown, 0) + count
        return replace(record, requests=requests)

    def summary(
        self, record: SummaryRecord, parties: Mapping[tuple[str, str], list[Known]] | None = None
    ) -> SummaryRecord:
        """Hide in the findings of the whole capture, and in the list of devices.

        ``parties`` are, for a kind and subject, those of the latest call with such a finding, then of the first ones.
        """
        parties = parties or {}
        return replace(
            record,
            findings=[
                self.whole(found, parties.get((found.kind, str(found.subject)), ())) for found in record.findings
            ],
            devices=[self.device(device) for device in record.devices],
        )

    def whole(self, record: CaptureFindingRecord, parties: Sequence[Known] = ()) -> CaptureFindingRecord:
        """Hide in a finding that concerns the whole capture; ``parties`` as for ``summary``."""
        known = parties[0] if parties else self._known(*_in_findings([record]))
        each = zip(record.texts, parties[1:] or [known] * len(record.texts), strict=False)
        return replace(
            record,
            subject=self._words(record.subject, known),
            text=self._words(record.text, known),
            evidence=[self._evidence(seen, known) for seen in record.evidence],
            texts=[self._words(text, its) for text, its in each],
        )

    def device(self, record: DeviceRecord) -> DeviceRecord:
        """Hide the name of a device, which is a user part; its address stays, if addresses may be read."""
        return replace(record, device=self._person(record.device), address=self.address(record.address))

    def agent(self, record: AgentRecord) -> AgentRecord:
        """Hide who an agent is, by number and by name; the group stays."""
        return replace(
            record,
            device=self._person(record.device),
            name=None if record.name is None else self.name(record.name),
            addresses=[self.address(address) for address in record.addresses],
        )

    # Parts of them

    def _known(self, users: Iterable[str], names: Iterable[str]) -> Known:
        """Return who is to be looked for: of users and names, those that are to be hidden."""
        masking = self._masking
        return Known(users if masking.mask is not None else (), names if masking.names else ())

    def _leg(self, leg: LegRecord, known: Known) -> LegRecord:
        return replace(
            leg,
            branch=self._masking.identifier(leg.branch, known),
            source_address=self.address(leg.source_address),
            destination_address=self.address(leg.destination_address),
            callee=None if leg.callee is None else self.number(leg.callee),
            device=None if leg.device is None else self.number(leg.device),
        )

    def _message(self, message: MessageRecord, known: Known) -> MessageRecord:
        return replace(
            message,
            source=self.address(message.source),
            destination=self.address(message.destination),
            first_line=rawmask.start_line(self._masking, message.first_line, known),
            raw=rawmask.message(self._masking, message.raw, known),
        )

    def _finding(self, found: FindingRecord, known: Known) -> FindingRecord:
        return replace(
            found,
            subject=self._words(found.subject, known),
            text=self._words(found.text, known),
            evidence=[self._evidence(seen, known) for seen in found.evidence],
        )

    def _evidence(self, seen: EvidenceRecord, known: Known) -> EvidenceRecord:
        return replace(seen, what=self._words(seen.what, known))

    def _words(self, words: Words, known: Known) -> Words:
        return words.hidden(lambda fact: self._fact(fact, known))

    def _fact(self, fact: Fact, known: Known) -> Fact:
        """Hide a fact by what it is. Numbers are counts, codes, times; of a text of no known sort nothing stays."""
        if not isinstance(fact, Term):
            return fact if isinstance(fact, (int, float)) else own(scrub.hidden(str(fact)))
        text = scrub.text(fact.text)
        match fact.sort:
            case Sort.OWN:
                return fact
            case Sort.PERSON:
                text = self._person(text)
            case Sort.ADDRESS:
                text = self.address(text)
            case Sort.IDENTIFIER:
                text = self._masking.identifier(text, known)
            case Sort.LINE:
                text = rawmask.start_line(self._masking, text, known)
            case Sort.URI | Sort.QUOTED:
                text = self._masking.free(text, known)
            case _:
                text = scrub.hidden(text)
        return own(text)

    def _person(self, text: str) -> str:
        """Hide what is a user part or a URI, or an address in place of either."""
        if text == "?" or is_address(text):
            return self.address(text)
        if "@" in text or ":" in text:
            return self._masking.free(text)
        return self._masking.user(text)


def _in_findings(findings: Iterable[FindingRecord | CaptureFindingRecord]) -> tuple[set[str], set[str]]:
    """Return the users, and the display names, that findings name."""
    terms = list(_terms(findings))
    users, names = rawmask.named(term.text for term in terms if term.sort is not Sort.PERSON)
    users.update(term.text for term in terms if term.sort is Sort.PERSON)
    return {user for user in users if not is_address(user)}, names


def _terms(findings: Iterable[FindingRecord | CaptureFindingRecord]) -> Iterator[Term]:
    """Yield the facts of findings that are texts of strangers."""
    for found in findings:
        for words in (found.subject, found.text, *(seen.what for seen in found.evidence)):
            for fact in words.facts.values():
                if isinstance(fact, Term) and fact.sort is not Sort.OWN:
                    yield fact


def _searched(record: CallRecord) -> list[str]:
    """Return the texts of a call in which somebody may be named without any grammar that says so."""
    texts = [record.call_id, record.from_tag, record.to_tag, record.user_agent, record.server, record.reason_phrase]
    texts += [record.cause_protocol, record.cause_text, record.end_cause_protocol, record.end_cause_text]
    for uri, user in ((record.caller_uri, record.caller), (record.callee_uri, record.callee)):
        texts.append(uri.replace(f":{user}@", "", 1) if uri else None)
    texts += [leg.branch for leg in record.legs]
    texts += [term.text for term in _terms(record.findings)]
    return [text for text in texts if text]


def _if_there(text: str | None, hide: Callable[[str, Known], str], known: Known) -> str | None:
    return None if text is None else hide(text, known)
