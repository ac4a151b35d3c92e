"""The small checks that every part of the configuration is made of; each complaint knows its line.

Must not know: which tables and keys there are.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, NoReturn

from sipwatch.budget import read_size, written_size
from sipwatch.config.lines import Where, lines_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_MAX_QUOTE_LENGTH = 200  # characters of a wrong value that are repeated


class ConfigError(Exception):
    """A configuration that cannot be used; the text is one line."""


class Checks:
    """Checks of one document. ``where`` is the path to a value: keys, and places in lists."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self._lines = lines_of(text)

    def required(self, table: dict[str, Any], key: str, where: Where) -> Any:
        """Return the value of a key that must be there."""
        if key not in table:
            raise ConfigError(f"{self.at(where)}: {key} is missing")
        return table[key]

    def table(self, value: object, where: Where) -> dict[str, Any]:
        """Return a table."""
        if not isinstance(value, dict):
            self.complain(where, value, "a table")
        return value

    def tables(self, value: object, name: str, where: Where) -> list[dict[str, Any]]:
        """Return an array of tables; ``name`` is what stands in each head."""
        if not isinstance(value, list):
            self.complain(where, value, f"tables, each headed [[{name}]]")
        return [self.table(one, (*where, place)) for place, one in enumerate(value)]

    def known(self, table: Mapping[str, object], keys: Iterable[str], where: Where) -> None:
        """Make sure that a table has no other keys than these."""
        for key in table:
            if key not in keys:
                near = difflib.get_close_matches(key, list(keys), n=1)
                hint = f"did you mean {near[0]}?" if near else f"expected one of {', '.join(keys)}"
                raise ConfigError(f"{self.at((*where, key))}: unknown key {key!r}; {hint}")

    def one_of(self, value: object, words: Iterable[str], where: Where) -> str:
        """Return a value that is one of these words."""
        words = list(words)
        if value not in words:
            self.complain(where, value, f"one of {', '.join(words)}{nearest(value, words)}")
        return str(value)

    def number(self, table: dict[str, Any], key: str, least: int, most: int, where: Where) -> int | None:
        """Return the value of a key that is a whole number, None if the key is not there."""
        value = table.get(key)
        if value is None:
            return None
        if type(value) is not int or not least <= value <= most:
            self.complain((*where, key), value, f"a whole number from {least} to {most}")
        return value

    def share(self, table: dict[str, Any], key: str, where: Where) -> float | None:
        """Return the value of a key that is a share, from 0 to 1, None if the key is not there."""
        value = table.get(key)
        if value is None:
            return None
        if type(value) not in (int, float) or not 0 <= value <= 1:
            self.complain((*where, key), value, "a number from 0 to 1, such as 0.01 for one in a hundred")
        return float(value)

    def size(self, table: dict[str, Any], where: Where, default: int, least: int, most: int) -> int:
        """Return the value of a key that is a size, in bytes, the default if the key is not there."""
        key = str(where[-1])
        if key not in table:
            return default
        given = table[key]
        size = read_size(given) if isinstance(given, str) else None
        if size is None or not least <= size <= most:
            span = f"from {written_size(least)} to {written_size(most)}"
            self.complain(where, given, f'a size {span}, such as "{written_size(2 * default)}"')
        return size

    def flag(self, table: dict[str, Any], key: str, where: Where) -> bool | None:
        """Return the value of a key that is true or false, None if the key is not there."""
        value = table.get(key)
        if value is not None and not isinstance(value, bool):
            self.complain((*where, key), value, "true or false")
        return value

    def text(self, value: object, expected: str, where: Where) -> str:
        """Return a value that is a text and not empty."""
        if not isinstance(value, str) or not value:
            self.complain(where, value, expected)
        return value

    def texts(self, value: object, expected: str, where: Where) -> list[str]:
        """Return a list of texts that has at least one."""
        if not isinstance(value, list) or not value:
            self.complain(where, value, f"a list of {expected}")
        return [self.text(one, f"a text, {expected}", (*where, place)) for place, one in enumerate(value)]

    def complain(self, where: Where, value: object, expected: str) -> NoReturn:
        """Say which value is wrong, where it stands, and what was expected."""
        key = next((str(part) for part in reversed(where) if isinstance(part, str)), "")
        raise wrong(self.at(where), key, value, expected)

    def at(self, where: Where) -> str:
        """Say where something stands."""
        line = self.line(where)
        return f"{self.path}, line {line}" if line else self.path

    def line(self, where: Where) -> int:
        """Return the line of a value, or of what it stands in; 0 if not even that is known."""
        while where and where not in self._lines:
            where = where[:-1]
        return self._lines.get(where, 0)


def wrong(place: str, key: str, value: object, expected: str) -> ConfigError:
    """Return the complaint about a value that stands at a place."""
    quoted = repr(value)
    if len(quoted) > _MAX_QUOTE_LENGTH:
        quoted = f"{quoted[:_MAX_QUOTE_LENGTH]}..."
    return ConfigError(f"{place}: {key} = {quoted}: expected {expected}")


def nearest(value: object, words: Iterable[str]) -> str:
    """Return the question whether the most similar word was meant, "" if none is similar."""
    near = difflib.get_close_matches(str(value), list(words), n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""
