"""JSON, JSON lines and CSV: complete, in order, harmless, in bounded memory."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import msgspec
import pytest

from sipwatch.classify.findings import Sort, Term
from sipwatch.classify.peers import Privacy
from sipwatch.export import writers
from sipwatch.export.privacy import Policy
from sipwatch.export.record import CallRecord, EvidenceRecord, FindingRecord, Words
from sipwatch.export.summary import Summary
from sipwatch.export.writers import CsvWriter, JsonLinesWriter, JsonWriter, PrivateWriter, Writer, write_rows
from tests.export.records import EVIL, at, call, capture, condition, words

HOSTILE = EVIL.replace("\ud800", "")  # bytes that are no UTF-8 were made visible when the record was made


def written(writer: Writer, out: io.BytesIO, calls: list[CallRecord]) -> bytes:
    summary = Summary()
    for record in calls:
        summary.add(record, False)
        writer.call(record)
    writer.finish(capture(), summary.to_record())
    return out.getvalue()


def as_json(calls: list[CallRecord]) -> Any:
    out = io.BytesIO()
    return json.loads(written(JsonWriter(out), out, calls))


def as_csv(calls: list[CallRecord], **more: bool) -> list[dict[str, str]]:
    out = io.BytesIO()
    text = written(CsvWriter(out, **more), out, calls).decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_json_is_one_object_with_its_keys_in_order() -> None:
    report = as_json([call()])
    assert list(report) == ["capture", "summary", "calls"]
    assert report["summary"]["calls"] == 1
    assert list(report["calls"][0])[:3] == ["id", "call_id", "from_tag"]


def test_absent_knowledge_is_null_and_every_key_is_there() -> None:
    (record,) = as_json([call()])["calls"]
    assert record["talk_seconds"] is None
    assert set(record) == set(CallRecord.__struct_fields__) - {"messages"}


def test_calls_stand_in_the_order_they_started() -> None:
    calls = [call(call_id=str(n), started=at(n)) for n in (3, 1, 2)]
    assert [record["call_id"] for record in as_json(calls)["calls"]] == ["1", "2", "3"]


def test_json_of_no_calls() -> None:
    assert as_json([])["calls"] == []


@pytest.mark.parametrize("limit", [1, 3000, 10**9], ids=["all-on-disk", "some-on-disk", "all-in-memory"])
def test_what_waits_in_a_file_comes_out_the_same(limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory does not grow with the calls; the result does not tell."""
    monkeypatch.setattr(writers, "_IN_MEMORY", limit)
    monkeypatch.setattr(writers, "_AT_A_TIME", min(limit, 2000))
    calls = [call(call_id=str(n), started=at(n * 7 % 50)) for n in range(50)]
    found = [record["started"] for record in as_json(calls)["calls"]]
    assert found == sorted(str(record.started) for record in calls)


def test_json_lines_are_calls_only_each_at_once() -> None:
    out = io.BytesIO()
    writer = JsonLinesWriter(out)
    writer.call(call())
    assert json.loads(out.getvalue())["outcome"] == "busy"
    writer.finish(capture(), Summary().to_record())
    assert out.getvalue().count(b"\n") == 1


def test_csv_has_the_keys_as_columns_and_lists_as_json() -> None:
    (row,) = as_csv([call(conditions=[condition()])])
    assert list(row) == [field for field in CallRecord.__struct_fields__ if field != "messages"]
    assert (row["outcome"], row["status_code"], row["talk_seconds"]) == ("busy", "486", "")
    assert json.loads(row["conditions"])[0]["kind"] == "no_progress"
    assert json.loads(row["legs"])[0]["status_code"] == 486


def test_csv_holds_the_messages_when_they_were_asked_for() -> None:
    assert "messages" in as_csv([call(messages=[])], messages=True)[0]


class Listed(msgspec.Struct):
    """A row of a file for people."""

    name: str
    addresses: list[str]


def test_rows_for_people_have_lists_with_blanks_and_columns_that_are_the_same_in_each_row() -> None:
    out = io.BytesIO()
    write_rows(out, Listed, [Listed("a", ["192.0.2.1", "192.0.2.2"]), Listed("b", ["=1+1"])], {"zone": "=UTC"})
    assert list(csv.reader(io.StringIO(out.getvalue().decode()))) == [
        ["zone", "name", "addresses"],
        ["'=UTC", "a", "192.0.2.1 192.0.2.2"],
        ["'=UTC", "b", "'=1+1"],
    ]


def test_a_formula_never_reaches_a_spreadsheet() -> None:
    (row,) = as_csv([call(caller="=HYPERLINK(1)", callee="+15550101", user_agent="@x", server="-1")])
    assert [row[key] for key in ("caller", "callee", "user_agent", "server")] == [
        "'=HYPERLINK(1)",
        "'+15550101",
        "'@x",
        "'-1",
    ]


@pytest.mark.parametrize("write", [as_json, as_csv])
def test_hostile_text_is_harmless_in_every_format(write: Any) -> None:
    record = call(caller=HOSTILE, reason_phrase=HOSTILE)
    out = io.BytesIO()
    writer: Writer = JsonWriter(out) if write is as_json else CsvWriter(out)
    raw = written(writer, out, [record])
    assert not any(byte in raw for byte in (b"\x1b", b"\x07", "\u202e".encode()))
    assert raw.count(b"\n") == (3 if write is as_json else 2)
    if write is as_json:
        assert as_json([record])["calls"][0]["caller"] == HOSTILE


DEVICE = Term(Sort.PERSON, "15550101")


def test_what_is_private_is_hidden_before_it_is_escaped_and_after_it_was_counted() -> None:
    evidence = [EvidenceRecord(at(1), 1, 0, Words.of(Term(Sort.LINE, "486 No 15550101 for alice")))]
    streak = FindingRecord("refusal_streak", Words.of(DEVICE), Words({"device": DEVICE}), evidence)
    calls = [call(caller="+15550100", callee="alice", findings=[streak]) for _ in range(2)]
    out = io.BytesIO()
    report = json.loads(written(PrivateWriter(JsonWriter(out), Policy(Privacy(4))), out, calls))
    (found,) = report["summary"]["findings"]
    assert (found["subject"], found["calls"], found["evidence"][0]["what"]) == (
        "1555****",
        2,
        "486 No 1555**** for a****",
    )
    assert str(calls[0].findings[0].subject) == "15550101"
    out = io.BytesIO()
    text = written(PrivateWriter(CsvWriter(out), Policy(Privacy(4))), out, calls).decode()
    assert next(csv.DictReader(io.StringIO(text, newline="")))["caller"] == "'+1555****"


def test_the_words_of_each_call_of_a_group_hide_who_has_a_part_in_that_call() -> None:
    def unlike(caller: str) -> CallRecord:
        told = FindingRecord(
            "early_cause", words("acme"), Words.of(Term(Sort.QUOTED, f"It says: {caller} is gone")), []
        )
        return call(caller=caller, findings=[told])

    out = io.BytesIO()
    calls = [unlike(caller) for caller in ("alice", "bob", "carol")]
    report = json.loads(written(PrivateWriter(JsonWriter(out), Policy(Privacy(4))), out, calls))
    (found,) = report["summary"]["findings"]
    assert found["texts"] == ["It says: a**** is gone", "It says: b** is gone", "It says: c**** is gone"]
