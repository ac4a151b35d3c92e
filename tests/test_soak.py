"""A short form of the soak: ``make soak`` runs it for half an hour."""

from __future__ import annotations

import pytest

from bench.soak import soak
from tests.e2e import net


@pytest.mark.slow
def test_a_line_that_loses_doubles_and_swaps_is_counted_as_in_a_replay_and_nothing_grows() -> None:
    if trouble := net.trouble():
        pytest.skip(f"needs root and network namespaces: {trouble}")
    report = soak(60, rate=8, scrape_every=1, change_every=8)
    assert report.complaints == []
    assert report.scrapes >= 40
    assert report.changes >= 5
    assert report.left_alone > 30
    assert min(report.frames[what] for what in ("lost", "late", "doubled", "swapped")) > 0
