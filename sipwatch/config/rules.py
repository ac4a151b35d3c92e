"""The rules of a peer, [[peer.rule]]: what it means by its codes, causes and words.

A rule that can never decide anything is a mistake, and is named. So are two rules that may be about the
same call, unless the narrower one comes first.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from sipwatch.classify.outcomes import RULABLE, Outcome
from sipwatch.classify.peers import Rule
from sipwatch.classify.regex import Pattern, PatternError
from sipwatch.track.table import Heard

if TYPE_CHECKING:
    from sipwatch.config.checks import Checks
    from sipwatch.config.lines import Where

RULE_KEYS = (
    "status_code",
    "cause",
    "cause_protocol",
    "heard",
    "reason_text",
    "header",
    "value",
    "early_media",
    "outcome",
    "note",
)
CAUSE_PROTOCOLS = ("Q.850", "SIP")
_TO_MATCH_ON = ("status_code", "cause", "heard", "reason_text", "header", "early_media")
_LAST_Q850 = 127  # ITU-T Q.850 has 7 bits
_EXAMPLES = {"reason_text": '"limit|quota"', "value": '"^32203"'}
_NOT_EVERYTHING = {
    "reason_text": "something that is not found in every text",
    "value": "something that is not found in every text; without it, the header need only be there",
}
HEADER_NAME = re.compile(r"[A-Za-z0-9.!%*_+`'~-]{1,64}")  # RFC 3261 §25.1 token
_FIRST_STATUS, _LAST_STATUS = 200, 699
# What the callee's side can have said: a 183 with SDP is an alert.
_SAID = [(heard, early) for heard in Heard for early in (False, True) if not early or heard is Heard.ALERTED]


def read_rules(check: Checks, found: object, where: Where) -> list[Rule]:
    """Return a peer's rules; ``where`` is that of the peer. Raises ConfigError."""
    where = (*where, "rule")
    made: list[Rule] = []
    for place, table in enumerate(check.tables(found, "peer.rule", where)):
        at = (*where, place)
        rule = _rule(check, table, at)
        for other in made:
            _apart(check, other, rule, at)
        if _is_shadowed(rule, made):
            lines = ", ".join(str(other.line) for other in made if overlapping(rule, other))
            check.complain(at, in_short(rule), f"a call that the rules of lines {lines} leave over")
        made.append(rule)
    return made


def _rule(check: Checks, table: dict[str, Any], where: Where) -> Rule:
    check.known(table, RULE_KEYS, where)
    outcomes = [outcome.value for outcome in RULABLE]
    outcome = Outcome(check.one_of(check.required(table, "outcome", where), outcomes, (*where, "outcome")))
    if not any(key in table for key in _TO_MATCH_ON):
        check.complain(where, outcome.value, f"at least one of {', '.join(_TO_MATCH_ON)} to match on")
    note = table.get("note", "")
    if not isinstance(note, str):
        check.complain((*where, "note"), note, "a text")
    early_media = check.flag(table, "early_media", where)
    cause, protocol = _cause(check, table, where)
    header, value = _header(check, table, where)
    return Rule(
        outcome,
        status_code=check.number(table, "status_code", _FIRST_STATUS, _LAST_STATUS, where),
        cause=cause,
        cause_protocol=protocol,
        heard=_heard(check, table, early_media, where),
        reason_text=_pattern(check, table, "reason_text", where),
        header=header,
        value=value,
        early_media=early_media,
        note=note,
        line=check.line(where),
    )


def _cause(check: Checks, table: dict[str, Any], where: Where) -> tuple[int | None, str | None]:
    cause = check.number(table, "cause", 1, _LAST_STATUS, where)
    protocol = table.get("cause_protocol")
    if protocol is not None:
        protocol = check.one_of(protocol, CAUSE_PROTOCOLS, (*where, "cause_protocol"))
        if cause is None:
            check.complain((*where, "cause_protocol"), protocol, "a cause beside it")
    if cause is None:
        return None, None
    of_q850 = protocol != "SIP" and cause <= _LAST_Q850
    of_sip = protocol != "Q.850" and cause >= _FIRST_STATUS
    if not of_q850 and not of_sip:
        known = {
            "Q.850": f"a cause of Q.850, 1 to {_LAST_Q850}",
            "SIP": f"a status code, {_FIRST_STATUS} to {_LAST_STATUS}, as SIP has for a cause",
        }
        expected = known.get(protocol or "", f"{known['Q.850']}, or {known['SIP']}")
        check.complain((*where, "cause"), cause, f"{expected}; this rule can never match")
    return cause, protocol


def _heard(check: Checks, table: dict[str, Any], early_media: bool | None, where: Where) -> Heard | None:
    if "heard" not in table:
        return None
    name = check.one_of(table["heard"], [heard.name.lower() for heard in Heard], (*where, "heard"))
    heard = Heard[name.upper()]
    if early_media and heard is not Heard.ALERTED:
        expected = "'alerted' beside early_media = true, a 183 is an alert; this rule can never match"
        check.complain((*where, "heard"), name, expected)
    return heard


def _header(check: Checks, table: dict[str, Any], where: Where) -> tuple[str | None, Pattern | None]:
    name = table.get("header")
    value = _pattern(check, table, "value", where)
    if name is None:
        if value is not None:
            check.complain((*where, "value"), value.source, "a header beside it")
        return None, None
    if not isinstance(name, str) or not HEADER_NAME.fullmatch(name):
        check.complain((*where, "header"), name, 'the name of a header, such as "X-Twilio-Error"')
    return name, value


def _pattern(check: Checks, table: dict[str, Any], key: str, where: Where) -> Pattern | None:
    return read_pattern(check, table, key, where, _EXAMPLES[key], _NOT_EVERYTHING[key])


def read_pattern(
    check: Checks, table: dict[str, Any], key: str, where: Where, example: str, not_everything: str
) -> Pattern | None:
    """Return the regular expression of a key, None if the key is not there. Raises ConfigError."""
    source = table.get(key)
    if source is None:
        return None
    at = (*where, key)
    if not isinstance(source, str):
        check.complain(at, source, f"a regular expression, such as {example}")
    try:
        pattern = Pattern(source)
    except PatternError as error:
        check.complain(at, source, f"a regular expression: {error}")
    if pattern.is_everywhere():
        check.complain(at, source, not_everything)
    return pattern


# Which rules can be about the same call


class _Wanted(NamedTuple):
    """What a rule asks for, spelt out: early media is heard as an alert, and nothing less than an alert has it."""

    status_code: int | None
    cause: int | None
    cause_protocol: str | None
    reason_text: str | None
    header: bytes | None
    value: str | None
    heard: Heard | None
    early_media: bool | None


def _wanted(rule: Rule) -> _Wanted:
    heard, early_media = rule.heard, rule.early_media
    if early_media:
        heard = Heard.ALERTED
    elif heard is not None and heard is not Heard.ALERTED:
        early_media = False
    return _Wanted(
        rule.status_code,
        rule.cause,
        rule.cause_protocol,
        _source(rule.reason_text),
        rule.header_forms[0] or None,  # case, and the compact form, make no other header
        _source(rule.value),
        heard,
        early_media,
    )


def _source(pattern: Pattern | None) -> str | None:
    return None if pattern is None else pattern.source


def _meet(first: _Wanted, second: _Wanted) -> bool:
    """Tell whether one call can be what both want. Other causes, texts and headers are taken for others'."""
    return all(a is None or b is None or a == b for a, b in zip(first, second, strict=True))


def _within(first: _Wanted, second: _Wanted) -> bool:
    """Tell whether every call that the first wants is one that the second wants, too."""
    return all(b is None or a == b for a, b in zip(first, second, strict=True))


def overlapping(first: Rule, second: Rule) -> bool:
    """Tell whether two rules may be about the same leg, and it is not simply the narrower one that comes first."""
    one, other = _wanted(first), _wanted(second)
    return _meet(one, other) and not (_within(one, other) and one != other)


def _apart(check: Checks, earlier: Rule, rule: Rule, where: Where) -> None:
    """Complain of a rule that meets an earlier one."""
    if not overlapping(earlier, rule):
        return
    of_line = f"that of line {earlier.line} ({in_short(earlier)})"
    expected = f"a rule that cannot match the same call as {of_line}"
    if overlapping(rule, earlier):  # otherwise they need only change places
        check.complain(where, in_short(rule), expected)
    check.complain(where, in_short(rule), f"it before {of_line}, which leaves it no call: this rule can never match")


def _is_shadowed(rule: Rule, earlier: list[Rule]) -> bool:
    """Tell whether the earlier, narrower rules together leave nothing over."""
    wanted = _wanted(rule)
    before = [_wanted(other) for other in earlier]
    for heard, early in _SAID:
        said = wanted._replace(heard=heard, early_media=early)
        if _within(said, wanted) and not any(_within(said, other) for other in before):
            return False
    return True


def in_short(rule: Rule) -> str:
    """Write what a rule asks for as it stands in the file."""
    given = {
        "status_code": rule.status_code,
        "cause": None if rule.cause is None else f"{rule.cause_protocol or ''} {rule.cause}".strip(),
        "heard": None if rule.heard is None else rule.heard.name.lower(),
        "reason_text": None if rule.reason_text is None else repr(rule.reason_text.source),
        "header": rule.header,
        "value": None if rule.value is None else repr(rule.value.source),
        "early_media": None if rule.early_media is None else str(rule.early_media).lower(),
    }
    return ", ".join(f"{key} {value}" for key, value in given.items() if value is not None)
