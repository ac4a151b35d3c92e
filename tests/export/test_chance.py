"""How likely a difference is by chance: values from books and by hand, and no alarm where nothing differs."""

from __future__ import annotations

import random
from math import erfc, sqrt

import pytest

from sipwatch.classify.spread import Spread
from sipwatch.export.chance import least_unlikely, of_shares, of_spreads
from sipwatch.packet import SECOND
from tests.each import for_each


def spread(*seconds: float) -> Spread:
    made = Spread()
    for one in seconds:
        made.add(round(one * SECOND))
    return made


# Fisher's lady, who told 3 of 4 cups: 34 of 70 tables are as likely or less. 1 of 12 against 9 of 12: 0.00276, of which
# textbooks make an example. 12 of 240 against 40 of 251: z = 0.10936 / 0.027781 = 3.9366.
SHARES = [
    ((3, 4, 1, 4), 34 / 70),
    ((1, 12, 9, 12), 0.002759456),
    ((12, 240, 40, 251), erfc(3.9366 / sqrt(2))),
    ((0, 10, 0, 10), 1.0),
    ((10, 10, 10, 10), 1.0),
    ((3, 10, 0, 0), 1.0),
]


@for_each("counts, chance", SHARES)
def test_shares_are_as_unlikely_as_books_have_it(counts: tuple[int, int, int, int], chance: float) -> None:
    assert of_shares(*counts) == pytest.approx(chance, rel=1e-3)
    part, whole, other_part, other_whole = counts
    assert of_shares(other_part, other_whole, part, whole) == pytest.approx(of_shares(*counts))


def test_the_two_ways_to_reckon_meet() -> None:
    """At ten expected one takes the place of the other: 10 of 200 against 20 of 200, and one fewer of each."""
    exact, normal = of_shares(6, 200, 13, 200), of_shares(7, 200, 14, 200)
    assert exact == pytest.approx(normal, abs=0.06)


def test_millions_are_reckoned_with() -> None:
    assert of_shares(0, 1_000_000, 19, 1_000_000) == pytest.approx(2 * 0.5**19, rel=1e-3)
    assert of_shares(500_000, 1_000_000, 503_000, 1_000_000) < 1e-4


def test_ranks_tell_delays_that_moved() -> None:
    """Twenty below twenty others: U is 0 of 400, and its deviation sqrt(400 / 12 * 41); doubled for the second look."""
    low, high = [1.1**place for place in range(20)], [10 * 1.1**place for place in range(20)]  # a bucket is 5 % wide
    wanted = 2 * erfc(200 / sqrt(400 / 12 * 41) / sqrt(2))
    assert of_spreads(spread(*low), spread(*high)) == pytest.approx(wanted, rel=1e-3)


def test_ties_count_by_half_and_make_the_ranks_less_sure() -> None:
    """Of 30 and 30, 20 and 10 took 1 s, the rest 2 s: U is 600 of 900, and the ties take 15.2 of 61 from its variance."""
    ties = 2 * (30**3 - 30) / (60 * 59)
    wanted = 2 * erfc((600 - 450) / sqrt(900 / 12 * (61 - ties)) / sqrt(2))
    assert of_spreads(spread(*[1] * 20, *[2] * 10), spread(*[1] * 10, *[2] * 20)) == pytest.approx(wanted, rel=1e-6)


def test_what_is_the_same_is_no_difference() -> None:
    same = spread(*[1.0] * 50)
    assert of_spreads(same, same) == 1.0
    assert of_spreads(spread(), same) == 1.0


def test_a_slow_tenth_is_told_though_the_rest_is_as_before() -> None:
    before = [1 + place / 1000 for place in range(400)]
    after = before[:376] + [30.0] * 24
    assert of_spreads(spread(*before), spread(*after)) < 1e-3


def test_the_more_is_compared_the_less_likely_it_has_to_be() -> None:
    """Benjamini and Hochberg by hand: of four, the places' limits are 0.0125, 0.025, 0.0375 and 0.05."""
    assert least_unlikely([0.5, 0.03, 0.01, 0.02]) == 0.03
    assert least_unlikely([0.04, 0.02, 0.6]) == -1.0
    assert least_unlikely([]) == -1.0


def test_where_nothing_differs_hardly_ever_a_difference_is_told() -> None:
    """Of 200 pairs of samples of the same, thirty shares each: one in twenty is allowed to be told of."""
    lot = random.Random(7)
    alarms = 0
    for _ in range(200):
        counts = [[sum(lot.random() < 0.02 * share for _ in range(80)) for share in range(1, 31)] for _ in "ab"]
        chances = [of_shares(one, 80, other, 80) for one, other in zip(*counts, strict=True)]
        alarms += least_unlikely(chances) >= 0
    assert alarms <= 200 * 0.05 + 6
