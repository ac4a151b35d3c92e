"""What Prometheus shows, explained: texts from the one place where each is declared."""

from __future__ import annotations

import re

import pytest

from sipwatch.export import series
from sipwatch.export.watched import alerts, find, metrics, suggest
from tests.cli.program import ROOT


@pytest.mark.parametrize(
    "name",
    ["sipwatch_calls_total", "calls", "sipwatch_calls", "CALLS_TOTAL"],
)
def test_a_metric_is_found_by_each_of_its_names(name: str) -> None:
    (record,) = find(name)
    assert record.key == "sipwatch_calls_total"
    assert record.plain_name == "counter, by source, destination, outcome, category"
    assert record.meaning == series.CALLS.meaning


@pytest.mark.parametrize("suffix", ["", "_bucket", "_count", "_sum"])
def test_a_histogram_by_its_samples_too(suffix: str) -> None:
    (record,) = find(f"sipwatch_trying_delay_seconds{suffix}")
    assert record.meaning.endswith("Its buckets end at 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 32 s.")


def test_every_metric_is_there_and_found_as_one() -> None:
    assert [record.key for record in metrics()] == [of.exposed for of in series.ALL]
    for record in metrics():
        assert [found.key for found in find(record.key)] == [record.key]


def test_every_alert_of_the_rules_has_a_section_in_the_runbook() -> None:
    runbook = (ROOT / "docs" / "runbook.md").read_text()
    assert len(alerts()) > 20
    for record in alerts():
        assert re.search(rf"^#+ {record.key}$", runbook, re.MULTILINE), record.key
        assert record.reference == f"docs/runbook.md#{record.key.lower()}"
        assert find(record.key.upper()) == [record]


def test_in_an_alerts_text_it_is_said_where_values_will_stand() -> None:
    (record,) = find("SipCallsStuckAfterTrying")
    assert record.plain_name == "critical alert"
    assert record.meaning.startswith("Calls from <source> to <destination> are stuck")
    (oddly,) = find("SipCallsEndingOddly")
    assert "end oddly: N of N in 15 minutes, most of them <ending>; usually N" in oddly.meaning
    assert not any("{{" in text for record in alerts() for text in (record.meaning, record.admin))


def test_what_is_none_is_not_found_and_a_near_miss_suggests() -> None:
    assert find("sipwatch_cals_total") == find("nothing") == []
    assert suggest("sipwatch_cals_total")[0] == "sipwatch_calls_total"
    assert suggest("sipcallsstuckaftrying") == ["SipCallsStuckAfterTrying"]
    assert suggest("xyz") == []
