"""Which files go: by age, bytes, calls; messages before calls, the oldest first, today's never."""

from __future__ import annotations

from pathlib import Path

from sipwatch.store.bounds import beyond, outdated
from sipwatch.store.days import DayFile
from sipwatch.store.settings import StoreSettings

FILES = sorted(
    DayFile(f"2026-01-0{day}", kind, Path(f"{day}.{kind}"), size)
    for day in range(1, 6)
    for kind, size in (("calls", 10), ("messages", 30))
)
TODAY = "2026-01-05"
CALLS = {f"2026-01-0{day}": 100 for day in range(1, 6)}


def names(files: list[DayFile]) -> list[str]:
    return [str(file.path) for file in files]


def test_days_are_kept_so_long_and_their_messages_shorter() -> None:
    """Three days: today, and the three before it."""
    settings = StoreSettings(days=3, message_days=1)
    assert names(outdated(FILES, settings, TODAY)) == ["1.calls", "1.messages", "2.messages", "3.messages"]
    assert outdated(FILES, StoreSettings(days=None, message_days=None), TODAY) == []


def test_messages_go_no_later_than_their_calls() -> None:
    """Nobody could find them."""
    assert names(outdated(FILES, StoreSettings(days=2, message_days=None), TODAY)) == [
        "1.calls", "1.messages", "2.calls", "2.messages",
    ]  # fmt: skip


def test_for_bytes_all_old_messages_go_before_the_first_calls() -> None:
    """Of 200 bytes 120 are messages of days before today, 40 calls of such."""
    assert names(beyond(FILES, StoreSettings(size=200), CALLS, TODAY)) == []
    assert names(beyond(FILES, StoreSettings(size=199), CALLS, TODAY)) == ["1.messages"]
    assert names(beyond(FILES, StoreSettings(size=75), CALLS, TODAY)) == [
        "1.messages", "2.messages", "3.messages", "4.messages", "1.calls",
    ]  # fmt: skip
    assert len(beyond(FILES, StoreSettings(size=0), CALLS, TODAY)) == 8  # not today's


def test_for_the_number_of_calls_whole_days_go() -> None:
    settings = StoreSettings(size=None, calls=350)
    assert names(beyond(FILES, settings, CALLS, TODAY)) == ["1.calls", "1.messages", "2.calls", "2.messages"]
    assert beyond(FILES, StoreSettings(size=None, calls=500), CALLS, TODAY) == []
