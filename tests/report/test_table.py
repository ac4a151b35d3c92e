"""The report at a terminal: complete, narrow enough, and harmless."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

import pytest

from sipwatch.export.summary import Summary
from sipwatch.report.listed import NEWEST, stuck_at
from sipwatch.report.table import MAX_ENDS, TableWriter

if TYPE_CHECKING:
    from sipwatch.export.record import CallRecord, CaptureRecord
from tests.export.records import EVIL, answered, at, call, capture, condition, leg, link


class Screen(io.StringIO):
    """A terminal, or what stands in for one."""

    def __init__(self, *, tty: bool = False) -> None:
        super().__init__()
        self._tty = tty

    def isatty(self) -> bool:
        return self._tty


def report(*calls: CallRecord, head: CaptureRecord | None = None, tty: bool = False) -> str:
    out, summary = Screen(tty=tty), Summary()
    writer = TableWriter(out, summary)
    for record in calls:
        summary.add(record, False)
        writer.call(record)
    writer.finish(head or capture(), summary.to_record())
    return out.getvalue()


def test_it_says_what_became_of_the_calls_with_plain_names() -> None:
    text = report(answered(), answered(), call(), call("no_progress", conditions=[condition()]))
    assert re.search(r"2  Answered +50\.0%", text)
    assert "Busy" in text
    assert "Stuck in Trying" in text
    assert "no_progress" in text
    assert re.search(r"ASR +50\.0%  answered", text)


def test_agents_who_were_busy_are_counted_apart_from_others() -> None:
    agent = call(legs=[leg(offered="busy")], source="acme", destination="phones")
    text = report(agent, agent, call(source="acme", destination="north"), answered(source="acme", destination="north"))
    assert re.search(r"2  Agent busy +50\.0%", text)
    assert re.search(r"1  Busy +25\.0%", text)
    assert re.search(r"2  phones +0\.0%  Agent busy 2\n", text)
    assert re.search(r"2  north +50\.0%  Busy 1\n", text)


def test_failed_calls_are_listed_newest_last_with_the_hop() -> None:
    text = report(call(started=at(2), callee="second"), call(started=at(1), callee="first"), answered(callee="fine"))
    failed = text[text.index("Failed calls") :]
    assert failed.index("first") < failed.index("second")
    assert "fine" not in failed
    assert "486 Busy Here" in failed
    assert "192.0.2.65:5060" in failed


def test_a_long_list_is_cut_and_says_so() -> None:
    text = report(*[call(callee=f"n{n}", started=at(n)) for n in range(NEWEST + 5)])
    assert f"the newest {NEWEST} of {NEWEST + 5}; --format csv has them all" in text
    assert "n4 " not in text


def test_answered_calls_that_ended_oddly_are_listed_with_what_was_said_at_the_end() -> None:
    odd = answered(callee="odd", ending="error_reason", end_cause=38, end_cause_protocol="Q.850", end_cause_text="RTP")
    text = report(answered(callee="fine"), answered(callee="later", ending="capture_end"), odd)
    assert "Failed calls" not in text
    listed = text[text.index("Answered, and ended oddly, newest last") :]
    for word in ("odd", "Dropped with an error", "Q.850 cause 38", '"RTP"', "the caller", "1:00", odd.id):
        assert word in listed
    assert "fine" not in listed
    assert "later" not in listed
    assert listed.rstrip().endswith("Look closer with --ladder ID.")


def test_a_long_list_of_odd_endings_is_cut_and_says_so() -> None:
    text = report(*[answered(callee=f"n{n}", started=at(n), ending="no_bye") for n in range(NEWEST + 2)])
    assert f"the newest {NEWEST} of {NEWEST + 2}; --format csv has them all" in text
    assert "n1 " not in text


def test_a_line_says_how_many_verdicts_rest_on_inference() -> None:
    assert "inference" not in report(answered(), call())
    unseen = answered(status_code=None, legs=[leg(outcome="answered", status_code=None, inferred=["success"])])
    assert "1 of 3 verdict rests on inference" in report(unseen, answered(), call())
    assert "2 of 2 verdicts rest on inference" in report(unseen, unseen)


def test_linked_calls_are_marked_and_their_pairs_counted_as_the_two_calls_that_they_are() -> None:
    first, second = call(id="aa", started=at(1)), call(id="bb", started=at(2), linked=[link("aa", 1)])
    text = report(first, second)
    assert "1 pair of linked calls, counted as two calls" in text
    assert re.search(r"2 +calls", text)
    assert "bb ⇄" in text
    assert "aa ⇄" not in text
    assert "⇄ marks a call that is linked with another" in text
    more = report(first, second, call(id="cc", started=at(3), linked=[link("aa", 1), link("bb", 2)]))
    assert "3 pairs of linked calls, each counted as two calls" in more


def test_where_nothing_is_linked_nothing_is_said_of_it() -> None:
    text = report(call())
    assert "linked" not in text
    assert "⇄" not in text


def test_a_final_that_was_not_captured_is_not_said_to_be_missing() -> None:
    def said(*inferred: str) -> str:
        legs = [leg(status_code=None, inferred=list(inferred))]
        return report(call("abandoned", status_code=None, reason_phrase=None, legs=legs))

    assert "no final response" in said()
    assert "no final response" not in said("final")
    assert re.search(r"final response not +(.*\n.*)?captured", said("final"))


def test_peers_are_listed_only_when_there_are_some() -> None:
    assert "From" not in report(call()).split("Failed")[0]
    assert "acme" in report(call(source="acme"))


def test_of_many_peers_those_with_the_most_calls_are_listed() -> None:
    text = report(*[call(source=f"trunk-{n:02}") for n in range(MAX_ENDS + 1) for _ in range(1 + (n > 0))])
    listed = text[text.index("From") : text.index("Failed calls")]
    assert listed.count("trunk-") == MAX_ENDS
    assert "trunk-00" not in listed


def test_of_many_files_three_are_named() -> None:
    assert "a, b, c\n" in report(head=capture(files=["a", "b", "c"]))
    assert "a, b, c and 2 more\n" in report(head=capture(files=["a", "b", "c", "d", "e"]))


def test_a_capture_without_calls_says_what_was_there() -> None:
    assert "No call was attempted in this capture. Requests seen: REGISTER 3." in report(
        head=capture(requests={"REGISTER": 3})
    )
    nothing = report(head=capture(messages=0, requests={}, responses={}, discards={"tls": 9, "not_ip": 2}))
    assert "No SIP message was found" in nothing
    assert "tls 9" in nothing
    assert "--keylog" in nothing


def test_the_hop_is_that_of_the_deepest_leg_that_failed() -> None:
    legs = [leg(), leg(source_address="192.0.2.80:5060", destination_address="192.0.2.66:5060")]
    assert stuck_at(call(legs=legs, destination_address="192.0.2.66:5060")) == "192.0.2.80:5060 → 192.0.2.66:5060"
    assert stuck_at(call(legs=[])) == "192.0.2.65:5060 → 192.0.2.80:5060"


@pytest.mark.parametrize("width", ["40", "60", "80", "120"])
def test_it_fits_the_terminal(width: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", width)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    text = report(
        answered(),
        answered(
            ending="error_reason", end_cause=488, end_cause_protocol="SIP", end_cause_text="No answer in ACK " * 5
        ),
        answered(status_code=None, legs=[leg(inferred=["success"])], ending="midcall_failure", caller="1" * 30),
        call(source="acme"),
        call("no_progress", conditions=[condition()]),
        tty=True,
    )
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)  # bold is no colour
    assert max(len(line) for line in plain.splitlines()) <= int(width)


def test_colours_only_on_a_terminal_and_not_where_no_color_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[" in report(call(), tty=True)
    assert "\x1b[" not in report(call())
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[3" not in report(call(), tty=True)


def test_hostile_text_never_reaches_the_terminal() -> None:
    ended = answered(ending="error_reason", caller=EVIL, end_cause=1, end_cause_protocol=EVIL, end_cause_text=EVIL)
    text = report(call(caller=EVIL, reason_phrase=EVIL, source=EVIL), ended, head=capture(files=[EVIL]))
    assert not any(char in text for char in "\x1b\x07\u202e")
    assert "[red]" in report(call(caller="[red]x[/red]"))


def test_markup_in_a_request_method_stays_text() -> None:
    assert "[bold]X" in report(head=capture(requests={"[bold]X": 1}))
