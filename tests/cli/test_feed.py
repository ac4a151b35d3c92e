"""Capture files through the engine, for commands that look at them as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sipwatch.cli.feed import captures, feed, warn
from sipwatch.engine import Engine
from sipwatch.packet import ETHERNET, MILLISECOND
from tests.capture.builders import START, pcap
from tests.cli.program import BUSY, DEMO
from tests.wire import frames as f

if TYPE_CHECKING:
    from pathlib import Path

    from sipwatch.capture.tally import Frame
    from sipwatch.export.record import CallRecord
    from sipwatch.wire.message import Message

_BEHIND = (
    b"Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nFrom: <sip:a@example.com>;tag=t\r\nTo: <sip:b@example.com>\r\n"
    b"Call-ID: nat\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"
)
INVITE, RINGING = b"INVITE sip:b@example.com SIP/2.0\r\n" + _BEHIND, b"SIP/2.0 180 Ringing\r\n" + _BEHIND


def test_whoever_listens_hears_each_message_and_the_engine_does_the_same() -> None:
    heard: list[Message] = []
    told: list[list[str]] = []
    for hear in (None, heard.append):
        ids: list[str] = []

        def sink(record: CallRecord, completed: bool, ids: list[str] = ids) -> None:
            ids.append(record.id)

        engine = Engine(sink, diagnose=False)
        with captures([str(DEMO)]) as source:
            feed(engine, source, hear=hear)
        told.append(ids)
        assert len(ids) > 300
    assert told[0] == told[1]
    assert len(heard) == sum(engine.account.requests.values()) + sum(engine.account.responses.values())
    assert heard[0].number > 0


def test_a_file_that_breaks_off_is_used_up_to_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = tmp_path / "broken.pcap"
    broken.write_bytes(BUSY.read_bytes()[:-20])
    engine = Engine(None, diagnose=False)
    with captures([str(broken)]) as source:
        feed(engine, source)
        warn(source)
    assert engine.account.requests["INVITE"] == 4
    assert "warning: " in capsys.readouterr().err


def test_a_file_that_is_none_ends_the_program_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended, captures([str(tmp_path / "nothing.pcap")]):
        pass
    assert ended.value.code == 1
    assert capsys.readouterr().err.startswith("sipwatch: ")


def test_ctrl_c_leaves_what_was_read_so_far(capsys: pytest.CaptureFixture[str]) -> None:
    def impatient(message: Message) -> None:
        if engine.account.requests.get("INVITE", 0) == 2:
            raise KeyboardInterrupt

    engine = Engine(None, diagnose=False)
    with captures([str(BUSY)]) as source:
        feed(engine, source, hear=impatient)
    assert engine.account.requests["INVITE"] == 2
    assert "interrupted; this is what was read so far" in capsys.readouterr().err


@pytest.mark.parametrize("across_nat", [False, True])
def test_agents_on_either_side_of_a_nat_are_believed_to_be_if_that_is_said(across_nat: bool, tmp_path: Path) -> None:
    """They report the same messages between other ends."""
    inside, outside = f.A4 + f.B4, bytes((198, 51, 100, 1)) + f.B4
    frames: list[Frame] = []
    for at, text in ((0, INVITE), (1000, RINGING)):
        for place, ends in enumerate((inside, outside)):
            back = text is RINGING
            report = f.hep3(text, ends[4:], ends[:4]) if back else f.hep3(text, ends[:4], ends[4:])
            frame = f.ethernet(f.ipv4(f.udp(report, dport=9060), ident=len(frames)))
            frames.append((START + (at + place) * MILLISECOND, ETHERNET, frame))
    capture = tmp_path / "hep.pcap"
    capture.write_bytes(pcap(frames))
    engine = Engine(None, diagnose=False)
    with captures([str(capture)]) as source:
        feed(engine, source, across_nat=across_nat)
    assert engine.account.requests["INVITE"] == (1 if across_nat else 2)
    assert engine.account.responses[180] == (1 if across_nat else 2)
