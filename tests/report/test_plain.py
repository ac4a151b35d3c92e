"""Words for people."""

from __future__ import annotations

import pytest

from sipwatch.classify.endings import Ending
from sipwatch.classify.outcomes import Category
from sipwatch.report.plain import (
    CATEGORY_STYLE,
    CONDITION_WORDS,
    DISCARD_WORDS,
    ENDED_BY_WORDS,
    duration,
    plain_ending,
)
from sipwatch.track.conditions import Condition
from sipwatch.track.dialog import EndedBy
from sipwatch.wire.discards import Discard


def test_every_ending_has_a_plain_name_of_its_own_and_whoever_ends_a_call_is_named() -> None:
    assert {plain_ending(ending.value) for ending in Ending} == {ending.plain_name for ending in Ending}
    assert len({ending.plain_name for ending in Ending}) == len(Ending)
    assert {by.value for by in EndedBy} <= set(ENDED_BY_WORDS)


def test_every_category_condition_and_discard_named_exists() -> None:
    assert set(CATEGORY_STYLE) == set(Category)
    assert set(CONDITION_WORDS) == set(Condition)
    assert set(DISCARD_WORDS) <= {discard.value for discard in Discard}


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "-"),
        (0.004, "0.00 s"),
        (9.99, "9.99 s"),
        (12.34, "12.3 s"),
        (61, "1:01"),
        (3599.6, "1:00:00"),
        (7384, "2:03:04"),
    ],
)
def test_durations_as_people_read_them(seconds: float | None, words: str) -> None:
    assert duration(seconds) == words
