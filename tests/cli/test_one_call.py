"""``sipwatch replay --ladder CALL --ladder-form FORM``: one call in every form there is."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from tests.cli.program import BUSY, ROOT, run, the_complaint

if TYPE_CHECKING:
    from pathlib import Path

BEGINNINGS = {
    "text": "15550100 → 15550101   2026-01-05 09:00:00.000 UTC",
    "svg": '<svg xmlns="http://www.w3.org/2000/svg" class="ladder" role="img"',
    "mermaid": "sequenceDiagram\n",
    "wireshark": 'sip.Call-ID == "busy-here"\n',
    "sipp": '<?xml version="1.0" encoding="US-ASCII"?>\n<!-- The caller\'s side of call 976c68522cb4',
    "sipp-callee": '<?xml version="1.0" encoding="US-ASCII"?>\n<!-- The callee\'s side of call 976c68522cb4',
}


def form(name: str, *more: object, wanted: str = "busy-here", status: int = 0) -> str:
    done = run("replay", BUSY, "--ladder", wanted, "--ladder-form", name, *more, status=status)
    return the_complaint(done) if status else done.stdout


@pytest.mark.parametrize("name", BEGINNINGS)
def test_a_call_is_written_in_the_form_that_was_asked_for(name: str) -> None:
    written = form(name)
    assert written.startswith(BEGINNINGS[name])
    assert written.endswith("\n")


def test_text_is_what_is_drawn_without_asking() -> None:
    assert form("text") == run("replay", BUSY, "--ladder", "busy-here").stdout


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("text", "B │"),
        ("svg", ">B</text>"),
        ("mermaid", "    e1->>e2: B 09:00:00.050 INVITE"),
    ],
)
def test_every_drawing_has_the_calls_that_are_linked_with_it(name: str, row: str, tmp_path: Path) -> None:
    """And hides in all of them what is to be hidden."""
    asked = ("replay", ROOT / "pcaps/situations/linked.pcap", "--ladder", "session-in", "--ladder-form", name)
    written = run(*asked).stdout
    assert row in written
    assert "4f72a0b8f13e" in written
    (tmp_path / "c.toml").write_text("[privacy]\nmask = 4\n")
    assert "15550" not in run(*asked, "--config", tmp_path / "c.toml").stdout


def test_it_is_written_to_a_file(tmp_path: Path) -> None:
    assert form("svg", "-o", tmp_path / "call.svg") == ""
    ET.fromstring((tmp_path / "call.svg").read_text())  # noqa: S314 - what we have made ourselves


@pytest.mark.parametrize("name", ["svg", "mermaid", "sipp", "sipp-callee"])
def test_a_form_for_one_call_wants_one(name: str) -> None:
    complaint = form(name, wanted="", status=1)
    assert "3 calls match, and this form has room for one; name it by its id: 976c68522cb4, " in complaint


def test_a_filter_takes_several_calls() -> None:
    assert form("wireshark", wanted="").count(" or ") == 2


def test_what_is_hidden_is_hidden_in_every_form(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text("[privacy]\nmask = 4\nnames = true\n")
    for name in BEGINNINGS:
        assert "5550100" not in form(name, "--config", tmp_path / "c.toml")


def test_a_filter_that_would_find_nothing_is_not_written(tmp_path: Path) -> None:
    (tmp_path / "numbers.pcap").write_bytes(BUSY.read_bytes().replace(b"busy-here", b"15550100@"))
    (tmp_path / "c.toml").write_text("[privacy]\nmask = 4\n")
    words = ("replay", tmp_path / "numbers.pcap", "--ladder", "15550100@", "--ladder-form", "wireshark")
    assert run(*words).stdout == 'sip.Call-ID == "15550100@"\n'
    assert "hides Call-IDs" in the_complaint(run(*words, "--config", tmp_path / "c.toml", status=1))


def test_a_side_that_cannot_be_played_says_why(tmp_path: Path) -> None:
    """The first packet, an INVITE, is cut off the capture."""
    whole = BUSY.read_bytes()
    first = 24 + 16 + int.from_bytes(whole[32:36], "little")
    (tmp_path / "late.pcap").write_bytes(whole[:24] + whole[first:])
    done = run("replay", tmp_path / "late.pcap", "--ladder", "busy-here", "--ladder-form", "sipp", status=1)
    assert "does not begin with an INVITE that was captured" in the_complaint(done)
