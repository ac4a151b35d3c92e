"""One agent's page: his figures, why calls were not taken, his hours and days, his calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sipwatch.classify.roster import Roster, RosterEntry
from tests.each import for_each
from tests.export import records
from tests.export.records import at
from tests.web.browsing import links, page, site_of, words
from tests.web.test_agents import ROSTER, rows
from tests.web.test_calls import rows_of

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from tests.store.stored import Stored

WHOLE = ["20", "6", "3 (2)", "0", "3", "1", "3", "4", "30%", "46%", "8.99 s", "2 / 5"]


def section(found: Element, name: str) -> Element:
    (part,) = [part for part in found.iter("section") if part.attrib["aria-labelledby"] == name]
    return part


def test_an_agents_figures_are_those_of_the_list(demo: Stored) -> None:
    found = page(site_of(demo, roster=ROSTER), "/agents/15555550106")
    assert words(found.find(".//h1")) == "Gina"
    assert rows(found)["Whole time"] == WHOLE
    assert rows(section(found, "days")) == {"2026-01-05": WHOLE}
    assert "15555550106, Support; calls were offered at 192.0.2.107" in words(found.find(".//main"))


def test_why_calls_were_not_taken_stands_with_what_to_do_and_nobodys_last(demo: Stored) -> None:
    """Of 3 that were busy 2 were so while idle."""
    part = section(page(site_of(demo), "/agents/15555550106"), "why")
    assert [words(head) for head in part.iter("h3")] == [
        "Rang out: 3 (15% of what was offered)",
        "Busy while idle: 2 (10% of what was offered)",
        "Agent busy: 1 (5% of what was offered)",
        "Not alerted: 1 (5% of what was offered)",
        "Another took it: 4 (20% of what was offered)",
        "Caller gave up first: 3 (15% of what was offered)",
    ]
    assert "Look for do not disturb" in words(part)
    assert {"../explain/idle_busy", "../explain/busy"} <= set(links(part))


def test_a_streak_and_a_stale_state_are_told_first(demo: Stored) -> None:
    shown = words(page(site_of(demo), "/agents/15555550106").find(".//main"))
    assert "5 calls in a row were not taken, 2 at the end of this time." in shown
    assert "Busy while idle 2 times." in shown
    assert "in a row were not taken" not in words(page(site_of(demo), "/agents/15555550100").find(".//main"))


def test_the_hours_of_the_day_are_those_of_the_zone(demo: Stored) -> None:
    part = section(page(site_of(demo), "/agents/15555550106?zone=Europe/Berlin"), "hours")
    bars = [words(bar.find("{*}title")) for bar in part.findall(".//{*}g")]
    assert len(bars) == 24
    assert bars[10] == "10:00: offered 20, took 6, not taken 7, held against nobody 7"
    assert bars[9] == "09:00: nothing was offered"
    assert rows(part) == {"10:00": WHOLE[:-1]}


def test_his_last_calls_are_those_that_were_offered_to_him_whatever_was_dialled(store: Stored) -> None:
    offered = records.leg(offered="busy", device="201", callee="201")
    store.put(
        *[records.call(id=f"{place:012x}", started=at(place), legs=[offered]) for place in range(12)],
        records.call(id="a" * 12, started=at(20)),
    )
    found = page(site_of(store), "/agents/201")
    shown = rows_of(section(found, "calls"))
    assert all("Agent busy" in row for row in shown)
    assert [row.split()[1] for row in shown] == [f"09:00:{place:02}" for place in range(11, 1, -1)]
    (onward,) = [link for link in links(section(found, "calls")) if "agent=" in link]
    assert len(rows_of(page(site_of(store), onward.removeprefix("..")))) == 12


def test_how_he_took_a_call_stands_before_what_became_of_it(store: Stored) -> None:
    """A colleague took one; one was declined first and taken when it came again."""
    his = {"device": "201", "callee": "201"}
    again = [records.leg(offered="declined", settled=at(1), **his), records.leg(offered="taken", settled=at(9), **his)]
    elsewhere = [records.leg(offered="elsewhere", **his), records.leg(offered="taken", device="202", callee="202")]
    store.put(
        records.answered(id="a" * 12, started=at(1), legs=elsewhere),
        records.answered(id="b" * 12, started=at(2), legs=again),
    )
    part = section(page(site_of(store), "/agents/201"), "calls")
    heads = [words(head) for head in part.findall(".//thead//th")]
    assert heads[2:4] == ["This agent", "What became of the call"]
    told = [[words(cell) for cell in row][2:4] for row in part.findall(".//tbody/tr")]
    assert [(how, "✓ Answered" in became) for how, became in told] == [
        ("Took it", True),
        ("Another took it", True),
    ]


def test_an_agent_is_found_by_what_the_configuration_calls_him(store: Stored) -> None:
    leg = records.leg(offered="taken", device="4930555201", callee="4930555201")
    store.put(records.answered(legs=[leg]))
    roster = Roster([RosterEntry("+49 30 555201", "Ida")])
    for path in ("/agents/%2B49%2030%20555201", "/agents/4930555201"):
        found = page(site_of(store, roster=roster), path)
        assert rows(found)["Whole time"][:2] == ["1", "1"]
        assert len(rows_of(section(found, "calls"))) == 1


def test_what_was_offered_to_an_address_is_his_who_stands_there(store: Stored) -> None:
    named = records.leg(offered="busy", device="201", destination_address="192.0.2.5:5060")
    bare = records.leg(offered="busy", callee=None, destination_address="192.0.2.5:5060")
    other = records.leg(offered="busy", callee=None, destination_address="192.0.2.50:5060")
    store.put(*[records.call(id=f"{place:012x}", legs=[leg]) for place, leg in enumerate((bare, named, other))])
    found = page(site_of(store), "/agents/201")
    assert rows(found)["Whole time"][0] == "2"
    assert len(rows_of(section(found, "calls"))) == 2


@for_each("number", ["nobody", "%00", "a%2Fb", "..%2F..", "%22%3E%3Cscript%3E", "x" * 3000])
def test_who_was_offered_nothing_is_told_so(demo: Stored, number: str) -> None:
    found = page(site_of(demo), f"/agents/{number}")
    assert "No call was offered to this number in this time." in words(found.find(".//main"))
    assert "../agents" in links(found)  # a slash in a number is no step on the way
