"""What all tests share: the captures that are not ours, and the seeds of random tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.thorough import PROFILE, SHARE

ROOT = Path(__file__).resolve().parent.parent

# What tests write is as wide as they say: workers of xdist get the width of the terminal that runs them.
os.environ.pop("COLUMNS", None)

# The machine may be busy: a deadline would make tests fail that have nothing wrong with them.
settings.register_profile("full", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("default", parent=settings.get_profile("full"), max_examples=100 // SHARE)
settings.register_profile("thorough", parent=settings.get_profile("full"), max_examples=2_000)
settings.load_profile(PROFILE)


@pytest.fixture(scope="session")
def foreign_captures() -> Path:
    """Return the folder of captures that sipwatch's authors did not make; skip where it is absent."""
    folder = Path(os.environ.get("SIPWATCH_CAPTURES", ROOT.parent / "shared" / "captures"))
    if not folder.is_dir():
        pytest.skip(f"no foreign captures at {folder}; SIPWATCH_CAPTURES may name another folder")
    return folder
