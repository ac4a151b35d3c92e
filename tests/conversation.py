"""Conversations as text, for tests: what each side says on each hop, and what sipwatch makes of it.

A line is ``TIME FROM>TO WHAT [key=value ...]``. FROM and TO are letters, each an address of its own;
WHAT is a method or a status code. Branches, tags and CSeq numbers follow from the hop unless given:

    0     A>P INVITE
    0.1   P>A 100
    2     P>A 180
    33    A>P CANCEL
    33.05 P>A 487

Keys: ``call`` Call-ID, ``ftag`` and ``ttag`` (dialog tags as the caller sees them), ``cseq``, ``method``
(of a response's CSeq), ``branch``, ``vias``, ``mf``, ``uri``, ``from`` (C: sent by the callee in the
dialog), ``h`` (a header line, ``_`` for a blank; may be repeated), ``sport``.
"""

from __future__ import annotations

from decimal import Decimal

from sipwatch.classify.peers import Directory, Settings
from sipwatch.classify.verdict import Verdicts
from sipwatch.export.calls import record_of
from sipwatch.export.record import CallRecord
from sipwatch.track.call import Call
from sipwatch.track.leg import Leg
from sipwatch.track.tracker import Limits, Tracker
from sipwatch.wire.message import Path, Request, Response, Transport
from sipwatch.wire.sip import parse

EPOCH = 1_767_603_600_000_000_000  # 2026-01-05T09:00:00Z


def address(letter: str) -> bytes:
    """Return the packed address of a letter: 192.0.2.65 for A."""
    return bytes((192, 0, 2, ord(letter[0])))


def path(source: str, destination: str, sport: int = 5060) -> Path:
    """Return the path between two letters."""
    ports = sport.to_bytes(2, "big") + (5060).to_bytes(2, "big")
    return Path(address(source) + address(destination) + ports, Transport.UDP)


def nanoseconds(seconds: str) -> int:
    """Turn seconds into ns since 1970, exactly."""
    return EPOCH + int(Decimal(seconds) * 1_000_000_000)


def message_text(source: str, destination: str, what: str, options: dict[str, str], headers: list[str]) -> bytes:
    """Write one SIP message."""
    reply = what.isdigit()
    method = options.get("method", "INVITE") if reply else what
    cseq = options.get("cseq", "2" if method == "BYE" else "1")
    hop = f"{destination}{source}" if reply else f"{source}{destination}"
    kind = method if method not in ("ACK", "CANCEL") else "INVITE"
    branch = options.get("branch", f"z9hG4bK{hop}{kind}{cseq}")
    ftag, ttag = options.get("ftag", "caller"), options.get("ttag", "")
    if not ttag and ((reply and what != "100") or method in ("BYE",)):
        ttag = "callee"
    if options.get("from") == "C":
        ftag, ttag = ttag, ftag
    first = f"SIP/2.0 {what} Reason" if reply else f"{what} {options.get('uri', 'sip:15550101@example.com')} SIP/2.0"
    vias = int(options.get("vias", "1"))
    lines = [first, f"Via: SIP/2.0/UDP {source}.example.com;branch={branch}" if branch else "Via: SIP/2.0/UDP x"]
    lines += [f"Via: SIP/2.0/UDP up{i}.example.com;branch=z9hG4bKup{i}" for i in range(vias - 1)]
    lines += [
        f"From: <sip:15550100@example.com>;tag={ftag}",
        "To: <sip:15550101@example.com>" + (f";tag={ttag}" if ttag else ""),
        f"Call-ID: {options.get('call', 'c1')}",
        f"CSeq: {cseq} {method}",
    ]
    if not reply:
        lines.append(f"Max-Forwards: {options.get('mf', str(71 - vias))}")
    return "\r\n".join([*lines, *headers, "Content-Length: 0", "", ""]).encode()


def messages(script: str) -> list[Request | Response]:
    """Read a conversation."""
    found = []
    for line in script.strip().splitlines():
        words = line.split("#")[0].split()
        if not words:
            continue
        time, hop, what, *rest = words
        source, destination = hop.split(">")
        pairs = [word.split("=", 1) for word in rest]
        headers = [value.replace("_", " ") for key, value in pairs if key == "h"]
        options = {key: value for key, value in pairs if key != "h"}
        data = message_text(source, destination, what, options, headers)
        message = parse(nanoseconds(time), path(source, destination, int(options.get("sport", "5060"))), data, False)
        assert isinstance(message, (Request, Response)), line
        found.append(message)
    return found


class Observed:
    """A tracker with its judge, and the records of the calls that are over."""

    def __init__(self, settings: Settings | None = None, *, keep: bool = False, limits: Limits | None = None) -> None:
        directory = Directory(settings or Settings())
        self.verdicts = Verdicts(directory)
        self.calls: list[CallRecord] = []
        self.tracker = Tracker(self, directory.timers_for, keep_messages=keep, limits=limits)

    def leg(self, leg: Leg) -> str:
        return self.verdicts.leg(leg).value

    def call(self, call: Call) -> str:
        return self.verdicts.call(call).value

    def over(self, call: Call) -> None:
        self.calls.append(record_of(call, self.verdicts))


def observe(script: str, settings: Settings | None = None, *, until: str | None = None) -> Observed:
    """Run a conversation; ``until`` is when the capture ends (seconds), by default with its last message."""
    observed = Observed(settings)
    for message in messages(script):
        observed.tracker.message(message)
    if until is not None:
        observed.tracker.advance(nanoseconds(until))
    observed.tracker.finish()
    observed.calls.sort(key=lambda call: call.started)
    return observed


def the_call(script: str, settings: Settings | None = None, *, until: str | None = None) -> CallRecord:
    """Run a conversation that is exactly one call, and return its record."""
    calls = observe(script, settings, until=until).calls
    assert len(calls) == 1, f"{len(calls)} calls in\n{script}"
    return calls[0]
