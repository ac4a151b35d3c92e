"""Linked calls on one ladder: in the order of time, told apart by letters, and said to be several."""

from __future__ import annotations

from typing import Any

from sipwatch.classify.links import LinkedBy, LinkRole
from sipwatch.report.diagram import diagram_of
from sipwatch.report.ladder import print_ladder
from sipwatch.report.linked import MAX_DRAWN, drawn_together, link_words
from tests.each import for_each
from tests.export.records import answered, at, call, condition, leg, link, message
from tests.report.test_table import Screen

A, P, B, Q = "192.0.2.65:5060", "192.0.2.80:5060", "192.0.2.66:5060", "192.0.2.81:5060"
UP = call(
    id="aa00",
    call_id="up",
    legs=[leg()],
    linked=[link("bb00", 1, role="downstream")],
    messages=[
        message(0, A, P, "INVITE sip:15550101@example.com SIP/2.0"),
        message(4, P, A, "SIP/2.0 486 Busy Here"),
    ],
)
DOWN_MESSAGES = [
    message(1, P, B, "INVITE sip:15550101@example.com SIP/2.0"),
    message(3, B, P, "SIP/2.0 600 Busy Everywhere"),
]


def down(**more: Any) -> Any:
    given: dict[str, Any] = {
        "id": "bb00", "call_id": "down", "started": at(1), "legs": [leg(source_address=P, destination_address=B, started=at(1))],
        "linked": [link("aa00", 0, role="upstream")], "messages": DOWN_MESSAGES, "status_code": 600, "reason_phrase": "Busy Everywhere",
    }  # fmt: skip
    return call(**{**given, **more})


def drawn(*calls: Any) -> list[str]:
    out = Screen()
    print_ladder(out, calls[0], calls[1:])
    return out.getvalue().splitlines()


def test_the_ends_of_both_are_columns_once_in_the_order_in_which_the_conversation_passes_them() -> None:
    (header,) = [line for line in drawn(UP, down()) if A in line and "►" not in line]
    assert header.index(A) < header.index(P) < header.index(B)
    assert header.count(P) == 1


def test_rows_are_in_the_order_of_time_and_each_says_of_which_call_it_is() -> None:
    rows = [line for line in drawn(UP, down()) if line.startswith("09:00:0")]
    assert [(line[:12], line[22], "►" in line) for line in rows] == [
        ("09:00:00.000", "A", True),
        ("09:00:01.000", "B", True),
        ("09:00:03.000", "B", False),
        ("09:00:04.000", "A", False),
    ]
    assert rows[2].startswith("09:00:03.000  +2.00 s B ")
    assert "486 Busy Here" in rows[3]


def test_columns_stand_under_their_heads_with_letters_and_without() -> None:
    for calls in ((UP,), (UP, down())):
        lines = drawn(*calls)
        (header,) = [line for line in lines if A in line and "─" not in line]
        invite = next(line for line in lines if "INVITE" in line)
        assert invite.index("│") == header.index(A)


def test_it_is_said_why_the_other_is_there_and_that_it_is_counted() -> None:
    lines = drawn(UP, down())
    assert lines[0].startswith("A 15550100 → 15550101")
    assert lines[0].endswith("aa00")
    assert "B Linked with aa00 by Session-ID, farther from the caller; counted as two calls" in lines
    assert lines[-2:] == [
        "A Busy - 486 Busy Here, ended by callee",
        "B Busy - 600 Busy Everywhere, ended by callee",
    ]


def test_the_call_that_was_asked_for_may_be_the_later_one() -> None:
    lines = drawn(down(), UP)
    assert "A Linked with bb00 by Session-ID, nearer the caller; counted as two calls" in lines
    assert not any(line.startswith("B Linked") for line in lines)


def test_who_names_the_other_alone_is_enough() -> None:
    lines = drawn(call(id="aa00", legs=[leg()], messages=UP.messages), down())
    assert "B Linked with aa00 by Session-ID; counted as two calls" in lines


def test_a_linked_call_that_is_not_there_is_named() -> None:
    assert "Linked with bb00 by Session-ID, farther from the caller; counted as two calls; not drawn here" in drawn(UP)
    assert not any("not drawn" in line for line in drawn(UP, down()))
    assert drawn(UP)[-1] == "Busy - 486 Busy Here, ended by callee"


def test_conditions_and_what_is_said_of_each_call_have_its_letter() -> None:
    stuck = down(conditions=[condition("no_progress", 2, 3)], tags=["refused"])
    lines = drawn(UP, stuck)
    assert any("B ▲ no_progress" in line for line in lines)
    assert lines[-1] == "B Marked: refused"


def test_ends_that_only_the_second_call_has_stand_where_it_passes_them() -> None:
    far = down(
        legs=[leg(source_address=Q, destination_address=B, started=at(1))],
        messages=[message(1, Q, B, "INVITE x SIP/2.0")],
    )
    assert [end.address for end in drawn_together(UP, [far]).diagram.ends] == [A, P, Q, B]
    before = down(
        legs=[leg(source_address=Q, destination_address=P, started=at(1))],
        messages=[message(1, Q, P, "INVITE x SIP/2.0")],
    )
    assert [end.address for end in drawn_together(UP, [before]).diagram.ends] == [A, Q, P]


def test_time_goes_on_from_row_to_row_whatever_call_they_are_of() -> None:
    rows = drawn_together(UP, [down()]).diagram.rows
    assert [row.since for row in rows] == [0, 10**9, 2 * 10**9, 10**9]
    assert [row.call for row in rows] == [0, 1, 1, 0]


def test_one_call_alone_is_drawn_as_it_is_without_letters() -> None:
    alone = drawn_together(UP)
    assert (alone.diagram.ends, alone.diagram.rows) == diagram_of(UP)[:2]
    assert (alone.letters, alone.headings, alone.notes) == ([""], [], [])


def test_the_headings_say_of_each_what_became_of_it_and_why_it_is_there() -> None:
    assert drawn_together(down(), [UP]).headings == [
        "A 15550100 → 15550101, aa00: Busy; linked with bb00 by Session-ID, nearer the caller; counted as two calls",
        "B 15550100 → 15550101, bb00: Busy",
    ]


def test_what_has_to_be_explained_has_the_letter_of_its_call() -> None:
    lost = down(legs=[leg(source_address=P, destination_address=B, started=at(1), inferred=["final"])])
    (note,) = drawn_together(UP, [lost]).notes
    assert note.startswith("B Leg 1: a failing final response was not captured")


def test_the_call_that_was_asked_for_is_drawn_however_many_came_before_it() -> None:
    crowd = [answered(id=f"{n:04x}", started=at(n), legs=[leg()]) for n in range(20)]
    picture = drawn_together(call(id="aa00", started=at(60), legs=[leg()]), crowd)
    assert [one.id for one in picture.calls] == [*(f"{n:04x}" for n in range(MAX_DRAWN - 1)), "aa00"]


def test_no_more_are_drawn_than_there_are_letters_and_links() -> None:
    crowd = [
        answered(id=f"{n:04x}", started=at(n + 1), legs=[leg()], linked=[link("aa00", 0)], messages=[])
        for n in range(20)
    ]
    lines = drawn(UP, *crowd)
    assert sum(line.startswith("I ") for line in lines) > 0
    assert not any(line.startswith("J ") for line in lines)


@for_each("by", list(LinkedBy))
def test_every_reason_has_its_words(by: str) -> None:
    assert link_words(link("x", 0, by)).startswith("by ")


@for_each("role", list(LinkRole))
def test_every_part_has_its_words(role: str) -> None:
    assert "Session-ID, " in link_words(link("x", 0, role=role))
    assert "Session-ID;" in link_words(link("x", 0, role=role), plain=True)
