"""On which line of a TOML text each table, key and list element stands: tomllib does not tell.

Must not know: what the keys mean.
"""

from __future__ import annotations

import re

Where = tuple[str | int, ...]

_HEADER = re.compile(r"(\[\[?)\s*([A-Za-z0-9_.\- ]+?)\s*\]\]?")
_KEY = re.compile(r'"?([A-Za-z0-9_\-]+)"?\s*=\s*(.*)')
_PART = re.compile(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'|#.*|[\[\]{}]|[^\s,\[\]{}#"\']+')


def lines_of(text: str) -> dict[Where, int]:
    """Map tables, keys and elements of lists to their lines; good enough for the shapes a configuration has.

    Headers and ``key = value`` at the beginning of a line are found; what stands inside a multi-line
    string is passed over, and so are the elements of lists within lists.
    """
    found: dict[Where, int] = {}
    table: Where = ()
    counts: dict[Where, int] = {}
    quote = ""
    items: _List | None = None
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if quote:
            quote = "" if quote in stripped else quote
        elif items is not None:
            items = items.read(stripped, number)
        elif header := _HEADER.match(stripped):
            table = _header(header[2].replace(" ", "").split("."), header[1] == "[[", counts)
            found.setdefault(table, number)
            if header[1] == "[[":
                found.setdefault(table[:-1], number)  # of all of them: where the first begins
        elif key := _KEY.match(stripped):
            where = (*table, key[1])
            found.setdefault(where, number)
            quote = _opens(key[2])
            if key[2].startswith("["):
                items = _List(found, where).read(key[2], number)
    return found


class _List:
    """A list that is being read, perhaps over several lines."""

    def __init__(self, found: dict[Where, int], where: Where) -> None:
        self._found = found
        self._where = where
        self._depth = 0
        self._count = 0

    def read(self, text: str, number: int) -> _List | None:
        """Note the elements on a line; None when the list ends there."""
        for part in _PART.findall(text):
            if part in "]}":
                self._depth -= 1
                if self._depth == 0:
                    return None
                continue
            if self._depth == 1 and not part.startswith("#"):
                self._found.setdefault((*self._where, self._count), number)
                self._count += 1
            self._depth += part in "[{"
        return self


def _header(parts: list[str], array: bool, counts: dict[Where, int]) -> Where:
    """Return a table's path with the places of the arrays of tables it lies in."""
    where: Where = ()
    for part in parts[:-1]:
        where = (*where, part)
        if where in counts:
            where = (*where, counts[where])
    where = (*where, parts[-1])
    if not array:
        return where
    counts[where] = counts.get(where, -1) + 1
    return (*where, counts[where])


def _opens(value: str) -> str:
    """Return the triple quote that a value leaves open at the end of its line, if it does."""
    for quote in ('"""', "'''"):
        if value.startswith(quote) and quote not in value[3:]:
            return quote
    return ""
