"""What differs from before: only where chance would hardly bring it about, and where there is enough to compare."""

from __future__ import annotations

from sipwatch.export.compare import LEAST
from sipwatch.web.moves import ShareMove, move_words, moves_between


class Some:
    def __init__(self, judged: int, good: int) -> None:
        self.judged = judged
        self.good = good

    def count(self, what: str) -> int:
        return self.good if what == "good" else self.judged - self.good


def moved(now: Some, before: Some | None) -> list[ShareMove] | None:
    return moves_between({"a": now}, {} if before is None else {"a": before}, ("good", "bad")).get("a")


def test_a_share_that_is_another_one_is_told_with_what_it_is_of() -> None:
    assert moved(Some(40, 10), Some(40, 30)) == [ShareMove("good", 10, 40, 30, 40), ShareMove("bad", 30, 40, 10, 40)]


def test_what_chance_brings_about_is_not_told() -> None:
    assert moved(Some(40, 29), Some(40, 30)) == []


def test_too_few_on_either_side_are_not_compared() -> None:
    assert moved(Some(LEAST - 1, 0), Some(40, 40)) is None
    assert moved(Some(40, 40), Some(LEAST - 1, 0)) is None
    assert moved(Some(40, 40), None) is None


def test_the_more_are_looked_at_the_less_likely_one_has_to_be() -> None:
    """What would be told of one alone is one of a hundred things that may differ by chance."""
    now, before = Some(40, 18), Some(40, 28)
    assert moved(now, before)
    others = {str(n): Some(40, 20) for n in range(50)}
    assert moves_between({"a": now, **others}, {"a": before, **others}, ("good", "bad"))["a"] == []


def test_it_is_said_in_words_what_differs_or_why_nothing_is_said() -> None:
    names = {"good": "accepted"}
    assert move_words([ShareMove("good", 10, 40, 30, 40)], 40, 40, names) == [
        "fewer accepted: 25.0% (10 of 40), 75.0% before (30 of 40)"
    ]
    assert move_words([], 40, 40, names) == ["no difference beyond chance"]
    assert move_words(None, 1200, 3, names) == ["too few to compare: 1,200, 3 before"]
