"""Answered calls that ended oddly, as lists for wide and narrow terminals."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from sipwatch.classify.endings import UNREMARKABLE, Ending
from sipwatch.report.odd import end_cause, is_odd, odd_lines, odd_table, parties
from sipwatch.report.table import console
from tests.export.records import EVIL, answered, call

if TYPE_CHECKING:
    from rich.console import RenderableType


def shown(what: RenderableType, width: int = 110) -> str:
    out = io.StringIO()
    target = console(out)
    target.width = width
    target.print(what)
    return out.getvalue()


@pytest.mark.parametrize("ending", list(Ending))
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
    lines = shown(odd_table([odd, odd])).splitlines()
    assert len(lines) == 3
    assert lines[1].split()[:2] == ["09:00:00", "15550100"]
    for word in ("Hang-up refused", "the called side", "1:00", odd.id):
        assert word in lines[1]


@pytest.mark.parametrize("width", [40, 60, 80])
def test_narrow_what_was_said_stays_indented_however_long_it_is(width: int) -> None:
    odd = answered(ending="error_reason", end_cause=488, end_cause_protocol="SIP", end_cause_text="no answer " * 20)
    text = shown(odd_lines(odd), width)
    assert max(map(len, text.splitlines())) <= width
    said = text[text.index(odd.id) :].splitlines()[1:]
    assert len(said) > 3
    assert all(line.startswith(" " * 10) for line in said)


def test_a_call_that_nobody_ended_has_no_talk_time() -> None:
    text = shown(odd_lines(answered(ending="no_bye", ended_by="timeout", talk_seconds=None)))
    assert "by nobody\n" in "\n".join(line.rstrip() + "\n" for line in text.splitlines())
    assert "after" not in text


def test_hostile_text_is_made_visible() -> None:
    odd = answered(
        ending="error_reason", caller=EVIL, callee=EVIL, end_cause=1, end_cause_protocol=EVIL, end_cause_text=EVIL
    )
    for text in (shown(odd_table([odd])), shown(odd_lines(odd)), parties(odd), end_cause(odd)):
        assert not any(character in text for character in "\x1b\x07\u202e")
