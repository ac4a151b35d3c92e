"""Figures of two times that follow each other become those of both: as if they had been added up at once."""

from __future__ import annotations

from functools import reduce

from hypothesis import given
from hypothesis import strategies as st

from sipwatch.classify.offers import Offered
from sipwatch.export.offers import Offer
from sipwatch.export.rolled import Rolled, all_together, rolled
from tests.export import records
from tests.export.records import at

WORDS = {
    "t": "taken",
    "b": "busy",
    "i": "idle_busy",
    "r": "rang_out",
    "g": "gave_up",
    "e": "elsewhere",
    "d": "declined",
    "n": "not_alerted",
}


def offers(letters: str, first: float = 0) -> list[Offer]:
    """Return offers ten seconds apart, each a letter; a taken one rang for two seconds."""
    made = []
    for place, letter in enumerate(letters):
        begun = first + 10 * place
        leg = records.leg(
            started=at(begun),
            alerted=at(begun + 1),
            settled=at(begun + 3),
            destination_address=f"192.0.2.{place % 12}:5060",
        )
        made.append(Offer(leg, WORDS[letter]))
    return made


def test_what_was_taken_refused_and_nobody_s_fault_is_counted_and_streaks_with_it() -> None:
    """Busy, rang out | taken | busy, the caller gave up, busy, declined: two at first, three at the end and at most."""
    found = rolled(offers("brtbgbd"))
    assert {how.value: found.count(how) for how in Offered if found.count(how)} == {
        "busy": 3, "rang_out": 1, "taken": 1, "gave_up": 1, "declined": 1,
    }  # fmt: skip
    assert (found.opening, found.streak, found.longest) == (2, 3, 3)
    assert (found.answers, found.answer_ns) == (1, 2 * 10**9)
    assert (found.first, found.last) == (at(0), at(60))
    assert found.addresses == tuple(f"192.0.2.{place}" for place in range(7))


def test_the_order_in_which_offers_come_does_not_count() -> None:
    """It is when each was known that does."""
    assert rolled(offers("brtb")[::-1]).streak == 1


def test_a_streak_goes_on_from_one_time_to_the_next() -> None:
    """Two at the end of the first, two at the beginning of the next."""
    both = rolled(offers("tbb")).then(rolled(offers("bbt", first=30)))
    assert (both.opening, both.streak, both.longest) == (0, 0, 4)
    never = rolled(offers("bg")).then(rolled(offers("e", first=20))).then(rolled(offers("b", first=30)))
    assert (never.opening, never.streak, never.longest) == (2, 2, 2)


@given(parts=st.lists(st.text(alphabet="tbirgedn", min_size=1, max_size=6), min_size=1, max_size=5))
def test_parts_put_together_are_the_whole(parts: list[str]) -> None:
    """However a time is cut into parts."""
    first = 0.0
    joined: Rolled | None = None
    for part in parts:
        one = rolled(offers(part, first))
        joined = one if joined is None else joined.then(one)
        first += 10 * len(part)
    whole = rolled(offers("".join(parts)))
    assert joined is not None
    assert joined._replace(addresses=()) == whole._replace(addresses=())
    assert len(joined.addresses) <= 8


@given(st.lists(st.text("tbirgedn", min_size=1, max_size=5), min_size=1, max_size=8))
def test_many_at_once_are_the_same_as_one_after_the_other(parts: list[str]) -> None:
    some = [rolled(offers(letters, 100 * place)) for place, letters in enumerate(parts)]
    assert all_together(some) == reduce(Rolled.then, some)
