"""From verdict to cause: watches the tracker, remembers what was before, and says what probably lies behind a call.

Must not know: clocks, words, who reads it. It follows packets alone, so that live and replayed traffic have the same
findings (Law 2). A finding is made only where the capture shows it; what it cannot show makes none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sipwatch.classify.findings import (
    PLAIN,
    Evidence,
    Fact,
    Finding,
    Kind,
    said,
    seconds,
    seen,
    where,
)
from sipwatch.classify.outcomes import Outcome
from sipwatch.classify.past import (
    MOST_ADDRESSES,
    MOST_DEVICES,
    MOST_TRUNKS,
    REFUSED,
    Device,
    Dialled,
    Jump,
    Numbers,
    Registered,
    Registrations,
    Silence,
    Silences,
    Table,
    Trunk,
    counts,
    user_part,
)
from sipwatch.classify.peers import NOBODY, Directory, PeerKind
from sipwatch.classify.symptoms import (
    EARLY_RINGING_FROM,
    ack_lost,
    credentials,
    deepest_first,
    early_by,
    is_silent,
    late_480,
    late_busy,
    loop,
    loss,
    media_mismatch,
    nat_suspect,
    private_host,
    short_ring,
    subject,
    wrong_credentials,
)
from sipwatch.classify.verdict import reached
from sipwatch.track.leg import Heard
from sipwatch.track.registrar import OptionsOutcome, RegistrationOutcome
from sipwatch.track.table import TIMER_F
from sipwatch.track.transactions import CHALLENGES, credentials_refused
from sipwatch.wire.sip import user_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sipwatch.track.call import Call
    from sipwatch.track.conditions import Raised
    from sipwatch.track.leg import Leg
    from sipwatch.track.registrar import Options, Registration
    from sipwatch.wire.message import Path, Request, Response, Unreachable

SEVERAL = 2  # requests in a row without a response; one alone may be anything
STREAK_FROM = 3
MOST_IDS = 5  # calls named for one finding of the whole
MOST_SUBJECTS = 1000
_NEED_REGISTRATION = frozenset({403, 404, 480, 503})
_NO_TRUNK = (PeerKind.DEVICES, PeerKind.SERVER)
# Names of the hot path: looked up once, not at every call.
_ANSWERED: Final = Outcome.ANSWERED.value
_CONGESTED: Final = Outcome.CONGESTED.value
_NOT_FOUND: Final = Outcome.NOT_FOUND.value
_NOTHING: Final = Heard.NOTHING
_DEVICES: Final = PeerKind.DEVICES

CallId = tuple[bytes, bytes, int]


class Whole(NamedTuple):
    """A finding that came too late for the call it is about, or is about no call: one for each kind and subject.

    ``calls`` counts the calls it is about, ``ids`` are the first of them, ``first`` is the time of its first
    evidence (ns); the finding itself is the latest.
    """

    finding: Finding
    calls: int
    ids: list[CallId]
    first: int


class Diagnosis:
    """Finds probable causes. It is told of everything in the order in which it happens."""

    def __init__(self, directory: Directory) -> None:
        self.directory = directory
        self.devices: Table[Device] = Table(MOST_DEVICES)
        self._silences = Silences()
        self._registrations = Registrations()
        self._numbers = Numbers(_region(directory))
        self._trunks: Table[Trunk] = Table(MOST_TRUNKS)
        self._trunk_of: dict[bytes, Trunk] = {}  # by address: found once, not at every call
        self._up: dict[int, tuple[Trunk, Trunk]] = {}  # by the serial of an answered call, which the tracker bounds
        self._unreachable: Table[Unreachable] = Table(MOST_ADDRESSES)
        self._whole: Table[Whole] = Table(MOST_SUBJECTS)

    # Verdicts

    def leg(self, leg: Leg, outcome: str) -> None:
        """Take a hop whose verdict has fallen."""
        if leg.heard is not _NOTHING or leg.final is not None:
            at = leg.final_at if leg.final_at >= 0 else leg.provisional_at
            self._silences.heard(leg.path.destination_address, at)
        elif is_silent(leg):
            self._silent(leg)
        if outcome == _ANSWERED or outcome in REFUSED:
            self._offered(leg, outcome)

    def call(self, call: Call, outcome: str) -> None:
        """Take a call whose verdict has fallen: what depends on the moment is found now."""
        far = call.legs[0] if len(call.legs) == 1 else reached(call)
        trunk = self._trunk(far.path.destination_address)
        number = user_of(call.chain[0].invite.request_uri)
        last = call.chain[-1]
        if outcome == _ANSWERED:
            self._answered(call, trunk, far, number)
        elif outcome == _CONGESTED:
            self._trunk_full(call, trunk, far)
        elif outcome == _NOT_FOUND:
            self._not_found(call, trunk, far, number)
        jump = trunk.verdict(outcome, number, last.final or last.invite)
        if jump is not None:
            self._trunk_down(call, far, outcome, jump)
        if last.status_code in _NEED_REGISTRATION:
            self._registration_inactive(call)
        if far.ringing_at >= 0:
            early = early_by(far)
            if early >= 0:
                trunk.early.append(early)

    def over(self, call: Call) -> list[Finding]:
        """Return every finding about a call that nothing more will happen to."""
        found: list[Finding] = call.notes or []
        if not _undisturbed(call):
            found = [*found, *self._symptoms(call)]
        if any([leg.ringing_at - leg.progressed_at >= EARLY_RINGING_FROM for leg in call.legs]):  # noqa: C419 - quicker
            early = self._early_ringing(reached(call))
            if early is not None:
                found = [*found, early]
        return found

    def _symptoms(self, call: Call) -> Iterable[Finding]:
        directory = self.directory
        legs = deepest_first(call)
        for look in (late_480, late_busy, wrong_credentials, media_mismatch, ack_lost, loss):
            found = next(filter(None, (look(leg, directory) for leg in legs)), None)
            if found is not None:
                yield found
        for finding in (
            short_ring(call, call.verdict, directory),
            nat_suspect(call, call.verdict, directory),
            loop(call, directory),
        ):
            if finding is not None:
                yield finding

    def _early_ringing(self, far: Leg) -> Finding | None:
        early = early_by(far)
        if early < EARLY_RINGING_FROM or far.progress is None or far.ringing is None:
            return None
        trunk = self._trunk(far.path.destination_address)
        facts: dict[str, Fact] = {
            "early_seconds": seconds(early),
            "typical_seconds": seconds(trunk.typical_early()),
            "calls": len(trunk.early),
        }
        about = subject(self.directory, far.path.destination_address)
        return Finding(Kind.EARLY_RINGING, PLAIN, about, facts, [seen(far.progress), seen(far.ringing)])

    # Nobody there

    def _silent(self, leg: Leg) -> None:
        path = leg.path
        silence = self._silences.silent(path.destination_address, leg.started, seen(leg.invite))
        error = self._icmp(path, leg.started)
        if silence is not None and (silence.requests >= SEVERAL or error is not None):
            self._note(leg.call, self._silent_peer(path, silence, error))
        device = self._registrations.of_device(path.destination_address)
        if device is not None and device.private_contact:
            facts: dict[str, Fact] = {
                "contact": device.private_contact,
                "address": where(path.destination_address),
                "registered_at": device.at,
            }
            about = subject(self.directory, path.destination_address)
            self._note(leg.call, Finding(Kind.NAT_SUSPECT, "device", about, facts, [device.evidence, seen(leg.invite)]))

    def _silent_peer(self, path: Path, silence: Silence, error: Unreachable | None) -> Finding:
        facts: dict[str, Fact] = {
            "address": path.destination, "requests": silence.requests, "since_at": silence.since
        }  # fmt: skip
        evidence = list(silence.evidence)
        if error is not None:
            facts["icmp"] = error.code
            facts["reporter"] = where(error.reporter)
            evidence.append(Evidence(error.time, error.number, f"ICMP {error.code}"))
        variant = "silent" if error is None else "unreachable"
        return Finding(Kind.SILENT_PEER, variant, subject(self.directory, path.destination_address), facts, evidence)

    def unreachable(self, error: Unreachable) -> None:
        """Take an ICMP error that quotes SIP: evidence for the request it quotes."""
        self._unreachable.put(error.path.key, error)

    def _icmp(self, path: Path, since: int) -> Unreachable | None:
        error = self._unreachable.get(path.key)
        return error if error is not None and error.time >= since else None

    # Registrations and pings

    def registration(self, transaction: Registration) -> None:
        """Take the result of an attempt to register."""
        request, response, path = transaction.request, transaction.response, transaction.path
        evidence = seen(request if response is None else response)
        at = request.time + TIMER_F if response is None else response.time
        contacts = [private_host(uri) for uri in transaction.contacts]
        private = next((c for c in contacts if c is not None and c != path.source_address), None)
        self._registrations.add(transaction, at, evidence, "" if private is None else where(private))
        if response is not None:
            self._silences.heard(path.destination_address, response.time)
        elif transaction.outcome is RegistrationOutcome.NOT_RESPONDING:
            self._no_reply(path, request, transaction.started)
        if transaction.status_code in CHALLENGES and response is not None and credentials_refused(request, response):
            facts = credentials(request, transaction.status_code)
            about = subject(self.directory, path.source_address)
            finding = Finding(Kind.WRONG_CREDENTIALS, "register", about, facts, [seen(request), seen(response)])
            self._about_the_whole(finding, None)

    def options(self, transaction: Options) -> None:
        """Take the result of an OPTIONS."""
        if transaction.outcome is OptionsOutcome.NOT_RESPONDING:
            self._no_reply(transaction.path, transaction.request, transaction.started)
        elif transaction.outcome is not OptionsOutcome.UNFINISHED:
            self._silences.heard(transaction.path.destination_address, transaction.request.time)

    def _no_reply(self, path: Path, request: Request, started: int) -> None:
        silence = self._silences.silent(path.destination_address, started, seen(request))
        error = self._icmp(path, started)
        if silence is not None and (silence.requests >= SEVERAL or error is not None):
            self._about_the_whole(self._silent_peer(path, silence, error), None)

    def _registration_inactive(self, call: Call) -> None:
        for leg in deepest_first(call):
            if leg.status_code not in _NEED_REGISTRATION or leg.final is None:
                continue
            source, destination, uri = leg.path.source_address, leg.path.destination_address, leg.invite.request_uri
            for who, entry in (
                (where(source), self._registrations.between(source, destination)),
                (said(user_of(uri)), self._registrations.of_user(destination, user_part(uri))),
            ):
                if entry is not None and _is_inactive(entry, leg.started):
                    self._note(call, self._inactive(leg, who, entry))
                    return

    def _inactive(self, leg: Leg, who: str, entry: Registered) -> Finding:
        variant = entry.outcome if not entry.until else "expired"
        facts: dict[str, Fact] = {
            "who": who, "status_code": leg.status_code, "register_code": entry.status_code,
            "result_at": entry.until or entry.at,
        }  # fmt: skip
        about = subject(self.directory, leg.path.destination_address)
        evidence = [entry.evidence, seen(leg.invite), *([seen(leg.final)] if leg.final else [])]
        return Finding(Kind.REGISTRATION_INACTIVE, variant, about, facts, evidence)

    # Trunks

    def _trunk(self, address: bytes) -> Trunk:
        trunk = self._trunk_of.get(address)
        if trunk is not None:
            return trunk
        peer = self.directory.peer(address)
        key = address if peer is NOBODY else peer.name
        trunk = self._trunks.get(key)
        if trunk is None:
            trunk = Trunk()
            self._trunks.put(key, trunk)
        if len(self._trunk_of) >= MOST_ADDRESSES:
            self._trunk_of.clear()
        self._trunk_of[address] = trunk
        return trunk

    def _answered(self, call: Call, trunk: Trunk, far: Leg, number: bytes) -> None:
        near = self._trunk(call.chain[0].path.source_address)
        trunk.answered()
        if near is not trunk:
            near.answered()
        self._up[call.serial] = (near, trunk)
        peer = self.directory.peer(far.path.destination_address)
        if not number or far.final is None or peer.kind in _NO_TRUNK:
            return
        answered = Dialled(number, (call.call_id, call.from_tag, call.started), far.final)
        numbers = self._numbers
        numbers.answered.put(numbers.key(trunk, number), answered)
        failed = numbers.spelt_otherwise(numbers.not_found, trunk, number) if len(numbers.not_found) else None
        if failed is None:
            return
        before, _ = failed
        numbers.not_found.drop(numbers.key(trunk, number))
        difference = numbers.spelt_otherwise(numbers.answered, trunk, before.number)
        if difference is not None:
            about = subject(self.directory, far.path.destination_address)
            self._about_the_whole(_number_format(about, before, answered, difference[1]), before.call)

    def _not_found(self, call: Call, trunk: Trunk, far: Leg, number: bytes) -> None:
        final = call.chain[-1].final
        if not number or final is None:
            return
        failed = Dialled(number, (call.call_id, call.from_tag, call.started), final)
        numbers = self._numbers
        answered = numbers.spelt_otherwise(numbers.answered, trunk, number)
        if answered is None:
            numbers.not_found.put(numbers.key(trunk, number), failed)
            return
        about = subject(self.directory, far.path.destination_address)
        self._note(call, _number_format(about, failed, *answered))

    def _trunk_full(self, call: Call, trunk: Trunk, far: Leg) -> None:
        facts: dict[str, Fact] = {"up": trunk.up, "most": trunk.most_up}
        last = call.chain[-1]
        about = subject(self.directory, far.path.destination_address)
        variant = "up" if trunk.up else "empty"
        self._note(call, Finding(Kind.TRUNK_FULL, variant, about, facts, [seen(last.final)] if last.final else []))

    def _trunk_down(self, call: Call, far: Leg, outcome: str, jump: Jump) -> None:
        facts: dict[str, Fact] = {
            "outcome": outcome, "share": round(100 * jump.share), "before": round(100 * jump.before),
            "since_at": jump.since, "calls": jump.calls,
        }  # fmt: skip
        about = subject(self.directory, far.path.destination_address)
        self._note(call, Finding(Kind.TRUNK_DOWN, PLAIN, about, facts, jump.evidence))

    # Devices

    def _offered(self, leg: Leg, outcome: str) -> None:
        """Take what a device did with a call. Where nothing says that a device stands there, nothing is counted."""
        address = leg.path.destination_address
        peer = self.directory.peer(address)
        if peer.kind is not _DEVICES and (peer.kind is not None or self._registrations.of_device(address) is None):
            return
        name = said(user_of(leg.invite.request_uri))
        device = self.devices.get((address, name))
        if device is None:
            device = Device(name, where(address))
            self.devices.put((address, name), device)
        if outcome == _ANSWERED:
            device.took()
            return
        device.refuses(outcome, leg.started, seen(leg.final or leg.cancel or leg.invite))
        if device.streak >= STREAK_FROM:
            facts: dict[str, Fact] = {
                "device": name, "address": device.address, "streak": device.streak, "since_at": device.since,
                "mostly": max(device.refused, key=lambda how: device.refused[how]),
            }  # fmt: skip
            about = name or device.address
            self._note(leg.call, Finding(Kind.REFUSAL_STREAK, PLAIN, about, facts, list(device.evidence)))

    # The whole

    def use(self, directory: Directory) -> None:
        """Name peers by a new configuration from now on."""
        self.directory = directory
        self._numbers.region = _region(directory)
        self._trunk_of.clear()

    def whole(self) -> list[Whole]:
        """Return the findings that stand with no call, in the order of their first evidence."""
        return sorted(self._whole.values(), key=lambda found: (found.first, found.finding.kind, found.finding.subject))

    def worst_devices(self, most: int) -> list[Device]:
        """Return the devices that refused most in a row, the worst first; those that refused nothing are left out."""
        refusing = [device for device in self.devices.values() if device.refused]
        return sorted(refusing, key=lambda device: (device.worst, device.name, device.address), reverse=True)[:most]

    def _note(self, call: Call, finding: Finding) -> None:
        """Keep a finding with its call; one of a kind is enough."""
        if call.notes is None:
            call.notes = []
        if all(finding.kind is not kept.kind for kept in call.notes):
            call.notes.append(finding)

    def _about_the_whole(self, finding: Finding, call: CallId | None) -> None:
        key = (finding.kind, finding.variant, finding.subject)
        before = self._whole.get(key)
        first = min((evidence.time for evidence in finding.evidence), default=0)
        calls, ids = (0, []) if before is None else (before.calls, before.ids)
        if call is not None:
            calls += 1
            ids = [*ids, call][:MOST_IDS]
        self._whole.put(key, Whole(finding, calls, ids, first if before is None else min(first, before.first)))

    @property
    def tables(self) -> tuple[dict[str, int], dict[str, int]]:
        """Return how many entries each table has, and how many each has given up."""
        named: dict[str, Table[object]] = {
            "silent_addresses": self._silences.table,  # type: ignore[dict-item]
            "trunks": self._trunks,  # type: ignore[dict-item]
            "devices": self.devices,  # type: ignore[dict-item]
            "numbers": self._numbers.answered,  # type: ignore[dict-item]
            "numbers_not_found": self._numbers.not_found,  # type: ignore[dict-item]
            "registered_users": self._registrations.tables[1],  # type: ignore[dict-item]
            "icmp_errors": self._unreachable,  # type: ignore[dict-item]
            "findings": self._whole,  # type: ignore[dict-item]
        }
        return counts(named)

    # What a watcher hears besides (track.call.Watcher)

    def ended(self, call: Call) -> None:
        """Take the end of an answered call."""
        for end in set(self._up.pop(call.serial, ())):
            end.ended()

    def added(self, leg: Leg) -> None:
        """Nothing is known of a hop that has just begun."""

    def raised(self, leg: Leg, raised: Raised) -> None:
        """What a condition means is seen at the end."""

    def resolved(self, leg: Leg, raised: Raised) -> None:
        """As above."""

    def repeated(self, message: Request | Response) -> None:
        """Hops count their own."""

    def disconnected(self, call: Call, delay: int) -> None:
        """The BYE's response shows nothing more."""

    def asked(self, request: Request) -> None:
        """What comes of it is told later."""

    def bound(self, path: Path) -> None:
        """Results are enough."""

    def unbound(self, path: Path, expired: bool) -> None:
        """When a registration runs out follows from its result."""


def _region(directory: Directory) -> str | None:
    callback = directory.settings.callback
    return None if callback is None else callback.region


def _undisturbed(call: Call) -> bool:
    """Tell whether a call was answered, on one hop or more, with nothing sent again and nothing wrong meanwhile."""
    if call.verdict != _ANSWERED:
        return False
    for leg in call.legs:  # noqa: SIM110 - quicker than all()
        if leg.retransmissions or leg.conditions is not None or leg.status_code >= 300:
            return False
    return True


def _is_inactive(entry: Registered, moment: int) -> bool:
    return not entry.until or entry.until < moment


def _number_format(trunk: str, failed: Dialled, worked: Dialled, difference: str) -> Finding:
    facts: dict[str, Fact] = {"number": said(failed.number), "other": said(worked.number), "difference": difference}
    evidence = sorted([seen(failed.final), seen(worked.final)])
    return Finding(Kind.NUMBER_FORMAT, PLAIN, trunk, facts, evidence)
