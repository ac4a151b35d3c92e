"""Figures of agents from the hours of a store: added up, told apart, and whose they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sipwatch.classify.roster import Roster
from sipwatch.export.intervals import By
from sipwatch.packet import HOUR
from sipwatch.web.agentfigures import agents_in, one_agent
from sipwatch.web.period import period_of
from tests.export import records
from tests.export.records import START, at
from tests.web.browsing import NOW

if TYPE_CHECKING:
    from sipwatch.export.record import LegRecord
    from tests.store.stored import Stored

TODAY = period_of({}, NOW)
NOBODY = Roster()


def hop(how: str, seconds: float = 0, device: str | None = "201", address: str = "192.0.2.5") -> LegRecord:
    """Return what was offered to a device, which rang after a second; what became of it was known 2 s later."""
    return records.leg(
        offered=how, device=device, callee=None, started=at(seconds), alerted=at(seconds + 1), settled=at(seconds + 3),
        destination_address=f"{address}:5060",
    )  # fmt: skip


def put(store: Stored, *hops: LegRecord) -> None:
    calls = [records.call(id=f"{place:012x}", started=leg.started, legs=[leg]) for place, leg in enumerate(hops)]
    store.put(*calls)


def test_only_hours_of_the_period_count(store: Stored) -> None:
    put(store, hop("taken"), hop("busy", 24 * 3600))
    (one,), _ = agents_in(store.read(), TODAY, By.ALL, NOBODY)
    assert (one.offered, one.taken) == (1, 1)


def test_one_agents_days_and_hours_are_told_apart(store: Stored) -> None:
    put(store, hop("taken"), hop("busy", 3600), hop("busy", 24 * 3600), hop("taken", 24 * 3600, device="202"))
    week = period_of({"period": "week", "zone": "Europe/Berlin"}, NOW + 24 * HOUR)
    found = one_agent(store.read(), week, "201", NOBODY, 2)
    assert found is not None
    assert (found.whole.offered, found.whole.longest, found.numbers) == (3, 2, ("201",))
    assert [(day.interval, day.offered) for day in found.days] == [("2026-01-05", 2), ("2026-01-06", 1)]
    hours = {hour: (one.offered, one.taken) for hour, one in enumerate(found.hours) if one is not None}
    assert hours == {10: (2, 1), 11: (1, 0)}


def test_his_last_offers_began_in_as_many_hours_as_hold_enough_of_them(store: Stored) -> None:
    put(store, hop("taken"), hop("busy", 3600), hop("busy", 3660), hop("busy", 7200), hop("busy", 9000, device="202"))
    reader = store.read()
    spans = {}
    for calls in (1, 2, 3, 4, 100):
        found = one_agent(reader, TODAY, "201", NOBODY, calls)
        assert found is not None
        spans[calls] = tuple((moment - START) // HOUR for moment in found.last)
    assert spans == {1: (2, 3), 2: (1, 3), 3: (1, 3), 4: (0, 3), 100: (0, 3)}


def test_an_address_where_one_stands_is_his_also_before_his_number_was_seen(store: Stored) -> None:
    put(store, hop("busy", device=None), hop("taken", 3600), hop("busy", device=None, address="192.0.2.6"))
    found = one_agent(store.read(), TODAY, "201", NOBODY, 1)
    assert found is not None
    assert (found.whole.offered, found.numbers) == (2, ("192.0.2.5", "201"))
    assert one_agent(store.read(), TODAY, "192.0.2.5", NOBODY, 1) is None


def test_an_address_where_several_stand_is_nobodys_of_them(store: Stored) -> None:
    put(store, hop("busy", device=None), hop("taken", 1), hop("taken", 2, device="202"))
    found, alone = (one_agent(store.read(), TODAY, who, NOBODY, 1) for who in ("201", "192.0.2.5"))
    assert found is not None
    assert alone is not None
    assert (found.whole.offered, alone.whole.offered) == (1, 1)
