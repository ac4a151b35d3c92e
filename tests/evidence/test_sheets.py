"""The tables: a row for each example, the same facts in columns, and no cell that a spreadsheet would run."""

from __future__ import annotations

import csv
import io

from sipwatch.evidence.facts import Capture
from sipwatch.evidence.sheets import EXAMPLE_COLUMNS, SUMMARY_COLUMNS, examples, summary
from tests.evidence.told import SERVER, TRUNK, package, stuck
from tests.export.records import EVIL


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_a_row_has_all_the_facts() -> None:
    (row,) = read(examples(package()))
    assert tuple(row) == EXAMPLE_COLUMNS
    assert {name: row[name] for name in row if name not in ("seen", "findings")} == {
        "example": "1", "id": "0123456789ab", "caller": "15550100", "callee": "15550101",
        "started": "2026-01-05T10:00:00.000000+01:00", "time_zone": "Europe/Berlin",
        "started_utc": "2026-01-05T09:00:00.000000Z", "call_id": "c1", "outcome": "no_progress",
        "plain_name": "Stuck in Trying", "hop_source": SERVER, "hop_destination": TRUNK, "transport": "udp",
        "hop_started": "2026-01-05T10:00:00.500000+01:00", "response": "487 Request Terminated",
        "reason": 'Q.850;cause=16;text="gone"', "status_code": "480", "reason_phrase": "Try later",
        "cause_protocol": "", "cause": "", "cause_text": "", "waited_seconds": "12.6", "silent_seconds": "12.4",
        "conditions": "no_progress, slow_progress", "source": "phones", "destination": "acme",
        "packets": "examples/001-0123456789ab.pcap", "without_packets_because": "",
    }  # fmt: skip
    assert "then nothing for 12.4 s" in row["seen"]
    assert row["findings"] == "acme has not answered since 09:00."


def test_what_is_not_known_is_empty() -> None:
    call = stuck(caller=None, messages=[], ended=None, setup_seconds=None, status_code=None, reason_phrase=None)
    (row,) = read(examples(package(call, capture=Capture(None, why_not="of a test"))))
    assert [row[name] for name in ("caller", "status_code", "waited_seconds", "packets")] == [""] * 4
    assert row["without_packets_because"] == "of a test"


def test_no_cell_is_a_formula() -> None:
    (row,) = read(examples(package(stuck(caller="+15550100", callee="=1+1", call_id=EVIL))))
    assert (row["caller"], row["callee"]) == ("'+15550100", "'=1+1")
    assert "\x1b" not in row["call_id"]
    assert "\n" not in row["call_id"]


def test_the_summary_counts_by_outcome_and_in_all() -> None:
    rows = read(summary(package()))
    assert tuple(rows[0]) == SUMMARY_COLUMNS
    assert [tuple(row.values()) for row in rows] == [
        ("answered", "Answered", "3", "0.75", "3", "0", "no"),
        ("no_progress", "Stuck in Trying", "1", "0.25", "0", "1", "yes"),
        ("all", "", "4", "1", "3", "1", ""),
    ]
