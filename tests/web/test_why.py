"""Why a call is said to be what it is: asserted is only what was seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sipwatch.knowledge import load
from sipwatch.web.why import name_of_end, reasons_for
from tests.each import for_each
from tests.export import records
from tests.export.records import leg
from tests.web.browsing import watched

if TYPE_CHECKING:
    from sipwatch.export.record import CallRecord
    from tests.store.stored import Stored


def said(call: CallRecord) -> list[str]:
    return [one.words for one in reasons_for(call, load())]


PROXIED = """
0    A>P INVITE
0.1  P>A 100
0.2  P>B INVITE vias=2
0.5  B>P 486 vias=2
0.6  P>B ACK vias=2
0.7  P>A 486
0.8  A>P ACK
"""
WITH_REASON = """
0    A>P INVITE
0.1  P>A 100
0.7  P>A 480 h=Reason:_Q.850;cause=17
0.8  A>P ACK
"""


def test_the_message_that_decided_the_rule_and_who_said_it_first(store: Stored) -> None:
    sentences = reasons_for(watched(store, PROXIED), load())
    assert [one.words for one in sentences] == [
        "“SIP/2.0 486 Busy Here” from 192.0.2.80:5060 at 09:00:00.700 decided.",
        "486 stands for “Busy”.",
        "The first to say 486 was 192.0.2.66:5060, at 09:00:00.500; another passed it on.",
    ]
    assert [one.message for one in sentences] == [5, None, 3]
    assert sentences[1].explains == "status 486"


def test_a_reason_that_decided_is_named_with_its_cause(store: Stored) -> None:
    decided, rule, first = said(watched(store, WITH_REASON))
    assert decided.endswith("from 192.0.2.80:5060 at 09:00:00.700 decided. What counts in it is the header Reason.")
    assert rule.startswith("Q.850 cause 17 stands for “Busy”")
    assert first.endswith("nobody behind it was seen to say so.")


def test_where_nothing_came_nothing_decided(store: Stored) -> None:
    call = watched(store, "0 A>P INVITE\n0.5 A>P INVITE\n")
    assert said(call) == ["No message decided: what counts is what had come by then, and that nothing more came."]


def test_without_messages_the_record_says_what_it_knows() -> None:
    far = leg(source_address="192.0.2.80:5060", destination_address="192.0.2.66:5060", settled=records.at(1))
    call = records.call(legs=[leg(), far])
    assert said(call) == [
        "The final response was 486 Busy Here.",
        "486 stands for “Busy”.",
        "Of the hops that ended with 486, the first to end was that to 192.0.2.66:5060.",
    ]


def test_a_code_that_alone_would_say_something_else_is_not_given_as_the_rule() -> None:
    (_, rule, _) = said(records.call("congested", status_code=486))
    assert rule == (
        "By itself 486 stands for “Busy”. Here more was known: a rule of a peer, a Reason, or what was heard before."
    )


def test_a_final_response_that_was_not_captured_is_said_to_be_missing() -> None:
    call = records.call(status_code=None, legs=[leg(inferred=["final"])])
    assert said(call) == ["A failing final response must have come, since it was acknowledged; it was not captured."]


@for_each("code", [180, 200, 302])
def test_only_of_a_failure_it_is_told_who_said_it_first(code: int) -> None:
    call = (
        records.call("redirected", status_code=code, legs=[leg(status_code=code)])
        if code == 302
        else records.answered(status_code=code)
    )
    assert any("the first to end" in words for words in said(call)) is (code == 302)


def test_an_end_has_its_peers_name_where_it_has_one() -> None:
    call = records.call(legs=[leg(source="acme")])
    assert name_of_end(call, "192.0.2.65:5060") == "acme (192.0.2.65:5060)"
    assert name_of_end(call, "192.0.2.80:5060") == "192.0.2.80:5060"
    assert name_of_end(call, "192.0.2.99:5060") == "192.0.2.99:5060"


def test_who_says_it_to_several_is_one(store: Stored) -> None:
    """A proxy tries a phone twice, is refused twice, and passes that on."""
    again = "0.3  P>B INVITE vias=2 branch=z9hG4bKsecond\n0.55 B>P 486 vias=2 branch=z9hG4bKsecond\n0.7  P>A 486"
    call = watched(store, PROXIED.replace("0.7  P>A 486", again))
    assert sum(one.first_line.startswith("SIP/2.0 486") for one in call.messages or ()) == 3
    assert said(call)[2] == "The first to say 486 was 192.0.2.66:5060, at 09:00:00.500; another passed it on."


def test_of_an_answer_nobody_is_the_first(store: Stored) -> None:
    call = watched(store, "0 A>P INVITE\n1 P>A 200\n1.1 A>P ACK\n5 A>P BYE\n5.1 P>A 200 method=BYE cseq=2\n")
    assert call.outcome == "answered"
    assert [words for words in said(call) if "first" in words] == []
