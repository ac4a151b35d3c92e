"""One test for many rows that cost little each: it tries every row, and its failure names each one that is wrong.

Must not know: any test.
"""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable


def for_each(
    names: str, rows: Collection[Any], ids: Callable[[Any], object] | Iterable[object] = str
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a test every row in turn, as ``pytest.mark.parametrize`` would give each to a test of its own.

    ``ids`` are what the rows are called in a failure, or what tells that of a row.
    """
    assert rows, "a test of nothing"
    called = [ids(row) for row in rows] if callable(ids) else list(ids)
    arguments = [name.strip() for name in names.split(",")]

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        def every(**fixtures: Any) -> None:
            wrong = []
            for name, row in zip(called, rows, strict=True):
                values = row if len(arguments) > 1 else [row]
                try:
                    test(**dict(zip(arguments, values, strict=True)), **fixtures)
                except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001, every row is told
                    wrong.append(f"{name}: {type(error).__name__}: {error}")
            assert not wrong, f"{len(wrong)} of {len(rows)} are wrong:\n" + "\n".join(wrong)

        functools.update_wrapper(every, test)
        taken = inspect.signature(test)
        others = [one for name, one in taken.parameters.items() if name not in arguments]
        every.__signature__ = taken.replace(parameters=others)  # type: ignore[attr-defined] # pytest asks for fixtures by it
        return every

    return decorate
