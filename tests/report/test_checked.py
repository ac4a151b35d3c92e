"""The record of a configuration, and what it would have made of calls."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from sipwatch.classify.hours import Span
from sipwatch.classify.outcomes import Outcome
from sipwatch.classify.peers import Peer, PeerKind, Rule, Settings
from sipwatch.classify.trial import Use
from sipwatch.export.summary import Summary
from sipwatch.packet import SECOND
from sipwatch.report.checked import (
    ChangeRecord,
    CheckRecord,
    EndsRecord,
    InterfaceRecord,
    LinksRecord,
    PrivacyRecord,
    days_and_times,
    peer_record,
    timers_of,
    tried,
)
from sipwatch.track.timers import Timers
from tests.export.records import answered, call

KEYS = ["no_progress_after", "no_answer_after"]
RULES = [Rule(Outcome.CONGESTED, status_code=code, line=code, note="n") for code in (480, 503, 603)]
ACME = Peer(
    "acme",
    PeerKind.TRUNK,
    [ip_network("192.0.2.84/32"), ip_network("192.0.2.0/24"), ip_network("2001:db8::1/128")],
    Timers(no_progress_after=8 * SECOND),
    RULES[:2],
    ["sip.acme.example"],
)
IDLE = Peer("idle", PeerKind.SERVER, [ip_network("198.51.100.1/32")], rules=RULES[2:])
SETTINGS = Settings(peers=[ACME, IDLE])


def checked() -> CheckRecord:
    peers = [peer_record(peer, SETTINGS, KEYS) for peer in SETTINGS.peers]
    return CheckRecord(
        "x.toml", timers_of(SETTINGS.timers, KEYS), peers, [], None, LinksRecord([], session_id=True, transfers=True, numbers_within_seconds=None), PrivacyRecord(None, names=False), InterfaceRecord([], [], 16), []
    )  # fmt: skip


def test_a_peer_has_its_addresses_names_timers_and_rules() -> None:
    acme, idle = checked().peers
    assert (acme.addresses, acme.hosts) == (["192.0.2.84", "192.0.2.0/24", "2001:db8::1"], ["sip.acme.example"])
    assert acme.timers == {"no_progress_after": 8.0, "no_answer_after": 30.0}
    assert (acme.own, idle.own) == (["no_progress_after"], [])
    assert [(rule.line, rule.outcome, rule.note) for rule in acme.rules] == [
        (480, "congested", "n"),
        (503, "congested", "n"),
    ]
    assert acme.rules[0].words.startswith("A call to or from acme counts as")
    assert (acme.rules[0].calls, acme.calls_from) == (None, None)


def test_what_was_used_stands_at_the_rules_and_what_was_not_is_remarked_on() -> None:
    summary = Summary()
    summary.add(call(source="acme"), False)
    summary.add(answered(destination="acme"), True)
    summary.add(answered(destination="acme"), True)
    uses = [("acme", RULES[0], Use()), ("acme", RULES[1], Use()), ("idle", RULES[2], Use())]
    uses[0][2].hops, uses[0][2].calls = 5, 4
    uses[0][2].changes = {("unavailable", "congested"): 1, ("no_answer", "congested"): 3}
    record = tried(checked(), ["a.pcap"], summary, uses)
    assert (record.against, record.calls) == (["a.pcap"], 3)
    acme, idle = record.peers
    assert (acme.calls_from, acme.calls_to) == (EndsRecord(1, 0), EndsRecord(2, 2))
    assert (acme.rules[0].calls, acme.rules[0].hops) == (4, 5)
    assert acme.rules[0].changes == [
        ChangeRecord("no_answer", "congested", 3),
        ChangeRecord("unavailable", "congested", 1),
    ]
    assert (idle.rules[0].hops, idle.rules[0].changes) == (0, [])
    assert record.remarks == [
        "acme, rule on line 503: it was never used",
        "idle: no call came from it or reached it",
        "idle, rule on line 603: it was never used",
    ]


@pytest.mark.parametrize(
    ("spans", "words"),
    [
        ([Span(day, 540, 1080) for day in range(5)], ["Mon-Fri 09:00-18:00"]),
        ([Span(0, 0, 1440), Span(2, 0, 1440), Span(3, 0, 1440)], ["Mon,Wed-Thu 00:00-24:00"]),
        ([Span(0, 540, 720), Span(0, 780, 1080), Span(1, 540, 720)], ["Mon-Tue 09:00-12:00", "Mon 13:00-18:00"]),
    ],
)
def test_hours_are_written_as_people_write_them(spans: list[Span], words: list[str]) -> None:
    assert days_and_times(spans) == words
