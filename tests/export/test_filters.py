"""``--filter``: what an expression says of a call, and what is said of a wrong one."""

from __future__ import annotations

import pytest

from sipwatch.export.filters import _CLOSED, _LISTS, MAX_LENGTH, FilterError, compile_filter
from sipwatch.export.record import FindingRecord
from tests.each import for_each
from tests.export.records import answered, at, call, condition, leg, link, span, words

CALL = call(setup_seconds=span(4.5), conditions=[condition()], callee="0015550101")

HOLDS = [
    'outcome == "busy"',
    'outcome in ["busy", "declined"] and setup_seconds > 3',
    'callee =~ "^00"',
    'callee =~~ "5010"',
    '"no_progress" in conditions',
    "status_code >= 400 and status_code < 500",
    f'started < "{at(1)}"',
    "cause == null",
    "not (status_code == 200)",
    "talk_seconds > 1 or status_code == 486",
    "not (talk_seconds > 1)",
]
FAILS = [
    'outcome == "answered"',
    "talk_seconds > 1",
    "talk_seconds < 1",
    "ring_seconds >= 0",
    'cause_text =~ ".*x"',
    '"no_answer" in conditions',
]


@for_each("expression", HOLDS)
def test_an_expression_that_holds(expression: str) -> None:
    assert compile_filter(expression)(CALL)


@pytest.mark.parametrize("expression", FAILS)
def test_an_expression_that_does_not_hold(expression: str) -> None:
    """A comparison with null is false, and no error."""
    assert not compile_filter(expression)(CALL)


WRONG = [
    ('outcom == "busy"', "no key 'outcom'; did you mean outcome?"),
    ("nothing_like_it == 1", "the keys are id, call_id"),
    ("outcome ==", "syntax error"),
    ("outcome > 3", "data type mismatch"),
    ('outcome = "busy"', "syntax error (illegal character '=') at '= \"busy\"', character 9; to compare"),
    ('outcome = "busy"', "to compare, write =="),
    ('callee =~ "("', "invalid regular expression"),
    ('callee =~ "(?=a)b"', "'(?=a)b' is no pattern that can be used: invalid perl operator: (?="),
    ("callee =~ caller", "must be a pattern in quotes"),
    ('callee =~ "(a)" and $re_groups[0] == "a"', "there is no $re_groups here"),
    ('outcome == "bsy"', "outcome is never 'bsy'; did you mean 'busy'?"),
    ('"Busy" != outcome', "outcome is never 'Busy'; did you mean 'busy'?"),
    (
        'not (status_code > 1 and outcome in ["busy", "declind"])',
        "outcome is never 'declind'; did you mean 'declined'?",
    ),
    ('outcome == "retried"', "outcome is never 'retried'"),
    ('not (category == "answered")', "category is never 'answered'; did you mean outcome == \"answered\"?"),
    ('ending == "busy"', "ending is never 'busy'; did you mean outcome == \"busy\"?"),
    ('outcome == "short_ring"', "outcome is never 'short_ring'; did you mean \"short_ring\" in findings?"),
    ('"technical" in tags', "tags is never 'technical'; did you mean category == \"technical\"?"),
    ('outcome == "x"', "expected one of abandoned, abandoned_brief, answered,"),
    ('category == "technica"', "did you mean 'technical'?"),
    ('ending == "ack_timout"', "did you mean 'ack_timeout'?"),
    ('ended_by == "caler"', "did you mean 'caller'?"),
    ('transport != "UDP"', "expected one of sctp, tcp, tls, udp, ws, wss"),
    ('"no_progres" in conditions', "did you mean 'no_progress'?"),
    ('"refusd" not in tags', "did you mean 'refused'?"),
    ('"late_481" in findings', "did you mean 'late_480'?"),
    ('"finale" in inferred', "did you mean 'final'?"),
    ("legs == 1", "no key 'legs'"),
    ("x" * (MAX_LENGTH + 1), f"longer than {MAX_LENGTH}"),
]


@for_each("expression, words", WRONG, ids=[w[0][:60] + w[1][:9] for w in WRONG])
def test_a_wrong_expression_is_explained_on_one_line(expression: str, words: str) -> None:
    with pytest.raises(FilterError) as raised:
        compile_filter(expression)
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


def test_findings_are_asked_for_by_kind_and_tags_by_name() -> None:
    record = call(findings=[FindingRecord("late_480", words("acme"), words("it rang"), [])], tags=["refused", "brief"])
    for expression, expected in (
        ('"late_480" in findings', True), ('"loop" in findings', False), ('"brief" in tags', True), ('"transferred" in tags', False),
    ):  # fmt: skip
        assert compile_filter(expression)(record) is expected, expression
    assert compile_filter('"brief" in tags')(call()) is False


def test_linked_calls_are_asked_for_by_the_reason() -> None:
    linked = call(linked=[link("aa", 1, "session_id"), link("bb", 1, "referred", "transferred")])
    assert compile_filter('"session_id" in linked and "referred" in linked')(linked)
    assert not compile_filter('"replaces" in linked')(linked)
    assert [compile_filter("linked.length > 0")(one) for one in (linked, call())] == [True, False]
    with pytest.raises(FilterError, match="linked is never 'session-id'; did you mean 'session_id'"):
        compile_filter('"session-id" in linked')


def test_hops_are_asked_for_by_their_ends() -> None:
    record = call(legs=[leg(source="phones", destination="server"), leg(source="server", destination="sip.north")])
    for expression, holds in (
        ('"phones>server" in hops', True), ('"server>sip.north" in hops', True), ('"phones>sip.north" in hops', False),
        ('"server>phones" in hops', False), ('[hop for hop in hops if hop =~ "(?:phones|acme)>(?:.*)$"]', True),
        ('[hop for hop in hops if hop =~ "(?:acme|north)>(?:.*)$"]', False),
        ('[hop for hop in hops if hop =~ "(?:.*)>(?:nor|serv)$"]', False),
    ):  # fmt: skip
        assert compile_filter(expression)(record) is holds, expression
    assert compile_filter('"phones>server" in hops')(call(legs=[])) is False


@pytest.mark.parametrize("hop", ["server", "phones>server>acme", "phones > server > x", ""])
def test_what_is_no_hop_is_told(hop: str) -> None:
    with pytest.raises(FilterError, match="a hop is written as its two ends, such as 'server>acme'"):
        compile_filter(f'"{hop}" in hops')


def test_endings_their_causes_and_what_was_inferred_are_asked_for() -> None:
    legs = [leg(), leg(inferred=["success"])]
    record = answered(ending="error_reason", end_cause=38, end_cause_text="RTP timeout", legs=legs)
    for expression, expected in (
        ('ending == "error_reason"', True), ('ending == "ack_timeout"', False), ("end_cause == 38", True),
        ("end_cause > 40", False), ('end_cause_text =~ "RTP.*"', True), ('"success" in inferred', True),
        ('"final" in inferred', False), ('ending != "normal" and talk_seconds > 10', True),
    ):  # fmt: skip
        assert compile_filter(expression)(record) is expected, expression
    assert compile_filter("ending == null")(call()) is True
    assert compile_filter('"success" in inferred')(call()) is False
    assert compile_filter("end_cause > 1")(call()) is False


PATTERNS = [
    ('callee =~ "12"', True), ('callee =~ "2"', False), ('callee =~~ "2"', True), ('callee !~ "2"', True),
    ('callee !~~ "2"', False), ('callee !~ "12"', False), ('user_agent =~ "x"', False), ('user_agent !~ "x"', True),
    ('"yes" == (callee =~ "12" ? "yes" : "no")', True), ('[n for n in tags if n =~ "bri"][0] == "brief"', True),
    ('[callee =~ "12"][0]', True), ('server =~ "acme"', False), ('server =~ "(?i)acme"', True),
]  # fmt: skip


@for_each("expression, expected", PATTERNS)
def test_a_pattern_is_looked_for_from_the_first_letter_or_anywhere_in_their_case(
    expression: str, expected: bool
) -> None:
    record = call(callee="123", user_agent=None, server="ACME", tags=["brief"])
    assert compile_filter(expression)(record) is expected


@pytest.mark.parametrize("pattern", ["(a*)*b", "(a|a)*b", "(a+)+$", "(.*a){20}b"])
def test_a_number_made_to_be_slow_is_not(pattern: str) -> None:
    """Each of these keeps Python's own matcher busy for longer than anybody lives; the test ends, so they do not."""
    hostile = call(callee="a" * 30_000 + "!")
    for expression in (
        f'callee =~ "{pattern}"',
        f'[c for c in [callee] if c =~~ "{pattern}"]',
        f'(callee !~ "{pattern}" ? false : true)',
    ):
        assert compile_filter(expression)(hostile) is False, expression


def test_every_word_of_the_closed_lists_may_be_asked_for() -> None:
    for key, known in _CLOSED.items():
        for word in known:
            expression = f'"{word}" in {key}' if key in _LISTS else f'{key} == "{word}"'
            assert compile_filter(expression)(call()) in (True, False)


@for_each(
    "expression",
    [
        "not " * 900 + "true",
        '"a"+' * 900 + '"b" == "c"',
        "[[y for y in tags] for x in tags] == []",
        't"P99999999999D" > t"P1D"',
    ],
)
def test_what_could_keep_a_machine_busy_or_break_it_is_refused(expression: str) -> None:
    with pytest.raises(FilterError):
        compile_filter(expression)


def test_numbers_beyond_all_measure_match_nothing() -> None:
    assert not compile_filter("setup_seconds > 9 ** 9 ** 9 ** 9")(call())
