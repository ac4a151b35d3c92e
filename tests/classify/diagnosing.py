"""Conversations (written as in ``pcaps/make/talk.py``), and what is found in them."""

from __future__ import annotations

from decimal import Decimal
from ipaddress import ip_network
from typing import TYPE_CHECKING, NamedTuple

from pcaps.make.talk import lines
from pcaps.make.talk import message as message_in_full
from sipwatch.classify.peers import Callback, Peer, PeerKind, Rule, Settings
from sipwatch.engine import Engine
from sipwatch.export.moments import Moment
from sipwatch.export.record import CaptureFindingRecord
from sipwatch.export.summary import Summary
from sipwatch.export.writers import encode
from sipwatch.track.timers import Timers
from sipwatch.wire.message import Request, Response, Unreachable, address_text
from sipwatch.wire.sip import parse
from tests.conversation import address, messages, nanoseconds, path

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sipwatch.export.record import CallRecord, FindingRecord

SECOND = 1_000_000_000
TRUNK, DEVICES, SERVER = PeerKind.TRUNK, PeerKind.DEVICES, PeerKind.SERVER


def response(code: int = 480, time: int = 0) -> Response:
    """Return a response to an INVITE."""
    (message,) = messages(f"{time} T>A {code}\n")
    assert isinstance(message, Response)
    return message


class Seen(NamedTuple):
    """Evidence in words."""

    time: int
    packet: int | None
    what: str


class Told:
    """A finding in words."""

    def __init__(self, record: FindingRecord | CaptureFindingRecord) -> None:
        self.kind = record.kind
        self.subject = str(record.subject)
        self.text = str(record.text)
        self.evidence = [Seen(seen.time, seen.packet, str(seen.what)) for seen in record.evidence]
        self.calls, self.first = 1, min([seen.time for seen in record.evidence], default=Moment(0))
        self.ids: list[str] = []
        self.texts: list[str] = []
        if isinstance(record, CaptureFindingRecord):
            self.calls, self.first = record.calls, record.first
            self.ids, self.texts = record.ids, [str(text) for text in record.texts]


class Diagnosed:
    """An engine that is fed with messages, and the calls that are over by their Call-ID."""

    def __init__(self, settings: Settings | None = None, *, keep_messages: bool = False) -> None:
        self.calls: dict[str, CallRecord] = {}
        self.summary = Summary()
        self.engine = Engine(self._sink, settings, keep_messages=keep_messages)

    def _sink(self, call: CallRecord, completed: bool) -> None:
        self.calls[call.call_id] = call
        self.summary.add(call, completed)

    def say(self, script: str) -> Diagnosed:
        """Feed a conversation, its messages in the order of time."""
        return self.take(sorted(messages(script), key=lambda message: message.time))

    def take(self, items: Iterable[Request | Response | Unreachable]) -> Diagnosed:
        """Feed messages and ICMP errors as the engine takes them from its decoder."""
        for item in items:
            if isinstance(item, Unreachable):
                self.engine.unreachable(item)
            else:
                self.engine.message(item)
        return self

    def until(self, seconds: str) -> Diagnosed:
        """Let time pass."""
        self.engine.advance(nanoseconds(seconds))
        return self

    def over(self) -> Diagnosed:
        """End the capture."""
        self.engine.finish()
        return self

    def findings(self, call: str = "c1") -> list[Told]:
        """Return the findings about a call."""
        return [Told(finding) for finding in self.calls[call].findings]

    def kinds(self, call: str = "c1") -> list[str]:
        """Return the kinds of the findings about a call."""
        return [finding.kind for finding in self.findings(call)]

    def text(self, kind: str, call: str = "c1") -> str:
        """Return the words of the finding of one kind about a call."""
        (found,) = [finding.text for finding in self.findings(call) if finding.kind == kind]
        return found

    def summarised(self) -> list[Told]:
        """Return the findings of the summary, those of the calls put together among them."""
        return [Told(finding) for finding in self.engine.account.whole(self.summary).findings]

    def everything(self) -> bytes:
        """Return all that is said, as JSON."""
        calls = [self.calls[call] for call in sorted(self.calls)]
        return encode([calls, self.engine.account.whole(self.summary)])


def diagnose(script: str, settings: Settings | None = None, *, until: str | None = None) -> Diagnosed:
    """Run a conversation; ``until`` is when the capture ends (seconds), by default with its last message."""
    found = Diagnosed(settings).say(script)
    return (found.until(until) if until is not None else found).over()


def in_full(script: str) -> list[Request | Response]:
    """Read a conversation whose messages are written out: with Contact, session descriptions and bodies."""
    found = []
    for line in sorted(lines(script), key=lambda line: Decimal(line.time)):
        hosts = {letter: address_text(address(letter)) for letter in (line.source, line.destination, "A")}
        ends = path(line.source, line.destination)
        message = parse(nanoseconds(line.time), ends, message_in_full(line, hosts, {}), False)
        assert isinstance(message, (Request, Response)), line
        found.append(message)
    return found


def diagnose_in_full(script: str, settings: Settings | None = None, *, until: str = "300") -> Diagnosed:
    """Run a conversation whose messages are written out."""
    return Diagnosed(settings).take(in_full(script)).until(until).over()


def peer(
    name: str, kind: PeerKind | None, letters: str, timers: Timers | None = None, rules: list[Rule] | None = None
) -> Peer:
    """Return a peer at the addresses of letters."""
    return Peer(name, kind, [ip_network(address(letter)) for letter in letters], timers, rules)


def settings(*peers: Peer, region: str | None = None) -> Settings:
    """Return a configuration of these peers; with a region, numbers are dialled as there."""
    return Settings(peers=list(peers), callback=None if region is None else Callback(3600 * SECOND, region))


ACME = peer("acme", TRUNK, "T")
SITE = settings(ACME, peer("phones", DEVICES, "ABCD"), peer("server", SERVER, "P"))


def no_answer_after(seconds: int) -> Timers:
    """Return timers with another ring timeout."""
    return Timers(no_answer_after=seconds * SECOND)


def unreachable(time: str, source: str, destination: str, code: str = "port_unreachable") -> Unreachable:
    """Return the ICMP error to what one letter sent to another."""
    return Unreachable(nanoseconds(time), path(source, destination), b"INVITE", address(destination), code)


def sent(times: Iterable[float], hop: str, what: str) -> str:
    """Write the same message several times."""
    return "".join(f"{time} {hop} {what}\n" for time in times)


def at(start: float, script: str, **options: str) -> str:
    """Move a conversation in time, and give every line of it these options."""
    tail = "".join(f" {key}={value}" for key, value in options.items())
    lines = [line.strip().partition(" ") for line in script.strip().splitlines() if line.strip()]
    return "".join(f"{start + float(time):.6f} {rest}{tail}\n" for time, _, rest in lines)


REPEATS = (0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5)  # of an INVITE that nobody answers (RFC 3261 §17.1.1.2)
TRIED = "0 A>T INVITE\n0.1 T>A 100\n"
RANG = TRIED + "1 T>A 180\n"
TAKEN = RANG + "5 T>A 200\n5.1 A>T ACK ttag=callee branch=z9hG4bKa\n"
HUNG_UP = "20 A>T BYE\n20.1 T>A 200 method=BYE cseq=2\n"


def ends(code: int, seconds: float, hop: str = "T>A", more: str = "") -> str:
    """Write a final response and its ACK."""
    return f"{seconds} {hop} {code} {more}\n{seconds + 0.05:.3f} {hop[2]}>{hop[0]} ACK ttag=callee\n"
