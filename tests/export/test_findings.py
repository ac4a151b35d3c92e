"""Findings as records: in words, with their packets."""

from __future__ import annotations

import pytest

from sipwatch.classify.families.device import Device
from sipwatch.classify.findings import VARIANTS, Evidence, Fact, Finding, Kind, Sort, Term, own, person
from sipwatch.classify.noted import CaptureFinding
from sipwatch.export.calls import short_id
from sipwatch.export.findings import capture_finding_record, device_record, finding_record, sentence
from tests.each import for_each

NINE = 1_767_603_600_000_000_000  # 2026-01-05T09:00:00Z
LATE_480 = Finding(
    Kind.LATE_480,
    "plain",
    own("acme"),
    {"waited_seconds": 17.0},
    [Evidence(NINE, 3, "INVITE sip:1@example.com"), Evidence(NINE + 17_000_001_000, (2 << 40) + 9, "480 Gone")],
)


def said(finding: Finding) -> str:
    return str(sentence(finding))


def test_a_finding_is_told_with_its_packets_their_times_and_files() -> None:
    """A packet number holds the place of its file, as Wireshark counts in each."""
    record = finding_record(LATE_480)
    assert (record.kind, str(record.subject)) == ("late_480", "acme")
    assert str(record.text).startswith("480 came after 17 s without any 180 or 183")
    first, second = record.evidence
    assert (first.time, first.packet, first.file, str(first.what)) == (
        NINE,
        3,
        0,
        "INVITE sip:1@example.com",
    )
    assert (second.time, second.packet, second.file) == (NINE + 17_000_001_000, 9, 2)


def test_what_is_no_packet_has_no_number() -> None:
    evidence = [Evidence(NINE, 0, "ack_missing")]
    record = finding_record(LATE_480._replace(evidence=evidence))
    assert (record.evidence[0].packet, record.evidence[0].file) == (None, 0)


def test_a_finding_of_the_whole_names_its_first_calls_by_their_ids() -> None:
    record = capture_finding_record(CaptureFinding(LATE_480, 7, [(b"c1", b"tag", NINE)], NINE))
    assert (record.kind, str(record.subject), record.calls, record.first) == (
        "late_480",
        "acme",
        7,
        NINE,
    )
    assert record.ids == [short_id(b"c1", b"tag", NINE)]
    assert record.text == finding_record(LATE_480).text


def test_a_device_is_told_with_how_it_refused_the_most_frequent_first() -> None:
    device = Device("101", "192.0.2.12")
    for call, outcome in enumerate(("busy", "no_answer", "declined", "no_answer")):
        device.refuses(outcome, NINE, Evidence(NINE, 1, ""), call)
    record = device_record(device)
    assert (record.device, record.address, record.offered, record.answered) == ("101", "192.0.2.12", 4, 0)
    assert list(record.refused.items()) == [("no_answer", 2), ("busy", 1), ("declined", 1)]
    assert (record.streak, record.longest) == (4, 4)


@pytest.mark.parametrize(
    ("value", "written"),
    [(17.0, "17 s"), (8.5, "8.5 s"), (0.0, "0 s"), (1_000_000.0, "1000000 s"), (123_456.7, "123456.7 s")],
)
def test_spans_are_written_as_people_write_them(value: float, written: str) -> None:
    assert written in said(LATE_480._replace(facts={"waited_seconds": value}))


def test_moments_are_written_to_the_second_and_never_fail() -> None:
    """Packet times may be anything."""
    facts: dict[str, Fact] = {"who": own("x"), "status_code": 403, "register_code": 200, "result_at": NINE}
    finding = Finding(Kind.REGISTRATION_INACTIVE, "expired", own("acme"), facts, [])
    assert "had run out at 2026-01-05 09:00:00 UTC" in said(finding)
    for moment in (0, 1, 1 << 62, 1 << 70):
        assert said(finding._replace(facts={**facts, "result_at": moment}))


@pytest.mark.parametrize(
    "evil", ["{0.__class__}", "{subject}", "{", "}", "{{}}", "%s", "{waited_seconds!r:>99}", "\x1b[31m", "\\xff"]
)
def test_what_a_stranger_wrote_stays_what_it_is(evil: str) -> None:
    """Facts are put into a sentence, and never read as one."""
    facts: dict[str, Fact] = {"number": person(evil.encode()), "other": own("442079460142"), "difference": own(evil)}
    text = said(Finding(Kind.NUMBER_FORMAT, "plain", own(evil), facts, []))
    assert text.startswith(f"{evil} does not know {evil}, but 442079460142 was answered")


@for_each("kind", list(Kind))
def test_every_variant_can_be_told_with_the_facts_that_are_its_own(kind: Kind) -> None:
    for variant, names in VARIANTS[kind].items():
        text = said(Finding(kind, variant, own("acme"), dict.fromkeys(names, 7), []))
        assert "{" not in text
        assert text.endswith((".", "7"))


def test_a_password_in_a_uri_is_told_in_no_finding() -> None:
    uri = "sip:bob:hunter2@example.com"
    facts: dict[str, Fact] = {"status_code": 482, "user": Term(Sort.URI, uri)}
    record = finding_record(Finding(Kind.LOOP, "plain", own("acme"), facts, [Evidence(NINE, 1, f"INVITE {uri}")]))
    assert "sip:bob:*******@example.com" in str(record.text)
    assert str(record.evidence[0].what) == "INVITE sip:bob:*******@example.com"
