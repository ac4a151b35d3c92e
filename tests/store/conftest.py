"""Stores and spools that are closed when their test is over."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sipwatch.config import load
from tests.store.stored import Stored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DEMO = Path(__file__).resolve().parents[2] / "pcaps" / "demo.pcap"


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Callable[..., Stored]]:
    """Return what makes a store, each time in the same folder."""
    made: list[Stored] = []

    def make(*given: Any, **more: Any) -> Stored:
        for before in made:
            before.close()
        made.append(Stored(tmp_path / "store", *given, **more))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def store(stores: Callable[..., Stored]) -> Stored:
    """Return a store without bounds, that keeps every message."""
    return stores()


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    """Return a store of the demonstration with all of its messages, to be read only."""
    store = Stored(tmp_path_factory.mktemp("demo") / "store")
    store.capture(DEMO, load(str(DEMO.with_suffix(".toml"))).settings)
    yield store
    store.close()
