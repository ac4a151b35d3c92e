"""Agreement with tshark: as many messages of every method and status code, on every capture there is."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from tests.replay import replay
from tests.tshark import frames, needs_tshark

PCAPS = Path(__file__).resolve().parent.parent / "pcaps"
CAPTURES = Path(os.environ.get("SIPWATCH_CAPTURES", PCAPS.parent.parent / "shared" / "captures"))
OURS = sorted(path for path in PCAPS.rglob("*.pcap*") if path.suffix in (".pcap", ".pcapng"))
THEIRS = sorted(CAPTURES.glob("*.pcap*"))

# Where we differ with good reason: (more, fewer) by method or code, and why.
DIFFERENCES: dict[str, tuple[dict[str, int], dict[str, int], str]] = {
    "aaa-corrupted.pcap": (
        {"401": 1, "403": 1, "INVITE": 1, "REGISTER": 1},
        {"CANCEL": 1},
        (
            "random corruption: four messages have a NUL in their start line, where tshark stops reading; "
            "one CANCEL lost the CR that ends its start line, so that the version is damaged"
        ),
    ),
}
pytestmark = needs_tshark


def by_tshark(path: Path) -> Counter[str]:
    """Count methods and codes; SIP quoted in ICMP errors is no message."""
    found = frames(path, "sip && !icmp && !icmpv6", "sip.Method", "sip.Status-Code")
    return Counter(word for fields in found for words in fields for word in words.split(",") if word)


def by_us(path: Path) -> tuple[Counter[str], int]:
    """Count methods and codes, and the duplicates that we leave out of them."""
    capture = replay(path).capture
    assert capture is not None
    return Counter(capture.requests) + Counter(capture.responses), capture.duplicates


@pytest.mark.parametrize("path", OURS + THEIRS, ids=lambda path: path.name)
def test_as_many_messages_of_every_kind_as_tshark(path: Path) -> None:
    """Duplicates are ours alone: tshark counts every copy."""
    ours, duplicates = by_us(path)
    theirs = by_tshark(path)
    more, fewer, _ = DIFFERENCES.get(path.name, ({}, {}, ""))
    if duplicates:
        assert sum(theirs.values()) == sum(ours.values()) + duplicates
        assert not ours - theirs
    else:
        assert ours - Counter(more) + Counter(fewer) == theirs


@pytest.mark.skipif(THEIRS != [], reason="they are there")
def test_third_party_captures_are_missing() -> None:
    """Say so, visibly, rather than pass in silence."""
    pytest.skip(f"the third-party captures are not at {CAPTURES}")
