"""One call as SVG: what is drawn, that it needs nothing from elsewhere, and that no text breaks it."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from sipwatch.export.escape import terminal
from sipwatch.report.svg import MAX_ENDS, MAX_ROWS, ladder_svg
from tests.export.records import EVIL, call, condition, described, leg, message
from tests.report.test_linked import UP, down

A, P, B = "192.0.2.65:5060", "192.0.2.80:5060", "192.0.2.66:5060"
LEGS = [leg(), leg(source_address=P, destination_address=B)]
SDP = "v=0\r\nc=IN IP4 192.0.2.65\r\nm=audio 6000 RTP/AVP 8\r\n"
INVITE = "INVITE sip:15550101@example.com SIP/2.0"
MESSAGES = [
    described(0, A, P, INVITE, SDP),
    message(0.1, P, B, INVITE),
    message(0.6, P, B, INVITE, again=True),
    message(1, B, P, "SIP/2.0 180 Ringing"),
    message(11, B, P, "SIP/2.0 486 Busy Here"),
    message(11.1, P, A, "SIP/2.0 486 Busy Here"),
    message(12, P, A, "SIP/2.0 200 OK", placed=False),
]
SVG = "{http://www.w3.org/2000/svg}"


def drawn(**more: Any) -> ET.Element:
    options = {name: more.pop(name) for name in ("to_scale", "width", "links") if name in more}
    record = call(**{"legs": LEGS, "messages": MESSAGES, "conditions": [condition("no_progress", 10, 11)], **more})
    return ET.fromstring(ladder_svg(record, **options))  # noqa: S314 - what we have made ourselves


def classed(root: ET.Element, name: str) -> list[ET.Element]:
    return [element for element in root.iter() if name in element.get("class", "").split()]


def text_of(element: ET.Element, name: str) -> str:
    return "".join(found.text or "" for found in classed(element, name))


def titles(root: ET.Element) -> list[str]:
    return [title.text or "" for title in root.iter(f"{SVG}title")]


def span_of(arrow: ET.Element) -> tuple[float, float]:
    """Return where an arrow's line begins, and where its head is."""
    (line,), (head,) = classed(arrow, "line"), classed(arrow, "head")
    start, tip = (
        re.match(r"M([\d.]+) ", line.get("d", "")),
        re.match(r"translate\(([\d.]+) ", head.get("transform", "")),
    )
    assert start
    assert tip
    return float(start[1]), float(tip[1])


def test_every_message_is_an_arrow_from_column_to_column() -> None:
    root = drawn()
    a, p, b = [float(end[1].get("x", "")) for end in classed(root, "end")]
    spans = [span_of(arrow) for arrow in classed(root, "arrow")]
    assert spans == [(a, p), (p, b), (p, b), (b, p), (b, p), (p, a), (p, a)]


def test_the_kinds_of_messages_differ_without_any_colour() -> None:
    root = drawn()
    shapes = {
        kind: classed(classed(root, kind)[0], "head")[0] for kind in ("request", "provisional", "success", "failure")
    }
    looks = {re.sub(r"-|[\d.]+", "", shape.get("d", "")) + shape.get("fill", "") for shape in shapes.values()}
    assert len(looks) == 4
    colours = {element.get(name) for element in root.iter() for name in ("fill", "stroke")}
    assert colours == {None, "none", "currentColor"}


def test_what_was_sent_again_is_dashed_and_says_so() -> None:
    lines = [classed(arrow, "line")[0].get("stroke-dasharray") for arrow in classed(drawn(), "arrow")]
    assert lines == [None, None, "6 4", None, None, None, "1 3"]
    assert [text_of(arrow, "remarks") for arrow in classed(drawn(), "arrow")] == ["SDP", "", "again", "", "", "", "(?)"]


def test_times_stand_at_the_left_as_clock_and_delta() -> None:
    root = drawn()
    assert text_of(classed(root, "row")[4], "clock") == "09:00:10.000"
    assert text_of(classed(root, "row")[4], "delta") == "+9.00 s"
    early = drawn(messages=[message(-1, A, P, INVITE)], conditions=[])
    assert text_of(early, "delta") == "clock back"


def test_conditions_stand_at_their_moments() -> None:
    rows = classed(drawn(), "row")
    marks = [(place, text_of(row, "words")) for place, row in enumerate(rows) if classed(row, "mark")]
    assert marks == [
        (4, "▲ no_progress: 100, then silence: stuck (leg 1)"),
        (6, "▽ no_progress cancelled"),
    ]


def test_media_that_change_are_named_under_their_arrow() -> None:
    hold = [described(0, A, P, INVITE, SDP), described(5, A, P, INVITE, SDP + "a=sendonly\r\n")]
    remarks = [text_of(arrow, "remarks") for arrow in classed(drawn(messages=hold), "arrow")]
    assert remarks == ["SDP", "SDP: hold"]


def test_the_message_that_decided_is_marked_and_explained() -> None:
    final = MESSAGES[5]
    cseq = type(final)(
        final.time, P, A, final.first_line, False, True, "SIP/2.0 486 Busy Here\r\nCSeq: 1 INVITE\r\n\r\n"
    )
    root = drawn(messages=[*MESSAGES[:5], cseq])
    assert [text_of(arrow, "label") for arrow in classed(root, "deciding")] == ["◆ 486 Busy Here"]
    assert any(note.text == "◆ decided what became of the call" for note in classed(root, "note"))
    assert not any("◆" in (note.text or "") for note in classed(drawn(messages=None), "note"))


def test_arrows_lead_to_their_messages_if_asked_and_else_nowhere() -> None:
    links = [link.get("href") for link in drawn(links="#m-").iter(f"{SVG}a")]
    assert links == [f"#m-{n}" for n in range(7)]
    assert not list(drawn().iter(f"{SVG}a"))
    # The children of an img are no links to whom the page is read aloud (ARIA 1.2: children presentational).
    assert (drawn().get("role"), drawn(links="#m-").get("role")) == ("img", "group")


def linked(**options: Any) -> ET.Element:
    return ET.fromstring(ladder_svg(down(), [UP], **options))  # noqa: S314 - what we have made ourselves


@pytest.mark.parametrize("width", [340, 900])
def test_linked_calls_stand_in_one_picture_each_row_with_the_letter_of_its_call(width: int) -> None:
    root = linked(width=width)
    assert [text_of(row, "call") for row in classed(root, "row")] == ["A", "B", "B", "A"]
    assert [text_of(row, "label") for row in classed(root, "row")][1::2] == ["INVITE", "486 Busy Here"]
    assert len(classed(root, "end")) == 3
    letters = {float(one.get("x", "")) for one in classed(root, "call")}
    deltas = {float(one.get("x", "")) for one in classed(root, "delta")}
    lines = [float(one[1].get("x", "")) for one in classed(root, "end")]
    assert max(deltas) + 6 < min(letters) <= max(letters) < min(lines)
    assert not classed(drawn(), "call")


def test_it_is_said_which_calls_stand_in_the_picture() -> None:
    root = linked()
    notes = "\n".join(note.text or "" for note in classed(root, "note"))
    assert "A 15550100 → 15550101, aa00: Busy; linked with bb00 by Session-ID, nearer the caller;" in notes
    assert "B 15550100 → 15550101, bb00: Busy" in notes
    assert root.get("aria-label") == "Ladder of the call 15550100 → 15550101: Busy, with 1 call linked with it"
    assert "A 09:00:00.000 INVITE, 192.0.2.65:5060 to 192.0.2.80:5060" in titles(root)


def test_arrows_of_a_linked_call_lead_to_that_calls_own_page() -> None:
    links = [link.get("href") for link in linked(links="#m-").iter(f"{SVG}a")]
    assert links == ["aa00#m-0", "#m-0", "#m-1", "aa00#m-1"]


def test_of_each_call_the_message_that_decided_is_marked() -> None:
    def with_cseq(one: Any) -> Any:
        raw = f"{one.messages[-1].first_line}\r\nCSeq: 1 INVITE\r\n\r\n"
        return replace(one, messages=[one.messages[0], replace(one.messages[-1], raw=raw)])

    root = ET.fromstring(ladder_svg(with_cseq(UP), [with_cseq(down())]))  # noqa: S314 - what we have made ourselves
    assert [text_of(one, "label") for one in classed(root, "deciding")] == ["◆ 600 Busy Everywhere", "◆ 486 Busy Here"]


def test_it_is_named_and_described() -> None:
    root = drawn(caller="15550100")
    assert root.get("aria-label") == "Ladder of the call 15550100 → 15550101: Busy"
    assert root[0].text == root.get("aria-label")
    assert (
        root[1].text == "7 messages between 3 ends, from 2026-01-05 09:00:00.000 UTC on; below each other in time order"
    )


def test_it_brings_no_style_no_script_and_nothing_from_elsewhere() -> None:
    root = drawn(links="#message-")
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
        *("svg", "title", "desc", "g", "a", "path", "rect", "text"),
    }
    names = {name for element in root.iter() for name in element.attrib}
    assert not [name for name in names if name == "style" or name.startswith("on") or name == "id"]
    assert all(element.get("href", "#").startswith("#") for element in root.iter())


def test_to_scale_a_longer_silence_takes_more_room_and_one_that_is_too_long_is_cut() -> None:
    height = {scale: float(drawn(to_scale=scale).get("height", "")) for scale in (False, True)}
    assert height[True] > height[False] + 100
    assert len(classed(drawn(to_scale=True), "break")) == 3  # 9 s before the condition, on every column's line
    assert not classed(drawn(), "break")


def test_on_a_phone_two_ends_fit_into_its_width() -> None:
    root = drawn(legs=[leg()], messages=[MESSAGES[0]], width=360)
    assert float(root.get("width", "")) <= 360
    assert text_of(root, "words").startswith("▲ no_progress▽")  # the rest has no room, and is in the title
    assert "▲ no_progress: 100, then silence: stuck (leg 1)" in titles(root)


def test_long_names_are_cut_and_stand_whole_in_the_title() -> None:
    address = "[2001:db8:1234:5678:9abc:def0:1234:5678]:5060"
    root = drawn(legs=[leg(source="n" * 90, source_address=address)], messages=[], conditions=[], width=360)
    (first, *_) = classed(root, "end")
    assert text_of(first, "name").endswith("n…")
    assert re.fullmatch(r"\[2001.*….*678\]:5060", text_of(first, "address"))
    assert titles(first)[0] == f"{'n' * 90} {address}"


@pytest.mark.parametrize("ends", [1, 2, 6, MAX_ENDS + 20])
def test_however_many_ends_there_are_nothing_stands_outside(ends: int) -> None:
    names = [f"192.0.2.{n}:5060" for n in range(ends)]
    legs = [leg(source_address=a, destination_address=b) for a, b in pairwise(names)] or [leg(destination_address=A)]
    said = [message(n, a, b, INVITE) for n, (a, b) in enumerate(pairwise(names))] or [message(0, A, A, INVITE)]
    root = drawn(legs=legs, messages=said, conditions=[])
    width = float(root.get("width", ""))
    assert len(classed(root, "end")) == min(ends, MAX_ENDS)
    assert all(0 <= float(element.get("x", 0)) <= width for element in root.iter())


def test_a_call_of_thousands_of_messages_says_how_many_are_left_out() -> None:
    root = drawn(messages=[message(n, A, P, INVITE) for n in range(5000)], conditions=[])
    assert len(classed(root, "arrow")) == MAX_ROWS
    assert text_of(root, "left-out") == "… 4,600 rows left out …"


def test_a_call_without_messages_is_a_picture_all_the_same() -> None:
    assert len(classed(drawn(messages=None, conditions=[]), "end")) == 3


@settings(max_examples=30)
@given(text=st.text(max_size=40), raw=st.binary(max_size=60))
def test_any_text_is_text_and_nothing_else(text: str, raw: bytes) -> None:
    wire = raw.decode("utf-8", "backslashreplace")
    messages = [message(0, A, P, f"SIP/2.0 486 {text}"), message(1, text or A, P, wire)]
    root = drawn(legs=[leg(source=text, source_address=text)], messages=messages, caller=text, links="#m-")
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
        *("svg", "title", "desc", "g", "a", "path", "rect", "text"),
    }


def test_hostile_text_is_made_visible() -> None:
    for evil in (EVIL, "<script>alert(1)</script>", "]]>\0\ufffe\uffff", "漢" * 300, "e\u0301" * 60_000):
        record = call(messages=[message(0, A, P, f"SIP/2.0 486 {evil}")], caller=evil, legs=[leg(source=evil)])
        written = ladder_svg(record)
        assert terminal(written) == written
        assert "<script" not in written
        assert len(written) < 10_000
        ET.fromstring(written)  # noqa: S314 - what we have made ourselves
