"""What became of a call, by the name that people use: "Agent busy" of agents, "Busy" of everybody else."""

from __future__ import annotations

from sipwatch.classify.offers import Offered
from sipwatch.classify.outcomes import Outcome
from sipwatch.export.naming import is_others_busy, name_of_any, name_of_call, name_of_leg, plain_name
from tests.each import for_each
from tests.export.records import call, leg


def test_every_outcome_has_a_plain_name_of_its_own() -> None:
    assert len({plain_name(outcome.value) for outcome in Outcome}) == len(Outcome)


@for_each("how", [Offered.BUSY, Offered.IDLE_BUSY])
def test_agent_busy_is_said_of_a_device_that_was_busy(how: Offered) -> None:
    one = leg(outcome="busy", offered=how.value)
    assert (name_of_leg(one), name_of_call(call(legs=[leg(outcome="busy"), one]))) == ("Agent busy", "Agent busy")


@for_each("how", [None, *(how for how in Offered if how not in (Offered.BUSY, Offered.IDLE_BUSY))])
def test_whoever_else_is_busy_is_just_busy(how: Offered | None) -> None:
    """Also where a device was offered the call besides, and did something else with it."""
    one = leg(outcome="busy", offered=None if how is None else how.value)
    assert (name_of_leg(one), name_of_call(call(legs=[one]))) == ("Busy", "Busy")


@for_each("outcome", [outcome for outcome in Outcome if outcome is not Outcome.BUSY])
def test_any_other_outcome_has_one_name_whoever_it_is_of(outcome: Outcome) -> None:
    """Also of a call that an agent was too busy for, and that came to something else in the end."""
    legs = [leg(outcome="busy", offered="busy"), leg(outcome=outcome.value)]
    names = {name_of_call(call(outcome.value, legs=legs)), name_of_leg(legs[1]), name_of_any(outcome.value)}
    assert names == {plain_name(outcome.value)}


def test_of_agents_and_others_together_what_is_true_of_both_is_said() -> None:
    assert name_of_any("busy") == "Busy"


def test_the_busy_who_are_no_agents_are_told_apart() -> None:
    agents, others = call(legs=[leg(outcome="busy", offered="busy")]), call(legs=[leg(outcome="busy")])
    assert [is_others_busy(one) for one in (agents, others, call("no_answer", legs=[leg(outcome="busy")]))] == [
        False,
        True,
        False,
    ]
