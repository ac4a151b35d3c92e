"""Views: the same calls of known fate, seen from anywhere, with losses, are never called what they were not.

``SEEDS=1000 pytest tests/test_views.py`` tries more seeds in each view; ``python -m tests.views SEED VIEW``
shows one.
"""

from __future__ import annotations

import os
from random import Random

import pytest
from msgspec.structs import replace

from tests.view_fates import FATES
from tests.views import VIEWS, Watched, counted, faults, ladder, world

SEEDS = int(os.environ.get("SEEDS", "4"))
SLOW_BLOCKS, SLOW_SEEDS = 8, 25  # in each view: 6400 seeds in all
SHOWN = 3


def _judged(view: str, seed: int) -> list[str]:
    """Return what is wrong with a seed in a view: records, counters, and what time alone may not change."""
    seen = world(seed, view)
    watched = Watched(seen)
    found = faults(seen, watched)
    ticked = Watched(seen, ticks=Random(seed))
    for told in seen.stories:
        one, two = ([r for r in run.records if r.call_id == told.call] for run in (watched, ticked))
        if one != two:
            found.append("\n".join(["idle ticks change its records", *ladder(seen, told, [*one, *two])]))
    if ticked.counts != watched.counts:
        found.append(f"idle ticks change counters: {set(ticked.counts.items()) ^ set(watched.counts.items())}")
    live = Watched(seen, ticks=Random(seed + 1), records=False)
    if live.counts != watched.counts:
        found.append(f"without a sink it counts otherwise: {set(live.counts.items()) ^ set(watched.counts.items())}")
    return [f"\nseed {seed}, view {view}: {fault}" for fault in found]


def _told(found: list[str]) -> str:
    return "\n".join([*found[:SHOWN], f"({len(found)} faults)"])


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("seed", range(SEEDS))
def test_no_view_of_a_call_is_judged_wrong(seed: int, view: str) -> None:
    found = _judged(view, seed)
    assert not found, _told(found)


@pytest.mark.slow
@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("block", range(SLOW_BLOCKS))
def test_no_view_of_thousands_of_calls_is_judged_wrong(block: int, view: str) -> None:
    """Each view has seeds of its own, so that all of them together see thousands."""
    first = 1000 + (VIEWS.index(view) * SLOW_BLOCKS + block) * SLOW_SEEDS
    found = [fault for seed in range(first, first + SLOW_SEEDS) for fault in _judged(view, seed)]
    assert not found, _told(found)


# The property itself


def test_the_stories_reach_every_fate_and_most_outcomes() -> None:
    stories = [told for seed in range(400) for told in world(seed, "all").stories]
    assert {told.fate.partition(",")[0] for told in stories} == {
        fate.__name__.strip("_").replace("_", " ") for fate in FATES
    }
    assert {told.outcome for told in stories} >= {
        "answered", "busy", "no_answer", "declined", "unavailable", "abandoned", "abandoned_brief", "forbidden",
        "auth_failed", "not_found", "not_responding", "no_progress", "gateway_timeout", "server_error", "rejected",
    }  # fmt: skip


def test_a_seed_is_the_same_world_every_time() -> None:
    assert world(5, "far+loss").seen == world(5, "far+loss").seen


@pytest.mark.parametrize(
    ("view", "ends"), [("caller", {"A"}), ("far", set("PQBCD")), ("all", set("APQBCD"))], ids=["caller", "far", "all"]
)
def test_a_place_sees_its_own_hops_only(view: str, ends: set[str]) -> None:
    hops = {said.hop for seed in range(40) for said in world(seed, view).seen}
    assert {end for hop in hops for end in hop} == (ends | set("PQ") if view == "caller" else ends)
    assert all(("A" in hop) == (view == "caller") for hop in hops if view != "all")


def test_exactly_one_message_of_each_call_is_lost() -> None:
    seen = world(1, "all+one")
    assert all(len(told.said) - 1 == sum(said.call == told.call for said in seen.seen) for told in seen.stories)


@pytest.mark.parametrize(
    ("outcome", "instead"),
    [("answered", "server_error"), ("answered", "unfinished"), ("busy", "answered"), ("busy", "unfinished")],
)
def test_a_wrong_outcome_does_not_pass(outcome: str, instead: str) -> None:
    """The oracle is no rubber stamp: a record that says otherwise is told."""
    for seed in range(200):
        seen = world(seed, "caller")
        watched = Watched(seen)
        place = next((i for i, record in enumerate(watched.records) if record.outcome == outcome), None)
        if place is not None:
            watched.records[place] = replace(watched.records[place], outcome=instead)
            assert any(instead in fault for fault in faults(seen, watched))
            return
    pytest.fail("no such call in 200 seeds")


def test_a_call_counted_twice_or_not_at_all_does_not_pass() -> None:
    seen = world(0, "caller")
    watched = Watched(seen)
    once = watched.records[0]
    watched.records.append(once)
    assert any("2 records" in fault for fault in faults(seen, watched))
    watched.records = [record for record in watched.records if record.call_id != once.call_id]
    assert any("0 records" in fault for fault in faults(seen, watched))


def test_counters_are_read_by_their_labels() -> None:
    seen = world(0, "caller")
    assert counted(Watched(seen), "sipwatch_calls_total", "outcome").total() == len(seen.stories)
