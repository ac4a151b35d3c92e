"""Which calls somebody wants: by time, filter, number."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sipwatch.export.filters import compile_filter
from sipwatch.store.wanted import Number, Wanted
from tests.each import for_each
from tests.export import records
from tests.export.records import at
from tests.store.stored import before_five_minutes

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.store.stored import Stored


@for_each(
    "asked, written, found",
    [
        ("+49 30 1234567", "0049301234567", True),
        ("030 1234567", "+49301234567", True),
        ("+49301234567", "+49301234568", False),
        ("201", "201", True),
        ("201", "1201", False),
        ("*4567", "+49301234567", True),
        ("*4567", "4567", True),
        ("*4567", "45670", False),
        ("1234567", "+49301234567", False),
        ("*1234567", "+49301234567", True),
        ("201", "201x", False),
        ("+49301234567", "tel:+49-30-1234567", True),
        ("+49301234567", "%2B49301234567", True),
    ],
    ids=lambda row: f"{row[0]} {row[1]}",
)
def test_a_number_is_found_in_any_notation(stores: Stored, asked: str, written: str, found: bool) -> None:
    """On both sides of a call; a short one only as it is; behind * by its end."""
    store = stores()  # type: ignore[operator]
    for path in store.folder.glob("*.sqlite*"):
        path.unlink()
    store.put(
        records.call(id="00000000000a", caller=written, callee="999"),
        records.call(id="00000000000b", caller="999", callee=written),
        records.call(id="00000000000c", caller="998", callee=None),
    )
    assert store.ids(number=Number(asked)) == (["00000000000a", "00000000000b"] if found else [])


def test_what_is_no_number_is_said_so() -> None:
    for text in ("", "alice", "*", "+"):
        with pytest.raises(ValueError, match="is no number"):
            Number(text)
    with pytest.raises(ValueError, match=r"^'1{39}…' is too long for a number: it has 500 characters"):
        Number("1" * 500)


def test_calls_are_those_that_began_in_the_time_and_match(store: Stored) -> None:
    """From a moment on, and before another."""
    outcomes = ["busy", "declined", "busy", "busy", "no_answer"]
    store.put(*[records.call(how, id=f"{place:012x}", started=at(10 * place)) for place, how in enumerate(outcomes)])
    assert store.ids(since=at(10), until=at(40)) == ["000000000001", "000000000002", "000000000003"]
    assert store.ids(since=at(10), keep=compile_filter('outcome == "busy"')) == ["000000000002", "000000000003"]
    assert store.ids(until=at(0)) == []


@for_each(
    "agent, ids",
    [
        (("201",), ["0", "1"]),
        (("202",), ["2"]),
        (("201", "202"), ["0", "1", "2"]),
        (("192.0.2.5",), ["0"]),
        (("2001:db8::5",), ["2"]),
        (("192.0.2.50",), []),
        (("300",), []),
        (("203",), []),
        (("' OR 1 --",), []),
    ],
)
def test_calls_are_an_agents_that_were_offered_to_his_numbers_or_addresses(
    store: Stored, agent: tuple[str, ...], ids: list[str]
) -> None:
    """Whose device it is goes before what was dialled; a hop that was offered to no device is nobody's."""
    here, there = {"destination_address": "192.0.2.5:5060"}, {"destination_address": "[2001:db8::5]:5061"}
    hops = [
        records.leg(offered="busy", device="201", callee="300", **here),
        records.leg(offered="taken", callee="201"),
        records.leg(offered="busy", device="202", **there),
        records.leg(callee="203", destination_address="192.0.2.50:5060"),
    ]
    store.put(*[records.call(id=f"{place}" * 12, started=at(place), legs=[leg]) for place, leg in enumerate(hops)])
    assert [one[0] for one in store.ids(agent=agent)] == ids


def test_legs_are_found_by_whose_device_they_were_offered_to(store: Stored) -> None:
    """By their index: of a million calls, to look through all legs would take seconds."""
    store.put(records.call())
    condition = Wanted(agent=("201", "202")).condition()
    sql = f"EXPLAIN QUERY PLAN SELECT id FROM calls WHERE {condition.sql}"  # noqa: S608
    plan = store.read().rows(sql, condition.values, None, None, 1)
    assert any("legs_offered (<expr>=?)" in row[3] for row in plan)


def test_files_without_that_index_are_read_as_well(stores: Callable[..., Stored]) -> None:
    with before_five_minutes():
        old = stores()
        old.put(records.call(id="a" * 12, legs=[records.leg(offered="busy", callee="201")]), records.call(id="b" * 12))
        old.close()
    assert [one[0] for one in old.ids(agent=("201",))] == ["a"]


def test_a_hop_that_was_offered_to_no_device_is_nobodys() -> None:
    wanted = Wanted(agent=("201",))
    assert wanted.takes(records.call(legs=[records.leg(callee="201", offered="busy")]))
    assert not wanted.takes(records.call(legs=[records.leg(callee="201")]))
