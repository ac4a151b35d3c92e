"""The facts of each example, in the words in which a page, a text and a table tell them alike.

Must not know: HTML, CSV, packets. All text from the wire is in here as it was; it is escaped where it is written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sipwatch.classify.outcomes import Outcome
from sipwatch.evidence.hop import Hop, hop_of, seen_in_words
from sipwatch.evidence.period import local
from sipwatch.export.naming import name_of_any, name_of_call
from sipwatch.knowledge import load
from sipwatch.report.plain import CONDITION_WORDS, duration, several

if TYPE_CHECKING:
    from collections.abc import Iterator
    from zoneinfo import ZoneInfo

    from sipwatch.evidence.choose import Count
    from sipwatch.export.record import CallRecord, MessageRecord

MAX_LINES = 40  # messages listed of one call
_MILLISECONDS, _MICROSECONDS = 23, 26  # characters of a local time with them
_MAX_NAMES = 4  # outcomes named in one sentence
GLANCE = ("Time", "From", "To", "What became of it", "Response", "Waited")


class Capture(NamedTuple):
    """The packets of one example: the file's name, how many, how many messages found no room.

    ``name`` is None where there is no file; ``why_not`` says why. ``witness`` tells how many seconds after the last
    message a packet without content shows that the capture went on, None if there is none.
    """

    name: str | None
    packets: int = 0
    left_out: int = 0
    why_not: str = ""
    witness: float | None = None


class Example:
    """One call that is shown, already covered as the policy asks; ``number`` counts from 1."""

    def __init__(self, number: int, call: CallRecord, capture: Capture, peer: str) -> None:
        self.number = number
        self.call = call
        self.capture = capture
        self.hop: Hop = hop_of(call, peer)


class Package(NamedTuple):
    """All that is told: about whom, of which files and period (None: no bound), in which zone; what was asked for.

    ``counts`` are the peer's calls in the period by outcome, ``matching`` those asked for. ``hidden`` says in words
    what was hidden besides secrets, empty for nothing. Times are in ns.
    """

    peer: str
    files: list[str]
    zone: ZoneInfo
    first: int
    last: int
    since: int | None
    until: int | None
    outcomes: list[str]
    expression: str | None
    counts: dict[str, Count]
    matching: int
    hidden: str
    examples: list[Example]
    version: str


class SummaryRow(NamedTuple):
    """One line of the summary; without a share where the capture shows none."""

    outcome: str
    name: str
    calls: int
    share: float | None
    sent: int
    received: int
    asked: bool


def rows(package: Package) -> list[SummaryRow]:
    """Return the peer's calls by outcome, the most frequent first, each with its share."""
    total = sum(count.calls for count in package.counts.values())
    shares = not _why_no_share(package)
    ordered = sorted(package.counts.items(), key=lambda entry: (-entry[1].calls, entry[0]))
    return [
        SummaryRow(
            outcome,
            name_of_any(outcome),
            count.calls,
            count.calls / total if shares else None,
            count.sent,
            count.received,
            outcome in package.outcomes,
        )
        for outcome, count in ordered
    ]


def _why_no_share(package: Package) -> str:
    """Say why the capture shows no share of the peer's calls, "" where it does: it may have been cut out of others."""
    if all(outcome in package.outcomes for outcome in package.counts):
        return "The capture has no other calls from or to it, so it does not show how often that is."
    if Outcome.ANSWERED not in package.counts:
        return "No call from or to it in the capture was answered, so it may not show how often that is."
    return ""


def share_of(row: SummaryRow) -> str:
    """Write a share, "" where there is none to tell."""
    return "" if row.share is None else f"{row.share:.1%}"


def headline(package: Package) -> str:
    """Say in one sentence how many of the peer's calls it is about."""
    total = sum(count.calls for count in package.counts.values())
    asked = [row for row in rows(package) if row.asked]
    calls = sum(row.calls for row in asked)
    names = " or ".join(f'"{row.name}"' for row in asked)
    ended = f"ended as {names}" if len(asked) <= _MAX_NAMES else f"ended in one of the {len(asked)} ways marked below"
    why = _why_no_share(package)
    if why:
        return f"{several(calls, 'call')} from or to {package.peer} {ended}. {why}"
    return f"{calls:,} of {total:,} calls from or to {package.peer}, {calls / total:.1%}, {ended}."


def period(package: Package) -> str:
    """Say from when until when calls were counted."""
    since = local(package.first if package.since is None else package.since, package.zone)
    until = local(package.last if package.until is None else package.until, package.zone)
    return f"{since} to {until} ({package.zone.key})"


def shown(package: Package) -> str:
    """Say how many examples there are, and of how many."""
    count = len(package.examples)
    matching = f"the newest {count:,} of {package.matching:,}" if count < package.matching else f"all {count:,}"
    filtered = f" for which {package.expression} holds" if package.expression else ""
    if package.expression and package.hidden:
        filtered = " that were filtered"  # by words in which somebody may be named
    return f"Examples: {matching} such calls{filtered}, newest first."


def fields(example: Example, package: Package) -> Iterator[tuple[str, str]]:
    """Yield the facts of an example as (name, value), those that are known."""
    call, hop = example.call, example.hop
    yield "From", call.caller or "(none)"
    yield "To", call.callee or "(none)"
    yield "Time", f"{local(call.started, package.zone)} ({package.zone.key})"
    if hop.began != call.started:
        yield "On this hop at", f"{local(hop.began, package.zone)} ({package.zone.key})"
    yield "Call-ID", call.call_id
    yield "Hop", f"{hop.ends} over {hop.leg.transport.upper()}"
    yield "Response", hop.response or "no final response"
    if told_caller(example):
        yield "The caller was told", told_caller(example)
    yield "Reason header", hop.reason or "none"
    yield "What we saw", seen_in_words(hop)
    if hop.waited is not None:
        yield "We waited", f"{duration(hop.waited)}, of that {duration(hop.silence)} without a word"
    for condition in call.conditions:
        if condition.leg == hop.place:
            after = duration(condition.raised.since(hop.began))
            yield "Noticed", f"{CONDITION_WORDS[condition.kind]} ({condition.kind}), {after} after the INVITE"
    for finding in call.findings:
        yield "Probable cause", str(finding.text)
    yield "Packets", packets(example)


def glance(package: Package) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yield each example's number and a line about it, below ``GLANCE``."""
    for example in package.examples:
        call, hop = example.call, example.hop
        waited = "" if hop.waited is None else duration(hop.waited)
        clock = local(call.started, package.zone)[:_MILLISECONDS]
        parties = (call.caller or "(none)", call.callee or "(none)")
        response = hop.response or "no final response"
        yield example.number, (clock, *parties, name_of_call(call), response, waited)


def told_caller(example: Example) -> str:
    """Return the response that the caller got in the end, where it is another than that of the hop; else nothing."""
    call = example.call
    told = "" if call.status_code is None else f"{call.status_code} {call.reason_phrase or ''}".rstrip()
    return told if told != example.hop.response else ""


def packets(example: Example) -> str:
    """Say in which file the packets are, and what there is to know of it."""
    capture = example.capture
    if capture.name is None:
        return f"none, because {capture.why_not}"
    words = f"{capture.name} ({capture.packets:,} packets)"
    if capture.left_out:
        words += f"; {capture.left_out:,} more messages of this call had no room in it"
    if capture.witness is not None:
        words += (
            f"; its last packet has no content, it only shows that {duration(capture.witness)} after the last message"
            " the capture still went on, without another word about this call"
        )
    return words


class ExampleMessage(NamedTuple):
    """One message of an example; ``own`` says that it went over the supplier's hop."""

    clock: str
    after: str
    source: str
    destination: str
    message: str
    own: bool


def lines(example: Example, package: Package) -> tuple[list[ExampleMessage], int]:
    """Return the first messages, and how many more there are."""
    messages: list[MessageRecord] = example.call.messages or []
    found = []
    for message in messages[:MAX_LINES]:
        after = message.time.since(example.call.started)
        words = message.first_line.removeprefix("SIP/2.0 ").removesuffix(" SIP/2.0")
        again = " (again)" if message.retransmission else ""
        clock = local(message.time, package.zone)[11:_MICROSECONDS]
        found.append(
            ExampleMessage(
                clock,
                f"{after:+.3f} s",
                message.source,
                message.destination,
                words + again,
                example.hop.passes(message),
            )
        )
    return found, max(0, len(messages) - MAX_LINES)


def notes(package: Package) -> list[str]:
    """Say what else a reader has to know."""
    found = []
    found.append(
        f"Times are by the clock of the machine that captured, in the time zone {package.zone.key}. The packets keep"
        " theirs to the nanosecond."
    )
    found.append(
        "Each packet capture holds the packets of one call and opens in Wireshark. Digest responses, passwords and"
        " media keys in them were overwritten. A packet in which anything was overwritten was written anew, between the"
        " same ports at the same time: its lengths and checksums are right, but its link layer, tunnel and options are"
        " not the captured ones. All other packets are as they were captured."
    )
    found.append(
        f"Of each call's messages those to and from {package.peer} are marked: the others went over other hops of the"
        " same call."
    )
    if package.hidden:
        found.append(f"Hidden here and in the packets: {package.hidden}. Asterisks stand in the place of the rest.")
    if any(example.hop.leg.transport in ("tcp", "ws") and example.capture.name for example in package.examples):
        found.append(
            "What went over TCP was written anew as a stream that holds this call alone: each part of a message at its"
            " time, and the first acknowledgement of each message. So sequence numbers are not the captured ones, and a"
            " handshake is not shown."
        )
    return found


def meanings(package: Package) -> list[tuple[str, str]]:
    """Explain the outcomes of the examples."""
    known = load()
    shown = {example.call.outcome for example in package.examples}
    return [(row.name, known.outcome(row.outcome).meaning) for row in rows(package) if row.outcome in shown]
