"""Packages with valid defaults, for tests of what is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sipwatch.classify.hours import zone_of
from sipwatch.evidence.choose import Count
from sipwatch.evidence.facts import Capture, Example, Package
from sipwatch.export.record import FindingRecord, MessageRecord
from tests.export.records import at, call, condition, leg, span, words

if TYPE_CHECKING:
    from sipwatch.export.record import CallRecord

CALLER, SERVER, TRUNK = "192.0.2.65:5060", "198.51.100.10:5060", "203.0.113.10:5060"
REASON = 'Q.850;cause=16;text="gone"'


def said(
    seconds: float, source: str, destination: str, first_line: str, cseq: str = "1 INVITE", **more: Any
) -> MessageRecord:
    """Return a message with the headers that are looked at."""
    branch = more.get("branch", "z9hG4bK1")
    extra = "".join(f"{name}: {value}\r\n" for name, value in more.get("headers", {}).items())
    raw = f"{first_line}\r\nVia: SIP/2.0/UDP a;branch={branch}\r\nCSeq: {cseq}\r\n{extra}\r\n"
    return MessageRecord(at(seconds), source, destination, first_line, more.get("again", False), True, raw)


def stuck(**more: Any) -> CallRecord:
    """Return a call that the trunk took and never said more about, seen on both hops."""
    legs = [
        leg(outcome="no_progress", source_address=CALLER, destination_address=SERVER, source="phones", destination="pbx"),
        leg(
            outcome="no_progress", source_address=SERVER, destination_address=TRUNK, source="pbx", destination="acme",
            started=at(0.5),
        ),
    ]  # fmt: skip
    messages = [
        said(0, CALLER, SERVER, "INVITE sip:15550101@example.com SIP/2.0"),
        said(0.1, SERVER, CALLER, "SIP/2.0 100 Giving a try"),
        said(0.5, SERVER, TRUNK, "INVITE sip:15550101@example.com SIP/2.0"),
        said(0.7, TRUNK, SERVER, "SIP/2.0 100 Trying"),
        said(13, CALLER, SERVER, "CANCEL sip:15550101@example.com SIP/2.0", "1 CANCEL"),
        said(13.1, SERVER, TRUNK, "CANCEL sip:15550101@example.com SIP/2.0", "1 CANCEL", headers={"Reason": REASON}),
        said(13.2, TRUNK, SERVER, "SIP/2.0 200 OK", "1 CANCEL"),
        said(13.3, TRUNK, SERVER, "SIP/2.0 487 Request Terminated"),
        said(13.4, SERVER, CALLER, "SIP/2.0 480 Try later"),
    ]
    given: dict[str, Any] = {
        "source": "phones", "destination": "acme", "legs": legs, "messages": messages, "status_code": 480,
        "reason_phrase": "Try later", "setup_seconds": span(13.4), "ended": at(13.4), "trying": at(0.1),
        "conditions": [condition("no_progress", 10.1, 13), condition("slow_progress", 3.7, 13)],
        "findings": [FindingRecord("silent_peer", words("acme"), words("acme has not answered since 09:00."), [])],
    }  # fmt: skip
    given["conditions"][0] = type(given["conditions"][0])("no_progress", at(10.7), at(13.1), "cancelled", 1)
    return call("no_progress", **{**given, **more})


def package(*calls: CallRecord, capture: Capture | None = None, **more: Any) -> Package:
    """Return a package with these examples; one stuck call when none is given."""
    counts = {"answered": Count(), "no_progress": Count()}
    for _ in range(3):
        counts["answered"].add(sent=True, received=False)
    counts["no_progress"].add(sent=False, received=True)
    given: dict[str, Any] = {
        "peer": "acme", "files": ["monday.pcap"], "zone": zone_of("Europe/Berlin"), "first": at(0), "last": at(600),
        "since": None, "until": None, "outcomes": ["no_progress"], "expression": None, "counts": counts, "matching": 1,
        "hidden": "", "version": "1.2.3",
    }  # fmt: skip
    shown = capture or Capture("examples/001-0123456789ab.pcap", 9)
    examples = [Example(number, each, shown, "acme") for number, each in enumerate(calls or (stuck(),), 1)]
    return Package(**{**given, "examples": examples, **more})
