"""Families of software, [[software]]: a name, and the pattern by which a User-Agent or Server is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sipwatch.classify.peers import OTHER, Software
from sipwatch.config.peers import label_of
from sipwatch.config.rules import read_pattern

if TYPE_CHECKING:
    from sipwatch.config.checks import Checks
    from sipwatch.config.lines import Where

SOFTWARE_KEYS: Final = ("name", "pattern")
MAX_FAMILIES: Final = 32  # each is looked for in every text that is new, and is a label's value
_EXAMPLE = '"^Yealink"'
_NOT_EVERYTHING = "something that is not found in every text: what matches nothing else is 'other'"


def read_software(check: Checks, found: object) -> list[Software]:
    """Return the families in the order in which they are looked for. Raises ConfigError."""
    tables = check.tables(found, "software", ("software",))
    if len(tables) > MAX_FAMILIES:
        check.complain(("software", MAX_FAMILIES), len(tables), f"not more than {MAX_FAMILIES} of them")
    made: list[Software] = []
    for place, table in enumerate(tables):
        made.append(_family(check, table, ("software", place), [one.name for one in made]))
    return made


def _family(check: Checks, table: dict[str, Any], where: Where, taken: list[str]) -> Software:
    check.known(table, SOFTWARE_KEYS, where)
    name = label_of(check, table, where, "yealink", OTHER)
    if name in taken:
        check.complain((*where, "name"), name, "another name, there is one with this already")
    check.required(table, "pattern", where)
    pattern = read_pattern(check, table, "pattern", where, _EXAMPLE, _NOT_EVERYTHING)
    assert pattern is not None  # noqa: S101 - it is there
    return Software(name, pattern)
