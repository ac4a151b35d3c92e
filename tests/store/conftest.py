"""Stores and spools that are closed when their test is over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.store.stored import Stored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


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
