"""The queue fires by deadline and age alone, however often it is asked."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sipwatch.track.timers import HORIZON, MAX_STALE, NEVER, SLICE, Timed, TimerQueue


class Alarm(Timed):
    """Fires at each of its moments."""

    def __init__(self, serial: int, moments: list[int], log: list[tuple[int, int]]) -> None:
        super().__init__(serial)
        self.moments = sorted(set(moments))
        self.log = log

    def deadline(self) -> int:
        return self.moments[0] if self.moments else NEVER

    def expire(self, now: int) -> None:
        assert now == self.moments.pop(0)
        self.log.append((now, self.serial))


def run(alarms: list[list[int]], looks: list[int]) -> list[tuple[int, int]]:
    """Return what fired, in order, when somebody looks at the given moments."""
    log: list[tuple[int, int]] = []
    queue = TimerQueue()
    for serial, moments in enumerate(alarms):
        alarm = Alarm(serial, moments, log)
        if moments:
            queue.watch(alarm, min(moments) // 2)
    for look in sorted(looks):
        queue.advance(look)
    queue.advance(1000 * HORIZON)
    assert len(queue) == 0
    assert queue.next == NEVER
    return log


moment = st.integers(min_value=1, max_value=400 * HORIZON) | st.integers(min_value=1, max_value=4 * SLICE)


@given(st.lists(st.lists(moment, max_size=5), max_size=8), st.lists(moment, max_size=20))
def test_idle_ticks_change_neither_what_fires_nor_its_order(alarms: list[list[int]], looks: list[int]) -> None:
    """Law 1: each at its own deadline, ties by age."""
    expected = sorted((m, serial) for serial, moments in enumerate(alarms) for m in set(moments))
    assert run(alarms, looks) == run(alarms, []) == expected


def test_an_earlier_watch_replaces_a_later_one() -> None:
    """A deadline that comes nearer is met."""
    log: list[tuple[int, int]] = []
    queue = TimerQueue()
    alarm = Alarm(1, [10, 50], log)
    queue.watch(alarm, 50)
    queue.watch(alarm, 10)
    queue.advance(49)
    assert log == [(10, 1)]
    queue.advance(50)
    assert log == [(10, 1), (50, 1)]


def test_what_is_due_in_the_slice_at_work_fires_in_its_turn() -> None:
    """Entries are sorted when their slice of time begins; one that comes later finds its place among them."""
    log: list[tuple[int, int]] = []
    queue = TimerQueue()
    first, last = SLICE + 10, SLICE + 30
    for serial, at in ((1, first), (2, last)):
        queue.watch(Alarm(serial, [at], log), at)
    queue.advance(first)
    between = Alarm(3, [SLICE + 20], log)
    queue.watch(between, between.deadline())
    assert queue.next == between.moments[0]
    queue.advance(2 * SLICE)
    assert log == [(first, 1), (SLICE + 20, 3), (last, 2)]


def test_nothing_is_due_before_next() -> None:
    queue = TimerQueue()
    alarm = Alarm(1, [5 * SLICE + 1], [])
    queue.watch(alarm, alarm.deadline())
    assert SLICE < queue.next <= 5 * SLICE + 1
    queue.watch(Alarm(2, [2 * SLICE + 7], []), 2 * SLICE + 7)
    assert queue.next <= 2 * SLICE + 7


def test_what_is_forgotten_does_not_fire() -> None:
    log: list[tuple[int, int]] = []
    queue = TimerQueue()
    gone, stays = Alarm(1, [10], log), Alarm(2, [10], log)
    for alarm in (gone, stays):
        queue.watch(alarm, 10)
    queue.forget(gone)
    queue.forget(gone)
    queue.advance(20)
    assert log == [(10, 2)]


def test_what_is_forgotten_leaves_the_queue_long_before_its_time() -> None:
    """An attacker's calls that were given up are not held until their timers would have fired."""
    log: list[tuple[int, int]] = []
    queue = TimerQueue()
    alarms = [Alarm(serial, [HORIZON + serial], log) for serial in range(10_000)]
    for alarm in alarms:
        queue.watch(alarm, alarm.deadline())
    for alarm in alarms[:-1]:
        queue.forget(alarm)
    assert len(queue) <= 2 * MAX_STALE
    queue.advance(3 * HORIZON)
    assert log == [(HORIZON + 9_999, 9_999)]
    assert queue.next == NEVER


def test_entries_that_an_earlier_one_replaced_count_among_those_that_go() -> None:
    """Whoever holds an entry holds what it is about: calls that were given up, with all their messages."""
    log: list[tuple[int, int]] = []
    queue = TimerQueue()
    alarms = [Alarm(serial, [100], log) for serial in range(2 * MAX_STALE)]
    for alarm in alarms:
        queue.watch(alarm, 50)
        queue.watch(alarm, 10)
    queue.advance(20)
    for alarm in alarms:
        queue.forget(alarm)
    assert len(queue) <= MAX_STALE
    assert log == []
