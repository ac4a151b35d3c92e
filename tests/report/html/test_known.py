"""The knowledge of a report is of what occurs in it, and of nothing else."""

from __future__ import annotations

from sipwatch.export.record import CaptureFindingRecord
from sipwatch.export.summary import Summary
from sipwatch.report.html.known import known_of
from sipwatch.report.html.scope import View
from sipwatch.report.html.tally import ResponseCount
from tests.export.records import START, answered, call, condition, words

RESPONSES = [
    ResponseCount(486, 17, "busy", "Busy", 2),
    ResponseCount(None, None, "no_progress", "Stuck in Trying", 1),
    ResponseCount(99, 0, "rejected", "Not acceptable", 1),
]


def found(view: View) -> dict[str, list[str]]:
    summary = Summary()
    summary.add(call(), False)
    summary.add(call("no_progress", conditions=[condition()]), False)
    for ending in ("ack_timeout", "normal", "capture_end"):
        summary.add(answered(ending=ending), False)
    kinds = ("refusal_streak", "trunk_full")
    findings = [CaptureFindingRecord(kind, words("x"), 0, [], START, words("y"), []) for kind in kinds]
    groups = known_of(summary.to_record(findings), RESPONSES, view)
    return {group.title: [entry.key for entry in group.entries] for group in groups}


def test_everything_that_occurs_is_explained_once() -> None:
    assert found(View.WHOLE) == {
        "What became of calls": ["busy", "no_progress"],
        "How answered calls ended": ["ack_timeout"],
        "Probable causes": ["refusal_streak", "trunk_full"],
        "Wrong while it lasted": ["no_progress"],
        "Responses": ["486"],
        "Causes that the network gave (Q.850)": ["17"],
    }


def test_a_supervisor_is_spared_what_is_technical() -> None:
    assert found(View.AGENTS) == {
        "What became of calls": ["busy", "no_progress"],
        "Probable causes": ["refusal_streak"],
    }
