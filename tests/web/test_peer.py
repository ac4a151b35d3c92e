"""One peer's page: outcomes by time, codes, last failures, and what is left of its objective."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.each import for_each
from tests.export import records
from tests.web.browsing import get, links, page, site_of, words
from tests.web.test_agent import section
from tests.web.test_agents import rows
from tests.web.test_calls import rows_of
from tests.web.test_peerfigures import put
from tests.web.test_peers import TO_ACME

if TYPE_CHECKING:
    from tests.store.stored import Stored


def test_figures_are_those_of_the_list(demo: Stored) -> None:
    found = page(site_of(demo), "/peers/acme")
    shown = rows(found)
    assert shown["Calls to"][:8] == TO_ACME
    assert shown["Calls from"][0] == "128"


def test_outcomes_stand_as_bars_and_as_figures(demo: Stored) -> None:
    """224 calls: 133 answered, 17 and 42 up to people, 7 not allowed or found, 11, 6 and 8 by faults."""
    part = section(page(site_of(demo), "/peers/acme"), "times")
    (bar,) = [words(title) for title in part.findall(".//{*}g/{*}title")]
    assert bar == (
        "2026-01-05 09:00 UTC: 224 calls, answered 133, up to people and other 59, not allowed or not found 7, faults 25"
    )
    assert rows(part)["2026-01-05 09:00 UTC"] == ["224", "133", "59", "3", "4", "17", "8"]
    assert [piece.attrib["class"] for piece in part.findall(".//{*}g/{*}rect")] == [
        "took",
        "beside",
        "refused",
        "fault",
    ]


def test_codes_lead_to_what_they_mean_and_to_their_calls(demo: Stored) -> None:
    site = site_of(demo)
    part = section(page(site, "/peers/acme"), "codes")
    texts = [words(row) for row in part.findall(".//tbody/tr")]
    assert texts[0] == "200 OK 133 calls with 200 59%"
    assert "603 Decline 12 calls with 603 5%" in texts
    assert "../explain/status%20603" in links(part)
    (listed,) = [link for link in links(part) if "status_code+%3D%3D+603" in link]
    assert len(rows_of(page(site, listed.removeprefix("..")))) == 12


def test_calls_without_any_final_response_are_found_as_well(store: Stored) -> None:
    store.put(records.call("not_responding", status_code=None, reason_phrase=None), records.call(id="1" * 12))
    site = site_of(store)
    part = section(page(site, "/peers/other"), "codes")
    assert "no final response 1 calls with no final response 50%" in words(part)
    (listed,) = [link for link in links(part) if "null" in link]
    assert len(rows_of(page(site, listed.removeprefix("..")))) == 1


def test_the_last_failures_are_shown_the_newest_first(demo: Stored) -> None:
    site = site_of(demo)
    part = section(page(site, "/peers/acme"), "failures")
    shown = rows_of(part)
    assert len(shown) == 10
    assert shown == sorted(shown, reverse=True)
    (onward,) = [link for link in links(part) if "filter=" in link]
    assert len(rows_of(page(site, onward.removeprefix("..")))) == 50


@for_each(
    "objective, told",
    [
        (0.9, "90% of the calls to this peer shall not fail by a fault"),
        (0.9, "In the last 30 days 5 of 100 did, and 10.0 may: 50% of the budget is left."),
        (0.8, "In the last 30 days 5 of 100 did, and 20.0 may: 75% of the budget is left."),
        (0.98, "In the last 30 days 5 of 100 did, and 2.0 may: the budget is used up, 2.5 times over."),
    ],
)
def test_an_objective_says_what_is_left_of_it(store: Stored, objective: float, told: str) -> None:
    if not list(store.folder.glob("*.sqlite")):
        put(store, answered=95, server_error=5)
    site = site_of(store, objectives={"phones": objective})
    assert told in words(section(page(site, "/peers/phones"), "goal"))


def test_without_an_objective_nothing_is_said_of_one(demo: Stored) -> None:
    assert not [
        part for part in page(site_of(demo), "/peers/acme").iter("section") if part.get("aria-labelledby") == "goal"
    ]


def test_a_peer_without_calls_in_that_time_is_told(demo: Stored) -> None:
    found = page(site_of(demo), "/peers/north?from=2025-01-01&to=2025-01-01")
    assert "No call from or to this peer began in this time" in words(found.find(".//main"))


def test_a_peer_that_is_nowhere_is_not_there_and_the_nearest_is_named(demo: Stored) -> None:
    """One that is configured is there, with or without calls."""
    (answer,) = get(site_of(demo), "/peers/nord")
    assert answer.status_code == 404
    assert "Nothing that is stored is from or to a peer &#39;nord&#39;; did you mean north?" in answer.text
    site = site_of(demo)
    site.objectives["nord"] = 0.9
    assert get(site, "/peers/nord")[0].status_code == 200


@for_each("name", ["%22%20or%20true", "a%2Fb", "%00", "x" * 70, "%3Cscript%3E"])
def test_what_is_no_name_of_a_peer_is_told(demo: Stored, name: str) -> None:
    (answer,) = get(site_of(demo), f"/peers/{name}")
    assert answer.status_code == 400
    assert "<script>" not in answer.text
