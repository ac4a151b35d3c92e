"""The display filter of a call; that tshark takes it and shows the call's packets is asked of tshark itself."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from sipwatch.report.wireshark import display_filter
from sipwatch.wire.message import decoded
from sipwatch.wire.sip import bounded_identifier
from tests.capture import builders
from tests.export.records import call
from tests.replay import replay
from tests.tshark import needs_tshark
from tests.wire import frames as f

DEMO = Path(__file__).resolve().parents[2] / "pcaps" / "demo.pcap"
CALL_IDS = ['a"b\\c@x', "x\\x41", "é漢@h", "tab\there", "a" * 300, 'a{}" or sip', "sp'quote", "\x01\x7f"]


def by(*call_ids: str) -> str:
    return display_filter(call(call_id=call_id) for call_id in call_ids)


def test_a_call_is_found_by_its_call_id() -> None:
    assert by("a84b4c76e66710@pc33.example.com") == 'sip.Call-ID == "a84b4c76e66710@pc33.example.com"'


def test_of_several_calls_each_call_id_is_named_once() -> None:
    assert by("a", "b", "a") == 'sip.Call-ID == "a" or sip.Call-ID == "b"'
    with pytest.raises(ValueError, match="no calls"):
        by()


def test_nothing_in_a_call_id_ends_the_string() -> None:
    assert by('a" or frame or "\\') == 'sip.Call-ID == "a\\" or frame or \\"\\\\"'
    assert by("é\n") == 'sip.Call-ID == "\\xc3\\xa9\\x0a"'


def test_a_call_id_that_was_too_long_to_keep_is_found_by_its_beginning() -> None:
    assert by(decoded(bounded_identifier(b"a" * 300))) == f'sip.Call-ID contains "{"a" * 64}"'


def shown(capture: Path, text: str) -> list[int]:
    """Return the numbers of the packets that a filter shows."""
    words = ["tshark", "-r", str(capture), "-Y", text, "-T", "fields", "-e", "frame.number"]
    return [int(number) for number in subprocess.run(words, check=True, capture_output=True, text=True).stdout.split()]


@needs_tshark
@pytest.mark.slow  # tshark takes seconds to start
def test_tshark_shows_the_packets_of_exactly_that_call() -> None:
    record = next(one for one in replay(DEMO, keep_messages=True).calls if len(one.legs) > 1)
    assert len(shown(DEMO, display_filter([record]))) == len(record.messages or ()) > 4


@needs_tshark
@pytest.mark.slow  # as above
@pytest.mark.parametrize("call_id", CALL_IDS)
def test_tshark_finds_whatever_stands_in_a_call_id(tmp_path: Path, call_id: str) -> None:
    texts = (
        f"OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nCall-ID: {one}\r\nFrom: <sip:a@b>;tag=1\r\n"
        "To: <sip:a@b>\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
        for one in CALL_IDS
    )
    capture = tmp_path / "ids.pcap"
    capture.write_bytes(builders.pcap([(n, 101, f.ipv4(f.udp(text.encode()))) for n, text in enumerate(texts)]))
    kept = decoded(bounded_identifier(call_id.encode()))
    assert shown(capture, by(kept)) == [CALL_IDS.index(call_id) + 1]
