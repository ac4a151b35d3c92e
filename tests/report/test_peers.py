"""Who is in a capture, at a terminal: complete, narrow enough, and harmless."""

from __future__ import annotations

import io
from typing import Any

import pytest

from sipwatch.report.peers import MAX_SHOWN, print_peers
from tests.export.records import EVIL
from tests.report.end_records import calls, end


def shown(*records: Any, left_out: int = 0) -> str:
    out = io.StringIO()
    print_peers(out, list(records), left_out)
    return out.getvalue()


TRUNK = end(
    "203.0.113.10", "trunk", sure="sure", software=["Gateway 3", "Gateway 4"], hosts=["sip.acme.example"], ports=[5060, 5062],
    transports=["tcp", "udp"], why=["a server registers here"], registrations_in={"registered": 2, "auth_failed": 1},
    options_in={"not_responding": 5}, registrations_out={"refused": 7}, options_out={"answered": 9},
    calls_out=calls(10, 5), calls_in=calls(
        1200, 300, status_codes={"486": 500, "480": 200, "none": 100, "503": 50, "404": 30, "500": 11, "603": 9},
        first_progress_median_seconds=1.25,
    ),
)  # fmt: skip


def test_all_that_is_known_of_an_address_is_shown() -> None:
    text = shown(TRUNK)
    row = next(line for line in text.splitlines() if line.startswith("203.0.113.10  "))
    assert row.split() == ["203.0.113.10", "trunk", "(sure)", "Gateway", "3", "10", "50%", "1,200", "25%", "1.25", "s"]
    for words in (
        "tcp, udp 5060, 5062; 3 messages sent, 4 received",
        "other software: Gateway 4",
        "called: sip.acme.example",
        "registers elsewhere: 7 refused",
        "registrations here: 2 registered, 1 auth failed",
        "OPTIONS sent: 9 answered",
        "OPTIONS received: 5 not responding",
        "calls received, not answered: 486 500, 480 200, no final response 100, 503 50, 404 30, others 20",
        "role: a server registers here",
    ):
        assert words in text, words
    assert "calls sent, not answered" not in text


def test_a_configured_peer_is_called_by_its_name_and_a_stranger_unknown() -> None:
    text = shown(end(name="phones", sure="configured", why=[]), end("192.0.2.66", None))
    assert "phones" in text
    assert "unknown" in text
    assert "configured" not in text


def test_an_empty_capture_is_said_to_be_empty() -> None:
    assert shown() == "No SIP message was found in this capture: nobody is in it.\n"


def test_only_the_busiest_are_shown_and_the_rest_is_counted() -> None:
    text = shown(*(end(f"198.51.100.{place}") for place in range(MAX_SHOWN + 12)), left_out=1234)
    assert text.count("  role: it registers") == MAX_SHOWN
    assert "12 more addresses, with fewer messages" in text
    assert "1,234 times an address found no room" in text


def test_no_line_is_wider_than_what_pipes_get() -> None:
    long = end("2001:db8:1234:5678:9abc:def0:1234:5678", software=["x" * 100], why=["y" * 300], hosts=["h" * 100])
    assert max(len(line) for line in shown(long).splitlines()) <= 110


@pytest.mark.parametrize("columns", ["60", "80"])
def test_on_a_narrow_terminal_each_address_is_a_paragraph(columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    lines = shown(TRUNK).splitlines()
    assert max(map(len, lines)) <= int(columns)
    assert lines[0].startswith("203.0.113.10  trunk (sure)  tcp, udp 5060, 5062; 3 messages")
    for words in ("software: Gateway 3", "calls sent: 10, 50% answered", "calls received: 1,200, 25% answered"):
        assert any(line.startswith(f"  {words}") for line in lines), words


def test_what_strangers_wrote_does_nothing_to_the_terminal() -> None:
    text = shown(end(software=[EVIL, EVIL], hosts=[EVIL], why=[EVIL]), end(name=EVIL, sure="configured"))
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "\u202e" not in text
    assert "\\x1b[31mred" in text
