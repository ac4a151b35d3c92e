"""``--filter``: an expression over the keys of a CALL, by the library rule-engine.

Must not know: where calls come from.
"""

from __future__ import annotations

import decimal
import difflib
import math
import re
from typing import TYPE_CHECKING, Any

from sipwatch.export.moments import Moment, Span
from sipwatch.export.record import CallRecord

if TYPE_CHECKING:
    from collections.abc import Callable

_NUMBERS = frozenset(
    {"setup_seconds", "ring_seconds", "talk_seconds", "status_code", "cause", "end_cause", "retransmissions"}
)
_LISTS = frozenset({"conditions", "findings", "tags", "inferred"})
_KEYS = (*(key for key in CallRecord.__struct_fields__ if key not in ("legs", "messages")), "inferred")
LONGEST = 4096


class FilterError(Exception):
    """An expression that cannot be used; the text says what is wrong with it, on one line."""


def compile_filter(expression: str) -> Callable[[CallRecord], bool]:
    """Return a test for calls. Raises FilterError.

    In an expression ``conditions`` is the list of the conditions' kinds, ``findings`` that of the
    findings' kinds, ``inferred`` what had to be inferred of any leg. A comparison with a key that is null is false.
    """
    # Late: with its date and parser libraries rule-engine takes longer to load than a small replay.
    import rule_engine
    from rule_engine import errors

    if len(expression) > LONGEST:
        raise FilterError(f"the expression is longer than {LONGEST} characters")
    types = {key: _type_of(key, rule_engine.DataType) for key in _KEYS}

    def resolve_type(name: str) -> Any:
        if name not in types:
            raise errors.SymbolResolutionError(name)
        return types[name]

    context = rule_engine.Context(
        type_resolver=resolve_type, resolver=_resolve, default_value=None, regex_flags=re.UNICODE
    )
    try:
        rule = rule_engine.Rule(expression, context=context)
        context = rule_engine.Context(
            type_resolver=resolve_type,
            resolver=_resolve_null,
            default_value=None,
            regex_flags=re.UNICODE,
            # It compares decimals: one that is no number shall be neither more nor less than any, and no error.
            decimal_context=decimal.Context(traps=[]),
        )
        incomparable = rule_engine.Rule(expression, context=context)
    except errors.SymbolResolutionError as error:
        raise FilterError(_unknown(error.symbol_name)) from None
    except errors.EngineError as error:
        raise FilterError(_explain(expression, error)) from None

    def matches(call: CallRecord) -> bool:
        try:
            return bool(rule.matches(call))
        except errors.EvaluationError:
            pass
        try:
            # Something null was compared by order or pattern. Again, with what compares with nothing.
            return bool(incomparable.matches(call))
        except errors.EvaluationError:
            return False

    return matches


def _type_of(key: str, types: Any) -> Any:
    if key in _NUMBERS:
        return types.FLOAT
    return types.ARRAY(types.STRING) if key in _LISTS else types.STRING


def _resolve(call: CallRecord, name: str) -> object:
    if name == "inferred":
        return tuple(what for leg in call.legs for what in leg.inferred)
    value = getattr(call, name)
    if name == "conditions":
        return tuple(condition.kind for condition in value)
    if name == "findings":
        return tuple(finding.kind for finding in value)
    if isinstance(value, Moment):
        return str(value)
    if isinstance(value, Span):
        return value.seconds
    return tuple(value) if name == "tags" else value


def _resolve_null(call: CallRecord, name: str) -> object:
    value = _resolve(call, name)
    if value is not None:
        return value
    return math.nan if name in _NUMBERS else ""


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name, _KEYS, n=1)
    hint = f"did you mean {near[0]}?" if near else f"the keys are {', '.join(_KEYS)}"
    return f"a call has no key {name!r}; {hint}"


def _explain(expression: str, error: Exception) -> str:
    message = str(getattr(error, "message", "") or error)
    token = getattr(error, "token", None)
    place = getattr(token, "lexpos", None)
    where = f" at {expression[place : place + 20]!r}, character {place + 1}" if place is not None else ""
    return f"the expression {expression!r} is not right: {message}{where}"
