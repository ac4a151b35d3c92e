"""Calls that failed or ended oddly, as lists for wide and narrow terminals."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from sipwatch.classify.endings import UNREMARKABLE, Ending
from sipwatch.report.listed import CallList, end_cause, failed_calls, is_odd, odd_calls, parties
from sipwatch.report.screen import console
from tests.each import for_each
from tests.export.records import EVIL, answered, call, leg

if TYPE_CHECKING:
    from sipwatch.export.record import CallRecord


def shown(calls: CallList, *records: CallRecord, width: int = 110) -> str:
    out = io.StringIO()
    target = console(out)
    target.width = width
    for record in records:
        calls.take(record)
    calls.print(target)
    return out.getvalue()


@for_each("ending", list(Ending))
def test_odd_is_what_says_something_against_somebody(ending: Ending) -> None:
    assert is_odd(answered(ending=ending.value)) is (ending.value not in UNREMARKABLE)


def test_a_call_that_was_not_answered_is_not_odd() -> None:
    assert not is_odd(call("busy"))


@pytest.mark.parametrize(
    ("cause", "protocol", "text", "words"),
    [
        (None, None, None, ""),
        (38, "Q.850", None, "Q.850 cause 38"),
        (488, "SIP", "No answer in ACK", 'SIP cause 488 "No answer in ACK"'),
        (None, "X.int", "gone", "gone"),
    ],
)
def test_what_the_bye_said(cause: int | None, protocol: str | None, text: str | None, words: str) -> None:
    assert end_cause(answered(end_cause=cause, end_cause_protocol=protocol, end_cause_text=text)) == words


def test_wide_each_call_has_a_line() -> None:
    odd = answered(ending="bye_refused", ended_by="callee")
    lines = shown(odd_calls(), odd, odd).splitlines()
    assert len(lines) == 5
    assert lines[1] == "Answered, and ended oddly, newest last"
    assert lines[3].split()[:2] == ["09:00:00", "15550100"]
    for word in ("Hang-up refused", "the called side", "1:00", odd.id):
        assert word in lines[3]


@for_each("width", [80, 150])
def test_agents_who_were_busy_are_told_from_others(width: int) -> None:
    agent = call(id="a" * 12, legs=[leg(offered="busy")])
    lines = shown(failed_calls(), agent, call(id="b" * 12), width=width).splitlines()
    found = {one: "Agent busy" in line for line in lines for one in "ab" if one * 12 in line}
    assert found == {"a": True, "b": False}


@pytest.mark.parametrize("width", [80, 100, 110, 150])
def test_a_hop_is_never_broken_into_lines(width: int) -> None:
    """Where the table has no room for it, each call is a paragraph; its second line has the hop, if it can."""
    failed = call(reason_phrase="Busy Here and Everywhere", caller="15555550123", callee="15555550145")
    lines = shown(failed_calls(), failed, width=width).splitlines()
    (hop,) = (line for line in lines if "→ 192.0.2.80:5060" in line)
    assert "192.0.2.65:5060 →" in hop
    assert ("486 Busy Here and Everywhere" in hop) is (width >= 100)
    assert max(map(len, lines)) <= width


@pytest.mark.parametrize("width", [40, 60, 80])
def test_narrow_what_was_said_stays_indented_however_long_it_is(width: int) -> None:
    odd = answered(ending="error_reason", end_cause=488, end_cause_protocol="SIP", end_cause_text="no answer " * 20)
    text = shown(odd_calls(), odd, width=width)
    assert max(map(len, text.splitlines())) <= width
    said = text[text.index(odd.id) :].splitlines()[1:]
    assert len(said) > 3
    assert all(line.startswith(" " * 10) for line in said)


def test_a_call_that_nobody_ended_has_no_talk_time() -> None:
    text = shown(odd_calls(), answered(ending="no_bye", ended_by="timeout", talk_seconds=None), width=60)
    assert "by nobody  192.0.2.65:5060" in text
    assert "after" not in text


def test_what_failed_is_in_one_list_and_what_ended_oddly_in_the_other() -> None:
    failed, odd = failed_calls(), odd_calls()
    assert failed.take(call("busy"))
    assert not odd.take(call("busy"))
    assert odd.take(answered(ending="no_bye"))
    assert not failed.take(answered(ending="no_bye"))
    assert not failed.take(answered())
    assert not odd.take(answered())


def test_an_empty_list_is_nothing() -> None:
    assert not failed_calls()
    assert shown(failed_calls()) == ""


def test_hostile_text_is_made_visible() -> None:
    odd = answered(
        ending="error_reason", caller=EVIL, callee=EVIL, end_cause=1, end_cause_protocol=EVIL, end_cause_text=EVIL
    )
    for text in (shown(odd_calls(), odd, width=200), shown(odd_calls(), odd, width=60), parties(odd), end_cause(odd)):
        assert not any(character in text for character in "\x1b\x07\u202e")
