"""One call as a sequence diagram."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from sipwatch.report.ladder import print_ladder

if TYPE_CHECKING:
    from sipwatch.export.record import CallRecord, LegRecord
from tests.export.records import EVIL, answered, call, condition, leg, message
from tests.report.test_table import Screen

A, P, B = "192.0.2.65:5060", "192.0.2.80:5060", "192.0.2.66:5060"
LEGS = [leg(), leg(source_address=P, destination_address=B)]
MESSAGES = [
    message(0, A, P, "INVITE sip:15550101@example.com SIP/2.0"),
    message(0.1, P, B, "INVITE sip:15550101@example.com SIP/2.0"),
    message(0.6, P, B, "INVITE sip:15550101@example.com SIP/2.0", again=True),
    message(11, B, P, "SIP/2.0 486 Busy Here"),
    message(11.1, P, A, "SIP/2.0 486 Busy Here"),
]


def drawn(record: CallRecord) -> list[str]:
    out = Screen()
    print_ladder(out, record)
    return out.getvalue().splitlines()


def ladder(*, legs: list[LegRecord] = LEGS, **more: Any) -> list[str]:
    return drawn(call(**{"legs": legs, "messages": MESSAGES, "conditions": [condition("no_progress", 10, 11)], **more}))


def test_the_ends_are_columns_in_the_order_of_the_hops() -> None:
    (header,) = [line for line in ladder() if A in line]
    assert header.index(A) < header.index(P) < header.index(B)


def test_arrows_point_the_way_the_message_went() -> None:
    arrows = [line for line in ladder() if "─" in line]
    assert ["►" in line for line in arrows] == [True, True, True, False, False]
    assert "INVITE" in arrows[0]
    assert "486 Busy Here" in arrows[3]


def test_every_row_has_its_time_and_the_time_since_the_row_before() -> None:
    row = next(line for line in ladder() if "486" in line)
    assert row.startswith("09:00:11.000  +1.00 s")


def test_retransmissions_are_marked() -> None:
    assert [line.endswith("(again)") for line in ladder() if "INVITE" in line] == [False, False, True]


def test_a_condition_stands_where_it_was_raised_and_resolved() -> None:
    lines = ladder()
    raised = next(place for place, line in enumerate(lines) if "▲ no_progress" in line)
    assert "09:00:10.000" in lines[raised]
    assert "486" in lines[raised + 1]
    assert "▽ no_progress cancelled" in lines[raised + 2]


def test_the_verdict_stands_at_the_end() -> None:
    assert ladder(cause=17, cause_protocol="Q.850")[-1] == "Busy - 486 Busy Here, Q.850 cause 17, ended by callee"


def test_agent_busy_is_said_of_an_agent() -> None:
    assert ladder(legs=[leg(), leg(offered="idle_busy")])[-1].startswith("Agent busy - 486 Busy Here")


def test_how_an_answered_call_ended_stands_at_the_head_and_what_was_said_at_the_end() -> None:
    lines = drawn(answered(ending="ack_timeout", ended_by="callee", messages=MESSAGES, legs=LEGS))
    assert lines[2] == "Ending Dropped: answer never acknowledged (ack_timeout)"
    assert lines[-1] == "Answered - 200 OK, rang 4.00 s, talked 1:00, ended by callee"
    said = drawn(answered(end_cause=38, end_cause_protocol="Q.850", end_cause_text="RTP", messages=[]))
    assert said[-1].endswith('ended by caller with Q.850 cause 38 "RTP"')
    assert not any(line.startswith("Ending") for line in ladder())


def test_a_message_that_could_not_be_placed_has_a_mark_and_a_legend_says_so() -> None:
    stray = message(11.5, P, A, "SIP/2.0 200 OK", placed=False)
    lines = ladder(messages=[*MESSAGES, stray])
    assert [line.endswith("(?)") for line in lines if "─" in line] == [False] * 5 + [True]
    (legend,) = [line for line in lines if line.startswith("(?)")]
    assert "could not be placed" in legend
    assert not any("(?)" in line for line in ladder())


@pytest.mark.parametrize("what", ["invite", "final", "success", "challenge"])
def test_what_was_inferred_is_said_of_its_leg(what: str) -> None:
    legs = [leg(), leg(source_address=P, destination_address=B, inferred=[what])]
    (said,) = [line for line in ladder(legs=legs) if line.startswith("Leg ")]
    assert said.startswith("Leg 2: ")
    assert "not captured" in said


def test_an_answer_that_was_not_captured_is_not_said_to_be_missing() -> None:
    unseen = leg(outcome="answered", status_code=None, inferred=["success"])
    assert "Answered - answer not captured, " in drawn(answered(status_code=None, legs=[unseen], messages=[]))[-1]


def test_peers_are_named_and_long_names_get_a_legend() -> None:
    legs = [
        leg(source="phones", destination="server"),
        leg(source="server", destination="acme", source_address=P, destination_address=B),
    ]
    assert any("server " + P in line for line in ladder(legs=legs))
    long = [leg(source="x" * 60)]
    assert any(line.startswith(("(1)", "x" * 60)) for line in ladder(legs=long))


@pytest.mark.parametrize("ends", [2, 3, 5, 9])
def test_many_ends_still_line_up(ends: int) -> None:
    """Every arrow begins and ends at a column."""
    names = [f"192.0.2.{n}:5060" for n in range(ends)]
    legs = [leg(source_address=a, destination_address=b) for a, b in pairwise(names)]
    said = [message(n, a, b, "INVITE sip:x SIP/2.0") for n, (a, b) in enumerate(pairwise(names))]
    rows = [line for line in drawn(call(legs=legs, messages=said)) if "►" in line]
    starts = [row.index("─") for row in rows]
    assert [b - a for a, b in pairwise(starts)] == [starts[1] - starts[0]] * (len(starts) - 1) if ends > 2 else True


def test_hostile_text_is_made_visible() -> None:
    text = "\n".join(drawn(call(messages=[message(0, A, P, f"SIP/2.0 486 {EVIL}")], caller=EVIL, call_id=EVIL)))
    assert not any(char in text for char in "\x1b\x07\u202e")


def test_a_message_to_itself_is_drawn() -> None:
    assert any("⟲" in line for line in ladder(messages=[message(0, A, A, "OPTIONS sip:x SIP/2.0")]))
