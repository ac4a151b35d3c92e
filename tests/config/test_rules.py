"""[[peer.rule]]: what it can ask for, which rules get in each other's way, and which can never decide anything."""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from sipwatch.classify.outcomes import Outcome
from sipwatch.classify.peers import Rule
from sipwatch.classify.regex import Pattern
from sipwatch.config import ConfigError, parse
from sipwatch.config.rules import overlapping
from sipwatch.track.table import Heard
from tests.config.mistakes import complaint
from tests.each import for_each

PEER = '[[peer]]\nname = "acme"\nkind = "trunk"\naddresses = ["192.0.2.1"]\n'
RULE = PEER + "[[peer.rule]]\n"


def rules_of(*tables: str) -> list[Rule]:
    """Parse rules, each given by its keys."""
    return (
        parse(PEER + "".join(f'[[peer.rule]]\n{keys}\noutcome = "busy"\n' for keys in tables), "x")
        .settings.peers[0]
        .rules
    )


def test_everything_that_a_rule_can_ask_for() -> None:
    (rule,) = parse(
        RULE
        + 'status_code = 480\ncause = 21\ncause_protocol = "Q.850"\nheard = "alerted"\nreason_text = "do not disturb"\n'
        'header = "X-Twilio-Error"\nvalue = "32203"\nearly_media = false\noutcome = "declined"\nnote = "the button"\n',
        "x",
    ).settings.peers[0].rules  # fmt: skip
    assert (rule.status_code, rule.cause, rule.cause_protocol, rule.heard) == (480, 21, "Q.850", Heard.ALERTED)
    assert rule.reason_text is not None
    assert rule.reason_text.source == "do not disturb"
    assert rule.value is not None
    assert (rule.header, rule.header_forms, rule.value.source) == ("X-Twilio-Error", (b"x-twilio-error", b""), "32203")
    assert (rule.early_media, rule.outcome, rule.note, rule.line) == (False, Outcome.DECLINED, "the button", 5)


def rule(*keys: str, outcome: str = "busy") -> str:
    """Write a configuration with one rule."""
    return RULE + "".join(f"{key}\n" for key in keys) + f'outcome = "{outcome}"\n'


def two(first: str, second: str) -> str:
    """Write a configuration with two rules: the first from line 5 on, the second from line 8 on."""
    return f'{RULE}{first}\noutcome = "busy"\n[[peer.rule]]\n{second}\noutcome = "declined"\n'


MISTAKES = [
    ("no-outcome", RULE + "status_code = 603\n", "line 5: outcome is missing"),
    ("rules-as-a-table", PEER + "rule = 1\n", "line 5: rule = 1: expected tables, each headed [[peer.rule]]"),
    ("nothing-to-match-on", rule(), "line 5: rule = 'busy': expected at least one of status_code, cause, heard, reason_text, header, early_media to match on"),
    ("a-misspelt-key", rule("status = 603"), "line 6: unknown key 'status'; did you mean status_code?"),
    ("an-unknown-outcome", rule("status_code = 603", outcome="bussy"), "line 7: outcome = 'bussy': expected one of"),
    ("an-outcome-that-is-no-verdict", rule("status_code = 603", outcome="retried"), "outcome = 'retried'"),
    ("a-status-code-out-of-range", rule("status_code = 99"), "line 6: status_code = 99: expected a whole number from 200 to 699"),
    ("a-note-that-is-a-number", rule("status_code = 603", "note = 3"), "line 7: note = 3: expected a text"),
    ("a-cause-that-is-text", rule('cause = "34"'), "line 6: cause = '34'"),
    ("a-protocol-without-cause", rule("status_code = 603", 'cause_protocol = "SIP"'), "line 7: cause_protocol = 'SIP': expected a cause beside it"),
    ("an-unknown-protocol", rule("cause = 17", 'cause_protocol = "Q850"'), "line 7: cause_protocol = 'Q850': expected one of Q.850, SIP (did you mean 'Q.850'?)"),
    ("a-status-code-as-a-cause-of-q850", rule("cause = 486", 'cause_protocol = "Q.850"'), "line 6: cause = 486: expected a cause of Q.850, 1 to 127; this rule can never match"),
    ("a-cause-of-q850-as-sips", rule("cause = 17", 'cause_protocol = "SIP"'), "line 6: cause = 17: expected a status code, 200 to 699, as SIP has for a cause; this rule can never match"),
    ("a-cause-of-nobody", rule("cause = 150"), "line 6: cause = 150: expected a cause of Q.850, 1 to 127, or a status code"),
    ("an-unknown-heard", rule('heard = "alert"'), "line 6: heard = 'alert': expected one of nothing, trying, progressed, alerted (did you mean 'alerted'?)"),
    ("early-media-that-is-no-flag", rule('early_media = "yes"'), "line 6: early_media = 'yes': expected true or false"),
    ("early-media-without-alert", rule("early_media = true", 'heard = "trying"'), "line 7: heard = 'trying': expected 'alerted' beside early_media = true, a 183 is an alert; this rule can never match"),
    ("a-text-that-is-a-number", rule("reason_text = 4"), "line 6: reason_text = 4: expected a regular expression, such as"),
    ("a-bad-regular-expression", rule('reason_text = "(limit"'), "line 6: reason_text = '(limit': expected a regular expression: missing ): (limit"),
    ("a-pattern-that-looks-around", rule("reason_text = '(?=a)b'"), "line 6: reason_text = '(?=a)b': expected a regular expression: invalid perl operator: (?= (as RE2 says, which neither looks around nor back)"),
    ("a-pattern-that-repeats-too-much", rule('reason_text = "((a{99}){99}){99}"'), "invalid repetition size: {99}"),
    ("a-pattern-found-everywhere", rule('reason_text = ".*"'), "line 6: reason_text = '.*': expected something that is not found in every text"),
    ("a-repetition-too-long-to-be-found", rule('reason_text = "a{1001}"'), "line 6: reason_text = 'a{1001}': expected a regular expression: invalid repetition size: {1001}"),
    ("a-header-that-is-no-name", rule('header = "X Error"'), "line 6: header = 'X Error': expected the name of a header, such as \"X-Twilio-Error\""),
    ("a-header-that-is-a-number", rule("header = 5"), "line 6: header = 5: expected the name of a header"),
    ("a-value-without-header", rule("status_code = 603", 'value = "32203"'), "line 7: value = '32203': expected a header beside it"),
    ("a-value-that-is-a-number", rule('header = "X-Error"', "value = 32203"), 'line 7: value = 32203: expected a regular expression, such as "^32203"'),
    ("a-value-found-in-every-header", rule('header = "X-Error"', 'value = ".*"'), "line 7: value = '.*': expected something that is not found in every text; without it, the header need only be there"),
    ("the-same-header-in-another-spelling", two('header = "Contact"', 'header = "m"'), "line 8: rule = 'header m': expected a rule that cannot match the same call as that of line 5 (header Contact)"),
    ("a-value-behind-its-header", two('header = "X-Error"', 'header = "x-error"\nvalue = "32203"'), "line 8: rule = \"header x-error, value '32203'\": expected it before that of line 5 (header X-Error), which leaves it no call"),
    ("a-header-behind-a-code", two("status_code = 603", 'header = "X-Error"'), "line 8: rule = 'header X-Error': expected a rule that cannot match the same call"),
    ("the-same-rule-twice", two("status_code = 603", "status_code = 603"), "line 8: rule = 'status_code 603': expected a rule that cannot match the same call as that of line 5 (status_code 603)"),
    ("two-rules-that-may-overlap", two("status_code = 603", "cause = 34"), "line 8: rule = 'cause 34': expected a rule that cannot match the same call as that of line 5 (status_code 603)"),
    ("the-narrower-rule-behind-the-wider", two("cause = 34", 'cause = 34\nheard = "trying"'), "line 8: rule = 'cause 34, heard trying': expected it before that of line 5 (cause 34), which leaves it no call: this rule can never match"),
    ("early-media-is-heard-as-an-alert", two("early_media = true", 'early_media = true\nheard = "alerted"'), "cannot match the same call"),
    ("a-text-behind-a-code", two("status_code = 603", "reason_text = 'full'"), "rule = \"reason_text 'full'\": expected a rule that cannot match the same call"),
    (
        "shadowed-by-several",
        two('heard = "alerted"', 'heard = "nothing"')
        + "".join(f'[[peer.rule]]\nheard = "{heard}"\noutcome = "busy"\n' for heard in ("trying", "progressed"))
        + '[[peer.rule]]\nearly_media = false\noutcome = "busy"\n',
        "cannot match the same call",
    ),
    (
        "a-code-that-is-used-up",
        RULE + "[[peer.rule]]\n".join(f'status_code = 480\nheard = "{h.name.lower()}"\noutcome = "busy"\n' for h in Heard)
        + '[[peer.rule]]\nstatus_code = 480\noutcome = "busy"\n',
        "line 21: rule = 'status_code 480': expected a call that the rules of lines 5, 9, 13, 17 leave over",
    ),
]  # fmt: skip


@for_each("text, words", [m[1:] for m in MISTAKES], ids=[m[0] for m in MISTAKES])
def test_a_mistake_is_named_with_line_value_and_what_was_expected(text: str, words: str) -> None:
    assert words in complaint(text)


GOOD = [
    ('cause = 34\nheard = "trying"', "cause = 34"),
    ("status_code = 603\nreason_text = 'full'", "status_code = 603"),
    ("status_code = 480\nreason_text = 'full'", "status_code = 480\nreason_text = 'barred'"),
    ('heard = "trying"', "early_media = true"),
    ("early_media = true", 'heard = "alerted"'),
    ("early_media = true", "early_media = false"),
    ('cause = 17\ncause_protocol = "Q.850"', "cause = 17"),
    ("cause = 486", 'cause = 17\ncause_protocol = "Q.850"'),
    ('header = "X-Error"\nvalue = "32203"', 'header = "X-Error"'),
    ('header = "X-Error"\nvalue = "32203"', 'header = "X-Error"\nvalue = "32205"'),
    ('header = "X-Error"', 'header = "X-Other"'),
    ('status_code = 603\nheader = "X-Error"', "status_code = 603"),
]


@for_each("first, second", GOOD)
def test_a_narrower_rule_may_stand_before_a_wider_one_and_others_beside_each_other(first: str, second: str) -> None:
    assert len(rules_of(first, second)) == 2


# Against brute force: everything that a call can have said, one thing of each kind


class End(NamedTuple):
    """How a call ended."""

    status_code: int
    reason: tuple[int, str] | None
    text: str
    header: tuple[str, str] | None
    heard: Heard
    early_media: bool


ENDS = [
    End(code, reason, text, header, heard, early)
    for code, reason, text, header, heard, early in product(
        (0, 480, 603),
        (None, (17, "Q.850"), (17, "X.int"), (34, "Q.850")),
        ("", "full", "barred"),
        (None, ("x-a", "1"), ("x-a", "2"), ("x-a", ""), ("x-b", "1")),
        Heard,
        (False, True),
    )
    if not early or heard is Heard.ALERTED
]


def matches(rule: Rule, end: End) -> bool:
    """Tell whether a rule is about a call, said as simply as can be."""
    wanted_cause = rule.cause is None or (
        end.reason is not None
        and rule.cause == end.reason[0]
        and (rule.cause_protocol is None or rule.cause_protocol == end.reason[1])
    )
    wanted_header = rule.header is None or (
        end.header is not None
        and rule.header == end.header[0]
        and (rule.value is None or rule.value.source == end.header[1])
    )
    return (
        wanted_cause
        and wanted_header
        and (rule.status_code is None or rule.status_code == end.status_code)
        and (rule.reason_text is None or rule.reason_text.source == end.text)
        and (rule.heard is None or rule.heard is end.heard)
        and (rule.early_media is None or rule.early_media is end.early_media)
    )


def made(
    code: int | None,
    cause: tuple[int, str | None] | None,
    text: str | None,
    header: tuple[str, str | None] | None,
    said: tuple[Heard | None, bool | None],
) -> Rule:
    return Rule(
        Outcome.BUSY,
        status_code=code,
        cause=None if cause is None else cause[0],
        cause_protocol=None if cause is None else cause[1],
        reason_text=None if text is None else Pattern(text),
        header=None if header is None else header[0],
        value=None if header is None or header[1] is None else Pattern(header[1]),
        heard=said[0],
        early_media=said[1],
    )


SAID = [
    said for said in product((None, *Heard), (None, False, True)) if not said[1] or said[0] in (None, Heard.ALERTED)
]
RULES = st.builds(
    made,
    st.sampled_from([None, 480, 603]),
    st.sampled_from([None, (17, None), (17, "Q.850"), (34, "Q.850")]),
    st.sampled_from([None, "full", "barred"]),
    st.sampled_from([None, ("x-a", None), ("x-a", "1"), ("x-a", "2"), ("x-b", "1")]),
    st.sampled_from(SAID),
)


@given(RULES, RULES)
def test_rules_overlap_where_some_call_is_both_theirs_and_the_first_is_not_the_narrower(
    first: Rule, second: Rule
) -> None:
    one = {end for end in ENDS if matches(first, end)}
    other = {end for end in ENDS if matches(second, end)}
    assert overlapping(first, second) == (bool(one & other) and not one < other)


def written(rule: Rule) -> str:
    keys = [f'outcome = "{rule.outcome.value}"']
    keys += [f"status_code = {rule.status_code}"] if rule.status_code is not None else []
    keys += [f"cause = {rule.cause}"] if rule.cause is not None else []
    keys += [f'cause_protocol = "{rule.cause_protocol}"'] if rule.cause_protocol is not None else []
    keys += [f'reason_text = "{rule.reason_text.source}"'] if rule.reason_text is not None else []
    keys += [f'header = "{rule.header}"'] if rule.header is not None else []
    keys += [f'value = "{rule.value.source}"'] if rule.value is not None else []
    keys += [f'heard = "{rule.heard.name.lower()}"'] if rule.heard is not None else []
    keys += [f"early_media = {str(rule.early_media).lower()}"] if rule.early_media is not None else []
    return "[[peer.rule]]\n" + "\n".join(keys) + "\n"


@given(st.lists(RULES.filter(lambda rule: written(rule).count("\n") > 2), min_size=1, max_size=5))
def test_every_rule_that_is_accepted_decides_some_call(rules: list[Rule]) -> None:
    try:
        accepted = parse(PEER + "".join(map(written, rules)), "x").settings.peers[0].rules
    except ConfigError as error:
        assert "expected" in str(error)  # noqa: PT017 - an error is one of two right answers
        return
    first = [next((place for place, rule in enumerate(accepted) if matches(rule, end)), -1) for end in ENDS]
    assert set(range(len(rules))) <= set(first)
