"""The text: the same facts, in lines that a terminal can show."""

from __future__ import annotations

from sipwatch.evidence.plain import plain
from tests.evidence.told import SERVER, TRUNK, package, said, stuck
from tests.export.records import EVIL


def test_everything_is_in_the_text() -> None:
    text = plain(package())
    for expected in (
        *("Call examples for acme", "1 of 4 calls from or to acme, 25.0%", "1. 15550100 → 15550101, Stuck in Trying"),
        *("2026-01-05 10:00:00.000000 +01:00 (Europe/Berlin)", "487 Request Terminated", 'Q.850;cause=16;text="gone"'),
        *(f"pbx {SERVER} → acme {TRUNK}", "acme has not answered since 09:00.", "sipwatch 1.2.3 from monday.pcap"),
        *("       3   75.0%        3        0  Answered", "Stuck in Trying  *", "examples/001-0123456789ab.pcap"),
        f"* 10:00:00.700000      +0.700 s  {TRUNK} → {SERVER}  100 Trying",
    ):
        assert expected in text, expected


def test_nothing_of_a_strangers_moves_the_cursor() -> None:
    call = stuck(caller=EVIL, call_id=EVIL, messages=[said(0, SERVER, TRUNK, f"INVITE {EVIL} SIP/2.0")])
    text = plain(package(call, peer=EVIL, files=[EVIL]))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\x07" not in text


def test_long_values_are_wrapped_under_themselves() -> None:
    text = plain(package(stuck(call_id="word " * 40)))
    line = next(line for line in text.splitlines() if line.startswith("Call-ID"))
    assert len(line) <= 100
    assert "\n" + " " * 20 + "word" in text


def test_many_messages_end_with_a_word() -> None:
    call = stuck(messages=[said(n, SERVER, TRUNK, "INFO sip:b SIP/2.0", "1 INFO") for n in range(50)])
    assert "\n10 more messages are in the packet capture.\n" in plain(package(call))


def test_an_empty_value_still_has_its_line() -> None:
    assert "\nCall-ID             \n" in plain(package(stuck(call_id="")))
