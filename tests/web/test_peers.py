"""The page of peers: figures counted by hand for the demonstration, and what differs from before in words."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from tests.each import for_each
from tests.web.browsing import get, links, page, site_of, tree, words
from tests.web.test_agents import rows
from tests.web.test_calls import KNOWN, rows_of
from tests.web.test_peerfigures import put

if TYPE_CHECKING:
    from tests.store.stored import Stored

# Of the demonstration's calls: to each peer, and from it. Calls, answered, NER, up to a person, not allowed, not found,
# technical, no capacity; then the wait, and what differs.
TO_ACME = ["96", "55%", "73%", "17", "3", "4", "11", "8"]


def test_the_demos_peers_have_their_figures(demo: Stored) -> None:
    """Of 96 to acme 53 were answered: with 17 up to people 70, and 3, 4, 11 and 8 failed otherwise."""
    found = page(site_of(demo), "/peers")
    to, came = (rows(part) for part in found.findall(".//section"))
    assert (list(to), list(came)) == (["phones", "acme", "north", "server"], ["phones", "acme", "north"])
    assert to["acme"][:8] == TO_ACME
    assert to["acme"][-1] == "too few to compare: 96, 0 before"


def test_each_figure_leads_to_its_calls(demo: Stored) -> None:
    site = site_of(demo)
    part = page(site, "/peers").findall(".//section")[0]
    (row,) = [row for row in part.findall(".//tbody/tr") if words(row).startswith("acme")]
    asked = {parse_qs(urlsplit(link).query)["filter"][0]: link for link in links(row) if "calls?" in link}
    assert len(asked) == 6
    for condition, count in (('category == "technical"', 11), ('category == "capacity"', 8)):
        path = asked[f'destination == "acme" and {condition}'].removeprefix(".")
        assert len(rows_of(page(site, path))) == count
    assert "./peers/acme" in links(row)


def test_what_differs_is_said_in_words(store: Stored) -> None:
    put(store, answered_before=30, busy_before=10, answered=10, busy=30)
    shown = rows(page(site_of(store), "/peers"))
    assert shown["acme"][-1] == (
        "fewer answered: 25.0% (10 of 40), 75.0% before (30 of 40); "
        "more up to a person: 75.0% (30 of 40), 25.0% before (10 of 40)"
    )


def test_where_nothing_differs_that_is_said(store: Stored) -> None:
    put(store, answered_before=40, answered=40)
    assert rows(page(site_of(store), "/peers"))["acme"][-1] == "no difference beyond chance"


def test_a_time_without_calls_says_what_there_is(demo: Stored, store: Stored) -> None:
    shown = words(page(site_of(demo), "/peers?period=yesterday").find(".//main"))
    assert "No call began in this time." in shown
    assert "from 2026-01-05 09:00:01 to 2026-01-05 09:09:59" in shown
    assert "No call is stored yet at all." in words(page(site_of(store), "/peers").find(".//main"))


@for_each("query", ["period=x", "zone=x", "from=x", "to=x", "from=2026-01-06&to=2026-01-05"])
def test_what_cannot_be_meant_is_told(demo: Stored, query: str) -> None:
    for answer in get(site_of(demo), f"/peers?{query}", f"/peers/acme?{query}"):
        assert answer.status_code == 400
        assert {element.tag for element in tree(answer.text).iter()} <= KNOWN
