"""Who is in a capture: what each address sent, was sent, and did, in bounded memory.

It takes the tracker's events, and each message. Must not know: peers, how roles are
guessed from this, or how it is shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from sipwatch.budget import DEFAULT_BUDGET
from sipwatch.classify.outcomes import Outcome
from sipwatch.classify.peers import host_of, sent_by
from sipwatch.classify.remembered import of_text
from sipwatch.classify.spread import Spread
from sipwatch.track.events import Asked, CallOver, LegBegun, Options, Registration
from sipwatch.wire.message import Request, address_text, decoded
from sipwatch.wire.sip import header, uri_of, user_of

if TYPE_CHECKING:
    from sipwatch.track.events import Takes
    from sipwatch.track.leg import Leg
    from sipwatch.wire.message import Message, Path

_T = TypeVar("_T")

MAX_ADDRESSES: Final = 10_000
MAX_OF_ONE: Final = 32  # ports, names, numbers, other ends and kinds of software remembered of one address
MAX_TEXT_LENGTH: Final = 100  # characters of what somebody calls himself
_PATHS: Final = 65_536
_END: Final = 5500  # bytes: an address with everything that is counted of it
_ONE: Final = 140  # ... and with each port, number, name or other end


class CallCounts:
    """Calls in one direction: each call is one, however often it was tried or wherever it was forked to."""

    __slots__ = ("answered", "codes", "count", "numbers", "progress", "unfinished")

    def __init__(self) -> None:
        self.count = self.answered = self.unfinished = 0
        self.codes: dict[int, int] = {}  # the final responses of those that were not answered; 0: there was none
        self.numbers: set[bytes] = set()  # callers of calls sent, callees of calls received
        self.progress = Spread()  # INVITE to the first 18x or 2xx

    def add(self, legs: list[Leg]) -> None:
        """Count a call by its legs here, those that were tried again left out."""
        verdicts = {leg.outcome for leg in legs}
        last = legs[-1]
        self.count += 1
        if Outcome.ANSWERED.value in verdicts:
            self.answered += 1
        elif verdicts == {Outcome.UNFINISHED.value}:
            self.unfinished += 1
        else:
            self.codes[last.status_code] = self.codes.get(last.status_code, 0) + 1
        moved = [
            (leg.progressed_at if leg.progressed_at >= 0 else leg.answered_at) - leg.started
            for leg in legs
            if leg.progressed_at >= 0 or leg.answered_at >= 0
        ]
        if moved:
            self.progress.add(min(moved))


class End:
    """What one address was seen to do.

    ``sent`` and ``received`` count messages; ``out`` and ``into`` are its calls; ``registers`` counts what became of
    its attempts to register somewhere, ``registrar`` of those made here, ``pings`` and ``pinged`` the same of
    OPTIONS. ``passed_on`` counts calls that came in and went out again, ``record_routes`` INVITEs in which it asks
    to stay on the way (RFC 3261 §16.6). ``names`` are the host names that it is called by.
    """

    __slots__ = (
        "address", "bytes", "carriers", "into", "names", "others", "out", "passed_on", "pinged", "pings", "ports",
        "received", "record_routes", "registers", "registers_at", "registrants", "registrar", "sent", "software",
        "text",
    )  # fmt: skip

    def __init__(self, address: bytes) -> None:
        self.address = address
        self.bytes = _END
        self.text = address_text(address)
        self.sent = self.received = 0
        self.ports: set[int] = set()
        self.carriers: set[str] = set()
        self.software: dict[str, int] = {}
        self.names: dict[str, int] = {}
        self.others: set[bytes] = set()
        self.out = CallCounts()
        self.into = CallCounts()
        self.registers: dict[str, int] = {}
        self.registrar: dict[str, int] = {}
        self.registers_at: set[bytes] = set()
        self.registrants: set[bytes] = set()
        self.pings: dict[str, int] = {}
        self.pinged: dict[str, int] = {}
        self.passed_on = self.record_routes = 0


class Survey:
    """The addresses of a capture. Feed it messages, and let it take events.

    Not more than ``limit`` addresses are remembered. A newcomer pushes out the oldest that never both sent and
    received: who scans, and who is scanned, makes room for those who talk. If all talk, the newcomer is left
    out; ``left_out`` counts both. The same when they take more than ``room`` (``bytes``); then no more is learned of
    what they call themselves and each other.
    """

    def __init__(self, limit: int = MAX_ADDRESSES, room: int = DEFAULT_BUDGET.memories) -> None:
        self.left_out = 0
        self.bytes = 0
        self._room = room
        self._limit = limit
        self._ends: dict[bytes, End] = {}
        self._one_sided: dict[bytes, None] = {}  # oldest first
        self._paths: dict[bytes, tuple[End | None, End | None]] = {}

    def ends(self) -> list[End]:
        """Return every address, those with the most messages first."""
        return sorted(self._ends.values(), key=lambda end: (-end.sent - end.received, end.address))

    def message(self, message: Message) -> None:
        """Take a message."""
        found = self._paths.get(message.path.key)
        if found is None or found[0] is None or found[1] is None:
            found = self._meet(message.path)
        source, destination = found
        if source is not None:
            source.sent += 1
        if destination is not None:
            destination.received += 1

    # Addresses

    def _meet(self, path: Path) -> tuple[End | None, End | None]:
        source = self._end(path.source_address, sends=True)
        destination = self._end(path.destination_address, sends=False)
        for end, port, other in (
            (source, path.key[-4:-2], path.destination_address),
            (destination, path.key[-2:], path.source_address),
        ):
            if end is not None:
                end.carriers.add(path.carrier)
                self._remember(end, end.ports, int.from_bytes(port, "big"))
                self._remember(end, end.others, other)
        if len(self._paths) >= _PATHS:
            self._paths.clear()
        # Not kept while an end is one-sided or left out: what it does next has to be seen here.
        if path.source_address not in self._one_sided and path.destination_address not in self._one_sided:
            self._paths[path.key] = (source, destination)
        return source, destination

    def _end(self, address: bytes, *, sends: bool) -> End | None:
        end = self._ends.get(address)
        if end is None:
            if (len(self._ends) >= self._limit or self.bytes > self._room) and not self._make_room():
                self.left_out += 1
                return None
            end = self._ends[address] = End(address)
            self.bytes += end.bytes
            self._one_sided[address] = None
        elif address in self._one_sided and (end.received if sends else end.sent):
            del self._one_sided[address]
        return end

    def _make_room(self) -> bool:
        oldest = next(iter(self._one_sided), None)
        if oldest is None:
            return False
        self.left_out += 1
        del self._one_sided[oldest]
        self.bytes -= self._ends.pop(oldest).bytes
        return True

    def _grow(self, end: End, size: int) -> None:
        """Take note that so many bytes more are known of an address."""
        if size and self._ends.get(end.address) is end:
            end.bytes += size
            self.bytes += size

    def _has_room(self) -> bool:
        return self.bytes <= self._room or self._make_room()

    # What tracking tells

    def takes(self) -> Takes:
        """Say which events tell something of an address."""
        return {
            LegBegun: self.leg_begun,
            CallOver: self.call_over,
            Asked: self.asked,
            Registration: self.registration,
            Options: self.options,
        }

    def leg_begun(self, event: LegBegun) -> None:
        """Take a new leg."""
        leg = event.leg
        invite = leg.invite
        self._names(invite)
        source = self._ends.get(leg.path.source_address)
        if source is not None:
            if b"record-route" in invite.names and _record_routes(invite, source.text):
                source.record_routes += 1
            caller = user_of(uri_of(header(invite.raw, b"from", b"f")))[:MAX_TEXT_LENGTH]
            self._remember(source, source.out.numbers, caller)
        destination = self._ends.get(leg.path.destination_address)
        if destination is not None:
            self._remember(destination, destination.into.numbers, user_of(invite.request_uri)[:MAX_TEXT_LENGTH])

    def asked(self, event: Asked) -> None:
        """Take a REGISTER or OPTIONS."""
        if not event.again:
            self._names(event.request)

    def call_over(self, event: CallOver) -> None:
        """Take a call that nothing more will happen to."""
        self._call(event.call.legs)

    def registration(self, transaction: Registration) -> None:
        """Take the result of an attempt to register."""
        path = transaction.path
        client, server = self._ends.get(path.source_address), self._ends.get(path.destination_address)
        if client is not None:
            _count(client.registers, transaction.outcome.value)
            self._remember(client, client.registers_at, path.destination_address)
        if server is not None:
            _count(server.registrar, transaction.outcome.value)
            self._remember(server, server.registrants, path.source_address)
            if transaction.response is not None and transaction.request.via_count == 1:
                self._software(server, transaction.response)

    def options(self, transaction: Options) -> None:
        """Take the result of an OPTIONS."""
        client = self._ends.get(transaction.path.source_address)
        server = self._ends.get(transaction.path.destination_address)
        if client is not None:
            _count(client.pings, transaction.outcome.value)
        if server is not None:
            _count(server.pinged, transaction.outcome.value)

    def _names(self, request: Request) -> None:
        """Note the host names that the two ends are called by, and what the sender of a request calls itself."""
        source = self._ends.get(request.path.source_address)
        destination = self._ends.get(request.path.destination_address)
        if destination is not None and b"route" not in request.names:
            self._name(destination, host_of(request.request_uri))
        if source is not None:
            self._name(source, sent_by(request))
            if request.via_count == 1:
                self._software(source, request)

    # Calls that are over

    def _call(self, legs: list[Leg]) -> None:
        sent: dict[bytes, list[Leg]] = {}
        received: dict[bytes, list[Leg]] = {}
        for leg in legs:
            if not leg.followed:
                sent.setdefault(leg.path.source_address, []).append(leg)
                received.setdefault(leg.path.destination_address, []).append(leg)
        for address, own in sent.items():
            end = self._ends.get(address)
            if end is not None:
                end.out.add(own)
                end.passed_on += address in received
        for address, own in received.items():
            end = self._ends.get(address)
            if end is not None:
                end.into.add(own)
                # A proxy passes a response on with its Server as it is (RFC 3261 §16.7): the last one wrote it.
                if address not in sent:
                    for leg in own:
                        answer = leg.final or leg.progress
                        if answer is not None:
                            self._software(end, answer)

    # What is learned of an address

    def _remember(self, end: End, known: set[_T], one: _T) -> None:
        if one not in known and len(known) < MAX_OF_ONE and self._has_room():
            known.add(one)
            self._grow(end, _ONE + (len(one) if isinstance(one, bytes) else 0))

    def _say(self, end: End, counts: dict[str, int], text: bytes) -> None:
        """Count a text that a stranger wrote, if it is known already or there is room."""
        name = decoded(text[:MAX_TEXT_LENGTH])[:MAX_TEXT_LENGTH]
        if name in counts:
            counts[name] += 1
        elif len(counts) < MAX_OF_ONE and self._has_room():
            counts[name] = 1
            self._grow(end, _ONE + of_text(name))

    def _software(self, end: End, message: Message) -> None:
        for name in (b"server", b"user-agent"):
            if name in message.names:
                text = header(message.raw, name)
                if text:
                    self._say(end, end.software, text)
                return

    def _name(self, end: End, host: bytes) -> None:
        """Note a host name; addresses say nothing new."""
        if host and host[:1] != b"[" and not host.replace(b".", b"").isdigit():
            self._say(end, end.names, host)


def _count(counts: dict[str, int], name: str) -> None:
    counts[name] = counts.get(name, 0) + 1


def _record_routes(request: Request, own: str) -> bool:
    """Tell whether the sender of a request put itself into its Record-Route."""
    return host_of(uri_of(header(request.raw, b"record-route"))) in (own.encode(), f"[{own}]".encode())
