"""Incidents: what rose, where, since when, and what was well meanwhile. Days made by hand, with what is to be found."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from sipwatch.export.incidents import (
    ENDING,
    OUTCOME,
    CallSeries,
    CountsByPair,
    IncidentRecord,
    IncidentSearch,
    is_of_peers,
    peers_in_list,
)
from sipwatch.packet import HOUR
from tests.each import for_each
from tests.report.test_incidents import incident

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Shares = Callable[[str, str, int], Mapping[str, float]]

SPAN = HOUR // 12
NOW = 168 * HOUR
TRUNKS = ("north", "south", "west")
USUAL = {"answered": 0.7, "no_answer": 0.2, "busy": 0.08, "server_error": 0.02}
DEAD = {"not_responding": 0.9, "answered": 0.1}
FLAKY = {"answered": 0.4, "server_error": 0.35, "no_answer": 0.2, "busy": 0.05}


def traffic(
    begin: int, intervals: int, span: int, calls: int, shares: Shares, *, seed: int = 0
) -> Iterator[CallSeries]:
    """Make calls from a PBX, and from a second one, to three trunks."""
    chance = random.Random(seed)
    for place in range(intervals):
        for source, some in (("pbx", calls), ("branch", max(1, calls // 4))):
            for trunk in TRUNKS:
                of = shares(source, trunk, place)
                words = chance.choices(list(of), list(of.values()), k=some)
                for word in sorted(set(words)):
                    yield CallSeries(source, trunk, OUTCOME, word, {begin + place * span: words.count(word)})


def found(shares: Shares, calls: int = 10) -> list[IncidentRecord]:
    """Return what is found in a day behind a week of the usual."""
    past = traffic(0, 168, HOUR, 12 * calls, lambda *_: USUAL)
    return IncidentSearch(CountsByPair(past), CountsByPair(traffic(NOW, 288, SPAN, calls, shares, seed=1))).incidents()


def during(between: range, wrong: Mapping[str, float], where: Callable[[str, str], bool]) -> Shares:
    return lambda source, trunk, place: wrong if place in between and where(source, trunk) else USUAL


def where(record: IncidentRecord) -> tuple[str, str | None]:
    return record.end, record.peer


def place(at: int | None) -> int | None:
    return None if at is None else (at - NOW) // SPAN


def test_on_a_day_like_others_there_is_none() -> None:
    assert found(lambda *_: USUAL) == []


def test_a_trunk_that_fails_is_one_incident_with_what_is_still_well() -> None:
    """Not three: its calls fail among all calls, and among those of either PBX, only because of the trunk."""
    [one] = found(during(range(100, 130), DEAD, lambda _, trunk: trunk == "south"))
    assert where(one) == ("destination", "south")
    assert (place(one.since), place(one.until)) == (100, 130)
    assert [(rise.what, rise.word) for rise in one.rises] == [("outcome", "not_responding")]
    [rise] = one.rises
    assert rise.calls == one.calls == pytest.approx(0.9 * 30 * 12, rel=0.1)
    assert rise.usual == pytest.approx(0.002, abs=0.001)
    assert rise.share == pytest.approx(0.9, abs=0.05)
    assert [(pair.source, pair.destination, pair.of) for pair in rise.pairs] == [
        ("pbx", "south", 300),
        ("branch", "south", 60),
    ]
    assert sum(pair.calls for pair in rise.pairs) == rise.calls
    assert [(well.peer, well.calls) for well in one.well] == [("north", 0), ("west", 0)]
    assert all(well.of == 360 for well in one.well)


def test_a_source_whose_calls_fail_everywhere_is_where_it_is_said_of() -> None:
    [one] = found(during(range(100, 288), FLAKY, lambda source, _: source == "branch"), calls=40)
    assert where(one) == ("source", "branch")
    assert one.until is None
    assert [well.peer for well in one.well] == ["pbx"]


def test_what_rose_at_most_peers_is_said_of_all() -> None:
    [one] = found(during(range(100, 120), DEAD, lambda _, trunk: trunk != "west"))
    assert where(one) == ("all", None)
    assert one.well == []


def test_it_is_told_of_the_trunk_and_not_of_the_pbx_behind_all_of_its_calls() -> None:
    """As much rises among the calls from the PBX, which has other ways, and goes on having them."""

    def shares(source: str, trunk: str, place: int) -> Mapping[str, float]:
        failing = (trunk, source) == ("south", "pbx") and place in range(100, 130)
        return {"server_error": 0.9, "answered": 0.1} if failing else USUAL

    [one] = found(shares)
    assert where(one) == ("destination", "south")


def test_two_trunks_of_many_that_fail_together_are_two_incidents() -> None:
    """All calls come from one PBX: it accounts for everything, and brings about nothing."""

    def day(begin: int, intervals: int, span: int, calls: int, dead: range) -> Iterator[CallSeries]:
        for place in range(intervals):
            for trunk in ("north", "south", "west", "east", "last"):
                bad = calls if trunk in ("north", "south") and place in dead else 0
                for word, number in (("server_error", bad), ("answered", calls - bad)):
                    yield CallSeries("pbx", trunk, OUTCOME, word, {begin + place * span: number})

    past = CountsByPair(day(0, 168, HOUR, 60, range(0)))
    both = IncidentSearch(past, CountsByPair(day(NOW, 288, SPAN, 5, range(100, 130)))).incidents()
    assert {where(one) for one in both} == {("destination", "north"), ("destination", "south")}


def test_what_rose_from_most_to_the_only_one_is_said_of_all() -> None:
    def day(begin: int, intervals: int, span: int, calls: int, dead: range) -> Iterator[CallSeries]:
        for place in range(intervals):
            for source in ("north", "south", "west"):
                bad = calls if place in dead else 0
                for word, number in (("server_error", bad), ("answered", calls - bad)):
                    yield CallSeries(source, "pbx", OUTCOME, word, {begin + place * span: number})

    past = CountsByPair(day(0, 168, HOUR, 60, range(0)))
    [one] = IncidentSearch(past, CountsByPair(day(NOW, 288, SPAN, 5, range(100, 130)))).incidents()
    assert where(one) == ("all", None)


def test_one_of_two_peers_does_not_stand_for_all() -> None:
    """The other is said to be well."""
    past = traffic(0, 168, HOUR, 120, lambda *_: USUAL)
    shares = during(range(100, 120), DEAD, lambda _, trunk: trunk == "south")
    day = traffic(NOW, 288, SPAN, 10, shares, seed=1)
    two = [CountsByPair(one for one in some if one.destination != "west") for some in (past, day)]
    [one] = IncidentSearch(two[0], two[1]).incidents()
    assert where(one) == ("destination", "south")
    assert [well.peer for well in one.well] == ["north"]


def test_what_rises_together_at_one_place_is_one_incident_the_largest_first() -> None:
    both = {"answered": 0.2, "server_error": 0.5, "congested": 0.3}
    [one] = found(during(range(100, 130), both, lambda _, trunk: trunk == "south"))
    assert [rise.word for rise in one.rises] == ["server_error", "congested"]
    assert one.calls == sum(rise.calls for rise in one.rises)


def test_two_trunks_with_troubles_of_their_own_are_two_incidents() -> None:
    def shares(source: str, trunk: str, place: int) -> Mapping[str, float]:
        del source
        return (
            DEAD if trunk == "south" and place in range(50, 70) else FLAKY if trunk == "west" and place > 200 else USUAL
        )

    assert [(where(one), one.until is None) for one in found(shares)] == [
        (("destination", "west"), True),
        (("destination", "south"), False),
    ]


def test_an_incident_keeps_its_id_while_it_goes_on() -> None:
    """Whoever was told of it knows it again."""
    ids = set()
    for last in (110, 150, 288):
        past = CountsByPair(traffic(0, 168, HOUR, 120, lambda *_: USUAL))
        shares = during(range(100, 288), DEAD, lambda _, trunk: trunk == "south")
        ids |= {
            one.id
            for one in IncidentSearch(past, CountsByPair(traffic(NOW, last, SPAN, 10, shares, seed=1))).incidents()
        }
    assert len(ids) == 1


def test_how_answered_calls_end_is_looked_at_as_well() -> None:
    """Of those whose end was seen: those that are still up when the capture ends say nothing."""

    def ends(begin: int, intervals: int, span: int, bad: Callable[[int], int]) -> Iterator[CallSeries]:
        for place in range(intervals):
            for trunk in TRUNKS:
                dropped = bad(place) if trunk == "west" else 0
                for word, calls in (("normal", 12 - dropped), ("session_expired", dropped), ("capture_end", 90)):
                    if calls:
                        yield CallSeries("pbx", trunk, ENDING, word, {begin + place * span: calls})

    past = CountsByPair(ends(0, 168, HOUR, lambda _: 0))
    [one] = IncidentSearch(past, CountsByPair(ends(NOW, 288, SPAN, lambda place: 6 if place > 200 else 0))).incidents()
    assert where(one) == ("destination", "west")
    assert [(rise.what, rise.word, rise.share) for rise in one.rises] == [("ending", "session_expired", 0.5)]


@for_each("word", ["answered", "redirected", "answered_elsewhere", "unfinished"])
def test_what_is_no_failure_is_no_incident(word: str) -> None:
    assert found(during(range(100, 200), {word: 1.0}, lambda *_: True)) == []


def test_of_a_peer_without_a_past_nothing_is_said() -> None:
    past = CountsByPair(one for one in traffic(0, 168, HOUR, 120, lambda *_: USUAL) if one.destination != "south")
    day = during(range(288), DEAD, lambda _, trunk: trunk == "south")
    incidents = IncidentSearch(past, CountsByPair(traffic(NOW, 288, SPAN, 10, day, seed=1))).incidents()
    assert ("destination", "south") not in [where(one) for one in incidents]


def test_without_configured_peers_it_is_said_of_all() -> None:
    def nobody(counted: Iterator[CallSeries]) -> CountsByPair:
        return CountsByPair(one._replace(source="other", destination="other") for one in counted)

    past = nobody(traffic(0, 168, HOUR, 120, lambda *_: USUAL))
    day = nobody(traffic(NOW, 288, SPAN, 10, during(range(100, 120), DEAD, lambda *_: True), seed=1))
    [one] = IncidentSearch(past, day).incidents()
    assert where(one) == ("all", None)


def test_where_no_call_comes_any_more_that_is_said() -> None:
    """It goes on, as far as anybody knows, and nobody calls there."""
    past = CountsByPair(traffic(0, 168, HOUR, 120, lambda *_: USUAL))
    wrong = during(range(100, 120), DEAD, lambda _, trunk: trunk == "south")
    day = [
        one
        for one in traffic(NOW, 140, SPAN, 10, wrong, seed=1)
        if one.destination != "south" or min(one.calls) < NOW + 120 * SPAN
    ]
    for last, quiet in ((121, None), (140, 119)):
        [one_record] = IncidentSearch(past, CountsByPair(day), NOW + last * SPAN).incidents()
        assert place(one_record.quiet_since) == quiet
        assert one_record.until is None


@for_each(
    "asked, peer, taken",
    [("", "a", True), ("a", "a", True), ("b, a", "a", True), ("b", "a", False), ("b", None, True), (",", "a", True)],
)
def test_peers_are_asked_for_in_a_list(asked: str, peer: str | None, taken: bool) -> None:
    assert is_of_peers(incident(peer=peer), peers_in_list(asked)) is taken


def test_where_nothing_was_counted_nothing_is_found() -> None:
    assert IncidentSearch(CountsByPair([]), CountsByPair([])).incidents() == []
