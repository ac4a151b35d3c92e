"""What is expected of a capture, ``[[expect]]``: read and checked, every mistake with its line and what is right.

Must not know: calls, or whether an expectation is met.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sipwatch.classify.peers import OTHER
from sipwatch.config.checks import Checks, ConfigError
from sipwatch.config.reading import document_in
from sipwatch.export.delays import DELAYS
from sipwatch.export.filters import FilterError, compile_filter
from sipwatch.export.ratios import RATIOS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sipwatch.config.lines import Where
    from sipwatch.export.record import CallRecord

CHECKS: Final = ("share_of", "count_of", "delay", "ratio")
ENDS: Final = ("peer", "source", "destination")
EXPECT_KEYS: Final = ("name", "filter", *ENDS, *CHECKS, "percentile", "min", "max", "exactly")
MAX_EXPECTATIONS: Final = 1000
_MAX_NAME_LENGTH: Final = 200
_MAX_COUNT: Final = 10**9
_MAX_SECONDS: Final = 10 * 365 * 86_400
_PERCENTILE: Final = 95.0


class Bounds(NamedTuple):
    """From where to where a figure is right; None is no limit. Of a count both are whole numbers."""

    least: float | None = None
    most: float | None = None

    def hold(self, figure: float) -> bool:
        """Tell whether a figure is right."""
        return (self.least is None or figure >= self.least) and (self.most is None or figure <= self.most)


class Expectation(NamedTuple):
    """One expectation: of which calls, and what.

    ``ends`` are the peers asked for, by ``peer``, ``source`` and ``destination``. ``kind`` is one of ``CHECKS``, ``of``
    its expression, or the name of a delay or ratio; ``holds`` is the expression's test of a call. ``percentile`` is of
    a delay, whose limits are in seconds; those of shares and ratios are from 0 to 1.
    """

    name: str
    ends: dict[str, str]
    filter: str | None
    keeps: Callable[[CallRecord], bool] | None
    kind: str
    of: str
    holds: Callable[[CallRecord], bool] | None
    limits: Bounds
    percentile: float = _PERCENTILE


def parse(text: str, path: str, peers: Sequence[str]) -> list[Expectation]:
    """Turn the text of a rules file into what it expects; ``peers`` are those configured. Raises ConfigError."""
    document = document_in(text, path)
    check = Checks(path, text)
    check.known(document, ("expect",), ())
    tables = check.tables(document.get("expect", []), "expect", ("expect",))
    if not tables:
        raise ConfigError(f"{path}: nothing is expected, so that every capture would do; write [[expect]] tables")
    if len(tables) > MAX_EXPECTATIONS:
        check.complain(("expect", MAX_EXPECTATIONS), len(tables), f"not more than {MAX_EXPECTATIONS} expectations")
    found: list[Expectation] = []
    for place, table in enumerate(tables):
        where = ("expect", place)
        found.append(_Reader(check, table, where, peers).read([one.name for one in found]))
    return found


class _Reader:
    """Reads one table."""

    def __init__(self, check: Checks, table: dict[str, Any], where: Where, peers: Sequence[str]) -> None:
        self._check = check
        self._table = table
        self._where = where
        self._peers = peers

    def read(self, taken: Sequence[str]) -> Expectation:
        """Return what the table expects. Raises ConfigError."""
        self._check.known(self._table, EXPECT_KEYS, self._where)
        name = self._name(taken)
        kind = self._kind()
        expression = self._table.get("filter")
        return Expectation(
            name,
            self._ends(),
            expression,
            None if expression is None else self._test("filter"),
            kind,
            self._of(kind),
            self._test(kind) if kind in ("share_of", "count_of") else None,
            self._limits(kind),
            self._percentile(kind),
        )

    def _name(self, taken: Sequence[str]) -> str:
        name = self._check.required(self._table, "name", self._where)
        where = (*self._where, "name")
        if not isinstance(name, str) or not name.strip() or len(name) > _MAX_NAME_LENGTH:
            self._check.complain(where, name, f"a text of up to {_MAX_NAME_LENGTH} characters")
        if name in taken:
            self._check.complain(where, name, "another name, there is an expectation with this already")
        return name

    def _ends(self) -> dict[str, str]:
        known = [*self._peers, OTHER]
        return {
            end: self._check.one_of(self._table[end], known, (*self._where, end)) for end in ENDS if end in self._table
        }

    def _kind(self) -> str:
        given = [kind for kind in CHECKS if kind in self._table]
        if len(given) != 1:
            one = f"one of {', '.join(CHECKS)}"
            what = f"{one} is missing" if not given else f"{' and '.join(given)}: expected {one} alone"
            raise ConfigError(f"{self._check.at((*self._where, *given[1:2]))}: {what}")
        return given[0]

    def _of(self, kind: str) -> str:
        names = {"delay": tuple(DELAYS), "ratio": RATIOS}.get(kind)
        value = self._table[kind]
        return str(value) if names is None else self._check.one_of(value, names, (*self._where, kind))

    def _test(self, key: str) -> Callable[[CallRecord], bool]:
        where = (*self._where, key)
        example = "an expression as --filter takes it, such as \"outcome == 'answered'\""
        text = self._check.text(self._table[key], example, where)
        try:
            return compile_filter(text)
        except FilterError as error:
            raise ConfigError(f"{self._check.at(where)}: {key} = {text!r}: {error}") from None

    def _percentile(self, kind: str) -> float:
        if "percentile" not in self._table:
            return _PERCENTILE
        if kind != "delay":
            self._misplaced("percentile", "delay")
        return self._number("percentile", 0.1, 100, "how many of a hundred calls, such as 95")

    def _misplaced(self, key: str, only: str) -> None:
        raise ConfigError(f"{self._check.at((*self._where, key))}: {key} is of use only with {only}")

    def _limits(self, kind: str) -> Bounds:
        if "exactly" in self._table:
            return self._exactly(kind)
        given = [key for key in ("min", "max") if key in self._table]
        if not given:
            exactly = ", max or exactly" if kind == "count_of" else " or max"
            raise ConfigError(f"{self._check.at(self._where)}: min{exactly} is missing")
        found = {key: self._limit(key, kind) for key in given}
        limits = Bounds(found.get("min"), found.get("max"))
        if limits.least is not None and limits.most is not None and limits.least > limits.most:
            self._check.complain((*self._where, "min"), self._table["min"], f"not more than max, {limits.most:g}")
        return limits

    def _exactly(self, kind: str) -> Bounds:
        if kind != "count_of":
            self._misplaced("exactly", "count_of")
        for key in ("min", "max"):
            if key in self._table:
                raise ConfigError(f"{self._check.at((*self._where, key))}: {key} says nothing beside exactly")
        count = self._limit("exactly", kind)
        return Bounds(count, count)

    def _limit(self, key: str, kind: str) -> float:
        if kind == "count_of":
            count = self._check.number(self._table, key, 0, _MAX_COUNT, self._where)
            return 0 if count is None else count
        if kind == "delay":
            return self._number(key, 0, _MAX_SECONDS, "a number of seconds, such as 3.0")
        return self._number(key, 0, 1, "a share from 0 to 1, such as 0.95")

    def _number(self, key: str, least: float, most: float, expected: str) -> float:
        value = self._table[key]
        good = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
        if not good or not least <= value <= most:
            self._check.complain((*self._where, key), value, expected)
        return float(value)
