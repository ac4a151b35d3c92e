"""The page of who waits to be called back: the oldest first, each caller once, and why where nobody does."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from sipwatch.export.waiting import DeskRecord, waiting_records
from sipwatch.web.callbacks import MAX_SHOWN
from tests.each import for_each
from tests.export import records
from tests.export.records import at
from tests.web.browsing import get, links, page, site_of, words
from tests.web.test_calls import HOSTILE, rows_of
from tests.web.watched import NOW, Told, waits

if TYPE_CHECKING:
    from sipwatch.export.record import CallRecord
    from sipwatch.export.waiting import WaitingRecord
    from sipwatch.web.site import Website
    from tests.store.stored import Stored

WITHIN = 3600 * 10**9


def live(store: Stored, *waiting: WaitingRecord, within: float | None = 3600, trunk: bool = True) -> Website:
    return site_of(store, daemon=Told(desk=DeskRecord(NOW, within, trunk, list(waiting))))


def missed(seconds: float, caller: str = "+4930555123", tag: str = "waiting_callback", **more: object) -> CallRecord:
    return records.call(
        "no_answer",
        **{"id": f"{int(seconds):012x}", **more},
        started=at(seconds),
        ended=at(seconds + 10),
        caller=caller,
        tags=[tag],
    )


def test_who_waits_is_shown_with_all_that_one_needs_to_call_back(store: Stored) -> None:
    found = page(
        live(store, waits(attempts=2, last_attempt=str(at(3300)), redials=1, last_redial=str(at(3240)))), "/callbacks"
    )
    assert rows_of(found) == [
        "+493055512310:002026-01-05 09:50:00dialled 4401over acmecalled again once, at 09:54:00; we tried 2 times, the last at 09:55:00Look into the call of +4930555123"
    ]
    [clock] = [one for one in found.iter("span") if "data-lasts" in one.attrib]
    assert clock.attrib["data-lasts"] == "600000"
    assert f"./calls/{'a' * 12}" in links(found)


def test_a_caller_who_tried_again_is_one_caller(store: Stored) -> None:
    site = live(store, waits(), waits(id="b" * 12, waited_seconds=300.0), waits(id="c" * 12, number="+4930555124"))
    found = page(site, "/callbacks")
    assert [row[:11] for row in rows_of(found)] == ["+4930555123", "+4930555124"]
    assert "3 missed calls" in words(found)


def test_numbers_that_are_hidden_may_be_different_callers(store: Stored) -> None:
    found = page(live(store, waits(number="+49305****"), waits(number="+49305****", id="b" * 12)), "/callbacks")
    assert len(rows_of(found)) == 2


@for_each(
    "within, trunk, why",
    [
        (None, True, "the configuration has no [callback]"),
        (3600, False, "no peer of the configuration is a trunk"),
        (3600, True, "Nobody waits. Every caller from outside who was missed within 1:00:00 was reached"),
    ],
)
def test_an_empty_page_says_why(store: Stored, within: float | None, trunk: bool, why: str) -> None:
    assert why in words(page(live(store, within=within, trunk=trunk), "/callbacks"))


def test_who_was_reached_is_ticked_off(store: Stored) -> None:
    again = records.answered(id="d" * 12, caller="+4930555123", callee="4402", started=at(160), answered=at(170))
    store.put(missed(100, tag="called_back"), missed(200, "+4930555124", tag="called_back"), again)
    found = page(live(store, waits()), "/callbacks")
    assert [words(one) for one in found.findall(".//ul[@class='ticked']/li")] == [
        "✓ +4930555124, who had dialled 15550101 at 2026-01-05 09:03:20",
        "✓ +4930555123, who had dialled 15550101 at 2026-01-05 09:01:40, rang again and spoke to 4402 at 2026-01-05 09:02:50, 1:10 later",
    ]
    assert "./calls/dddddddddddd" in links(found)


def test_over_a_store_alone_its_marks_say_who_waits(store: Stored) -> None:
    store.put(
        missed(100), missed(200), missed(-4000, "+4930555125"), missed(300, "+4930555124"), records.call(id="e" * 12)
    )
    site = site_of(store, within=WITHIN)
    assert [row[:11] for row in rows_of(page(site, "/callbacks"))] == ["+4930555123", "+4930555124"]
    assert rows_of(page(site, "/callbacks?since=3h"))[0].startswith("+4930555125")
    assert "marked as waiting" in words(page(site, "/callbacks?since=1m"))
    assert page(site, "/callbacks?since=x", 400) is not None


def test_the_file_has_every_missed_call(store: Stored) -> None:
    (answer,) = get(live(store, waits(), waits(id="b" * 12, number="=1+1")), "/callbacks.csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="callbacks.csv"'
    first, second = csv.DictReader(io.StringIO(answer.text))
    assert (first["number"], first["missed"]) == ("'+4930555123", "2026-01-05T09:50:00.000000Z")
    assert not second["number"].startswith("=")


def test_a_page_shows_so_many_and_says_how_many_more_there_are(store: Stored) -> None:
    many = [waits(id=f"{n:012x}", number=f"+49{n:08}") for n in range(MAX_SHOWN + 1_500)]
    found = page(live(store, *many), "/callbacks")
    assert len(rows_of(found)) == MAX_SHOWN
    assert "1,500 more wait" in words(found)


def test_who_was_not_reached_in_time_is_counted_and_leads_to_his_calls(store: Stored) -> None:
    """It is 10:00 by the daemon: who was missed at 07:00 and at 08:00 is not waited for any more."""
    waiting = waits(id=f"{10:012x}")
    store.put(missed(10), missed(-3600, "+4930555125", id="d" * 12), missed(-7200, "+4930555126", id="e" * 12))
    found = page(live(store, waiting), "/callbacks")
    assert "2 missed calls of the 24 hours before the last 1:00:00" in words(found)
    [path] = [link for link in links(found) if "waiting_callback" in link]
    listed = page(live(store, waiting), path.removeprefix("."))
    assert "+4930555125" in words(listed)
    assert "+4930555126" in words(listed)
    assert "+4930555123" not in words(listed)
    assert "Not reached in time" not in words(page(live(store, waits(id="d" * 12), waits(id="e" * 12)), "/callbacks"))


def test_stored_calls_tell_that_the_same_caller_called_again() -> None:
    """Missed at 110 s, 210 s and 310 s: the first has two tries behind it; what we tried is not known."""
    found = waiting_records([missed(300), missed(200), missed(100)], int(at(3720)), WITHIN)
    assert {one.attempts for one in found} == {None}
    assert [(one.redials, one.last_redial) for one in found] == [
        (2, str(at(310))),
        (1, str(at(310))),
        (0, None),
    ]
    assert [(one.waited_seconds, one.overdue) for one in found] == [(3610.0, True), (3510.0, False), (3410.0, False)]


@for_each("text", HOSTILE)
def test_what_strangers_wrote_is_text(store: Stored, text: str) -> None:
    found = page(live(store, waits(number=text, dialled=text, source=text)), "/callbacks")
    table = found.find(".//table/tbody")
    assert table is not None
    assert {one.tag for one in table.iter()} == {"tbody", "tr", "td", "span", "time", "a"}
