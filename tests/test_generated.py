"""Truth: calls of known fate, made at random and wrapped in everything, are judged right, whatever the seed.

``SEEDS=1000 pytest -m '' tests/test_generated.py`` tries more.
"""

from __future__ import annotations

import os
from random import Random

import pytest

from sipwatch.classify.outcomes import Outcome
from tests.generator import FATES, World
from tests.replay import feed
from tests.wire import frames as f

SEEDS = int(os.environ.get("SEEDS", "150"))


@pytest.mark.parametrize(
    "seed", [*range(SEEDS // 2), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(SEEDS // 2, SEEDS))]
)
def test_every_call_is_judged_right(seed: int) -> None:
    """100 %: each call once, with its outcome."""
    world = World(Random(seed))
    found = {call.call_id: call.outcome for call in feed(world.frames(), last=world.frames()[-1][0])}
    assert found == world.fates, "\n".join([f"seed {seed}", *world.story])


def test_the_generator_reaches_everything() -> None:
    """Over its seeds it uses every link layer and tunnel, and every fate."""
    stories = "\n".join(line for seed in range(SEEDS) for line in World(Random(seed)).story)
    assert all(f"link {link}" in stories for link in f.LINKS)
    assert all(f"tunnel {tunnel}" in stories for tunnel in f.TUNNELS)
    assert all(fate.outcome in stories for fate in FATES)


def test_fates_cover_what_a_capture_can_tell() -> None:
    """All but those that need a second call or a setting of their own."""
    missing = set(Outcome) - {fate.outcome for fate in FATES}
    assert missing == {Outcome.RETRIED, Outcome.UNFINISHED, Outcome.ANSWERED_ELSEWHERE, Outcome.AUTH_FAILED}
