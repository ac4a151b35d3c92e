"""Who does not answer at all: silent peers, dead connections, phones that their router no longer knows.

Must not know: clocks, words. Every table is bounded; all of it follows the order of verdicts and results.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sipwatch.classify.families.path import is_silent
from sipwatch.classify.findings import MAX_EVIDENCE, Evidence, Fact, Finding, Kind, Sort, end, own, seen, where
from sipwatch.classify.hops import is_continued
from sipwatch.classify.past import Table
from sipwatch.classify.remembered import LIST, SLOT, Memory, of_all
from sipwatch.wire.message import Transport

if TYPE_CHECKING:
    from sipwatch.classify.noted import Noted
    from sipwatch.classify.registered import Registrations
    from sipwatch.track.call import Call
    from sipwatch.track.leg import Leg
    from sipwatch.track.traffic import Traffic
    from sipwatch.wire.message import Path, Request, Unreachable

MAX_ADDRESSES: Final = 4096
SEVERAL: Final = 2  # requests in a row without a response; one alone may be anything
_SILENCE: Final = SLOT + 90 + LIST + 130
_MOMENT: Final = SLOT + 110  # of a path
_ERROR: Final = SLOT + 900  # with its path, which nobody else may hold any more
_REFUSED: Final = "connection_refused"
_RESET: Final = "connection_reset"
_DEAD: Final = {_REFUSED: "refused", _RESET: "reset"}  # errors of TCP, and the variants that tell of them
# What a server says of a call when the next hop could not be reached.
_FOR_WANT_OF_A_HOP: Final = frozenset({408, 480, 500, 502, 503, 504})
_DATAGRAMS: Final = Transport.UDP


class Silence:
    """Requests to one end in a row to which nothing came back. ``since`` is when the first was sent (ns)."""

    __slots__ = ("evidence", "requests", "since")

    def __init__(self, since: int) -> None:
        self.since = since
        self.requests = 0
        self.evidence: list[Evidence] = []

    def add(self, evidence: Evidence) -> None:
        """Count one more; of the evidence the first and the latest stay."""
        self.requests += 1
        if len(self.evidence) >= MAX_EVIDENCE:
            del self.evidence[1]
        self.evidence.append(evidence)


class Silences:
    """Who does not answer, by end (``ip:port``); ``traffic`` knows who answered when, so that no other is called so."""

    def __init__(self, traffic: Traffic, memory: Memory | None = None) -> None:
        self.table: Table[Silence] = Table(MAX_ADDRESSES, memory, _SILENCE)
        self.traffic = traffic
        self._forgotten = traffic.forgotten

    def answered(self, end: str) -> None:
        """Take an end that was answered for, perhaps from another of its addresses."""
        self.table.drop(end)

    def silent(self, end: str, sent: int, evidence: Evidence) -> Silence | None:
        """Take a request that nothing came back for; None if the end has answered a later one."""
        if self._forgotten != self.traffic.forgotten:
            self._forgotten = self.traffic.forgotten
            self.table.clear()  # who answered meanwhile is not known: who is really silent will be so twice again
        heard = self.traffic.heard_from(end)
        if heard > sent:
            self.table.drop(end)
            return None
        silence = self.table.touch(end)
        if silence is None or heard > silence.since:
            silence = Silence(sent)
            self.table.put(end, silence)
        silence.add(evidence)
        self.table.weigh(end, of_all(silence.evidence))
        return silence


class Reach:
    """Follows what was sent in vain."""

    def __init__(self, noted: Noted, registrations: Registrations, traffic: Traffic) -> None:
        self.silences = Silences(traffic, noted.memory)
        self.again: Table[int] = Table(
            MAX_ADDRESSES, noted.memory, _MOMENT
        )  # when a REGISTER or OPTIONS was sent again, by its path
        self.errors: Table[Unreachable] = Table(MAX_ADDRESSES, noted.memory, _ERROR)  # by path, the latest
        # Of connections, by who wanted them, the latest.
        self.refusals: Table[Unreachable] = Table(MAX_ADDRESSES, noted.memory, _ERROR)
        self._noted = noted
        self._registrations = registrations

    # What is seen

    def unreachable(self, error: Unreachable) -> None:
        """Take an error that says of a path that nothing gets through: ICMP that quotes SIP, or TCP's own word."""
        self.errors.put(error.path.key, error, len(error.quoted))
        if error.code == _REFUSED:
            self.refusals.put(error.path.source_address, error, len(error.quoted))

    def sent_again(self, request: Request) -> None:
        """Note that a REGISTER or OPTIONS was sent again: its sender heard nothing, either. Hops count their own."""
        self.again.put(request.path.key, request.time)

    def silent(self, leg: Leg) -> None:
        """Take a hop on which nothing came back."""
        if leg.over_at < 0:
            return
        path = leg.path
        error = self._error(path, leg.started)
        if error is None and not is_silent(leg, self.silences.traffic.was_told(path.source_address)):
            return
        dead = self._dead(path, leg.invite, error)
        if dead is not None:
            self._noted.of_call(leg.call, dead)
            return
        silence = self.silences.silent(path.destination, leg.started, seen(leg.invite))
        if silence is not None and (silence.requests >= SEVERAL or error is not None):
            self._noted.of_call(leg.call, self._silent_peer(path, silence, error))
        self._behind_router(leg)

    def unanswered(self, path: Path, request: Request) -> None:
        """Take a REGISTER or OPTIONS without a response. As with an INVITE, only repetitions prove that."""
        error = self._error(path, request.time)
        again = self.again.get(path.key)
        if (
            error is None
            and (again is None or again < request.time)
            and not self.silences.traffic.was_told(path.source_address)
        ):
            return
        dead = self._dead(path, request, error)
        if dead is not None:
            self._noted.of_none(dead)
            return
        silence = self.silences.silent(path.destination, request.time, seen(request))
        if silence is not None and (silence.requests >= SEVERAL or error is not None):
            self._noted.of_none(self._silent_peer(path, silence, error))

    def failed(self, call: Call, far: Leg) -> None:
        """Take a call that failed: a connection that was refused to the server just then may be why.

        That it was meant for this call nobody can see; so it is told as what happened meanwhile, and only where the
        server says what servers say for want of a next hop, and none was seen.
        """
        error = self.refusals.get(far.path.destination_address)
        if error is None or far.final is None or far.status_code not in _FOR_WANT_OF_A_HOP or is_continued(far):
            return
        if not far.started <= error.time <= far.final_at:
            return
        facts: dict[str, Fact] = {
            "address": end(error.path.destination), "server": where(error.path.source_address),
            "refused_at": error.time, "status_code": far.status_code,
        }  # fmt: skip
        evidence = [_evidence_of(error), seen(far.final)]
        about = self._noted.subject(error.path.destination_address)
        self._noted.of_call(call, Finding(Kind.TCP_DEAD, "behind", about, facts, evidence))

    # What it comes to

    def _error(self, path: Path, since: int) -> Unreachable | None:
        if not self.errors.entries:
            return None
        error = self.errors.get(path.key)
        return error if error is not None and error.time >= since else None

    def _silent_peer(self, path: Path, silence: Silence, error: Unreachable | None) -> Finding:
        facts: dict[str, Fact] = {
            "address": end(path.destination), "requests": silence.requests, "since_at": silence.since
        }  # fmt: skip
        evidence = list(silence.evidence)
        if error is not None:
            facts["icmp"] = own(error.code)
            facts["reporter"] = where(error.reporter)
            evidence.append(_evidence_of(error))
        variant = "silent" if error is None else "unreachable"
        return Finding(Kind.SILENT_PEER, variant, self._noted.subject(path.destination_address), facts, evidence)

    def _dead(self, path: Path, request: Request, error: Unreachable | None) -> Finding | None:
        """Look for a TCP connection as the reason: refused, reset, or one that carried messages before."""
        if path.transport is _DATAGRAMS:
            return None
        about = self._noted.subject(path.destination_address)
        facts: dict[str, Fact] = {"address": end(path.destination), "sent_at": request.time}
        if error is not None:
            facts["error_at"] = error.time
            variant = _DEAD.get(error.code)
            evidence = [seen(request), _evidence_of(error)]
            return None if variant is None else Finding(Kind.TCP_DEAD, variant, about, facts, evidence)
        last = max(self.silences.traffic.heard_along(path.reverse_key), self.silences.traffic.heard_along(path.key))
        if not 0 <= last < request.time or not self.silences.traffic.was_told(path.source_address):
            return None
        facts["last_at"] = last
        return Finding(Kind.TCP_DEAD, "silent", about, facts, [seen(request)])

    def _behind_router(self, leg: Leg) -> None:
        device = self._registrations.device(leg.path.destination)
        if device is None or not device.private_contact:
            return
        address = leg.path.destination_address
        facts: dict[str, Fact] = {
            "contact": end(device.private_contact), "address": where(address), "registered_at": device.at,
        }  # fmt: skip
        evidence = [device.evidence, seen(leg.invite)]
        finding = Finding(Kind.NAT_SUSPECT, "device", self._noted.subject(address), facts, evidence)
        self._noted.of_call(leg.call, finding)


def _evidence_of(error: Unreachable) -> Evidence:
    kind = "TCP" if error.code in _DEAD else "ICMP"
    return Evidence(error.time, error.number, f"{kind} {error.code}", Sort.OWN)
