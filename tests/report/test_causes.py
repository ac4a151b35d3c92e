"""Probable causes, devices and marks at a terminal: the worst first, bounded, and harmless."""

from __future__ import annotations

import io
from typing import Any

from sipwatch.export.record import CaptureFindingRecord, DeviceRecord, EvidenceRecord, FindingRecord
from sipwatch.export.summary import Summary
from sipwatch.report.causes import MAX_CAUSES, MAX_DEVICES, causes, causes_of_call, devices, marks
from sipwatch.report.screen import console
from tests.export.records import EVIL, at, call, words

SEEN = EvidenceRecord(at(1), 17, 0, words("486 Busy Here"))


def found(kind: str = "late_480", subject: str = "acme", text: str = "it rang", number: int = 17) -> FindingRecord:
    return FindingRecord(kind, words(subject), words(text), [EvidenceRecord(at(1), number, 0, words("480 Gone"))])


def shown(summary: Summary, *, beside: list[CaptureFindingRecord] | None = None) -> str:
    out = io.StringIO()
    console(out).print(*causes(summary.to_record(beside or [])), sep="\n")
    return out.getvalue()


def counted(*calls: Any) -> Summary:
    summary = Summary()
    for record in calls:
        summary.add(record, False)
    return summary


def device(name: str, refused: dict[str, int], answered: int = 0, longest: int = 3) -> DeviceRecord:
    return DeviceRecord(name, "192.0.2.7", answered + sum(refused.values()), answered, refused, longest, longest)


def test_what_concerns_most_calls_comes_first_with_plain_names_and_ids() -> None:
    once = call(id="000000000001", findings=[found("trunk_full", "north", "lines")])
    twice = [call(id=f"00000000000{n}", findings=[found()]) for n in (2, 3)]
    text = shown(counted(once, *twice))
    assert text.index("480 that probably rang: acme") < text.index("Trunk full: north")
    assert "    2  480 that probably rang: acme  000000000002 000000000003" in text
    assert "it rang" in text


def test_of_calls_that_differ_each_tells_its_own_numbers() -> None:
    rang = [call(id=f"00000000000{n}", findings=[found(text=f"it rang {n} s")]) for n in (2, 3)]
    text = shown(counted(*rang))
    assert "    2  480 that probably rang: acme\n" in text
    assert "000000000002  it rang 2 s" in text
    assert "000000000003  it rang 3 s" in text


def test_what_stands_with_no_call_is_shown_too() -> None:
    beside = CaptureFindingRecord("wrong_credentials", words("phones"), 0, [], at(0), words("cannot register"), [SEEN])
    assert "Wrong user or password: phones" in shown(counted(call()), beside=[beside])


def test_without_findings_there_is_nothing() -> None:
    assert list(causes(counted(call()).to_record())) == []


def test_a_long_list_is_cut_and_says_so() -> None:
    text = shown(counted(*[call(findings=[found(subject=f"s{n}")]) for n in range(MAX_CAUSES + 4)]))
    assert f"the first {MAX_CAUSES} of {MAX_CAUSES + 4}" in text
    assert text.count("480 that probably rang") == MAX_CAUSES


def test_a_calls_own_causes_name_the_packets() -> None:
    lines = [line.plain for line in causes_of_call([found()])]
    assert lines == ["480 that probably rang: it rang", "  09:00:01.000  packet 17     480 Gone"]
    unnumbered = [
        line.plain
        for line in causes_of_call(
            [FindingRecord("loop", words("x"), words("y"), [SEEN, EvidenceRecord(at(2), None, 0, words("word"))])]
        )
    ]
    assert unnumbered[-1].split() == ["09:00:02.000", "word"]


def test_devices_come_worst_first_and_say_why() -> None:
    summary = Summary().to_record(devices=[device("worst", {"busy": 4, "declined": 1}), device("once", {"busy": 1})])
    table = devices(summary)
    assert table is not None
    out = io.StringIO()
    console(out).print(table)
    assert "worst at 192.0.2.7" in out.getvalue()
    assert "Agent busy 4, Call declined 1" in out.getvalue()
    assert "once" not in out.getvalue()
    assert devices(Summary().to_record(devices=[device("once", {"busy": 1})])) is None
    many = devices(Summary().to_record(devices=[device(f"d{n}", {"busy": 5}) for n in range(50)]))
    assert many is not None
    assert many.row_count == MAX_DEVICES


def test_marks_are_counted_and_explained() -> None:
    assert marks(counted(call()).to_record()) is None
    table = marks(counted(call(tags=["refused"]), call(tags=["refused", "brief"])).to_record())
    assert table is not None
    out = io.StringIO()
    console(out).print(table)
    assert "    2  refused" in out.getvalue()
    assert "the caller gave up within moments" in out.getvalue()


def test_hostile_text_is_made_visible() -> None:
    text = shown(
        counted(
            call(findings=[FindingRecord("loop", words(EVIL), words(EVIL), [EvidenceRecord(at(1), 1, 0, words(EVIL))])])
        )
    )
    text += "".join(
        line.plain
        for line in causes_of_call(
            [FindingRecord("loop", words(EVIL), words(EVIL), [EvidenceRecord(at(1), 1, 0, words(EVIL))])]
        )
    )
    out = io.StringIO()
    table = devices(Summary().to_record(devices=[device(EVIL, {"busy": 2})]))
    console(out).print(table)
    assert not any(char in text + out.getvalue() for char in "\x1b\x07\u202e")
