"""Sums as they are asked for: told apart by some keys, over as much time as is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sipwatch.store.days import TooManyError
from sipwatch.web.answers import SPANS, SumRecord, sum_records
from tests.export import records
from tests.export.records import at

if TYPE_CHECKING:
    from tests.store.stored import Stored


def filled(store: Stored) -> None:
    """Write two answered calls and a busy one in one hour, and a busy one in the next."""
    store.put(records.answered(), records.answered(id="1" * 12, started=at(60)), completed=True)
    store.put(records.call(id="2" * 12, started=at(90)), records.call(id="3" * 12, started=at(3600), source="acme"))


def added_up(store: Stored, by: list[str], span: int) -> list[SumRecord]:
    return sum_records(store.read().totals(by=by, span=span), by, span)


def test_sums_by_outcome_are_counted_by_hand(store: Stored) -> None:
    """Each answered call: 5 s until it was answered, 4 s of ringing, 60 s of talk; a busy one 2 s."""
    filled(store)
    answered, busy = sorted(added_up(store, ["outcome"], 0), key=lambda row: str(row.outcome))
    assert (answered.outcome, answered.at, answered.source) == ("answered", None, None)
    assert (answered.calls, answered.completed, answered.setups, answered.setup_seconds.seconds) == (2, 2, 2, 10)
    assert (answered.rings, answered.ring_seconds.seconds, answered.talks, answered.talk_seconds.seconds) == (
        2,
        8,
        2,
        120,
    )
    assert (busy.outcome, busy.calls, busy.completed, busy.setup_seconds.seconds, busy.talks) == ("busy", 2, 0, 4, 0)


def test_sums_by_time_and_source(store: Stored) -> None:
    filled(store)
    rows = added_up(store, ["source"], SPANS["hour"])
    assert [(row.at, row.source, row.calls) for row in rows] == [(at(0), "other", 3), (at(3600), "acme", 1)]
    rows = added_up(store, ["status_code"], 0)
    assert [(row.status_code, row.calls) for row in rows] == [(200, 2), (486, 2)]
    assert [row.calls for row in added_up(store, [], 0)] == [4]


def test_what_is_not_there_is_null_and_not_an_empty_text(store: Stored) -> None:
    store.put(records.call(status_code=None, ended_by=None))
    (row,) = added_up(store, ["status_code", "ending", "ended_by"], 0)
    assert (row.status_code, row.ending, row.ended_by) == (None, None, None)


def test_minutes_are_told_apart_and_days_span_files(store: Stored) -> None:
    filled(store)
    store.put(records.call(id="4" * 12, started=at(86_400)))
    minutes = added_up(store, [], SPANS["minute"])
    assert [(row.at, row.calls) for row in minutes] == [(at(0), 1), (at(60), 2), (at(3600), 1), (at(86_400), 1)]
    days = added_up(store, [], SPANS["day"])
    assert [(row.at, row.calls) for row in days] == [(at(-9 * 3600), 4), (at(15 * 3600), 1)]


def test_no_more_rows_are_made_than_an_answer_may_have(store: Stored) -> None:
    filled(store)
    with pytest.raises(TooManyError, match="shorter time"):
        store.read().totals(by=["outcome"], most=1)
    assert len(store.read().totals(by=["outcome"], most=2)) == 2


def test_of_a_time_without_calls_there_is_no_sum(store: Stored) -> None:
    filled(store)
    assert store.read().totals(int(at(600)), int(at(1200)), by=[]) == []
