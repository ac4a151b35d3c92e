"""What a filter lets a database leave out: for an expression, a condition in SQL that holds for all calls it holds for.

Must not know: files, connections. The condition may hold for more calls: whoever asks holds each against the filter
itself (``export.filters``), which alone says what an expression means. So nothing has to be translated that is not
sure: a part that is not known is true for every call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rule_engine import ast

from sipwatch.classify.outcomes import CATEGORY_OF
from sipwatch.export.filters import HOP_TO
from sipwatch.packet import SECOND
from sipwatch.store.rows import SCALARS, digits_turned
from sipwatch.store.sql import ANY, Clause

if TYPE_CHECKING:
    from collections.abc import Sequence

_TABLES: Final = {
    "conditions": ("conditions", "kind"),
    "findings": ("findings", "kind"),
    "linked": ("links", "by"),
    "tags": ("tags", "tag"),
}
_SPANS: Final = frozenset({"setup_seconds", "ring_seconds", "talk_seconds"})
_MOMENTS: Final = frozenset({"started", "trying", "progressed", "ringing", "answered", "ended"})
_KEYS: Final = frozenset(SCALARS) - _MOMENTS  # moments are compared as text; when calls began is asked for otherwise
_ORDER: Final = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}
_TURNED: Final = {"gt": "lt", "ge": "le", "lt": "gt", "le": "ge"}
_ROUNDED: Final = 1000  # ns; a span is compared in seconds, rounded to microseconds
_MAX_WORDS: Final = 100


def narrowed(statement: Any) -> Clause:
    """Return a condition that holds wherever the parsed expression (rule-engine's ``statement``) does."""
    return _of(getattr(statement, "expression", statement))


def _of(node: Any) -> Clause:
    if isinstance(node, ast.LogicExpression):
        return _both(node) if node.type == "and" else _either(node)
    if isinstance(node, ast.FuzzyComparisonExpression):
        return ANY
    if isinstance(node, ast.ContainsExpression):
        return _contained(node)
    if isinstance(node, ast.ComparisonExpression):
        return _compared(node)
    return ANY


def _both(node: Any) -> Clause:
    left, right = _of(node.left), _of(node.right)
    if ANY in (left, right):
        return right if left == ANY else left
    return Clause(f"({left.sql} AND {right.sql})", left.values + right.values)


def _either(node: Any) -> Clause:
    left, right = _of(node.left), _of(node.right)
    if ANY in (left, right):
        return ANY
    return Clause(f"({left.sql} OR {right.sql})", left.values + right.values)


def _compared(node: Any) -> Clause:
    key, value, turned = _key(node.left), _literal(node.right), False
    if key is None:
        key, value, turned = _key(node.right), _literal(node.left), True
    if key is None or value is None or key not in _KEYS:
        return ANY
    if node.type == "eq":
        return _equal(key, value)
    if node.type == "ne":
        # What compares as different for a call may have been nothing, or rounded: it is left to the filter.
        return ANY if key in _SPANS else Clause(f"{key} IS NOT ?", (value,))
    kind = _TURNED[node.type] if turned else node.type
    if kind not in _ORDER or isinstance(value, str):
        return ANY
    if key in _SPANS:
        value = int(value * SECOND) + (-_ROUNDED if kind in ("gt", "ge") else _ROUNDED)
    return Clause(f"{key} {_ORDER[kind]} ?", (value,))


def _equal(key: str, value: float | str) -> Clause:
    if value == "" or (isinstance(value, str) and key in _SPANS):
        return ANY  # where something cannot be compared, the filter takes nothing for an empty text
    if key in _SPANS and not isinstance(value, str):
        at = int(value * SECOND)
        return Clause(f"{key} BETWEEN ? AND ?", (at - _ROUNDED, at + _ROUNDED))
    if key in ("caller", "callee") and (turned := digits_turned(str(value))) is not None:  # there is an index of these
        return Clause(f"({key}_digits = ? AND {key} = ?)", (turned, value))
    if key == "category":  # there is an index of outcomes
        return _one_of("outcome", [outcome for outcome, category in CATEGORY_OF.items() if category == value])
    return Clause(f"{key} = ?", (value,))


def _contained(node: Any) -> Clause:
    """Narrow ``"short_ring" in tags`` and ``outcome in ["busy", "declined"]``."""
    container = _key(node.container)
    if container in _TABLES:
        word = _literal(node.member)
        table, column = _TABLES[str(container)]
        sql = f"number IN (SELECT call FROM {table} WHERE {column} = ?)"
        return ANY if word is None else Clause(sql, (word,))
    if container == "hops":
        return _over(_literal(node.member))
    key, words = _key(node.member), _literals(node.container)
    if key not in _KEYS or key in _SPANS or words is None:
        return ANY
    return _one_of(str(key), words)


def _over(hop: object) -> Clause:
    """Narrow ``"server>acme" in hops``."""
    source, to, destination = str(hop).partition(HOP_TO)
    if not isinstance(hop, str) or not to:
        return ANY
    return Clause(
        "EXISTS (SELECT 1 FROM legs AS hop WHERE hop.call = number AND hop.source = ? AND hop.destination = ?)",
        (source, destination),
    )


def _one_of(key: str, words: Sequence[object]) -> Clause:
    if not 0 < len(words) <= _MAX_WORDS:
        return ANY
    return Clause(f"{key} IN ({', '.join('?' * len(words))})", tuple(words))


def _key(node: Any) -> str | None:
    return node.name if isinstance(node, ast.SymbolExpression) and node.scope is None else None


def _literal(node: Any) -> float | str | None:
    if isinstance(node, ast.StringExpression):
        return str(node.value)
    return float(node.value) if isinstance(node, ast.FloatExpression) else None


def _literals(node: Any) -> list[object] | None:
    if not isinstance(node, ast.ArrayExpression):
        return None
    found: list[object] = []
    for member in node.value:
        value = _literal(member)
        if value is None or value == "":
            return None
        found.append(value)
    return found
