"""What else there was around a call: between its two numbers, of its caller; and how a missed caller was reached."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sipwatch.web.attempts import called_back, calls_around
from tests.export import records
from tests.export.records import at

if TYPE_CHECKING:
    from sipwatch.export.record import CallRecord
    from tests.store.stored import Stored

DAY = 86_400
A, B = "+49 30 555 0100", "030 555 0101"


def test_the_nearest_attempts_of_both_ways_are_found_in_order(store: Stored) -> None:
    this = records.call(id="f" * 12, caller="00493055501 00", callee=B, started=at(1000))
    store.put(
        *[records.call(id=f"{n:012x}", caller=A, callee=B, started=at(100 * n)) for n in range(5)],
        this,
        records.call(id="a" * 12, caller=B, callee=A, started=at(1010)),
        records.call(id="b" * 12, caller=A, callee="999", started=at(1020)),
        records.call(id="c" * 12, caller=A, callee=A, started=at(1030)),
        records.call(id="d" * 12, caller=A, callee=B, started=at(1000 + 8 * DAY)),
    )
    found = calls_around(store.read(), this, "DE")
    assert [one.record.id for one in found.two.before] == [f"{n:012x}" for n in (2, 3, 4)]
    assert [one.record.id[0] for one in found.two.after] == ["a"]
    assert found.two.why_not == ""
    assert [one.record.id[0] for one in found.caller.after] == ["b", "c"]
    assert found.caller.before == []


def test_other_calls_of_the_caller_are_found_whomever_they_were_with(store: Stored) -> None:
    """Before and after, the nearest three of each; those with the same callee stand among these."""
    this = records.call(id="f" * 12, caller=A, callee=B, started=at(1000))
    before = [records.call(id=f"{n:012x}", caller=A, callee=f"20{n}", started=at(100 * n)) for n in range(5)]
    after = [records.call(id=f"a{n:011x}", caller=f"20{n}", callee=A, started=at(2000 + n)) for n in range(5)]
    store.put(*before, this, *after, records.call(id="b" * 12, caller="201", callee="202", started=at(999)))
    found = calls_around(store.read(), this, "DE")
    assert [one.record.id for one in found.caller.before] == [f"{n:012x}" for n in (2, 3, 4)]
    assert [one.record.id for one in found.caller.after] == [f"a{n:011x}" for n in (0, 1, 2)]
    assert found.two == ([], [], "None within a week before or after.")


def test_why_there_are_none_is_said(store: Stored) -> None:
    call = records.call()
    store.put(call)
    reader = store.read()
    assert {each.why_not for each in calls_around(reader, call, None)} == {"None within a week before or after."}
    none, no_caller = "One of the two has no number by which calls are found.", "The caller has no number by which"
    for caller in ("anonymous", None, "*1234", "1555****"):
        two, of_caller = calls_around(reader, records.call(caller=caller), None)
        assert two.why_not == none
        assert of_caller.why_not.startswith(no_caller)
    two, of_caller = calls_around(reader, records.call(callee="anonymous"), None)
    assert (two.why_not, of_caller.why_not[:4]) == (none, "None")


MISSED = records.call("no_answer", id="f" * 12, caller=A, callee="4402", started=at(1000), ended=at(1030))


@pytest.mark.parametrize(
    ("calls", "found"),
    [
        (
            [records.answered(id="a" * 12, caller="4402", callee=A, started=at(1090), answered=at(1100))],
            ("a", 100, False),
        ),
        (
            [records.answered(id="a" * 12, caller=A, callee="4403", started=at(1090), answered=at(1100))],
            ("a", 100, True),
        ),
        # Also while it still rang.
        ([records.answered(id="a" * 12, caller=A, callee="4403", started=at(990), answered=at(1010))], ("a", 10, True)),
        # The first that was answered after it began, not what was refused, or answered before.
        (
            [
                records.answered(id="1" * 12, caller=A, callee="4403", started=at(980), answered=at(990)),
                records.call("busy", id="2" * 12, caller="4402", callee=A, started=at(1040)),
                records.answered(id="3" * 12, caller="4402", callee=A, started=at(1050), answered=at(1060)),
                records.answered(id="4" * 12, caller="4402", callee=A, started=at(1070), answered=at(1080)),
            ],
            ("3", 60, False),
        ),
        ([records.answered(id="a" * 12, caller=B, callee="4402", started=at(1090), answered=at(1100))], None),
        (
            [
                records.answered(
                    id="a" * 12, caller=A, callee="4402", started=at(1090 + 8 * DAY), answered=at(1100 + 8 * DAY)
                )
            ],
            None,
        ),
        ([], None),
    ],
)
def test_the_call_that_reached_a_missed_caller_is_the_first_that_was_answered(
    store: Stored, calls: list[CallRecord], found: tuple[str, int, bool] | None
) -> None:
    store.put(MISSED, *calls)
    by = called_back(store.read(), MISSED, "DE")
    assert (by and (by.by.record.id[0], by.after / 1e9, by.rang_again)) == found


def test_nobody_is_said_to_be_reached_whose_number_is_hidden(store: Stored) -> None:
    masked = records.call(caller="+4930****", started=at(0))
    store.put(masked, records.answered(id="a" * 12, caller="+4930****", started=at(60), answered=at(61)))
    assert called_back(store.read(), masked, "DE") is None
