"""What is counted beside the summary: responses, refused calls by the hour."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sipwatch.report.html import tally
from sipwatch.report.html.tally import ResponseTally
from sipwatch.report.html.times import ZoneTimes
from tests.export.records import answered, at, call, leg

if TYPE_CHECKING:
    import pytest

BERLIN = ZoneTimes(ZoneInfo("Europe/Berlin"), "Europe/Berlin")


def tallied(*calls: object) -> ResponseTally:
    counted = ResponseTally(BERLIN)
    for one in calls:
        counted.add(one)  # type: ignore[arg-type]
    return counted


def test_responses_are_counted_by_code_cause_and_what_they_came_to() -> None:
    counted = tallied(
        call(), call(), call(cause=17, cause_protocol="Q.850"), call(cause=486, cause_protocol="SIP"),
        call("no_progress", status_code=None), answered(),
    )  # fmt: skip
    assert [tuple(one) for one in counted.responses()] == [
        (486, None, "busy", "Busy", 3),
        (None, None, "no_progress", "Stuck in Trying", 1),
        (486, 17, "busy", "Busy", 1),
    ]


def test_what_devices_did_not_take_is_counted_by_the_hour_of_the_zone() -> None:
    """09:00 UTC is 10:00 in Berlin; what a device could not help, or took, is not in it."""
    hops = [leg(offered=how) for how in ("busy", "rang_out", "gave_up", "elsewhere", "taken", None)]
    counted = tallied(call(legs=hops), call(legs=[leg(offered="busy", started=at(3600))]))
    hours = dict(counted.hours())
    assert {name: [(hour, n) for hour, n in enumerate(counts) if n] for name, counts in hours.items()} == {
        "Agent busy": [(10, 1), (11, 1)],
        "Rang out": [(10, 1)],
    }


def test_strangers_cannot_fill_the_memory_with_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tally, "MAX_KINDS_OF_RESPONSE", 3)
    counted = tallied(*[call(status_code=400 + n) for n in range(10)])
    assert (len(counted.responses()), counted.left_out) == (3, 7)
