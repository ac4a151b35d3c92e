"""A short form of what ``make bench-store`` measures: how late packets are taken while pages are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.beside import PAGES, measure
from bench.store import fill

if TYPE_CHECKING:
    from pathlib import Path

CALLS = 30_000
SECONDS = 6.0
LATE = 50.0  # ms, ten times what is wanted on a machine that does nothing else
PACKETS = 1_000  # a second, at least: of 1,400


@pytest.mark.slow
def test_packets_are_taken_in_time_while_four_clients_ask_for_pages_without_a_pause(tmp_path: Path) -> None:
    """On a machine that is late by itself, as many times later as a page may make it."""
    fill(tmp_path, CALLS)
    nobody, pages = measure(tmp_path, [("nothing", ()), ("pages", PAGES)], SECONDS)
    assert min(nobody.packets, pages.packets) > PACKETS * (SECONDS - 1)
    assert pages.answers >= len(PAGES)
    assert pages.p99 < max(LATE, 10 * nobody.p99)
