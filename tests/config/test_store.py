"""[store]: how much is kept for how long, and how every mistake is named."""

from __future__ import annotations

from sipwatch.budget import MEBIBYTE
from sipwatch.config import parse
from sipwatch.store.settings import GIBIBYTE, KeepMessages, StoreSettings
from tests.config.mistakes import complaint
from tests.each import for_each


def test_what_is_said_is_taken_and_the_rest_is_as_usual() -> None:
    assert parse("", "x").store == StoreSettings()
    text = '[store]\ndays = 90\nmessage_days = 0\ncalls = 5000\nsize = "2 GiB"\nspool = "64 MiB"\nmessages = "all"\nsample = 1\n'
    wanted = StoreSettings(90, 0, 5000, 2 * GIBIBYTE, 64 * MEBIBYTE, KeepMessages.ALL, 1.0)
    assert parse(text, "x").store == wanted


def test_messages_are_kept_no_longer_than_calls() -> None:
    """Without a word of them, as long as usual, or as long as calls."""
    assert parse("[store]\ndays = 3\n", "x").store.message_days == 3
    assert parse("[store]\ndays = 60\n", "x").store.message_days == StoreSettings().message_days


MISTAKES = [
    ("days", "days = 0", "days = 0: expected a whole number from 1 to 3650"),
    ("longer", "days = 5\nmessage_days = 6", "message_days = 6: expected not more than days = 5"),
    ("calls", "calls = 5", "calls = 5: expected a whole number from 1000 to 1000000000"),
    ("size", 'size = "1 MiB"', "size = '1 MiB': expected a size from 64 MiB to"),
    ("no-size", "size = 5", "size = 5: expected a size from"),
    ("spool", 'spool = "1 MiB"', "spool = '1 MiB': expected a size from 16 MiB to"),
    ("messages", 'messages = "some"', "messages = 'some': expected one of none, troubled, all"),
    ("sample", "sample = 2", "sample = 2: expected a number from 0 to 1"),
    ("no-share", "sample = true", "sample = True: expected a number from 0 to 1"),
    ("unknown", "day = 5", "unknown key 'day'; did you mean days?"),
]


@for_each("name, text, said", MISTAKES)
def test_every_mistake_is_named(name: str, text: str, said: str) -> None:
    """With its line, its value, and what was expected."""
    assert said in complaint(f"[store]\n{text}\n")
