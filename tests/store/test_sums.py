"""Calls added up by minute and hour."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from sipwatch.export.agents import AgentFigures, RolledAgents
from sipwatch.packet import SECOND
from tests.export import records
from tests.export.records import START, at
from tests.replay import replay as replay_file
from tests.test_daemon import PCAPS

if TYPE_CHECKING:
    from tests.store.stored import Stored


def test_calls_are_added_up_by_minute_and_by_hour(store: Stored) -> None:
    """Three in one hour, two of them in one minute; a batch later adds to what is there."""
    store.put(
        records.call(id="00000000000a", started=at(0)),
        records.answered(id="00000000000b", started=at(59)),
        completed=True,
    )
    store.put(records.call(id="00000000000c", started=at(60)))
    minutes = store.ask(
        "SELECT at, outcome, status_code, ending, ended_by, calls, completed FROM minutes ORDER BY at, outcome"
    )
    assert minutes == [
        (START, "answered", 200, "normal", "caller", 1, 1),
        (START, "busy", 486, "", "callee", 1, 1),
        (START + 60 * SECOND, "busy", 486, "", "callee", 1, 0),
    ]
    hours = store.ask(
        "SELECT outcome, calls, setups, setup_ns, rings, ring_ns, talks, talk_ns FROM hours ORDER BY outcome"
    )
    assert hours == [
        ("answered", 1, 1, 5 * SECOND, 1, 4 * SECOND, 1, 60 * SECOND),
        ("busy", 2, 2, 4 * SECOND, 0, 0, 0, 0),
    ]


def test_a_call_that_is_written_twice_counts_once(store: Stored) -> None:
    """A batch that is tried again, a file that is read again."""
    call = records.call()
    store.put(call, call)
    store.put(call)
    assert store.ask("SELECT sum(calls) FROM hours") == [(1,)]
    assert store.ask("SELECT count(*) FROM calls") == [(1,)]
    assert store.ask("SELECT count(*) FROM legs") == [(1,)]


def test_sums_of_a_time_are_those_of_its_minutes_by_whole_hours_in_between(store: Stored) -> None:
    """One call each minute for three hours: whatever the bounds, their difference in minutes."""
    store.put(*[records.call(id=f"{number:012x}", started=at(60 * number)) for number in range(180)])
    reader = store.read()
    for since, until in ((0, 180), (1, 179), (59, 61), (10, 20), (60, 120), (61, 119), (0, 1), (5, 5), (170, 400)):
        found = sum(one.calls for one in reader.sums(at(60 * since), at(60 * until)))
        assert found == max(0, min(until, 180) - since), (since, until)
        assert sum(one.calls for one in reader.totals(at(60 * since), at(60 * until))) == found
    [whole] = reader.totals()
    assert (whole.calls, whole.outcome, whole.at, whole.setup_ns) == (180, "busy", 0, 360 * SECOND)
    assert sum(one.calls for one in reader.sums()) == 180
    assert {one.at % (3600 * SECOND) == 0 for one in reader.sums(at(0), at(10_800))} == {True}


def test_agents_are_added_up_by_the_hour_as_they_are_counted_call_by_call(store: Stored) -> None:
    """Whatever batches the calls came in: the same figures as of all calls at once, but for the median."""
    calls = replay_file(PCAPS / "demo.pcap", config=(PCAPS / "demo.toml").read_text()).calls
    for first in range(0, len(calls), 7):
        store.put(*calls[first : first + 7])
    whole, added = AgentFigures(), RolledAgents()
    for call in calls:
        whole.add(call)
    for at_, number, figures in store.read().agents():
        added.add(at_, number, figures)
    found = {one.device: one for one in added.records()}
    expected = {one.device: one for one in whole.records()}
    assert len(found) == 13
    for device, one in expected.items():
        for key in (
            "offered",
            "taken",
            "busy",
            "idle_busy",
            "declined",
            "rang_out",
            "not_alerted",
            "gave_up",
            "elsewhere",
        ):
            assert getattr(found[device], key) == getattr(one, key), (device, key)
        assert found[device].answer_seconds == one.answer_seconds
        assert (found[device].share, found[device].fair_share) == (one.share, one.fair_share)


def test_only_the_hours_of_a_time_are_given(store: Stored) -> None:
    leg = records.leg(outcome="busy", offered="busy", device="201")
    store.put(
        *[
            records.call(id=f"{hour:012x}", started=at(3600 * hour), legs=[replace(leg, started=at(3600 * hour))])
            for hour in range(4)
        ]
    )
    hours = [(found - START) // (3600 * SECOND) for found, _, _ in store.read().agents(at(3600), at(3 * 3600))]
    assert hours == [1, 2]


def test_whole_days_are_one_row_each_if_hours_are_not_asked_for(store: Stored) -> None:
    """Two days and the morning of a third: the same figures, in fewer rows."""
    day = 86_400
    made = [(n, n * 3600) for n in range(24)] + [(100 + n, day + n * 3600) for n in range(15)]
    legs = [
        [replace(records.leg(outcome="busy", offered="busy", device="201"), started=at(when), settled=at(when + 1))]
        for _, when in made
    ]
    store.put(
        *[records.call(id=f"{n:012x}", started=at(when), legs=leg) for (n, when), leg in zip(made, legs, strict=True)]
    )
    reader = store.read()
    midnight = at(-9 * 3600)
    hours, days = [list(reader.agents(midnight, at(day + 3 * 3600), by_day=by_day)) for by_day in (False, True)]
    assert (len(hours), len(days)) == (
        27,
        1 + 12,
    )  # 9 to 24 o'clock as a day; the next day's first twelve hours are left
    added = [RolledAgents(), RolledAgents()]
    for figures, rows in zip(added, (hours, days), strict=True):
        for row in rows:
            figures.add(*row)
    assert added[0].records() == added[1].records()
    assert added[0].records()[0].longest == 27


def test_totals_can_be_those_of_one_peer_at_either_end(store: Stored) -> None:
    ends = (("acme", "phones"), ("phones", "acme"), ("acme", "acme"), ("north", "phones"))
    for place, (source, destination) in enumerate(ends):
        store.put(records.call(id=f"{place:012x}", source=source, destination=destination))
    reader = store.read()
    counts = {
        peer: [one.calls for one in reader.totals(by=("outcome",), peer=peer)] for peer in ("acme", "phones", "north")
    }
    assert counts == {"acme": [3], "phones": [3], "north": [1]}
    assert reader.totals(peer="' OR 1 --") == []
    assert [one.calls for one in reader.totals(START + 1000, START + 2000, by=(), peer="north")] == [1]


def test_agents_can_be_some_alone(store: Stored) -> None:
    hops = [records.leg(offered="busy", device=device) for device in ("201", "202", "203", "202")]
    store.put(*[records.call(id=f"{place:012x}", legs=[leg]) for place, leg in enumerate(hops)])
    reader = store.read()
    for by_day in (False, True):
        found = [
            (number, sum(figures.counts)) for _, number, figures in reader.agents(by_day=by_day, numbers=["202", "9"])
        ]
        assert found == [("202", 2)]
    assert list(reader.agents(numbers=[])) == []
