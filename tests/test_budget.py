"""How memory is shared out, and how sizes are written."""

from __future__ import annotations

import pytest

from sipwatch.budget import DEFAULT_MEMORY, MEBIBYTE, read_size, shared_out, written_size


def test_every_kind_of_table_has_a_tenth_or_more_and_all_together_no_more_than_there_is() -> None:
    budget = shared_out(DEFAULT_MEMORY)
    assert min(budget) >= DEFAULT_MEMORY // 10
    assert sum(budget) <= DEFAULT_MEMORY


@pytest.mark.parametrize(
    ("text", "size"),
    [("256 MiB", 256 * MEBIBYTE), ("2GiB", 2048 * MEBIBYTE), ("64 MB", 64_000_000), ("1 KiB", 1024)],
)
def test_a_size_is_read(text: str, size: int) -> None:
    assert read_size(text) == size


@pytest.mark.parametrize(
    "text", ["", "256", "MiB", "1.5 GiB", "-1 MiB", "256 mib", "256 MiB/s", "\u00b25 MiB", "9999999999 GiB"]
)
def test_what_is_no_size_is_refused(text: str) -> None:
    assert read_size(text) is None


@pytest.mark.parametrize("text", ["256 MiB", "2 GiB", "1536 MiB", "40 KiB"])
def test_a_size_is_written_as_it_is_read(text: str) -> None:
    size = read_size(text)
    assert size is not None
    assert written_size(size) == text


def test_what_no_unit_holds_exactly_is_written_in_bytes() -> None:
    assert written_size(1000) == "1000 bytes"
