"""Registrations added up: whatever the order, the latest counts, and a row of failures goes on over midnight."""

from __future__ import annotations

from functools import reduce
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from sipwatch.export.registrations import RegistrationState
from sipwatch.store.registrations import RegistrationRow, digits_of, registration_record, row_of_attempt, state_of
from sipwatch.track.events import RegistrationOutcome
from tests.export.records import at
from tests.store.attempts import attempt


def together(*attempts: tuple[float, str]) -> RegistrationRow:
    """Return what attempts come to, taken in this order."""
    return reduce(RegistrationRow.joined, [row_of_attempt(attempt(*one)) for one in attempts])


def test_one_attempt_is_a_row() -> None:
    row = row_of_attempt(attempt(5, "refused", status_code=403))
    assert (row.refused, row.outcome, row.status_code) == (1, "refused", 403)
    assert (row.first, row.last, row.failed, row.succeeded) == (at(5), at(5), at(5), 0)
    assert (row.streak, row.failing_since) == (1, at(5))
    assert not row.proved


def test_failures_in_a_row_count_from_the_last_success() -> None:
    row = together((0, "refused"), (10, "registered"), (20, "auth_failed"), (30, "not_responding"))
    assert (row.streak, row.failing_since, row.succeeded, row.failed) == (2, at(20), at(10), at(30))
    assert state_of(row) is RegistrationState.FAILING
    assert state_of(row.joined(row_of_attempt(attempt(40)))) is RegistrationState.REGISTERED


def test_what_is_known_late_is_not_taken_for_the_latest() -> None:
    """An attempt that nobody answers has its result after 32 s, when another may have succeeded long since."""
    row = together((10, "registered"), (5, "not_responding"))
    assert (row.outcome, row.streak, row.failed) == ("registered", 0, at(5))
    assert state_of(row) is RegistrationState.REGISTERED


def test_an_attempt_without_an_end_says_nothing_about_the_latest() -> None:
    row = together((0, "registered"), (10, "unfinished"))
    assert (row.outcome, row.unfinished, row.last) == ("registered", 1, at(0))
    assert state_of(together((0, "unfinished"))) is RegistrationState.UNKNOWN


def test_what_ran_out_is_not_registered_any_more_unless_another_binding_is_there() -> None:
    """A phone that was started anew leaves the binding of its old port behind, to run out by itself."""
    row = together((0, "registered"), (3600, "expired"))
    assert (state_of(row), row.ran_out, row.expired) == (RegistrationState.RAN_OUT, at(3600), 1)
    again = row.joined(row_of_attempt(attempt(4000)))
    assert state_of(again) is RegistrationState.REGISTERED
    assert (
        state_of(together((0, "registered"), (1800, "registered"), (3600, "expired"))) is RegistrationState.REGISTERED
    )


def test_what_ran_out_on_a_day_without_any_attempt_is_told_all_the_same() -> None:
    """It was registered yesterday."""
    row = row_of_attempt(attempt(50, "expired"))
    record = registration_record(row)
    assert (record.state, record.attempts, record.last, record.first) == (RegistrationState.RAN_OUT, 0, None, None)
    assert (record.expired, record.ran_out, record.outcome) == (1, at(50), None)
    assert row.proved


def test_who_signs_off_is_neither_registered_nor_failing() -> None:
    row = together((0, "registered"), (10, "removed"))
    assert state_of(row) is RegistrationState.REMOVED
    assert (row.until, row.expires) == (0, 0)


def test_two_days_make_one_streak_and_of_what_was_added_up_before_only_what_is_sure_counts() -> None:
    yesterday = together((0, "registered"), (10, "refused"), (20, "refused"))
    today = together((100, "refused"), (110, "refused"))
    assert yesterday.joined(today)[-2:] == (4, at(10))
    assert today.joined(yesterday)[-2:] == (4, at(10))
    between = row_of_attempt(attempt(15))  # from a file that is read late: how many failed behind it nobody knows
    assert yesterday.joined(between)[-2:] == (1, at(20))


ATTEMPTS = st.lists(
    st.tuples(st.integers(0, 50), st.sampled_from([*RegistrationOutcome, "expired"])),
    min_size=2,
    max_size=4,
    unique_by=lambda one: one[0],
)


@given(ATTEMPTS)
def test_the_order_in_which_attempts_are_added_changes_nothing_but_the_length_of_a_streak(
    attempts: list[tuple[int, str]],
) -> None:
    """What was found once stays sure: a shorter streak than there was, never a longer one."""
    rows = [together(*order) for order in permutations(attempts)]
    assert len({row[:-2] for row in rows}) == 1
    assert len({state_of(row) for row in rows}) == 1
    in_order = together(*sorted(attempts))
    assert all(row.streak <= in_order.streak for row in rows)
    assert all((row.streak > 0) == (in_order.streak > 0) for row in rows)


def test_the_record_has_null_where_nothing_was_seen() -> None:
    record = registration_record(row_of_attempt(attempt(0, "not_responding", user_agent="", status_code=0)))
    assert (record.user_agent, record.status_code, record.succeeded, record.until) == (None, None, None, None)
    assert (record.attempts, record.failures, record.failing_since) == (1, 1, at(0))


def test_a_number_is_found_by_its_digits_turned_and_a_name_is_none() -> None:
    found = [
        digits_of(aor) for aor in ("sip:4711@pbx.example", "tel:+4930123", "sip:alice@pbx.example", "sip:x.example")
    ]
    assert found == ["1174", "3210394", None, None]
