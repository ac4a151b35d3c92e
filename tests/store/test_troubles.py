"""Incidents of a store: a week of the usual, a day on which something rose, and the calls behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from sipwatch.export.filters import compile_filter
from sipwatch.packet import DAY, HOUR, MINUTE
from sipwatch.store import counted as counted_module
from sipwatch.store import troubles as troubles_module
from sipwatch.store.troubles import Troubles, filter_of_rise, wanted_of, yesterday_and_today
from sipwatch.store.wanted import Wanted
from tests.store.troubled import NOON, TODAY, calls, trouble, trouble_from_ten_to_eleven, week

if TYPE_CHECKING:
    from sipwatch.export.incidents import Looked
    from tests.store.stored import Stored


def look(store: Stored, now: int = NOON) -> Looked:
    return Troubles().look(store.read(), *yesterday_and_today(now))


@pytest.fixture
def troubled(store: Stored) -> Stored:
    """Return a store in which a trunk fails from ten to eleven."""
    trouble_from_ten_to_eleven(store)
    return store


def test_an_incident_has_the_calls_behind_it(troubled: Stored) -> None:
    """The first and the last of them, how many people, an example of each code, and who should look."""
    looked = look(troubled)
    [one] = looked.incidents
    assert (one.end, one.peer, one.rises[0].word) == ("destination", "south", "server_error")
    assert (one.since, one.last) == (TODAY + 10 * HOUR, TODAY + 11 * HOUR - 2 * MINUTE)
    assert (one.calls, one.callers, one.callees) == (30, 30, 1)
    assert one.until is not None
    assert [(example.status_code, example.calls) for example in one.examples] == [(503, 30)]
    assert [rise.owner for rise in one.rises] == ["the server or provider that said so"]
    assert [well.peer for well in one.well] == ["north"]


def test_what_rose_leads_to_just_its_calls(troubled: Stored) -> None:
    looked = look(troubled)
    [one] = looked.incidents
    [rise] = one.rises
    assert filter_of_rise(one, rise) == 'destination == "south" and outcome == "server_error"'
    found = list(troubled.read().calls(wanted_of(one, rise, looked.until)))
    assert len(found) == rise.calls == one.calls
    assert one.examples[0].id in {each.record.id for each in found}


def test_two_that_rose_at_different_times_lead_to_the_calls_of_each(troubled: Stored) -> None:
    """The figures of each are of its own time, and so are the calls, those who were touched, and the examples."""
    store = troubled
    later = trouble(TODAY + 10 * HOUR + 40 * MINUTE, TODAY + 11 * HOUR + 40 * MINUTE)
    store.put(
        *[replace(one, id="f" + one.id[1:], outcome="congested", caller="9" + (one.caller or "")) for one in later]
    )
    looked = look(store)
    [one] = looked.incidents
    assert sorted(rise.word for rise in one.rises) == ["congested", "server_error"]
    reader = store.read()
    for rise in one.rises:
        assert len(list(reader.calls(wanted_of(one, rise, looked.until)))) == rise.calls
    assert one.calls == sum(rise.calls for rise in one.rises) == one.callers == sum(each.calls for each in one.examples)


def test_of_all_calls_no_peer_is_in_the_filter(troubled: Stored) -> None:
    [one] = look(troubled).incidents
    rise = replace(one.rises[0], what="ending", word="no_bye")
    assert filter_of_rise(replace(one, end="all", peer=None), rise) == 'ending == "no_bye"'
    compile_filter(filter_of_rise(one, rise))


def test_what_was_found_is_found_again_later_with_the_same_id(troubled: Stored) -> None:
    found = [look(troubled, now).incidents[0] for now in (TODAY + 11 * HOUR, NOON, TODAY + DAY - MINUTE)]
    assert len({one.id for one in found}) == 1
    assert [one.until is None for one in found] == [True, False, False]


def test_one_caller_who_dials_again_and_again_is_no_incident(store: Stored) -> None:
    week(store)
    store.put(*calls(TODAY - DAY, NOON))
    store.put(*trouble(TODAY + 10 * HOUR, TODAY + 11 * HOUR, caller="15550100"))
    assert look(store).incidents == []


def test_who_dials_one_number_after_the_other_and_fails_is_one(store: Stored) -> None:
    week(store)
    store.put(*calls(TODAY - DAY, NOON))
    for place, one in enumerate(trouble(TODAY + 10 * HOUR, TODAY + 11 * HOUR, caller="15550100")):
        store.put(replace(one, callee=f"1556{place:07}"))
    [found] = look(store).incidents
    assert (found.callers, found.callees) == (1, 30)


def test_calls_that_are_up_have_been_answered(store: Stored) -> None:
    """Without them the last minutes would be nothing but failures: who talks is stored when the talk is over."""
    week(store)
    store.put(*calls(TODAY - DAY, NOON - 2 * HOUR))
    lively = list(calls(NOON - 2 * HOUR, NOON, every=MINUTE))
    store.put(*[one for one in lively if one.outcome == "busy"])
    assert [one.rises[0].word for one in look(store).incidents] == ["busy"]
    for one in lively:
        if one.outcome == "answered":
            store.intake.answered(one.id, one.started, (one.source, one.destination))
    store.writer.write()
    assert look(store).incidents == []


def test_what_begins_in_the_last_minute_has_to_wait() -> None:
    """Who is refused is stored at once, who rings is not."""
    assert yesterday_and_today(NOON + 90 * 10**9) == (TODAY - DAY, NOON)


def test_a_store_without_a_past_says_so(store: Stored) -> None:
    store.put(*calls(TODAY - DAY, NOON, outcome="server_error"))
    looked = look(store)
    assert looked.incidents == []
    assert (looked.has_past, looked.calls) == (False, 0)


def test_the_past_is_counted_once(troubled: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    series = counted_module.series
    monkeypatch.setattr(
        troubles_module,
        "series",
        lambda *given: asked.append(given[-1]) or series(*given),  # type: ignore[func-returns-value]
    )
    troubles, reader = Troubles(), troubled.read()
    first = troubles.look(reader, *yesterday_and_today(NOON))
    assert troubles.look(reader, *yesterday_and_today(NOON)) == first
    assert asked.count(HOUR) == 1


def test_where_there_are_very_many_pairs_intervals_are_longer(
    troubled: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counted_module, "MAX_COUNTS", 400)
    [one] = look(troubled).incidents
    assert one.peer == "south"


def test_examples_are_of_the_commonest_codes_and_have_messages(troubled: Stored) -> None:
    store = troubled
    some = list(trouble(TODAY + 10 * HOUR + MINUTE, TODAY + 10 * HOUR + 30 * MINUTE))
    store.put(*[replace(one, id="d" + one.id[1:], status_code=500) for one in some])
    [one] = look(store).incidents
    assert [(each.status_code, each.calls) for each in one.examples] == [(503, 30), (500, 15)]
    reader = store.read()
    latest = max(
        (each.record for each in reader.calls(Wanted(keep=compile_filter("status_code == 503")))),
        key=lambda record: record.started,
    )
    assert one.examples[0].id == latest.id
