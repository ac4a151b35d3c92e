"""What a device does with the calls that it is offered, one after another, and whether it was busy when it said so.

Must not know: clocks, words. Every table is bounded; all of it follows packets alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sipwatch.classify.causes import BUSY_CODES
from sipwatch.classify.findings import (
    MAX_EVIDENCE,
    PLAIN,
    Evidence,
    Fact,
    Finding,
    Kind,
    Sort,
    Term,
    end,
    own,
    person,
    said,
    seen,
    where,
)
from sipwatch.classify.hops import is_continued
from sipwatch.classify.offers import REFUSED, Offered, offered_as
from sipwatch.classify.outcomes import Outcome
from sipwatch.classify.past import Table
from sipwatch.classify.peers import PeerKind
from sipwatch.classify.remembered import DICT, LIST, PAIR_KEY, SLOT, of_all, of_text
from sipwatch.wire.message import address_text
from sipwatch.wire.sip import header, uri_of, user_of

if TYPE_CHECKING:
    from sipwatch.classify.noted import Noted
    from sipwatch.classify.registered import Registrations
    from sipwatch.track.call import Call
    from sipwatch.track.leg import Leg

MAX_DEVICES: Final = 10_000
STREAK_FROM: Final = 3
_EACH: Final = SLOT + PAIR_KEY + 2 * DICT + LIST + 400
_ANSWERED: Final = Outcome.ANSWERED.value
_BUSY: Final = Offered.BUSY.value
_IDLE_BUSY: Final = Offered.IDLE_BUSY.value
_DEVICES: Final = PeerKind.DEVICES
_UNSET: Final = -1


class Device:
    """How one device took the calls that it was offered; ``mostly`` and ``since`` are of its present streak."""

    __slots__ = (
        "_before", "_last", "_last_how", "_streak_of", "_taken", "address", "answered", "evidence", "longest", "name",
        "offered", "refused", "since", "streak",
    )  # fmt: skip

    def __init__(self, name: str, address: str) -> None:
        self.name = name
        self.address = address
        self.offered = self.answered = 0
        self.refused: dict[str, int] = {}
        self.streak = self.longest = 0
        self.since = 0
        self.evidence: list[Evidence] = []
        self._streak_of: dict[str, int] = {}
        self._last = _UNSET  # the serial of the call that it refused last
        self._last_how = ""
        self._before = 0  # the longest streak before that
        self._taken = _UNSET  # the serial of the call that it took last

    def took(self, call: int) -> None:
        """Count a call that was answered; that it was refused when it was offered before counts no more."""
        if call == self._taken:
            return
        if call == self._last and self.streak:
            self._take_back()
        self._taken = call
        self.offered += 1
        self.answered += 1
        self.streak = 0
        self.evidence.clear()
        self._streak_of.clear()

    def refuses(self, outcome: str, started: int, evidence: Evidence, call: int) -> None:
        """Count a call that was not. One that is offered to it twice is one call all the same: the last word counts."""
        if call == self._taken:
            return
        if call == self._last and self.streak:
            for counts in (self.refused, self._streak_of):
                _less(counts, self._last_how)
                counts[outcome] = counts.get(outcome, 0) + 1
            self._last_how = outcome
            self.evidence[-1] = evidence
            return
        self._last, self._last_how, self._before = call, outcome, self.longest
        self.offered += 1
        self.refused[outcome] = self.refused.get(outcome, 0) + 1
        self._streak_of[outcome] = self._streak_of.get(outcome, 0) + 1
        if not self.streak:
            self.since = started
        self.streak += 1
        self.longest = max(self.longest, self.streak)
        if len(self.evidence) >= MAX_EVIDENCE:
            del self.evidence[1]
        self.evidence.append(evidence)

    def _take_back(self) -> None:
        """Have the call that was refused last not refused."""
        self.offered -= 1
        self.longest = self._before
        _less(self.refused, self._last_how)

    @property
    def mostly(self) -> str:
        """Return how it refused most of the calls of its present streak, the first one if several equal each other."""
        return max(self._streak_of, key=lambda how: self._streak_of[how], default="")

    @property
    def worst(self) -> tuple[int, float, int]:
        """Return what devices are compared by: the longest streak, the share refused, how many calls that is."""
        refused = self.offered - self.answered
        return self.longest, refused / self.offered if self.offered else 0.0, refused


def _less(counts: dict[str, int], how: str) -> None:
    """Count one less."""
    counts[how] -= 1
    if not counts[how]:
        del counts[how]


class Devices:
    """The devices that were offered calls, and the calls that each of them is in.

    A device is what stands at addresses configured as such, or who registers and passes nothing on.
    """

    def __init__(self, noted: Noted, registrations: Registrations) -> None:
        self.table: Table[Device] = Table(MAX_DEVICES, noted.memory, _EACH)
        self.configured = _any_configured(noted)
        self._noted = noted
        self._registrations = registrations
        self._registered = registrations.sources.entries  # looked at for every call: most captures have none
        self._calls: dict[bytes, dict[int, Call]] = {}  # open calls by address and serial, which the tracker bounds

    def use(self) -> None:
        """Take a new configuration."""
        self.configured = _any_configured(self._noted)

    # The calls that devices are in

    def added(self, leg: Leg) -> None:
        """Take a new hop: the devices at its ends are in a call from now on."""
        if not (self.configured or self._registered):
            return
        call, path = leg.call, leg.path
        if (call.outcome and call.answered_at < 0) or call.ended_by is not None:
            return  # too late to be heard of again
        for address in (path.source_address, path.destination_address):
            if self._is_device(address):
                self._calls.setdefault(address, {})[call.serial] = call

    def left(self, call: Call) -> None:
        """Take the end of a call, or its failure."""
        calls = self._calls
        if not calls:
            return
        for leg in call.legs:
            for address in (leg.path.source_address, leg.path.destination_address):
                inside = calls.get(address)
                if inside is not None and inside.pop(call.serial, None) is not None and not inside:
                    del calls[address]

    def _is_device(self, address: bytes) -> bool:
        kind = self._noted.directory.peer(address).kind
        return kind is _DEVICES or (kind is None and self._registrations.is_device(address))

    # What they do with them

    def offered(self, leg: Leg, outcome: str) -> None:
        """Take what a device did with a call. Where nothing says that a device stands there, nothing is counted."""
        address = leg.path.destination_address
        kind = self._noted.directory.peer(address).kind
        if kind is not _DEVICES and (
            kind is not None or not self._registrations.is_device(address) or is_continued(leg)
        ):
            return
        how = offered_as(leg)
        leg.offered = "" if how is None else how.value
        asked = user_of(leg.invite.request_uri)
        if self._registered:
            leg.device = self._registrations.user_at(address, leg.path.source_address, asked, leg.started)
        if outcome != _ANSWERED and leg.offered not in REFUSED:
            return
        name = said(leg.device or asked)
        device = self.table.touch((address, name))
        if device is None:
            device = Device(name, address_text(address))
            self.table.put((address, name), device, of_text(name))
        if outcome == _ANSWERED:
            if device.streak:
                self.table.weigh((address, name), of_text(name))
            device.took(leg.call.serial)
            return
        if leg.status_code in BUSY_CODES:
            self._busy(leg, device)
        device.refuses(outcome, leg.started, seen(leg.final or leg.cancel or leg.invite), leg.call.serial)
        self.table.weigh((address, name), of_text(name) + of_all(device.evidence))
        if device.streak >= STREAK_FROM:
            facts: dict[str, Fact] = {
                "device": Term(Sort.PERSON, name), "address": end(device.address), "streak": device.streak,
                "since_at": device.since, "mostly": own(device.mostly),
            }  # fmt: skip
            about = Term(Sort.PERSON, name) if name else end(device.address)
            self._noted.of_call(leg.call, Finding(Kind.REFUSAL_STREAK, PLAIN, about, facts, list(device.evidence)))

    def _busy(self, leg: Leg, device: Device) -> None:
        """Say why a device that says "busy" can be so, if the calls that were seen tell.

        One that rang first was answered by a person's finger. One whose calls nobody has seen may be in any number.
        """
        if leg.final is None or leg.ringing_at >= 0 or not device.answered:
            return
        address = leg.path.destination_address
        others = [
            call for call in self._calls.get(address, {}).values() if call is not leg.call and _holds(call, address)
        ]
        facts: dict[str, Fact] = {
            "device": Term(Sort.PERSON, device.name), "address": end(device.address), "status_code": leg.status_code,
        }  # fmt: skip
        about = Term(Sort.PERSON, device.name) if device.name else end(device.address)
        if not others:
            if leg.offered == _BUSY:
                leg.offered = _IDLE_BUSY
            self._noted.of_call(leg.call, Finding(Kind.IDLE_BUSY, "idle", about, facts, [seen(leg.final)]))
            return
        if len(others) > 1 or others[0].answered_at < 0 or others[0].ended_by is not None:
            return
        other = self._inside(others[0], leg)
        if other is not None:
            facts |= {"other": other, "since_at": others[0].answered_at}
            evidence = [seen(others[0].front[0].invite), seen(leg.final)]
            self._noted.of_call(leg.call, Finding(Kind.IDLE_BUSY, "internal", about, facts, evidence))

    def _inside(self, call: Call, leg: Leg) -> Term | None:
        """Return with whom a device speaks, if that is another device: with nobody else, and from there."""
        answered = [one for one in call.legs if one.answered_at >= 0]
        ends = [end for one in answered for end in _ends(one) if self._is_device(end[0])]
        here = [end for end in ends if end[1] == leg.path.destination]  # not another one behind the same router
        there = [end for end in ends if end[0] != leg.path.destination_address]
        if not here or len({end[0] for end in there}) != 1:
            return None
        return person(there[0][2]) if there[0][2] else where(there[0][0])

    def worst(self, most: int) -> list[Device]:
        """Return the devices that refused most in a row, the worst first; those that refused nothing are left out."""
        refusing = [device for device in self.table.values() if device.refused]
        return sorted(refusing, key=lambda device: (device.worst, device.name, device.address), reverse=True)[:most]


def _holds(call: Call, address: bytes) -> bool:
    """Tell whether a call that is not over occupies the device at an address: it still waits there, or is up."""
    for leg in call.legs:
        ends = (leg.path.source_address, leg.path.destination_address)
        if address in ends and (leg.answered_at >= 0 or not leg.outcome):
            return True
    return False


def _ends(leg: Leg) -> list[tuple[bytes, str, bytes]]:
    """Return both ends of a hop: address, end, number."""
    caller = user_of(uri_of(header(leg.invite.raw, b"from", b"f")))
    path = leg.path
    return [
        (path.source_address, path.source, caller),
        (path.destination_address, path.destination, user_of(leg.invite.request_uri)),
    ]


def _any_configured(noted: Noted) -> bool:
    return any(peer.kind is _DEVICES for peer in noted.directory.settings.peers)
