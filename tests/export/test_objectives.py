"""Rules of objectives as a text: what they count, and that names and numbers stand in it as they were written.

What the rules do is seen in tests/grafana/test_objectives.py, by Prometheus itself.
"""

from __future__ import annotations

import yaml

from sipwatch.classify.outcomes import Category, Outcome
from sipwatch.export.objectives import BURNS, Objective, alert_rules, budget_of, rule_groups, rules_text
from tests.each import for_each


def test_the_windows_and_rates_are_those_of_the_workbook() -> None:
    """The Site Reliability Workbook, table 5-8: 2 % of a month's budget in an hour, 5 % in six, 10 % in three days."""
    hours = {"5m": 1 / 12, "30m": 0.5, "1h": 1, "6h": 6, "3d": 72}
    spent = [round(burn.factor * hours[burn.long] / (30 * 24), 4) for burn in BURNS]
    assert spent == [0.02, 0.05, 0.1]
    assert [hours[burn.long] / hours[burn.short] for burn in BURNS] == [12, 12, 12]


def test_every_peer_has_its_goal_and_the_others_are_not_counted() -> None:
    groups = rule_groups([Objective("acme", 0.98), Objective("a.b:c-d_e", 0.999)])
    goals = [rule for rule in groups[0]["rules"] if "labels" in rule]
    assert [(rule["labels"]["destination"], rule["expr"]) for rule in goals] == [
        ("acme", "vector(0.98)"),
        ("a.b:c-d_e", "vector(0.999)"),
    ]
    counting = [rule["expr"] for group in groups for rule in group["rules"] if "increase(" in rule["expr"]]
    assert len(counting) == 10
    assert all('destination=~"acme|a[.]b:c-d_e"' in query for query in counting)


def test_bad_is_technical_and_capacity_and_all_is_what_has_an_outcome() -> None:
    groups = rule_groups([Objective("acme", 0.98)])
    counting = {rule["record"]: rule["expr"] for group in groups for rule in group["rules"] if "record" in rule}
    assert (
        f'category=~"{Category.TECHNICAL}|{Category.CAPACITY}"'
        in counting["destination:sipwatch_calls_faulty:increase1h"]
    )
    assert f'outcome!="{Outcome.UNFINISHED}"' in counting["destination:sipwatch_calls:increase1h"]


def test_the_text_is_what_was_meant_and_says_what_it_was_made_of() -> None:
    wanted = [Objective("acme", 0.98)]
    text = rules_text(wanted, "sipwatch.toml")
    assert text.startswith("# Goals of peers, made of sipwatch.toml by: sipwatch rules.")
    assert yaml.safe_load(text) == {"groups": rule_groups(wanted)}


@for_each("rule", alert_rules(), ids=lambda rule: rule["alert"])
def test_an_alert_names_its_peer_and_its_figure(rule: dict[str, dict[str, str]]) -> None:
    assert "$labels.destination" in rule["annotations"]["summary"]
    assert "$value" in rule["annotations"]["summary"]


@for_each(
    "calls, faults, allowed, left",
    [(1000, 5, 20.0, 0.75), (1000, 0, 20.0, 1.0), (1000, 20, 20.0, 0.0), (1000, 50, 20.0, -1.5), (10, 1, 0.2, -4.0)],
)
def test_the_budget_is_what_an_objective_allows_less_what_failed(
    calls: int, faults: int, allowed: float, left: float
) -> None:
    """98 % of 1,000 calls: 20 may fail by a fault."""
    found = budget_of(0.98, calls, faults)
    assert found is not None
    assert (found.calls, found.faults, found.allowed, round(found.left, 9)) == (calls, faults, allowed, left)


def test_no_calls_use_no_budget() -> None:
    assert budget_of(0.98, 0, 0) is None
