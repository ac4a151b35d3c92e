"""Agents, [[agent]]: whose number it is, one by one or from a CSV file.

What is wrong in the CSV file is named as in the configuration: the file, the line, the value, what was expected.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sipwatch.classify.numbers import MAX_NUMBER_LENGTH, MIN_NUMBER_LENGTH, index_key, same_number
from sipwatch.classify.roster import RosterEntry
from sipwatch.config.checks import ConfigError, nearest, wrong
from sipwatch.config.hours import DIALLED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sipwatch.config.checks import Checks
    from sipwatch.config.lines import Where

AGENT_KEYS: Final = ("number", "name", "group", "file")
COLUMNS: Final = ("number", "name", "group")  # of the CSV file; the last may be missing
MAX_AGENTS: Final = 10_000
MAX_TEXT_LENGTH: Final = 100  # characters of a name
_MAX_FILE: Final = 4 << 20  # bytes
_DELIMITERS: Final = ",;\t"  # spreadsheets write what their country uses
_NUMBER: Final = f'a number or user name of up to {MAX_NUMBER_LENGTH} characters, in quotes, such as "201"'
_TEXT: Final = f"a text of up to {MAX_TEXT_LENGTH} characters on one line"


def read_agents(check: Checks, found: object, region: str | None) -> tuple[RosterEntry, ...]:
    """Return all agents; ``region`` is that of their numbers. Raises ConfigError."""
    taken = _Taken(region)
    for place, table in enumerate(check.tables(found, "agent", ("agent",))):
        where: Where = ("agent", place)
        check.known(table, AGENT_KEYS, where)
        if "file" in table:
            _from_file(check, table, where, taken)
        else:
            values: dict[str, Any] = {key: table[key] for key in COLUMNS if key in table}
            for key in COLUMNS[:2]:
                check.required(table, key, where)
            taken.add(values, {key: check.at((*where, key)) for key in values}, check.at(where))
    return tuple(taken.agents)


class _Taken:
    """The agents so far, and where each stands: a number is one agent's only."""

    def __init__(self, region: str | None) -> None:
        self.agents: list[RosterEntry] = []
        self._region = region
        self._by_key: dict[str, list[tuple[str, str]]] = {}

    def add(self, values: dict[str, Any], places: dict[str, str], place: str) -> None:
        """Take an agent; ``places`` say where each value stands, ``place`` where the whole. Raises ConfigError."""
        number, name, group = values["number"], values["name"], values.get("group")
        if not _is_number(number):
            raise wrong(places["number"], "number", number, _NUMBER)
        for key, text in (("name", name), ("group", group)):
            if key in values and not _is_line(text):
                raise wrong(places[key], key, text, _TEXT)
        alike = self._by_key.setdefault(index_key(number), [])
        for other, there in alike:
            if same_number(number, other, self._region):
                raise wrong(places["number"], "number", number, f"one agent for each number, {there} has it already")
        if len(self.agents) >= MAX_AGENTS:
            raise wrong(place, "agent", number, f"not more than {MAX_AGENTS:,} of them")
        alike.append((number, place))
        self.agents.append(RosterEntry(number, name, group))


def _is_number(text: object) -> bool:
    """Tell whether somebody can be called by a text; in full numbers people leave blanks."""
    if not isinstance(text, str) or len(text) > MAX_NUMBER_LENGTH:
        return False
    spaced = " " in text and sum([one.isdigit() for one in text]) >= MIN_NUMBER_LENGTH
    return DIALLED.fullmatch(text.replace(" ", "") if spaced else text) is not None


def _is_line(text: object) -> bool:
    return isinstance(text, str) and text.strip() != "" and text.isprintable() and len(text) <= MAX_TEXT_LENGTH


def _from_file(check: Checks, table: dict[str, Any], where: Where, taken: _Taken) -> None:
    """Take the agents of a CSV file, which a table names in place of a number."""
    name = check.text(table["file"], "the path of a CSV file, relative to the configuration", (*where, "file"))
    for key in COLUMNS:
        if key in table:
            check.complain((*where, key), table[key], "nothing beside file, which has the numbers and names")
    path = str(Path(check.path).parent / name)
    try:
        text = _text_of(path)
        for values, place in _rows(text, path):
            taken.add(values, dict.fromkeys(values, place), place)
    except ValueError as error:
        raise ConfigError(f"{check.at((*where, 'file'))}: file = {name!r}: {error}") from None


def _text_of(path: str) -> str:
    """Read a file of agents. Raises ValueError, with what is wrong."""
    try:
        with Path(path).open("rb") as file:
            raw = file.read(_MAX_FILE + 1)
    except OSError as error:
        raise ValueError(f"the agents cannot be read: {error.strerror}") from None
    if len(raw) > _MAX_FILE:
        raise ValueError(f"the file is larger than {_MAX_FILE >> 20} MiB")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("the file is not UTF-8 text") from None


def _rows(text: str, path: str) -> Iterator[tuple[dict[str, str], str]]:
    """Yield what stands in each line below the heads, by column, and where. Raises ConfigError."""
    head = text.partition("\n")[0]
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=max(_DELIMITERS, key=head.count))
    columns: list[str] | None = None
    try:
        for cells in lines:
            values = [cell.strip() for cell in cells]
            place = f"{path}, line {lines.line_num}"
            if not any(values):
                continue
            if columns is None:
                columns = _columns([value.lower() for value in values], place)
                continue
            if len(values) > len(columns):
                raise wrong(place, columns[-1], values[len(columns)], f"{len(columns)} columns, as in the first line")
            yield {"number": "", "name": ""} | {k: v for k, v in zip(columns, values, strict=False) if v}, place
    except csv.Error as error:
        raise ConfigError(f"{path}, line {lines.line_num}: not a line of CSV: {error}") from None
    if columns is None:
        raise ConfigError(f"{path}: no line; the first has the columns' names: {','.join(COLUMNS)}")


def _columns(found: list[str], place: str) -> list[str]:
    """Check the columns' names. Raises ConfigError."""
    for name in found:
        if name not in COLUMNS or found.count(name) > 1:
            raise wrong(place, "column", name, f"each of {', '.join(COLUMNS)} once{nearest(name, COLUMNS)}")
    for name in COLUMNS[:2]:
        if name not in found:
            raise ConfigError(f"{place}: column {name} is missing; the first line has {','.join(COLUMNS)}")
    return found
