"""One call as text for Mermaid; what its parser takes was tried with version 11."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipwatch.report.mermaid import MAX_ROWS, mermaid_text
from tests.export.records import EVIL, call, condition, described, leg, message
from tests.report.test_linked import UP, down

A, P = "192.0.2.65:5060", "192.0.2.80:5060"
INVITE = "INVITE sip:15550101@example.com SIP/2.0"
SDP = "v=0\r\nc=IN IP4 192.0.2.65\r\nm=audio 6000 RTP/AVP 8\r\n"


def lines(**more: Any) -> list[str]:
    return mermaid_text(call(**more)).splitlines()


def test_a_call_is_a_sequence_diagram() -> None:
    messages = [
        described(0, A, P, INVITE, SDP),
        message(0.5, A, P, INVITE, again=True),
        message(1, P, A, "SIP/2.0 180 Ringing"),
        message(2, P, A, "SIP/2.0 486 Busy Here"),
        message(3, P, A, "SIP/2.0 200 OK", placed=False),
    ]
    assert lines(legs=[leg(source="phones")], messages=messages) == [
        "sequenceDiagram",
        "    participant e0 as phones 192.0.2.65:5060",
        "    participant e1 as 192.0.2.80:5060",
        "    e0->>e1: 09:00:00.000 INVITE (SDP)",
        "    e0-)e1: 09:00:00.500 INVITE (again)",
        "    e1-->>e0: 09:00:01.000 180 Ringing",
        "    e1--xe0: 09:00:02.000 486 Busy Here",
        "    e1-->>e0: 09:00:03.000 200 OK (?)",
        "    Note over e0,e1: (?) could not be placed#58; it belongs to no request that was seen, and no verdict follows from it",
    ]


def test_conditions_and_long_silences_are_notes() -> None:
    messages = [message(0, A, P, INVITE), message(40, P, A, "SIP/2.0 200 OK")]
    found = lines(messages=messages, conditions=[condition("no_answer", 30, 40)])
    assert found[4:] == [
        "    Note over e0,e1: 30.0 s of silence",
        "    Note over e0: 09:00:30.000 ▲ no_answer#58; it rings and nobody answers (leg 1)",
        "    e1-->>e0: 09:00:40.000 200 OK",
        "    Note over e0: 09:00:40.000 ▽ no_answer cancelled",
    ]


def test_a_change_of_media_is_named() -> None:
    hold = [described(0, A, P, INVITE, SDP), described(5, A, P, INVITE, SDP + "a=sendonly\r\n")]
    assert lines(messages=hold)[-1].endswith("INVITE (SDP hold)")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a;b", "a#59;b"),
        ("#9829;", "#35;9829#59;"),
        ("end", "#101;nd"),
        ("Friend ends", "Friend ends"),
        ("The End", "The #69;nd"),
        ("%% gone", "#37;#37; gone"),
        ("<b>", "#60;b#62;"),
        ("$$x$$", "#36;#36;x#36;#36;"),
        ("a->>b: c", "a-#62;#62;b#58; c"),
        ("x--y", "x-#45;y"),
        ("one\ntwo", "one#92;ntwo"),
        ("\u202eabc", "#92;u202eabc"),
    ],
)
def test_what_means_something_to_mermaid_is_written_as_its_code(text: str, written: str) -> None:
    found = lines(messages=[message(0, A, P, f"SIP/2.0 {text}")])[3]
    assert found == f"    e0--xe1: 09:00:00.000 {written}"


@given(text=st.text(max_size=100))
def test_any_text_stays_on_its_line_and_says_nothing_to_mermaid(text: str) -> None:
    found = mermaid_text(
        call(legs=[leg(source=text, source_address=text)], messages=[message(0, text, P, f"SIP/2.0 {text}")])
    )
    assert found.count("\n") == 4
    assert not set(found.replace("->>", "").replace("\n    participant", "")) & set("<>{}[]\"'`$%&|\\~^*=@!")
    assert "#" not in found or all(part.split(";")[0].isdecimal() for part in found.split("#")[1:])


def test_linked_calls_stand_in_one_picture_each_line_with_the_letter_of_its_call() -> None:
    assert mermaid_text(UP, [down(conditions=[condition("no_progress", 2, 3)])]).splitlines()[4:] == [
        "    Note over e0,e2: A 15550100 #8594; 15550101, aa00#58; Busy",
        "    Note over e0,e2: B 15550100 #8594; 15550101, bb00#58; Busy#59; linked with aa00 by Session-ID, farther from the caller#59; counted as two calls",
        "    e0->>e1: A 09:00:00.000 INVITE",
        "    e1->>e2: B 09:00:01.000 INVITE",
        "    Note over e1: B 09:00:02.000 ▲ no_progress#58; 100, then silence#58; stuck (leg 1)",
        "    e2--xe1: B 09:00:03.000 600 Busy Everywhere",
        "    Note over e1: B 09:00:03.000 ▽ no_progress cancelled",
        "    e1--xe0: A 09:00:04.000 486 Busy Here",
    ]


def test_a_long_call_is_bounded() -> None:
    found = lines(messages=[message(n / 10, A, P, INVITE) for n in range(1000)])
    assert len(found) == 3 + MAX_ROWS + 1
    assert "    Note over e0,e1: 600 rows left out" in found
    assert len(mermaid_text(call(messages=[message(0, A, P, "X" * 60_000)], legs=[leg(source=EVIL * 999)]))) < 3000
