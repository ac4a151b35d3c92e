"""Attacks in their short form: ``make hostile`` runs them whole."""

from __future__ import annotations

import pytest

from bench.hostile import ATTACKS, complaints, run
from bench.hostile_live import ATTACKS as LIVE
from bench.hostile_replay import ATTACKS as REPLAYED
from bench.hostile_run import runs
from bench.rows import Row, load
from docs.hostile import table
from tests.e2e import net

SCALE = 0.125


@pytest.mark.slow
@pytest.mark.parametrize("name", ATTACKS)
def test_honest_calls_are_told_right_beside_an_attack_and_memory_stays_in_its_bounds(name: str) -> None:
    assert complaints(run(name, SCALE), SCALE) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", [*REPLAYED, *LIVE])
def test_a_process_that_is_attacked_keeps_its_bounds(name: str) -> None:
    if name in LIVE and (trouble := net.trouble()):
        pytest.skip(f"needs root and network namespaces: {trouble}")
    assert runs()[name](SCALE).complaints == []


def test_the_page_has_a_row_for_every_attack_that_there_is() -> None:
    """Otherwise: make hostile."""
    assert [row.name for row in load()] == list(runs())


def test_what_is_out_of_bounds_stands_on_the_page() -> None:
    rows = [
        Row("good", "this", "all of it", "none", "none", measured="today"),
        Row("bad", "that", "all of it", "half", "none", ["half of it"], 0.5, "yesterday"),
    ]
    assert table(rows).splitlines() == [
        "Measured today; yesterday.",
        "",
        "| attack or fault | before | now | asserted | within |",
        "| --- | --- | --- | --- | --- |",
        "| this | all of it | none | none | yes |",
        "| that (measured at 0.5 of its length) | all of it | half | none | **no** |",
        "",
        "Out of bounds:",
        "",
        "- bad: half of it",
    ]
