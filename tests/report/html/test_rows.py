"""Rows of the lists: who, when, what, on which hop; the newest of many."""

from __future__ import annotations

from datetime import UTC

from sipwatch.knowledge import load
from sipwatch.report.html.rows import (
    MAX_ROWS,
    OPEN_ROWS,
    NewestRows,
    device_of,
    failed_row,
    odd_row,
    refused_rows,
)
from sipwatch.report.html.times import ZoneTimes
from tests.export.records import answered, at, call, leg

TIMES = ZoneTimes(UTC, "UTC")


def test_a_failed_call_says_what_came_from_where_and_who_should_act() -> None:
    row = failed_row(
        call("congested", status_code=503, reason_phrase="Full", cause=34, cause_protocol="Q.850"), TIMES, load()
    )
    assert (row.time, row.caller, row.callee, row.name) == (
        "2026-01-05 09:00:00.000",
        "15550100",
        "15550101",
        "All lines busy",
    )
    assert (row.response, row.after) == ("503 Full (Q.850;cause=34)", "2.00 s")
    assert row.hop == "192.0.2.65:5060 → 192.0.2.80:5060"
    assert (row.who, row.mark, row.category) == (load().outcome("congested").who, "#", "capacity")


def test_a_call_that_ended_oddly_says_who_ended_it_and_why() -> None:
    row = odd_row(answered(ending="error_reason", end_cause=38, end_cause_protocol="Q.850", ended_by="callee"), TIMES)
    assert (row.by, row.said, row.talked) == ("the called side", "Q.850 cause 38", "1:00")


def test_a_refused_call_has_a_row_for_each_device_that_did_not_take_it() -> None:
    hops = [
        leg(offered="rang_out", alerted=at(1), settled=at(21), device="201", status_code=None),
        leg(offered="idle_busy", device=None),
        leg(offered="elsewhere"),
        leg(offered=None),
    ]
    rows = list(refused_rows(answered(legs=hops), TIMES, device_of))
    assert [(row.device, row.how, row.response, row.rang, row.in_the_end) for row in rows] == [
        ("201", "Rang out", "", "20.0 s", "Answered"),
        ("15550101", "Busy while idle", "486", "", "Answered"),
    ]


def test_a_device_without_any_number_is_called_by_its_address() -> None:
    assert device_of(leg(callee=None, device=None)) == "192.0.2.80"


def test_one_text_takes_only_so_much_room() -> None:
    row = failed_row(call(caller="1" * 60_000, reason_phrase="x" * 60_000, call_id="y" * 60_000), TIMES, load())
    assert max(map(len, row)) == 120


def test_the_newest_rows_are_kept_and_the_others_counted() -> None:
    rows: NewestRows[int] = NewestRows()
    for number in range(MAX_ROWS + 7):
        rows.take(number, number)
    assert (rows.count, rows.older) == (MAX_ROWS + 7, 7)
    assert rows.at_once[0] == MAX_ROWS + 6
    assert (len(rows.at_once), len(rows.folded), rows.folded[-1]) == (OPEN_ROWS, MAX_ROWS - OPEN_ROWS, 7)
