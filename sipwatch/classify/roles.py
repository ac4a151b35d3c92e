"""What stands at an address, guessed from what it does: a trunk, devices, a server; how sure, and why.

Each thing seen speaks for a role, with a weight. Servers are found first: what registers many, passes calls
on or stays on their way. What the others are follows from how they deal with those. Must not know: how
addresses are watched, or how a guess is shown.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from sipwatch.classify.peers import PeerKind
from sipwatch.track.events import OptionsOutcome, RegistrationOutcome

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sipwatch.classify.survey import End

MANY_NUMBERS: Final = 5  # from here on they are no longer the lines of one device
SERVER_FROM: Final = 3  # weight from which an address is a server when the others are looked at
_CLEAR: Final = 2  # weight that one role must be ahead of the next to be likely
_REGISTERED: Final = (RegistrationOutcome.REGISTERED.value, RegistrationOutcome.REMOVED.value)

# Words in User-Agent and Server, lower case. Those of devices are looked for first: 3CXPhone, Linphone.
_SOFTWARE: Final = (
    (PeerKind.DEVICES, (
        "phone", "yealink", "snom", "grandstream", "polycom", "polyedge", "fanvil", "gigaset", "zoiper", "microsip",
        "bria", "x-lite", "eyebeam", "jitsi", "baresip", "pjsua", "cisco-cp", "cisco/spa", "linksys", "sipura", "htek",
        "obihai", "aastra", "mitel 6", "openstage", "panasonic", "groundwire", "acrobits", "webrtc", "sip.js", "jssip",
    )),
    (PeerKind.TRUNK, (
        "sbc", "session border", "sonus", "ribbon", "acme packet", "acmepacket", "oracle", "audiocodes", "mediant",
        "genband", "metaswitch", "perimeta", "sansay", "gateway", "softx", "mera", "patton", "trunk", "carrier",
    )),
    (PeerKind.SERVER, (
        "asterisk", "freeswitch", "kamailio", "opensips", "openser", "sip express router", "3cx", "pbx", "yate",
        "flexisip", "proxy", "registrar", "cucm", "wazo", "starface", "swyx", "innovaphone", "server",
    )),
)  # fmt: skip
_SCANNERS: Final = ("scanner", "sipvicious", "sundayddr", "sipcli", "vaxsip", "pplsip", "sipsak", "nmap", "iwar")


class Sure(StrEnum):
    """How much speaks for a role, and against the others."""

    SURE = "sure"
    LIKELY = "likely"
    GUESS = "guess"


class Role(NamedTuple):
    """What an address probably is; ``kind`` and ``sure`` are None where nothing speaks for anything."""

    kind: PeerKind | None
    sure: Sure | None
    why: list[str]


class _Case:
    """What speaks for each role."""

    def __init__(self) -> None:
        self.weights = dict.fromkeys(PeerKind, 0)
        self._why: list[tuple[PeerKind, str]] = []

    def say(self, kind: PeerKind, weight: int, why: str) -> None:
        self.weights[kind] += weight
        self._why.append((kind, why))

    def decide(self) -> Role:
        ranked = sorted(PeerKind, key=lambda kind: -self.weights[kind])
        best, ahead = ranked[0], self.weights[ranked[0]] - self.weights[ranked[1]]
        if ahead <= 0:
            return Role(None, None, [why for _, why in self._why])
        weight = self.weights[best]
        sure = Sure.GUESS
        if ahead >= _CLEAR and weight >= SERVER_FROM:
            sure = Sure.SURE if weight > SERVER_FROM and ahead > _CLEAR else Sure.LIKELY
        return Role(best, sure, [why for kind, why in self._why if kind is best])


def roles(ends: Iterable[End]) -> dict[bytes, Role]:
    """Guess the role of each address, by packed address."""
    known = {end.address: end for end in ends}
    switches = {address for address, end in known.items() if _is_switch(end)}
    cases = {address: _server(end, switches) for address, end in known.items()}
    servers = {address for address, case in cases.items() if case.weights[PeerKind.SERVER] >= SERVER_FROM}
    for address, end in known.items():
        _software(end, cases[address])
        if address not in servers:
            _client(end, servers | switches, cases[address])
        else:
            _upstream(end, servers, cases[address])
    return {address: _told(known[address], case.decide()) for address, case in cases.items()}


def _is_switch(end: End) -> bool:
    """Tell whether it is a server whatever else there is: a telephone system, seen from its trunk for instance."""
    if end.passed_on or end.record_routes or _kind_of(end) is PeerKind.SERVER:
        return True
    return bool(end.registers) and len(end.out.numbers) >= MANY_NUMBERS


def _server(end: End, switches: set[bytes]) -> _Case:
    case = _Case()
    devices = end.registrants - switches
    accepted = sum(end.registrar.get(outcome, 0) for outcome in _REGISTERED)
    if devices and accepted:
        case.say(PeerKind.SERVER, 4, f"{_several(len(devices), 'address', 'addresses')} registered here")
    elif devices and end.registrar.get(RegistrationOutcome.AUTH_FAILED.value):
        case.say(PeerKind.SERVER, 3, "it asks for credentials before it registers anybody")
    if end.passed_on:
        case.say(PeerKind.SERVER, 4, f"it passes calls on ({end.passed_on:,})")
    if end.record_routes:
        case.say(PeerKind.SERVER, 3, f"it stays on the way of calls with Record-Route ({end.record_routes:,})")
    if end.registers and len(end.out.numbers) >= MANY_NUMBERS:
        case.say(PeerKind.SERVER, 3, "it registers elsewhere, and calls from many numbers")
    if end.pings and len(end.others) > 1:
        case.say(PeerKind.SERVER, 1, "it sends OPTIONS")
    return case


def _software(end: End, case: _Case) -> None:
    kind = _kind_of(end)
    if kind is not None:
        case.say(kind, 2, "its software says so")


def _client(end: End, servers: set[bytes], case: _Case) -> None:
    """Look at somebody who is no server, as far as is known: a device or a trunk."""
    numbers = max(len(end.out.numbers), len(end.into.numbers))
    calls = end.out.count + end.into.count
    if any(end.registers.get(outcome) for outcome in _REGISTERED) and len(end.out.numbers) < MANY_NUMBERS:
        case.say(PeerKind.DEVICES, 4, "it registers")
    _upstream(end, servers, case)
    if numbers >= MANY_NUMBERS and not end.registers:
        case.say(PeerKind.TRUNK, 3, f"{numbers if numbers < 32 else 'many'} different numbers, and it never registers")
    elif calls and numbers <= 2 and end.others & servers:
        case.say(PeerKind.DEVICES, 1, "one line or two")
    if end.others & servers and end.pinged.get(OptionsOutcome.ANSWERED.value) and not end.registers:
        case.say(PeerKind.TRUNK, 1, "it answers OPTIONS, and never registers")


def _upstream(end: End, servers: set[bytes], case: _Case) -> None:
    accepted = sum(end.registrar.get(outcome, 0) for outcome in _REGISTERED)
    if accepted and end.registrants & servers:
        case.say(PeerKind.TRUNK, 4, "a server registers here")


def _told(end: End, role: Role) -> Role:
    """Return a role with what speaks against it."""
    if any(word in _name_of(end) for word in _SCANNERS):
        return Role(None, None, ["its software is made to look for others"])
    if not end.received:
        return Role(role.kind, role.sure and Sure.GUESS, [*role.why, "it only sends, and nobody answers it"])
    if not end.sent:
        return Role(role.kind, role.sure and Sure.GUESS, [*role.why, "it never says anything"])
    return role


def _kind_of(end: End) -> PeerKind | None:
    """Return what the software that most of its messages name is made for."""
    name = _name_of(end)
    for kind, words in _SOFTWARE:
        if any(word in name for word in words):
            return kind
    return None


def _name_of(end: End) -> str:
    """Return what most of its messages name as their software, in lower case; "" where none does."""
    return max(end.software, key=lambda text: end.software[text]).lower() if end.software else ""


def _several(count: int, one: str, more: str) -> str:
    return f"1 {one}" if count == 1 else f"{count:,} {more}"
