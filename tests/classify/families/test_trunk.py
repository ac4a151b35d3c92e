"""What the calls of one trunk say of it."""

from __future__ import annotations

import pytest

from sipwatch.classify.families.trunk import PAST_CALLS, RECENT_CALLS, Jump, Trunk
from tests.classify.diagnosing import SECOND, response


def run(trunk: Trunk, outcome: str, count: int, start: int = 0) -> list[Jump | None]:
    """Let so many calls to different numbers end alike, a second apart."""
    return [trunk.verdict(outcome, b"1555%07d" % (start + n), response(time=start + n)) for n in range(count)]


def healthy(count: int = 20) -> Trunk:
    trunk = Trunk()
    assert run(trunk, "answered", count) == [None] * count
    return trunk


def test_a_failure_of_8_in_10_against_a_healthy_past_is_a_jump() -> None:
    found = run(healthy(), "unavailable", 9, 100)
    assert found[:7] == [None] * 7
    eighth, ninth = found[7], found[8]
    assert eighth is not None
    assert (eighth.share, eighth.before, eighth.calls) == (0.8, 0.0, 8)
    assert eighth.since == response(time=100).time
    assert [seen.what for seen in eighth.evidence] == ["480 Temporarily Unavailable"] * 8
    assert ninth is not None
    assert (ninth.share, ninth.calls, ninth.since) == (0.9, 9, eighth.since)


def test_7_in_10_are_none() -> None:
    trunk = healthy()
    for start in range(0, 60, 10):
        assert run(trunk, "unavailable", 7, 100 + start) == [None] * 7
        assert run(trunk, "answered", 3, 107 + start) == [None] * 3


@pytest.mark.parametrize(("before", "jumps"), [(PAST_CALLS - 1, False), (PAST_CALLS, True)])
def test_a_trunk_without_a_past_has_not_changed(before: int, jumps: bool) -> None:
    """Of the ten latest eight fail; what was before them has to be ten calls at least."""
    trunk = healthy(before + 2)
    assert any(run(trunk, "unavailable", 8, 100)) is jumps


@pytest.mark.parametrize(("failed", "jumps"), [(2, True), (3, False)])
def test_a_trunk_that_always_failed_so_often_has_not_changed_either(failed: int, jumps: bool) -> None:
    """A fifth of the past at the most."""
    trunk = Trunk()
    run(trunk, "unavailable", failed)
    run(trunk, "answered", PAST_CALLS - failed + 2, 50)
    assert any(run(trunk, "unavailable", 8, 100)) is jumps


def test_one_dead_number_dialled_all_day_says_nothing_of_the_trunk() -> None:
    trunk = healthy()
    assert not any(trunk.verdict("unavailable", b"1555%07d" % (n % 4), response(time=n)) for n in range(20))
    trunk = healthy()
    assert any(trunk.verdict("unavailable", b"1555%07d" % (n % 5), response(time=n)) for n in range(20))


@pytest.mark.parametrize("outcome", ["busy", "no_answer", "declined", "abandoned", "blocked", "congested", "answered"])
def test_what_people_do_is_no_fault_of_a_trunk(outcome: str) -> None:
    """And for full lines there is a finding of its own."""
    assert not any(run(healthy(), outcome, 20, 100))


@pytest.mark.parametrize("outcome", ["redirected", "answered_elsewhere", "unfinished"])
def test_what_says_nothing_is_not_counted(outcome: str) -> None:
    trunk = healthy()
    run(trunk, outcome, 50, 100)
    assert any(run(trunk, "forbidden", 8, 200))


def test_a_run_is_no_past_of_itself_and_ends_when_calls_get_through_again() -> None:
    trunk = healthy()
    long = run(trunk, "server_error", 100, 100)
    assert all(jump is not None and jump.before == 0 for jump in long[7:])
    assert run(trunk, "answered", 3, 200) == [None] * 3
    assert run(trunk, "server_error", 1, 210) == [None]


def test_an_old_past_fades_so_that_a_trunk_is_held_against_its_lately() -> None:
    """2,000 bad calls last year, 1,000 good ones since: it has changed if it is bad again."""
    trunk = Trunk()
    run(trunk, "not_responding", 2000)
    run(trunk, "answered", 3000, 3000)
    assert any(run(trunk, "not_responding", 8, 7000))
    assert trunk._calls < 1100


def test_calls_that_are_up_are_counted_and_their_most_remembered() -> None:
    trunk = Trunk()
    for _ in range(3):
        trunk.answered()
    trunk.ended()
    assert (trunk.up, trunk.most_up) == (2, 3)
    for _ in range(5):
        trunk.ended()
    assert trunk.up == 0


def test_what_183_is_ahead_typically_is_the_median_of_the_latest() -> None:
    trunk = Trunk()
    assert trunk.typical_early() == 0
    for ahead in (9, 9, 12):
        trunk.rang_after(ahead * SECOND)
    assert trunk.typical_early() == 9 * SECOND
    for _ in range(60):
        trunk.rang_after(2 * SECOND)
    assert (trunk.typical_early(), len(trunk.early)) == (2 * SECOND, 50)


def test_a_trunk_fits_into_memory() -> None:
    """Ten calls, some bytes each."""
    assert RECENT_CALLS <= 10
