"""Packets have the numbers that Wireshark shows, whatever is kept away, and whatever files are merged."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sipwatch.capture.deep import DeepSource
from sipwatch.capture.files import Prefilter, open_capture
from sipwatch.engine import Engine
from sipwatch.packet import FILE_SHIFT
from tests.test_tshark import OURS, THEIRS
from tests.tshark import frames, needs_tshark

if TYPE_CHECKING:
    from sipwatch.wire.message import Request, Response

PCAPS = Path(__file__).resolve().parent.parent / "pcaps"
MIXED = next(path for path in THEIRS if path.name == "aaa.pcap") if THEIRS else PCAPS / "demo.pcap"


class Numbers(Engine):
    """Keeps each message's packet number, and forgets the rest."""

    def __init__(self) -> None:
        super().__init__(None)
        self.found: list[int] = []

    def message(self, message: Request | Response) -> None:
        self.found.append(message.number)


def numbers(*paths: Path, prefilter: Prefilter = Prefilter.ON) -> list[int]:
    engine = Numbers()
    with open_capture([str(path) for path in paths], prefilter=prefilter) as source:
        engine.run(source, source.place)
    return engine.found


@needs_tshark
@pytest.mark.parametrize(
    "path",
    [MIXED, *[path for path in OURS if path.parent.name == "recorded" and path.stem != "tls"]],
    ids=lambda p: p.name,
)
@pytest.mark.parametrize("prefilter", [Prefilter.ON, Prefilter.OFF])
def test_they_are_tsharks(path: Path, prefilter: Prefilter) -> None:
    said = {int(number) for (number,) in frames(path, "sip && !icmp", "frame.number")}
    found = numbers(path, prefilter=prefilter)
    assert found
    assert set(found) <= said


def test_merged_files_keep_their_own_numbers() -> None:
    busy, answered = PCAPS / "outcomes/busy.pcap", PCAPS / "outcomes/answered.pcap"
    merged = numbers(busy, answered)
    first = [number for number in merged if not number >> FILE_SHIFT]
    second = [number - (1 << FILE_SHIFT) for number in merged if number >> FILE_SHIFT]
    assert first == numbers(busy)
    assert second == numbers(answered)


@needs_tshark
def test_the_deep_decoder_has_the_same() -> None:
    path = PCAPS / "outcomes/busy.pcap"
    engine = Numbers()
    with DeepSource([str(path)]) as source:
        engine.run_datagrams(source)
    assert engine.found == numbers(path)


def test_what_comes_from_no_file_has_none() -> None:
    engine = Numbers()
    with open_capture([str(PCAPS / "outcomes/busy.pcap")]) as source:
        engine.run(source)
    assert set(engine.found) == {0}
