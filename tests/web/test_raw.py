"""Messages as they stood on the wire: which lines decided, and how much of what is long is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from sipwatch.web import raw
from sipwatch.web.raw import shown_messages
from tests.export import records
from tests.export.records import message
from tests.web.browsing import watched
from tests.web.test_why import PROXIED, WITH_REASON

if TYPE_CHECKING:
    import pytest

    from tests.store.stored import Stored


def test_the_line_that_decided_is_marked_and_no_other(store: Stored) -> None:
    found = shown_messages(watched(store, WITH_REASON)).messages
    marked = [(one.place, line.text) for one in found for line in one.lines if line.decides]
    assert marked == [(2, "Reason: Q.850;cause=17")]
    assert [one.place for one in found if one.decides] == [2]


def test_where_the_status_decided_the_first_line_is_marked(store: Stored) -> None:
    found = shown_messages(watched(store, PROXIED)).messages
    assert [line.text for one in found for line in one.lines if line.decides] == ["SIP/2.0 486 Busy Here"]
    assert [one.after for one in found] == ["+0.00 s", "+0.10 s", "+0.10 s", "+0.30 s", "+0.10 s", "+0.10 s", "+0.10 s"]
    assert (found[3].source, found[3].destination) == ("192.0.2.66:5060", "192.0.2.80:5060")


def test_a_header_over_several_lines_is_marked_whole_and_the_body_never(store: Stored) -> None:
    call = watched(store, WITH_REASON)
    messages = list(call.messages or ())
    folded = messages[2].raw.replace("Q.850;cause=17", "Q.850\r\n ;cause=17").rstrip("\r\n")
    messages[2] = replace(messages[2], raw=folded + "\r\n\r\nReason: none\r\n")
    lines = shown_messages(replace(call, messages=messages)).messages[2].lines
    assert [line.text for line in lines if line.decides] == ["Reason: Q.850", " ;cause=17"]
    assert lines[-1].text == "Reason: none"


def test_of_very_many_messages_the_first_and_the_last_are_shown() -> None:
    call = records.call(messages=[message(n, "a", "b", f"MESSAGE {n}") for n in range(1000)])
    found = shown_messages(call)
    assert (len(found.messages), found.left_out) == (400, 600)
    assert [found.messages[n].place for n in (0, 299, 300, 399)] == [0, 299, 900, 999]


def test_of_very_much_text_the_beginnings_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raw, "_PLENTY", 10_000)
    long = replace(message(0, "a", "b", "MESSAGE x"), raw="y" * 9000)
    (only,) = shown_messages(records.call(messages=[long])).messages
    assert only.cut == 0
    both = shown_messages(records.call(messages=[long, long])).messages
    assert [(one.cut, len(one.lines[0].text)) for one in both] == 2 * [(9000 - 4096, 4096)]
