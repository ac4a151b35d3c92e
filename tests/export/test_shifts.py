"""When a share left what it was, and when it came back: as soon as calls prove it, to the interval, and not by chance."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from sipwatch.export.shifts import LEAST_PAST, ShareCount, Usual, shifts
from sipwatch.packet import HOUR
from tests.each import for_each

if TYPE_CHECKING:
    from collections.abc import Callable

SPAN = HOUR // 12
WEEK = 168


def past(share: Callable[[int], float], calls: int = 120, *, seed: int = 0) -> list[ShareCount]:
    """Return a week by hours."""
    chance = random.Random(seed)
    return [drawn(chance, hour * HOUR, calls, share(hour)) for hour in range(WEEK)]


def lately(share: Callable[[int], float], calls: int = 10, *, seed: int = 0) -> list[ShareCount]:
    """Return the day behind it, by intervals of five minutes."""
    chance = random.Random(seed + 1)
    found = [drawn(chance, WEEK * HOUR + place * SPAN, calls, share(place)) for place in range(288)]
    return [one for one in found if one.of]


def drawn(chance: random.Random, at: int, calls: int, share: float) -> ShareCount:
    return ShareCount(at, sum(chance.random() < share for _ in range(calls)), calls)


def usual(share: float, calls: int = 120) -> Usual:
    return Usual(past(lambda _: share, calls))


def place(at: int | None) -> int | None:
    return None if at is None else (at - WEEK * HOUR) // SPAN


def outage(share: float, between: range, other: float = 0.05) -> Callable[[int], float]:
    return lambda place: share if place in between else other


# What is found


@for_each("calls, share", [(2, 1.0), (2, 0.6), (10, 1.0), (10, 0.5), (50, 0.2), (50, 0.5)])
def test_a_share_that_rose_is_found_with_its_beginning_and_its_end(calls: int, share: float) -> None:
    """To within two intervals of five minutes, whatever the traffic."""
    [found] = shifts(usual(0.05), lately(outage(share, range(100, 124)), calls))
    assert place(found.since) == pytest.approx(100, abs=2)
    assert place(found.until) == pytest.approx(124, abs=2)
    assert found.part / found.of == pytest.approx(share, abs=0.15)
    assert found.expected / found.of == pytest.approx(0.05, abs=0.03)
    assert not found.cut


@for_each("share, calls", [(1.0, 14), (0.5, 60), (0.2, 300)])
def test_few_calls_prove_it(share: float, calls: int) -> None:
    """A trunk of which no call gets through any more is told after a dozen, a fifth instead of a twentieth later."""
    whole = lately(outage(share, range(100, 288)), 2)
    needed = next(number for number in range(100, 289) if shifts(usual(0.05), whole[:number]))
    assert 2 * (needed - 100) <= calls


def test_what_goes_on_has_no_end() -> None:
    [found] = shifts(usual(0.05), lately(outage(0.9, range(200, 288))))
    assert found.until is None
    assert place(found.last) == 287


def test_what_began_before_it_was_looked_at_says_so() -> None:
    [found] = shifts(usual(0.05), lately(outage(0.9, range(20))))
    assert (place(found.since), found.cut) == (0, True)


def test_what_never_happened_before_is_found_as_well() -> None:
    [found] = shifts(usual(0.0), lately(outage(0.3, range(100, 130), other=0.0)))
    assert place(found.since) == pytest.approx(100, abs=3)


def test_two_with_a_pause_are_one_and_with_a_long_one_two() -> None:
    near = lately(lambda place: 0.9 if place in range(50, 60) or place in range(64, 74) else 0.05)
    far = lately(lambda place: 0.9 if place in range(50, 60) or place in range(164, 174) else 0.05)
    assert [place(one.since) for one in shifts(usual(0.05), near)] == [50]
    assert [place(one.since) for one in shifts(usual(0.05), far)] == [50, 164]


def test_a_share_that_fell_is_none() -> None:
    assert shifts(usual(0.5), lately(lambda _: 0.01)) == []


# What is not found


@for_each(
    "share",
    [lambda _: 0.05, lambda _: 0.3, lambda _: 0.003, lambda hour: 0.5 if hour % 24 < 7 else 0.1],
    ids=["few", "many", "hardly any", "others at night"],
)
@pytest.mark.parametrize("calls", [1, 10, 40])
def test_in_months_of_what_is_usual_nothing_is_found(share: Callable[[int], float], calls: int) -> None:
    for seed in range(30):
        days = lately(lambda place: share(place // 12), calls, seed=seed)
        assert shifts(Usual(past(share, 12 * calls, seed=seed)), days) == []


def test_hours_that_always_differ_more_than_chance_makes_them_have_to_differ_more() -> None:
    """Noise of a third up and down, every hour anew: what would be a shift of even hours is none of these."""
    noise = random.Random(7)
    wild = Usual([drawn(noise, hour * HOUR, 600, noise.uniform(0.2, 0.5)) for hour in range(WEEK)])
    even = Usual(past(lambda _: 0.35, 600))
    higher = lately(outage(0.5, range(100, 112), other=0.35), 50)
    assert wild.spread > 5 > even.spread
    assert shifts(even, higher)
    assert not shifts(wild, higher)


def test_without_enough_past_nothing_is_said() -> None:
    """Of a trunk that is new nobody knows what is usual."""
    few = Usual([ShareCount(0, 1, LEAST_PAST - 1)])
    assert not few.known
    assert shifts(few, lately(lambda _: 1.0)) == []
    assert Usual([ShareCount(0, 1, LEAST_PAST)]).known
    assert shifts(Usual([]), []) == []


def test_four_calls_are_no_incident_however_rare_such_calls_are() -> None:
    some = [ShareCount(WEEK * HOUR + place * SPAN, int(place in range(50, 54)), 1) for place in range(100)]
    assert shifts(usual(0.0, 1200), some) == []


def test_hours_of_a_few_calls_are_not_unlike_others() -> None:
    """Where three call in an hour, one of ten of whom finds it busy, it is mostly none of three, and now and then one."""
    few = [ShareCount(hour * HOUR, int(hour % 10 == 0), 3) for hour in range(WEEK)]
    assert Usual(few).overall == pytest.approx(1 / 30, abs=0.002)


def test_a_usual_that_is_known_from_few_calls_has_to_be_left_further_behind() -> None:
    """Eighteen failures among 576 calls, held against a week of 1,680 calls, and against a hundred times as many."""
    day = [ShareCount(WEEK * HOUR + place * SPAN, int(place % 16 == 0), 2) for place in range(288)]
    few = Usual([ShareCount(hour * HOUR, int(hour % 20 == 0), 10) for hour in range(WEEK)])
    many = Usual([ShareCount(hour * HOUR, 5, 1000) for hour in range(WEEK)])
    assert few.overall == pytest.approx(many.overall, abs=0.0005)
    assert shifts(few, day) == []
    assert shifts(many, day)


def test_an_outage_of_last_week_is_not_what_is_usual() -> None:
    with_one = Usual(
        [ShareCount(one.at, one.of, one.of) if 40 <= n < 50 else one for n, one in enumerate(past(lambda _: 0.05))]
    )
    assert with_one.overall == pytest.approx(0.05, abs=0.01)
    assert with_one.spread < 2
    [found] = shifts(with_one, lately(outage(0.9, range(100, 110))))
    assert place(found.since) == 100


def test_everything_that_always_fails_is_usual() -> None:
    assert shifts(usual(1.0), lately(lambda _: 1.0)) == []


def test_many_intervals_take_time_in_proportion() -> None:
    """A month by five minutes, all of it one shift: what is looked at anew for each would be 40 million steps."""
    whole = [ShareCount(WEEK * HOUR + place * SPAN, 9, 10) for place in range(9000)]
    [found] = shifts(usual(0.05), whole)
    assert (found.part, found.of) == (81_000, 90_000)
