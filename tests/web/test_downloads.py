"""A selection of calls as a file: the same calls as on the page, however many; and their packets."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import pytest

from sipwatch.capture.files import Prefilter, open_capture
from sipwatch.store import selected
from sipwatch.web import downloads
from tests.each import for_each
from tests.export import records
from tests.export.records import at
from tests.web.browsing import LONG, get, site_of
from tests.web.test_why import PROXIED

if TYPE_CHECKING:
    from pathlib import Path

    from tests.store.stored import Stored


def filled(store: Stored, calls: int) -> list[str]:
    """Write calls, and return their ids, the newest first."""
    ids = [f"{n:012x}" for n in range(calls)]
    store.put(*[records.call(id=one, started=at(n)) for n, one in enumerate(ids)])
    return ids[::-1]


def test_rows_are_all_calls_of_the_selection_the_newest_first(store: Stored) -> None:
    """More than are read at a time."""
    ids = filled(store, 1201)
    store.put(records.answered(id="f" * 12))
    site = site_of(store)
    rows, lines = get(site, "/calls.csv?outcome=busy", "/calls.jsonl?outcome=busy")
    assert [row["id"] for row in csv.DictReader(io.StringIO(rows.text))] == ids
    assert [json.loads(line)["id"] for line in lines.text.splitlines()] == ids
    assert rows.headers["content-disposition"] == 'attachment; filename="calls.csv"'
    assert rows.headers["cache-control"] == "no-store"


@for_each("most", [1, 500, 700])
def test_no_more_rows_are_written_than_is_said(store: Stored, most: int) -> None:
    ids = filled(store, 1201)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(downloads, "MAX_ROWS", most)
        patch.setattr(downloads, "_AT_A_TIME", min(most, 300))
        (lines,) = get(site_of(store), "/calls.jsonl")
    assert [json.loads(line)["id"] for line in lines.text.splitlines()] == ids[:most]


def test_what_is_wrong_is_told_before_the_file_begins(store: Stored) -> None:
    filled(store, 1)
    for form in ("csv", "jsonl", "pcap"):
        (answer,) = get(site_of(store), f"/calls.{form}?filter=x")
        assert answer.status_code == 400
        assert "text/html" in answer.headers["content-type"]


def test_the_packets_of_a_selection_are_a_capture(store: Stored, tmp_path: Path) -> None:
    store.watch(PROXIED, until=int(LONG))
    (answer,) = get(site_of(store), "/calls.pcap?outcome=busy")
    assert answer.headers["content-disposition"] == 'attachment; filename="calls.pcap"'
    path = tmp_path / "calls.pcap"
    path.write_bytes(answer.content)
    with open_capture([str(path)], prefilter=Prefilter.OFF) as source:
        assert len(list(source)) == 7


def test_without_packets_it_is_said_why(store: Stored) -> None:
    filled(store, 1)
    (answer,) = get(site_of(store), "/calls.pcap")
    assert (answer.status_code, "No packets are kept of this call" in answer.text) == (404, True)


def test_a_capture_is_of_so_many_calls_and_bytes_at_most(store: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    store.watch(PROXIED + PROXIED.replace("INVITE", "INVITE call=c2").replace("486", "486 call=c2"), until=int(LONG))
    site = site_of(store)
    whole = len(get(site, "/calls.pcap")[0].content)
    monkeypatch.setattr(selected, "MAX_CALLS", 1)
    assert 0 < len(get(site, "/calls.pcap")[0].content) < whole
    monkeypatch.setattr(selected, "MAX_BYTES", 10)
    assert get(site, "/calls.pcap")[0].status_code == 404


def test_head_is_answered_without_reading_it_all(store: Stored) -> None:
    ids = filled(store, 1201)
    assert ids
    (answer,) = get(site_of(store), "/calls.csv", method="HEAD")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-disposition"] == 'attachment; filename="calls.csv"'
