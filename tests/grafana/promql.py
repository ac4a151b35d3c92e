"""Looks into PromQL: which series a query names, by what it narrows them, and what is done with them.

No full grammar: what the dashboards do not use (subqueries, grouping after the parenthesis) is an error here.
Prometheus itself says whether a query is one; this says whether it means something.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_TOKEN = re.compile(
    r"""(?P<blank>\s+)
    | (?P<string>"(?:[^"\\]|\\.)*")
    | (?P<number>(?:\d+(?:ms|[smhdwy]))+(?![\w.]) | \d+(?:\.\d+)?(?:e[+-]?\d+)?(?![\w.]))
    | (?P<name>[a-zA-Z_:][\w:]*)
    | (?P<sign>=~|!~|!=|==|>=|<=|[-+*/%^=<>(){}\[\],@])""",
    re.VERBOSE,
)
_BINARY = {"and", "or", "unless", "bool"}
_MATCHING = {"on", "ignoring", "group_left", "group_right"}
_GROUPING = {"by", "without"}


class Matcher(NamedTuple):
    """A condition on a label."""

    label: str
    sign: str
    value: str


class Around(NamedTuple):
    """A function or aggregation around a selector, with the labels it is ``by``; "" is a mere parenthesis."""

    name: str
    labels: tuple[str, ...] = ()


class Selector(NamedTuple):
    """A series that a query names; ``around`` begins with the outermost."""

    metric: str
    matchers: tuple[Matcher, ...]
    window: str | None
    around: tuple[Around, ...]

    @property
    def functions(self) -> list[str]:
        """Return what is applied, the innermost first."""
        return [around.name for around in reversed(self.around) if around.name]


def tokens(query: str) -> list[tuple[str, str]]:
    """Return (kind, text) of each token. Raises ValueError for anything that is none."""
    found, at = [], 0
    while at < len(query):
        match = _TOKEN.match(query, at)
        if match is None or match.lastgroup is None:
            raise ValueError(f"not PromQL from {query[at:]!r} on")
        if match.lastgroup != "blank":
            found.append((match.lastgroup, match.group()))
        at = match.end()
    return found


def selectors(query: str) -> list[Selector]:
    """Return every selector of a query, in order."""
    return list(_Walk(tokens(query)).walk())


class _Walk:
    def __init__(self, found: list[tuple[str, str]]) -> None:
        self._tokens = [*found, ("end", "")]
        self._at = 0
        self._around: list[Around] = []

    def _peek(self) -> str:
        return self._tokens[self._at][1]

    def _next(self, *wanted: str) -> str:
        text = self._peek()
        if wanted and text not in wanted:
            raise ValueError(f"{text!r} where {wanted} should be")
        self._at += 1
        return text

    def walk(self) -> Iterator[Selector]:
        while self._tokens[self._at][0] != "end":
            kind, text = self._tokens[self._at]
            self._at += 1
            if kind == "name":
                yield from self._name(text)
            elif text == "(":
                self._around.append(Around(""))
            elif text == ")":
                self._around.pop()
            elif text in {"[", "{", "]", "}"}:
                raise ValueError(f"{text!r} without a metric before it")
        if self._around:
            raise ValueError("a parenthesis is left open")

    def _name(self, text: str) -> Iterator[Selector]:
        if text in _MATCHING:
            self._labels()
        elif text == "offset":
            self._at += 1
        elif text in _GROUPING or self._peek() in _GROUPING:
            if text in _GROUPING:
                raise ValueError("grouping stands before the parenthesis")
            self._next("by")
            self._call(text, self._labels())
        elif self._peek() == "(":
            self._call(text, ())
        elif text not in _BINARY:
            yield Selector(text, self._matchers(), self._window(), tuple(self._around))

    def _call(self, name: str, labels: tuple[str, ...]) -> None:
        # `@ end()` and time() have nothing within, and are popped at once.
        self._next("(")
        self._around.append(Around(name, labels))

    def _labels(self) -> tuple[str, ...]:
        self._next("(")
        found = []
        while self._peek() != ")":
            found.append(self._next())
            if self._peek() != ")":
                self._next(",")
        self._next(")")
        return tuple(found)

    def _matchers(self) -> tuple[Matcher, ...]:
        found = []
        if self._peek() == "{":
            self._next("{")
            while self._peek() != "}":
                label, sign = self._next(), self._next("=", "!=", "=~", "!~")
                found.append(Matcher(label, sign, self._next()[1:-1]))
                if self._peek() != "}":
                    self._next(",")
            self._next("}")
        return tuple(found)

    def _window(self) -> str | None:
        if self._peek() != "[":
            return None
        self._next("[")
        window = self._next()
        self._next("]")
        return window
