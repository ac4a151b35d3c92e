"""The deep decoder: tshark finds the same messages, and opens what we do not."""

from __future__ import annotations

import gc
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sipwatch.capture.deep import INSTALL_HINT, DeepSource, _nanoseconds
from sipwatch.capture.errors import CaptureError
from sipwatch.capture.files import open_capture
from sipwatch.engine import Engine
from tests.replay import replay

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sipwatch.capture.deep import Datagram

PCAPS = Path(__file__).resolve().parents[2] / "pcaps"
needs_tshark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
# pyshark's own event loops and pipes warn at their end.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(autouse=True)
def _no_leftovers() -> Iterator[None]:
    """Collect what pyshark leaves behind here, not in the middle of somebody else's test."""
    yield
    gc.collect()


def outcomes(*paths: Path, deep: bool) -> list[tuple[str, str, int | None]]:
    """Return Call-ID, outcome and code of every call."""
    if not deep:
        return sorted((call.call_id, call.outcome, call.status_code) for call in replay(*paths).calls)
    with DeepSource([str(path) for path in paths]) as source:
        return judged(list(source), source.last)


def judged(datagrams: list[Datagram], last: int | None) -> list[tuple[str, str, int | None]]:
    """Return the same of every call in what the deep decoder found."""
    calls: list[tuple[str, str, int | None]] = []
    engine = Engine(lambda call, _: calls.append((call.call_id, call.outcome, call.status_code)))
    engine.run_datagrams(datagrams)
    engine.finish(last)
    return sorted(calls)


@needs_tshark
@pytest.mark.parametrize(
    "name",
    [
        "recorded/tcp",
        "outcomes/unavailable",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("outcomes/answered_elsewhere", "outcomes/not_found")),
    ],
)
def test_tshark_and_we_conclude_the_same(name: str) -> None:
    """UDP, TCP and IPv6, over the other decoder: the same calls."""
    path = PCAPS / f"{name}.pcap"
    assert outcomes(path, deep=True) == outcomes(path, deep=False)


@needs_tshark
def test_tls_is_opened_with_its_key_log() -> None:
    """Recorded from real TLS; without the keys there is nothing to see."""
    path, keys = str(PCAPS / "recorded" / "tls.pcap"), str(PCAPS / "recorded" / "tls.keys")
    with DeepSource([path], keys) as source:
        messages = list(source)
    assert [message.payload.split()[0] for message in messages] == [
        b"INVITE",
        *[b"SIP/2.0"] * 3,
        b"ACK",
        b"BYE",
        b"SIP/2.0",
    ]
    assert {message.transport for message in messages} == {"tls"}
    with DeepSource([path]) as source:
        assert list(source) == []


@needs_tshark
def test_several_files_are_merged_in_time_order() -> None:
    paths = [PCAPS / "outcomes" / "declined.pcap", PCAPS / "outcomes" / "busy.pcap"]
    with DeepSource([str(path) for path in paths]) as source:
        datagrams = list(source)
    assert datagrams == sorted(datagrams, key=lambda datagram: datagram.time)
    assert judged(datagrams, source.last) == outcomes(*paths, deep=False)


@needs_tshark
def test_the_packets_of_the_whole_file_are_counted() -> None:
    with DeepSource([str(PCAPS / "outcomes" / "unfinished.pcap")]) as source:
        messages = list(source)
        assert source.packets == len(messages) + 1  # one packet is media
        assert source.last is not None
        assert source.last > messages[-1].time


@needs_tshark
def test_a_file_that_was_cut_off_is_reported_up_to_there(tmp_path: Path) -> None:
    """tshark ends with an error then: a warning, raised neither when the source is closed nor when it is collected."""
    whole, cut = PCAPS / "outcomes" / "busy.pcap", tmp_path / "cut.pcap"
    cut.write_bytes(whole.read_bytes()[:-10])
    with open_capture([str(whole)]) as packets:
        messages = [data[42:] for _, _, data in packets]  # over Ethernet, IPv4 and UDP
    with DeepSource([str(cut)]) as source:
        heads = [message.payload for message in source]
        assert len(heads) == len(messages) - 1
        assert all(map(bytes.startswith, messages, heads))
        assert source.warnings


def test_without_tshark_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(CaptureError, match="apt install tshark"):
        DeepSource(["x.pcap"])
    assert "\n" not in INSTALL_HINT


@needs_tshark
@pytest.mark.parametrize(
    ("path", "words"),
    [("/nowhere/x.pcap", "cannot be opened"), (str(PCAPS), "is a directory"), ("-", "reads files only")],
)
def test_a_file_that_cannot_be_read_is_one_clear_line(path: str, words: str) -> None:
    with pytest.raises(CaptureError, match=words):
        DeepSource([path])


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("1415985412.142231000", 1_415_985_412_142_231_000),
        ("2014-11-14T17:16:52.142231000Z", 1_415_985_412_142_231_000),
    ],
)
def test_tsharks_times_old_and_new(written: str, expected: int) -> None:
    """Decimal seconds, ISO 8601 from version 4.4 on."""
    assert _nanoseconds(written) == expected
