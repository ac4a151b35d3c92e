"""``--filter``: an expression over the keys of a CALL, by the library rule-engine.

Patterns are searched by RE2 in its place: strangers write the numbers, and Python's ``re`` can be kept busy for ever.

Must not know: where calls come from.
"""

from __future__ import annotations

import decimal
import difflib
import math
import re
from functools import cache
from typing import TYPE_CHECKING, Any

from sipwatch.classify.endings import Ending
from sipwatch.classify.findings import Kind
from sipwatch.classify.links import LinkedBy
from sipwatch.classify.outcomes import OF_CALLS, Category
from sipwatch.classify.regex import Pattern, PatternError
from sipwatch.classify.tags import Tag
from sipwatch.export.calls import INFERRED
from sipwatch.export.moments import Duration, Moment
from sipwatch.export.record import CallRecord
from sipwatch.track.conditions import Condition
from sipwatch.track.dialog import EndedBy
from sipwatch.wire.message import Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_NUMBERS = frozenset(
    {"setup_seconds", "ring_seconds", "talk_seconds", "status_code", "cause", "end_cause", "retransmissions"}
)
_LISTS = frozenset({"conditions", "findings", "tags", "linked", "inferred", "hops"})
_WORDS = {"conditions": "kind", "findings": "kind", "linked": "by"}  # what stands for each part of a list
_KEYS = (*(key for key in CallRecord.__struct_fields__ if key not in ("legs", "messages")), "inferred", "hops")
_CLOSED: dict[str, frozenset[str]] = {  # the words that a key, or what is in its list, can have
    "outcome": frozenset(OF_CALLS),
    "category": frozenset(Category),
    "ending": frozenset(Ending),
    "ended_by": frozenset(EndedBy),
    "transport": frozenset(Transport),
    "conditions": frozenset(Condition),
    "findings": frozenset(Kind),
    "tags": frozenset(Tag),
    "linked": frozenset(LinkedBy),
    "inferred": INFERRED,
}
MAX_LENGTH = 4096
HOP_TO = ">"  # between the two ends of a hop; no name of a peer has it
_IN_QUOTES = re.compile(r"\"[^\"]*\"|'[^']*'")


class FilterError(Exception):
    """An expression that cannot be used; the text says what is wrong with it, on one line."""


class Filter:
    """A test for calls; ``statement`` is the expression as rule-engine has read it."""

    __slots__ = ("_incomparable", "_rule", "statement")

    def __init__(self, rule: Any, incomparable: Any) -> None:
        self._rule = rule
        self._incomparable = incomparable
        self.statement = rule.statement

    def __call__(self, call: CallRecord) -> bool:
        """Tell whether a call matches."""
        from rule_engine import errors

        try:
            return bool(self._rule.matches(call))
        except (errors.EvaluationError, ArithmeticError):
            pass
        try:
            # Something null was compared by order or pattern. Again, with what compares with nothing.
            return bool(self._incomparable.matches(call))
        except (errors.EvaluationError, ArithmeticError):
            return False


def compile_filter(expression: str) -> Filter:
    """Return a test for calls. Raises FilterError.

    In an expression ``conditions`` is the list of the conditions' kinds, ``findings`` that of the
    findings' kinds, ``linked`` that of the reasons why other calls are linked with it, ``inferred`` what had to be
    inferred of any leg, ``hops`` the peers between which it went, hop by hop, as ``"server>acme"``. A comparison with a
    key that is null is false.
    """
    from rule_engine import errors

    if len(expression) > MAX_LENGTH:
        raise FilterError(f"the expression is longer than {MAX_LENGTH} characters")
    try:
        rule = _rule(expression, _resolve)
        # It compares decimals: one that is no number shall be neither more nor less than any, and no error.
        incomparable = _rule(expression, _resolve_null, decimal_context=decimal.Context(traps=[]))
    except errors.SymbolResolutionError as error:
        raise FilterError(_unknown(error.symbol_name)) from None
    except errors.EngineError as error:
        raise FilterError(_explain(expression, error)) from None
    except (RecursionError, ArithmeticError):
        raise FilterError("the expression is too deep, or has too large a number in it") from None
    _check_loops(rule.statement)
    for node in (*_nodes(rule.statement), *_nodes(incomparable.statement)):
        _check_words(node)
        _search_by_re2(node)

    return Filter(rule, incomparable)


def _rule(expression: str, resolver: Callable[[CallRecord, str], object], **more: Any) -> Any:
    """Return what evaluates an expression. Raises rule_engine.errors.EngineError."""
    # Late: with its date and parser libraries rule-engine takes longer to load than a small replay.
    import rule_engine
    from rule_engine import errors

    types = _types()

    def resolve_type(name: str) -> Any:
        if name not in types:
            raise errors.SymbolResolutionError(name)
        return types[name]

    context = rule_engine.Context(
        type_resolver=resolve_type, resolver=resolver, default_value=None, regex_flags=re.UNICODE, **more
    )
    return rule_engine.Rule(expression, context=context)


@cache
def _types() -> dict[str, Any]:
    from rule_engine import DataType

    return {key: _type_of(key, DataType) for key in _KEYS}


def _type_of(key: str, types: Any) -> Any:
    if key in _NUMBERS:
        return types.FLOAT
    return types.ARRAY(types.STRING) if key in _LISTS else types.STRING


def _resolve(call: CallRecord, name: str) -> object:
    if name == "inferred":
        return tuple(what for leg in call.legs for what in leg.inferred)
    if name == "hops":
        return tuple(f"{leg.source}{HOP_TO}{leg.destination}" for leg in call.legs)
    value = getattr(call, name)
    if name in _WORDS:
        return tuple(getattr(part, _WORDS[name]) for part in value)
    if isinstance(value, Moment):
        return str(value)
    if isinstance(value, Duration):
        return value.seconds
    return tuple(value) if name == "tags" else value


def _resolve_null(call: CallRecord, name: str) -> object:
    value = _resolve(call, name)
    if value is not None:
        return value
    return math.nan if name in _NUMBERS else ""


def _nodes(root: Any) -> Iterator[Any]:
    """Give every part of an expression, itself first: whatever public attribute of a part is a part, or has some."""
    from rule_engine import ast

    waiting = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, (list, tuple)):
            waiting += node
        elif isinstance(node, ast.ASTNodeBase):
            yield node
            own = (name for name in getattr(node, "__dict__", ()) if not name.startswith("_"))
            waiting += (getattr(node, name) for name in (*own, *_attributes(node.__class__)))


@cache
def _attributes(kind: type) -> tuple[str, ...]:
    """Return the public attributes that parts of a kind have by their class, properties and slots among them."""
    return tuple(name for name in dir(kind) if not name.startswith("_") and not callable(getattr(kind, name)))


def _check_loops(root: Any) -> None:
    """Refuse lists made of lists: a short expression could keep a machine busy for ever. Raises FilterError."""
    from rule_engine import ast

    if sum(isinstance(node, ast.ComprehensionExpression) for node in _nodes(root)) > 1:
        raise FilterError("one list at most can be made of another ([x for x in ...])")


def _search_by_re2(node: Any) -> None:
    """Let RE2 do what a part that compares with a pattern would ask ``re`` to do. Raises FilterError."""
    from rule_engine import ast

    if isinstance(node, ast.SymbolExpression) and node.name == "re_groups":
        raise FilterError("there is no $re_groups here: what a pattern found is not kept")
    if not isinstance(node, ast.FuzzyComparisonExpression):
        return
    if not isinstance(node.right, ast.StringExpression):
        raise FilterError("what follows =~, =~~, !~ and !~~ must be a pattern in quotes")
    try:
        pattern = Pattern(node.right.value, any_case=False)
    except PatternError as error:
        raise FilterError(f"{node.right.value!r} is no pattern that can be used: {error}") from None
    found = pattern.begins if node.type.endswith("_fzm") else pattern.found_in
    wanted = node.type.startswith("eq_")

    def evaluate(call: Any) -> bool:
        text = node.left.evaluate(call)
        return (isinstance(text, str) and found(text)) is wanted

    node.evaluate = evaluate


def _check_words(node: Any) -> None:
    """Refuse a word that a key never has: what is compared with it would hold for no call, or for all."""
    from rule_engine import ast

    if isinstance(node, ast.ContainsExpression):
        sides: Iterable[tuple[Any, Any]] = [(node.member, node.container), (node.container, node.member)]
    elif isinstance(node, ast.ComparisonExpression) and node.type in ("eq", "ne"):
        sides = [(node.left, node.right), (node.right, node.left)]
    else:
        return
    for key, value in sides:
        if isinstance(key, ast.SymbolExpression) and key.name in _CLOSED:
            for part in _nodes(value):
                if isinstance(part, ast.StringExpression) and part.value not in _CLOSED[key.name]:
                    raise FilterError(_no_such_word(key.name, part.value))
        if isinstance(value, ast.SymbolExpression) and value.name == "hops" and isinstance(key, ast.StringExpression):
            _check_hop(key.value)


def _check_hop(text: str) -> None:
    if text.count(HOP_TO) != 1:
        raise FilterError(f"a hop is written as its two ends, such as 'server{HOP_TO}acme', and {text!r} is none")


def _no_such_word(key: str, word: str) -> str:
    owners = [_asked_of(other, word) for other, its_words in _CLOSED.items() if word in its_words]
    if owners:
        return f"{key} is never {word!r}; did you mean {owners[0]}?"
    words = sorted(map(str, _CLOSED[key]))
    near = difflib.get_close_matches(word, words, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"expected one of {', '.join(words)}"
    return f"{key} is never {word!r}; {hint}"


def _asked_of(key: str, word: str) -> str:
    """Write how a key is asked whether it is a word, or a list whether it has it."""
    return f'"{word}" in {key}' if key in _LISTS else f'{key} == "{word}"'


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name, _KEYS, n=1)
    hint = f"did you mean {near[0]}?" if near else f"the keys are {', '.join(_KEYS)}"
    return f"a call has no key {name!r}; {hint}"


def _explain(expression: str, error: Exception) -> str:
    message = str(getattr(error, "message", "") or error).partition(" at: line ")[0]
    token = getattr(error, "token", None)
    place = getattr(token, "lexpos", None)
    where = f" at {expression[place : place + 20]!r}, character {place + 1}" if place is not None else ""
    hint = "; to compare, write ==" if re.search(r"(?<![=!<>])=(?![=~])", _IN_QUOTES.sub("", expression)) else ""
    return f"the expression {expression!r} is not right: {message}{where}{hint}"
