"""Answers that are made in steps: how many there are, and what the last one gives.

Must not know: what is asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Generator

T = TypeVar("T")


def end_of(steps: Generator[None, None, T]) -> T:
    """Take all steps; return what the last one gives."""
    return taken(steps)[1]


def taken(steps: Generator[None, None, T]) -> tuple[int, T]:
    """Take all steps; return how often it paused, and what the last one gives."""
    pauses = 0
    while True:
        try:
            next(steps)
        except StopIteration as end:
            answer: T = end.value
            return pauses, answer
        pauses += 1
