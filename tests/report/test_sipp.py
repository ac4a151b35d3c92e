"""One side of a call as SIPp's steps. That SIPp plays them: tests/e2e/test_scenarios_of_calls.py."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from sipwatch.report.sipp import MAX_MESSAGES, NothingToPlayError, PlayedSide, sipp_scenario
from tests.export.records import EVIL, at, call, leg, message
from tests.replay import replay

if TYPE_CHECKING:
    from sipwatch.export.record import CallRecord, MessageRecord

PCAPS = Path(__file__).resolve().parents[2] / "pcaps"
A, P, B = "192.0.2.65:5060", "192.0.2.80:5060", "192.0.2.66:5060"


def of(name: str, place: int = 0) -> CallRecord:
    return replay(PCAPS / f"{name}.pcap", keep_messages=True).calls[place]


def steps(record: CallRecord, side: PlayedSide = PlayedSide.CALLER) -> list[str]:
    """Return what is done, in short: what is sent, by its first line, and waited for."""
    return [short(element) for element in ET.fromstring(sipp_scenario(record, side))]  # noqa: S314 - our own


def short(element: ET.Element) -> str:
    if element.tag == "send":
        first = (element.text or "").strip().partition("\n")[0].removesuffix(" SIP/2.0")
        return f"send {first.removeprefix('SIP/2.0 ').partition(' ')[0]}" + (" again" if element.get("retrans") else "")
    if element.tag == "recv":
        more = [name for name in ("optional", "auth", "rrs") if element.get(name)]
        return " ".join(["recv", element.get("request") or element.get("response") or "", *more])
    return f"{element.tag} {element.get('milliseconds')}"


def texts(record: CallRecord, side: PlayedSide = PlayedSide.CALLER) -> list[str]:
    root = ET.fromstring(sipp_scenario(record, side))  # noqa: S314 - our own
    return [(element.text or "").strip() for element in root if element.tag == "send"]


def said(
    seconds: float, source: str, line: str, cseq: str, *headers: str, again: bool = False, placed: bool = True
) -> MessageRecord:
    raw = "\r\n".join([line, f"CSeq: {cseq}", *headers]) + "\r\n\r\n"
    return type(message(0, A, P, line))(at(seconds), source, P if source == A else A, line, again, placed, raw)


TAGGED = "To: <sip:b@x>;tag=b"
INVITE = said(0, A, "INVITE sip:15550101@example.com SIP/2.0", "1 INVITE", "From: <sip:a@x>;tag=a", "To: <sip:b@x>")
ANSWERED = [
    INVITE,
    said(1, P, "SIP/2.0 200 OK", "1 INVITE", TAGGED),
    said(1, A, "ACK sip:b@x SIP/2.0", "1 ACK", TAGGED),
]


def test_a_caller_sends_what_he_sent_and_waits_as_long_as_he_did() -> None:
    """INVITE, 200 after 5 s, BYE a minute later."""
    record = call(
        messages=[
            *ANSWERED,
            said(61.5, A, "BYE sip:b@x SIP/2.0", "2 BYE", TAGGED),
            said(61.6, P, "SIP/2.0 200 OK", "2 BYE"),
        ]
    )
    assert steps(record) == [
        *(
            "send INVITE again",
            "recv 200 rrs",
            "send ACK",
            "pause 60500",
            "send BYE again",
            "recv 200",
            "timewait 4000",
        ),
    ]


def test_the_called_side_answers_after_the_same_time() -> None:
    assert steps(of("outcomes/busy"), PlayedSide.CALLEE) == [
        *(
            "recv INVITE rrs",
            "pause 50",
            "send 100",
            "pause 1100",
            "send 180",
            "pause 1800",
            "send 486 again",
            "recv ACK",
        ),
        "timewait 4000",
    ]


def test_the_number_that_was_dialled_is_dialled_and_the_rest_goes_where_the_answer_says() -> None:
    invite, ack = texts(call(messages=ANSWERED))
    assert invite.startswith("INVITE sip:15550101@[remote_ip]:[remote_port] SIP/2.0\n")
    assert ack.startswith("ACK [next_url] SIP/2.0\n")
    assert "\n[routes]\n" in ack
    assert "\nTo: <sip:b@x>[peer_tag_param]\n" in ack


def test_a_provisional_response_may_be_missing_unless_it_is_what_the_caller_waited_for() -> None:
    assert steps(of("outcomes/no_progress"))[:5] == [
        *("send INVITE again", "recv 100", "pause 11900", "send CANCEL again", "recv 200 optional"),
    ]


def test_cancel_and_the_ack_of_a_refusal_have_the_branch_and_target_of_the_invite() -> None:
    """The INVITE is step 0, the CANCEL step 3; its 200, the 487 and a pause later, the ACK is step 7."""
    invite, cancel, ack = texts(of("outcomes/no_progress"))
    assert [re.findall(r"branch=(\S+)", text)[0] for text in (invite, cancel, ack)] == [
        "[branch]",
        "[branch-3]",
        "[branch-7]",
    ]
    assert {text.partition(" ")[2].partition(" ")[0] for text in (invite, cancel, ack)} == {
        "sip:15550101@[remote_ip]:[remote_port]",
    }


def test_a_challenge_is_answered() -> None:
    record = of("outcomes/retried")
    found = steps(record)
    assert found[:6] == [
        *("send INVITE again", "recv 407 auth", "pause 50", "send ACK", "pause 50", "send INVITE again"),
    ]
    assert "[authentication username=" in texts(record)[2]
    assert "uthorization" not in "".join(texts(record))


def test_a_call_that_nobody_answers_is_repeated_until_sipp_gives_up() -> None:
    record = call(messages=[INVITE, said(0.5, A, INVITE.first_line, "1 INVITE", again=True)], ended=at(32))
    assert steps(record) == ["send INVITE again", "recv 200"]


def test_who_never_answers_listens_for_as_long_as_the_call_went_on() -> None:
    record = call(messages=[INVITE, said(0, P, "SIP/2.0 100 Trying", "1 INVITE")], ended=at(20), destination_address=P)
    assert steps(record, PlayedSide.CALLEE) == ["recv INVITE rrs", "send 100", "pause 20000"]
    assert steps(record) == ["send INVITE again", "recv 100", "pause 20000"]


def test_an_invite_that_is_answered_after_its_cancel_is_answered_by_what_was_remembered_of_it() -> None:
    record = of("outcomes/no_progress")
    root = ET.fromstring(sipp_scenario(record, PlayedSide.CALLEE))  # noqa: S314 - our own
    assert [found.get("assign_to") for found in root.iter("ereg")] == ["via0_1", "from0", "to0", "cseq0"]
    refusal = texts(record, PlayedSide.CALLEE)[-1]
    assert refusal.startswith("SIP/2.0 487 Request Terminated\nVia: [$via0_1]\nFrom: [$from0]\nTo: [$to0];tag=")
    assert "\nCSeq: [$cseq0]\n" in refusal


def test_nothing_is_repeated_while_something_else_is_to_be_sent() -> None:
    """The answer crosses the CANCEL, whose 200 is sent before the ACK can come."""
    assert steps(of("outcomes/answered", 1), PlayedSide.CALLEE) == [
        *("recv INVITE rrs", "pause 1000", "send 180", "recv CANCEL", "send 200", "send 200", "recv ACK", "recv BYE"),
        *("pause 100", "send 200", "timewait 4000"),
    ]


def test_a_called_side_that_hangs_up_names_the_caller_by_his_own_from() -> None:
    bye = said(9, P, "BYE sip:a@x SIP/2.0", "1 BYE", "From: <sip:b@x>;tag=b", "To: <sip:a@x>;tag=a")
    record = call(messages=[*ANSWERED, bye, said(9, A, "SIP/2.0 200 OK", "1 BYE", TAGGED)], destination_address=P)
    assert steps(record, PlayedSide.CALLEE)[-3:] == ["send BYE again", "recv 200", "timewait 4000"]
    assert "\nTo: [$caller]\n" in texts(record, PlayedSide.CALLEE)[-1]
    assert steps(record)[-3:] == ["recv BYE", "send 200", "timewait 4000"]


def test_what_was_sent_again_elsewhere_or_without_a_place_is_not_played() -> None:
    again = said(1.5, P, "SIP/2.0 200 OK", "1 INVITE", TAGGED, again=True)
    stray = said(2, P, "SIP/2.0 200 OK", "9 INFO", TAGGED, placed=False)
    other = message(3, P, B, "INVITE sip:x SIP/2.0")
    assert steps(call(messages=[*ANSWERED, again, stray, other])) == steps(call(messages=ANSWERED))


def test_a_side_whose_invite_was_not_captured_cannot_be_played() -> None:
    without = (call(messages=ANSWERED[1:]), call(messages=None))
    unreached = call(messages=ANSWERED, destination_address=B)
    for record, side in [*((record, PlayedSide.CALLER) for record in without), (unreached, PlayedSide.CALLEE)]:
        with pytest.raises(NothingToPlayError, match="does not begin with an INVITE"):
            sipp_scenario(record, side)


def test_hostile_text_stays_text() -> None:
    evil = f"]]></send><nop>[call_id]{EVIL}--><!--"
    bad = said(
        0,
        A,
        f"INVITE sip:{evil}@x SIP/2.0",
        "1 INVITE",
        f"From: {evil.splitlines()[0]}",
        f"X-Y: {evil.splitlines()[0]}",
        "To: <sip:b@x>",
    )
    record = call(messages=[bad, *ANSWERED[1:]], caller=evil, callee=evil, call_id=evil, legs=[leg(source=evil)])
    written = sipp_scenario(record)
    assert written.isascii()
    assert {element.tag for element in ET.fromstring(written)} == {"send", "recv", "timewait"}  # noqa: S314 - our own
    assert written.count("[call_id]") == 2


def test_a_call_of_thousands_of_messages_is_bounded() -> None:
    infos = [said(n, A, "INFO sip:b@x SIP/2.0", f"{n} INFO", TAGGED) for n in range(2, 2000)]
    assert sum(step.startswith("send") for step in steps(call(messages=[*ANSWERED, *infos]))) < MAX_MESSAGES
