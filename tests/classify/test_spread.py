"""How durations are spread: quantiles that are right to within a bucket, from a millisecond to more than a day."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sipwatch.classify.spread import Spread
from sipwatch.packet import SECOND


@given(st.lists(st.integers(1_000_000, 10**15), min_size=1, max_size=40), st.sampled_from([0.5, 0.95, 1.0]))
def test_a_quantile_is_right_to_within_five_per_cent(durations: list[int], share: float) -> None:
    spread = Spread()
    for duration in durations:
        spread.add(duration)
    ranked = sorted(durations)
    exact = next(value for place, value in enumerate(ranked, 1) if place >= share * len(ranked)) / 1e9
    found = spread.quantile(share)
    assert found is not None
    day = 86_400
    assert exact * 0.999 <= found <= (exact * 1.051 if exact < day else spread.longest + 1e-6)  # it is rounded
    assert (spread.count, spread.longest) == (len(durations), ranked[-1] / SECOND)


def test_what_is_none_or_below_zero_is_no_duration() -> None:
    spread = Spread()
    spread.add(None)
    spread.add(-1)
    assert (spread.quantile(0.5), spread.count, spread.longest) == (None, 0, 0)


def test_none_at_all_is_no_time() -> None:
    spread = Spread()
    spread.add(0)
    assert (spread.quantile(0.5), spread.count) == (0, 1)
