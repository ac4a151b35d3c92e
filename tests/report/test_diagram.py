"""One call as columns and rows. What is drawn of it: test_ladder.py, test_svg.py, test_mermaid.py."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from sipwatch.report.diagram import Arrow, ArrowKind, Diagram, LeftOut, Lifeline, Mark, bounded, diagram_of, legend
from tests.export.records import call, condition, described, leg, message

A, P, B = "192.0.2.65:5060", "192.0.2.80:5060", "192.0.2.66:5060"
LEGS = [leg(source="phones"), leg(source_address=P, destination_address=B, destination="acme")]
SDP = "v=0\r\nc=IN IP4 192.0.2.65\r\nm=audio 6000 RTP/AVP 8\r\n"
MESSAGES = [
    message(0, A, P, "INVITE sip:15550101@example.com SIP/2.0"),
    message(0.1, P, B, "INVITE sip:15550101@example.com SIP/2.0"),
    message(0.6, P, B, "INVITE sip:15550101@example.com SIP/2.0", again=True),
    message(1, B, P, "SIP/2.0 180 Ringing"),
    message(11, B, P, "SIP/2.0 486 Busy Here"),
    message(11.1, P, A, "SIP/2.0 486 Busy Here"),
    message(12, P, A, "SIP/2.0 200 OK", placed=False),
]


def drawn(**more: Any) -> Diagram:
    return diagram_of(call(**{"legs": LEGS, "messages": MESSAGES, **more}))


def arrows(*messages: object) -> list[Arrow]:
    return drawn(messages=list(messages)).arrows


def test_ends_are_named_by_their_peers_from_the_caller_on() -> None:
    assert drawn().ends == [Lifeline(A, "phones"), Lifeline(P, ""), Lifeline(B, "acme")]


def test_a_leg_that_was_seen_late_puts_its_end_before_where_it_leads_to() -> None:
    legs = [leg(source_address=P, destination_address=B), leg(source_address=A, destination_address=P)]
    assert [end.address for end in drawn(legs=legs).ends] == [A, P, B]


def test_an_arrow_says_which_message_it_is_and_what_kind() -> None:
    found = drawn().arrows
    assert [arrow.message for arrow in found] == [0, 1, 2, 3, 4, 5, 6]
    assert [(arrow.source, arrow.destination) for arrow in found[:4]] == [(0, 1), (1, 2), (1, 2), (2, 1)]
    kinds = [ArrowKind.REQUEST] * 3 + [ArrowKind.PROVISIONAL, ArrowKind.FAILURE, ArrowKind.FAILURE, ArrowKind.SUCCESS]
    assert [arrow.kind for arrow in found] == kinds
    assert [arrow.label for arrow in found][2:5] == ["INVITE", "180 Ringing", "486 Busy Here"]
    assert [arrow.again for arrow in found] == [False, False, True, False, False, False, False]
    assert [arrow.placed for arrow in found] == [True] * 6 + [False]


def test_rows_have_the_time_since_the_row_before_also_where_a_clock_went_back() -> None:
    rows = drawn(messages=[MESSAGES[0], MESSAGES[4], MESSAGES[3]]).rows
    assert [row.since for row in rows] == [0, 1_000_000_000, 10_000_000_000]
    assert drawn(messages=[message(-1, A, P, "INVITE sip:x SIP/2.0")]).rows[0].since == -1_000_000_000


def test_of_one_moment_messages_stand_before_what_was_raised_and_that_before_what_was_resolved() -> None:
    rows = drawn(conditions=[condition("no_progress", 1, 11), condition("no_answer", 11, 20)]).rows
    moments = [(place, row.what) for place, row in enumerate(rows) if isinstance(row.what, Mark)]
    assert moments == [
        (4, Mark("no_progress", 0, 0, None)),
        (6, Mark("no_answer", 0, 0, None)),
        (7, Mark("no_progress", 0, 0, "cancelled")),
        (10, Mark("no_answer", 0, 0, "cancelled")),
    ]


def test_media_are_compared_with_what_the_same_side_said_on_that_hop() -> None:
    """A proxy that puts itself in between says other addresses on the next hop: nobody changed anything."""
    relayed = SDP.replace("192.0.2.65", "192.0.2.80")
    invite = "INVITE sip:x SIP/2.0"
    found = arrows(
        described(0, A, P, invite, SDP),
        described(0.1, P, B, invite, relayed),
        described(5, A, P, invite, SDP + "a=sendonly\r\n"),
        described(5.1, P, B, invite, relayed + "a=sendonly\r\n"),
        described(9, P, A, "SIP/2.0 200 OK", SDP, tag="b"),
    )
    assert [arrow.media for arrow in found] == [(), (), ("hold",), ("hold",), ()]


def test_of_two_phones_that_are_rung_each_is_told_its_own() -> None:
    invite, other = "INVITE sip:x SIP/2.0", SDP.replace("6000", "7000")
    both = (described(0, P, A, invite, SDP), described(0, P, B, invite, other))
    again = (described(5, P, A, invite, SDP), described(5, P, B, invite, other))
    assert [arrow.media for arrow in arrows(*both, *again)][2:] == [(), ()]


def test_media_are_compared_across_hops_where_later_requests_go_past_the_proxy() -> None:
    invite = "INVITE sip:x SIP/2.0"
    found = arrows(described(0, A, P, invite, SDP), described(5, A, B, invite, SDP + "a=inactive\r\n"))
    assert found[1].media == ("hold",)
    assert drawn().arrows[0].media is None


def test_what_was_sent_again_says_nothing_new_of_the_media() -> None:
    once = described(0, A, P, "INVITE sip:x SIP/2.0", SDP)
    twice = type(once)(once.time, A, P, once.first_line, True, True, once.raw)
    assert [arrow.media for arrow in arrows(once, twice)] == [(), None]


def test_the_legend_explains_what_was_inferred_and_what_has_no_place() -> None:
    diagram = drawn(legs=[leg(), leg(source_address=P, destination_address=B, inferred=["final"])])
    unplaced, inferred = legend(diagram)
    assert unplaced.startswith("(?) could not be placed")
    assert inferred.startswith("Leg 2: a failing final response was not captured")
    assert legend(drawn(messages=MESSAGES[:2])) == []


def test_a_long_call_keeps_its_beginning_and_its_end_and_says_how_much_is_left_out() -> None:
    many = drawn(messages=[message(n, A, P, f"INFO{n} sip:x SIP/2.0") for n in range(1000)])
    rows = bounded(many, 40, 5).rows
    assert len(rows) == 41
    assert rows[30].what == LeftOut(960)
    assert [row.what.message for row in rows if isinstance(row.what, Arrow)] == [*range(30), *range(990, 1000)]
    assert bounded(drawn(), 40, 5) == drawn()


def test_ends_beyond_the_bound_share_the_last_column() -> None:
    names = [f"192.0.2.{n}:5060" for n in range(8)]
    legs = [leg(source_address=a, destination_address=b) for a, b in pairwise(names)]
    said = [message(n, a, b, "INVITE sip:x SIP/2.0") for n, (a, b) in enumerate(pairwise(names))]
    waits = [condition()]
    few = bounded(diagram_of(call(legs=legs, messages=said, conditions=waits)), 100, 4)
    assert few.ends == [*(Lifeline(name, "") for name in names[:3]), Lifeline("", "5 others")]
    assert [(arrow.source, arrow.destination) for arrow in few.arrows] == [(0, 1), (1, 2), (2, 3), *[(3, 3)] * 4]


def test_a_call_without_its_messages_has_no_arrows() -> None:
    diagram = drawn(messages=None, conditions=[condition()])
    assert diagram.arrows == []
    assert len(diagram.rows) == 2
