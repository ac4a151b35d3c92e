"""The table of outcomes (OUTCOMES §1): a row for each, and what is derived from its columns."""

from __future__ import annotations

import pytest

from sipwatch.classify import outcomes
from sipwatch.classify.causes import BY_CAUSE, BY_STATUS
from sipwatch.classify.outcomes import FAILED, FAULTS, ROWS, Category, Is, Outcome, distinct_name


def test_every_outcome_has_its_row_in_the_order_of_the_list() -> None:
    assert list(ROWS) == list(Outcome)


def test_every_category_and_every_column_is_some_outcomes() -> None:
    assert {row.category for row in ROWS.values()} == set(Category)
    assert [column for column in Is if not any(column in row.also for row in ROWS.values())] == []


def test_names_are_told_apart_where_contact_centres_use_one_for_two() -> None:
    shared = [outcome for outcome in Outcome if distinct_name(outcome) != outcome.plain_name]
    assert shared == [Outcome.ANSWERED_ELSEWHERE, Outcome.REDIRECTED]
    assert len({distinct_name(outcome) for outcome in Outcome}) == len(Outcome)


def test_faults_are_failures_and_no_success_is_one() -> None:
    assert set(FAULTS) < set(FAILED) < set(Category)
    assert not outcomes.FAILURES & {"answered", "answered_elsewhere", "redirected", "unfinished", "retried"}


@pytest.mark.parametrize("column", [outcomes.MISSED, outcomes.TURNED_DOWN, outcomes.TRUNKS_FAULT])
def test_what_worries_somebody_is_a_failure(column: frozenset[str]) -> None:
    assert column < outcomes.FAILURES


def test_no_call_is_followed_by_its_own_next_invite_and_no_rule_says_that_no_verdict_fell() -> None:
    assert set(Outcome) - set(outcomes.OF_CALLS) == {Outcome.RETRIED}
    assert set(outcomes.OF_CALLS) - set(outcomes.RULABLE) == {Outcome.UNFINISHED}


def test_what_a_device_turns_down_is_never_by_silence_of_the_network_alone() -> None:
    """Of those only a device that is silent itself is one: the others name the way to it."""
    technical = {word for word in outcomes.TURNED_DOWN if Outcome(word).category is Category.TECHNICAL}
    assert technical == {Outcome.NOT_RESPONDING}


def test_what_codes_and_causes_lead_to_can_end_a_call() -> None:
    assert {*BY_STATUS.values(), *BY_CAUSE.values()} <= set(outcomes.OF_CALLS)
