"""Rules about a header of the final response; what else a rule can ask for is in test_peers and test_verdict."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from sipwatch.classify.outcomes import Outcome
from sipwatch.classify.peers import Peer, PeerKind, Rule, Settings
from sipwatch.classify.regex import Pattern
from sipwatch.classify.ruling import MAX_HEADER_LINES
from tests.conversation import the_call
from tests.each import for_each


def judged(rule: Rule, end: str) -> str:
    """Return the outcome of a call over a trunk that has one rule."""
    trunk = Peer("acme", PeerKind.TRUNK, [ip_network("192.0.2.84/32")], None, [rule])
    return the_call("0 A>T INVITE\n0.1 T>A 100\n" + end, Settings(peers=[trunk]), until="60").outcome


THERE = Rule(Outcome.FORBIDDEN, header="X-Twilio-Error")
SAYS = Rule(Outcome.FORBIDDEN, header="X-Twilio-Error", value=Pattern("32203"))


@for_each(
    "end, there, says",
    [
        ("1 T>A 503 h=X-Twilio-Error:_32203_No_balance", "forbidden", "forbidden"),
        ("1 T>A 503 h=x-twilio-ERROR_:_32203", "forbidden", "forbidden"),
        ("1 T>A 503 h=X-Twilio-Error:_32201 h=X-Twilio-Error:_32203", "forbidden", "forbidden"),
        ("1 T>A 503 h=X-Twilio-Error:_32201", "forbidden", "server_error"),
        ("1 T>A 503 h=X-Twilio-Error:", "forbidden", "server_error"),
        ("1 T>A 503 h=X-Other:_32203", "server_error", "server_error"),
        ("1 T>A 503 reason=32203", "server_error", "server_error"),
        ("1 T>A 180 h=X-Twilio-Error:_32203\n2 T>A 503", "server_error", "server_error"),
        ("1 T>A 200 h=X-Twilio-Error:_32203", "answered", "answered"),
        ("3 A>T CANCEL h=X-Twilio-Error:_32203", "abandoned_brief", "abandoned_brief"),
    ],
    ids=[
        "with-the-value", "in-any-case", "in-the-second-line", "with-another-value", "with-none", "another-header",
        "in-the-phrase-only", "before-the-final-response", "of-an-answer", "of-the-cancel",
    ],
)  # fmt: skip
def test_a_header_of_the_final_response_is_asked_for(end: str, there: str, says: str) -> None:
    """OUTCOMES §2, rule 1."""
    assert (judged(THERE, end), judged(SAYS, end)) == (there, says)


@pytest.mark.parametrize("asked", ["Contact", "contact", "m"])
@pytest.mark.parametrize("sent", ["Contact", "CONTACT", "m"])
def test_the_compact_form_is_the_same_header(asked: str, sent: str) -> None:
    rule = Rule(Outcome.REDIRECTED, header=asked, value=Pattern("mailbox"))
    assert judged(rule, f"1 T>A 480 h={sent}:_<sip:mailbox@x>") == "redirected"


def test_an_answer_is_only_asked_where_its_code_is_named() -> None:
    rule = Rule(Outcome.NO_ANSWER, status_code=200, header="X-Mailbox")
    assert judged(rule, "1 T>A 200 h=X-Mailbox:_yes") == "no_answer"
    assert judged(rule, "1 T>A 200") == "answered"


def test_of_very_many_lines_the_first_are_looked_at() -> None:
    def lines(others: int) -> str:
        return "1 T>A 503" + " h=X-Twilio-Error:_1" * others + " h=X-Twilio-Error:_32203"

    assert judged(SAYS, lines(MAX_HEADER_LINES - 1)) == "forbidden"
    assert judged(SAYS, lines(MAX_HEADER_LINES)) == "server_error"
