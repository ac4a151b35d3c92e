"""Who is behind a number."""

from __future__ import annotations

import pytest

from sipwatch.classify.roster import Roster, RosterEntry

ANNA = RosterEntry("201", "Anna", "Sales")
BEN = RosterEntry("+49 30 1234567", "Ben")
CARA = RosterEntry("cara", "Cara", "Support")
ROSTER = Roster([ANNA, BEN, CARA], "DE")


@pytest.mark.parametrize(
    ("number", "found"),
    [
        ("201", ANNA),
        ("0201", None),  # an extension is another unless it is the same
        ("+49301234567", BEN),
        ("030 1234567", BEN),
        ("0049301234567", BEN),
        ("+43301234567", None),
        ("cara", CARA),
        ("Cara", None),
        ("", None),
    ],
)
def test_extensions_and_users_are_known_as_they_stand_and_full_numbers_in_any_notation(
    number: str, found: RosterEntry | None
) -> None:
    assert ROSTER.find(number) == found


def test_the_spelling_that_is_written_goes_before_another() -> None:
    national, international = RosterEntry("0301234567", "A"), RosterEntry("+49301234567", "B")
    for order in ([national, international], [international, national]):
        assert Roster(order, "DE").find("+49301234567") == international


def test_nobody_is_known_without_names() -> None:
    assert Roster().find("201") is None
