"""What a configuration says, at a terminal."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import msgspec

from sipwatch.report.check import print_check
from sipwatch.report.checked import (
    CallbackRecord,
    ChangeRecord,
    CheckRecord,
    EndsRecord,
    HoursRecord,
    InterfaceRecord,
    LinksRecord,
    PeerRecord,
    PrivacyRecord,
    RuleRecord,
)
from tests.export.records import EVIL

if TYPE_CHECKING:
    import pytest

MEANINGS = {"no_progress_after": "stuck", "dialog_timeout": "never ended"}
EMPTY = CheckRecord(
    file="sipwatch.toml",
    timers={"no_progress_after": 10.0, "dialog_timeout": 14400.0},
    peers=[],
    hours=[],
    callback=None,
    links=LinksRecord([], session_id=True, transfers=True, numbers_within_seconds=None),
    privacy=PrivacyRecord(None, names=False),
    capture=InterfaceRecord([5060, 5061], [], 16 << 20),
    remarks=[],
)
RULE = RuleRecord(9, "congested", "A call to or from acme counts as ...", "full")
ACME = PeerRecord("acme", "trunk", ["203.0.113.0/24"], ["sip.acme.example"], {"no_progress_after": 8.5, "dialog_timeout": 14400.0}, ["no_progress_after"], [RULE])  # fmt: skip


def shown(**more: Any) -> str:
    out = io.StringIO()
    print_check(out, msgspec.structs.replace(EMPTY, **more), MEANINGS)
    return out.getvalue()


def test_an_empty_configuration_says_what_holds_anyway() -> None:
    text = shown()
    assert text.startswith("sipwatch.toml is right: 0 peers.\n")
    assert "dialog_timeout     14400 s     never ended" in text
    assert "Callbacks are not looked for: there is no [callback]." in text
    assert "linked by: Session-ID, Replaces, Referred-By. Each is counted as a call.\n" in text
    assert "Numbers and names are shown as they are." in text
    assert "on ports 5060, 5061; tunnels looked into: none; ring: 16 MiB each." in text
    for head in ("Peers\n", "Rules\n", "Working hours\n", "Worth a look\n"):
        assert head not in text


def test_peers_timers_and_rules_are_shown() -> None:
    text = shown(peers=[ACME])
    assert "is right: 1 peer, 1 rule.\n" in text
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "in general for acme is the time after which" in lines
    assert "no_progress_after 10 s 8.5 s stuck" in lines
    assert "acme trunk 203.0.113.0/24 sip.acme.example" in lines
    assert "line 9: A call to or from acme counts as ... 'full'" in lines
    assert "never used" not in text


def test_hours_callback_privacy_and_remarks_are_shown() -> None:
    hours = [
        HoursRecord(20, ["acme", "north"], ["1555"], "Europe/Berlin", ["Mon-Fri 09:00-18:00"], ["12-25", "2026-04-03"]),
        HoursRecord(25, [], [], "UTC", ["Sat 10:00-12:00"], []),
    ]
    text = shown(
        hours=hours,
        callback=CallbackRecord(3600.0, "DE"),
        privacy=PrivacyRecord(4, names=True),
        remarks=["acme: look here"],
    )
    assert "2 sets of working hours" in text
    assert "line 20: peers acme, north and numbers 1555: Mon-Fri 09:00-18:00, Europe/Berlin" in text
    assert "closed on 12-25, 2026-04-03" in text
    assert "line 25: every call: Sat 10:00-12:00, UTC" in text
    assert "spoken to within 3600 s; numbers are read as dialled in DE." in text
    assert "Hidden: the last 4 digits of numbers and display names." in text
    assert text.endswith("Worth a look\nacme: look here\n")
    assert "Hidden: whole numbers." in shown(privacy=PrivacyRecord("all", names=False))
    assert "within 60 s." in shown(callback=CallbackRecord(60.0, None))


def test_what_links_calls_is_shown() -> None:
    numbers = LinksRecord(["x-cid", EVIL], session_id=False, transfers=False, numbers_within_seconds=0.5)
    text = shown(links=numbers)
    assert "linked by: x-cid, " in text
    assert "\x1b" not in text
    assert "numbers and session description within 0.5 s. Each" in " ".join(text.split())
    nothing = LinksRecord([], session_id=False, transfers=False, numbers_within_seconds=None)
    assert "Calls of one conversation are not linked." in shown(links=nothing)


def test_what_captures_would_have_had_is_shown() -> None:
    changes = [ChangeRecord("declined", "congested", 3), ChangeRecord("congested", "congested", 1)]
    used = msgspec.structs.replace(RULE, calls=4, hops=7, changes=changes)
    hop = msgspec.structs.replace(RULE, line=12, calls=0, hops=1, changes=[])
    idle = msgspec.structs.replace(RULE, line=15, calls=0, hops=0, changes=[])
    acme = msgspec.structs.replace(
        ACME, rules=[used, hop, idle], calls_from=EndsRecord(0, 0), calls_to=EndsRecord(40, 10)
    )
    text = shown(peers=[acme], against=["a.pcap", "b.pcap"], calls=40)
    assert "40, 25% answered" in text
    assert "40 calls in all, in a.pcap, b.pcap." in text
    assert "4 calls (7 hops): 3 from Call declined to All lines busy, 1 would be All lines busy anyway" in text
    assert "0 calls (1 hop)\n" in text
    assert "  never used\n" in text


def test_what_was_pasted_into_notes_does_nothing_to_the_terminal() -> None:
    rule = msgspec.structs.replace(RULE, note=EVIL, words=EVIL)
    text = shown(
        file=EVIL, peers=[msgspec.structs.replace(ACME, rules=[rule])], remarks=[EVIL], against=[EVIL], calls=1
    )
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\\x1b[31mred" in text


def test_on_a_narrow_terminal_no_address_is_cut_in_two(monkeypatch: pytest.MonkeyPatch) -> None:
    peer = msgspec.structs.replace(ACME, addresses=["203.0.113.0/24", "198.51.100.0/24"])
    monkeypatch.setenv("COLUMNS", "60")
    lines = shown(peers=[peer]).splitlines()
    assert "acme  trunk" in lines
    assert "  addresses: 203.0.113.0/24, 198.51.100.0/24" in lines
