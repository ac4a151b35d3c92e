"""OUTCOMES §2, rules 3 and 4, as tables; and which codes and causes RFC 3398 turns into each other."""

from __future__ import annotations

import pytest

from sipwatch.classify.causes import (
    BY_CAUSE,
    blocks,
    cause_outcome,
    names_media,
    names_network,
    paired,
    reason_outcome,
    stands_against,
    status_outcome,
)
from sipwatch.classify.reason import Reason
from tests.each import for_each

CAUSES = {
    "busy": [17],
    "not_responding": [18],
    "no_answer": [19],
    "unavailable": [20, 27],
    "declined": [21],
    "answered_elsewhere": [26],
    "redirected": [31],
    "not_found": [1, 2, 3, 22, 28],
    "congested": [34, 42, 44, 47],
    "server_error": [38, 41],
    "forbidden": [50, 55, 57, 87],
    "rejected": [58, 65, 79, 88],
    "gateway_timeout": [102],
}


def test_every_cause_of_the_contract_leads_where_it_says() -> None:
    wanted = {cause: outcome for outcome, causes in CAUSES.items() for cause in causes}
    assert {cause: outcome.value for cause, outcome in BY_CAUSE.items()} == wanted


@pytest.mark.parametrize("cause", [0, 16, 127])
def test_causes_that_say_nothing_decide_nothing(cause: int) -> None:
    assert cause_outcome(cause, None) is None


REASONS = [
    ("a-cause-of-q850", Reason("Q.850", 34, None), "congested"),
    ("a-status-code", Reason("SIP", 486, None), "busy"),
    ("a-status-code-as-if-it-had-rung", Reason("SIP", 480, None), "no_answer"),
    ("603-of-a-trunk", Reason("SIP", 603, None), "congested"),
    ("603-of-a-trunk-that-says-more", Reason("SIP", 603, "v=analytics1;url=https://redress.example.com"), "blocked"),
    ("any-2xx", Reason("SIP", 202, None), "answered_elsewhere"),
    ("487-is-no-news", Reason("SIP", 487, None), None),
    ("a-provisional-code", Reason("SIP", 180, None), None),
    ("a-number-beyond-all-codes", Reason("SIP", 700, None), None),
    ("no-number", Reason("Q.850", None, "busy"), None),
    ("another-protocol", Reason("X.int", 17, None), None),
]


@for_each("reason, outcome", [row[1:] for row in REASONS], ids=[row[0] for row in REASONS])
def test_what_a_reason_says_by_itself(reason: Reason, outcome: str | None) -> None:
    """To or from a trunk, after it rang."""
    assert reason_outcome(reason, alerted=True, trunk=True) == outcome


@pytest.mark.parametrize("code", [486, 600, 607, 608])
@for_each("cause", [34, 38, 41, 42, 44, 47, 58, 65, 79, 88, 102])
def test_who_was_reached_did_not_fail_for_want_of_a_resource(code: int, cause: int) -> None:
    assert stands_against(code, cause)
    assert not stands_against(503, cause)


@pytest.mark.parametrize("cause", [1, 17, 18, 19, 20, 21, 27, 31])
def test_what_is_about_the_callee_may_say_more_than_busy(cause: int) -> None:
    assert not stands_against(486, cause)


@pytest.mark.parametrize(
    "text", ["MediaOfferError", "MEDIA_OFFER_ERROR", "mediaoffererror", "no common codec", "SDP refused", "SRTP needed"]
)
def test_a_text_that_names_the_media_makes_22_a_media_fault(text: str) -> None:
    assert names_media(text)
    assert cause_outcome(22, text) == "rejected"
    assert cause_outcome(1, text) == "not_found"


@pytest.mark.parametrize("text", ["number changed", "NUMBER_CHANGED", "intermediate exchange", "immediately", ""])
def test_22_with_any_other_text_is_a_changed_number(text: str) -> None:
    assert cause_outcome(22, text) == cause_outcome(22, None) == "not_found"


def test_a_text_beyond_what_is_read_changes_nothing() -> None:
    assert not names_media("x" * 300 + " media")


@pytest.mark.parametrize(
    ("code", "phrase", "blocked"),
    [
        (603, b"Network Blocked", True),
        (603, b" network BLOCKED ", True),
        (603, b"Decline", False),
        (486, b"Network Blocked", False),
        (607, b"Unwanted", True),
        (608, b"", True),
        (600, b"", False),
    ],
)
def test_start_lines_that_say_the_call_was_screened_out(code: int, phrase: bytes, blocked: bool) -> None:
    assert blocks(code, phrase) is blocked


@pytest.mark.parametrize(
    ("reason", "blocked"),
    [
        (Reason("SIP", 603, "v=analytics1;url=https://redress.example.com"), True),
        (Reason("SIP", 603, "V=Analytics"), True),
        (Reason("SIP", 603, "see v=analytics1"), False),
        (Reason("SIP", 603, None), False),
        (Reason("SIP", 480, "v=analytics1"), False),
        (Reason("Q.850", 21, "v=analytics1"), False),
    ],
)
def test_reasons_that_say_so(reason: Reason, blocked: bool) -> None:
    assert names_network(reason) is blocked


# RFC 3398

FROM_ISUP = [
    (1, 404), (2, 404), (3, 404), (17, 486), (18, 408), (19, 480), (20, 480), (21, 403), (21, 603), (22, 410),
    (22, 301), (23, 410), (26, 404), (27, 502), (28, 484), (29, 501), (31, 480), (34, 503), (38, 503), (41, 503),
    (42, 503), (47, 503), (55, 403), (57, 403), (58, 503), (65, 488), (70, 488), (79, 501), (87, 403), (88, 503),
    (102, 504), (111, 500), (127, 500),
    (44, 500), (50, 500), (99, 500),  # any other
]  # fmt: skip
TO_ISUP = [
    (400, 41), (401, 21), (402, 21), (403, 21), (404, 1), (405, 63), (406, 79), (407, 21), (408, 102), (410, 22),
    (413, 127), (414, 127), (415, 79), (416, 127), (420, 127), (421, 127), (423, 127), (480, 18), (481, 41), (482, 25),
    (483, 25), (484, 28), (485, 1), (486, 17), (500, 41), (501, 79), (502, 38), (503, 41), (504, 102), (505, 127),
    (513, 127), (600, 17), (603, 21), (604, 1),
]  # fmt: skip


@for_each("cause, code", FROM_ISUP)
def test_a_gateway_passes_a_cause_on_as_a_code(cause: int, code: int) -> None:
    """RFC 3398 §7.2.4.1."""
    assert paired(code, cause)


@for_each("code, cause", TO_ISUP)
def test_a_gateway_passes_a_code_on_as_a_cause(code: int, cause: int) -> None:
    """RFC 3398 §8.2.6.1."""
    assert paired(code, cause)


@pytest.mark.parametrize(
    ("code", "cause"), [(486, 34), (480, 17), (480, 34), (404, 17), (503, 17), (500, 34), (488, 1), (606, 65)]
)
def test_no_gateway_makes_these_of_each_other(code: int, cause: int) -> None:
    assert not paired(code, cause)


def test_603_depends_on_the_peer_and_408_and_480_on_whether_it_rang() -> None:
    assert [status_outcome(603, False, trunk).value for trunk in (False, True)] == ["declined", "congested"]
    assert [status_outcome(408, rang, False).value for rang in (False, True)] == ["not_responding", "no_answer"]
    assert [status_outcome(480, rang, False).value for rang in (False, True)] == ["unavailable", "no_answer"]
