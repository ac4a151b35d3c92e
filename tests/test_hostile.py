"""Attacks on the engine, in their short form: ``make hostile`` runs them whole."""

from __future__ import annotations

import pytest

from bench.hostile import ATTACKS, complaints, run

SCALE = 0.125


@pytest.mark.slow
@pytest.mark.parametrize("name", ATTACKS)
def test_honest_calls_are_told_right_beside_an_attack_and_memory_stays_in_its_bounds(name: str) -> None:
    assert complaints(run(name, SCALE), SCALE) == []
