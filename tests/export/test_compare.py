"""Before and after: what moved with its populations, in order, and what nobody can tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sipwatch.export.compare import LEAST, Comparison, DelayRecord, ShareRecord, Side, SideRecord
from sipwatch.export.ratios import RATIOS
from tests.export.records import answered, at, call, condition

if TYPE_CHECKING:
    from sipwatch.export.compare import ComparisonRecord, MoveRecord
    from sipwatch.export.record import CallRecord

NOTHING = SideRecord([], None, None, 0, 0)


def side(*calls: tuple[CallRecord, int]) -> Side:
    made = Side()
    for record, times in calls:
        for _ in range(times):
            made.add(record, completed=True)
    return made


def compared(a: Side, b: Side) -> ComparisonRecord:
    return Comparison(a, b).record(NOTHING, NOTHING)


def moved(a: Side, b: Side) -> dict[tuple[Any, ...], MoveRecord]:
    return {(one.place, one.peer, one.what, one.word): one for one in compared(a, b).moved}


BEFORE, AFTER = side((answered(), 228), (call(), 12)), side((answered(), 211), (call(), 40))


def test_a_share_that_moved_stands_beside_its_populations() -> None:
    found = moved(BEFORE, AFTER)
    busy = found["all", None, "outcome", "busy"]
    assert busy.a == ShareRecord(12, 240, 0.05)
    assert busy.b == ShareRecord(40, 251, 0.159363)
    assert busy.chance == pytest.approx(8.26e-5, rel=0.01)
    assert {key[2:] for key in found} == {
        ("outcome", "busy"), ("outcome", "answered"), ("status_code", "486"), ("status_code", "200"),
        ("ratio", "ser"), ("ratio", "scr"),
    }  # fmt: skip


def test_the_least_likely_comes_first_and_of_equals_what_moved_further() -> None:
    after = side((answered(), 150), (call(), 40), (call("server_error", status_code=500), 60))
    ranked = compared(BEFORE, after).moved
    assert [one.chance for one in ranked] == sorted(one.chance for one in ranked)
    assert ranked[0].word in ("answered", "200")


def test_of_what_is_equally_unlikely_what_moved_further_comes_first() -> None:
    """Of thousands, chances are too small to be told apart from 0."""
    before, after = Side(), Side()
    for made, counts in ((before, {"registered": 4000}), (after, {"refused": 1600, "auth_failed": 2400})):
        for outcome, times in counts.items():
            for _ in range(times):
                made.registration("phones", "server", outcome)
    ranked = compared(before, after).moved
    assert [(one.word, one.chance) for one in ranked] == [("registered", 0), ("auth_failed", 0), ("refused", 0)]


def test_the_same_is_no_difference() -> None:
    found = compared(BEFORE, BEFORE)
    assert (found.moved, found.too_few) == ([], [])
    words, ratios, delays = ["answered", "busy", "200", "486", "normal"], 5, 6
    assert found.compared == len(words) + ratios + delays


def test_a_few_more_are_no_difference() -> None:
    """13 of 240 busy against 12 of 240."""
    assert compared(BEFORE, side((answered(), 227), (call(), 13))).moved == []


def test_too_few_calls_say_nothing_however_they_ended() -> None:
    few = side((call(), LEAST - 1))
    found = compared(side((answered(), 500)), few)
    assert (found.compared, found.moved) == (0, [])
    assert [(one.place, one.what, one.a, one.b) for one in found.too_few] == [("all", "calls", 500, LEAST - 1)]
    assert compared(side((answered(), 500)), side((call(), LEAST))).moved != []


def test_a_part_of_the_calls_may_be_too_few() -> None:
    """Of 40 calls only three were answered: how they ended and how long they took is not compared."""
    found = compared(side((call(), 40), (answered(), 3)), side((call(), 40), (answered(), 3)))
    assert {one.what for one in found.too_few} == {"ended", "progress", "srd", "answer", "ring_seconds", "talk_seconds"}


def test_unfinished_calls_are_no_part_of_what_became_of_the_others() -> None:
    cut_off = call("unfinished", status_code=None)
    found = moved(side((answered(), 100)), side((answered(), 100), (cut_off, 50)))
    assert found["all", None, "outcome", "unfinished"].b == ShareRecord(50, 150, 0.333333)
    assert set(found) == {("all", None, "outcome", "unfinished")}


def test_endings_are_of_answered_calls_whose_end_was_seen() -> None:
    lost, unseen = answered(ending="session_expired"), answered(ending="capture_end")
    found = moved(side((answered(), 60), (call(), 60)), side((answered(), 30), (lost, 30), (unseen, 90), (call(), 60)))
    assert found["all", None, "ending", "session_expired"].b == ShareRecord(30, 60, 0.5)
    assert not any(key[2:] == ("ending", "capture_end") for key in found)


def test_conditions_count_once_a_call_and_tags_each() -> None:
    stuck = call("no_progress", status_code=None, conditions=[condition(), condition()], tags=["refused", "brief"])
    found = moved(side((answered(), 60)), side((answered(), 30), (stuck, 30)))
    assert found["all", None, "condition", "no_progress"].b == ShareRecord(30, 60, 0.5)
    assert found["all", None, "tag", "brief"].b == found["all", None, "tag", "refused"].b == ShareRecord(30, 60, 0.5)
    assert found["all", None, "status_code", "none"].b == ShareRecord(30, 60, 0.5)


def test_ratios_are_compared_with_their_own_populations() -> None:
    """Redirected calls are in no SER, and whose BYE was not confirmed is not completed."""
    redirected = call("redirected", status_code=302)
    before, after = side((answered(), 100)), side((answered(), 60), (redirected, 60))
    for _ in range(60):
        after.add(answered(), completed=False)
    found = moved(before, after)
    assert found["all", None, "ratio", "scr"].b == ShareRecord(60, 180, 0.333333)
    assert ("all", None, "ratio", "ser") not in found
    few = compared(side((answered(), 19), (redirected, 9)), side((answered(), 100))).too_few
    assert [(one.what, one.a, one.b) for one in few if one.what in RATIOS] == [("ser", 19, 100), ("seer", 19, 100)]


def test_peers_are_compared_by_each_end() -> None:
    """Only what goes to acme is worse; to north there is nothing new, and one peer is there on one side alone."""
    to_acme, to_north = {"source": "phones", "destination": "acme"}, {"source": "phones", "destination": "north"}
    before = side((answered(**to_acme), 100), (answered(**to_north), 100))
    after = side(
        (answered(**to_acme), 60), (call(**to_acme), 40), (answered(**to_north), 100), (call(destination="x"), 5)
    )
    found = compared(before, after)
    busy = [(one.place, one.peer) for one in found.moved if one.word == "busy"]
    assert set(busy) == {("all", None), ("destination", "acme"), ("source", "phones")}
    assert busy[0] == ("destination", "acme")
    few = [(one.place, one.peer, one.a, one.b) for one in found.too_few if one.what == "calls"]
    assert few == [("destination", "x", 0, 5), ("source", "other", 0, 5)]


def test_one_peer_alone_is_all_calls_and_not_said_twice() -> None:
    assert {one.place for one in compared(BEFORE, AFTER).moved} == {"all"}


def test_a_delay_that_moved_has_its_median_and_its_slow_end() -> None:
    quick, slow = answered(), answered(progressed=at(3), ringing=at(3), ring_seconds=None)
    delay = moved(side((quick, 100)), side((slow, 100)))["all", None, "delay", "progress"]
    assert isinstance(delay.a, DelayRecord)
    assert isinstance(delay.b, DelayRecord)
    assert (delay.a.of, delay.b.of) == (100, 100)
    assert delay.a.median == pytest.approx(1, rel=0.05)
    assert delay.b.within_95 == pytest.approx(3, rel=0.05)


def test_a_delay_that_moved_by_less_than_a_tenth_is_not_told() -> None:
    """However sure it is: 1.00 s against 1.06 s, ten thousand calls each."""
    quick, hardly_slower = answered(), answered(progressed=at(1.06))
    assert ("all", None, "delay", "progress") not in moved(side((quick, 9000)), side((hardly_slower, 9000)))


def test_registrations_are_of_all_attempts() -> None:
    before, after = Side(), Side()
    for made, good, bad in ((before, 50, 0), (after, 25, 25)):
        for outcome, times in (("registered", good), ("auth_failed", bad)):
            for _ in range(times):
                made.registration("phones", "server", outcome)
    failed = moved(before, after)["all", None, "registration", "auth_failed"]
    assert (failed.a, failed.b) == (ShareRecord(0, 50, 0.0), ShareRecord(25, 50, 0.5))
    assert compared(before, after).too_few == []
