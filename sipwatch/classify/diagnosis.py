"""From verdict to cause: watches the tracker, remembers what was before, and says what probably lies behind a call.

Must not know: clocks, words, who reads it. It follows packets alone, so that live and replayed traffic have the same
findings (Law 2). A finding is made only where the capture shows it; what it cannot show makes none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sipwatch.classify.causes import BY_CAUSE
from sipwatch.classify.families.path import is_silent
from sipwatch.classify.families.setup import credentials, early_by, early_ringing
from sipwatch.classify.families.table import EARLY, look_for, signs_of, strongest_first
from sipwatch.classify.findings import (
    PLAIN,
    Evidence,
    Fact,
    Finding,
    Kind,
    said,
    seen,
    where,
)
from sipwatch.classify.hops import goes_on, last_hops, subject
from sipwatch.classify.outcomes import Outcome
from sipwatch.classify.past import (
    MOST_ADDRESSES,
    MOST_DEVICES,
    MOST_IDS,
    MOST_TRUNKS,
    REFUSED,
    Bounded,
    CallId,
    Cure,
    Device,
    Jump,
    Numbers,
    Silence,
    Silences,
    Table,
    Trunk,
    counts,
)
from sipwatch.classify.peers import NOBODY, Directory, Peer, PeerKind
from sipwatch.classify.registered import Registered, Registrations
from sipwatch.classify.told import deciding_reason
from sipwatch.classify.verdict import reached
from sipwatch.track.leg import Heard
from sipwatch.track.registrar import OptionsOutcome, RegistrationOutcome
from sipwatch.track.transactions import CHALLENGES, credentials_refused
from sipwatch.wire.message import Request
from sipwatch.wire.sip import header, uri_of, user_of

if TYPE_CHECKING:
    from sipwatch.track.call import Call
    from sipwatch.track.conditions import Raised
    from sipwatch.track.leg import Leg
    from sipwatch.track.registrar import Options, Registration
    from sipwatch.wire.message import Path, Response, Unreachable

SEVERAL = 2  # requests in a row without a response; one alone may be anything
STREAK_FROM = 3
MOST_SUBJECTS = 1000
_NEED_REGISTRATION = frozenset({403, 404, 480, 503})
_ABOUT_THE_CALLEE = frozenset({404, 480})  # codes by which a registrar rather means whom it should reach
_NO_TRUNK = frozenset({PeerKind.DEVICES, PeerKind.SERVER})
# Names of the hot path: looked up once, not at every call.
_ANSWERED: Final = Outcome.ANSWERED.value
_CONGESTED: Final = Outcome.CONGESTED.value
_NOT_FOUND: Final = Outcome.NOT_FOUND.value
_NOTHING: Final = Heard.NOTHING
_DEVICES: Final = PeerKind.DEVICES
_TRUNK: Final = PeerKind.TRUNK
_SENT_AGAIN: Final = frozenset({"REGISTER", "OPTIONS"})


# An answered call: the addresses at its two ends, near and far, and the trunks that it occupies there.
Up = tuple[bytes, bytes, Trunk, Trunk]


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
        self.silences = Silences()  # must hear of every response, when everything due before it has been told
        self._silent_ends = self.silences.table.entries  # looked at for every call: most captures have none
        self._registrations = Registrations()
        self._registered = self._registrations.sources.entries  # as above
        self._with_devices = _with_devices(directory)
        self._numbers = Numbers(_region(directory))
        self._trunks: dict[str, Trunk] = {}  # by peer: as many as are configured
        self._others: Table[Trunk] = Table(MOST_TRUNKS)  # by address, of whoever is not
        self._up: dict[int, Up] = {}  # by the serial of an answered call, which the tracker bounds
        self._again: Table[int] = Table(MOST_ADDRESSES)  # when a REGISTER or OPTIONS was sent again, by its path
        self._unreachable: Table[Unreachable] = Table(MOST_ADDRESSES)
        self._whole: Table[Whole] = Table(MOST_SUBJECTS)

    # Verdicts

    def leg(self, leg: Leg, outcome: str) -> None:
        """Take a hop whose verdict has fallen."""
        if leg.heard is _NOTHING and leg.final is None:
            self._silent(leg)
        elif self._silent_ends:
            self.silences.answered(leg.path.destination)
        if (self._with_devices or self._registered) and (outcome == _ANSWERED or outcome in REFUSED):
            self._offered(leg, outcome)

    def call(self, call: Call, outcome: str) -> None:
        """Take a call whose verdict has fallen: what depends on the moment is found now."""
        far = call.legs[0] if len(call.legs) == 1 else reached(call)
        address = far.path.destination_address
        peer = self.directory.peer(address)
        trunk = self._trunk(address, peer)
        number = _number_in(far.invite.request_uri)
        if outcome == _ANSWERED:
            trunk.ended_calls += 1  # as ``verdict`` would
            self._answered(call, trunk, far, peer, number)
        else:
            self._failed(call, trunk, far, peer, number, outcome)
        if far.ringing_at > far.progressed_at:
            early = early_by(far)
            if early >= 0:
                trunk.early.append(early)

    def over(self, call: Call) -> list[Finding]:
        """Return every finding about a call that nothing more will happen to."""
        found: list[Finding] = call.notes or []
        signs = signs_of(call)
        if signs:
            found = [*found, *look_for(call, signs, self.directory)]
        if signs & EARLY:
            far = reached(call)
            address = far.path.destination_address
            trunk = self._trunk(address, self.directory.peer(address))
            finding = early_ringing(far, self.directory, trunk.typical_early(), len(trunk.early))
            if finding is not None:
                found = [*found, finding]
        return strongest_first(found) if len(found) > 1 else found

    def _failed(self, call: Call, trunk: Trunk, far: Leg, peer: Peer, number: bytes, outcome: str) -> None:
        if _CONGESTED in (outcome, far.verdict):
            self._trunk_full(call, trunk, far, peer)
        unregistered = bool(len(self._registrations.users)) and self._registration_inactive(call)
        # A lapsed registration explains a 404 by itself, whatever the number.
        if outcome == _NOT_FOUND and not unregistered and peer.kind not in _NO_TRUNK:
            self._not_found(call, trunk, far, number)
        last = call.upstream or call.front[-1]
        jump = trunk.verdict(outcome, number, last.final or last.invite)
        if jump is not None and peer.kind is not _DEVICES:
            self._trunk_down(call, far, outcome, jump)

    # Nobody there

    def _silent(self, leg: Leg) -> None:
        if leg.over_at < 0:
            return
        path = leg.path
        error = self._icmp(path, leg.started)
        if error is None and not is_silent(leg, self.silences.captured(path.source_address)):
            return
        silence = self.silences.silent(path.destination, leg.started, seen(leg.invite))
        if silence is not None and (silence.requests >= SEVERAL or error is not None):
            self._note(leg.call, self._silent_peer(path, silence, error))
        device = self._registrations.device(path.destination)
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
        if not len(self._unreachable):
            return None
        error = self._unreachable.get(path.key)
        return error if error is not None and error.time >= since else None

    # Registrations and pings

    def repeated(self, message: Request | Response) -> None:
        """Note that a REGISTER or OPTIONS was sent again: its sender heard nothing, either. Hops count their own."""
        if message.cseq_method in _SENT_AGAIN and isinstance(message, Request):
            self._again.put(message.path.key, message.time)

    def registration(self, transaction: Registration) -> None:
        """Take the result of an attempt to register."""
        request, response, path = transaction.request, transaction.response, transaction.path
        self._registrations.add(transaction)
        if transaction.outcome is RegistrationOutcome.NOT_RESPONDING:
            self._no_reply(path, request)
        if transaction.status_code in CHALLENGES and response is not None and credentials_refused(request, response):
            facts = credentials(request, transaction.status_code)
            about = subject(self.directory, path.source_address)
            finding = Finding(Kind.WRONG_CREDENTIALS, "register", about, facts, [seen(request), seen(response)])
            self._about_the_whole(finding)

    def options(self, transaction: Options) -> None:
        """Take the result of an OPTIONS."""
        if transaction.outcome is OptionsOutcome.NOT_RESPONDING:
            self._no_reply(transaction.path, transaction.request)

    def _no_reply(self, path: Path, request: Request) -> None:
        """Take a request without a response. As with an INVITE, only the sender's repetitions prove that."""
        error = self._icmp(path, request.time)
        again = self._again.get(path.key)
        if (
            error is None
            and (again is None or again < request.time)
            and not self.silences.captured(path.source_address)
        ):
            return
        silence = self.silences.silent(path.destination, request.time, seen(request))
        if silence is not None and (silence.requests >= SEVERAL or error is not None):
            self._about_the_whole(self._silent_peer(path, silence, error))

    def _registration_inactive(self, call: Call) -> bool:
        """Look for a registration that explains why a call was refused; tell whether there is one."""
        for leg in last_hops(call):
            if leg.status_code not in _NEED_REGISTRATION or leg.final is None:
                continue
            callee = user_of(leg.invite.request_uri)
            looks = [
                (said(callee), self._registrations.inactive_user(leg.path.destination_address, callee, leg.started))
            ]
            looks.insert(leg.status_code in _ABOUT_THE_CALLEE, self._callers_registration(leg))
            for who, entry in looks:
                if entry is not None:
                    self._note(call, self._inactive(leg, who, entry))
                    return True
        return False

    def _callers_registration(self, leg: Leg) -> tuple[str, Registered | None]:
        """Return how the caller's registration fared: his own, or that of everybody at his address."""
        source, destination = leg.path.source_address, leg.path.destination_address
        caller = user_of(uri_of(header(leg.invite.raw, b"from", b"f")))
        if self._registrations.knows_user(destination, caller):
            return said(caller), self._registrations.inactive_user(destination, caller, leg.started)
        return where(source), self._registrations.inactive_source(source, destination, leg.started)

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

    def _trunk(self, address: bytes, peer: Peer) -> Trunk:
        trunk = self._others.touch(address) if peer is NOBODY else self._trunks.get(peer.name)
        if trunk is None:
            trunk = Trunk()
            if peer is NOBODY:
                self._others.put(address, trunk)
            else:
                self._trunks[peer.name] = trunk
        return trunk

    def _answered(self, call: Call, trunk: Trunk, far: Leg, peer: Peer, number: bytes) -> None:
        if call.answered_at >= 0:  # else a rule says so, and nothing is up
            address = call.front[0].path.source_address
            near = self._trunk(address, self.directory.peer(address))
            trunk.answered()
            if near is not trunk:
                near.answered()
            self._up[call.serial] = (address, far.path.destination_address, near, trunk)
        if number and far.final is not None and peer.kind not in _NO_TRUNK:
            for cure in self._numbers.answers(trunk, number, far.final):
                finding = _number_format(subject(self.directory, far.path.destination_address), cure)
                self._about_the_whole(finding, cure.calls, cure.ids)

    def ended(self, call: Call) -> None:
        """Take the end of an answered call."""
        up = self._up.pop(call.serial, None)
        if up is not None:
            _, _, near, far = up
            near.ended()
            if far is not near:
                far.ended()

    def _not_found(self, call: Call, trunk: Trunk, far: Leg, number: bytes) -> None:
        if not number or far.final is None or far.verdict not in ("", _NOT_FOUND):
            return
        cure = self._numbers.fails(trunk, number, far.final, (call.call_id, call.from_tag, call.started))
        if cure is not None:
            self._note(call, _number_format(subject(self.directory, far.path.destination_address), cure))

    def _trunk_full(self, call: Call, trunk: Trunk, far: Leg, peer: Peer) -> None:
        """Say how full it was, where the far end itself says that it is full.

        603 says so only from a trunk, or with a Reason or a rule: a call from outside that a person declines is
        congested by the letter of the rules, and nothing is full. A table that has forgotten trunks cannot say that
        none of its calls was up.
        """
        if peer.kind is _DEVICES or far.verdict not in ("", _CONGESTED):
            return
        said_so = far if far.final is not None else call.upstream or call.front[-1]
        if said_so.final is None:
            return
        if said_so.status_code == 603 and peer.kind is not _TRUNK and not peer.rules:
            cause = deciding_reason(said_so).cause
            if cause is None or BY_CAUSE.get(cause) is not Outcome.CONGESTED:
                return
        if not trunk.up and peer is NOBODY and self._others.evicted:
            return
        facts: dict[str, Fact] = {"up": trunk.up, "most": trunk.most_up}
        about = subject(self.directory, far.path.destination_address)
        variant = "up" if trunk.up else "empty"
        self._note(call, Finding(Kind.TRUNK_FULL, variant, about, facts, [seen(said_so.final)]))

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
        kind = self.directory.peer(address).kind
        if kind is not _DEVICES and (kind is not None or not self._registrations.is_device(address) or goes_on(leg)):
            return
        name = said(user_of(leg.invite.request_uri))
        device = self.devices.touch((address, name))
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
                "mostly": device.mostly,
            }  # fmt: skip
            about = name or device.address
            self._note(leg.call, Finding(Kind.REFUSAL_STREAK, PLAIN, about, facts, list(device.evidence)))

    # The whole

    def use(self, directory: Directory) -> None:
        """Name peers by a new configuration from now on. The calls that are up count for the trunks of that one."""
        self.directory = directory
        self._with_devices = _with_devices(directory)
        self._numbers.region = _region(directory)
        names = {peer.name for peer in directory.settings.peers}
        self._trunks = {name: trunk for name, trunk in self._trunks.items() if name in names}
        for trunk in (*self._trunks.values(), *self._others.values()):
            trunk.up = 0
        for serial, (near_address, far_address, _, _) in list(self._up.items()):
            near = self._trunk(near_address, directory.peer(near_address))
            far = self._trunk(far_address, directory.peer(far_address))
            near.answered()
            if far is not near:
                far.answered()
            self._up[serial] = (near_address, far_address, near, far)

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

    def _about_the_whole(self, finding: Finding, calls: int = 0, ids: list[CallId] | None = None) -> None:
        key = (finding.kind, finding.variant, finding.subject)
        before = self._whole.get(key)
        first = min((evidence.time for evidence in finding.evidence), default=0)
        if before is not None:
            calls += before.calls
            ids = [*before.ids, *(ids or [])]
            first = min(first, before.first)
        self._whole.put(key, Whole(finding, calls, (ids or [])[:MOST_IDS], first))

    @property
    def tables(self) -> tuple[dict[str, int], dict[str, int]]:
        """Return how many entries each table has, and how many each has given up."""
        named: dict[str, Bounded] = {
            "silent_ends": self.silences.table,
            "trunks": self._others,
            "devices": self.devices,
            "numbers": self._numbers.answered,
            "numbers_not_found": self._numbers.not_found,
            "sent_again": self._again,
            "icmp_errors": self._unreachable,
            "findings": self._whole,
            **self._registrations.tables,
        }
        return counts(named)

    # What a watcher hears besides (track.call.Watcher)

    def added(self, leg: Leg) -> None:
        """Nothing is known of a hop that has just begun."""

    def raised(self, leg: Leg, raised: Raised) -> None:
        """What a condition means is seen at the end."""

    def resolved(self, leg: Leg, raised: Raised) -> None:
        """As above."""

    def concluded(self, call: Call) -> None:
        """How an answered call ended is seen when it is over."""

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


def _number_in(uri: bytes) -> bytes:
    """Return the user part of a URI; most are plain numbers, for which this is the quick way."""
    at = uri.rfind(b"@")
    if uri[:4] == b"sip:" and uri[4:at].isdigit() and at > 0:
        return uri[4:at]
    return user_of(uri)


def _with_devices(directory: Directory) -> bool:
    return any(peer.kind is _DEVICES for peer in directory.settings.peers)


def _number_format(trunk: str, cure: Cure) -> Finding:
    facts: dict[str, Fact] = {
        "number": said(cure.failed), "other": said(cure.worked), "difference": cure.difference,
    }  # fmt: skip
    return Finding(Kind.NUMBER_FORMAT, PLAIN, trunk, facts, cure.evidence)
