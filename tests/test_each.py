"""A test of many rows: every row is tried, and each that is wrong is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.each import for_each

if TYPE_CHECKING:
    from pathlib import Path


def test_every_row_is_tried_and_every_wrong_one_named() -> None:
    tried = []

    @for_each("number", [1, 2, 3, 4], ids=lambda number: f"row-{number}")
    def odd(number: int) -> None:
        tried.append(number)
        assert number % 2, "even"

    with pytest.raises(AssertionError) as failure:
        odd()
    assert tried == [1, 2, 3, 4]
    assert "2 of 4 are wrong" in str(failure.value)
    assert [number for number in range(1, 5) if f"row-{number}: AssertionError: even" in str(failure.value)] == [2, 4]


def test_rows_may_have_names_of_their_own() -> None:
    @for_each("number", [1, 2], ids=["odd", "even"])
    def odd(number: int) -> None:
        assert number % 2, "even"

    with pytest.raises(AssertionError, match=r"1 of 2 are wrong:\neven: AssertionError: even"):
        odd()


def test_what_fails_by_name_or_by_accident_is_told_as_well() -> None:
    @for_each("number", [0, 1])
    def divided(number: int) -> None:
        if 1 // number:
            pytest.fail("said so")

    with pytest.raises(AssertionError, match=r"0: ZeroDivisionError: .*\n1: Failed: said so"):
        divided()


@for_each("text, size", [("a", 1), ("bb", 2)])
def test_rows_of_several_values_go_with_fixtures(text: str, size: int, tmp_path: Path) -> None:
    assert len(text) == size
    assert tmp_path.is_dir()


def test_no_rows_are_no_test() -> None:
    with pytest.raises(AssertionError, match="a test of nothing"):
        for_each("row", [])
