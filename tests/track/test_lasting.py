"""A call that lasts is kept smaller, and told by the same words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sipwatch.capture.files import open_capture
from sipwatch.classify.peers import Settings
from sipwatch.config import load
from sipwatch.engine import Engine
from sipwatch.export.summary import Summary
from sipwatch.export.writers import encode
from sipwatch.track.events import LegBegun
from sipwatch.track.lasting import LASTS, cut_short, essence
from sipwatch.track.timers import NEVER
from sipwatch.wire.limits import MAX_TEXT
from sipwatch.wire.message import Request
from sipwatch.wire.sip import header
from tests.conversation import Observed, messages, nanoseconds

if TYPE_CHECKING:
    from sipwatch.export.record import CallRecord
    from sipwatch.track.leg import Leg

ROOT = Path(__file__).resolve().parent.parent.parent
PCAPS = ROOT / "pcaps"
SHARED = ROOT.parent / "shared"
ANSWERED = "0 A>P INVITE\n1 P>A 180\n2 P>A 200\n2.1 A>P ACK ttag=callee branch=z9hG4bKa\n"


def told(path: Path, lasts: int) -> dict[str, Any]:
    """Replay a capture, less being kept of an answered call so long after its answer (ns); return all that is said."""
    calls: list[CallRecord] = []
    summary = Summary()

    def sink(call: CallRecord, completed: bool) -> None:
        calls.append(call)
        summary.add(call, completed)

    beside = path.with_suffix(".toml")
    settings = load(str(beside)).settings if beside.is_file() else Settings()
    engine = Engine(sink, settings)
    engine.tracker.lasts = lasts
    with open_capture([str(path)]) as source:
        engine.run(source, source.place)
        engine.finish(source.last)
    said: dict[str, Any] = json.loads(encode({"calls": calls, "summary": engine.account.whole(summary)}))
    return said


def captures(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.pcap*") if path.suffix in (".pcap", ".pcapng"))


@pytest.mark.parametrize(
    "folder", [*sorted(path for path in PCAPS.iterdir() if captures(path)), SHARED / "cases", SHARED / "captures"],
    ids=lambda folder: folder.name,
)  # fmt: skip
def test_less_being_kept_changes_nothing_that_is_said(folder: Path) -> None:
    """Not even where it is cut down the moment after the answer, long before it would be."""
    found = captures(folder)
    if not found:
        pytest.skip(f"no captures in {folder.name}")
    assert [path.name for path in found if told(path, 0) != told(path, NEVER)] == []


def test_it_is_cut_down_half_a_minute_after_the_answer_and_not_before() -> None:
    observed = Observed()
    for message in messages(ANSWERED):
        observed.message(message)
    (begun,) = [event for event in observed.events if isinstance(event, LegBegun)]
    whole = len(begun.leg.invite.raw)
    observed.advance(nanoseconds("2") + LASTS - 1)
    assert len(begun.leg.invite.raw) == whole
    observed.advance(nanoseconds("2") + LASTS)
    assert len(begun.leg.invite.raw) < whole


def test_texts_that_are_to_be_shown_stay_whole() -> None:
    observed = Observed(keep=True)
    said = messages(ANSWERED)
    texts = [message.raw for message in said]
    for message in said:
        observed.message(message)
    observed.advance(nanoseconds("600"))
    assert [message.raw for message in said] == texts


def test_a_failed_hop_keeps_its_text() -> None:
    """Beside an answered one: why it failed may be told at the end."""
    observed = Observed()
    script = ANSWERED.replace("2 P>A 200", "1.1 P>B INVITE vias=2\n1.2 B>P 488 vias=2\n2 P>A 200")
    said = messages(script)
    texts = {message.path.source: message.raw for message in said if isinstance(message, Request)}
    for message in said:
        observed.message(message)
    observed.advance(nanoseconds("60"))
    (behind,) = [message for message in said if isinstance(message, Request) and message.via_count == 2]
    assert behind.raw == texts[behind.path.source]


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        (b"INVITE sip:x SIP/2.0\r\nTo: a\r\nFrom: b\r\n\r\nbody", b"INVITE sip:x SIP/2.0\r\nFrom: b\r\n\r\n"),
        (b"INVITE sip:x SIP/2.0\r\nt : a,\r\n b\r\nFrom: c,\r\n d\r\n\r\n", b"INVITE sip:x SIP/2.0\r\nFrom: c,\r\n d\r\n\r\n"),
        (b"INVITE sip:x SIP/2.0\nTo: a\n\nbody", b"INVITE sip:x SIP/2.0\nTo: a\n\nbody"),
        (b"INVITE sip:x SIP/2.0\r\nTo: a\r\nc: multipart/mixed\r\n\r\n--x", b"INVITE sip:x SIP/2.0\r\nTo: a\r\nc: multipart/mixed\r\n\r\n--x"),
        (b"INVITE sip:x SIP/2.0\r\nTo: a", b"INVITE sip:x SIP/2.0\r\nTo: a"),
        (b"", b""),
    ],
    ids=["plain", "folded", "line feeds alone", "several parts", "cut off", "nothing"],
)  # fmt: skip
def test_what_is_spent_goes_and_what_is_not_plainly_written_stays(raw: bytes, kept: bytes) -> None:
    assert essence(raw, frozenset({b"to", b"t"})) == kept
    assert header(essence(raw, frozenset({b"to", b"t"})), b"from") == header(raw, b"from")


def told_of(script: str) -> tuple[Observed, Leg]:
    """Let a conversation last until it is cut down; return it and its first leg."""
    observed = Observed()
    for message in messages(script):
        observed.message(message)
    leg = next(event.leg for event in observed.events if isinstance(event, LegBegun))
    observed.advance(nanoseconds("2") + LASTS)
    return observed, leg


def test_of_a_call_that_was_set_up_as_it_should_be_invite_and_answer_are_kept() -> None:
    _, leg = told_of(ANSWERED)
    assert leg.progress is leg.ringing is None
    assert leg.answers is not None
    assert [(answer.ack, answer.acked_at) for answer in leg.answers] == [(None, nanoseconds("2.1"))]
    assert leg.invite.raw.startswith(b"INVITE ")
    assert leg.final is not None
    assert leg.final.status_code == 200


def test_an_acknowledged_answer_that_was_repeated_keeps_its_ack() -> None:
    """It may have gone where nobody took it."""
    _, leg = told_of(f"{ANSWERED}2.5 P>A 200\n")
    assert leg.answers is not None
    assert leg.answers[0].ack is not None


def test_a_183_before_the_180_is_kept() -> None:
    _, leg = told_of(f"0 A>P INVITE\n0.5 P>A 183\n{ANSWERED.partition(chr(10))[2]}")
    assert leg.progress is not None
    assert leg.ringing is not None


def test_what_the_caller_was_told_is_kept_where_hops_behind_may_say_otherwise() -> None:
    script = ANSWERED.replace("1 P>A 180", "0.1 P>B INVITE\n1 P>A 180")
    _, leg = told_of(script)
    assert leg.ringing is not None


def test_a_text_that_is_longer_than_anybodys_is_cut_short_and_still_read() -> None:
    """Its lines stay what they are; what it had of bytes is known."""
    (message,) = messages("0 A>P INVITE")
    whole = message.raw.replace(b"Max-Forwards", b"X-Pad: " + b"x" * 60_000 + b"\r\nMax-Forwards")
    message.raw = whole
    cut_short(message)
    assert len(message.raw) <= MAX_TEXT
    assert message.size == len(whole)
    assert header(message.raw, b"max-forwards") == b"70"
    assert header(message.raw, b"x-pad")[:4] == b"xxxx"
    assert message.raw.endswith(b"\r\n\r\n")


def test_a_body_is_cut_where_there_is_no_more_room() -> None:
    (message,) = messages("0 A>P INVITE")
    message.raw += b"b" * 60_000
    cut_short(message)
    assert MAX_TEXT - 10 <= len(message.raw) <= MAX_TEXT
